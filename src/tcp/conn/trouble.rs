//! What went wrong on a connection, apart from what the capture missed: SYNs sent again, ICMP
//! errors, loss that stopped the flow. Most connections have none of it.

use super::side::Side;
use super::{Conn, Dir, Handshake, Link};
use crate::decode::{IcmpError, IcmpKind};
use crate::time::{Stamp, Timestamp};

/// What went wrong on a connection.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// SYNs of the originator after the first.
    pub retries: Vec<Stamp>,
    /// The first errors about its packets.
    pub icmp: Vec<IcmpError>,
    pub from_originator: Loss,
    pub from_responder: Loss,
}

/// What loss did to one direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Loss {
    /// Times the flow stopped for a second or longer until something lost was there.
    pub stalls: u32,
    pub longest: Option<Stall>,
    /// A segment sent over and over and never acknowledged.
    pub stuck: Option<Stuck>,
}

/// A time without progress.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stall {
    pub nanos: u64,
    /// When it went on.
    pub until: Stamp,
}

/// A segment that its receiver never acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stuck {
    /// Octets of payload.
    pub len: u32,
    /// Times it was sent again.
    pub times: u32,
    pub last: Stamp,
    /// The most payload of a segment that was acknowledged.
    pub largest_acked: u32,
    offset: u64,
}

/// How a direction flows.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// When it last went on, and where it was then.
    moved_at: Option<Timestamp>,
    next: u64,
    missing: u64,
    /// Something was sent again, or came early, since.
    is_disturbed: bool,
    largest_acked: u32,
    loss: Loss,
}

/// Retries and errors kept of a connection. Systems send a SYN five to ten times.
const KEPT: usize = 16;

/// Nanoseconds without progress from which on it is a stall: shorter ones are a first
/// retransmission timeout, which RFC 6298 §2.4 sets to no less than a second.
const STALL_NS: u64 = 1_000_000_000;

impl Conn {
    /// An ICMP error says what became of a packet of this connection.
    pub fn note_icmp(&mut self, error: IcmpError) {
        let is_unreachable = matches!(error.kind, IcmpKind::Unreachable { .. });
        if is_unreachable && self.link.handshake == Handshake::Unanswered {
            self.link.handshake = Handshake::Unreachable;
            self.link.answered = Some(error.stamp);
        }
        let icmp = &mut self.link.trouble.get_or_insert_default().icmp;
        if icmp.len() < KEPT {
            icmp.push(error);
        }
    }

    pub(super) fn note_retry(&mut self, stamp: Stamp) {
        let retries = &mut self.link.trouble.get_or_insert_default().retries;
        if retries.len() < KEPT {
            retries.push(stamp);
        }
    }

    /// Writes down what loss did, once no more segments will come.
    pub(super) fn note_loss(&mut self) {
        let losses = [&self.from_originator, &self.from_responder].map(|side| side.flow.loss);
        if losses.iter().any(|loss| *loss != Loss::default()) {
            let trouble = self.link.trouble.get_or_insert_default();
            [trouble.from_originator, trouble.from_responder] = losses;
        }
    }
}

impl Link {
    /// What loss did to a direction.
    pub fn loss(&self, dir: Dir) -> Loss {
        let trouble = self.trouble.as_deref();
        trouble.map_or_else(Loss::default, |trouble| match dir {
            Dir::FromOriginator => trouble.from_originator,
            Dir::FromResponder => trouble.from_responder,
        })
    }

    /// ICMP errors about its packets.
    pub fn icmp(&self) -> &[IcmpError] {
        self.trouble.as_deref().map_or(&[], |trouble| &trouble.icmp)
    }

    /// SYNs of the originator, as far as they are kept.
    pub fn tries(&self) -> impl Iterator<Item = Stamp> {
        let retries = self.trouble.as_deref().map_or(&[][..], |trouble| &trouble.retries);
        let first = (self.syns > 0).then_some(self.first);
        first.into_iter().chain(retries.iter().copied())
    }
}

impl Side {
    /// Follows how the direction flows: a segment with octets was taken. `again` if they were known
    /// already and it is no second copy of a packet; `len` octets from `offset` on.
    pub(super) fn note_flow(&mut self, stamp: Stamp, again: Option<u64>, len: u32) {
        let next = self.assembler.next();
        let (is_early, flow) = (!self.assembler.is_drained(), &mut self.flow);
        let has_moved = next != flow.next;
        if !has_moved && again.is_none() && !is_early {
            return;
        }
        if has_moved {
            // What the capture missed was not waited for by its receiver.
            if flow.is_disturbed && flow.missing == self.facts.missing_bytes {
                flow.end_stall(stamp);
            }
            (flow.moved_at, flow.next) = (Some(stamp.at), next);
            flow.is_disturbed = is_early;
        }
        flow.missing = self.facts.missing_bytes;
        flow.is_disturbed |= is_early;
        let Some(offset) = again else { return };
        flow.is_disturbed = true;
        let largest_acked = flow.largest_acked;
        match &mut flow.loss.stuck {
            Some(stuck) if stuck.offset == offset => {
                stuck.times += 1;
                stuck.last = stamp;
            }
            // The first in line is the one that matters; later ones are sent with it.
            Some(stuck) if stuck.offset < offset => {}
            other => {
                *other = Some(Stuck { len, times: 1, last: stamp, largest_acked, offset });
            }
        }
    }

    /// The other end acknowledged octets up to `upto`.
    pub(super) fn note_flow_acked(&mut self, upto: u64, stamp: Stamp) {
        let flow = &mut self.flow;
        if flow.loss.stuck.is_some_and(|stuck| stuck.offset < upto) {
            flow.loss.stuck = None;
        }
        if upto >= self.assembler.end() {
            flow.largest_acked = self.facts.largest_segment;
            // A hole that its receiver does not have is the capture's.
            if flow.is_disturbed && self.assembler.is_drained() {
                flow.end_stall(stamp);
            }
            flow.is_disturbed = false;
        }
    }
}

impl Flow {
    fn end_stall(&mut self, stamp: Stamp) {
        let nanos = self.moved_at.and_then(|since| stamp.at.nanos_since(since));
        let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0);
        if nanos < STALL_NS {
            return;
        }
        self.moved_at = Some(stamp.at);
        self.loss.stalls += 1;
        if self.loss.longest.is_none_or(|longest| longest.nanos < nanos) {
            self.loss.longest = Some(Stall { nanos, until: stamp });
        }
    }
}
