//! pcap and pcapng, whole and damaged.

use std::io::Cursor;

use super::build::{BIG, LITTLE, Order};
use super::{Dribble, payloads, read, read_from, shown, small_limits};
use crate::capture::{CaptureError, DamageKind, Format, LinkType, ReadOptions};
use crate::limits::Limits;
use crate::time::Timestamp;

#[test]
fn every_pcap_layout_is_read_in_both_byte_orders() {
    for (magic, fraction, format, name) in [
        (0xa1b2_c3d4, 123_456, Format::Pcap, "pcap"),
        (0xa1b2_3c4d, 123_456_000, Format::PcapNanos, "pcap"),
        (0xa1b2_cd34, 123_456, Format::PcapModified, "pcap-modified"),
    ] {
        for order in [LITTLE, BIG] {
            let extra: &[u8] = if format == Format::PcapModified { &[9; 8] } else { &[] };
            let head = order.u32s(&[1_767_323_045, fraction, 3, 60]);
            let record = [&head, extra, b"abc"].concat();
            let file = [order.pcap(magic, 0, 1), record.clone(), record].concat();
            let (kept, facts) = read(&file);
            let at = "2026-01-02T03:04:05.123456000Z".to_owned();
            assert_eq!(kept.len(), 2, "{magic:x}");
            assert_eq!(kept[1], (at, 2, 1, b"abc".to_vec(), 60), "{magic:x}");
            assert_eq!((facts.format, facts.packets), (Some(format), 2));
            assert_eq!(facts.format.map(Format::name), Some(name));
            assert_eq!((facts.snaplen_cut_packets, facts.first_cut_packet), (2, Some(1)));
            assert!(facts.damage.is_empty() && facts.error.is_none());
        }
    }
}

#[test]
fn the_legacy_link_type_is_its_low_half_and_snaplens_are_not_believed() {
    for snaplen in [0, 1, u32::MAX] {
        let header = LITTLE.pcap(0xa1b2_c3d4, snaplen, 0x5400_0001);
        let (kept, facts) = read(&[header, LITTLE.record(1, 2_500_000, b"abcd")].concat());
        assert_eq!(facts.link_types, [LinkType(1)]);
        assert_eq!(payloads(&kept), [b"abcd"]);
        assert_eq!(facts.first_time, Timestamp::from_parts(3, 500_000_000));
    }
}

#[test]
fn a_legacy_record_beyond_the_limit_with_nothing_behind_it_ends_the_input() {
    let header = LITTLE.pcap(0xa1b2_c3d4, 0, 1);
    for len in [1001, u32::MAX] {
        let bad = [LITTLE.u32s(&[0, 0, len, len]), vec![0; 3000]].concat();
        let file = [header.clone(), LITTLE.record(1, 0, &[7; 1000]), bad].concat();
        let (kept, facts) = read_from(Cursor::new(file), &small_limits());
        assert_eq!(kept.len(), 1);
        let said = format!(
            "reading ends: a record claims {len} bytes, the limit is 1000, at byte 1040, after 1 packet"
        );
        assert_eq!(shown(&facts), [said]);
    }
}

#[test]
fn earliest_and_latest_time_are_not_those_of_the_first_and_last_packet() {
    let (_, facts) = read(&super::build::pcap_of(&[(5, 0), (9, 0), (2, 0), (6, 0)]));
    assert_eq!(facts.first_time, Timestamp::from_parts(2, 0));
    assert_eq!(facts.last_time, Timestamp::from_parts(9, 0));
}

/// Two sections of different byte order; interfaces of different link types and clocks.
fn pcapng(order: Order, other: Order) -> Vec<u8> {
    [
        order.section(),
        order.interface(1, 100, &[(2, b"eth0"), (9, &[9]), (14, &order.i64(-60))]),
        order.interface(101, 0, &[(9, &[0x80 | 10])]),
        order.enhanced(0, 1_000_000_000_000_000_001, b"first"),
        order.block(4, &[0; 40]),
        order.enhanced(1, 512, b"2"),
        order.simple(150, &[3; 100]),
        order.obsolete(1, 1536, b"fourth"),
        other.section(),
        other.interface(276, 0, &[(1, b"hm"), (0, b""), (9, &[3])]),
        other.enhanced(0, 1_000_000, b"fifth"),
        other.simple(6, b"sixth!"),
        other.block(0x8000_0bad, b""),
    ]
    .concat()
}

