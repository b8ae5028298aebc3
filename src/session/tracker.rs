//! All sessions of a capture.

use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;

use super::dialogue::Dialogue;
use super::links::{Links, Waiting};
use super::promise::{Claim, Confidence, Connected, DataId, Peers, Promise};
use super::request::{Agreement, Request, Setup, SizeSource};
use super::story::{Effect, Shared};
use super::twins::{Twin, Twins, share_an_end};
use super::{ControlLink, Encryption, Exchange, Login, Session, SessionId, Software, TransferId};
use crate::decode::Host;
use crate::limits::Limits;
use crate::tcp::{Close, Conn, ConnEvent, Dir, Handshake};
use crate::time::Stamp;

/// Follows every control connection, and knows which connection carries what.
///
/// In: [`open`](Self::open), [`handle`](Self::handle) and [`end`](Self::end) for control
/// connections; [`connect`](Self::connect), [`note_up`](Self::note_up) and
/// [`note_over`](Self::note_over) for all others. Out, to be polled after each event:
/// [`poll_exchanges`](Self::poll_exchanges), [`poll_request`](Self::poll_request) and
/// [`poll_ended`](Self::poll_ended), in that order.
#[derive(Debug)]
pub struct Tracker {
    /// Boxed: the map moves its values about. Asked several times a packet.
    dialogues: HashMap<SessionId, Box<Dialogue>, RandomState>,
    links: Links,
    twins: Twins,
    limits: Limits,
    next_session: u32,
    shared: Shared,
    /// Bytes that the sessions not over yet hold.
    text: usize,
    most_text: usize,
    keeps_exchanges: bool,
    /// Sessions in which something became final since the last poll.
    touched: Vec<SessionId>,
    /// How many of them have no request left to hand over.
    looked_at: usize,
    effects: Vec<Effect>,
    claims: Vec<Claim>,
    /// Connections no transfer will ask for any more.
    abandoned: Vec<DataId>,
    overflows: BTreeMap<&'static str, u64>,
}

impl Tracker {
    /// With `keeps_exchanges`, they leave with their session only, not as they become final.
    pub fn new(limits: &Limits, keeps_exchanges: bool) -> Self {
        Self {
            dialogues: HashMap::default(),
            links: Links::new(limits),
            twins: Twins::default(),
            limits: limits.clone(),
            next_session: 0,
            shared: Shared { next_transfer: 0, open: 0, most_open: limits.open_transfers },
            text: 0,
            keeps_exchanges,
            most_text: if keeps_exchanges { limits.document_bytes } else { limits.text_bytes },
            touched: Vec::new(),
            looked_at: 0,
            effects: Vec::new(),
            claims: Vec::new(),
            abandoned: Vec::new(),
            overflows: BTreeMap::new(),
        }
    }

    /// The number of a session that may begin with the connection just seen. One that turns out
    /// to be no FTP leaves its number unused.
    pub fn reserve(&mut self) -> SessionId {
        self.next_session += 1;
        SessionId(self.next_session)
    }

    /// A control connection was recognised; its server sends in direction `server`.
    pub fn open(&mut self, id: SessionId, conn: &Conn, server: Dir) {
        let (client, server_end) = match server {
            Dir::FromResponder => (conn.originator, conn.responder),
            Dir::FromOriginator => (conn.responder, conn.originator),
        };
        let session = Session {
            id,
            client,
            server: server_end,
            tcp: ControlLink::of(conn, server),
            banner: None,
            software: Software::default(),
            login: Login::default(),
            encryption: Encryption::default(),
            tls: None,
            exchanges: Vec::new(),
            transfers: Vec::new(),
            legs: Vec::new(),
        };
        let from_start = conn.link.handshake != Handshake::NotCaptured;
        self.links.open_pair(client.ip, server_end.ip);
        let mut dialogue = Dialogue::new(session, from_start, &self.limits);
        dialogue.numbers = conn.initial_numbers();
        if let Some(numbers) = dialogue.numbers {
            self.twins.meet(id, numbers);
        }
        self.dialogues.insert(id, Box::new(dialogue));
    }

    /// The control connection is inside TLS from its first byte.
    pub fn begin_implicit_tls(&mut self, id: SessionId, since: Stamp) {
        if let Some(dialogue) = self.dialogues.get_mut(&id) {
            dialogue.begin_implicit_tls(since);
        }
    }

