//! One TCP connection: two directions, how it opened, how it closed.

use super::assembler::{Assembler, Budget, Mark, StreamEvent};
use super::recent::Recent;
use crate::decode::{Endpoint, Flags, Segment, SeqNum};
use crate::time::{Stamp, Timestamp};

/// Which end sent. The originator is the one that sent the SYN; where no SYN was captured, the
/// sender of the first segment seen.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Dir {
    FromOriginator,
    FromResponder,
}

const DIRS: [Dir; 2] = [Dir::FromOriginator, Dir::FromResponder];

impl Dir {
    pub fn reversed(self) -> Self {
        match self {
            Self::FromOriginator => Self::FromResponder,
            Self::FromResponder => Self::FromOriginator,
        }
    }
}

/// What a connection tells its consumer. Between one segment and the next, events of both
/// directions come in the order in which the ends must have acted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConnEvent<'a> {
    /// In-order bytes; `offset` continues where the direction's last event ended.
    Data { dir: Dir, offset: u64, bytes: &'a [u8], mark: Mark },
    /// Octets the receiver had and the capture has not.
    Gap { dir: Dir, offset: u64, len: u64, mark: Mark },
    /// A second copy of octets that differs from the first.
    Conflict { dir: Dir, offset: u64, len: u64, mark: Mark },
    /// The direction ended in order: its FIN, and everything before it, was seen or given up.
    Fin { dir: Dir, stamp: Stamp },
    /// The connection was reset by the sender of `dir`.
    Reset { dir: Dir, stamp: Stamp },
}

/// One TCP connection.
///
/// [`handle`](Self::handle) every segment of it; [`finish`](Self::finish) once at its end.
/// Each direction holds a segment back until the bytes its sender had already received were
/// handed out, so a reply never comes before the command it answers, whatever order the capture
/// wrote them in.
#[derive(Debug)]
pub struct Conn {
    pub originator: Endpoint,
    pub responder: Endpoint,
    pub link: Link,
    from_originator: Side,
    from_responder: Side,
}

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
    syn_at: Timestamp,
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
    /// Segments with octets that belong to no window: of another connection, forged, or behind a
    /// hole of more than 1 GiB. They are not read.
    pub out_of_window: u64,
    /// Whether the first octet sent is known to be offset 0.
    pub from_start: bool,
}

#[derive(Debug)]
struct Side {
    assembler: Assembler,
    /// Sequence number of the octet at `assembler.next()`; `None` until the direction is seen
    /// or acknowledged.
    next_seq: Option<SeqNum>,
    /// Of the SYN, to tell a new connection on old addresses from a repeated SYN.
    isn: Option<SeqNum>,
    /// Whether a segment of its own was seen; acknowledgements alone may have started it.
    seen: bool,
    /// Highest offset the other end acknowledged beyond what was handed out.
    acked: Option<Acked>,
    waiting: Option<Waiting>,
    /// Offset of the FIN.
    fin: Option<(u64, Stamp)>,
    ended: bool,
    facts: DirFacts,
}

/// An acknowledgement, as an offset of the direction it acknowledges, and where it was seen.
#[derive(Clone, Copy, Debug)]
struct Acked {
    upto: u64,
    mark: Mark,
}

/// Something acknowledged is missing; so many more segments of the connection may bring it.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    acked: Acked,
    segments: u32,
}

/// Segments of one connection after which an acknowledged hole is final. Receive-side scaling,
/// per-interface queues and two taps in one file reorder a capture by less; what comes early
/// meanwhile is held within [`Budget`].
const PATIENCE: u32 = 256;

/// A sequence number further than this from the expected one belongs to no window: the largest
/// window is 1 GiB (RFC 7323 §2.3).
const WINDOW: i64 = 1 << 30;

/// A reset counts within this distance of the expected number, generous to captures that missed
/// packets, useless to one who guesses blindly.
const RESET_WINDOW: i64 = 16 << 20;

