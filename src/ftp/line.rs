//! A control connection's bytes → its lines.

/// Splits one direction of a control connection into lines.
///
/// A line ends with LF; a CR before it belongs to the end, and a missing one is tolerated. At
/// most `most` bytes of a line are kept; the rest is counted, and the next line survives. `M` is
/// carried from the bytes to the lines they make: where they were seen.
#[derive(Debug)]
pub struct LineSplitter<M> {
    pending: Vec<u8>,
    /// Bytes of the pending line beyond `most`.
    dropped: u64,
    open: Option<Open<M>>,
    after_gap: bool,
    most: usize,
}

/// The pending line: its offset, and where its first and its last byte so far were seen.
#[derive(Clone, Copy, Debug)]
struct Open<M> {
    start: u64,
    first: M,
    last: M,
}

/// One line, its end removed and Telnet's signals with it.
#[derive(Debug, Eq, PartialEq)]
pub struct Line<'a, M> {
    pub bytes: &'a [u8],
    /// Bytes of the line that were not kept.
    pub dropped: u64,
    /// 0xFF bytes in it as it was sent: each begins a signal of Telnet or doubles another.
    pub iacs: usize,
    /// Bytes directly before it are missing: its beginning may be, too.
    pub after_gap: bool,
    /// Its end is missing: a gap or the end of the stream came first.
    pub torn: bool,
    /// Offsets of its first byte and after its end.
    pub start: u64,
    pub end: u64,
    /// Of the piece that held its first byte, and of the one that completed it, or was the last.
    pub first: M,
    pub last: M,
}

impl<M: Copy> LineSplitter<M> {
    /// Keeps at most `most` bytes of a line. Unless it is read `from_start`, the stream may begin
    /// inside one.
    pub fn new(most: usize, from_start: bool) -> Self {
        Self { pending: Vec::new(), dropped: 0, open: None, after_gap: !from_start, most }
    }

    /// Changes how much is kept of the lines to come, and of the rest of the pending one.
    pub fn keep_at_most(&mut self, most: usize) {
        self.most = most;
    }

    /// Bytes held of the pending line.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// Takes the next piece of the stream, which begins at `offset`.
    pub fn push(&mut self, offset: u64, bytes: &[u8], mark: M, mut out: impl FnMut(Line<'_, M>)) {
        let mut at = offset;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let open = self.open.get_or_insert(Open { start: at, first: mark, last: mark });
            open.last = mark;
            let Open { start, first, last } = *open;
            at += piece.len() as u64;
            let room = self.most.saturating_sub(self.pending.len());
            let kept = piece.get(..room.min(piece.len())).unwrap_or_default();
            let dropped = self.dropped + (piece.len() - kept.len()) as u64;
            if piece.ends_with(b"\n") {
                let whole = match self.pending.is_empty() {
                    true => kept,
                    false => {
                        self.pending.extend_from_slice(kept);
                        &self.pending
                    }
                };
                let text = without_signals(without_end(whole));
                let after_gap = self.after_gap;
                out(Line {
                    bytes: &text,
                    dropped,
                    iacs: iacs(whole),
                    after_gap,
                    torn: false,
                    start,
                    end: at,
                    first,
                    last,
                });
                self.clear();
            } else {
                self.pending.extend_from_slice(kept);
                self.dropped = dropped;
            }
        }
    }

