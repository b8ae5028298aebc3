//! Records that wait on disk for the end, when they can be put in order.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;

use super::disk::new_file;
use crate::report::visible;

/// A list on disk; memory holds only where each entry is.
pub(super) struct Spool {
    /// Has no name any more, where the system allows that.
    file: BufWriter<File>,
    end: u64,
    entries: Vec<Entry>,
    failed: Option<io::Error>,
}

struct Entry {
    order: Order,
    start: u64,
    len: u32,
}

/// Transfers in the order of their commands, then orphans.
pub(super) type Order = (bool, u32);

impl Spool {
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(new_file(path)?);
        // Where it cannot go while it is open it stays, hidden.
        let _ = fs::remove_file(path);
        Ok(Self { file, end: 0, entries: Vec::new(), failed: None })
    }

    /// Takes an entry. A failure is told at the end.
    pub(super) fn push(&mut self, order: Order, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if let Err(error) = self.file.write_all(bytes) {
            self.failed = Some(error);
            return;
        }
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { order, start: self.end, len });
        self.end += bytes.len() as u64;
    }

    /// Takes a record as JSON, indented as an element of a list of the manifest.
    pub(super) fn push_record(&mut self, order: Order, record: &impl Serialize) {
        let mut json = Vec::new();
        match visible::append_pretty(&mut json, record) {
            Ok(()) => self.push(order, &json),
            Err(error) => self.failed = Some(error.into()),
        }
    }

    /// Hands out every entry, in order.
    pub(super) fn read(mut self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.file.flush()?;
        let file = self.file.get_mut();
        self.entries.sort_by_key(|entry| entry.order);
        let mut bytes = Vec::new();
        for entry in self.entries {
            bytes.clear();
            file.seek(SeekFrom::Start(entry.start))?;
            file.take(entry.len.into()).read_to_end(&mut bytes)?;
            take(&bytes)?;
        }
        Ok(())
    }
}
