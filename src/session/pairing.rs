//! Which command a reply answers.

use std::collections::VecDeque;

use crate::ftp::{Reply, Verb};

/// The commands of a session that wait for their final reply.
///
/// Replies come in the order of the commands (RFC 959 §5.4), so pairing is by order. Two facts
/// from TCP bound it: a reply the client had already received when it sent a command does not
/// answer that command, and a server does not answer what it had not received. With them,
/// pipelining, replies nobody asked for and replies lost by the capture fall into place.
#[derive(Debug)]
pub(super) struct Pairing {
    pending: VecDeque<Pending>,
    most: usize,
    /// Commands dropped from the queue because it was full.
    pub(super) overflows: u64,
    /// Offset after the last octets of the client that were not captured.
    client_gap_end: u64,
}

/// A command on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// Index of its exchange.
    pub(super) exchange: usize,
    pub(super) verb: Verb,
    /// Offset after it in the client's stream.
    pub(super) end: u64,
    /// Octets of the server's stream its sender had received.
    pub(super) had: u64,
    /// It had a 1yz.
    pub(super) is_under_way: bool,
    /// Its reply may lie in a gap, which ends at this offset of the server's stream.
    pub(super) lost_before: Option<u64>,
    /// It may be no command: an empty line, or the end of one whose beginning was lost. Only a
    /// refusal can be its answer.
    pub(super) is_doubtful: bool,
}

/// Where a reply stands in the server's stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyPlace {
    pub(super) start: u64,
    /// Octets of the client's stream the server had acknowledged; 0 if unknown.
    pub(super) had: u64,
}

impl Pairing {
    pub(super) fn new(most: usize) -> Self {
        Self { pending: VecDeque::new(), most, overflows: 0, client_gap_end: 0 }
    }

    /// A command was sent.
    pub(super) fn handle_command(&mut self, command: Pending) {
        if self.pending.len() >= self.most {
            self.pending.pop_front();
            self.overflows += 1;
        }
        self.pending.push_back(command);
    }

    /// Octets of the client's stream before `end` were not captured: commands, perhaps.
    pub(super) fn handle_client_gap(&mut self, end: u64) {
        self.client_gap_end = end;
    }

    /// `len` octets of the server's stream from `start` were not captured.
    pub(super) fn handle_gap(&mut self, start: u64, len: u64) {
        for pending in self.pending.iter_mut().filter(|pending| pending.had <= start) {
            pending.lost_before = Some(start + len);
        }
    }

    /// The exchange this reply belongs to; `None` if nobody asked for it.
    pub(super) fn handle_reply(&mut self, reply: &Reply, place: ReplyPlace) -> Option<usize> {
        let at = self.answered_by(reply, place)?;
        let pending = self.pending.get_mut(at)?;
        let exchange = pending.exchange;
        if reply.is_preliminary() {
            pending.is_under_way = true;
            return Some(exchange);
        }
        self.pending.remove(at);
        // What was sent before it and may have been answered in a gap will not be answered now, nor
        // what the server passed over in silence.
        let was_passed = !asked_by(reply.code).is_empty();
        let mut index = 0;
        self.pending.retain(|pending| {
            index += 1;
            let may_come = pending.lost_before.is_none() && !pending.is_doubtful;
            index > at || may_come && (pending.is_under_way || !was_passed)
        });
        Some(exchange)
    }

    /// The exchange of the oldest command that still waits.
    pub(super) fn oldest_exchange(&self) -> Option<usize> {
        self.pending.front().map(|pending| pending.exchange)
    }

