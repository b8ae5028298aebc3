//! What the server said of the sizes of files.

use std::collections::HashMap;

use super::request::Expected;

/// Sizes by path: from SIZE, MLST and listings, to check later transfers.
#[derive(Debug)]
pub(super) struct Sizes {
    known: HashMap<Vec<u8>, Expected>,
    bytes: usize,
    most: usize,
    /// Sizes there was no room for.
    pub(super) dropped: u64,
}

impl Sizes {
    pub(super) fn new(most: usize) -> Self {
        Self { known: HashMap::new(), bytes: 0, most, dropped: 0 }
    }

    /// Takes a size; a more telling one is kept. `has_room` for another path.
    pub(super) fn note(&mut self, path: Vec<u8>, expected: Expected, has_room: bool) {
        if let Some(known) = self.known.get_mut(&path) {
            if known.source <= expected.source {
                *known = expected;
            }
        } else if has_room && self.known.len() < self.most {
            self.bytes += weight(&path);
            self.known.insert(path, expected);
        } else {
            self.dropped += 1;
        }
    }

    pub(super) fn of(&self, path: &[u8]) -> Option<Expected> {
        self.known.get(path).copied()
    }

    /// The file has another size now.
    pub(super) fn forget(&mut self, path: &[u8]) {
        if self.known.remove(path).is_some() {
            self.bytes -= weight(path);
        }
    }

    /// Bytes they take.
    pub(super) fn weight(&self) -> usize {
        self.bytes
    }
}

/// Bytes that remembering the size of this file takes.
fn weight(path: &[u8]) -> usize {
    size_of::<(Vec<u8>, Expected)>() + path.len()
}
