//! Clocks that step, jump and say nothing.

use std::io::Cursor;

use super::build::{LITTLE, pcap_of};
use super::{read, read_from};
use crate::capture::{ClockSteps, ReadOptions};
use crate::time::Timestamp;

const SECOND: u64 = 1_000_000_000;

#[test]
fn steps_back_are_counted_with_the_largest_and_the_first() {
    // A clock of seconds: 5 → 9, back to 2, on to 6, back to 5.
    let (kept, facts) = read(&pcap_of(&[(5, 0), (9, 1), (2, 2), (6, 3), (5, 4)]));
    let order: Vec<_> = kept.iter().map(|kept| kept.3[0]).collect();
    assert_eq!(order, [0, 1, 2, 3, 4]);
    let wanted = ClockSteps { count: 2, largest_ns: 7 * SECOND, first_frame: 3, largest_frame: 3 };
    assert_eq!(facts.time_steps_back, Some(wanted));
    assert_eq!(facts.time_jumps_ahead, None);
    assert_eq!(facts.first_time, Timestamp::from_parts(2, 0));
    assert_eq!(facts.last_time, Timestamp::from_parts(9, 0));
}

#[test]
fn an_hour_of_silence_is_a_jump_and_less_is_not() {
    let at = 1_767_323_045;
    let (_, facts) = read(&pcap_of(&[(at, 0), (at + 3599, 1)]));
    assert_eq!((facts.time_jumps_ahead, facts.time_steps_back), (None, None));
    let (_, facts) = read(&pcap_of(&[(at, 0), (at + 3600, 1), (at + 20_000, 2), (at, 3)]));
    let ahead =
        ClockSteps { count: 2, largest_ns: 16_400 * SECOND, first_frame: 2, largest_frame: 3 };
    assert_eq!(facts.time_jumps_ahead, Some(ahead));
    assert_eq!(facts.time_steps_back.map(|steps| steps.largest_ns), Some(20_000 * SECOND));
}

/// 0 is 1970, the largest number of seconds is 2106: what a file says is what is told.
#[test]
fn the_ends_of_the_legacy_clock_are_times() {
    let (kept, facts) = read(&pcap_of(&[(0, 1), (u32::MAX, 2), (0, 3)]));
    let times: Vec<_> = kept.iter().map(|kept| kept.0.as_str()).collect();
    let (zero, end) = ("1970-01-01T00:00:00.000000000Z", "2106-02-07T06:28:15.000000000Z");
    assert_eq!(times, [zero, end, zero]);
    assert_eq!(facts.time_jumps_ahead.map(|steps| steps.count), Some(1));
    let back = facts.time_steps_back.map(|steps| steps.largest_ns);
    assert_eq!(back, Some(u64::from(u32::MAX) * SECOND));
}

#[test]
fn absurd_resolutions_and_offsets_give_no_time_or_the_one_they_say() {
    let (far, early) = (LITTLE.i64(i64::MAX), LITTLE.i64(-10_000_000_000));
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[(14, &far)]),
        LITTLE.interface(1, 0, &[(14, &early)]),
        LITTLE.interface(1, 0, &[(9, &[0xff])]),
        LITTLE.interface(1, 0, &[(9, &[0])]),
        LITTLE.enhanced(0, 7, b"a"),
        LITTLE.enhanced(1, 0, b"b"),
        LITTLE.enhanced(2, u64::MAX, b"c"),
        LITTLE.enhanced(3, u64::MAX, b"d"),
        LITTLE.simple(1, b"e"),
    ]
    .concat();
    let (kept, facts) = read(&file);
    let times: Vec<_> = kept.iter().map(|kept| kept.0.as_str()).collect();
    let early = "1653-02-10T06:13:20.000000000Z";
    assert!(kept.len() == 5 && times[0] == "-" && times[3] == "-" && times[4] == "-", "{times:?}");
    // 1653 is beyond 64 bits of nanoseconds.
    assert_eq!((times[1] == early, times[1]), (false, "-"));
    assert_eq!(times[2], "1970-01-01T00:00:00.000000000Z");
    assert_eq!((facts.packets_without_time, facts.damage_count), (4, 0));
}

#[test]
fn packets_without_a_time_are_no_step() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 5_000_000, b"a"),
        LITTLE.simple(1, b"b"),
        LITTLE.enhanced(0, 4_000_000, b"c"),
    ]
    .concat();
    let (_, facts) = read_from(Cursor::new(file), &ReadOptions::default());
    let wanted = ClockSteps { count: 1, largest_ns: SECOND, first_frame: 3, largest_frame: 3 };
    assert_eq!((facts.time_steps_back, facts.packets_without_time), (Some(wanted), 1));
    assert_eq!(facts.first_without_time, Some(2));
}
