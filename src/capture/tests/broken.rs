//! Records that cannot be, and the way back to those that can.

use std::io::Cursor;
use std::time::{Duration, Instant};

use super::build::{BIG, LITTLE, Order, pcap_of};
use super::{payloads, read, read_from, shown};
use crate::capture::{DamageKind, ReadOptions};
use crate::limits::Limits;

const NOW: u32 = 1_767_323_045;

/// Records whose packets are their numbers.
fn records(order: Order, numbers: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    let packet = |nth: u32| [&nth.to_be_bytes()[..], &[0xab; 60]].concat();
    numbers.map(|nth| order.record(NOW + nth, nth, &packet(nth))).collect()
}

fn header(order: Order) -> Vec<u8> {
    order.pcap(0xa1b2_c3d4, 262_144, 1)
}

/// The numbers of the packets that came out whole.
fn numbers(file: &[u8]) -> (Vec<u32>, Vec<String>) {
    let (kept, facts) = read(file);
    let whole = payloads(&kept).into_iter().filter(|packet| packet.len() == 64);
    let number = |packet: &[u8]| u32::from_be_bytes(*packet.first_chunk().unwrap());
    (whole.map(number).collect(), shown(&facts))
}

#[test]
fn a_corrupt_record_header_costs_one_record() {
    for order in [LITTLE, BIG] {
        let mut list = records(order, 0..9000);
        list[4000][8..12].copy_from_slice(&[0xff; 4]);
        let (seen, said) = numbers(&[header(order), list.concat()].concat());
        assert_eq!(seen, (0..4000).chain(4001..9000).collect::<Vec<_>>());
        let at = 24 + 4000 * 80;
        let wanted = format!(
            "no record can begin here: 80 bytes skipped to the next one at byte {at}, after 4000 packets"
        );
        assert_eq!(said, [wanted]);
    }
}

#[test]
fn rubbish_and_lost_bytes_in_the_middle_cost_what_they_touch() {
    let list = records(LITTLE, 0..9000);
    let (before, after) = (list[..100].concat(), list[100..].concat());
    let mut noise = 9_u64;
    let rubbish: Vec<u8> = (0..300_000)
        .map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 56) as u8
        })
        .collect();
    for (what, lost, file) in [
        ("rubbish", 0, [header(LITTLE), before.clone(), rubbish, after.clone()].concat()),
        ("zeros", 0, [header(LITTLE), before.clone(), vec![0; 1 << 20], after.clone()].concat()),
        // The record that was begun takes the next for its own bytes.
        ("a lost sector", 8, [header(LITTLE), before, after[523..].to_vec()].concat()),
    ] {
        let (seen, said) = numbers(&file);
        assert!(seen.len() >= 9000 - lost - 1, "{what}: {}", seen.len());
        assert!(seen.is_sorted() && seen.iter().all(|nth| *nth < 9000), "{what}");
        assert!(said.len() == 1 && said[0].contains("bytes skipped"), "{what}: {said:?}");
    }
}

/// A packet with a capture file in it, to its very end: those records are not ours, whether they
/// are of another time or, by a false clock, still to come.
#[test]
fn the_records_of_a_capture_inside_a_packet_are_not_believed() {
    for first in [50_000_u32, 0_u32.wrapping_sub(50_000)] {
        let inner = records(LITTLE, 0..700);
        let inner = inner.iter().enumerate().map(|(nth, record)| {
            let at = NOW.wrapping_add(first) + nth as u32;
            [&at.to_le_bytes(), &record[4..]].concat()
        });
        let inner = inner.collect::<Vec<_>>().concat();
        let mut carrier = LITTLE.record(NOW, 0, &inner);
        carrier[8..12].copy_from_slice(&[0xff; 4]);
        let list = records(LITTLE, 0..9000);
        let parts = [header(LITTLE), list[..50].concat(), carrier, list[50..].concat()];
        let (seen, said) = numbers(&parts.concat());
        assert!(seen == (0..9000).collect::<Vec<_>>(), "{first}");
        assert!(said[0].contains(&format!("{} bytes skipped", inner.len() + 16)), "{said:?}");
    }
}

#[test]
fn zeros_at_the_end_are_no_packets() {
    for zeros in [16, 17, 4096, 1 << 20] {
        let file = [header(LITTLE), records(LITTLE, 0..9).concat(), vec![0; zeros]].concat();
        let (seen, said) = numbers(&file);
        assert_eq!(seen.len(), 9);
        let wanted =
            "reading ends: no record can begin here, or later at byte 744, after 9 packets";
        assert_eq!(said, [wanted]);
    }
}

