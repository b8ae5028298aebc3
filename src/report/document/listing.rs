//! Entries of listings.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::names::entry_kind;
use super::parts::{Shown, wire_text};
use crate::analysis::Charset;
use crate::ftp::{Entry, Modified};

/// What a listing shows of a file or a directory.
#[derive(Serialize, JsonSchema)]
pub struct EntryRecord<'a> {
    pub name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// `file`, `directory`, `link`, `other` or `unknown`.
    pub kind: &'static str,
    pub size: Option<u64>,
    /// `2026-01-02T03:04:05Z` where the zone is known, without the `Z` where it is not,
    /// `--01-02T03:04` where the listing omits the year.
    pub modified: Option<Shown<Modified>>,
    pub permissions: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_hex: Option<String>,
    pub owner: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_hex: Option<String>,
    pub group: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_hex: Option<String>,
    /// Of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_hex: Option<String>,
}

impl<'a> EntryRecord<'a> {
    pub(super) fn new(entry: &'a Entry, charset: Charset) -> Self {
        let (name, name_hex) = wire_text(Some(&entry.name), charset);
        let text = |raw: &'a Option<Vec<u8>>| wire_text(raw.as_deref(), charset);
        let (permissions, permissions_hex) = text(&entry.permissions);
        let (owner, owner_hex) = text(&entry.owner);
        let (group, group_hex) = text(&entry.group);
        let (target, target_hex) = text(&entry.target);
        Self {
            name: name.unwrap_or_default(),
            name_hex,
            kind: entry_kind(entry.kind),
            size: entry.size,
            modified: entry.modified.map(Shown),
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
