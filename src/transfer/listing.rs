//! Listings as data.

use crate::ftp::{Entry, EntryKind, Listed, ListingKind, parse_listing};

/// What a listing shows of a directory.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// Lines that are no entries: totals, headings, names of directories.
    pub headings: u64,
    /// Lines that could not be read.
    pub unparsed: Vec<Vec<u8>>,
}

/// Names of plain files, each with its size.
pub(super) type Sizes = Vec<(Vec<u8>, u64)>;

impl Listing {
    /// Unless the text `is_all` of it, what stands behind its last line end may be the beginning
    /// of a longer line.
    pub fn parse(kind: ListingKind, text: &[u8], is_all: bool) -> Self {
        let mut listing = Self::default();
        for line in parse_listing(kind, text, is_all) {
            match line {
                Listed::Entry(entry) => listing.entries.push(entry),
                Listed::Heading(_) => listing.headings += 1,
                Listed::Unparsed(line) => listing.unparsed.push(line),
            }
        }
        listing
    }

    pub(super) fn sizes(&self) -> Sizes {
        let files = self.entries.iter().filter(|entry| entry.kind == EntryKind::File);
        files.filter_map(|entry| Some((entry.name.clone(), entry.size?))).collect()
    }

    /// Bytes it holds.
    pub(super) fn weight(&self) -> usize {
        let entries = self.entries.iter().map(Entry::weight);
        let unparsed = self.unparsed.iter().map(|line| size_of::<Vec<u8>>() + line.len());
        entries.chain(unparsed).sum()
    }
}
