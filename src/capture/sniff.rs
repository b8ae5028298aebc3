//! Names for what is not a capture we read.

use std::str;

use super::error::CaptureError;
use super::facts::Compression;
use super::stream;

/// Why an input that begins with `head`, after `unpacking`, is not read.
pub(super) fn refuse(head: &[u8], unpacking: Option<Compression>, is_file: bool) -> CaptureError {
    if head.is_empty() {
        let (kind, packed) = (if is_file { "file" } else { "stream" }, unpacking.is_some());
        let within = if packed { "nothing packed in a" } else { "an empty" };
        return CaptureError::NotACapture(format!("{within} {kind}"));
    }
    if let (Some(inner), Some(outer)) = (stream::recognise(head), unpacking) {
        return CaptureError::NotACapture(format!(
            "{inner} inside {outer}; only one is taken off, unpack it once"
        ));
    }
    if let Some((_, name, hint)) = FORMATS.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return CaptureError::OtherFormat { name, hint };
    }
    if is_etl(head) {
        return CaptureError::OtherFormat { name: "a Windows event trace (ETL)", hint: ETL };
    }
    if is_erf(head) {
        return CaptureError::OtherFormat { name: "an Endace ERF capture", hint: EDITCAP };
    }
    CaptureError::NotACapture(describe(head))
}

