//! Control connections captured twice: on both sides of a box that rewrites addresses, or in and
//! out of a tunnel.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ahash::RandomState;

use super::SessionId;
use crate::decode::Endpoint;
use crate::time::Stamp;

/// Finds the sessions that are one dialogue.
#[derive(Debug, Default)]
pub(super) struct Twins {
    by_numbers: HashMap<Numbers, SessionId, RandomState>,
    by_opening: HashMap<u64, (SessionId, Opening), RandomState>,
    found: HashMap<SessionId, Twin, RandomState>,
}

/// Initial sequence numbers of client and server. Address translation leaves them as they are
/// (Linux, most routers); Cisco ASA and pf's `modulate state` choose new ones.
pub(super) type Numbers = [u32; 2];

/// A session that was captured twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Twin {
    pub other: SessionId,
    /// Whether this is the one captured first.
    pub is_first: bool,
    pub how: Sameness,
}

/// How it is known that two sessions are one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sameness {
    /// Both ends began with the same sequence numbers: one in 2⁶⁴ by chance.
    SequenceNumbers,
    /// The same was said until the login was answered, and every line passed the two places in
    /// the order in which it must.
    Dialogue,
}

/// What was said up to the answer to the second command, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Opening {
    /// Whether it is a command, and its last frame.
    lines: Vec<(bool, Stamp)>,
    /// Of all lines.
    pub(super) text: u64,
    commands: usize,
    pub(super) is_complete: bool,
}

/// Lines of an opening. A longer one, of a banner that tells stories, is not compared.
const LINES: usize = 32;

/// Keyed at random: what is said can be chosen so that two openings of another key agree.
static KEY: std::sync::LazyLock<RandomState> = std::sync::LazyLock::new(RandomState::new);

/// Nanoseconds between the two places at most: a box that rewrites addresses takes microseconds.
const APART_NS: i64 = 250_000_000;

impl Opening {
    pub(super) fn note(&mut self, is_command: bool, line: &[u8], stamp: Stamp) {
        if self.is_over() {
            return;
        }
        self.commands += usize::from(is_command);
        self.text = KEY.hash_one((self.text, is_command, line));
        self.lines.push((is_command, stamp));
        self.is_complete = !is_command && self.commands >= 2;
    }

    /// Whether nothing will be added.
    pub(super) fn is_over(&self) -> bool {
        self.is_complete || self.lines.len() >= LINES
    }

    /// Whether both are the same packets, seen at two places: what the client says passes one
    /// place first, what the server says the other.
    fn is_same(&self, other: &Self) -> bool {
        let first_command = self.lines.iter().zip(&other.lines).find(|(line, _)| line.0);
        let Some(((_, here), (_, there))) = first_command else { return false };
        let (near, far) = if there.is_before(*here) { (other, self) } else { (self, other) };
        self.text == other.text
            && near.lines.iter().zip(&far.lines).all(|((is_command, near), (_, far))| {
                let (before, after) = if *is_command { (near, far) } else { (far, near) };
                let apart = after.at.nanos_since(before.at);
                before.is_before(*after) && apart.is_some_and(|apart| apart < APART_NS)
            })
    }
}

impl Twins {
    /// A session opened with these numbers.
    pub(super) fn meet(&mut self, id: SessionId, numbers: Numbers) {
        match self.by_numbers.entry(numbers) {
            Entry::Vacant(place) => drop(place.insert(id)),
            Entry::Occupied(known) => {
                let first = *known.get();
                self.pair(first, id, Sameness::SequenceNumbers);
            }
        }
    }

    /// The opening of a session is complete. `share_an_end` tells whether a box that rewrites
    /// addresses may stand between it and another.
    pub(super) fn compare(
        &mut self,
        id: SessionId,
        opening: Opening,
        share_an_end: impl FnOnce(SessionId) -> bool,
    ) {
        match self.by_opening.entry(opening.text) {
            Entry::Vacant(place) => drop(place.insert((id, opening))),
            Entry::Occupied(mut known) => {
                let (other, theirs) = known.get();
                if opening.is_same(theirs) && share_an_end(*other) {
                    let first = *other;
                    self.pair(first, id, Sameness::Dialogue);
                } else {
                    // The newest is the likeliest to meet its twin.
                    known.insert((id, opening));
                }
            }
        }
    }

