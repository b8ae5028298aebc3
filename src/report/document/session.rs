//! Control connections.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::DocumentOptions;
use super::exchange::{ExchangeRecord, SecretRecord};
use super::names::{encryption_kind, login, protection, sameness};
use super::parts::{
    EndpointRecord, Shown, SpanRecord, endpoint, session_id, span, transfer_id, wire_text,
};
use super::tcp::TcpRecord;
use super::tls::TlsRecord;
use crate::analysis::Charset;
use crate::analysis::secret::Secrets;
use crate::decode::Tunnels;
use crate::report::community_id::{CommunityId, community_id};
use crate::session::{Exchange, Session};

/// One control connection.
#[derive(Serialize, JsonSchema)]
pub struct SessionRecord<'a> {
    pub id: String,
    pub client: EndpointRecord,
    pub server: EndpointRecord,
    /// The tunnel it was captured in, the outermost first: `vxlan 42`,
    /// `gre 192.0.2.1 192.0.2.2 key 7 / pppoe 3`.
    pub tunnel: Option<String>,
    pub community_id: Shown<CommunityId>,
    #[serde(flatten)]
    pub span: SpanRecord,
    pub tcp: TcpRecord,
    pub banner: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner_hex: Option<String>,
    pub server_system: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_system_hex: Option<String>,
    pub client_software: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_software_hex: Option<String>,
    /// Whether UTF-8 was agreed for names (OPTS UTF8, FEAT); `null` where nothing was said of it.
    pub utf8: Option<bool>,
    /// What names that are not UTF-8 are taken for: a guess over the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<&'static str>,
    pub user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    pub password: Option<SecretRecord<'a>>,
    /// `accepted`, `refused`, `incomplete`, `none`, `unknown` or `encrypted`.
    pub login: &'static str,
    pub encryption: EncryptionRecord,
    /// What TLS showed of itself on the control connection; `null` where there was none.
    pub tls: Option<TlsRecord<'a>>,
    /// Left out with `--lines`, where each is a record of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<ExchangeRecord<'a>>>")]
    pub exchanges: Option<ExchangeRecords<'a>>,
    pub transfers: Vec<String>,
    /// The same session captured at other places, as on both sides of a NAT. What was moved is told
    /// once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<LegRecord>,
}

impl<'a> SessionRecord<'a> {
    /// `charset` is that of its names.
    pub fn new(
        session: &'a Session,
        charset: Charset,
        tunnels: &Tunnels,
        options: DocumentOptions,
    ) -> Self {
        let several = options.several_inputs;
        let secrets = options.hidden(|| Secrets::of(session));
        let exchanges = ExchangeRecords { facts: &session.exchanges, charset, secrets, options };
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
            community_id: Shown(community_id(session.client, session.server)),
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
            password: password
                .map(|raw| SecretRecord::new(raw.into(), charset, options.show_secrets)),
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

/// The exchanges of a session: the record of each is made when it is written.
pub struct ExchangeRecords<'a> {
    facts: &'a [Exchange],
    charset: Charset,
    secrets: Secrets,
    options: DocumentOptions,
}

impl Serialize for ExchangeRecords<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { facts, charset, secrets, options } = self;
        serializer.collect_seq(
            facts.iter().map(|exchange| ExchangeRecord::new(exchange, *charset, secrets, *options)),
        )
    }
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
