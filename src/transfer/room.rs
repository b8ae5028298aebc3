//! What data connections may hold together.

/// Bytes of text and of lists that all data connections share.
#[derive(Debug)]
pub struct Room {
    left: usize,
    /// Times there was none.
    pub refused: u64,
    /// Listings of which not all was kept.
    pub listings: u64,
    /// Ranges that were missing and are not listed.
    pub ranges: u64,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        Self { left: bytes, refused: 0, listings: 0, ranges: 0 }
    }

    /// As many bytes of `wanted` as there are.
    pub(super) fn take(&mut self, wanted: usize) -> usize {
        let taken = wanted.min(self.left);
        self.left -= taken;
        self.refused += u64::from(taken < wanted);
        taken
    }

    /// Room for one entry of a list of `len`, of at most `most`.
    pub(super) fn admits<T>(&mut self, list: &[T], most: usize) -> bool {
        if list.len() >= most {
            return false;
        }
        let size = size_of::<T>();
        let is_enough = size <= self.left;
        self.left -= if is_enough { size } else { 0 };
        self.refused += u64::from(!is_enough);
        is_enough
    }

    /// What was taken is free again.
    pub fn give_back(&mut self, bytes: usize) {
        self.left += bytes;
    }
}
