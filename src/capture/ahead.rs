//! Reading, and unpacking, ahead of whoever looks for packets.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::damage::DamageKind;
use super::stream::Stream;

/// How many inputs may be read ahead at one time, each by a thread of its own. Clones count
/// together. What comes out does not depend on it.
#[derive(Clone, Debug, Default)]
pub struct ReadAhead {
    most: usize,
    running: Arc<()>,
}

/// A stream as a sequence of chunks.
pub(super) enum Feed {
    Here { stream: Stream, spare: Vec<u8>, len: usize },
    Ahead(Ahead),
}

/// What was read in one go.
pub(super) struct Chunk {
    /// Room of at least [`HEADROOM`] bytes, for what was left of the chunk before, and what was
    /// read.
    pub(super) buffer: Vec<u8>,
    /// Where what was read begins, and ends.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Raw bytes of the input read so far.
    pub(super) raw_bytes: u64,
    pub(super) then: Then,
}

/// What follows a chunk.
pub(super) enum Then {
    More,
    End,
    Failed(DamageKind),
}

pub(super) struct Ahead {
    chunks: Receiver<Chunk>,
    spare: Sender<Vec<u8>>,
    worker: JoinHandle<Stream>,
    _running: Arc<()>,
}

/// Enough for the beginning of any ordinary record.
const HEADROOM: usize = 64 << 10;
/// Chunks read ahead.
const CHUNKS: usize = 2;
/// Some processors (AMD's Zen 3 and 4) copy from the page cache four times as slowly to the first
/// octets of a page, where allocators put what is large, as to its very beginning.
const PAGE: usize = 4096;

impl ReadAhead {
    /// Leaves one of `threads` to the rest of the work.
    pub fn new(threads: usize) -> Self {
        Self { most: threads.saturating_sub(1), running: Arc::default() }
    }

    fn enter(&self) -> Option<Arc<()>> {
        (Arc::strong_count(&self.running) <= self.most).then(|| Arc::clone(&self.running))
    }
}

impl Feed {
    /// Reads `chunk_bytes` at a time. Only a file is read ahead: another source may keep silent,
    /// and who waits for it cannot be called off.
    pub(super) fn new(stream: Stream, chunk_bytes: usize, ahead: &ReadAhead) -> Self {
        let len = HEADROOM + PAGE + chunk_bytes;
        let is_file = stream.input().identity().is_some();
        match ahead.enter().filter(|_| is_file) {
            Some(running) => Self::Ahead(Ahead::start(stream, len, running)),
            None => Self::Here { stream, spare: Vec::new(), len },
        }
    }

    pub(super) fn next(&mut self) -> Chunk {
        match self {
            Self::Here { stream, spare, len } => Chunk::read(stream, std::mem::take(spare), *len),
            // A panic of the thread is told when it is closed.
            Self::Ahead(ahead) => ahead.chunks.recv().unwrap_or_else(|_| Chunk::nothing()),
        }
    }

    /// Takes a buffer that is not needed any more.
    pub(super) fn take_back(&mut self, used: Vec<u8>) {
        match self {
            Self::Here { spare, .. } => *spare = used,
            // The thread may be at the end.
            Self::Ahead(ahead) => drop(ahead.spare.send(used)),
        }
    }

    /// Gives the stream back, wherever it is by now.
    pub(super) fn close(self) -> Stream {
        match self {
            Self::Here { stream, .. } => stream,
            Self::Ahead(ahead) => ahead.close(),
        }
    }
}

impl Ahead {
    fn start(mut stream: Stream, len: usize, running: Arc<()>) -> Self {
        let (to, chunks) = bounded(CHUNKS);
        let (spare, used) = unbounded::<Vec<u8>>();
        let worker = thread::spawn(move || {
            loop {
                let chunk = Chunk::read(&mut stream, used.try_recv().unwrap_or_default(), len);
                let is_last = !matches!(chunk.then, Then::More);
                if to.send(chunk).is_err() || is_last {
                    return stream;
                }
            }
        });
        Self { chunks, spare, worker, _running: running }
    }

    fn close(self) -> Stream {
        drop(self.chunks);
        self.worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Chunk {
    /// Fills a buffer; but what is no file is read only once, as it may keep silent. A `spare`
    /// buffer that grew is not used again.
    fn read(stream: &mut Stream, spare: Vec<u8>, len: usize) -> Self {
        let mut buffer = if spare.len() == len { spare } else { vec![0; len] };
        let is_read_once = stream.compression.is_none() && stream.input().identity().is_none();
        let room = buffer.get(HEADROOM..).unwrap_or_default();
        let start = HEADROOM + room.as_ptr().align_offset(PAGE).min(PAGE);
        let most = start + len.saturating_sub(HEADROOM + PAGE);
        let mut end = start;
        let then = loop {
            match stream.read(buffer.get_mut(end..most).unwrap_or_default()) {
                Ok(0) => break Then::End,
                Ok(count) => end += count,
                Err(error) => break stream.failed(&error).map_or(Then::End, Then::Failed),
            }
            if is_read_once || end == most {
                break Then::More;
            }
        };
        Self { buffer, start, end, raw_bytes: stream.input().bytes(), then }
    }

    fn nothing() -> Self {
        Self { buffer: Vec::new(), start: 0, end: 0, raw_bytes: 0, then: Then::End }
    }
}
