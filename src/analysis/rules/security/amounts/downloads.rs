//! Much that is fetched at once.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::super::moved::File;
use super::{Check, Found, HOUR_NS, Kind, MB, Rule, apart, by_time, pairs, sessions, sized};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::analysis::{Analysis, Policy};
use crate::ftp::EntryKind;
use crate::session::Session;

pub(super) const MASS_DOWNLOAD: Rule = Rule {
    id: "mass-download",
    kind: Kind::Security { attack: &["T1119", "T1083"] },
    help: "A client fetched very many files of a server, very much, or nearly all that it listed.",
    meaning: "Who does not know what is worth something takes everything.",
    evidence: "Files of different paths, or bytes, of one client and one server in an hour, above \
               the thresholds; or more than nine in ten of the files that listings showed it, of 20 \
               at least.",
    false_positives: "Mirrors, backups, and clients that keep a folder up to date.",
    fix: "Ask whose login it was; name the server or the pair as allowed if it is a mirror.",
    check: Check::Capture(mass_download),
};

fn mass_download(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let most_files = policy.threshold("mass-download-files");
    let most_bytes = policy.threshold("mass-download-mb").saturating_mul(MB);
    let fetched = pairs(analysis, policy, |file| !file.is_upload());
    for files in fetched.into_values() {
        let bytes: u64 = files.iter().map(|file| file.bytes()).sum();
        let is_much = files.len() as u64 >= most_files || bytes > most_bytes;
        if !is_much && files.len() * 10 <= LISTED * 9 {
            continue;
        }
        let listed = Listed::of(analysis, &files);
        let files = by_time(files);
        let window = window(&files, most_files, most_bytes);
        if let Some(range) = window {
            told(files.get(range).unwrap_or_default(), listed.as_ref(), found);
        } else if let Some(listed) = listed {
            told(&files, Some(&listed), found);
        }
    }
}

/// Files that were listed from which on a share of them tells something.
const LISTED: usize = 20;

/// What a client listed of a server.
struct Listed {
    all: usize,
    fetched: usize,
}

impl Listed {
    /// If it fetched nearly all of it.
    fn of(analysis: &Analysis, files: &[File<'_>]) -> Option<Self> {
        let mut paths: HashSet<Vec<u8>> = HashSet::new();
        for session in sessions(files) {
            for transfer in analysis.transfers_of(session) {
                let Some(listing) = &transfer.listing else { continue };
                let folder =
                    session.directory(transfer.request.path.as_deref().unwrap_or_default());
                let plain = listing.entries.iter().filter(|entry| entry.kind == EntryKind::File);
                paths.extend(plain.map(|entry| folder.join(&entry.name)));
            }
        }
        let all = paths.len();
        let fetched = files.iter().filter(|file| paths.remove(file.path())).count();
        (all >= LISTED && fetched * 10 > all * 9).then_some(Self { all, fetched })
    }
}

/// The hour in which most was fetched, if that is more than it may be.
fn window(files: &[File<'_>], most_files: u64, most_bytes: u64) -> Option<Range<usize>> {
    let mut counts: HashMap<&[u8], u32> = HashMap::new();
    let (mut first, mut bytes) = (0, 0);
    let mut best = None;
    for (last, file) in files.iter().enumerate() {
        *counts.entry(file.path()).or_default() += 1;
        bytes += file.bytes();
        while let Some(oldest) = files.get(first)
            && apart(*oldest, *file) > HOUR_NS
        {
            bytes -= oldest.bytes();
            if let Some(count) = counts.get_mut(oldest.path()) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(oldest.path());
                }
            }
            first += 1;
        }
        let is_much = counts.len() as u64 >= most_files || bytes > most_bytes;
        let size = (counts.len(), bytes);
        if is_much && best.as_ref().is_none_or(|(known, _)| *known < size) {
            best = Some((size, first..last + 1));
        }
    }
    best.map(|(_, range)| range)
}

fn told(files: &[File<'_>], listed: Option<&Listed>, found: &mut Found) {
    let (Some(first), Some(last)) = (files.first(), files.last()) else { return };
    let Session { client, server, .. } = first.session;
    let bytes: u64 = files.iter().map(|file| file.bytes()).sum();
    let distinct = files.iter().map(|file| file.path()).collect::<HashSet<_>>().len();
    let sessions = sessions(files);
    let time = spoken(apart(*first, *last));
    let of_all = listed.map(|listed| {
        format!(" Of the {} files that it listed it fetched {}.", listed.all, listed.fetched)
    });
    let draft = Draft::new(
        Severity::Warning,
        Certainty::Medium,
        format!(
            "{} fetched {} ({}) from {} in {time}.",
            client.ip,
            counted(distinct as u64, "file"),
            sized(bytes),
            server.ip
        ),
    )
    .transfer(Some(first.transfer.request.id))
    .frames(first.frames())
    .frames(last.frames())
    .explained(format!(
        "It was {} in {}.{} Mirrors and backups do the same.",
        counted(files.len() as u64, "transfer"),
        counted(sessions.len() as u64, "session"),
        of_all.unwrap_or_default()
    ))
    .with("files", distinct)
    .with("bytes", bytes)
    .cause(format!("{} {}", client.ip, server.ip));
    found.add_over(&sessions, File::of_effect(draft));
}
