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
        && apart.is_none_or(|apart| apart.abs() < APART_NS)
}

/// Nanoseconds between the same command at two places at most.
const APART_NS: i64 = 1_000_000_000;

/// Whether both are whole and not the same.
fn is_other_content(one: &Transfer, other: &Transfer) -> bool {
    let whole = |transfer: &Transfer| {
        let content = transfer.content.as_ref().filter(|content| content.is_whole_stream());
        content.map(|content| content.hashes.sha256.clone())
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
        return Transfer { other_leg: second.data, ..first };
    }
    let (session, id) = (first.session, first.request.id);
    let mut second = Transfer { session, other_leg: first.data, ..second };
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

/// Whether the same was asked for in both, as far as both were captured. A box that rewrites
/// addresses rewrites those that are announced.
fn is_same_dialogue(one: &Session, other: &Session) -> bool {
    let missing = [&one.tcp, &other.tcp]
        .map(|tcp| tcp.from_client.missing_bytes + u64::from(!tcp.link.opener_known));
    if missing != [0, 0] {
        return true;
    }
    let commands = |session: &Session| {
        let sent = |exchange: &Exchange| exchange.sent.as_ref().map(|sent| sent.command.clone());
        session.exchanges.iter().filter_map(sent).collect::<Vec<_>>()
    };
    let is_address = |verb| matches!(verb, Verb::Port | Verb::Eprt | Verb::Lprt);
    commands(one).iter().zip(&commands(other)).all(|(one, other)| {
        one.verb == other.verb && (is_address(one.verb) || one.arg == other.arg)
    })
}
