//! Why an input gave nothing at all.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::facts::Compression;

/// Why an input gave no packet and never could.
///
/// What goes wrong after a capture was recognised is not an error: everything before it is
/// good, and it is a [`Damage`](super::Damage) of that input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The operating system refused.
    #[error("cannot be read")]
    Io(#[from] io::Error),
    #[error("is a directory, not a capture")]
    Directory,
    /// Holds what it is instead, with its article: "a text file".
    #[error("not a capture: {0}")]
    NotACapture(String),
    /// A capture in a format that is not read: its name with its article, and what to do.
    #[error("{name}, which is not read: {hint}")]
    OtherFormat { name: &'static str, hint: &'static str },
    /// Compression is recognised, but too little could be unpacked to see a capture.
    #[error("the {compression} stream is {state} before a capture begins", state = if *is_cut { "cut" } else { "corrupt" })]
    Unpacking { compression: Compression, is_cut: bool },
    /// More memory than [`Limits::decoder_bytes`](crate::limits::Limits::decoder_bytes).
    #[error("unpacking the {compression} stream takes more than {limit} bytes of memory")]
    DecoderTooBig { compression: Compression, limit: u64 },
    /// A stamp names its input in 16 bits.
    #[error("is beyond the {} inputs one call can take", u32::from(u16::MAX) + 1)]
    TooManyInputs,
    /// The stop flag was set before the input said what it is.
    #[error("stopped before it was recognised")]
    Stopped,
    /// No input could be read; each with its own reason.
    #[error("{}", Reasons(.0))]
    NothingReadable(Vec<(PathBuf, Self)>),
}

/// One line for each input, each with its whole chain: several causes do not fit one `source()`.
struct Reasons<'a>(&'a [(PathBuf, CaptureError)]);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("no input was named");
        }
        for (nth, (path, error)) in self.0.iter().enumerate() {
            let line_break = if nth == 0 { "" } else { "\n" };
            write!(out, "{line_break}{}: {error}", path.display())?;
            if let CaptureError::Io(cause) = error {
                write!(out, ": {cause}")?;
            }
        }
        Ok(())
    }
}
