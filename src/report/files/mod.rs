//! Files on disk: what was moved, streamed as the capture is read, with a manifest and sums.
//!
//! While a data connection is read its bytes go to a part, a file with a name of its own; when the
//! transfer is final the part gets its last name. No name on disk comes from the wire unchanged,
//! nothing that another puts into the directory meanwhile is followed or overwritten, and what the
//! disk and the memory hold is bounded by [`Limits`].

mod disk;
mod join;
mod manifest;
mod name;
mod record;
mod shape;
pub mod single;
mod spool;
mod store;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::manifest::{Manifest, Summary};
pub use self::store::Parts;
use self::store::{Shelf, Store};
use crate::limits::Limits;

/// Which transfers are written: any of each list that is not empty.
#[derive(Clone, Debug, Default)]
pub struct Only {
    pub directions: Vec<String>,
    /// Patterns with `*` and `?`, without regard to case.
    pub names: Vec<String>,
    pub sessions: Vec<String>,
    pub outcomes: Vec<String>,
    /// Listings too.
    pub listings: bool,
    /// Beside a file that was made of what was on the wire, that too.
    pub wire: bool,
}

/// Why extraction cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    #[error("{} is not empty: files are written to a new or empty directory", .0.display())]
    NotEmpty(PathBuf),
    #[error("cannot use {} as a directory to write to", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "{failed} of the files could not be written whole ({first}); {} lists what is there",
        manifest.display()
    )]
    Incomplete { failed: u64, first: String, manifest: PathBuf },
}

/// Makes the directory, which must be new or empty, ready for a capture's files.
pub fn create(
    directory: &Path,
    only: Only,
    limits: &Limits,
    several_inputs: bool,
) -> Result<(Parts, Manifest), ExtractError> {
    let failed = |source| ExtractError::Directory { path: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(failed)?;
    if fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Err(ExtractError::NotEmpty(directory.to_owned()));
    }
    let shelf = Shelf::new(Store::new(directory.to_owned(), limits));
    let parts = Parts::new(shelf.clone());
    // That it cannot be written to shows here rather than after hours of reading.
    let manifest = Manifest::new(shelf, only, limits, several_inputs).map_err(failed)?;
    Ok((parts, manifest))
}
