//! Files that are being written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::new_file;
use crate::session::DataId;
use crate::tcp::Dir;
use crate::transfer::{ByteSink, Sinks};

/// What went wrong with files being written.
pub(super) type Failures = Rc<RefCell<BTreeMap<PathBuf, io::Error>>>;

/// Makes a file for each direction of a data connection that carries bytes.
pub struct Parts {
    directory: PathBuf,
    failures: Failures,
}

/// One such file. Holes are never written: the file system knows them as zeros.
struct Part {
    path: PathBuf,
    /// `None` once something went wrong with it.
    file: Option<BufWriter<File>>,
    /// Where the next byte would go.
    position: u64,
    failures: Failures,
}

/// Bytes gathered before the disk is troubled.
const BUFFER: usize = 64 << 10;

impl Parts {
    pub(super) fn new(directory: PathBuf, failures: Failures) -> Self {
        Self { directory, failures }
    }
}

impl Sinks for Parts {
    fn open(&mut self, data: DataId, dir: Dir) -> Option<Box<dyn ByteSink>> {
        let path = path_of(&self.directory, data, dir);
        match new_file(&path) {
            Ok(file) => Some(Box::new(Part {
                path,
                file: Some(BufWriter::with_capacity(BUFFER, file)),
                position: 0,
                failures: Rc::clone(&self.failures),
            })),
            Err(error) => {
                self.failures.borrow_mut().insert(path, error);
                None
            }
        }
    }
}

impl ByteSink for Part {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let moved =
            if offset == self.position { Ok(0) } else { file.seek(SeekFrom::Start(offset)) };
        match moved.and_then(|_| file.write_all(bytes)) {
            Ok(()) => self.position = offset + bytes.len() as u64,
            Err(error) => self.fail(error),
        }
    }
}

impl Part {
    fn fail(&mut self, error: io::Error) {
        // The buffer is given up with the file: writing it again would fail again.
        if let Some(file) = self.file.take() {
            drop(file.into_parts());
        }
        self.failures.borrow_mut().insert(self.path.clone(), error);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(mut file) = self.file.take()
            && let Err(error) = file.flush()
        {
            drop(file.into_parts());
            self.failures.borrow_mut().insert(self.path.clone(), error);
        }
    }
}

/// Where the bytes of one direction are until their transfer is final.
pub(super) fn path_of(directory: &Path, data: DataId, dir: Dir) -> PathBuf {
    let which = match dir {
        Dir::FromOriginator => "a",
        Dir::FromResponder => "b",
    };
    directory.join(format!(".part-{}{which}", data.0))
}
