//! The stretch of a capture that is in memory.

use super::damage::DamageKind;
use super::progress::Progress;
use super::stream::{self, Stream};
use crate::limits::Limits;

/// A moving window on the decompressed bytes of one input.
///
/// Large reads go straight into it, packets are looked at in place, and bytes are moved only
/// when a record reaches over its end. It grows when a record is larger than itself, as the
/// record's bytes come, so a false length costs no more than the file has to offer.
pub(super) struct Window {
    pub(super) stream: Stream,
    progress: Progress,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `buffer[0]` stands in the stream.
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
    decoder_bytes: u64,
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
        buffer_bytes: usize,
        limits: &Limits,
    ) -> Self {
        let buffer = vec![0; buffer_bytes.max(ROOM_BYTES * 2)];
        let bounds = Bounds {
            unpacked_bytes: limits.unpacked_bytes,
            unpack_ratio: limits.unpack_ratio,
            decoder_bytes: limits.decoder_bytes,
        };
        let (start, end, base, fruitful, ended) = (0, 0, 0, 0, None);
        Self { stream, progress, buffer, start, end, base, ended, fruitful, bounds }
    }

    /// What is here of the stream, from the current position.
    pub(super) fn filled(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The current position in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
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
        self.make_room();
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.stream.read(room) {
            Ok(0) => self.ended = Some(Halt::End),
            Ok(count) => self.end += count,
            Err(error) => self.ended = Some(self.failed(&error)),
        }
        self.ended.is_none()
    }

    /// Which bound of unpacking is exceeded.
    fn excess(&self) -> Option<DamageKind> {
        let compression = self.stream.compression?;
        let unpacked = self.base + self.end as u64;
        let (bytes, ratio) = (self.bounds.unpacked_bytes, self.bounds.unpack_ratio);
        if unpacked.saturating_sub(self.fruitful) > bytes {
            return Some(DamageKind::Barren { compression, bytes });
        }
        let packed = self.stream.input().bytes();
        let is_bomb = unpacked > bytes && unpacked > packed.saturating_mul(ratio);
        is_bomb.then_some(DamageKind::Bomb { compression, ratio })
    }

    /// Moves what is left to the front when little room is behind it, so that reads stay
    /// large and moves stay rare; grows when even that leaves too little.
    fn make_room(&mut self) {
        if self.buffer.len() - self.end >= ROOM_BYTES {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < ROOM_BYTES {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    fn failed(&self, error: &std::io::Error) -> Halt {
        let what = match (self.stream.input().failure(), self.stream.compression) {
            (Some(reason), _) => DamageKind::ReadFailed(reason.to_owned()),
            (None, None) => DamageKind::ReadFailed(error.to_string()),
            (None, Some(_)) if self.is_stopped() => return Halt::End,
            (None, Some(compression)) => match error.kind() {
                std::io::ErrorKind::UnexpectedEof => DamageKind::StreamCut(compression),
                _ if stream::is_too_big(error) => {
                    DamageKind::DecoderTooBig { compression, limit: self.bounds.decoder_bytes }
                }
                _ => DamageKind::StreamCorrupt { compression, reason: error.to_string() },
            },
        };
        self.at_end(what)
    }

    fn at_end(&self, what: DamageKind) -> Halt {
        Halt::Damaged { offset: self.base + self.end as u64, what }
    }
}

/// The least a read should be able to bring.
const ROOM_BYTES: usize = 8 << 10;
