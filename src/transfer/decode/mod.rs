//! The bytes of a data connection → the bytes of the file they stand for.

mod ascii;
mod block;
mod compressed;
mod content;
mod deflate;
mod descriptor;
mod ebcdic;
mod record;
#[cfg(test)]
mod tests;

pub use self::ascii::LineEnds;

use std::{error, fmt};

use self::block::Block;
use self::compressed::Compressed;
use self::content::Content;
use self::deflate::Deflate;

/// What the bytes of a data connection stand for: the transfer parameters as they were when the
/// transfer began (RFC 959 §4.1.2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Form {
    pub kind: Kind,
    pub structure: Structure,
    pub mode: Mode,
}

/// The data type, `TYPE` (RFC 959 §3.1.1). The formats N, T and C of text say how it is printed
/// and change no byte, so there is no room for them here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Kind {
    /// `I`, and `L 8`, which is the same on machines of 8-bit bytes (RFC 1123 §4.1.2.1).
    Image,
    /// `A`, which RFC 959 §5.1 makes the default.
    #[default]
    Ascii,
    /// `E`: between mainframes.
    Ebcdic,
}

/// The structure of the file, `STRU` (RFC 959 §3.1.2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Structure {
    #[default]
    File,
    Record,
    /// Known, not decoded; see [`DecodeError::PageStructure`].
    Page,
}

/// The transmission mode, `MODE` (RFC 959 §3.4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    #[default]
    Stream,
    Block,
    Compressed,
    /// `MODE Z` (draft-preston-ftpext-deflate).
    Deflate,
}

impl Form {
    /// Whether the file is what was on the wire, byte for byte.
    pub fn is_plain(&self) -> bool {
        self.how().next().is_none()
    }

    /// What is undone to get at the file, in that order: `deflate`, or `block`, `record`, `ascii`.
    /// The words are stable; a plain form has none.
    pub fn how(&self) -> impl Iterator<Item = &'static str> {
        let mode = match self.mode {
            Mode::Stream => None,
            Mode::Block => Some("block"),
            Mode::Compressed => Some("compressed"),
            Mode::Deflate => Some("deflate"),
        };
        let structure = match self.structure {
            Structure::File => None,
            Structure::Record => Some("record"),
            Structure::Page => Some("page"),
        };
        let kind = match self.kind {
            Kind::Image => None,
            Kind::Ascii => Some("ascii"),
            Kind::Ebcdic => Some("ebcdic"),
        };
        [mode, structure, kind].into_iter().flatten()
    }
}

/// How much the modes that pack may unpack to: `bytes`, or `ratio` times what was on the wire,
/// whichever is more. The others cannot make a file longer than its transfer.
///
/// Compressed mode cannot exceed 63 to 1 and deflate 1,032 to 1, so more than that is no bound. A
/// ratio of 0 makes `bytes` a bound that nothing lifts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    pub bytes: u64,
    pub ratio: u64,
}

/// Undoes the mode, the structure and the type of one transfer, in that order.
///
/// Sans-IO: [`push`](Self::push) what was sent in the order it was sent, in pieces of any size;
/// whatever it stands for is handed to `out` before it returns. Nothing is held back but a CR that
/// may be half a line end and the beginning of a header. Memory is constant: what unpacks is
/// handed out in pieces of at most 32 KiB, EBCDIC in less, and the rest is borrowed from the piece
/// it came in.
///
/// After an [error](DecodeError) nothing more is decoded; what was handed out before it stands.
///
/// Lines of the file end in LF alone, as files do where this runs. So does each record: in text
/// because that is what a receiver whose files have no records makes of it, in images because
/// records without a border could not be told apart. The second is this tool's choice; RFC 959
/// leaves it to the receiver. Marks of records in a transfer that was to have none are believed in
/// text, where z/OS sends them so (`TYPE E`, `MODE B`), and only counted in an image.
#[derive(Debug)]
pub struct Decoder {
    carrier: Carrier,
    content: Content,
    /// Bytes pushed, those of gaps not among them.
    wire: u64,
    error: Option<DecodeError>,
}

