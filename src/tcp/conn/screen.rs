//! What can be told of a segment before its octets are looked at: whether it can have been taken
//! by its receiver, and whether it is a second copy of one and the same packet.

use super::{AnomalyKind, facts};
use crate::decode::{Checksum, Flags, Segment};
use crate::time::Stamp;

/// What is known of the packets of one direction.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// The longest payload under a right checksum. Only the segments of a sender that sums up, not
    /// of one that leaves it to its network card after the capture, can be called wrong.
    summed: Option<u32>,
    /// Whether any checksum was right.
    is_summed: bool,
    /// The first segment whose octets were read though its checksum was wrong, because nothing had
    /// shown by then that its sender sums up.
    wrong: Option<Stamp>,
    /// The most hops left.
    ttl: u8,
    /// Of the last packets, oldest overwritten first. The first packet's stands apart: most of the
    /// connections of a flood have no other.
    first: Option<Print>,
    prints: Vec<Print>,
    next: usize,
}

/// What came of a segment, as far as its headers tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Taken,
    /// Its checksum is wrong, which may be the capture's doing.
    Doubtful,
    NotTaken(AnomalyKind),
}

/// Tells a packet from every other of its connection, but not from a second copy of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Print {
    seq: u32,
    ack: u32,
    /// Where the TCP timestamp usually stands: a retransmission has a later one (RFC 7323 §3).
    option: u32,
    ident: u16,
    window: u16,
    wire_len: u32,
    /// Since the connection's first packet; a wrapped or unknown time is as good as any.
    milliseconds: u32,
}

/// Packets of one direction looked back on. Copies come at once, or after what a second
/// interface's queue held.
const PRINTS: usize = 32;

/// A copy of a packet is captured within this time. A retransmission after so short a time, of the
/// same IP identification and the same TCP timestamp, does not exist: the least timeout in use is
/// 200 ms (Linux).
const COPY_MS: u32 = 200;

/// Hops that a host is away at most, as far as is believed: paths are rarely longer, and who forges
/// a packet with any other number of hops left must not make all honest ones expire.
const FARTHEST: u8 = 32;

/// The payload of a full Ethernet frame. Longer segments may have been put together by the
/// receiving card, which leaves one of their checksums standing.
const ORDINARY: u32 = 1460;

impl Screen {
    /// Whether the receiver, `hops` away, can have taken this segment.
    pub(super) fn judge(&mut self, segment: &Segment<'_>, hops: u8) -> Verdict {
        let flags = segment.flags;
        if !segment.payload.is_empty()
            && ![Flags::SYN, Flags::RST, Flags::ACK].into_iter().any(|flag| flags.has(flag))
        {
            return Verdict::NotTaken(AnomalyKind::NoAck);
        }
        let checksum = segment.checksum();
        self.is_summed |= checksum == Checksum::Right;
        match checksum {
            Checksum::Right if !segment.payload.is_empty() || segment.flags.has(Flags::SYN) => {
                self.summed = self.summed.max(Some(segment.wire_len));
            }
            Checksum::Wrong
                if self.summed.is_some_and(|most| segment.wire_len <= most.max(ORDINARY)) =>
            {
                return Verdict::NotTaken(AnomalyKind::WrongChecksum);
            }
            Checksum::Wrong if !segment.payload.is_empty() => {
                self.wrong.get_or_insert(segment.stamp);
            }
            _ => {}
        }
        if segment.ttl < self.ttl && segment.ttl < hops.min(FARTHEST) {
            return Verdict::NotTaken(AnomalyKind::TtlTooSmall);
        }
        self.ttl = self.ttl.max(segment.ttl);
        if checksum == Checksum::Wrong { Verdict::Doubtful } else { Verdict::Taken }
    }

    /// The most hops that packets had left; 0 if there were none.
    pub(super) fn ttl(&self) -> u8 {
        self.ttl
    }

    /// The first segment that should not have been read, as is known only afterwards.
    pub(super) fn regretted(&self) -> Option<Stamp> {
        self.wrong.filter(|_| self.is_summed)
    }

    /// How many hops the sender of this direction is away; 0 if nothing was seen of it.
    pub(super) fn hops(&self) -> u8 {
        facts::hops(self.ttl).unwrap_or(0)
    }

    pub(super) fn print(segment: &Segment<'_>, age_ns: Option<i64>) -> Print {
        // Two octets of padding, kind and length stand before the timestamp (RFC 7323 §A).
        let option = segment.header.get(24..).and_then(<[u8]>::first_chunk::<4>);
        // The checksum is not looked at: a card may finish it between two points of capture.
        Print {
            seq: segment.seq.0,
            ack: segment.ack.0,
            option: option.map_or(0, |octets| u32::from_be_bytes(*octets)),
            ident: segment.ident.unwrap_or(0),
            window: segment.window,
            wire_len: segment.wire_len,
            milliseconds: (age_ns.unwrap_or(0) / 1_000_000) as u32,
        }
    }

    /// Whether the packet is a second copy of one that was captured shortly before.
    pub(super) fn is_copy(&self, print: Print) -> bool {
        self.first.iter().chain(&self.prints).any(|known| {
            let milliseconds = known.milliseconds;
            print.milliseconds.abs_diff(milliseconds) < COPY_MS
                && Print { milliseconds, ..print } == *known
        })
    }

    pub(super) fn note(&mut self, print: Print) {
        if self.first.is_none() {
            self.first = Some(print);
            return;
        }
        match self.prints.get_mut(self.next) {
            Some(oldest) => *oldest = print,
            None => self.prints.push(print),
        }
        self.next = (self.next + 1) % PRINTS;
    }
}
