//! What the manifest says.

use std::borrow::Cow;

use serde::Serialize;

use super::join::{Joined, PieceOnDisk};
use super::shape::Shaped;
use super::spool::Order;
use crate::analysis::Charset;
use crate::analysis::{CaptureFacts, LogicalFile, warnings};
use crate::capture::InputFacts;
use crate::decode::Tunnels;
use crate::hash::hex;
use crate::report::document::{
    self, CaptureRecord, DocumentOptions, EndpointRecord, HashesRecord, InputRecord, OrphanRecord,
    RangeRecord, SCHEMA, SchemaRecord, TOOL, ToolRecord, TransferRecord,
};
use crate::session::Session;
use crate::transfer::{Orphan, Transfer};

/// A file on disk.
pub(super) struct Written {
    pub(super) shaped: Shaped,
    pub(super) of: Of,
}

pub(super) enum Of {
    Transfer(Box<Transfer>),
    /// What was on the wire, where the file is another.
    Wire(Box<Transfer>),
    Orphan(Box<Orphan>),
}

/// What the manifest says of the session a file was moved in.
pub(super) struct SessionFacts {
    client: EndpointRecord,
    server: EndpointRecord,
    charset: Charset,
}

/// All but the lists of files.
#[derive(Serialize)]
pub(super) struct ManifestRecord {
    schema: SchemaRecord,
    tool: ToolRecord,
    secrets: &'static str,
    inputs: Vec<HashedInputRecord>,
    capture: CaptureRecord,
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
pub(super) struct FileRecord<'a> {
    /// Name in the directory of the manifest.
    file: &'a str,
    /// On disk, holes included.
    bytes: u64,
    /// Of the file on disk, where that is every octet captured and none is missing between them;
    /// `null` where it is not, so that nobody takes it for the hash of what was moved.
    hashes: Option<HashesRecord>,
    /// Otherwise those of the file on disk, with zeros in its holes: they only tell whether it
    /// was changed since. `null` where the holes are too large to hash.
    #[serde(skip_serializing_if = "is_whole")]
    disk_hashes: Whole<HashesRecord>,
    /// The octet of the transfer the file begins with, where it is not the first and the missing
    /// ones are too many for a hole.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<u64>,
    /// Length at which a bound cut it: what the capture has beyond is not in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated_at: Option<u64>,
    /// The flag that sets this bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated_by: Option<&'static str>,
    /// Why it is shorter than what was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// It is what was on the wire; the file that means is beside it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    wire: bool,
    user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_hex: Option<String>,
    control_client: Option<&'a EndpointRecord>,
    control_server: Option<&'a EndpointRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orphan: Option<OrphanRecord<'a>>,
}

/// Left out of a file that is whole; else there, be it `null`.
#[derive(Serialize)]
#[serde(untagged)]
enum Whole<T> {
    Whole,
    Not(Option<T>),
}

fn is_whole<T>(whole: &Whole<T>) -> bool {
    matches!(whole, Whole::Whole)
}

/// A file put together from the pieces that several transfers moved.
#[derive(Serialize)]
pub(super) struct JoinedRecord<'a> {
    /// As in the document.
    id: String,
    file: &'a str,
    bytes: u64,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    /// Every octet is there, and where pieces overlap they are the same.
    whole: bool,
    pieces: Vec<JoinedPieceRecord<'a>>,
    holes: Vec<RangeRecord>,
    overlaps: Vec<JoinedOverlapRecord>,
    /// Of the whole file; `null` where it is not.
    hashes: Option<HashesRecord>,
    /// Of the file on disk otherwise, with zeros in its holes.
    #[serde(skip_serializing_if = "is_whole")]
    disk_hashes: Whole<HashesRecord>,
}

#[derive(Serialize)]
struct JoinedPieceRecord<'a> {
    transfer: String,
    file: &'a str,
    start: u64,
}

#[derive(Serialize)]
struct JoinedOverlapRecord {
    #[serde(flatten)]
    range: RangeRecord,
    agree: bool,
}

