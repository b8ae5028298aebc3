//! Entries of listings.

use schemars::JsonSchema;
use serde::Serialize;

use super::names::entry_kind;
use super::parts::wire_text;
use crate::analysis::Charset;
use crate::ftp::Entry;

/// What a listing shows of a file or a directory.
#[derive(Serialize, JsonSchema)]
pub struct EntryRecord {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// `file`, `directory`, `link`, `other` or `unknown`.
    pub kind: &'static str,
    pub size: Option<u64>,
    /// `2026-01-02T03:04:05Z` where the zone is known, without the `Z` where it is not,
    /// `--01-02T03:04` where the listing omits the year.
    pub modified: Option<String>,
    pub permissions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_hex: Option<String>,
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_hex: Option<String>,
    pub group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_hex: Option<String>,
    /// Of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_hex: Option<String>,
}

impl EntryRecord {
    pub(super) fn new(entry: &Entry, charset: Charset) -> Self {
        let (name, name_hex) = wire_text(Some(&entry.name), charset);
        let text = |raw: &Option<Vec<u8>>| wire_text(raw.as_deref(), charset);
        let (permissions, permissions_hex) = text(&entry.permissions);
        let (owner, owner_hex) = text(&entry.owner);
        let (group, group_hex) = text(&entry.group);
        let (target, target_hex) = text(&entry.target);
        Self {
            name: name.unwrap_or_default(),
            name_hex,
            kind: entry_kind(entry.kind),
            size: entry.size,
            modified: entry.modified.map(|modified| modified.to_string()),
            permissions,
            permissions_hex,
            owner,
            owner_hex,
            group,
            group_hex,
            target,
            target_hex,
        }
    }
}
