//! Files of servers, each put together from the transfers that moved a part of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use super::{Analysis, ById};
use crate::decode::Endpoint;
use crate::ftp::Verb;
use crate::hash::Hashes;
use crate::session::{Exchange, Session, SessionId, TransferId};
use crate::time::Stamp;
use crate::transfer::{self, Content, Decoded, Direction, Outcome, Transfer};

/// A file of a server as transfers show it, from when it is written anew until it is again.
#[derive(Clone, Debug)]
pub struct LogicalFile {
    /// The session of its first piece, which tells the server.
    pub session: SessionId,
    /// Who moved that.
    pub user: Option<Arc<[u8]>>,
    /// The last name it has.
    pub path: Vec<u8>,
    /// Names it had before, the oldest first.
    pub former: Vec<Vec<u8>>,
    /// In the order of their commands.
    pub pieces: Vec<Piece>,
    /// Octets it has, where something shows that it ends there.
    pub size: Option<u64>,
    /// What of it no piece has.
    pub holes: Vec<Range>,
    pub overlaps: Vec<Overlap>,
    /// The first piece that is all of it, whole: its hashes are the file's.
    pub whole_piece: Option<TransferId>,
    /// Of the whole file, where its pieces were read again and hashed together.
    pub joined: Option<Box<Hashes>>,
    /// The file that its first piece was written over: it had the same name at that time.
    pub replaces: Option<usize>,
    /// The first file of the same content.
    pub same_as: Option<usize>,
    /// Where it was deleted.
    pub deleted: Option<Stamp>,
}

/// What a transfer moved of a file.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub transfer: TransferId,
    /// `None` where it is not known at which octet it began: APPE to a file not seen before.
    pub range: Option<Range>,
}

/// Octets of a file, `end` not among them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Range {
    pub start: u64,
    pub end: u64,
}

/// Octets that two pieces have.
#[derive(Clone, Copy, Debug)]
pub struct Overlap {
    pub range: Range,
    pub transfers: [TransferId; 2],
    /// `None` where the two were not compared: their octets are not kept.
    pub agrees: Option<bool>,
}

/// Puts the files of an analysis together; its transfers are sorted by their numbers.
pub(super) fn files(analysis: &Analysis) -> Vec<LogicalFile> {
    let mut shelf =
        Shelf { transfers: &analysis.transfers, files: Vec::new(), current: HashMap::default() };
    let sessions = ById::new(&analysis.sessions);
    let moved = analysis.transfers.iter().enumerate();
    let moved = moved.filter(|(_, transfer)| transfer.direction != Direction::Listing);
    let mut steps: Vec<(Stamp, SessionId, Step<'_>)> = moved
        .map(|(place, transfer)| (transfer.request.asked, transfer.session, Step::Moved(place)))
        .collect();
    for session in &analysis.sessions {
        steps.extend(changes(session));
    }
    let is_one = analysis.inputs.len() == 1;
    steps.sort_by_key(|(stamp, ..)| {
        (if is_one { None } else { Some((stamp.at, stamp.input())) }, stamp.frame())
    });
    for (stamp, session, step) in steps {
        if let Some(session) = sessions.get(session) {
            shelf.take(session, stamp, step);
        }
    }
    shelf.finish()
}

/// Something that happens to a file.
#[derive(Clone, Copy)]
enum Step<'a> {
    Moved(usize),
    Renamed { from: &'a Exchange, to: &'a Exchange },
    Deleted(&'a Exchange),
}

/// Renamed and deleted files of a session.
fn changes(session: &Session) -> Vec<(Stamp, SessionId, Step<'_>)> {
    let mut found = Vec::new();
    let mut from = None;
    for exchange in &session.exchanges {
        let (Some(sent), Some(answer)) = (&exchange.sent, exchange.final_reply()) else { continue };
        let step = match sent.command.verb {
            // Answered 350 (RFC 959 §5.4).
            Verb::Rnfr if answer.reply.code == 350 => {
                from = Some(exchange);
                continue;
            }
            Verb::Rnto if answer.reply.is_success() => {
                from.take().map(|from| Step::Renamed { from, to: exchange })
            }
            Verb::Dele if answer.reply.is_success() => Some(Step::Deleted(exchange)),
            _ => None,
        };
        found.extend(step.map(|step| (answer.stamp, session.id, step)));
    }
    found
}

/// A name means a file to one user of one server.
type Key<'a> = (Endpoint, Option<&'a [u8]>, Cow<'a, [u8]>);

struct Shelf<'a> {
    transfers: &'a [Transfer],
    files: Vec<LogicalFile>,
    /// The file that a name means by now.
    current: HashMap<Key<'a>, usize, RandomState>,
}