    /// Nothing sent so far will be answered in clear text.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    fn answered_by(&self, reply: &Reply, place: ReplyPlace) -> Option<usize> {
        // A client that went on after it had received what the capture lost had its answer.
        let newest_had = self.pending.back().map_or(0, |pending| pending.had);
        let is_answered = |pending: &Pending| {
            let went_on = |end: u64| end <= newest_had || pending.end < self.client_gap_end;
            pending.lost_before.is_some_and(went_on)
        };
        let can_be = |pending: &Pending| {
            pending.had <= place.start
                && (place.had == 0 || pending.end <= place.had)
                && !is_answered(pending)
                && (!pending.is_doubtful || reply.is_refusal())
        };
        let mut candidates =
            self.pending.iter().enumerate().filter(|(_, pending)| can_be(pending)).peekable();
        let (first_at, first) = *candidates.peek()?;
        // During a transfer the server answers STAT, NOOP or ABOR out of turn (RFC 959 §4.1.3).
        let in_doubt = first.is_under_way || first.lost_before.is_some();
        // Servers have been seen to leave a command without an answer; order alone would give each
        // reply from then on to the command before its own.
        let askers = asked_by(reply.code);
        if !askers.is_empty() && !askers.contains(&first.verb) {
            let asked = candidates.clone().find(|(_, pending)| askers.contains(&pending.verb));
            if let Some((at, _)) = asked {
                return Some(at);
            }
        }
        if !in_doubt || fits(first.verb, first.is_under_way, reply.code) {
            return Some(first_at);
        }
        let fitting =
            candidates.find(|(_, pending)| fits(pending.verb, pending.is_under_way, reply.code));
        match fitting {
            Some((at, _)) => Some(at),
            None if first.lost_before.is_some() => None,
            None => Some(first_at),
        }
    }
}

/// The commands that alone are answered by this code (RFC 959 §5.4, RFC 2428, RFC 1639); none if it
/// may answer others.
fn asked_by(code: u16) -> &'static [Verb] {
    match code {
        215 => &[Verb::Syst],
        221 => &[Verb::Quit],
        227 => &[Verb::Pasv],
        228 => &[Verb::Lpsv],
        229 => &[Verb::Epsv],
        257 => &[Verb::Pwd, Verb::Mkd],
        _ => &[],
    }
}

