//! The capture writers themselves: what they write is what etherparse reads.

mod common;
#[path = "../benches/common/generate.rs"]
mod generate;

use std::time::Duration;

use common::script::{Conn, From, FtpScript, Link, Packet, Segment, TICK, flag};
use etherparse::{NetSlice, SlicedPacket, TcpSlice, TransportSlice};
use generate::Written;

fn tcp(bytes: &[u8]) -> TcpSlice<'_> {
    match SlicedPacket::from_ethernet(bytes).unwrap().transport {
        Some(TransportSlice::Tcp(tcp)) => tcp,
        other => panic!("not TCP: {other:?}"),
    }
}

/// Sequence and acknowledgment number and payload length of every packet.
fn numbers(script: &FtpScript) -> Vec<(u32, u32, usize)> {
    let numbers = script.packets().iter().map(|packet| {
        let tcp = tcp(&packet.bytes);
        (tcp.sequence_number(), tcp.acknowledgment_number(), tcp.payload().len())
    });
    numbers.collect()
}

fn control(script: &mut FtpScript) -> Conn {
    script.connect_from("10.0.0.1:40000", "10.0.0.2:21", [100, 500])
}

fn assert_checksums(bytes: &[u8]) {
    let packet = SlicedPacket::from_ethernet(bytes).unwrap();
    let tcp = tcp(bytes);
    let wanted = match packet.net.unwrap() {
        NetSlice::Ipv4(ip) => {
            let header = ip.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            tcp.calc_checksum_ipv4(header.source, header.destination).unwrap()
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header().to_header();
            tcp.calc_checksum_ipv6(header.source, header.destination).unwrap()
        }
        other => panic!("not IP: {other:?}"),
    };
    assert_eq!(tcp.checksum(), wanted);
}

/// The records of a little-endian classic pcap.
fn records(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = &file[24..];
    let mut records = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        records.push(&after[..len]);
        rest = &after[len..];
    }
    records
}

#[test]
fn checksums_are_right_on_both_families() {
    let mut script = FtpScript::new();
    for (client, server) in
        [("10.0.0.1:40000", "10.0.0.2:21"), ("[2001:db8::1]:40000", "[2001:db8::2]:21")]
    {
        let control = script.connect(client, server);
        script.dialogue(control, &["< 220 ready", "> USER bob"]);
        script.close(control, From::Originator);
    }
    script.packets().iter().for_each(|packet| assert_checksums(&packet.bytes));
}

#[test]
fn a_dialogue_numbers_octets_as_tcp_does() {
    let mut script = FtpScript::new();
    let control = control(&mut script);
    script.dialogue(control, &["< 220 ready", "> NOOP"]);
    script.close(control, From::Originator);
    assert_eq!(
        numbers(&script),
        [
            (100, 0, 0),
            (500, 101, 0),
            (101, 501, 0),
            (501, 101, 11),
            (101, 512, 0),
            (101, 512, 6),
            (512, 107, 0),
            (107, 512, 0),
            (512, 108, 0),
            (108, 513, 0),
        ]
    );
}

#[test]
fn sequence_numbers_wrap() {
    let mut script = FtpScript::new();
    let isns = [u32::MAX, u32::MAX - 2];
    let data = script.connect_from("10.0.0.1:41000", "10.0.0.2:30000", isns);
    script.server(data, b"abcd");
    script.server(data, b"e");
    let octets = &numbers(&script)[3..];
    assert_eq!(octets, [(u32::MAX - 1, 0, 4), (0, 2, 0), (2, 0, 1), (0, 3, 0)]);
}

#[test]
fn long_data_is_cut_at_the_mss_and_acknowledged_every_second_segment() {
    let mut script = FtpScript::new();
    let data = control(&mut script);
    script.mss(10);
    script.send(data, From::Responder, &[7; 25]);
    let lens: Vec<usize> = numbers(&script)[3..].iter().map(|(.., len)| *len).collect();
    assert_eq!(lens, [10, 10, 0, 5, 0]);
    assert!(tcp(&script.packets()[6].bytes).psh());
}

#[test]
fn segments_by_hand_move_the_stream_only_forward() {
    let mut script = FtpScript::new();
    let conn = script.midstream("10.0.0.1:40000", "10.0.0.2:21", [100, 500]);
    script.client(conn, "LIST\r\n");
    script.segment(conn, From::Originator, 0, flag::ACK, b"EVIL\r\n");
    let keep_alive = script.sent(conn, From::Originator) - 1;
    script.segment(conn, From::Originator, keep_alive, flag::ACK, b"\0");
    let full = Segment { window: 0, acked: Some(2), ..Segment::default() };
    script.put(conn, From::Responder, full);
    script.segment(conn, From::Originator, 20, flag::ACK, b"late");
    assert_eq!(script.sent(conn, From::Originator), 24);
    let wanted =
        [(100, 500, 6), (500, 106, 0), (100, 500, 6), (105, 500, 1), (500, 102, 0), (120, 500, 4)];
    assert_eq!(numbers(&script), wanted);
    assert_eq!(tcp(&script.packets()[4].bytes).window_size(), 0);
}

