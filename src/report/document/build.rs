//! Facts → records.

use std::borrow::Cow;

use super::names::*;
use super::*;
use crate::analysis::Charset;
use crate::analysis::secret::{Secrets, is_lost, secret_of};
use crate::analysis::{
    Analysis, Audit, CaptureFacts, LogicalFile, Node, NotFtp, Range, ServerTree,
};
use crate::capture::{Change, ClockSteps, InputFacts};
use crate::decode::{Endpoint, FragmentFacts, Tunnels};
use crate::ftp::Entry;
use crate::hash::{Digests, Hashes, hex};
use crate::report::community_id::community_id;
use crate::session::{Code, Exchange, Received, Sent, Session, SessionId, TransferId};
use crate::tcp::{self, Anomaly, AnomalyKind, Dir, DirFacts};
use crate::time::{Stamp, Timestamp, of_seconds};
use crate::tls::{Certificate, PlainBytes, TlsFacts};
use crate::transfer::{
    Check, Content, DataConnection, Decoded, Inferred, LineEnds, Orphan, Site, Stated, Timing,
    Transfer,
};

impl Document {
    /// All but the long lists, which are empty here: their records are made while they are
    /// written, so that the document needs no memory of its own.
    pub fn without_lists(
        analysis: &Analysis,
        audit: Option<&Audit<'_>>,
        options: DocumentOptions,
    ) -> Self {
        Self {
            schema: SCHEMA,
            tool: TOOL,
            secrets: options.secrets(),
            inputs: analysis.inputs.iter().map(InputRecord::new).collect(),
            capture: CaptureRecord::new(&analysis.capture, options.several_inputs),
            sessions: Vec::new(),
            transfers: Vec::new(),
            files: Vec::new(),
            server_trees: Vec::new(),
            orphans: Vec::new(),
            findings: analysis
                .findings
                .iter()
                .enumerate()
                .map(|(nth, finding)| FindingRecord::new(nth + 1, finding, options.several_inputs))
                .collect(),
            audit: audit.map(|audit| AuditRecord::new(audit, options)),
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
            time_steps_back: facts.time_steps_back.map(ClockStepsRecord::new),
            time_jumps_ahead: facts.time_jumps_ahead.map(ClockStepsRecord::new),
            packets_without_time: facts.packets_without_time,
            snaplen_cut_packets: facts.snaplen_cut_packets,
            damage: (damage.count > 0).then_some(damage),
            changed: facts.changed.map(Change::name),
            error: facts.error.as_ref().map(ToString::to_string),
        }
    }
}

impl ClockStepsRecord {
    fn new(steps: ClockSteps) -> Self {
        let ClockSteps { count, largest_ns, first_frame, largest_frame } = steps;
        Self { count, largest_ns, first_frame, largest_frame }
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
            fragments: facts
                .fragments
                .as_ref()
                .map(|fragments| FragmentsRecord::new(fragments, several)),
            interrupted: facts.is_interrupted,
        }
    }
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
    pub fn new(session: &Session, tunnels: &Tunnels, options: DocumentOptions) -> Self {
        let several = options.several_inputs;
        let charset = Charset::of(session);
        let secrets = options.hidden(|| Secrets::of(session));
        let exchanges = session.exchanges.iter();
        let exchanges = exchanges
            .map(|exchange| ExchangeRecord::new(exchange, charset, &secrets, options))
            .collect();
        let (user, user_hex) = wire_text(session.login.user.as_deref(), charset);
        let (banner, banner_hex) = wire_text(session.banner.as_deref(), charset);
        let software = &session.software;
        let (server_system, server_system_hex) =
            wire_text(software.server_system.as_deref(), charset);
        let (client_software, client_software_hex) = wire_text(software.client.as_deref(), charset);
        let password = session.login.password.as_deref();
        let encryption = &session.encryption;
        Self {
            id: session_id(session.id),
            client: endpoint(session.client),
            server: endpoint(session.server),
            tunnel: tunnels.name(session.client.ip.net),
            community_id: community_id(session.client, session.server),
            span: span(&session.tcp.link, several),
            tcp: TcpRecord::new(session, several),
            banner,
            banner_hex,
            server_system,
            server_system_hex,
            client_software,
            client_software_hex,
            utf8: software.utf8,
            charset: charset.guessed(),
            user,
            user_hex,
            password: password.map(|raw| SecretRecord::new(raw, charset, options.show_secrets)),
            login: login(session.login.outcome),
            encryption: EncryptionRecord {
                kind: encryption_kind(encryption.kind),
                since_frame: encryption.since.map(|stamp| stamp.frame()),
                since_input: encryption.since.map(|stamp| stamp.input()).filter(|_| several),
                until_frame: encryption.until.map(|stamp| stamp.frame()),
                until_input: encryption.until.map(|stamp| stamp.input()).filter(|_| several),
                data_protection: protection(encryption.data),
            },
            tls: session.tls.as_deref().map(TlsRecord::new),
            exchanges: Some(exchanges),
            transfers: session.transfers.iter().map(|id| transfer_id(*id)).collect(),
            legs: session
                .legs
                .iter()
                .map(|leg| LegRecord {
                    id: session_id(leg.id),
                    client: endpoint(leg.client),
                    server: endpoint(leg.server),
                    tunnel: tunnels.name(leg.client.ip.net),
                    span: span(&leg.link, several),
                    how: sameness(leg.how),
                })
                .collect(),
        }
    }
}

