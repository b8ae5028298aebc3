//! The stretch of a capture that is in memory.

use super::damage::DamageKind;
use super::progress::Progress;
use super::stream::Stream;

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
}

/// Why no more packets come from an input.
#[derive(Debug)]
pub(super) enum Halt {
    End,
    Damaged { offset: u64, what: DamageKind },
}

impl Window {
    pub(super) fn new(stream: Stream, progress: Progress, buffer_bytes: usize) -> Self {
        let buffer = vec![0; buffer_bytes.max(ROOM_BYTES * 2)];
        Self { stream, progress, buffer, start: 0, end: 0, base: 0 }
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
        while self.end - self.start < count {
            if !self.read_more()? {
                return Err(self.halt_at_end());
            }
        }
        Ok(())
    }

    /// As [`require`](Self::require), where the stream must not end.
    pub(super) fn require_inside(&mut self, count: usize) -> Result<(), Halt> {
        self.require(count).map_err(|halt| match halt {
            Halt::End => self.cut(),
            damaged => damaged,
        })
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

    /// Steps over bytes without ever holding all of them.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Halt> {
        let mut left = count;
        loop {
            let here = (self.end - self.start).min(usize::try_from(left).unwrap_or(usize::MAX));
            self.start += here;
            left -= here as u64;
            if left == 0 {
                return Ok(());
            }
            if !self.read_more()? {
                return Err(self.cut());
            }
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.progress.is_stopped()
    }

    /// Damage that begins at the current position.
    pub(super) fn damaged(&self, what: DamageKind) -> Halt {
        Halt::Damaged { offset: self.offset(), what }
    }

    fn halt_at_end(&self) -> Halt {
        if self.start == self.end { Halt::End } else { self.cut() }
    }

    /// A stream that was stopped is not cut.
    fn cut(&self) -> Halt {
        if self.is_stopped() {
            return Halt::End;
        }
        Halt::Damaged { offset: self.base + self.end as u64, what: DamageKind::Cut }
    }

    /// One read; `false` at the end of the stream.
    #[cold]
    fn read_more(&mut self) -> Result<bool, Halt> {
        // Asked here too: a little compressed input may unpack for minutes.
        if self.is_stopped() {
            return Ok(false);
        }
        self.make_room();
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.stream.read(room) {
            Ok(count) => {
                self.end += count;
                Ok(count > 0)
            }
            Err(error) => Err(self.failed(&error)),
        }
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
                _ => DamageKind::StreamCorrupt { compression, reason: error.to_string() },
            },
        };
        Halt::Damaged { offset: self.base + self.end as u64, what }
    }
}

/// The least a read should be able to bring.
const ROOM_BYTES: usize = 8 << 10;
