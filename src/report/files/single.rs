//! One file, written by itself.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::{new_file, place_new, rename_new};
use super::name::on_disk;
use crate::hash::hex;
use crate::transfer::{ByteSink, Content, Transfer};

/// A file that was written.
#[derive(Debug)]
pub struct Written {
    pub path: PathBuf,
    pub bytes: u64,
    /// Of the octets written, in order.
    pub sha256: String,
}

/// Writes the file of a transfer to a directory, which is made if it is not there, under a name
/// that does no harm and is not taken. `read` is given what takes the octets and says what they
/// were; `None`, or another hash than the transfer's, is an error: the capture has changed.
pub fn write(
    directory: &Path,
    id: &str,
    name: Option<&str>,
    transfer: &Transfer,
    read: impl FnOnce(Box<dyn ByteSink>) -> Option<Content>,
) -> io::Result<Written> {
    fs::create_dir_all(directory)?;
    let mut made = None;
    let incomplete = if transfer.may_be_whole() { "" } else { ".incomplete" };
    let name = format!("{}{incomplete}", on_disk(id, name));
    // It has its name only once it is whole and proved to be the same.
    let part = place_new(directory, &format!("{name}.part"), |path| {
        made = Some(new_file(path)?);
        Ok(())
    })?;
    let part = directory.join(part);
    let Some(file) = made else { return Err(io::ErrorKind::NotFound.into()) };
    let failed = Arc::<Mutex<Option<io::Error>>>::default();
    let sink = Box::new(Sink { file, failed: Arc::clone(&failed) });
    let content = read(sink);
    if let Some(error) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        fs::remove_file(&part)?;
        return Err(error);
    }
    let known = transfer.content.as_ref();
    let is_same = content
        .as_ref()
        .zip(known)
        .is_some_and(|(now, then)| now.hashes.digests().sha256 == then.hashes.digests().sha256);
    match content.filter(|_| is_same) {
        Some(content) => {
            let name = place_new(directory, &name, |path| rename_new(&part, path))?;
            let (path, file) = (directory.join(name), content.of_file());
            let sha256 = hex(&file.hashes.digests().sha256);
            Ok(Written { path, bytes: file.bytes, sha256 })
        }
        None => {
            fs::remove_file(&part)?;
            Err(io::Error::other("the capture is not what it was when it was read"))
        }
    }
}

struct Sink {
    file: File,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl ByteSink for Sink {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() {
            let written =
                self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.write_all(bytes));
            *failed = written.err();
        }
    }
}
