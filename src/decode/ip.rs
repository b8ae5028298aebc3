//! IP and TCP headers, by etherparse's tolerant slices: segmentation offload leaves a total
//! length of 0, and a snap length cuts packets; both still have something to say.

use etherparse::err::ip::LaxHeaderSliceError;
use etherparse::err::tcp::HeaderSliceError;
use etherparse::{IpNumber, LaxIpSlice, TcpSlice};

use super::inside::{self, Ends};
use super::{Endpoint, Flags, Host, IcmpError, Net, Segment, SeqNum, Why, icmp, ordinary};
use crate::time::Stamp;

/// What an IP packet carries.
pub(super) enum Carried<'a> {
    Tcp(Segment<'a>),
    /// Says what became of a segment.
    Icmp(IcmpError),
    /// What may be a tunnel: protocol, addresses, payload.
    Tunnel(u8, Ends, &'a [u8]),
    /// The packet is a piece of a datagram.
    Fragment,
}

/// Reads `packet`, which was found in the network `net`; `cut` octets of it are not in the
/// capture, as far as the frame around it tells.
pub(super) fn carried(
    packet: &[u8],
    stamp: Stamp,
    net: Net,
    cut: usize,
) -> Result<Carried<'_>, Why> {
    if let Some(segment) = ordinary::segment(packet, stamp, net) {
        return Ok(Carried::Tcp(segment));
    }
    the_long_way(packet, stamp, net, cut)
}

/// Any packet.
pub(super) fn the_long_way(
    packet: &[u8],
    stamp: Stamp,
    net: Net,
    cut: usize,
) -> Result<Carried<'_>, Why> {
    let (ip, stopped) = LaxIpSlice::from_slice(packet).map_err(|error| match error {
        LaxHeaderSliceError::Len(_) => Why::HeaderCut,
        LaxHeaderSliceError::Content(_) => Why::IpHeaderInvalid,
    })?;
    let payload = ip.payload();
    if payload.fragmented {
        return Ok(Carried::Fragment);
    }
    if stopped.is_some() {
        return Err(if payload.incomplete { Why::HeaderCut } else { Why::IpHeaderInvalid });
    }
    match payload.ip_number {
        IpNumber::TCP => {}
        IpNumber::ICMP | IpNumber::IPV6_ICMP => {
            let error = icmp::error(payload.payload, ip.source_addr(), stamp, net);
            let why = if ip.source_addr().is_ipv6() { Why::Icmpv6 } else { Why::Icmp };
            return error.map(Carried::Icmp).ok_or(why);
        }
        IpNumber(ESP) => return Err(Why::Esp),
        IpNumber(protocol @ (inside::UDP | inside::IPIP | inside::IPV6 | inside::GRE)) => {
            let ends = (ip.source_addr(), ip.destination_addr());
            return Ok(Carried::Tunnel(protocol, ends, payload.payload));
        }
        IpNumber(other) => return Err(Why::OtherIpProtocol(other)),
    }
    let tcp = TcpSlice::from_slice(payload.payload).map_err(|error| match error {
        HeaderSliceError::Len(_) => Why::HeaderCut,
        HeaderSliceError::Content(_) => Why::TcpHeaderInvalid,
    })?;
    let Network { src, dst, ttl, ident, ip_header, missing } = network(&ip, cut, packet)?;
    let captured = tcp.payload();
    Ok(Carried::Tcp(Segment {
        stamp,
        src: Endpoint { ip: Host { net, ..src }, port: tcp.source_port() },
        dst: Endpoint { ip: Host { net, ..dst }, port: tcp.destination_port() },
        seq: SeqNum(tcp.sequence_number()),
        ack: SeqNum(tcp.acknowledgment_number()),
        // The control bits are the fourteenth octet; etherparse checked that it is there.
        flags: Flags(tcp.slice().get(13).copied().unwrap_or(0)),
        window: tcp.window_size(),
        ttl,
        ident,
        ip_header,
        header: tcp.slice().get(..tcp.header_len()).unwrap_or_default(),
        payload: captured,
        wire_len: u32::try_from(captured.len()).unwrap_or(u32::MAX).saturating_add(missing),
    }))
}

/// Encapsulating security payload (RFC 4303).
const ESP: u8 = 50;

/// What the IP header says of a segment.
struct Network<'a> {
    src: Host,
    dst: Host,
    ttl: u8,
    ident: Option<u16>,
    ip_header: &'a [u8],
    /// Octets of the packet that the capture cut off.
    missing: u32,
}

fn network<'a>(ip: &LaxIpSlice<'_>, cut: usize, packet: &'a [u8]) -> Result<Network<'a>, Why> {
    let (network, header_len, said) = match ip {
        LaxIpSlice::Ipv4(v4) => {
            let header = v4.header();
            let network = Network {
                src: header.source_addr().into(),
                dst: header.destination_addr().into(),
                ttl: header.ttl(),
                ident: Some(header.identification()),
                ip_header: packet.get(..header.slice().len()).unwrap_or_default(),
                missing: 0,
            };
            (network, header.slice().len(), usize::from(header.total_len()))
        }
        LaxIpSlice::Ipv6(v6) => {
            let header = v6.header();
            let network = Network {
                src: header.source_addr().into(),
                dst: header.destination_addr().into(),
                ttl: header.hop_limit(),
                ident: None,
                ip_header: &[],
                missing: 0,
            };
            let said = match usize::from(header.payload_length()) {
                0 => 0,
                len => len + header.slice().len(),
            };
            (network, header.slice().len(), said)
        }
    };
    let missing = match said {
        // Segmentation offload: the card fills the length in later, the capture sees none.
        // What the frame had on the wire is all there is to go by.
        0 => cut,
        said if said < header_len => return Err(Why::IpHeaderInvalid),
        said => said.saturating_sub(packet.len()),
    };
    Ok(Network { missing: u32::try_from(missing).unwrap_or(u32::MAX), ..network })
}
