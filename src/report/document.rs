//! The JSON document's own types, apart from the facts, so that a change of facts cannot change
//! the document by accident. The schema derives from them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::charset::Charset;
use super::community_id::community_id;
use crate::analysis::{Analysis, CaptureFacts, NotFtp};
use crate::capture::InputFacts;
use crate::decode::Endpoint;
use crate::ftp::{Command, Verb};
use crate::hash::{Hashes, hex};
use crate::session::{
    Confidence, EncryptionKind, Exchange, How, LoginOutcome, Method, Protection, Received, Session,
    SessionId, SizeSource, TransferId,
};
use crate::tcp::{self, Close, Dir, DirFacts, Handshake};
use crate::time::{Stamp, Timestamp};
use crate::transfer::{Content, DataConnection, Direction, Orphan, Outcome, Resemblance, Transfer};

/// What the document shows beside the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct DocumentOptions {
    pub show_secrets: bool,
    /// With several inputs, each frame number stands beside the number of its input.
    pub several_inputs: bool,
}

/// Everything known of a capture. Documents of the same `schema.version` differ only in fields
/// added.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ftpscope document")]
pub struct Document<'a> {
    pub schema: SchemaRecord,
    pub tool: ToolRecord,
    #[schemars(with = "Vec<InputRecord>")]
    pub inputs: Lazy<'a, InputFacts, InputRecord>,
    pub capture: CaptureRecord,
    /// In the order of their first frames.
    #[schemars(with = "Vec<SessionRecord>")]
    pub sessions: Lazy<'a, Session, SessionRecord>,
    /// In the order of their commands.
    #[schemars(with = "Vec<TransferRecord>")]
    pub transfers: Lazy<'a, Transfer, TransferRecord>,
    /// Data connections that no command could be found for.
    #[schemars(with = "Vec<OrphanRecord>")]
    pub orphans: Lazy<'a, Orphan, OrphanRecord>,
    /// Always empty in this version: there are no rules yet.
    pub findings: Vec<serde_json::Value>,
    /// What a reader should know before believing the rest.
    pub warnings: Vec<String>,
}

/// A list whose records are made while it is written: the document needs no memory of its own.
pub struct Lazy<'a, F, R> {
    facts: &'a [F],
    record: Box<dyn Fn(&F) -> R + 'a>,
}

impl<F, R: Serialize> Serialize for Lazy<'_, F, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.facts.iter().map(&self.record))
    }
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
    pub snaplen_cut_packets: u64,
    pub damage: Option<DamageRecord>,
    /// Why nothing of it could be read.
    pub error: Option<String>,
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
    /// Reading was stopped before the end.
    pub interrupted: bool,
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
    pub community_id: String,
    #[serde(flatten)]
    pub span: SpanRecord,
    pub tcp: TcpRecord,
    pub banner: Option<String>,
    pub server_system: Option<String>,
    pub client_software: Option<String>,
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    pub password: Option<SecretRecord>,
    /// `accepted`, `refused`, `incomplete`, `none`, `unknown` or `encrypted`.
    pub login: &'static str,
    pub encryption: EncryptionRecord,
    /// Left out with `--lines`, where each is a record of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanges: Option<Vec<ExchangeRecord>>,
    pub transfers: Vec<String>,
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
    /// `complete`, `unanswered`, `refused`, `half` or `not_captured`.
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
}

#[derive(Serialize, JsonSchema)]
pub struct DirectionRecord {
    pub bytes: u64,
    pub missing_bytes: u64,
    pub retransmissions: u64,
}

