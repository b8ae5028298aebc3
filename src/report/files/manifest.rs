//! The last names of the files, `manifest.json` and `SHA256SUMS`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::name::{matches, on_disk};
use super::part::{Failures, path_of};
use super::{ExtractError, Only, new_file};
use crate::analysis::{CaptureFacts, Collector, warnings};
use crate::capture::InputFacts;
use crate::hash::{HashSet, Hasher, Hashes};
use crate::report::charset::Charset;
use crate::report::document::{
    self, CaptureRecord, EndpointRecord, HashesRecord, InputRecord, OrphanRecord, SCHEMA,
    SchemaRecord, TOOL, ToolRecord, TransferRecord, session_id, transfer_id,
};
use crate::report::human;
use crate::session::{DataId, Session, SessionId};
use crate::tcp::Dir;
use crate::transfer::{Content, Direction, Orphan, Transfer};

/// Gives every file its name when its transfer is final, and lists them at the end.
pub struct Manifest {
    directory: PathBuf,
    only: Only,
    failures: Failures,
    written: Vec<Written>,
    not_written: Vec<NotWrittenRecord>,
    sessions: BTreeMap<SessionId, SessionFacts>,
    /// The files that parts became.
    kept: BTreeMap<(DataId, Dir), String>,
}

/// What was done, in a sentence.
pub struct Summary {
    files: usize,
    bytes: u64,
    incomplete: usize,
    directory: PathBuf,
}

/// A file on disk.
struct Written {
    file: String,
    bytes: u64,
    hashes: Hashes,
    error: Option<String>,
    of: Of,
}

enum Of {
    Transfer(Box<Transfer>),
    Orphan(Box<Orphan>),
}

/// What the manifest says of the session a file was moved in.
struct SessionFacts {
    client: EndpointRecord,
    server: EndpointRecord,
    user: Option<String>,
    charset: Charset,
}

#[derive(Serialize)]
struct ManifestRecord<'a> {
    schema: SchemaRecord,
    tool: ToolRecord,
    inputs: Vec<HashedInputRecord>,
    capture: CaptureRecord,
    files: Vec<FileRecord<'a>>,
    /// Transfers that were chosen and left nothing to write.
    not_written: &'a [NotWrittenRecord],
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct HashedInputRecord {
    #[serde(flatten)]
    input: InputRecord,
    /// Of the raw bytes of the file; `null` if it was not read to its end.
    sha256: Option<String>,
}

#[derive(Serialize)]
struct FileRecord<'a> {
    /// Name in the directory of the manifest.
    file: &'a str,
    /// On disk, holes included.
    bytes: u64,
    /// Of the file on disk.
    hashes: HashesRecord,
    /// Why it is shorter than what was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    user: Option<&'a str>,
    control_client: Option<&'a EndpointRecord>,
    control_server: Option<&'a EndpointRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orphan: Option<OrphanRecord>,
}

#[derive(Serialize)]
struct NotWrittenRecord {
    transfer: String,
    outcome: &'static str,
}

impl Manifest {
    pub(super) fn new(directory: PathBuf, only: Only, failures: Failures) -> Self {
        let (written, not_written, sessions) = (Vec::new(), Vec::new(), BTreeMap::new());
        let kept = BTreeMap::new();
        Self { directory, only, failures, written, not_written, sessions, kept }
    }

    /// Nothing was read: leaves the directory as it was.
    pub fn abandon(self) {
        self.remove_parts();
    }

    /// Writes the manifest and the sums. An error about single files comes last: what could be
    /// written is valid and listed.
    pub fn finish(
        mut self,
        facts: &CaptureFacts,
        inputs: &[InputFacts],
        several_inputs: bool,
    ) -> Result<Summary, ExtractError> {
        self.remove_parts();
        self.written.sort_by_key(|written| match &written.of {
            Of::Transfer(transfer) => (0, transfer.request.id.0),
            Of::Orphan(orphan) => (1, orphan.number),
        });
        let sums: String = self
            .written
            .iter()
            .map(|written| format!("{}  {}\n", written.hashes.sha256, written.file))
            .collect();
        self.put("SHA256SUMS", |out| out.write_all(sums.as_bytes()))?;
        self.put("manifest.json", |out| {
            serde_json::to_writer_pretty(&mut *out, &self.record(facts, inputs, several_inputs))?;
            out.write_all(b"\n")
        })?;
        self.summary()
    }

