//! Names for what is not a capture we read.

use std::str;

/// What a file is that begins with `head`, with its article.
pub(super) fn describe(head: &[u8]) -> String {
    if head.is_empty() {
        return "an empty file".to_owned();
    }
    if let Some((_, name)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    if is_text(head) {
        return "a text file".to_owned();
    }
    let start = head.get(..4).unwrap_or(head);
    format!("unknown content (starts {start:02x?})")
}

/// Whether it reads as text; a character cut at the end does not spoil it.
fn is_text(head: &[u8]) -> bool {
    let readable = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let whole = head.get(..error.valid_up_to()).unwrap_or_default();
            str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let is_plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b');
    !readable.is_empty() && readable.chars().all(is_plain)
}

/// First match wins. The formats of other capture programs come first: those the user can
/// convert (`editcap`, `tshark -w`).
const KNOWN: &[(&[u8], &str)] = &[
    (b"snoop\0\0\0", "a snoop file"),
    (b"GMBU", "a Microsoft Network Monitor 2 file"),
    (b"RTSS", "a Microsoft Network Monitor 1 file"),
    (b"btsnoop\0", "a btsnoop file"),
    (b"iptrace ", "an AIX iptrace file"),
    (b"TRSNIFF data    \x1a", "a Network General Sniffer file"),
    (b"XCP\0", "a NetXray file"),
    (b"\x7fver", "an EtherPeek file"),
    (b"\x05VNF", "a Visual Networks file"),
    (b"\xaa\xaa\xaa\xaa", "a 5Views file"),
    (b"ObserverPktBuffe", "a Network Instruments Observer file"),
    (b"\x02\x21\x4c\x18", "a file in lz4's legacy format"),
    (b"\x1f\x9d", "a file packed with compress"),
    (b"LZIP", "an lzip file"),
    (b"\x5d\x00\x00", "an lzma file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"%PDF", "a PDF document"),
    (b"\xff\xfe", "a text file (UTF-16)"),
    (b"\xfe\xff", "a text file (UTF-16)"),
    (b"SQLite format 3\0", "an SQLite database"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_capture_is_named() {
        for (head, wanted) in [
            (&b""[..], "an empty file"),
            (b"snoop\0\0\0\0\0\0\x02", "a snoop file"),
            (b"RTSS\x01", "a Microsoft Network Monitor 1 file"),
            (b"12:01:02 IP 10.0.0.1\n", "a text file"),
            ("gr\u{fc}n".as_bytes(), "a text file"),
            (&"gr\u{fc}".as_bytes()[..3], "a text file"),
            (b"\0\0\0\0\0", "unknown content (starts [00, 00, 00, 00])"),
            (b"\xc3", "unknown content (starts [c3])"),
        ] {
            assert_eq!(describe(head), wanted, "{}", head.escape_ascii());
        }
    }
}