impl TlsRecord {
    fn new(tls: &TlsFacts) -> Self {
        let (client, server) = (tls.client_hello(), tls.server_hello());
        let name = client.and_then(|hello| hello.server_name.as_deref());
        let (server_name, server_name_hex) = wire_text(name, Charset::default());
        let alpn = server.and_then(|hello| hello.alpn.as_deref());
        let (alpn, alpn_hex) = wire_text(alpn, Charset::default());
        Self {
            version: server.map(|hello| hello.version.to_string()),
            server_name,
            server_name_hex,
            cipher: server.map(|hello| hello.cipher_name().into_owned()),
            alpn,
            alpn_hex,
            ja3: client.map(|hello| hello.ja3.clone()),
            ja4: client.map(|hello| hello.ja4.clone()),
            resumed: tls.resumed(),
            certificate: tls.certificate().map(CertificateRecord::new),
        }
    }
}

impl CertificateRecord {
    fn new(certificate: &Certificate) -> Self {
        let Certificate { subject, issuer, not_before, not_after, names, sha256, self_signed } =
            certificate;
        Self {
            subject: subject.clone(),
            issuer: issuer.clone(),
            not_before: of_seconds(*not_before),
            not_after: of_seconds(*not_after),
            names: names.clone(),
            sha256: hex(sha256),
            self_signed: *self_signed,
        }
    }
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

fn estimate(bytes: PlainBytes) -> EstimateRecord {
    EstimateRecord { least: bytes.least, most: bytes.most }
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
            conflicts: conflicts(tcp.link.anomalies.listed.iter(), several),
            anomalies: AnomaliesRecord::new(&tcp.link, tcp.client_is_originator, several),
        }
    }
}

impl SecretRecord {
    pub(super) fn new(raw: &[u8], charset: Charset, show: bool) -> Self {
        let (text, text_hex) = wire_text(Some(raw).filter(|_| show), charset);
        Self { masked: !show, length: (!show).then_some(raw.len()), text, text_hex }
    }
}

impl ExchangeRecord {
    /// `secrets` are those of its session.
    pub fn new(
        exchange: &Exchange,
        charset: Charset,
        secrets: &Secrets,
        options: DocumentOptions,
    ) -> Self {
        let several = options.several_inputs;
        let sent = exchange.sent.as_ref();
        let secret = sent.and_then(secret_of);
        let hidden = secret.as_deref().filter(|_| !options.show_secrets);
        let (argument, argument_hex) = argument(sent, secret.as_deref(), charset, secrets, options);
        let hide = |line| secrets.hide(line, hidden);
        let (cwd, cwd_hex) =
            wire_text(Some(&exchange.cwd[..]).filter(|cwd| !cwd.is_empty()), charset);
        let name = sent.map(|sent| command_name(sent, options.show_secrets));
        let (command, command_hex) = wire_text(name.as_deref(), charset);
        let stamp = exchange.stamp();
        let replies = exchange.replies.iter();
        let malformed = exchange.malformed.iter();
        Self {
            command,
            command_hex,
            argument,
            argument_hex,
            partial: sent.is_some_and(|sent| sent.is_partial),
            place: stamp.map(|stamp| place(stamp, several)),
            time: stamp.and_then(|stamp| time(stamp.at)),
            replies: replies
                .map(|received| ReplyRecord::new(received, hide, charset, several))
                .collect(),
            malformed: malformed
                .map(|(stamp, line)| {
                    let (text, text_hex) = wire_text(Some(&hide(line)), charset);
                    LineRecord {
                        text: text.unwrap_or_default(),
                        text_hex,
                        place: place(*stamp, several),
                        time: time(stamp.at),
                    }
                })
                .collect(),
            cwd,
            cwd_hex,
            transfer: exchange.transfer.map(transfer_id),
        }
    }
}