fn describe(head: &[u8]) -> String {
    let is_known = |(at, magic, _): &&(usize, &[u8], &str)| {
        head.get(*at..).is_some_and(|head| head.starts_with(magic))
    };
    if let Some((.., name)) = OTHERS.iter().find(is_known) {
        return (*name).to_owned();
    }
    if is_text(head) {
        return "a text file".to_owned();
    }
    if head.iter().all(|byte| *byte == 0) {
        return "zeros where a capture would begin".to_owned();
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

/// Behind a WMI_BUFFER_HEADER of 72 bytes the first event is the SYSTEM_TRACE_HEADER of the log
/// itself: version 2, of 32 or 64 bits, with the flags of a trace.
fn is_etl(head: &[u8]) -> bool {
    matches!(head.get(72..76), Some([2, 0, 1 | 2, 0xc0]))
}

/// ERF has no magic number: two records that follow each other, with the same type and times
/// that can be (Endace ERF Types Reference Guide: little-endian time in 2⁻³² s, then type, flags,
/// big-endian record length).
fn is_erf(head: &[u8]) -> bool {
    let record = |bytes: &[u8]| -> Option<(u32, u8, usize)> {
        let (time, rest) = bytes.split_first_chunk::<8>()?;
        let secs = u32::from_le_bytes(*time.last_chunk()?);
        let [kind, _, high, low] = *rest.first_chunk()?;
        Some((secs, kind & 0x7f, usize::from(u16::from_be_bytes([high, low]))))
    };
    let Some((secs, kind, len)) = record(head) else { return false };
    let Some((next_secs, next_kind, _)) = head.get(len..).and_then(record) else { return false };
    (Y2000..Y2100).contains(&secs)
        && (1..=27).contains(&kind)
        && len > 16
        && next_kind == kind
        && (secs..=secs.saturating_add(3600)).contains(&next_secs)
}

const Y2000: u32 = 946_684_800;
const Y2100: u32 = 4_102_444_800;

const EDITCAP: &str = "`editcap -F pcap` converts it";
const ETL: &str = "`etl2pcapng` converts it";

/// The formats of other capture programs; first match wins.
const FORMATS: &[(&[u8], &str, &str)] = &[
    (b"snoop\0\0\0", "a snoop capture", EDITCAP),
    (b"GMBU", "a Microsoft Network Monitor 2 capture", EDITCAP),
    (b"RTSS", "a Microsoft Network Monitor 1 capture", EDITCAP),
    (b"btsnoop\0", "a btsnoop capture of Bluetooth", EDITCAP),
    (b"iptrace ", "an AIX iptrace capture", EDITCAP),
    (b"TRSNIFF data    \x1a", "a Network General Sniffer capture", EDITCAP),
    (b"XCP\0", "a NetXray or Sniffer for Windows capture", EDITCAP),
    (b"\x7fver", "an EtherPeek or OmniPeek capture", EDITCAP),
    (b"\x05VNF", "a Visual Networks capture", EDITCAP),
    (b"\xaa\xaa\xaa\xaa", "a 5Views capture", EDITCAP),
    (b"ObserverPktBuffe", "a Network Instruments Observer capture", EDITCAP),
    (b"\0\0\x02\0\x12\x05\0\x10", "a Tektronix K12 capture", EDITCAP),
    (b"\x42\xd2\x00\x34\x12\x66\x22\x88", "a RADCOM capture", EDITCAP),
    (b"TR\0d\0", "an HP-UX nettl capture", EDITCAP),
    (b"EyeSDN", "an EyeSDN capture", EDITCAP),
    (b"LOGG", "a Vector BLF capture", EDITCAP),
    (b"\x1c\x00\x01\xac", "an IXIA capture", EDITCAP),
    (b"\xac\x01\x00\x1c", "an IXIA capture", EDITCAP),
    (b"\x1c\x00\x01\xab", "an IXIA capture", EDITCAP),
    (b"\xab\x01\x00\x1c", "an IXIA capture", EDITCAP),
];

/// What people hand over instead: where it is, how it begins, and its name with its article.
const OTHERS: &[(usize, &[u8], &str)] = &[
    (0, b"\x02\x21\x4c\x18", "a file in lz4's legacy format"),
    (0, b"\x1f\x9d", "a file packed with compress"),
    (0, b"LZIP", "an lzip file"),
    (0, b"\x5d\x00\x00", "an lzma file"),
    (0, b"PK\x03\x04", "a zip archive: take the capture out first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive: take the capture out first"),
    (0, b"Rar!", "a RAR archive: take the capture out first"),
    (257, b"ustar", "a tar archive: take the captures out first"),
    (0, b"\x7fELF", "an ELF program"),
    (0, b"MZ", "a Windows program"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\xff\xfe", "a text file (UTF-16)"),
    (0, b"\xfe\xff", "a text file (UTF-16)"),
    (0, b"SQLite format 3\0", "an SQLite database"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_capture_is_named() {
        let tar = [&[b'x'; 257][..], b"ustar\0"].concat();
        for (head, wanted) in [
            (&b""[..], "an empty file"),
            (b"12:01:02 IP 10.0.0.1\n", "a text file"),
            ("gr\u{fc}n".as_bytes(), "a text file"),
            (&"gr\u{fc}".as_bytes()[..3], "a text file"),
            (b"\0\0\0\0\0", "zeros where a capture would begin"),
            (b"\0\0\0\0\x01", "unknown content (starts [00, 00, 00, 00])"),
            (b"\xc3", "unknown content (starts [c3])"),
            (b"PK\x03\x04\x14", "a zip archive: take the capture out first"),
            (&tar, "a tar archive: take the captures out first"),
        ] {
            let said = refuse(head, None, true).to_string();
            assert_eq!(said, format!("not a capture: {wanted}"), "{}", head.escape_ascii());
        }
        let empty = |unpacking, is_file| refuse(b"", unpacking, is_file).to_string();
        assert_eq!(empty(None, false), "not a capture: an empty stream");
        assert_eq!(empty(Some(Compression::Xz), true), "not a capture: nothing packed in a file");
    }

    #[test]
    fn captures_of_other_programs_are_named_with_what_to_do() {
        let mut etl = vec![0_u8; 200];
        etl[1] = 1;
        etl[72..76].copy_from_slice(&[2, 0, 2, 0xc0]);
        let erf = |secs: u32, len: u16| {
            let fixed = [&[0, 0, 0, 0x80][..], &secs.to_le_bytes(), &[2, 4], &len.to_be_bytes()];
            let mut record = fixed.concat();
            record.resize(usize::from(len), 0x55);
            record
        };
        let erf = [erf(1_767_323_045, 80), erf(1_767_323_045, 96)].concat();
        for (head, wanted) in [
            (&b"snoop\0\0\0\0\0\0\x02"[..], "a snoop capture, which is not read: `editcap"),
            (b"RTSS\x01", "a Microsoft Network Monitor 1 capture, which is not read: `editcap"),
            (b"GMBU\x01", "a Microsoft Network Monitor 2 capture, which is not read: `editcap"),
            (&etl, "a Windows event trace (ETL), which is not read: `etl2pcapng`"),
            (&erf, "an Endace ERF capture, which is not read: `editcap"),
        ] {
            let said = refuse(head, None, true).to_string();
            assert!(said.starts_with(wanted), "{said}");
        }
    }
}
