//! The stretch of a capture that is in memory.

use super::ahead::{Chunk, Feed, ReadAhead, Then};
use super::damage::DamageKind;
use super::facts::Compression;
use super::progress::Progress;
use super::stream::Stream;
use crate::limits::Limits;

/// A moving window on the decompressed bytes of one input.
///
/// It looks at one chunk after another in place, and what is left of one is moved in front of the
/// next: bytes are moved only when a record reaches over the end of its chunk. It grows when a
/// record is larger than a chunk, as the record's bytes come, so a false length costs no more than
/// the file has to offer.
pub(super) struct Window {
    feed: Feed,
    pub(super) compression: Option<Compression>,
    /// Of the input, up to the end of the chunk.
    raw_bytes: u64,
    progress: Progress,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `buffer[0]` stands in the stream, modulo 2⁶⁴: before it, at first.
    base: u64,
    /// Why there is no more to read, once that is so: a source is never asked again, though a
    /// terminal or a failed decoder might then give more.
    ended: Option<Halt>,
    /// Behind the last packet that had bytes.
    fruitful: u64,
    bounds: Bounds,
}

/// What a compressed input may unpack to.
struct Bounds {
    unpacked_bytes: u64,
    unpack_ratio: u64,
}

/// Why no more packets come from an input.
#[derive(Clone, Debug)]
pub(super) enum Halt {
    End,
    Damaged { offset: u64, what: DamageKind },
}

impl Window {
    pub(super) fn new(
        stream: Stream,
        progress: Progress,
        chunk_bytes: usize,
        ahead: &ReadAhead,
        limits: &Limits,
    ) -> Self {
        Self {
            compression: stream.compression,
            feed: Feed::new(stream, chunk_bytes, ahead),
            raw_bytes: 0,
            progress,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            base: 0,
            ended: None,
            fruitful: 0,
            bounds: Bounds {
                unpacked_bytes: limits.unpacked_bytes,
                unpack_ratio: limits.unpack_ratio,
            },
        }
    }

    /// The stream begins at this place of the input.
    pub(super) fn starts_at(mut self, offset: u64) -> Self {
        self.base = offset;
        self
    }

    /// Ends reading: the stream, how many raw bytes led up to here, and whether they are all.
    pub(super) fn close(self) -> (Stream, u64, bool) {
        let is_read_out = matches!(self.ended, Some(Halt::End));
        (self.feed.close(), self.raw_bytes, is_read_out)
    }

    /// What is here of the stream, from the current position.
    pub(super) fn filled(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The current position in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.base.wrapping_add(self.start as u64)
    }

    /// Makes at least `count` bytes [`filled`](Self::filled).
    #[inline]
    pub(super) fn require(&mut self, count: usize) -> Result<(), Halt> {
        if self.fill(count) { Ok(()) } else { Err(self.halt_at_end()) }
    }

    /// As [`require`](Self::require), where the stream may end before.
    #[inline]
    pub(super) fn fill(&mut self, count: usize) -> bool {
        while self.end - self.start < count {
            if !self.read_more() {
                return false;
            }
        }
        true
    }

    /// Steps over `header + count` bytes that are filled; the last `count` of them stay
    /// readable at the returned place until the next call that reads.
    #[inline]
    pub(super) fn take(&mut self, header: usize, count: usize) -> usize {
        let place = self.start + header;
        self.start = (place + count).min(self.end);
        place
    }

    /// The bytes of a record [taken](Self::take) last.
    #[inline]
    pub(super) fn taken(&self, place: usize, count: usize) -> &[u8] {
        self.buffer.get(place..place + count).unwrap_or_default()
    }

    /// What was unpacked up to here was worth it.
    #[inline]
    pub(super) fn note_packet(&mut self) {
        self.fruitful = self.offset();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.progress.is_stopped()
    }

    /// Damage that begins at the current position.
    pub(super) fn damaged(&self, what: DamageKind) -> Halt {
        Halt::Damaged { offset: self.offset(), what }
    }

    /// Why there is no more to read, beyond the end of the stream.
    pub(super) fn end(&self) -> Halt {
        self.ended.clone().unwrap_or(Halt::End)
    }

    fn halt_at_end(&self) -> Halt {
        match &self.ended {
            Some(halt @ Halt::Damaged { .. }) => halt.clone(),
            // A stream that was stopped is not cut.
            _ if self.start == self.end || self.is_stopped() => Halt::End,
            _ => self.at_end(DamageKind::Cut),
        }
    }

    /// One read; `false` at the end of the stream.
    #[cold]
    fn read_more(&mut self) -> bool {
        // Asked here too: a little compressed input may unpack for minutes.
        if self.ended.is_none() && !self.is_stopped() {
            self.ended = self.excess().map(|what| self.at_end(what));
        }
        if self.ended.is_some() || self.is_stopped() {
            return false;
        }
        let before = self.filled().len();
        let chunk = self.feed.next();
        self.raw_bytes = chunk.raw_bytes;
        let then = self.append(chunk);
        self.ended = match then {
            Then::More => return true,
            Then::End => Some(Halt::End),
            Then::Failed(what) => Some(self.at_end(what)),
        };
        // Bytes may have come before the end.
        self.filled().len() > before
    }

    /// Which bound of unpacking is exceeded.
    fn excess(&self) -> Option<DamageKind> {
        let compression = self.compression?;
        let unpacked = self.base.wrapping_add(self.end as u64);
        let (bytes, ratio) = (self.bounds.unpacked_bytes, self.bounds.unpack_ratio);
        if unpacked.saturating_sub(self.fruitful) > bytes {
            return Some(DamageKind::Barren { compression, bytes });
        }
        let is_bomb = unpacked > bytes && unpacked > self.raw_bytes.saturating_mul(ratio);
        is_bomb.then_some(DamageKind::Bomb { compression, ratio })
    }

    /// Puts what is left in front of a chunk, or, where that is much, the chunk behind it.
    fn append(&mut self, chunk: Chunk) -> Then {
        let Chunk { mut buffer, start, end, then, .. } = chunk;
        let left = self.buffer.get(self.start..self.end).unwrap_or_default();
        let before = start.checked_sub(left.len());
        if let Some(before) = before
            && let Some(room) = buffer.get_mut(before..start)
        {
            room.copy_from_slice(left);
            self.base = self.offset().wrapping_sub(before as u64);
            (self.start, self.end) = (before, end);
            std::mem::swap(&mut self.buffer, &mut buffer);
        } else {
            self.buffer.truncate(self.end);
            if self.start > self.end / 2 {
                self.buffer.drain(..self.start);
                self.base = self.offset();
                self.start = 0;
            }
            self.buffer.extend_from_slice(buffer.get(start..end).unwrap_or_default());
            self.end = self.buffer.len();
        }
        self.feed.take_back(buffer);
        then
    }

    fn at_end(&self, what: DamageKind) -> Halt {
        Halt::Damaged { offset: self.base.wrapping_add(self.end as u64), what }
    }
}
