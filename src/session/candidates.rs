//! Connections that may yet be claimed.

use std::collections::BTreeSet;

use super::promise::{DataId, Peers, pair_of};
use crate::decode::{Endpoint, Host};

/// Connections no setup was given, to be found by where they lead: many may pile up, and looking
/// for one must not mean looking at all.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    all: BTreeSet<DataId>,
    by_listener: BTreeSet<(Endpoint, DataId)>,
    /// Those that came up, by their hosts.
    by_pair: BTreeSet<(Host, Host, DataId)>,
}

/// Candidates of one address, or between two hosts, that are looked at, the newest. They compete
/// for one announcement; a client dials once, or a few times.
const LOOKED_AT: usize = 256;

impl Candidates {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn add(&mut self, data: DataId, peers: &Peers, is_up: bool) {
        self.all.insert(data);
        self.by_listener.extend(peers.listeners().map(|(listener, _)| (listener, data)));
        if is_up {
            self.note_up(data, peers);
        }
    }

    pub(super) fn note_up(&mut self, data: DataId, peers: &Peers) {
        if self.all.contains(&data) {
            let (a, b) = pair_of(peers.originator.ip, peers.responder.ip);
            self.by_pair.insert((a, b, data));
        }
    }

    pub(super) fn remove(&mut self, data: DataId, peers: &Peers) {
        if self.all.remove(&data) {
            for (listener, _) in peers.listeners() {
                self.by_listener.remove(&(listener, data));
            }
            let (a, b) = pair_of(peers.originator.ip, peers.responder.ip);
            self.by_pair.remove(&(a, b, data));
        }
    }

    /// Those that lead to this address, the newest first.
    pub(super) fn dialled(&self, listener: Endpoint) -> impl Iterator<Item = DataId> {
        let range = (listener, DataId(0))..=(listener, DataId(u32::MAX));
        self.by_listener.range(range).rev().take(LOOKED_AT).map(|(_, data)| *data)
    }

    /// Those that came up between these hosts, the newest first.
    pub(super) fn between(&self, a: Host, b: Host) -> impl Iterator<Item = DataId> {
        let (a, b) = pair_of(a, b);
        let range = (a, b, DataId(0))..=(a, b, DataId(u32::MAX));
        self.by_pair.range(range).rev().take(LOOKED_AT).map(|(.., data)| *data)
    }
}
