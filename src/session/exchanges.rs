//! The exchanges of a session.

use std::collections::VecDeque;
use std::sync::Arc;

use super::weight::Weight;
use super::{Exchange, Received, Sent};
use crate::limits::Limits;
use crate::time::Stamp;

/// Exchanges by their number in the session; those at the front may have left already.
#[derive(Debug)]
pub(super) struct Exchanges {
    list: VecDeque<Exchange>,
    base: usize,
    /// The working directory of the last one.
    cwd: Arc<[u8]>,
    /// Bytes they hold.
    bytes: usize,
    most: usize,
    most_replies: usize,
    most_malformed: usize,
    /// Of each bound that was reached, how often.
    pub(super) dropped: u64,
    pub(super) shed: u64,
    pub(super) replies_dropped: u64,
    pub(super) malformed_dropped: u64,
}

/// The newest exchanges stay, however little room there is: their replies are still to come.
const NEWEST: usize = 8;

/// Replies for which no room is kept beyond what they take.
const FEW_REPLIES: usize = 2;

impl Exchanges {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            list: VecDeque::new(),
            base: 0,
            cwd: Arc::default(),
            bytes: 0,
            most: limits.exchanges,
            most_replies: limits.replies,
            most_malformed: limits.malformed_lines,
            dropped: 0,
            shed: 0,
            replies_dropped: 0,
            malformed_dropped: 0,
        }
    }

    /// A new one, which command and replies are added to.
    pub(super) fn begin(&mut self, cwd: &[u8]) -> usize {
        if self.list.len() >= self.most {
            self.drop_oldest();
            self.dropped += 1;
        }
        let (replies, malformed, cwd) = (Vec::new(), Box::default(), self.shared(cwd));
        let exchange = Exchange { sent: None, replies, malformed, cwd, transfer: None };
        self.bytes += exchange.weight();
        self.list.push_back(exchange);
        self.base + self.list.len() - 1
    }

    /// The same directory for as many as are in it one after the other.
    fn shared(&mut self, cwd: &[u8]) -> Arc<[u8]> {
        if *self.cwd != *cwd {
            self.cwd = cwd.into();
        }
        Arc::clone(&self.cwd)
    }

    pub(super) fn at(&self, index: usize) -> Option<&Exchange> {
        self.list.get(index.checked_sub(self.base)?)
    }

    /// Lends the command of an exchange, to be [given back](Self::give_back).
    pub(super) fn lend_sent(&mut self, index: usize) -> Option<Sent> {
        self.list.get_mut(index.checked_sub(self.base)?)?.sent.take()
    }

    pub(super) fn give_back(&mut self, index: usize, sent: Sent) {
        self.edit(index, |exchange, _| exchange.sent = Some(sent));
    }

    /// The command of an exchange, once it is understood.
    pub(super) fn set_sent(&mut self, index: usize, sent: Sent) {
        self.edit(index, |exchange, bytes| {
            *bytes += sent.weight();
            exchange.sent = Some(sent);
        });
    }

    pub(super) fn set_transfer(&mut self, index: usize, transfer: super::TransferId) {
        self.edit(index, |exchange, _| exchange.transfer = Some(transfer));
    }

    pub(super) fn set_cwd(&mut self, index: usize, cwd: &[u8]) {
        let cwd = self.shared(cwd);
        self.edit(index, |exchange, bytes| {
            *bytes = (*bytes + cwd.len()).saturating_sub(exchange.cwd.len());
            exchange.cwd = cwd;
        });
    }

    /// A reply of an exchange. Of too many, the last takes the place of the one before it: it may
    /// be the final one.
    pub(super) fn add_reply(&mut self, index: usize, received: Received) {
        let most = self.most_replies;
        let mut dropped = 0;
        self.edit(index, |exchange, bytes| {
            if exchange.replies.len() >= most
                && let Some(last) = exchange.replies.pop()
            {
                *bytes = bytes.saturating_sub(last.weight());
                dropped = 1;
            }
            *bytes += received.weight();
            if exchange.replies.len() < FEW_REPLIES {
                // Most commands have one reply or two, and there are many of them.
                exchange.replies.reserve_exact(1);
            }
            exchange.replies.push(received);
        });
        self.replies_dropped += dropped;
    }

    /// A line of the server that was no reply.
    pub(super) fn add_malformed(&mut self, index: usize, stamp: Stamp, line: &[u8]) {
        let most = self.most_malformed;
        let mut dropped = 0;
        self.edit(index, |exchange, bytes| {
            if exchange.malformed.len() < most {
                let kept = (stamp, line.to_vec());
                *bytes += kept.weight();
                // There are few, and seldom any.
                let mut lines = std::mem::take(&mut exchange.malformed).into_vec();
                lines.push(kept);
                exchange.malformed = lines.into();
            } else {
                dropped = 1;
            }
        });
        self.malformed_dropped += dropped;
    }

    /// Bytes they hold.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives up the oldest until `excess` bytes are free, or nearly none are left.
    pub(super) fn shed(&mut self, excess: usize) {
        let target = self.bytes.saturating_sub(excess);
        while self.bytes > target && self.list.len() > NEWEST {
            self.drop_oldest();
            self.shed += 1;
        }
    }

    pub(super) fn any_reply(&self) -> bool {
        self.base > 0 || self.list.iter().any(|exchange| !exchange.replies.is_empty())
    }

    pub(super) fn take_before(&mut self, index: usize) -> VecDeque<Exchange> {
        let count = index.saturating_sub(self.base).min(self.list.len());
        let gone: usize = self.list.iter().take(count).map(Exchange::weight).sum();
        self.bytes = self.bytes.saturating_sub(gone);
        self.base += count;
        if count == self.list.len() {
            // Its memory goes, too: most sessions that are open say nothing for long.
            return std::mem::take(&mut self.list);
        }
        self.list.drain(..count).collect()
    }

    pub(super) fn copied(&self) -> Vec<Exchange> {
        self.list.iter().cloned().collect()
    }

    pub(super) fn into_list(mut self) -> Vec<Exchange> {
        self.list.shrink_to_fit();
        self.list.into()
    }

    fn edit(&mut self, index: usize, change: impl FnOnce(&mut Exchange, &mut usize)) {
        let at = index.checked_sub(self.base);
        if let Some(exchange) = at.and_then(|at| self.list.get_mut(at)) {
            change(exchange, &mut self.bytes);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.list.pop_front() {
            self.bytes = self.bytes.saturating_sub(oldest.weight());
            self.base += 1;
        }
    }
}
