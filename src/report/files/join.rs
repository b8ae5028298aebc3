//! One file out of the pieces that several transfers moved.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::disk::{Identity, check, hash_file, identity, new_file, place_new, rename_new, reopen};
use super::store::{Bound, Store};
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
    /// Of the file on disk; `None` where its holes are too large to hash.
    pub(super) hashes: Option<Hashes>,
}

/// Puts the pieces together under `name`, the first copy of an octet first; `.incomplete` is put
/// behind the name where something is missing or two copies differ. `hashable` is how many bytes of
/// holes may still be hashed. A bound, and no file, where it would pass that.
pub(super) fn join(
    store: &mut Store,
    file: &LogicalFile,
    pieces: &[PieceOnDisk],
    name: &str,
    hashable: &mut u64,
) -> io::Result<Result<Joined, Bound>> {
    let length = pieces.iter().flat_map(|piece| &piece.captured).map(|range| range.end).max();
    let length = length.max(file.size).unwrap_or(0);
    let holes = length.saturating_sub(together(pieces));
    if let Err(bound) = store.room.admits(length, holes) {
        return Ok(Err(bound));
    }
    let from = store.directory.join(".joined");
    let mut joined = Joining::new(new_file(&from)?);
    let made = pieces
        .iter()
        .try_for_each(|piece| joined.add(store, piece))
        .and_then(|()| joined.file.set_len(length));
    if let Err(error) = made {
        let _ = fs::remove_file(&from);
        return Err(error);
    }
    let is_whole = file.is_whole() && joined.all_agree;
    let ours = identity(&joined.file.metadata()?);
    let ending = if is_whole { "" } else { ".incomplete" };
    let name = format!("{name}{ending}");
    let file = place_new(&store.directory, &name, |path| rename_new(&from, path))?;
    let path = store.directory.join(&file);
    check(&fs::symlink_metadata(&path)?, ours)?;
    let like = pieces.first().map(|piece| &piece.hashes).ok_or(io::ErrorKind::NotFound)?;
    let mut hashes = None;
    if holes <= *hashable {
        *hashable -= holes;
        hashes =
            Some(hash_file(&mut reopen(&path, ours, File::options().read(true))?, like.set())?);
    }
    Ok(Ok(Joined { file, bytes: length, overlaps: joined.overlaps, is_whole, hashes }))
}

/// Whether the pieces together have more than the largest of them: two attempts that were broken
/// off at the same place are no file.
pub(super) fn is_worth_it(pieces: &[PieceOnDisk]) -> bool {
    let length = |ranges: &[Range]| ranges.iter().map(|range| range.end - range.start).sum::<u64>();
    let together = together(pieces);
    pieces.iter().all(|piece| length(&piece.captured) < together)
}

/// Octets that the pieces have together.
fn together(pieces: &[PieceOnDisk]) -> u64 {
    let mut all: Vec<Range> = pieces.iter().flat_map(|piece| piece.captured.clone()).collect();
    all.sort_unstable();
    let (mut together, mut end) = (0, 0);
    for range in all {
        let start = range.start.max(end);
        together += range.end.saturating_sub(start);
        end = end.max(range.end);
    }
    together
}

pub(super) struct Joining {
    pub(super) file: File,
    /// What is written already; sorted, nothing overlaps or touches.
    have: Vec<Range>,
    /// The first ones.
    overlaps: Vec<(Range, bool)>,
    pub(super) all_agree: bool,
}

/// Overlaps listed of one file.
const MOST_OVERLAPS: usize = 64;

impl Joining {
    pub(super) fn new(file: File) -> Self {
        Self { file, have: Vec::new(), overlaps: Vec::new(), all_agree: true }
    }

    /// Octets of the whole file, from `at` on.
    pub(super) fn put(&mut self, at: u64, octets: &[u8]) -> io::Result<()> {
        let range = Range { start: at, end: at.saturating_add(octets.len() as u64) };
        let mut rest = octets;
        for (part, is_known) in self.parts(range) {
            let len = usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
            let (here, behind) = rest.split_at(len.min(rest.len()));
            self.file.seek(SeekFrom::Start(part.start))?;
            if is_known {
                self.all_agree &= is_same(&mut &here[..], &mut self.file)?;
            } else {
                self.file.write_all(here)?;
            }
            rest = behind;
        }
        self.note(range);
        Ok(())
    }

    /// Octets that are written.
    pub(super) fn written(&self) -> u64 {
        self.have.iter().map(|range| range.end - range.start).sum()
    }

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
                    self.all_agree &= agrees;
                    if self.overlaps.len() < MOST_OVERLAPS {
                        self.overlaps.push((part, agrees));
                    }
                } else {
                    io::copy(&mut octets, &mut self.file)?;
                }
            }
            self.note(*range);
        }
        Ok(())
    }

    /// A range is written; those it overlaps or touches become one with it.
    fn note(&mut self, range: Range) {
        let first = self.have.partition_point(|known| known.end < range.start);
        let behind = self.have.partition_point(|known| known.start <= range.end);
        let met = self.have.get(first..behind).unwrap_or_default();
        let start = met.first().map_or(range.start, |known| known.start.min(range.start));
        let end = met.last().map_or(range.end, |known| known.end.max(range.end));
        self.have.splice(first..behind, [Range { start, end }]);
    }

    /// A range, cut where what is written already begins and ends.
    fn parts(&self, range: Range) -> Vec<(Range, bool)> {
        let mut parts = Vec::new();
        let mut at = range.start;
        let first = self.have.partition_point(|known| known.end <= range.start);
        for known in self.have.iter().skip(first).take_while(|known| known.start < range.end) {
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
