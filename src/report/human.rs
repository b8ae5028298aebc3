//! Numbers for people: the only place that rounds. Sizes are decimal (1 kB is 1000 bytes), as
//! links and disks are sold; below 10,000 bytes they are exact.

use chrono::DateTime;

use crate::time::{Stamp, Timestamp};

/// `1 B`, `3,623 B`, `684 kB`, `3.1 MB`.
pub fn bytes(count: u64) -> String {
    if count < 10_000 {
        return format!("{} B", number(count));
    }
    scaled(count, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// `9,000 B`, or between two bounds `about 8.2–9.2 MB`.
pub fn about(least: u64, most: u64) -> String {
    let (low, high) = (bytes(least), bytes(most));
    if low == high {
        return high;
    }
    let unit = |text: &str| text.rsplit(' ').next().map(str::to_owned);
    let number = if unit(&low) == unit(&high) { low.split(' ').next() } else { None };
    format!("about {}–{high}", number.unwrap_or(&low))
}

/// A day, as `2036-11-19`; beyond what a calendar is for, a word.
pub fn day(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0).map(|time| time.format("%Y-%m-%d").to_string());
    time.unwrap_or_else(|| "an unknown day".to_owned())
}

/// `2,801`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 packet`, `2,801 packets`.
pub fn plural(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", number(count))
}

/// A length of time: `12 µs`, `0.9 ms`, `3.2 s`, `4 min 12 s`, `2 h 05 min`, `3 d 04 h`.
/// A clock that stepped back gives a minus.
pub fn duration(nanos: i64) -> String {
    if nanos < 0 {
        return format!("-{}", duration(nanos.saturating_neg()));
    }
    let nanos = nanos.unsigned_abs();
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..100_000 => format!("{} µs", nanos / 1_000),
        100_000..9_950_000 => tenths(nanos, 1_000_000, "ms"),
        9_950_000..999_500_000 => format!("{} ms", round(nanos, 1_000_000)),
        999_500_000..59_950_000_000 => tenths(nanos, 1_000_000_000, "s"),
        _ => long_duration(round(nanos, 1_000_000_000)),
    }
}

/// How fast; `None` where the time is too short to say. `1.2 MB/s`.
pub fn rate(count: u64, nanos: i64) -> Option<String> {
    let nanos = u128::from(u64::try_from(nanos).ok().filter(|nanos| *nanos >= SHORTEST)?);
    let each_second = u128::from(count) * 1_000_000_000 / nanos;
    Some(format!("{}/s", bytes(u64::try_from(each_second).ok()?)))
}

/// Below a millisecond a capture clock says more about buffers than about the network.
const SHORTEST: u64 = 1_000_000;

/// A moment of a session: `+0.912`, `+61.003`, from an hour on `+1:02:03`.
pub fn relative(nanos: i64) -> String {
    let sign = if nanos < 0 { '-' } else { '+' };
    let millis = nanos.unsigned_abs() / 1_000_000;
    let secs = millis / 1_000;
    if secs < 3_600 {
        return format!("{sign}{secs}.{:03}", millis % 1_000);
    }
    format!("{sign}{}:{:02}:{:02}", secs / 3_600, secs / 60 % 60, secs % 60)
}

/// `#12`, or with several inputs `#2:12`: the twelfth of the second.
pub fn frame(stamp: Stamp, several_inputs: bool) -> String {
    match several_inputs {
        true => format!("#{}:{}", stamp.input() + 1, stamp.frame()),
        false => format!("#{}", stamp.frame()),
    }
}

/// A moment: `2026-11-22 15:37:01.204 UTC`; `None` if the capture does not tell it.
pub fn moment(at: Timestamp) -> Option<String> {
    Some(format!("{} UTC", clock(at, "%Y-%m-%d %H:%M:%S%.3f")?))
}

