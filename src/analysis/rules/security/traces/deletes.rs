//! Much that goes away in a short time.

use std::collections::{HashMap, HashSet};

use super::super::moved::is_any;
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, spoken};
use crate::analysis::rules::{Check, Found, Kind, Rule};
use crate::ftp::Verb;
use crate::session::Exchange;
use crate::time::Stamp;

pub(super) const MASS_DELETE: Rule = Rule {
    id: "mass-delete",
    kind: Kind::Security { attack: &["T1485", "T1070.004", "T1486"] },
    help: "A client deleted many files, or renamed many to one new ending, within a minute.",
    meaning: "Somebody empties a server, or a program puts its mark on files that it made unreadable.",
    evidence: "As many DELE and RMD as the threshold says, or RNTO that add the same ending to the name \
               of RNFR, accepted within a minute of one session.",
    false_positives: "A directory deleted in a graphical client; jobs that remove what is old. Jobs \
                      that move each file before they delete it, or mark it as done, are told as \
                      information only.",
    fix: "Ask whoever has the account whether that was meant; keep the capture, and restore from a \
          backup what was not.",
    check: Check::Session(mass_delete),
};

/// Nanoseconds within which all must happen.
const WITHIN_NS: i64 = 60_000_000_000;

fn mass_delete(case: &Case<'_>, found: &mut Found) {
    if !case.looks.verbs.has_any(&[Verb::Dele, Verb::Rmd, Verb::Rnto]) {
        return;
    }
    let most = case.policy.threshold("mass-delete").max(1);
    let Changes { deleted, renamed } = Changes::of(case);
    if (deleted.len() as u64) < most && renamed.values().all(|list| (list.len() as u64) < most) {
        return;
    }
    let moved: HashSet<&[u8]> = case
        .transfers
        .iter()
        .filter_map(|transfer| transfer.request.path.as_deref().filter(|_| transfer.has_file()))
        .collect();
    let mut groups = vec![(None, deleted)];
    groups.extend(renamed.into_iter().map(|(ending, list)| (Some(ending), list)));
    groups.sort_by_key(|(ending, _)| *ending);
    for (ending, list) in groups {
        let (of_moved, of_others): (Vec<_>, Vec<_>) =
            list.into_iter().partition(|change| moved.contains(&change.path[..]));
        let severity = match ending {
            Some(ending) if is_harmless(ending) => Severity::Info,
            Some(_) => Severity::Error,
            None => Severity::Warning,
        };
        let why = if severity == Severity::Info { HARMLESS_WHY } else { "" };
        for (list, severity, why) in
            [(of_others, severity, why), (of_moved, Severity::Info, MOVED_WHY)]
        {
            if let Some(burst) = Burst::of(&list).filter(|burst| burst.list.len() as u64 >= most) {
                let draft = burst.told(case, ending, why, list.len());
                found.add(case, Draft { severity, ..draft });
            }
        }
    }
}

/// Why it is information only.
const MOVED_WHY: &str = " Each was fetched or sent in the same session, too.";
const HARMLESS_WHY: &str = " Jobs add that ending to what they are done with.";

/// Whether jobs add this ending to what they are done with.
fn is_harmless(ending: &[u8]) -> bool {
    ending.strip_prefix(b".").is_some_and(|ending| is_any(ending, HARMLESS))
}

const HARMLESS: &[&str] = &["done", "bak", "old", "processed", "ok", "arc", "imported", "sent"];

/// A file that was deleted or renamed.
struct Change<'a> {
    exchange: &'a Exchange,
    stamp: Stamp,
    /// What it was called.
    path: Vec<u8>,
}

/// What a session took away; what was renamed by the ending that was added.
#[derive(Default)]
struct Changes<'a> {
    deleted: Vec<Change<'a>>,
    renamed: HashMap<&'a [u8], Vec<Change<'a>>>,
}

