//! What is believed until something shows otherwise: resets, and SYNs in the middle of a connection.

use super::{AnomalyKind, Budget, Close, Conn, Dir, Handshake, RESET_WINDOW, WINDOW};
use crate::decode::{Endpoint, Flags, Segment, SeqNum};
use crate::time::Stamp;

/// A reset, believed until something shows that the connection went on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reset {
    pub(super) by: Dir,
    pub(super) stamp: Stamp,
    /// Where it stands in the stream of its sender.
    at: u64,
    /// Octets captured of the other direction by then.
    peer_end: u64,
    /// It has the number its receiver expected, without which a receiver asks back
    /// (RFC 5961 §3).
    pub(super) is_exact: bool,
}

/// A SYN on the addresses of an open connection: a new connection if it is answered.
#[derive(Clone, Copy, Debug)]
pub(in crate::tcp) struct Contender {
    opener: Endpoint,
    pub(super) dir: Dir,
    isn: SeqNum,
    pub(super) stamp: Stamp,
}

impl Conn {
    /// Takes the SYN that was seen before the segment this connection was made of.
    pub(in crate::tcp) fn adopt(&mut self, syn: Contender) {
        if self.originator != syn.opener {
            std::mem::swap(&mut self.originator, &mut self.responder);
        }
        (self.link.first, self.link.syn_at) = (syn.stamp, syn.stamp.at);
        (self.link.handshake, self.link.syns) = (Handshake::Unanswered, 1);
        self.link.opener_known = true;
        self.side_mut(Dir::FromOriginator).open(syn.isn);
    }

    /// Whether this segment is of a new connection on the addresses of this one
    /// (RFC 9293 §3.6.1). In the middle of an open one a SYN alone proves nothing; its answer, or
    /// what follows it, does.
    pub fn is_replaced_by(&mut self, segment: &Segment<'_>) -> bool {
        let dir = self.dir_of(segment);
        let (syn, ack) = (segment.flags.has(Flags::SYN), segment.flags.has(Flags::ACK));
        if syn && !ack {
            if self.is_repeated(segment, dir) {
                return false;
            }
            let is_alive = self.link.is_established() && !self.is_empty();
            if !is_alive || self.link.close != Close::Open {
                return true;
            }
            let (isn, stamp) = (segment.seq, segment.stamp);
            self.contender = Some(Contender { opener: segment.src, dir, isn, stamp });
            return false;
        }
        self.contender.is_some_and(|contender| {
            let next = contender.isn.plus(1);
            let answers = syn && dir != contender.dir && segment.ack == next;
            // What fits the open connection as well proves nothing, nor does one direction where
            // both are captured: one who forges a SYN can forge what follows it.
            let goes_on = !syn
                && dir == contender.dir
                && segment.seq == next
                && !self.side(dir.reversed()).seen
                && !self.side(dir).is_near(next);
            let taken = segment.ack.distance_from(next);
            let acknowledges = dir != contender.dir
                && !segment.flags.has(Flags::RST)
                && (0..WINDOW).contains(&taken)
                && !self.side(contender.dir).is_near(segment.ack);
            answers || ack && (goes_on || acknowledges)
        })
    }

    /// Whether a SYN is the one that opened this connection.
    fn is_repeated(&self, segment: &Segment<'_>, dir: Dir) -> bool {
        let side = self.side(dir);
        match (side.isn, side.next_seq) {
            (Some(isn), _) => isn == segment.seq,
            // Its first data was captured before its SYN.
            (None, Some(next)) if self.link.close == Close::Open => {
                let ahead = next.distance_from(segment.seq.plus(1));
                (0..WINDOW).contains(&ahead) && ahead.cast_unsigned() <= side.assembler.next()
            }
            (None, _) => self.link.close == Close::Open,
        }
    }

    /// Whether a SYN-ACK comes after the one that opened this connection, and is another: its
    /// receiver only asks back (RFC 9293 §3.10.7.4).
    pub(super) fn is_stray_answer(&self, segment: &Segment<'_>, dir: Dir) -> bool {
        let is_answer = segment.flags.has(Flags::SYN) && segment.flags.has(Flags::ACK);
        let opened = self.side(dir).isn.filter(|_| self.link.handshake == Handshake::Complete);
        let asked = self.side(dir.reversed()).isn.map(|isn| isn.plus(1));
        // A SYN may carry octets of its own (RFC 7413).
        let could_answer = |asked| (0..1 << 16).contains(&segment.ack.distance_from(asked));
        is_answer
            && opened.is_some_and(|isn| {
                isn != segment.seq || asked.is_some_and(|asked| !could_answer(asked))
            })
    }

    /// The SYN that began the connection which replaces this one.
    pub(in crate::tcp) fn give_way(&mut self) -> Option<Contender> {
        self.contender.take()
    }

    pub(super) fn note_reset(&mut self, segment: &Segment<'_>, dir: Dir, budget: &Budget) {
        if self.reset.is_some() || matches!(self.link.close, Close::Fin { .. }) {
            return;
        }
        let refuses = self.link.handshake == Handshake::Refused;
        let side = self.side_mut(dir);
        let next = side.assembler.next();
        let at = match side.next_seq {
            Some(_) if !refuses => side.offset_of(segment.seq),
            _ => Some(next),
        };
        let Some(at) = at.filter(|at| at.abs_diff(next) <= RESET_WINDOW) else {
            return side.note(AnomalyKind::ResetOutOfWindow, dir, segment.stamp, None, budget);
        };
        let fin = side.fin.map(|(fin, _)| fin + 1);
        let is_exact = at == next || at == side.end() || Some(at) == fin;
        let peer_end = self.side(dir.reversed()).end();
        self.reset = Some(Reset { by: dir, stamp: segment.stamp, at, peer_end, is_exact });
        self.link.close = Close::Reset { by: dir, after_fin: self.first_fin().map(|(_, by)| by) };
    }

    /// A reset had no effect if its receiver went on to take octets of its sender, or its sender
    /// octets that came after it.
    pub(super) fn disprove_reset(&mut self, dir: Dir, acked: u64, budget: &Budget) {
        let Some(reset) = self.reset else { return };
        let goes_on = match dir == reset.by {
            true => {
                let answers_syn = self.link.handshake == Handshake::Half;
                acked > reset.peer_end || self.side(dir).end() > reset.at || answers_syn
            }
            false => acked > reset.at,
        };
        if goes_on {
            self.reset = None;
            self.link.close = Close::Open;
            let by = reset.by;
            self.side_mut(by).note(AnomalyKind::ResetIgnored, by, reset.stamp, None, budget);
            self.note_close();
        }
    }
}
