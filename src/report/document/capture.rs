//! What was read, and what was not decoded.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::parts::{EndpointRecord, PlaceRecord, endpoint, place};
use crate::analysis::{CaptureFacts, NotFtp};
use crate::decode::FragmentFacts;

#[derive(Serialize, JsonSchema)]
pub struct CaptureRecord {
    pub packets: u64,
    pub tcp_connections: u64,
    /// Frames that were not decoded to TCP, by reason.
    pub skipped: BTreeMap<String, u64>,
    pub limits_reached: Vec<LimitRecord>,
    /// Connections on a port of FTP that speak something else.
    pub not_ftp: Vec<NotFtpRecord>,
    /// IP datagrams in pieces; `null` where there were none.
    pub fragments: Option<FragmentsRecord>,
    /// Reading was stopped before the end.
    pub interrupted: bool,
}

impl CaptureRecord {
    pub fn new(facts: &CaptureFacts, several: bool) -> Self {
        let limits = facts.limits_reached.iter();
        Self {
            packets: facts.packets,
            tcp_connections: facts.tcp_connections,
            skipped: facts.skipped.clone(),
            limits_reached: limits
                .map(|(name, count)| LimitRecord { name, count: *count })
                .collect(),
            not_ftp: facts.not_ftp.iter().map(|other| NotFtpRecord::new(other, several)).collect(),
            fragments: facts
                .fragments
                .as_ref()
                .map(|fragments| FragmentsRecord::new(fragments, several)),
            interrupted: facts.is_interrupted,
        }
    }
}

/// IP fragments, and what became of them.
#[derive(Serialize, JsonSchema)]
pub struct FragmentsRecord {
    /// All of them.
    pub frames: u64,
    /// Datagrams put together.
    pub datagrams: u64,
    /// Datagrams of which a piece is not in the capture, or came too late.
    pub incomplete: u64,
    /// The fragments of those; they stand in `skipped` as `ip_fragment`.
    pub incomplete_frames: u64,
    /// Those that begin with a TCP header, which is not taken for a segment.
    pub incomplete_tcp: u64,
    /// Fragments that came again.
    pub duplicates: u64,
    /// Fragments that overlap others with the same octets.
    pub overlaps: u64,
    /// Fragments that overlap others with different octets; the first copy was read.
    pub conflicts: u64,
    /// The first 1,000 of those.
    pub conflict_frames: Vec<PlaceRecord>,
    /// Fragments that no datagram can have.
    pub invalid: u64,
}

impl FragmentsRecord {
    fn new(facts: &FragmentFacts, several: bool) -> Self {
        Self {
            frames: facts.frames,
            datagrams: facts.datagrams,
            incomplete: facts.incomplete,
            incomplete_frames: facts.incomplete_frames,
            incomplete_tcp: facts.incomplete_tcp,
            duplicates: facts.duplicates,
            overlaps: facts.overlaps,
            conflicts: facts.conflicts,
            conflict_frames: facts
                .conflict_frames
                .iter()
                .map(|stamp| place(*stamp, several))
                .collect(),
            invalid: facts.invalid,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct LimitRecord {
    pub name: &'static str,
    pub count: u64,
}

#[derive(Serialize, JsonSchema)]
pub struct NotFtpRecord {
    pub originator: EndpointRecord,
    pub responder: EndpointRecord,
    /// `ssh`, `tls`, `http`, `smtp` or `unknown`.
    pub protocol: &'static str,
    #[serde(flatten)]
    pub place: PlaceRecord,
}

impl NotFtpRecord {
    fn new(other: &NotFtp, several: bool) -> Self {
        Self {
            originator: endpoint(other.originator),
            responder: endpoint(other.responder),
            protocol: other.protocol.name(),
            place: place(other.first, several),
        }
    }
}