/// From one moment to another, the day said once where it is the same:
/// `2026-11-22 15:37:01.204 – 15:37:04.391 UTC (3.2 s)`.
pub fn span(first: Timestamp, last: Timestamp) -> Option<String> {
    let same_day = clock(first, "%Y-%m-%d")? == clock(last, "%Y-%m-%d")?;
    let until = if same_day { "%H:%M:%S%.3f" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    let (from, until) = (clock(first, "%Y-%m-%d %H:%M:%S%.3f")?, clock(last, until)?);
    Some(format!("{from} – {until} UTC ({})", duration(last.nanos_since(first)?)))
}

fn clock(at: Timestamp, format: &str) -> Option<String> {
    let nanos = at.nanos_since(Timestamp::from_parts(0, 0))?;
    Some(DateTime::from_timestamp_nanos(nanos).format(format).to_string())
}

fn long_duration(secs: u64) -> String {
    let (mins, hours) = (secs / 60, secs / 3_600);
    match secs {
        0..3_600 => format!("{mins} min {:02} s", secs % 60),
        3_600..86_400 => format!("{hours} h {:02} min", mins % 60),
        _ => format!("{} d {:02} h", hours / 24, hours % 24),
    }
}

/// Two or three digits and a unit.
fn scaled(count: u64, units: &[&str]) -> String {
    let mut unit = 1;
    let mut names = units.iter();
    let mut name = names.next();
    // What would round to 1000 of a unit is 1.0 of the next.
    while round(count, unit) >= 1_000 {
        let Some(next) = names.next() else { break };
        unit *= 1_000;
        name = Some(next);
    }
    let name = name.copied().unwrap_or_default();
    if count / 995 < unit / 10 {
        tenths(count, unit, name)
    } else {
        format!("{} {name}", round(count, unit))
    }
}

fn tenths(count: u64, unit: u64, name: &str) -> String {
    let tenths = round(count, unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// Half goes up.
fn round(count: u64, unit: u64) -> u64 {
    count / unit + u64::from(count % unit >= unit.div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact_while_small_and_round_to_the_nearest_after_that() {
        for (count, wanted) in [
            (0, "0 B"),
            (1, "1 B"),
            (9_999, "9,999 B"),
            (10_000, "10.0 kB"),
            (20_480, "20.5 kB"),
            (99_449, "99.4 kB"),
            (99_500, "100 kB"),
            (683_900, "684 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (3_100_000, "3.1 MB"),
            (5_000_000_000, "5.0 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(count), wanted, "{count}");
        }
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!((plural(1, "packet"), plural(0, "file")), ("1 packet".into(), "0 files".into()));
    }

    #[test]
    fn bounds_share_their_unit() {
        for (least, most, wanted) in [
            (282, 282, "282 B"),
            (8_209, 9_235, "about 8,209–9,235 B"),
            (0, 373, "about 0–373 B"),
            (9_999, 10_500, "about 9,999 B–10.5 kB"),
            (4_210_000, 4_290_000, "about 4.2–4.3 MB"),
            (4_210_000, 4_211_000, "4.2 MB"),
        ] {
            assert_eq!(about(least, most), wanted);
        }
        assert_eq!((day(0).as_str(), day(i64::MAX).as_str()), ("1970-01-01", "an unknown day"));
    }

    #[test]
    fn lengths_of_time_keep_two_or_three_digits() {
        for (nanos, wanted) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (12_345, "12 µs"),
            (870_000, "0.9 ms"),
            (9_949_999, "9.9 ms"),
            (9_950_000, "10 ms"),
            (999_499_999, "999 ms"),
            (999_500_000, "1.0 s"),
            (3_187_000_000, "3.2 s"),
            (59_949_000_000, "59.9 s"),
            (59_950_000_000, "1 min 00 s"),
            (252_000_000_000, "4 min 12 s"),
            (7_500_000_000_000, "2 h 05 min"),
            (273_600_000_000_000, "3 d 04 h"),
            (-1_500_000_000, "-1.5 s"),
            (i64::MIN, "-106751 d 23 h"),
        ] {
            assert_eq!(duration(nanos), wanted, "{nanos}");
        }
    }

    #[test]
    fn moments_of_a_session_are_seconds_until_there_are_too_many() {
        for (nanos, wanted) in [
            (0, "+0.000"),
            (912_999_999, "+0.912"),
            (61_003_000_000, "+61.003"),
            (3_723_456_000_000, "+1:02:03"),
            (-3_000_000, "-0.003"),
            (i64::MIN, "-2562047:47:16"),
        ] {
            assert_eq!(relative(nanos), wanted, "{nanos}");
        }
    }

    #[test]
    fn a_rate_needs_a_time_to_measure() {
        for (count, nanos, wanted) in [
            (3_000_000, 1_000_000_000, Some("3.0 MB/s")),
            (1_500, 1_000_000, Some("1.5 MB/s")),
            (1_500, 999_999, None),
            (1_500, -1, None),
            (u64::MAX, 1_000_000, None),
        ] {
            assert_eq!(rate(count, nanos).as_deref(), wanted, "{count} in {nanos}");
        }
    }

    #[test]
    fn the_day_is_said_once() {
        let at = |secs| Timestamp::from_parts(secs, 204_600_000);
        for (first, last, wanted) in [
            (0, 3, Some("1970-01-01 00:00:00.204 – 00:00:03.204 UTC (3.0 s)")),
            (0, 86_400, Some("1970-01-01 00:00:00.204 – 1970-01-02 00:00:00.204 UTC (1 d 00 h)")),
            (0, i64::MAX, None),
        ] {
            assert_eq!(span(at(first), at(last)).as_deref(), wanted);
        }
        assert_eq!(moment(at(1)).as_deref(), Some("1970-01-01 00:00:01.204 UTC"));
    }
}
