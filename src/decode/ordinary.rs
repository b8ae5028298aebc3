//! The packet that captures are full of, read from its fixed places: IPv4 without options, whole,
//! with TCP in it. Every other goes the long way, which reads this one just the same.

#![allow(clippy::indexing_slicing, reason = "of arrays of known length")]

use std::net::Ipv4Addr;

use super::{Endpoint, Flags, Host, Net, Segment, SeqNum};
use crate::time::Stamp;

/// The segment in an ordinary packet; `None` if it is any other.
pub(super) fn segment(packet: &[u8], stamp: Stamp, net: Net) -> Option<Segment<'_>> {
    let ip = packet.first_chunk::<IP>()?;
    let half = |at: usize| u16::from_be_bytes([ip[at], ip[at + 1]]);
    // Version and header length; more fragments and the fragment's offset; protocol.
    let is_ordinary = ip[0] == 0x45 && half(6) & 0x3fff == 0 && ip[9] == 6;
    let total = usize::from(half(2));
    let (_, datagram) = packet.get(..total).filter(|_| is_ordinary)?.split_at_checked(IP)?;
    let tcp = datagram.first_chunk::<20>()?;
    let header_len = usize::from(tcp[12] >> 4) * 4;
    let (header, payload) = datagram.split_at_checked(header_len).filter(|_| header_len >= 20)?;
    let end = |ip: [u8; 4], port: [u8; 2]| Endpoint {
        ip: Host { net, addr: Ipv4Addr::from_octets(ip).into() },
        port: u16::from_be_bytes(port),
    };
    Some(Segment {
        stamp,
        src: end([ip[12], ip[13], ip[14], ip[15]], [tcp[0], tcp[1]]),
        dst: end([ip[16], ip[17], ip[18], ip[19]], [tcp[2], tcp[3]]),
        seq: SeqNum(u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]])),
        ack: SeqNum(u32::from_be_bytes([tcp[8], tcp[9], tcp[10], tcp[11]])),
        flags: Flags(tcp[13]),
        window: u16::from_be_bytes([tcp[14], tcp[15]]),
        ttl: ip[8],
        ident: Some(half(4)),
        ip_header: ip,
        header,
        payload,
        wire_len: u32::try_from(payload.len()).ok()?,
    })
}

/// Octets of an IPv4 header without options.
const IP: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::ip::{Carried, the_long_way};
    use crate::time::Timestamp;

    #[test]
    fn both_ways_read_the_same() {
        let stamp = Stamp::new(Timestamp::UNKNOWN, 0, 1);
        let mut whole = vec![0x45, 0, 0, 55, 0x12, 0x34, 0x40, 0, 64, 6, 0xab, 0xcd];
        whole.extend([10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0, 21, 0, 0, 0, 9, 0, 0, 0, 7]);
        whole.extend([0x80, 0x18, 1, 0, 0x55, 0xaa, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        whole.extend(*b"PWD\r\n??");
        assert_eq!(segment(&whole, stamp, Net(0)).unwrap().payload.len(), 3);
        let (mut state, mut ordinary) = (1_u64, 0);
        for _ in 0..200_000 {
            let mut packet = whole.clone();
            let mut below = |bound: usize| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 33) as usize % bound
            };
            for _ in 0..below(3) {
                let at = below(packet.len());
                packet[at] ^= 1 << below(8);
            }
            packet.truncate(whole.len() - below(2) * below(whole.len()));
            let Some(segment) = segment(&packet, stamp, Net(3)) else { continue };
            ordinary += 1;
            let Ok(Carried::Tcp(other)) = the_long_way(&packet, stamp, Net(3), 0) else {
                panic!("{packet:02x?}")
            };
            assert_eq!(format!("{segment:?}"), format!("{other:?}"), "{packet:02x?}");
        }
        assert!(ordinary > 50_000, "{ordinary}");
    }
}
