//! A file that somebody else is still writing: at its end more is waited for.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::progress::Progress;

/// Whether a growing file has its end. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct End(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    is_set: AtomicBool,
    is_cut: AtomicBool,
}

impl End {
    /// Nothing more will be written.
    pub fn set(&self) {
        self.0.is_set.store(true, Ordering::Release);
    }

    /// More came, and could not be written.
    pub fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Release);
    }

    pub fn is_cut(&self) -> bool {
        self.0.is_cut.load(Ordering::Acquire)
    }

    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire)
    }
}

/// Reads such a file.
pub(super) struct Growing {
    pub(super) file: File,
    pub(super) end: End,
    pub(super) progress: Progress,
}

/// How often it is looked at.
const TICK: Duration = Duration::from_millis(50);

impl Read for Growing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            // Asked before the read: what was written until then is read by it.
            let is_over = self.end.is_set() || self.progress.is_stopped();
            match self.file.read(into) {
                Ok(0) if !is_over && !into.is_empty() => thread::sleep(TICK),
                read => return read,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_later_is_read_and_the_end_is_the_writers() {
        let path = std::env::temp_dir().join(format!("ftpscope-growing-{}", std::process::id()));
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"one").unwrap();
        let end = End::default();
        let file = File::open(&path).unwrap();
        let mut growing = Growing { file, end: end.clone(), progress: Progress::default() };
        let reader = thread::spawn(move || {
            let mut text = String::new();
            growing.read_to_string(&mut text).map(|_| text)
        });
        writer.write_all(b" two").unwrap();
        end.set();
        assert_eq!(reader.join().unwrap().unwrap(), "one two");
        fs::remove_file(path).unwrap();
    }
}
