//! A session as rules look at it: its setups with what became of each, its refusals, where it was
//! captured.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::finding::{LONGEST_TEXT, cut};
use super::secret::{self, Secrets};
use super::{Analysis, Policy, Vantage};
use crate::decode::{Endpoint, IcmpError};
use crate::ftp::{Announced, Verbs};
use crate::session::{Exchange, Method, Received, Session, SessionId};
use crate::tcp::Handshake;
use crate::time::Stamp;
use crate::transfer::{Attempt, DataConnection, Orphan, Transfer};

/// A session, and what is needed of the rest to judge it.
pub struct Case<'a> {
    pub analysis: &'a Analysis,
    pub policy: &'a Policy,
    pub session: &'a Session,
    /// In the order of their commands.
    pub transfers: Vec<&'a Transfer>,
    /// In the order in which they were asked for.
    pub openings: Vec<Opening<'a>>,
    /// Connections that nobody could hear being asked for, and that it probably asked for.
    pub orphans: Vec<&'a Orphan>,
    /// Connections that were made for it and led to no transfer.
    pub attempts: Vec<&'a Attempt>,
    /// Exchanges with a final 4yz or 5yz.
    pub refusals: Vec<&'a Exchange>,
    /// What its lines look like at a glance.
    pub looks: Looks,
    pub vantage: Vantage,
    /// Parts of it were not captured, so what is not there may have been.
    pub is_clouded: bool,
    pub learned: Learned,
}

/// What rules ask of a session again and again, each found out when it is first asked for: a
/// session may have many setups, and one in which nothing failed is asked nothing.
#[derive(Default)]
pub struct Learned {
    commands: OnceCell<Vec<Stamp>>,
    secrets: OnceCell<Secrets>,
    /// When the last setup was asked for whose data connection worked.
    pub last_worked: OnceCell<Option<Stamp>>,
    pub is_data_elsewhere: OnceCell<bool>,
    /// When those PASVs were asked for whose data connections worked; `None` if one by EPSV did.
    pub worked_by_pasv: OnceCell<Option<Vec<Stamp>>>,
    /// When a data connection by PASV worked in another session of the two hosts.
    pub pasv_elsewhere: OnceCell<Option<Stamp>>,
}

/// What all lines of a session have in common, found in one look: a rule about lines need not read
/// them where it has nothing to say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looks {
    /// Of the commands.
    pub verbs: Verbs,
    /// Bytes of the longest command.
    pub longest: usize,
    /// 0xFF bytes of the command that had most of them.
    pub iacs: u32,
    /// Some command holds a byte that is no printable ASCII.
    pub has_odd_command: bool,
    /// So does some reply.
    pub has_odd_reply: bool,
}

impl Looks {
    fn of(session: &Session) -> Self {
        // All of it at once: processors look at many bytes in one step.
        let is_odd = |line: &[u8]| {
            line.iter().fold(false, |odd, byte| odd | !matches!(byte, b' '..=b'~' | b'\n'))
        };
        let mut looks = Self::default();
        for exchange in &session.exchanges {
            if let Some(sent) = &exchange.sent {
                let line = sent.command.line();
                looks.verbs.insert(sent.command.verb);
                looks.longest = looks.longest.max(line.len());
                looks.iacs = looks.iacs.max(sent.iacs);
                looks.has_odd_command |= is_odd(line);
            }
            looks.has_odd_reply |=
                exchange.replies.iter().any(|received| is_odd(&received.reply.text));
        }
        looks
    }
}

/// What was done to get a data connection: a PORT or PASV, or nothing, and what came of it.
pub struct Opening<'a> {
    /// `None` where a transfer was asked for without a setup.
    pub exchange: Option<&'a Exchange>,
    pub method: Method,
    /// As it was said.
    pub announced: Option<Announced>,
    /// When that was said.
    said: Option<Stamp>,
    /// Where it was to be dialled.
    pub at: Option<Endpoint>,
    /// When it was asked for.
    pub asked: Stamp,
    /// The transfer it was used for.
    pub transfer: Option<&'a Transfer>,
    /// What asked for that.
    pub used_by: Option<&'a Exchange>,
    /// Connections that led to no transfer, before the transfer's own.
    attempts: Vec<&'a DataConnection>,
}

