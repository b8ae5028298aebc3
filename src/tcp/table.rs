//! The connections that are open, by their addresses.

use std::collections::{HashMap, VecDeque};

use ahash::RandomState;

use super::conn::{Close, Conn, Contender};
use crate::decode::{Endpoint, Flags, FlowKey, Segment};
use crate::time::Timestamp;

/// Every connection seen, by its pair of addresses; `R` is what its consumer keeps beside it.
///
/// A connection that is nobody's business costs one entry of 64 bytes and one look-up a packet.
#[derive(Debug)]
pub struct ConnTable<R> {
    entries: HashMap<FlowKey, Entry, RandomState>,
    slots: Vec<Option<Box<Slot<R>>>>,
    free: Vec<u32>,
    /// Size of `entries` at which those that are over are swept out.
    sweep_at: usize,
    most: usize,
    most_ignored: usize,
    /// Connections that seem to be over, and when they are if they do not go on.
    ending: VecDeque<(Timestamp, FlowKey)>,
    /// The SYN that began the connection last found to be new.
    contender: Option<Contender>,
    /// Connections seen.
    pub seen: u64,
    /// Connections given up because the table was full.
    pub evicted: u64,
    /// Connections that are nobody's business and were forgotten because there were too many. What
    /// follows of them is looked at again.
    pub forgotten: u64,
}

/// A connection that is followed.
#[derive(Debug)]
pub struct Slot<R> {
    pub conn: Conn,
    pub role: R,
    /// When it is over, if it does not go on.
    ends: Option<Timestamp>,
}

/// What the table knows of a segment's connection.
pub enum Found<'a, R> {
    /// Nobody's business, or a stray segment of none.
    Nothing,
    Known(&'a mut Slot<R>),
    /// A connection not seen before, to be [followed](ConnTable::follow).
    New,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    state: State,
    last: Timestamp,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Ignored { fins: u8 },
    Followed { slot: u32 },
}

/// Nanoseconds a connection that is over stays known, so that its late packets are not taken
/// for a new one: the usual TIME-WAIT (RFC 9293 §3.4.2).
const LINGER_NS: i64 = 60_000_000_000;

/// Nanoseconds after which a connection that was reset, or whose last acknowledgement is not in
/// the capture, is over: what would show that it went on comes within a few round trips or
/// retransmissions.
const ENDING_NS: i64 = 3_000_000_000;

/// Connections that may wait for that at one time.
const ENDING_KEPT: usize = 4096;

const FIRST_SWEEP: usize = 4096;

impl<R> ConnTable<R> {
    /// A table that follows at most `most` connections, and remembers `most_ignored` that it leaves
    /// alone.
    pub fn new(most: usize, most_ignored: usize) -> Self {
        Self {
            entries: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            sweep_at: FIRST_SWEEP,
            most,
            most_ignored,
            ending: VecDeque::new(),
            contender: None,
            seen: 0,
            evicted: 0,
            forgotten: 0,
        }
    }