/// What follows the verb, masked if it is a secret, and its bytes if they are not UTF-8.
fn argument(
    sent: Option<&Sent>,
    secret: Option<&[u8]>,
    charset: Charset,
    secrets: &Secrets,
    options: DocumentOptions,
) -> (Option<ArgumentRecord>, Option<String>) {
    if let Some(secret) = secret {
        let record = SecretRecord::new(secret, charset, options.show_secrets);
        return (Some(ArgumentRecord::Secret(record)), None);
    }
    let raw = sent.map(|sent| sent.command.arg()).filter(|arg| !arg.is_empty());
    let raw = raw.map(|raw| secrets.hide(raw, None));
    let (text, hex) = wire_text(raw.as_deref(), charset);
    (text.map(ArgumentRecord::Text), hex)
}

impl ReplyRecord {
    /// `hide` takes the secrets out of a line.
    fn new<'a>(
        received: &'a Received,
        hide: impl Fn(&'a [u8]) -> Cow<'a, [u8]>,
        charset: Charset,
        several: bool,
    ) -> Self {
        let reply = &received.reply;
        let (text, text_hex) = wire_texts(reply.lines().map(hide), charset);
        Self {
            code: reply.code,
            text,
            text_hex,
            dropped_bytes: reply.dropped.into(),
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
        let representation = &request.representation;
        let code = |code: &Option<Code>| wire_text(code.as_deref(), charset);
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
            command: request.command.to_owned(),
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
                command: setup.command.map(str::to_owned),
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
            media_type: content.and_then(|content| content.media_type.clone()),
            entries: listing.map(|listing| {
                listing.entries.iter().map(|entry| EntryRecord::new(entry, charset)).collect()
            }),
            unparsed,
            unparsed_hex,
        }
    }
}

