//! What was handed out of a stream lately, to tell a retransmission that differs.

use std::collections::VecDeque;

use crate::time::Stamp;

/// The last bytes of a stream, and the frames they were seen in.
///
/// A copy of each byte is cheaper than a digest that could compare every part of it: 1,460 bytes
/// are moved in less time than they are hashed.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// Offset after the last byte of `tail`.
    end: u64,
    tail: VecDeque<u8>,
    /// Where each run of the bytes began, in order.
    runs: VecDeque<(u64, Stamp)>,
    most: usize,
}

impl Recent {
    /// Chooses how many bytes are remembered from now on.
    pub(super) fn keep(&mut self, most: usize) {
        self.most = most;
    }

    /// Takes bytes as they are handed out.
    pub(super) fn note(&mut self, offset: u64, bytes: &[u8], stamp: Stamp) {
        if self.most == 0 {
            return;
        }
        if self.end != offset {
            self.tail.clear();
            self.runs.clear();
        }
        self.end = offset + bytes.len() as u64;
        let keep = bytes.get(bytes.len().saturating_sub(self.most)..).unwrap_or_default();
        let excess = (self.tail.len() + keep.len()).saturating_sub(self.most);
        self.tail.drain(..excess);
        self.tail.extend(keep);
        self.runs.push_back((offset, stamp));
        while self.runs.get(1).is_some_and(|(offset, _)| *offset <= self.start()) {
            self.runs.pop_front();
        }
    }

    /// Tells `differs` the range in which `again` differs from what is remembered, and the frame
    /// that was seen in.
    pub(super) fn compare(
        &self,
        offset: u64,
        again: &[u8],
        mut differs: impl FnMut(u64, u64, Option<Stamp>),
    ) {
        let from = offset.max(self.start());
        let again = again.get((from - offset) as usize..).unwrap_or_default();
        let kept = self.tail.iter().skip((from - self.start()) as usize);
        let mut wrong = again.iter().zip(kept).enumerate().filter(|(_, (a, b))| a != b);
        let Some((first, _)) = wrong.next() else { return };
        let last = wrong.next_back().map_or(first, |(last, _)| last);
        let at = from + first as u64;
        // Runs may be of one octet each.
        let after = self.runs.partition_point(|(offset, _)| *offset <= at);
        let run = after.checked_sub(1).and_then(|run| self.runs.get(run));
        differs(at, (last - first) as u64 + 1, run.map(|(_, stamp)| *stamp));
    }

    fn start(&self) -> u64 {
        self.end - self.tail.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn seen(frame: u64) -> Stamp {
        Stamp::new(Timestamp::UNKNOWN, 0, frame)
    }

    fn differences(recent: &Recent, offset: u64, again: &[u8]) -> Vec<(u64, u64, u64)> {
        let mut found = Vec::new();
        recent.compare(offset, again, |offset, len, first| {
            found.push((offset, len, first.unwrap().frame()));
        });
        found
    }

    #[test]
    fn bytes_are_compared_wherever_the_copy_overlaps() {
        let mut recent = Recent { most: 6, ..Recent::default() };
        recent.note(0, b"USER", seen(1));
        recent.note(4, b" bob", seen(2));
        assert_eq!(differences(&recent, 3, b"R bob"), []);
        assert_eq!(differences(&recent, 3, b"R eve"), [(5, 3, 2)]);
        assert_eq!(differences(&recent, 0, b"xxx"), [(2, 1, 1)], "older bytes are forgotten");
        recent.note(20, b"after a gap", seen(3));
        assert_eq!(differences(&recent, 4, b"zzzz"), []);
    }

    #[test]
    fn what_is_remembered_stays_within_its_bound() {
        let mut recent = Recent { most: 100, ..Recent::default() };
        for at in 0..10_000 {
            recent.note(at * 3, b"abc", seen(at));
        }
        assert_eq!(recent.tail.len(), 100);
        assert!(recent.runs.len() <= 35, "{}", recent.runs.len());
        assert_eq!(differences(&recent, 29_997, b"abX"), [(29_999, 1, 9_999)]);
    }
}
