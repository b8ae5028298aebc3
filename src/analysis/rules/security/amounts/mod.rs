//! How much is moved, how often, and where to.

mod beacons;
mod downloads;
mod stealers;
mod uploads;

use std::collections::BTreeMap;

use super::super::{Check, Found, Kind, Rule};
use super::moved::File;
use crate::analysis::finding::counted;
use crate::analysis::{Analysis, Policy};
use crate::decode::Host;
use crate::session::{Session, SessionId};

pub(in super::super) const RULES: &[&Rule] = &[
    &downloads::MASS_DOWNLOAD,
    &uploads::UPLOAD_VOLUME,
    &beacons::BEACONING,
    &stealers::NAME,
    &stealers::CONTENT,
];

/// Files of which octets were moved between a client and a server, in the order of their sessions.
type Pairs<'a> = BTreeMap<(Host, Host), Vec<File<'a>>>;

/// Those files that are `wanted`, by client and server; not of pairs that are meant to move data.
fn pairs<'a>(
    analysis: &'a Analysis,
    policy: &Policy,
    wanted: impl Fn(File<'a>) -> bool,
) -> Pairs<'a> {
    let mut pairs = Pairs::new();
    for session in &analysis.sessions {
        let is_moved = |file: &File<'a>| file.bytes() > 0 && !file.is_between_servers();
        let files = files(analysis, session).filter(|file| is_moved(file) && wanted(*file));
        let mut files = files.peekable();
        let (client, server) = (session.client.ip, session.server.ip);
        if files.peek().is_some() && !policy.is_allowed(client.addr, server.addr) {
            pairs.entry((client, server)).or_default().extend(files);
        }
    }
    pairs
}

fn files<'a>(
    analysis: &'a Analysis,
    session: &'a Session,
) -> impl Iterator<Item = File<'a>> + use<'a> {
    analysis.transfers_of(session).filter_map(|transfer| File::of(session, transfer))
}

/// The sessions of some files, each once.
fn sessions<'a>(files: &[File<'a>]) -> Vec<&'a Session> {
    let mut sessions: BTreeMap<SessionId, &Session> = BTreeMap::new();
    sessions.extend(files.iter().map(|file| (file.session.id, file.session)));
    sessions.into_values().collect()
}

/// Those of known times, the first first.
fn by_time(mut files: Vec<File<'_>>) -> Vec<File<'_>> {
    files.retain(|file| file.transfer.request.asked.at.is_known());
    files.sort_by_key(|file| file.transfer.request.asked.at);
    files
}

/// Nanoseconds from one file to a later one.
fn apart(first: File<'_>, last: File<'_>) -> i64 {
    last.transfer.request.asked.at.nanos_since(first.transfer.request.asked.at).unwrap_or(0)
}

const HOUR_NS: i64 = 3_600_000_000_000;

/// Bytes in a megabyte.
const MB: u64 = 1_000_000;

/// `83 kB`, `1.2 GB`.
fn sized(bytes: u64) -> String {
    match bytes {
        0..10_000 => counted(bytes, "byte"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / MB),
        _ => format!("{} GB", bytes / MB / 1000),
    }
}
