//! A connection before anyone knows what it is.

use super::SessionId;
use super::promise::DataId;
use super::sniff::{Sniffed, Sniffer};
use crate::tcp::{ConnEvent, Dir, Mark};

/// A connection that is not understood yet: what was said on it is kept until it is.
#[derive(Debug)]
pub struct Unknown {
    pub sniffer: Sniffer,
    pub verdict: Sniffed,
    held: Vec<Held>,
    bytes: usize,
    /// It may be a data connection.
    pub candidate: Option<DataId>,
    /// It is on a port of FTP.
    pub reserved: Option<SessionId>,
}

/// An event that waits for its connection's role.
#[derive(Debug)]
enum Held {
    Data { dir: Dir, offset: u64, bytes: Vec<u8>, mark: Mark },
    Other(ConnEvent<'static>),
}

impl Unknown {
    pub fn new(sniffer: Sniffer) -> Self {
        Self {
            sniffer,
            verdict: Sniffed::Unclear,
            held: Vec::new(),
            bytes: 0,
            candidate: None,
            reserved: None,
        }
    }

    /// Takes an event; the verdict may be clear after it.
    pub fn handle(&mut self, event: &ConnEvent<'_>) {
        if !self.widens_gap(event) {
            let held = Held::of(event);
            self.bytes += held.weight();
            self.held.push(held);
        }
        if let (ConnEvent::Data { dir, bytes, .. }, Sniffed::Unclear) = (event, self.verdict) {
            self.verdict = self.sniffer.handle(*dir, bytes);
        }
    }

    /// Decides by what the port says, as no more can be held.
    pub fn give_up(&mut self) {
        self.verdict = self.sniffer.at_last();
    }

    /// Bytes it holds.
    pub fn weight(&self) -> usize {
        self.bytes
    }

    /// Takes a gap that follows a gap.
    fn widens_gap(&mut self, event: &ConnEvent<'_>) -> bool {
        if let ConnEvent::Gap { dir, offset, len, .. } = event
            && let Some(Held::Other(ConnEvent::Gap { dir: held, offset: from, len: known, .. })) =
                self.held.last_mut()
            && held == dir
            && *from + *known == *offset
        {
            *known += len;
            return true;
        }
        false
    }

    /// Everything that was said, in order; it is forgotten here.
    pub fn replay(&mut self, mut out: impl FnMut(&ConnEvent<'_>)) {
        for held in std::mem::take(&mut self.held) {
            out(&held.as_event());
        }
    }
}

impl Held {
    fn of(event: &ConnEvent<'_>) -> Self {
        Self::Other(match *event {
            ConnEvent::Data { dir, offset, bytes, mark } => {
                return Self::Data { dir, offset, bytes: bytes.to_vec(), mark };
            }
            ConnEvent::Gap { dir, offset, len, mark } => ConnEvent::Gap { dir, offset, len, mark },
            ConnEvent::Fin { dir, stamp } => ConnEvent::Fin { dir, stamp },
            ConnEvent::Reset { dir, stamp } => ConnEvent::Reset { dir, stamp },
        })
    }

    fn weight(&self) -> usize {
        let bytes = if let Self::Data { bytes, .. } = self { bytes.len() } else { 0 };
        // The sniffer heard them, too.
        size_of::<Self>() + 2 * bytes
    }

    fn as_event(&self) -> ConnEvent<'_> {
        match self {
            Self::Data { dir, offset, bytes, mark } => {
                ConnEvent::Data { dir: *dir, offset: *offset, bytes, mark: *mark }
            }
            Self::Other(event) => *event,
        }
    }
}
