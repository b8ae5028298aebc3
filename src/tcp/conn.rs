//! One TCP connection: two directions, how it opened, how it closed.

mod doubt;
mod facts;
mod screen;
mod side;
mod trouble;

pub(super) use self::doubt::Contender;
use self::doubt::Reset;
pub use self::facts::{Close, DirFacts, Handshake, Link};
use self::screen::{Screen, Verdict};
use self::side::{Acked, Side};
pub use self::trouble::{Loss, Stall, Stuck, Trouble};
use super::anomaly::{Anomalies, AnomalyKind};
use super::assembler::{Budget, Mark};
use crate::decode::{Endpoint, Flags, Segment};
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
/// wrote them in. What its receiver cannot have taken is left out, and said in
/// [`Link::anomalies`].
#[derive(Debug)]
pub struct Conn {
    pub originator: Endpoint,
    pub responder: Endpoint,
    pub link: Link,
    from_originator: Side,
    from_responder: Side,
    reset: Option<Reset>,
    contender: Option<Contender>,
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
const RESET_WINDOW: u64 = 16 << 20;

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
                answered: None,
                ended: None,
                ended_by: None,
                trouble: None,
                anomalies: Anomalies::default(),
            },
            from_originator: Side::new(),
            from_responder: Side::new(),
            reset: None,
            contender: None,
        }
    }

    pub fn dir_of(&self, segment: &Segment<'_>) -> Dir {
        if segment.src == self.originator { Dir::FromOriginator } else { Dir::FromResponder }
    }

    /// Initial sequence numbers of originator and responder, if both SYNs were captured.
    pub fn initial_numbers(&self) -> Option<[u32; 2]> {
        Some([self.from_originator.isn?.0, self.from_responder.isn?.0])
    }

    pub fn facts(&self, dir: Dir) -> DirFacts {
        let side = self.side(dir);
        DirFacts { ttl: side.screen.ttl(), ..side.facts }
    }

    /// Whether it is over for certain: given up, or each end acknowledged the other's FIN.
    pub fn is_closed(&self) -> bool {
        match self.link.close {
            Close::Fin { .. } => self.from_originator.fin_acked && self.from_responder.fin_acked,
            Close::Timeout => true,
            Close::Open | Close::HalfFin { .. } | Close::Reset { .. } => false,
        }
    }

    /// Whether it seems to be over, and is unless it goes on shortly: by a reset that its receiver
    /// must believe, or by FINs not both acknowledged.
    pub fn is_ending(&self) -> bool {
        match self.link.close {
            Close::Fin { .. } => true,
            Close::Reset { .. } => self.reset.is_some_and(|reset| reset.is_exact),
            Close::Open | Close::HalfFin { .. } | Close::Timeout => false,
        }
    }

    /// Whether no byte was ever seen on it.
    pub fn is_empty(&self) -> bool {
        self.from_originator.facts.bytes + self.from_responder.facts.bytes == 0
    }

    /// Chooses how many bytes of each direction are remembered after they were handed out, to tell
    /// a copy that differs.
    pub fn remember(&mut self, most: usize) {
        for dir in DIRS {
            self.side_mut(dir).assembler.remember(most);
        }
    }

    /// Takes one segment of this connection.
    pub fn handle(
        &mut self,
        segment: &Segment<'_>,
        budget: &mut Budget,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) {
        let dir = self.dir_of(segment);
        let hops = self.side(dir.reversed()).screen.hops();
        let side = self.side_mut(dir);
        let verdict = side.screen.judge(segment, hops);
        if let Verdict::NotTaken(why) = verdict {
            side.facts.rejected += 1;
            return side.note(why, dir, segment.stamp, None, budget);
        }
        if self.contender.is_some_and(|contender| contender.stamp == segment.stamp) {
            return;
        }
        if self.is_stray_answer(segment, dir) {
            let side = self.side_mut(dir);
            return side.note(AnomalyKind::SynIgnored, dir, segment.stamp, None, budget);
        }
        self.link.last = segment.stamp;
        let print = Screen::print(segment, segment.stamp.at.nanos_since(self.link.first.at));
        let is_copy = |screen: &Screen| screen.is_copy(print);
        self.follow_handshake(segment, dir, verdict == Verdict::Taken, is_copy);
        let acked = self.note_ack(segment, dir, budget);
        let mark = Mark { stamp: segment.stamp, acked };
        let ready = self.side(dir.reversed()).has_handed_out(acked);
        let side = self.side_mut(dir);
        side.note_window(segment);
        let mut again = side.take(segment, dir, mark, ready, budget, out);
        if again.is_some() {
            match side.screen.is_copy(print) {
                true => {
                    side.facts.duplicates += 1;
                    again = None;
                }
                false => side.facts.retransmissions += 1,
            }
        }
        if !segment.payload.is_empty() {
            side.note_flow(segment.stamp, again, segment.wire_len);
        }
        side.screen.note(print);
        self.settle(budget, out);
        if segment.flags.has(Flags::RST) {
            self.note_reset(segment, dir, budget);
        } else {
            self.disprove_reset(dir, acked, budget);
        }
    }

    /// Hands out what is held, with the gaps that are left, and counts what was acknowledged and
    /// never captured. Call once, when no more segments will come.
    pub fn finish(&mut self, budget: &mut Budget, out: &mut dyn FnMut(ConnEvent<'_>)) {
        self.flush(budget, out);
        self.note_close();
        if let Some(reset) = self.reset {
            out(ConnEvent::Reset { dir: reset.by, stamp: reset.stamp });
        }
        if let Some(syn) = self.contender {
            self.side_mut(syn.dir).note(AnomalyKind::SynIgnored, syn.dir, syn.stamp, None, budget);
        }
        let reset = self.reset.map(|reset| (reset.stamp, reset.by));
        let ends = [self.first_fin(), reset].into_iter().flatten();
        (self.link.ended, self.link.ended_by) = ends.reduce(earlier).unzip();
        for dir in DIRS {
            let side = self.side_mut(dir);
            if let Some(stamp) = side.screen.regretted() {
                side.note(AnomalyKind::WrongChecksumRead, dir, stamp, None, budget);
            }
        }
        self.note_loss();
        self.link.anomalies =
            Anomalies::merged(DIRS.map(|dir| std::mem::take(&mut self.side_mut(dir).anomalies)));
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

    fn follow_handshake(
        &mut self,
        segment: &Segment<'_>,
        dir: Dir,
        is_sure: bool,
        is_copy: impl FnOnce(&Screen) -> bool,
    ) {
        let is_copy = segment.flags.has(Flags::SYN) && is_copy(&self.side(dir).screen);
        let (syn, ack) = (segment.flags.has(Flags::SYN), segment.flags.has(Flags::ACK));
        let link = &mut self.link;
        link.handshake = match (link.handshake, dir) {
            (Handshake::NotCaptured, Dir::FromOriginator) if syn && !ack => Handshake::Unanswered,
            (
                Handshake::NotCaptured
                | Handshake::Unanswered
                | Handshake::Refused
                | Handshake::Unreachable,
                Dir::FromResponder,
            ) if syn && ack => {
                link.answered = Some(segment.stamp);
                Handshake::Half
            }
            (Handshake::Unanswered, Dir::FromResponder) if segment.flags.has(Flags::RST) => {
                link.answered = Some(segment.stamp);
                Handshake::Refused
            }
            // The originator acknowledges only what it was sent, captured or not.
            (
                Handshake::Half | Handshake::Unanswered | Handshake::Unreachable,
                Dir::FromOriginator,
            ) if ack && !syn && !segment.flags.has(Flags::RST) => {
                // A clock that was set back meanwhile measured nothing.
                let rtt = segment.stamp.at.nanos_since(link.syn_at);
                link.rtt_ns = rtt.filter(|nanos| *nanos >= 0);
                Handshake::Complete
            }
            (before, _) => before,
        };
        if syn {
            link.opener_known = true;
            if !ack && !is_copy {
                link.syns += 1;
                link.syn_at = segment.stamp.at;
                if link.syns > 1 {
                    self.note_retry(segment.stamp);
                }
            }
            let (mss, window_scale) = segment.offers();
            let facts = &mut self.side_mut(dir).facts;
            (facts.mss, facts.window_scale) = (mss, window_scale);
            // A damaged number would shift all that follows; the answer must confirm it.
            match is_sure {
                true => self.side_mut(dir).open(segment.seq),
                false => self.side_mut(dir).isn = Some(segment.seq),
            }
        }
    }

    /// Notes what the segment acknowledges; returns it as an offset of the opposite direction.
    fn note_ack(&mut self, segment: &Segment<'_>, dir: Dir, budget: &Budget) -> u64 {
        if !segment.flags.has(Flags::ACK) || segment.flags.has(Flags::RST) {
            return 0;
        }
        let peer = self.side_mut(dir.reversed());
        let Some(next_seq) = peer.next_seq else {
            peer.next_seq = Some(segment.ack);
            peer.facts.from_start = segment.flags.has(Flags::SYN);
            return 0;
        };
        if segment.flags.has(Flags::SYN) && segment.ack != next_seq && peer.assembler.end() == 0 {
            // The SYN that was captured is not the one that is answered.
            peer.next_seq = Some(segment.ack);
            peer.facts.from_start = false;
            return 0;
        }
        if segment.ack != next_seq
            && peer.assembler.end() == 0
            && peer.isn.map(|isn| isn.plus(1)) == Some(segment.ack)
        {
            // Of two SYNs with different numbers it is the later that was taken.
            peer.next_seq = Some(segment.ack);
            peer.facts.from_start = true;
            return 0;
        }
        // What is acknowledged first is the SYN, whatever its checksum.
        peer.facts.from_start |= segment.ack == next_seq
            && peer.assembler.end() == 0
            && peer.isn.map(|isn| isn.plus(1)) == Some(next_seq);
        let ahead = segment.ack.distance_from(next_seq);
        if !(-WINDOW..WINDOW).contains(&ahead) {
            return 0;
        }
        let next = peer.assembler.next();
        let mut upto = next.saturating_add_signed(ahead);
        peer.note_flow_acked(upto, segment.stamp);
        if let Some((fin, _)) = peer.fin {
            // The FIN has a number of its own.
            peer.fin_acked |= upto == fin + 1;
            if upto > fin + 1 {
                peer.disprove_fin(dir.reversed(), segment.stamp, budget);
            } else {
                upto = upto.min(fin);
            }
        }
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

    /// The first FIN of both, and whose it is.
    fn first_fin(&self) -> Option<(Stamp, Dir)> {
        let fins = DIRS.into_iter().filter_map(|dir| Some((self.side(dir).fin?.1, dir)));
        fins.reduce(earlier)
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
}

fn earlier(one: (Stamp, Dir), other: (Stamp, Dir)) -> (Stamp, Dir) {
    if other.0.is_before(one.0) { other } else { one }
}

#[cfg(test)]
pub(super) mod tests;
