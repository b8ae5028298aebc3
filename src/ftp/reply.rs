//! Server replies.

use super::hostport::{Announced, find_host_port, find_long_host_port, parse_229};
use super::listing::grouped_number;

/// One server reply (RFC 959 §4.2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    pub code: u16,
    /// Its lines, LF between them. Without the code; lines inside a multi-line reply that do not
    /// repeat it are whole.
    pub text: Vec<u8>,
    /// Bytes of text that were not kept; from 4 GiB on no more are counted.
    pub dropped: u32,
    /// It was cut short: a gap, or the end of the capture.
    pub torn: bool,
}

impl Reply {
    /// 1yz: another reply will follow (RFC 959 §4.2.1).
    pub fn is_preliminary(&self) -> bool {
        self.code / 100 == 1
    }

    /// 2yz.
    pub fn is_success(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz or 5yz.
    pub fn is_refusal(&self) -> bool {
        matches!(self.code / 100, 4 | 5)
    }

    /// Whether, to USER, PASS or ACCT, it lets somebody in (RFC 959 §5.4). 232: the security
    /// exchange already told who it is (RFC 2228 §5.4).
    pub fn lets_in(&self) -> bool {
        matches!(self.code, 230 | 202 | 232)
    }

    /// Counts bytes of text that are not kept.
    pub fn drop_bytes(&mut self, count: u64) {
        self.dropped = self.dropped.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// The lines that were kept, at least one.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.text.split(|byte| *byte == b'\n')
    }

    pub fn first_line(&self) -> &[u8] {
        self.lines().next().unwrap_or_default()
    }

    /// Where the server says it listens, in a 227, 228 or 229.
    pub fn announced(&self) -> Option<Announced> {
        let find = match self.code {
            227 => find_host_port,
            228 => find_long_host_port,
            229 => parse_229,
            _ => return None,
        };
        self.lines().find_map(find)
    }

    /// The last `(12345 bytes)`: the text before it may quote the name, and a name may look like a
    /// size.
    pub fn size_in_brackets(&self) -> Option<u64> {
        let text = self.lines().next_back()?;
        let open = text.iter().rposition(|byte| *byte == b'(')?;
        let inside = std::str::from_utf8(text.get(open + 1..)?).ok()?;
        let (number, rest) = inside.split_once(' ')?;
        let is_size = rest.starts_with("byte") && rest.trim_end_matches(['.', ' ']).ends_with(')');
        let is_rate = rest.contains("/") || rest.contains(" per ");
        parse_number(number.as_bytes()).filter(|_| is_size && !is_rate)
    }

    /// How many bytes a final reply says were moved: `226 Transfer complete. 1,234 bytes
    /// transferred.` (Serv-U), `226 … (1234 bytes)`. Of several such numbers none is believed.
    pub fn counted_bytes(&self) -> Option<u64> {
        let mut found = None;
        for line in self.lines() {
            let is_between = |byte: &u8| !byte.is_ascii_alphanumeric() && !b",.".contains(byte);
            let words = line.split(is_between).map(without_marks);
            let mut words = words.filter(|word| !word.is_empty()).peekable();
            let mut before: &[u8] = b"";
            while let Some(word) = words.next() {
                let is = |word: &[u8], one_of: &[&str]| {
                    one_of.iter().any(|other| word.eq_ignore_ascii_case(other.as_bytes()))
                };
                // `340.00 bytes per second` (Pure-FTPd) is none.
                let is_rate = words.peek().is_some_and(|next| is(next, &["per", "s", "sec"]));
                if is(word, &["bytes", "byte"])
                    && !is_rate
                    && let Some(number) = grouped_number(before)
                {
                    if found.is_some_and(|known| known != number) {
                        return None;
                    }
                    found = Some(number);
                }
                before = word;
            }
        }
        found
    }
}

/// Without the punctuation at its ends.
fn without_marks(word: &[u8]) -> &[u8] {
    let is_mark = |byte: &u8| matches!(byte, b'.' | b',');
    let start = word.iter().position(|byte| !is_mark(byte)).unwrap_or(word.len());
    let end = word.iter().rposition(|byte| !is_mark(byte)).map_or(start, |at| at + 1);
    word.get(start..end).unwrap_or_default()
}

/// A number in decimal, without a sign.
pub fn parse_number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// Joins the lines of a server reply (RFC 959 §4.2).
///
/// `123-` opens a multi-line reply; only `123 ` with the *same* code closes it, so a
/// line such as `226 ok` inside a 150- reply is text.
#[derive(Debug)]
pub struct ReplyJoiner {
    open: Option<Reply>,
    most: usize,
}

/// What a line turned out to be.
#[derive(Debug, Eq, PartialEq)]
pub enum Joined {
    /// The reply this line completes.
    Reply(Reply),
    /// Part of a multi-line reply.
    More,
    /// No reply: a line without a code where one must stand.
    Malformed,
}

impl ReplyJoiner {
    /// Keeps at most `most` bytes of the text of one reply.
    pub fn new(most: usize) -> Self {
        Self { open: None, most }
    }