    fn summary(self) -> Result<Summary, ExtractError> {
        let mut errors = self.failures.take();
        if let Some((_, error)) = errors.pop_first() {
            let manifest = self.directory.join("manifest.json");
            let (failed, first) = (errors.len() + 1, error.to_string());
            return Err(ExtractError::Incomplete { failed, first, manifest });
        }
        Ok(Summary {
            files: self.written.len(),
            bytes: self.written.iter().map(|written| written.bytes).sum(),
            incomplete: self.written.iter().filter(|written| written.is_incomplete()).count(),
            directory: self.directory,
        })
    }

    fn record(
        &self,
        facts: &CaptureFacts,
        inputs: &[InputFacts],
        several: bool,
    ) -> ManifestRecord<'_> {
        let inputs_hashed = inputs.iter().map(|input| HashedInputRecord {
            input: InputRecord::new(input),
            sha256: input.hashes.as_ref().map(|hashes| hashes.sha256.clone()),
        });
        ManifestRecord {
            schema: SCHEMA,
            tool: TOOL,
            inputs: inputs_hashed.collect(),
            capture: CaptureRecord::new(facts, several),
            files: self.written.iter().map(|written| self.file_record(written, several)).collect(),
            not_written: &self.not_written,
            warnings: warnings(inputs, facts),
        }
    }

    fn file_record<'a>(&'a self, written: &'a Written, several: bool) -> FileRecord<'a> {
        let session = match &written.of {
            Of::Transfer(transfer) => self.sessions.get(&transfer.session),
            Of::Orphan(_) => None,
        };
        let charset = session.map_or_else(Charset::default, |session| session.charset);
        let (transfer, orphan) = match &written.of {
            Of::Transfer(transfer) => (Some(TransferRecord::new(transfer, charset, several)), None),
            Of::Orphan(orphan) => (None, Some(OrphanRecord::new(orphan, several))),
        };
        FileRecord {
            file: &written.file,
            bytes: written.bytes,
            hashes: document::hashes(&written.hashes),
            error: written.error.as_deref(),
            user: session.and_then(|session| session.user.as_deref()),
            control_client: session.map(|session| &session.client),
            control_server: session.map(|session| &session.server),
            transfer,
            orphan,
        }
    }

    fn put(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ExtractError> {
        let path = self.directory.join(name);
        let written = new_file(&path).and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            out.flush()
        });
        written.map_err(|source| ExtractError::Write { path, source })
    }

    /// Parts that no transfer asked for.
    fn remove_parts(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(".part-") {
                // It is ours, and hidden: one that stays does no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn is_chosen(&self, transfer: &Transfer) -> bool {
        let only = &self.only;
        let among = |list: &[String], value: &str| {
            list.is_empty() || list.iter().any(|wanted| wanted == value)
        };
        let name =
            transfer.request.name.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        (only.listings || transfer.direction != Direction::Listing)
            && among(&only.directions, document::direction(transfer.direction))
            && among(&only.sessions, &session_id(transfer.session))
            && among(&only.outcomes, document::outcome(transfer.outcome))
            && (only.names.is_empty() || only.names.iter().any(|pattern| matches(pattern, &name)))
    }

    /// Gives a part its last name and its last shape.
    fn keep(&mut self, data: DataId, dir: Dir, file: String, content: &Content, of: Of) {
        // In a site-to-site copy two transfers share the bytes: the second copies the first's.
        let from = match self.kept.get(&(data, dir)) {
            Some(first) => self.directory.join(first),
            None => path_of(&self.directory, data, dir),
        };
        let is_shared = self.kept.insert((data, dir), file.clone()).is_some();
        let path = self.directory.join(&file);
        let error = self.failures.borrow().get(&from).map(ToString::to_string);
        let kept = shape(&from, &path, content, is_shared).and_then(|()| {
            let bytes = fs::metadata(&path)?.len();
            let hashes = match content.is_whole() && error.is_none() {
                true => content.hashes.clone(),
                false => hash_file(&path, &content.hashes)?,
            };
            Ok((bytes, hashes))
        });
        match kept {
            Ok((bytes, hashes)) => self.written.push(Written { file, bytes, hashes, error, of }),
            Err(error) => {
                self.failures.borrow_mut().insert(path, error);
            }
        }
    }
}

