//! Data connections that a client has a server open to somebody else (RFC 2577 §3).

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::super::super::setups::FIRST_FREE_PORT;
use super::super::super::{Check, Found, Kind, Rule};
use super::super::busiest;
use super::are_one_pool;
use crate::analysis::case::{Beside, Case, Fate, Opening};
use crate::analysis::finding::{Certainty, Draft, Grade, Severity, counted, counted_were, spoken};
use crate::analysis::policy::{is_private, is_unusable};
use crate::analysis::{Analysis, Policy};
use crate::decode::{Endpoint, Host};
use crate::ftp::Verb;
use crate::session::{Exchange, Method, Session};
use crate::time::Stamp;
use crate::transfer::{Direction, Transfer};

pub(super) const ATTEMPT: Rule = Rule {
    id: "bounce-attempt",
    kind: Kind::Security { attack: &["T1090", "T1046"] },
    help: "A client told a server to connect to a third host, or to itself.",
    meaning: "A server that does it connects in the client's place to what the client itself may not \
              be able to reach: it hides who asks, scans ports, and sends what it is told to services \
              behind firewalls (CVE-1999-0017, RFC 2577 §3).",
    evidence: "A PORT, EPRT or LPRT that names another address than the client's and is no inside \
               address of it, no PASV of another server, and no server that the client talks to. At a \
               port below 1024 less of this excuses it.",
    false_positives: "Copies between two servers of which the other half was not captured; clients \
                      with several addresses; an outside address that was set in the client and has \
                      changed since.",
    fix: "Find out who the client is and what listens at the third host. Let the server accept \
          no other address than the client's in PORT, and no port below 1024 (vsftpd \
          port_promiscuous=NO, ProFTPD AllowForeignAddress off, pyftpdlib \
          permit_foreign_addresses=False).",
    check: Check::Capture(attempt),
};

fn attempt(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    each(analysis, policy, |case, opening, at| found.add(case, told(case, opening, at)));
}

fn told(case: &Case<'_>, opening: &Opening<'_>, at: Endpoint) -> Draft {
    let (client, server) = (case.session.client.ip, case.session.server.ip);
    let command = opening.exchange.map(|exchange| case.spell(exchange)).unwrap_or_default();
    let reply = opening.exchange.zip(opening.reply());
    let reply = reply.map(|(exchange, reply)| case.quote(exchange, reply));
    let answer = match &reply {
        Some(reply) => format!("The server answered \"{reply}\"."),
        None => "No answer is in the capture.".to_owned(),
    };
    let grade = grade_of(opening);
    let certainty = match (opening.fate(), is_private(at.ip.addr)) {
        (Fate::CameUp, false) => Certainty::High,
        _ => Certainty::Medium,
    };
    let is_itself = is_itself(server, at.ip);
    let whom = if is_itself { "the server itself" } else { "another host" };
    let title = match is_itself {
        true => format!("{client} told the server {server} to connect to itself, at {at}."),
        false => format!("{client} told the server {server} to connect to {at}."),
    };
    let draft = Draft::new(Severity::Error, certainty, title)
        .transfer(opening.transfer.map(|transfer| transfer.request.id))
        .frames(opening.frames())
        .explained(format!(
            "The control connection comes from {client}; {command} names {at}, {whom}. {answer}{}",
            dialled(opening)
        ))
        .with("announced", at.to_string())
        .with("reply", reply.unwrap_or_default());
    graded(draft, grade, is_refused(opening))
}

/// Whether a server that connects there connects to itself.
fn is_itself(server: Host, at: Host) -> bool {
    let at = at.addr.to_canonical();
    at == server.addr.to_canonical() || at.is_loopback() || at.is_unspecified()
}

fn graded(draft: Draft, grade: Grade, is_refused: bool) -> Draft {
    match grade {
        Grade::Effect => draft.had_effect(),
        Grade::Accepted => draft.accepted(),
        Grade::Attempted if is_refused => draft.refused(),
        Grade::Attempted => draft.attempted(),
    }
}

/// A connection that was made is more than the server's word that it will.
fn grade_of(opening: &Opening<'_>) -> Grade {
    let is_accepted = opening.reply().is_some_and(|received| received.reply.is_success());
    match (opening.fate(), is_accepted) {
        (Fate::CameUp, _) => Grade::Effect,
        (_, true) => Grade::Accepted,
        (_, false) => Grade::Attempted,
    }
}

fn is_refused(opening: &Opening<'_>) -> bool {
    opening.reply().is_some_and(|received| received.reply.is_refusal())
}

fn dialled(opening: &Opening<'_>) -> String {
    let Some(dial) = opening.dials().last() else {
        return " No connection of the server to it is in the capture.".to_owned();
    };
    let bytes = dial.from_originator.bytes + dial.from_responder.bytes;
    let from = dial.originator;
    match opening.fate() {
        Fate::CameUp => format!(
            " A connection was then made there, from {from}, and {} moved.",
            counted_were(bytes, "byte")
        ),
        Fate::Refused => format!(" A connection was then tried there, from {from}, and refused."),
        _ => format!(" A connection was then tried there, from {from}, in vain."),
    }
}

