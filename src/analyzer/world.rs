//! What connections are and what becomes of what they say: it only routes.

use std::collections::{BTreeMap, HashSet};

use super::AnalysisOptions;
use crate::analysis::{Collector, Legs, NotFtp, Watched};
use crate::decode::Endpoint;
use crate::hash::Workers;
use crate::session::{
    Connected, ControlLink, DataId, Outcome, Peers, Session, SessionId, Settled, Setup, Sniffed,
    Sniffer, Tracker, Unknown,
};
use crate::tcp::{Budget, Conn, ConnEvent, Dir, Handshake, Slot};
use crate::transfer::{
    Attempt, Builder, ByteSink, Carried, DataConnection, Hosts, Means, Room, Sinks, Transfer,
};

/// What a connection is.
pub(super) enum Role {
    /// Not yet clear; what was said is kept until it is.
    Unknown(Box<Unknown>),
    Control {
        session: SessionId,
        server: Dir,
    },
    Data {
        builder: Box<Builder>,
        id: DataId,
        is_up: bool,
        /// Whether it is one of those that remember more than a little.
        is_compared: bool,
    },
}

/// Everything but the connections themselves.
pub(super) struct World<'a> {
    options: AnalysisOptions,
    tracker: Tracker,
    /// Data connections that are over and whose transfers are not settled.
    /// Boxed: the map moves its values about.
    carried: BTreeMap<DataId, Box<Ready>>,
    /// Endpoints where FTP was found by what was said.
    servers: HashSet<Endpoint>,
    hosts: Hosts,
    legs: Legs,
    /// Data connections that remember much.
    compared: usize,
    pub(super) not_ftp: Vec<NotFtp>,
    pub(super) watched: Vec<Watched>,
    /// What data connections may hold together.
    room: Room,
    workers: Workers,
    /// Bytes held of the connections of which nobody knows what they are.
    unclear: usize,
    overflows: BTreeMap<&'static str, u64>,
    sinks: Option<&'a mut dyn Sinks>,
    pub(super) out: &'a mut dyn Collector,
}

/// A data connection that is over, and how many transfers took it.
struct Ready {
    carried: Carried,
    taken: usize,
}

/// What becomes of a connection after a segment.
pub(super) enum Next {
    Follow,
    Ignore,
    End,
}

impl<'a> World<'a> {
    pub(super) fn new(
        options: &AnalysisOptions,
        sinks: Option<&'a mut dyn Sinks>,
        out: &'a mut dyn Collector,
    ) -> Self {
        let limits = &options.limits;
        Self {
            tracker: Tracker::new(limits, !out.wants_exchanges()),
            options: options.clone(),
            carried: BTreeMap::new(),
            servers: HashSet::new(),
            hosts: Hosts::new(limits.host_pairs),
            legs: Legs::default(),
            compared: 0,
            not_ftp: Vec::new(),
            watched: Vec::new(),
            room: Room::new(limits.carried_bytes, limits.decoders),
            workers: Workers::new(options.threads),
            unclear: 0,
            overflows: BTreeMap::new(),
            sinks,
            out,
        }
    }
}

