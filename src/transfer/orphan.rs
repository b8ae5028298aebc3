//! Data connections that no command can be found for.

use std::collections::HashMap;

use super::Carried;
use crate::decode::Host;
use crate::session::{EncryptionKind, Session};
use crate::tcp::Dir;

/// A connection that looks like FTP's data and that no command could be found for.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// In the order of their first frames, from 1.
    pub number: u32,
    pub carried: Carried,
    pub why: Resemblance,
    /// The direction the FTP server sends in, as far as addresses and ports tell.
    pub server: Dir,
}

/// Why an orphan is thought to be FTP's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resemblance {
    /// It uses the server's data port.
    DataPort,
    /// It is between the hosts of a session.
    Peers,
}

/// The hosts between which there was a session.
#[derive(Debug)]
pub struct Hosts {
    pairs: HashMap<(Host, Host), Pair>,
    most: usize,
    /// Sessions whose hosts there was no room for.
    pub overflows: u64,
}

/// What two hosts had to do with each other.
#[derive(Debug)]
struct Pair {
    server: Host,
    /// A session went on in TLS.
    is_encrypted: bool,
}

/// The server's default data port (RFC 959 §3.2).
const DATA_PORT: u16 = 20;

impl Hosts {
    /// Remembers at most `most` pairs.
    pub fn new(most: usize) -> Self {
        Self { pairs: HashMap::new(), most, overflows: 0 }
    }

    /// Takes a session that is over. One in which nothing was said tells nothing.
    pub fn note(&mut self, session: &Session) {
        let (client, server) = (session.client.ip, session.server.ip);
        let key = pair_of(client, server);
        if session.tcp.is_empty() {
            return;
        }
        if self.pairs.len() >= self.most && !self.pairs.contains_key(&key) {
            self.overflows += 1;
            return;
        }
        let pair = self.pairs.entry(key).or_insert(Pair { server, is_encrypted: false });
        pair.is_encrypted |= session.encryption.kind != EncryptionKind::None;
    }

    /// Whether a session between these two is over.
    pub fn are_known(&self, a: Host, b: Host) -> bool {
        self.pairs.contains_key(&pair_of(a, b))
    }

    /// Why something nobody asked for looks like FTP's data, and the direction its server sends
    /// in: it uses the data port or is between the hosts of a session, and bytes go one way, or
    /// in TLS where a session did too.
    pub fn resemblance(&self, carried: &Carried) -> Option<(Resemblance, Dir)> {
        let (a, b) = (carried.connection.originator, carried.connection.responder);
        let hosts = self.pairs.get(&pair_of(a.ip, b.ip));
        let is_encrypted = carried.is_tls() && hosts.is_some_and(|hosts| hosts.is_encrypted);
        if carried.bytes() == 0 || !carried.is_one_way() && !is_encrypted {
            return None;
        }
        if a.port == DATA_PORT {
            return Some((Resemblance::DataPort, Dir::FromOriginator));
        }
        if b.port == DATA_PORT {
            return Some((Resemblance::DataPort, Dir::FromResponder));
        }
        let server = hosts?.server;
        let dir = if a.ip == server { Dir::FromOriginator } else { Dir::FromResponder };
        Some((Resemblance::Peers, dir))
    }
}

impl Orphan {
    /// Bytes of it, with what it holds.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.carried.weight()
    }

    /// The direction that carried more.
    pub fn main_dir(&self) -> Dir {
        let (server, client) =
            (self.carried.from(self.server), self.carried.from(self.server.reversed()));
        if server.bytes >= client.bytes { self.server } else { self.server.reversed() }
    }
}

fn pair_of(a: Host, b: Host) -> (Host, Host) {
    (a.min(b), a.max(b))
}
