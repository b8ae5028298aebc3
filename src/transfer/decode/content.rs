//! Structure and type undone: what the mode carried → the bytes of the file.

use super::ascii::Ascii;
use super::ebcdic::Ebcdic;
use super::record::Records;
use super::{
    DecodeError, Finished, Form, Kind, MARKERS_KEPT, Marker, Markers, Mode, Piece, Structure,
};

/// Undoes the structure, then the type, of what the mode carried.
#[derive(Debug)]
pub(super) struct Content {
    /// Where record ends are control codes among the data. Block and compressed mode say them in
    /// their descriptors instead (RFC 959 §3.4).
    escapes: Option<Records>,
    file: File,
}

impl Content {
    pub(super) fn new(form: &Form) -> Self {
        let is_stream = matches!(form.mode, Mode::Stream | Mode::Deflate);
        let has_records = form.structure == Structure::Record;
        let file = File {
            text: Text::new(form.kind),
            breaks_lines: has_records || form.kind != Kind::Image,
            decoded: 0,
            records: 0,
            markers: Markers::default(),
        };
        Self { escapes: (is_stream && has_records).then(Records::default), file }
    }

    pub(super) fn take(
        &mut self,
        piece: Piece<'_>,
        out: &mut dyn FnMut(&[u8]),
    ) -> Result<(), DecodeError> {
        let Self { escapes, file } = self;
        match (escapes, piece) {
            (Some(escapes), Piece::Data(bytes)) => {
                escapes.push(bytes, &mut |piece| file.take(piece, out))
            }
            (_, piece) => file.take(piece, out),
        }
    }

    /// Hands out a CR that waits for what follows it: nothing will.
    pub(super) fn settle(&mut self, out: &mut dyn FnMut(&[u8])) {
        self.file.settle(out);
    }

    pub(super) fn has_escapes(&self) -> bool {
        self.escapes.is_some()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.escapes.as_ref().is_none_or(Records::has_ended)
    }

    /// Adds what is known here.
    pub(super) fn add_to(self, finished: &mut Finished) {
        let File { text, decoded, records, markers, .. } = self.file;
        if let Text::Ascii(ascii) = text {
            finished.line_ends = ascii.line_ends();
        }
        finished.decoded = decoded;
        finished.records = records;
        finished.markers = markers;
    }
}

/// The file as it comes out, and what was met on the way.
#[derive(Debug)]
struct File {
    text: Text,
    /// Whether a record's end leaves an LF.
    breaks_lines: bool,
    decoded: u64,
    records: u64,
    markers: Markers,
}

impl File {
    fn take(&mut self, piece: Piece<'_>, out: &mut dyn FnMut(&[u8])) -> Result<(), DecodeError> {
        match piece {
            Piece::Data(bytes) => {
                let Self { text, decoded, .. } = self;
                text.push(bytes, &mut |bytes| count_out(bytes, decoded, out));
            }
            Piece::RecordEnd => self.end_record(out),
            Piece::Marker(text) => self.mark(text),
        }
        Ok(())
    }

    fn end_record(&mut self, out: &mut dyn FnMut(&[u8])) {
        self.records = self.records.saturating_add(1);
        if self.breaks_lines {
            // A CR at the end of a record is data; before an LF among the data it would vanish.
            self.settle(out);
            count_out(b"\n", &mut self.decoded, out);
        }
    }

    fn mark(&mut self, text: &[u8]) {
        self.markers.count = self.markers.count.saturating_add(1);
        if self.markers.first.len() < MARKERS_KEPT {
            self.markers.first.push(Marker { at: self.decoded, text: text.to_vec() });
        }
    }

    fn settle(&mut self, out: &mut dyn FnMut(&[u8])) {
        let Self { text, decoded, .. } = self;
        if let Text::Ascii(ascii) = text {
            ascii.settle(&mut |bytes| count_out(bytes, decoded, out));
        }
    }
}

/// The type being undone.
#[derive(Debug)]
enum Text {
    Image,
    Ascii(Ascii),
    Ebcdic(Ebcdic),
}

impl Text {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Image => Self::Image,
            Kind::Ascii => Self::Ascii(Ascii::default()),
            Kind::Ebcdic => Self::Ebcdic(Ebcdic::default()),
        }
    }

    fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Image => out(bytes),
            Self::Ascii(ascii) => ascii.push(bytes, out),
            Self::Ebcdic(ebcdic) => ebcdic.push(bytes, out),
        }
    }
}

/// Hands out `bytes`, unless there are none, and counts them.
fn count_out(bytes: &[u8], decoded: &mut u64, out: &mut dyn FnMut(&[u8])) {
    if !bytes.is_empty() {
        *decoded = decoded.saturating_add(bytes.len() as u64);
        out(bytes);
    }
}
