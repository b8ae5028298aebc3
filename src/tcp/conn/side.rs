//! One direction of a connection.

use super::super::anomaly::{Anomalies, Anomaly, AnomalyKind};
use super::super::assembler::{Assembler, Budget, Mark, StreamEvent};
use super::screen::Screen;
use super::trouble::Flow;
use super::{ConnEvent, Dir, DirFacts, PATIENCE, RESET_WINDOW, WINDOW};
use crate::decode::{Flags, Segment, SeqNum};
use crate::time::{Stamp, Timestamp};

#[derive(Debug)]
pub(super) struct Side {
    pub(super) assembler: Assembler,
    /// Sequence number of the octet at `assembler.next()`; `None` until the direction is seen
    /// or acknowledged.
    pub(super) next_seq: Option<SeqNum>,
    /// Of the SYN, to tell a new connection on old addresses from a repeated SYN.
    pub(super) isn: Option<SeqNum>,
    /// Whether a segment of its own was seen; acknowledgements alone may have started it.
    pub(super) seen: bool,
    /// Highest offset the other end acknowledged beyond what was handed out.
    pub(super) acked: Option<Acked>,
    waiting: Option<Waiting>,
    /// Offset of the FIN.
    pub(super) fin: Option<(u64, Stamp)>,
    /// Whether the other end acknowledged it.
    pub(super) fin_acked: bool,
    pub(super) ended: bool,
    /// When it last said that it has no room, if it has said nothing else since.
    full_since: Option<Timestamp>,
    pub(super) flow: Flow,
    pub(super) screen: Screen,
    pub(super) anomalies: Anomalies,
    pub(super) facts: DirFacts,
}

/// An acknowledgement, as an offset of the direction it acknowledges, and where it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acked {
    pub(super) upto: u64,
    pub(super) mark: Mark,
}

/// Something acknowledged is missing; so many more segments of the connection may bring it.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    acked: Acked,
    segments: u32,
    /// Where the stream stood when this began.
    next: u64,
}

impl Side {
    pub(super) fn new() -> Self {
        Self {
            assembler: Assembler::default(),
            next_seq: None,
            isn: None,
            seen: false,
            acked: None,
            waiting: None,
            fin: None,
            fin_acked: false,
            ended: false,
            full_since: None,
            flow: Flow::default(),
            screen: Screen::default(),
            anomalies: Anomalies::default(),
            facts: DirFacts::default(),
        }
    }

    /// Takes the SYN's number. A SYN captured after the first data still tells that the data
    /// began there.
    pub(super) fn open(&mut self, isn: SeqNum) {
        self.isn = Some(isn);
        let first = isn.plus(1);
        let begins_at = self.next_seq.map(|next| next.distance_from(first));
        if begins_at.is_none_or(|at| at == self.assembler.next().cast_signed()) {
            self.facts.from_start = true;
        }
        self.next_seq.get_or_insert(first);
    }

    /// Takes the octets of a segment; returns where they stand if the first of them were known
    /// already.
    pub(super) fn take(
        &mut self,
        segment: &Segment<'_>,
        dir: Dir,
        mark: Mark,
        ready: bool,
        budget: &mut Budget,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) -> Option<u64> {
        self.seen = true;
        let data_seq = match segment.flags.has(Flags::SYN) {
            true => segment.seq.plus(1),
            false => segment.seq,
        };
        let next_seq = *self.next_seq.get_or_insert(data_seq);
        let ahead = data_seq.distance_from(next_seq);
        if !(-WINDOW..WINDOW).contains(&ahead) {
            if !segment.payload.is_empty() {
                self.facts.out_of_window += 1;
                self.note(AnomalyKind::OutOfWindow, dir, mark.stamp, None, budget);
            }
            return None;
        }
        let at = self.assembler.next().cast_signed() + ahead;
        if segment.flags.has(Flags::FIN) && !segment.flags.has(Flags::RST) {
            let end = at.saturating_add(i64::from(segment.wire_len));
            let end = u64::try_from(end).ok().filter(|end| *end >= self.assembler.next());
            let fin = end.map(|end| (end, segment.stamp));
            self.fin = self.fin.or(fin);
        }
        // Octets before the first one seen have no offset; a keep-alive's octet is nobody's data
        // (RFC 9293 §3.8.4). One that is pushed, or is no zero, may be data that differs.
        let keep_alive = ahead < 0 && segment.payload == [0] && !segment.flags.has(Flags::PSH);
        let before = usize::try_from(at.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let payload = segment.payload.get(before..)?;
        if payload.is_empty() || keep_alive {
            return None;
        }
        self.facts.largest_segment = self.facts.largest_segment.max(segment.wire_len);
        self.facts.urgent += u32::from(segment.flags.has(Flags::URG));
        let offset = at.max(0).cast_unsigned();
        // Whoever sent that FIN was not the sender of these octets, or knew nothing of them.
        if let Some((fin, _)) = self.fin
            && offset + payload.len() as u64 > fin
        {
            self.disprove_fin(dir, mark.stamp, budget);
        }
        let most = budget.anomalies;
        self.run(dir, most, out, |assembler, out| {
            assembler.push(offset, payload, mark, ready, budget, out);
        });
        (ahead < 0).then_some(offset)
    }

    /// Takes the window the segment offers.
    pub(super) fn note_window(&mut self, segment: &Segment<'_>) {
        if !segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::RST) {
            self.facts.window_most = self.facts.window_most.max(segment.window);
        }
        let is_full = segment.window == 0 && !segment.flags.has(Flags::SYN);
        if !is_full && self.full_since.is_none() {
            return;
        }
        let now = segment.stamp.at;
        // Who says nothing any more may have room by now.
        let nanos = self.full_since.and_then(|since| now.nanos_since(since)).unwrap_or(0);
        // Clocks of captures step, and by centuries if they like.
        let nanos = u64::try_from(nanos).unwrap_or(0);
        self.facts.zero_window_ns = self.facts.zero_window_ns.saturating_add(nanos);
        self.facts.is_full = is_full && !segment.flags.has(Flags::RST);
        self.full_since = Some(now).filter(|_| self.facts.is_full);
    }

