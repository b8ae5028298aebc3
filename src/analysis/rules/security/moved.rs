//! A file that somebody asked to have moved, as rules about files look at it.

use std::net::IpAddr;

use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Grade, Severity, counted, were};
use crate::analysis::{HashList, Policy};
use crate::ftp::Verb;
use crate::session::Session;
use crate::time::Stamp;
use crate::transfer::{Content, Direction, Mark, Outcome, Transfer};

/// A transfer that is no listing, with the session it was asked for in.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) session: &'a Session,
    pub(super) transfer: &'a Transfer,
}

impl<'a> File<'a> {
    /// Those of a session.
    pub(super) fn all(case: &Case<'a>) -> impl Iterator<Item = Self> {
        let session = case.session;
        case.transfers.iter().filter_map(move |transfer| Self::of(session, transfer))
    }

    pub(super) fn of(session: &'a Session, transfer: &'a Transfer) -> Option<Self> {
        let is_file = transfer.direction != Direction::Listing;
        is_file.then_some(Self { session, transfer })
    }

    /// Whether the server was to take it.
    pub(super) fn is_upload(self) -> bool {
        self.transfer.request.verb != Verb::Retr
    }

    /// Whether its other end is not the client.
    pub(super) fn is_between_servers(self) -> bool {
        self.transfer.direction == Direction::SiteToSite
    }

    /// As far as it is known; empty if nobody named it.
    pub(super) fn path(self) -> &'a [u8] {
        let request = &self.transfer.request;
        request.path.as_deref().or(request.name.as_deref()).unwrap_or_default()
    }

    /// The last part of its path.
    pub(super) fn name(self) -> &'a [u8] {
        parts(self.path()).next_back().unwrap_or_default()
    }

    pub(super) fn content(self) -> Option<&'a Content> {
        self.transfer.content.as_ref()
    }

    /// What its beginning shows, where what was moved begins with it.
    pub(super) fn mark(self) -> Option<Mark> {
        self.content()?.mark.filter(|_| self.begins())
    }

    /// Whether what was moved begins where the file does.
    pub(super) fn begins(self) -> bool {
        let request = &self.transfer.request;
        request.rest_offset == 0 && request.verb != Verb::Appe
    }

    /// Octets that were moved, those among them that were not captured where that is known.
    pub(super) fn bytes(self) -> u64 {
        self.moved_bytes().unwrap_or(0)
    }

    /// The same; `None` where what carried it was not captured.
    pub(super) fn moved_bytes(self) -> Option<u64> {
        let in_capture = |content: &Content| {
            content.moved_bytes().or_else(|| Some(content.bytes).filter(|bytes| *bytes > 0))
        };
        let is_none = matches!(self.transfer.outcome, Outcome::Refused | Outcome::NoConnection);
        self.content().and_then(in_capture).or_else(|| is_none.then_some(0))
    }

    /// `12 bytes of it were moved.`
    pub(super) fn amount(self) -> String {
        match self.moved_bytes() {
            Some(bytes) => format!("{} of it {} moved.", counted(bytes, "byte"), were(bytes)),
            None => "How much was moved is not in the capture.".to_owned(),
        }
    }

    /// Whether one of these lists has its hash, of what was on the wire or of what that means.
    pub(super) fn is_in(self, list: &HashList) -> bool {
        let content = self.content().filter(|content| !list.is_empty() && content.bytes > 0);
        content.is_some_and(|content| {
            list.has(&content.hashes.digests()) || list.has(&content.file_hashes().digests())
        })
    }

    /// Whether it goes from where the policy calls outside to where it calls inside.
    pub(super) fn comes_in(self, policy: &Policy) -> bool {
        let [from, to] = self.ends();
        !policy.is_inside(from) && policy.is_inside(to)
    }

    /// The other way.
    pub(super) fn goes_out(self, policy: &Policy) -> bool {
        let [from, to] = self.ends();
        policy.is_inside(from) && !policy.is_inside(to)
    }

    fn ends(self) -> [IpAddr; 2] {
        let Session { client, server, .. } = self.session;
        self.transfer.ends(client.ip, server.ip).map(|host| host.addr)
    }

    /// `10.0.0.1 sent WHAT to 10.0.0.2`, or what else became of it.
    pub(super) fn told(self, what: &str) -> String {
        let Session { client, server, .. } = self.session;
        let (client, server) = (client.ip, server.ip);
        if self.is_between_servers() {
            let did = if self.bytes() > 0 { "had" } else { "asked" };
            let to = if self.bytes() > 0 { "" } else { "to " };
            return match self.is_upload() {
                true => format!("{client} {did} {server} {to}take {what} from another host"),
                false => format!("{client} {did} {server} {to}send {what} to another host"),
            };
        }
        match (self.is_upload(), self.is_refused(), self.bytes() > 0) {
            (true, _, true) => format!("{client} sent {what} to {server}"),
            (false, _, true) => format!("{client} fetched {what} from {server}"),
            (true, true, _) => format!("{server} refused to take {what} from {client}"),
            (false, true, _) => format!("{server} refused {what} to {client}"),
            (true, false, _) => format!("{client} asked {server} to take {what}"),
            (false, false, _) => format!("{client} asked {server} for {what}"),
        }
    }

    /// The cause of what is told of files of one `kind`, one way between two hosts.
    pub(super) fn cause(self, kind: &str) -> String {
        let Session { client, server, .. } = self.session;
        let way = if self.is_upload() { "to" } else { "from" };
        format!("{} {way} {} {kind}", client.ip, server.ip)
    }

    /// A draft of it, with the frames that show it.
    pub(super) fn draft(self, severity: Severity, certainty: Certainty, title: String) -> Draft {
        let request = &self.transfer.request;
        let draft =
            Draft::new(severity, certainty, title).transfer(Some(request.id)).frames(self.frames());
        match self.moved_bytes() {
            Some(bytes) => draft.with("bytes", bytes),
            None => draft,
        }
    }

    pub(super) fn frames(self) -> impl Iterator<Item = Stamp> {
        let request = &self.transfer.request;
        let first = self.content().and_then(|content| content.first);
        [request.asked].into_iter().chain(first).chain(request.answered.map(|(stamp, _)| stamp))
    }

    /// Graded by what became of it; that octets were moved makes it worse.
    pub(super) fn graded(self, draft: Draft) -> Draft {
        if self.bytes() > 0 { draft.had_effect() } else { self.asked_for(draft) }
    }

    /// The same of what is only told where octets were moved: its severity knows of that.
    pub(super) fn seen(self, draft: Draft) -> Draft {
        if self.bytes() > 0 { Self::of_effect(draft) } else { self.asked_for(draft) }
    }

    /// Of what is told only where it was seen to happen: that does not make it worse.
    pub(super) fn of_effect(draft: Draft) -> Draft {
        Draft { grade: Some(Grade::Effect), ..draft }
    }

    fn asked_for(self, draft: Draft) -> Draft {
        match self.transfer.request.answered {
            Some((_, 200..300)) => draft.accepted(),
            _ if self.is_refused() => draft.refused(),
            _ => draft.attempted(),
        }
    }

    /// Whether the server would not: a 425 or 426 says that it could not.
    fn is_refused(self) -> bool {
        self.transfer.outcome == Outcome::Refused
    }
}

/// The parts of a path, of Unix or of Windows.
pub(super) fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
}

/// Stem and extension of a name.
pub(super) fn split_extension(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0)?;
    Some((name.get(..dot)?, name.get(dot + 1..)?))
}

/// Whether a word is one of these, whatever its case.
pub(super) fn is_any(word: &[u8], any: &[&str]) -> bool {
    any.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}
