//! Files that are there and are written over.

use std::collections::{BTreeMap, HashSet};

use crate::analysis::finding::{Certainty, Draft, LONGEST_TEXT, Severity, counted, cut};
use crate::analysis::rules::{Check, Found, Kind, Rule};
use crate::analysis::{Analysis, ById, LogicalFile, Policy};
use crate::decode::Host;
use crate::ftp::Verb;
use crate::session::TransferId;
use crate::tcp::Dir;
use crate::transfer::{self, Content, Transfer};

pub(super) const OVERWRITE: Rule = Rule {
    id: "overwrite",
    kind: Kind::Security { attack: &["T1565.001"] },
    help: "A client wrote another content over a file that was on the server.",
    meaning: "What the file was is gone, and whoever trusts it by its name gets another one.",
    evidence: "STOR from the first byte, accepted, to a path that a size, a listing or a transfer of \
               the capture showed before, with another size or another hash. Resumed and appended files \
               are none.",
    false_positives: "Whoever publishes a new version does just that: it is told as information only \
                      where no other client wrote the file or fetched it.",
    fix: "Compare the file with a copy from before; see who else has the account.",
    check: Check::Capture(overwrite),
};

/// A file that was written over.
struct Over<'a> {
    transfer: &'a Transfer,
    path: &'a [u8],
    /// Octets it had.
    was: Option<u64>,
    /// Another client wrote it, or fetched it.
    is_of_others: bool,
}

fn overwrite(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let over = written_over(analysis);
    if over.is_empty() {
        return;
    }
    let sessions = ById::new(&analysis.sessions);
    // What is told is the first of each cause; the others are counted.
    let mut told: HashSet<(bool, Host, Host)> = HashSet::new();
    for over in over.into_values() {
        let Some(session) = sessions.get(over.transfer.session) else { continue };
        let (client, server) = (session.client.ip, session.server.ip);
        if policy.is_allowed(client.addr, server.addr) {
            continue;
        }
        let draft = match told.insert((over.is_of_others, client, server)) {
            true => over.told(client, server),
            false => Draft::new(over.severity(), Certainty::High, String::new()),
        };
        let request = &over.transfer.request;
        let draft = draft
            .accepted()
            .transfer(Some(request.id))
            .frames([request.asked])
            .frames(request.answered.map(|(stamp, _)| stamp))
            .cause(format!("{client} {server} {}", over.is_of_others));
        found.add_over(&[session], draft);
    }
}

/// Uploads that took the place of something else, by their numbers.
fn written_over(analysis: &Analysis) -> BTreeMap<TransferId, Over<'_>> {
    let transfers = &analysis.transfers;
    let mut over = BTreeMap::new();
    for transfer in transfers.iter().filter(|transfer| is_new_content(transfer)) {
        if let (Some(was), Some(path)) = (transfer.request.replaces, &transfer.request.path)
            && transfer.request.representation.is_image()
            && stored(transfer) != was
        {
            let one = Over { transfer, path, was: Some(was), is_of_others: false };
            over.insert(transfer.request.id, one);
        }
    }
    for file in &analysis.files {
        let old = file.replaces.and_then(|old| analysis.files.get(old));
        let first = file.pieces.first().and_then(|piece| transfer::find(piece.transfer, transfers));
        let Some((old, transfer)) = old.zip(first.filter(|first| is_new_content(first))) else {
            continue;
        };
        if let Some(path) = &transfer.request.path
            && differs(old, transfer, transfers)
        {
            let is_of_others = is_of_others(old, transfer, transfers);
            let one = Over { transfer, path, was: old.size, is_of_others };
            over.insert(transfer.request.id, one);
        }
    }
    over
}

/// Whether it wrote a file anew, and all of it.
fn is_new_content(transfer: &Transfer) -> bool {
    let request = &transfer.request;
    request.verb == Verb::Stor
        && request.rest_offset == 0
        && request.answered.is_some_and(|(_, code)| code / 100 == 2)
        && transfer.content.as_ref().is_some_and(Content::is_whole)
}

/// Whether what an upload stored is known to differ from what was there. A file of which only a
/// part was moved says nothing.
fn differs(old: &LogicalFile, transfer: &Transfer, transfers: &[Transfer]) -> bool {
    let old_hash = old.hashes(transfers).map(|hashes| hashes.digests().sha256);
    let new_hash = transfer.content.as_ref().map(|new| new.file_hashes().digests().sha256);
    match old_hash.zip(new_hash) {
        Some((old, new)) => old != new,
        None => old.size.is_some_and(|size| size != stored(transfer)),
    }
}

/// Whether another client than that of the upload wrote the old file, or fetched it.
fn is_of_others(old: &LogicalFile, upload: &Transfer, transfers: &[Transfer]) -> bool {
    let Some(own) = client_of(upload) else { return false };
    let pieces = old.pieces.iter().filter_map(|piece| transfer::find(piece.transfer, transfers));
    pieces.filter_map(client_of).any(|client| client != own)
}

/// The end of the data connection that is not the server's.
fn client_of(transfer: &Transfer) -> Option<Host> {
    let data = transfer.data.as_ref()?;
    Some(match transfer.request.setup.link?.server {
        Dir::FromOriginator => data.responder.ip,
        Dir::FromResponder => data.originator.ip,
    })
}

/// Octets of the file that it stored.
fn stored(transfer: &Transfer) -> u64 {
    let content = transfer.content.as_ref();
    content.map_or(0, |content| content.likely_decoded().map_or(content.bytes, |it| it.bytes))
}

impl Over<'_> {
    /// A new version of what nobody else had to do with is everyday work.
    fn severity(&self) -> Severity {
        if self.is_of_others { Severity::Warning } else { Severity::Info }
    }

    fn told(&self, client: Host, server: Host) -> Draft {
        let name = String::from_utf8_lossy(self.path);
        let name = cut(&name, LONGEST_TEXT);
        let bytes = stored(self.transfer);
        let was = match self.was {
            Some(was) if was != bytes => counted(was, "byte"),
            _ => "another content".to_owned(),
        };
        let whose = match self.is_of_others {
            true => ", which another client had written or fetched",
            false => "",
        };
        let title = format!("{client} wrote over {name} on {server}.");
        let draft = Draft::new(self.severity(), Certainty::High, title)
            .explained(format!("It had {was}{whose}; the new one has {}.", counted(bytes, "byte")))
            .with("path", name.into_owned())
            .with("bytes", bytes);
        match self.was {
            Some(was) => draft.with("bytes_before", was),
            None => draft,
        }
    }
}
