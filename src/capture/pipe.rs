//! A source that may keep silent: read by a thread of its own.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::progress::Progress;

/// Bytes from a thread that waits for them, so that waiting can be given up.
///
/// A thread blocked in `read` cannot be ended: when the stop flag is set it is left behind,
/// and holds one chunk until its source speaks or the process ends.
pub(super) struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    taken: usize,
    progress: Progress,
}

impl Pipe {
    /// `open` runs in the thread too, because opening may wait as well.
    pub(super) fn start<R: Read>(
        progress: Progress,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(CHUNKS);
        let name = "capture-pipe".to_owned();
        thread::Builder::new().name(name).spawn(move || pump(open, &sender))?;
        Ok(Self { chunks, current: Vec::new(), taken: 0, progress })
    }

    /// Waits for the next chunk; `false` at the end.
    fn wait(&mut self) -> io::Result<bool> {
        while !self.progress.is_stopped() {
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => {
                    self.current = chunk?;
                    self.taken = 0;
                    return Ok(true);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
        }
        Ok(false)
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.current.len() && !self.wait()? {
            return Ok(0);
        }
        let count = self.current.get(self.taken..).unwrap_or_default().read(into)?;
        self.taken += count;
        Ok(count)
    }
}

/// Sends chunks until the end, an error, or until nobody listens.
fn pump<R: Read>(open: impl FnOnce() -> io::Result<R>, to: &SyncSender<io::Result<Vec<u8>>>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut source = match open() {
        Ok(source) => source,
        Err(error) => return drop(to.send(Err(error))),
    };
    loop {
        let message = match source.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => Ok(chunk.get(..count).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = message.is_err();
        if to.send(message).is_err() || is_last {
            return;
        }
    }
}

/// How long a set stop flag may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(50);
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks under way at once.
const CHUNKS: usize = 4;
