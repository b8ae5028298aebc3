//! Floor 2: frames → TCP segments.
//!
//! A [`Decoder`] peels the link header (one row of a table per link type), reads IP and TCP,
//! through tunnels and from fragments, and lends the payload on. What it does not understand is a
//! [`Why`], to be counted, never dropped in silence.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::unwrap_used, clippy::cast_possible_truncation)
)]

mod checksum;
mod defrag;
mod fragment;
mod icmp;
mod inside;
mod ip;
mod link;
mod mpls;
mod ordinary;
mod ppp;
mod segment;
mod tunnel;
mod why;
mod wlan;

pub use self::checksum::Checksum;
pub use self::defrag::FragmentFacts;
use self::defrag::Pool;
pub use self::icmp::{IcmpError, IcmpKind};
use self::ip::Carried;
use self::link::Layer;
pub use self::segment::{Endpoint, Flags, FlowKey, Host, Net, Segment, SeqNum};
use self::tunnel::Registry;
pub use self::tunnel::{Tunnel, Tunnels};
pub use self::why::Why;
use crate::capture::Frame;
use crate::limits::Limits;

/// What one frame turned out to be.
#[derive(Debug)]
pub enum Decoded<'a> {
    Tcp(Segment<'a>),
    /// A piece of an IP datagram, held until the rest has come. The frame that completes it is
    /// what the datagram is.
    Fragment,
    /// Says what became of a segment. Counted as [`Why::Icmp`] or [`Why::Icmpv6`] all the same.
    Icmp(IcmpError),
    Skipped(Why),
}

/// Finds the TCP segments in frames. Remembers the tunnels it met, and fragments until their
/// datagrams are whole.
#[derive(Debug)]
pub struct Decoder {
    tunnels: Registry,
    pool: Pool,
    /// Datagrams put together in the current frame: one for each IP header there may be.
    whole: Vec<Vec<u8>>,
}

impl Decoder {
    pub fn new(limits: &Limits) -> Self {
        Self {
            tunnels: Registry::new(limits),
            pool: Pool::new(limits),
            whole: vec![Vec::new(); limits.tunnel_depth + 1],
        }
    }

    /// Finds the TCP segment in a frame.
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Decoded<'a> {
        self.decode_with_tunnels(frame).0
    }

    /// The same, with the tunnels met so far: those of the segment are among them.
    pub fn decode_with_tunnels<'a>(&'a mut self, frame: &Frame<'a>) -> (Decoded<'a>, &'a Tunnels) {
        let Self { tunnels, pool, whole } = self;
        let decoded = match walk(frame, tunnels, pool, whole) {
            Ok(Walked::Tcp(segment)) => Decoded::Tcp(segment),
            Ok(Walked::Icmp(error)) => Decoded::Icmp(error),
            Ok(Walked::Waits) => Decoded::Fragment,
            Err(why) => Decoded::Skipped(why),
        };
        (decoded, &tunnels.known)
    }

    /// The tunnels met so far.
    pub fn tunnels(&self) -> &Tunnels {
        &self.tunnels.known
    }

    /// What fragments there were; those that still wait will wait for ever.
    pub fn finish(&mut self) -> FragmentFacts {
        self.pool.finish()
    }

    /// Bounds that were reached, and how often.
    pub fn limits_reached(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let tunnels = [("tunnels", self.tunnels.too_many), ("tunnel_depth", self.tunnels.too_deep)];
        tunnels.into_iter().chain(self.pool.limits_reached())
    }
}

/// What was found behind all headers.
enum Walked<'a> {
    Tcp(Segment<'a>),
    Icmp(IcmpError),
    /// A fragment that waits.
    Waits,
}

/// From the outermost header inwards.
fn walk<'a>(
    frame: &Frame<'a>,
    tunnels: &mut Registry,
    pool: &mut Pool,
    mut free: &'a mut [Vec<u8>],
) -> Result<Walked<'a>, Why> {
    let mut net = Net::default();
    // Octets of the innermost packet that only the frame's length tells of.
    let mut cut = (frame.wire_len as usize).saturating_sub(frame.bytes.len());
    let mut layer = Layer::Link(frame.link, frame.bytes);
    loop {
        let packet = link::find_ip(layer, &mut net, tunnels)?;
        layer = match ip::carried(packet, frame.stamp, net, cut)? {
            Carried::Tcp(segment) => return Ok(Walked::Tcp(segment)),
            Carried::Icmp(error) => return Ok(Walked::Icmp(error)),
            Carried::Tunnel(protocol, ends, payload) => {
                inside::layer(protocol, ends, payload, &mut net, tunnels)?
            }
            Carried::Fragment => {
                // At most one for each IP header there may be: an attacker could put headers of
                // fragments into one another.
                let Some((slot, rest)) = free.split_first_mut() else {
                    tunnels.too_deep += 1;
                    return Err(Why::TunnelDepth);
                };
                let Some(whole) = pool.push(frame.stamp, &fragment::parse(packet, net))? else {
                    return Ok(Walked::Waits);
                };
                *slot = whole;
                (free, cut) = (rest, 0);
                Layer::Ip(slot)
            }
        };
    }
}

#[cfg(test)]
mod tests;
