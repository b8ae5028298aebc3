//! What of a capture is worth a look: each leads to the list that has it.

use super::load::Ready;
use crate::analysis::{Charset, Top};
use crate::decode::Host;
use crate::report::document;
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
    let overview = &ready.overview;
    items.extend(overview.outcomes.iter().map(|(outcome, count)| {
        let outcome = document::outcome(*outcome);
        Item::Files {
            group: "Transfers",
            text: format!("{} {}", number(*count), outcome.replace('_', " ")),
            filter: format!("outcome:{outcome}"),
        }
    }));
    let user = |user: &Vec<u8>| Charset::of_name(Some(user)).decode(user).0.into_owned();
    items.extend(
        overview.servers.iter().map(|top| whose("Servers", "server", top, Host::to_string)),
    );
    items.extend(
        overview.clients.iter().map(|top| whose("Clients", "client", top, Host::to_string)),
    );
    items.extend(overview.users.iter().map(|top| whose("Users", "user", top, user)));
    items
}

fn whose<T>(group: &'static str, field: &str, top: &Top<T>, name: impl Fn(&T) -> String) -> Item {
    let name = name(&top.who);
    let sessions = plural(top.sessions, "session");
    // A name with a blank in it is two words to a filter.
    let word = name.split_whitespace().next().unwrap_or_default();
    Item::Sessions {
        group,
        text: format!("{}  {sessions}  {}", escape(&name), bytes(top.bytes)),
        filter: format!("{field}:{word}"),
    }
}
