//! IP and TCP headers, by etherparse's tolerant slices: segmentation offload leaves a total
//! length of 0, and a snap length cuts packets; both still have something to say.

use etherparse::err::ip::LaxHeaderSliceError;
use etherparse::err::tcp::HeaderSliceError;
use etherparse::{IpNumber, LaxIpSlice, TcpSlice};

use super::{Endpoint, Flags, Host, Segment, SeqNum, Why};
use crate::capture::Frame;

/// Reads the TCP segment out of `packet`, which is the IP packet inside `frame`.
pub(super) fn tcp_segment<'a>(frame: &Frame<'a>, packet: &'a [u8]) -> Result<Segment<'a>, Why> {
    let (ip, stopped) = LaxIpSlice::from_slice(packet).map_err(|error| match error {
        LaxHeaderSliceError::Len(_) => Why::HeaderCut,
        LaxHeaderSliceError::Content(_) => Why::IpHeaderInvalid,
    })?;
    let payload = ip.payload();
    if payload.fragmented {
        return Err(Why::IpFragment);
    }
    if stopped.is_some() {
        return Err(if payload.incomplete { Why::HeaderCut } else { Why::IpHeaderInvalid });
    }
    match payload.ip_number {
        IpNumber::TCP => {}
        IpNumber::UDP => return Err(Why::Udp),
        IpNumber::ICMP => return Err(Why::Icmp),
        IpNumber::IPV6_ICMP => return Err(Why::Icmpv6),
        IpNumber(other) => return Err(Why::OtherIpProtocol(other)),
    }
    let tcp = TcpSlice::from_slice(payload.payload).map_err(|error| match error {
        HeaderSliceError::Len(_) => Why::HeaderCut,
        HeaderSliceError::Content(_) => Why::TcpHeaderInvalid,
    })?;
    let Network { src, dst, ttl, ident, ip_header, missing } = network(&ip, frame, packet)?;
    let captured = tcp.payload();
    Ok(Segment {
        stamp: frame.stamp,
        src: Endpoint { ip: src, port: tcp.source_port() },
        dst: Endpoint { ip: dst, port: tcp.destination_port() },
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
    })
}

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

fn network<'a>(
    ip: &LaxIpSlice<'_>,
    frame: &Frame<'_>,
    packet: &'a [u8],
) -> Result<Network<'a>, Why> {
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
        0 => (frame.wire_len as usize).saturating_sub(frame.bytes.len()),
        said if said < header_len => return Err(Why::IpHeaderInvalid),
        said => said.saturating_sub(packet.len()),
    };
    Ok(Network { missing: u32::try_from(missing).unwrap_or(u32::MAX), ..network })
}