#[test]
fn sections_interfaces_and_all_three_packet_blocks_are_read_in_any_byte_order() {
    for (order, other) in [(LITTLE, LITTLE), (LITTLE, BIG), (BIG, LITTLE), (BIG, BIG)] {
        let (kept, facts) = read(&pcapng(order, other));
        let row = |at: &str, frame, link, bytes: &[u8], wire_len| {
            (at.to_owned(), frame, link, bytes.to_vec(), wire_len)
        };
        assert_eq!(
            kept,
            [
                row("2001-09-09T01:45:40.000000001Z", 1, 1, b"first", 5),
                row("1970-01-01T00:00:00.500000000Z", 2, 101, b"2", 1),
                row("-", 3, 1, &[3; 100], 150),
                row("1970-01-01T00:00:01.500000000Z", 4, 101, b"fourth", 6),
                row("1970-01-01T00:00:01.000000000Z", 5, 276, b"fifth", 5),
                row("-", 6, 276, b"sixth!", 6),
            ]
        );
        assert_eq!(facts.link_types, [LinkType(1), LinkType(101), LinkType(276)]);
        assert_eq!((facts.snaplen_cut_packets, facts.damage_count), (1, 0));
        assert_eq!(facts.first_cut_packet, Some(3));
        assert_eq!(facts.format.map(Format::name), Some("pcapng"));
    }
}

#[test]
fn a_packet_of_an_undescribed_interface_keeps_its_number() {
    let known = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    let at = known.len();
    let file = [known, LITTLE.enhanced(7, 0, b"lost"), LITTLE.enhanced(0, 0, b"kept")].concat();
    let (kept, facts) = read(&file);
    assert_eq!((kept.len(), kept[0].1, facts.packets), (1, 2, 2));
    let said = "packet names interface 7, which was never described,";
    assert_eq!(shown(&facts), [format!("{said} at byte {at}, after 0 packets")]);
}

#[test]
fn a_corrupt_block_is_stepped_over_and_an_unreadable_description_keeps_its_number() {
    let mut corrupt = LITTLE.enhanced(1, 0, b"abcd");
    corrupt[20] = 99;
    let start = [LITTLE.section(), LITTLE.block(1, b"")].concat();
    let file = [
        start,
        LITTLE.interface(101, 0, &[]),
        corrupt,
        LITTLE.simple(9, b"of interface 0"),
        LITTLE.enhanced(1, 0, b"kept"),
    ]
    .concat();
    let (kept, facts) = read(&file);
    assert_eq!((payloads(&kept), kept[0].1, kept[0].2), (vec![&b"kept"[..]], 3, 101));
    assert_eq!(
        shown(&facts),
        [
            "corrupt block of 12 bytes skipped at byte 28, after 0 packets",
            "corrupt block of 36 bytes skipped at byte 60, after 0 packets",
            "packet names interface 0, which was never described, at byte 96, after 1 packet",
        ]
    );
}

#[test]
fn a_block_whose_length_cannot_be_costs_itself() {
    let good = [LITTLE.section(), LITTLE.interface(1, 0, &[]), LITTLE.enhanced(0, 0, b"x")];
    let good = good.concat();
    let mut torn = LITTLE.enhanced(0, 0, b"torn");
    *torn.last_mut().unwrap() = 1;
    let mut torn_unknown = LITTLE.block(77, b"what");
    *torn_unknown.last_mut().unwrap() = 1;
    let mut bad_order = LITTLE.section();
    bad_order[8] = 0;
    for (bad, end) in [
        (torn, DamageKind::BadBlockLength { len: 36 }),
        (torn_unknown, DamageKind::BadBlockLength { len: 16 }),
        (LITTLE.u32s(&[6, 8, 8]), DamageKind::BadBlockLength { len: 8 }),
        (LITTLE.u32s(&[6, 33, 33]), DamageKind::BadBlockLength { len: 33 }),
        (
            LITTLE.u32s(&[88, 0xffff_fff0, 0]),
            DamageKind::RecordTooBig { len: 0xffff_fff0, limit: 1000 },
        ),
        (LITTLE.enhanced(0, 0, &[0; 2000]), DamageKind::RecordTooBig { len: 2032, limit: 1000 }),
        (bad_order, DamageKind::BadByteOrder),
    ] {
        let skipped = DamageKind::Skipped { bytes: bad.len() as u64 };
        for (rest, packets, wanted) in [(&good[..], 2, skipped), (&[][..], 1, end)] {
            let file = [&good[..], &bad, rest].concat();
            let (kept, facts) = read_from(Cursor::new(file), &small_limits());
            assert_eq!(kept.len(), packets, "{wanted:?}");
            assert_eq!(facts.damage[0].what, wanted);
            assert_eq!((facts.damage[0].offset, facts.damage_count), (good.len() as u64, 1));
        }
    }
}

#[test]
fn a_description_beyond_the_limit_is_stepped_over_and_keeps_its_number() {
    let long = LITTLE.block(1, &[0; 300]);
    let file = [
        LITTLE.section(),
        long,
        LITTLE.interface(101, 0, &[]),
        LITTLE.enhanced(0, 0, b"lost"),
        LITTLE.enhanced(1, 0, b"kept"),
    ]
    .concat();
    let (kept, facts) = read_from(Cursor::new(file), &small_limits());
    assert_eq!(payloads(&kept), [b"kept"]);
    let wanted = DamageKind::DescriptionTooBig { len: 312, limit: 200 };
    assert_eq!((&facts.damage[0].what, facts.damage_count), (&wanted, 2));
    assert_eq!(facts.limits_reached.get("description_bytes"), Some(&1));
}

