//! What kind of file it is, from its content.

use file_format::FileFormat;

/// The media type of content that begins with `head`; `None` for nothing.
pub(super) fn media_type(head: &[u8]) -> Option<String> {
    if head.is_empty() {
        return None;
    }
    let format = FileFormat::from_bytes(head);
    // The crate knows formats by their marks; plain text has none.
    if format == FileFormat::ArbitraryBinaryData && is_text(head) {
        return Some("text/plain".to_owned());
    }
    Some(format.media_type().to_owned())
}

/// UTF-8, perhaps cut inside its last character, without control characters that text has not.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => head,
        Err(error) if error.error_len().is_none() => &head[..error.valid_up_to()],
        Err(_) => return false,
    };
    valid.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || b"\t\n\x0b\x0c\r\x1b".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_marks_and_text_by_having_none() {
        for (head, wanted) in [
            (&b"%PDF-1.7\n"[..], Some("application/pdf")),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
            (b"hello, world\n", Some("text/plain")),
            ("gr\u{fc}n".as_bytes(), Some("text/plain")),
            (&"gr\u{fc}".as_bytes()[..3], Some("text/plain")),
            (b"\x01\x02\x03\xff", Some("application/octet-stream")),
            (b"", None),
        ] {
            assert_eq!(media_type(head).as_deref(), wanted, "{}", head.escape_ascii());
        }
    }
}
