//! Link headers: from a frame's first byte to its IP packet.

use super::tunnel::{Registry, Tunnel};
use super::{Net, Why, mpls, ppp, wlan};
use crate::capture::LinkType;

/// Bytes, and what they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layer<'a> {
    /// A frame of a link type.
    Link(LinkType, &'a [u8]),
    Ethernet(&'a [u8]),
    /// What follows this ethertype.
    Typed(u16, &'a [u8]),
    /// Logical link control (IEEE 802.2).
    Llc(&'a [u8]),
    Ppp(&'a [u8]),
    Ip(&'a [u8]),
}

/// The IP packet inside of a layer; `net` becomes the network it belongs to.
pub(super) fn find_ip<'a>(
    mut layer: Layer<'a>,
    net: &mut Net,
    tunnels: &mut Registry,
) -> Result<&'a [u8], Why> {
    if let Layer::Link(ETHERNET, frame) = layer
        && let Some((header, packet)) = frame.split_first_chunk::<14>()
        && header[12..] == [0x08, 0x00]
    {
        return Ok(packet);
    }
    // A loop and no recursion: each header takes bytes, and there may be many.
    loop {
        layer = match layer {
            Layer::Ip(packet) => return Ok(packet),
            Layer::Link(link, frame) => by_link_type(link, frame)?,
            Layer::Ethernet(frame) => ethernet(frame)?,
            Layer::Typed(PPPOE, rest) => {
                let (session, inside) = ppp::pppoe(rest)?;
                *net = tunnels.enter(*net, Tunnel::numbered("pppoe", session.into()))?;
                inside
            }
            Layer::Typed(kind, rest) => typed(kind, rest)?,
            Layer::Llc(rest) => llc(rest)?,
            Layer::Ppp(rest) => ppp::payload(rest)?,
        }
    }
}

/// The session stage (RFC 2516 §4).
const PPPOE: u16 = 0x8864;

fn by_link_type(link: LinkType, frame: &[u8]) -> Result<Layer<'_>, Why> {
    let (_, peel) =
        LINK_TYPES.iter().find(|(number, _)| *number == link).ok_or(Why::LinkType(link))?;
    peel(frame)
}

type Peel = fn(&[u8]) -> Result<Layer<'_>, Why>;

const ETHERNET: LinkType = LinkType(1);

/// Every link type that is read, by its number in tcpdump's registry of link-layer header types.
/// 12 and 14 are DLT_RAW as some systems wrote it into files before 101 was agreed on, 149 is
/// PKTAP before it was 258, and 109 and 163 have no other number.
const LINK_TYPES: &[(LinkType, Peel)] = &[
    (ETHERNET, |frame| Ok(Layer::Ethernet(frame))),
    (LinkType(0), loopback),
    (LinkType(9), |frame| Ok(Layer::Ppp(frame))),
    (LinkType(12), raw_ip),
    (LinkType(14), raw_ip),
    (LinkType(50), ppp::serial),
    (LinkType(51), |frame| Ok(Layer::Typed(PPPOE, frame))),
    (LinkType(100), |frame| Ok(Layer::Llc(frame))),
    (LinkType(101), raw_ip),
    (LinkType(104), ppp::cisco),
    (LinkType(105), wlan::frame),
    (LinkType(108), loopback),
    (LinkType(109), enc),
    (LinkType(113), linux_cooked),
    (LinkType(117), pflog),
    (LinkType(119), wlan::prism),
    (LinkType(127), wlan::radiotap),
    (LinkType(149), pktap),
    (LinkType(163), wlan::prism),
    (LinkType(192), wlan::ppi),
    // One octet in front says which way the frame went.
    (LinkType(204), |frame| Ok(Layer::Ppp(frame.get(1..).ok_or(Why::LinkHeaderCut)?))),
    (LinkType(228), raw_ip),
    (LinkType(229), raw_ip),
    (LinkType(239), nflog),
    (LinkType(258), pktap),
    (LinkType(276), linux_cooked_2),
];

/// Destination, source, type.
fn ethernet(frame: &[u8]) -> Result<Layer<'_>, Why> {
    by_ethertype(frame.get(12..).ok_or(Why::LinkHeaderCut)?)
}

/// `LINKTYPE_NULL` writes the address family in the capturing host's byte order, `LINKTYPE_LOOP`
/// big-endian; the values fit one byte, so either order can be told from the other.
fn loopback(frame: &[u8]) -> Result<Layer<'_>, Why> {
    let (family, packet) = frame.split_first_chunk::<4>().ok_or(Why::LinkHeaderCut)?;
    by_family(either_order(*family), packet)
}