impl Conn {
    /// Starts with the first segment seen of a connection, which must then be handled too.
    pub fn new(segment: &Segment<'_>) -> Self {
        let syn_ack = segment.flags.has(Flags::SYN) && segment.flags.has(Flags::ACK);
        let (originator, responder) =
            if syn_ack { (segment.dst, segment.src) } else { (segment.src, segment.dst) };
        Self {
            originator,
            responder,
            link: Link {
                first: segment.stamp,
                last: segment.stamp,
                handshake: Handshake::NotCaptured,
                close: Close::Open,
                opener_known: segment.flags.has(Flags::SYN),
                rtt_ns: None,
                syns: 0,
                syn_at: Timestamp::UNKNOWN,
            },
            from_originator: Side::new(),
            from_responder: Side::new(),
        }
    }

    pub fn dir_of(&self, segment: &Segment<'_>) -> Dir {
        if segment.src == self.originator { Dir::FromOriginator } else { Dir::FromResponder }
    }

    pub fn facts(&self, dir: Dir) -> DirFacts {
        self.side(dir).facts
    }

    /// Whether both directions ended, or a reset ended them.
    pub fn is_closed(&self) -> bool {
        matches!(self.link.close, Close::Fin { .. } | Close::Reset { .. } | Close::Timeout)
    }

    /// Whether no byte was ever seen on it.
    pub fn is_empty(&self) -> bool {
        self.from_originator.facts.bytes + self.from_responder.facts.bytes == 0
    }

