//! What a connection amounted to, apart from its bytes.

use super::Dir;
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
    /// SYN-ACK seen, and nothing after it.
    Half,
    Complete,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Close {
    /// Still open when the capture ended.
    Open,
    /// Both directions ended with FIN; the first was sent by `by`.
    Fin {
        by: Dir,
    },
    /// One direction ended with FIN, the other never did.
    HalfFin {
        by: Dir,
    },
    Reset {
        by: Dir,
    },
    /// Silent until the table gave it up.
    Timeout,
}

/// What one direction amounted to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DirFacts {
    /// Octets captured, each once.
    pub bytes: u64,
    /// Octets known to have been sent and not captured.
    pub missing_bytes: u64,
    /// Segments that repeated octets already seen.
    pub retransmissions: u64,
    /// Second copies of a packet: a span port of both directions, two interfaces in one file.
    pub duplicates: u64,
    /// Segments the receiver did not take: a wrong checksum, too few hops left, no acknowledgement.
    pub rejected: u64,
    /// Segments with octets marked urgent. Most systems take the last one out of the stream
    /// (RFC 6093 §3); what the program there got is then one octet less.
    pub urgent: u64,
    /// Segments with octets that belong to no window: of another connection, forged, or behind a
    /// hole of more than 1 GiB. They are not read.
    pub out_of_window: u64,
    /// Nanoseconds during which this end had no room for more (a window of 0), by the capture's
    /// clock.
    pub zero_window_ns: u64,
    /// Whether the first octet sent is known to be offset 0.
    pub from_start: bool,
}

impl Link {
    /// Whether the connection came up, as far as the capture shows.
    pub fn is_established(&self) -> bool {
        matches!(self.handshake, Handshake::Complete | Handshake::NotCaptured | Handshake::Half)
    }
}
