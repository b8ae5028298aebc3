//! Hashing beside the hot thread.
//!
//! Hashing a byte takes several times as long as finding it in the capture, and each hash of each
//! stream can be made on its own. So the bytes of long streams are gathered in batches, whichever
//! streams they are of, and a batch is hashed by as many threads as there are hashes in it. What
//! comes out does not depend on who does what when: every hash takes its batches in their order.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use crc32fast::Hasher as Crc32;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Digests, HashSet, Hasher, Hashes, Made};

/// Threads that hash, started when there is enough to hash for the first time.
///
/// The bytes are copied into batches: memory is bounded by their number, however many streams
/// there are, and who hands in bytes waits when all batches are under way.
#[derive(Debug)]
pub struct Workers {
    threads: usize,
    running: Option<Running>,
    batch: Batch,
    /// The streams that are hashed here and not over.
    streams: HashMap<u32, Vec<Arc<Lane>>>,
    last: u32,
}

/// One stream being hashed: where it is, until it is long enough for the workers.
#[derive(Debug)]
pub struct Hashing {
    set: HashSet,
    at: Place,
}

#[derive(Debug)]
enum Place {
    /// No byte came yet: of most connections, in one direction none ever does.
    Nowhere,
    Here {
        hasher: Box<Hasher>,
        bytes: u64,
    },
    There {
        stream: u32,
    },
}

#[derive(Debug)]
struct Running {
    due: Sender<Arc<Lane>>,
    free: Receiver<Batch>,
    /// Batches that were made so far.
    batches: usize,
}

/// Bytes of several streams.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    stream: u32,
    range: Range<usize>,
}

/// One hash of one stream.
#[derive(Debug)]
struct Lane {
    hash: Mutex<Hash>,
    todo: Mutex<Todo>,
}

#[derive(Debug)]
enum Hash {
    Sha256(Sha256),
    Sha512(Sha512),
    Sha1(Sha1),
    Md5(Md5),
    Crc32(Crc32),
}

/// What a lane has before it.
#[derive(Debug, Default)]
struct Todo {
    steps: VecDeque<Step>,
    /// A worker has it, or will.
    is_due: bool,
}

#[derive(Debug)]
enum Step {
    /// Pieces of a batch.
    Take(Arc<Batch>, Range<usize>),
    Finish(Arc<Promise>),
}

/// Hashes that will be there.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) set: HashSet,
    sha256: OnceLock<[u8; 32]>,
    sha512: OnceLock<Box<[u8; 64]>>,
    sha1: OnceLock<[u8; 20]>,
    md5: OnceLock<[u8; 16]>,
    crc32: OnceLock<[u8; 4]>,
}

/// Bytes of a stream that are hashed where they are found: for fewer, waking another thread costs
/// more than it saves, and most files are small.
const FEW: u64 = 64 << 10;
const BATCH_BYTES: usize = 128 << 10;
/// Pieces of a batch, so that a batch of single octets is not sorted for ever.
const BATCH_PIECES: usize = 1024;
/// Batches under way at once.
const BATCHES: usize = 32;

impl Hashing {
    pub fn new(set: HashSet) -> Self {
        Self { set, at: Place::Nowhere }
    }

    /// Another stream, with the same hashes.
    pub fn again(&self) -> Self {
        Self::new(self.set)
    }

    /// Takes the next bytes of the stream.
    pub fn update(&mut self, next: &[u8], workers: &mut Workers) {
        if let Place::Nowhere = self.at {
            self.at = Place::Here { hasher: Box::new(Hasher::new(self.set)), bytes: 0 };
        }
        match &mut self.at {
            Place::There { stream } => workers.add(*stream, next),
            Place::Here { hasher, bytes } => {
                hasher.update(next);
                *bytes += next.len() as u64;
                if *bytes > FEW && workers.threads > 1 {
                    self.at = Place::There { stream: workers.enter(hasher) };
                }
            }
            Place::Nowhere => {}
        }
    }

    /// The stream is over.
    pub fn finish(self, workers: &mut Workers) -> Hashes {
        match self.at {
            Place::Nowhere => Hasher::new(self.set).finish().into(),
            Place::Here { hasher, .. } => hasher.finish().into(),
            Place::There { stream } => workers.finish(stream, self.set),
        }
    }
}

impl Workers {
    /// With one thread, everything is hashed where it is found.
    pub fn new(threads: usize) -> Self {
        Self { threads, running: None, batch: Batch::default(), streams: HashMap::new(), last: 0 }
    }

