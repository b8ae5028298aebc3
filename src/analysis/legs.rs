//! One session out of two that are the same dialogue, captured at two places.

use std::collections::{BTreeMap, VecDeque};

use super::Collector;
use crate::ftp::Verb;
use crate::session::{Exchange, Leg, Session, SessionId, TransferId, Twin};
use crate::transfer::{Outcome, Transfer};

/// Holds the results of sessions that were captured twice, until they can be told as one.
///
/// Nothing is lost: where the two differ in what was asked for or moved, they are told as two.
#[derive(Default)]
pub struct Legs {
    /// By the session captured first.
    pairs: BTreeMap<SessionId, Pair>,
}

#[derive(Default)]
struct Pair {
    /// Of the first and of the second, in the order they became final.
    transfers: [VecDeque<Transfer>; 2],
    sessions: [Option<Session>; 2],
    /// Transfers that only the second saw.
    adopted: Vec<TransferId>,
    /// They turned out to be two.
    is_split: bool,
}

/// Transfers of one session that wait for their counterparts. Those of both places become final
/// within milliseconds; what waits longer has none.
const WAITING: usize = 256;

impl Legs {
    /// Takes a transfer of a session that was captured twice.
    pub fn transfer(&mut self, twin: Twin, transfer: Transfer, out: &mut dyn Collector) {
        let (first, side) = place(twin, transfer.session);
        let pair = self.pairs.entry(first).or_default();
        if pair.is_split {
            return out.transfer(transfer);
        }
        let waiting = &mut pair.transfers[1 - side];
        let Some(at) = waiting.iter().position(|other| is_same_request(other, &transfer)) else {
            pair.transfers[side].push_back(transfer);
            if pair.transfers[side].len() > WAITING {
                pair.let_go(side, first, out);
            }
            return;
        };
        let Some(other) = waiting.remove(at) else { return };
        if is_other_content(&other, &transfer) {
            out.transfer(other);
            out.transfer(transfer);
            return pair.split(out);
        }
        let both = if side == 0 { (transfer, other) } else { (other, transfer) };
        out.transfer(merge(both.0, both.1));
    }

    /// Takes a session that was captured twice; true once both were handed over.
    pub fn session(&mut self, twin: Twin, session: Session, out: &mut dyn Collector) -> bool {
        let (first, side) = place(twin, session.id);
        let pair = self.pairs.entry(first).or_default();
        pair.sessions[side] = Some(session);
        let [Some(one), Some(other)] = &pair.sessions else { return false };
        pair.is_split |= !is_same_dialogue(one, other);
        let leg = Leg::of(other, twin.how);
        for side in [0, 1] {
            while !pair.transfers[side].is_empty() {
                pair.let_go(side, first, out);
            }
        }
        if let Some(mut pair) = self.pairs.remove(&first) {
            if !pair.is_split {
                pair.sessions[1] = None;
                if let Some(session) = &mut pair.sessions[0] {
                    session.legs.push(leg);
                    session.transfers.append(&mut pair.adopted);
                    session.transfers.sort_unstable();
                }
            }
            pair.sessions.into_iter().flatten().for_each(|session| out.session(session));
        }
        true
    }

    /// The capture is over.
    pub fn finish(self, out: &mut dyn Collector) {
        for mut pair in self.pairs.into_values() {
            pair.split(out);
            pair.sessions.into_iter().flatten().for_each(|session| out.session(session));
        }
    }
}

impl Pair {
    fn split(&mut self, out: &mut dyn Collector) {
        self.is_split = true;
        self.transfers.iter_mut().flat_map(std::mem::take).for_each(|left| out.transfer(left));
    }

    /// The transfer that waited longest has no counterpart: it is `first`'s, whoever saw it.
    fn let_go(&mut self, side: usize, first: SessionId, out: &mut dyn Collector) {
        let Some(mut transfer) = self.transfers[side].pop_front() else { return };
        if !self.is_split && transfer.session != first {
            transfer.session = first;
            self.adopted.push(transfer.request.id);
        }
        out.transfer(transfer);
    }
}

/// The session captured first, and which of the two this one is.
fn place(twin: Twin, own: SessionId) -> (SessionId, usize) {
    if twin.is_first { (own, 0) } else { (twin.other, 1) }
}