#[test]
fn a_huge_block_is_searched_through_and_a_huge_packet_is_held() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 0, &vec![7; 1 << 20]),
        LITTLE.block(0xbad, &vec![1; 3 << 20]),
        LITTLE.enhanced(0, 0, b"end"),
    ]
    .concat();
    let options = ReadOptions {
        limits: Limits { record_bytes: 2 << 20, ..Limits::default() },
        ..ReadOptions::default()
    };
    let (kept, facts) = read_from(Cursor::new(file), &options);
    assert!(payloads(&kept) == [&vec![7; 1 << 20][..], b"end"]);
    let skipped = LITTLE.block(0xbad, &vec![1; 3 << 20]).len() as u64;
    assert_eq!(facts.damage[0].what, DamageKind::Skipped { bytes: skipped });
    assert_eq!(facts.damage_count, 1);
}

#[test]
fn interfaces_and_places_of_damage_are_bounded() {
    let interfaces = LITTLE.interface(1, 0, &[]).repeat(30);
    let file = [LITTLE.section(), interfaces, LITTLE.enhanced(9, 0, b"ninth")].concat();
    let limits = Limits { interfaces: 10, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let (kept, facts) = read_from(Cursor::new(file), &options);
    assert_eq!(payloads(&kept), [b"ninth"]);
    assert_eq!((facts.damage.len(), facts.damage_count), (16, 20));
}

/// Delivered packets never become fewer as the file becomes longer, and the rest of the
/// file is called cut exactly if it ends between two records.
#[test]
fn a_file_cut_anywhere_gives_what_was_whole() {
    let legacy = |order: Order, magic| {
        let extra = if magic == 0xa1b2_cd34 { vec![0; 8] } else { vec![] };
        let record = [order.u32s(&[1, 2, 5, 5]), extra, b"hello".to_vec()].concat();
        [order.pcap(magic, 0, 1), record.repeat(4)].concat()
    };
    let files =
        [(legacy(LITTLE, 0xa1b2_c3d4), 4), (legacy(BIG, 0xa1b2_cd34), 4), (pcapng(LITTLE, BIG), 6)];
    for (file, whole) in files {
        let mut before = 0;
        for len in 0..=file.len() {
            let (kept, facts) = read(&file[..len]);
            assert!(kept.len() >= before && facts.packets == kept.len() as u64);
            assert_eq!(facts.error.is_some(), len < 4, "{len}");
            for damage in &facts.damage {
                assert_eq!((&damage.what, damage.offset), (&DamageKind::Cut, len as u64));
            }
            before = kept.len();
        }
        assert_eq!(before, whole);
    }
}

#[test]
fn where_a_file_is_cut_is_said() {
    let file = super::build::pcap_of(&[(1, 1), (2, 2), (3, 3)]);
    let (kept, facts) = read(&file[..60]);
    assert_eq!(kept.len(), 2);
    assert_eq!(shown(&facts), ["cut inside a record at byte 60, after 2 packets"] as [&str; 1]);
}

#[test]
fn one_byte_a_read_gives_the_same() {
    for file in [pcapng(LITTLE, BIG), super::build::pcap_of(&[(1, 1), (2, 2)])] {
        let (whole, _) = read(&file);
        let (dribbled, facts) =
            read_from(Dribble(Cursor::new(file.clone())), &ReadOptions::default());
        assert_eq!(dribbled, whole);
        assert_eq!((facts.bytes, facts.damage_count), (file.len() as u64, 0));
    }
}

/// Seeded nonsense over whole files: nothing panics, nothing is invented without end.
#[test]
fn flipped_bytes_never_panic() {
    let mut state = 0x5eed_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % bound
    };
    for file in [pcapng(LITTLE, BIG), super::build::pcap_of(&[(1, 1), (2, 2), (3, 3)])] {
        for _ in 0..2000 {
            let mut broken = file.clone();
            for _ in 0..=below(3) {
                let at = below(broken.len());
                broken[at] = below(256) as u8;
            }
            let (kept, facts) = read_from(Cursor::new(broken), &small_limits());
            assert!(kept.len() as u64 <= facts.packets && facts.packets < 20);
        }
    }
}

#[test]
fn what_is_no_capture_is_said_to_be_that() {
    for (bytes, wanted) in [
        (&b""[..], "not a capture: an empty stream"),
        (b"hello world, this is text", "not a capture: a text file"),
        (
            b"\x0a\x0d\x0d\x0a\0\0\0\0\0\0\0\0",
            "not a capture: unknown content (starts [0a, 0d, 0d, 0a])",
        ),
    ] {
        let (kept, facts) = read(bytes);
        assert!(kept.is_empty());
        assert!(matches!(facts.error, Some(CaptureError::NotACapture(_))));
        assert_eq!(facts.error.map(|error| error.to_string()).as_deref(), Some(wanted));
    }
}
