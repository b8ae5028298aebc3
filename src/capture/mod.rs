//! Floor 1: bytes on disk become frames.
//!
//! A source passes through five stations, each in its own file: `input` reads, counts and
//! hashes raw bytes; `stream` takes compression off; `ahead` does both before it is asked to;
//! `window` holds the stretch of the stream that is being looked at; `pcap` and `pcapng` find the
//! packets in it. `reader` puts them together for one input, `merge` makes one capture of several.
//! Where something cannot be a packet `resync` finds the next, and `times` watches the clock.

mod ahead;
mod damage;
mod error;
mod facts;
mod growing;
mod gzip;
mod input;
mod interface;
mod link;
mod lz4;
mod marks;
mod merge;
mod pcap;
mod pcapng;
mod pipe;
mod progress;
mod reader;
mod resync;
mod sniff;
mod stream;
#[cfg(test)]
mod tests;
mod times;
mod window;

use std::path::{Path, PathBuf};

pub use ahead::ReadAhead;
pub use damage::{Damage, DamageKind};
pub use error::CaptureError;
pub use facts::{Change, Compression, Format, InputFacts};
pub use growing::End;
pub use link::LinkType;
pub use marks::Marks;
pub use merge::Capture;
pub use progress::Progress;
pub use times::ClockSteps;

use crate::limits::Limits;
use crate::time::Stamp;

/// One captured packet, borrowed from the read buffer for one call.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub stamp: Stamp,
    pub link: LinkType,
    /// What was captured; shorter than the packet if the snap length cut it.
    pub bytes: &'a [u8],
    /// Bytes the packet had on the wire; never less than `bytes.len()`.
    pub wire_len: u32,
}

/// Where captures come from.
#[derive(Clone, Debug)]
pub enum Source {
    File(PathBuf),
    /// A file that is still being written: at its end more is waited for, until it has one.
    Growing {
        name: PathBuf,
        path: PathBuf,
        end: End,
    },
    /// Named `-`.
    Stdin,
}

impl Source {
    /// What the user's argument means.
    pub fn from_arg(arg: PathBuf) -> Self {
        if arg.as_os_str() == "-" { Self::Stdin } else { Self::File(arg) }
    }

    /// Whether it gives the same bytes when it is read another time: pipes and devices do not.
    pub fn can_be_read_again(&self) -> bool {
        match self {
            Self::File(path) | Self::Growing { path, .. } => path.is_file(),
            Self::Stdin => false,
        }
    }

    /// As typed; `-` for standard input.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Growing { name: path, .. } => path,
            Self::Stdin => Path::new("-"),
        }
    }
}

/// How captures are read. A file that grows meanwhile is read as far as it was long when it was
/// first looked at: what comes out is what a copy made then would give.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    pub limits: Limits,
    /// Hash the raw bytes of every input, to their very end; of a pipe or a device, only if its
    /// end was reached: some have none.
    pub hash_inputs: bool,
    pub progress: Progress,
    pub ahead: ReadAhead,
    /// Where places are noted from which the capture can be [read on](Capture::open_near).
    pub marks: Option<Marks>,
}