impl Decoder {
    pub fn new(form: &Form, bounds: Bounds) -> Self {
        let carrier = match form.mode {
            Mode::Stream => Carrier::Stream,
            Mode::Block => Carrier::Block(Block::default()),
            Mode::Compressed => Carrier::Compressed(Compressed::new(form.kind, bounds)),
            Mode::Deflate => Carrier::Deflate(Box::new(Deflate::new(bounds))),
        };
        let error = (form.structure == Structure::Page).then_some(DecodeError::PageStructure);
        Self { carrier, content: Content::new(form), wire: 0, error }
    }

    /// Takes the next bytes of the connection.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        if self.error.is_some() {
            return;
        }
        let Self { carrier, content, .. } = self;
        self.error = carrier.push(bytes, &mut |piece| content.take(piece, out)).err();
        self.wire = self.wire.saturating_add(bytes.len() as u64);
    }

    /// Bytes are missing here. A stream without records goes on behind them, one byte of it being
    /// like another; everything else is out of step and stops.
    pub fn gap(&mut self, out: &mut dyn FnMut(&[u8])) {
        if self.error.is_some() {
            return;
        }
        if matches!(self.carrier, Carrier::Stream) && !self.content.has_escapes() {
            self.content.settle(out);
        } else if self.has_ended() {
            self.error = Some(DecodeError::AfterEnd { at: self.wire });
        } else {
            self.error = Some(DecodeError::OutOfStep { at: self.wire });
        }
    }

    /// The connection is over.
    pub fn finish(mut self, out: &mut dyn FnMut(&[u8])) -> Finished {
        if self.error.is_none() {
            let Self { carrier, content, .. } = &mut self;
            self.error = carrier.finish(&mut |piece| content.take(piece, out)).err();
        }
        self.content.settle(out);
        let mut finished = Finished {
            ended: self.has_ended(),
            error: self.error,
            is_suspect: self.carrier.is_suspect(),
            is_raw: self.carrier.is_raw(),
            ..Finished::default()
        };
        self.content.add_to(&mut finished);
        finished
    }

    fn has_ended(&self) -> bool {
        self.error != Some(DecodeError::PageStructure)
            && self.carrier.has_ended()
            && self.content.has_ended()
    }
}

/// How decoding ended.
///
/// Neither `ended` nor an error: the connection was closed in the middle of the file; or the sender
/// does not mark ends. In `MODE Z` the Go ftpserverlib did not before 2026, and an empty file may
/// have been packed into nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Finished {
    /// The end mark of the mode or the structure was seen. A stream without records has none but
    /// the connection's own end (RFC 959 §3.4.1), and has always ended.
    pub ended: bool,
    /// What stopped decoding before the connection's end.
    pub error: Option<DecodeError>,
    /// Bytes handed out.
    pub decoded: u64,
    /// Record ends met, counted also where they leave nothing in the file.
    pub records: u64,
    pub markers: Markers,
    /// The sender marked data as possibly wrong when it was read (descriptor 32, RFC 959 §3.4.2).
    pub is_suspect: bool,
    /// The deflated data came without the zlib wrapping.
    pub is_raw: bool,
    /// Of text in ASCII, before the line ends were made LF.
    pub line_ends: LineEnds,
}

/// The restart markers of a transfer (RFC 959 §3.5).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Markers {
    pub count: u64,
    /// The first eight of them.
    pub first: Vec<Marker>,
}

/// A restart marker: what a client would give to `REST` to go on from there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Marker {
    /// Bytes of the decoded file in front of it.
    pub at: u64,
    /// Its text, whose meaning only the sender knows; the first 64 bytes.
    pub text: Vec<u8>,
}

/// Why decoding stopped before the connection did. Offsets count the bytes pushed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// `STRU P` (RFC 959 §3.1.2.3). Its header fields are logical bytes, of 36 bits where it was
    /// used; nobody who uses it today is known, and RFC 1123 §4.1.2.3 advises against it.
    PageStructure,
    /// The bytes at `at` are not what the mode puts there; or, of `MODE Z`, somewhere before them.
    /// With nothing decoded, the sender likely agreed to the mode and did not use it, as primitive
    /// FTPd 6.2 did of `MODE Z`.
    Corrupt { at: u64 },
    /// 0xFF and a byte that makes no control code with it (RFC 959 §3.4.1). In `MODE Z`, `at`
    /// counts what was unpacked.
    BadEscape { at: u64, code: u8 },
    /// Bytes behind the end mark. In block and compressed mode they may be the next file
    /// (RFC 959 §3.3). In `MODE Z` with records, `at` may count what was unpacked.
    AfterEnd { at: u64 },
    /// It would unpack to more than the [`Bounds`].
    Bound { at: u64 },
    /// Bytes are missing, and without them nothing tells what those behind them stand for.
    OutOfStep { at: u64 },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PageStructure => write!(f, "page structure is not decoded"),
            Self::Corrupt { at } => write!(f, "corrupt at byte {at}"),
            Self::BadEscape { at, code } => {
                write!(f, "no record control code at byte {at}: 0xff 0x{code:02x}")
            }
            Self::AfterEnd { at } => write!(f, "bytes after the end of the file, from byte {at}"),
            Self::Bound { at } => write!(f, "unpacks to more than the limit, from byte {at}"),
            Self::OutOfStep { at } => write!(f, "cannot go on behind bytes missing at byte {at}"),
        }
    }
}

