//! The same packet in every wrapping. The headers are written out as the specifications draw them.

use super::*;

/// An Ethernet frame around `packet`.
fn ether(kind: u16, packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), packet].concat()
}

/// An outer packet from 192.0.2.1 to 192.0.2.2, or back.
fn outer(protocol: u8, payload: &[u8], back: bool) -> Vec<u8> {
    let len = (20 + payload.len() as u16).to_be_bytes();
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let header = [
        [0x45, 0, len[0], len[1]],
        [0, 1, 0, 0],
        [64, protocol, 0, 0],
        [192, 0, 2, from],
        [192, 0, 2, to],
    ];
    ether(0x0800, &[&header.concat(), payload].concat())
}

/// The same from 2001:db8::1 to 2001:db8::2.
fn outer_v6(protocol: u8, payload: &[u8], back: bool) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    let address = |last| [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let header = [0x60, 0, 0, 0, len[0], len[1], protocol, 64];
    ether(0x86dd, &[&header[..], &address(from), &address(to), payload].concat())
}

fn udp(port: u16, payload: &[u8], back: bool) -> Vec<u8> {
    let len = (8 + payload.len() as u16).to_be_bytes();
    let port = port.to_be_bytes();
    outer(17, &[&[0xc0, 1, port[0], port[1], len[0], len[1], 0, 0], payload].concat(), back)
}

fn gre(header: &[u8], payload: &[u8], back: bool) -> Vec<u8> {
    outer(47, &[header, payload].concat(), back)
}

/// Puts an Ethernet frame into a wrapping; the second asks for the way back.
type Wrap = fn(&[u8], bool) -> Vec<u8>;

/// Every wrapping, and what the network inside of it is called.
pub(super) const WRAPPINGS: &[(&str, Wrap)] = &[
    ("", |frame, _| frame.to_vec()),
    ("", |frame, _| ether(0x88a8, &[&[0, 7, 0x81, 0, 0, 8, 8, 0], &frame[14..]].concat())),
    // Labels of two and of one, another one on the way back.
    ("", |frame, back| {
        let labels: &[u8] = if back { &[0, 6, 0x41, 63] } else { &[0, 6, 0x40, 64, 0, 0, 0x71, 9] };
        ether(0x8847, &[labels, &frame[14..]].concat())
    }),
    // A pseudowire, without and with control word.
    ("", |frame, _| ether(0x8847, &[&[0, 6, 0x41, 64], frame].concat())),
    ("", |frame, _| ether(0x8847, &[&[0, 6, 0x41, 64, 0, 0, 0, 5], frame].concat())),
    // Whose frame begins as IP would.
    ("", |frame, _| ether(0x8847, &[&[0, 6, 0x41, 64, 0x45, 0, 0, 1], &frame[4..]].concat())),
    ("pppoe 17", |frame, _| {
        ether(0x8864, &[&[0x11, 0, 0, 17, 0, 99, 0, 0x21], &frame[14..]].concat())
    }),
    ("gre 192.0.2.1 192.0.2.2", |frame, back| gre(&[0, 0, 8, 0], &frame[14..], back)),
    // Checksum, key and sequence number.
    ("gre 192.0.2.1 192.0.2.2 key 7", |frame, back| {
        gre(&[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], &frame[14..], back)
    }),
    // Routing: one entry of four octets, and the empty one.
    ("gre 192.0.2.1 192.0.2.2", |frame, back| {
        let routing = [0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 10, 0, 0, 9, 0, 0, 0, 0];
        gre(&routing, &frame[14..], back)
    }),
    ("gre 2001:db8::1 2001:db8::2", |frame, back| {
        outer_v6(47, &[&[0, 0, 8, 0], &frame[14..]].concat(), back)
    }),
    ("gre 192.0.2.1 192.0.2.2", |frame, back| {
        gre(&[0, 0, 0x88, 0x47], &[&[0, 6, 0x41, 64], &frame[14..]].concat(), back)
    }),
    ("gretap 192.0.2.1 192.0.2.2", |frame, back| gre(&[0, 0, 0x65, 0x58], frame, back)),
    ("gretap 192.0.2.1 192.0.2.2 key 9", |frame, back| {
        gre(&[0x20, 0, 0x65, 0x58, 0, 0, 0, 9], frame, back)
    }),
    // The last octet is the flow's.
    ("nvgre 5001", |frame, back| {
        gre(&[0x20, 0, 0x65, 0x58, 0, 0x13, 0x89, back.into()], frame, back)
    }),
    // Each direction has its own call, and acknowledges now and then.
    ("pptp 192.0.2.1 192.0.2.2", |frame, back| {
        let header: &[u8] = if back {
            &[0x30, 0x81, 0x88, 0x0b, 0, 50, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21]
        } else {
            &[0x30, 0x01, 0x88, 0x0b, 0, 50, 0, 2, 0, 0, 0, 1, 0x21]
        };
        gre(header, &frame[14..], back)
    }),
    ("erspan 192.0.2.1 192.0.2.2", |frame, _| gre(&[0, 0, 0x88, 0xbe], frame, false)),
    ("erspan 298", |frame, _| {
        gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0xf9, 0x2a, 0, 0, 0, 1], frame, false)
    }),
    ("erspan 43", |frame, _| {
        let header = [0x20, 7, 0, 43, 0, 0, 0, 1, 0, 0, 0, 0];
        gre(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &header[..]].concat(), frame, false)
    }),
    // With a platform's subheader.
    ("erspan 43", |frame, _| {
        let header = [0x20, 7, 0, 43, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8];
        gre(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &header[..]].concat(), frame, false)
    }),
    ("vxlan 42", |frame, back| udp(4789, &[&[8, 0, 0, 0, 0, 0, 42, 0], frame].concat(), back)),
    ("vxlan 42", |frame, back| {
        udp(8472, &[&[0x88, 0x40, 1, 2, 0, 0, 42, 0], frame].concat(), back)
    }),
    ("geneve 256", |frame, back| {
        udp(6081, &[&[0, 0, 0x65, 0x58, 0, 1, 0, 0], frame].concat(), back)
    }),
    ("geneve 256", |frame, back| {
        let options = [3, 0x40, 8, 0, 0, 1, 0, 0, 1, 8, 1, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        udp(6081, &[&options[..], &frame[14..]].concat(), back)
    }),
    ("ipip 192.0.2.1 192.0.2.2", |frame, back| outer(4, &frame[14..], back)),
    ("4in6 2001:db8::1 2001:db8::2", |frame, back| outer_v6(4, &frame[14..], back)),
    ("gre 192.0.2.1 192.0.2.2 / vxlan 3 / pppoe 1", |frame, back| {
        let session = ether(0x8864, &[&[0x11, 0, 0, 1, 0, 99, 0, 0x21], &frame[14..]].concat());
        let inner = udp(4789, &[&[8, 0, 0, 0, 0, 0, 3, 0], &session[..]].concat(), back);
        gre(&[0, 0, 8, 0], &inner[14..], back)
    }),
];

