//! The record layer: bytes → pieces of records.

/// Cuts one direction's bytes into records (RFC 8446 §5.1), without holding them.
#[derive(Debug, Default)]
pub(super) struct Records {
    header: [u8; HEADER],
    /// How much of `header` has come; `HEADER` while a record is open.
    filled: usize,
    open: Option<Open>,
    begun: bool,
}

/// A part of one record's body; `bytes` is borrowed from the input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Piece<'a> {
    pub(super) kind: RecordKind,
    /// The length of the whole record's body.
    pub(super) record_len: u16,
    pub(super) bytes: &'a [u8],
    /// The record ends with this piece.
    pub(super) ends: bool,
}

/// What should be a header is none.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct NotARecord;

/// A record's content type (RFC 8446 §5.1, RFC 6520 §3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordKind {
    ChangeCipherSpec,
    Alert,
    Handshake,
    /// In TLS 1.3 anything that is encrypted.
    ApplicationData,
    Heartbeat,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    kind: RecordKind,
    len: u16,
    left: u16,
}

impl Records {
    /// Takes the next piece from the front of `input`; `None` once that is empty.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Piece<'a>>, NotARecord> {
        if self.open.is_none() {
            self.read_header(input)?;
        }
        let Some(open) = self.open else { return Ok(None) };
        let bytes = take_front(input, usize::from(open.left));
        // An empty record is a piece; no bytes of a record that has some are none.
        if bytes.is_empty() && open.left > 0 {
            return Ok(None);
        }
        let taken = u16::try_from(bytes.len()).unwrap_or(open.left);
        Ok(Some(self.advance(open, taken, bytes)))
    }

    /// Passes over bytes that are missing, if they are inside the record that is open; else
    /// `None`, and the next header cannot be found.
    pub(super) fn skip(&mut self, missing: u64) -> Option<Piece<'static>> {
        let open = self.open?;
        let missing = u16::try_from(missing).ok().filter(|missing| *missing <= open.left)?;
        Some(self.advance(open, missing, &[]))
    }

    /// The first header has been read, and is one.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Neither a record nor a header is half read.
    pub(super) fn is_between(&self) -> bool {
        self.open.is_none() && self.filled == 0
    }

    fn read_header(&mut self, input: &mut &[u8]) -> Result<(), NotARecord> {
        for slot in self.header.iter_mut().skip(self.filled) {
            let Some((first, rest)) = input.split_first() else { return Ok(()) };
            *slot = *first;
            *input = rest;
            self.filled += 1;
        }
        self.open = Some(Open::parse(self.header)?);
        self.begun = true;
        Ok(())
    }

    fn advance<'a>(&mut self, open: Open, taken: u16, bytes: &'a [u8]) -> Piece<'a> {
        let left = open.left.saturating_sub(taken);
        self.open = (left > 0).then_some(Open { left, ..open });
        if left == 0 {
            self.filled = 0;
        }
        Piece { kind: open.kind, record_len: open.len, bytes, ends: left == 0 }
    }
}

impl Open {
    /// The minor version is not looked at beyond being small: it says little (RFC 8446 §5.1).
    fn parse(header: [u8; HEADER]) -> Result<Self, NotARecord> {
        let [kind, major, minor, high, low] = header;
        let kind = RecordKind::from_code(kind).ok_or(NotARecord)?;
        let len = u16::from_be_bytes([high, low]);
        if major != 3 || minor > 4 || len > MAX_BODY {
            return Err(NotARecord);
        }
        Ok(Self { kind, len, left: len })
    }
}

impl RecordKind {
    fn from_code(code: u8) -> Option<Self> {
        match code {
            20 => Some(Self::ChangeCipherSpec),
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::ApplicationData),
            24 => Some(Self::Heartbeat),
            _ => None,
        }
    }
}

/// Takes up to `most` bytes from the front of `input`.
pub(super) fn take_front<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (front, rest) = input.split_at_checked(most).unwrap_or((*input, &[]));
    *input = rest;
    front
}

/// Octets of a record's header.
const HEADER: usize = 5;

/// The longest body: 2¹⁴ octets and what TLS 1.2 allows encryption to add (RFC 5246 §6.2.3);
/// TLS 1.3 allows less (RFC 8446 §5.2).
const MAX_BODY: u16 = (1 << 14) + 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(records: &mut Records, mut input: &[u8]) -> Vec<(RecordKind, u16, Vec<u8>, bool)> {
        let mut found = Vec::new();
        while let Ok(Some(piece)) = records.next(&mut input) {
            found.push((piece.kind, piece.record_len, piece.bytes.to_vec(), piece.ends));
        }
        found
    }

    #[test]
    fn a_record_may_end_anywhere_and_may_be_empty() {
        let mut records = Records::default();
        let input = b"\x16\x03\x01\0\x03abc\x17\x03\x03\0\0\x15\x03\x03\0\x02x";
        assert_eq!(
            pieces(&mut records, input),
            [
                (RecordKind::Handshake, 3, b"abc".to_vec(), true),
                (RecordKind::ApplicationData, 0, vec![], true),
                (RecordKind::Alert, 2, b"x".to_vec(), false),
            ]
        );
        assert_eq!(pieces(&mut records, b""), []);
        assert_eq!(pieces(&mut records, b"y"), [(RecordKind::Alert, 2, b"y".to_vec(), true)]);
    }

    #[test]
    fn what_is_no_header_is_told_once_five_octets_are_there() {
        for (header, wanted) in [
            (&b"\x16\x03\x01\x40\x00"[..], true),
            (b"\x18\x03\x04\x48\x00", true),
            (b"\x17\x03\x03\x48\x01", false),
            (b"\x17\x03\x05\0\x01", false),
            (b"\x17\x02\x03\0\x01", false),
            (b"\x19\x03\x03\0\x01", false),
            (b"220 r", false),
            // A ClientHello in the clothes of SSL 2.0 (RFC 5246 §E.2).
            (b"\x80\x2e\x01\x03\x01", false),
        ] {
            let mut records = Records::default();
            let mut input = header;
            assert_eq!(records.next(&mut input).is_ok(), wanted, "{}", header.escape_ascii());
            assert_eq!(records.has_begun(), wanted);
            assert_eq!(Records::default().next(&mut &header[..4]), Ok(None));
        }
    }

    #[test]
    fn missing_bytes_can_be_passed_over_inside_a_record_only() {
        let mut records = Records::default();
        assert!(records.skip(1).is_none(), "before the first header");
        pieces(&mut records, b"\x17\x03\x03\0\x04a");
        assert!(records.skip(4).is_none(), "more than the record has left");
        assert_eq!(records.skip(1).map(|piece| piece.ends), Some(false));
        assert_eq!(records.skip(2).map(|piece| piece.ends), Some(true));
        assert!(records.skip(1).is_none(), "between records");
        let next = pieces(&mut records, b"\x17\x03\x03\0\x01z");
        assert_eq!(next, [(RecordKind::ApplicationData, 1, b"z".to_vec(), true)]);
    }
}
