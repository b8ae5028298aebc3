//! The last names of the files, `manifest.json` and `SHA256SUMS`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::disk::{Identity, new_file, place_new};
use super::join::{PieceOnDisk, is_worth_it, join};
use super::name::{matches, on_disk};
use super::record::{
    FileRecord, JoinedRecord, ManifestRecord, NotWrittenRecord, Of, SessionFacts, Written,
};
use super::shape::{Shaped, link, shape};
use super::spool::Spool;
use super::store::{Bound, PartId, Shelf};
use super::{ExtractError, Only};
use crate::analysis::Charset;
use crate::analysis::{Analysis, Collector, LogicalFile, Piece};
use crate::decode::{Net, Tunnel, Tunnels};
use crate::hash::hex;
use crate::limits::Limits;
use crate::report::document::{self, file_id, session_id, transfer_id};
use crate::report::escape::escape;
use crate::report::human;
use crate::report::visible::to_vec_pretty;
use crate::session::{Session, SessionId, TransferId};
use crate::transfer::{Content, Decoded, Direction, Face, Orphan, Transfer};

/// Gives every file its name when its transfer is final, and lists them at the end.
pub struct Manifest {
    shelf: Shelf,
    only: Only,
    several_inputs: bool,
    tunnels: Tunnels,
    files: Spool,
    sums: Spool,
    joined: Spool,
    not_written: Spool,
    /// What is on disk of each transfer that may be a piece of a file.
    pieces: BTreeMap<TransferId, (String, Identity)>,
    /// Files of sessions that are not over: what a manifest says of them is not known yet.
    waiting: BTreeMap<SessionId, Vec<Written>>,
    waiting_count: usize,
    most_waiting: usize,
    /// What the newest parts became, as two transfers may share one.
    shaped: BTreeMap<PartId, Shaped>,
    most_files: u64,
    /// Bytes of holes that may still be hashed.
    hashable: u64,
    limits_reached: BTreeMap<&'static str, u64>,
    failed: u64,
    first_failure: Option<String>,
    summary: Summary,
}

/// What was done, in a sentence.
#[derive(Default)]
pub struct Summary {
    files: u64,
    bytes: u64,
    incomplete: u64,
    /// Files put together from pieces.
    joined: u64,
    cut: BTreeMap<Bound, u64>,
    beyond: u64,
    manifest: PathBuf,
}

/// Shaped parts remembered.
const SHAPED_KEPT: usize = 1 << 12;

impl Manifest {
    pub(super) fn new(
        shelf: Shelf,
        only: Only,
        limits: &Limits,
        several_inputs: bool,
    ) -> io::Result<Self> {
        let directory = shelf.lock().directory.clone();
        let spool = |name| Spool::new(&directory.join(name));
        Ok(Self {
            only,
            several_inputs,
            tunnels: Tunnels::default(),
            files: spool(".files")?,
            sums: spool(".sums")?,
            joined: spool(".joined-list")?,
            not_written: spool(".not-written")?,
            pieces: BTreeMap::new(),
            waiting: BTreeMap::new(),
            waiting_count: 0,
            most_waiting: limits.waiting_files,
            shaped: BTreeMap::new(),
            most_files: limits.files,
            hashable: limits.hole_bytes_hashed,
            limits_reached: BTreeMap::new(),
            failed: 0,
            first_failure: None,
            summary: Summary::default(),
            shelf,
        })
    }

    /// Nothing was read: leaves the directory as it was.
    pub fn abandon(self) {
        self.shelf.lock().discard_all();
    }

