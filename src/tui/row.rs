//! What a list shows of a session, a file or a finding: made once, so that a list of a hundred
//! thousand can be sorted and filtered while keys are pressed.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::analysis::{Analysis, Charset, Finding, Severity};
use crate::decode::Endpoint;
use crate::report::document;
use crate::report::escape::escape;
use crate::session::{EncryptionKind, Method, Session, SessionId, TransferId};
use crate::time::Timestamp;
use crate::transfer::{Direction, Outcome, Transfer};

/// A session in a list.
#[derive(Clone, Debug)]
pub(super) struct SessionRow {
    pub(super) id: SessionId,
    pub(super) start: Timestamp,
    pub(super) nanos: i64,
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    /// Escaped.
    pub(super) user: String,
    pub(super) login: &'static str,
    pub(super) mode: &'static str,
    pub(super) encryption: &'static str,
    pub(super) tally: Tally,
    /// Findings, and the worst of them.
    pub(super) findings: u32,
    pub(super) worst: Option<Severity>,
}

/// What the transfers of a session come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) done: u32,
    pub(super) failed: u32,
    pub(super) down: u64,
    pub(super) up: u64,
    active: bool,
    passive: bool,
}

/// A transfer in a list.
#[derive(Clone, Debug)]
pub(super) struct FileRow {
    pub(super) id: TransferId,
    pub(super) session: SessionId,
    pub(super) direction: Direction,
    /// Escaped; so are the other texts.
    pub(super) path: String,
    pub(super) user: String,
    pub(super) bytes: Option<u64>,
    pub(super) outcome: Outcome,
    pub(super) media: String,
    pub(super) hash: String,
}

impl Tally {
    pub(super) fn add(&mut self, transfer: &Transfer) {
        let bytes = transfer.content.as_ref().map_or(0, |content| content.bytes);
        match transfer.direction {
            Direction::Upload | Direction::Append => self.up += bytes,
            Direction::Download | Direction::Listing => self.down += bytes,
            Direction::SiteToSite => {}
        }
        match transfer.request.setup.method {
            Method::Active | Method::Default => self.active = true,
            Method::Passive => self.passive = true,
            Method::Unknown => {}
        }
        match transfer.outcome.is_failed() {
            true => self.failed += 1,
            false => self.done += 1,
        }
    }

    fn mode(self) -> &'static str {
        match (self.active, self.passive) {
            (true, true) => "both",
            (true, false) => "active",
            (false, true) => "passive",
            (false, false) => "",
        }
    }
}

impl SessionRow {
    pub(super) fn new(session: &Session, tally: Tally) -> Self {
        let link = &session.tcp.link;
        let user = session.login.user.as_deref().map(|user| Charset::of(session).decode(user).0);
        Self {
            id: session.id,
            start: link.first.at,
            nanos: link.last.at.nanos_since(link.first.at).unwrap_or(0),
            client: session.client,
            server: session.server,
            user: user.map(|user| escape(&user).into_owned()).unwrap_or_default(),
            login: document::login(session.login.outcome),
            mode: tally.mode(),
            encryption: match session.encryption.kind {
                EncryptionKind::None => "",
                EncryptionKind::Explicit => "TLS",
                EncryptionKind::Implicit => "TLS (implicit)",
                EncryptionKind::Gssapi => "GSSAPI",
            },
            tally,
            findings: 0,
            worst: None,
        }
    }
}

impl FileRow {
    pub(super) fn new(transfer: &Transfer, session: Option<&Session>) -> Self {
        let charset = session.map(Charset::of).unwrap_or_default();
        let request = &transfer.request;
        let path = request.path.as_deref().or(request.name.as_deref());
        let path = path.map(|path| charset.decode(path).0);
        let user = session.and_then(|session| session.login.user.as_deref());
        let content = transfer.content.as_ref();
        let hash = content.filter(|content| content.bytes > 0);
        Self {
            id: request.id,
            session: transfer.session,
            direction: transfer.direction,
            path: path.map_or_else(|| "(no name)".to_owned(), |path| escape(&path).into_owned()),
            user: user.map(|user| escape(&charset.decode(user).0).into_owned()).unwrap_or_default(),
            bytes: content.map(|content| content.bytes),
            outcome: transfer.outcome,
            media: content.and_then(|content| content.media_type.clone()).unwrap_or_default(),
            hash: hash
                .map(|content| crate::hash::hex(&content.file_hashes().digests().sha256))
                .unwrap_or_default(),
        }
    }
}

