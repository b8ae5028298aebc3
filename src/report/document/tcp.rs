//! How TCP connections fared.

use schemars::JsonSchema;
use serde::Serialize;

use super::names::{anomaly_kind, closing, handshake, side};
use super::parts::{PlaceRecord, is_zero, place};
use crate::session::Session;
use crate::tcp::{self, Anomaly, AnomalyKind, Dir, DirFacts};

#[derive(Serialize, JsonSchema)]
pub struct TcpRecord {
    /// `complete`, `unanswered`, `refused`, `unreachable` (by an ICMP error), `half` or
    /// `not_captured`.
    pub handshake: &'static str,
    /// `fin`, `reset`, `open` or `timeout`.
    pub close: &'static str,
    /// Who ended it first: `client` or `server`.
    pub closed_by: Option<&'static str>,
    pub rtt_ns: Option<i64>,
    pub client: DirectionRecord,
    pub server: DirectionRecord,
    /// Frames that repeated octets differently.
    pub conflicts: Vec<PlaceRecord>,
    #[serde(flatten)]
    pub anomalies: AnomaliesRecord,
}

impl TcpRecord {
    pub(super) fn new(session: &Session, several: bool) -> Self {
        let tcp = &session.tcp;
        let (close, by) = closing(&tcp.link);
        let by_originator = by.map(|dir| dir == Dir::FromOriginator);
        let by_client = by_originator.map(|originator| originator == tcp.client_is_originator);
        Self {
            handshake: handshake(tcp.link.handshake),
            close,
            closed_by: by_client.map(side),
            rtt_ns: tcp.link.rtt_ns,
            client: direction_facts(tcp.from_client),
            server: direction_facts(tcp.from_server),
            conflicts: conflicts(tcp.link.anomalies.listed.iter(), several),
            anomalies: AnomaliesRecord::new(&tcp.link, tcp.client_is_originator, several),
        }
    }
}

/// Segments that a sender in good order does not send.
#[derive(Serialize, JsonSchema)]
pub struct AnomaliesRecord {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<AnomalyRecord>,
    /// Those beyond the ones listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub anomalies_unlisted: u64,
}

impl AnomaliesRecord {
    pub(super) fn new(link: &tcp::Link, client_is_originator: bool, several: bool) -> Self {
        let record = |anomaly: &Anomaly| AnomalyRecord {
            kind: anomaly_kind(anomaly.kind),
            from: side((anomaly.dir == Dir::FromOriginator) == client_is_originator),
            place: place(anomaly.stamp, several),
            other_frame: anomaly.other.map(|stamp| stamp.frame()),
            offset: anomaly.offset,
            bytes: anomaly.bytes,
        };
        Self {
            anomalies: link.anomalies.listed.iter().map(record).collect(),
            anomalies_unlisted: link.anomalies.unlisted,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct AnomalyRecord {
    /// `conflict` (a copy of octets that differs), `wrong_checksum`, `ttl_too_small` and
    /// `no_ack` (not taken by the receiver, not read), `wrong_checksum_read` (read, because nothing had shown yet
    /// that its sender sums up: what it belongs to is in doubt), `out_of_window` (not read), `reset_out_of_window` (not
    /// believed), `reset_ignored`, `fin_ignored` and `syn_ignored` (the connection went on).
    pub kind: &'static str,
    /// Who sent it: `client` or `server`.
    pub from: &'static str,
    #[serde(flatten)]
    pub place: PlaceRecord,
    /// The frame it disagrees with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_frame: Option<u64>,
    /// First of the octets concerned, counted from the first one sent, and how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: u64,
}

#[derive(Serialize, JsonSchema)]
pub struct DirectionRecord {
    pub bytes: u64,
    pub missing_bytes: u64,
    pub retransmissions: u64,
    /// Second copies of one packet: captured twice, not sent twice.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicates: u64,
    /// Segments that did not arrive, by their checksum or their time to live, or that acknowledge nothing; not read.
    #[serde(skip_serializing_if = "is_zero")]
    pub rejected: u64,
    /// Segments with octets marked urgent: most receivers take the last one out of the stream.
    #[serde(skip_serializing_if = "is_zero")]
    pub urgent: u64,
    /// How long this end had no room for more.
    #[serde(skip_serializing_if = "is_zero")]
    pub zero_window_ns: u64,
}

pub(super) fn direction_facts(facts: DirFacts) -> DirectionRecord {
    DirectionRecord {
        bytes: facts.bytes,
        missing_bytes: facts.missing_bytes,
        retransmissions: facts.retransmissions.into(),
        duplicates: facts.duplicates.into(),
        rejected: facts.rejected.into(),
        urgent: facts.urgent.into(),
        zero_window_ns: facts.zero_window_ns,
    }
}

pub(super) fn conflicts<'a>(
    anomalies: impl Iterator<Item = &'a Anomaly>,
    several: bool,
) -> Vec<PlaceRecord> {
    let conflicts = anomalies.filter(|anomaly| anomaly.kind == AnomalyKind::Conflict);
    conflicts.map(|conflict| place(conflict.stamp, several)).collect()
}
