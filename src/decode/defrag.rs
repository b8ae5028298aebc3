//! IP datagrams put together from their fragments.
//!
//! Of octets that came twice the first copy counts. What waits is bounded by count, bytes and
//! age; beyond, the oldest is given up.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use super::Why;
use super::fragment::{Fragment, Key};
use crate::limits::Limits;
use crate::time::Stamp;

/// What fragments a capture holds. `frames` are all of them; the others say what became of them.
#[derive(Clone, Debug, Default)]
pub struct FragmentFacts {
    pub frames: u64,
    /// Datagrams of which every piece came.
    pub datagrams: u64,
    /// Datagrams of which some did not, and their pieces.
    pub incomplete: u64,
    pub incomplete_frames: u64,
    /// Those of them whose first piece has a TCP header. It is not taken for a segment: what
    /// follows it is not known, and a receiver never got it.
    pub incomplete_tcp: u64,
    /// Pieces that came again, with the same octets.
    pub duplicates: u64,
    /// Pieces that overlap others, all octets the same.
    pub overlaps: u64,
    /// Pieces that overlap others with different octets.
    pub conflicts: u64,
    /// The first of those.
    pub conflict_frames: Vec<Stamp>,
    /// Pieces no datagram can have: empty, beyond 65,535 octets, behind its end, or not of whole
    /// units of eight.
    pub invalid: u64,
}

/// Datagrams that wait for their pieces.
#[derive(Debug)]
pub(super) struct Pool {
    datagrams: HashMap<Key, Datagram, ahash::RandomState>,
    /// In the order of their first pieces; some of them are gone.
    order: VecDeque<(Key, u64)>,
    /// What went into those that were completed last: captures that show each frame twice would
    /// otherwise leave the second copy of each last piece waiting.
    completed: VecDeque<(Key, Vec<Digest>)>,
    /// Tells a datagram from an earlier one of the same key.
    next_number: u64,
    held_bytes: usize,
    most: usize,
    most_bytes: usize,
    most_nanos: i64,
    facts: FragmentFacts,
    evicted: u64,
    evicted_for_bytes: u64,
}

/// Where a piece begins, and a hash of it.
type Digest = (usize, u64);

#[derive(Debug)]
struct Datagram {
    number: u64,
    first: Stamp,
    frames: u64,
    /// By where they begin; they do not overlap.
    pieces: BTreeMap<usize, Piece>,
    /// Header, protocol and the place where it is said, of the first piece.
    head: Option<(Vec<u8>, u8, usize)>,
    protocol: u8,
    /// Octets, once the last piece told.
    len: Option<usize>,
    /// Octets the pieces have, captured or not.
    have: usize,
    held_bytes: usize,
    digests: Vec<Digest>,
    /// Pieces of a completed datagram of the same key, as long as these are the same.
    repeats: Option<Vec<Digest>>,
}

#[derive(Debug)]
struct Piece {
    end: usize,
    /// Fewer than it has, if the capture cut them off.
    bytes: Vec<u8>,
}

/// Bytes a piece costs beyond those in it.
const PIECE_COST: usize = 128;

/// Completed datagrams remembered.
const COMPLETED: usize = 64;

/// Frames of conflicts that are listed.
const CONFLICTS_KEPT: usize = 1000;

