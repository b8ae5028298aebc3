//! What of a capture is worth a look: each leads to the list that has it.

use std::collections::BTreeMap;

use super::load::Ready;
use super::row::SessionRow;
use crate::report::escape::escape;
use crate::report::human::{bytes, number, plural};

/// A line of the overview that leads somewhere.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// By its place among the findings.
    Finding(usize),
    Sessions {
        group: &'static str,
        text: String,
        filter: String,
    },
    Files {
        group: &'static str,
        text: String,
        filter: String,
    },
}

impl Item {
    pub(super) fn group(&self) -> &'static str {
        match self {
            Self::Finding(_) => "Worst findings",
            Self::Sessions { group, .. } | Self::Files { group, .. } => group,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Finding(_) => String::new(),
            Self::Sessions { text, .. } | Self::Files { text, .. } => text.clone(),
        }
    }
}

/// Lines of one sort.
const OF_EACH: usize = 5;

pub(super) fn items(ready: &Ready) -> Vec<Item> {
    let findings = ready.analysis.findings.iter().enumerate();
    let told = findings.filter(|(_, finding)| finding.suppressed.is_none());
    let mut items: Vec<Item> = told.take(OF_EACH).map(|(nth, _)| Item::Finding(nth)).collect();
    let mut outcomes: BTreeMap<&'static str, u64> = BTreeMap::new();
    for file in &ready.files {
        *outcomes.entry(crate::report::document::outcome(file.outcome)).or_default() += 1;
    }
    items.extend(outcomes.into_iter().map(|(outcome, count)| Item::Files {
        group: "Transfers",
        text: format!("{} {}", number(count), outcome.replace('_', " ")),
        filter: format!("outcome:{outcome}"),
    }));
    type Of = fn(&SessionRow) -> String;
    let groups: [(&str, &str, Of); 3] = [
        ("Servers", "server", |row| row.server.ip.to_string()),
        ("Clients", "client", |row| row.client.ip.to_string()),
        ("Users", "user", |row| row.user.clone()),
    ];
    for (group, field, of) in groups {
        items.extend(top(&ready.sessions, of).into_iter().map(|(name, sessions, moved)| {
            let sessions = plural(sessions, "session");
            let text = format!("{}  {sessions}  {}", escape(&name), bytes(moved));
            // A name with a blank in it is two words to a filter.
            let word = name.split_whitespace().next().unwrap_or_default();
            Item::Sessions { group, text, filter: format!("{field}:{word}") }
        }));
    }
    items
}

/// Those with the most bytes, with their sessions.
fn top(rows: &[SessionRow], of: impl Fn(&SessionRow) -> String) -> Vec<(String, u64, u64)> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let name = of(row);
        if !name.is_empty() {
            let (sessions, moved) = sums.entry(name).or_default();
            *sessions += 1;
            *moved += row.tally.down + row.tally.up;
        }
    }
    let mut sums: Vec<_> =
        sums.into_iter().map(|(name, (count, moved))| (name, count, moved)).collect();
    sums.sort_by_key(|(_, sessions, moved)| std::cmp::Reverse((*moved, *sessions)));
    sums.truncate(OF_EACH);
    sums
}

/// Sessions by when they began, in so many parts of the time they span.
pub(super) fn activity(rows: &[SessionRow], parts: usize) -> Vec<u64> {
    let mut counts = vec![0; parts];
    let starts = || rows.iter().map(|row| row.start);
    let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return counts };
    let span = last.nanos_since(first).unwrap_or(0).max(1);
    for start in starts() {
        let since = start.nanos_since(first).unwrap_or(0).max(0);
        let part = i128::from(since) * parts as i128 / (i128::from(span) + 1);
        if let Some(count) = usize::try_from(part).ok().and_then(|part| counts.get_mut(part)) {
            *count += 1;
        }
    }
    counts
}