    /// Something shows that the sender did not end where a FIN said.
    pub(super) fn disprove_fin(&mut self, dir: Dir, stamp: Stamp, budget: &Budget) {
        let fin = self.fin.take().map(|(_, stamp)| stamp);
        (self.fin_acked, self.ended) = (false, false);
        self.note(AnomalyKind::FinIgnored, dir, stamp, fin, budget);
    }

    /// Writes down an anomaly that concerns a whole segment.
    pub(super) fn note(
        &mut self,
        kind: AnomalyKind,
        dir: Dir,
        stamp: Stamp,
        other: Option<Stamp>,
        budget: &Budget,
    ) {
        let anomaly = Anomaly { kind, dir, stamp, other, offset: None, bytes: 0 };
        self.anomalies.note(anomaly, budget.anomalies);
    }

    /// Offset after the last octet captured.
    pub(super) fn end(&self) -> u64 {
        self.assembler.end()
    }

    /// The offset at which a segment stands, if it is in the window.
    pub(super) fn offset_of(&self, seq: SeqNum) -> Option<u64> {
        let ahead = seq.distance_from(self.next_seq?);
        let offset = self.assembler.next().checked_add_signed(ahead)?;
        (-WINDOW..WINDOW).contains(&ahead).then_some(offset)
    }

    /// Whether a segment may be of this stream and not of another.
    pub(super) fn is_near(&self, seq: SeqNum) -> bool {
        self.offset_of(seq).is_some_and(|at| at.abs_diff(self.assembler.next()) <= RESET_WINDOW)
    }

    pub(super) fn drain(
        &mut self,
        horizon: u64,
        dir: Dir,
        budget: &mut Budget,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) -> bool {
        let most = budget.anomalies;
        self.run(dir, most, out, |assembler, out| assembler.drain(horizon, budget, out))
    }

    /// How far the other direction may go on: what this one has handed out. A direction of which
    /// nothing was ever seen holds nobody back.
    pub(super) fn horizon(&self) -> u64 {
        if self.seen { self.assembler.next() } else { u64::MAX }
    }

    pub(super) fn has_handed_out(&self, acked: u64) -> bool {
        acked <= self.horizon()
    }

    /// One segment more of patience is used up.
    pub(super) fn wait(&mut self) {
        let next = self.assembler.next();
        self.acked = self.acked.filter(|acked| acked.upto > next);
        // A stream that goes on where it was has no hole there, whatever was acknowledged.
        self.waiting =
            self.waiting.filter(|waiting| waiting.acked.upto > next && waiting.next == next);
        match (&mut self.waiting, self.acked) {
            (Some(waiting), _) => waiting.segments = waiting.segments.saturating_sub(1),
            (None, Some(acked)) => self.waiting = Some(Waiting { acked, segments: PATIENCE, next }),
            (None, None) => {}
        }
    }

    /// Gives up what was acknowledged, missing, and waited for long enough.
    pub(super) fn lose_if_due(&mut self, dir: Dir, out: &mut dyn FnMut(ConnEvent<'_>)) -> bool {
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
    pub(super) fn skip(
        &mut self,
        upto: u64,
        mark: Mark,
        dir: Dir,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) -> bool {
        // A loss is no conflict.
        self.run(dir, 0, out, |assembler, out| assembler.lose(upto, mark, out))
    }

    pub(super) fn end_if_due(&mut self, dir: Dir, out: &mut dyn FnMut(ConnEvent<'_>)) {
        if let Some((fin, stamp)) = self.fin
            && !self.ended
            && fin <= self.assembler.next()
        {
            self.ended = true;
            out(ConnEvent::Fin { dir, stamp });
        }
    }

    /// What was acknowledged or lies before the FIN, and was not captured.
    pub(super) fn lose_end(
        &mut self,
        dir: Dir,
        peer_ended: bool,
        out: &mut dyn FnMut(ConnEvent<'_>),
    ) {
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
        most: usize,
        out: &mut dyn FnMut(ConnEvent<'_>),
        work: impl FnOnce(&mut Assembler, &mut dyn FnMut(StreamEvent<'_>)) -> R,
    ) -> R {
        let Self { assembler, facts, next_seq, anomalies, .. } = self;
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
            StreamEvent::Conflict { offset, len, mark, first } => {
                let (kind, offset) = (AnomalyKind::Conflict, Some(offset));
                let stamp = mark.stamp;
                let anomaly = Anomaly { kind, dir, stamp, other: first, offset, bytes: len };
                anomalies.note(anomaly, most);
            }
        });
        // Truncation is the ring's arithmetic: offsets are taken modulo 2³².
        let moved = (assembler.next() - before) as u32;
        *next_seq = next_seq.map(|seq| seq.plus(moved));
        result
    }
}
