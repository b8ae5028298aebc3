//! One file, written by itself.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{hash_file, new_file, place_new, rename_new};
use super::join::Joining;
use super::name::on_disk;
use crate::analysis::LogicalFile;
use crate::hash::{HashSet, hex};
use crate::limits::Limits;
use crate::transfer::{self, ByteSink, Content, Transfer};

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
    let incomplete = if transfer.may_be_whole() { "" } else { ".incomplete" };
    let name = format!("{}{incomplete}", on_disk(id, name));
    // It has its name only once it is whole and proved to be the same.
    let (part, file) = new_part(directory, &name)?;
    let failed = Arc::<Mutex<Option<io::Error>>>::default();
    let sink = Box::new(Sink { file, failed: Arc::clone(&failed) });
    let content = read(sink);
    if let Some(error) = lock(&failed).take() {
        fs::remove_file(&part)?;
        return Err(error);
    }
    let is_same = is_same(content.as_ref(), transfer);
    match content.filter(|_| is_same) {
        Some(content) => {
            let name = place_new(directory, &name, |path| rename_new(&part, path))?;
            let (path, file) = (directory.join(name), content.of_file());
            let sha256 = hex(&file.hashes.digests().sha256);
            Ok(Written { path, bytes: file.bytes, sha256 })
        }
        None => {
            fs::remove_file(&part)?;
            Err(changed())
        }
    }
}

/// Writes a file that several transfers moved parts of, as [`write()`] does one of them: of octets
/// that two have, the first. It is `.incomplete` where something is missing or two differ. `read`
/// is asked for each transfer.
pub fn write_joined(
    directory: &Path,
    id: &str,
    name: Option<&str>,
    (file, transfers): (&LogicalFile, &[Transfer]),
    limits: &Limits,
    mut read: impl FnMut(&Transfer, Box<dyn ByteSink>) -> Option<Content>,
) -> io::Result<Written> {
    let name = on_disk(id, name);
    let (part, made) = new_part(directory, &name)?;
    let joining = Arc::new(Mutex::new((Joining::new(made), Ok(()))));
    let done = join(&joining, file, transfers, &mut read)
        .and_then(|()| finish(&mut lock(&joining).0, file, limits));
    let done = done.and_then(|(bytes, sha256)| {
        let is_whole = file.is_whole() && lock(&joining).0.all_agree;
        let ending = if is_whole { "" } else { ".incomplete" };
        let name =
            place_new(directory, &format!("{name}{ending}"), |path| rename_new(&part, path))?;
        Ok(Written { path: directory.join(name), bytes, sha256 })
    });
    if done.is_err() {
        // What went wrong first is told.
        let _ = fs::remove_file(&part);
    }
    done
}

/// A file that has its name only later, in a directory that is made if it is not there.
fn new_part(directory: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    fs::create_dir_all(directory)?;
    let mut made = None;
    let part = place_new(directory, &format!("{name}.part"), |path| {
        made = Some(new_file(path)?);
        Ok(())
    })?;
    Ok((directory.join(part), made.ok_or(io::ErrorKind::NotFound)?))
}

type Shared = Arc<Mutex<(Joining, io::Result<()>)>>;

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn join(
    joining: &Shared,
    file: &LogicalFile,
    transfers: &[Transfer],
    read: &mut impl FnMut(&Transfer, Box<dyn ByteSink>) -> Option<Content>,
) -> io::Result<()> {
    for piece in &file.pieces {
        let Some(range) = piece.range.filter(|_| !piece.captured(transfers).is_empty()) else {
            continue;
        };
        let Some(transfer) = transfer::find(piece.transfer, transfers) else { continue };
        let sink = Box::new(PieceSink { joining: Arc::clone(joining), start: range.start });
        let content = read(transfer, sink);
        std::mem::replace(&mut lock(joining).1, Ok(()))?;
        if !is_same(content.as_ref(), transfer) {
            return Err(changed());
        }
    }
    Ok(())
}

/// Gives the file its length; that and its SHA-256, which is not made of holes beyond the bound.
fn finish(joining: &mut Joining, file: &LogicalFile, limits: &Limits) -> io::Result<(u64, String)> {
    let length = file.end().max(file.size).unwrap_or(0);
    let holes = length.saturating_sub(joining.written());
    if holes > limits.hole_bytes {
        return Err(io::Error::other("more is missing of it than may be left out"));
    }
    joining.file.set_len(length)?;
    if holes > limits.hole_bytes_hashed {
        return Ok((length, String::new()));
    }
    joining.file.seek(SeekFrom::Start(0))?;
    let hashes = hash_file(&mut joining.file, HashSet::default())?;
    Ok((length, hex(&hashes.digests().sha256)))
}

struct PieceSink {
    joining: Shared,
    /// Where in the whole file it begins.
    start: u64,
}

impl ByteSink for PieceSink {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let (joining, failed) = &mut *lock(&self.joining);
        if failed.is_ok() {
            *failed = joining.put(self.start.saturating_add(offset), bytes);
        }
    }
}

/// Whether what was read again is what it was.
fn is_same(now: Option<&Content>, transfer: &Transfer) -> bool {
    now.zip(transfer.content.as_ref()).is_some_and(|(now, then)| now.hashes.is_same(&then.hashes))
}

fn changed() -> io::Error {
    io::Error::other("the capture is not what it was when it was read")
}

struct Sink {
    file: File,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl ByteSink for Sink {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut failed = lock(&self.failed);
        if failed.is_none() {
            let written =
                self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.write_all(bytes));
            *failed = written.err();
        }
    }
}
