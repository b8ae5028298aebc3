//! What happened between hosts as arrows between lines, one for each of them.
//!
//! ```text
//!    time      frame  10.66.1.2                                     203.0.113.21
//!    +0.812      #38      │ PASV ───────────────────────────────────────→ │ :21
//!    +0.813      #39      │ ←──────────────────────── 227 203.0.113.21:50514 │ :40122
//!    +0.813      #40      │ SYN ────────────────────✗ no answer           │ :50514
//! ```

use std::io;

use super::Report;
use super::page::{Ink, Line, Page};
use crate::analysis::{Party, Step, Story, What};
use crate::report::escape::{cut, escape, width};
use crate::report::human::{bytes, plural, relative};

/// Who stands where: client and server, or source, client and destination of a copy between two
/// servers.
#[derive(Clone, Debug)]
pub struct Ladder {
    columns: Vec<(Party, String)>,
}

impl Ladder {
    pub fn of(story: &Story<'_>) -> Self {
        let (client, server) = (story.session.client.ip, story.session.server.ip);
        let own = [(Party::Client, client.to_string()), (Party::Server, server.to_string())];
        let partners = |wanted: bool| {
            let partners = story.partners.iter().filter(move |(_, is_source)| *is_source == wanted);
            partners.map(|(host, _)| (Party::Other(*host), host.to_string()))
        };
        let mut columns: Vec<_> = partners(true).chain(own).collect();
        if columns.len() == 2 && !story.partners.is_empty() {
            columns.reverse();
        }
        columns.extend(partners(false));
        Self { columns }
    }

    /// The hosts above their lines, of which the first and the last are `room` columns apart.
    pub fn head(&self, room: usize) -> String {
        let mut head = String::new();
        let last = self.columns.len().saturating_sub(1);
        for (nth, (_, name)) in self.columns.iter().enumerate() {
            let own = width(name);
            let line = self.spans(room).take(nth).map(|span| span + 1).sum::<usize>();
            let at = match nth {
                0 => 0,
                nth if nth == last => (line + 1).saturating_sub(own),
                _ => line.saturating_sub(own / 2),
            };
            let least = if nth == 0 { 0 } else { width(&head) + 2 };
            head.push_str(&" ".repeat(at.max(least) - width(&head)));
            head.push_str(name);
        }
        head
    }

    /// A step, in [`words`](Self::words), in `room` columns between the first line and the last.
    pub fn rung(&self, step: &Step, words: &str, room: usize) -> String {
        let (from, to) = self.way(step);
        let is_right = to > from;
        let first = if is_right { from } else { from.saturating_sub(1) };
        let mut rung = String::new();
        for (nth, span) in self.spans(room).enumerate() {
            if nth > 0 {
                let is_crossed = from.min(to) < nth && nth < from.max(to) && lost(step).is_none();
                rung.push(if is_crossed { '┼' } else { '│' });
            }
            let is_on_way = (from.min(to)..from.max(to)).contains(&nth);
            let part = match (is_on_way, nth == first, lost(step)) {
                (false, ..) | (true, false, Some(_)) => " ".repeat(span),
                (true, true, Some(lost)) => broken(words, lost, is_right, span),
                (true, is_first, None) => {
                    let is_last = if is_right { nth + 1 == to } else { nth == to };
                    shaft(is_first.then_some(words), is_last, is_right, span)
                }
            };
            rung.push_str(&part);
        }
        rung
    }

    /// Something that is no step, in the same room.
    pub fn told(&self, text: &str, room: usize) -> String {
        let text = cut(text, room.saturating_sub(2)).into_owned();
        format!(" {text}{}", " ".repeat(room.saturating_sub(width(&text) + 1)))
    }

    /// Widths between the lines.
    fn spans(&self, room: usize) -> impl Iterator<Item = usize> {
        let count = self.columns.len().saturating_sub(1).max(1);
        let free = room.saturating_sub(count - 1);
        (0..count).map(move |nth| free / count + if nth + 1 == count { free % count } else { 0 })
    }

    /// From which line to which. What a host without a line says is drawn as it came: towards the
    /// client, or from it.
    fn way(&self, step: &Step) -> (usize, usize) {
        let at = |party| self.columns.iter().position(|(known, _)| *known == party);
        if let (Some(from), Some(to)) = (at(step.from), at(step.to))
            && from != to
        {
            return (from, to);
        }
        let (client, server) = (at(Party::Client).unwrap_or(0), at(Party::Server).unwrap_or(1));
        let is_from_client = match step.from {
            Party::Client => true,
            Party::Server => false,
            Party::Other(_) => matches!(step.what, What::Syn { .. }),
        };
        if is_from_client { (client, server) } else { (server, client) }
    }

    fn has(&self, party: Party) -> bool {
        self.columns.iter().any(|(known, _)| *known == party)
    }