/// A password: masked with its length, or shown.
#[derive(Serialize, JsonSchema)]
pub struct SecretRecord {
    pub masked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct EncryptionRecord {
    /// `none`, `explicit`, `implicit` or `gssapi`.
    pub kind: &'static str,
    pub since_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_input: Option<u16>,
    /// `clear`, `private` or `unknown`.
    pub data_protection: &'static str,
}

/// One command and everything the server said to it.
#[derive(Serialize, JsonSchema)]
pub struct ExchangeRecord {
    /// `null` for replies nobody asked for.
    pub command: Option<String>,
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
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_hex: Option<String>,
    /// Without a leading slash: from a directory the capture does not show.
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub mode: Option<String>,
    pub structure: Option<String>,
    pub rest_offset: u64,
    pub setup: SetupRecord,
    pub data: Option<DataRecord>,
    /// Octets captured.
    pub bytes: Option<u64>,
    pub expected: Option<ExpectedRecord>,
    pub missing: Vec<MissingRecord>,
    /// Octets missing beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing_unlisted: u64,
    /// Frames that repeated octets differently.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<PlaceRecord>,
    pub outcome: &'static str,
    pub final_code: Option<u16>,
    /// Of the octets captured, in order: of the file only where nothing is missing.
    pub hashes: Option<HashesRecord>,
    pub media_type: Option<String>,
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
    pub community_id: String,
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
    pub sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
}

/// A data connection that no command could be found for.
#[derive(Serialize, JsonSchema)]
pub struct OrphanRecord {
    pub id: String,
    pub client: EndpointRecord,
    pub server: EndpointRecord,
    pub opened_by: Option<&'static str>,
    #[serde(flatten)]
    pub span: SpanRecord,
    pub bytes: OrphanBytesRecord,
    pub missing_bytes: u64,
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

impl<'a> Document<'a> {
    pub fn new(analysis: &'a Analysis, options: DocumentOptions) -> Self {
        let several = options.several_inputs;
        let charsets: BTreeMap<SessionId, Charset> =
            analysis.sessions.iter().map(|session| (session.id, Charset::of(session))).collect();
        Self {
            schema: SCHEMA,
            tool: TOOL,
            inputs: Lazy { facts: &analysis.inputs, record: Box::new(InputRecord::new) },
            capture: CaptureRecord::new(&analysis.capture, several),
            sessions: Lazy {
                facts: &analysis.sessions,
                record: Box::new(move |session| SessionRecord::new(session, options)),
            },
            transfers: Lazy {
                facts: &analysis.transfers,
                record: Box::new(move |transfer| {
                    let charset = charsets.get(&transfer.session).copied().unwrap_or_default();
                    TransferRecord::new(transfer, charset, several)
                }),
            },
            orphans: Lazy {
                facts: &analysis.orphans,
                record: Box::new(move |orphan| OrphanRecord::new(orphan, several)),
            },
            findings: Vec::new(),
            warnings: analysis.warnings(),
        }
    }
}

pub const SCHEMA: SchemaRecord = SchemaRecord { name: "ftpscope", version: 1 };
pub const TOOL: ToolRecord = ToolRecord { name: "ftpscope", version: env!("CARGO_PKG_VERSION") };

impl InputRecord {
    pub fn new(facts: &InputFacts) -> Self {
        let places = facts.damage.iter().map(|damage| DamagePlaceRecord {
            offset: damage.offset,
            after_packet: damage.after_packet,
            what: damage.what.to_string(),
        });
        let damage = DamageRecord { count: facts.damage_count, places: places.collect() };
        Self {
            path: facts.path.to_string_lossy().into_owned(),
            format: facts.format.map(|format| format.name()),
            compression: facts.compression.map(|compression| compression.name()),
            bytes: facts.bytes,
            packets: facts.packets,
            link_types: facts.link_types.iter().map(ToString::to_string).collect(),
            first_time: time(facts.first_time),
            last_time: time(facts.last_time),
            snaplen_cut_packets: facts.snaplen_cut_packets,
            damage: (damage.count > 0).then_some(damage),
            error: facts.error.as_ref().map(ToString::to_string),
        }
    }
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
            interrupted: facts.is_interrupted,
        }
    }
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

impl SessionRecord {
    pub fn new(session: &Session, options: DocumentOptions) -> Self {
        let several = options.several_inputs;
        let charset = Charset::of(session);
        let exchanges = session.exchanges.iter();
        let exchanges =
            exchanges.map(|exchange| ExchangeRecord::new(exchange, charset, options)).collect();
        let text = |raw: &Option<Vec<u8>>| raw.as_ref().map(|raw| charset.decode(raw).0);
        let (user, user_hex) = wire_text(session.login.user.as_deref(), charset);
        let password = session.login.password.as_deref();
        let encryption = &session.encryption;
        Self {
            id: session_id(session.id),
            client: endpoint(session.client),
            server: endpoint(session.server),
            community_id: community_id(session.client, session.server),
            span: span(&session.tcp.link, several),
            tcp: TcpRecord::new(session, several),
            banner: text(&session.banner),
            server_system: text(&session.software.server_system),
            client_software: text(&session.software.client),
            user,
            user_hex,
            password: password.map(|raw| SecretRecord::new(raw, charset, options.show_secrets)),
            login: login(session.login.outcome),
            encryption: EncryptionRecord {
                kind: encryption_kind(encryption.kind),
                since_frame: encryption.since.map(|stamp| stamp.frame),
                since_input: encryption.since.map(|stamp| stamp.input).filter(|_| several),
                data_protection: protection(encryption.data),
            },
            exchanges: Some(exchanges),
            transfers: session.transfers.iter().map(|id| transfer_id(*id)).collect(),
        }
    }
}

impl TcpRecord {
    fn new(session: &Session, several: bool) -> Self {
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
            conflicts: places(&tcp.conflicts, several),
        }
    }
}

