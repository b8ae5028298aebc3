//! Results for two.

use super::{Collector, Keeper};
use crate::decode::{Net, Tunnel};
use crate::session::Session;
use crate::transfer::{Attempt, Orphan, Transfer};

/// Gives everything to a collector that makes something of it, and a copy of what belongs together
/// later to one that keeps it.
pub struct Tee<'a, C>(pub &'a mut C, pub &'a mut Keeper);

impl<C: Collector> Collector for Tee<'_, C> {
    fn tunnel(&mut self, outer: Net, tunnel: Tunnel) {
        self.0.tunnel(outer, tunnel);
    }

    fn transfer(&mut self, transfer: Transfer) {
        self.1.transfer(transfer.clone());
        self.0.transfer(transfer);
    }

    fn session(&mut self, session: Session) {
        self.1.session(session.clone());
        self.0.session(session);
    }

    fn orphan(&mut self, orphan: Orphan) {
        self.0.orphan(orphan);
    }

    fn attempt(&mut self, attempt: Attempt) {
        self.0.attempt(attempt);
    }
}
