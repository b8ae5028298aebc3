//! Tunnels: which network an address belongs to.
//!
//! A tunnel is told by its kind and the number the protocol gives its network, where there is one:
//! the outer addresses of one network change with the direction, the path and the redundancy of
//! its ends. Where there is none, by the outer addresses in either order. A tunnel in a tunnel is
//! another network than the same tunnel outside of it. VLAN tags and MPLS labels are no tunnels:
//! labels differ between the directions, and a routed packet is often captured in two VLANs.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;

use super::{Net, Why};
use crate::limits::Limits;

/// One tunnel, whatever the direction.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Tunnel {
    kind: &'static str,
    /// In order.
    ends: Option<[IpAddr; 2]>,
    /// The network's number, or the key between the ends.
    id: Option<u32>,
}

impl Tunnel {
    /// A tunnel whose protocol numbers its networks.
    pub(super) fn numbered(kind: &'static str, id: u32) -> Self {
        Self { kind, ends: None, id: Some(id) }
    }

    /// A tunnel between two hosts.
    pub(super) fn between(kind: &'static str, (a, b): (IpAddr, IpAddr), key: Option<u32>) -> Self {
        Self { kind, ends: Some([a.min(b), a.max(b)]), id: key }
    }
}

/// `vxlan 42`, `gre 192.0.2.1 192.0.2.2 key 7`.
impl fmt::Display for Tunnel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind)?;
        if let Some([a, b]) = self.ends {
            write!(out, " {a} {b}")?;
        }
        match (self.id, self.ends) {
            (Some(key), Some(_)) => write!(out, " key {key}"),
            (Some(id), None) => write!(out, " {id}"),
            (None, _) => Ok(()),
        }
    }
}

/// The tunnels of a capture, in the order of their first packets.
#[derive(Clone, Debug, Default)]
pub struct Tunnels(Vec<(Net, Tunnel)>);

impl Tunnels {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The network of this number with the one it lies in.
    pub fn get(&self, net: Net) -> Option<(Net, Tunnel)> {
        self.0.get(usize::from(net.0).checked_sub(1)?).copied()
    }

    /// Adds the next.
    pub fn push(&mut self, outer: Net, tunnel: Tunnel) {
        self.0.push((outer, tunnel));
    }

    /// What a reader calls the network, the outermost tunnel first; `None` outside of any.
    pub fn name(&self, net: Net) -> Option<String> {
        let (outer, tunnel) = self.get(net)?;
        Some(match self.name(outer) {
            Some(outer) => format!("{outer} / {tunnel}"),
            None => tunnel.to_string(),
        })
    }

    fn depth(&self, net: Net) -> usize {
        self.get(net).map_or(0, |(outer, _)| 1 + self.depth(outer))
    }
}

/// Gives tunnels their numbers.
#[derive(Debug)]
pub(super) struct Registry {
    numbers: HashMap<(Net, Tunnel), Net, ahash::RandomState>,
    pub(super) known: Tunnels,
    most: u16,
    most_depth: usize,
    /// Packets in tunnels beyond the most, and in too many of them.
    pub(super) too_many: u64,
    pub(super) too_deep: u64,
}

impl Registry {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            numbers: HashMap::default(),
            known: Tunnels::default(),
            most: limits.tunnels,
            most_depth: limits.tunnel_depth,
            too_many: 0,
            too_deep: 0,
        }
    }

    /// The network inside of `tunnel`, which was met in the network `outer`.
    pub(super) fn enter(&mut self, outer: Net, tunnel: Tunnel) -> Result<Net, Why> {
        let next = match self.numbers.entry((outer, tunnel)) {
            Entry::Occupied(known) => return Ok(*known.get()),
            Entry::Vacant(next) => next,
        };
        if self.known.depth(outer) >= self.most_depth {
            self.too_deep += 1;
            return Err(Why::TunnelDepth);
        }
        let number = u16::try_from(self.known.len() + 1).unwrap_or(u16::MAX);
        if self.known.len() >= usize::from(self.most) {
            self.too_many += 1;
            return Err(Why::TunnelBeyondLimit);
        }
        self.known.push(outer, tunnel);
        Ok(*next.insert(Net(number)))
    }
}
