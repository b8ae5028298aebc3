//! One direction of a TCP connection, put in order.

use std::collections::BTreeMap;

use super::recent::Recent;
use crate::time::Stamp;

/// Orders the bytes of one direction of one TCP connection.
///
/// Sans-IO: [`push`](Self::push) what the capture showed; whatever became in order is
/// handed to `out` before it returns. Never blocks, never reads a clock. In-order bytes are
/// borrowed from the frame; only bytes that arrive early are copied, within [`Budget`].
/// On overlap the copy seen first wins, or as [`Overlap`] says, and a differing one is reported.
#[derive(Debug, Default)]
pub struct Assembler {
    next: u64,
    early: BTreeMap<u64, Early>,
    early_bytes: usize,
    recent: Recent,
}

/// What [`Assembler`] hands out. Offsets are octets after the SYN, 64-bit: they outlive
/// the wrap of sequence numbers.
#[derive(Debug, Eq, PartialEq)]
pub enum StreamEvent<'a> {
    /// In-order bytes; `offset` continues exactly where the last event ended.
    Data { offset: u64, bytes: &'a [u8], mark: Mark },
    /// `len` octets that the capture never showed.
    Gap { offset: u64, len: u64, mark: Mark },
    /// A retransmission whose bytes differ from those first seen (evasion, a rewriting device,
    /// or a copy damaged on its way), and where those were seen, if that is remembered.
    Conflict { offset: u64, len: u64, mark: Mark, first: Option<Stamp> },
}

/// Where bytes were seen, and what their sender had received by then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    pub stamp: Stamp,
    /// Octets of the opposite direction that the carrying segment acknowledged: its sender
    /// had those, and none beyond, when it spoke.
    pub acked: u64,
}

/// Bytes held early by all connections together, and by how many pieces the bounds were passed.
#[derive(Debug)]
pub struct Budget {
    pub held: usize,
    /// Most bytes held by one direction.
    pub each: usize,
    /// Most bytes held in all.
    pub all: usize,
    /// Times a hole was given up because a bound was reached.
    pub overflows: u64,
    /// Which copy of octets that wait the receiver takes.
    pub overlap: Overlap,
    /// Anomalies listed of one direction.
    pub anomalies: usize,
}

/// Which of two differing copies of octets a receiver takes, while those in front of them have not
/// come. What was in order when it came is taken at once and never changed by any.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Overlap {
    /// The one that came first: Linux and most others, and what RFC 9293 §3.10.7.4 suggests.
    #[default]
    First,
    /// The one that came last.
    Last,
}

#[derive(Debug)]
struct Early {
    bytes: Vec<u8>,
    mark: Mark,
}

impl Assembler {
    /// Offset of the next octet to be handed out.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Chooses how many bytes are remembered after they were handed out, to tell a differing copy.
    pub fn remember(&mut self, most: usize) {
        self.recent.keep(most);
    }

    /// Takes octets `offset..` as captured. Unless `ready`, they wait for [`drain`](Self::drain)
    /// even when they are next.
    pub fn push(
        &mut self,
        offset: u64,
        bytes: &[u8],
        mark: Mark,
        ready: bool,
        budget: &mut Budget,
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        let (seen, new) = bytes.split_at(self.overlap_with_past(offset, bytes.len()));
        if !seen.is_empty() {
            self.recent.compare(offset, seen, |offset, len, first| {
                out(StreamEvent::Conflict { offset, len, mark, first });
            });
        }
        if new.is_empty() {
            return;
        }
        let offset = offset + seen.len() as u64;
        let end = offset + new.len() as u64;
        let alone = self.early.first_key_value().is_none_or(|(first, _)| *first >= end);
        if offset == self.next && ready && alone {
            self.deliver(new, mark, out);
        } else {
            self.hold(offset, new, mark, budget, out);
        }
    }

