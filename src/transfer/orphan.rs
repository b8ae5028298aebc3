//! Data connections that no command can be found for.

use std::collections::{BTreeSet, HashMap};

use super::encrypted::{Encrypted, EncryptedSessions};
use super::inferred::Inferred;
use super::{Carried, DataConnection};
use crate::decode::Host;
use crate::session::{EncryptionKind, Session, SessionId};
use crate::tcp::Dir;
use crate::tls::TlsFacts;

/// A connection that looks like FTP's data and that no command could be found for.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// In the order of their first frames, from 1.
    pub number: u32,
    pub carried: Carried,
    pub why: Resemblance,
    /// The direction the FTP server sends in, as far as addresses and ports tell.
    pub server: Dir,
    /// What it showed of TLS.
    pub tls: Option<Box<TlsFacts>>,
    /// What it probably is, if a session that cannot be read may have asked for it.
    pub inferred: Option<Inferred>,
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
    /// Encrypted sessions remembered of all pairs.
    encrypted: usize,
    /// Inputs that frames of sessions come from.
    inputs: BTreeSet<u16>,
}

/// What two hosts had to do with each other.
#[derive(Debug)]
struct Pair {
    server: Host,
    encrypted: EncryptedSessions,
    /// There was a session in clear text, too.
    has_clear: bool,
}

/// The server's default data port (RFC 959 §3.2).
const DATA_PORT: u16 = 20;

impl Hosts {
    /// Remembers at most `most` pairs.
    pub fn new(most: usize) -> Self {
        Self { pairs: HashMap::new(), most, overflows: 0, encrypted: 0, inputs: BTreeSet::new() }
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
        let new = Pair { server, encrypted: EncryptedSessions::default(), has_clear: false };
        let pair = self.pairs.entry(key).or_insert(new);
        if session.encryption.kind == EncryptionKind::None {
            pair.has_clear = true;
            return;
        }
        // One is enough to know an orphan by.
        if self.encrypted >= self.most && !pair.encrypted.is_empty() {
            self.overflows += 1;
            return;
        }
        self.encrypted += 1;
        let (link, encryption) = (&session.tcp.link, &session.encryption);
        let stamps = [Some(link.first), Some(link.last), encryption.since, encryption.until];
        self.inputs.extend(stamps.into_iter().flatten().map(|stamp| stamp.input()));
        pair.encrypted.push(Encrypted::of(session));
    }

    /// All sessions are noted; it will be asked for connections that began in these `inputs`.
    pub fn settle(&mut self, inputs: impl Iterator<Item = u16>) {
        self.inputs.extend(inputs);
        let has_one_input = self.inputs.len() < 2;
        self.pairs.values_mut().for_each(|pair| pair.encrypted.settle(has_one_input));
    }

    /// The encrypted session between the hosts of a connection that was open when it began; of
    /// several, the one encrypted last.
    pub fn encrypted_session(&self, connection: &DataConnection) -> Option<SessionId> {
        let (a, b) = (connection.originator.ip, connection.responder.ip);
        let encrypted = &self.pairs.get(&pair_of(a, b))?.encrypted;
        let (session, _) = encrypted.open_at(connection.link.first)?;
        Some(session.id)
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
        let is_encrypted =
            carried.is_tls() && hosts.is_some_and(|hosts| !hosts.encrypted.is_empty());
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

    /// What nobody asked for in clear text, if it looks like FTP's data.
    pub fn orphan(&self, number: u32, carried: Carried) -> Option<Orphan> {
        let (why, server) = self.resemblance(&carried)?;
        let ends = &carried.connection;
        let hosts = self.pairs.get(&pair_of(ends.originator.ip, ends.responder.ip));
        let tls = carried.tls(server);
        let inferred = hosts.and_then(|hosts| {
            let inferred = Inferred::new(&carried, tls.as_deref(), server, &hosts.encrypted)?;
            // What is not protected may as well be the other session's.
            let is_doubtful = hosts.has_clear && !carried.is_tls();
            Some(if is_doubtful { inferred.doubted() } else { inferred })
        });
        Some(Orphan { number, carried, why, server, tls, inferred })
    }
}

impl Orphan {
    /// Bytes of it, with what it holds.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.carried.weight() + self.tls.as_ref().map_or(0, |tls| tls.weight())
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
