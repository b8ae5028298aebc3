//! What happened between two hosts, step by step: what was said, what was dialled, what came of it.

use std::collections::BTreeSet;

use super::case::{Beside, Case, Opening};
use super::{Analysis, Finding, Policy, Vantage};
use crate::decode::{Endpoint, Host};
use crate::ftp::Announced;
use crate::session::{Session, SessionId};
use crate::tcp::{self, Close, Dir, Handshake};
use crate::time::Stamp;
use crate::transfer::{DataConnection, Transfer};

/// Tells the stories of findings.
pub struct Stories<'a> {
    analysis: &'a Analysis,
    policy: Policy,
    beside: Beside<'a>,
}

/// The part of a session that a finding is about.
pub struct Story<'a> {
    pub session: &'a Session,
    pub vantage: Vantage,
    /// In the order of the capture.
    pub steps: Vec<Step>,
    /// The connections they are of: the control connection first.
    pub connections: Vec<(Endpoint, Endpoint)>,
}

/// Something one end did.
#[derive(Clone, Debug)]
pub struct Step {
    pub stamp: Stamp,
    /// The last frame, of what took several.
    pub until: Option<Stamp>,
    pub from: Party,
    /// The port it was sent to.
    pub port: u16,
    pub what: What,
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
    /// A SYN, and whether anything answered it; to a third host, if it went to one.
    Syn {
        again: bool,
        answered: bool,
        to: Option<Host>,
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
        Self { analysis, policy: Policy::default(), beside: Beside::new(analysis) }
    }

    /// The steps that show a finding's first occurrence; `None` if it is of no session.
    pub fn of(&self, finding: &Finding) -> Option<Story<'a>> {
        let session = self.session(finding.session?)?;
        let case = Case::new(self.analysis, &self.policy, session, &self.beside);
        let place = |stamp: Stamp| (stamp.input, stamp.frame);
        let mut wanted: BTreeSet<_> = finding.frames.iter().map(|stamp| place(*stamp)).collect();
        let mut connections = vec![(session.client, session.server)];
        for opening in &case.openings {
            let is_meant = match (finding.transfer, opening.transfer) {
                (Some(wanted), Some(transfer)) => transfer.request.id == wanted,
                _ => wanted.contains(&place(opening.asked)) && finding.transfer.is_none(),
            };
            if is_meant {
                wanted.extend(opening.frames().into_iter().map(place));
                for dial in opening.dials() {
                    wanted.extend(
                        dial_steps(session, dial, opening.transfer).map(|step| place(step.stamp)),
                    );
                    connections.push((dial.originator, dial.responder));
                }
            }
        }
        let steps = steps(&case);
        let is_wanted = |step: &Step| wanted.contains(&place(step.stamp));
        let steps: Vec<Step> = steps.into_iter().filter(is_wanted).collect();
        Some(Story { session, vantage: case.vantage, steps, connections })
    }

    /// Everything that happened in a session.
    pub fn whole(&self, id: SessionId) -> Option<Story<'a>> {
        let session = self.session(id)?;
        let case = Case::new(self.analysis, &self.policy, session, &self.beside);
        let dials = case.openings.iter().flat_map(Opening::dials);
        let dials = dials.map(|dial| (dial.originator, dial.responder));
        let connections = [(session.client, session.server)].into_iter().chain(dials).collect();
        Some(Story { session, vantage: case.vantage, steps: steps(&case), connections })
    }

    fn session(&self, id: SessionId) -> Option<&'a Session> {
        self.analysis.sessions.iter().find(|session| session.id == id)
    }
}

/// Everything that happened in a session, in the order of the capture.
fn steps(case: &Case<'_>) -> Vec<Step> {
    let session = case.session;
    let (client, server) = (session.client.port, session.server.port);
    let mut steps = control_handshake(session);
    for exchange in &session.exchanges {
        if let Some(sent) = &exchange.sent {
            let what = What::Said(match sent.command.announced() {
                Some(at) => {
                    let name = case.text(&sent.command.name());
                    format!("{name} {}", place_of(at))
                }
                None => case.spell(exchange),
            });
            steps.push(Step { what, ..Step::at(sent.stamp, Party::Client, server) });
        }
        for received in &exchange.replies {
            let what = What::Said(match received.reply.announced() {
                Some(at) => format!("{} {}", received.reply.code, place_of(at)),
                None => case.quote(exchange, received),
            });
            steps.push(Step { what, ..Step::at(received.stamp, Party::Server, client) });
        }
    }
    for opening in &case.openings {
        for dial in opening.dials() {
            steps.extend(dial_steps(session, dial, opening.transfer));
        }
    }
    steps.sort_by_key(|step| (step.stamp.input, step.stamp.frame));
    steps
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
    let mut steps = handshake(session, [dial.originator, dial.responder], &dial.link);
    let own =
        transfer.filter(|transfer| transfer.data.as_ref().is_some_and(|data| data.id == dial.id));
    if let Some((content, dir)) =
        own.and_then(|own| Some((own.content.as_ref()?, own.content_dir()?)))
        && let (Some(first), Some(last)) = (content.first, content.last)
    {
        let (from, to) = ends(dial, dir);
        let step = Step::at(first, party(from), to.port);
        steps.push(Step { what: What::Data(content.bytes), until: Some(last), ..step });
    }
    let by = match dial.link.close {
        Close::Fin { by } | Close::HalfFin { by } => Some((by, What::Fin)),
        Close::Reset { by } if dial.link.handshake != Handshake::Refused => Some((by, What::Reset)),
        Close::Reset { .. } | Close::Open | Close::Timeout => None,
    };
    if let Some(((by, what), ended)) = by.zip(dial.link.ended) {
        let (from, to) = ends(dial, by);
        steps.push(Step { what, ..Step::at(ended, party(from), to.port) });
    }
    steps.into_iter()
}

/// Where one side says it listens, readable.
fn place_of(announced: Announced) -> String {
    match announced.ip {
        Some(ip) => Endpoint { ip: ip.into(), port: announced.port }.to_string(),
        None => format!("port {}", announced.port),
    }
}

/// The SYNs of a connection and what answered them.
fn handshake(session: &Session, ends: [Endpoint; 2], link: &tcp::Link) -> Vec<Step> {
    let [from, to] = ends.map(|end| party(session, end.ip));
    let [originator, responder] = ends;
    let answered = link.answered.is_some();
    let third = match to {
        Party::Other(host) => Some(host),
        Party::Client | Party::Server => None,
    };
    let tries = link.tries().enumerate();
    let mut steps: Vec<Step> = tries
        .map(|(nth, stamp)| {
            let what = What::Syn { again: nth > 0, answered, to: third };
            Step { what, ..Step::at(stamp, from, responder.port) }
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
    steps.push(Step { what, ..Step::at(stamp, by, originator.port) });
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
    fn at(stamp: Stamp, from: Party, port: u16) -> Self {
        Self { stamp, until: None, from, port, what: What::Fin }
    }
}