    /// Changes how much is kept of the replies to come, and of the rest of the open one.
    pub fn keep_at_most(&mut self, most: usize) {
        self.most = most;
    }

    /// Bytes held of the open reply.
    pub fn held(&self) -> usize {
        self.open.as_ref().map_or(0, |reply| reply.text.len())
    }

    /// Takes one line without its end.
    pub fn push(&mut self, line: &[u8]) -> Joined {
        let head = split_code(line);
        let Some(mut reply) = self.open.take() else {
            let Some((code, more, text)) = head else { return Joined::Malformed };
            let mut reply = Reply { code, ..Reply::default() };
            match text.len() <= self.most {
                true => reply.text = text.to_vec(),
                false => reply.drop_bytes(text.len() as u64),
            }
            if !more {
                return Joined::Reply(reply);
            }
            self.open = Some(reply);
            return Joined::More;
        };
        match head {
            Some((code, more, text)) if code == reply.code => {
                self.keep(&mut reply, text);
                if !more {
                    return Joined::Reply(reply);
                }
            }
            _ => self.keep(&mut reply, line),
        }
        self.open = Some(reply);
        Joined::More
    }

    /// The end of an open reply will not come.
    pub fn tear(&mut self) -> Option<Reply> {
        self.open.take().map(|reply| Reply { torn: true, ..reply })
    }

    /// One line more of a reply.
    fn keep(&self, reply: &mut Reply, line: &[u8]) {
        // An empty line costs its end.
        if reply.text.len() + 1 + line.len() > self.most {
            reply.drop_bytes(line.len() as u64);
            return;
        }
        reply.text.push(b'\n');
        reply.text.extend_from_slice(line);
    }
}

/// The code, whether more lines follow, and the text. First digits 1 to 5 are RFC 959's, 6 marks
/// a protected reply (RFC 2228 §7).
pub fn split_code(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_first_chunk::<3>()?;
    let [first @ b'1'..=b'6', second @ b'0'..=b'9', third @ b'0'..=b'9'] = *digits else {
        return None;
    };
    let value = |digit: u8| u16::from(digit - b'0');
    let code = value(first) * 100 + value(second) * 10 + value(third);
    match rest {
        [] => Some((code, false, rest)),
        [b' ', text @ ..] => Some((code, false, text)),
        [b'-', text @ ..] => Some((code, true, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, lines: &[&str]) -> Joined {
        let text = lines.join("\n").into_bytes();
        Joined::Reply(Reply { code, text, ..Reply::default() })
    }

    #[test]
    fn only_the_same_code_and_a_space_close_a_reply() {
        let mut joiner = ReplyJoiner::new(1000);
        for (line, wanted) in [
            ("220 ready", reply(220, &["ready"])),
            ("200", reply(200, &[""])),
            ("230-Welcome", Joined::More),
            ("226 not the end", Joined::More),
            ("230-still", Joined::More),
            ("230text", Joined::More),
            ("  indented", Joined::More),
            (
                "230 done",
                reply(
                    230,
                    &["Welcome", "226 not the end", "still", "230text", "  indented", "done"],
                ),
            ),
            ("hello", Joined::Malformed),
            ("2x0 no", Joined::Malformed),
            ("999 no", Joined::Malformed),
            ("22", Joined::Malformed),
            ("631 sealed", reply(631, &["sealed"])),
        ] {
            assert_eq!(joiner.push(line.as_bytes()), wanted, "{line}");
        }
    }

    #[test]
    fn sizes_are_found_in_the_texts_of_servers() {
        for (text, in_brackets, counted) in [
            ("Opening BINARY mode data connection for f (12 bytes).", Some(12), Some(12)),
            ("Opening data connection for a (3 bytes) (12 bytes)", Some(12), None),
            ("Transfer complete. 1,234 bytes transferred. 12.30 KB/sec.", None, Some(1234)),
            ("Transfer complete. 12,34 bytes", None, None),
            ("Transfer complete.", None, None),
            ("1 byte in 0.1 seconds", None, Some(1)),
            ("0.050 seconds (measured here), 340.00 bytes per second", None, None),
            ("17 bytes received in 0.1 s (200 bytes/sec).", None, Some(17)),
            ("f (not bytes)", None, None),
        ] {
            let reply = Reply { code: 226, text: text.as_bytes().to_vec(), ..Reply::default() };
            assert_eq!((reply.size_in_brackets(), reply.counted_bytes()), (in_brackets, counted));
        }
    }

    #[test]
    fn text_beyond_the_bound_is_counted_and_the_reply_still_ends() {
        let mut joiner = ReplyJoiner::new(60);
        assert_eq!(joiner.push(b"211-0123456789"), Joined::More);
        for _ in 0..100 {
            assert_eq!(joiner.push(b" a line of twenty five    "), Joined::More);
        }
        let Joined::Reply(reply) = joiner.push(b"211 end") else { panic!("it ends") };
        assert_eq!((reply.code, reply.lines().count(), reply.dropped), (211, 3, 2574));
    }
}