/// The rows of a finished analysis.
pub(super) fn rows(analysis: &Analysis) -> (Vec<SessionRow>, Vec<FileRow>) {
    let mut tallies: HashMap<SessionId, Tally> = HashMap::new();
    for transfer in &analysis.transfers {
        tallies.entry(transfer.session).or_default().add(transfer);
    }
    let mut found: HashMap<SessionId, (u32, Severity)> = HashMap::new();
    for finding in analysis.findings.iter().filter(|finding| finding.suppressed.is_none()) {
        for session in &finding.sessions {
            let (count, worst) = found.entry(*session).or_insert((0, Severity::Info));
            *count += 1;
            *worst = finding.severity.max(*worst);
        }
    }
    let sessions = analysis.sessions.iter().map(|session| {
        let tally = tallies.get(&session.id).copied().unwrap_or_default();
        let (findings, worst) = match found.get(&session.id) {
            Some((count, worst)) => (*count, Some(*worst)),
            None => (0, None),
        };
        SessionRow { findings, worst, ..SessionRow::new(session, tally) }
    });
    let by_id: HashMap<SessionId, &Session> =
        analysis.sessions.iter().map(|session| (session.id, session)).collect();
    let files = analysis.transfers.iter();
    let files = files.map(|transfer| FileRow::new(transfer, by_id.get(&transfer.session).copied()));
    (sessions.collect(), files.collect())
}

/// What a filter can ask of a row.
pub(super) trait Fields {
    /// Every name [`text`](Self::text) and [`number`](Self::number) know.
    const NAMES: &'static [&'static str];

    fn text(&self, name: &str) -> Option<Cow<'_, str>>;

    fn number(&self, name: &str) -> Option<u64>;

    /// What a term without a name is looked for in.
    fn all(&self) -> String;
}

impl Fields for SessionRow {
    const NAMES: &'static [&'static str] = &[
        "id",
        "client",
        "server",
        "user",
        "login",
        "mode",
        "encryption",
        "failed",
        "files",
        "down",
        "up",
        "findings",
        "seconds",
    ];

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(match name {
            "id" => document::session_id(self.id).into(),
            "client" => self.client.to_string().into(),
            "server" => self.server.to_string().into(),
            "user" => self.user.as_str().into(),
            "login" => self.login.into(),
            "mode" => self.mode.into(),
            "encryption" => self.encryption.into(),
            _ => return None,
        })
    }

    fn number(&self, name: &str) -> Option<u64> {
        Some(match name {
            "failed" => self.tally.failed.into(),
            "files" => u64::from(self.tally.done) + u64::from(self.tally.failed),
            "down" => self.tally.down,
            "up" => self.tally.up,
            "findings" => self.findings.into(),
            "seconds" => (self.nanos / 1_000_000_000).max(0).cast_unsigned(),
            _ => return None,
        })
    }

    fn all(&self) -> String {
        let id = document::session_id(self.id);
        format!("{id} {} {} {} {}", self.client, self.server, self.user, self.login)
    }
}

impl Fields for FileRow {
    const NAMES: &'static [&'static str] =
        &["id", "session", "user", "path", "name", "outcome", "direction", "type", "hash", "size"];

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(match name {
            "id" => document::transfer_id(self.id).into(),
            "session" => document::session_id(self.session).into(),
            "user" => self.user.as_str().into(),
            "path" | "name" => self.path.as_str().into(),
            "outcome" => document::outcome(self.outcome).into(),
            "direction" => document::direction(self.direction).into(),
            "type" => self.media.as_str().into(),
            "hash" => self.hash.as_str().into(),
            _ => return None,
        })
    }

    fn number(&self, name: &str) -> Option<u64> {
        (name == "size").then_some(self.bytes?)
    }

    fn all(&self) -> String {
        let outcome = document::outcome(self.outcome);
        format!("{} {} {} {outcome}", document::transfer_id(self.id), self.path, self.user)
    }
}

impl Fields for Finding {
    const NAMES: &'static [&'static str] = &["rule", "severity", "kind", "session", "count"];

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        Some(match name {
            "rule" => self.rule.id.into(),
            "severity" => document::severity(self.severity).into(),
            "kind" => document::kind(self.rule.kind).into(),
            "session" => self.session.map(document::session_id).unwrap_or_default().into(),
            _ => return None,
        })
    }

    fn number(&self, name: &str) -> Option<u64> {
        (name == "count").then_some(self.count)
    }

    fn all(&self) -> String {
        format!("{} {}", self.rule.id, self.title)
    }
}
