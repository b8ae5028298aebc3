//! What happened between two hosts, step by step: what was said, what was dialled, what came of it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::LazyLock;

use super::case::{Beside, Case, Opening};
use super::{Analysis, ById, Finding, Policy, Vantage};
use crate::decode::{Endpoint, Host};
use crate::session::{Exchange, Received, Sent, Session, SessionId, TransferId};
use crate::tcp::{self, Close, Dir, Handshake};
use crate::time::{Place, Stamp};
use crate::transfer::{DataConnection, Transfer};

/// Tells the stories of findings.
pub struct Stories<'a> {
    analysis: &'a Analysis,
    beside: Beside<'a>,
    sessions: ById<'a>,
    /// Those told last, the newest last: a session may be long, and have many findings.
    told: RefCell<VecDeque<Rc<Told<'a>>>>,
}

/// Sessions kept ready to be told of.
const KEPT: usize = 16;

/// A session, ready to be told of.
struct Told<'a> {
    case: Case<'a>,
    /// Everything that happened in it, in the order of the capture.
    moments: Vec<Moment<'a>>,
    /// Places of the openings in the case.
    by_transfer: HashMap<TransferId, usize>,
    by_asked: HashMap<Place, Vec<usize>>,
}

/// Something that happened, whose words are made when they are wanted.
enum Moment<'a> {
    Sent(&'a Exchange, &'a Sent),
    Received(&'a Exchange, &'a Received),
    Done(Step),
}

/// The part of a session that a finding is about.
pub struct Story<'a> {
    pub session: &'a Session,
    pub vantage: Vantage,
    /// In the order of the capture.
    pub steps: Vec<Step>,
    /// The connections they are of: the control connection first.
    pub connections: Vec<(Endpoint, Endpoint)>,
    /// Servers of other sessions it is told with, and whether the files came from there.
    pub partners: Vec<(Host, bool)>,
}

/// Something one end did.
#[derive(Clone, Debug)]
pub struct Step {
    pub stamp: Stamp,
    /// The last frame, of what took several.
    pub until: Option<Stamp>,
    pub from: Party,
    pub to: Party,
    /// The port it was sent to.
    pub port: u16,
    pub what: What,
    /// The connection it was sent on.
    pub connection: (Endpoint, Endpoint),
}

/// Who did it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Party {
    Client,
    Server,
    Other(Host),
}

#[derive(Clone, Debug)]
pub enum What {
    /// A command or a reply, secrets masked.
    Said(String),
    /// A SYN, and whether anything answered it.
    Syn {
        again: bool,
        answered: bool,
    },
    SynAck,
    /// A reset that refuses a SYN, or one that ends a connection.
    Reset,
    /// An ICMP error about a SYN.
    Icmp(&'static str),
    /// Octets of content.
    Data(u64),
    Fin,
}

impl<'a> Stories<'a> {
    pub fn new(analysis: &'a Analysis) -> Self {
        let sessions = ById::new(&analysis.sessions);
        Self { analysis, beside: Beside::new(analysis), sessions, told: RefCell::default() }
    }

    /// The steps that show the occurrence that a finding tells of; `None` if it is of no session.
    pub fn of(&self, finding: &Finding) -> Option<Story<'a>> {
        let session = self.session(finding.session?)?;
        let told = self.told(session);
        let mut wanted: BTreeSet<Place> =
            finding.frames.iter().copied().map(|stamp| stamp.place).collect();
        let meant: BTreeSet<usize> = match finding.transfer {
            Some(transfer) => told.by_transfer.get(&transfer).copied().into_iter().collect(),
            None => {
                let asked = wanted.iter().filter_map(|place| told.by_asked.get(place));
                asked.flatten().copied().collect()
            }
        };
        let mut connections = vec![(session.client, session.server)];
        for opening in meant.iter().filter_map(|place| told.case.openings.get(*place)) {
            wanted.extend(opening.frames().into_iter().map(|stamp| stamp.place));
            for dial in opening.dials() {
                wanted.extend(
                    dial_steps(session, dial, opening.transfer).map(|step| step.stamp.place),
                );
                connections.push((dial.originator, dial.responder));
            }
        }
        let steps = steps(&told.case, wanted.iter().flat_map(|place| told.at(*place)));
        let (vantage, partners) = (told.case.vantage, Vec::new());
        Some(Story { session, vantage, steps, connections, partners })
    }

