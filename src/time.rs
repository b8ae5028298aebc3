//! When and where something was seen: capture clocks and frame numbers.

use std::fmt;
use std::num::NonZeroU64;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike};

/// Where and when something was seen. Every event carries one, so every claim
/// the tool makes can be traced back to a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// Capture clock, not ours. May step backwards between packets.
    pub at: Timestamp,
    pub place: Place,
}

/// A frame of an input. Frames are in the order in which inputs were named, and in each as they
/// stand there. Kept in eight bytes: what is known of a capture is to a good part such places.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place(NonZeroU64);

/// Bits of a frame's number; no capture has 2⁴⁸ frames.
const FRAME_BITS: u32 = 48;
const LAST_FRAME: u64 = (1 << FRAME_BITS) - 1;

impl Place {
    const fn new(input: u16, frame: u64) -> Self {
        let frame = if frame < LAST_FRAME { frame } else { LAST_FRAME };
        match NonZeroU64::new(frame) {
            Some(frame) => Self(frame.saturating_add((input as u64) << FRAME_BITS)),
            None => Self::new(input, 1),
        }
    }

    fn input(self) -> u16 {
        (self.0.get() >> FRAME_BITS) as u16
    }

    fn frame(self) -> u64 {
        self.0.get() & LAST_FRAME
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.input(), self.frame())
    }
}

impl Stamp {
    /// Frames count from 1.
    pub const fn new(at: Timestamp, input: u16, frame: u64) -> Self {
        Self { at, place: Place::new(input, frame) }
    }

    /// 1-based position in its input, as Wireshark's `frame.number`.
    pub fn frame(self) -> u64 {
        self.place.frame()
    }

    /// Which of the inputs, counted from 0 in the order they were named.
    pub fn input(self) -> u16 {
        self.place.input()
    }

    /// Whether it was read before `other`. Within one input the file's order decides; between
    /// inputs, the clock.
    pub fn is_before(self, other: Self) -> bool {
        if self.input() == other.input() {
            self.place < other.place
        } else {
            (self.at, self.place) < (other.at, other.place)
        }
    }

    /// Whichever was read first.
    pub fn earlier(self, other: Self) -> Self {
        if other.is_before(self) { other } else { self }
    }

    /// Whichever was read last.
    pub fn later(self, other: Self) -> Self {
        if self.is_before(other) { other } else { self }
    }
}

/// Nanoseconds since the Unix epoch, UTC, or [`Timestamp::UNKNOWN`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The capture does not say: a pcapng Simple Packet Block has no time, and
    /// some clocks are beyond 1677–2262.
    pub const UNKNOWN: Self = Self(i64::MIN);

    /// Builds from a capture's seconds and nanoseconds; unknown outside 1677–2262.
    pub fn from_parts(secs: i64, nanos: u32) -> Self {
        secs.checked_mul(1_000_000_000)
            .and_then(|whole| whole.checked_add(i64::from(nanos)))
            .map_or(Self::UNKNOWN, Self)
    }

    /// Whether the capture told this time.
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }

    /// Nanoseconds from `earlier` to `self`, negative if the clock stepped back;
    /// `None` if either is unknown.
    pub fn nanos_since(self, earlier: Self) -> Option<i64> {
        (self.is_known() && earlier.is_known()).then(|| self.0.saturating_sub(earlier.0))
    }
}

/// RFC 3339, UTC, nine digits; an unknown time is a dash.
impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_known() {
            return out.write_str("-");
        }
        let time = DateTime::from_timestamp_nanos(self.0).naive_utc();
        // Documents have millions of times, and all their years four digits.
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        for (place, mut number) in [
            (0..4, time.year().unsigned_abs()),
            (5..7, time.month()),
            (8..10, time.day()),
            (11..13, time.hour()),
            (14..16, time.minute()),
            (17..19, time.second()),
            (20..29, time.nanosecond()),
        ] {
            for digit in text[place].iter_mut().rev() {
                *digit += (number % 10) as u8;
                number /= 10;
            }
        }
        out.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Seconds since the Unix epoch in RFC 3339, UTC; `None` beyond the years it can write.
pub fn of_seconds(seconds: i64) -> Option<String> {
    let time = DateTime::from_timestamp(seconds, 0)?;
    (0..=9999).contains(&time.year()).then(|| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_with_nine_digits_and_survive_nonsense() {
        for (secs, nanos, wanted) in [
            (1_767_323_045, 123_456_789, "2026-01-02T03:04:05.123456789Z"),
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            (i64::MAX, 0, "-"),
        ] {
            assert_eq!(Timestamp::from_parts(secs, nanos).to_string(), wanted);
        }
    }

    #[test]
    fn times_print_as_chrono_prints_them() {
        let spread =
            (0..100_000).map(|nth: i64| nth.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64));
        for nanos in spread.chain([i64::MIN + 1, i64::MAX]) {
            let time = DateTime::from_timestamp_nanos(nanos);
            let wanted = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
            assert_eq!(Timestamp(nanos).to_string(), wanted);
        }
    }

    #[test]
    fn seconds_are_told_within_four_digits_of_years() {
        for (seconds, wanted) in [
            (0, Some("1970-01-01T00:00:00Z")),
            (253_402_300_799, Some("9999-12-31T23:59:59Z")),
            (253_402_300_800, None),
            (i64::MIN, None),
        ] {
            assert_eq!(of_seconds(seconds).as_deref(), wanted);
        }
    }

    #[test]
    fn nothing_is_later_than_an_unknown_time() {
        let known = Timestamp::from_parts(5, 0);
        assert_eq!(Timestamp::UNKNOWN.nanos_since(known), None);
        assert_eq!(known.nanos_since(Timestamp::UNKNOWN), None);
        assert_eq!(known.nanos_since(Timestamp::from_parts(3, 0)), Some(2_000_000_000));
    }
}
