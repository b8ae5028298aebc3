//! Every promise that is open, and every connection that could keep one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use ahash::RandomState;

use super::candidates::Candidates;
use super::promise::{
    Claim, Confidence, Connected, DATA_PORT, DataId, How, Link, Peers, Promise, fits, is_between,
    is_pair, pair_of, server_dir,
};
use super::request::Method;
use super::{SessionId, TransferId};
use crate::decode::{Endpoint, Host};
use crate::limits::Limits;
use crate::time::Stamp;

/// Knows which connection keeps which promise.
#[derive(Debug)]
pub(super) struct Links {
    promises: HashMap<(SessionId, u32), Promise, RandomState>,
    /// The same by [where they lead](Promise::listeners), the oldest first.
    announced: HashMap<Endpoint, Vec<(SessionId, u32)>, RandomState>,
    connections: BTreeMap<DataId, Known>,
    /// Those of `connections` that no setup was given.
    unclaimed: Candidates,
    /// Those that were given to a setup that is no more: nobody will ask for them.
    abandoned: BTreeSet<DataId>,
    /// Sessions open between two hosts, lower address first.
    pairs: HashMap<(Host, Host), u32, RandomState>,
    waiting: Queue,
    next: u32,
    limits: Limits,
    pub(super) overflows: LinkOverflows,
}

/// Bounds that were reached, and how often.
#[derive(Debug, Default)]
pub(super) struct LinkOverflows {
    pub(super) promises: u64,
    pub(super) orphans: u64,
    pub(super) suspects: u64,
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

/// Transfers without a connection.
#[derive(Debug, Default)]
struct Queue {
    all: HashMap<TransferId, Waiting, RandomState>,
    /// By the client, and the ends a server may dial from with nothing announced.
    by_ends: BTreeSet<(Host, Endpoint, TransferId)>,
}

/// How far before its announcement a connection may stand in the file. Interfaces and queues are
/// merged within milliseconds; an older connection to the same port belongs to an earlier
/// transfer.
const DISORDER: Duration = Duration::from_secs(1);

impl Links {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            promises: HashMap::default(),
            announced: HashMap::default(),
            connections: BTreeMap::new(),
            unclaimed: Candidates::default(),
            abandoned: BTreeSet::new(),
            pairs: HashMap::default(),
            waiting: Queue::default(),
            next: 0,
            limits: limits.clone(),
            overflows: LinkOverflows::default(),
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
        if found.is_empty() {
            if !self.looks_like_data(peers) {
                return Connected::Stranger;
            }
            if !self.has_room() {
                self.overflows.orphans += 1;
                return Connected::Stranger;
            }
            return Connected::Candidate(self.enter(peers, Vec::new()));
        }
        let data = self.enter(peers, found.iter().map(|claim| claim.session).collect());
        for claim in found {
            self.note_kept(&claim, data);
            claims.push(Claim { link: Link { data, ..claim.link }, ..claim });
        }
        Connected::Claimed(data)
    }

    /// A connection that was under way when the capture began may belong to a session that is
    /// not known yet.
    pub(super) fn suspect(&mut self, peers: &Peers) -> Option<DataId> {
        if peers.opener_known {
            return None;
        }
        if !self.has_room() {
            self.overflows.suspects += 1;
            return None;
        }
        Some(self.enter(peers, Vec::new()))
    }

    /// Whether one more connection can be kept that no transfer asks for.
    fn has_room(&self) -> bool {
        self.unclaimed.len() + self.abandoned.len() < self.limits.orphans
    }

    fn enter(&mut self, peers: &Peers, claimed_by: Vec<SessionId>) -> DataId {
        let data = DataId(self.next);
        self.next += 1;
        if claimed_by.is_empty() {
            self.unclaimed.add(data, peers, false);
        }
        let known = Known { peers: *peers, claimed_by, is_up: false, is_over: false };
        self.connections.insert(data, known);
        data
    }