    /// What was sent, and from or to whom, where that host has no line.
    pub fn words(&self, step: &Step) -> String {
        let what = words(step);
        match (step.from, step.to) {
            (from @ Party::Other(host), _) if !self.has(from) => format!("{what} from {host}"),
            (_, to @ Party::Other(host)) if !self.has(to) => format!("{what} to {host}"),
            _ => what,
        }
    }
}

/// Text and the beginning of an arrow, its middle, or its point.
fn shaft(text: Option<&str>, is_last: bool, is_right: bool, span: usize) -> String {
    let text = text.map(|text| format!(" {} ", cut(text, span.saturating_sub(AROUND))));
    let text = text.unwrap_or_default();
    let point = match (is_last, is_right) {
        (false, _) => "",
        (true, true) => "→ ",
        (true, false) => " ←",
    };
    let line = "─".repeat(span.saturating_sub(width(&text) + width(point)));
    if is_right { format!("{text}{line}{point}") } else { format!("{point}{line}{text}") }
}

/// An arrow that does not arrive.
fn broken(text: &str, why: &str, is_right: bool, span: usize) -> String {
    let lost = format!("✗ {why}");
    let text = cut(text, span.saturating_sub(AROUND + width(&lost))).into_owned();
    let free = span.saturating_sub(width(&text) + width(&lost) + 3);
    let (line, rest) = ("─".repeat(free / 2), " ".repeat(free - free / 2));
    match is_right {
        true => format!(" {text} {line} {lost}{rest}"),
        false => format!("{rest}{lost} {line} {text} "),
    }
}

/// Columns of an arrow beside its text.
const AROUND: usize = 7;

/// What became of it, where it did not arrive.
pub fn lost(step: &Step) -> Option<&'static str> {
    matches!(step.what, What::Syn { answered: false, .. }).then_some("no answer")
}

pub fn is_bad(step: &Step) -> bool {
    lost(step).is_some() || matches!(step.what, What::Reset | What::Icmp(_))
}

fn words(step: &Step) -> String {
    match &step.what {
        What::Said(text) => escape(text).into_owned(),
        What::Syn { again: false, .. } => "SYN".to_owned(),
        What::Syn { again: true, .. } => "SYN again".to_owned(),
        What::SynAck => "SYN-ACK".to_owned(),
        What::Reset => "RST".to_owned(),
        What::Icmp(name) => format!("ICMP {name}"),
        What::Data(count) => format!("data, {}", bytes(*count)),
        What::Fin => "FIN".to_owned(),
    }
}

/// Draws the steps of a story.
pub(super) fn write(report: &Report<'_>, story: &Story<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if story.steps.is_empty() {
        return Ok(());
    }
    let shown = || story.steps.iter().take(MOST);
    let rows: Vec<(String, String)> = shown().map(|step| place(report, story, step)).collect();
    let time = rows.iter().map(|(time, _)| width(time)).max().unwrap_or(0).max(4);
    let frame = rows.iter().map(|(_, frame)| width(frame)).max().unwrap_or(0).max(5);
    let left = 3 + time + 2 + frame + 2;
    let room = page.width().saturating_sub(left + 2 + PORT).max(20) - 1;
    let ladder = Ladder::of(story);
    let mut head = Line::of("   ").and(Ink::Dim, "time");
    head.tab(3 + time + 2 + frame - 5);
    head.push(Ink::Dim, "frame");
    head.tab(left);
    page.line(&head.and(Ink::Strong, &ladder.head(room)))?;
    for ((time, number), step) in rows.iter().zip(shown()) {
        let mut line = Line::of("   ").and(Ink::Plain, time);
        line.tab(left - 2 - width(number));
        line.push(Ink::Dim, number);
        line.tab(left);
        line.push(Ink::Dim, "│");
        let ink = if is_bad(step) { Ink::Bad } else { Ink::Plain };
        line.push(ink, &ladder.rung(step, &ladder.words(step), room));
        line.push(Ink::Dim, "│");
        page.line(&line.and(Ink::Dim, &format!(" :{}", step.port)))?;
    }
    if story.steps.len() > MOST {
        let more = plural((story.steps.len() - MOST) as u64, "step");
        page.line(&Line::inked(Ink::Dim, &format!("   … {more} more")))?;
    }
    Ok(())
}

/// Steps drawn of one story.
const MOST: usize = 24;

/// Columns for ` :65535`.
const PORT: usize = 7;

/// When, and in which frames.
fn place(report: &Report<'_>, story: &Story<'_>, step: &Step) -> (String, String) {
    let since = step.stamp.at.nanos_since(story.session.tcp.link.first.at);
    let frame = match step.until {
        Some(until) => report.frames(step.stamp, until),
        None => report.frame(step.stamp),
    };
    (since.map(relative).unwrap_or_default(), frame)
}
