//! Hashing beside the hot thread.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use crate::hash::{Digests, HashSet, Hasher};

/// Hashes bytes in a thread of its own: SHA-256 takes several times as long as finding the
/// packets in the same bytes, while copying them takes a tenth.
pub(super) struct Digest {
    chunks: SyncSender<Vec<u8>>,
    /// Chunks that are hashed, to be filled again.
    spare: Receiver<Vec<u8>>,
    worker: JoinHandle<Digests>,
}

impl Digest {
    pub(super) fn start() -> io::Result<Self> {
        let (chunks, full) = sync_channel(CHUNKS);
        let (used, spare) = channel();
        let name = "capture-hash".to_owned();
        let worker = thread::Builder::new().name(name).spawn(move || hash_all(&full, &used))?;
        Ok(Self { chunks, spare, worker })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let mut chunk = self.spare.try_recv().unwrap_or_default();
        chunk.clear();
        chunk.extend_from_slice(bytes);
        // Fails only if the worker panicked, and then `finish` has nothing to tell.
        let _ = self.chunks.send(chunk);
    }

    pub(super) fn finish(self) -> Option<Digests> {
        drop(self.chunks);
        self.worker.join().ok()
    }
}

fn hash_all(full: &Receiver<Vec<u8>>, used: &Sender<Vec<u8>>) -> Digests {
    let mut hasher = Hasher::new(HashSet::default());
    for chunk in full {
        hasher.update(&chunk);
        // Nobody wants spare chunks once the last one is sent.
        let _ = used.send(chunk);
    }
    hasher.finish()
}

/// Chunks under way at once.
const CHUNKS: usize = 4;
