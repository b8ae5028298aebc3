//! What a sender in good order does not do.

use super::conn::Dir;
use crate::time::Stamp;

/// Something a sender in good order does not do, and the frames that show it. Each has honest
/// causes beside an attack; which it was is not for the facts to say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Anomaly {
    pub kind: AnomalyKind,
    /// Whose segment it was.
    pub dir: Dir,
    /// The frame that shows it.
    pub stamp: Stamp,
    /// The frame it disagrees with.
    pub other: Option<Stamp>,
    /// The octets concerned, as an offset of the direction.
    pub offset: Option<u64>,
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AnomalyKind {
    /// A copy of octets that differs from the one captured first.
    Conflict,
    /// A wrong checksum from a sender whose checksums are right: the receiver did not take it, and
    /// it is not read.
    WrongChecksum,
    /// The same, but read: that its sender sums up was seen only later. What was read of its
    /// direction is in doubt.
    WrongChecksumRead,
    /// Fewer hops left than the receiver is away: it did not arrive, and is not read.
    TtlTooSmall,
    /// Octets without an acknowledgement, which no receiver takes (RFC 9293 §3.10.7.4). Not read.
    NoAck,
    /// Octets of no window: of another connection, or behind a hole of more than 1 GiB. Not read.
    OutOfWindow,
    /// A reset of no window. Not believed (RFC 5961 §3).
    ResetOutOfWindow,
    /// A reset after which the connection went on.
    ResetIgnored,
    /// A FIN beyond which octets of its sender followed, or were acknowledged.
    FinIgnored,
    /// A SYN with a new number in the middle of a connection that went on (RFC 5961 §4).
    SynIgnored,
}

/// The anomalies of one connection: the first of them, and how many more.
#[derive(Clone, Debug, Default)]
pub struct Anomalies {
    pub listed: Vec<Anomaly>,
    pub unlisted: u64,
}

impl Anomalies {
    pub(super) fn note(&mut self, anomaly: Anomaly, most: usize) {
        // A conflict with a segment that is sent again and again is one.
        let is_same = |known: &Anomaly| {
            known.kind == anomaly.kind && known.dir == anomaly.dir && known.stamp == anomaly.stamp
        };
        if let Some(last) = self.listed.last_mut()
            && is_same(last)
        {
            last.bytes += anomaly.bytes;
        } else if self.listed.len() < most {
            self.listed.push(anomaly);
        } else {
            self.unlisted += 1;
        }
    }

    /// Those of both directions, in the order of their frames.
    pub(super) fn merged(both: [Self; 2]) -> Self {
        let unlisted = both.iter().map(|one| one.unlisted).sum();
        let mut listed = both.map(|one| one.listed).concat();
        listed.sort_by_key(|anomaly| anomaly.stamp.place);
        Self { listed, unlisted }
    }

    pub fn of(&self, kind: AnomalyKind, dir: Dir) -> impl Iterator<Item = &Anomaly> {
        self.listed.iter().filter(move |anomaly| anomaly.kind == kind && anomaly.dir == dir)
    }
}
