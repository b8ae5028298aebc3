//! `MODE B`: blocks with a header each.

use super::descriptor::{Described, Descriptor};
use super::{DecodeError, Next, Piece, split_at_most};

/// Takes the headers off the blocks of block mode (RFC 959 §3.4.2): a descriptor and a count of 16
/// bits, then as many bytes.
#[derive(Debug, Default)]
pub(super) struct Block {
    state: State,
    described: Described,
    /// Bytes taken.
    wire: u64,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Descriptor,
    CountHigh(Descriptor),
    CountLow(Descriptor, u8),
    /// One of `left` bytes of the block; never none.
    Data {
        descriptor: Descriptor,
        left: usize,
    },
}

impl Block {
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        next: &mut Next<'_>,
    ) -> Result<(), DecodeError> {
        while let Some(&first) = bytes.first() {
            if self.has_ended() {
                return Err(DecodeError::AfterEnd { at: self.wire });
            }
            let wanted = if let State::Data { left, .. } = self.state { left } else { 1 };
            let (part, rest) = split_at_most(bytes, wanted);
            self.state = match self.state {
                State::Descriptor => State::CountHigh(self.descriptor(first)?),
                State::CountHigh(descriptor) => State::CountLow(descriptor, first),
                State::CountLow(descriptor, high) => {
                    let left = usize::from(u16::from_be_bytes([high, first]));
                    self.after(descriptor, left, next)?
                }
                State::Data { descriptor, left } => {
                    self.carry(descriptor, part, next)?;
                    self.after(descriptor, left.saturating_sub(part.len()), next)?
                }
            };
            self.wire = self.wire.saturating_add(part.len() as u64);
            bytes = rest;
        }
        Ok(())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.described.has_ended
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.described.is_suspect
    }

    fn descriptor(&mut self, byte: u8) -> Result<Descriptor, DecodeError> {
        let descriptor = Descriptor::parse(byte).ok_or(DecodeError::Corrupt { at: self.wire })?;
        self.described.begin(descriptor);
        Ok(descriptor)
    }

    fn carry(
        &mut self,
        descriptor: Descriptor,
        part: &[u8],
        next: &mut Next<'_>,
    ) -> Result<(), DecodeError> {
        if descriptor.is_marker() {
            self.described.keep_marker(part);
            return Ok(());
        }
        next(Piece::Data(part))
    }

    /// The state when `left` bytes of a block are still to come.
    fn after(
        &mut self,
        descriptor: Descriptor,
        left: usize,
        next: &mut Next<'_>,
    ) -> Result<State, DecodeError> {
        if left > 0 {
            return Ok(State::Data { descriptor, left });
        }
        self.described.end(descriptor, next)?;
        Ok(State::Descriptor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_taken_off_wherever_the_blocks_are_cut() {
        let corrupt = |at| Err(DecodeError::Corrupt { at });
        let after = |at| Err(DecodeError::AfterEnd { at });
        for (sent, wanted, ended, suspect, result) in [
            (&b"\x00\x00\x02ab\x40\x00\x01c"[..], "abc", true, false, Ok(())),
            // z/OS with `TYPE E`, `MODE B`: a block a record, the last one with EOF alone.
            (b"\x80\x00\x02ab\x40\x00\x02cd", "ab|cd", true, false, Ok(())),
            (b"\x00\x00\x02ab\x80\x00\x00\xc0\x00\x00", "ab||", true, false, Ok(())),
            (b"\x10\x00\x03MRK\x00\x00\x01a", "<MRK>a", false, false, Ok(())),
            (b"\x10\x00\x00\x50\x00\x01M", "<><M>", true, false, Ok(())),
            (b"\x20\x00\x01a\x00\x00\x01b", "ab", false, true, Ok(())),
            (b"\x00\x00\x05ab", "ab", false, false, Ok(())),
            (b"\x40\x00", "", false, false, Ok(())),
            (b"\x40\x00\x01a\x00\x00\x01b", "a", true, false, after(4)),
            (b"\x00\x00\x01a\x01\x00\x00", "a", false, false, corrupt(4)),
            (b"drwxr-xr-x", "", false, false, corrupt(0)),
            (b"", "", false, false, Ok(())),
        ] {
            for size in 1..=sent.len().max(1) {
                let (mut block, mut got) = (Block::default(), String::new());
                let mut next = |piece: Piece<'_>| {
                    got += &match piece {
                        Piece::Data(bytes) => bytes.escape_ascii().to_string(),
                        Piece::RecordEnd => "|".to_owned(),
                        Piece::Marker(text) => format!("<{}>", text.escape_ascii()),
                    };
                    Ok(())
                };
                let all = sent.chunks(size).try_for_each(|piece| block.push(piece, &mut next));
                assert_eq!(all, result, "{} by {size}", sent.escape_ascii());
                assert_eq!(got, wanted);
                assert_eq!((block.has_ended(), block.is_suspect()), (ended, suspect));
            }
        }
    }

    #[test]
    fn of_a_long_marker_the_beginning_is_kept() {
        let sent = [&b"\x10\x00\xff"[..], &[b'm'; 255]].concat();
        let mut got = Vec::new();
        let mut next = |piece: Piece<'_>| {
            let Piece::Marker(text) = piece else { unreachable!() };
            got.extend_from_slice(text);
            Ok(())
        };
        assert_eq!(Block::default().push(&sent, &mut next), Ok(()));
        assert_eq!(got, [b'm'; 64]);
    }
}
