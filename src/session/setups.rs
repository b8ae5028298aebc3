//! How the next data connections are to be made.

use super::TransferId;
use super::promise::{DataId, Link};
use super::request::{Method, Setup};
use super::story::Effect;
use crate::decode::Endpoint;
use crate::ftp::{Command, Verb};
use crate::time::Stamp;

/// The setups of a session that a transfer may still use, in the order they were asked for.
#[derive(Debug)]
pub(super) struct Setups {
    list: Vec<OpenSetup>,
    last: u32,
    most: usize,
    /// Setups given up because there were too many.
    pub(super) overflows: u64,
}

#[derive(Debug)]
pub(super) struct OpenSetup {
    pub(super) id: u32,
    /// Of the command that asked for it.
    exchange: usize,
    pub(super) setup: Setup,
    pub(super) taken_by: Option<TransferId>,
}

impl Setups {
    /// Remembers at most `most`: the last one, and those that pipelined commands took.
    pub(super) fn new(most: usize) -> Self {
        Self { list: Vec::new(), last: 0, most, overflows: 0 }
    }

    /// A command asks for a new setup. The ones before it are replaced, but for those that a
    /// transfer still waits for.
    pub(super) fn begin(
        &mut self,
        exchange: usize,
        command: &Command,
        stamp: Stamp,
        is_waited_for: impl Fn(TransferId) -> bool,
        effects: &mut Vec<Effect>,
    ) {
        let is_done = |open: &mut OpenSetup| !open.taken_by.is_some_and(&is_waited_for);
        for done in self.list.extract_if(.., is_done) {
            effects.extend(done.withdrawal());
        }
        self.make_room(effects);
        let method = match command.verb {
            Verb::Port | Verb::Eprt | Verb::Lprt => Method::Active,
            _ => Method::Passive,
        };
        let setup =
            Setup { command: command.known_name(), stamp: Some(stamp), ..Setup::none(method) };
        let id = self.number();
        self.list.push(OpenSetup { id, exchange, setup, taken_by: None });
    }

    /// The address of the setup that an exchange asked for is known.
    pub(super) fn announce(
        &mut self,
        exchange: usize,
        address: Endpoint,
        stamp: Stamp,
    ) -> Option<&OpenSetup> {
        let open = self.list.iter_mut().find(|open| open.exchange == exchange)?;
        open.setup.announced = Some(address);
        open.setup.stamp = Some(stamp);
        Some(open)
    }

    /// The setup a new transfer uses: the last one asked for, if no other transfer has used it.
    /// A PORT stays in force until another (RFC 959 §3.2).
    pub(super) fn choose(
        &mut self,
        transfer: TransferId,
        from_start: bool,
        effects: &mut Vec<Effect>,
    ) -> (u32, Setup) {
        if let Some(open) = self.list.last_mut().filter(|open| open.taken_by.is_none()) {
            open.taken_by = Some(transfer);
            return (open.id, open.setup.clone());
        }
        let id = self.number();
        let standing = self.list.last().filter(|open| open.setup.method == Method::Active);
        if let Some(standing) = standing
            && let (Some(address), Some(stamp)) = (standing.setup.announced, standing.setup.stamp)
        {
            let setup = Setup { link: None, rival: None, ..standing.setup.clone() };
            let (method, exchange) = (setup.method, standing.exchange);
            effects.extend(standing.withdrawal());
            effects.push(Effect::Announce { setup: id, method, address, stamp });
            let taken_by = Some(transfer);
            self.make_room(effects);
            self.list.push(OpenSetup { id, exchange, setup: setup.clone(), taken_by });
            return (id, setup);
        }
        let is_known = from_start || !self.list.is_empty();
        (id, Setup::none(if is_known { Method::Default } else { Method::Unknown }))
    }

    /// The transfer was refused: what was set up for it is still there for the next. False if
    /// nothing was, or not any more.
    pub(super) fn release(&mut self, transfer: TransferId) -> bool {
        let taken = self.list.iter_mut().find(|open| open.taken_by == Some(transfer));
        taken.map(|open| open.taken_by = None).is_some()
    }

    /// The command that asked for it was refused. Returns the transfer that was pipelined behind
    /// it.
    pub(super) fn refuse(
        &mut self,
        exchange: usize,
        effects: &mut Vec<Effect>,
    ) -> Option<TransferId> {
        let at = self.list.iter().position(|open| open.exchange == exchange)?;
        let refused = self.list.remove(at);
        effects.extend(refused.withdrawal());
        refused.taken_by
    }

    /// Writes down the connection that fulfils a setup; returns the one that is given up, or `None`
    /// if there is no such setup any more.
    pub(super) fn link(&mut self, id: u32, link: Link) -> Option<Option<DataId>> {
        let open = self.list.iter_mut().find(|open| open.id == id)?;
        Some(open.setup.give(link))
    }

    /// The session is over.
    pub(super) fn finish(&mut self, effects: &mut Vec<Effect>) {
        for open in self.list.drain(..) {
            effects.extend(open.withdrawal());
        }
    }

    fn make_room(&mut self, effects: &mut Vec<Effect>) {
        while self.list.len() >= self.most {
            effects.extend(self.list.remove(0).withdrawal());
            self.overflows += 1;
        }
    }

    fn number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }
}

impl OpenSetup {
    fn withdrawal(&self) -> impl Iterator<Item = Effect> + use<> {
        let links = self.setup.link.into_iter().chain(self.setup.rival.as_deref().copied());
        let unused: Vec<_> = links.filter(|_| self.taken_by.is_none()).collect();
        let abandon = unused.into_iter().map(|link| Effect::Abandon { data: link.data });
        let withdraw = self.setup.announced.map(|_| Effect::Withdraw { setup: self.id });
        withdraw.into_iter().chain(abandon)
    }
}
