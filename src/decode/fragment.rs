//! A piece of an IP datagram, as its header describes it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Net, Why};

/// What the pieces of one datagram have in common (RFC 791 §3.2, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    net: Net,
    src: IpAddr,
    dst: IpAddr,
    ident: u32,
    /// IPv4 counts its identifications by protocol; 0 in IPv6.
    protocol: u8,
}

/// One piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    /// The IP header with its options, or with the extensions that are in every fragment.
    pub(super) head: &'a [u8],
    /// What the datagram carries.
    pub(super) protocol: u8,
    /// Where in `head` that is said.
    pub(super) protocol_at: usize,
    /// Octets of the datagram in front of these.
    pub(super) start: usize,
    /// Octets of the datagram up to the end of these; beyond `start`.
    pub(super) end: usize,
    pub(super) is_last: bool,
    /// What the capture holds of them.
    pub(super) bytes: &'a [u8],
}

/// Reads an IP packet that is known to be a fragment.
pub(super) fn parse(packet: &[u8], net: Net) -> Result<Fragment<'_>, Why> {
    match packet.first().map(|first| first >> 4) {
        Some(4) => v4(packet, net),
        _ => v6(packet, net),
    }
}

fn v4(packet: &[u8], net: Net) -> Result<Fragment<'_>, Why> {
    let fixed = packet.first_chunk::<20>().ok_or(Why::HeaderCut)?;
    let [first, _, len_a, len_b, id_a, id_b, at_a, at_b, _, protocol, ..] = *fixed;
    let (head, payload) =
        packet.split_at_checked(usize::from(first & 0x0f) * 4).ok_or(Why::HeaderCut)?;
    let len = usize::from(u16::from_be_bytes([len_a, len_b]));
    let len = len.checked_sub(head.len()).ok_or(Why::IpFragmentInvalid)?;
    let place = u16::from_be_bytes([at_a, at_b]);
    let is_last = place & 0x2000 == 0;
    // Receivers take whole units of eight from a fragment that has others behind it.
    let len = if is_last { len } else { len & !7 };
    let address = |at: usize| {
        let octets = fixed.get(at..).and_then(|rest| rest.first_chunk::<4>());
        IpAddr::from(Ipv4Addr::from(octets.copied().unwrap_or_default()))
    };
    let key = Key {
        net,
        src: address(12),
        dst: address(16),
        ident: u16::from_be_bytes([id_a, id_b]).into(),
        protocol,
    };
    Fragment { key, head, protocol, protocol_at: 9, start: 0, end: len, is_last, bytes: payload }
        .at(place & 0x1fff, 0xffff - head.len())
}

/// Steps over the extensions in front of the fragment header (RFC 8200 §4.5).
fn v6(packet: &[u8], net: Net) -> Result<Fragment<'_>, Why> {
    let fixed = packet.first_chunk::<40>().ok_or(Why::HeaderCut)?;
    let len = 40 + usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
    let address = |at: usize| {
        let octets = fixed.get(at..).and_then(|rest| rest.first_chunk::<16>());
        IpAddr::from(Ipv6Addr::from(octets.copied().unwrap_or_default()))
    };
    let (mut next, mut protocol_at, mut at) = (fixed[6], 6, 40);
    while matches!(next, HOP_BY_HOP | ROUTING | DESTINATION) {
        let [following, units] = extension(packet, at)?;
        (next, protocol_at, at) = (following, at, at + (usize::from(units) + 1) * 8);
    }
    let (head, rest) = packet.split_at_checked(at).ok_or(Why::HeaderCut)?;
    let ([protocol, _, at_a, at_b, ident @ ..], payload) =
        rest.split_first_chunk::<8>().ok_or(Why::HeaderCut)?;
    if next != FRAGMENT {
        return Err(Why::IpHeaderInvalid);
    }
    let place = u16::from_be_bytes([*at_a, *at_b]);
    let is_last = place & 1 == 0;
    let len = len.checked_sub(head.len() + 8).ok_or(Why::IpFragmentInvalid)?;
    if !is_last && len % 8 != 0 {
        return Err(Why::IpFragmentInvalid);
    }
    let key = Key {
        net,
        src: address(8),
        dst: address(24),
        ident: u32::from_be_bytes(*ident),
        protocol: 0,
    };
    let protocol = *protocol;
    Fragment { key, head, protocol, protocol_at, start: 0, end: len, is_last, bytes: payload }
        .at(place >> 3, 0xffff - (head.len() - 40))
}

fn extension(packet: &[u8], at: usize) -> Result<[u8; 2], Why> {
    packet.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Why::HeaderCut)
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;

impl Fragment<'_> {
    /// Moves it to its place, in units of eight; `most` is what a datagram can carry.
    fn at(self, units: u16, most: usize) -> Result<Self, Why> {
        let start = usize::from(units) * 8;
        let end = start + self.end;
        if start == end || end > most {
            return Err(Why::IpFragmentInvalid);
        }
        // What follows is the link's padding.
        let bytes = self.bytes.get(..end - start).unwrap_or(self.bytes);
        Ok(Self { start, end, bytes, ..self })
    }
}