    /// A setup announces where it listens. A connection that stands shortly before it in the file
    /// is the one that was meant.
    pub(super) fn announce(&mut self, promise: Promise) -> Option<Claim> {
        self.withdraw(promise.session, promise.setup);
        if self.promises.len() >= self.limits.promises {
            self.overflows.promises += 1;
            return None;
        }
        for listener in promise.listeners() {
            let queue = self.announced.entry(listener).or_default();
            if queue.len() >= self.limits.promises_each {
                self.overflows.promises += 1;
                queue.remove(0);
            }
            queue.push(promise.key());
        }
        self.promises.insert(promise.key(), promise);
        let late = self.late_for(&promise)?;
        self.claim(late.data, promise.session);
        let claim = Claim { session: promise.session, setup: promise.setup, link: late };
        self.note_kept(&claim, late.data);
        Some(claim)
    }

    /// The connection that keeps a promise and stands before it in the file. By the clock it was
    /// opened after the announcement, and then the first such one is meant; or shortly before,
    /// where clocks of several interfaces differ, and then the last.
    fn late_for(&self, promise: &Promise) -> Option<Link> {
        let dialled = promise.listeners().flat_map(|listener| self.unclaimed.dialled(listener));
        let dialled: BTreeSet<DataId> = dialled.collect();
        let fitting = dialled.iter().filter_map(|data| {
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
    pub(super) fn withdraw(&mut self, session: SessionId, setup: u32) {
        let Some(promise) = self.promises.remove(&(session, setup)) else { return };
        for listener in promise.listeners() {
            if let Some(queue) = self.announced.get_mut(&listener) {
                queue.retain(|key| *key != promise.key());
                if queue.is_empty() {
                    self.announced.remove(&listener);
                }
            }
        }
    }

    /// A transfer has no connection yet.
    pub(super) fn wait(&mut self, transfer: TransferId, waiting: Waiting) {
        self.waiting.by_ends.extend(waiting.keys(transfer));
        self.waiting.all.insert(transfer, waiting);
    }

    /// The transfer has its connection, or needs none.
    pub(super) fn stop_waiting(&mut self, transfer: TransferId) {
        if let Some(waiting) = self.waiting.all.remove(&transfer) {
            for key in waiting.keys(transfer) {
                self.waiting.by_ends.remove(&key);
            }
        }
    }

    /// A connection that nobody announced and that was opened between the same hosts while the
    /// transfer was under way: the oldest.
    pub(super) fn in_time_order(
        &mut self,
        waiting: &Waiting,
        until: Option<Stamp>,
    ) -> Option<Link> {
        let (client, server) = (waiting.client.ip, waiting.server.ip);
        let between = self.unclaimed.between(client, server);
        let in_time = between.filter_map(|data| {
            let peers = self.connections.get(&data)?.peers;
            let in_time = !peers.first.is_before(waiting.since)
                && until.is_none_or(|until| peers.first.is_before(until));
            in_time.then_some((data, peers))
        });
        let (data, peers) = in_time.last()?;
        self.claim(data, waiting.session);
        let server = server_dir(&peers, server);
        Some(Link { data, how: How::TimeOrder, confidence: Confidence::Guess, server })
    }

    fn claim(&mut self, data: DataId, session: SessionId) {
        if let Some(known) = self.connections.get_mut(&data) {
            known.claimed_by.push(session);
            self.unclaimed.remove(data, &known.peers);
        }
    }

    /// It was given to a session by mistake.
    pub(super) fn unclaim(&mut self, data: DataId, session: SessionId) {
        if let Some(known) = self.connections.get_mut(&data) {
            known.claimed_by.retain(|claimer| *claimer != session);
            if known.claimed_by.is_empty() {
                self.unclaimed.add(data, &known.peers, known.is_up);
                self.abandoned.remove(&data);
            }
        }
    }

    /// Whether a second connection between the same hosts came up at the same address after
    /// `since`, which nobody was given: either may be the one that was meant.
    pub(super) fn has_rival(&self, data: DataId, since: Stamp) -> bool {
        let Some(Known { peers, .. }) = self.connections.get(&data) else { return false };
        let rivals = self.unclaimed.dialled(peers.responder);
        rivals.filter_map(|rival| self.connections.get(&rival)).any(|rival| {
            rival.is_up
                && is_pair(&rival.peers, peers.originator.ip, peers.responder.ip)
                && !rival.peers.first.is_before(since)
        })
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
            self.unclaimed.note_up(data, &known.peers);
        }
    }

    /// The connection ended; returns the sessions it was given to. One that carried nothing leaves
    /// its promise open, as an attempt does.
    pub(super) fn note_over(&mut self, data: DataId, is_empty: bool) -> &[SessionId] {
        let Some(known) = self.connections.get_mut(&data) else { return &[] };
        known.is_up &= !is_empty;
        known.is_over = true;
        &known.claimed_by
    }

    /// No transfer will ask for the connection.
    pub(super) fn abandon(&mut self, data: DataId) {
        if self.is_claimed(data) {
            self.abandoned.insert(data);
        }
    }

    /// Whether to keep what the connection carried, now that it is over.
    pub(super) fn is_kept(&mut self, data: DataId, is_empty: bool) -> bool {
        if !self.abandoned.contains(&data) {
            return true;
        }
        let is_too_many = self.unclaimed.len() + self.abandoned.len() > self.limits.orphans;
        self.overflows.orphans += u64::from(is_too_many && !is_empty);
        !is_empty && !is_too_many
    }

    /// Whether no more is to be expected of the connection.
    pub(super) fn is_over(&self, data: DataId) -> bool {
        self.connections.get(&data).is_none_or(|known| known.is_over)
    }

    /// The connection is not to be linked any more.
    pub(super) fn forget(&mut self, data: DataId) {
        if let Some(known) = self.connections.remove(&data) {
            self.unclaimed.remove(data, &known.peers);
            self.abandoned.remove(&data);
        }
    }

    /// A promise is kept by one connection that comes up; attempts that fail leave it open.
    fn note_kept(&mut self, claim: &Claim, data: DataId) {
        if let Some(promise) = self.promises.get_mut(&(claim.session, claim.setup)) {
            promise.kept = Some(data);
        }
    }

    fn is_open(&self, promise: &Promise) -> bool {
        let kept_by = promise.kept.and_then(|data| self.connections.get(&data));
        kept_by.is_none_or(|known| !known.is_up || !is_between(promise, &known.peers))
    }

    /// The promises a connection keeps: at most one of each method, as both ends of a
    /// site-to-site copy announce the same address.
    fn kept_by(&self, peers: &Peers) -> Vec<Claim> {
        let keys = peers.listeners().filter_map(|(end, _)| self.announced.get(&end)).flatten();
        let promises = keys.filter_map(|key| self.promises.get(key));
        let open = promises.filter(|promise| self.is_open(promise));
        let mut fitting: Vec<(&Promise, Link)> =
            open.filter_map(|promise| Some((promise, fits(promise, peers)?))).collect();
        // Between the two hosts of a session that announced it, it is theirs: another session's
        // announcement of the same address is no site-to-site copy unless its server takes part.
        if fitting.iter().any(|(promise, _)| is_between(promise, peers)) {
            fitting.retain(|(promise, link)| {
                is_between(promise, peers) || link.confidence == Confidence::Certain
            });
        }
        let mut claims: Vec<Claim> = [Method::Passive, Method::Active]
            .into_iter()
            .filter_map(|method| {
                let of_method = fitting.iter().filter(|(promise, _)| promise.method == method);
                let (promise, link) = of_method.min_by_key(|(promise, link)| {
                    let newest = Reverse((promise.stamp.at, promise.stamp.frame()));
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
        let turned = (!peers.opener_known).then_some((peers.originator.ip, peers.responder));
        let ends = std::iter::once((peers.responder.ip, peers.originator)).chain(turned);
        // Two of each are enough to know the first, and whether it is the only one.
        let ends = ends.flat_map(|(client, from)| self.waiting.first_two(client, from));
        let waiting: BTreeSet<TransferId> = ends.collect();
        let first = self.waiting.all.get(waiting.first()?)?;
        let is_only = waiting.len() == 1;
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

impl Queue {
    fn first_two(&self, client: Host, from: Endpoint) -> impl Iterator<Item = TransferId> {
        let range = (client, from, TransferId(0))..=(client, from, TransferId(u32::MAX));
        self.by_ends.range(range).take(2).map(|(.., transfer)| *transfer)
    }
}

impl Waiting {
    fn keys(
        &self,
        transfer: TransferId,
    ) -> impl Iterator<Item = (Host, Endpoint, TransferId)> + use<> {
        let (client, server) = (self.client.ip, self.server);
        let ports = [DATA_PORT, server.port.wrapping_sub(1)];
        ports.into_iter().map(move |port| (client, Endpoint { port, ..server }, transfer))
    }
}
