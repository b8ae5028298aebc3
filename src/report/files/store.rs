//! Parts: files that are being written, however many at one time.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Identity, check, identity, new_file, reopen};
use crate::limits::Limits;
use crate::session::DataId;
use crate::tcp::Dir;
use crate::transfer::{ByteSink, Face, Sinks};

/// One direction of a data connection, as a file or as it was on the wire.
pub(super) type PartId = (DataId, Dir, Face);

/// Makes a part for each direction of a data connection that carries bytes.
pub struct Parts(Shelf);

/// All parts, for who writes them and who gives them their names.
#[derive(Clone)]
pub(super) struct Shelf(Arc<Mutex<Store>>);

/// All parts, and what may still be written. Few of them are open at one time: the others are
/// opened again when they have something to write.
pub(super) struct Store {
    pub(super) directory: PathBuf,
    pub(super) room: Room,
    /// Or why it could not be made.
    parts: BTreeMap<PartId, io::Result<Part>>,
    /// Those nobody chose so far, oldest first.
    idle: VecDeque<PartId>,
    open: Vec<Open>,
    most_open: usize,
    /// Counts uses, to tell which open part was used least lately.
    turn: u64,
}

/// One part. Holes are never written: the file system knows them as zeros.
pub(super) struct Part {
    pub(super) identity: Identity,
    /// On disk, holes included.
    pub(super) length: u64,
    /// Bytes written.
    pub(super) captured: u64,
    /// Why what came behind `length` is not there.
    pub(super) cut: Option<Bound>,
    /// What went wrong; nothing is written after it.
    pub(super) error: Option<io::Error>,
}

/// What may still be put on disk.
pub(super) struct Room {
    /// Length of one file, holes included.
    file: u64,
    /// Bytes, of all files.
    total: u64,
    /// Holes, of all files.
    holes: u64,
}

/// What cuts a file.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Bound {
    File,
    Total,
    Holes,
}

struct Open {
    id: PartId,
    file: BufWriter<File>,
    position: u64,
    used: u64,
}

struct Sink {
    id: PartId,
    shelf: Shelf,
}

/// Bytes gathered before the disk is troubled.
const BUFFER: usize = 64 << 10;

/// Parts nobody chose that are kept in case another transfer has the same connection.
const MOST_IDLE: usize = 1 << 14;

impl Parts {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self(shelf)
    }
}

impl Shelf {
    pub(super) fn new(store: Store) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sinks for Parts {
    fn open(&mut self, data: DataId, dir: Dir, face: Face) -> Option<Box<dyn ByteSink>> {
        let (id, shelf) = ((data, dir, face), self.0.clone());
        shelf.lock().begin(id);
        Some(Box::new(Sink { id, shelf }))
    }
}

impl ByteSink for Sink {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.shelf.lock().write(self.id, offset, bytes);
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shelf.lock().close(self.id);
    }
}

impl Store {
    pub(super) fn new(directory: PathBuf, limits: &Limits) -> Self {
        let room =
            Room { file: limits.file_bytes, total: limits.total_bytes, holes: limits.hole_bytes };
        Self {
            directory,
            room,
            parts: BTreeMap::new(),
            idle: VecDeque::new(),
            open: Vec::new(),
            most_open: limits.open_files,
            turn: 0,
        }
    }

    /// Where a part is until its transfer is final.
    pub(super) fn path_of(&self, (data, dir, face): PartId) -> PathBuf {
        let which = match (dir, face) {
            (Dir::FromOriginator, Face::File) => "a",
            (Dir::FromResponder, Face::File) => "b",
            (Dir::FromOriginator, Face::Wire) => "a-wire",
            (Dir::FromResponder, Face::Wire) => "b-wire",
        };
        self.directory.join(format!(".part-{}{which}", data.0))
    }

    /// Hands a part over, written to its end, if there is one.
    pub(super) fn take(&mut self, id: PartId) -> io::Result<Option<Part>> {
        self.close(id);
        self.parts.remove(&id).transpose()
    }

    /// Nobody chose these parts of a direction so far.
    pub(super) fn leave_both(&mut self, data: DataId, dir: Dir) {
        self.leave((data, dir, Face::File));
        self.leave((data, dir, Face::Wire));
    }

    /// Nobody chose this part so far. It may be another's too, so it stays while there is room.
    pub(super) fn leave(&mut self, id: PartId) {
        if self.parts.contains_key(&id) {
            self.idle.push_back(id);
        }
        if self.idle.len() > MOST_IDLE {
            self.discard_oldest();
        }
    }

    /// Removes what nobody took.
    pub(super) fn discard_all(&mut self) {
        for id in self.parts.keys().copied().collect::<Vec<_>>() {
            self.discard(id);
        }
    }

    fn discard_oldest(&mut self) -> bool {
        let oldest = self.idle.pop_front();
        oldest.inspect(|id| self.discard(*id)).is_some()
    }

    /// Removes a part that nobody wants.
    pub(super) fn discard(&mut self, id: PartId) {
        let Ok(Some(part)) = self.take(id) else { return };
        self.room.give_back(&part);
        let path = self.path_of(id);
        let found = fs::symlink_metadata(&path);
        if found.is_ok_and(|found| check(&found, part.identity).is_ok()) {
            // It is hidden, and one that stays does no harm.
            let _ = fs::remove_file(path);
        }
    }

    fn begin(&mut self, id: PartId) {
        let path = self.path_of(id);
        let made = self.open_with(|| new_file(&path)).and_then(|file| {
            let identity = identity(&file.metadata()?);
            self.keep_open(id, file);
            Ok(Part { identity, length: 0, captured: 0, cut: None, error: None })
        });
        self.parts.insert(id, made);
    }