    /// Hands out held pieces that are next, as far as their senders had not yet heard more than
    /// `peer_next` octets of the opposite direction. True if there were any.
    pub fn drain(
        &mut self,
        peer_next: u64,
        budget: &mut Budget,
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) -> bool {
        let before = self.next;
        while let Some(first) = self.early.first_entry() {
            if *first.key() != self.next || first.get().mark.acked > peer_next {
                break;
            }
            let piece = first.remove();
            self.release(&piece, budget, out);
        }
        self.next != before
    }

    /// Gives up the hole that is next, as far as `upto`: the receiver had it, the capture does
    /// not. False if there is none: what is next is held, and waits for something else.
    pub fn lose(&mut self, upto: u64, mark: Mark, out: &mut dyn FnMut(StreamEvent<'_>)) -> bool {
        let upto = self.first_held().map_or(upto, |(first, _)| first.min(upto));
        if upto <= self.next {
            return false;
        }
        out(StreamEvent::Gap { offset: self.next, len: upto - self.next, mark });
        self.next = upto;
        true
    }

    /// Offset of the first piece that is held, and where it was seen.
    pub fn first_held(&self) -> Option<(u64, Mark)> {
        self.early.first_key_value().map(|(offset, piece)| (*offset, piece.mark))
    }

    /// Offset after the last octet captured.
    pub fn end(&self) -> u64 {
        let held = self.early.last_key_value();
        held.map_or(self.next, |(offset, piece)| offset + piece.bytes.len() as u64)
    }

    /// Whether nothing is held.
    pub fn is_drained(&self) -> bool {
        self.early.is_empty()
    }

    fn overlap_with_past(&self, offset: u64, len: usize) -> usize {
        let past = self.next.saturating_sub(offset);
        usize::try_from(past).map_or(len, |past| past.min(len))
    }

    fn deliver(&mut self, bytes: &[u8], mark: Mark, out: &mut dyn FnMut(StreamEvent<'_>)) {
        if bytes.is_empty() {
            return;
        }
        out(StreamEvent::Data { offset: self.next, bytes, mark });
        self.recent.note(self.next, bytes, mark.stamp);
        self.next += bytes.len() as u64;
    }

    fn release(
        &mut self,
        piece: &Early,
        budget: &mut Budget,
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        let cost = piece.bytes.len() + PIECE_COST;
        self.early_bytes -= cost;
        budget.held -= cost;
        self.deliver(&piece.bytes, piece.mark, out);
    }

    /// Gives up holes and patience: everything before `upto` is handed out or lost.
    fn force(
        &mut self,
        upto: u64,
        mark: Mark,
        budget: &mut Budget,
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        while self.next < upto {
            self.lose(upto, mark, out);
            self.drain(u64::MAX, budget, out);
        }
    }

    /// Keeps the octets of `offset..` that are not held yet, and compares those that are.
    fn hold(
        &mut self,
        offset: u64,
        bytes: &[u8],
        mark: Mark,
        budget: &mut Budget,
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        if !budget.fits(self.early_bytes, bytes.len() + PIECE_COST) {
            self.make_room(offset, bytes.len(), mark, budget, out);
            // What it made room for may be next now, or partly known.
            if self.next >= offset || self.early.is_empty() {
                self.force(offset, mark, budget, out);
                let past = self.overlap_with_past(offset, bytes.len());
                return self.deliver_around_held(offset, bytes, past, mark, budget, out);
            }
        }
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let held = self.early.range_mut(..=at).next_back();
            if let Some((start, piece)) = held
                && let Some(copy) = piece.bytes.get_mut((at - start) as usize..)
                && !copy.is_empty()
            {
                let (again, after) = rest.split_at(copy.len().min(rest.len()));
                let copy = copy.get_mut(..again.len()).unwrap_or_default();
                if copy != again {
                    let (len, first) = (again.len() as u64, Some(piece.mark.stamp));
                    out(StreamEvent::Conflict { offset: at, len, mark, first });
                    if budget.overlap == Overlap::Last {
                        copy.copy_from_slice(again);
                    }
                }
                at += again.len() as u64;
                rest = after;
                continue;
            }
            let room = self.early.range(at..).next().map_or(u64::MAX, |(start, _)| start - at);
            let (new, after) =
                rest.split_at(rest.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.early.insert(at, Early { bytes: new.to_vec(), mark });
            self.early_bytes += new.len() + PIECE_COST;
            budget.held += new.len() + PIECE_COST;
            at += new.len() as u64;
            rest = after;
        }
    }

    /// No room for a piece at `offset`: the oldest holes before it are given up, and what lies
    /// behind them handed out, until there is room.
    fn make_room(
        &mut self,
        offset: u64,
        len: usize,
        mark: Mark,
        budget: &mut Budget,
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        budget.overflows += 1;
        while !budget.fits(self.early_bytes, len + PIECE_COST) {
            match self.first_held().filter(|(first, _)| *first < offset) {
                Some((first, held)) => self.force(first + 1, held, budget, out),
                None => return self.force(offset, mark, budget, out),
            }
        }
    }

    /// Hands out octets that are next, `past` of them seen before, and what is held among them.
    fn deliver_around_held(
        &mut self,
        offset: u64,
        bytes: &[u8],
        past: usize,
        mark: Mark,
        budget: &mut Budget,
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) {
        let end = offset + bytes.len() as u64;
        let mut rest = bytes.get(past..).unwrap_or_default();
        while !rest.is_empty() {
            let room = self.first_held().map_or(u64::MAX, |(first, _)| first - self.next);
            let (now, after) =
                rest.split_at(rest.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.deliver(now, mark, out);
            rest = after;
            if !rest.is_empty() {
                self.drain(u64::MAX, budget, out);
                let left = usize::try_from(end.saturating_sub(self.next)).unwrap_or(0);
                rest = rest.get(rest.len().saturating_sub(left)..).unwrap_or_default();
            }
        }
    }
}

/// Bytes that holding a piece costs beside its octets.
const PIECE_COST: usize = 128;

impl Budget {
    pub fn new(each: usize, all: usize) -> Self {
        Self { held: 0, each, all, overflows: 0, overlap: Overlap::First, anomalies: 64 }
    }

    fn fits(&self, own: usize, more: usize) -> bool {
        own.saturating_add(more) <= self.each && self.held.saturating_add(more) <= self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    const MARK: Mark = Mark { stamp: Stamp::new(Timestamp::UNKNOWN, 0, 1), acked: 0 };

    /// Numerical Recipes' generator: a failure reproduces.
    struct Lcg(u64);

    impl Lcg {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) as usize % bound
        }
    }

    fn wide() -> Budget {
        Budget::new(usize::MAX, usize::MAX)
    }

    /// Oracle: a plain byte array painted first-copy-wins, as slow as it is obvious.
    #[test]
    fn random_segments_match_a_painted_array() {
        let mut rng = Lcg(0x5eed);
        for round in 0..3000 {
            let (mut real, mut budget) = (Assembler::default(), wide());
            real.remember(64);
            let mut painted = [None::<u8>; 64];
            let (mut collected, mut conflicts, mut wanted_conflicts) = (Vec::new(), 0, 0);
            for _ in 0..20 {
                let (at, len) = (rng.below(56), 1 + rng.below(8));
                let bytes: Vec<u8> = (at..at + len)
                    .map(|at| if rng.below(40) == 0 { 0xff } else { at as u8 })
                    .collect();
                let mut differs = false;
                for (cell, byte) in painted[at..at + len].iter_mut().zip(&bytes) {
                    differs |= *cell.get_or_insert(*byte) != *byte;
                }
                wanted_conflicts += usize::from(differs);
                let mut conflict = false;
                let mut collect = |event: StreamEvent<'_>| match event {
                    StreamEvent::Data { offset, bytes, .. } => {
                        assert_eq!(offset, collected.len() as u64);
                        collected.extend_from_slice(bytes);
                    }
                    StreamEvent::Conflict { .. } => conflict = true,
                    StreamEvent::Gap { .. } => panic!("no gap was declared"),
                };
                real.push(at as u64, &bytes, MARK, true, &mut budget, &mut collect);
                real.drain(u64::MAX, &mut budget, &mut collect);
                conflicts += usize::from(conflict);
            }
            let wanted: Vec<u8> = painted.iter().map_while(|byte| *byte).collect();
            assert_eq!(collected, wanted, "round {round}");
            assert_eq!(conflicts, wanted_conflicts, "round {round}");
            let left = painted[wanted.len()..].iter().flatten().count();
            let held = left + real.early.len() * PIECE_COST;
            assert_eq!((real.early_bytes, budget.held), (held, held), "round {round}");
        }
    }

    /// The same oracle with losses declared at random: every octet is handed out once, as data
    /// or as part of a gap, and a gap never hides an octet that had been captured.
    #[test]
    fn declared_losses_are_exactly_what_was_not_captured() {
        let mut rng = Lcg(0xace);
        for round in 0..3000 {
            let each = if round % 2 == 0 { usize::MAX } else { 24 + 3 * PIECE_COST };
            let (mut real, mut budget) = (Assembler::default(), Budget::new(each, usize::MAX));
            let mut seen = [false; 80];
            let mut end = 0;
            let mut collect = |event: StreamEvent<'_>, seen: &[bool]| match event {
                StreamEvent::Data { offset, bytes, .. } => {
                    assert_eq!(offset, end);
                    for (at, byte) in (offset..).zip(bytes) {
                        assert_eq!(u64::from(*byte), at);
                    }
                    end += bytes.len() as u64;
                }
                StreamEvent::Gap { offset, len, .. } => {
                    assert_eq!(offset, end);
                    let hidden = &seen[offset as usize..(offset + len) as usize];
                    assert!(hidden.iter().all(|seen| !seen), "round {round}: {offset}+{len}");
                    end += len;
                }
                StreamEvent::Conflict { .. } => panic!("all copies are equal"),
            };
            for _ in 0..20 {
                let (at, len) = (rng.below(64), 1 + rng.below(9));
                let bytes: Vec<u8> = (at as u8..(at + len) as u8).collect();
                let before = real.next() as usize;
                for cell in &mut seen[at.max(before).min(at + len)..at + len] {
                    *cell = true;
                }
                let ready = rng.below(4) > 0;
                real.push(at as u64, &bytes, MARK, ready, &mut budget, &mut |e| collect(e, &seen));
                // A piece that fills several holes at once costs a little more than it asked for.
                assert!(real.early_bytes <= each.saturating_mul(2));
                if rng.below(3) == 0 {
                    real.drain(u64::MAX, &mut budget, &mut |e| collect(e, &seen));
                }
                if rng.below(5) == 0 {
                    let upto = rng.below(72) as u64;
                    real.force(upto, MARK, &mut budget, &mut |e| collect(e, &seen));
                }
            }
            let end_of_held = real.early.last_key_value().map_or(0, |(at, _)| at + 1);
            real.force(end_of_held, MARK, &mut budget, &mut |e| collect(e, &seen));
            assert!(real.is_drained());
            assert_eq!(budget.held, 0);
            assert_eq!(end, real.next());
        }
    }

    #[test]
    fn a_segment_that_answers_what_was_not_seen_waits_for_it() {
        let (mut real, mut budget) = (Assembler::default(), wide());
        let mut got = Vec::new();
        let answer = Mark { acked: 10, ..MARK };
        let mut collect = |event: StreamEvent<'_>| {
            if let StreamEvent::Data { bytes, .. } = event {
                got.extend_from_slice(bytes);
            }
        };
        real.push(0, b"331", answer, false, &mut budget, &mut collect);
        assert!(!real.drain(9, &mut budget, &mut collect));
        assert!(real.drain(10, &mut budget, &mut collect));
        assert_eq!(got, b"331");
    }
}
