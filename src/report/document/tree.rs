//! Trees of servers.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::listing::EntryRecord;
use super::parts::{EndpointRecord, PlaceRecord, endpoint, is_zero, place, transfer_id, wire_text};
use crate::analysis::{Charset, Node, ServerTree};

/// What one user saw of a server.
#[derive(Serialize, JsonSchema)]
pub struct ServerTreeRecord<'a> {
    pub server: EndpointRecord,
    pub user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    /// By their paths.
    pub entries: Vec<NodeRecord<'a>>,
    /// How often something was seen or done that is not here, for want of room.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: u64,
}

impl<'a> ServerTreeRecord<'a> {
    pub fn new(tree: &'a ServerTree<'_>, charset: Charset, several: bool) -> Self {
        let node = |(path, node): (&'a Vec<u8>, &'a Node)| {
            let (path, path_hex) = wire_text(Some(path), charset);
            NodeRecord {
                path: path.unwrap_or_default(),
                path_hex,
                entry: node.entry.as_ref().map(|entry| EntryRecord::new(entry, charset)),
                seen: node.seen.map(|stamp| place(stamp, several)),
                fetched: node.fetched.iter().map(|id| transfer_id(*id)).collect(),
                stored: node.stored.iter().map(|id| transfer_id(*id)).collect(),
                deleted: node.deleted.map(|stamp| place(stamp, several)),
            }
        };
        let (user, user_hex) = wire_text(tree.user, charset);
        Self {
            server: endpoint(tree.server),
            user,
            user_hex,
            entries: tree.nodes.iter().map(node).collect(),
            unlisted: tree.unlisted,
        }
    }
}

/// A file or a directory of a server.
#[derive(Serialize, JsonSchema)]
pub struct NodeRecord<'a> {
    pub path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// As it was seen last; its fields are absent if it was in no listing.
    #[serde(flatten)]
    pub entry: Option<EntryRecord<'a>>,
    /// Frame of the reply to the last listing it was in.
    pub seen: Option<PlaceRecord>,
    pub fetched: Vec<String>,
    /// Written, or written over.
    pub stored: Vec<String>,
    /// Frame of the reply to DELE.
    pub deleted: Option<PlaceRecord>,
}
