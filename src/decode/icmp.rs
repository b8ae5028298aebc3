//! ICMP errors about TCP packets: routers and hosts say why a packet did not get through, and quote
//! its headers (RFC 792, RFC 4443 §3).

use std::net::IpAddr;

use etherparse::{IpNumber, LaxIpSlice};

use super::{Endpoint, Host, Net};
use crate::time::Stamp;

/// An ICMP error about a TCP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IcmpError {
    pub stamp: Stamp,
    /// Who says it.
    pub from: Host,
    pub kind: IcmpKind,
    /// Of the packet it is about.
    pub src: Endpoint,
    pub dst: Endpoint,
}

/// What an ICMP error says became of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IcmpKind {
    /// By its code in ICMP's own numbering of IPv4 or IPv6.
    Unreachable { code: u8, v6: bool },
    /// Too large for the next link, which takes so many octets; 0 from routers that do not say
    /// (RFC 1191 §5).
    TooBig { mtu: u32 },
    /// It passed too many hops.
    TimeExceeded,
}

impl IcmpKind {
    /// In the words of RFC 792, RFC 1812 §5.2.7.1 and RFC 4443 §3.1.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooBig { .. } => "packet too big",
            Self::TimeExceeded => "time exceeded",
            Self::Unreachable { code, v6: false } => match code {
                0 | 6 | 11 => "network unreachable",
                1 | 7 | 12 => "host unreachable",
                2 => "protocol unreachable",
                3 => "port unreachable",
                9 | 10 | 13 => "administratively prohibited",
                _ => "destination unreachable",
            },
            Self::Unreachable { code, v6: true } => match code {
                0 => "no route",
                1 | 5 => "administratively prohibited",
                3 => "address unreachable",
                4 => "port unreachable",
                6 => "reject route",
                _ => "destination unreachable",
            },
        }
    }
}

/// Reads an ICMP message that `from` sent; `None` unless it is an error about a TCP packet.
pub(super) fn error(message: &[u8], from: IpAddr, stamp: Stamp, net: Net) -> Option<IcmpError> {
    let (header, quoted) = message.split_first_chunk::<HEADER>()?;
    let [kind, code, _, _, a, b, c, d] = *header;
    let v6 = from.is_ipv6();
    let kind = match (v6, kind, code) {
        (false, 3, 4) => IcmpKind::TooBig { mtu: u16::from_be_bytes([c, d]).into() },
        (true, 2, _) => IcmpKind::TooBig { mtu: u32::from_be_bytes([a, b, c, d]) },
        (false, 3, _) | (true, 1, _) => IcmpKind::Unreachable { code, v6 },
        (false, 11, _) | (true, 3, _) => IcmpKind::TimeExceeded,
        _ => return None,
    };
    // Only the first octets of the packet are quoted, so its length does not fit.
    let (ip, _) = LaxIpSlice::from_slice(quoted).ok()?;
    let payload = ip.payload();
    let ports = payload.payload.first_chunk::<4>();
    let [p1, p2, q1, q2] = *ports.filter(|_| payload.ip_number == IpNumber::TCP)?;
    let end = |addr, port| Endpoint { ip: Host { net, addr }, port: u16::from_be_bytes(port) };
    Some(IcmpError {
        stamp,
        from: Host { net, addr: from },
        kind,
        src: end(ip.source_addr(), [p1, p2]),
        dst: end(ip.destination_addr(), [q1, q2]),
    })
}

/// Octets before the quoted packet.
const HEADER: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    /// The header of a TCP packet from 10.0.0.1:40000 to 10.0.0.2:30000, and eight octets of it.
    const QUOTED: [u8; 28] = [
        0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 63, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40,
        0x75, 0x30, 0, 0, 0, 1,
    ];

    fn read(header: [u8; 8], quoted: &[u8]) -> Option<IcmpError> {
        let stamp = Stamp::new(Timestamp::UNKNOWN, 0, 7);
        error(&[&header, quoted].concat(), "192.0.2.1".parse().unwrap(), stamp, Net(0))
    }

    #[test]
    fn errors_are_read_with_the_packet_they_quote() {
        let found = read([3, 13, 0, 0, 0, 0, 0, 0], &QUOTED).unwrap();
        assert_eq!(found.kind.name(), "administratively prohibited");
        assert_eq!(found.src.to_string(), "10.0.0.1:40000");
        assert_eq!(found.dst.to_string(), "10.0.0.2:30000");
        let found = read([3, 4, 0, 0, 0, 0, 0x05, 0x14], &QUOTED).unwrap();
        assert_eq!(found.kind, IcmpKind::TooBig { mtu: 1300 });
        assert_eq!(read([11, 0, 0, 0, 0, 0, 0, 0], &QUOTED).unwrap().kind, IcmpKind::TimeExceeded);
    }

    #[test]
    fn what_is_no_error_about_tcp_is_none() {
        // An echo request, an error about UDP, and every quotation cut short.
        assert_eq!(read([8, 0, 0, 0, 0, 0, 0, 0], &QUOTED), None);
        let mut udp = QUOTED;
        udp[9] = 17;
        assert_eq!(read([3, 3, 0, 0, 0, 0, 0, 0], &udp), None);
        for len in 0..24 {
            assert_eq!(read([3, 1, 0, 0, 0, 0, 0, 0], &QUOTED[..len]), None, "{len}");
        }
    }
}