    /// Everything that happened in a session.
    pub fn whole(&self, id: SessionId) -> Option<Story<'a>> {
        let session = self.session(id)?;
        let told = self.told(session);
        let case = &told.case;
        let dials = case.openings.iter().flat_map(Opening::dials);
        let dials = dials.map(|dial| (dial.originator, dial.responder));
        let connections = [(session.client, session.server)].into_iter().chain(dials).collect();
        Some(Story {
            session,
            vantage: case.vantage,
            steps: steps(case, &told.moments),
            connections,
            partners: Vec::new(),
        })
    }

    /// Everything that happened in a session, and in those with the other servers that files were
    /// copied from or to.
    pub fn with_partners(&self, id: SessionId) -> Option<Story<'a>> {
        let mut story = self.whole(id)?;
        let copies = self.told(story.session).case.transfers.clone();
        let mut joined = Vec::new();
        for copy in copies.iter().filter_map(|transfer| transfer.site_to_site.as_deref()) {
            let is_source = copy.source.session != id;
            let site = if is_source { &copy.source } else { &copy.destination };
            if joined.len() < MOST_PARTNERS && !joined.contains(&site.session) {
                joined.push(site.session);
                story.join(self.whole(site.session)?, is_source);
            }
        }
        story.steps.sort_by_key(|step| step.stamp.place);
        Some(story)
    }

    fn session(&self, id: SessionId) -> Option<&'a Session> {
        self.sessions.get(id)
    }

    fn told(&self, session: &'a Session) -> Rc<Told<'a>> {
        let mut kept = self.told.borrow_mut();
        if let Some(known) = kept.iter().rev().find(|told| told.case.session.id == session.id) {
            return Rc::clone(known);
        }
        let told = Rc::new(Told::new(Case::new(self.analysis, &POLICY, session, &self.beside)));
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Rc::clone(&told));
        told
    }
}

impl<'a> Story<'a> {
    /// Takes what happened in a session with another server; what both were given once.
    fn join(&mut self, other: Self, is_source: bool) {
        let host = other.session.server.ip;
        let of = |party| match party {
            Party::Server => Party::Other(host),
            Party::Other(host) if host == self.session.server.ip => Party::Server,
            known => known,
        };
        let known: HashSet<_> = self.connections.iter().copied().collect();
        let new = other.steps.into_iter().filter(|step| !known.contains(&step.connection));
        self.steps.extend(new.map(|step| Step { from: of(step.from), to: of(step.to), ..step }));
        self.partners.push((host, is_source));
        self.connections.extend(other.connections);
    }
}

/// Other servers a session is told with.
const MOST_PARTNERS: usize = 2;

/// Nothing that is told depends on it.
static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);

impl<'a> Told<'a> {
    fn new(case: Case<'a>) -> Self {
        let mut by_transfer = HashMap::new();
        let mut by_asked: HashMap<Place, Vec<usize>> = HashMap::new();
        for (nth, opening) in case.openings.iter().enumerate() {
            by_transfer.extend(opening.transfer.map(|transfer| (transfer.request.id, nth)));
            by_asked.entry(opening.asked.place).or_default().push(nth);
        }
        Self { moments: moments(&case), by_transfer, by_asked, case }
    }

    /// What happened in this frame.
    fn at(&self, wanted: Place) -> &[Moment<'a>] {
        let first = self.moments.partition_point(|moment| moment.stamp().place < wanted);
        let end = self.moments.partition_point(|moment| moment.stamp().place <= wanted);
        self.moments.get(first..end).unwrap_or_default()
    }
}

/// Everything that happened in a session, in the order of the capture.
fn moments<'a>(case: &Case<'a>) -> Vec<Moment<'a>> {
    let session = case.session;
    let mut moments: Vec<_> = control_handshake(session).into_iter().map(Moment::Done).collect();
    for exchange in &session.exchanges {
        moments.extend(exchange.sent.as_ref().map(|sent| Moment::Sent(exchange, sent)));
        moments.extend(exchange.replies.iter().map(|reply| Moment::Received(exchange, reply)));
    }
    for opening in &case.openings {
        for dial in opening.dials() {
            moments.extend(dial_steps(session, dial, opening.transfer).map(Moment::Done));
        }
    }
    moments.sort_by_key(|moment| moment.stamp().place);
    moments
}

/// Moments of a session in words.
fn steps<'m, 'a: 'm>(
    case: &Case<'a>,
    moments: impl IntoIterator<Item = &'m Moment<'a>>,
) -> Vec<Step> {
    moments.into_iter().map(|moment| moment.step(case)).collect()
}

