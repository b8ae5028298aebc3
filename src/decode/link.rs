//! Link headers: from a frame's first byte to its IP packet.

use super::Why;
use crate::capture::LinkType;

/// The IP packet inside a frame of the given link type.
pub(super) fn find_ip(link: LinkType, frame: &[u8]) -> Result<&[u8], Why> {
    if link == ETHERNET {
        return ethernet(frame);
    }
    let (_, peel) =
        LINK_TYPES.iter().find(|(number, _)| *number == link).ok_or(Why::LinkType(link))?;
    peel(frame)
}

type Peel = fn(&[u8]) -> Result<&[u8], Why>;

const ETHERNET: LinkType = LinkType(1);

/// Every link type that is read, by its number in tcpdump's registry of link-layer header types.
/// 12 and 14 are DLT_RAW as some systems wrote it into files before 101 was agreed on.
const LINK_TYPES: &[(LinkType, Peel)] = &[
    (ETHERNET, ethernet),
    (LinkType(0), loopback),
    (LinkType(12), raw_ip),
    (LinkType(14), raw_ip),
    (LinkType(101), raw_ip),
    (LinkType(108), loopback),
    (LinkType(113), linux_cooked),
    (LinkType(228), raw_ip),
    (LinkType(229), raw_ip),
    (LinkType(276), linux_cooked_2),
];

/// Destination, source, type.
fn ethernet(frame: &[u8]) -> Result<&[u8], Why> {
    by_ethertype(frame.get(12..).ok_or(Why::LinkHeaderCut)?)
}

/// `LINKTYPE_NULL` writes the address family in the capturing host's byte order, `LINKTYPE_LOOP`
/// big-endian; the values fit one byte, so either order can be told from the other.
fn loopback(frame: &[u8]) -> Result<&[u8], Why> {
    let (family, packet) = frame.split_first_chunk::<4>().ok_or(Why::LinkHeaderCut)?;
    let family = u32::from_le_bytes(*family).min(u32::from_be_bytes(*family));
    match family {
        // AF_INET everywhere; AF_INET6 on Linux, NetBSD/OpenBSD, FreeBSD, Darwin.
        2 | 10 | 24 | 28 | 30 => Ok(packet),
        _ => Err(Why::OtherEthertype(u16::try_from(family).unwrap_or(u16::MAX))),
    }
}

fn raw_ip(frame: &[u8]) -> Result<&[u8], Why> {
    Ok(frame)
}

/// `LINKTYPE_LINUX_SLL`: the protocol is the last of 16 octets.
fn linux_cooked(frame: &[u8]) -> Result<&[u8], Why> {
    by_ethertype(frame.get(14..).ok_or(Why::LinkHeaderCut)?)
}

/// `LINKTYPE_LINUX_SLL2`: the protocol is the first of 20 octets.
fn linux_cooked_2(frame: &[u8]) -> Result<&[u8], Why> {
    let (kind, _) = frame.split_first_chunk::<2>().ok_or(Why::LinkHeaderCut)?;
    let rest = frame.get(20..).ok_or(Why::LinkHeaderCut)?;
    payload_of(u16::from_be_bytes(*kind), rest)
}

/// An ethertype and what follows it.
fn by_ethertype(bytes: &[u8]) -> Result<&[u8], Why> {
    let (kind, rest) = bytes.split_first_chunk::<2>().ok_or(Why::LinkHeaderCut)?;
    payload_of(u16::from_be_bytes(*kind), rest)
}

/// Peels VLAN tags and SNAP until IP is reached. Each round eats bytes, so it ends.
fn payload_of(mut kind: u16, mut rest: &[u8]) -> Result<&[u8], Why> {
    loop {
        let skip = match kind {
            0x0800 | 0x86dd => return Ok(rest),
            0x0806 => return Err(Why::Arp),
            // IEEE 802.1Q, 802.1ad, and the QinQ types of before: two octets of tag.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => 2,
            // A length, not a type (IEEE 802.3): LLC, and IP only behind a SNAP header.
            0..=1500 => match rest {
                [0xaa, 0xaa, 0x03, 0, 0, 0, ..] => 6,
                _ => return Err(Why::Llc),
            },
            other => return Err(Why::OtherEthertype(other)),
        };
        let inner = rest.get(skip..).and_then(|inner| inner.split_first_chunk::<2>());
        let (next, inner) = inner.ok_or(Why::LinkHeaderCut)?;
        (kind, rest) = (u16::from_be_bytes(*next), inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: &[u8] = &[0x45, 0, 0, 20];

    fn frame(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn every_row_of_the_table_finds_the_packet() {
        let tagged = |tags: usize| frame(&[&[0; 12], &[0x81, 0, 0, 7].repeat(tags), &[8, 0], IP]);
        let sll2 = frame(&[&[8, 0], &[0; 18], IP]);
        let snap = frame(&[&[0; 12], &[0, 12, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], IP]);
        for (link, bytes) in [
            (1, tagged(0)),
            (1, tagged(1)),
            (1, tagged(5)),
            (1, snap),
            (0, frame(&[&[2, 0, 0, 0], IP])),
            (0, frame(&[&[0, 0, 0, 2], IP])),
            (0, frame(&[&[30, 0, 0, 0], IP])),
            (108, frame(&[&[0, 0, 0, 24], IP])),
            (12, IP.to_vec()),
            (14, IP.to_vec()),
            (101, IP.to_vec()),
            (228, IP.to_vec()),
            (229, IP.to_vec()),
            (113, frame(&[&[0; 14], &[8, 0], IP])),
            (276, sll2),
        ] {
            assert_eq!(find_ip(LinkType(link), &bytes), Ok(IP), "link type {link}");
            for cut in 0..bytes.len() - IP.len() {
                assert!(
                    !matches!(find_ip(LinkType(link), &bytes[..cut]), Ok(packet) if packet == IP),
                    "link type {link} cut to {cut}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_ip_is_named() {
        for (kind, wanted) in [
            ([0x08, 0x06], Why::Arp),
            ([0x88, 0xcc], Why::OtherEthertype(0x88cc)),
            ([0x00, 0x26], Why::Llc),
        ] {
            let bytes = frame(&[&[0; 12], &kind, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]]);
            assert_eq!(find_ip(ETHERNET, &bytes), Err(wanted));
        }
        assert_eq!(find_ip(LinkType(189), IP), Err(Why::LinkType(LinkType(189))));
    }
}