impl error::Error for DecodeError {}

/// The transmission mode being undone.
#[derive(Debug)]
enum Carrier {
    Stream,
    Block(Block),
    Compressed(Compressed),
    /// Boxed: few transfers are deflated, and this is larger than the others.
    Deflate(Box<Deflate>),
}

impl Carrier {
    fn push(&mut self, bytes: &[u8], next: &mut Next<'_>) -> Result<(), DecodeError> {
        match self {
            Self::Stream => next(Piece::Data(bytes)),
            Self::Block(block) => block.push(bytes, next),
            Self::Compressed(compressed) => compressed.push(bytes, next),
            Self::Deflate(deflate) => deflate.push(bytes, next),
        }
    }

    fn finish(&mut self, next: &mut Next<'_>) -> Result<(), DecodeError> {
        match self {
            Self::Stream | Self::Block(_) => Ok(()),
            Self::Compressed(compressed) => compressed.finish(next),
            Self::Deflate(deflate) => deflate.finish(),
        }
    }

    fn has_ended(&self) -> bool {
        match self {
            Self::Stream => true,
            Self::Block(block) => block.has_ended(),
            Self::Compressed(compressed) => compressed.has_ended(),
            Self::Deflate(deflate) => deflate.has_ended(),
        }
    }

    fn is_suspect(&self) -> bool {
        match self {
            Self::Stream | Self::Deflate(_) => false,
            Self::Block(block) => block.is_suspect(),
            Self::Compressed(compressed) => compressed.is_suspect(),
        }
    }

    fn is_raw(&self) -> bool {
        match self {
            Self::Stream | Self::Block(_) | Self::Compressed(_) => false,
            Self::Deflate(deflate) => deflate.is_raw(),
        }
    }
}

/// What one stage hands to the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Piece<'a> {
    Data(&'a [u8]),
    /// A piece of its own until the end: as a byte of data it could not be told from one.
    RecordEnd,
    /// The text of a restart marker; no part of the file.
    Marker(&'a [u8]),
}

/// The next stage.
type Next<'a> = dyn FnMut(Piece<'_>) -> Result<(), DecodeError> + 'a;

/// What unpacking may still put out.
#[derive(Debug)]
struct Allowance {
    bounds: Bounds,
    used: u64,
}

impl Allowance {
    fn new(bounds: Bounds) -> Self {
        Self { bounds, used: 0 }
    }

    /// How many of `wanted` bytes may go out after `wire` bytes came in.
    fn take(&mut self, wanted: usize, wire: u64) -> usize {
        let most = self.bounds.bytes.max(self.bounds.ratio.saturating_mul(wire));
        let left = usize::try_from(most.saturating_sub(self.used)).unwrap_or(usize::MAX);
        let granted = wanted.min(left);
        self.used = self.used.saturating_add(granted as u64);
        granted
    }
}

/// The first `len` bytes, or all if there are fewer, and the rest.
fn split_at_most(bytes: &[u8], len: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(len).unwrap_or((bytes, &[]))
}

/// What comes before the first `byte`, and what comes behind it.
fn split_at_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == byte)?;
    let (before, from) = bytes.split_at_checked(at)?;
    from.split_first().map(|(_, behind)| (before, behind))
}

/// Restart markers of which more is kept than that they were there.
const MARKERS_KEPT: usize = 8;
/// Bytes kept of one. RFC 959 has sender's counts in mind; a block can hold 65,535.
const MARKER_BYTES: usize = 64;
/// Bytes unpacked before they are handed out.
const PIECE_BYTES: usize = 32 << 10;
