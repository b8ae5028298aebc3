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
    /// The block's length cannot be right, so where the next one begins is unknown.
    BadBlockLength { len: u32 },
    /// Neither byte order explains the section header.
    BadByteOrder,
    /// Larger than the reader will hold, in bytes.
    RecordTooBig { len: u64, limit: usize },
    /// The compressed file ends too early.
    StreamCut(Compression),
    /// The compressed file cannot be unpacked further. Up to 8 KiB of what was unpacked
    /// before this place may be lost with it: a decoder that fails keeps its last output.
    StreamCorrupt { compression: Compression, reason: String },
    /// The operating system failed in the middle; holds its words.
    ReadFailed(String),
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
            Self::StreamCut(compression) => write!(out, "the {compression} stream is cut"),
            Self::StreamCorrupt { compression, reason } => {
                write!(out, "the {compression} stream is corrupt ({reason})")
            }
            Self::ReadFailed(reason) => write!(out, "reading failed ({reason})"),
        }
    }
}
