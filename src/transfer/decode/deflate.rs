//! `MODE Z`: deflated data.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Allowance, Bounds, DecodeError, Next, PIECE_BYTES, Piece};

/// Inflates deflate mode (draft-preston-ftpext-deflate): a zlib stream (RFC 1950), or several, one
/// after the other.
///
/// Data that does not begin as a zlib stream is tried as deflated without the wrapping: the Go
/// ftpserverlib sent that for years, which lftp calls an incorrect header. Such data ends once:
/// nothing shows whether what is behind it is more of its kind.
pub(super) struct Deflate {
    inflate: Decompress,
    state: State,
    is_raw: bool,
    /// Where it inflates to; of constant length.
    inflated: Vec<u8>,
    allowance: Allowance,
    /// Bytes taken, a header that is incomplete not among them.
    wire: u64,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// One of the two that show what is sent, perhaps with the first of them.
    Head(Option<u8>),
    Inside,
    /// Behind a complete stream: of the header of another one, perhaps with the first of it.
    Behind(Option<u8>),
}

impl Deflate {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            inflate: Decompress::new(true),
            state: State::Head(None),
            is_raw: false,
            inflated: vec![0; PIECE_BYTES],
            allowance: Allowance::new(bounds),
            wire: 0,
        }
    }

    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        next: &mut Next<'_>,
    ) -> Result<(), DecodeError> {
        while let Some((&first, rest)) = bytes.split_first() {
            bytes = match self.state {
                State::Inside => self.inflate(bytes, next)?,
                State::Behind(None) if self.is_raw => return Err(self.after_end()),
                State::Head(None) => {
                    self.state = State::Head(Some(first));
                    rest
                }
                State::Behind(None) => {
                    self.state = State::Behind(Some(first));
                    rest
                }
                State::Head(Some(held)) => {
                    self.is_raw = !is_zlib([held, first]);
                    self.begin([held, first], next)?;
                    rest
                }
                State::Behind(Some(held)) if is_zlib([held, first]) => {
                    self.begin([held, first], next)?;
                    rest
                }
                State::Behind(Some(_)) => return Err(self.after_end()),
            };
        }
        Ok(())
    }

    /// Nothing more comes.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        match self.state {
            State::Behind(Some(_)) => Err(self.after_end()),
            State::Head(_) | State::Inside | State::Behind(None) => Ok(()),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Behind(_))
    }

    pub(super) fn is_raw(&self) -> bool {
        self.is_raw
    }

    fn begin(&mut self, head: [u8; 2], next: &mut Next<'_>) -> Result<(), DecodeError> {
        self.inflate.reset(!self.is_raw);
        self.state = State::Inside;
        // The shortest stream takes both bytes: 3 bits of block header, 7 of end of block.
        self.inflate(&head, next).map(|_| ())
    }

    /// Inflates up to the end of the stream or of the bytes; returns those left.
    fn inflate<'a>(
        &mut self,
        mut bytes: &'a [u8],
        next: &mut Next<'_>,
    ) -> Result<&'a [u8], DecodeError> {
        loop {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(bytes, &mut self.inflated, FlushDecompress::None);
            let read = self.inflate.total_in().saturating_sub(read);
            let written = usize::try_from(self.inflate.total_out().saturating_sub(written));
            let written = written.unwrap_or(usize::MAX);
            self.wire = self.wire.saturating_add(read);
            bytes = usize::try_from(read).ok().and_then(|n| bytes.get(n..)).unwrap_or_default();
            self.hand_on(written, next)?;
            let has_moved = read > 0 || written > 0;
            match status {
                Ok(Status::StreamEnd) => {
                    self.state = State::Behind(None);
                    return Ok(bytes);
                }
                // All that could be inflated was, or the output would be full.
                Ok(_) if bytes.is_empty() && written < self.inflated.len() => return Ok(bytes),
                Ok(_) if has_moved => {}
                Ok(_) | Err(_) => return Err(DecodeError::Corrupt { at: self.wire }),
            }
        }
    }

    fn hand_on(&mut self, written: usize, next: &mut Next<'_>) -> Result<(), DecodeError> {
        let granted = self.allowance.take(written, self.wire);
        next(Piece::Data(self.inflated.get(..granted).unwrap_or_default()))?;
        if granted < written {
            return Err(DecodeError::Bound { at: self.wire });
        }
        Ok(())
    }

    fn after_end(&self) -> DecodeError {
        DecodeError::AfterEnd { at: self.wire }
    }
}

