//! Files of several pieces, hashed together while their octets are read again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::analysis::{LogicalFile, Range};
use crate::hash::{HashSet, Hasher, Hashes};
use crate::session::TransferId;
use crate::transfer::{self, ByteSink, Transfer};

/// A file whose pieces are whole and meet, each at the end of the one before it or a little in
/// front of that: a download that was broken off and resumed.
pub(super) struct Joint {
    size: u64,
    /// In the order of their octets, with where they begin.
    pub(super) pieces: Vec<(TransferId, u64)>,
    run: Arc<Mutex<Run>>,
}

/// What came of a file so far.
struct Run {
    /// Of all its octets up to `at`.
    hasher: Hasher,
    at: u64,
    /// Between one piece and the next.
    seams: Vec<Seam>,
    found_again: usize,
}

/// Octets that two pieces have, hashed of each.
#[derive(Clone)]
struct Seam {
    range: Range,
    before: Hasher,
    after: Hasher,
}

/// What a file of pieces is.
pub(super) struct Joined {
    /// Of the whole file; `None` where two pieces differ.
    pub(super) hashes: Option<Hashes>,
    /// What pieces have in common, and whether it is the same.
    pub(super) overlaps: Vec<(Range, bool)>,
}

impl Joint {
    /// Of a whole file that is of pieces, if they are in order.
    pub(super) fn of(file: &LogicalFile, transfers: &[Transfer], hashes: HashSet) -> Option<Self> {
        let size = file.size?;
        let mut pieces = Vec::with_capacity(file.pieces.len());
        for piece in &file.pieces {
            let range = piece.range?;
            let transfer = transfer::find(piece.transfer, transfers)?;
            let content = transfer.content.as_ref()?;
            if content.likely_decoded().is_some() || !content.is_whole() {
                return None;
            }
            if range.start < range.end {
                pieces.push((range, piece.transfer));
            }
        }
        pieces.sort_unstable_by_key(|(range, _)| *range);
        let ranges = || pieces.iter().map(|(range, _)| *range);
        let mut ends = [0, 0];
        for Range { start, end } in ranges() {
            let [before, last] = ends;
            if start < before || start > last || end <= last {
                return None;
            }
            ends = [last, end];
        }
        let hasher = Hasher::new(HashSet::default());
        let seams = ranges().zip(ranges().skip(1)).map(|(one, other)| Seam {
            range: Range { start: other.start, end: one.end },
            before: hasher.clone(),
            after: hasher.clone(),
        });
        let seams = seams.collect();
        let run = Run { hasher: Hasher::new(hashes), at: 0, seams, found_again: 0 };
        Some(Self {
            size,
            pieces: pieces.into_iter().map(|(range, id)| (id, range.start)).collect(),
            run: Arc::new(Mutex::new(run)),
        })
    }

    /// What takes the octets of a piece.
    pub(super) fn sink(&self, piece: usize) -> Option<Box<dyn ByteSink>> {
        let (_, start) = *self.pieces.get(piece)?;
        Some(Box::new(Piece { run: Arc::clone(&self.run), nth: piece, start }))
    }

    /// A piece was found again, the same as it was.
    pub(super) fn note_found(&self) {
        lock(&self.run).found_again += 1;
    }

    /// `None` where not all of it was found again, or not in its order.
    pub(super) fn finish(&self) -> Option<Joined> {
        let run = lock(&self.run);
        if run.found_again < self.pieces.len() || run.at != self.size {
            return None;
        }
        let is_same =
            |seam: &Seam| seam.before.clone().finish().sha256 == seam.after.clone().finish().sha256;
        let seams = run.seams.iter().filter(|seam| seam.range.start < seam.range.end);
        let overlaps: Vec<_> = seams.map(|seam| (seam.range, is_same(seam))).collect();
        let is_one = overlaps.iter().all(|(_, is_same)| *is_same);
        Some(Joined { hashes: is_one.then(|| run.hasher.clone().finish().into()), overlaps })
    }
}

fn lock(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the octets of one piece.
struct Piece {
    run: Arc<Mutex<Run>>,
    nth: usize,
    start: u64,
}

impl ByteSink for Piece {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        lock(&self.run).take(self.nth, self.start.saturating_add(offset), bytes);
    }
}

impl Run {
    fn take(&mut self, piece: usize, at: u64, bytes: &[u8]) {
        // What comes too early stays out: the file is then not known.
        if at <= self.at {
            let fresh = within(Range { start: self.at, end: u64::MAX }, at, bytes);
            self.hasher.update(fresh);
            self.at += fresh.len() as u64;
        }
        if let Some(seam) = piece.checked_sub(1).and_then(|nth| self.seams.get_mut(nth)) {
            seam.after.update(within(seam.range, at, bytes));
        }
        if let Some(seam) = self.seams.get_mut(piece) {
            seam.before.update(within(seam.range, at, bytes));
        }
    }
}

/// Those of the octets from `at` on that are in a range.
fn within(range: Range, at: u64, bytes: &[u8]) -> &[u8] {
    let place = |of: u64| usize::try_from(of.saturating_sub(at)).unwrap_or(usize::MAX);
    let (start, end) = (place(range.start), place(range.end).min(bytes.len()));
    bytes.get(start..end).unwrap_or_default()
}
