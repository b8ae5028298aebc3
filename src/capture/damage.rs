//! Places where a capture is not what its format says.

use std::fmt;

use super::facts::Compression;

/// One place where an input is damaged. What came before it is good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damage {
    /// Byte in the decompressed stream: where a cut stream ends, else where the damaged
    /// record or block begins.
    pub offset: u64,
    /// Packets of this input before the damage.
    pub after_packet: u64,
    pub what: DamageKind,
}

#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DamageKind {
    /// The stream ends inside a record, a block or the file header.
    Cut,
    /// The block's length is believable, its contents are not. Reading went on after it.
    CorruptBlock { len: u32 },
    /// The packet cannot be given a link type or a clock; it has its number all the same.
    UnknownInterface { interface: u32 },
    /// More interfaces than [`Limits::interfaces`](crate::limits::Limits::interfaces).
    TooManyInterfaces { limit: usize },
    /// A description of an interface or a section that is longer than
    /// [`Limits::description_bytes`](crate::limits::Limits::description_bytes) was stepped over.
    DescriptionTooBig { len: u32, limit: usize },
    /// Something that cannot be a record or a block; the next believable one is this many bytes
    /// behind. How many packets stood there is unknown, so the numbers of later ones are too low.
    Skipped { bytes: u64 },
    /// The block's length cannot be right, and no believable block was found behind it.
    BadBlockLength { len: u32 },
    /// Neither byte order explains the section header, and no believable block was found behind.
    BadByteOrder,
    /// Larger than the reader will hold, in bytes, and no believable record was found behind.
    RecordTooBig { len: u64, limit: usize },
    /// Zeros or rubbish where a record should begin, and no believable one was found behind.
    NoRecord,
    /// The compressed file unpacks to this many bytes without a packet among them.
    Barren { compression: Compression, bytes: u64 },
    /// The compressed file unpacks to more than `ratio` times its size.
    Bomb { compression: Compression, ratio: u64 },
    /// The compressed file asks for more memory than `limit` bytes.
    DecoderTooBig { compression: Compression, limit: u64 },
    /// The compressed file ends too early.
    StreamCut(Compression),
    /// The compressed file cannot be unpacked further. Up to 8 KiB of what was unpacked
    /// before this place may be lost with it: a decoder that fails keeps its last output.
    StreamCorrupt { compression: Compression, reason: String },
    /// The operating system failed in the middle; holds its words.
    ReadFailed(String),
}

impl DamageKind {
    /// Whether where the next record begins is unknown, but may be found.
    pub(super) fn is_misframed(&self) -> bool {
        matches!(self, Self::BadBlockLength { .. } | Self::BadByteOrder | Self::RecordTooBig { .. })
    }

    /// The name in [`Limits`](crate::limits::Limits) of the bound that was reached.
    pub(super) fn limit(&self) -> Option<&'static str> {
        match self {
            Self::TooManyInterfaces { .. } => Some("interfaces"),
            Self::DescriptionTooBig { .. } => Some("description_bytes"),
            Self::RecordTooBig { .. } => Some("record_bytes"),
            Self::Barren { .. } => Some("unpacked_bytes"),
            Self::Bomb { .. } => Some("unpack_ratio"),
            Self::DecoderTooBig { .. } => Some("decoder_bytes"),
            _ => None,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.after_packet == 1 { "" } else { "s" };
        write!(out, "{} at byte {}, after {} packet{s}", self.what, self.offset, self.after_packet)
    }
}

/// Reads on with "at byte …".
impl fmt::Display for DamageKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => out.write_str("cut inside a record"),
            Self::CorruptBlock { len } => write!(out, "corrupt block of {len} bytes skipped"),
            Self::UnknownInterface { interface } => {
                write!(out, "packet names interface {interface}, which was never described,")
            }
            Self::TooManyInterfaces { limit } => {
                write!(out, "interface beyond the first {limit} ignored")
            }
            Self::BadBlockLength { len } => {
                write!(out, "reading ends: a block claims the impossible length {len}")
            }
            Self::BadByteOrder => out.write_str("reading ends: a section has no known byte order"),
            Self::RecordTooBig { len, limit } => {
                write!(out, "reading ends: a record claims {len} bytes, the limit is {limit},")
            }
            Self::DescriptionTooBig { len, limit } => {
                write!(out, "description of {len} bytes skipped, the limit is {limit},")
            }
            Self::Skipped { bytes } => {
                write!(out, "no record can begin here: {bytes} bytes skipped to the next one")
            }
            Self::NoRecord => out.write_str("reading ends: no record can begin here, or later"),
            Self::Barren { compression, bytes } => {
                write!(
                    out,
                    "reading ends: the {compression} stream unpacked to {bytes} bytes without a packet"
                )
            }
            Self::Bomb { compression, ratio } => write!(
                out,
                "reading ends: the {compression} stream unpacks to more than {ratio} times its size (if that is right, unpack it first)"
            ),
            Self::DecoderTooBig { compression, limit } => write!(
                out,
                "reading ends: unpacking the {compression} stream takes more than {limit} bytes of memory"
            ),
            Self::StreamCut(compression) => write!(out, "the {compression} stream is cut"),
            Self::StreamCorrupt { compression, reason } => {
                write!(out, "the {compression} stream is corrupt ({reason})")
            }
            Self::ReadFailed(reason) => write!(out, "reading failed ({reason})"),
        }
    }
}