impl World<'_> {
    pub(super) fn open_sessions(&self) -> Vec<SessionId> {
        self.tracker.open_sessions()
    }

    /// Client and server of a session that goes on.
    pub(super) fn ends_of(&self, id: SessionId) -> Option<(Endpoint, Endpoint)> {
        self.tracker.open_session(id).map(|session| (session.client, session.server))
    }

    /// A session that goes on, with what its connection, in `slot`, shows by now.
    pub(super) fn open_session(
        &self,
        id: SessionId,
        slot: Option<&Slot<Role>>,
        is_whole: bool,
    ) -> Option<Session> {
        let mut session = self.tracker.open_session(id)?.clone();
        if let Some(Slot { conn, role: Role::Control { session: own, server }, .. }) = slot
            && *own == id
        {
            session.tcp = ControlLink::of(conn, *server);
        }
        if is_whole {
            session.exchanges = self.tracker.exchanges_so_far(id);
        }
        Some(session)
    }

    /// Says what a new connection may be.
    pub(super) fn meet(&mut self, conn: &mut Conn) -> Role {
        let (ports, most) = (&self.options.ports, self.options.limits.unclear_bytes_each);
        let is_ftp = |end: &Endpoint| {
            end.port == FTP_PORT || ports.contains(&end.port) || self.servers.contains(end)
        };
        let sniffer =
            Sniffer::new(conn.originator, conn.responder, conn.link.opener_known, most, is_ftp);
        let mut unknown = Box::new(Unknown::new(sniffer));
        if unknown.sniffer.expected_server().is_some() {
            unknown.reserved = Some(self.tracker.reserve());
        } else {
            match self.tracker.connect(&peers_of(conn)) {
                Connected::Stranger => unknown.candidate = self.tracker.suspect(&peers_of(conn)),
                Connected::Candidate(id) => unknown.candidate = Some(id),
                Connected::Claimed(id) => return self.data_role(id, conn),
            }
        }
        conn.remember(self.options.limits.remembered_bytes);
        Role::Unknown(unknown)
    }

    fn data_role(&mut self, id: DataId, conn: &mut Conn) -> Role {
        let limits = &self.options.limits;
        let is_compared = self.compared < limits.compared;
        self.compared += usize::from(is_compared);
        conn.remember(if is_compared { limits.compared_bytes } else { limits.remembered_bytes });
        let builder = Box::new(Builder::new(id, self.options.hashes));
        Role::Data { builder, id, is_up: false, is_compared }
    }

    /// Passes an event on to whom it concerns.
    pub(super) fn route(&mut self, role: &mut Role, event: &ConnEvent<'_>) {
        match role {
            Role::Unknown(unknown) => {
                let before = unknown.weight();
                unknown.handle(event);
                self.unclear += unknown.weight() - before;
                let is_too_much = self.unclear > self.options.limits.unclear_bytes_all;
                if is_too_much && unknown.verdict == Sniffed::Unclear {
                    unknown.give_up();
                    self.note_overflow("unclear_bytes");
                }
            }
            Role::Control { session, server } => self.tracker.handle(*session, *server, event),
            Role::Data { builder, .. } => {
                let Self { sinks, tracker, options, room, workers, .. } = self;
                let open = |id, dir, face| -> Option<Box<dyn ByteSink>> {
                    sinks.as_mut()?.open(id, dir, face)
                };
                let means = Means { limits: &options.limits, room, workers };
                builder.handle(event, means, open, |id| tracker.agreement(id));
            }
        }
    }

    /// Draws the consequences of what a segment told.
    pub(super) fn settle(&mut self, conn: &mut Conn, role: &mut Role) -> Next {
        if let Role::Unknown(unknown) = role {
            let is_claimed = unknown.candidate.is_some_and(|id| self.tracker.is_claimed(id));
            if !is_claimed && unknown.verdict == Sniffed::Unclear {
                return if conn.is_closed() { Next::End } else { Next::Follow };
            }
            if self.decide(conn, role).is_none() {
                return Next::Ignore;
            }
        }
        if let Role::Data { id, is_up, .. } = role
            && !*is_up
            && conn.link.is_established()
            // The answer to a SYN alone proves nothing: who sent that may be somebody else.
            && (conn.link.handshake != Handshake::Half || !conn.is_empty())
        {
            *is_up = true;
            self.tracker.note_up(*id);
        }
        if conn.is_closed() {
            return Next::End;
        }
        if let Role::Data { id, is_compared, .. } = role
            && self.is_two_way_suspect(*id, conn)
        {
            self.compared -= usize::from(*is_compared);
            self.tracker.forget(*id);
            return Next::Ignore;
        }
        if let Role::Control { .. } = role {
            self.poll();
        }
        Next::Follow
    }

    /// Whether this was kept only because the capture began in the middle of it, and has turned
    /// out to go both ways, as data connections do not.
    fn is_two_way_suspect(&self, id: DataId, conn: &Conn) -> bool {
        !conn.link.opener_known
            && conn.facts(Dir::FromOriginator).bytes > 0
            && conn.facts(Dir::FromResponder).bytes > 0
            && !self.tracker.is_claimed(id)
            && !self.hosts.are_known(conn.originator.ip, conn.responder.ip)
            && !self.tracker.has_session_between(conn.originator.ip, conn.responder.ip)
    }

    /// Gives an unknown connection its role, and hears what was held again; `None` if it is
    /// nobody's business.
    fn decide(&mut self, conn: &mut Conn, role: &mut Role) -> Option<()> {
        let Role::Unknown(unknown) = role else { return Some(()) };
        self.unclear -= unknown.weight();
        let candidate = unknown.candidate;
        let is_claimed = candidate.is_some_and(|id| self.tracker.is_claimed(id));
        let decided = match (unknown.verdict, candidate) {
            (Sniffed::Control { server } | Sniffed::ImplicitTls { server }, _) if !is_claimed => {
                self.make_control(conn, unknown, server)
            }
            (_, Some(id)) => self.data_role(id, conn),
            (verdict, None) => {
                self.note_other(conn, unknown, verdict);
                return None;
            }
        };
        if let Role::Unknown(mut unknown) = std::mem::replace(role, decided) {
            unknown.replay(|event| self.route(role, event));
        }
        Some(())
    }

    fn make_control(&mut self, conn: &Conn, unknown: &Unknown, server: Dir) -> Role {
        if let Some(id) = unknown.candidate {
            self.tracker.forget(id);
        }
        let session = unknown.reserved.unwrap_or_else(|| self.tracker.reserve());
        self.tracker.open(session, conn, server);
        let server_end =
            if server == Dir::FromResponder { conn.responder } else { conn.originator };
        if server_end.port != FTP_PORT {
            if self.servers.len() < self.options.limits.servers {
                self.servers.insert(server_end);
            } else if !self.servers.contains(&server_end) {
                self.note_overflow("servers");
            }
        }
        if let Sniffed::ImplicitTls { .. } = unknown.verdict {
            self.tracker.begin_implicit_tls(session, conn.link.last);
        }
        Role::Control { session, server }
    }

    fn note_other(&mut self, conn: &Conn, unknown: &Unknown, verdict: Sniffed) {
        if unknown.sniffer.gave_up {
            self.note_overflow("unclear_bytes");
        }
        if let (Sniffed::Other(protocol), Some(_)) = (verdict, unknown.reserved) {
            if self.not_ftp.len() >= self.options.limits.not_ftp {
                return self.note_overflow("not_ftp");
            }
            // Whose segment was captured first says nothing of who dialled.
            let (originator, responder) = match unknown.sniffer.expected_server() {
                Some(Dir::FromOriginator) => (conn.responder, conn.originator),
                _ => (conn.originator, conn.responder),
            };
            self.not_ftp.push(NotFtp {
                originator,
                responder,
                opener_known: conn.link.opener_known,
                protocol,
                first: conn.link.first,
            });
        }
    }

    /// A connection is over, for the capture if not for its ends.
    pub(super) fn end(&mut self, slot: Slot<Role>, budget: &mut Budget) {
        let Slot { mut conn, mut role, .. } = slot;
        conn.finish(budget, &mut |event| self.route(&mut role, &event));
        self.watch(&conn, &role);
        if let Role::Unknown(unknown) = &mut role {
            // On a port of FTP even silence is a session; so is what was cut short.
            if unknown.verdict == Sniffed::Unclear && unknown.sniffer.expected_server().is_some() {
                unknown.verdict = unknown.sniffer.at_last();
            }
            if self.decide(&mut conn, &mut role).is_none() {
                return;
            }
        }
        match role {
            Role::Unknown(_) => {}
            Role::Control { session, server } => self.tracker.end(session, &conn, server),
            Role::Data { builder, id, is_compared, .. } => {
                self.compared -= usize::from(is_compared);
                let mut carried = builder.finish(&conn, &mut self.room, &mut self.workers);
                let weight = carried.weight();
                if !self.tracker.is_claimed(id) {
                    carried.look();
                }
                self.tracker.note_over(id, carried.bytes() == 0);
                if self.tracker.is_kept(id, carried.bytes() == 0) {
                    self.room.give_back(weight - carried.weight());
                    self.carried.insert(id, Box::new(Ready { carried, taken: 0 }));
                } else {
                    self.room.give_back(weight);
                    self.tell_attempt(id, carried.connection);
                    self.tracker.forget(id);
                }
            }
        }
        self.poll();
    }

    /// A connection turned out to be none of ours: what it held is given back.
    pub(super) fn ignore(&mut self, slot: Slot<Role>, budget: &mut Budget) {
        let Slot { mut conn, role, .. } = slot;
        conn.finish(budget, &mut |_| ());
        self.watch(&conn, &role);
        if let Role::Data { builder, .. } = role {
            let carried = builder.finish(&conn, &mut self.room, &mut self.workers);
            self.room.give_back(carried.weight());
        }
    }

    /// Writes down a connection to a port that an attack opens, unless it is a session's own.
    fn watch(&mut self, conn: &Conn, role: &Role) {
        if !WATCHED.contains(&conn.responder.port) || !conn.link.opener_known {
            return;
        }
        let is_ours = match role {
            Role::Unknown(_) => false,
            Role::Control { .. } => true,
            Role::Data { id, .. } => self.tracker.is_claimed(*id),
        };
        if is_ours {
            return;
        }
        if self.watched.len() >= self.options.limits.watched {
            return self.note_overflow("watched");
        }
        self.watched.push(Watched {
            originator: conn.originator,
            responder: conn.responder,
            first: conn.link.first,
            handshake: conn.link.handshake,
            answered: conn.link.answered,
            said: conn.facts(Dir::FromResponder).bytes,
        });
    }

    /// Hands over what became final.
    fn poll(&mut self) {
        if self.out.wants_exchanges() {
            let Self { tracker, out, .. } = self;
            tracker.poll_exchanges(|session, exchange| out.exchange(session, exchange));
        }
        while let Some(settled) = self.tracker.poll_request() {
            self.hand_over(settled);
        }
        self.poll_ended(false);
        while let Some(data) = self.tracker.poll_abandoned() {
            if let Some(ready) = self.carried.get(&data)
                && (ready.taken > 0 || !self.tracker.is_kept(data, ready.carried.bytes() == 0))
            {
                if ready.taken == 0 {
                    let connection = ready.carried.connection.clone();
                    self.tell_attempt(data, connection);
                }
                self.let_go(data);
            }
        }
    }

    fn poll_ended(&mut self, all: bool) {
        let mut ended = Vec::new();
        self.tracker.poll_ended(all, |outcome| ended.push(outcome));
        for outcome in ended {
            match outcome {
                Outcome::Request(settled) => self.hand_over(*settled),
                Outcome::Session(session) => {
                    self.hosts.note(&session);
                    self.tell_session(*session);
                }
            }
        }
    }

    /// Two hosts dialled what was announced: the transfer went over the connection of the session's
    /// own client, unless that carried nothing and the other's did. Servers that do not look who
    /// comes serve whoever is first (CVE-1999-0351).
    fn choose_rival(&mut self, setup: &mut Setup) {
        let Some(rival) = setup.rival.take() else { return };
        let has_bytes = |data| self.carried.get(&data).is_some_and(|it| it.carried.bytes() > 0);
        match setup.link.replace(*rival) {
            Some(own) if !has_bytes(own.data) && has_bytes(rival.data) => {
                setup.rival = Some(Box::new(own));
                if let Some(ready) = self.carried.get(&own.data) {
                    let connection = ready.carried.connection.clone();
                    self.tell_attempt(own.data, connection);
                    self.let_go(own.data);
                }
            }
            own => {
                setup.link = own;
                self.tracker.give_up(rival.data);
            }
        }
    }

    fn hand_over(&mut self, mut settled: Settled) {
        self.choose_rival(&mut settled.request.setup);
        if let Some(link) = settled.request.setup.link
            && let Some(ready) = self.carried.get(&link.data)
            && Transfer::contradicts(&settled.request, &ready.carried)
        {
            // One that did not come up was meant for it all the same: dialled too late, for example.
            let connection = &ready.carried.connection;
            if !connection.link.is_established() && self.tracker.claimants(link.data) == 1 {
                let connection = connection.clone();
                self.tell_attempt(link.data, connection);
                self.let_go(link.data);
            } else {
                self.tracker.unclaim(link.data, settled.session);
            }
            settled.request.setup.link = None;
        }
        let data = settled.request.setup.link.map(|link| link.data);
        let claimants = data.map_or(0, |data| self.tracker.claimants(data));
        let ready = data.and_then(|data| self.carried.get_mut(&data));
        let carried = ready.as_ref().map(|ready| &ready.carried);
        let mut transfer = Transfer::new(settled, carried, claimants > 1);
        if let Some((sizes, source)) = transfer.read_listing()
            && let Some(path) = &transfer.request.path
        {
            self.tracker.note_sizes(transfer.session, path, sizes, source);
        }
        if let (Some(data), Some(ready)) = (data, ready) {
            ready.taken += 1;
            if ready.taken >= claimants {
                self.let_go(data);
            }
        }
        let twin = self.tracker.twin(transfer.session);
        if twin.is_some() || !self.out.looks() {
            transfer.look();
        }
        match twin {
            Some(twin) => self.legs.transfer(twin, transfer, self.out),
            None => self.out.transfer(transfer),
        }
    }

    fn tell_session(&mut self, session: Session) {
        let id = session.id;
        match self.tracker.twin(id) {
            None => self.out.session(session),
            Some(twin) => {
                if self.legs.session(twin, session, self.out) {
                    self.tracker.part(id);
                }
            }
        }
    }

    fn tell_attempt(&mut self, id: DataId, connection: DataConnection) {
        let sessions = self.tracker.claimed_by(id).to_vec();
        self.out.attempt(Attempt { sessions, connection });
    }

    /// Everyone who asked for what the connection carried has it.
    fn let_go(&mut self, data: DataId) {
        if let Some(ready) = self.carried.remove(&data) {
            self.room.give_back(ready.carried.weight());
        }
        self.tracker.forget(data);
    }

    fn note_overflow(&mut self, name: &'static str) {
        *self.overflows.entry(name).or_default() += 1;
    }

    /// Bounds that were reached, by name, with how often.
    pub(super) fn overflows(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let Room { refused, listings, ranges, packed, bombs, .. } = self.room;
        let reached = [
            ("carried_bytes", refused),
            ("listing_bytes", listings),
            ("ranges", ranges),
            ("decoders", packed),
            ("decoded_bytes", bombs),
            ("host_pairs", self.hosts.overflows),
        ];
        let own = self.overflows.iter().map(|(name, count)| (*name, *count));
        self.tracker.overflows().chain(own).chain(reached)
    }

    /// Everything still open, then what no transfer asked for.
    pub(super) fn finish(&mut self) {
        self.poll();
        self.poll_ended(true);
        std::mem::take(&mut self.legs).finish(self.out);
        let mut number = 0;
        let carried = std::mem::take(&mut self.carried);
        let firsts = carried.values().map(|ready| ready.carried.connection.link.first);
        self.hosts.settle(firsts.map(|first| first.input()));
        for (_, mut ready) in carried {
            if ready.taken > 0 {
                continue;
            }
            ready.carried.look();
            let connection = &ready.carried.connection;
            // What an encrypted session announced is not known, but that it was dialled in vain.
            if ready.carried.bytes() == 0
                && !connection.link.is_established()
                && let Some(session) = self.hosts.encrypted_session(connection)
            {
                let (sessions, connection) = (vec![session], connection.clone());
                self.out.attempt(Attempt { sessions, connection });
            } else if let Some(orphan) = self.hosts.orphan(number + 1, ready.carried) {
                number += 1;
                self.out.orphan(orphan);
            }
        }
    }
}

/// The port of FTP control connections (RFC 959 §5.2).
const FTP_PORT: u16 = 21;

/// Ports that attacks on FTP servers open: 6200 the back door in vsftpd 2.3.4 (CVE-2011-2523).
const WATCHED: [u16; 1] = [6200];

fn peers_of(conn: &Conn) -> Peers {
    Peers {
        originator: conn.originator,
        responder: conn.responder,
        opener_known: conn.link.opener_known,
        first: conn.link.first,
    }
}