/// What became of the dialling for a setup: the best of the attempts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fate {
    NotDialled,
    Unanswered,
    Unreachable,
    Refused,
    CameUp,
}

/// What stands beside the sessions, by the sessions it belongs to.
#[derive(Default)]
pub(super) struct Beside<'a> {
    attempts: HashMap<SessionId, Vec<&'a Attempt>>,
    orphans: HashMap<SessionId, Vec<&'a Orphan>>,
}

impl<'a> Beside<'a> {
    pub(super) fn new(analysis: &'a Analysis) -> Self {
        let mut beside = Self::default();
        for attempt in &analysis.attempts {
            for session in &attempt.sessions {
                beside.attempts.entry(*session).or_default().push(attempt);
            }
        }
        for orphan in &analysis.orphans {
            if let Some(inferred) = &orphan.inferred {
                beside.orphans.entry(inferred.session).or_default().push(orphan);
            }
        }
        beside
    }
}

impl<'a> Case<'a> {
    pub(super) fn new(
        analysis: &'a Analysis,
        policy: &'a Policy,
        session: &'a Session,
        beside: &Beside<'a>,
    ) -> Self {
        let transfers: Vec<_> = analysis.transfers_of(session).collect();
        let mut openings = openings(session, &transfers);
        if let Some(attempts) = beside.attempts.get(&session.id) {
            give_attempts(&mut openings, attempts);
        }
        let refused = |exchange: &&Exchange| {
            exchange.final_reply().is_some_and(|last| last.reply.is_refusal())
        };
        let (client, server) = (&session.tcp.from_client, &session.tcp.from_server);
        let is_clouded = client.missing_bytes + server.missing_bytes > 0
            || client.is_unseen_beside(server)
            || server.is_unseen_beside(client);
        Self {
            analysis,
            policy,
            session,
            looks: Looks::of(session),
            refusals: session.exchanges.iter().filter(refused).collect(),
            vantage: Vantage::of(session),
            transfers,
            openings,
            orphans: beside.orphans.get(&session.id).cloned().unwrap_or_default(),
            attempts: beside.attempts.get(&session.id).cloned().unwrap_or_default(),
            is_clouded,
            learned: Learned::default(),
        }
    }

    /// Who sent a command, as far as it is known.
    pub fn user_of(&self, exchange: &Exchange) -> Option<&'a [u8]> {
        let login = &self.session.login;
        if login.earlier.is_empty() {
            return login.user.as_deref();
        }
        let transfer = exchange.transfer.and_then(|id| self.analysis.transfer(id))?;
        transfer.request.user.as_deref()
    }

    /// When commands were sent, each later than all before it.
    pub fn commands(&self) -> &[Stamp] {
        self.learned.commands.get_or_init(|| {
            let sent = self.session.exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
            ascending(sent.map(|sent| sent.stamp))
        })
    }

    /// Setups of this method that announced an address.
    pub fn announced(&self, method: Method) -> impl Iterator<Item = (&Opening<'a>, Announced)> {
        let of_method = self.openings.iter().filter(move |opening| opening.method == method);
        of_method.filter_map(|opening| Some((opening, opening.announced?)))
    }

    /// What a reply says, its first line, without secrets: `425 Cannot open data connection.`
    pub fn quote(&self, exchange: &Exchange, received: &Received) -> String {
        let echo = secret::echo_of(exchange);
        let line = self.secrets().hide(received.reply.first_line(), echo.as_deref());
        let text = self.text(&line);
        let text = text.trim();
        let space = if text.is_empty() { "" } else { " " };
        format!("{}{space}{text}", received.reply.code)
    }

    /// What a command says, without secrets: `RETR report.pdf`.
    pub fn spell(&self, exchange: &Exchange) -> String {
        let Some(sent) = &exchange.sent else { return String::new() };
        let name = self.text(&sent.command.name());
        match secret::secret_of(sent) {
            Some(_) => format!("{name} ***"),
            None if sent.command.arg().is_empty() => name,
            None => format!("{name} {}", self.text(sent.command.arg())),
        }
    }

    /// `RETR report.pdf`, of a transfer whose command may not have been kept.
    pub fn name(&self, transfer: &Transfer) -> String {
        let command = transfer.request.command;
        match &transfer.request.name {
            Some(name) => format!("{command} {}", self.text(name)),
            None => command.to_owned(),
        }
    }

    fn secrets(&self) -> &Secrets {
        self.learned.secrets.get_or_init(|| Secrets::of(self.session))
    }

    /// Bytes of the wire as text without secrets, the beginning of it where it is long.
    pub fn text(&self, raw: &[u8]) -> String {
        let raw = self.secrets().hide(raw, None);
        match std::str::from_utf8(&raw) {
            Ok(text) => cut(text, LONGEST_TEXT).into_owned(),
            Err(_) => {
                let charset = self.analysis.charset(self.session.id);
                cut(&charset.decode(&raw).0, LONGEST_TEXT).into_owned()
            }
        }
    }
}