impl<'a> JoinedRecord<'a> {
    pub(super) fn new(
        place: usize,
        file: &LogicalFile,
        joined: &'a Joined,
        pieces: &'a [PieceOnDisk],
        path: &'a str,
    ) -> Self {
        let hashes = joined.hashes.as_ref().map(document::hashes);
        let (whole, on_disk) = match joined.is_whole {
            true => (hashes, Whole::Whole),
            false => (None, Whole::Not(hashes)),
        };
        let overlaps = joined.overlaps.iter();
        Self {
            id: document::file_id(place),
            file: &joined.file,
            bytes: joined.bytes,
            path,
            path_hex: document::wire_text(Some(&file.path), Charset::default()).1,
            whole: joined.is_whole,
            pieces: pieces
                .iter()
                .map(|piece| JoinedPieceRecord {
                    transfer: document::transfer_id(piece.transfer),
                    file: &piece.file,
                    start: piece.start,
                })
                .collect(),
            holes: file.holes.iter().map(RangeRecord::new).collect(),
            overlaps: overlaps
                .map(|(range, agree)| JoinedOverlapRecord {
                    range: RangeRecord::new(range),
                    agree: *agree,
                })
                .collect(),
            hashes: whole,
            disk_hashes: on_disk,
        }
    }
}

/// A transfer that was chosen and left nothing on disk.
#[derive(Serialize)]
pub(super) struct NotWrittenRecord<'a> {
    pub(super) transfer: &'a str,
    pub(super) outcome: &'static str,
    /// The bound that forbade it; absent where there was nothing to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<&'static str>,
}

impl Written {
    pub(super) fn order(&self) -> Order {
        match &self.of {
            Of::Transfer(transfer) | Of::Wire(transfer) => (false, transfer.request.id.0),
            Of::Orphan(orphan) => (true, orphan.number),
        }
    }

    pub(super) fn is_incomplete(&self) -> bool {
        self.shaped.error.is_some() || self.shaped.file.ends_with(".incomplete")
    }
}

impl SessionFacts {
    pub(super) fn new(session: &Session) -> Self {
        let charset = Charset::of(session);
        let client = document::endpoint(session.client);
        Self { client, server: document::endpoint(session.server), charset }
    }
}

impl ManifestRecord {
    pub(super) fn new(facts: &CaptureFacts, inputs: &[InputFacts], several: bool) -> Self {
        let inputs_hashed = inputs.iter().map(|input| HashedInputRecord {
            input: InputRecord::new(input),
            sha256: input.hashes.as_ref().map(|digests| hex(&digests.sha256)),
        });
        Self {
            schema: SCHEMA,
            tool: TOOL,
            // No option of extraction shows them.
            secrets: DocumentOptions::default().secrets(),
            inputs: inputs_hashed.collect(),
            capture: CaptureRecord::new(facts, several),
            warnings: warnings(inputs, facts),
        }
    }
}

impl<'a> FileRecord<'a> {
    /// `session` is `None` for orphans, and where the session is not over.
    pub(super) fn new(
        written: &'a Written,
        session: Option<&'a SessionFacts>,
        tunnels: &Tunnels,
        several: bool,
    ) -> Self {
        let Written { shaped, of } = written;
        let ((user, user_hex), transfer, orphan) = match of {
            Of::Transfer(transfer) | Of::Wire(transfer) => {
                let request = &transfer.request;
                let charset = session.map_or_else(
                    || Charset::of_name(request.name.as_deref()),
                    |session| session.charset,
                );
                let user = document::wire_text(request.user.as_deref(), charset);
                (user, Some(TransferRecord::new(transfer, charset, several)), None)
            }
            Of::Orphan(orphan) => {
                ((None, None), None, Some(OrphanRecord::new(orphan, tunnels, several)))
            }
        };
        Self {
            file: &shaped.file,
            bytes: shaped.bytes,
            hashes: shaped.hashes.as_ref().map(document::hashes),
            disk_hashes: match shaped.hashes {
                Some(_) => Whole::Whole,
                None => Whole::Not(shaped.disk_hashes.as_ref().map(document::hashes)),
            },
            starts_at: shaped.starts_at,
            truncated_at: shaped.cut.map(|_| shaped.bytes),
            truncated_by: shaped.cut.map(|bound| bound.flag()),
            error: shaped.error.as_deref(),
            wire: matches!(of, Of::Wire(_)),
            user,
            user_hex,
            control_client: session.map(|session| &session.client),
            control_server: session.map(|session| &session.server),
            transfer,
            orphan,
        }
    }
}
