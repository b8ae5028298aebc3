//! What a connection amounted to, apart from its bytes.

use super::{Dir, Trouble};
use crate::tcp::anomaly::Anomalies;
use crate::time::{Stamp, Timestamp};

/// How the connection fared, apart from its bytes.
#[derive(Clone, Debug)]
pub struct Link {
    pub first: Stamp,
    pub last: Stamp,
    pub handshake: Handshake,
    pub close: Close,
    /// Whether a SYN told who opened it.
    pub opener_known: bool,
    /// SYN to the acknowledgement of the SYN-ACK, in nanoseconds, as the capture saw it.
    pub rtt_ns: Option<i64>,
    /// SYNs of the originator, retries included.
    pub syns: u32,
    /// Of the last of them.
    pub(super) syn_at: Timestamp,
    /// What answered the SYN: a SYN-ACK, a reset or an ICMP error.
    pub answered: Option<Stamp>,
    /// The first FIN, or the reset that came before any.
    pub ended: Option<Stamp>,
    /// Who sent that.
    pub ended_by: Option<Dir>,
    /// `None` if all went well.
    pub trouble: Option<Box<Trouble>>,
    /// Of both directions, in the order of their frames; there once the connection is over.
    pub anomalies: Anomalies,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Handshake {
    /// The capture starts later.
    NotCaptured,
    /// SYN without an answer.
    Unanswered,
    /// The SYN was answered by a reset.
    Refused,
    /// The SYN was answered by an ICMP error that says it cannot get there.
    Unreachable,
    /// SYN-ACK seen, and nothing after it.
    Half,
    Complete,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Close {
    /// Still open when the capture ended.
    Open,
    /// Both directions ended with FIN; the first was sent by `by`.
    Fin { by: Dir },
    /// One direction ended with FIN, the other never did.
    HalfFin { by: Dir },
    /// By a segment that names `by` as its sender, which a box on the way can write as well.
    Reset {
        by: Dir,
        /// Who had ended its direction with FIN before, first of both.
        after_fin: Option<Dir>,
    },
    /// Silent until the table gave it up.
    Timeout,
}

/// How many hops away a sender is whose packets have so many left: what is missing to the next
/// number that systems start with. `None` if none were seen.
pub(super) fn hops(ttl: u8) -> Option<u8> {
    match ttl {
        0 => None,
        1..=64 => Some(64 - ttl),
        65..=128 => Some(128 - ttl),
        _ => Some(255 - ttl),
    }
}

/// What one direction amounted to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DirFacts {
    /// Octets captured, each once.
    pub bytes: u64,
    /// Octets known to have been sent and not captured.
    pub missing_bytes: u64,
    /// Segments that repeated octets already seen.
    pub retransmissions: u32,
    /// Second copies of a packet: a span port of both directions, two interfaces in one file.
    pub duplicates: u32,
    /// Segments the receiver did not take: a wrong checksum, too few hops left, no acknowledgement.
    pub rejected: u32,
    /// Segments with octets marked urgent. Most systems take the last one out of the stream
    /// (RFC 6093 §3); what the program there got is then one octet less.
    pub urgent: u32,
    /// Segments with octets that belong to no window: of another connection, forged, or behind a
    /// hole of more than 1 GiB. They are not read.
    pub out_of_window: u32,
    /// Nanoseconds during which this end had no room for more (a window of 0), by the capture's
    /// clock; of the last time as far as it went on saying so.
    pub zero_window_ns: u64,
    /// The last window it offered was 0.
    pub is_full: bool,
    /// Whether the first octet sent is known to be offset 0.
    pub from_start: bool,
    /// The most hops that packets had left where they were captured; 0 if none were.
    pub ttl: u8,
    /// What its SYN says: the largest segment it takes (RFC 9293 §3.7.1), and by how many bits its
    /// windows are shifted if both ends say so (RFC 7323 §2).
    pub mss: Option<u16>,
    pub window_scale: Option<u8>,
    /// The largest window offered after the SYN, not scaled.
    pub window_most: u16,
    /// The most payload of a segment it sent.
    pub largest_segment: u32,
}

impl DirFacts {
    /// How many hops its sender is away from the place of capture.
    pub fn hops(&self) -> Option<u8> {
        hops(self.ttl)
    }

    /// Whether no packet of it was captured though there were some: the `other` end sent octets,
    /// and that takes a handshake of both.
    pub fn is_unseen_beside(&self, other: &Self) -> bool {
        self.ttl == 0 && other.bytes > 0
    }
}

impl Link {
    /// From the SYN to its answer, by the clock of the capture: the round trip to the responder and
    /// back, as seen from where the capture was taken.
    pub fn answer_ns(&self) -> Option<i64> {
        self.answered?.at.nanos_since(self.syn_at)
    }

    /// Whether the connection came up, as far as the capture shows.
    pub fn is_established(&self) -> bool {
        matches!(self.handshake, Handshake::Complete | Handshake::NotCaptured | Handshake::Half)
    }
}