#[test]
fn a_believable_long_record_is_kept_and_an_unbelievable_one_is_not() {
    let long = LITTLE.record(NOW, 0, &vec![1; 1 << 20]);
    let list = records(LITTLE, 0..9);
    let file = [header(LITTLE), long, list.concat()].concat();
    let (kept, facts) = read(&file);
    assert_eq!((kept.len(), facts.damage_count), (10, 0));
    // The same with a length that ends in the middle of a later record.
    let mut wrong = list[0].clone();
    wrong[8..12].copy_from_slice(&400_001_u32.to_le_bytes());
    let file = [header(LITTLE), wrong, records(LITTLE, 1..9000).concat()].concat();
    let (seen, said) = numbers(&file);
    assert_eq!((seen.len(), said.len()), (8999, 1), "{said:?}");
}

#[test]
fn empty_packets_with_a_time_are_packets() {
    let file = pcap_of(&[(1, 1)]);
    let empty = LITTLE.record(NOW, 5, b"");
    let (kept, facts) = read(&[&file[..], &empty.repeat(5), &file[24..]].concat());
    assert_eq!((kept.len(), facts.damage_count), (7, 0));
}

/// `cat` makes such files; the second may be older than the first.
#[test]
fn a_file_behind_a_file_costs_its_header() {
    let (one, two) = (pcap_of(&[(NOW, 1), (NOW + 1, 2)]), pcap_of(&[(5, 3), (6, 4)]));
    let (kept, facts) = read(&[&one[..], &two].concat());
    assert_eq!(payloads(&kept), [[1], [2], [3], [4]]);
    assert_eq!(facts.damage[0].what, DamageKind::Skipped { bytes: 24 });
    assert_eq!((facts.damage_count, facts.damage[0].offset), (1, one.len() as u64));
}

#[test]
fn a_search_has_a_bound() {
    let list = records(LITTLE, 0..9000);
    let file = [header(LITTLE), vec![0xff; 3 << 20], list.concat()].concat();
    let limits = Limits { resync_bytes: 1 << 20, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let (kept, facts) = read_from(Cursor::new(file.clone()), &options);
    assert_eq!((kept.len(), facts.damage_count), (0, 1));
    assert!(matches!(facts.damage[0].what, DamageKind::RecordTooBig { .. }));
    assert_eq!(read(&file).0.len(), 9000);
}

/// Every fourth byte begins a chain of records that breaks late.
#[test]
fn a_file_of_almost_chains_does_not_cost_its_square() {
    let mut file = header(LITTLE);
    file.extend([0xff; 16]);
    // Seconds, fraction, captured and original length at once: 16 bytes of packet each.
    let word = 16_u32.to_le_bytes();
    let stretch = [word.repeat(60_000), vec![0xff; 8192]].concat();
    file.extend(stretch.repeat(40));
    let started = Instant::now();
    let (kept, facts) = read(&file);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!((kept.len(), facts.damage_count), (0, 1));
}

/// pcapng: whatever one byte of a block's two lengths becomes, the others survive.
#[test]
fn a_corrupt_block_length_costs_one_block() {
    for order in [LITTLE, BIG] {
        let packet = |nth: u64| order.enhanced(0, nth, &[nth as u8; 60]);
        let blocks: Vec<Vec<u8>> = (0..9000).map(packet).collect();
        let start = [order.section(), order.interface(1, 0, &[])].concat();
        for (at, with) in [(4, 0xff_u8), (5, 0x40), (6, 0xff), (7, 0x7f), (88, 1), (91, 0xff)] {
            let mut list = blocks.clone();
            list[3000][at] = with;
            let (kept, facts) = read(&[start.clone(), list.concat()].concat());
            assert_eq!(kept.len(), 8999, "byte {at}: {:?}", shown(&facts));
            let wanted = (DamageKind::Skipped { bytes: 92 }, (start.len() + 3000 * 92) as u64);
            assert_eq!((facts.damage[0].what.clone(), facts.damage[0].offset), wanted);
            assert_eq!(facts.damage_count, 1);
        }
    }
}

#[test]
fn a_section_that_is_found_again_brings_its_own_byte_order() {
    let section = |order: Order, packets: u64| {
        let packets = (0..packets).map(|nth| order.enhanced(0, nth, &[7; 60]));
        let packets = packets.collect::<Vec<_>>().concat();
        [order.section(), order.interface(1, 0, &[]), packets].concat()
    };
    let file = [section(LITTLE, 10), vec![0xee; 5001], section(BIG, 5000)].concat();
    let (kept, facts) = read(&file);
    assert_eq!((kept.len(), facts.damage_count), (5010, 1));
    assert_eq!(facts.damage[0].what, DamageKind::Skipped { bytes: 5001 });
}
