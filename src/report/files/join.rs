//! One file out of the pieces that several transfers moved.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};

use super::disk::{Identity, check, hash_file, identity, new_file, place_new, rename_new, reopen};
use super::store::Store;
use crate::analysis::{LogicalFile, Range};
use crate::hash::Hashes;
use crate::session::TransferId;

/// A piece on disk.
#[derive(Clone, Debug)]
pub(super) struct PieceOnDisk {
    pub(super) transfer: TransferId,
    pub(super) file: String,
    pub(super) identity: Identity,
    /// The octets of the whole file that it has.
    pub(super) captured: Vec<Range>,
    /// Where in the whole file it begins.
    pub(super) start: u64,
    /// Which hashes to make, and none of them.
    pub(super) hashes: Hashes,
}

/// A file that was put together.
pub(super) struct Joined {
    pub(super) file: String,
    pub(super) bytes: u64,
    /// Octets that pieces have in common, and whether they are the same.
    pub(super) overlaps: Vec<(Range, bool)>,
    pub(super) is_whole: bool,
    /// Of the file on disk.
    pub(super) hashes: Hashes,
}

/// Puts the pieces together under `name`, the first copy of an octet first; `.incomplete` is put
/// behind the name where something is missing or two copies differ. `None` if it would be more
/// than may be written.
pub(super) fn join(
    store: &mut Store,
    file: &LogicalFile,
    pieces: &[PieceOnDisk],
    name: &str,
) -> io::Result<Option<Joined>> {
    let length = pieces.iter().flat_map(|piece| &piece.captured).map(|range| range.end).max();
    let length = length.max(file.size).unwrap_or(0);
    if !store.room.admits(length) {
        return Ok(None);
    }
    let from = store.directory.join(".joined");
    let mut joined = Joining { file: new_file(&from)?, have: Vec::new(), overlaps: Vec::new() };
    let made = pieces
        .iter()
        .try_for_each(|piece| joined.add(store, piece))
        .and_then(|()| joined.file.set_len(length));
    if let Err(error) = made {
        let _ = fs::remove_file(&from);
        return Err(error);
    }
    let is_whole = file.is_whole() && joined.overlaps.iter().all(|(_, agrees)| *agrees);
    let ours = identity(&joined.file.metadata()?);
    let ending = if is_whole { "" } else { ".incomplete" };
    let name = format!("{name}{ending}");
    let file = place_new(&store.directory, &name, |path| rename_new(&from, path))?;
    let path = store.directory.join(&file);
    check(&fs::symlink_metadata(&path)?, ours)?;
    let like = pieces.first().map(|piece| &piece.hashes).ok_or(io::ErrorKind::NotFound)?;
    let hashes = hash_file(&mut reopen(&path, ours, File::options().read(true))?, like)?;
    Ok(Some(Joined { file, bytes: length, overlaps: joined.overlaps, is_whole, hashes }))
}

/// Whether the pieces together have more than the largest of them: two attempts that were broken
/// off at the same place are no file.
pub(super) fn is_worth_it(pieces: &[PieceOnDisk]) -> bool {
    let length = |ranges: &[Range]| ranges.iter().map(|range| range.end - range.start).sum::<u64>();
    let mut all: Vec<Range> = pieces.iter().flat_map(|piece| piece.captured.clone()).collect();
    all.sort_unstable();
    let (mut together, mut end) = (0, 0);
    for range in all {
        let start = range.start.max(end);
        together += range.end.saturating_sub(start);
        end = end.max(range.end);
    }
    pieces.iter().all(|piece| length(&piece.captured) < together)
}

struct Joining {
    file: File,
    /// What is written already; sorted, nothing overlaps.
    have: Vec<Range>,
    overlaps: Vec<(Range, bool)>,
}

impl Joining {
    fn add(&mut self, store: &Store, piece: &PieceOnDisk) -> io::Result<()> {
        let path = store.directory.join(&piece.file);
        let mut from = reopen(&path, piece.identity, File::options().read(true))?;
        for range in &piece.captured {
            for (part, is_known) in self.parts(*range) {
                from.seek(SeekFrom::Start(part.start.saturating_sub(piece.start)))?;
                self.file.seek(SeekFrom::Start(part.start))?;
                let mut octets = (&mut from).take(part.end - part.start);
                if is_known {
                    let agrees = is_same(&mut octets, &mut self.file)?;
                    self.overlaps.push((part, agrees));
                } else {
                    io::copy(&mut octets, &mut self.file)?;
                }
            }
            self.have.push(*range);
            self.have.sort_unstable();
        }
        Ok(())
    }

    /// A range, cut where what is written already begins and ends.
    fn parts(&self, range: Range) -> Vec<(Range, bool)> {
        let mut parts = Vec::new();
        let mut at = range.start;
        for known in &self.have {
            let both = Range { start: known.start.max(at), end: known.end.min(range.end) };
            if both.start >= both.end {
                continue;
            }
            if at < both.start {
                parts.push((Range { start: at, end: both.start }, false));
            }
            parts.push((both, true));
            at = both.end;
        }
        if at < range.end {
            parts.push((Range { start: at, end: range.end }, false));
        }
        parts
    }
}

/// Whether `one` is what comes next in `other`.
fn is_same(one: &mut impl Read, other: &mut File) -> io::Result<bool> {
    let (mut ours, mut theirs) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let count = one.read(&mut ours)?;
        let (Some(ours), Some(theirs)) = (ours.get(..count), theirs.get_mut(..count)) else {
            return Ok(false);
        };
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(theirs)?;
        if ours != theirs {
            return Ok(false);
        }
    }
}

const BLOCK: usize = 64 << 10;
