//! The checksums of TCP (RFC 9293 §3.1) and IPv4, and what a wrong one may mean.

use std::net::IpAddr;

use super::Segment;

/// What the checksum of a segment tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Checksum {
    Right,
    /// Only the pseudo-header is summed up, or nothing at all: the packet was captured before a
    /// network card was to do the rest, or after one had put several segments together.
    Unfinished,
    /// The receiver throws the segment away, unless something on the way repaired it.
    Wrong,
    /// The capture cut the packet.
    Unknown,
}

impl Segment<'_> {
    /// Sums up the segment: a pass over its payload. The IPv4 header has a sum of its own
    /// (RFC 791 §3.1), which some cards fill in late, too.
    pub fn checksum(&self) -> Checksum {
        let of_ip = self.ip_header.get(10..12).map_or(0, sum);
        if of_ip != 0 && fold(sum(self.ip_header)) != 0xffff {
            return Checksum::Wrong;
        }
        let Some(stated) = self.header.get(16..18) else { return Checksum::Unknown };
        if self.payload.len() != self.wire_len as usize {
            return Checksum::Unknown;
        }
        let pseudo = self.pseudo_header();
        let all = pseudo + sum(self.header) + sum(self.payload);
        // The stated sum is the complement of the rest, so all together is all ones.
        if fold(all) == 0xffff {
            return Checksum::Right;
        }
        // In host order, as all sums here: a one's complement sum has no byte order of its own
        // (RFC 1071 §1.B).
        let stated = sum(stated);
        if stated == 0 || fold(stated) == fold(pseudo) {
            Checksum::Unfinished
        } else {
            Checksum::Wrong
        }
    }

    fn pseudo_header(&self) -> u64 {
        let addresses = match (self.src.ip.addr, self.dst.ip.addr) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => sum(&src.octets()) + sum(&dst.octets()),
            (IpAddr::V6(src), IpAddr::V6(dst)) => sum(&src.octets()) + sum(&dst.octets()),
            _ => 0,
        };
        let len = self.header.len() as u64 + u64::from(self.wire_len);
        addresses + u64::from(TCP.to_be()) + sum(&len.to_be_bytes())
    }
}

const TCP: u16 = 6;

/// Adds up 16-bit words, each read in host order. The lanes cannot overflow: a datagram has less
/// than 2¹⁷ octets.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let lanes: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    lanes + u64::from(u32::from_ne_bytes(last))
}

/// Adds the carries back in until 16 bits are left.
fn fold(mut sum: u64) -> u64 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Endpoint, Flags, SeqNum};
    use crate::time::{Stamp, Timestamp};

    /// A segment from 192.0.2.1 to 192.0.2.2.
    fn with(header: &[u8], payload: &[u8]) -> Checksum {
        bare(header, payload).checksum()
    }

    fn bare<'a>(header: &'a [u8], payload: &'a [u8]) -> Segment<'a> {
        let end = |last, port| Endpoint { ip: [192, 0, 2, last].into(), port };
        Segment {
            stamp: Stamp::new(Timestamp::UNKNOWN, 0, 1),
            src: end(1, 1),
            dst: end(2, 2),
            seq: SeqNum(0),
            ack: SeqNum(0),
            flags: Flags(0),
            window: 0,
            ttl: 64,
            ident: None,
            ip_header: &[],
            header,
            payload,
            wire_len: payload.len() as u32,
        }
    }

    /// A header of zeros but for its checksum; the pseudo-header is 192.0.2.1, 192.0.2.2, 6 and
    /// the length: c000 + 0201 + c000 + 0202 + 0006 + length = 1_8409 + length.
    fn header(checksum: u16) -> [u8; 20] {
        let mut header = [0; 20];
        header[16..18].copy_from_slice(&checksum.to_be_bytes());
        header
    }

    #[test]
    fn sums_worked_out_by_hand() {
        // 1_8409 + 0014 = 1_841d, folded 841e; its complement is 7be1.
        assert_eq!(with(&header(0x7be1), b""), Checksum::Right);
        assert_eq!(with(&header(0x841e), b""), Checksum::Unfinished);
        assert_eq!(with(&header(0), b""), Checksum::Unfinished);
        assert_eq!(with(&header(0x7be2), b""), Checksum::Wrong);
        // Three octets more, "abc": 841e + 0003 + 6162 + 6300 = 1_4883, folded 4884.
        assert_eq!(with(&header(!0x4884), b"abc"), Checksum::Right);
        assert_eq!(with(&header(!0x4884), b"abd"), Checksum::Wrong);
    }

    #[test]
    fn a_damaged_ip_header_makes_it_wrong() {
        // The example of RFC 1071's readers: 4500 + 0073 + 4000 + 4011 + c0a8 + 0001 + c0a8 + 00c7
        // = 2_479c, folded 479e; its complement is b861.
        let right = [
            0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8,
            0, 0xc7,
        ];
        let checksum =
            |ip_header: &[u8]| Segment { ip_header, ..bare(&header(0x7be1), b"") }.checksum();
        assert_eq!(checksum(&right), Checksum::Right);
        for at in 0..20 {
            let mut wrong = right;
            wrong[at] ^= 0x10;
            assert_eq!(checksum(&wrong), Checksum::Wrong, "octet {at}");
        }
    }

    #[test]
    fn a_cut_packet_tells_nothing() {
        assert_eq!(with(&header(1)[..10], b""), Checksum::Unknown);
    }
}