impl SiteRecord {
    fn new(site: &Site, charset: Charset) -> Self {
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

impl ServerTreeRecord {
    pub fn new(tree: &ServerTree<'_>, charset: Charset, several: bool) -> Self {
        let node = |(path, node): (&Vec<u8>, &Node)| {
            let (path, path_hex) = wire_text(Some(path), charset);
            NodeRecord {
                path: path.unwrap_or_default(),
                path_hex,
                entry: node.entry.as_ref().map(|entry| EntryRecord::new(entry, charset)),
                seen: node.seen.map(|stamp| place(stamp, several)),
                fetched: node.fetched.iter().map(|id| transfer_id(*id)).collect(),
                stored: node.stored.iter().map(|id| transfer_id(*id)).collect(),
                deleted: node.deleted.map(|stamp| place(stamp, several)),
            }
        };
        let (user, user_hex) = wire_text(tree.user, charset);
        Self {
            server: endpoint(tree.server),
            user,
            user_hex,
            entries: tree.nodes.iter().map(node).collect(),
            unlisted: tree.unlisted,
        }
    }
}

impl RangeRecord {
    pub fn new(range: &Range) -> Self {
        Self { start: range.start, end: range.end }
    }
}

impl DecodedRecord {
    fn new(decoded: &Decoded) -> Self {
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

impl LogicalFileRecord {
    /// `number` is its place among all, `whole` its hashes, `session` that of its first piece.
    pub fn new(
        number: usize,
        file: &LogicalFile,
        whole: Option<&Hashes>,
        session: &Session,
        charset: Charset,
        several: bool,
    ) -> Self {
        let (path, path_hex) = wire_text(Some(&file.path), charset);
        let (user, user_hex) = wire_text(session.login.user.as_deref(), charset);
        let former = file.former.iter().map(Cow::from);
        let (former_paths, former_paths_hex) = wire_texts(former, charset);
        Self {
            id: file_id(number),
            server: endpoint(session.server),
            user,
            user_hex,
            path: path.unwrap_or_default(),
            path_hex,
            former_paths,
            former_paths_hex,
            pieces: file
                .pieces
                .iter()
                .map(|piece| PieceRecord {
                    transfer: transfer_id(piece.transfer),
                    start: piece.range.map(|range| range.start),
                    end: piece.range.map(|range| range.end),
                })
                .collect(),
            size: file.size,
            whole: file.is_whole(),
            holes: file.holes.iter().map(RangeRecord::new).collect(),
            overlaps: file
                .overlaps
                .iter()
                .map(|overlap| OverlapRecord {
                    range: RangeRecord::new(&overlap.range),
                    transfers: overlap.transfers.map(transfer_id),
                    agree: overlap.agrees,
                })
                .collect(),
            hashes: whole.map(hashes),
            same_as: file.same_as.map(file_id),
            deleted: file.deleted.map(|stamp| place(stamp, several)),
        }
    }
}

/// Of the file in that place, counted from 0.
pub fn file_id(place: usize) -> String {
    format!("file{}", place + 1)
}

impl CheckRecord {
    fn new(check: &Check, several: bool) -> Self {
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

impl EntryRecord {
    fn new(entry: &Entry, charset: Charset) -> Self {
        let (name, name_hex) = wire_text(Some(&entry.name), charset);
        let text = |raw: &Option<Vec<u8>>| wire_text(raw.as_deref(), charset);
        let (permissions, permissions_hex) = text(&entry.permissions);
        let (owner, owner_hex) = text(&entry.owner);
        let (group, group_hex) = text(&entry.group);
        let (target, target_hex) = text(&entry.target);
        Self {
            name: name.unwrap_or_default(),
            name_hex,
            kind: entry_kind(entry.kind),
            size: entry.size,
            modified: entry.modified.map(|modified| modified.to_string()),
            permissions,
            permissions_hex,
            owner,
            owner_hex,
            group,
            group_hex,
            target,
            target_hex,
        }
    }
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
            tls: transfer.tls.as_deref().map(TlsRecord::new),
            community_id: community_id(data.originator, data.responder),
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

impl OrphanRecord {
    pub fn new(orphan: &Orphan, tunnels: &Tunnels, several: bool) -> Self {
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

fn command_name(sent: &Sent, show_secrets: bool) -> Vec<u8> {
    if is_lost(&sent.command, sent.is_headless) && !show_secrets {
        return Vec::new();
    }
    sent.command.name()
}

/// Text from the wire: what a person reads, and the raw bytes where reading loses something.
pub fn wire_text(raw: Option<&[u8]>, charset: Charset) -> (Option<String>, Option<String>) {
    let Some(raw) = raw else { return (None, None) };
    let (text, lossless) = charset.decode(raw);
    (Some(text), (!lossless).then(|| hex(raw)))
}

/// The same of several; the second is empty where reading loses nothing of any.
fn wire_texts<'a>(
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

pub(super) fn time(at: Timestamp) -> Option<String> {
    at.is_known().then(|| at.to_string())
}

pub(super) fn place(stamp: Stamp, several: bool) -> PlaceRecord {
    PlaceRecord { frame: stamp.frame(), input: several.then_some(stamp.input()) }
}

fn conflicts<'a>(anomalies: impl Iterator<Item = &'a Anomaly>, several: bool) -> Vec<PlaceRecord> {
    let conflicts = anomalies.filter(|anomaly| anomaly.kind == AnomalyKind::Conflict);
    conflicts.map(|conflict| place(conflict.stamp, several)).collect()
}

impl AnomaliesRecord {
    fn new(link: &tcp::Link, client_is_originator: bool, several: bool) -> Self {
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

fn span(link: &tcp::Link, several: bool) -> SpanRecord {
    SpanRecord {
        first_frame: link.first.frame(),
        first_input: several.then_some(link.first.input()),
        last_frame: link.last.frame(),
        last_input: several.then_some(link.last.input()),
        start: time(link.first.at),
        end: time(link.last.at),
    }
}

pub fn endpoint(end: Endpoint) -> EndpointRecord {
    EndpointRecord { ip: end.ip.addr, port: end.port }
}

fn direction_facts(facts: DirFacts) -> DirectionRecord {
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
