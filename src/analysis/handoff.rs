//! Results on their way to another thread.

use std::thread;

use crossbeam_channel::{Sender, bounded};

use super::Collector;
use crate::decode::{Net, Tunnel};
use crate::session::{Exchange, Session, SessionId, Weight};
use crate::transfer::{Attempt, Orphan, Transfer};

/// Does `work`, whose results `out` takes in a thread of its own, in the order in which they become
/// final. What is under way is bounded: `work` waits for an `out` that is slower.
pub fn collect_beside<C: Collector + Send, R>(
    out: &mut C,
    work: impl FnOnce(&mut dyn Collector) -> R,
) -> R {
    let wants_exchanges = out.wants_exchanges();
    thread::scope(|scope| {
        let (to, results) = bounded::<Vec<Told>>(BATCHES);
        let taker = scope.spawn(move || {
            results.into_iter().flatten().for_each(|told| told.tell(out));
        });
        let mut handoff = Handoff { to, batch: Vec::new(), bytes: 0, wants_exchanges };
        let result = work(&mut handoff);
        handoff.hand_over();
        drop(handoff);
        if let Err(panic) = taker.join() {
            std::panic::resume_unwind(panic);
        }
        result
    })
}

struct Handoff {
    to: Sender<Vec<Told>>,
    batch: Vec<Told>,
    bytes: usize,
    wants_exchanges: bool,
}

enum Told {
    Exchange(SessionId, Exchange),
    Tunnel(Net, Tunnel),
    Transfer(Box<Transfer>),
    Session(Box<Session>),
    Orphan(Box<Orphan>),
    Attempt(Box<Attempt>),
}

/// Waking the other thread costs as much as a few results.
const BATCH: usize = 128;
const BATCH_BYTES: usize = 256 << 10;
/// Batches under way at once.
const BATCHES: usize = 4;

impl Handoff {
    fn take(&mut self, told: Told, bytes: usize) {
        self.batch.push(told);
        self.bytes += bytes;
        if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        self.bytes = 0;
        let next = Vec::with_capacity(BATCH);
        // The other end goes first only if it panics, which its thread tells.
        let _ = self.to.send(std::mem::replace(&mut self.batch, next));
    }
}

impl Collector for Handoff {
    fn wants_exchanges(&self) -> bool {
        self.wants_exchanges
    }

    fn looks(&self) -> bool {
        true
    }

    fn exchange(&mut self, session: SessionId, exchange: Exchange) {
        let bytes = exchange.weight();
        self.take(Told::Exchange(session, exchange), bytes);
    }

    fn tunnel(&mut self, outer: Net, tunnel: Tunnel) {
        self.take(Told::Tunnel(outer, tunnel), size_of::<Tunnel>());
    }

    fn transfer(&mut self, transfer: Transfer) {
        let bytes = transfer.weight();
        self.take(Told::Transfer(Box::new(transfer)), bytes);
    }

    fn session(&mut self, session: Session) {
        let bytes = session.weight();
        self.take(Told::Session(Box::new(session)), bytes);
    }

    fn orphan(&mut self, orphan: Orphan) {
        let bytes = orphan.weight();
        self.take(Told::Orphan(Box::new(orphan)), bytes);
    }

    fn attempt(&mut self, attempt: Attempt) {
        self.take(Told::Attempt(Box::new(attempt)), size_of::<Attempt>());
    }
}

impl Told {
    fn tell(self, out: &mut impl Collector) {
        match self {
            Self::Exchange(session, exchange) => out.exchange(session, exchange),
            Self::Tunnel(outer, tunnel) => out.tunnel(outer, tunnel),
            Self::Transfer(mut transfer) => {
                transfer.look();
                out.transfer(*transfer);
            }
            Self::Session(session) => out.session(*session),
            Self::Orphan(orphan) => out.orphan(*orphan),
            Self::Attempt(attempt) => out.attempt(*attempt),
        }
    }
}