    /// A stream that was hashed elsewhere so far.
    fn enter(&mut self, hasher: &Hasher) -> u32 {
        self.last = self.last.wrapping_add(1);
        let Hasher { sha256, sha512, sha1, md5, crc32 } = hasher.clone();
        // The slowest first.
        let hashes = [
            sha512.map(Hash::Sha512),
            md5.map(Hash::Md5),
            sha1.map(Hash::Sha1),
            Some(Hash::Sha256(sha256)),
            crc32.map(Hash::Crc32),
        ];
        let lane = |hash| Arc::new(Lane { hash: Mutex::new(hash), todo: Mutex::default() });
        self.streams.insert(self.last, hashes.into_iter().flatten().map(lane).collect());
        self.last
    }

    fn add(&mut self, stream: u32, bytes: &[u8]) {
        let start = self.batch.bytes.len();
        let end = start + bytes.len();
        self.batch.bytes.extend_from_slice(bytes);
        match self.batch.pieces.last_mut().filter(|piece| piece.stream == stream) {
            Some(piece) => piece.range.end = end,
            None => self.batch.pieces.push(Piece { stream, range: start..end }),
        }
        if end >= BATCH_BYTES || self.batch.pieces.len() >= BATCH_PIECES {
            self.dispatch();
        }
    }

    fn finish(&mut self, stream: u32, set: HashSet) -> Hashes {
        // Whoever waits for the promise must not wait for other streams' bytes.
        self.dispatch();
        let promise = Arc::new(Promise {
            set,
            sha256: OnceLock::new(),
            sha512: OnceLock::new(),
            sha1: OnceLock::new(),
            md5: OnceLock::new(),
            crc32: OnceLock::new(),
        });
        for lane in self.streams.remove(&stream).into_iter().flatten() {
            self.give(&lane, Step::Finish(Arc::clone(&promise)));
        }
        Hashes(Made::Soon(promise))
    }

    /// Gives the batch to all lanes that have something in it.
    fn dispatch(&mut self) {
        if self.batch.pieces.is_empty() {
            return;
        }
        let next = self.next_batch();
        let mut batch = std::mem::replace(&mut self.batch, next);
        // Stable: the pieces of one stream stay in their order.
        batch.pieces.sort_by_key(|piece| piece.stream);
        let batch = Arc::new(batch);
        let mut at = 0;
        for pieces in batch.pieces.chunk_by(|one, other| one.stream == other.stream) {
            let range = at..at + pieces.len();
            at = range.end;
            let lanes = pieces.first().and_then(|piece| self.streams.get(&piece.stream));
            for lane in lanes.into_iter().flatten() {
                self.give(lane, Step::Take(Arc::clone(&batch), range.clone()));
            }
        }
        if let (Some(batch), Some(running)) = (Arc::into_inner(batch), &mut self.running) {
            // The workers were faster than this.
            self.batch = batch.emptied();
            running.batches -= 1;
        }
    }

    fn give(&self, lane: &Arc<Lane>, step: Step) {
        let mut todo = lock(&lane.todo);
        todo.steps.push_back(step);
        if !todo.is_due
            && let Some(running) = &self.running
        {
            todo.is_due = true;
            // The receivers live as long as the workers, and those as long as this sender.
            let _ = running.due.send(Arc::clone(lane));
        }
    }

    /// An empty batch; waits for one if there are enough.
    fn next_batch(&mut self) -> Batch {
        let threads = self.threads;
        let running = self.running.get_or_insert_with(|| start(threads));
        if let Ok(batch) = running.free.try_recv() {
            return batch;
        }
        if running.batches < BATCHES {
            running.batches += 1;
            return Batch::default();
        }
        running.free.recv().unwrap_or_default()
    }
}

fn start(threads: usize) -> Running {
    let (due, lanes) = unbounded::<Arc<Lane>>();
    let (used, free) = bounded(BATCHES + 1);
    for _ in 0..threads {
        let (lanes, used) = (lanes.clone(), used.clone());
        thread::spawn(move || lanes.iter().for_each(|lane| lane.work(&used)));
    }
    Running { due, free, batches: 1 }
}

