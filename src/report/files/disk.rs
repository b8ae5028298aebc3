//! Files in a directory that others may write to as well.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::hash::{HashSet, Hasher, Hashes};

/// What tells a file from another of the same name.
#[cfg(unix)]
pub(super) type Identity = (u64, u64);
#[cfg(not(unix))]
pub(super) type Identity = ();

#[cfg(unix)]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(super) fn identity(_: &Metadata) -> Identity {}

/// A file nobody else may read, that was not there before: links are not followed, nothing is
/// overwritten.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens a file made before, or fails if another stands in its place now. Looked at before it is
/// opened, as a pipe would hold us up, and again before anything is done with it.
pub(super) fn reopen(path: &Path, ours: Identity, options: &OpenOptions) -> io::Result<File> {
    check(&fs::symlink_metadata(path)?, ours)?;
    let file = options.open(path)?;
    check(&file.metadata()?, ours)?;
    Ok(file)
}

/// Fails if `found` is not the file made before.
pub(super) fn check(found: &Metadata, ours: Identity) -> io::Result<()> {
    match found.is_file() && identity(found) == ours {
        true => Ok(()),
        false => Err(io::Error::other("something else was put in its place")),
    }
}

/// Does `place` with the path of `name`, or where something stands there already, of the name
/// with a number in front. Gives the name.
pub(super) fn place_new(
    directory: &Path,
    name: &str,
    mut place: impl FnMut(&Path) -> io::Result<()>,
) -> io::Result<String> {
    let numbered = (2..=MOST_NAMES).map(|nth| format!("{nth}_{name}"));
    for name in [name.to_owned()].into_iter().chain(numbered) {
        match place(&directory.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            placed => return placed.map(|()| name),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Gives a file another name, at which nothing stands.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    // A hard link fails where a rename would overwrite.
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems know no links. What is overwritten then is what was just made.
        Err(_) => new_file(to).and_then(|_| fs::rename(from, to)),
    }
}

/// Copies to where `to` stands; what is zeros is left a hole.
pub(super) fn copy_sparse(from: &mut File, to: &mut File) -> io::Result<()> {
    each_block(from, |block| match block.iter().all(|byte| *byte == 0) {
        true => to.seek(SeekFrom::Current(block.len().cast_signed() as i64)).map(drop),
        false => to.write_all(block),
    })?;
    // A hole at the end has no length of its own.
    let length = to.stream_position()?;
    to.set_len(length)
}

/// Hashes of a file on disk.
pub(super) fn hash_file(file: &mut File, set: HashSet) -> io::Result<Hashes> {
    let mut hasher = Hasher::new(set);
    each_block(file, |block| {
        hasher.update(block);
        Ok(())
    })?;
    Ok(hasher.finish().into())
}

fn each_block(file: &mut File, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => take(buffer.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Names tried for one file before it is given up.
const MOST_NAMES: usize = 100;