pub(super) const SCAN: Rule = Rule {
    id: "bounce-scan",
    kind: Kind::Security { attack: &["T1046", "T1090"] },
    help: "A client had a server try many ports of other hosts.",
    meaning: "The answers to the transfers, 226 or 425, tell the client which ports are open, and the \
              scanned hosts see the server (nmap -b, RFC 2577 §3).",
    evidence: "Within 60 s PORT or EPRT with five or more different addresses or ports of third hosts, \
               each with a transfer asked for after it, or with a port below 1024.",
    false_positives: "Many copies between two servers of which the other half was not captured.",
    fix: "Find out who the client is, and look at the scanned hosts for what followed. Let the server \
          accept no other address than the client's in PORT.",
    check: Check::Capture(scan),
};

/// A third host's port that a server was told to connect to.
struct Probe<'a> {
    session: &'a Session,
    at: Endpoint,
    asked: Stamp,
    outcome: Option<Stamp>,
    grade: Grade,
    is_refused: bool,
}

fn scan(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let mut by_pair: BTreeMap<(Host, Host), Vec<Probe<'_>>> = BTreeMap::new();
    each(analysis, policy, |case, opening, at| {
        // A PORT that nothing uses opens no connection.
        let is_used = opening.used_by.is_some() || at.port < FIRST_FREE_PORT;
        if is_used && opening.asked.at.is_known() {
            let session = case.session;
            by_pair.entry((session.client.ip, session.server.ip)).or_default().push(Probe {
                session,
                at,
                asked: opening.asked,
                outcome: opening
                    .outcome()
                    .or_else(|| opening.reply())
                    .map(|received| received.stamp),
                grade: grade_of(opening),
                is_refused: is_refused(opening),
            });
        }
    });
    for ((client, server), mut probes) in by_pair {
        probes.sort_by_key(|probe| (probe.asked.at, probe.asked.place));
        let burst = busiest(&probes, WINDOW_NS, |probe| probe.asked.at);
        let targets: HashSet<Endpoint> = burst.iter().map(|probe| probe.at).collect();
        if targets.len() >= LEAST {
            told_of_scan(client, server, burst, targets.len(), found);
        }
    }
}

/// Different ports from which on it is a scan, and nanoseconds in which they are tried.
const LEAST: usize = 5;
const WINDOW_NS: i64 = 60_000_000_000;

fn told_of_scan(
    client: Host,
    server: Host,
    burst: &[Probe<'_>],
    targets: usize,
    found: &mut Found,
) {
    let (Some(first), Some(last)) = (burst.first(), burst.last()) else { return };
    let hosts: HashSet<Host> = burst.iter().map(|probe| probe.at.ip).collect();
    let others = hosts.iter().filter(|at| !is_itself(server, **at)).count();
    let whose = match (others, others == hosts.len()) {
        (0, _) => "its own".to_owned(),
        (_, true) => counted(others as u64, "other host"),
        (_, false) => format!("{} and its own", counted(others as u64, "other host")),
    };
    let is = |wanted| burst.iter().filter(|probe| probe.grade == wanted).count();
    let (connected, accepted) = (is(Grade::Effect), is(Grade::Accepted));
    let grade = burst.iter().map(|probe| probe.grade).max().unwrap_or(Grade::Attempted);
    let is_refused = burst.iter().all(|probe| probe.is_refused);
    let took = last.asked.at.nanos_since(first.asked.at).unwrap_or(0);
    let title = format!(
        "{client} told the server {server} to connect to {targets} ports of {whose} in {}.",
        spoken(took)
    );
    let mut sessions: Vec<&Session> = burst.iter().map(|probe| probe.session).collect();
    sessions.dedup_by_key(|session| session.id);
    let draft = Draft::new(Severity::Error, Certainty::High, title)
        .frames(burst.iter().map(|probe| probe.asked))
        .frames(burst.iter().filter_map(|probe| probe.outcome).take(SHOWN))
        .explained(format!(
            "{} of them named {targets} different addresses that are not the client's, from {} \
             to {}. Connections were made to {connected} of them; of the others the server \
             accepted the command for {accepted}. What it answers to each tells the client whether \
             the port is open.",
            counted(burst.len() as u64, "setup"),
            first.at,
            last.at,
        ))
        .with("targets", targets)
        .with("connected", connected)
        .cause(format!("{client} {server}"))
        .counting(burst.len() as u64);
    found.add_over(&sessions, graded(draft, grade, is_refused));
}

/// Frames of answers that are shown.
const SHOWN: usize = 8;

/// What else in the capture makes the address of a third host innocent.
struct Elsewhere {
    /// Where servers said that they listen.
    listening: HashSet<(IpAddr, u16)>,
    /// Clients, each with a server it talks to.
    talks: HashSet<(Host, Host)>,
}

impl Elsewhere {
    fn new(analysis: &Analysis) -> Self {
        let sessions = analysis.sessions.iter();
        let said = sessions.clone().filter(|session| !session.tcp.is_empty());
        let listening = sessions.flat_map(|session| {
            let passive = session.exchanges.iter().filter(|it| !is_port(it));
            passive.filter_map(|exchange| {
                let (_, announced) = exchange.announced()?;
                Some((announced.ip.unwrap_or(session.server.ip.addr), announced.port))
            })
        });
        Self {
            listening: listening.collect(),
            talks: said.map(|session| (session.client.ip, session.server.ip)).collect(),
        }
    }

    /// Whether the client makes the other server listen there, or may do so where that cannot be
    /// read.
    fn explains(&self, client: Host, at: Endpoint) -> bool {
        self.listening.contains(&(at.ip.addr, at.port))
            || at.port >= FIRST_FREE_PORT && self.talks.contains(&(client, at.ip))
    }
}

/// Every setup that names a third host.
fn each<'a>(
    analysis: &'a Analysis,
    policy: &'a Policy,
    mut tell: impl FnMut(&Case<'a>, &Opening<'a>, Endpoint),
) {
    let names_another = |session: &&Session| {
        let of_port = session.exchanges.iter().filter(|exchange| is_port(exchange));
        let mut said = of_port.filter_map(|exchange| exchange.announced()?.1.ip);
        said.any(|said| said != session.client.ip.addr)
    };
    let mut suspects = analysis.sessions.iter().filter(names_another).peekable();
    if suspects.peek().is_none() {
        return;
    }
    let (beside, elsewhere) = (Beside::new(analysis), Elsewhere::new(analysis));
    for session in suspects {
        let case = Case::new(analysis, policy, session, &beside);
        for opening in &case.openings {
            if let Some(at) = third(&case, opening, &elsewhere) {
                tell(&case, opening, at);
            }
        }
    }
}