impl std::fmt::Debug for Deflate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflate").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Whether these can be the first bytes of a zlib stream: deflate, a window of at most 32 KiB, and
/// the check bits (RFC 1950 §2.2). A raw stream passes once in some thousand times.
fn is_zlib(head: [u8; 2]) -> bool {
    let [method, _] = head;
    method & 0x0F == 8 && method >> 4 <= 7 && u16::from_be_bytes(head).is_multiple_of(31)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn streams_are_inflated_wherever_they_are_cut() {
        let (zlib, raw) = (zlib(TEXT), raw(TEXT));
        let (len, raw_len) = (zlib.len() as u64, raw.len() as u64);
        let mut wrong_sum = zlib.clone();
        *wrong_sum.last_mut().unwrap() ^= 1;
        let twice = TEXT.repeat(2);
        let after = |at| Err(DecodeError::AfterEnd { at });
        let corrupt = |at| Err(DecodeError::Corrupt { at });
        for (name, sent, wanted, ended, is_raw, result) in [
            ("zlib", zlib.clone(), TEXT, true, false, Ok(())),
            ("empty", b"\x78\x9c\x03\x00\x00\x00\x00\x01".to_vec(), b"", true, false, Ok(())),
            ("raw", raw.clone(), TEXT, true, true, Ok(())),
            ("raw, flushed", flushed(TEXT), TEXT, false, true, Ok(())),
            ("raw empty", b"\x03\x00".to_vec(), b"", true, true, Ok(())),
            ("two", zlib.repeat(2), &twice, true, false, Ok(())),
            ("raw two", raw.repeat(2), TEXT, true, true, after(raw_len)),
            ("junk", [&zlib[..], b"\0\0"].concat(), TEXT, true, false, after(len)),
            ("one byte of junk", [&zlib[..], b"x"].concat(), TEXT, true, false, after(len)),
            ("wrong sum", wrong_sum, TEXT, false, false, corrupt(len)),
            ("nothing", Vec::new(), b"", false, false, Ok(())),
            ("one byte", b"\x78".to_vec(), b"", false, false, Ok(())),
            ("a dictionary", b"\x78\xbb\0\0\0\0".to_vec(), b"", false, false, corrupt(6)),
        ] {
            for size in 1..=sent.len().max(1) {
                let (mut deflate, mut got) = (Deflate::new(UNBOUNDED), Vec::new());
                let all = push_all(&mut deflate, sent.chunks(size), &mut got);
                assert_eq!(all, result, "{name} by {size}");
                assert_eq!(got, wanted, "{name} by {size}");
                assert_eq!((deflate.has_ended(), deflate.is_raw()), (ended, is_raw), "{name}");
            }
        }
    }

    #[test]
    fn what_is_not_deflated_at_all_is_corrupt_at_the_beginning() {
        let listing = b"drwxr-xr-x   2 ftp ftp 4096 Jan  1 00:00 pub\r\n";
        let (mut deflate, mut got) = (Deflate::new(UNBOUNDED), Vec::new());
        let result = push_all(&mut deflate, [&listing[..]].into_iter(), &mut got);
        assert!(matches!(result, Err(DecodeError::Corrupt { at: ..40 })), "{result:?}");
        assert_eq!(got, b"");
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = zlib(&vec![0; 50 << 20]);
        for (bounds, most) in [
            (Bounds { bytes: 1 << 20, ratio: 0 }, 1 << 20),
            (Bounds { bytes: 1000, ratio: 100 }, 100 * bomb.len()),
        ] {
            let (mut deflate, mut got) = (Deflate::new(bounds), Vec::new());
            let result = push_all(&mut deflate, bomb.chunks(1460), &mut got);
            assert!(matches!(result, Err(DecodeError::Bound { .. })), "{result:?}");
            assert!(got.len() <= most, "{}", got.len());
        }
    }

    fn push_all<'a>(
        deflate: &mut Deflate,
        mut pieces: impl Iterator<Item = &'a [u8]>,
        got: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let mut next = |piece: Piece<'_>| {
            let Piece::Data(bytes) = piece else { unreachable!() };
            assert!(bytes.len() <= PIECE_BYTES);
            got.extend_from_slice(bytes);
            Ok(())
        };
        pieces.try_for_each(|piece| deflate.push(piece, &mut next))?;
        deflate.finish()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// As ftpserverlib left its streams: all there, and no last block.
    fn flushed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.flush().unwrap();
        encoder.get_ref().clone()
    }

    const TEXT: &[u8] = b"to be, or not to be, that is to be deflated\r\n";
    const UNBOUNDED: Bounds = Bounds { bytes: u64::MAX, ratio: 0 };
}