    /// Bytes are missing here: what is pending is all there is of its line.
    pub fn gap(&mut self, offset: u64, out: impl FnMut(Line<'_, M>)) {
        self.end(offset, out);
        self.after_gap = true;
    }

    /// The stream ends here.
    pub fn end(&mut self, offset: u64, mut out: impl FnMut(Line<'_, M>)) {
        if let Some(Open { start, first, last }) = self.open {
            let text = without_signals(without_end(&self.pending));
            let (dropped, after_gap) = (self.dropped, self.after_gap);
            if !text.is_empty() || dropped > 0 {
                out(Line {
                    bytes: &text,
                    dropped,
                    iacs: iacs(&self.pending),
                    after_gap,
                    torn: true,
                    start,
                    end: offset,
                    first,
                    last,
                });
            }
            self.clear();
        }
    }

    /// Whether the next byte begins a line.
    pub fn is_between_lines(&self) -> bool {
        self.open.is_none()
    }

    fn clear(&mut self) {
        self.pending.clear();
        self.dropped = 0;
        self.open = None;
        self.after_gap = false;
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Removes Telnet's commands (RFC 854): before a line they are signals, such as the
/// `IAC IP IAC DM` of an ABOR (RFC 959 §4.1.3), and so they are in a verb, whose letters are ASCII.
/// Behind it only a doubled IAC is undone: there a lone 0xFF is far more often a letter of a legacy
/// charset.
fn without_signals(line: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let mut rest = line;
    loop {
        rest = match rest {
            [IAC, 0xfb..=0xfe, _, after @ ..] | [IAC, 0xf0..=0xfa, after @ ..] => after,
            // The second half of a signal whose first half went ahead as urgent data.
            [DM, after @ ..] if after.len() < line.len() - 1 => after,
            _ => break,
        };
    }
    if !rest.contains(&IAC) {
        return rest.into();
    }
    let mut text = Vec::with_capacity(rest.len());
    let mut is_verb = true;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match rest {
            [IAC, 0xfb..=0xfe, _, after @ ..] | [IAC, 0xf0..=0xfa, after @ ..] if is_verb => after,
            [IAC, after @ ..] => {
                text.push(IAC);
                after.strip_prefix(&[IAC]).unwrap_or(after)
            }
            _ => {
                is_verb &= byte != b' ';
                text.push(byte);
                after
            }
        };
    }
    text.into()
}

fn iacs(line: &[u8]) -> usize {
    line.iter().filter(|byte| **byte == IAC).count()
}

const IAC: u8 = 0xff;
const DM: u8 = 0xf2;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]], most: usize) -> Vec<String> {
        let mut splitter = LineSplitter::new(most, true);
        let (mut found, mut offset) = (Vec::new(), 0);
        let mut note = |line: Line<'_, usize>| {
            let marks = [
                (line.dropped > 0).then(|| format!(" dropped {}", line.dropped)),
                line.torn.then(|| " torn".to_owned()),
                line.after_gap.then(|| " after gap".to_owned()),
            ];
            let marks: String = marks.into_iter().flatten().collect();
            found.push(format!(
                "{} {}..{}@{}{marks}",
                line.bytes.escape_ascii(),
                line.first,
                line.last,
                line.end
            ));
        };
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                [b'?', ..] => splitter.gap(offset, &mut note),
                _ => splitter.push(offset, piece, at, &mut note),
            }
            offset += piece.len() as u64;
        }
        splitter.end(offset, &mut note);
        found
    }

    #[test]
    fn lines_end_with_crlf_or_lf_wherever_segments_do() {
        for (pieces, wanted) in [
            (vec![&b"USER bob\r\nPASS x\r\n"[..]], vec!["USER bob 0..0@10", "PASS x 0..0@18"]),
            (vec![b"NOOP\nQUIT\n"], vec!["NOOP 0..0@5", "QUIT 0..0@10"]),
            (vec![b"RE", b"TR a", b" b\r", b"\nX\r\n"], vec!["RETR a b 0..3@10", "X 3..3@13"]),
            (vec![b"\r\n"], vec![" 0..0@2"]),
            (vec![b"QUI"], vec!["QUI 0..0@3 torn"]),
        ] {
            assert_eq!(lines(&pieces, 100), wanted);
        }
    }

    #[test]
    fn a_line_too_long_is_cut_and_the_next_survives() {
        assert_eq!(
            lines(&[b"RETR 6789", b"0123456789\r\nQUIT\r\n"], 10),
            ["RETR 67890 0..1@21 dropped 11", "QUIT 1..1@27"]
        );
        // Nothing but signals was kept: what was dropped behind them is told all the same.
        assert_eq!(lines(&[b"\xff\xf4\xff\xf4ABOR"], 4), [" 0..0@8 dropped 4 torn"]);
    }

    #[test]
    fn a_gap_tears_the_line_before_it_and_marks_the_one_after() {
        assert_eq!(
            lines(&[b"RETR a", b"?", b"b.txt\r\n", b"QUIT\r\n"], 100),
            ["RETR a 0..0@6 torn", "b.txt 2..2@14 after gap", "QUIT 3..3@20"]
        );
    }

    #[test]
    fn bytes_of_telnet_are_counted_as_they_were_sent() {
        let mut splitter = LineSplitter::new(100, true);
        let mut found = Vec::new();
        let mut note = |line: Line<'_, ()>| found.push((line.bytes.to_vec(), line.iacs));
        splitter.push(0, b"NOOP\r\n\xff\xf4\xff\xf2ABOR\r\n\xff\xff\xff\xff\n", (), &mut note);
        splitter.push(17, b"SITE \xff\xff\xff", (), &mut note);
        splitter.end(25, &mut note);
        let wanted: [(&[u8], usize); 4] =
            [(b"NOOP", 0), (b"ABOR", 2), (b"\xff\xff", 4), (b"SITE \xff\xff", 3)];
        assert_eq!(found, wanted.map(|(line, iacs)| (line.to_vec(), iacs)));
    }

    #[test]
    fn telnet_signals_are_removed_and_letters_are_not() {
        for (line, wanted) in [
            (&b"\xff\xf4\xff\xf2ABOR\r\n"[..], "ABOR"),
            (b"\xff\xf4\xf2ABOR\r\n", "ABOR"),
            (b"PA\xff\xf1SS\xff\xfd\x01 a\xff\xf1\r\n", "PASS a\\xff\\xf1"),
            (b"\xff\xfd\x06NOOP\r\n", "NOOP"),
            (b"RETR \xff\xffx\r\n", "RETR \\xffx"),
            (b"RETR \xff\xfe.txt\r\n", "RETR \\xff\\xfe.txt"),
            (b"\xf2\xee\r\n", "\\xf2\\xee"),
        ] {
            let found = lines(&[line], 100);
            assert_eq!(found[0].rsplit_once(' ').unwrap().0, wanted);
        }
    }
}