    /// Takes an event of a control connection; its server sends in direction `server`.
    pub fn handle(&mut self, id: SessionId, server: Dir, event: &ConnEvent<'_>) {
        let Some(dialogue) = self.dialogues.get_mut(&id) else { return };
        dialogue.ration(self.text >= self.most_text);
        let (shared, effects) = (&mut self.shared, &mut self.effects);
        match *event {
            ConnEvent::Data { dir, offset, bytes, mark } if dir == server => {
                dialogue.handle_server(offset, bytes, mark, effects);
            }
            ConnEvent::Data { offset, bytes, mark, .. } => {
                dialogue.handle_client(offset, bytes, mark, shared, effects);
            }
            ConnEvent::Gap { dir, offset, len, .. } if dir == server => {
                dialogue.handle_server_gap(offset, len, effects);
            }
            ConnEvent::Gap { offset, len, .. } => {
                dialogue.handle_client_gap(offset, len, shared, effects);
            }
            ConnEvent::Fin { .. } | ConnEvent::Reset { .. } => {}
        }
        if let Some(opening) = dialogue.take_opening() {
            let ends = [dialogue.story.session.client, dialogue.story.session.server];
            let dialogues = &self.dialogues;
            self.twins.compare(id, opening, |other| {
                let other = dialogues.get(&other).map(|dialogue| &dialogue.story.session);
                other.is_some_and(|other| share_an_end(ends, [other.client, other.server]))
            });
        }
        self.apply(id);
        self.weigh(id);
    }

    /// A control connection is over.
    pub fn end(&mut self, id: SessionId, conn: &Conn, server: Dir) {
        let Some(dialogue) = self.dialogues.get_mut(&id) else { return };
        dialogue.story.session.tcp = ControlLink::of(conn, server);
        dialogue.finish(&mut self.shared, &mut self.effects);
        let (client, server) = (dialogue.story.session.client.ip, dialogue.story.session.server.ip);
        self.links.close_pair(client, server);
        self.apply(id);
        self.weigh(id);
    }

    /// A connection that is no control connection was opened.
    pub fn connect(&mut self, peers: &Peers) -> Connected {
        let connected = self.links.connect(peers, &mut self.claims);
        self.apply_claims();
        connected
    }

    /// A connection to which [`connect`](Self::connect) said nothing, but which was under way
    /// when the capture began: its session may be recognised later.
    pub fn suspect(&mut self, peers: &Peers) -> Option<DataId> {
        self.links.suspect(peers)
    }

    /// Whether a session between these two is open.
    pub fn has_session_between(&self, a: Host, b: Host) -> bool {
        self.links.is_pair_open(a, b)
    }

    /// Whether a candidate was claimed since.
    pub fn is_claimed(&self, data: DataId) -> bool {
        self.links.is_claimed(data)
    }

    /// A data connection or a candidate came up.
    pub fn note_up(&mut self, data: DataId) {
        self.links.note_up(data);
    }

    /// A data connection or a candidate ended; who waits for that may be final now.
    pub fn note_over(&mut self, data: DataId, is_empty: bool) {
        self.touched.extend(self.links.note_over(data, is_empty));
    }

    /// The connection is none that carries transfers, or has been handed over.
    pub fn forget(&mut self, data: DataId) {
        self.links.forget(data);
    }

    /// File sizes shown by a listing of `directory`.
    pub fn note_sizes(
        &mut self,
        session: SessionId,
        directory: &[u8],
        entries: impl IntoIterator<Item = (Vec<u8>, u64)>,
        source: SizeSource,
    ) {
        if let Some(dialogue) = self.dialogues.get_mut(&session) {
            dialogue.story.note_sizes(directory, entries, source);
        }
        self.weigh(session);
    }

    /// Every exchange to which nothing will be added, and whose session is not over.
    pub fn poll_exchanges(&mut self, mut out: impl FnMut(SessionId, Exchange)) {
        let touched = std::mem::take(&mut self.touched);
        for &id in &touched {
            if let Some(dialogue) = self.dialogues.get_mut(&id) {
                dialogue.story.final_exchanges().for_each(|exchange| out(id, exchange));
            }
            self.weigh(id);
        }
        self.touched = touched;
    }

    /// The next transfer whose two halves are final: it was answered and its connection ended.
    pub fn poll_request(&mut self) -> Option<Settled> {
        let links = &self.links;
        let is_final = |request: &Request| {
            let over = request.setup.link.map(|_| is_over(links, &request.setup));
            // Without a connection, only a refusal is final: one may still be found.
            match over {
                Some(over) => over && request.is_answered(),
                None => request.is_refused(),
            }
        };
        let found = loop {
            let id = *self.touched.get(self.looked_at)?;
            let open = self.dialogues.get(&id).into_iter().flat_map(|d| d.story.open.iter());
            let mut done = open.filter(|(_, open)| is_final(&open.request));
            if let Some((transfer, _)) = done.next() {
                break (id, *transfer);
            }
            self.looked_at += 1;
        };
        self.take(found.0, found.1)
    }

