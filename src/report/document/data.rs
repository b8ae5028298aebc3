//! Data connections.

use schemars::JsonSchema;
use serde::Serialize;

use super::names::{closing, confidence, handshake, how, side};
use super::parts::{EndpointRecord, Shown, SpanRecord, endpoint, span};
use super::tcp::{AnomaliesRecord, DirectionRecord, direction_facts};
use super::tls::TlsRecord;
use crate::decode::Endpoint;
use crate::report::community_id::{CommunityId, community_id};
use crate::tcp::Dir;
use crate::transfer::{DataConnection, Transfer};

/// A data connection, or the attempt at one.
#[derive(Serialize, JsonSchema)]
pub struct DataRecord<'a> {
    pub client: EndpointRecord,
    pub server: EndpointRecord,
    /// `client` or `server`; `null` where no SYN was captured.
    pub opened_by: Option<&'static str>,
    #[serde(flatten)]
    pub span: SpanRecord,
    pub handshake: &'static str,
    pub close: &'static str,
    pub link: LinkRecord,
    pub encrypted: bool,
    pub tls: Option<TlsRecord<'a>>,
    pub community_id: Shown<CommunityId>,
    /// What TCP carried each way.
    pub traffic: TrafficRecord,
    #[serde(flatten)]
    pub anomalies: AnomaliesRecord,
}

impl<'a> DataRecord<'a> {
    pub(super) fn new(
        data: &DataConnection,
        transfer: &'a Transfer,
        several: bool,
    ) -> Option<Self> {
        let link = transfer.request.setup.link?;
        let ends = Ends::new(data, link.server);
        Some(Self {
            client: endpoint(ends.client),
            server: endpoint(ends.server),
            opened_by: ends.opened_by,
            span: span(&data.link, several),
            handshake: handshake(data.link.handshake),
            close: closing(&data.link).0,
            link: LinkRecord { how: how(link.how), confidence: confidence(link.confidence) },
            encrypted: transfer.is_encrypted,
            tls: transfer.tls.as_deref().map(TlsRecord::new),
            community_id: Shown(community_id(data.originator, data.responder)),
            traffic: match link.server {
                Dir::FromResponder => TrafficRecord {
                    client: direction_facts(data.from_originator),
                    server: direction_facts(data.from_responder),
                },
                Dir::FromOriginator => TrafficRecord {
                    client: direction_facts(data.from_responder),
                    server: direction_facts(data.from_originator),
                },
            },
            anomalies: AnomaliesRecord::new(&data.link, link.server == Dir::FromResponder, several),
        })
    }
}

#[derive(Serialize, JsonSchema)]
pub struct TrafficRecord {
    pub client: DirectionRecord,
    pub server: DirectionRecord,
}

#[derive(Serialize, JsonSchema)]
pub struct LinkRecord {
    /// `announced`, `announced_port`, `default_port`, `time_order` or `late_announcement`.
    pub how: &'static str,
    /// `certain`, `likely` or `guess`.
    pub confidence: &'static str,
}

/// A data connection's ends by their roles in the session.
pub(super) struct Ends {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) opened_by: Option<&'static str>,
}

impl Ends {
    pub(super) fn new(data: &DataConnection, server: Dir) -> Self {
        let (server_end, client) = match server {
            Dir::FromOriginator => (data.originator, data.responder),
            Dir::FromResponder => (data.responder, data.originator),
        };
        let opened_by = data.link.opener_known.then(|| side(server == Dir::FromResponder));
        Self { client, server: server_end, opened_by }
    }
}
