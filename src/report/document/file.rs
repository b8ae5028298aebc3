//! Files of servers.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::parts::{
    EndpointRecord, HashesRecord, PlaceRecord, endpoint, hashes, place, transfer_id, wire_text,
    wire_texts,
};
use crate::analysis::{Charset, LogicalFile, Range};
use crate::hash::Hashes;
use crate::session::Session;

/// A file of a server, from when it is written anew until it is again.
#[derive(Serialize, JsonSchema)]
pub struct LogicalFileRecord<'a> {
    pub id: String,
    pub server: EndpointRecord,
    pub user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    /// The last name it has.
    pub path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// Names it had before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_paths: Vec<Cow<'a, str>>,
    /// Of those names, in their order, `null` for those that are UTF-8; absent if all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_paths_hex: Vec<Option<String>>,
    /// In the order of their commands.
    pub pieces: Vec<PieceRecord>,
    /// `null` where nothing shows where it ends.
    pub size: Option<u64>,
    /// Every octet of it was captured.
    pub whole: bool,
    /// What of it no piece has.
    pub holes: Vec<RangeRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<OverlapRecord>,
    /// Of the whole file, where one piece is all of it, or its pieces came one behind the other and
    /// the capture could be read again; of others `extract` makes it.
    pub hashes: Option<HashesRecord>,
    /// The first file of the same content.
    pub same_as: Option<String>,
    /// Frame of the reply to DELE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<PlaceRecord>,
}

impl<'a> LogicalFileRecord<'a> {
    /// `number` is its place among all, `whole` its hashes, `session` that of its first piece.
    pub fn new(
        number: usize,
        file: &'a LogicalFile,
        whole: Option<&Hashes>,
        session: &'a Session,
        charset: Charset,
        several: bool,
    ) -> Self {
        let (path, path_hex) = wire_text(Some(&file.path), charset);
        let (user, user_hex) = wire_text(file.user.as_deref(), charset);
        let former = file.former.iter().map(Cow::from);
        let (former_paths, former_paths_hex) = wire_texts(former, charset);
        Self {
            id: file_id(number),
            server: endpoint(session.server),
            user,
            user_hex,
            path: path.unwrap_or_default(),
            path_hex,
            former_paths,
            former_paths_hex,
            pieces: file
                .pieces
                .iter()
                .map(|piece| PieceRecord {
                    transfer: transfer_id(piece.transfer),
                    start: piece.range.map(|range| range.start),
                    end: piece.range.map(|range| range.end),
                })
                .collect(),
            size: file.size,
            whole: file.is_whole(),
            holes: file.holes.iter().map(RangeRecord::new).collect(),
            overlaps: file
                .overlaps
                .iter()
                .map(|overlap| OverlapRecord {
                    range: RangeRecord::new(&overlap.range),
                    transfers: overlap.transfers.map(transfer_id),
                    agree: overlap.agrees,
                })
                .collect(),
            hashes: whole.map(hashes),
            same_as: file.same_as.map(file_id),
            deleted: file.deleted.map(|stamp| place(stamp, several)),
        }
    }
}

/// What a transfer moved of a file.
#[derive(Serialize, JsonSchema)]
pub struct PieceRecord {
    pub transfer: String,
    /// `null` where it is not known at which octet it began.
    pub start: Option<u64>,
    /// Behind its last octet.
    pub end: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
pub struct RangeRecord {
    pub start: u64,
    /// Behind its last octet.
    pub end: u64,
}

impl RangeRecord {
    pub fn new(range: &Range) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// Octets that two pieces have.
#[derive(Serialize, JsonSchema)]
pub struct OverlapRecord {
    #[serde(flatten)]
    pub range: RangeRecord,
    pub transfers: [String; 2],
    /// `null` where the two were not compared.
    pub agree: Option<bool>,
}

/// Of the file in that place, counted from 0.
pub fn file_id(place: usize) -> String {
    format!("file{}", place + 1)
}
