//! Floor 5: FTP lines → what happened, and which connection carries what.
//!
//! [`Tracker`] is fed the events of control connections and asked about every new connection;
//! it returns finished [`Session`]s and the [`Request`]s made in them.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::unwrap_used))]

mod candidates;
mod context;
mod dialogue;
mod exchanges;
mod links;
mod login;
mod pairing;
mod promise;
mod request;
mod sealed;
mod setups;
mod sizes;
mod sniff;
mod story;
mod tracker;
mod twins;
mod unknown;
mod weight;

use std::sync::Arc;

pub use self::login::{Encryption, EncryptionKind, Login, LoginOutcome, Protection, is_anonymous};
pub use self::promise::{Confidence, Connected, DataId, How, Link, Peers};
pub use self::request::{
    Agreement, Code, Expected, Method, NO_DATA_CONNECTION, Representation, Request, Setup,
    SizeSource,
};
pub use self::sniff::{Protocol, Sniffed, Sniffer};
pub use self::tracker::{Circumstances, Outcome, Settled, Tracker};

pub use self::twins::{Sameness, Twin};
pub use self::unknown::Unknown;
pub use self::weight::Weight;

use crate::decode::Endpoint;
use crate::ftp::{Announced, Command, Directory, Paths, Reply, Verb};
use crate::tcp::{self, DirFacts};
use crate::time::Stamp;
use crate::tls::TlsFacts;

/// Number of a session, in the order in which control connections were recognised.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u32);

/// Number of a transfer, in the order of the commands.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TransferId(pub u32);

/// One control connection, as it happened. Facts only.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub client: Endpoint,
    pub server: Endpoint,
    pub tcp: ControlLink,
    /// The text of the 220.
    pub banner: Option<Vec<u8>>,
    pub software: Software,
    pub login: Login,
    pub encryption: Encryption,
    /// What TLS showed of itself; `None` if there was none.
    pub tls: Option<Box<TlsFacts>>,
    /// In the order the commands were sent.
    pub exchanges: Vec<Exchange>,
    /// In the order of their commands.
    pub transfers: Vec<TransferId>,
    /// The same session, captured at other places.
    pub legs: Vec<Leg>,
}

impl Session {
    /// The directory of a path in it, as its server writes paths.
    pub fn directory(&self, path: &[u8]) -> Directory {
        Directory::of(path, Paths::of(self.software.server_system.as_deref()))
    }

    /// The path that the argument of a command names.
    pub fn path_of(&self, exchange: &Exchange) -> Vec<u8> {
        let arg = exchange.sent.as_ref().map_or(&[][..], |sent| sent.command.arg());
        self.directory(&exchange.cwd).join(arg)
    }
}

/// A second capture of a session: on the other side of a box that rewrites addresses, or in
/// another tunnel.
#[derive(Clone, Debug)]
pub struct Leg {
    pub id: SessionId,
    pub client: Endpoint,
    pub server: Endpoint,
    pub link: tcp::Link,
    pub how: Sameness,
    /// Where it was said to listen, as it was said there.
    pub announced: Vec<(Stamp, Announced)>,
}

impl Leg {
    pub fn of(session: &Session, how: Sameness) -> Self {
        let Session { id, client, server, .. } = *session;
        let announced = session.exchanges.iter().filter_map(Exchange::announced).collect();
        Self { id, client, server, link: session.tcp.link.clone(), how, announced }
    }
}

/// How the control connection itself fared.
#[derive(Clone, Debug)]
pub struct ControlLink {
    pub link: tcp::Link,
    pub from_client: DirFacts,
    pub from_server: DirFacts,
    /// Whether the client sent the SYN; false where roles had to be told from what was said.
    pub client_is_originator: bool,
}

impl ControlLink {
    /// Whether no byte was seen on it, in either direction.
    pub fn is_empty(&self) -> bool {
        self.from_client.bytes + self.from_server.bytes == 0
    }
}

/// What the two ends say they are.
#[derive(Clone, Debug, Default)]
pub struct Software {
    /// The text of the 215.
    pub server_system: Option<Vec<u8>>,
    /// The argument of `CLNT` or `CSID`.
    pub client: Option<Vec<u8>>,
    /// Whether UTF-8 was agreed for names: by `OPTS UTF8 ON` (draft-ietf-ftpext-utf-8-option), or
    /// offered in the answer to `FEAT` (RFC 2640 §3.2). `None` where nothing was said of it.
    pub utf8: Option<bool>,
}

/// One command and everything the server said to it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// `None` for replies nobody asked for: the greeting, a 421 timeout.
    pub sent: Option<Sent>,
    /// Zero or more 1yz, then at most one final reply (RFC 959 §5.4).
    pub replies: Vec<Received>,
    /// Lines of the server that were no replies.
    pub malformed: Box<[(Stamp, Vec<u8>)]>,
    /// The working directory when it was answered; empty while unknown. Exchanges in one share it.
    pub cwd: Arc<[u8]>,
    pub transfer: Option<TransferId>,
}

/// A command and the frame that completed it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub stamp: Stamp,
    pub command: Command,
    /// Its end, or what stood before it, was not captured, or it was too long to keep.
    pub is_partial: bool,
    /// What stood before it was not captured: it may be the end of another line.
    pub is_headless: bool,
    /// Its line was sent in more than one segment.
    pub is_split: bool,
    /// 0xFF bytes of its line as it was sent; what they mean to Telnet is undone in the command.
    pub iacs: u32,
}

/// A reply and the frame that completed it.
#[derive(Clone, Debug)]
pub struct Received {
    pub stamp: Stamp,
    pub reply: Reply,
    /// Its last line was sent in more than one segment.
    pub is_split: bool,
}

impl Exchange {
    /// The final reply, if it came.
    pub fn final_reply(&self) -> Option<&Received> {
        self.replies.last().filter(|received| !received.reply.is_preliminary())
    }

    /// Whether it let somebody in.
    pub fn lets_in(&self) -> bool {
        let verb = self.sent.as_ref().map(|sent| sent.command.verb);
        matches!(verb, Some(Verb::User | Verb::Pass | Verb::Acct))
            && self.final_reply().is_some_and(|last| last.reply.lets_in())
    }

    /// Where one side said it listens, and the frame that says so: the argument of a PORT, the text
    /// of a 227.
    pub fn announced(&self) -> Option<(Stamp, Announced)> {
        let sent = self.sent.as_ref()?;
        match sent.command.verb {
            Verb::Pasv | Verb::Epsv | Verb::Lpsv => {
                let Received { stamp, reply, .. } = self.final_reply()?;
                Some((*stamp, reply.announced()?))
            }
            _ => Some((sent.stamp, sent.command.announced()?)),
        }
    }

    /// The first frame of it.
    pub fn stamp(&self) -> Option<Stamp> {
        let replied = self.replies.first().map(|received| received.stamp);
        let malformed = self.malformed.first().map(|(stamp, _)| *stamp);
        self.sent.as_ref().map(|sent| sent.stamp).or(replied).or(malformed)
    }
}
