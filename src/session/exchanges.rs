//! The exchanges of a session.

use std::collections::VecDeque;

use super::Exchange;

/// Exchanges by their number in the session; those at the front may have left already.
#[derive(Debug)]
pub(super) struct Exchanges {
    list: VecDeque<Exchange>,
    base: usize,
    most: usize,
    pub(super) dropped: u64,
}

impl Exchanges {
    pub(super) fn new(most: usize) -> Self {
        Self { list: VecDeque::new(), base: 0, most, dropped: 0 }
    }

    pub(super) fn add(&mut self, exchange: Exchange) -> usize {
        if self.list.len() >= self.most {
            self.list.pop_front();
            self.base += 1;
            self.dropped += 1;
        }
        self.list.push_back(exchange);
        self.base + self.list.len() - 1
    }

    /// One that no command began.
    pub(super) fn unasked(&mut self, cwd: &[u8]) -> usize {
        let (replies, malformed) = (Vec::new(), Vec::new());
        self.add(Exchange { sent: None, replies, malformed, cwd: cwd.to_vec(), transfer: None })
    }

    pub(super) fn at(&mut self, index: usize) -> Option<&mut Exchange> {
        self.list.get_mut(index.checked_sub(self.base)?)
    }

    pub(super) fn any_reply(&self) -> bool {
        self.base > 0 || self.list.iter().any(|exchange| !exchange.replies.is_empty())
    }

    pub(super) fn take_before(&mut self, index: usize) -> impl Iterator<Item = Exchange> {
        let count = index.saturating_sub(self.base).min(self.list.len());
        self.base += count;
        self.list.drain(..count)
    }

    pub(super) fn into_list(self) -> Vec<Exchange> {
        self.list.into()
    }
}