/// A packet from 10.0.0.1 to 10.0.0.2, or the answer.
fn inner(back: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    PacketBuilder::ethernet2([4; 6], [6; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 61)
        .tcp(40000, 21, 7, 512)
        .write(&mut bytes, b"USER bob\r\n")
        .unwrap();
    bytes
}

fn decoder() -> Decoder {
    Decoder::new(&Limits::default())
}

fn name(decoder: &Decoder, net: Net) -> String {
    decoder.tunnels().name(net).unwrap_or_default()
}

#[test]
fn every_wrapping_gives_the_same_segment_in_its_own_network() {
    for (wanted, wrap) in WRAPPINGS {
        let mut decoder = decoder();
        let mut nets = Vec::new();
        for back in [false, true] {
            let bytes = wrap(&inner(back), back);
            let frame = frame(&bytes, bytes.len());
            let segment = tcp(&decoder.decode(&frame));
            let from = if back { "10.0.0.2:40000" } else { "10.0.0.1:40000" };
            assert_eq!(segment.src.to_string(), from, "{wanted}");
            assert_eq!((segment.seq, segment.ttl, segment.wire_len), (SeqNum(7), 61, 10));
            assert_eq!(segment.payload, b"USER bob\r\n");
            assert_eq!(segment.src.ip.net, segment.dst.ip.net);
            nets.push(segment.src.ip.net);
        }
        assert_eq!(nets[0], nets[1], "both directions are in {wanted}");
        assert_eq!(name(&decoder, nets[0]), *wanted);
    }
}

#[test]
fn a_snaplen_cut_packet_in_a_tunnel_says_how_long_it_was() {
    for (wanted, wrap) in WRAPPINGS {
        let bytes = wrap(&inner(false), false);
        let cut = bytes.len() - 4;
        let frame = frame(&bytes[..cut], bytes.len());
        let mut decoder = decoder();
        let segment = tcp(&decoder.decode(&frame));
        assert_eq!((segment.payload, segment.wire_len), (&b"USER b"[..], 10), "{wanted}");
    }
}

#[test]
fn six_in_four_and_in_six() {
    let mut v6 = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(20, 40000, 1, 1).write(&mut v6, b"data").unwrap();
    for (bytes, wanted) in [
        (outer(41, &v6, false), "6in4 192.0.2.1 192.0.2.2"),
        (outer_v6(41, &v6, true), "6in6 2001:db8::1 2001:db8::2"),
    ] {
        let mut decoder = decoder();
        let segment = tcp(&decoder.decode(&frame(&bytes, bytes.len())));
        assert_eq!((segment.payload, segment.src.port), (&b"data"[..], 20));
        let net = segment.src.ip.net;
        assert_eq!(name(&decoder, net), wanted);
    }
}

#[test]
fn the_same_addresses_in_two_networks_are_two_flows() {
    let mut decoder = decoder();
    let mut keys = Vec::new();
    for vni in [1, 2, 1] {
        let bytes = udp(4789, &[&[8, 0, 0, 0, 0, 0, vni, 0], &inner(false)[..]].concat(), false);
        let segment = tcp(&decoder.decode(&frame(&bytes, bytes.len())));
        keys.push(FlowKey::of(segment.src, segment.dst).0);
    }
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys[0], keys[2]);
}

