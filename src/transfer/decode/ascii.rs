//! `TYPE A`: the line ends of the network → those of a file.

use super::split_at_byte;

/// Makes CR LF, the line end of NVT-ASCII (RFC 959 §3.1.1.1), an LF.
///
/// A CR that is not followed by LF stays, and CR NUL, which is how Telnet says a mere carriage
/// return (RFC 854), becomes one: the BSD ftpd receives so. Nothing else changes, be it ASCII or
/// not.
#[derive(Debug, Default)]
pub(super) struct Ascii {
    /// The last byte was a CR, not handed out yet.
    waits: bool,
    /// LFs of any kind; those of line ends are taken off in the end.
    lf: u64,
    crlf: u64,
    cr: u64,
}

/// The line ends of a text as it was sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LineEnds {
    pub crlf: u64,
    /// LFs without a CR: the sender did not translate its line ends.
    pub lf: u64,
    /// CRs without an LF, in text that is no text or of an old Macintosh.
    pub cr: u64,
}

impl Ascii {
    /// Hands out whole runs; the LF of a line end begins the run behind its CR, so a line costs one
    /// call and no copy.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        self.lf = self.lf.saturating_add(count(bytes, b'\n'));
        let mut bytes = self.resolve(bytes, out);
        while let Some((line, behind)) = split_at_byte(bytes, b'\r') {
            out(line);
            self.waits = true;
            bytes = self.resolve(behind, out);
        }
        out(bytes);
    }

    /// What waits waits no longer: a CR at the end of the text is just a CR.
    pub(super) fn settle(&mut self, out: &mut dyn FnMut(&[u8])) {
        if self.waits {
            self.keep_cr(out);
        }
    }

    pub(super) fn line_ends(&self) -> LineEnds {
        LineEnds { crlf: self.crlf, lf: self.lf.saturating_sub(self.crlf), cr: self.cr }
    }

    /// Decides on a CR in front of `bytes`, if one waits, and returns those that still go out.
    fn resolve<'a>(&mut self, bytes: &'a [u8], out: &mut dyn FnMut(&[u8])) -> &'a [u8] {
        let Some((first, rest)) = bytes.split_first().filter(|_| self.waits) else {
            return bytes;
        };
        if *first == b'\n' {
            self.crlf = self.crlf.saturating_add(1);
            self.waits = false;
            return bytes;
        }
        self.keep_cr(out);
        if *first == 0 { rest } else { bytes }
    }

    fn keep_cr(&mut self, out: &mut dyn FnMut(&[u8])) {
        out(b"\r");
        self.cr = self.cr.saturating_add(1);
        self.waits = false;
    }
}

fn count(bytes: &[u8], byte: u8) -> u64 {
    bytes.iter().filter(|b| **b == byte).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_lf_and_everything_else_stays() {
        for (sent, wanted, crlf, lf, cr) in [
            (&b"one\r\ntwo\r\n"[..], &b"one\ntwo\n"[..], 2, 0, 0),
            (b"no end", b"no end", 0, 0, 0),
            (b"unix\nlines\n", b"unix\nlines\n", 0, 2, 0),
            (b"old\rmac\r", b"old\rmac\r", 0, 0, 2),
            (b"a\r\0b\0c", b"a\rb\0c", 0, 0, 1),
            (b"\r\r\n", b"\r\n", 1, 0, 1),
            (b"\r\0\n", b"\r\n", 0, 1, 1),
            (b"\r\n\n\r", b"\n\n\r", 1, 1, 1),
            (b"\r\r\r\0\xff", b"\r\r\r\xff", 0, 0, 3),
            (b"", b"", 0, 0, 0),
        ] {
            for size in 1..=sent.len().max(1) {
                let (mut ascii, mut got) = (Ascii::default(), Vec::new());
                for piece in sent.chunks(size) {
                    ascii.push(piece, &mut |bytes| got.extend_from_slice(bytes));
                }
                ascii.settle(&mut |bytes| got.extend_from_slice(bytes));
                assert_eq!(got, wanted, "{} by {size}", sent.escape_ascii());
                assert_eq!(ascii.line_ends(), LineEnds { crlf, lf, cr });
            }
        }
    }

    #[test]
    fn a_line_is_handed_out_in_one_run() {
        let mut runs = Vec::new();
        Ascii::default().push(b"one\r\ntwo\nthree\r\n", &mut |run| runs.push(run.to_vec()));
        assert_eq!(runs, [&b"one"[..], b"\ntwo\nthree", b"\n"]);
    }
}