    /// Every session that is over, once its data connections are. With `all`, every session
    /// whose control connection ended. Transfers still open come first.
    pub fn poll_ended(&mut self, all: bool, mut out: impl FnMut(Outcome)) {
        let mut touched = std::mem::take(&mut self.touched);
        self.looked_at = 0;
        if all {
            touched = self.dialogues.keys().copied().collect();
            touched.sort_unstable();
        }
        touched.dedup();
        for id in touched.drain(..) {
            let Some(dialogue) = self.dialogues.get(&id) else { continue };
            if !dialogue.story.is_over {
                continue;
            }
            self.link_in_time_order(id);
            let mut open = self.dialogues.get(&id).into_iter().flat_map(|d| d.story.open.values());
            let is_held = open.any(|open| !is_over(&self.links, &open.request.setup));
            if is_held && !all {
                continue;
            }
            let transfers: Vec<TransferId> = self
                .dialogues
                .get(&id)
                .into_iter()
                .flat_map(|d| d.story.open.keys().copied())
                .collect();
            for transfer in transfers {
                if let Some(settled) = self.take(id, transfer) {
                    out(Outcome::Request(Box::new(settled)));
                }
            }
            if let Some(dialogue) = self.dialogues.remove(&id) {
                self.text -= dialogue.counted;
                self.twins.forget(id, dialogue.numbers, dialogue.opening_text);
                for (name, count) in dialogue.overflows() {
                    let is_text = name == "text_bytes" && self.keeps_exchanges;
                    let name = if is_text { "document_bytes" } else { name };
                    *self.overflows.entry(name).or_default() += count;
                }
                let exchanges = dialogue.story.exchanges.into_list();
                out(Outcome::Session(Box::new(Session { exchanges, ..dialogue.story.session })));
            }
        }
        if self.touched.is_empty() {
            // Its memory is used again.
            self.touched = touched;
        }
    }

    /// The next connection that was promised and made, and that no transfer asks for any more.
    pub fn poll_abandoned(&mut self) -> Option<DataId> {
        let data = self.abandoned.pop()?;
        self.links.abandon(data);
        Some(data)
    }

    /// The connection was made for a transfer that another one was used for.
    pub fn give_up(&mut self, data: DataId) {
        self.abandoned.push(data);
    }

    /// The connection turned out not to be the transfer's it was given to.
    pub fn unclaim(&mut self, data: DataId, session: SessionId) {
        self.links.unclaim(data, session);
    }

    /// The sessions that go on, in the order of their numbers.
    pub fn open_sessions(&self) -> Vec<SessionId> {
        let mut open: Vec<_> = self.dialogues.keys().copied().collect();
        open.sort_unstable();
        open
    }

    /// A session that goes on, without its exchanges, and its connection as it was when it began.
    pub fn open_session(&self, id: SessionId) -> Option<&Session> {
        self.dialogues.get(&id).map(|dialogue| &dialogue.story.session)
    }

    /// What was said so far in a session that goes on.
    pub fn exchanges_so_far(&self, id: SessionId) -> Vec<Exchange> {
        let dialogue = self.dialogues.get(&id);
        dialogue.map_or_else(Vec::new, |dialogue| dialogue.story.exchanges.copied())
    }

    /// The other capture of a session, if it was captured twice.
    pub fn twin(&self, session: SessionId) -> Option<Twin> {
        self.twins.of(session)
    }

    /// Both captures of a session were handed over.
    pub fn part(&mut self, session: SessionId) {
        self.twins.part(session);
    }

    /// How many sessions were given this connection: two in a site-to-site copy.
    pub fn claimants(&self, data: DataId) -> usize {
        self.claimed_by(data).len()
    }

    /// The sessions that were given this connection.
    pub fn claimed_by(&self, data: DataId) -> &[SessionId] {
        self.links.claimed_by(data)
    }

    /// What is agreed for the bytes of a connection; `None` while nobody claims it.
    pub fn agreement(&self, data: DataId) -> Option<Agreement> {
        let mut sessions = self.links.claimed_by(data).iter();
        let dialogue = sessions.find_map(|id| self.dialogues.get(id))?;
        Some(dialogue.story.agreement(data))
    }

    /// Bounds that were reached, by name, with how often.
    pub fn overflows(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let links = [
            ("promises", self.links.overflows.promises),
            ("orphans", self.links.overflows.orphans),
            ("suspects", self.links.overflows.suspects),
        ];
        self.overflows.iter().map(|(name, count)| (*name, *count)).chain(links)
    }

    /// Whether to keep what a connection carried that is over: not if nobody asks for it and it
    /// is empty, or there are too many of them.
    pub fn is_kept(&mut self, data: DataId, is_empty: bool) -> bool {
        self.links.is_kept(data, is_empty)
    }

    /// Takes what a session holds into the account of all. With too much in it, the session at
    /// hand gives up its oldest exchanges.
    fn weigh(&mut self, id: SessionId) {
        let Some(dialogue) = self.dialogues.get_mut(&id) else { return };
        let mut weight = dialogue.weight();
        let excess = (self.text - dialogue.counted + weight).saturating_sub(self.most_text);
        if excess > 0 {
            dialogue.story.exchanges.shed(excess);
            weight = dialogue.weight();
        }
        self.text = self.text - dialogue.counted + weight;
        dialogue.counted = weight;
    }

