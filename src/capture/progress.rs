//! How far reading has come, and the wish to end it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by the reader, a progress bar and a Ctrl-C handler; clones are the same progress.
///
/// Nothing else is published through these numbers, so relaxed ordering is enough.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    read_bytes: AtomicU64,
    /// 0 while unknown, else the total plus one.
    total_plus_one: AtomicU64,
    stopped: AtomicBool,
}

impl Progress {
    pub fn add_read(&self, bytes: u64) {
        self.0.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Raw bytes read from all inputs so far: compressed ones, if they are compressed.
    pub fn read_bytes(&self) -> u64 {
        self.0.read_bytes.load(Ordering::Relaxed)
    }

    /// Sets the raw bytes of all inputs together; `None` if one has no known size.
    pub fn set_total(&self, bytes: Option<u64>) {
        let coded = bytes.map_or(0, |bytes| bytes.saturating_add(1));
        self.0.total_plus_one.store(coded, Ordering::Relaxed);
    }

    /// Raw bytes of all inputs together, if every size is known.
    pub fn total(&self) -> Option<u64> {
        self.0.total_plus_one.load(Ordering::Relaxed).checked_sub(1)
    }

    /// The same captures will be read once more; a wish to end that was uttered stands.
    pub fn begin_again(&self) {
        self.0.read_bytes.store(0, Ordering::Relaxed);
    }

    /// Asks the reader to end as if the captures ended here.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }
}
