//! Promised data connections, and the connections that may keep a promise.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use ahash::RandomState;

use super::request::Method;
use super::{SessionId, TransferId};
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

/// Knows every promise that is open and every connection that could keep one.
#[derive(Debug)]
pub(super) struct Links {
    promises: HashMap<u16, Vec<Promise>, RandomState>,
    promise_count: usize,
    connections: BTreeMap<DataId, Known>,
    /// Sessions open between two hosts, lower address first.
    pairs: HashMap<(Host, Host), u32, RandomState>,
    /// Transfers without a connection, by the hosts of their session.
    waiting: BTreeMap<TransferId, Waiting>,
    next: u32,
    /// Those of `connections` that no setup was given.
    unclaimed: BTreeSet<DataId>,
    most_promises: usize,
    most_candidates: usize,
    pub(super) promise_overflows: u64,
    pub(super) candidate_overflows: u64,
}

#[derive(Debug)]
struct Known {
    peers: Peers,
    /// Sessions it was given to: two in a site-to-site copy.
    claimed_by: Vec<SessionId>,
    /// It came up: an attempt that did not leaves its promise open.
    is_up: bool,
    is_over: bool,
}

/// A transfer that has no connection yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) session: SessionId,
    pub(super) setup: u32,
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    /// When a connection may have been made for it: since its setup was asked for.
    pub(super) since: Stamp,
}

/// RFC 959 §3.2: the server's data port is the one below its control port.
const DATA_PORT: u16 = 20;

/// How far before its announcement a connection may stand in the file. Interfaces and queues are
/// merged within milliseconds; an older connection to the same port belongs to an earlier
/// transfer.
const DISORDER: Duration = Duration::from_secs(1);

impl Links {
    pub(super) fn new(most_promises: usize, most_candidates: usize) -> Self {
        Self {
            promises: HashMap::default(),
            promise_count: 0,
            connections: BTreeMap::new(),
            pairs: HashMap::default(),
            waiting: BTreeMap::new(),
            next: 0,
            unclaimed: BTreeSet::new(),
            most_promises,
            most_candidates,
            promise_overflows: 0,
            candidate_overflows: 0,
        }
    }

    /// A session between two hosts began.
    pub(super) fn open_pair(&mut self, client: Host, server: Host) {
        *self.pairs.entry(pair_of(client, server)).or_default() += 1;
    }

    /// A session between two hosts ended.
    pub(super) fn close_pair(&mut self, client: Host, server: Host) {
        let key = pair_of(client, server);
        if let Some(sessions) = self.pairs.get_mut(&key) {
            *sessions -= 1;
            if *sessions == 0 {
                self.pairs.remove(&key);
            }
        }
    }

    pub(super) fn is_pair_open(&self, a: Host, b: Host) -> bool {
        self.pairs.contains_key(&pair_of(a, b))
    }

    /// A connection was opened: says what it is, and writes down which setups it fulfils.
    pub(super) fn connect(&mut self, peers: &Peers, claims: &mut Vec<Claim>) -> Connected {
        let mut found = self.kept_by(peers);
        if found.is_empty() {
            found.extend(self.default_port(peers));
        }
        let is_candidate = self.looks_like_data(peers);
        if found.is_empty() && !is_candidate {
            return Connected::Stranger;
        }
        if found.is_empty() && self.unclaimed.len() >= self.most_candidates {
            self.candidate_overflows += 1;
            return Connected::Stranger;
        }
        let claimed = !found.is_empty();
        let data = self.enter(peers, found.iter().map(|claim| claim.session).collect());
        for claim in found {
            self.note_kept(&claim, peers.responder.port, data);
            if !peers.opener_known {
                self.note_kept(&claim, peers.originator.port, data);
            }
            claims.push(Claim { link: Link { data, ..claim.link }, ..claim });
        }
        if claimed { Connected::Claimed(data) } else { Connected::Candidate(data) }
    }

    /// A connection that was under way when the capture began may belong to a session that is
    /// not known yet.
    pub(super) fn suspect(&mut self, peers: &Peers) -> Option<DataId> {
        let has_room = self.unclaimed.len() < self.most_candidates;
        (!peers.opener_known && has_room).then(|| self.enter(peers, Vec::new()))
    }

    fn enter(&mut self, peers: &Peers, claimed_by: Vec<SessionId>) -> DataId {
        let data = DataId(self.next);
        self.next += 1;
        if claimed_by.is_empty() {
            self.unclaimed.insert(data);
        }
        let known = Known { peers: *peers, claimed_by, is_up: false, is_over: false };
        self.connections.insert(data, known);
        data
    }

    /// A setup announces where it listens. A connection that stands shortly before it in the file
    /// is the one that was meant.
    pub(super) fn announce(&mut self, promise: Promise) -> Option<Claim> {
        if self.promise_count >= self.most_promises {
            self.promise_overflows += 1;
            return None;
        }
        self.promises.entry(promise.address.port).or_default().push(promise);
        self.promise_count += 1;
        let late = self.late_for(&promise)?;
        self.claim(late.data, promise.session);
        let claim = Claim { session: promise.session, setup: promise.setup, link: late };
        self.note_kept(&claim, promise.address.port, late.data);
        Some(claim)
    }

