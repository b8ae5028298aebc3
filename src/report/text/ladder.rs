//! What happened between client and server as arrows between two lines.
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

/// Draws the steps of a story.
pub(super) fn write(report: &Report<'_>, story: &Story<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if story.steps.is_empty() {
        return Ok(());
    }
    let rows = story.steps.iter().take(MOST).map(|step| Row::new(report, story, step));
    let rows: Vec<Row> = rows.collect();
    let time = rows.iter().map(|row| width(&row.time)).max().unwrap_or(0).max(4);
    let frame = rows.iter().map(|row| width(&row.frame)).max().unwrap_or(0).max(5);
    let left = 3 + time + 2 + frame + 2;
    let room = page.width().saturating_sub(left + 2 + PORT).max(20);
    let (client, server) =
        (story.session.client.ip.to_string(), story.session.server.ip.to_string());
    let mut head = Line::of("   ").and(Ink::Dim, "time");
    head.tab(3 + time + 2 + frame - 5);
    head.push(Ink::Dim, "frame");
    head.tab(left);
    head.push(Ink::Strong, &client);
    head.tab((left + room + 2).saturating_sub(width(&server)).max(left + width(&client) + 2));
    page.line(&head.and(Ink::Strong, &server))?;
    for row in rows {
        let mut line = Line::of("   ").and(Ink::Plain, &row.time);
        line.tab(3 + time + 2 + frame - width(&row.frame));
        line.push(Ink::Dim, &row.frame);
        line.tab(left);
        line.push(Ink::Dim, "│");
        row.arrow.draw(&mut line, room);
        line.push(Ink::Dim, "│");
        page.line(&line.and(Ink::Dim, &row.port))?;
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

struct Row {
    time: String,
    frame: String,
    arrow: Arrow,
    port: String,
}

struct Arrow {
    is_from_client: bool,
    text: String,
    /// What became of it, where it did not arrive.
    lost: Option<&'static str>,
    ink: Ink,
}

impl Row {
    fn new(report: &Report<'_>, story: &Story<'_>, step: &Step) -> Self {
        let since = step.stamp.at.nanos_since(story.session.tcp.link.first.at);
        let frame = match step.until {
            Some(until) => report.frames(step.stamp, until),
            None => report.frame(step.stamp),
        };
        let time = since.map(relative).unwrap_or_default();
        Self { time, frame, arrow: Arrow::of(step), port: format!(" :{}", step.port) }
    }
}

impl Arrow {
    fn of(step: &Step) -> Self {
        let mut lost = None;
        let mut ink = Ink::Plain;
        let mut text = match &step.what {
            What::Said(text) => escape(text).into_owned(),
            What::Syn { again, answered, to } => {
                if !answered {
                    (lost, ink) = (Some("no answer"), Ink::Bad);
                }
                let again = if *again { " again" } else { "" };
                let to = to.map(|host| format!(" to {host}")).unwrap_or_default();
                format!("SYN{again}{to}")
            }
            What::SynAck => "SYN-ACK".to_owned(),
            What::Reset => {
                ink = Ink::Bad;
                "RST".to_owned()
            }
            What::Icmp(name) => {
                ink = Ink::Bad;
                format!("ICMP {name}")
            }
            What::Data(count) => format!("data, {}", bytes(*count)),
            What::Fin => "FIN".to_owned(),
        };
        // What a third host says is drawn as it came: towards the client, or from it.
        let is_from_client = match step.from {
            Party::Client => true,
            Party::Server => false,
            Party::Other(host) => {
                text = format!("{text} from {host}");
                matches!(step.what, What::Syn { .. })
            }
        };
        Self { is_from_client, text, lost, ink }
    }

    /// `│ TEXT ────→ │`, in `room` columns between the lines.
    fn draw(&self, line: &mut Line, room: usize) {
        let lost = self.lost.map(|why| format!("✗ {why}")).unwrap_or_default();
        let text = cut(&self.text, room.saturating_sub(8 + width(&lost))).into_owned();
        let free = room.saturating_sub(width(&text) + 4);
        match (self.is_from_client, self.lost) {
            (true, None) => {
                let shaft = "─".repeat(free.saturating_sub(1));
                line.push(self.ink, &format!(" {text} {shaft}→ "));
            }
            (false, None) => {
                let shaft = "─".repeat(free.saturating_sub(1));
                line.push(self.ink, &format!(" ←{shaft} {text} "));
            }
            (is_from_client, Some(_)) => {
                let free = free.saturating_sub(width(&lost));
                let (shaft, rest) = ("─".repeat(free / 2), " ".repeat(free - free / 2));
                line.push(
                    self.ink,
                    &match is_from_client {
                        true => format!(" {text} {shaft} {lost}{rest}"),
                        false => format!("{rest}{lost} {shaft} {text} "),
                    },
                );
            }
        }
    }
}
