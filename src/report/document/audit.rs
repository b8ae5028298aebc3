//! Answers to an auditor's questions.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::names::login;
use super::parts::{Shown, endpoint, session_id, time, transfer_id, wire_text};
use super::{DocumentOptions, EndpointRecord, SecretRecord, severity};
use crate::analysis::secret::Secrets;
use crate::analysis::{Audit, Logins, Moved, Password, Strength, Suspect, Unseen, UnseenWhat, Way};
use crate::time::Timestamp;
use crate::transfer::Transfer;

/// Who logged in, what was moved where, what could not be seen, and how bad it is.
#[derive(Serialize, JsonSchema)]
pub struct AuditRecord<'a> {
    /// Those that got in first, and then in the order of the first try of each.
    pub logins: Vec<LoginsRecord<'a>>,
    /// By sender and receiver; what left first, and of each way the most octets first.
    pub moved: Vec<MovedRecord>,
    pub unseen: Vec<UnseenRecord>,
    /// Sessions with a security finding that is not suppressed, the worst first.
    pub risks: Vec<RiskRecord>,
    /// Those of them to look at, in the order of time; of findings of many sessions the first 64.
    pub suspects: Vec<SuspectRecord>,
}

/// A session to look at, and what was done in it.
#[derive(Serialize, JsonSchema)]
pub struct SuspectRecord {
    pub session: String,
    /// Severity of the worst of its findings.
    pub risk: &'static str,
    /// Rules of its findings from warnings on, the worst first.
    pub rules: Vec<&'static str>,
    /// Transfers by RETR that moved something.
    pub fetched: Vec<String>,
    /// Transfers by STOR, STOU and APPE that moved something.
    pub sent: Vec<String>,
    /// What the server says it deleted, as it was named.
    pub deleted: Vec<String>,
}

/// Tries of one user, from one host, at one server, with one outcome.
#[derive(Serialize, JsonSchema)]
pub struct LoginsRecord<'a> {
    /// `null` where it was encrypted, or said before the capture began.
    pub user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_hex: Option<String>,
    #[schemars(with = "String")]
    pub client: IpAddr,
    pub server: EndpointRecord,
    /// As the `login` of a session.
    pub outcome: &'static str,
    /// Tries; a session may have several.
    pub count: u64,
    /// The first 64.
    pub sessions: Vec<String>,
    pub first_time: Option<Shown<Timestamp>>,
    pub last_time: Option<Shown<Timestamp>>,
    /// Different passwords that were tried.
    pub passwords: u64,
    /// If it was one.
    pub password: Option<SecretRecord<'a>>,
    /// `empty`, `guessable` (the user's name, or one of those that are tried first), `weak` (shorter
    /// than 8, or of one kind of character), `fair`, `strong` (12 or more, of three kinds).
    pub strength: Option<&'static str>,
    /// Equal passwords of several users or servers have the same.
    pub shared_password: Option<String>,
}

/// Files that one host sent to another, listings aside.
#[derive(Serialize, JsonSchema)]
pub struct MovedRecord {
    #[schemars(with = "String")]
    pub from: IpAddr,
    #[schemars(with = "String")]
    pub to: IpAddr,
    /// `left` (from inside to outside), `came_in`, `inside` or `outside` (neither end is inside).
    pub way: &'static str,
    pub files: u64,
    /// Captured octets of them.
    pub bytes: u64,
    /// Of them those that are not whole here.
    pub incomplete: u64,
    /// Encrypted transfers, and what connections of encrypted sessions probably were.
    pub encrypted_files: u64,
    /// Octets on the wire of those.
    pub encrypted_bytes: u64,
    /// By content, the commonest first, at most eight.
    pub types: Vec<TypeCountRecord>,
    /// The first 64 of the files.
    pub transfers: Vec<String>,
    pub first_time: Option<Shown<Timestamp>>,
    pub last_time: Option<Shown<Timestamp>>,
}

#[derive(Serialize, JsonSchema)]
pub struct TypeCountRecord {
    pub media_type: String,
    pub files: u64,
}

