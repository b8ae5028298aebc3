//! What a data connection probably is whose command was encrypted.

use super::encrypted::EncryptedSessions;
use super::tls::estimate;
use super::{Carried, Content, Direction};
use crate::session::{Confidence, EncryptionKind, SessionId};
use crate::tcp::Dir;
use crate::tls::{PlainBytes, TlsFacts};

/// A transfer nobody could hear being asked for, told from the connection alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Inferred {
    /// The encrypted session that probably asked for it.
    pub session: SessionId,
    /// A download may as well be a listing.
    pub direction: Direction,
    /// Octets in TLS records of application data, in that direction; what encryption adds is
    /// among them, and in TLS 1.3 its handshake.
    pub protected_bytes: u64,
    /// Of what was moved; `None` if nothing tells.
    pub estimated_bytes: Option<PlainBytes>,
    /// Likely if one encrypted session was open when the connection began and one direction alone
    /// must carry content; else a guess.
    pub confidence: Confidence,
}

impl Inferred {
    /// `sessions` are those between the two hosts that were encrypted; `None` if none was open.
    pub(super) fn new(
        carried: &Carried,
        tls: Option<&TlsFacts>,
        server: Dir,
        sessions: &EncryptedSessions,
    ) -> Option<Self> {
        let (session, is_only) = sessions.open_at(carried.connection.link.first)?;
        let [down, up] = [server, server.reversed()].map(|dir| {
            let content = carried.from(dir);
            (content, size(content, tls, session.kind))
        });
        let is_up = is_up(down, up);
        let (main, other) = if is_up { (up, down) } else { (down, up) };
        let is_clear = main.1.zip(other.1).is_some_and(|(main, other)| {
            main.least > 0 && other.least == 0 && main.most > other.most
        });
        Some(Self {
            session: session.id,
            direction: if is_up { Direction::Upload } else { Direction::Download },
            protected_bytes: protected(main.0, session.kind),
            estimated_bytes: main.1,
            confidence: if is_only && is_clear { Confidence::Likely } else { Confidence::Guess },
        })
    }

    /// As a guess.
    pub(super) fn doubted(self) -> Self {
        Self { confidence: Confidence::Guess, ..self }
    }
}

/// Octets under encryption that one direction carried.
fn protected(content: &Content, kind: EncryptionKind) -> u64 {
    match &content.tls {
        Some(tls) => tls.traffic.application_bytes,
        None if content.is_tls || kind == EncryptionKind::Gssapi => content.bytes,
        None => 0,
    }
}

/// How much one direction moved. What is in clear text says so itself; what GSSAPI wraps (RFC
/// 2228 §8) is at most what was wrapped.
fn size(content: &Content, tls: Option<&TlsFacts>, kind: EncryptionKind) -> Option<PlainBytes> {
    if content.is_tls {
        return estimate(tls?, content);
    }
    let most = content.moved_bytes()?;
    let least = if kind == EncryptionKind::Gssapi { most.min(1) } else { most };
    Some(PlainBytes { least, most })
}

/// Whether the client sent what was moved: who must have sent something, else who may have sent
/// more, else who ended the connection, as who sends does (RFC 959 §3.4).
fn is_up(down: (&Content, Option<PlainBytes>), up: (&Content, Option<PlainBytes>)) -> bool {
    let ((down, down_size), (up, up_size)) = (down, up);
    match down_size.zip(up_size) {
        Some((down, up)) if down != up => (up.least, up.most) > (down.least, down.most),
        Some(_) => up.end.zip(down.end).is_some_and(|(up, down)| up.is_before(down)),
        None => up.bytes > down.bytes,
    }
}