impl Pool {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            datagrams: HashMap::default(),
            order: VecDeque::new(),
            completed: VecDeque::new(),
            next_number: 0,
            held_bytes: 0,
            most: limits.fragmented_datagrams,
            most_bytes: limits.fragment_bytes,
            most_nanos: i64::from(limits.fragment_seconds) * 1_000_000_000,
            facts: FragmentFacts::default(),
            evicted: 0,
            evicted_for_bytes: 0,
        }
    }

    /// Takes a piece; gives the datagram if it is the one that was missing.
    pub(super) fn push(
        &mut self,
        stamp: Stamp,
        fragment: &Result<Fragment<'_>, Why>,
    ) -> Result<Option<Vec<u8>>, Why> {
        self.facts.frames += 1;
        let fragment = fragment.as_ref().map_err(|why| {
            self.facts.invalid += u64::from(*why == Why::IpFragmentInvalid);
            *why
        })?;
        self.expire(stamp);
        let key = fragment.key;
        let hash = self.datagrams.hasher().hash_one(fragment.bytes);
        self.open(key, stamp);
        let Some(datagram) = self.datagrams.get_mut(&key) else { return Ok(None) };
        let before = datagram.held_bytes;
        let taken = datagram.take(fragment, (fragment.start, hash));
        let is_whole = datagram.len == Some(datagram.have) && datagram.head.is_some();
        self.held_bytes += datagram.held_bytes - before;
        match taken {
            Taken::New => {}
            Taken::Again => self.facts.duplicates += 1,
            Taken::Overlap => self.facts.overlaps += 1,
            Taken::Conflict => {
                self.facts.conflicts += 1;
                if self.facts.conflict_frames.len() < CONFLICTS_KEPT {
                    self.facts.conflict_frames.push(stamp);
                }
            }
            Taken::Impossible => {
                self.facts.invalid += 1;
                return Err(Why::IpFragmentInvalid);
            }
        }
        if is_whole {
            return self.complete(key);
        }
        self.bound();
        Ok(None)
    }

    /// All that wait are given up: the capture is over.
    pub(super) fn finish(&mut self) -> FragmentFacts {
        while self.give_up_oldest() {}
        std::mem::take(&mut self.facts)
    }

    pub(super) fn limits_reached(&self) -> [(&'static str, u64); 2] {
        [("fragmented_datagrams", self.evicted), ("fragment_bytes", self.evicted_for_bytes)]
    }

    /// Makes sure that there is a datagram for `key`.
    fn open(&mut self, key: Key, stamp: Stamp) {
        let Entry::Vacant(free) = self.datagrams.entry(key) else { return };
        let number = self.next_number;
        self.next_number += 1;
        let known = self.completed.iter().rposition(|(completed, _)| *completed == key);
        let repeats = known.and_then(|at| self.completed.remove(at)).map(|(_, digests)| digests);
        free.insert(Datagram::new(number, stamp, repeats));
        self.order.push_back((key, number));
        self.held_bytes += PIECE_COST;
    }

    fn complete(&mut self, key: Key) -> Result<Option<Vec<u8>>, Why> {
        let Some(datagram) = self.datagrams.remove(&key) else { return Ok(None) };
        self.held_bytes -= datagram.held_bytes;
        let whole = datagram.assemble();
        if whole.is_none() {
            self.facts.invalid += 1;
            return Err(Why::IpFragmentInvalid);
        }
        self.facts.datagrams += 1;
        if self.completed.len() == COMPLETED {
            self.completed.pop_front();
        }
        self.completed.push_back((key, datagram.digests));
        // The order keeps names of what is gone; not more of them than of what is there.
        if self.order.len() > 2 * self.datagrams.len() + COMPLETED {
            let datagrams = &self.datagrams;
            self.order.retain(|(key, number)| {
                datagrams.get(key).is_some_and(|datagram| datagram.number == *number)
            });
        }
        Ok(whole)
    }

    fn expire(&mut self, now: Stamp) {
        while let Some((key, number)) = self.order.front() {
            let waiting = self.datagrams.get(key).filter(|datagram| datagram.number == *number);
            let Some(waiting) = waiting else {
                self.order.pop_front();
                continue;
            };
            let age = now.at.nanos_since(waiting.first.at);
            if age.is_none_or(|age| age <= self.most_nanos) {
                return;
            }
            self.give_up_oldest();
        }
    }

    fn bound(&mut self) {
        while self.datagrams.len() > self.most {
            self.evicted += 1;
            self.give_up_oldest();
        }
        while self.held_bytes > self.most_bytes && !self.datagrams.is_empty() {
            self.evicted_for_bytes += 1;
            self.give_up_oldest();
        }
    }

    /// Whether there was one.
    fn give_up_oldest(&mut self) -> bool {
        while let Some((key, number)) = self.order.pop_front() {
            let Entry::Occupied(found) = self.datagrams.entry(key) else { continue };
            if found.get().number != number {
                continue;
            }
            let datagram = found.remove();
            self.held_bytes -= datagram.held_bytes;
            self.facts.count_incomplete(&datagram);
            return true;
        }
        false
    }
}

impl FragmentFacts {
    fn count_incomplete(&mut self, datagram: &Datagram) {
        if datagram.repeats.is_some() {
            self.duplicates += datagram.frames;
            return;
        }
        self.incomplete += 1;
        self.incomplete_frames += datagram.frames;
        let has_header = |piece: &Piece| piece.bytes.len() >= TCP_HEADER;
        if datagram.protocol == TCP && datagram.pieces.get(&0).is_some_and(has_header) {
            self.incomplete_tcp += 1;
        }
    }
}