/// Something that could not be seen.
#[derive(Serialize, JsonSchema)]
pub struct UnseenRecord {
    /// `encrypted_sessions`, `dialogue_gaps`, `one_way`, `begun_before`, `not_over`,
    /// `transfer_gaps`, `transfers_not_captured` or `without_command` (data connections).
    pub what: &'static str,
    pub count: u64,
    /// The first 64 it concerns.
    pub sessions: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct RiskRecord {
    pub session: String,
    /// Severity of the worst of its security findings.
    pub risk: &'static str,
}

impl<'a> AuditRecord<'a> {
    pub fn new(audit: &'a Audit<'_>, options: DocumentOptions) -> Self {
        let logins = audit.logins.iter();
        let risks = audit.risks.iter();
        Self {
            logins: logins.map(|logins| LoginsRecord::new(logins, options)).collect(),
            moved: audit.moved.iter().map(MovedRecord::new).collect(),
            unseen: audit.unseen.iter().map(UnseenRecord::new).collect(),
            risks: risks
                .map(|(session, worst)| RiskRecord {
                    session: session_id(*session),
                    risk: severity(*worst),
                })
                .collect(),
            suspects: audit.suspects.iter().map(|one| SuspectRecord::new(one, options)).collect(),
        }
    }
}

impl SuspectRecord {
    fn new(suspect: &Suspect<'_>, options: DocumentOptions) -> Self {
        let Suspect { session, charset, worst, rules, fetched, sent, deleted } = suspect;
        let ids = |transfers: &[&Transfer]| {
            transfers.iter().map(|transfer| transfer_id(transfer.request.id)).collect()
        };
        let secrets = options.hidden(|| Secrets::of(session));
        let text = |raw: &[u8]| charset.decode(&secrets.hide(raw, None)).0.into_owned();
        Self {
            session: session_id(session.id),
            risk: severity(*worst),
            rules: rules.clone(),
            fetched: ids(fetched),
            sent: ids(sent),
            deleted: deleted.iter().map(|raw| text(raw)).collect(),
        }
    }
}

impl<'a> LoginsRecord<'a> {
    fn new(logins: &'a Logins<'_>, options: DocumentOptions) -> Self {
        let charset = logins.charset;
        let (user, user_hex) = wire_text(logins.user, charset);
        let password = logins.password;
        let secret = |password: Password<'a>| {
            SecretRecord::new(password.text.into(), charset, options.show_secrets)
        };
        Self {
            user,
            user_hex,
            client: logins.client.addr,
            server: endpoint(logins.server),
            outcome: login(logins.outcome),
            count: logins.count,
            sessions: logins.sessions.iter().map(|id| session_id(*id)).collect(),
            first_time: time(logins.first.at),
            last_time: time(logins.last.at),
            passwords: logins.passwords,
            password: password.map(secret),
            strength: password.map(|password| strength(password.strength)),
            shared_password: password.and_then(|password| password.shared).map(shared_id),
        }
    }
}

impl MovedRecord {
    fn new(moved: &Moved<'_>) -> Self {
        let types = moved.types.iter();
        Self {
            from: moved.from.addr,
            to: moved.to.addr,
            way: way(moved.way),
            files: moved.files,
            bytes: moved.bytes,
            incomplete: moved.incomplete,
            encrypted_files: moved.encrypted_files,
            encrypted_bytes: moved.encrypted_bytes,
            types: types
                .map(|(name, count)| TypeCountRecord {
                    media_type: (*name).to_owned(),
                    files: *count,
                })
                .collect(),
            transfers: moved.transfers.iter().map(|it| transfer_id(it.request.id)).collect(),
            first_time: time(moved.first.at),
            last_time: time(moved.last.at),
        }
    }
}

impl UnseenRecord {
    fn new(unseen: &Unseen) -> Self {
        Self {
            what: unseen_what(unseen.what),
            count: unseen.count,
            sessions: unseen.sessions.iter().map(|id| session_id(*id)).collect(),
        }
    }
}

/// `p1`: equal passwords have the same.
pub fn shared_id(number: u64) -> String {
    format!("p{number}")
}

pub fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Empty => "empty",
        Strength::Guessable => "guessable",
        Strength::Weak => "weak",
        Strength::Fair => "fair",
        Strength::Strong => "strong",
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Left => "left",
        Way::CameIn => "came_in",
        Way::Inside => "inside",
        Way::Outside => "outside",
    }
}

fn unseen_what(what: UnseenWhat) -> &'static str {
    match what {
        UnseenWhat::EncryptedSessions => "encrypted_sessions",
        UnseenWhat::DialogueGaps => "dialogue_gaps",
        UnseenWhat::OneWay => "one_way",
        UnseenWhat::BegunBefore => "begun_before",
        UnseenWhat::NotOver => "not_over",
        UnseenWhat::TransferGaps => "transfer_gaps",
        UnseenWhat::TransferEnds => "transfer_ends",
        UnseenWhat::TransfersNotCaptured => "transfers_not_captured",
        UnseenWhat::WithoutCommand => "without_command",
        UnseenWhat::Packets => "packets_not_read",
        UnseenWhat::Damage => "damage",
    }
}
