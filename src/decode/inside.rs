//! What tunnels carry: from the payload of an IP packet to the layer inside.

use std::net::IpAddr;

use super::link::Layer;
use super::tunnel::{Registry, Tunnel};
use super::{Net, Why};

pub(super) const IPIP: u8 = 4;
pub(super) const UDP: u8 = 17;
pub(super) const IPV6: u8 = 41;
pub(super) const GRE: u8 = 47;

/// The outer addresses, source first.
pub(super) type Ends = (IpAddr, IpAddr);

/// Enters the tunnel that `payload` is, by its IP protocol number.
pub(super) fn layer<'a>(
    protocol: u8,
    ends: Ends,
    payload: &'a [u8],
    net: &mut Net,
    tunnels: &mut Registry,
) -> Result<Layer<'a>, Why> {
    let (tunnel, layer) = match (protocol, ends.0) {
        (IPIP, IpAddr::V4(_)) => (between("ipip", ends), Layer::Ip(payload)),
        (IPIP, IpAddr::V6(_)) => (between("4in6", ends), Layer::Ip(payload)),
        (IPV6, IpAddr::V4(_)) => (between("6in4", ends), Layer::Ip(payload)),
        (IPV6, IpAddr::V6(_)) => (between("6in6", ends), Layer::Ip(payload)),
        (GRE, _) => gre(payload, ends)?,
        (UDP, _) => udp(payload).ok_or(Why::Udp)?,
        _ => return Err(Why::OtherIpProtocol(protocol)),
    };
    *net = tunnels.enter(*net, tunnel)?;
    Ok(layer)
}

fn between(kind: &'static str, ends: Ends) -> Tunnel {
    Tunnel::between(kind, ends, None)
}

type Entered<'a> = (Tunnel, Layer<'a>);

/// VXLAN and GENEVE. Any datagram may come to their ports: what is not to the letter of the
/// specification is not read.
fn udp(datagram: &[u8]) -> Option<Entered<'_>> {
    let (header, payload) = datagram.split_first_chunk::<8>()?;
    match u16::from_be_bytes([header[2], header[3]]) {
        // 8472 is what Linux used before the number was assigned, and still does by default.
        4789 | 8472 => vxlan(payload),
        6081 => geneve(payload),
        _ => None,
    }
}

/// RFC 7348 §5; the bits of the group policy extension (draft-smith-vxlan-group-policy) may be
/// set too.
fn vxlan(payload: &[u8]) -> Option<Entered<'_>> {
    let ([flags, policy, group_a, group_b, a, b, c, reserved], frame) =
        payload.split_first_chunk::<8>()?;
    let has_group = flags & 0x80 != 0;
    let is_clean = if has_group {
        policy & !0x48 == 0
    } else {
        [policy, group_a, group_b].iter().all(|octet| **octet == 0)
    };
    let is_vxlan = flags & 0x7f == 0x08 && *reserved == 0 && is_clean;
    let vni = u32::from_be_bytes([0, *a, *b, *c]);
    is_vxlan.then(|| (Tunnel::numbered("vxlan", vni), Layer::Ethernet(frame)))
}

/// RFC 8926 §3.4.
fn geneve(payload: &[u8]) -> Option<Entered<'_>> {
    let ([version, flags, kind_a, kind_b, a, b, c, reserved], rest) =
        payload.split_first_chunk::<8>()?;
    let options = usize::from(version & 0x3f) * 4;
    let is_geneve = version & 0xc0 == 0 && flags & 0x3f == 0 && *reserved == 0;
    let rest = rest.get(options..).filter(|_| is_geneve)?;
    let layer = match u16::from_be_bytes([*kind_a, *kind_b]) {
        BRIDGED => Layer::Ethernet(rest),
        kind @ (0x0800 | 0x86dd) => Layer::Typed(kind, rest),
        _ => return None,
    };
    Some((Tunnel::numbered("geneve", u32::from_be_bytes([0, *a, *b, *c])), layer))
}

/// Transparent Ethernet bridging.
const BRIDGED: u16 = 0x6558;

