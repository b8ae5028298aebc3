//! The descriptor byte, which block and compressed mode have in common.

use super::{DecodeError, MARKER_BYTES, Next, Piece};

/// What is said of a block or a string (RFC 959 §3.4.2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Descriptor(u8);

impl Descriptor {
    /// `None` if a bit is set that was never assigned: that is no descriptor, and who sent it
    /// likely does not use the mode.
    pub(super) fn parse(byte: u8) -> Option<Self> {
        (byte & !(EOR | EOF | SUSPECT | MARKER) == 0).then_some(Self(byte))
    }

    pub(super) fn is_marker(self) -> bool {
        self.has(MARKER)
    }

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// What the descriptors of a transfer said so far.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// Of the restart marker that is being read.
    marker: Vec<u8>,
    pub(super) has_ended: bool,
    pub(super) is_suspect: bool,
}

impl Described {
    pub(super) fn begin(&mut self, descriptor: Descriptor) {
        self.is_suspect |= descriptor.has(SUSPECT);
        self.marker.clear();
    }

    /// Bytes of a restart marker.
    pub(super) fn keep_marker(&mut self, bytes: &[u8]) {
        let free = MARKER_BYTES.saturating_sub(self.marker.len());
        self.marker.extend(bytes.iter().take(free));
    }

    /// The block or string that `descriptor` spoke of is complete.
    pub(super) fn end(
        &mut self,
        descriptor: Descriptor,
        next: &mut Next<'_>,
    ) -> Result<(), DecodeError> {
        self.has_ended |= descriptor.has(EOF);
        if descriptor.is_marker() {
            next(Piece::Marker(&self.marker))?;
        }
        if descriptor.has(EOR) {
            next(Piece::RecordEnd)?;
        }
        Ok(())
    }
}

const EOR: u8 = 128;
const EOF: u8 = 64;
const SUSPECT: u8 = 32;
const MARKER: u8 = 16;
