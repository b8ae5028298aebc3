//! What can be told of a segment before its octets are looked at: whether it can have been taken
//! by its receiver, and whether it is a second copy of one and the same packet.

use std::sync::LazyLock;

use ahash::RandomState;

use super::AnomalyKind;
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
    /// Of the last packets, oldest overwritten first.
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
    hash: u32,
    /// Since the connection's first packet; a wrapped or unknown time is as good as any.
    milliseconds: u32,
}

/// Packets of one direction looked back on. Copies come at once, or after what a second
/// interface's queue held.
const PRINTS: usize = 64;

/// A copy of a packet is captured within this time. A retransmission after so short a time, of the
/// same IP identification and the same TCP timestamp, does not exist: the least timeout in use is
/// 200 ms (Linux).
const COPY_MS: u32 = 200;

/// The payload of a full Ethernet frame. Longer segments may have been put together by the
/// receiving card, which leaves one of their checksums standing.
const ORDINARY: u32 = 1460;

/// Keyed at random, so that nobody can prepare two packets of one print.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Screen {
    /// Whether the receiver, `hops` away, can have taken this segment.
    pub(super) fn judge(&mut self, segment: &Segment<'_>, hops: u8) -> Verdict {
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
        if segment.ttl < self.ttl && segment.ttl < hops {
            return Verdict::NotTaken(AnomalyKind::TtlTooSmall);
        }
        self.ttl = self.ttl.max(segment.ttl);
        if checksum == Checksum::Wrong { Verdict::Doubtful } else { Verdict::Taken }
    }

    /// The first segment that should not have been read, as is known only afterwards.
    pub(super) fn regretted(&self) -> Option<Stamp> {
        self.wrong.filter(|_| self.is_summed)
    }

    /// How many hops the sender of this direction is away: what is missing to the next number
    /// that systems start with.
    pub(super) fn hops(&self) -> u8 {
        match self.ttl {
            0 => 0,
            ttl @ 1..=64 => 64 - ttl,
            ttl @ 65..=128 => 128 - ttl,
            ttl => 255 - ttl,
        }
    }

    pub(super) fn print(segment: &Segment<'_>, age_ns: Option<i64>) -> Print {
        // Without the checksum, which a card may finish between two points of capture.
        let (head, rest) = segment.header.split_at(segment.header.len().min(16));
        let parts = (head, rest.get(2..), segment.ident, segment.wire_len);
        let milliseconds = age_ns.unwrap_or(0) / 1_000_000;
        // Truncation: both are only compared for equality or nearness.
        Print { hash: KEY.hash_one(parts) as u32, milliseconds: milliseconds as u32 }
    }

    /// Whether the packet is a second copy of one that was captured shortly before.
    pub(super) fn is_copy(&self, print: Print) -> bool {
        self.prints.iter().any(|known| {
            known.hash == print.hash && print.milliseconds.abs_diff(known.milliseconds) < COPY_MS
        })
    }

    pub(super) fn note(&mut self, print: Print) {
        match self.prints.get_mut(self.next) {
            Some(oldest) => *oldest = print,
            None => self.prints.push(print),
        }
        self.next = (self.next + 1) % PRINTS;
    }
}