/// Those that are later than all before them: sorted, and of what is asked for by time the first
/// that comes after it is the same.
pub(super) fn ascending(stamps: impl Iterator<Item = Stamp>) -> Vec<Stamp> {
    let mut sorted: Vec<Stamp> = Vec::new();
    for stamp in stamps {
        if sorted.last().is_none_or(|last| last.is_before(stamp)) {
            sorted.push(stamp);
        }
    }
    sorted
}

/// The first of sorted stamps that is after this one.
pub(super) fn first_after(sorted: &[Stamp], stamp: Stamp) -> Option<Stamp> {
    sorted.get(sorted.partition_point(|known| !stamp.is_before(*known))).copied()
}

/// The last of sorted stamps that is before this one.
pub(super) fn last_before(sorted: &[Stamp], stamp: Stamp) -> Option<Stamp> {
    let before = sorted.partition_point(|known| known.is_before(stamp));
    before.checked_sub(1).and_then(|last| sorted.get(last)).copied()
}

impl<'a> Opening<'a> {
    /// Every connection that was tried for it, the last one last.
    pub fn dials(&self) -> impl Iterator<Item = &'a DataConnection> {
        let own = self.transfer.and_then(|transfer| transfer.data.as_ref());
        self.attempts.iter().copied().chain(own)
    }

    pub fn fate(&self) -> Fate {
        let best = self.dials().map(|dial| match dial.link.handshake {
            Handshake::Unanswered => Fate::Unanswered,
            Handshake::Unreachable => Fate::Unreachable,
            Handshake::Refused => Fate::Refused,
            Handshake::Half | Handshake::Complete | Handshake::NotCaptured => Fate::CameUp,
        });
        best.max().unwrap_or(Fate::NotDialled)
    }

    /// SYNs of all that was tried.
    pub fn syns(&self) -> u64 {
        self.dials().map(|dial| u64::from(dial.link.syns)).sum()
    }

    /// From the first SYN to the last, in nanoseconds.
    pub fn tried_for(&self) -> i64 {
        let tries = || self.dials().flat_map(|dial| dial.link.tries());
        let ends = tries().next().zip(tries().last());
        ends.and_then(|(first, last)| last.at.nanos_since(first.at)).unwrap_or(0)
    }

    /// The reply that announced it, or refused to.
    pub fn reply(&self) -> Option<&'a Received> {
        self.exchange.and_then(Exchange::final_reply)
    }

    /// The final reply to what it was used for.
    pub fn outcome(&self) -> Option<&'a Received> {
        self.used_by.and_then(Exchange::final_reply)
    }

    /// The frames that show what became of it: what announced it, the SYNs and their answers, and
    /// the final reply of what it was used for.
    pub fn frames(&self) -> Vec<Stamp> {
        let mut frames = vec![self.asked];
        frames.extend(self.reply().map(|reply| reply.stamp));
        for dial in self.dials() {
            frames.extend(dial.link.tries());
            frames.extend(dial.link.answered);
        }
        frames.extend(self.transfer.map(|transfer| transfer.request.asked));
        frames.extend(self.outcome().map(|reply| reply.stamp));
        frames
    }

    /// ICMP errors about what was tried.
    pub fn icmp(&self) -> impl Iterator<Item = &'a IcmpError> {
        self.dials().flat_map(|dial| dial.link.icmp())
    }
}