impl<'a> Shelf<'a> {
    fn take(&mut self, session: &'a Session, stamp: Stamp, step: Step<'_>) {
        let key = |path| (session.server, session.login.user.as_deref(), path);
        match step {
            Step::Moved(place) => {
                let Some(transfer) = self.transfers.get(place) else { return };
                let (path, user) =
                    (transfer.request.path.as_deref(), transfer.request.user.as_deref());
                let moved = transfer.content.as_ref().filter(|_| transfer.has_file());
                if let (Some(path), Some(content)) = (path, moved) {
                    self.add((session.server, user, path.into()), transfer, content);
                }
            }
            Step::Renamed { from, to } => {
                let (old, new) = (key(session.path_of(from).into()), session.path_of(to));
                let Some(file) = self.current.remove(&old) else { return };
                if let Some(known) = self.files.get_mut(file) {
                    known.former.push(old.2.into_owned());
                    known.path.clone_from(&new);
                }
                self.current.insert(key(new.into()), file);
            }
            Step::Deleted(exchange) => {
                let file = self.current.remove(&key(session.path_of(exchange).into()));
                if let Some(known) = file.and_then(|file| self.files.get_mut(file)) {
                    known.deleted = Some(stamp);
                }
            }
        }
    }

    fn add(&mut self, key: Key<'a>, transfer: &Transfer, content: &Content) {
        let file = self.current.get(&key).copied().filter(|file| self.goes_on(*file, transfer));
        let file = file.unwrap_or_else(|| {
            self.files.push(LogicalFile {
                session: transfer.session,
                user: transfer.request.user.clone(),
                path: key.2.to_vec(),
                former: Vec::new(),
                pieces: Vec::new(),
                size: None,
                holes: Vec::new(),
                overlaps: Vec::new(),
                whole_piece: None,
                joined: None,
                replaces: None,
                same_as: None,
                deleted: None,
            });
            let new = self.files.len() - 1;
            let old = self.current.insert(key, new);
            if let Some(known) = self.files.get_mut(new) {
                known.replaces = old.filter(|_| transfer.request.verb == Verb::Stor);
            }
            new
        });
        let Some(known) = self.files.get_mut(file) else { return };
        let start = match transfer.request.verb {
            Verb::Appe => known.end(),
            _ if transfer.is_rest_ignored() => Some(0),
            _ => Some(transfer.request.rest_offset),
        };
        let moved = match content.likely_decoded() {
            Some(decoded) => decoded.bytes,
            None => content.moved_bytes().unwrap_or(content.bytes),
        };
        let range = start.map(|start| Range { start, end: start.saturating_add(moved) });
        known.overlap(range, transfer, content, self.transfers);
        known.pieces.reserve_exact(1);
        known.pieces.push(Piece { transfer: transfer.request.id, range });
        known.learn_size(range, transfer, content);
    }

    /// Whether a transfer moves a part of the file a name meant so far, and no other.
    fn goes_on(&self, file: usize, transfer: &Transfer) -> bool {
        let Some(known) = self.files.get(file) else { return false };
        match transfer.request.verb {
            Verb::Stor | Verb::Stou => transfer.request.rest_offset > 0,
            Verb::Appe => true,
            // Of two whole copies that differ, the file was changed between them.
            _ => {
                known.find_whole_piece(self.transfers).is_none_or(|whole| !differs(whole, transfer))
            }
        }
    }

    fn finish(mut self) -> Vec<LogicalFile> {
        for file in &mut self.files {
            file.find_holes(self.transfers);
            let whole = file.find_whole_piece(self.transfers);
            file.whole_piece = whole.map(|transfer| transfer.request.id);
        }
        find_same(&mut self.files, self.transfers);
        self.files
    }
}

/// Tells of each file which was the first of the same content.
pub(super) fn find_same(files: &mut [LogicalFile], transfers: &[Transfer]) {
    let mut first: HashMap<[u8; 32], usize, RandomState> = HashMap::default();
    for (nth, file) in files.iter_mut().enumerate() {
        // Files of no octets are all the same, and that means nothing.
        let sha256 = file.hashes(transfers).filter(|_| file.size != Some(0));
        let Some(sha256) = sha256.map(|hashes| hashes.digests().sha256) else { continue };
        let known = *first.entry(sha256).or_insert(nth);
        file.same_as = Some(known).filter(|known| *known != nth);
    }
}

impl Piece {
    /// The octets of the file that were captured of this piece; `transfers` are sorted by number.
    pub fn captured(&self, transfers: &[Transfer]) -> Vec<Range> {
        let mut have = Vec::new();
        let content = transfer::find(self.transfer, transfers).and_then(|one| one.content.as_ref());
        match (self.range, content) {
            // Where something is missing of what was decoded is not known.
            (Some(range), Some(content)) if content.likely_decoded().is_some() => {
                have.extend(Some(range).filter(|_| content.is_whole()));
            }
            (Some(range), Some(content)) => captured(range, content, &mut have),
            _ => {}
        }
        have.retain(|range| range.start < range.end);
        have
    }
}

impl LogicalFile {
    /// The hashes of the whole file, where one piece is all of it or its pieces were hashed
    /// together; `transfers` are sorted by number.
    pub fn hashes<'a>(&'a self, transfers: &'a [Transfer]) -> Option<&'a Hashes> {
        let whole = self.whole_piece.and_then(|piece| transfer::find(piece, transfers));
        let whole = whole.and_then(|transfer| transfer.content.as_ref());
        whole.map(Content::file_hashes).or(self.joined.as_deref())
    }

