//! What was handed out of a stream lately, to tell a retransmission that differs.

use std::collections::VecDeque;
use std::sync::LazyLock;

use ahash::RandomState;

/// The memory of a stream.
///
/// Small streams keep their last bytes, so any overlap can be compared. Large ones keep a digest
/// per segment, which costs no copy: only whole segments sent again can be compared, and that is
/// what a sender that repeats itself sends.
#[derive(Debug, Default)]
pub enum Recent {
    #[default]
    Nothing,
    Bytes {
        /// Offset after the last byte of `tail`.
        end: u64,
        tail: VecDeque<u8>,
        most: usize,
    },
    Digests {
        segments: VecDeque<Digest>,
        most: usize,
    },
}

#[derive(Debug)]
pub struct Digest {
    offset: u64,
    len: usize,
    digest: u64,
}

/// Keyed at random, so that nobody can prepare two segments of one digest.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Recent {
    /// Remembers the last `most` bytes.
    pub fn bytes(most: usize) -> Self {
        Self::Bytes { end: 0, tail: VecDeque::new(), most }
    }

    /// Remembers digests of the last `most` segments.
    pub fn digests(most: usize) -> Self {
        Self::Digests { segments: VecDeque::with_capacity(most), most }
    }

    /// Takes bytes as they are handed out.
    pub(super) fn note(&mut self, offset: u64, bytes: &[u8]) {
        match self {
            Self::Nothing => {}
            Self::Bytes { end, tail, most } => {
                if *end != offset {
                    tail.clear();
                }
                *end = offset + bytes.len() as u64;
                let keep = bytes.get(bytes.len().saturating_sub(*most)..).unwrap_or_default();
                let excess = (tail.len() + keep.len()).saturating_sub(*most);
                tail.drain(..excess);
                tail.extend(keep);
            }
            Self::Digests { segments, most } => {
                if segments.len() >= *most {
                    segments.pop_front();
                }
                let digest = KEY.hash_one(bytes);
                segments.push_back(Digest { offset, len: bytes.len(), digest });
            }
        }
    }

    /// Tells `differs` the range of each difference between `again` and what is remembered.
    pub(super) fn compare(&self, offset: u64, again: &[u8], mut differs: impl FnMut(u64, u64)) {
        match self {
            Self::Nothing => {}
            Self::Bytes { end, tail, .. } => {
                let start = end - tail.len() as u64;
                let from = offset.max(start);
                let again = again.get((from - offset) as usize..).unwrap_or_default();
                let kept = tail.iter().skip((from - start) as usize);
                let wrong = || again.iter().zip(kept.clone()).map(|(a, b)| a != b);
                if let Some(first) = wrong().position(|differs| differs) {
                    let len = wrong().skip(first).collect::<Vec<_>>();
                    let len = len.iter().rposition(|differs| *differs).unwrap_or(0) + 1;
                    differs(from + first as u64, len as u64);
                }
            }
            Self::Digests { segments, .. } => {
                for known in segments {
                    let Some(at) = known.offset.checked_sub(offset) else { continue };
                    let copy = again.get(at as usize..).and_then(|rest| rest.get(..known.len));
                    if copy.is_some_and(|copy| KEY.hash_one(copy) != known.digest) {
                        differs(known.offset, known.len as u64);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(recent: &Recent, offset: u64, again: &[u8]) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        recent.compare(offset, again, |offset, len| found.push((offset, len)));
        found
    }

    #[test]
    fn bytes_are_compared_wherever_the_copy_overlaps() {
        let mut recent = Recent::bytes(6);
        recent.note(0, b"USER");
        recent.note(4, b" bob");
        assert_eq!(differences(&recent, 3, b"R bob"), []);
        assert_eq!(differences(&recent, 3, b"R eve"), [(5, 3)]);
        assert_eq!(differences(&recent, 0, b"xxx"), [(2, 1)], "older bytes are forgotten");
        recent.note(20, b"after a gap");
        assert_eq!(differences(&recent, 4, b"zzzz"), []);
    }

    #[test]
    fn digests_tell_a_whole_segment_that_differs() {
        let mut recent = Recent::digests(2);
        recent.note(0, b"forgotten");
        recent.note(9, b"abc");
        recent.note(12, b"def");
        assert_eq!(differences(&recent, 9, b"abcdef"), []);
        assert_eq!(differences(&recent, 9, b"abcdeX"), [(12, 3)]);
        assert_eq!(differences(&recent, 0, b"FORGOTTEN"), []);
    }
}