    fn take(&mut self, id: SessionId, transfer: TransferId) -> Option<Settled> {
        self.links.stop_waiting(transfer);
        let dialogue = self.dialogues.get_mut(&id)?;
        let mut request = dialogue.story.take(transfer)?;
        if let (Some(link), Some(since)) = (&mut request.setup.link, request.setup.stamp)
            && self.links.has_rival(link.data, since)
        {
            link.confidence = Confidence::Guess;
        }
        self.shared.open -= 1;
        let session = &dialogue.story.session;
        let around = Circumstances {
            client: session.client.ip,
            control_open: session.tcp.link.close == Close::Open,
            server_unheard: dialogue.story.is_over && session.tcp.from_server.bytes == 0,
        };
        Some(Settled { session: id, request, around })
    }

    /// Transfers that the server acknowledged and whose connection nothing announced.
    fn link_in_time_order(&mut self, id: SessionId) {
        let Some(dialogue) = self.dialogues.get_mut(&id) else { return };
        let (session, client, server) = (
            dialogue.story.session.id,
            dialogue.story.session.client,
            dialogue.story.session.server,
        );
        for open in dialogue.story.open.values_mut() {
            let request = &mut open.request;
            let begun = request.preliminary.is_some()
                || request.answered.is_some_and(|(_, code)| code < 300);
            if request.setup.link.is_some() || !begun {
                continue;
            }
            let waiting = Waiting {
                session,
                setup: open.setup,
                client,
                server,
                since: request.setup.stamp.unwrap_or(request.asked),
            };
            let until = request.answered.map(|(stamp, _)| stamp);
            request.setup.link = self.links.in_time_order(&waiting, until);
        }
    }

    /// Carries out what a dialogue asked for.
    fn apply(&mut self, id: SessionId) {
        let Some(dialogue) = self.dialogues.get(&id) else { return };
        let (client, server) = (dialogue.story.session.client.ip, dialogue.story.session.server.ip);
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Announce { setup, method, address, stamp } => {
                    let promise = Promise {
                        session: id,
                        setup,
                        method,
                        address,
                        client,
                        server,
                        stamp,
                        kept: None,
                    };
                    self.claims.extend(self.links.announce(promise));
                }
                Effect::Withdraw { setup } => self.links.withdraw(id, setup),
                Effect::Abandon { data } => self.abandoned.push(data),
                Effect::StopWaiting { transfer } => self.links.stop_waiting(transfer),
                Effect::Wait { transfer, waiting } => self.links.wait(transfer, waiting),
                Effect::Settled if self.touched.last() != Some(&id) => self.touched.push(id),
                Effect::Settled => {}
            }
        }
        self.apply_claims();
    }

    fn apply_claims(&mut self) {
        for claim in self.claims.drain(..) {
            if let Some(dialogue) = self.dialogues.get_mut(&claim.session) {
                let linked = dialogue.story.link(claim.setup, claim.link);
                if let Some(transfer) = linked.transfer {
                    self.links.stop_waiting(transfer);
                }
                self.abandoned.extend(linked.replaced);
                if self.touched.last() != Some(&claim.session) {
                    self.touched.push(claim.session);
                }
                if linked.is_found {
                    continue;
                }
            }
            // Withdrawn in the same breath.
            self.links.unclaim(claim.link.data, claim.session);
        }
    }
}

/// Whether no more is to be expected of the connections that were made for a setup.
fn is_over(links: &Links, setup: &Setup) -> bool {
    let made = setup.link.iter().chain(setup.rival.as_deref());
    made.into_iter().all(|link| links.is_over(link.data))
}

/// A transfer about which nothing more will be said.
#[derive(Clone, Debug)]
pub struct Settled {
    pub session: SessionId,
    pub request: Request,
    pub around: Circumstances,
}

/// What else of its session bears on the outcome of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    pub client: Host,
    /// The control connection was open when this was settled: at the end of the capture, the
    /// transfer may have gone on.
    pub control_open: bool,
    /// Nothing the server said was captured.
    pub server_unheard: bool,
}

/// What leaves when a session is over.
#[derive(Debug)]
pub enum Outcome {
    Request(Box<Settled>),
    Session(Box<Session>),
}

impl ControlLink {
    /// What a control connection shows so far; its server sends in direction `server`.
    pub fn of(conn: &Conn, server: Dir) -> Self {
        Self {
            link: conn.link.clone(),
            from_client: conn.facts(server.reversed()),
            from_server: conn.facts(server),
            client_is_originator: server == Dir::FromResponder,
        }
    }
}