fn is_same_request(one: &Transfer, other: &Transfer) -> bool {
    let (one, other) = (&one.request, &other.request);
    let apart = one.asked.at.nanos_since(other.asked.at);
    one.verb == other.verb
        && one.name == other.name
        && one.rest_offset == other.rest_offset
        && apart.is_none_or(|apart| apart.abs() < APART_NS)
}

/// Nanoseconds between the same command at two places at most.
const APART_NS: i64 = 1_000_000_000;

/// Whether both are whole and not the same.
fn is_other_content(one: &Transfer, other: &Transfer) -> bool {
    let whole = |transfer: &Transfer| {
        let content = transfer.content.as_ref().filter(|content| content.is_whole_stream());
        content.map(|content| content.hashes.digests().sha256)
    };
    whole(one).zip(whole(other)).is_some_and(|(one, other)| one != other)
}

/// The better of two captures of a transfer, told as the first session's.
fn merge(first: Transfer, second: Transfer) -> Transfer {
    let worth = |transfer: &Transfer| {
        let bytes = transfer.content.as_ref().map_or(0, |content| content.bytes);
        (rank(transfer.outcome), bytes)
    };
    if worth(&first) >= worth(&second) {
        return Transfer { other_leg: second.data.map(Box::new), ..first };
    }
    let (session, id) = (first.session, first.request.id);
    let mut second = Transfer { session, other_leg: first.data.map(Box::new), ..second };
    second.request.id = id;
    second
}

/// How much an outcome tells of what was moved.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Complete => 6,
        Outcome::Unconfirmed | Outcome::Encrypted => 5,
        Outcome::Aborted => 4,
        Outcome::Gaps => 3,
        Outcome::InProgress | Outcome::Refused => 2,
        Outcome::NoConnection => 1,
        Outcome::NotCaptured => 0,
    }
}

/// Whether nothing was asked for in the second that was not in the first, but for what the first
/// can have lost, and the answers agree. A box that rewrites addresses rewrites those that are
/// announced.
fn is_same_dialogue(one: &Session, other: &Session) -> bool {
    let (lost, lost_by_other) =
        (one.tcp.from_client.missing_bytes, other.tcp.from_client.missing_bytes);
    if !one.tcp.link.opener_known || !other.tcp.link.opener_known {
        return true;
    }
    if (lost, lost_by_other) == (0, 0) {
        let is_heard =
            [one, other].iter().all(|session| session.tcp.from_server.missing_bytes == 0);
        let code = |exchange: &Exchange| exchange.final_reply().map(|last| last.reply.code);
        let disagree = |(one, other): (u16, u16)| is_heard && one != other;
        let mut first = asked(one);
        return asked(other).all(|other| {
            first.next().is_some_and(|one| {
                key(one) == key(other) && !code(one).zip(code(other)).is_some_and(disagree)
            })
        });
    }
    let mut known = BTreeMap::<_, u64>::new();
    asked(one).for_each(|exchange| *known.entry(key(exchange)).or_default() += 1);
    let mut only = 0;
    for exchange in asked(other) {
        match known.get_mut(&key(exchange)).filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => only += octets(exchange),
        }
    }
    // Of a line that was lost in part, the rest is another line.
    let torn = asked(one).filter(|exchange| {
        exchange.sent.as_ref().is_some_and(|sent| sent.is_partial || sent.is_headless)
    });
    only <= lost + torn.map(octets).sum::<u64>()
}

/// Exchanges in which something was asked for.
fn asked(session: &Session) -> impl Iterator<Item = &Exchange> {
    session.exchanges.iter().filter(|exchange| exchange.sent.is_some())
}

/// What tells a command from another.
fn key(exchange: &Exchange) -> Option<(Vec<u8>, &[u8])> {
    let command = &exchange.sent.as_ref()?.command;
    let is_address = matches!(command.verb, Verb::Port | Verb::Eprt | Verb::Lprt);
    let arg = if is_address { &[][..] } else { command.arg() };
    Some((command.word().to_ascii_uppercase(), arg))
}

/// Octets of a command with its end.
fn octets(exchange: &Exchange) -> u64 {
    let command = exchange.sent.as_ref().map(|sent| &sent.command);
    command.map_or(0, |command| (command.line().len() + 2) as u64)
}