impl SecretRecord {
    fn new(raw: &[u8], charset: Charset, show: bool) -> Self {
        let text = show.then(|| charset.decode(raw).0);
        Self { masked: !show, length: (!show).then_some(raw.len()), text }
    }
}

impl ExchangeRecord {
    pub fn new(exchange: &Exchange, charset: Charset, options: DocumentOptions) -> Self {
        let several = options.several_inputs;
        let sent = exchange.sent.as_ref();
        let command = sent.map(|sent| &sent.command);
        let is_partial = sent.is_some_and(|sent| sent.is_partial);
        let secret = command
            .filter(|command| is_secret(command, is_partial))
            .map(|command| secret_part(command, is_partial));
        let shown = command.filter(|_| secret.is_none() || options.show_secrets);
        let (argument, argument_hex) =
            wire_text(shown.map(|command| command.arg.as_slice()), charset);
        let argument = match secret {
            Some(secret) => Some(ArgumentRecord::Secret(SecretRecord::new(
                &secret,
                charset,
                options.show_secrets,
            ))),
            None => argument.filter(|text| !text.is_empty()).map(ArgumentRecord::Text),
        };
        let stamp = exchange.stamp();
        let (cwd, cwd_hex) =
            wire_text(Some(exchange.cwd.as_slice()).filter(|cwd| !cwd.is_empty()), charset);
        let echo = command.filter(|_| !options.show_secrets && !is_partial);
        let echo =
            echo.filter(|command| is_secret(command, false)).map(|command| command.arg.as_slice());
        Self {
            command: command.map(|command| command_name(command, is_partial, options.show_secrets)),
            argument,
            argument_hex,
            partial: is_partial,
            place: stamp.map(|stamp| place(stamp, several)),
            time: stamp.and_then(|stamp| time(stamp.at)),
            replies: exchange
                .replies
                .iter()
                .map(|received| ReplyRecord::new(received, charset, several, echo))
                .collect(),
            malformed: exchange
                .malformed
                .iter()
                .map(|(stamp, line)| LineRecord {
                    text: charset.decode(&without(line, echo)).0,
                    place: place(*stamp, several),
                    time: time(stamp.at),
                })
                .collect(),
            cwd,
            cwd_hex,
            transfer: exchange.transfer.map(transfer_id),
        }
    }
}

impl ReplyRecord {
    fn new(received: &Received, charset: Charset, several: bool, echo: Option<&[u8]>) -> Self {
        let reply = &received.reply;
        Self {
            code: reply.code,
            text: reply.lines.iter().map(|line| charset.decode(&without(line, echo)).0).collect(),
            dropped_bytes: reply.dropped,
            partial: reply.torn,
            place: place(received.stamp, several),
            time: time(received.stamp.at),
        }
    }
}