    /// Whether this SYN opens a new connection on the addresses of this one (RFC 9293 §3.6.1).
    pub fn is_replaced_by(&self, segment: &Segment<'_>) -> bool {
        let opens = segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK);
        let side = self.side(self.dir_of(segment));
        let repeated = match (side.isn, side.next_seq) {
            (Some(isn), _) => isn == segment.seq,
            // Its first data was captured before its SYN.
            (None, Some(next)) if !self.is_closed() => {
                let ahead = next.distance_from(segment.seq.plus(1));
                (0..WINDOW).contains(&ahead) && ahead.cast_unsigned() <= side.assembler.next()
            }
            (None, _) => !self.is_closed(),
        };
        opens && !repeated
    }

    /// Chooses how much of both streams is remembered; see [`Recent`].
    pub fn remember(&mut self, recent: impl Fn() -> Recent) {
        self.from_originator.assembler.remember(recent());
        self.from_responder.assembler.remember(recent());
    }

    /// Takes one segment of this connection.
    pub fn handle(
        &mut self,
        segment: &Segment<'_>,
        budget: &mut Budget,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) {
        let dir = self.dir_of(segment);
        self.link.last = segment.stamp;
        if matches!(self.link.close, Close::Reset { .. }) {
            return;
        }
        self.follow_handshake(segment, dir);
        let acked = self.note_ack(segment, dir);
        let mark = Mark { stamp: segment.stamp, acked };
        let ready = self.side(dir.reversed()).has_handed_out(acked);
        self.side_mut(dir).take(segment, dir, mark, ready, budget, out);
        self.settle(budget, out);
        if segment.flags.has(Flags::RST) {
            self.reset(segment, dir, budget, out);
        }
    }

    /// Hands out what is held, with the gaps that are left, and counts what was acknowledged and
    /// never captured. Call once, when no more segments will come.
    pub fn finish(&mut self, budget: &mut Budget, out: &mut dyn FnMut(ConnEvent<'_>)) {
        self.flush(budget, out);
        self.note_close();
    }

    fn side(&self, dir: Dir) -> &Side {
        match dir {
            Dir::FromOriginator => &self.from_originator,
            Dir::FromResponder => &self.from_responder,
        }
    }

    fn side_mut(&mut self, dir: Dir) -> &mut Side {
        match dir {
            Dir::FromOriginator => &mut self.from_originator,
            Dir::FromResponder => &mut self.from_responder,
        }
    }

    fn follow_handshake(&mut self, segment: &Segment<'_>, dir: Dir) {
        let (syn, ack) = (segment.flags.has(Flags::SYN), segment.flags.has(Flags::ACK));
        let link = &mut self.link;
        link.handshake = match (link.handshake, dir) {
            (Handshake::NotCaptured, Dir::FromOriginator) if syn && !ack => Handshake::Unanswered,
            (Handshake::NotCaptured | Handshake::Unanswered, Dir::FromResponder) if syn && ack => {
                Handshake::Half
            }
            (Handshake::Unanswered, Dir::FromResponder) if segment.flags.has(Flags::RST) => {
                Handshake::Refused
            }
            // The originator acknowledges only what it was sent, captured or not.
            (Handshake::Half | Handshake::Unanswered, Dir::FromOriginator)
                if ack && !syn && !segment.flags.has(Flags::RST) =>
            {
                link.rtt_ns = segment.stamp.at.nanos_since(link.syn_at);
                Handshake::Complete
            }
            (before, _) => before,
        };
        if syn {
            link.opener_known = true;
            if !ack {
                link.syns += 1;
                link.syn_at = segment.stamp.at;
            }
            self.side_mut(dir).open(segment.seq);
        }
    }

    /// Notes what the segment acknowledges; returns it as an offset of the opposite direction.
    fn note_ack(&mut self, segment: &Segment<'_>, dir: Dir) -> u64 {
        if !segment.flags.has(Flags::ACK) || segment.flags.has(Flags::RST) {
            return 0;
        }
        let peer = self.side_mut(dir.reversed());
        let Some(next_seq) = peer.next_seq else {
            peer.next_seq = Some(segment.ack);
            peer.facts.from_start = segment.flags.has(Flags::SYN);
            return 0;
        };
        let ahead = segment.ack.distance_from(next_seq);
        if !(-WINDOW..WINDOW).contains(&ahead) {
            return 0;
        }
        let next = peer.assembler.next();
        let upto = match peer.fin {
            Some((fin, _)) => next.saturating_add_signed(ahead).min(fin),
            None => next.saturating_add_signed(ahead),
        };
        if upto > next && peer.acked.is_none_or(|known| known.upto < upto) {
            peer.acked = Some(Acked { upto, mark: Mark { stamp: segment.stamp, acked: 0 } });
        }
        upto
    }

    /// Hands out what may go on, and gives up what was waited for long enough.
    fn settle(&mut self, budget: &mut Budget, out: &mut dyn FnMut(ConnEvent<'_>)) {
        for dir in DIRS {
            self.side_mut(dir).wait();
        }
        loop {
            self.drain(budget, out);
            let mut gave_up = false;
            for dir in DIRS {
                gave_up |= self.side_mut(dir).lose_if_due(dir, out);
            }
            if !gave_up {
                break;
            }
        }
        for dir in DIRS {
            self.side_mut(dir).end_if_due(dir, out);
        }
        self.note_close();
    }

    /// Drains both directions for as long as one lets the other go on.
    fn drain(&mut self, budget: &mut Budget, out: &mut dyn FnMut(ConnEvent<'_>)) {
        loop {
            let mut moved = false;
            for dir in DIRS {
                if !self.side(dir).assembler.is_drained() {
                    let horizon = self.side(dir.reversed()).horizon();
                    moved |= self.side_mut(dir).drain(horizon, dir, budget, out);
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// Everything held, in the order it was seen, with gaps for what never came; then what was
    /// acknowledged or lies before a FIN.
    fn flush(&mut self, budget: &mut Budget, out: &mut dyn FnMut(ConnEvent<'_>)) {
        loop {
            self.drain(budget, out);
            let held = DIRS.into_iter().filter_map(|dir| {
                self.side(dir).assembler.first_held().map(|(at, mark)| (dir, at, mark))
            });
            let first = held.reduce(|a, b| if b.2.stamp.is_before(a.2.stamp) { b } else { a });
            let Some((dir, at, mark)) = first else { break };
            // Either its own direction has a hole, or the other has one that it waits for, or each
            // waits for the other, as no honest pair of ends does.
            let other = dir.reversed();
            if !self.side_mut(dir).skip(at, mark, dir, out)
                && !self.side_mut(other).skip(mark.acked, mark, other, out)
            {
                self.side_mut(dir).drain(u64::MAX, dir, budget, out);
            }
        }
        for dir in DIRS {
            let peer_ended = self.side(dir.reversed()).fin.is_some();
            self.side_mut(dir).lose_end(dir, peer_ended, out);
            self.side_mut(dir).end_if_due(dir, out);
        }
    }

    fn note_close(&mut self) {
        if matches!(self.link.close, Close::Reset { .. }) {
            return;
        }
        let ended = |dir| self.side(dir).fin.filter(|_| self.side(dir).ended);
        self.link.close = match (ended(Dir::FromOriginator), ended(Dir::FromResponder)) {
            (None, None) => return,
            (Some(_), None) => Close::HalfFin { by: Dir::FromOriginator },
            (None, Some(_)) => Close::HalfFin { by: Dir::FromResponder },
            (Some((_, ours)), Some((_, theirs))) if theirs.is_before(ours) => {
                Close::Fin { by: Dir::FromResponder }
            }
            (Some(_), Some(_)) => Close::Fin { by: Dir::FromOriginator },
        };
    }

    fn reset(
        &mut self,
        segment: &Segment<'_>,
        dir: Dir,
        budget: &mut Budget,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) {
        let distance = self.side(dir).next_seq.map_or(0, |next| segment.seq.distance_from(next));
        let answers_syn = self.link.handshake == Handshake::Refused;
        if !answers_syn && distance.abs() > RESET_WINDOW {
            return;
        }
        self.flush(budget, out);
        self.note_close();
        if !matches!(self.link.close, Close::Fin { .. }) {
            self.link.close = Close::Reset { by: dir };
            out(ConnEvent::Reset { dir, stamp: segment.stamp });
        }
    }
}

impl Side {
    fn new() -> Self {
        Self {
            assembler: Assembler::default(),
            next_seq: None,
            isn: None,
            seen: false,
            acked: None,
            waiting: None,
            fin: None,
            ended: false,
            facts: DirFacts::default(),
        }
    }

    /// Takes the SYN's number. A SYN captured after the first data still tells that the data
    /// began there.
    fn open(&mut self, isn: SeqNum) {
        self.isn = Some(isn);
        let first = isn.plus(1);
        let begins_at = self.next_seq.map(|next| next.distance_from(first));
        if begins_at.is_none_or(|at| at == self.assembler.next().cast_signed()) {
            self.facts.from_start = true;
        }
        self.next_seq.get_or_insert(first);
    }

    fn take(
        &mut self,
        segment: &Segment<'_>,
        dir: Dir,
        mark: Mark,
        ready: bool,
        budget: &mut Budget,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) {
        self.seen = true;
        let data_seq = match segment.flags.has(Flags::SYN) {
            true => segment.seq.plus(1),
            false => segment.seq,
        };
        let next_seq = *self.next_seq.get_or_insert(data_seq);
        let ahead = data_seq.distance_from(next_seq);
        if !(-WINDOW..WINDOW).contains(&ahead) {
            self.facts.out_of_window += u64::from(!segment.payload.is_empty());
            return;
        }
        let at = self.assembler.next().cast_signed() + ahead;
        if segment.flags.has(Flags::FIN) && !segment.flags.has(Flags::RST) {
            let end = at.saturating_add(i64::from(segment.wire_len));
            let end = u64::try_from(end).ok().filter(|end| *end >= self.assembler.next());
            let fin = end.map(|end| (end, segment.stamp));
            self.fin = self.fin.or(fin);
        }
        // Octets before the first one seen have no offset; a keep-alive's octet is nobody's data
        // (RFC 9293 §3.8.4).
        let keep_alive = ahead == -1 && segment.payload.len() <= 1;
        let before = usize::try_from(at.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let Some(payload) = segment.payload.get(before..) else { return };
        if payload.is_empty() || keep_alive {
            return;
        }
        self.facts.retransmissions += u64::from(ahead < 0);
        let offset = at.max(0).cast_unsigned();
        // Whoever sent that FIN was not the sender of these octets, or knew nothing of them.
        self.fin = self.fin.filter(|(fin, _)| offset + payload.len() as u64 <= *fin);
        self.run(dir, out, |assembler, out| {
            assembler.push(offset, payload, mark, ready, budget, out);
        });
    }

    fn drain(
        &mut self,
        horizon: u64,
        dir: Dir,
        budget: &mut Budget,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) -> bool {
        self.run(dir, out, |assembler, out| assembler.drain(horizon, budget, out))
    }

    /// How far the other direction may go on: what this one has handed out. A direction of which
    /// nothing was ever seen holds nobody back.
    fn horizon(&self) -> u64 {
        if self.seen { self.assembler.next() } else { u64::MAX }
    }

    fn has_handed_out(&self, acked: u64) -> bool {
        acked <= self.horizon()
    }

    /// One segment more of patience is used up.
    fn wait(&mut self) {
        let next = self.assembler.next();
        self.acked = self.acked.filter(|acked| acked.upto > next);
        self.waiting = self.waiting.filter(|waiting| waiting.acked.upto > next);
        match (&mut self.waiting, self.acked) {
            (Some(waiting), _) => waiting.segments = waiting.segments.saturating_sub(1),
            (None, Some(acked)) => self.waiting = Some(Waiting { acked, segments: PATIENCE }),
            (None, None) => {}
        }
    }

    /// Gives up what was acknowledged, missing, and waited for long enough.
    fn lose_if_due(&mut self, dir: Dir, out: &mut dyn FnMut(ConnEvent<'_>)) -> bool {
        let Some(waiting) = self.waiting.filter(|waiting| waiting.segments == 0) else {
            return false;
        };
        self.lose(waiting.acked.upto, waiting.acked.mark, dir, out)
    }

    /// The same as [`skip`](Self::skip), but not beyond the FIN: an acknowledgement counts it.
    fn lose(
        &mut self,
        upto: u64,
        mark: Mark,
        dir: Dir,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) -> bool {
        let upto = self.fin.map_or(upto, |(fin, _)| upto.min(fin));
        self.skip(upto, mark, dir, out)
    }

    /// Gives up the hole that is next; false if there is none before `upto`.
    fn skip(
        &mut self,
        upto: u64,
        mark: Mark,
        dir: Dir,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) -> bool {
        self.run(dir, out, |assembler, out| assembler.lose(upto, mark, out))
    }

    fn end_if_due(&mut self, dir: Dir, out: &mut dyn FnMut(ConnEvent<'_>)) {
        if let Some((fin, stamp)) = self.fin
            && !self.ended
            && fin <= self.assembler.next()
        {
            self.ended = true;
            out(ConnEvent::Fin { dir, stamp });
        }
    }

    /// What was acknowledged or lies before the FIN, and was not captured.
    fn lose_end(&mut self, dir: Dir, peer_ended: bool, out: &mut dyn FnMut(ConnEvent<'_>)) {
        if let Some(mut acked) = self.acked.take() {
            // The last octet acknowledged may be a FIN that was not captured. It is one if the
            // connection was closed from the other end as well, and for a single octet it is the
            // likelier reading: the end is then unseen, and no data is called lost.
            let only_fin = acked.upto == self.assembler.next() + 1;
            if self.fin.is_none() && (peer_ended || only_fin) {
                acked.upto -= 1;
            }
            self.lose(acked.upto, acked.mark, dir, out);
        }
        if let Some((fin, stamp)) = self.fin
            && fin.saturating_sub(self.assembler.next()) < WINDOW.cast_unsigned()
        {
            self.lose(fin, Mark { stamp, acked: 0 }, dir, out);
        }
    }

    /// Lets the assembler work, counts what it hands out and keeps `next_seq` in step.
    fn run<R>(
        &mut self,
        dir: Dir,
        out: &mut dyn FnMut(ConnEvent<'_>),
        work: impl FnOnce(&mut Assembler, &mut dyn FnMut(StreamEvent<'_>)) -> R,
    ) -> R {
        let Self { assembler, facts, next_seq, .. } = self;
        let before = assembler.next();
        let result = work(assembler, &mut |event| match event {
            StreamEvent::Data { offset, bytes, mark } => {
                facts.bytes += bytes.len() as u64;
                out(ConnEvent::Data { dir, offset, bytes, mark });
            }
            StreamEvent::Gap { offset, len, mark } => {
                facts.missing_bytes += len;
                out(ConnEvent::Gap { dir, offset, len, mark });
            }
            StreamEvent::Conflict { offset, len, mark } => {
                out(ConnEvent::Conflict { dir, offset, len, mark });
            }
        });
        // Truncation is the ring's arithmetic: offsets are taken modulo 2³².
        let moved = (assembler.next() - before) as u32;
        *next_seq = next_seq.map(|seq| seq.plus(moved));
        result
    }
}

impl Link {
    /// Whether the connection came up, as far as the capture shows.
    pub fn is_established(&self) -> bool {
        matches!(self.handshake, Handshake::Complete | Handshake::NotCaptured | Handshake::Half)
    }
}

#[cfg(test)]
pub(super) mod tests;