    /// The connection that keeps a promise and stands before it in the file. By the clock it was
    /// opened after the announcement, and then the first such one is meant; or shortly before,
    /// where clocks of several interfaces differ, and then the last.
    fn late_for(&self, promise: &Promise) -> Option<Link> {
        let fitting = self.unclaimed.iter().filter_map(|data| {
            let peers = &self.connections.get(data)?.peers;
            let link = fits(promise, peers)?;
            let age = promise.stamp.at.nanos_since(peers.first.at)?;
            // Read late is not written late: a reply may have waited for what it answers.
            let is_late = peers.first.is_before(promise.stamp);
            let how = if is_late { How::LateAnnouncement } else { link.how };
            Some((age, Link { data: *data, how, ..link }))
        });
        let (after, before): (Vec<_>, Vec<_>) = fitting.partition(|(age, _)| *age <= 0);
        let near = before
            .iter()
            .rev()
            .find(|(age, _)| i128::from(*age) <= DISORDER.as_nanos().cast_signed());
        let sure = after.first().map(|(_, link)| *link);
        sure.or_else(|| {
            let (_, link) = near?;
            Some(Link { confidence: link.confidence.min(Confidence::Likely), ..*link })
        })
    }

    /// The setup was refused, replaced by the next, or its session is over.
    pub(super) fn withdraw(&mut self, session: SessionId, setup: u32, port: u16) {
        let Some(promises) = self.promises.get_mut(&port) else { return };
        let before = promises.len();
        promises.retain(|promise| (promise.session, promise.setup) != (session, setup));
        self.promise_count -= before - promises.len();
        if promises.is_empty() {
            self.promises.remove(&port);
        }
    }

    /// A transfer has no connection yet.
    pub(super) fn wait(&mut self, transfer: TransferId, waiting: Waiting) {
        self.waiting.insert(transfer, waiting);
    }

    /// The transfer has its connection, or needs none.
    pub(super) fn stop_waiting(&mut self, transfer: TransferId) {
        self.waiting.remove(&transfer);
    }

    /// A connection that nobody announced and that was opened between the same hosts while the
    /// transfer was under way: the oldest.
    pub(super) fn in_time_order(
        &mut self,
        waiting: &Waiting,
        until: Option<Stamp>,
    ) -> Option<Link> {
        let (client, server) = (waiting.client.ip, waiting.server.ip);
        let (data, peers) = self.unclaimed.iter().find_map(|data| {
            let known = self.connections.get(data)?;
            let peers = known.peers;
            let in_time = !peers.first.is_before(waiting.since)
                && until.is_none_or(|until| peers.first.is_before(until));
            let fits = known.is_up && in_time && is_pair(&peers, client, server);
            fits.then_some((*data, peers))
        })?;
        self.claim(data, waiting.session);
        let server = server_dir(&peers, server);
        Some(Link { data, how: How::TimeOrder, confidence: Confidence::Guess, server })
    }

    fn claim(&mut self, data: DataId, session: SessionId) {
        self.unclaimed.remove(&data);
        if let Some(known) = self.connections.get_mut(&data) {
            known.claimed_by.push(session);
        }
    }

    /// It was given to a session by mistake.
    pub(super) fn unclaim(&mut self, data: DataId, session: SessionId) {
        if let Some(known) = self.connections.get_mut(&data) {
            known.claimed_by.retain(|claimer| *claimer != session);
            if known.claimed_by.is_empty() {
                self.unclaimed.insert(data);
            }
        }
    }

    /// Whether some setup was given this connection.
    pub(super) fn is_claimed(&self, data: DataId) -> bool {
        !self.claimed_by(data).is_empty()
    }

    /// The sessions that were given this connection.
    pub(super) fn claimed_by(&self, data: DataId) -> &[SessionId] {
        self.connections.get(&data).map_or(&[], |known| &known.claimed_by)
    }

    /// The connection came up.
    pub(super) fn note_up(&mut self, data: DataId) {
        if let Some(known) = self.connections.get_mut(&data) {
            known.is_up = true;
        }
    }

    /// The connection ended; returns the sessions it was given to.
    pub(super) fn note_over(&mut self, data: DataId) -> &[SessionId] {
        let Some(known) = self.connections.get_mut(&data) else { return &[] };
        known.is_over = true;
        &known.claimed_by
    }

    /// Whether no more is to be expected of the connection.
    pub(super) fn is_over(&self, data: DataId) -> bool {
        self.connections.get(&data).is_none_or(|known| known.is_over)
    }

    /// The connection is not to be linked any more.
    pub(super) fn forget(&mut self, data: DataId) {
        self.connections.remove(&data);
        self.unclaimed.remove(&data);
    }

    /// A promise is kept by one connection that comes up; attempts that fail leave it open.
    fn note_kept(&mut self, claim: &Claim, port: u16, data: DataId) {
        for promise in self.promises.get_mut(&port).into_iter().flatten() {
            if (promise.session, promise.setup) == (claim.session, claim.setup) {
                promise.kept = Some(data);
            }
        }
    }