    /// Takes what hashing its pieces together has shown.
    pub(super) fn join(&mut self, hashes: Option<Hashes>, compared: &[(Range, bool)]) {
        self.joined = hashes.map(Box::new);
        for overlap in &mut self.overlaps {
            let same = compared.iter().find(|(range, _)| *range == overlap.range);
            overlap.agrees = same.map(|(_, is_same)| *is_same).or(overlap.agrees);
        }
    }

    /// Whether it is known of several transfers, none of which moved all of it whole.
    pub fn is_of_pieces(&self) -> bool {
        self.pieces.len() > 1 && self.whole_piece.is_none()
    }

    /// Whether every octet of it was captured.
    pub fn is_whole(&self) -> bool {
        self.size.is_some() && self.holes.is_empty()
    }

    /// Where the octets end that are known to be in it.
    pub fn end(&self) -> Option<u64> {
        self.pieces.iter().map(|piece| piece.range.map(|range| range.end)).max()?
    }

    /// The first piece that is all of the file.
    fn find_whole_piece<'a>(&self, transfers: &'a [Transfer]) -> Option<&'a Transfer> {
        let all = Range { start: 0, end: self.size? };
        let pieces = self.pieces.iter().filter(|piece| piece.range == Some(all));
        let mut whole = pieces.filter_map(|piece| transfer::find(piece.transfer, transfers));
        whole.find(|transfer| transfer.content.as_ref().is_some_and(Content::is_whole_file))
    }

    /// A transfer that ended in order ends where the file does, and its size may have been told.
    fn learn_size(&mut self, range: Option<Range>, transfer: &Transfer, content: &Content) {
        let is_done = transfer.request.answered.is_some_and(|(_, code)| code / 100 == 2);
        let is_over = content.end.is_some() && is_done && transfer.outcome != Outcome::Aborted;
        let is_understood = content.likely_decoded().is_none_or(Decoded::is_whole);
        let end = range.map(|range| range.end).filter(|_| is_over && is_understood);
        self.size = end.or(self.size).or_else(|| transfer.stated_size());
    }

    fn overlap(
        &mut self,
        range: Option<Range>,
        transfer: &Transfer,
        content: &Content,
        transfers: &[Transfer],
    ) {
        let Some(range) = range else { return };
        for piece in &self.pieces {
            if self.overlaps.len() >= MOST_OVERLAPS {
                return;
            }
            let Some(other) = piece.range else { continue };
            let both = Range { start: range.start.max(other.start), end: range.end.min(other.end) };
            if both.start >= both.end {
                continue;
            }
            let other_content =
                transfer::find(piece.transfer, transfers).and_then(|one| one.content.as_ref());
            let same = other_content.filter(|one| {
                other == range && one.is_whole() && content.is_whole() && one.bytes == content.bytes
            });
            let digest = |content: &Content| content.file_hashes().digests().sha256;
            let agrees = same.map(|one| digest(one) == digest(content));
            let transfers = [piece.transfer, transfer.request.id];
            self.overlaps.push(Overlap { range: both, transfers, agrees });
        }
    }

    /// What lies between the pieces, and what is missing in them.
    fn find_holes(&mut self, transfers: &[Transfer]) {
        let mut have: Vec<Range> =
            self.pieces.iter().flat_map(|piece| piece.captured(transfers)).collect();
        have.sort_unstable();
        let end = self.size.or_else(|| have.iter().map(|range| range.end).max()).unwrap_or(0);
        let mut at = 0;
        for range in have {
            if range.start > at {
                self.holes.push(Range { start: at, end: range.start.min(end) });
            }
            at = at.max(range.end);
        }
        if at < end {
            self.holes.push(Range { start: at, end });
        }
        self.holes.retain(|hole| hole.start < hole.end);
    }
}

/// Overlaps listed of one file.
const MOST_OVERLAPS: usize = 64;

/// The ranges of a piece that were captured.
fn captured(range: Range, content: &Content, have: &mut Vec<Range>) {
    let mut at = range.start;
    for missing in &content.missing {
        let (Some(offset), Some(bytes)) = (missing.offset, missing.bytes) else { return };
        let start = range.start.saturating_add(offset);
        have.push(Range { start: at, end: start });
        at = start.saturating_add(bytes);
    }
    // Which octets the ranges that were not listed are is not known.
    if content.missing_unlisted == 0 {
        have.push(Range { start: at, end: range.end });
    }
}

fn differs(one: &Transfer, other: &Transfer) -> bool {
    let whole = |transfer: &Transfer| {
        let content = transfer.content.as_ref().filter(|content| content.is_whole_file());
        let content = content.filter(|_| transfer.request.rest_offset == 0)?;
        transfer.may_be_whole().then(|| content.file_hashes().digests().sha256)
    };
    whole(one).zip(whole(other)).is_some_and(|(one, other)| one != other)
}
