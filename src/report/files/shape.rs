//! The last name and the last shape of a part.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};

use super::disk::{
    Identity, check, copy_sparse, hash_file, identity, new_file, place_new, rename_new, reopen,
};
use super::store::{Bound, Part, PartId, Store};
use crate::hash::Hashes;
use crate::transfer::Content;

/// A file that has its last name.
#[derive(Clone)]
pub(super) struct Shaped {
    pub(super) file: String,
    pub(super) identity: Identity,
    /// On disk, holes included.
    pub(super) bytes: u64,
    /// Of the file on disk, if that is all that was captured and nothing of it is missing.
    pub(super) hashes: Option<Hashes>,
    /// Of the file on disk otherwise; `None` too where its holes are too large to hash.
    pub(super) disk_hashes: Option<Hashes>,
    /// Octets of the transfer in front of the file, where they are too many for a hole.
    pub(super) starts_at: Option<u64>,
    pub(super) cut: Option<Bound>,
    pub(super) error: Option<String>,
}

/// Gives a part its last shape and name: `name`, with `.incomplete` behind it unless it
/// `may_be_whole` and is. `hashable` is how many bytes of holes may still be hashed.
pub(super) fn shape(
    store: &mut Store,
    id: PartId,
    name: &str,
    may_be_whole: bool,
    content: &Content,
    hashable: &mut u64,
) -> io::Result<Shaped> {
    let mut part = match store.take(id)? {
        Some(part) => part,
        // No byte, no part.
        None if content.bytes == 0 => empty(store, id)?,
        None => return Err(io::ErrorKind::NotFound.into()),
    };
    let starts_at = begin(store, id, &mut part, content);
    end(store, id, &mut part, content, starts_at.unwrap_or(0))?;

    let is_all = part.is_growing();
    let ending = if may_be_whole && is_all { "" } else { ".incomplete" };
    let from = store.path_of(id);
    let name = format!("{name}{ending}");
    let file = place_new(&store.directory, &name, |path| rename_new(&from, path))?;
    let path = store.directory.join(&file);
    check(&fs::symlink_metadata(&path)?, part.identity)?;

    let is_whole = is_all && content.is_whole();
    let holes = part.length - part.captured;
    let mut disk_hashes = None;
    if !is_whole && holes <= *hashable {
        *hashable -= holes;
        let mut file = reopen(&path, part.identity, File::options().read(true))?;
        disk_hashes = Some(hash_file(&mut file, content.hashes.set())?);
    }
    Ok(Shaped {
        file,
        identity: part.identity,
        bytes: fs::symlink_metadata(&path)?.len(),
        hashes: is_whole.then(|| content.hashes.clone()),
        disk_hashes,
        starts_at,
        cut: part.cut,
        error: part.error.map(|error| error.to_string()),
    })
}

/// Another name for a file that was shaped before: in a site-to-site copy two transfers share the
/// bytes.
pub(super) fn link(store: &Store, first: &Shaped, name: &str) -> io::Result<Shaped> {
    let from = store.directory.join(&first.file);
    let ending = if first.file.ends_with(".incomplete") { ".incomplete" } else { "" };
    check(&fs::symlink_metadata(&from)?, first.identity)?;
    let name = format!("{name}{ending}");
    let mut identity_of = first.identity;
    let file = place_new(&store.directory, &name, |path| match fs::hard_link(&from, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // Some file systems know no links.
            let mut copy = new_file(path)?;
            identity_of = identity(&copy.metadata()?);
            copy_sparse(&mut reopen(&from, first.identity, File::options().read(true))?, &mut copy)
        }
        linked => linked,
    })?;
    Ok(Shaped { file, identity: identity_of, ..first.clone() })
}

fn empty(store: &Store, id: PartId) -> io::Result<Part> {
    let file = new_file(&store.path_of(id))?;
    let identity = identity(&file.metadata()?);
    Ok(Part { identity, length: 0, captured: 0, cut: None, error: None })
}

/// Puts back as a hole a beginning that is missing by a known length. Gives that length where it
/// cannot be: what was captured matters more than where it stands.
fn begin(store: &mut Store, id: PartId, part: &mut Part, content: &Content) -> Option<u64> {
    let before = content.missing_beginning().filter(|before| *before > 0)?;
    let length = part.length.saturating_add(before);
    let granted = store.room.grant_hole(before, length);
    if granted.is_err() || shift(store, id, part, before).is_err() {
        return Some(before);
    }
    part.length = length;
    None
}

fn shift(store: &Store, id: PartId, part: &mut Part, before: u64) -> io::Result<()> {
    let from = store.path_of(id);
    let to = from.with_extension("shifted");
    let mut shifted = new_file(&to)?;
    let copied = (|| {
        shifted.seek(SeekFrom::Start(before))?;
        copy_sparse(&mut reopen(&from, part.identity, File::options().read(true))?, &mut shifted)?;
        fs::remove_file(&from)?;
        fs::rename(&to, &from)?;
        identity_of(&shifted)
    })();
    match copied {
        Ok(identity) => part.identity = identity,
        // What it holds so far is zeros, or is still where it was.
        Err(_) => drop(fs::remove_file(&to)),
    }
    copied.map(drop)
}

fn identity_of(file: &File) -> io::Result<Identity> {
    Ok(identity(&file.metadata()?))
}

/// Makes a file that was captured to its end as long as it was, though its last octets are
/// missing.
fn end(
    store: &mut Store,
    id: PartId,
    part: &mut Part,
    content: &Content,
    starts_at: u64,
) -> io::Result<()> {
    let missing = content.missing.iter().filter_map(|missing| missing.bytes);
    let lost = missing.fold(content.missing_unlisted, u64::saturating_add);
    let length = content.bytes.saturating_add(lost).saturating_sub(starts_at);
    if !part.is_growing() || length <= part.length {
        return Ok(());
    }
    match store.room.grant_hole(length - part.length, length) {
        Ok(()) => {
            let path = store.path_of(id);
            reopen(&path, part.identity, File::options().write(true))?.set_len(length)?;
            part.length = length;
        }
        Err(bound) => part.cut = Some(bound),
    }
    Ok(())
}
