//! Finding the records again behind one that cannot be.

use std::cmp::Reverse;

use super::damage::DamageKind;
use super::facts::Tally;
use super::window::{Halt, Window};

/// Looks for the next record, within bounds.
///
/// A packet may carry a capture file, and its records look like ours. So a place is believed
/// only if believable records follow each other from there for longer than any packet is, or
/// to the very end of the input. A carried one may end where its packet ends, and ours go on
/// there; but it is older than the packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Resync {
    most_bytes: u64,
    steps: Steps,
}

impl Resync {
    /// `most_bytes` bounds one search.
    pub(super) fn new(most_bytes: u64) -> Self {
        Self { most_bytes, steps: Steps(STEPS) }
    }

    /// Goes from what cannot be a record to the next one, and notes what was skipped; where
    /// there is none, the input ends here, because of `why`. `len_of` tells the length of the
    /// believable record its bytes begin with, never more than [`BELIEVED_BYTES`]; from one
    /// record to the next it may remember something, which is `start` before the first.
    #[cold]
    pub(super) fn go_on<S: Copy>(
        &mut self,
        window: &mut Window,
        tally: &mut Tally,
        why: DamageKind,
        start: S,
        len_of: impl Fn(&[u8], &mut S) -> Option<usize>,
    ) -> Result<(), Halt> {
        let offset = window.offset();
        let chain_at = |steps: &mut Steps, bytes: &[u8], at: usize, is_end: bool| {
            let mut memory = start;
            steps.chain(bytes, at, is_end, |bytes| len_of(bytes, &mut memory))
        };
        if let Some(bytes) = self.find(window, chain_at) {
            tally.add_damage(offset, DamageKind::Skipped { bytes });
            return Ok(());
        }
        if !window.is_stopped() {
            tally.add_damage(offset, why);
        }
        Err(window.end())
    }

    /// How many bytes were stepped over; `None` if there is no record.
    fn find(
        &mut self,
        window: &mut Window,
        chain_at: impl Fn(&mut Steps, &[u8], usize, bool) -> Option<usize>,
    ) -> Option<u64> {
        let mut skipped = 0;
        let mut from = 1;
        while skipped < self.most_bytes {
            let is_end = !window.fill(LOOK_BYTES * 2);
            let bytes = window.filled();
            let until = if is_end { bytes.len() } else { bytes.len() - LOOK_BYTES };
            let mut records = |at: usize| chain_at(&mut self.steps, bytes, at, is_end);
            let first = (from..until).find(|at| records(*at).is_some());
            // Records that are all alike read as others one byte before their beginning; then
            // the true ones are shorter, and more.
            let near = first.into_iter().flat_map(|at| at..(at + NEAR_BYTES).min(until));
            let found = near.max_by_key(|at| (records(*at), Reverse(*at)));
            let count = found.unwrap_or(until);
            window.take(count, 0);
            skipped += count as u64;
            if found.is_some() {
                return Some(skipped);
            }
            if is_end {
                return None;
            }
            from = 0;
        }
        None
    }
}

/// What may still be done in one input: a file made to look like records everywhere must not cost
/// its square.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Steps(u32);

impl Steps {
    /// How many records follow each other at `start`, if that is enough to be believed.
    fn chain(
        &mut self,
        bytes: &[u8],
        start: usize,
        is_end: bool,
        mut len_of: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Option<usize> {
        let (mut at, mut records) = (start, 0);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if records >= CHAIN_RECORDS && at - start >= CHAIN_BYTES {
                return Some(records);
            }
            if rest.is_empty() {
                return (is_end && records > 0).then_some(records);
            }
            let len = len_of(rest).filter(|len| *len <= rest.len())?;
            self.0 = self.0.checked_sub(1)?;
            at += len;
            records += 1;
        }
    }
}

/// The longest record that is believed without another sign: snap lengths end at 256 KiB.
pub(super) const BELIEVED_BYTES: usize = 320 << 10;
/// Longer than any packet, so that the capture file inside one does not get here.
const CHAIN_BYTES: usize = 256 << 10;
const CHAIN_RECORDS: usize = 3;
/// What has to be here to judge one place.
const LOOK_BYTES: usize = CHAIN_RECORDS * BELIEVED_BYTES;
/// As long as a record's header.
const NEAR_BYTES: usize = 16;
/// Records looked at in one input: less than a second.
const STEPS: u32 = 1 << 24;