    fn write(&mut self, id: PartId, offset: u64, bytes: &[u8]) {
        let Some(Ok(part)) = self.parts.get(&id) else { return };
        if !part.is_growing() {
            return;
        }
        let (identity, length) = (part.identity, part.length);
        let (hole, wanted) = (offset.saturating_sub(length), bytes.len() as u64);
        while self.room.total < wanted && self.discard_oldest() {}
        let (granted, bound) = self.room.grant(length, hole, wanted);
        let bytes = bytes.get(..granted as usize).unwrap_or_default();
        let written = match bytes {
            [] => Ok(()),
            _ => self.put(id, identity, length + hole, bytes),
        };
        // Closing others to make room may have failed for them, but not for this one.
        let Some(Ok(part)) = self.parts.get_mut(&id) else { return };
        part.cut = bound;
        match written {
            Ok(()) if granted > 0 => {
                part.length += hole + granted;
                part.captured += granted;
            }
            Ok(()) => {}
            Err(error) => self.fail(id, error),
        }
    }

    fn put(&mut self, id: PartId, ours: Identity, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.turn += 1;
        if self.open.iter().all(|open| open.id != id) {
            let path = self.path_of(id);
            let file = self.open_with(|| reopen(&path, ours, File::options().write(true)))?;
            self.keep_open(id, file);
        }
        let Some(open) = self.open.iter_mut().find(|open| open.id == id) else { return Ok(()) };
        open.used = self.turn;
        if open.position != at {
            open.file.seek(SeekFrom::Start(at))?;
        }
        open.position = at + bytes.len() as u64;
        open.file.write_all(bytes)
    }

    fn keep_open(&mut self, id: PartId, file: File) {
        let file = BufWriter::with_capacity(BUFFER, file);
        self.open.push(Open { id, file, position: 0, used: self.turn });
    }

    /// Opens a file, and closes others where there are too many.
    fn open_with(&mut self, open: impl Fn() -> io::Result<File>) -> io::Result<File> {
        while self.open.len() >= self.most_open {
            self.close_oldest();
        }
        open().or_else(|error| {
            if self.open.is_empty() || error.kind() == io::ErrorKind::AlreadyExists {
                return Err(error);
            }
            // Perhaps the system allows fewer.
            while !self.open.is_empty() {
                self.close_oldest();
            }
            open()
        })
    }

    fn close_oldest(&mut self) {
        if let Some(id) = self.open.iter().min_by_key(|open| open.used).map(|open| open.id) {
            self.close(id);
        }
    }

    fn close(&mut self, id: PartId) {
        let Some(at) = self.open.iter().position(|open| open.id == id) else { return };
        let mut open = self.open.swap_remove(at);
        if let Err(error) = open.file.flush() {
            self.open.push(open);
            self.fail(id, error);
        }
    }

    fn fail(&mut self, id: PartId, error: io::Error) {
        if let Some(at) = self.open.iter().position(|open| open.id == id) {
            // The buffer is given up with the file: writing it again would fail again.
            drop(self.open.swap_remove(at).file.into_parts());
        }
        if let Some(Ok(part)) = self.parts.get_mut(&id) {
            part.error = Some(error);
        }
    }
}

impl Part {
    /// Whether nothing stopped it: all that was captured so far is there.
    pub(super) fn is_growing(&self) -> bool {
        self.cut.is_none() && self.error.is_none()
    }
}

impl Room {
    /// How many of `wanted` bytes behind a hole may be written to a file of this length, and what
    /// forbids the rest.
    fn grant(&mut self, length: u64, hole: u64, wanted: u64) -> (u64, Option<Bound>) {
        let for_hole = if hole <= self.holes { u64::MAX } else { 0 };
        let rooms = [
            (self.file.saturating_sub(length.saturating_add(hole)), Bound::File),
            (self.total, Bound::Total),
            (for_hole, Bound::Holes),
        ];
        let least = rooms.into_iter().min_by_key(|(room, _)| *room);
        let (room, bound) = least.unwrap_or((0, Bound::Total));
        let granted = wanted.min(room);
        if granted > 0 {
            self.total -= granted;
            // What was captured earns as much again: a long capture with losses stays below.
            self.holes = (self.holes - hole).saturating_add(granted);
        }
        (granted, (granted < wanted).then_some(bound))
    }

    /// Whether a hole may be put before or behind what a file holds; `length` is what it would
    /// have then.
    pub(super) fn grant_hole(&mut self, hole: u64, length: u64) -> Result<(), Bound> {
        if length > self.file {
            return Err(Bound::File);
        }
        self.holes = self.holes.checked_sub(hole).ok_or(Bound::Holes)?;
        Ok(())
    }

    /// Takes the bytes of a file of this length that is put together of others, or says which bound
    /// it would pass.
    pub(super) fn admits(&mut self, length: u64, holes: u64) -> Result<(), Bound> {
        let total = self.total.checked_sub(length - holes).ok_or(Bound::Total)?;
        self.grant_hole(holes, length)?;
        self.total = total;
        Ok(())
    }

    fn give_back(&mut self, part: &Part) {
        self.total = self.total.saturating_add(part.captured);
        self.holes = self.holes.saturating_add(part.length - part.captured);
    }
}

impl Bound {
    /// The flag that sets it.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::File => "--max-file",
            Self::Total => "--max-total",
            Self::Holes => "--max-holes",
        }
    }

    /// Its name in `limits_reached`, which is that of its [`Limits`] field.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file_bytes",
            Self::Total => "total_bytes",
            Self::Holes => "hole_bytes",
        }
    }
}