impl Moment<'_> {
    fn stamp(&self) -> Stamp {
        match self {
            Self::Sent(_, sent) => sent.stamp,
            Self::Received(_, received) => received.stamp,
            Self::Done(step) => step.stamp,
        }
    }

    fn step(&self, case: &Case<'_>) -> Step {
        let (client, server) = (case.session.client, case.session.server);
        let step = |stamp, [from, to]: [Party; 2], port, what| Step {
            what,
            ..Step::at(stamp, [from, to], port, (client, server))
        };
        match self {
            Self::Sent(exchange, sent) => {
                let what = What::Said(match sent.command.announced() {
                    Some(at) => {
                        let name = case.text(&sent.command.name());
                        format!("{name} {at}")
                    }
                    None => case.spell(exchange),
                });
                step(sent.stamp, [Party::Client, Party::Server], server.port, what)
            }
            Self::Received(exchange, received) => {
                let what = What::Said(match received.reply.announced() {
                    Some(at) => format!("{} {at}", received.reply.code),
                    None => case.quote(exchange, received),
                });
                step(received.stamp, [Party::Server, Party::Client], client.port, what)
            }
            Self::Done(step) => step.clone(),
        }
    }
}

/// Where the control connection was opened by the server's side, nothing is known of its SYNs.
fn control_handshake(session: &Session) -> Vec<Step> {
    match session.tcp.client_is_originator {
        true => handshake(session, [session.client, session.server], &session.tcp.link),
        false => Vec::new(),
    }
}

/// What happened on a data connection.
fn dial_steps<'a>(
    session: &'a Session,
    dial: &'a DataConnection,
    transfer: Option<&'a Transfer>,
) -> impl Iterator<Item = Step> + 'a {
    let party = |end: Endpoint| party(session, end.ip);
    let both = (dial.originator, dial.responder);
    let mut steps = handshake(session, [dial.originator, dial.responder], &dial.link);
    let own =
        transfer.filter(|transfer| transfer.data.as_ref().is_some_and(|data| data.id == dial.id));
    if let Some((content, dir)) =
        own.and_then(|own| Some((own.content.as_ref()?, own.content_dir()?)))
        && let (Some(first), Some(last)) = (content.first, content.last)
    {
        let (from, to) = ends(dial, dir);
        let step = Step::at(first, [from, to].map(party), to.port, both);
        steps.push(Step { what: What::Data(content.bytes), until: Some(last), ..step });
    }
    let by = match dial.link.close {
        Close::Fin { by } | Close::HalfFin { by } => Some((by, What::Fin)),
        Close::Reset { after_fin: Some(by), .. } => Some((by, What::Fin)),
        Close::Reset { by, .. } if dial.link.handshake != Handshake::Refused => {
            Some((by, What::Reset))
        }
        Close::Reset { .. } | Close::Open | Close::Timeout => None,
    };
    if let Some(((by, what), ended)) = by.zip(dial.link.ended) {
        let (from, to) = ends(dial, by);
        steps.push(Step { what, ..Step::at(ended, [from, to].map(party), to.port, both) });
    }
    steps.into_iter()
}

/// The SYNs of a connection and what answered them.
fn handshake(session: &Session, ends: [Endpoint; 2], link: &tcp::Link) -> Vec<Step> {
    let [from, to] = ends.map(|end| party(session, end.ip));
    let [originator, responder] = ends;
    let answered = link.answered.is_some();
    let tries = link.tries().enumerate();
    let mut steps: Vec<Step> = tries
        .map(|(nth, stamp)| {
            let what = What::Syn { again: nth > 0, answered };
            Step { what, ..Step::at(stamp, [from, to], responder.port, (originator, responder)) }
        })
        .collect();
    let Some(stamp) = link.answered else { return steps };
    let (what, by) = match link.handshake {
        Handshake::Refused => (What::Reset, to),
        Handshake::Unreachable => {
            let error = link.icmp().iter().find(|error| error.stamp == stamp);
            let name = error.map_or("unreachable", |error| error.kind.name());
            (What::Icmp(name), error.map_or(to, |error| party(session, error.from)))
        }
        _ => (What::SynAck, to),
    };
    let step = Step::at(stamp, [by, from], originator.port, (originator, responder));
    steps.push(Step { what, ..step });
    steps
}

fn ends(dial: &DataConnection, from: Dir) -> (Endpoint, Endpoint) {
    match from {
        Dir::FromOriginator => (dial.originator, dial.responder),
        Dir::FromResponder => (dial.responder, dial.originator),
    }
}

fn party(session: &Session, host: Host) -> Party {
    if host == session.client.ip {
        Party::Client
    } else if host == session.server.ip {
        Party::Server
    } else {
        Party::Other(host)
    }
}

impl Step {
    fn at(
        stamp: Stamp,
        [from, to]: [Party; 2],
        port: u16,
        connection: (Endpoint, Endpoint),
    ) -> Self {
        Self { stamp, until: None, from, to, port, what: What::Fin, connection }
    }
}
