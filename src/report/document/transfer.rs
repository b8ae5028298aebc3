//! Transfers: what was asked for and what became of it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::content::{CheckRecord, DecodedRecord, MissingRecord, missing};
use super::data::DataRecord;
use super::listing::EntryRecord;
use super::names::{direction, method, outcome, size_source};
use super::parts::{
    EndpointRecord, HashesRecord, PlaceRecord, SpanRecord, endpoint, hashes, is_false, is_zero,
    session_id, span, transfer_id, wire_text, wire_texts,
};
use super::tcp::conflicts;
use super::tls::{EstimateRecord, estimate};
use crate::analysis::Charset;
use crate::session::Code;
use crate::transfer::{Site, Timing, Transfer};

/// One RETR, STOR, STOU, APPE, LIST, NLST or MLSD.
#[derive(Serialize, JsonSchema)]
pub struct TransferRecord<'a> {
    pub id: String,
    pub session: String,
    pub command: &'static str,
    /// `download`, `upload`, `append`, `listing` or `site_to_site`.
    pub direction: &'static str,
    /// Both halves of a copy between two servers, where both were arranged in the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_to_site: Option<SiteToSiteRecord<'a>>,
    pub name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// Without a leading slash: from a directory the capture does not show.
    pub path: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    #[serde(rename = "type_hex", skip_serializing_if = "Option::is_none")]
    pub kind_hex: Option<String>,
    pub mode: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_hex: Option<String>,
    pub structure: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure_hex: Option<String>,
    pub rest_offset: u64,
    /// The server accepted the REST and sent the file from its beginning all the same.
    #[serde(skip_serializing_if = "is_false")]
    pub rest_ignored: bool,
    pub setup: SetupRecord,
    pub data: Option<DataRecord<'a>>,
    /// Octets captured.
    pub bytes: Option<u64>,
    /// Of what was moved of the file under TLS, as far as the capture goes; `null` of what is not
    /// encrypted, and where it cannot be told.
    pub estimated_bytes: Option<EstimateRecord>,
    pub expected: Option<ExpectedRecord>,
    /// What the session says of the file, before the transfer and after, held against what was
    /// moved. Not with `--lines`, for which the session may not be over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckRecord>,
    pub missing: Vec<MissingRecord>,
    /// Octets missing beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing_unlisted: u64,
    /// The data connection as it was captured at another place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_leg: Option<OtherLegRecord>,
    /// Frames that repeated octets differently.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<PlaceRecord>,
    pub outcome: &'static str,
    pub final_code: Option<u16>,
    /// `null` where no data connection was seen.
    pub timing: Option<TimingRecord>,
    /// Of the octets captured, in order: of the file only where nothing is missing.
    pub hashes: Option<HashesRecord>,
    /// The file those octets mean, where that is another (TYPE A and E, MODE B, C and Z, STRU R).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded: Option<DecodedRecord>,
    /// A file whose content is no text was moved as text (TYPE A): its octets may have been
    /// changed.
    #[serde(skip_serializing_if = "is_false")]
    pub binary_as_text: bool,
    pub media_type: Option<&'a str>,
    /// What a listing shows; absent of anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<EntryRecord<'a>>>,
    /// Lines of a listing that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unparsed: Vec<Cow<'a, str>>,
    /// Of those lines, in their order, `null` for those that are UTF-8; absent if all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unparsed_hex: Vec<Option<String>>,
}

