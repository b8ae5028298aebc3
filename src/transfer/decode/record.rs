//! `STRU R` in a stream: control codes among the data.

use super::{DecodeError, Next, Piece, split_at_byte};

/// Takes the control codes out of a record structured stream (RFC 959 §3.4.1): 0xFF and 1 for the
/// end of a record, 2 for the end of the file, 3 for both, 0xFF for itself.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The last byte was 0xFF, and its code is still to come.
    is_escaped: bool,
    has_ended: bool,
    /// Bytes taken.
    taken: u64,
}

impl Records {
    pub(super) fn push(&mut self, bytes: &[u8], next: &mut Next<'_>) -> Result<(), DecodeError> {
        let end = self.taken.saturating_add(bytes.len() as u64);
        let mut bytes = bytes;
        while !bytes.is_empty() {
            self.taken = end.saturating_sub(bytes.len() as u64);
            if self.has_ended {
                return Err(DecodeError::AfterEnd { at: self.taken });
            }
            bytes = if self.is_escaped { self.code(bytes, next)? } else { self.data(bytes, next)? };
        }
        self.taken = end;
        Ok(())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Hands on data up to the next escape; returns what is behind it.
    fn data<'a>(&mut self, bytes: &'a [u8], next: &mut Next<'_>) -> Result<&'a [u8], DecodeError> {
        let (run, behind) = split_at_byte(bytes, ESCAPE).unwrap_or((bytes, &[]));
        self.is_escaped = run.len() < bytes.len();
        next(Piece::Data(run))?;
        Ok(behind)
    }

    /// Reads the byte after an escape.
    fn code<'a>(&mut self, bytes: &'a [u8], next: &mut Next<'_>) -> Result<&'a [u8], DecodeError> {
        let Some((&code, rest)) = bytes.split_first() else { return Ok(bytes) };
        self.is_escaped = false;
        match code {
            ESCAPE => next(Piece::Data(&[ESCAPE]))?,
            EOR => next(Piece::RecordEnd)?,
            EOF => self.has_ended = true,
            BOTH => {
                self.has_ended = true;
                next(Piece::RecordEnd)?;
            }
            _ => return Err(DecodeError::BadEscape { at: self.taken.saturating_sub(1), code }),
        }
        Ok(rest)
    }
}

const ESCAPE: u8 = 0xFF;
const EOR: u8 = 1;
const EOF: u8 = 2;
const BOTH: u8 = EOR | EOF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_codes_are_taken_out_wherever_the_stream_is_cut() {
        let after = |at| Err(DecodeError::AfterEnd { at });
        let bad = |at, code| Err(DecodeError::BadEscape { at, code });
        for (sent, wanted, ended, result) in [
            (&b"ab\xff\x01c\xff\x01\xff\x02"[..], "ab|c|", true, Ok(())),
            (b"ab\xff\x03", "ab|", true, Ok(())),
            (b"ab\xff\x02", "ab", true, Ok(())),
            (b"a\xff\xffb\xff\x01", "a\\xffb|", false, Ok(())),
            (b"\xff\xff\xff\xff\xff\x01", "\\xff\\xff|", false, Ok(())),
            (b"cut\xff", "cut", false, Ok(())),
            (b"ab\xff\x02cd", "ab", true, after(4)),
            (b"plain \xff\x00 bytes", "plain ", false, bad(6, 0)),
            (b"\xff\x04", "", false, bad(0, 4)),
            (b"", "", false, Ok(())),
        ] {
            for size in 1..=sent.len().max(1) {
                let (mut records, mut got) = (Records::default(), String::new());
                let mut next = |piece: Piece<'_>| {
                    match piece {
                        Piece::Data(bytes) => got += &bytes.escape_ascii().to_string(),
                        Piece::RecordEnd => got.push('|'),
                        Piece::Marker(_) => unreachable!(),
                    }
                    Ok(())
                };
                let all = sent.chunks(size).try_for_each(|piece| records.push(piece, &mut next));
                assert_eq!(all, result, "{} by {size}", sent.escape_ascii());
                assert_eq!((got.as_str(), records.has_ended()), (wanted, ended));
            }
        }
    }
}