/// GRE (RFC 2784, 2890; the routing field is of RFC 1701), and its version 1 (RFC 2637).
fn gre(packet: &[u8], ends: Ends) -> Result<Entered<'_>, Why> {
    let ([flags, version, kind_a, kind_b], rest) =
        packet.split_first_chunk::<4>().ok_or(Why::HeaderCut)?;
    let kind = u16::from_be_bytes([*kind_a, *kind_b]);
    let mut fields = Fields(rest);
    let (has_key, has_sequence) = (flags & 0x20 != 0, flags & 0x10 != 0);
    match version & 0x07 {
        0 => {}
        // The call's number is the receiver's, so the directions have different ones; without a
        // sequence number there is no payload.
        1 if kind == PPP && has_key && has_sequence => {
            fields.word()?;
            fields.word()?;
            if version & 0x80 != 0 {
                fields.word()?;
            }
            return Ok((between("pptp", ends), Layer::Ppp(fields.0)));
        }
        _ => return Err(Why::Gre),
    }
    let has_routing = flags & 0x40 != 0;
    if flags & 0x80 != 0 || has_routing {
        fields.word()?;
    }
    let key = if has_key { Some(fields.word()?) } else { None };
    if has_sequence {
        fields.word()?;
    }
    if has_routing {
        fields.skip_routing()?;
    }
    let rest = fields.0;
    Ok(match kind {
        ERSPAN_3 => erspan_3(rest)?,
        ERSPAN if has_sequence => erspan_2(rest)?,
        // The first version has no header: nothing tells its sessions apart.
        ERSPAN => (between("erspan", ends), Layer::Ethernet(rest)),
        BRIDGED => (bridged(key, flags & 0x90 == 0, ends), Layer::Ethernet(rest)),
        PPP => (Tunnel::between("gre", ends, key), Layer::Ppp(rest)),
        // Version 2 of WCCP has a header of its own in front of the packet.
        WCCP if rest.first().is_some_and(|octet| octet >> 4 != 4) => {
            let packet = rest.get(4..).ok_or(Why::HeaderCut)?;
            (Tunnel::between("gre", ends, key), Layer::Ip(packet))
        }
        WCCP => (Tunnel::between("gre", ends, key), Layer::Ip(rest)),
        // Keepalives carry 0.
        0..=1500 => return Err(Why::Gre),
        kind => (Tunnel::between("gre", ends, key), Layer::Typed(kind, rest)),
    })
}

const PPP: u16 = 0x880b;
const WCCP: u16 = 0x883e;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;

/// NVGRE (RFC 7637 §3.2) looks like bridging with a key, but its key is a network of 24 bits and
/// eight bits that differ from flow to flow. Its networks up to 0xfff are reserved, keys given by
/// hand are small.
fn bridged(key: Option<u32>, is_plain: bool, ends: Ends) -> Tunnel {
    match key {
        Some(key) if is_plain && key >> 8 > 0xfff => Tunnel::numbered("nvgre", key >> 8),
        _ => Tunnel::between("gretap", ends, key),
    }
}

/// draft-foschiano-erspan §4.2.
fn erspan_2(packet: &[u8]) -> Result<Entered<'_>, Why> {
    let ([version, _, session_a, session_b, ..], frame) =
        packet.split_first_chunk::<8>().ok_or(Why::HeaderCut)?;
    if version >> 4 != 1 {
        return Err(Why::Gre);
    }
    Ok((erspan_session(*session_a, *session_b), Layer::Ethernet(frame)))
}

/// draft-foschiano-erspan §4.3.
fn erspan_3(packet: &[u8]) -> Result<Entered<'_>, Why> {
    let ([version, _, session_a, session_b, _, _, _, _, _, _, kind, last], rest) =
        packet.split_first_chunk::<12>().ok_or(Why::HeaderCut)?;
    if version >> 4 != 2 {
        return Err(Why::Gre);
    }
    // A platform specific subheader.
    let rest = if last & 1 != 0 { rest.get(8..).ok_or(Why::HeaderCut)? } else { rest };
    let layer = match kind >> 2 & 0x1f {
        0 => Layer::Ethernet(rest),
        2 => Layer::Ip(rest),
        _ => return Err(Why::Gre),
    };
    Ok((erspan_session(*session_a, *session_b), layer))
}

fn erspan_session(a: u8, b: u8) -> Tunnel {
    Tunnel::numbered("erspan", u32::from(u16::from_be_bytes([a & 0x03, b])))
}

/// The optional fields of a GRE header.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn word(&mut self) -> Result<u32, Why> {
        let (word, rest) = self.0.split_first_chunk::<4>().ok_or(Why::HeaderCut)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*word))
    }

    /// Address family, offset, length and as many octets, until one is of no length.
    fn skip_routing(&mut self) -> Result<(), Why> {
        loop {
            let entry = self.word()?;
            let len = (entry & 0xff) as usize;
            if len == 0 {
                return Ok(());
            }
            self.0 = self.0.get(len..).ok_or(Why::HeaderCut)?;
        }
    }
}