    /// Writes the manifest and the sums. An error about single files comes last: what could be
    /// written is valid and listed.
    pub fn finish(mut self, analysis: &Analysis) -> Result<Summary, ExtractError> {
        self.shelf.lock().discard_all();
        self.list_waiting();
        for (place, file) in analysis.files.iter().enumerate() {
            self.join(place, file, analysis);
        }
        let mut facts = analysis.capture.clone();
        facts.limits_reached.append(&mut self.limits_reached);
        let head = ManifestRecord::new(&facts, &analysis.inputs, self.several_inputs);

        let Self { shelf, files, joined, sums, not_written, .. } = self;
        let directory = shelf.lock().directory.clone();
        let put = |name, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>| {
            let failed = |source| ExtractError::Write { path: directory.join(name), source };
            let mut made = None;
            let placed = place_new(&directory, name, |path| {
                made = Some(new_file(path)?);
                Ok(())
            });
            let placed = placed.map_err(failed)?;
            let written = made.map_or(Ok(()), |file| {
                let mut out = BufWriter::new(file);
                write(&mut out)?;
                out.flush()
            });
            written.map_err(failed)?;
            Ok(directory.join(placed))
        };
        let mut sums = Some(sums);
        put("SHA256SUMS", &mut |out| {
            sums.take().map_or(Ok(()), |sums| sums.read(|line| out.write_all(line)))
        })?;
        let mut lists = Some([("files", files), ("joined", joined), ("not_written", not_written)]);
        let manifest = put("manifest.json", &mut |out| {
            let Some(lists) = lists.take() else { return Ok(()) };
            write_manifest(&head, lists, out)
        })?;
        if let Some(first) = self.first_failure {
            return Err(ExtractError::Incomplete { failed: self.failed, first, manifest });
        }
        Ok(Summary { manifest, ..self.summary })
    }

    /// Puts a file together that no single transfer moved whole, if all its pieces are here.
    fn join(&mut self, place: usize, file: &LogicalFile, analysis: &Analysis) {
        if !file.is_of_pieces() {
            return;
        }
        let pieces = file.pieces.iter().map(|piece| self.piece(piece, analysis));
        let pieces = pieces.collect::<Option<Vec<PieceOnDisk>>>();
        let Some(pieces) = pieces.filter(|pieces| is_worth_it(pieces)) else { return };
        let path = Charset::of_name(Some(&file.path)).decode(&file.path).0;
        let name = on_disk(&file_id(place), Some(&path));
        let joined = join(&mut self.shelf.lock(), file, &pieces, &name, &mut self.hashable);
        match joined {
            Ok(Ok(joined)) => {
                let order = (true, u32::MAX / 2 + place as u32);
                if let Some(hashes) = &joined.hashes {
                    let line = format!("{}  {}\n", hex(&hashes.digests().sha256), joined.file);
                    self.sums.push(order, line.as_bytes());
                }
                self.summary.joined += 1;
                self.summary.incomplete += u64::from(!joined.is_whole);
                let record = JoinedRecord::new(place, file, &joined, &pieces, &path);
                self.joined.push_record(order, &record);
            }
            Ok(Err(bound)) => self.reach(bound.name()),
            Err(error) => self.fail(&name, &error.to_string()),
        }
    }

