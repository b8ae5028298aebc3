//! What records of several kinds are made of.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::Charset;
use crate::decode::Endpoint;
use crate::hash::{Digests, Hashes, hex};
use crate::session::{SessionId, TransferId};
use crate::tcp;
use crate::time::{Stamp, Timestamp};

#[derive(Serialize, JsonSchema)]
pub struct EndpointRecord {
    #[schemars(with = "String")]
    pub ip: IpAddr,
    pub port: u16,
}

pub fn endpoint(end: Endpoint) -> EndpointRecord {
    EndpointRecord { ip: end.ip.addr, port: end.port }
}

/// A frame, as Wireshark numbers it.
#[derive(Serialize, JsonSchema)]
pub struct PlaceRecord {
    pub frame: u64,
    /// Index into `inputs`; only where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u16>,
}

pub(super) fn place(stamp: Stamp, several: bool) -> PlaceRecord {
    PlaceRecord { frame: stamp.frame(), input: several.then_some(stamp.input()) }
}

/// From the first frame of a connection to the last.
#[derive(Serialize, JsonSchema)]
pub struct SpanRecord {
    pub first_frame: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_input: Option<u16>,
    pub last_frame: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_input: Option<u16>,
    pub start: Option<String>,
    pub end: Option<String>,
}

pub(super) fn span(link: &tcp::Link, several: bool) -> SpanRecord {
    SpanRecord {
        first_frame: link.first.frame(),
        first_input: several.then_some(link.first.input()),
        last_frame: link.last.frame(),
        last_input: several.then_some(link.last.input()),
        start: time(link.first.at),
        end: time(link.last.at),
    }
}

pub(super) fn time(at: Timestamp) -> Option<String> {
    at.is_known().then(|| at.to_string())
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct HashesRecord {
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// That of XCRC and gzip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
}

pub fn hashes(hashes: &Hashes) -> HashesRecord {
    let Digests { sha256, sha512, sha1, md5, crc32 } = hashes.digests();
    HashesRecord {
        sha256: hex(&sha256),
        sha512: sha512.map(|sha512| hex(&sha512[..])),
        sha1: sha1.map(|sha1| hex(&sha1)),
        md5: md5.map(|md5| hex(&md5)),
        crc32: crc32.map(|crc32| hex(&crc32)),
    }
}

pub fn session_id(id: SessionId) -> String {
    format!("s{}", id.0)
}

pub fn transfer_id(id: TransferId) -> String {
    format!("t{}", id.0)
}

/// Text from the wire: what a person reads, and the raw bytes where reading loses something.
pub fn wire_text(raw: Option<&[u8]>, charset: Charset) -> (Option<String>, Option<String>) {
    let Some(raw) = raw else { return (None, None) };
    let (text, lossless) = charset.decode(raw);
    (Some(text), (!lossless).then(|| hex(raw)))
}

/// The same of several; the second is empty where reading loses nothing of any.
pub(super) fn wire_texts<'a>(
    raw: impl Iterator<Item = Cow<'a, [u8]>>,
    charset: Charset,
) -> (Vec<String>, Vec<Option<String>>) {
    let (mut texts, mut hexes) = (Vec::new(), Vec::new());
    for raw in raw {
        let (text, hex) = wire_text(Some(&raw), charset);
        if hex.is_some() {
            hexes.resize(texts.len(), None);
        }
        if hex.is_some() || !hexes.is_empty() {
            hexes.push(hex);
        }
        texts.extend(text);
    }
    (texts, hexes)
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}

pub(super) fn is_zero(value: &u64) -> bool {
    *value == 0
}
