//! `MODE C`: strings, repeated bytes, fillers and escapes.

use super::descriptor::{Described, Descriptor};
use super::{Allowance, Bounds, DecodeError, Kind, Next, PIECE_BYTES, Piece, split_at_most};

/// Unpacks compressed mode (RFC 959 §3.4.3).
///
/// An escape speaks of the string behind it, so a record's end is announced before the record's
/// last string. An escape with another escape behind it, or with nothing, spoke of an empty string:
/// there is no other way to say that an empty record, or an empty file, ends.
#[derive(Debug)]
pub(super) struct Compressed {
    filler: u8,
    state: State,
    /// What the last escape said of the string that is still to come or to be completed.
    said: Option<Descriptor>,
    described: Described,
    /// Unpacked and not handed on yet. Empty between calls.
    unpacked: Vec<u8>,
    allowance: Allowance,
    /// Bytes taken.
    wire: u64,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The first of a string, a repetition, a filler or an escape.
    Control,
    /// A descriptor.
    Escaped,
    /// One of `left` bytes of a string; never none.
    String { left: usize },
    /// To be repeated.
    Repeated { count: usize },
}

impl Compressed {
    pub(super) fn new(kind: Kind, bounds: Bounds) -> Self {
        // Space or zero, in the character set of the wire (RFC 959 §3.4.3).
        let filler = match kind {
            Kind::Image => 0,
            Kind::Ascii => b' ',
            Kind::Ebcdic => 0x40,
        };
        Self {
            filler,
            state: State::Control,
            said: None,
            described: Described::default(),
            unpacked: Vec::new(),
            allowance: Allowance::new(bounds),
            wire: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], next: &mut Next<'_>) -> Result<(), DecodeError> {
        let read = self.read(bytes, next);
        // Also in front of an error: what was unpacked before it stands.
        let handed = self.hand_on(next);
        read.and(handed)
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self, next: &mut Next<'_>) -> Result<(), DecodeError> {
        match self.state {
            State::Control => self.end_string(next),
            // In the middle of a string that was not the last for being announced so.
            State::Escaped | State::String { .. } | State::Repeated { .. } => Ok(()),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.described.has_ended
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.described.is_suspect
    }

    fn read(&mut self, mut bytes: &[u8], next: &mut Next<'_>) -> Result<(), DecodeError> {
        while let Some(&first) = bytes.first() {
            if self.has_ended() {
                return Err(DecodeError::AfterEnd { at: self.wire });
            }
            let wanted = if let State::String { left } = self.state { left } else { 1 };
            let (part, rest) = split_at_most(bytes, wanted);
            self.wire = self.wire.saturating_add(part.len() as u64);
            self.state = match self.state {
                State::Control => self.control(first, next)?,
                State::Escaped => self.escape(first, next)?,
                State::String { left } => {
                    self.unpack(part, next)?;
                    self.after(left.saturating_sub(part.len()), next)?
                }
                State::Repeated { count } => self.repeat(first, count, next)?,
            };
            bytes = rest;
        }
        Ok(())
    }

    fn control(&mut self, byte: u8, next: &mut Next<'_>) -> Result<State, DecodeError> {
        let count = usize::from(byte & 0x3F);
        match byte {
            0 => Ok(State::Escaped),
            1..=0x7F => Ok(State::String { left: usize::from(byte) }),
            0x80..=0xBF => Ok(State::Repeated { count }),
            0xC0..=0xFF => self.repeat(self.filler, count, next),
        }
    }

    fn escape(&mut self, byte: u8, next: &mut Next<'_>) -> Result<State, DecodeError> {
        let at = self.wire.saturating_sub(2);
        let descriptor = Descriptor::parse(byte).ok_or(DecodeError::Corrupt { at })?;
        self.end_string(next)?;
        if self.has_ended() {
            return Err(DecodeError::AfterEnd { at });
        }
        self.described.begin(descriptor);
        self.said = Some(descriptor);
        Ok(State::Control)
    }

    fn repeat(
        &mut self,
        byte: u8,
        count: usize,
        next: &mut Next<'_>,
    ) -> Result<State, DecodeError> {
        let most = [byte; 0x3F];
        let (run, _) = split_at_most(&most, count);
        self.unpack(run, next)?;
        self.after(0, next)
    }

    /// Takes bytes of a string, at most 127.
    fn unpack(&mut self, bytes: &[u8], next: &mut Next<'_>) -> Result<(), DecodeError> {
        if self.said.is_some_and(Descriptor::is_marker) {
            self.described.keep_marker(bytes);
            return Ok(());
        }
        if self.unpacked.len().saturating_add(bytes.len()) > PIECE_BYTES {
            self.hand_on(next)?;
        }
        let granted = self.allowance.take(bytes.len(), self.wire);
        self.unpacked.extend(bytes.iter().take(granted));
        if granted < bytes.len() {
            return Err(DecodeError::Bound { at: self.wire });
        }
        Ok(())
    }

    /// The state when `left` bytes of a string are still to come.
    fn after(&mut self, left: usize, next: &mut Next<'_>) -> Result<State, DecodeError> {
        if left > 0 {
            return Ok(State::String { left });
        }
        self.end_string(next)?;
        Ok(State::Control)
    }

    /// Does what the escape in front of the string asked for.
    fn end_string(&mut self, next: &mut Next<'_>) -> Result<(), DecodeError> {
        let Some(descriptor) = self.said.take() else { return Ok(()) };
        self.hand_on(next)?;
        self.described.end(descriptor, next)
    }

    fn hand_on(&mut self, next: &mut Next<'_>) -> Result<(), DecodeError> {
        if self.unpacked.is_empty() {
            return Ok(());
        }
        let handed = next(Piece::Data(&self.unpacked));
        self.unpacked.clear();
        handed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_runs_fillers_and_escapes_are_unpacked_wherever_they_are_cut() {
        let corrupt = |at| Err(DecodeError::Corrupt { at });
        let after = |at| Err(DecodeError::AfterEnd { at });
        for (sent, wanted, ended, result) in [
            (&b"\x03abc\x83x\xc2"[..], "abcxxx  ", false, Ok(())),
            (b"\x01a\x00\x40\x01b", "ab", true, Ok(())),
            (b"\x01a\x00\x80\x01b\x00\xc0\x82c", "ab|cc|", true, Ok(())),
            (b"\x00\x10\x03MRK\x01a\x00\x10\x82m", "<MRK>a<mm>", false, Ok(())),
            // Empty strings: an empty record said with a filler of none, and with nothing.
            (b"\x00\x80\xc0\x00\x80\x00\x80\x01a", "||a|", false, Ok(())),
            (b"\x01a\x00\x80\x00\x40", "a|", true, Ok(())),
            (b"\x00\xc0", "|", true, Ok(())),
            (b"\x80z\x01a", "a", false, Ok(())),
            (b"\x00\x40\x05ab", "ab", false, Ok(())),
            (b"\x00", "", false, Ok(())),
            (b"\x00\x40\x01a\x01b", "a", true, after(4)),
            (b"\x01a\x00\x40\x00\x80", "a", true, after(4)),
            (b"\x01a\x00\x41", "a", false, corrupt(2)),
            (b"", "", false, Ok(())),
        ] {
            for size in 1..=sent.len().max(1) {
                let mut compressed = Compressed::new(Kind::Ascii, UNBOUNDED);
                let mut got = String::new();
                let mut next = |piece: Piece<'_>| {
                    got += &match piece {
                        Piece::Data(bytes) => bytes.escape_ascii().to_string(),
                        Piece::RecordEnd => "|".to_owned(),
                        Piece::Marker(text) => format!("<{}>", text.escape_ascii()),
                    };
                    Ok(())
                };
                let all = sent
                    .chunks(size)
                    .try_for_each(|piece| compressed.push(piece, &mut next))
                    .and_then(|()| compressed.finish(&mut next));
                assert_eq!(all, result, "{} by {size}", sent.escape_ascii());
                assert_eq!((got.as_str(), compressed.has_ended()), (wanted, ended));
            }
        }
    }

    #[test]
    fn the_filler_is_what_the_type_says() {
        for (kind, filler) in [(Kind::Image, 0), (Kind::Ascii, 0x20), (Kind::Ebcdic, 0x40)] {
            let mut got = Vec::new();
            let mut next = |piece: Piece<'_>| {
                let Piece::Data(bytes) = piece else { unreachable!() };
                got.extend_from_slice(bytes);
                Ok(())
            };
            assert_eq!(Compressed::new(kind, UNBOUNDED).push(b"\xff", &mut next), Ok(()));
            assert_eq!(got, [filler; 63]);
        }
    }

    #[test]
    fn a_suspect_string_is_noted() {
        let mut compressed = Compressed::new(Kind::Image, UNBOUNDED);
        assert_eq!(compressed.push(b"\x00\x20\x01a", &mut |_| Ok(())), Ok(()));
        assert!(compressed.is_suspect());
    }

    const UNBOUNDED: Bounds = Bounds { bytes: u64::MAX, ratio: 0 };
}