impl<'a> TransferRecord<'a> {
    pub fn new(transfer: &'a Transfer, charset: Charset, several: bool) -> Self {
        let request = &transfer.request;
        let (name, name_hex) = wire_text(request.name.as_deref(), charset);
        let (path, path_hex) = wire_text(request.path.as_deref(), charset);
        let representation = &request.representation;
        let code = |code: &'a Option<Code>| wire_text(code.as_deref(), charset);
        let (kind, kind_hex) = code(&representation.kind);
        let (mode, mode_hex) = code(&representation.mode);
        let (structure, structure_hex) = code(&representation.structure);
        let setup = &request.setup;
        let content = transfer.content.as_ref();
        let listing = transfer.listing.as_ref();
        let unparsed = listing.into_iter().flat_map(|listing| &listing.unparsed);
        let (unparsed, unparsed_hex) = wire_texts(unparsed.map(Cow::from), charset);
        Self {
            id: transfer_id(request.id),
            session: session_id(transfer.session),
            command: request.command,
            direction: direction(transfer.direction),
            site_to_site: transfer.site_to_site.as_ref().map(|copy| SiteToSiteRecord {
                source: SiteRecord::new(&copy.source, charset),
                destination: SiteRecord::new(&copy.destination, charset),
            }),
            name,
            name_hex,
            path,
            path_hex,
            kind,
            kind_hex,
            mode,
            mode_hex,
            structure,
            structure_hex,
            rest_offset: request.rest_offset,
            rest_ignored: transfer.is_rest_ignored(),
            setup: SetupRecord {
                method: method(setup.method),
                command: setup.command,
                announced: setup.announced.map(endpoint),
                place: SetupPlaceRecord {
                    frame: setup.stamp.map(|stamp| stamp.frame()),
                    input: setup.stamp.map(|stamp| stamp.input()).filter(|_| several),
                },
            },
            data: transfer.data.as_ref().and_then(|data| DataRecord::new(data, transfer, several)),
            bytes: content.map(|content| content.bytes),
            estimated_bytes: transfer.estimated_bytes().map(estimate),
            expected: request.expected.map(|expected| ExpectedRecord {
                bytes: expected.bytes,
                source: size_source(expected.source),
            }),
            checks: transfer.checks.iter().map(|check| CheckRecord::new(check, several)).collect(),
            missing: content.map(missing).unwrap_or_default(),
            missing_unlisted: content.map_or(0, |content| content.missing_unlisted),
            other_leg: transfer.other_leg.as_ref().map(|data| OtherLegRecord {
                originator: endpoint(data.originator),
                responder: endpoint(data.responder),
                span: span(&data.link, several),
            }),
            conflicts: content
                .map(|content| conflicts(content.conflicts.iter(), several))
                .unwrap_or_default(),
            outcome: outcome(transfer.outcome),
            final_code: request.answered.map(|(_, code)| code),
            timing: transfer.data.is_some().then(|| TimingRecord::new(transfer.timing())),
            hashes: content.map(|content| hashes(&content.hashes)),
            decoded: content.and_then(|content| content.decoded.as_deref()).map(DecodedRecord::new),
            binary_as_text: transfer.is_binary_as_text(),
            media_type: content.and_then(|content| content.media_type.as_deref()),
            entries: listing.map(|listing| {
                listing.entries.iter().map(|entry| EntryRecord::new(entry, charset)).collect()
            }),
            unparsed,
            unparsed_hex,
        }
    }
}

/// A copy from one server to another, of which two commands in two sessions are the halves.
#[derive(Serialize, JsonSchema)]
pub struct SiteToSiteRecord<'a> {
    pub source: SiteRecord<'a>,
    pub destination: SiteRecord<'a>,
}

#[derive(Serialize, JsonSchema)]
pub struct SiteRecord<'a> {
    pub session: String,
    pub transfer: String,
    pub server: EndpointRecord,
    pub path: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
}

impl<'a> SiteRecord<'a> {
    fn new(site: &'a Site, charset: Charset) -> Self {
        let (path, path_hex) = wire_text(site.path.as_deref(), charset);
        Self {
            session: session_id(site.session),
            transfer: transfer_id(site.transfer),
            server: endpoint(site.server),
            path,
            path_hex,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct OtherLegRecord {
    pub originator: EndpointRecord,
    pub responder: EndpointRecord,
    #[serde(flatten)]
    pub span: SpanRecord,
}

#[derive(Serialize, JsonSchema)]
pub struct SetupRecord {
    /// `active`, `passive`, `default` or `unknown`.
    pub method: &'static str,
    pub command: Option<&'static str>,
    pub announced: Option<EndpointRecord>,
    #[serde(flatten)]
    pub place: SetupPlaceRecord,
}

#[derive(Serialize, JsonSchema)]
pub struct SetupPlaceRecord {
    pub frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u16>,
}

#[derive(Serialize, JsonSchema)]
pub struct ExpectedRecord {
    pub bytes: u64,
    /// `150`, `SIZE`, `MLST`, `MLSD` or `LIST`.
    pub source: &'static str,
}

/// How long the parts of a transfer took, by the capture's clock.
#[derive(Serialize, JsonSchema)]
pub struct TimingRecord {
    /// From the command to the data connection's first segment; negative where that came first.
    pub command_to_connection_ns: Option<i64>,
    pub connection_to_first_byte_ns: Option<i64>,
    /// From the first octet to the last.
    pub duration_ns: Option<i64>,
    pub bytes_per_second: Option<u64>,
    /// Of the data connection's handshake.
    pub rtt_ns: Option<i64>,
    /// Of who sent the content.
    pub retransmissions: Option<u64>,
    /// How long who took it had no room for more.
    pub zero_window_ns: Option<u64>,
}

impl TimingRecord {
    fn new(timing: Timing) -> Self {
        let Timing {
            command_to_connection_ns,
            connection_to_first_byte_ns,
            duration_ns,
            bytes_per_second,
            rtt_ns,
            retransmissions,
            zero_window_ns,
        } = timing;
        Self {
            command_to_connection_ns,
            connection_to_first_byte_ns,
            duration_ns,
            bytes_per_second,
            rtt_ns,
            retransmissions,
            zero_window_ns,
        }
    }
}
