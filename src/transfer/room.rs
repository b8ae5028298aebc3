//! What data connections may hold together.

/// Bytes of text and of lists that all data connections share.
#[derive(Debug)]
pub struct Room {
    left: usize,
    /// Transfers that may still be unpacked at the same time.
    decoders: usize,
    /// Times there was none.
    pub refused: u64,
    /// Listings of which not all was kept.
    pub listings: u64,
    /// Ranges that were missing and are not listed.
    pub ranges: u64,
    /// Transfers that were not unpacked because there were too many at the time.
    pub packed: u64,
    /// Transfers that unpacked to more than they may.
    pub bombs: u64,
}

impl Room {
    pub fn new(bytes: usize, decoders: usize) -> Self {
        Self { left: bytes, decoders, refused: 0, listings: 0, ranges: 0, packed: 0, bombs: 0 }
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

    /// Room for one more that is unpacked.
    pub(super) fn take_decoder(&mut self) -> bool {
        let has_room = self.decoders > 0;
        self.decoders -= usize::from(has_room);
        self.packed += u64::from(!has_room);
        has_room
    }

    /// One that was unpacked is over; `is_cut` if it was too large.
    pub(super) fn give_back_decoder(&mut self, is_cut: bool) {
        self.decoders += 1;
        self.bombs += u64::from(is_cut);
    }

    /// What was taken is free again.
    pub fn give_back(&mut self, bytes: usize) {
        self.left += bytes;
    }
}