#[test]
fn what_is_not_to_the_letter_a_tunnel_is_udp() {
    let frame_in = |header: &[u8], port| udp(port, &[header, &inner(false)].concat(), false);
    for bytes in [
        frame_in(&[0, 0, 0, 0, 0, 0, 42, 0], 4789),
        frame_in(&[8, 0, 0, 0, 0, 0, 42, 1], 4789),
        frame_in(&[8, 0, 1, 0, 0, 0, 42, 0], 4789),
        frame_in(&[0x0c, 0, 0, 0, 0, 0, 42, 0], 4789),
        frame_in(&[8, 0, 0, 0, 0, 0, 42, 0], 4790),
        frame_in(&[0x40, 0, 0x65, 0x58, 0, 1, 0, 0], 6081),
        frame_in(&[0, 0, 0x12, 0x34, 0, 1, 0, 0], 6081),
        frame_in(&[0x3f, 0, 0x65, 0x58, 0, 1, 0, 0], 6081),
        udp(4789, &[8, 0, 0], false),
    ] {
        let mut decoder = decoder();
        assert_eq!(why(&decoder.decode(&frame(&bytes, bytes.len()))), Why::Udp);
        assert!(decoder.tunnels().is_empty());
    }
    let acknowledgement = gre(&[0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1], &[], false);
    let len = acknowledgement.len();
    assert_eq!(why(&decoder().decode(&frame(&acknowledgement, len))), Why::Gre);
}

#[test]
fn tunnels_are_bounded_in_depth_and_number() {
    let limits = Limits { tunnel_depth: 3, tunnels: 5, ..Limits::default() };
    let mut decoder = Decoder::new(&limits);
    let nested = |depth: usize| {
        let wrap = |bytes: Vec<u8>, _| gre(&[0, 0, 8, 0], &bytes[14..], false);
        (0..depth).fold(inner(false), wrap)
    };
    let bytes = nested(3);
    assert_eq!(tcp(&decoder.decode(&frame(&bytes, bytes.len()))).src.ip.net, Net(3));
    let bytes = nested(4);
    assert_eq!(why(&decoder.decode(&frame(&bytes, bytes.len()))), Why::TunnelDepth);
    let vnis = (0..9).map(|vni| {
        let bytes = udp(4789, &[&[8, 0, 0, 0, 0, 0, vni, 0], &inner(false)[..]].concat(), false);
        matches!(decoder.decode(&frame(&bytes, bytes.len())), Decoded::Tcp(_))
    });
    assert_eq!(vnis.filter(|is_read| *is_read).count(), 2);
    let reached: Vec<_> = decoder.limits_reached().filter(|(_, count)| *count > 0).collect();
    assert_eq!(reached, [("tunnels", 7), ("tunnel_depth", 1)]);
}

#[test]
fn damaged_wrappings_neither_panic_nor_hang() {
    let mut decoder = decoder();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let links = [0, 1, 9, 50, 51, 104, 105, 117, 119, 127, 192, 204, 239, 258, 276];
    for (_, wrap) in WRAPPINGS {
        let good = wrap(&inner(false), false);
        for round in 0..3000 {
            let mut bytes = good.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                bytes[at] ^= 1 << random(8);
            }
            bytes.truncate(good.len() - if round % 2 == 0 { 0 } else { random(good.len()) });
            let link = if round % 5 == 0 { links[random(links.len())] } else { 1 };
            let frame = Frame { link: LinkType(link), ..frame(&bytes, good.len()) };
            if let Decoded::Tcp(segment) = decoder.decode(&frame) {
                assert!(segment.payload.len() <= segment.wire_len as usize);
                segment.checksum();
            }
        }
    }
    // As deep as a frame can be: a loop, not a recursion.
    for step in [&[0, 0, 0x88, 0x47][..], &[0x11, 0, 0, 1, 0, 0, 0x02, 0x81, 0, 0, 1, 0]] {
        let bytes = ether(if step.len() == 4 { 0x8100 } else { 0x8864 }, &step.repeat(60_000));
        decoder.decode(&frame(&bytes, bytes.len()));
    }
}