/// A small number in the byte order of an unknown host.
pub(super) fn either_order(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes).min(u32::from_be_bytes(bytes))
}

/// AF_INET everywhere; AF_INET6 on Linux, NetBSD/OpenBSD, FreeBSD, Darwin.
fn by_family(family: u32, packet: &[u8]) -> Result<Layer<'_>, Why> {
    match family {
        2 | 10 | 24 | 28 | 30 => Ok(Layer::Ip(packet)),
        _ => Err(Why::OtherEthertype(u16::try_from(family).unwrap_or(u16::MAX))),
    }
}

/// OpenBSD's IPsec interface: family, index of the policy, flags, the packet decrypted.
fn enc(frame: &[u8]) -> Result<Layer<'_>, Why> {
    let (family, rest) = frame.split_first_chunk::<4>().ok_or(Why::LinkHeaderCut)?;
    by_family(either_order(*family), rest.get(8..).ok_or(Why::LinkHeaderCut)?)
}

/// What OpenBSD's packet filter logs: the length of the header, the family, and more, padded to
/// four octets.
fn pflog(frame: &[u8]) -> Result<Layer<'_>, Why> {
    let [len, family, ..] = frame else { return Err(Why::LinkHeaderCut) };
    let header = usize::from(*len).next_multiple_of(4);
    by_family((*family).into(), frame.get(header..).ok_or(Why::LinkHeaderCut)?)
}

/// Darwin's process and interface in front of the frame: length of the header, kind of the record,
/// link type, in little endian.
fn pktap(frame: &[u8]) -> Result<Layer<'_>, Why> {
    let (header, _) = frame.split_first_chunk::<12>().ok_or(Why::LinkHeaderCut)?;
    let [len, _, link] = [0, 4, 8].map(|at| word_at(header, at));
    let inside = usize::try_from(len).ok().filter(|len| *len >= header.len());
    let inside = inside.and_then(|len| frame.get(len..)).ok_or(Why::LinkHeaderCut)?;
    Ok(Layer::Link(LinkType(u16::try_from(link).unwrap_or(u16::MAX)), inside))
}

fn word_at(header: &[u8], at: usize) -> u32 {
    let word = header.get(at..).and_then(|rest| rest.first_chunk());
    u32::from_le_bytes(word.copied().unwrap_or_default())
}

/// What Linux's packet filter logs: family, version, group, then fields of length (in the host's
/// order; with its four octets), type and value, padded to four; number 9 is the packet.
fn nflog(frame: &[u8]) -> Result<Layer<'_>, Why> {
    let (header, mut rest) = frame.split_first_chunk::<4>().ok_or(Why::LinkHeaderCut)?;
    while let Some((field, value)) = rest.split_first_chunk::<4>() {
        let [len, kind] = [[field[0], field[1]], [field[2], field[3]]]
            .map(|half| u16::from_le_bytes(half).min(u16::from_be_bytes(half)));
        // The packet is the last field. Its length may exceed 255 and so be of either order.
        if kind == 9 {
            return by_family(header[0].into(), value);
        }
        let len = usize::from(len).next_multiple_of(4).max(4);
        rest = rest.get(len..).ok_or(Why::LinkHeaderCut)?;
    }
    Err(Why::LinkHeaderCut)
}

fn raw_ip(frame: &[u8]) -> Result<Layer<'_>, Why> {
    Ok(Layer::Ip(frame))
}

/// `LINKTYPE_LINUX_SLL`: the protocol is the last of 16 octets.
fn linux_cooked(frame: &[u8]) -> Result<Layer<'_>, Why> {
    by_ethertype(frame.get(14..).ok_or(Why::LinkHeaderCut)?)
}