impl TransferRecord {
    pub fn new(transfer: &Transfer, charset: Charset, several: bool) -> Self {
        let request = &transfer.request;
        let (name, name_hex) = wire_text(request.name.as_deref(), charset);
        let (path, path_hex) = wire_text(request.path.as_deref(), charset);
        let text = |raw: &Option<Vec<u8>>| raw.as_ref().map(|raw| charset.decode(raw).0);
        let setup = &request.setup;
        let content = transfer.content.as_ref();
        Self {
            id: transfer_id(request.id),
            session: session_id(transfer.session),
            command: charset.decode(&request.command).0,
            direction: direction(transfer.direction),
            name,
            name_hex,
            path,
            path_hex,
            kind: text(&request.representation.kind),
            mode: text(&request.representation.mode),
            structure: text(&request.representation.structure),
            rest_offset: request.rest_offset,
            setup: SetupRecord {
                method: method(setup.method),
                command: text(&setup.command),
                announced: setup.announced.map(endpoint),
                place: SetupPlaceRecord {
                    frame: setup.stamp.map(|stamp| stamp.frame),
                    input: setup.stamp.map(|stamp| stamp.input).filter(|_| several),
                },
            },
            data: transfer.data.as_ref().and_then(|data| DataRecord::new(data, transfer, several)),
            bytes: content.map(|content| content.bytes),
            expected: request.expected.map(|expected| ExpectedRecord {
                bytes: expected.bytes,
                source: size_source(expected.source),
            }),
            missing: content.map(missing).unwrap_or_default(),
            missing_unlisted: content.map_or(0, |content| content.missing_unlisted),
            conflicts: content
                .map(|content| places(&content.conflicts, several))
                .unwrap_or_default(),
            outcome: outcome(transfer.outcome),
            final_code: request.answered.map(|(_, code)| code),
            hashes: content.map(|content| hashes(&content.hashes)),
            media_type: content.and_then(|content| content.media_type.clone()),
        }
    }
}

impl DataRecord {
    fn new(data: &DataConnection, transfer: &Transfer, several: bool) -> Option<Self> {
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
            community_id: community_id(data.originator, data.responder),
        })
    }
}

impl OrphanRecord {
    pub fn new(orphan: &Orphan, several: bool) -> Self {
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
            opened_by: ends.opened_by,
            span: span(&data.link, several),
            bytes: OrphanBytesRecord { from_client: client.bytes, from_server: server.bytes },
            missing_bytes: lost(main),
            why: match orphan.why {
                Resemblance::DataPort => "port 20",
                Resemblance::Peers => "between the hosts of a session",
            },
            hashes: hashes(&main.hashes),
            media_type: main.media_type.clone(),
            community_id: community_id(data.originator, data.responder),
        }
    }
}

/// A data connection's ends by their roles in the session.
struct Ends {
    client: Endpoint,
    server: Endpoint,
    opened_by: Option<&'static str>,
}

impl Ends {
    fn new(data: &DataConnection, server: Dir) -> Self {
        let (server_end, client) = match server {
            Dir::FromOriginator => (data.originator, data.responder),
            Dir::FromResponder => (data.responder, data.originator),
        };
        let opened_by = data.link.opener_known.then(|| side(server == Dir::FromResponder));
        Self { client, server: server_end, opened_by }
    }
}

/// `PASS` and `ACCT` tell secrets; so may a torn line whose verb is lost.
fn is_secret(command: &Command, is_partial: bool) -> bool {
    matches!(command.verb, Verb::Pass | Verb::Acct) || is_partial && command.verb == Verb::Other
}

fn secret_part(command: &Command, is_partial: bool) -> Vec<u8> {
    if is_partial && command.verb == Verb::Other {
        return [&command.word[..], &command.arg].join(&b' ');
    }
    command.arg.clone()
}

fn command_name(command: &Command, is_partial: bool, show_secrets: bool) -> String {
    if is_partial && command.verb == Verb::Other && !show_secrets {
        return String::new();
    }
    String::from_utf8_lossy(&command.name()).into_owned()
}

/// A line without the secret it repeats.
fn without<'a>(line: &'a [u8], secret: Option<&[u8]>) -> std::borrow::Cow<'a, [u8]> {
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else { return line.into() };
    let mut rest = line;
    let mut kept = Vec::new();
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        kept.extend_from_slice(&rest[..at]);
        kept.extend_from_slice(b"***");
        rest = &rest[at + secret.len()..];
    }
    kept.extend_from_slice(rest);
    kept.into()
}