    fn piece(&self, piece: &Piece, analysis: &Analysis) -> Option<PieceOnDisk> {
        let (file, identity) = self.pieces.get(&piece.transfer)?.clone();
        // Where octets of what is decoded stand in the file is not known.
        let content = analysis.transfer(piece.transfer)?.content.as_ref();
        let content = content.filter(|one| one.likely_decoded().is_none())?;
        Some(PieceOnDisk {
            transfer: piece.transfer,
            file,
            identity,
            captured: piece.captured(&analysis.transfers),
            start: piece.range?.start,
            hashes: content.hashes.clone(),
        })
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
    fn keep(&mut self, part: PartId, name: &str, may_be_whole: bool, content: &Content, of: Of) {
        let mut store = self.shelf.lock();
        let shaped = match self.shaped.get(&part) {
            Some(first) => link(&store, first, name),
            None => shape(&mut store, part, name, may_be_whole, content, &mut self.hashable),
        };
        drop(store);
        let shaped = match shaped {
            Ok(shaped) => shaped,
            Err(error) => return self.fail(name, &error.to_string()),
        };
        if let Some(error) = &shaped.error {
            self.fail(&shaped.file, error);
        }
        if shaped.hashes.is_none() && shaped.disk_hashes.is_none() {
            self.reach("hole_bytes_hashed");
        }
        if shaped.starts_at.is_some() {
            self.reach(Bound::Holes.name());
        }
        if let Some(bound) = shaped.cut {
            self.reach(bound.name());
            *self.summary.cut.entry(bound).or_default() += 1;
        }
        if let Of::Transfer(transfer) = &of
            && shaped.starts_at.is_none()
            && shaped.cut.is_none()
        {
            let on_disk = (shaped.file.clone(), shaped.identity);
            self.pieces.insert(transfer.request.id, on_disk);
        }
        self.shaped.insert(part, shaped.clone());
        if self.shaped.len() > SHAPED_KEPT {
            self.shaped.pop_first();
        }
        let written = Written { shaped, of };
        self.summary.files += 1;
        self.summary.bytes += written.shaped.bytes;
        self.summary.incomplete += u64::from(written.is_incomplete());
        self.await_session(written);
    }

    fn await_session(&mut self, written: Written) {
        let (Of::Transfer(transfer) | Of::Wire(transfer)) = &written.of else {
            return self.list(&written, None);
        };
        self.waiting.entry(transfer.session).or_default().push(written);
        self.waiting_count += 1;
        if self.waiting_count > self.most_waiting {
            self.limits_reached
                .entry("waiting_files")
                .and_modify(|count| *count += self.waiting_count as u64)
                .or_insert(self.waiting_count as u64);
            self.list_waiting();
        }
    }

    /// Lists what waits, without what only the end of its session would tell.
    fn list_waiting(&mut self) {
        self.waiting_count = 0;
        for written in std::mem::take(&mut self.waiting).into_values().flatten() {
            self.list(&written, None);
        }
    }

    fn list(&mut self, written: &Written, session: Option<&SessionFacts>) {
        let (order, shaped) = (written.order(), &written.shaped);
        if let Some(hashes) = shaped.hashes.as_ref().or(shaped.disk_hashes.as_ref()) {
            let line = format!("{}  {}\n", hex(&hashes.digests().sha256), shaped.file);
            self.sums.push(order, line.as_bytes());
        }
        let record = FileRecord::new(written, session, &self.tunnels, self.several_inputs);
        self.files.push_record(order, &record);
    }

    fn not_written(&mut self, transfer: &Transfer, limit: Option<&'static str>) {
        let (id, outcome) = (transfer_id(transfer.request.id), document::outcome(transfer.outcome));
        let record = NotWrittenRecord { transfer: &id, outcome, limit };
        self.not_written.push_record((false, transfer.request.id.0), &record);
    }

    /// Whether one file more may be written.
    fn has_room(&mut self) -> bool {
        let has_room = self.summary.files < self.most_files;
        if !has_room {
            self.summary.beyond += 1;
            self.reach("files");
        }
        has_room
    }

    fn reach(&mut self, limit: &'static str) {
        *self.limits_reached.entry(limit).or_default() += 1;
    }

    fn fail(&mut self, name: &str, error: &str) {
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| format!("{name}: {error}"));
    }
}

impl Collector for Manifest {
    fn tunnel(&mut self, outer: Net, tunnel: Tunnel) {
        self.tunnels.push(outer, tunnel);
    }

