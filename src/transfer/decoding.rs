//! Decoding while the bytes come: into a file, with hashes of its own.

use super::decode::{Bounds, DecodeError, Decoder, Finished, Form, Kind, Mode, Structure};
use crate::hash::{Hashes, Hashing, Workers};
use crate::limits::Limits;
use crate::session::{Agreement, Code, Protection};

/// A file being made of the bytes of a data connection that stand for it.
pub(super) struct Decoding {
    form: Form,
    decoder: Decoder,
    hashing: Hashing,
    bytes: u64,
}

/// The file that the octets of a transfer mean.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What was undone, in that order: `deflate`, `ascii` …
    pub how: Vec<&'static str>,
    pub bytes: u64,
    pub hashes: Hashes,
    pub finished: Finished,
}

/// Takes decoded bytes, with their place in the file.
type Out<'a> = dyn FnMut(u64, &[u8]) + 'a;

impl Decoding {
    pub(super) fn new(form: Form, hashing: Hashing, limits: &Limits) -> Self {
        let bounds = Bounds { bytes: limits.decoded_bytes, ratio: limits.decoded_ratio };
        Self { form, decoder: Decoder::new(&form, bounds), hashing, bytes: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8], workers: &mut Workers, out: &mut Out<'_>) {
        let Self { decoder, hashing, bytes: count, .. } = self;
        decoder.push(bytes, &mut |piece| give(piece, hashing, workers, count, out));
    }

    /// Bytes are missing here.
    pub(super) fn gap(&mut self, workers: &mut Workers, out: &mut Out<'_>) {
        let Self { decoder, hashing, bytes, .. } = self;
        decoder.gap(&mut |piece| give(piece, hashing, workers, bytes, out));
    }

    pub(super) fn finish(self, workers: &mut Workers, out: &mut Out<'_>) -> Decoded {
        let Self { form, decoder, mut hashing, mut bytes } = self;
        let finished =
            decoder.finish(&mut |piece| give(piece, &mut hashing, workers, &mut bytes, out));
        Decoded { how: form.how().collect(), bytes, hashes: hashing.finish(workers), finished }
    }
}

fn give(
    piece: &[u8],
    hashing: &mut Hashing,
    workers: &mut Workers,
    bytes: &mut u64,
    out: &mut Out<'_>,
) {
    hashing.update(piece, workers);
    out(*bytes, piece);
    *bytes += piece.len() as u64;
}

impl Decoded {
    /// Whether all that came was understood, to the end its sender marked, if it marks one.
    pub fn is_whole(&self) -> bool {
        let Finished { ended, error, is_suspect, .. } = &self.finished;
        *ended && error.is_none() && !is_suspect
    }

    /// Whether it is more likely the file than what was on the wire. Of what could not be undone at
    /// all, that is the file, or the nearest to it; a little of anything can be inflated that does
    /// not begin as packed data does.
    pub fn is_likely(&self) -> bool {
        let Finished { error, is_raw, .. } = &self.finished;
        let is_nothing = match error {
            Some(DecodeError::Corrupt { .. }) => *is_raw || self.bytes == 0,
            Some(_) => self.bytes == 0,
            None => false,
        };
        !is_nothing && !self.came_as_it_is()
    }

    /// Whether text was sent as the sender has it: one that makes its line ends CRLF leaves no bare
    /// LF, and one that leaves them has not made any.
    pub fn came_as_it_is(&self) -> bool {
        self.how == ["ascii"] && self.finished.line_ends.lf > 0
    }

    pub(super) fn is_deflated(&self) -> bool {
        self.how.contains(&"deflate")
    }

    /// Whether a bound ended it.
    pub fn is_cut(&self) -> bool {
        matches!(self.finished.error, Some(DecodeError::Bound { .. }))
    }
}

/// What the bytes of a connection stand for. Of a listing only the mode is undone: its lines end in
/// CRLF whatever the type, and are read as they are. What is protected, or not known, is taken as
/// it comes.
pub(super) fn form_of(agreed: &Agreement) -> Form {
    let plain = Form { kind: Kind::Image, structure: Structure::File, mode: Mode::Stream };
    if agreed.protection != Protection::Clear {
        return plain;
    }
    let first = |field: Option<Code>| field.and_then(|value| value.first().copied());
    let representation = &agreed.representation;
    let mode = match first(representation.mode) {
        Some(b'B') => Mode::Block,
        Some(b'C') => Mode::Compressed,
        Some(b'Z') => Mode::Deflate,
        _ => Mode::Stream,
    };
    if agreed.is_listing {
        return Form { mode, ..plain };
    }
    let structure = match first(representation.structure) {
        Some(b'R') => Structure::Record,
        Some(b'P') => Structure::Page,
        _ => Structure::File,
    };
    let kind = match first(representation.kind) {
        Some(b'A') => Kind::Ascii,
        Some(b'E') => Kind::Ebcdic,
        _ => Kind::Image,
    };
    Form { kind, structure, mode }
}
