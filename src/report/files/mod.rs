//! Files on disk: what was moved, streamed as the capture is read, with a manifest and sums.
//!
//! While a data connection is read its bytes go to a file with a name of its own; when the
//! transfer is final the file gets its last name. No name on disk comes from the wire unchanged.

mod manifest;
mod name;
mod part;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use self::manifest::{Manifest, Summary};
pub use self::part::Parts;

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
    Incomplete { failed: usize, first: String, manifest: PathBuf },
}

/// Makes the directory, which must be new or empty, ready for a capture's files.
pub fn create(directory: &Path, only: Only) -> Result<(Parts, Manifest), ExtractError> {
    let failed = |source| ExtractError::Directory { path: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(failed)?;
    if fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Err(ExtractError::NotEmpty(directory.to_owned()));
    }
    // Told now rather than after hours of reading.
    let probe = directory.join(".probe");
    new_file(&probe).map_err(failed)?;
    fs::remove_file(&probe).map_err(failed)?;
    let failures = Rc::default();
    let parts = Parts::new(directory.to_owned(), Rc::clone(&failures));
    Ok((parts, Manifest::new(directory.to_owned(), only, failures)))
}

/// A file nobody else may read, that was not there before: links are not followed, nothing is
/// overwritten.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