    fn transfer(&mut self, transfer: Transfer) {
        let part = transfer.data.as_ref().map(|data| data.id).zip(transfer.content_dir());
        let (is_chosen, has_file) = (self.is_chosen(&transfer), transfer.has_file());
        if let Some((data, dir)) = part {
            let mut store = self.shelf.lock();
            store.leave_both(data, dir.reversed());
            if !is_chosen || !has_file {
                store.leave_both(data, dir);
            }
        }
        if !is_chosen {
            return;
        }
        let content = transfer.content.as_ref().filter(|_| has_file);
        let Some(((data, dir), content)) = part.zip(content) else {
            return self.not_written(&transfer, None);
        };
        let content = content.clone();
        if !self.has_room() {
            self.shelf.lock().leave_both(data, dir);
            return self.not_written(&transfer, Some("files"));
        }
        let wire_name = transfer.request.name.as_deref();
        let decoded = wire_name.map(|name| Charset::of_name(wire_name).decode(name).0);
        let name = on_disk(&transfer_id(transfer.request.id), decoded.as_deref());
        let may_be_whole = transfer.may_be_whole();
        let is_likely = content.decoded.as_deref().map(Decoded::is_likely);
        // Which of the two is the file was not known while they were written.
        let (face, other) = match is_likely {
            Some(false) => (Face::Wire, Face::File),
            _ => (Face::File, Face::Wire),
        };
        if self.only.wire && is_likely == Some(true) {
            let (part, name) = ((data, dir, Face::Wire), format!("{name}.wire"));
            let of = Of::Wire(Box::new(transfer.clone()));
            self.keep(part, &name, may_be_whole, &content, of);
        } else if is_likely.is_some() {
            self.shelf.lock().discard((data, dir, other));
        }
        let file = content.of_file();
        self.keep((data, dir, face), &name, may_be_whole, &file, Of::Transfer(Box::new(transfer)));
    }

    fn session(&mut self, session: Session) {
        let Some(waiting) = self.waiting.remove(&session.id) else { return };
        self.waiting_count -= waiting.len();
        let facts = SessionFacts::new(&session);
        for written in waiting {
            self.list(&written, Some(&facts));
        }
    }

    fn orphan(&mut self, orphan: Orphan) {
        let only = &self.only;
        let by_transfer = [&only.directions, &only.names, &only.sessions, &only.outcomes];
        if by_transfer.iter().any(|list| !list.is_empty()) || !self.has_room() {
            return;
        }
        let dir = orphan.main_dir();
        let content = orphan.carried.from(dir).clone();
        let part = (orphan.carried.connection.id, dir, Face::File);
        let name = document::orphan_id(&orphan);
        let is_whole = content.is_whole_stream();
        self.keep(part, &name, is_whole, &content, Of::Orphan(Box::new(orphan)));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = self.manifest.parent().unwrap_or(&self.manifest).to_string_lossy();
        let name = self.manifest.file_name().unwrap_or_default().to_string_lossy();
        let s = if self.files == 1 { "" } else { "s" };
        let (files, bytes) = (human::number(self.files), human::bytes(self.bytes));
        write!(out, "{files} file{s}, {bytes}, in {}", escape(&directory))?;
        let mut notes = Vec::new();
        if self.incomplete > 0 {
            notes.push(format!("{} incomplete", human::number(self.incomplete)));
        }
        if self.joined > 0 {
            notes.push(format!("{} put together from pieces", human::number(self.joined)));
        }
        for (bound, count) in &self.cut {
            notes.push(format!("{} cut short by {}", human::number(*count), bound.flag()));
        }
        if self.beyond > 0 {
            notes.push(format!("{} beyond the limit on files", human::number(self.beyond)));
        }
        if !notes.is_empty() {
            write!(out, "; {} (see {name})", notes.join(", "))?;
        }
        Ok(())
    }
}

/// The lists stand on disk: they are put behind the rest one by one.
fn write_manifest(
    head: &ManifestRecord,
    lists: [(&str, Spool); 3],
    out: &mut dyn Write,
) -> io::Result<()> {
    let head = to_vec_pretty(head)?;
    out.write_all(head.strip_suffix(b"\n}").unwrap_or(&head))?;
    for (name, list) in lists {
        write!(out, ",\n  \"{name}\": [")?;
        let mut separator = "\n    ";
        list.read(|record| {
            out.write_all(separator.as_bytes())?;
            separator = ",\n    ";
            out.write_all(record)
        })?;
        out.write_all(if separator.starts_with(',') { b"\n  ]" } else { b"]" })?;
    }
    out.write_all(b"\n}\n")
}
