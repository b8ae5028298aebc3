//! lz4, frame after frame.

use std::io::{self, Read};
use std::mem;

use lz4_flex::frame::FrameDecoder;

use super::input::Input;
use super::stream::{Packed, Unpack, nothing_packed};

/// Unpacks all frames of an lz4 file.
///
/// `lz4_flex` stops after one frame, and stops in the same way where a file is cut between
/// two blocks; so what it takes from the file is watched. Every frame gets a fresh decoder:
/// a used one asserts that block sizes stay the same.
pub(super) struct Lz4 {
    frame: FrameDecoder<Watched>,
}

impl Lz4 {
    pub(super) fn new(packed: Packed) -> Self {
        Self { frame: FrameDecoder::new(Watched::new(packed)) }
    }

    fn next_frame(&mut self) {
        let stand_in = FrameDecoder::new(Watched::new(nothing_packed()));
        let over = mem::replace(&mut self.frame, stand_in);
        self.frame = FrameDecoder::new(Watched::new(over.into_inner().packed));
    }
}

impl Read for Lz4 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.frame.read(into)?;
            let seen = self.frame.get_ref();
            match (count, seen.met_end, seen.taken) {
                (0, true, 0) => return Ok(0),
                (0, true, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
                (0, false, _) if !into.is_empty() => self.next_frame(),
                _ => return Ok(count),
            }
        }
    }
}

impl Unpack for Lz4 {
    fn input(&self) -> &Input {
        self.frame.get_ref().packed.get_ref().input()
    }
    fn input_mut(&mut self) -> &mut Input {
        self.frame.get_mut().packed.get_mut().input_mut()
    }
}

/// Notes what one frame's decoder took.
struct Watched {
    packed: Packed,
    taken: u64,
    met_end: bool,
}

impl Watched {
    fn new(packed: Packed) -> Self {
        Self { packed, taken: 0, met_end: false }
    }
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.packed.read(into)?;
        self.taken += count as u64;
        self.met_end |= count == 0 && !into.is_empty();
        Ok(count)
    }
}
