//! A TCP segment and the connection it belongs to.

use std::fmt;
use std::net::IpAddr;

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use crate::time::Stamp;

/// One TCP segment; the payload is lent from the frame.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub stamp: Stamp,
    pub src: Endpoint,
    pub dst: Endpoint,
    pub seq: SeqNum,
    /// Meaningful only with [`Flags::ACK`].
    pub ack: SeqNum,
    pub flags: Flags,
    /// As it stands in the header, not scaled (RFC 7323 §2.3).
    pub window: u16,
    /// Hops the packet had left where it was captured (IPv4 time to live, IPv6 hop limit).
    pub ttl: u8,
    /// The IPv4 identification: a retransmission gets a new one, a second copy of the same packet
    /// has the same. `None` over IPv6.
    pub ident: Option<u16>,
    /// The IPv4 header with its options; empty over IPv6, which has no sum of its own.
    pub ip_header: &'a [u8],
    /// The TCP header with its options.
    pub header: &'a [u8],
    /// What the capture holds of the payload; shorter than `wire_len` in a snaplen-cut packet.
    pub payload: &'a [u8],
    /// Octets of payload the packet had on the wire.
    pub wire_len: u32,
}

impl Segment<'_> {
    /// What the options of a SYN offer: the largest segment its sender takes, and a window scale
    /// (RFC 9293 §3.2, RFC 7323 §2.2).
    pub fn offers(&self) -> (Option<u16>, Option<u8>) {
        let options = self.header.get(20..).unwrap_or_default();
        let (mut mss, mut scale) = (None, None);
        for option in TcpOptionsIterator::from_slice(options).map_while(Result::ok) {
            match option {
                TcpOptionElement::MaximumSegmentSize(octets) => mss = Some(octets),
                TcpOptionElement::WindowScale(bits) => scale = Some(bits.min(MOST_SCALE)),
                _ => {}
            }
        }
        (mss, scale)
    }
}

/// RFC 7323 §2.3.
const MOST_SCALE: u8 = 14;

/// One end of a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint {
    pub ip: Host,
    pub port: u16,
}

/// An address in the network where it means something: two customers of one tunnel endpoint may
/// have the same private addresses.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Host {
    pub net: Net,
    pub addr: IpAddr,
}

/// Number of the tunnel a packet was captured in, in the order of their first packets; 0 is outside
/// of any.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Net(pub u16);

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(out)
    }
}

/// An address outside of any tunnel.
impl<T: Into<IpAddr>> From<T> for Host {
    fn from(addr: T) -> Self {
        Self { net: Net::default(), addr: addr.into() }
    }
}

/// `192.0.2.1:21`, `[2001:db8::1]:21`.
impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip.addr {
            IpAddr::V4(ip) => write!(out, "{ip}:{}", self.port),
            IpAddr::V6(ip) => write!(out, "[{ip}]:{}", self.port),
        }
    }
}

/// A pair of endpoints, the same for both directions: the key of the connection table.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlowKey {
    low: u128,
    high: u128,
    /// The network and both ports: one number, as every packet's key is hashed.
    rest: u64,
}

impl FlowKey {
    /// The key, and whether `src` is its lower end.
    pub fn of(src: Endpoint, dst: Endpoint) -> (Self, bool) {
        let (a, b) = ((bits(src.ip.addr), src.port), (bits(dst.ip.addr), dst.port));
        let forward = a <= b;
        let (low, high) = if forward { (a, b) } else { (b, a) };
        let rest = u64::from(src.ip.net.0) << 32 | u64::from(low.1) << 16 | u64::from(high.1);
        (Self { low: low.0, high: high.0, rest }, forward)
    }
}

/// IPv4 as its IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), which no host uses on the wire.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => 0xffff_0000_0000 | u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// A TCP sequence number: a position on a ring of 2³² octets (RFC 9293 §3.4).
///
/// Deliberately not `Ord`: on a ring "less than" only means something relative
/// to a base, so comparison goes through [`distance_from`](Self::distance_from).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SeqNum(pub u32);

impl SeqNum {
    /// Octets from `base` to `self`, in `-2³¹..2³¹`; negative is "before".
    pub fn distance_from(self, base: Self) -> i64 {
        i64::from(self.0.wrapping_sub(base.0).cast_signed())
    }

    /// The position `octets` further on.
    pub fn plus(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }
}

/// The control bits of a TCP header (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Flags(pub u8);

impl Flags {
    pub const FIN: Self = Self(0x01);
    pub const SYN: Self = Self(0x02);
    pub const RST: Self = Self(0x04);
    pub const PSH: Self = Self(0x08);
    pub const ACK: Self = Self(0x10);
    pub const URG: Self = Self(0x20);

    /// Whether all bits of `wanted` are set.
    pub fn has(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        let end = |ip: &str, port| Endpoint { ip: ip.parse::<IpAddr>().unwrap().into(), port };
        for (a, b) in [
            (end("10.0.0.1", 40000), end("10.0.0.2", 21)),
            (end("10.0.0.1", 21), end("10.0.0.1", 40000)),
            (end("2001:db8::1", 20), end("2001:db8::2", 20)),
        ] {
            let ((there, forward), (back, backward)) = (FlowKey::of(a, b), FlowKey::of(b, a));
            assert_eq!(there, back);
            assert_ne!(forward, backward);
        }
    }

    #[test]
    fn distance_crosses_the_wrap_in_both_directions() {
        assert_eq!(SeqNum(5).distance_from(SeqNum(u32::MAX - 4)), 10);
        assert_eq!(SeqNum(u32::MAX - 4).distance_from(SeqNum(5)), -10);
    }
}