/// Whether a code is one RFC 959 §5.4 and its successors give for a command. Only asked when the
/// order is in doubt.
fn fits(verb: Verb, is_under_way: bool, code: u16) -> bool {
    if matches!(code / 100, 4 | 5) {
        return true;
    }
    match verb {
        _ if verb.is_transfer() && is_under_way => matches!(code, 110..=199 | 225 | 226 | 250),
        _ if verb.is_transfer() => matches!(code, 110..=199 | 226 | 250),
        Verb::User => matches!(code, 230 | 232 | 234 | 331 | 332 | 336),
        Verb::Pass | Verb::Acct => matches!(code, 230 | 202 | 332),
        Verb::Pasv => code == 227,
        Verb::Lpsv => code == 228,
        Verb::Epsv => code == 229,
        Verb::Cwd | Verb::Cdup => matches!(code, 200 | 250),
        Verb::Pwd => code == 257,
        Verb::Syst => code == 215,
        Verb::Quit => code == 221,
        Verb::Rest => code == 350,
        Verb::Size => code == 213,
        Verb::Mlst => code == 250,
        Verb::Feat => code == 211,
        Verb::Stat => matches!(code, 211..=213),
        Verb::Abor => matches!(code, 225 | 226),
        Verb::Auth => matches!(code, 234 | 334),
        Verb::Adat => matches!(code, 235 | 335),
        Verb::Port | Verb::Eprt | Verb::Lprt | Verb::Type | Verb::Mode | Verb::Stru => code == 200,
        Verb::Noop | Verb::Prot | Verb::Ccc => code == 200,
        _ => code >= 200,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commands as `(verb, end in the client's stream, octets of the server's stream received)`.
    fn pairing(commands: &[(Verb, u64, u64)]) -> Pairing {
        let mut pairing = Pairing::new(100);
        for (exchange, (verb, end, had)) in commands.iter().enumerate() {
            pairing.handle_command(Pending {
                exchange,
                verb: *verb,
                end: *end,
                had: *had,
                is_under_way: false,
                lost_before: None,
                is_doubtful: false,
            });
        }
        pairing
    }

    fn answer(pairing: &mut Pairing, code: u16, start: u64, had: u64) -> Option<usize> {
        pairing.handle_reply(&Reply { code, ..Reply::default() }, ReplyPlace { start, had })
    }

    #[test]
    fn replies_answer_in_the_order_of_the_commands() {
        let mut pairing = pairing(&[(Verb::Pasv, 6, 0), (Verb::Retr, 14, 0), (Verb::Quit, 20, 0)]);
        let answers = [227, 150, 226, 221, 421].map(|code| answer(&mut pairing, code, 0, 20));
        assert_eq!(answers, [Some(0), Some(1), Some(1), Some(2), None]);
    }

    #[test]
    fn a_command_that_a_server_is_silent_on_does_not_shift_all_replies() {
        let commands = [(Verb::Noop, 6, 0), (Verb::Pasv, 12, 0), (Verb::Quit, 18, 0)];
        let mut pairing = pairing(&commands);
        assert_eq!(answer(&mut pairing, 227, 0, 18), Some(1));
        assert_eq!(answer(&mut pairing, 221, 10, 18), Some(2));
    }

    #[test]
    fn a_reply_the_client_already_had_answers_nothing_sent_later() {
        let mut pairing = pairing(&[(Verb::Retr, 10, 80)]);
        assert_eq!(answer(&mut pairing, 221, 50, 0), None);
        assert_eq!(answer(&mut pairing, 550, 80, 10), Some(0));
    }

    #[test]
    fn a_server_does_not_answer_what_it_had_not_received() {
        let mut pairing = pairing(&[(Verb::Noop, 6, 0), (Verb::Quit, 12, 0)]);
        assert_eq!(answer(&mut pairing, 421, 0, 3), None);
        assert_eq!(answer(&mut pairing, 200, 0, 6), Some(0));
    }

    #[test]
    fn a_status_asked_for_during_a_transfer_is_answered_out_of_turn() {
        let mut pairing = pairing(&[(Verb::Retr, 10, 0), (Verb::Stat, 16, 20)]);
        assert_eq!(answer(&mut pairing, 150, 0, 10), Some(0));
        assert_eq!(answer(&mut pairing, 213, 20, 16), Some(1));
        assert_eq!(answer(&mut pairing, 226, 40, 16), Some(0));
    }

    #[test]
    fn an_aborted_transfer_takes_the_first_reply_and_abor_the_second() {
        let mut pairing = pairing(&[(Verb::Retr, 10, 0), (Verb::Abor, 16, 20)]);
        let answers = [150, 426, 226].map(|code| answer(&mut pairing, code, 20, 16));
        assert_eq!(answers, [Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn a_lost_reply_does_not_shift_those_that_follow() {
        let mut pairing = pairing(&[(Verb::Pasv, 6, 0), (Verb::Retr, 14, 50)]);
        pairing.handle_gap(0, 50);
        assert_eq!(answer(&mut pairing, 550, 50, 14), Some(1), "RETR was sent after the 227");
    }

    #[test]
    fn a_lost_reply_and_a_lost_command_leave_the_next_reply_to_nobody() {
        let mut pairing = pairing(&[(Verb::Size, 10, 50)]);
        pairing.handle_gap(50, 10);
        pairing.handle_client_gap(20);
        assert_eq!(answer(&mut pairing, 213, 60, 20), None);
    }

    #[test]
    fn after_a_gap_a_reply_goes_to_the_command_it_fits() {
        let mut pairing = pairing(&[(Verb::Pasv, 6, 0), (Verb::Retr, 14, 0)]);
        pairing.handle_gap(0, 50);
        assert_eq!(answer(&mut pairing, 150, 50, 14), Some(1));
        assert_eq!(answer(&mut pairing, 226, 80, 14), Some(1));
        assert_eq!(answer(&mut pairing, 421, 90, 14), None);
    }
}