    /// Finds the connection of a segment. A followed one whose addresses this segment uses again
    /// is handed to `ended`.
    pub fn find(&mut self, segment: &Segment<'_>, ended: impl FnOnce(Slot<R>)) -> Found<'_, R> {
        let (key, _) = FlowKey::of(segment.src, segment.dst);
        let syn = segment.flags.has(Flags::SYN);
        let Some(entry) = self.entries.get_mut(&key) else {
            // A bare ACK or RST opens nothing and tells nothing.
            return if syn || !segment.payload.is_empty() { Found::New } else { Found::Nothing };
        };
        let age = segment.stamp.at.nanos_since(entry.last);
        entry.last = segment.stamp.at;
        let slot = match &mut entry.state {
            // Left alone only once data was seen, so this SYN is another connection's.
            State::Ignored { .. } if syn && !segment.flags.has(Flags::ACK) => return Found::New,
            State::Ignored { fins } if *fins >= OVER && age.is_some_and(|age| age > LINGER_NS) => {
                self.entries.remove(&key);
                return if segment.payload.is_empty() { Found::Nothing } else { Found::New };
            }
            State::Ignored { fins } => {
                let ends = if segment.flags.has(Flags::RST) { OVER } else { 1 };
                if segment.flags.has(Flags::RST) || segment.flags.has(Flags::FIN) {
                    *fins = fins.saturating_add(ends);
                }
                return Found::Nothing;
            }
            State::Followed { slot } => *slot,
        };
        let known = self.slots.get_mut(slot as usize).and_then(Option::as_mut);
        if known.is_none_or(|known| known.conn.is_replaced_by(segment)) {
            self.entries.remove(&key);
            if let Some(mut old) = self.take(slot) {
                self.contender = old.conn.give_way();
                ended(old);
            }
            return Found::New;
        }
        match self.slots.get_mut(slot as usize).and_then(Option::as_mut) {
            Some(known) => Found::Known(known),
            None => Found::New,
        }
    }

    /// The connection between these, if it is followed.
    pub fn followed_between(&mut self, one: Endpoint, other: Endpoint) -> Option<&mut Slot<R>> {
        self.slot_mut(&FlowKey::of(one, other).0)
    }

    /// Follows the connection this segment begins, in the role that `meet` gives it.
    pub fn follow(
        &mut self,
        segment: &Segment<'_>,
        meet: impl FnOnce(&mut Conn) -> R,
    ) -> &mut Slot<R> {
        let mut conn = Conn::new(segment);
        if let Some(syn) = self.contender.take() {
            conn.adopt(syn);
        }
        let role = meet(&mut conn);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let (key, _) = FlowKey::of(segment.src, segment.dst);
        self.seen += 1;
        let entry = Entry { state: State::Followed { slot }, last: segment.stamp.at };
        self.entries.insert(key, entry);
        match self.slots.get_mut(slot as usize) {
            Some(place) => place.insert(Box::new(Slot { conn, role, ends: None })),
            None => unreachable!("the slot was pushed, or freed, before"),
        }
    }

    /// Stops following the connection of a segment; its later packets are left alone. With
    /// `over`, they are stragglers of a connection that ended, soon forgotten.
    pub fn forget(&mut self, segment: &Segment<'_>, over: bool) -> Option<Slot<R>> {
        let (key, _) = FlowKey::of(segment.src, segment.dst);
        self.stop(&key, over)
    }

    fn stop(&mut self, key: &FlowKey, over: bool) -> Option<Slot<R>> {
        let entry = self.entries.get_mut(key)?;
        let State::Followed { slot } = entry.state else { return None };
        entry.state = State::Ignored { fins: if over { OVER } else { 0 } };
        self.take(slot)
    }

    /// The connection of a segment seems to be over; [`expire`](Self::expire) ends it unless it
    /// goes on.
    pub fn end_soon(&mut self, segment: &Segment<'_>) {
        let (key, _) = FlowKey::of(segment.src, segment.dst);
        let Some(slot) = self.slot_mut(&key).filter(|slot| slot.ends.is_none()) else { return };
        let now = segment.stamp.at;
        slot.ends = Some(now);
        self.ending.push_back((now, key));
    }

    /// Hands over the next connection that seemed to be over and did not go on.
    pub fn expire(&mut self, now: Timestamp) -> Option<Slot<R>> {
        loop {
            let (since, key) = *self.ending.front()?;
            let waits = now.nanos_since(since).is_some_and(|age| age.abs() < ENDING_NS);
            if waits && self.ending.len() <= ENDING_KEPT {
                return None;
            }
            self.ending.pop_front();
            let Some(slot) = self.slot_mut(&key).filter(|slot| slot.ends == Some(since)) else {
                continue;
            };
            slot.ends = None;
            if slot.conn.is_ending() {
                return self.stop(&key, true);
            }
        }
    }

    fn slot_mut(&mut self, key: &FlowKey) -> Option<&mut Slot<R>> {
        let State::Followed { slot } = self.entries.get(key)?.state else { return None };
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    /// Whether [`sweep`](Self::sweep) is due.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= self.sweep_at || self.followed() >= self.most
    }

    /// Forgets what is over. If that is not enough, hands over what seems to be, then the half of
    /// those followed that was silent longest: first of those that never carried a byte, then of
    /// all. Of those left alone the same half is forgotten.
    pub fn sweep(&mut self, now: Timestamp, mut ended: impl FnMut(Slot<R>)) {
        self.entries.retain(|_, entry| {
            let lingers = now.nanos_since(entry.last).is_none_or(|age| age < LINGER_NS);
            lingers || !matches!(entry.state, State::Ignored { fins } if fins >= OVER)
        });
        if self.is_crowded() {
            while let Some(over) = self.expire(Timestamp::UNKNOWN) {
                ended(over);
            }
        }
        for only_empty in [true, false] {
            if self.is_crowded() {
                self.evict_older_half(only_empty, &mut ended);
            }
        }
        if (self.entries.len() - self.followed()) * 4 >= self.most_ignored * 3 {
            self.forget_older_half();
        }
        self.sweep_at =
            (self.entries.len() * 2).max(FIRST_SWEEP).min(self.most + self.most_ignored);
    }

    fn is_crowded(&self) -> bool {
        self.followed() * 4 >= self.most * 3
    }

    /// Takes every connection still followed, in the order of their first frames.
    pub fn drain(&mut self) -> Vec<Slot<R>> {
        self.entries.clear();
        self.free.clear();
        let mut left: Vec<Slot<R>> = self.slots.drain(..).flatten().map(|slot| *slot).collect();
        left.sort_by_key(|slot| slot.conn.link.first.place);
        left
    }

    fn followed(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn take(&mut self, slot: u32) -> Option<Slot<R>> {
        let old = self.slots.get_mut(slot as usize).and_then(Option::take)?;
        self.free.push(slot);
        Some(*old)
    }

    fn evict_older_half(&mut self, only_empty: bool, ended: &mut impl FnMut(Slot<R>)) {
        let may_go = |slot: u32| {
            let slot = self.slots.get(slot as usize).and_then(Option::as_ref);
            slot.is_none_or(|slot| !only_empty || slot.conn.is_empty())
        };
        let chosen =
            self.older_half(|state| matches!(state, State::Followed { slot } if may_go(slot)));
        for key in chosen {
            self.evicted += 1;
            if let Some(Entry { state: State::Followed { slot }, .. }) = self.entries.remove(&key)
                && let Some(mut old) = self.take(slot)
            {
                old.conn.link.close = Close::Timeout;
                ended(old);
            }
        }
    }

    fn forget_older_half(&mut self) {
        for key in self.older_half(|state| matches!(state, State::Ignored { .. })) {
            self.forgotten += 1;
            self.entries.remove(&key);
        }
    }

    fn older_half(&self, may_go: impl Fn(State) -> bool) -> Vec<FlowKey> {
        let of_these = self.entries.iter().filter(|(_, entry)| may_go(entry.state));
        let mut chosen: Vec<_> = of_these.map(|(key, entry)| (entry.last, *key)).collect();
        // By time and then by addresses: which ones go must not depend on the table's order.
        chosen.sort_unstable();
        chosen.truncate(chosen.len().div_ceil(2));
        chosen.into_iter().map(|(_, key)| key).collect()
    }
}

/// Enough FINs for both directions.
const OVER: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::assembler::Budget;
    use crate::tcp::conn::tests::segment;

    #[test]
    fn a_flood_of_syns_evicts_the_silent_and_keeps_who_spoke() {
        let mut table = ConnTable::<u32>::new(64, 64);
        let (mut budget, mut ended) = (Budget::new(0, 0), 0);
        let talk = segment(1, 1, 21, "ack", 0, 0, b"220 hi\r\n");
        table.follow(&talk, |_| 0).conn.handle(&talk, &mut budget, &mut |_| {});
        for port in 2..2000 {
            let syn = segment(u64::from(port), port, 21, "syn", 0, 0, b"");
            assert!(matches!(table.find(&syn, |_| ()), Found::New));
            table.follow(&syn, |_| 1).conn.handle(&syn, &mut budget, &mut |_| {});
            if table.is_full() {
                table.sweep(syn.stamp.at, |slot| {
                    assert_eq!((slot.role, slot.conn.link.close), (1, Close::Timeout));
                    ended += 1;
                });
            }
            assert!(table.followed() <= 64);
        }
        assert!(matches!(table.find(&talk, |_| ()), Found::Known(slot) if slot.role == 0));
        assert_eq!(table.evicted, ended);
        assert_eq!(table.seen, 1999);
        assert_eq!(table.drain().len() as u64 + ended, 1999);
    }

    #[test]
    fn used_again_addresses_are_another_connection() {
        let mut table = ConnTable::new(8, 8);
        let first = segment(1, 7, 21, "syn", 100, 0, b"");
        table.follow(&first, |_| 'a').conn.handle(&first, &mut Budget::new(0, 0), &mut |_| {});
        assert!(matches!(table.find(&first, |_| ()), Found::Known(_)), "a repeated SYN");
        let second = segment(2, 7, 21, "syn", 5000, 0, b"");
        let mut old = None;
        assert!(matches!(table.find(&second, |slot| old = Some(slot.role)), Found::New));
        assert_eq!(old, Some('a'));
        table.follow(&second, |_| 'b');
        table.forget(&second, true);
        assert!(matches!(
            table.find(&segment(3, 7, 21, "ack", 0, 0, b"x"), |_| ()),
            Found::Nothing
        ));
        assert!(matches!(table.find(&segment(3, 7, 21, "syn", 0, 0, b""), |_| ()), Found::New));
    }
}
