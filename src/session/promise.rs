//! Promised data connections, and the connections that may keep a promise.

use super::SessionId;
use super::request::Method;
use crate::decode::{Endpoint, Host};
use crate::tcp::Dir;
use crate::time::Stamp;

/// Number of a connection that carries, or may carry, a transfer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DataId(pub u32);

/// Which connection keeps a promise, and how that is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    pub data: DataId,
    pub how: How,
    pub confidence: Confidence,
    /// The direction the FTP server sends in.
    pub server: Dir,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum How {
    /// To exactly the address and port that was announced.
    Announced,
    /// To the announced port, at another address of the two hosts: NAT, or a client that does not
    /// trust the address.
    AnnouncedPort,
    /// From the server's data port, with nothing announced that fits.
    DefaultPort,
    /// Between the two hosts, while a transfer was waiting for its connection.
    TimeOrder,
    /// As announced, but the file has the connection before the announcement.
    LateAnnouncement,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Confidence {
    Guess,
    Likely,
    Certain,
}

/// The two ends of a connection, as the table saw them.
#[derive(Clone, Copy, Debug)]
pub struct Peers {
    pub originator: Endpoint,
    pub responder: Endpoint,
    /// Whether a SYN told who is the originator.
    pub opener_known: bool,
    pub first: Stamp,
}

/// What a new connection is to the sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Connected {
    /// Nothing.
    Stranger,
    /// It may yet be claimed: it is between the hosts of a session, or uses the port of FTP's
    /// data.
    Candidate(DataId),
    /// It keeps a promise.
    Claimed(DataId),
}

/// What a session says it will do next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    pub(super) session: SessionId,
    /// Of the setup within the session.
    pub(super) setup: u32,
    pub(super) method: Method,
    pub(super) address: Endpoint,
    pub(super) client: Host,
    pub(super) server: Host,
    pub(super) stamp: Stamp,
    /// The connection it was given to.
    pub(super) kept: Option<DataId>,
}

/// A claim on a connection, to be written into the setup it fulfils.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) session: SessionId,
    pub(super) setup: u32,
    pub(super) link: Link,
}

/// RFC 959 §3.2: the server's data port is the one below its control port.
pub(super) const DATA_PORT: u16 = 20;

impl Promise {
    /// The one of its session's setups that made it.
    pub(super) fn key(&self) -> (SessionId, u32) {
        (self.session, self.setup)
    }

    /// Where a connection that keeps it may be dialled to: the address, and the same port of the
    /// host that announced it.
    pub(super) fn listeners(&self) -> impl Iterator<Item = Endpoint> + use<> {
        let own = Endpoint { ip: self.announcer().0, ..self.address };
        std::iter::once(self.address).chain((own != self.address).then_some(own))
    }

    /// The host that announced it, and the other one of the session.
    fn announcer(&self) -> (Host, Host) {
        match self.method {
            Method::Active => (self.client, self.server),
            _ => (self.server, self.client),
        }
    }
}

impl Peers {
    /// The ends that may have listened, each with the one that dialled it.
    pub(super) fn listeners(&self) -> impl Iterator<Item = (Endpoint, Endpoint)> + use<> {
        let turned = (self.originator, self.responder);
        let turned = (!self.opener_known).then_some(turned);
        std::iter::once((self.responder, self.originator)).chain(turned)
    }
}

/// Whether a connection is the promised one, `data` left open.
pub(super) fn fits(promise: &Promise, peers: &Peers) -> Option<Link> {
    let (announcer, other) = promise.announcer();
    peers.listeners().find_map(|(listener, dialler)| {
        if listener.port != promise.address.port {
            return None;
        }
        let (how, confidence) = if listener.ip == promise.address.ip {
            // Who else dials it may be a third host that was told to, the same host by another
            // address, or a stranger.
            let is_own = dialler.ip == other;
            (How::Announced, if is_own { Confidence::Certain } else { Confidence::Likely })
        } else if listener.ip == announcer && dialler.ip == other {
            (How::AnnouncedPort, Confidence::Likely)
        } else {
            return None;
        };
        let announcer_is_server = promise.method != Method::Active;
        let listener_dir =
            if listener == peers.responder { Dir::FromResponder } else { Dir::FromOriginator };
        let server = if announcer_is_server { listener_dir } else { listener_dir.reversed() };
        Some(Link { data: DataId(0), how, confidence, server })
    })
}

/// Whether a connection is between the two hosts of the session that promised it.
pub(super) fn is_between(promise: &Promise, peers: &Peers) -> bool {
    is_pair(peers, promise.client, promise.server)
}

pub(super) fn pair_of(a: Host, b: Host) -> (Host, Host) {
    (a.min(b), a.max(b))
}

pub(super) fn is_pair(peers: &Peers, a: Host, b: Host) -> bool {
    let ends = (peers.originator.ip, peers.responder.ip);
    ends == (a, b) || ends == (b, a)
}

pub(super) fn server_dir(peers: &Peers, server: Host) -> Dir {
    let ports = (peers.originator.port, peers.responder.port);
    let originator_serves = match (peers.originator.ip == server, peers.responder.ip == server) {
        (true, true) => ports.0 == DATA_PORT || !peers.opener_known && ports.0 < ports.1,
        (originator, _) => originator,
    };
    if originator_serves { Dir::FromOriginator } else { Dir::FromResponder }
}
