mod fragments;
mod wrapped;

use etherparse::PacketBuilder;

use super::*;
use crate::capture::LinkType;
use crate::time::{Stamp, Timestamp};

fn frame(bytes: &[u8], wire_len: usize) -> Frame<'_> {
    let stamp = Stamp::new(Timestamp::from_parts(1, 0), 0, 1);
    Frame { stamp, link: LinkType(1), bytes, wire_len: wire_len as u32 }
}

/// By a decoder of its own, which is never given back: a test is short.
fn decode<'a>(frame: &Frame<'a>) -> Decoded<'a> {
    Box::leak(Box::new(Decoder::new(&Limits::default()))).decode(frame)
}

fn ipv4(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([0; 6], [1; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(40000, 21, 7, 512)
        .ack(9)
        .write(&mut bytes, payload)
        .unwrap();
    bytes
}

fn tcp<'a>(decoded: &Decoded<'a>) -> Segment<'a> {
    match decoded {
        Decoded::Tcp(segment) => *segment,
        other => panic!("not decoded: {other:?}"),
    }
}

fn why(decoded: &Decoded<'_>) -> Why {
    match decoded {
        Decoded::Skipped(why) => *why,
        other => panic!("not skipped: {other:?}"),
    }
}

#[test]
fn a_segment_has_its_addresses_numbers_and_payload() {
    let bytes = ipv4(b"USER bob\r\n");
    let segment = tcp(&decode(&frame(&bytes, bytes.len())));
    assert_eq!(segment.src.to_string(), "10.0.0.1:40000");
    assert_eq!(segment.dst.to_string(), "10.0.0.2:21");
    assert_eq!((segment.seq, segment.ack), (SeqNum(7), SeqNum(9)));
    assert!(segment.flags.has(Flags::ACK) && !segment.flags.has(Flags::SYN));
    assert_eq!(segment.payload, b"USER bob\r\n");
    assert_eq!(segment.wire_len, 10);
}

#[test]
fn ethernet_padding_is_not_payload() {
    let mut bytes = ipv4(b"");
    bytes.resize(60, 0xee);
    assert_eq!(tcp(&decode(&frame(&bytes, 60))).payload, b"");
}

#[test]
fn a_snaplen_cut_packet_says_how_long_it_was() {
    let bytes = ipv4(b"0123456789");
    let cut = &bytes[..bytes.len() - 4];
    let segment = tcp(&decode(&frame(cut, bytes.len())));
    assert_eq!((segment.payload, segment.wire_len), (&b"012345"[..], 10));
    assert_eq!(why(&decode(&frame(&bytes[..40], bytes.len()))), Why::HeaderCut);
}

#[test]
fn segmentation_offload_leaves_the_length_to_the_frame() {
    let mut bytes = ipv4(b"0123456789");
    bytes[16..18].fill(0);
    let segment = tcp(&decode(&frame(&bytes, bytes.len())));
    assert_eq!((segment.payload, segment.wire_len), (&b"0123456789"[..], 10));
    let segment = tcp(&decode(&frame(&bytes[..60], bytes.len())));
    assert_eq!((segment.payload, segment.wire_len), (&b"012345"[..], 10));
}

#[test]
fn ipv6_extension_headers_are_stepped_over() {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([0; 6], [1; 6])
        .ipv6([1; 16], [2; 16], 64)
        .tcp(20, 40000, 1, 1)
        .write(&mut bytes, b"data")
        .unwrap();
    // A hop-by-hop header (RFC 8200 §4.3) of eight octets, padding only, put before TCP.
    bytes[20] = 0;
    bytes.splice(54..54, [6, 0, 1, 4, 0, 0, 0, 0]);
    let length = u16::from_be_bytes([bytes[18], bytes[19]]) + 8;
    bytes[18..20].copy_from_slice(&length.to_be_bytes());
    let segment = tcp(&decode(&frame(&bytes, bytes.len())));
    assert_eq!((segment.src.port, segment.payload), (20, &b"data"[..]));
    let cut = tcp(&decode(&frame(&bytes[..bytes.len() - 1], bytes.len())));
    assert_eq!((cut.payload, cut.wire_len), (&b"dat"[..], 4));
}

#[test]
fn what_is_not_tcp_is_counted_by_its_reason() {
    let good = ipv4(b"x");
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        why(&decode(&frame(&bytes, bytes.len())))
    };
    assert_eq!(changed(&|b| b[23] = 17), Why::Udp);
    assert_eq!(changed(&|b| b[23] = 1), Why::Icmp);
    assert_eq!(changed(&|b| b[23] = 89), Why::OtherIpProtocol(89));
    assert_eq!(changed(&|b| b[23] = 50), Why::Esp);
    assert_eq!(changed(&|b| b[14] = 0x41), Why::IpHeaderInvalid);
    assert_eq!(changed(&|b| b[14] = 0x95), Why::IpHeaderInvalid);
    assert_eq!(changed(&|b| b[16..18].copy_from_slice(&[0, 5])), Why::IpHeaderInvalid);
    assert_eq!(changed(&|b| b[46] = 0x10), Why::TcpHeaderInvalid);
    assert_eq!(changed(&|b| b.truncate(14)), Why::HeaderCut);
}