/// Text from the wire: what a person reads, and the raw bytes where reading loses something.
fn wire_text(raw: Option<&[u8]>, charset: Charset) -> (Option<String>, Option<String>) {
    let Some(raw) = raw else { return (None, None) };
    let (text, lossless) = charset.decode(raw);
    (Some(text), (!lossless).then(|| hex(raw)))
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn time(at: Timestamp) -> Option<String> {
    at.is_known().then(|| at.to_string())
}

fn place(stamp: Stamp, several: bool) -> PlaceRecord {
    PlaceRecord { frame: stamp.frame, input: several.then_some(stamp.input) }
}

fn places(stamps: &[Stamp], several: bool) -> Vec<PlaceRecord> {
    stamps.iter().map(|stamp| place(*stamp, several)).collect()
}

fn span(link: &tcp::Link, several: bool) -> SpanRecord {
    SpanRecord {
        first_frame: link.first.frame,
        first_input: several.then_some(link.first.input),
        last_frame: link.last.frame,
        last_input: several.then_some(link.last.input),
        start: time(link.first.at),
        end: time(link.last.at),
    }
}

pub fn endpoint(end: Endpoint) -> EndpointRecord {
    EndpointRecord { ip: end.ip, port: end.port }
}

fn direction_facts(facts: DirFacts) -> DirectionRecord {
    DirectionRecord {
        bytes: facts.bytes,
        missing_bytes: facts.missing_bytes,
        retransmissions: facts.retransmissions,
    }
}

pub fn hashes(hashes: &Hashes) -> HashesRecord {
    let Hashes { sha256, sha1, md5 } = hashes.clone();
    HashesRecord { sha256, sha1, md5 }
}

fn missing(content: &Content) -> Vec<MissingRecord> {
    let ranges = content.missing.iter();
    ranges.map(|range| MissingRecord { offset: range.offset, bytes: range.bytes }).collect()
}

pub fn session_id(id: SessionId) -> String {
    format!("s{}", id.0)
}

pub fn transfer_id(id: TransferId) -> String {
    format!("t{}", id.0)
}

pub fn orphan_id(orphan: &Orphan) -> String {
    format!("o{}", orphan.number)
}

fn side(is_client: bool) -> &'static str {
    if is_client { "client" } else { "server" }
}

fn handshake(handshake: Handshake) -> &'static str {
    match handshake {
        Handshake::NotCaptured => "not_captured",
        Handshake::Unanswered => "unanswered",
        Handshake::Refused => "refused",
        Handshake::Half => "half",
        Handshake::Complete => "complete",
    }
}

/// How it closed, and which direction's sender closed it.
fn closing(link: &tcp::Link) -> (&'static str, Option<Dir>) {
    match link.close {
        Close::Open => ("open", None),
        // One end said it was done, the other never did: it was open when the capture ended.
        Close::HalfFin { by } => ("open", Some(by)),
        Close::Fin { by } => ("fin", Some(by)),
        Close::Reset { by } => ("reset", Some(by)),
        Close::Timeout => ("timeout", None),
    }
}

pub fn login(login: LoginOutcome) -> &'static str {
    match login {
        LoginOutcome::None => "none",
        LoginOutcome::Unknown => "unknown",
        LoginOutcome::Incomplete => "incomplete",
        LoginOutcome::Accepted => "accepted",
        LoginOutcome::Refused => "refused",
        LoginOutcome::Encrypted => "encrypted",
    }
}

fn encryption_kind(kind: EncryptionKind) -> &'static str {
    match kind {
        EncryptionKind::None => "none",
        EncryptionKind::Explicit => "explicit",
        EncryptionKind::Implicit => "implicit",
        EncryptionKind::Gssapi => "gssapi",
    }
}

fn protection(protection: Protection) -> &'static str {
    match protection {
        Protection::Clear => "clear",
        Protection::Private => "private",
        Protection::Unknown => "unknown",
    }
}

pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "download",
        Direction::Upload => "upload",
        Direction::Append => "append",
        Direction::Listing => "listing",
        Direction::SiteToSite => "site_to_site",
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Active => "active",
        Method::Passive => "passive",
        Method::Default => "default",
        Method::Unknown => "unknown",
    }
}

fn how(how: How) -> &'static str {
    match how {
        How::Announced => "announced",
        How::AnnouncedPort => "announced_port",
        How::DefaultPort => "default_port",
        How::TimeOrder => "time_order",
        How::LateAnnouncement => "late_announcement",
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Guess => "guess",
    }
}

fn size_source(source: SizeSource) -> &'static str {
    match source {
        SizeSource::Preliminary => "150",
        SizeSource::Size => "SIZE",
        SizeSource::Mlst => "MLST",
        SizeSource::Mlsd => "MLSD",
        SizeSource::List => "LIST",
    }
}

pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::Unconfirmed => "unconfirmed",
        Outcome::Gaps => "gaps",
        Outcome::Aborted => "aborted",
        Outcome::InProgress => "in_progress",
        Outcome::Refused => "refused",
        Outcome::NoConnection => "no_connection",
        Outcome::NotCaptured => "not_captured",
        Outcome::Encrypted => "encrypted",
    }
}
