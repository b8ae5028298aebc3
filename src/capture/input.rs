//! Raw bytes of one source: counted, hashed and stoppable.

use std::cmp::Ordering;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::CaptureError;
use super::facts::Change;
use super::growing::Growing;
use super::pipe::Pipe;
use super::progress::Progress;
use super::{ReadOptions, Source};
use crate::hash::{Digests, HashSet, Hasher};

/// A source being read. Once the stop flag is set it is at its end.
pub(super) struct Input {
    from: Box<dyn Read + Send>,
    /// The file, if it is a regular one, to see whether it changes.
    file: Option<Watched>,
    met_end: bool,
    progress: Progress,
    is_probe: bool,
    bytes: u64,
    /// Of the raw bytes, if asked for. Whoever reads hashes: a thread of its own, for files.
    hasher: Option<Hasher>,
    failure: Option<String>,
}

impl Input {
    /// Opens `source` to be read once, counted and hashed; as far as it was long when a look
    /// found it to be `seen`.
    pub(super) fn open(
        source: &Source,
        seen: Option<Identity>,
        options: &ReadOptions,
    ) -> Result<Self, CaptureError> {
        let hasher = options.hash_inputs.then(|| Hasher::new(HashSet::default()));
        Ok(Self { hasher, is_probe: false, ..Self::open_bytes(source, seen, options)? })
    }

    /// Opens `source` for a look: its bytes will be read, counted and hashed again later.
    pub(super) fn probe(source: &Source, options: &ReadOptions) -> Result<Self, CaptureError> {
        Self::open_bytes(source, None, options)
    }

    /// Opens a file again to read on at `offset`; `None` if it is none.
    pub(super) fn open_at(
        source: &Source,
        offset: u64,
        options: &ReadOptions,
    ) -> Result<Option<Self>, CaptureError> {
        let (path, end) = match source {
            Source::File(path) => (path, None),
            Source::Growing { path, end, .. } => (path, Some(end.clone())),
            Source::Stdin => return Ok(None),
        };
        if !fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let progress = options.progress.clone();
        let from: Box<dyn Read + Send> = match end {
            Some(end) => Box::new(Growing { file, end, progress }),
            None => Box::new(file),
        };
        Ok(Some(Self::over(from, &options.progress)))
    }

    /// Anything but a regular file may keep silent for ever, even while it is opened (a FIFO
    /// without a writer), so it gets a thread to wait for it.
    fn open_bytes(
        source: &Source,
        seen: Option<Identity>,
        options: &ReadOptions,
    ) -> Result<Self, CaptureError> {
        let progress = &options.progress;
        let path = match source {
            Source::File(path) => path,
            Source::Growing { path, end, .. } => {
                let (file, end) = (File::open(path)?, end.clone());
                let growing = Growing { file, end, progress: progress.clone() };
                return Ok(Self::over(Box::new(growing), progress));
            }
            Source::Stdin => {
                let pipe = Pipe::start(progress.clone(), || Ok(io::stdin()))?;
                return Ok(Self::over(Box::new(pipe), progress));
            }
        };
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(CaptureError::Directory);
        }
        if metadata.is_file() {
            let file = Arc::new(File::open(path)?);
            let opened = Identity::of(&file.metadata()?);
            let first = seen.unwrap_or(opened);
            let whole = Arc::clone(&file).take(first.bytes_to_read(opened));
            let watched = Watched { path: path.clone(), file, first };
            return Ok(Self { file: Some(watched), ..Self::over(Box::new(whole), progress) });
        }
        let path = path.clone();
        let pipe = Pipe::start(progress.clone(), || File::open(path))?;
        Ok(Self::over(Box::new(pipe), progress))
    }

    fn over(from: Box<dyn Read + Send>, progress: &Progress) -> Self {
        let progress = progress.clone();
        Self {
            from,
            file: None,
            met_end: false,
            progress,
            is_probe: true,
            bytes: 0,
            hasher: None,
            failure: None,
        }
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

    pub(super) fn is_stopped(&self) -> bool {
        self.progress.is_stopped()
    }

    /// Which file this is; `None` if it is none.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.file.as_ref().map(|file| file.first)
    }

    /// What became of the file since it was first looked at.
    pub(super) fn change(&self) -> Option<Change> {
        self.file.as_ref().and_then(Watched::change)
    }

    /// Reads on to the very end, whatever the bytes mean, and hashes them if that was asked. A
    /// device may have no end, so what is no file is not read on; `is_read_out` tells whether
    /// its end was met by who looks for packets.
    pub(super) fn finish(&mut self, is_read_out: bool) -> Option<Digests> {
        self.hasher.as_ref()?;
        if self.file.is_none() && !(self.met_end && is_read_out) {
            return None;
        }
        let mut scratch = vec![0; DRAIN_BYTES];
        while matches!(self.read(&mut scratch), Ok(1..)) {}
        let hasher = self.hasher.take()?;
        let is_whole = self.failure.is_none() && !self.progress.is_stopped();
        is_whole.then(|| hasher.finish())
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.progress.is_stopped() {
            match self.from.read(into) {
                Ok(count) => {
                    self.met_end |= count == 0 && !into.is_empty();
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
        if let Some(hasher) = &mut self.hasher {
            hasher.update(read);
        }
    }
}

/// The size of `source`, if it is one that can be closed now and opened again later.
pub(super) fn regular_size(source: &Source) -> Option<u64> {
    let Source::File(path) = source else { return None };
    fs::metadata(path).ok().filter(Metadata::is_file).map(|metadata| metadata.len())
}

/// A regular file that is being read.
struct Watched {
    path: PathBuf,
    file: Arc<File>,
    first: Identity,
}

/// Which file, how long and how old.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Identity {
    /// Device and inode, where there are such.
    place: Option<(u64, u64)>,
    len: u64,
    modified: Option<SystemTime>,
}

impl Watched {
    /// Asks the open file, for there may be another under its name; and that is told.
    fn change(&self) -> Option<Change> {
        let now = Identity::of(&self.file.metadata().ok()?);
        let named = self.named().unwrap_or(now);
        if now.place != self.first.place || named.place != now.place {
            return Some(Change::Replaced);
        }
        match now.len.cmp(&self.first.len) {
            Ordering::Less => Some(Change::Shrank),
            // A file of /proc has no length.
            Ordering::Greater if self.first.len > 0 => Some(Change::Grew),
            _ => (now.modified != self.first.modified).then_some(Change::Modified),
        }
    }

    fn named(&self) -> Option<Identity> {
        fs::metadata(&self.path).ok().map(|metadata| Identity::of(&metadata))
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { place: place(metadata), len: metadata.len(), modified: metadata.modified().ok() }
    }

    /// How far to read what was this when it was looked at, and is `opened` now. A file of /proc
    /// has no length and an end all the same.
    fn bytes_to_read(self, opened: Self) -> u64 {
        let len = if self.place == opened.place { self.len } else { opened.len };
        if len == 0 { u64::MAX } else { len }
    }
}

#[cfg(unix)]
fn place(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn place(_: &Metadata) -> Option<(u64, u64)> {
    None
}

const DRAIN_BYTES: usize = 256 << 10;
