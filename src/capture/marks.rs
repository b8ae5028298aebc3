//! Places from which an input can be read on: so that what is far behind in it is soon read again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::reader::Packets;
use super::times::Times;

/// Places in one capture, noted while it is read; clones are the same. Only of one input that is
/// not compressed: of several the order is the clock's, and a decoder begins at the beginning.
#[derive(Clone, Debug, Default)]
pub struct Marks(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    /// In the order of the input.
    marks: Vec<Mark>,
    /// Bytes between two at least.
    every: u64,
}

/// What is known in front of a record.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) offset: u64,
    pub(super) packets_before: u64,
    pub(super) packets: Arc<Packets>,
    pub(super) times: Times,
}

/// Marks kept: of a larger input they lie farther apart.
const MOST: usize = 4096;

impl Default for Kept {
    fn default() -> Self {
        Self { marks: Vec::new(), every: 1 << 20 }
    }
}

impl Marks {
    /// With at least so many bytes between two of them.
    pub fn every(bytes: u64) -> Self {
        Self(Arc::new(Mutex::new(Kept { marks: Vec::new(), every: bytes })))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a place; returns where the next may be noted.
    pub(super) fn note(
        &self,
        (offset, packets_before): (u64, u64),
        packets: &Packets,
        times: Times,
    ) -> u64 {
        let mut kept = self.kept();
        if kept.marks.len() >= MOST {
            let mut nth = 0;
            kept.marks.retain(|_| {
                nth += 1;
                nth % 2 == 0
            });
            kept.every = kept.every.saturating_mul(2);
        }
        let last = kept.marks.last().map(|mark| &mark.packets);
        let packets = match last.filter(|last| ***last == *packets) {
            Some(same) => Arc::clone(same),
            None => Arc::new(packets.clone()),
        };
        kept.marks.push(Mark { offset, packets_before, packets, times });
        offset.saturating_add(kept.every)
    }

    /// Where the first may be noted.
    pub(super) fn first(&self) -> u64 {
        self.kept().every
    }

    /// The last place from which a frame is met.
    pub(super) fn before(&self, frame: u64) -> Option<Mark> {
        let kept = self.kept();
        let behind = kept.marks.partition_point(|mark| mark.packets_before < frame);
        kept.marks.get(behind.checked_sub(1)?).cloned()
    }
}