fn is_port(exchange: &Exchange) -> bool {
    let sent = exchange.sent.as_ref();
    sent.is_some_and(|sent| matches!(sent.command.verb, Verb::Port | Verb::Eprt | Verb::Lprt))
}

/// The third host's port that a setup names, if nothing innocent explains it.
fn third(case: &Case<'_>, opening: &Opening<'_>, elsewhere: &Elsewhere) -> Option<Endpoint> {
    let at = opening.at.filter(|_| opening.method == Method::Active)?;
    opening.announced?.ip?;
    let (client, server) = (case.session.client.ip, case.session.server.ip);
    let own = std::iter::once(client).chain(case.session.legs.iter().map(|leg| leg.client.ip));
    let said = at.ip.addr.to_canonical();
    // A client that knows its address badly still listens at no port of a service.
    let is_slip = is_unusable(said) || said.is_ipv4() != client.addr.to_canonical().is_ipv4();
    let is_innocent = own.map(|own| own.addr.to_canonical()).any(|own| own == said)
        || is_slip && may_be_data(at.port)
        || case.policy.is_allowed(server.addr, said)
        || opening.transfer.is_some_and(|transfer| is_copy(transfer, at))
        || may_be_translated(case, opening, said)
        || elsewhere.explains(client, at);
    (!is_innocent).then_some(at)
}

/// Whether this is no port of a service, so that a client may have meant it for its data.
fn may_be_data(port: u16) -> bool {
    port == 0 || port >= FIRST_FREE_PORT
}

/// A file that went to a third host, and not to the port of a service, is told as a copy.
fn is_copy(transfer: &Transfer, at: Endpoint) -> bool {
    transfer.site_to_site.is_some()
        || transfer.direction == Direction::SiteToSite && at.port >= FIRST_FREE_PORT
}

/// Whether the address may be the client's own, before or behind a box that translates addresses.
fn may_be_translated(case: &Case<'_>, opening: &Opening<'_>, said: IpAddr) -> bool {
    let (client, server) = (case.session.client.ip.addr, case.session.server.ip.addr);
    let is_inside = |ip: IpAddr| is_private(ip) || case.policy.is_home(ip);
    let is_up = opening.fate() == Fate::CameUp;
    let port = opening.at.map_or(0, |at| at.port);
    if are_one_pool(said, client) {
        return true;
    }
    if !may_be_data(port) {
        return false;
    }
    match (is_inside(client), is_inside(said)) {
        (false, true) => !is_up,
        // Networks joined by translation have other private addresses.
        (true, true) => !is_up && !is_near(said, client) && !is_near(said, server),
        // A client that is told its outside address says that. The server sees it there: it would
        // not refuse it, and it is not seen to be dialled here, on the inside.
        (true, false) => {
            let is_dialled = opening.dials().any(|dial| dial.responder.ip.addr == said);
            !is_dialled && !is_refused(opening) && !is_inside(server) && port >= FIRST_FREE_PORT
        }
        (false, false) => false,
    }
}

/// Whether two private addresses are of one network, as large as those are: /16, /48.
fn is_near(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.to_bits() >> 16 == other.to_bits() >> 16,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 80 == other.to_bits() >> 80,
        _ => false,
    }
}