impl<'a> Changes<'a> {
    fn of(case: &Case<'a>) -> Self {
        let session = case.session;
        let mut changes = Self::default();
        let mut from: Option<&Exchange> = None;
        for exchange in &session.exchanges {
            let Some((sent, last)) = exchange.sent.as_ref().zip(exchange.final_reply()) else {
                continue;
            };
            let change = |old| Change { exchange, stamp: sent.stamp, path: session.path_of(old) };
            match sent.command.verb {
                // Answered 350 (RFC 959 §5.4).
                Verb::Rnfr => from = Some(exchange).filter(|_| last.reply.code == 350),
                Verb::Dele | Verb::Rmd if last.reply.is_success() => {
                    changes.deleted.push(change(exchange));
                }
                Verb::Rnto if last.reply.is_success() => {
                    let Some(from) = from.take() else { continue };
                    let old = from.sent.as_ref().map_or(&[][..], |sent| sent.command.arg());
                    if let Some(ending) = added(old, sent.command.arg()) {
                        changes.renamed.entry(ending).or_default().push(change(from));
                    }
                }
                _ => {}
            }
        }
        changes
    }
}

/// The ending that a new name adds to the old one: `report.doc` → `report.doc.locked`.
fn added<'a>(old: &[u8], new: &'a [u8]) -> Option<&'a [u8]> {
    let file = |path: &'a [u8]| path.rsplit(|byte| *byte == b'/').next();
    let old = old.rsplit(|byte| *byte == b'/').next()?;
    let ending = file(new)?.strip_prefix(old)?;
    (matches!(ending, [b'.', _, ..]) && !old.is_empty()).then_some(ending)
}

/// The most of a list that happened within a minute.
struct Burst<'a, 'b> {
    list: &'b [Change<'a>],
}

impl<'a, 'b> Burst<'a, 'b> {
    /// Of a list in the order of the capture. Where the clock does not tell, nothing does.
    fn of(list: &'b [Change<'a>]) -> Option<Self> {
        let mut first = 0;
        let mut best: &[Change<'a>] = &[];
        for (nth, change) in list.iter().enumerate() {
            let is_within = |other: &Change<'_>| {
                let age = change.stamp.at.nanos_since(other.stamp.at);
                // Clocks are set back, by little where they run by another.
                age.is_some_and(|age| (1 - WITHIN_NS..=WITHIN_NS).contains(&age))
            };
            while first < nth && !list.get(first).is_some_and(is_within) {
                first += 1;
            }
            let window = list.get(first..=nth).unwrap_or_default();
            if window.len() > best.len() && change.stamp.at.is_known() {
                best = window;
            }
        }
        (!best.is_empty()).then_some(Self { list: best })
    }

    fn told(&self, case: &Case<'_>, ending: Option<&[u8]>, why: &str, all: usize) -> Draft {
        let (client, server) = (case.session.client.ip, case.session.server.ip);
        let (first, last) = (self.list.first(), self.list.last());
        let count = self.list.len() as u64;
        let took =
            first.zip(last).and_then(|(one, other)| other.stamp.at.nanos_since(one.stamp.at));
        let within = spoken(took.unwrap_or(0).max(0));
        let (did, what) = match ending {
            None => ("deleted".to_owned(), "files and directories"),
            Some(ending) => (format!("added {} to", case.text(ending)), "names of files"),
        };
        let spelled = |change: Option<&Change<'_>>| {
            change.map(|change| case.spell(change.exchange)).unwrap_or_default()
        };
        let more = match all as u64 - count {
            0 => String::new(),
            more => format!(" {more} more followed or went before."),
        };
        let title = format!("{client} {did} {count} {what} on {server} within {within}.");
        let text = format!(
            "The first command was {}, the last {}; the server accepted each.{more}{why}",
            spelled(first),
            spelled(last)
        );
        let certainty = if ending.is_some() { Certainty::Medium } else { Certainty::High };
        let ends = first.into_iter().chain(last);
        let answers = ends.clone().filter_map(|change| change.exchange.final_reply());
        let draft = Draft::new(Severity::Warning, certainty, title)
            .accepted()
            .frames(ends.map(|change| change.stamp))
            .frames(answers.map(|answer| answer.stamp))
            .frames(self.list.iter().map(|change| change.stamp).take(SHOWN))
            .explained(text)
            .with("within_a_minute", count)
            .with("all", all)
            .counting(all as u64);
        let ending = ending.map(|ending| case.text(ending));
        let is_moved = why == MOVED_WHY;
        let cause = format!("{client} {server} {is_moved} {}", ending.as_deref().unwrap_or("-"));
        match ending {
            Some(ending) => draft.with("ending", ending),
            None => draft,
        }
        .cause(cause)
    }
}

/// Frames of a burst that are named.
const SHOWN: usize = 16;