/// The setups of a session, each with the transfer that used it.
fn openings<'a>(session: &'a Session, transfers: &[&'a Transfer]) -> Vec<Opening<'a>> {
    let mut openings: Vec<Opening<'a>> = Vec::new();
    let mut left = transfers.iter().copied().peekable();
    for exchange in &session.exchanges {
        if let Some((asked, method)) = setup_of(exchange) {
            let (said, announced) = exchange.announced().unzip();
            let at = announced.map(|announced| {
                let own = if method == Method::Active { session.client } else { session.server };
                let ip = announced.ip.map_or(own.ip, |addr| crate::decode::Host { addr, ..own.ip });
                Endpoint { ip, port: announced.port }
            });
            openings.push(Opening {
                exchange: Some(exchange),
                method,
                announced,
                said,
                at,
                asked,
                transfer: None,
                used_by: None,
                attempts: Vec::new(),
            });
        }
        let Some(id) = exchange.transfer else { continue };
        while left.next_if(|transfer| transfer.request.id < id).is_some() {}
        let Some(transfer) = left.next_if(|transfer| transfer.request.id == id) else { continue };
        let setup = &transfer.request.setup;
        // The last one, but for commands sent ahead of replies.
        let known = openings.iter_mut().rev().take(LOOKED_BACK).find(|opening| {
            opening.said.zip(setup.stamp).is_some_and(|(said, setup)| said.place == setup.place)
        });
        match known {
            Some(opening) if opening.transfer.is_none() => {
                (opening.transfer, opening.used_by) = (Some(transfer), Some(exchange));
            }
            // A PORT stays in force until another (RFC 959 §3.2).
            Some(Opening { exchange: set_up, method, announced, said, at, asked, .. }) => {
                let again = Opening {
                    exchange: *set_up,
                    method: *method,
                    announced: *announced,
                    said: *said,
                    at: *at,
                    asked: *asked,
                    transfer: Some(transfer),
                    used_by: Some(exchange),
                    attempts: Vec::new(),
                };
                openings.push(again);
            }
            None => openings.push(Opening {
                exchange: None,
                method: setup.method,
                announced: None,
                said: None,
                at: setup.announced,
                asked: transfer.request.asked,
                transfer: Some(transfer),
                used_by: Some(exchange),
                attempts: Vec::new(),
            }),
        }
    }
    openings
}

/// Setups looked at for the one a transfer used.
const LOOKED_BACK: usize = 16;

fn setup_of(exchange: &Exchange) -> Option<(Stamp, Method)> {
    use crate::ftp::Verb;
    let sent = exchange.sent.as_ref()?;
    let method = match sent.command.verb {
        Verb::Port | Verb::Eprt | Verb::Lprt => Method::Active,
        Verb::Epsv if sent.command.arg().eq_ignore_ascii_case(b"ALL") => return None,
        Verb::Pasv | Verb::Epsv | Verb::Lpsv => Method::Passive,
        _ => return None,
    };
    Some((sent.stamp, method))
}

/// Each attempt belongs to the last setup before it that announced where it went.
fn give_attempts<'a>(openings: &mut [Opening<'a>], attempts: &[&'a Attempt]) {
    let mut by_port: HashMap<u16, Vec<usize>> = HashMap::new();
    for (place, opening) in openings.iter().enumerate() {
        if let Some(at) = opening.at {
            by_port.entry(at.port).or_default().push(place);
        }
    }
    for attempt in attempts {
        let connection = &attempt.connection;
        let Some(places) = by_port.get(&connection.responder.port) else { continue };
        let before = places.partition_point(|place| {
            openings
                .get(*place)
                .is_some_and(|opening| opening.asked.is_before(connection.link.first))
        });
        let place =
            before.checked_sub(1).and_then(|last| places.get(last)).or_else(|| places.first());
        if let Some(opening) = place.and_then(|place| openings.get_mut(*place)) {
            opening.attempts.push(connection);
        }
    }
}
