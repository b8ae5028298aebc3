//! Where the bytes of data connections go besides the hash.

use crate::session::DataId;
use crate::tcp::Dir;

/// Takes the bytes of one direction of one data connection.
pub trait ByteSink: Send {
    /// Bytes at `offset` of the direction; offsets only grow, and jump over gaps. Failures are
    /// the sink's to remember: reading the capture goes on.
    fn write(&mut self, offset: u64, bytes: &[u8]);
}

/// Makes sinks as data connections begin to carry bytes.
pub trait Sinks: Send {
    fn open(&mut self, data: DataId, dir: Dir, face: Face) -> Option<Box<dyn ByteSink>>;
}

/// Which bytes of a direction.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Face {
    /// Of the file: what was on the wire, or what that means.
    File,
    /// On the wire, where the file is another. Asked for only then.
    Wire,
}