impl Lane {
    /// Does all there is to do.
    fn work(&self, used: &Sender<Batch>) {
        let mut hash = lock(&self.hash);
        loop {
            let mut todo = lock(&self.todo);
            let Some(step) = todo.steps.pop_front() else {
                todo.is_due = false;
                return;
            };
            drop(todo);
            match step {
                Step::Take(batch, pieces) => {
                    for piece in batch.pieces.get(pieces).unwrap_or_default() {
                        hash.update(batch.bytes.get(piece.range.clone()).unwrap_or_default());
                    }
                    if let Some(batch) = Arc::into_inner(batch) {
                        let _ = used.send(batch.emptied());
                    }
                }
                Step::Finish(promise) => hash.finish(&promise),
            }
        }
    }
}

impl Batch {
    fn emptied(mut self) -> Self {
        self.bytes.clear();
        self.pieces.clear();
        self
    }
}

impl Hash {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(sha256) => sha256.update(bytes),
            Self::Sha512(sha512) => sha512.update(bytes),
            Self::Sha1(sha1) => sha1.update(bytes),
            Self::Md5(md5) => md5.update(bytes),
            Self::Crc32(crc32) => crc32.update(bytes),
        }
    }

    fn finish(&mut self, promise: &Promise) {
        match self {
            Self::Sha256(hash) => drop(promise.sha256.set(hash.finalize_reset().into())),
            Self::Sha512(hash) => {
                drop(promise.sha512.set(Box::new(hash.finalize_reset().into())));
            }
            Self::Sha1(hash) => drop(promise.sha1.set(hash.finalize_reset().into())),
            Self::Md5(hash) => drop(promise.md5.set(hash.finalize_reset().into())),
            Self::Crc32(hash) => drop(promise.crc32.set(hash.clone().finalize().to_be_bytes())),
        }
    }
}

impl Promise {
    pub(super) fn wait(&self) -> Digests {
        Digests {
            sha256: *self.sha256.wait(),
            sha512: self.set.sha512.then(|| self.sha512.wait().clone()),
            sha1: self.set.sha1.then(|| *self.sha1.wait()),
            md5: self.set.md5.then(|| *self.md5.wait()),
            crc32: self.set.crc32.then(|| *self.crc32.wait()),
        }
    }
}

/// What a panicking worker leaves is never looked at: its promise is not kept.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: the same bytes hashed where they are.
    #[test]
    fn streams_hashed_by_others_have_the_hashes_they_have_here() {
        let set = HashSet { sha512: true, sha1: true, md5: true, crc32: true };
        let mut workers = Workers::new(3);
        let content = |stream: usize| -> Vec<u8> {
            (0..50_000 + stream * 40_000).map(|at| ((at * (stream + 3)) >> 2) as u8).collect()
        };
        let contents: Vec<_> = (0..12).map(content).collect();
        let mut streams: Vec<_> =
            contents.iter().map(|all| (&all[..], Hashing::new(set))).collect();
        let mut finished = Vec::new();
        let mut turn = 1_usize;
        while let Some(left) = (!streams.is_empty()).then_some(streams.len()) {
            turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (rest, hashing) = &mut streams[(turn >> 33) % left];
            let (next, after) = rest.split_at(rest.len().min((turn >> 40) % 4000));
            hashing.update(next, &mut workers);
            *rest = after;
            if after.is_empty() {
                let (_, hashing) = streams.swap_remove((turn >> 33) % left);
                finished.push(hashing.finish(&mut workers));
            }
        }
        let mut found: Vec<_> = finished.iter().map(Hashes::digests).collect();
        let mut wanted: Vec<_> = contents
            .iter()
            .map(|all| {
                let mut hasher = Hasher::new(set);
                hasher.update(all);
                hasher.finish()
            })
            .collect();
        found.sort_by_key(|digests| digests.sha256);
        wanted.sort_by_key(|digests| digests.sha256);
        assert_eq!(found, wanted);
    }

    #[test]
    fn who_hands_in_more_than_can_be_hashed_waits() {
        let mut workers = Workers::new(2);
        let mut hashing = Hashing::new(HashSet::default());
        let octets = vec![7; 1 << 20];
        for _ in 0..64 {
            hashing.update(&octets, &mut workers);
            assert!(workers.running.as_ref().is_none_or(|running| running.batches <= BATCHES));
        }
        let mut whole = Hasher::new(HashSet::default());
        (0..64).for_each(|_| whole.update(&octets));
        assert_eq!(hashing.finish(&mut workers).digests(), whole.finish());
    }
}
