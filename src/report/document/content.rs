//! What a transfer moved.

use schemars::JsonSchema;
use serde::Serialize;

use super::names::{check_source, unmade};
use super::parts::{HashesRecord, PlaceRecord, hashes, is_zero, place};
use crate::hash::hex;
use crate::transfer::{Check, Content, Decoded, LineEnds, Stated};

/// The file that the octets of a transfer mean.
#[derive(Serialize, JsonSchema)]
pub struct DecodedRecord {
    /// What was undone, in that order: `deflate`, `block`, `compressed`, `record`, `ascii` (CRLF
    /// made LF, CR NUL made CR), `ebcdic` (taken for code page 037).
    pub how: Vec<&'static str>,
    pub bytes: u64,
    pub hashes: HashesRecord,
    /// All of it was understood, to the end that its sender marked.
    pub whole: bool,
    /// More likely the file than what was on the wire; not so where bare LFs show that the sender
    /// of text converted nothing. `extract` writes the likelier.
    pub likely: bool,
    /// Why decoding ended early.
    pub error: Option<String>,
    /// Restart markers in it.
    #[serde(skip_serializing_if = "is_zero")]
    pub restart_markers: u64,
    /// Of text, as they were on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_ends: Option<LineEndsRecord>,
}

impl DecodedRecord {
    pub(super) fn new(decoded: &Decoded) -> Self {
        let finished = &decoded.finished;
        let LineEnds { crlf, lf, cr } = finished.line_ends;
        let is_text = decoded.how.contains(&"ascii");
        Self {
            how: decoded.how.clone(),
            bytes: decoded.bytes,
            hashes: hashes(&decoded.hashes),
            whole: decoded.is_whole(),
            likely: decoded.is_likely(),
            error: finished.error.map(|error| error.to_string()),
            restart_markers: finished.markers.count,
            line_ends: is_text.then_some(LineEndsRecord { crlf, lf, cr }),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct LineEndsRecord {
    pub crlf: u64,
    pub lf: u64,
    pub cr: u64,
}

/// Octets that are not in the capture.
#[derive(Serialize, JsonSchema)]
pub struct MissingRecord {
    /// From the first octet of the data connection; `null` behind a beginning of unknown length.
    pub offset: Option<u64>,
    /// `null` if nothing tells how many.
    pub bytes: Option<u64>,
}

pub(super) fn missing(content: &Content) -> Vec<MissingRecord> {
    let ranges = content.missing.iter();
    ranges.map(|range| MissingRecord { offset: range.offset, bytes: range.bytes }).collect()
}

/// Something a session says of a file.
#[derive(Serialize, JsonSchema)]
pub struct CheckRecord {
    /// `150` or `226` (the texts of those replies), `SIZE`, `MLST`, `MLSD`, `LIST`, `ALLO`, `MDTM`,
    /// `MFMT` or `hash` (`HASH`, `XCRC`, `XMD5` …).
    pub source: &'static str,
    #[serde(flatten)]
    pub place: PlaceRecord,
    /// Of the file, or of what was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// `crc32`, `md5`, `sha1`, `sha256` or `sha512`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When it was modified; held against what MLSD or MLST says of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// `null` where it cannot be compared.
    pub agrees: Option<bool>,
    /// Why a hash was not held against what was moved, where nothing else is in the way: `read_once`
    /// (the capture came from a pipe, and the hash was not asked for with `--hash`) or
    /// `not_found_again` (reading it again was ended, or showed something else).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified: Option<&'static str>,
}

impl CheckRecord {
    pub(super) fn new(check: &Check, several: bool) -> Self {
        let mut record = Self {
            source: check_source(check.source),
            place: place(check.stamp, several),
            bytes: None,
            algorithm: None,
            hash: None,
            modified: None,
            agrees: check.agrees,
            unverified: check.unmade.map(unmade),
        };
        match &check.stated {
            Stated::Bytes(bytes) => record.bytes = Some(*bytes),
            Stated::Hash { name, value, end: _ } => {
                (record.algorithm, record.hash) = (Some(name.name()), Some(hex(value)));
            }
            Stated::Time { stated, .. } => record.modified = Some(stated.to_string()),
        }
        record
    }
}