impl Collector for Manifest {
    fn transfer(&mut self, transfer: Transfer) {
        let part = transfer.data.as_ref().map(|data| data.id).zip(transfer.content_dir());
        if !self.is_chosen(&transfer) {
            // Its part may be another's too; what nobody takes is removed at the end.
            return;
        }
        let id = transfer_id(transfer.request.id);
        match (part, &transfer.content) {
            (Some((data, dir)), Some(content)) if transfer.has_file() => {
                let charset = Charset::of_name(transfer.request.name.as_deref());
                let name = transfer.request.name.as_deref().map(|name| charset.decode(name).0);
                let ending = if transfer.may_be_whole() { "" } else { ".incomplete" };
                let file = format!("{}{ending}", on_disk(&id, name.as_deref()));
                let content = content.clone();
                self.keep(data, dir, file, &content, Of::Transfer(Box::new(transfer)));
            }
            _ => {
                let outcome = document::outcome(transfer.outcome);
                self.not_written.push(NotWrittenRecord { transfer: id, outcome });
            }
        }
    }

    fn session(&mut self, session: Session) {
        let charset = Charset::of(&session);
        let user = session.login.user.as_deref().map(|user| charset.decode(user).0);
        let facts = SessionFacts {
            client: document::endpoint(session.client),
            server: document::endpoint(session.server),
            user,
            charset,
        };
        self.sessions.insert(session.id, facts);
    }

    fn orphan(&mut self, orphan: Orphan) {
        let only = &self.only;
        let by_transfer = [&only.directions, &only.names, &only.sessions, &only.outcomes];
        if by_transfer.iter().any(|list| !list.is_empty()) {
            return;
        }
        let dir = orphan.main_dir();
        let content = orphan.carried.from(dir).clone();
        let ending = if content.is_whole_stream() { "" } else { ".incomplete" };
        let file = format!("{}{ending}", document::orphan_id(&orphan));
        let data = orphan.carried.connection.id;
        self.keep(data, dir, file, &content, Of::Orphan(Box::new(orphan)));
    }
}

impl Written {
    fn is_incomplete(&self) -> bool {
        self.error.is_some() || self.file.ends_with(".incomplete")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.files == 1 { "" } else { "s" };
        let bytes = human::bytes(self.bytes);
        write!(out, "{} file{s}, {bytes}, in {}", self.files, self.directory.display())?;
        if self.incomplete > 0 {
            write!(out, "; {} incomplete (see manifest.json)", self.incomplete)?;
        }
        Ok(())
    }
}

/// Moves a part to its last path. A beginning that is missing by a known length is put back as
/// zeros, and so is an end.
fn shape(from: &Path, to: &Path, content: &Content, is_shared: bool) -> io::Result<()> {
    if content.bytes == 0 {
        // No byte, no part.
        new_file(to)?;
    } else if is_shared {
        io::copy(&mut File::open(from)?, &mut new_file(to)?)?;
    } else if let Some(before) = content.missing_beginning() {
        let mut shifted = new_file(to)?;
        shifted.seek(SeekFrom::Start(before))?;
        io::copy(&mut File::open(from)?, &mut shifted)?;
        fs::remove_file(from)?;
    } else {
        // A hard link fails where a rename would overwrite.
        fs::hard_link(from, to).or_else(|_| fs::rename(from, to))?;
        let _ = fs::remove_file(from);
    }
    let lost = content.missing.iter().filter_map(|missing| missing.bytes).sum::<u64>();
    if lost + content.missing_unlisted > 0 {
        let length = content.bytes + lost + content.missing_unlisted;
        let file = File::options().write(true).open(to)?;
        if file.metadata()?.len() < length {
            file.set_len(length)?;
        }
    }
    Ok(())
}

/// The same hashes as `like`, of a file on disk.
fn hash_file(path: &Path, like: &Hashes) -> io::Result<Hashes> {
    let mut hasher = Hasher::new(HashSet { sha1: like.sha1.is_some(), md5: like.md5.is_some() });
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