    fn is_open(&self, promise: &Promise) -> bool {
        let kept_by = promise.kept.and_then(|data| self.connections.get(&data));
        kept_by.is_none_or(|known| !known.is_up || !is_between(promise, &known.peers))
    }

    /// The promises a connection keeps: at most one of each method, as both ends of a
    /// site-to-site copy announce the same address.
    fn kept_by(&self, peers: &Peers) -> Vec<Claim> {
        let ports = [peers.responder.port, peers.originator.port];
        let ports = if peers.opener_known { &ports[..1] } else { &ports[..] };
        let promises = ports.iter().filter_map(|port| self.promises.get(port)).flatten();
        let open = promises.filter(|promise| self.is_open(promise));
        let fitting: Vec<(&Promise, Link)> =
            open.filter_map(|promise| Some((promise, fits(promise, peers)?))).collect();
        let mut claims: Vec<Claim> = [Method::Passive, Method::Active]
            .into_iter()
            .filter_map(|method| {
                let of_method = fitting.iter().filter(|(promise, _)| promise.method == method);
                let (promise, link) = of_method.min_by_key(|(promise, link)| {
                    let newest = Reverse((promise.stamp.at, promise.stamp.frame));
                    (link.how != How::Announced, !is_between(promise, peers), newest)
                })?;
                Some(Claim { session: promise.session, setup: promise.setup, link: *link })
            })
            .collect();
        // Two sessions that announce one address to each other's servers mean each other.
        if claims.len() == 2 {
            claims.iter_mut().for_each(|claim| claim.link.confidence = Confidence::Certain);
        }
        claims
    }

    /// A connection from the server's data port, for the transfer that has waited longest.
    fn default_port(&self, peers: &Peers) -> Option<Claim> {
        let mut waiting = self.waiting.values().filter(|waiting| {
            let from = Endpoint { ip: waiting.server.ip, ..waiting.server };
            let is_data_port = |end: Endpoint| {
                end.ip == from.ip
                    && (end.port == DATA_PORT || end.port == from.port.wrapping_sub(1))
            };
            let opened_by_server =
                is_data_port(peers.originator) && peers.responder.ip == waiting.client.ip;
            let seen_late = !peers.opener_known
                && is_data_port(peers.responder)
                && peers.originator.ip == waiting.client.ip;
            opened_by_server || seen_late
        });
        let first = waiting.next()?;
        let is_only = waiting.next().is_none();
        let server = server_dir(peers, first.server.ip);
        let to_control_port = [peers.originator, peers.responder].contains(&first.client);
        let confidence = match (to_control_port, is_only) {
            (true, _) => Confidence::Certain,
            (false, true) => Confidence::Likely,
            (false, false) => Confidence::Guess,
        };
        let link = Link { data: DataId(0), how: How::DefaultPort, confidence, server };
        Some(Claim { session: first.session, setup: first.setup, link })
    }

    fn looks_like_data(&self, peers: &Peers) -> bool {
        let ports = [peers.originator.port, peers.responder.port];
        if ports.contains(&DATA_PORT) {
            return true;
        }
        let pair = pair_of(peers.originator.ip, peers.responder.ip);
        // Data connections use no other well-known port; what runs on those is something else.
        ports.iter().all(|port| *port >= 1024) && self.pairs.contains_key(&pair)
    }
}

/// Whether a connection is the promised one, `data` left open.
fn fits(promise: &Promise, peers: &Peers) -> Option<Link> {
    let (announcer, other) = match promise.method {
        Method::Active => (promise.client, promise.server),
        _ => (promise.server, promise.client),
    };
    let ends = [(peers.responder, peers.originator), (peers.originator, peers.responder)];
    let ends = if peers.opener_known { &ends[..1] } else { &ends[..] };
    ends.iter().find_map(|(listener, dialler)| {
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
            if *listener == peers.responder { Dir::FromResponder } else { Dir::FromOriginator };
        let server = if announcer_is_server { listener_dir } else { listener_dir.reversed() };
        Some(Link { data: DataId(0), how, confidence, server })
    })
}

/// Whether a connection is between the two hosts of the session that promised it.
fn is_between(promise: &Promise, peers: &Peers) -> bool {
    is_pair(peers, promise.client, promise.server)
}

fn pair_of(a: Host, b: Host) -> (Host, Host) {
    (a.min(b), a.max(b))
}

fn is_pair(peers: &Peers, a: Host, b: Host) -> bool {
    let ends = (peers.originator.ip, peers.responder.ip);
    ends == (a, b) || ends == (b, a)
}

fn server_dir(peers: &Peers, server: Host) -> Dir {
    let ports = (peers.originator.port, peers.responder.port);
    let originator_serves = match (peers.originator.ip == server, peers.responder.ip == server) {
        (true, true) => ports.0 == DATA_PORT || !peers.opener_known && ports.0 < ports.1,
        (originator, _) => originator,
    };
    if originator_serves { Dir::FromOriginator } else { Dir::FromResponder }
}