/// `LINKTYPE_LINUX_SLL2`: the protocol is the first of 20 octets.
fn linux_cooked_2(frame: &[u8]) -> Result<Layer<'_>, Why> {
    let (kind, _) = frame.split_first_chunk::<2>().ok_or(Why::LinkHeaderCut)?;
    let rest = frame.get(20..).ok_or(Why::LinkHeaderCut)?;
    Ok(Layer::Typed(u16::from_be_bytes(*kind), rest))
}

/// An ethertype and what follows it.
pub(super) fn by_ethertype(bytes: &[u8]) -> Result<Layer<'_>, Why> {
    let (kind, rest) = bytes.split_first_chunk::<2>().ok_or(Why::LinkHeaderCut)?;
    Ok(Layer::Typed(u16::from_be_bytes(*kind), rest))
}

fn typed(kind: u16, rest: &[u8]) -> Result<Layer<'_>, Why> {
    match kind {
        0x0800 | 0x86dd => Ok(Layer::Ip(rest)),
        0x0806 => Err(Why::Arp),
        // IEEE 802.1Q, 802.1ad, and the QinQ types of before: two octets of tag.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => by_ethertype(rest.get(2..).ok_or(Why::LinkHeaderCut)?),
        0x8847 | 0x8848 => mpls::payload(rest),
        0x88e5 => Err(Why::Macsec),
        // A length, not a type (IEEE 802.3).
        0..=1500 => Ok(Layer::Llc(rest)),
        other => Err(Why::OtherEthertype(other)),
    }
}

