//! What a list shows of a session, a file or a finding: made once, so that a list of a hundred
//! thousand can be sorted and filtered while keys are pressed.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::analysis::{Analysis, ById, Charset, Finding, LogicalFile, Severity, Tally, tallies};
use crate::decode::Endpoint;
use crate::report::document;
use crate::report::escape::escape;
use crate::session::{EncryptionKind, Session, SessionId, TransferId};
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
    /// It goes on.
    pub(super) is_open: bool,
    /// Findings, and the worst of them.
    pub(super) findings: u32,
    pub(super) worst: Option<Severity>,
}

/// What a row of the list of files is of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum FileKey {
    Transfer(TransferId),
    /// A file that several transfers moved parts of, by its place in the analysis.
    File(usize),
}

/// A transfer, or a file of several, in a list.
#[derive(Clone, Debug)]
pub(super) struct FileRow {
    pub(super) key: FileKey,
    pub(super) session: SessionId,
    pub(super) direction: Direction,
    /// Escaped; so are the other texts.
    pub(super) path: String,
    pub(super) user: String,
    pub(super) bytes: Option<u64>,
    pub(super) fate: Fate,
    pub(super) media: String,
    pub(super) hash: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fate {
    /// Put together from pieces: whether every octet is there.
    Pieces {
        is_whole: bool,
    },
    Transfer(Outcome),
}

impl Fate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pieces { is_whole: true } => "whole",
            Self::Pieces { is_whole: false } => "holes",
            Self::Transfer(outcome) => document::outcome(outcome),
        }
    }
}

impl FileKey {
    pub(super) fn id(self) -> String {
        match self {
            Self::Transfer(id) => document::transfer_id(id),
            Self::File(place) => document::file_id(place),
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
            mode: mode(tally),
            encryption: match session.encryption.kind {
                EncryptionKind::None => "",
                EncryptionKind::Explicit => "TLS",
                EncryptionKind::Implicit => "TLS (implicit)",
                EncryptionKind::Gssapi => "GSSAPI",
            },
            tally,
            is_open: false,
            findings: 0,
            worst: None,
        }
    }
}

fn mode(tally: Tally) -> &'static str {
    match (tally.is_active, tally.is_passive) {
        (true, true) => "both",
        (true, false) => "active",
        (false, true) => "passive",
        (false, false) => "",
    }
}

impl FileRow {
    pub(super) fn new(transfer: &Transfer, session: Option<&Session>) -> Self {
        let request = &transfer.request;
        let path = request.path.as_deref().or(request.name.as_deref());
        let charset = session.map_or_else(|| Charset::of_name(path), Charset::of);
        let path = path.map(|path| charset.decode(path).0);
        let user = request.user.as_deref();
        let content = transfer.content.as_ref();
        let hash = content.filter(|content| content.bytes > 0);
        Self {
            key: FileKey::Transfer(request.id),
            session: transfer.session,
            direction: transfer.direction,
            path: path.map_or_else(|| "(no name)".to_owned(), |path| escape(&path).into_owned()),
            user: user.map(|user| escape(&charset.decode(user).0).into_owned()).unwrap_or_default(),
            bytes: content.map(|content| content.bytes),
            fate: Fate::Transfer(transfer.outcome),
            media: content.and_then(|content| content.media_type.clone()).unwrap_or_default(),
            hash: hash
                .map(|content| crate::hash::hex(&content.file_hashes().digests().sha256))
                .unwrap_or_default(),
        }
    }

    /// A file of several pieces, of which `first` is the row of the first.
    fn together(place: usize, file: &LogicalFile, first: &Self) -> Self {
        let path = Charset::of_name(Some(&file.path)).decode(&file.path).0;
        Self {
            key: FileKey::File(place),
            path: escape(&path).into_owned(),
            bytes: file.size,
            fate: Fate::Pieces { is_whole: file.is_whole() },
            hash: String::new(),
            ..first.clone()
        }
    }
}

/// The rows of a finished analysis: of files that several transfers moved parts of, each before its
/// first part.
pub(super) fn rows(analysis: &Analysis) -> (Vec<SessionRow>, Vec<FileRow>) {
    let tallies = tallies(&analysis.transfers);
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
    let by_id = ById::new(&analysis.sessions);
    let of_pieces = analysis.files.iter().enumerate().filter(|(_, file)| file.is_of_pieces());
    let mut of_pieces: HashMap<TransferId, Vec<(usize, &LogicalFile)>> = of_pieces
        .filter_map(|(place, file)| Some((file.pieces.first()?.transfer, (place, file))))
        .fold(HashMap::new(), |mut all, (first, file)| {
            all.entry(first).or_insert_with(Vec::new).push(file);
            all
        });
    let mut files = Vec::with_capacity(analysis.transfers.len());
    for transfer in &analysis.transfers {
        let row = FileRow::new(transfer, by_id.get(transfer.session));
        let begun = of_pieces.remove(&transfer.request.id).unwrap_or_default().into_iter();
        files.extend(begun.map(|(place, file)| FileRow::together(place, file, &row)));
        files.push(row);
    }
    (sessions.collect(), files)
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
            "failed" => self.tally.failed,
            "files" => self.tally.done + self.tally.failed,
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
            "id" => self.key.id().into(),
            "session" => document::session_id(self.session).into(),
            "user" => self.user.as_str().into(),
            "path" | "name" => self.path.as_str().into(),
            "outcome" => self.fate.name().into(),
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
        format!("{} {} {} {}", self.key.id(), self.path, self.user, self.fate.name())
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
