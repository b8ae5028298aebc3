//! The report a person reads at a terminal: what the capture is, each session as it went, the
//! files.

mod audit;
mod capture;
mod diagnose;
mod findings;
mod ladder;
mod page;
mod rules;
mod session;
mod tables;
mod timeline;
mod transfer;
mod tree;

pub use self::audit::write as write_audit;
pub use self::diagnose::write as write_diagnosis;
pub use self::ladder::{Ladder, is_bad, lost};
pub use self::rules::{write_rule, write_rules};
pub use self::tree::write as write_tree;

use std::collections::BTreeMap;
use std::io::{self, Write};

use self::page::{Ink, Line, Page};
use super::human;
use crate::analysis::secret::{self, Secrets};
use crate::analysis::{Analysis, ById};
use crate::hash::{Hashes, hex};
use crate::session::{Exchange, Session};
use crate::time::Stamp;
use crate::transfer::{Content, Direction, Outcome, Transfer};

/// How it is to look.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub colour: bool,
    /// Columns, at least 80.
    pub width: usize,
    pub show_secrets: bool,
}

impl Style {
    /// What is to be hidden of a session: nothing where secrets are shown.
    fn hidden(&self, session: &Session) -> Secrets {
        if self.show_secrets { Secrets::default() } else { Secrets::of(session) }
    }
}

/// Writes the whole report.
pub fn write(analysis: &Analysis, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let report = Report::new(analysis);
    let mut page = Page::new(style, out);
    capture::write(&report, &mut page)?;
    findings::write(&report, &mut page)?;
    for session in &analysis.sessions {
        page.blank()?;
        session::write(&report, session, &mut page)?;
    }
    tables::write(&report, &mut page)?;
    last_words(&report, &mut page)
}

/// The analysis, and what is looked up in it again and again.
struct Report<'a> {
    analysis: &'a Analysis,
    sessions: ById<'a>,
}

impl<'a> Report<'a> {
    fn new(analysis: &'a Analysis) -> Self {
        Self { analysis, sessions: ById::new(&analysis.sessions) }
    }

    /// `#12`, or with several inputs `#2:12`: the twelfth of the second.
    fn frame(&self, stamp: Stamp) -> String {
        human::frame(stamp, self.analysis.inputs.len() > 1)
    }

    fn frames(&self, first: Stamp, last: Stamp) -> String {
        if first.place == last.place {
            return self.frame(first);
        }
        format!("{}–{}", self.frame(first), self.frame(last))
    }

    /// The path of a transfer as text; its name if there is none.
    fn path(&self, transfer: &Transfer) -> Option<String> {
        let request = &transfer.request;
        let raw = request.path.as_ref().or(request.name.as_ref())?;
        Some(self.analysis.charset(transfer.session).decode(raw).0.into_owned())
    }
}

/// Where the bytes went, seen from the client.
pub fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "↓",
        Direction::Upload | Direction::Append => "↑",
        Direction::Listing => "≡",
        Direction::SiteToSite => "⇄",
    }
}

fn outcome_words(outcome: Outcome) -> (Ink, &'static str) {
    match outcome {
        Outcome::Complete => (Ink::Good, "complete"),
        Outcome::Unconfirmed => (Ink::Doubtful, "unconfirmed"),
        Outcome::Gaps => (Ink::Doubtful, "gaps"),
        Outcome::Aborted => (Ink::Bad, "aborted"),
        Outcome::InProgress => (Ink::Doubtful, "in progress"),
        Outcome::Refused => (Ink::Bad, "refused"),
        Outcome::NoConnection => (Ink::Bad, "no connection"),
        Outcome::NotCaptured => (Ink::Doubtful, "not captured"),
        Outcome::Encrypted => (Ink::Plain, "encrypted"),
    }
}

/// What was moved, where anything could have been.
fn moved(transfer: &Transfer) -> Option<&Content> {
    let has_begun = !matches!(transfer.outcome, Outcome::Refused | Outcome::NoConnection);
    transfer.content.as_ref().filter(|content| has_begun || content.bytes > 0)
}

/// Enough of a hash to find it again.
fn short_hash(hashes: &Hashes) -> String {
    let [a, b, c, d, ..] = hashes.digests().sha256;
    format!("{}…", hex(&[a, b, c, d]))
}

/// What to do next, if there is something to do.
fn last_words(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let analysis = report.analysis;
    let is_masked = analysis.sessions.iter().any(|session| {
        let secrets = |exchange: &Exchange| secret::echo_of(exchange).is_some();
        session.exchanges.iter().any(secrets)
    });
    let has_files = analysis
        .transfers
        .iter()
        .any(|transfer| transfer.direction != Direction::Listing && moved(transfer).is_some());
    let has_files = has_files || !analysis.orphans.is_empty();
    let is_masked = is_masked && !page.style.show_secrets;
    if has_files || is_masked {
        page.blank()?;
    }
    if has_files {
        page.line(&Line::inked(Ink::Dim, "To write what was moved to a folder:"))?;
        page.words(Line::of("  "), Ink::Plain, &extract_command(report))?;
    }
    if is_masked {
        let hint = "Passwords are masked; --show-secrets shows them.";
        page.line(&Line::inked(Ink::Dim, hint))?;
    }
    Ok(())
}

fn extract_command(report: &Report<'_>) -> String {
    let inputs = report.analysis.inputs.iter().filter(|input| input.error.is_none());
    let names: Vec<_> = inputs.map(|input| input.path.to_string_lossy()).collect();
    // What a shell would take for something else is not ours to quote.
    let is_plain = |c: char| c.is_alphanumeric() || "._-/+,=@:".contains(c);
    if names.len() > 3 || !names.iter().all(|name| name.chars().all(is_plain)) {
        return "ftpscope extract FILE… -o DIR".to_owned();
    }
    format!("ftpscope extract {} -o DIR", names.join(" "))
}

/// `3 complete, 1 refused`.
fn outcomes<'a>(transfers: impl Iterator<Item = &'a Transfer>) -> String {
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    for transfer in transfers {
        *counts.entry(transfer.outcome).or_default() += 1;
    }
    let counts = counts.iter();
    let words = counts.map(|(outcome, n)| {
        let with = if *outcome == Outcome::Gaps { "with " } else { "" };
        format!("{} {with}{}", human::number(*n), outcome_words(*outcome).1)
    });
    words.collect::<Vec<_>>().join(", ")
}
