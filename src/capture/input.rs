//! Raw bytes of one source: counted, hashed and stoppable.

use std::fs::{self, File};
use std::io::{self, Read};

use super::digest::Digest;
use super::error::CaptureError;
use super::pipe::Pipe;
use super::progress::Progress;
use super::{ReadOptions, Source};
use crate::hash::Hashes;

/// A source being read. Once the stop flag is set it is at its end.
pub(super) struct Input {
    from: Box<dyn Read + Send>,
    progress: Progress,
    is_probe: bool,
    bytes: u64,
    digest: Option<Digest>,
    failure: Option<String>,
}

impl Input {
    /// Opens `source` to be read once, counted and hashed.
    pub(super) fn open(source: &Source, options: &ReadOptions) -> Result<Self, CaptureError> {
        let digest = if options.hash_inputs { Some(Digest::start()?) } else { None };
        let from = open_bytes(source, &options.progress)?;
        Ok(Self { digest, is_probe: false, ..Self::over(from, &options.progress) })
    }

    /// Opens `source` for a look: its bytes will be read, counted and hashed again later.
    pub(super) fn probe(source: &Source, options: &ReadOptions) -> Result<Self, CaptureError> {
        Ok(Self::over(open_bytes(source, &options.progress)?, &options.progress))
    }

    fn over(from: Box<dyn Read + Send>, progress: &Progress) -> Self {
        let progress = progress.clone();
        Self { from, progress, is_probe: true, bytes: 0, digest: None, failure: None }
    }

    /// An input without bytes, to stand in for one that is being moved.
    pub(super) fn empty() -> Self {
        Self::over(Box::new(io::empty()), &Progress::default())
    }

    #[cfg(test)]
    pub(super) fn from_reader(from: impl Read + Send + 'static, options: &ReadOptions) -> Self {
        Self::over(Box::new(from), &options.progress)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The operating system's words, if it failed: to tell that from a decoder's failure.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Reads on to the very end, whatever the bytes mean, and hashes them if that was asked.
    pub(super) fn finish(&mut self) -> Option<Hashes> {
        self.digest.as_ref()?;
        let mut scratch = vec![0; DRAIN_BYTES];
        while matches!(self.read(&mut scratch), Ok(1..)) {}
        let digest = self.digest.take()?;
        let is_whole = self.failure.is_none() && !self.progress.is_stopped();
        is_whole.then(|| digest.finish()).flatten()
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.progress.is_stopped() {
            match self.from.read(into) {
                Ok(count) => {
                    self.note(into.get(..count).unwrap_or_default());
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error.to_string());
                    return Err(error);
                }
            }
        }
        Ok(0)
    }
}

impl Input {
    fn note(&mut self, read: &[u8]) {
        let count = read.len() as u64;
        self.bytes += count;
        if !self.is_probe {
            self.progress.add_read(count);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(read);
        }
    }
}

/// The size of `source`, if it is one that can be closed now and opened again later.
pub(super) fn regular_size(source: &Source) -> Option<u64> {
    let Source::File(path) = source else { return None };
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}

/// Anything but a regular file may keep silent for ever, even while it is opened (a FIFO
/// without a writer), so it gets a thread to wait for it.
fn open_bytes(source: &Source, progress: &Progress) -> Result<Box<dyn Read + Send>, CaptureError> {
    let Source::File(path) = source else {
        let pipe = Pipe::start(progress.clone(), || Ok(io::stdin()))?;
        return Ok(Box::new(pipe));
    };
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(CaptureError::Directory);
    }
    if metadata.is_file() {
        return Ok(Box::new(File::open(path)?));
    }
    let path = path.clone();
    Ok(Box::new(Pipe::start(progress.clone(), || File::open(path))?))
}

const DRAIN_BYTES: usize = 256 << 10;
