//! The JSON document's own types, apart from the facts, so that a change of facts cannot change
//! the document by accident. The schema derives from them.

mod audit;
mod build;
mod finding;
mod names;

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::audit::{AuditRecord, shared_id, strength};
pub use self::build::{
    SCHEMA, TOOL, endpoint, file_id, hashes, orphan_id, session_id, transfer_id, wire_text,
};
pub use self::finding::{FindingRecord, certainty, finding_id, grade, kind, severity};
pub use self::names::{DIRECTIONS, OUTCOMES, direction, login, outcome};
use crate::analysis::secret::Secrets;

/// What the document shows beside the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct DocumentOptions {
    pub show_secrets: bool,
    /// With several inputs, each frame number stands beside the number of its input.
    pub several_inputs: bool,
}

impl DocumentOptions {
    /// What is to be hidden: nothing where secrets are shown.
    pub fn hidden(self, secrets: impl FnOnce() -> Secrets) -> Secrets {
        if self.show_secrets { Secrets::default() } else { secrets() }
    }

    /// What is done with passwords.
    pub fn secrets(self) -> &'static str {
        if self.show_secrets { "shown" } else { "masked" }
    }
}

/// Everything known of a capture. Documents of the same `schema.version` differ only in fields
/// added.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ftpscope document")]
pub struct Document {
    pub schema: SchemaRecord,
    pub tool: ToolRecord,
    /// Whether passwords are `masked` here, or `shown`.
    pub secrets: &'static str,
    pub inputs: Vec<InputRecord>,
    pub capture: CaptureRecord,
    /// In the order of their first frames.
    pub sessions: Vec<SessionRecord>,
    /// In the order of their commands.
    pub transfers: Vec<TransferRecord>,
    /// Files of servers, each put together from the transfers that moved a part of it.
    pub files: Vec<LogicalFileRecord>,
    /// What listings show of each server to each user, and what was done there.
    pub server_trees: Vec<ServerTreeRecord>,
    /// Data connections that no command could be found for.
    pub orphans: Vec<OrphanRecord>,
    /// The worst first; those that are suppressed last. Not with `--lines`: a rule sees whole sessions.
    pub findings: Vec<FindingRecord>,
    /// Only with `--audit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditRecord>,
    /// What a reader should know before believing the rest.
    pub warnings: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct SchemaRecord {
    pub name: &'static str,
    pub version: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct ToolRecord {
    pub name: &'static str,
    pub version: &'static str,
}

/// One input as it was found.
#[derive(Serialize, JsonSchema)]
pub struct InputRecord {
    /// As typed.
    pub path: String,
    pub format: Option<&'static str>,
    pub compression: Option<&'static str>,
    /// Raw bytes read.
    pub bytes: u64,
    pub packets: u64,
    pub link_types: Vec<String>,
    pub first_time: Option<String>,
    pub last_time: Option<String>,
    /// Packets older than the one before them; they stay in the order of the file.
    pub time_steps_back: Option<ClockStepsRecord>,
    /// Packets more than an hour younger than the one before them.
    pub time_jumps_ahead: Option<ClockStepsRecord>,
    /// Packets that tell no time.
    pub packets_without_time: u64,
    pub snaplen_cut_packets: u64,
    pub damage: Option<DamageRecord>,
    /// What became of the file while it was read: `grew` (what was added is not here), `shrank`,
    /// `modified`, `replaced`.
    pub changed: Option<&'static str>,
    /// Why nothing of it could be read.
    pub error: Option<String>,
}

/// Steps of a capture's clock in one direction, from one packet to the next.
#[derive(Serialize, JsonSchema)]
pub struct ClockStepsRecord {
    pub count: u64,
    pub largest_ns: u64,
    /// The packet behind the first step.
    pub first_frame: u64,
    /// The packet behind the largest.
    pub largest_frame: u64,
}

/// Places where an input is not what its format says.
#[derive(Serialize, JsonSchema)]
pub struct DamageRecord {
    /// All places, also those not listed.
    pub count: u64,
    pub places: Vec<DamagePlaceRecord>,
}

#[derive(Serialize, JsonSchema)]
pub struct DamagePlaceRecord {
    /// Byte in the decompressed stream.
    pub offset: u64,
    /// Packets of this input before it.
    pub after_packet: u64,
    pub what: String,
}

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

#[derive(Serialize, JsonSchema)]
pub struct EndpointRecord {
    #[schemars(with = "String")]
    pub ip: IpAddr,
    pub port: u16,
}

/// A frame, as Wireshark numbers it.
#[derive(Serialize, JsonSchema)]
pub struct PlaceRecord {
    pub frame: u64,
    /// Index into `inputs`; only where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u16>,
}

/// One control connection.
#[derive(Serialize, JsonSchema)]
pub struct SessionRecord {
    pub id: String,
    pub client: EndpointRecord,
    pub server: EndpointRecord,
    /// The tunnel it was captured in, the outermost first: `vxlan 42`,
    /// `gre 192.0.2.1 192.0.2.2 key 7 / pppoe 3`.
    pub tunnel: Option<String>,
    pub community_id: String,
    #[serde(flatten)]
    pub span: SpanRecord,
    pub tcp: TcpRecord,
    pub banner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner_hex: Option<String>,
    pub server_system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_system_hex: Option<String>,
    pub client_software: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_software_hex: Option<String>,
    /// Whether UTF-8 was agreed for names (OPTS UTF8, FEAT); `null` where nothing was said of it.
    pub utf8: Option<bool>,
    /// What names that are not UTF-8 are taken for: a guess over the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<&'static str>,
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    pub password: Option<SecretRecord>,
    /// `accepted`, `refused`, `incomplete`, `none`, `unknown` or `encrypted`.
    pub login: &'static str,
    pub encryption: EncryptionRecord,
    /// What TLS showed of itself on the control connection; `null` where there was none.
    pub tls: Option<TlsRecord>,
    /// Left out with `--lines`, where each is a record of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanges: Option<Vec<ExchangeRecord>>,
    pub transfers: Vec<String>,
    /// The same session captured at other places, as on both sides of a NAT. What was moved is told
    /// once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<LegRecord>,
}

/// A second capture of a session.
#[derive(Serialize, JsonSchema)]
pub struct LegRecord {
    /// No other session has this id. With `--lines` its exchanges are told, too.
    pub id: String,
    pub client: EndpointRecord,
    pub server: EndpointRecord,
    pub tunnel: Option<String>,
    #[serde(flatten)]
    pub span: SpanRecord,
    /// How they are known to be one: `sequence_numbers` (both ends began with the same) or
    /// `dialogue` (the same was said, at the same time).
    pub how: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub struct OtherLegRecord {
    pub originator: EndpointRecord,
    pub responder: EndpointRecord,
    #[serde(flatten)]
    pub span: SpanRecord,
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

/// Segments that a sender in good order does not send.
#[derive(Serialize, JsonSchema)]
pub struct AnomaliesRecord {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<AnomalyRecord>,
    /// Those beyond the ones listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub anomalies_unlisted: u64,
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

/// A password: masked with its length, or shown.
#[derive(Serialize, JsonSchema)]
pub struct SecretRecord {
    pub masked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_hex: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct EncryptionRecord {
    /// `none`, `explicit`, `implicit` or `gssapi`.
    pub kind: &'static str,
    pub since_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_input: Option<u16>,
    /// From here on it was clear text again (CCC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_input: Option<u16>,
    /// `clear`, `private` or `unknown`.
    pub data_protection: &'static str,
}

/// What a TLS connection shows of itself without being decrypted.
#[derive(Serialize, JsonSchema)]
pub struct TlsRecord {
    /// The one in use: `TLS 1.2`, `TLS 1.3` …
    pub version: Option<String>,
    /// The host the client asked for.
    pub server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name_hex: Option<String>,
    /// By its IANA name, or its number in hexadecimal.
    pub cipher: Option<String>,
    /// The application protocol agreed on; TLS 1.3 hides it.
    pub alpn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn_hex: Option<String>,
    /// Fingerprints of the client.
    pub ja3: Option<String>,
    pub ja4: Option<String>,
    /// It took up the keys of an earlier connection.
    pub resumed: Option<bool>,
    /// The server's; TLS 1.3 hides it.
    pub certificate: Option<CertificateRecord>,
}

/// A certificate as its sender gave it: nothing is checked.
#[derive(Serialize, JsonSchema)]
pub struct CertificateRecord {
    pub subject: String,
    pub issuer: String,
    /// RFC 3339, in whole seconds.
    pub not_before: Option<String>,
    pub not_after: Option<String>,
    /// DNS names and IP addresses it is for; the first hundred.
    pub names: Vec<String>,
    /// Of the certificate in DER.
    pub sha256: String,
    /// It names itself as issuer; the signature is not checked.
    pub self_signed: bool,
}

/// Bounds of the size of what was moved under encryption.
#[derive(Serialize, JsonSchema)]
pub struct EstimateRecord {
    pub least: u64,
    pub most: u64,
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

/// One command and everything the server said to it.
#[derive(Serialize, JsonSchema)]
pub struct ExchangeRecord {
    /// `null` for replies nobody asked for.
    pub command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_hex: Option<String>,
    pub argument: Option<ArgumentRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument_hex: Option<String>,
    /// The beginning or the end of the line was not captured, or it was too long to keep.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    #[serde(flatten)]
    pub place: Option<PlaceRecord>,
    pub time: Option<String>,
    pub replies: Vec<ReplyRecord>,
    /// Lines of the server that were no replies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub malformed: Vec<LineRecord>,
    /// `null` while unknown; without a leading slash, from a directory the capture does not show.
    pub cwd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd_hex: Option<String>,
    pub transfer: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ArgumentRecord {
    Text(String),
    Secret(SecretRecord),
}

#[derive(Serialize, JsonSchema)]
pub struct ReplyRecord {
    pub code: u16,
    /// One string a line.
    pub text: Vec<String>,
    /// Of those lines, in their order, `null` for those that are UTF-8; absent if all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text_hex: Vec<Option<String>>,
    /// Bytes of text that were not kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_bytes: u64,
    /// Its end was not captured.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    #[serde(flatten)]
    pub place: PlaceRecord,
    pub time: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct LineRecord {
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_hex: Option<String>,
    #[serde(flatten)]
    pub place: PlaceRecord,
    pub time: Option<String>,
}

/// One RETR, STOR, STOU, APPE, LIST, NLST or MLSD.
#[derive(Serialize, JsonSchema)]
pub struct TransferRecord {
    pub id: String,
    pub session: String,
    pub command: String,
    /// `download`, `upload`, `append`, `listing` or `site_to_site`.
    pub direction: &'static str,
    /// Both halves of a copy between two servers, where both were arranged in the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_to_site: Option<SiteToSiteRecord>,
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// Without a leading slash: from a directory the capture does not show.
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(rename = "type_hex", skip_serializing_if = "Option::is_none")]
    pub kind_hex: Option<String>,
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_hex: Option<String>,
    pub structure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure_hex: Option<String>,
    pub rest_offset: u64,
    /// The server accepted the REST and sent the file from its beginning all the same.
    #[serde(skip_serializing_if = "is_false")]
    pub rest_ignored: bool,
    pub setup: SetupRecord,
    pub data: Option<DataRecord>,
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
    pub media_type: Option<String>,
    /// What a listing shows; absent of anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<EntryRecord>>,
    /// Lines of a listing that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unparsed: Vec<String>,
    /// Of those lines, in their order, `null` for those that are UTF-8; absent if all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unparsed_hex: Vec<Option<String>>,
}

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

#[derive(Serialize, JsonSchema)]
pub struct LineEndsRecord {
    pub crlf: u64,
    pub lf: u64,
    pub cr: u64,
}

/// What one user saw of a server.
#[derive(Serialize, JsonSchema)]
pub struct ServerTreeRecord {
    pub server: EndpointRecord,
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    /// By their paths.
    pub entries: Vec<NodeRecord>,
    /// How often something was seen or done that is not here, for want of room.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: u64,
}

/// A file or a directory of a server.
#[derive(Serialize, JsonSchema)]
pub struct NodeRecord {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// As it was seen last; its fields are absent if it was in no listing.
    #[serde(flatten)]
    pub entry: Option<EntryRecord>,
    /// Frame of the reply to the last listing it was in.
    pub seen: Option<PlaceRecord>,
    pub fetched: Vec<String>,
    /// Written, or written over.
    pub stored: Vec<String>,
    /// Frame of the reply to DELE.
    pub deleted: Option<PlaceRecord>,
}

/// A copy from one server to another, of which two commands in two sessions are the halves.
#[derive(Serialize, JsonSchema)]
pub struct SiteToSiteRecord {
    pub source: SiteRecord,
    pub destination: SiteRecord,
}

#[derive(Serialize, JsonSchema)]
pub struct SiteRecord {
    pub session: String,
    pub transfer: String,
    pub server: EndpointRecord,
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
}

/// A file of a server, from when it is written anew until it is again.
#[derive(Serialize, JsonSchema)]
pub struct LogicalFileRecord {
    pub id: String,
    pub server: EndpointRecord,
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    /// The last name it has.
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// Names it had before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_paths: Vec<String>,
    /// Of those names, in their order, `null` for those that are UTF-8; absent if all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_paths_hex: Vec<Option<String>>,
    /// In the order of their commands.
    pub pieces: Vec<PieceRecord>,
    /// `null` where nothing shows where it ends.
    pub size: Option<u64>,
    /// Every octet of it was captured.
    pub whole: bool,
    /// What of it no piece has.
    pub holes: Vec<RangeRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<OverlapRecord>,
    /// Of the whole file, where one piece is all of it, or its pieces came one behind the other and
    /// the capture could be read again; of others `extract` makes it.
    pub hashes: Option<HashesRecord>,
    /// The first file of the same content.
    pub same_as: Option<String>,
    /// Frame of the reply to DELE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<PlaceRecord>,
}

/// What a transfer moved of a file.
#[derive(Serialize, JsonSchema)]
pub struct PieceRecord {
    pub transfer: String,
    /// `null` where it is not known at which octet it began.
    pub start: Option<u64>,
    /// Behind its last octet.
    pub end: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
pub struct RangeRecord {
    pub start: u64,
    /// Behind its last octet.
    pub end: u64,
}

/// Octets that two pieces have.
#[derive(Serialize, JsonSchema)]
pub struct OverlapRecord {
    #[serde(flatten)]
    pub range: RangeRecord,
    pub transfers: [String; 2],
    /// `null` where the two were not compared.
    pub agree: Option<bool>,
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

#[derive(Serialize, JsonSchema)]
pub struct SetupRecord {
    /// `active`, `passive`, `default` or `unknown`.
    pub method: &'static str,
    pub command: Option<String>,
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

/// A data connection, or the attempt at one.
#[derive(Serialize, JsonSchema)]
pub struct DataRecord {
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
    pub tls: Option<TlsRecord>,
    pub community_id: String,
    /// What TCP carried each way.
    pub traffic: TrafficRecord,
    #[serde(flatten)]
    pub anomalies: AnomaliesRecord,
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

#[derive(Serialize, JsonSchema)]
pub struct ExpectedRecord {
    pub bytes: u64,
    /// `150`, `SIZE`, `MLST`, `MLSD` or `LIST`.
    pub source: &'static str,
}

/// Octets that are not in the capture.
#[derive(Serialize, JsonSchema)]
pub struct MissingRecord {
    /// From the first octet of the data connection; `null` behind a beginning of unknown length.
    pub offset: Option<u64>,
    /// `null` if nothing tells how many.
    pub bytes: Option<u64>,
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

/// A data connection that no command could be found for.
#[derive(Serialize, JsonSchema)]
pub struct OrphanRecord {
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
    pub tls: Option<TlsRecord>,
    /// The transfer that this probably is; `null` if no encrypted session was open at the time.
    pub inferred: Option<InferredRecord>,
    /// `port 20` or `between the hosts of a session`.
    pub why: &'static str,
    /// Of the direction that carried more.
    pub hashes: HashesRecord,
    pub media_type: Option<String>,
    pub community_id: String,
}

#[derive(Serialize, JsonSchema)]
pub struct OrphanBytesRecord {
    pub from_client: u64,
    pub from_server: u64,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}
