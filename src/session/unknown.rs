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
            candidate: None,
            reserved: None,
        }
    }

    /// Takes an event; the verdict may be clear after it.
    pub fn handle(&mut self, event: &ConnEvent<'_>) {
        self.held.push(Held::of(event));
        if let (ConnEvent::Data { dir, bytes, .. }, Sniffed::Unclear) = (event, self.verdict) {
            self.verdict = self.sniffer.handle(*dir, bytes);
        }
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

    fn as_event(&self) -> ConnEvent<'_> {
        match self {
            Self::Data { dir, offset, bytes, mark } => {
                ConnEvent::Data { dir: *dir, offset: *offset, bytes, mark: *mark }
            }
            Self::Other(event) => *event,
        }
    }
}