const TCP: u8 = 6;
const TCP_HEADER: usize = 20;

/// What a piece was to its datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Taken {
    New,
    Again,
    Overlap,
    Conflict,
    Impossible,
}

impl Datagram {
    fn new(number: u64, first: Stamp, repeats: Option<Vec<Digest>>) -> Self {
        Self {
            number,
            first,
            frames: 0,
            pieces: BTreeMap::new(),
            head: None,
            protocol: 0,
            len: None,
            have: 0,
            held_bytes: PIECE_COST,
            digests: Vec::new(),
            repeats,
        }
    }

    /// Takes what is new of a piece.
    fn take(&mut self, fragment: &Fragment<'_>, digest: Digest) -> Taken {
        let reach = self.pieces.last_key_value().map_or(0, |(_, piece)| piece.end);
        let has_room = match self.len {
            Some(len) if fragment.is_last => fragment.end == len,
            Some(len) => fragment.end <= len,
            None => !fragment.is_last || fragment.end >= reach,
        };
        if !has_room {
            return Taken::Impossible;
        }
        self.frames += 1;
        if fragment.is_last {
            self.len = Some(fragment.end);
        }
        if fragment.start == 0 && self.head.is_none() {
            self.head = Some((fragment.head.to_vec(), fragment.protocol, fragment.protocol_at));
            self.protocol = fragment.protocol;
            self.held_bytes += fragment.head.len();
        }
        self.repeats.take_if(|former| !former.contains(&digest));
        let known = self.pieces.get(&fragment.start);
        let is_same_place = known.is_some_and(|piece| piece.end == fragment.end);
        match self.fill(fragment) {
            (0, _) => {
                self.digests.push(digest);
                Taken::New
            }
            (_, true) => Taken::Conflict,
            (_, false) if is_same_place => Taken::Again,
            (_, false) => Taken::Overlap,
        }
    }

    /// Puts the piece where nothing is yet. How many octets were there already, and whether any of
    /// them are different.
    fn fill(&mut self, fragment: &Fragment<'_>) -> (usize, bool) {
        let (mut at, mut there, mut differs) = (fragment.start, 0, false);
        let mut free = Vec::new();
        let before = self.pieces.range(..at).next_back();
        for (start, piece) in before.into_iter().chain(self.pieces.range(at..fragment.end)) {
            if piece.end <= at {
                continue;
            }
            let from = at.max(*start);
            if from > at {
                free.push((at, from));
            }
            at = piece.end.min(fragment.end);
            there += at - from;
            let mine = fragment.bytes.get(from - fragment.start..).unwrap_or_default();
            let theirs = piece.bytes.get(from - start..).unwrap_or_default();
            differs |= mine.iter().zip(theirs).take(at - from).any(|(mine, theirs)| mine != theirs);
        }
        if at < fragment.end {
            free.push((at, fragment.end));
        }
        for (start, end) in free {
            let bytes = fragment.bytes.get(start - fragment.start..).unwrap_or_default();
            let bytes = bytes.get(..end - start).unwrap_or(bytes).to_vec();
            self.have += end - start;
            self.held_bytes += bytes.len() + PIECE_COST;
            self.pieces.insert(start, Piece { end, bytes });
        }
        (there, differs)
    }

    /// The packet as if it had never been in pieces, up to where the capture cut one of them off;
    /// its length tells how long it was. `None` if it is longer than a packet can be.
    fn assemble(&self) -> Option<Vec<u8>> {
        let (head, protocol, protocol_at) = self.head.as_ref()?;
        let mut packet = head.clone();
        *packet.get_mut(*protocol_at)? = *protocol;
        let is_v4 = head.first()? >> 4 == 4;
        let fixed = if is_v4 { 0 } else { 40 };
        let len = u16::try_from(head.len() - fixed + self.have).ok()?.to_be_bytes();
        let len_at = if is_v4 { 2 } else { 4 };
        packet.get_mut(len_at..len_at + 2)?.copy_from_slice(&len);
        if is_v4 {
            // No more fragments, at the beginning; and no checksum, as that of the first fragment is
            // of another header.
            packet.get_mut(6..8)?.fill(0);
            packet.get_mut(10..12)?.fill(0);
        }
        for (start, piece) in &self.pieces {
            packet.extend(&piece.bytes);
            if piece.bytes.len() < piece.end - start {
                break;
            }
        }
        Some(packet)
    }
}