/// IP only behind a SNAP header (RFC 1042).
fn llc(rest: &[u8]) -> Result<Layer<'_>, Why> {
    match rest {
        // Of Ethernet (RFC 1042), and of bridges between Ethernet and others (IEEE 802.1H).
        [0xaa, 0xaa, 0x03, 0, 0, 0 | 0xf8, inside @ ..] => by_ethertype(inside),
        _ => Err(Why::Llc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::limits::Limits;

    fn found(link: u16, frame: &[u8]) -> Result<&[u8], Why> {
        let mut registry = Registry::new(&Limits::default());
        find_ip(Layer::Link(LinkType(link), frame), &mut Net::default(), &mut registry)
    }

    const IP: &[u8] = &[0x45, 0, 0, 20];

    fn frame(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn every_row_of_the_table_finds_the_packet() {
        let tagged = |tags: usize| frame(&[&[0; 12], &[0x81, 0, 0, 7].repeat(tags), &[8, 0], IP]);
        let sll2 = frame(&[&[8, 0], &[0; 18], IP]);
        let llc = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        let snap = frame(&[&[0; 12], &[0, 12], &llc, IP]);
        let wlan = frame(&[&[0x08, 1], &[0; 22], &llc, IP]);
        let qos = frame(&[&[0x88, 1], &[0; 24], &llc, IP]);
        let control = frame(&[&[0x88, 0x81], &[0; 28], &llc, IP]);
        let four = frame(&[&[0x08, 3], &[0; 28], &llc, IP]);
        // Time of 8 octets and flags: the header was padded from 26 to 28.
        let radiotap = [0, 0, 17, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x20];
        let padded = frame(&[&[0x88, 1], &[0; 24], &[9, 9], &llc, IP]);
        let two_words = [0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0, 0];
        let prism = frame(&[&[0x44, 0, 0, 0, 144, 0, 0, 0], &[0; 136], &wlan]);
        let avs = frame(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64], &[0; 56], &wlan]);
        let ppi = |link: u8| [0, 0, 12, 0, link, 0, 0, 0, 1, 2, 3, 4];
        let pktap = frame(&[&[108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], &[0; 96]]);
        // Group, a prefix of five octets padded to eight, the packet.
        let nflog = [2, 0, 0, 1, 5, 0, 10, 0, b'x', 0, 0, 0, 24, 0, 9, 0];
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
            (9, frame(&[&[0xff, 3, 0, 0x21], IP])),
            (9, frame(&[&[0, 0x21], IP])),
            (9, frame(&[&[0xff, 3, 0x21], IP])),
            (9, frame(&[&[0x57], IP])),
            (50, frame(&[&[0xff, 3, 0, 0x21], IP])),
            (50, frame(&[&[0x0f, 0, 8, 0], IP])),
            (51, frame(&[&[0x11, 0, 0, 7, 0, 6, 0, 0x21], IP])),
            (100, frame(&[&llc, IP])),
            (104, frame(&[&[0x8f, 0, 8, 0], IP])),
            (105, wlan.clone()),
            (105, qos.clone()),
            (105, control),
            (105, four),
            (109, frame(&[&[2, 0, 0, 0], &[0; 8], IP])),
            (117, frame(&[&[61, 24], &[0; 62], IP])),
            (119, prism),
            (119, avs.clone()),
            (127, frame(&[&[0, 0, 8, 0, 0, 0, 0, 0], &wlan])),
            (127, frame(&[&two_words, &wlan])),
            (127, frame(&[&radiotap, &padded])),
            (149, frame(&[&pktap, &tagged(0)])),
            (163, avs),
            (192, frame(&[&ppi(105), &qos])),
            (192, frame(&[&ppi(1), &tagged(0)])),
            (204, frame(&[&[1, 0xff, 3, 0, 0x21], IP])),
            (239, frame(&[&nflog, IP])),
            (258, frame(&[&pktap, &tagged(2)])),
        ] {
            assert_eq!(found(link, &bytes), Ok(IP), "link type {link}");
            for cut in 0..bytes.len() - IP.len() {
                assert!(
                    !matches!(found(link, &bytes[..cut]), Ok(packet) if packet == IP),
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
            ([0x88, 0xe5], Why::Macsec),
            ([0x88, 0x63], Why::OtherEthertype(0x8863)),
            ([0x00, 0x26], Why::Llc),
        ] {
            let bytes = frame(&[&[0; 12], &kind, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]]);
            assert_eq!(found(1, &bytes), Err(wanted));
        }
        assert_eq!(found(189, IP), Err(Why::LinkType(LinkType(189))));
        assert_eq!(Why::LinkType(LinkType(189)).name(), "link_type_USB_LINUX");
        assert_eq!(Why::LinkType(LinkType(266)).name(), "link_type_USB_DARWIN");
    }

    #[test]
    fn wlan_frames_without_a_packet_are_named() {
        let llc = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        let with =
            |kind, flags, number| frame(&[&[kind, flags], &[0; 20], &[number, 0, 0, 0], &llc, IP]);
        for (bytes, wanted) in [
            (with(0x80, 0, 0), Why::WlanNoData),
            (with(0xd4, 0, 0), Why::WlanNoData),
            (with(0x48, 1, 0), Why::WlanNoData),
            (with(0xc8, 1, 0), Why::WlanNoData),
            (with(0x08, 0x41, 0), Why::WlanProtected),
            (with(0x08, 5, 0), Why::WlanFragment),
            (with(0x08, 1, 3), Why::WlanFragment),
            (frame(&[&[0x88, 1], &[0; 22], &[0x80, 0], &llc, IP]), Why::WlanAggregate),
        ] {
            assert_eq!(found(105, &bytes), Err(wanted), "{bytes:02x?}");
        }
        let bad = frame(&[&[0, 0, 9, 0, 2, 0, 0, 0, 0x40], &with(0x08, 1, 0)]);
        assert_eq!(found(127, &bad), Err(Why::WlanBadChecksum));
    }

    #[test]
    fn ppp_that_carries_no_ip_is_named() {
        for (bytes, wanted) in [
            (&[0xff, 3, 0xc0, 0x21][..], Why::OtherPppProtocol(0xc021)),
            (&[0x80, 0x21], Why::OtherPppProtocol(0x8021)),
            (&[0xff, 3, 0, 0xfd], Why::PppCompressed),
            (&[0xff, 3, 0xfd], Why::PppCompressed),
            (&[0x00], Why::LinkHeaderCut),
        ] {
            assert_eq!(found(9, bytes), Err(wanted));
        }
        let discovery = [0x11, 9, 0, 0, 0, 0];
        assert_eq!(found(51, &discovery), Err(Why::OtherEthertype(0x8864)));
    }
}
