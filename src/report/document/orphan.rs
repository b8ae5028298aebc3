//! Data connections without a command.

use schemars::JsonSchema;
use serde::Serialize;

use super::data::Ends;
use super::names::{confidence, direction, resemblance};
use super::parts::{
    EndpointRecord, HashesRecord, Shown, SpanRecord, endpoint, hashes, session_id, span,
};
use super::tls::{EstimateRecord, TlsRecord, estimate};
use crate::decode::Tunnels;
use crate::report::community_id::{CommunityId, community_id};
use crate::transfer::{Content, Inferred, Orphan};

/// A data connection that no command could be found for.
#[derive(Serialize, JsonSchema)]
pub struct OrphanRecord<'a> {
    pub id: String,
    pub client: EndpointRecord,
    pub server: EndpointRecord,
    /// As of a session.
    pub tunnel: Option<String>,
    pub opened_by: Option<&'static str>,
    #[serde(flatten)]
    pub span: SpanRecord,
    pub bytes: OrphanBytesRecord,
    pub missing_bytes: u64,
    /// Captured from SYN to FIN with nothing missing.
    pub whole: bool,
    /// Both ends speak TLS: the hashes are of the ciphertext.
    pub encrypted: bool,
    pub tls: Option<TlsRecord<'a>>,
    /// The transfer that this probably is; `null` if no encrypted session was open at the time.
    pub inferred: Option<InferredRecord>,
    /// `port 20` or `between the hosts of a session`.
    pub why: &'static str,
    /// Of the direction that carried more.
    pub hashes: HashesRecord,
    pub media_type: Option<&'a str>,
    pub community_id: Shown<CommunityId>,
}

impl<'a> OrphanRecord<'a> {
    pub fn new(orphan: &'a Orphan, tunnels: &Tunnels, several: bool) -> Self {
        let data = &orphan.carried.connection;
        let ends = Ends::new(data, orphan.server);
        let (server, client) =
            (orphan.carried.from(orphan.server), orphan.carried.from(orphan.server.reversed()));
        let main = orphan.carried.from(orphan.main_dir());
        let lost = |content: &Content| {
            let listed = content.missing.iter().filter_map(|missing| missing.bytes).sum::<u64>();
            listed + content.missing_unlisted
        };
        Self {
            id: orphan_id(orphan),
            client: endpoint(ends.client),
            server: endpoint(ends.server),
            tunnel: tunnels.name(data.originator.ip.net),
            opened_by: ends.opened_by,
            span: span(&data.link, several),
            bytes: OrphanBytesRecord { from_client: client.bytes, from_server: server.bytes },
            missing_bytes: lost(main),
            whole: main.is_whole_stream(),
            encrypted: orphan.carried.is_tls(),
            tls: orphan.tls.as_deref().map(TlsRecord::new),
            inferred: orphan.inferred.as_ref().map(InferredRecord::new),
            why: resemblance(orphan.why),
            hashes: hashes(&main.hashes),
            media_type: main.media_type.as_deref(),
            community_id: Shown(community_id(data.originator, data.responder)),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct OrphanBytesRecord {
    pub from_client: u64,
    pub from_server: u64,
}

/// What a data connection probably is whose command was encrypted.
#[derive(Serialize, JsonSchema)]
pub struct InferredRecord {
    /// The encrypted session that was open when it began; of several, the youngest.
    pub session: String,
    /// `download`, which may be a listing, or `upload`.
    pub direction: &'static str,
    /// Octets under encryption in that direction, with what that adds; 0 of clear text.
    pub protected_bytes: u64,
    /// Of the file. Exact but for what a block cipher or TLS 1.3 hides; `null` where the cipher is
    /// not known.
    pub estimated_bytes: Option<EstimateRecord>,
    /// `likely` (one such session was open, and one direction alone has content) or `guess`.
    pub confidence: &'static str,
}

impl InferredRecord {
    fn new(inferred: &Inferred) -> Self {
        Self {
            session: session_id(inferred.session),
            direction: direction(inferred.direction),
            protected_bytes: inferred.protected_bytes,
            estimated_bytes: inferred.estimated_bytes.map(estimate),
            confidence: confidence(inferred.confidence),
        }
    }
}

pub fn orphan_id(orphan: &Orphan) -> String {
    format!("o{}", orphan.number)
}