    pub(super) fn of(&self, id: SessionId) -> Option<Twin> {
        self.found.get(&id).copied()
    }

    /// A session is over: no other will be its twin.
    pub(super) fn forget(&mut self, id: SessionId, numbers: Option<Numbers>, opening: Option<u64>) {
        if let Some(numbers) = numbers
            && self.by_numbers.get(&numbers) == Some(&id)
        {
            self.by_numbers.remove(&numbers);
        }
        if let Some(text) = opening
            && self.by_opening.get(&text).is_some_and(|(known, _)| *known == id)
        {
            self.by_opening.remove(&text);
        }
    }

    /// Both of a pair were handed over.
    pub(super) fn part(&mut self, one: SessionId) {
        if let Some(twin) = self.found.remove(&one) {
            self.found.remove(&twin.other);
        }
    }

    fn pair(&mut self, one: SessionId, other: SessionId, how: Sameness) {
        let (first, second) = (one.min(other), one.max(other));
        if !self.found.contains_key(&first) && !self.found.contains_key(&second) {
            self.found.insert(first, Twin { other: second, is_first: true, how });
            self.found.insert(second, Twin { other: first, is_first: false, how });
        }
    }
}

/// Whether a box that rewrites addresses may stand between: it leaves one end as it is, or both
/// ports.
pub(super) fn share_an_end(one: [Endpoint; 2], other: [Endpoint; 2]) -> bool {
    let [client, server] = one;
    let is_same = one == other;
    !is_same
        && (client.ip == other[0].ip
            || server.ip == other[1].ip
            || client.port == other[0].port && server.port == other[1].port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    /// `times` of a banner, USER, its reply, PASS, its reply, in milliseconds.
    fn opening(times: [i64; 5], user: &str) -> Opening {
        let mut opening = Opening::default();
        let lines = [
            (false, "220 hi"),
            (true, user),
            (false, "331 go"),
            (true, "PASS x"),
            (false, "230 in"),
        ];
        for ((is_command, line), at) in lines.into_iter().zip(times) {
            assert!(!opening.is_complete);
            let (at, frame) = (Timestamp::from_parts(0, at as u32 * 1_000_000), at as u64);
            opening.note(is_command, line.as_bytes(), Stamp::new(at, 0, frame));
        }
        assert!(opening.is_complete);
        opening
    }

    fn twin(one: Opening, other: Opening) -> Option<Twin> {
        let mut twins = Twins::default();
        twins.compare(SessionId(1), one, |_| true);
        twins.compare(SessionId(2), other, |_| true);
        twins.of(SessionId(2))
    }

    #[test]
    fn a_dialogue_seen_at_two_places_is_one() {
        let inside = opening([11, 20, 31, 40, 51], "USER bob");
        let outside = opening([10, 21, 30, 41, 50], "USER bob");
        let wanted = Twin { other: SessionId(1), is_first: false, how: Sameness::Dialogue };
        assert_eq!(twin(inside.clone(), outside.clone()), Some(wanted));
        assert_eq!(twin(outside, inside), Some(wanted));
    }

    #[test]
    fn two_clients_that_do_the_same_at_the_same_time_are_two() {
        let one = opening([10, 20, 30, 40, 50], "USER bob");
        assert_eq!(twin(one.clone(), opening([11, 21, 31, 41, 51], "USER bob")), None);
        assert_eq!(twin(one.clone(), opening([9, 21, 29, 41, 49], "USER eve")), None);
        assert_eq!(twin(one, opening([300, 600, 320, 640, 350], "USER bob")), None);
    }

    #[test]
    fn the_same_numbers_are_the_same_connection() {
        let mut twins = Twins::default();
        twins.meet(SessionId(1), [7, 8]);
        twins.meet(SessionId(2), [7, 9]);
        twins.meet(SessionId(3), [7, 8]);
        assert_eq!(twins.of(SessionId(2)), None);
        let how = Sameness::SequenceNumbers;
        let wanted = Twin { other: SessionId(3), is_first: true, how };
        assert_eq!(twins.of(SessionId(1)), Some(wanted));
        twins.part(SessionId(3));
        assert_eq!(twins.of(SessionId(1)), None);
    }
}
