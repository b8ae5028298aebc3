//! What records of several kinds are made of.

use std::borrow::Cow;
use std::fmt::Display;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::analysis::Charset;
use crate::decode::Endpoint;
use crate::hash::{Digests, Hashes, Hex, hex};
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
    pub start: Option<Shown<Timestamp>>,
    pub end: Option<Shown<Timestamp>>,
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

pub(super) fn time(at: Timestamp) -> Option<Shown<Timestamp>> {
    at.is_known().then_some(Shown(at))
}

/// A value that the document writes as it shows itself, without a string in between.
#[derive(Clone, Copy, Default)]
pub struct Shown<T>(pub T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<T> JsonSchema for Shown<T> {
    fn inline_schema() -> bool {
        String::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct HashesRecord {
    pub sha256: Shown<Hex<[u8; 32]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha512: Option<Shown<Hex<Box<[u8]>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha1: Option<Shown<Hex<[u8; 20]>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5: Option<Shown<Hex<[u8; 16]>>>,
    /// That of XCRC and gzip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<Shown<Hex<[u8; 4]>>>,
}

pub fn hashes(hashes: &Hashes) -> HashesRecord {
    let Digests { sha256, sha512, sha1, md5, crc32 } = hashes.digests();
    HashesRecord {
        sha256: Shown(Hex(sha256)),
        sha512: sha512.map(|sha512| Shown(Hex(sha512 as Box<[u8]>))),
        sha1: sha1.map(Hex).map(Shown),
        md5: md5.map(Hex).map(Shown),
        crc32: crc32.map(Hex).map(Shown),
    }
}

pub fn session_id(id: SessionId) -> String {
    format!("s{}", id.0)
}

pub fn transfer_id(id: TransferId) -> String {
    format!("t{}", id.0)
}

/// Text from the wire: what a person reads, and the raw bytes where reading loses something.
pub fn wire_text<'a>(
    raw: Option<impl Into<Cow<'a, [u8]>>>,
    charset: Charset,
) -> (Option<Cow<'a, str>>, Option<String>) {
    let Some(raw) = raw else { return (None, None) };
    let raw = match raw.into() {
        Cow::Borrowed(raw) => {
            let (text, lossless) = charset.decode(raw);
            return (Some(text), (!lossless).then(|| hex(raw)));
        }
        Cow::Owned(raw) => raw,
    };
    match String::from_utf8(raw) {
        Ok(text) => (Some(text.into()), None),
        Err(error) => {
            let raw = error.as_bytes();
            (Some(charset.decode(raw).0.into_owned().into()), Some(hex(raw)))
        }
    }
}

/// The same of several; the second is empty where reading loses nothing of any.
pub(super) fn wire_texts<'a>(
    raw: impl Iterator<Item = Cow<'a, [u8]>>,
    charset: Charset,
) -> (Vec<Cow<'a, str>>, Vec<Option<String>>) {
    let (mut texts, mut hexes) = (Vec::new(), Vec::new());
    for raw in raw {
        let (text, hex) = wire_text(Some(raw), charset);
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