#[test]
fn failed_connections_look_as_they_do() {
    let mut script = FtpScript::new();
    script.syn_only("10.0.0.1:40000", "10.0.0.2:21", 2);
    let waited = script.packets()[2].time - script.packets()[0].time;
    assert_eq!(waited, Duration::from_secs(3) + 2 * TICK);
    script.refused("10.0.0.1:40001", "10.0.0.2:21");
    let [.., syn, reset] = script.packets() else { panic!("two packets") };
    let (syn, reset) = (tcp(&syn.bytes), tcp(&reset.bytes));
    assert!(syn.syn() && reset.rst() && reset.ack());
    assert_eq!(reset.sequence_number(), 0);
    assert_eq!(reset.acknowledgment_number(), syn.sequence_number() + 1);
}

#[test]
fn frames_are_found_and_edited_by_number() {
    let mut script = FtpScript::new();
    let control = control(&mut script);
    script.dialogue(control, &["< 220 ready", "> USER bob", "< 331 password"]);
    assert_eq!([script.frame_of("220"), script.frame_of("USER"), script.last_frame()], [4, 6, 9]);
    let time = |script: &FtpScript, frame: usize| script.packets()[frame - 1].time;
    let before = time(&script, 4);
    script.swap(4, 6);
    assert_eq!([script.frame_of("USER"), script.frame_of("220")], [4, 6]);
    assert_eq!(time(&script, 4), before);
    script.duplicate(4);
    assert_eq!(script.packets()[3].bytes, script.packets()[4].bytes);
    script.lose(4);
    script.drop_direction(control, From::Responder);
    assert_eq!([script.frame_of("USER"), script.last_frame()], [3, 5]);
    script.snaplen(60);
    assert_eq!(script.packets()[2].payload(), b"USER b");
    assert_eq!(script.packets()[2].wire_len, 64);
}

#[test]
fn every_link_carries_the_same_ip_packet() {
    let mut script = FtpScript::new();
    control(&mut script);
    let ip = script.packets()[0].bytes[14..].to_vec();
    for (link, number, header_len) in [
        (Link::Ethernet, 1, 14),
        (Link::Vlan(7), 1, 18),
        (Link::RawIp, 101, 0),
        (Link::Null, 0, 4),
        (Link::Cooked, 113, 16),
        (Link::Cooked2, 276, 20),
    ] {
        script.on_link(link);
        let file = script.pcap();
        assert_eq!(file[20..24], u32::to_le_bytes(number), "{link:?}");
        let record = records(&file)[0];
        assert_eq!((&record[header_len..], record.len()), (&ip[..], header_len + 40), "{link:?}");
    }
}

#[test]
fn every_format_holds_the_packets() {
    let mut script = FtpScript::new();
    control(&mut script);
    let all: usize = script.packets().iter().map(|packet| packet.bytes.len()).sum();
    assert_eq!(script.pcap().len(), 24 + 3 * 16 + all);
    let nanos = script.pcap_nanos_be();
    assert_eq!(nanos[..8], [0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4]);
    assert_eq!(nanos.len(), script.pcap().len());
    // 54 octets are padded to 56.
    let is_even = |packet: &Packet| packet.bytes.len() == 54;
    assert!(script.packets().iter().all(is_even));
    assert_eq!(script.pcapng().len(), 28 + 32 + 3 * (32 + 56));
}

#[test]
fn generated_captures_are_what_they_say() {
    type Generate = fn(&mut Vec<u8>) -> std::io::Result<Written>;
    let generators: [(Generate, u64, u64); 3] = [
        (|out| generate::mix(out, 100_000), 1, generate::mix_file_len(0)),
        (|out| generate::bulk(out, 1_000_001), 16, 1_000_001),
        (|out| generate::many(out, 100), 100, (0..100).map(generate::many_file_len).sum()),
    ];
    for (generate, sessions, file_bytes) in generators {
        let (mut file, mut again) = (Vec::new(), Vec::new());
        let written = generate(&mut file).unwrap();
        assert_eq!(generate(&mut again).unwrap(), written);
        assert!(file == again, "not the same bytes twice");
        let records = records(&file);
        records.iter().for_each(|record| assert_checksums(record));
        let packets = records.len() as u64;
        let capture_bytes = file.len() as u64;
        let transfers = sessions;
        let wanted = Written { packets, capture_bytes, sessions, transfers, file_bytes };
        assert_eq!(written, wanted);
    }
}

#[test]
fn a_generated_file_is_the_content_promised() {
    let mut file = Vec::new();
    generate::bulk(&mut file, 160_000).unwrap();
    let port_of = |nth: u16| 20_000 + nth;
    for nth in 0..16 {
        let records = records(&file).into_iter().map(tcp);
        let data = records.filter(|tcp| tcp.source_port() == port_of(nth));
        let content: Vec<u8> = data.flat_map(|tcp| tcp.payload()).copied().collect();
        let len = generate::bulk_file_len(160_000, nth.into());
        assert!(content == generate::file_content(nth.into(), len), "file {nth}");
    }
}
