//! When an entry was modified, in the many ways listings say it.

use std::fmt;

use super::dated::Part;
use super::months::month_named;
use super::row::number_of;

/// When an entry was last modified, as far as the listing says: `ls` leaves out the year of what
/// is recent and the time of what is old, and only some formats say in which zone their time is.
///
/// Nothing is filled in. Displayed in the manner of ISO 8601: `2024-02-29T12:00:05Z`, without
/// the Z where the zone is unknown, `--02-29T12:00` where the year is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Modified {
    /// 1 to 9999.
    pub year: Option<i32>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to what the month has.
    pub day: u8,
    /// 0 to 23.
    pub hour: Option<u8>,
    pub minute: Option<u8>,
    /// 0 to 60: a leap second.
    pub second: Option<u8>,
    /// Whether it is UTC; otherwise the zone is the server's own and not known.
    pub is_utc: bool,
}

impl Modified {
    pub(super) fn new(day: Day, clock: Option<Clock>) -> Self {
        Self {
            year: day.year,
            month: day.month,
            day: day.day,
            hour: clock.map(|clock| clock.hour),
            minute: clock.map(|clock| clock.minute),
            second: clock.and_then(|clock| clock.second),
            is_utc: false,
        }
    }

    /// A time-val: `YYYYMMDDHHMMSS`, perhaps with a fraction, in UTC (RFC 3659 §2.3).
    pub(super) fn from_time_val(text: &[u8]) -> Option<Self> {
        let (whole, fraction) = text.split_at_checked(14)?;
        if !matches!(fraction, [] | [b'.', ..]) {
            return None;
        }
        let part = |from: usize, to: usize| number_of(1..=4, whole.get(from..to)?);
        let day = Day::new(Some(part(0, 4)?), part(4, 6)?, part(6, 8)?)?;
        let clock = Clock::new(part(8, 10)?, part(10, 12)?, Some(part(12, 14)?))?;
        Some(Self { is_utc: true, ..Self::new(day, Some(clock)) })
    }

    /// From seconds since 1970-01-01T00:00:00Z, up to the year 9999.
    pub(super) fn from_unix(seconds: u64) -> Option<Self> {
        let day = Day::at(EPOCH.checked_add(i64::try_from(seconds / 86_400).ok()?)?)?;
        let second = seconds % 86_400;
        let clock = Clock::new(second / 3600, second / 60 % 60, Some(second % 60))?;
        Some(Self { is_utc: true, ..Self::new(day, Some(clock)) })
    }

    /// Seconds since 1970-01-01T00:00:00Z, taken for UTC where the zone is not known, midnight where
    /// the time of day is not; `None` without a year.
    pub fn to_unix(self) -> Option<i64> {
        let day = Day { year: self.year, month: self.month, day: self.day }.number()? - EPOCH;
        let part = |part: Option<u8>| i64::from(part.unwrap_or(0));
        Some(day * 86_400 + part(self.hour) * 3600 + part(self.minute) * 60 + part(self.second))
    }

    /// The same moment in UTC, if it is the time of a place so many minutes east of Greenwich.
    pub(super) fn in_utc(self, minutes_east: i64) -> Option<Self> {
        let day = Day { year: self.year, month: self.month, day: self.day };
        let minute_of_day = i64::from(self.hour?) * 60 + i64::from(self.minute?);
        let minutes = day.number()?.checked_mul(1440)?.checked_add(minute_of_day)? - minutes_east;
        let day = Day::at(minutes.div_euclid(1440))?;
        let minute = u64::try_from(minutes.rem_euclid(1440)).ok()?;
        let clock = Clock::new(minute / 60, minute % 60, self.second.map(u64::from))?;
        Some(Self { is_utc: true, ..Self::new(day, Some(clock)) })
    }
}

impl fmt::Display for Modified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}-")?,
            None => f.write_str("--")?,
        }
        write!(f, "{:02}-{:02}", self.month, self.day)?;
        if let (Some(hour), Some(minute)) = (self.hour, self.minute) {
            write!(f, "T{hour:02}:{minute:02}")?;
        }
        if let Some(second) = self.second {
            write!(f, ":{second:02}")?;
        }
        if self.is_utc { f.write_str("Z") } else { Ok(()) }
    }
}

/// A day of the Gregorian calendar, perhaps of an unknown year.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Day {
    year: Option<i32>,
    month: u8,
    day: u8,
}

impl Day {
    /// `None` if there is no such day. In an unknown year February has 29.
    pub(super) fn new(year: Option<u64>, month: u64, day: u64) -> Option<Self> {
        let year = match year {
            None => None,
            Some(year) => Some(i32::try_from(year).ok().filter(|year| (1..=9999).contains(year))?),
        };
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        let last = days_in(year.unwrap_or(LEAP_YEAR).into(), month)?;
        (1..=last).contains(&day.into()).then_some(Self { year, month, day })
    }

    /// `29-JAN-1996`, `01-jun-99` or, as VxWorks has it, `Feb-28-1998`.
    pub(super) fn with_month_name(text: &[u8]) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b'-');
        let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let year = Part::read(year)?.year()?;
        let (day, month) = match number_of(1..=2, first) {
            Some(day) => (day, second),
            None => (number_of(1..=2, second)?, first),
        };
        Self::new(Some(year), month_named(month)?.into(), day)
    }

    /// Days since 0001-01-01.
    fn number(self) -> Option<i64> {
        let year = i64::from(self.year?);
        let months = (1..self.month).filter_map(|month| days_in(year, month)).sum::<i64>();
        Some(days_before(year) + months + i64::from(self.day) - 1)
    }

    /// The inverse of [`number`](Self::number).
    fn at(number: i64) -> Option<Self> {
        // 400 years have 146 097 days; the estimate is off by one year at most.
        let estimate = number.checked_mul(400)?.div_euclid(146_097) + 1;
        let year = (estimate - 1..=estimate + 1).rfind(|year| days_before(*year) <= number)?;
        let mut left = number - days_before(year);
        for month in 1..=12 {
            let days = days_in(year, month)?;
            if left < days {
                let day = u64::try_from(left + 1).ok()?;
                return Self::new(Some(u64::try_from(year).ok()?), month.into(), day);
            }
            left -= days;
        }
        None
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Clock {
    hour: u8,
    minute: u8,
    pub(super) second: Option<u8>,
}

impl Clock {
    fn new(hour: u64, minute: u64, second: Option<u64>) -> Option<Self> {
        let fits = hour < 24 && minute < 60 && second.is_none_or(|second| second <= 60);
        fits.then_some(Self {
            hour: u8::try_from(hour).ok()?,
            minute: u8::try_from(minute).ok()?,
            second: second.and_then(|second| u8::try_from(second).ok()),
        })
    }

    /// `12:00`, `12:00:05` or `12:00:05.123456789`; the fraction is left out.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b':');
        let hour = number_of(1..=2, parts.next()?)?;
        let minute = number_of(2..=2, parts.next()?)?;
        let second = match parts.next() {
            None => None,
            Some(second) => {
                let (second, fraction) = second.split_at_checked(2)?;
                let is_fraction = matches!(fraction, [] | [b'.', ..]);
                Some(number_of(2..=2, second).filter(|_| is_fraction)?)
            }
        };
        let clock = Self::new(hour, minute, second)?;
        parts.next().is_none().then_some(clock)
    }

    /// `03:04AM`, `12:24p`, or 24 hours without such a mark.
    pub(super) fn read_with_half(text: &[u8]) -> Option<Self> {
        let mark = text.iter().position(u8::is_ascii_alphabetic).unwrap_or(text.len());
        let (text, mark) = text.split_at_checked(mark)?;
        let clock = Self::read(text)?;
        if mark.is_empty() { Some(clock) } else { clock.in_half(mark) }
    }

    /// The time if the text that follows says whether it is before or after noon.
    pub(super) fn in_half(self, mark: &[u8]) -> Option<Self> {
        let is_mark = |words: [&[u8]; 2]| words.iter().any(|word| mark.eq_ignore_ascii_case(word));
        let hour = match self.hour {
            13.. => return None,
            12 => 0,
            hour => hour,
        };
        if is_mark([b"am", b"a"]) {
            Some(Self { hour, ..self })
        } else if is_mark([b"pm", b"p"]) {
            Some(Self { hour: hour + 12, ..self })
        } else {
            None
        }
    }
}

/// Days from 0001-01-01 to the first day of `year`.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
}

fn days_in(year: i64, month: u8) -> Option<i64> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => Some(29),
        2 => Some(28),
        _ => None,
    }
}

/// 1970-01-01 in days since 0001-01-01.
const EPOCH: i64 = 719_162;

const LEAP_YEAR: i32 = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(at: Option<Modified>) -> String {
        at.map_or_else(|| "none".to_owned(), |at| at.to_string())
    }

    #[test]
    fn a_time_val_is_fourteen_digits_in_utc() {
        for (text, wanted) in [
            ("20240229120005", "2024-02-29T12:00:05Z"),
            ("20240229120005.123", "2024-02-29T12:00:05Z"),
            ("19981231235960", "1998-12-31T23:59:60Z"),
            ("20230229120005", "none"),
            ("20240229240005", "none"),
            ("2024022912000", "none"),
            ("202402291200050", "none"),
            ("2024-2-29120005", "none"),
            ("", "none"),
        ] {
            assert_eq!(spelled(Modified::from_time_val(text.as_bytes())), wanted, "{text}");
        }
    }

    /// Oracle: days counted one by one from the epoch.
    #[test]
    fn unix_seconds_are_the_days_counted_from_1970() {
        let mut seconds = 0;
        for year in 1970..2405_i32 {
            for month in 1..=12 {
                for day in 1..=days_in(year.into(), month).unwrap() {
                    let wanted = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
                    assert_eq!(spelled(Modified::from_unix(seconds)), wanted);
                    let back = Modified::from_unix(seconds).and_then(Modified::to_unix);
                    assert_eq!(back, i64::try_from(seconds).ok());
                    seconds += 86_400;
                }
            }
        }
        assert_eq!(spelled(Modified::from_unix(253_402_300_799)), "9999-12-31T23:59:59Z");
        assert_eq!(spelled(Modified::from_unix(253_402_300_800)), "none");
        assert_eq!(spelled(Modified::from_unix(u64::MAX)), "none");
    }

    #[test]
    fn noon_and_midnight_have_their_hours() {
        for (text, wanted) in [
            ("12:00AM", "T00:00"),
            ("12:24p", "T12:24"),
            ("03:04AM", "T03:04"),
            ("11:59pm", "T23:59"),
            ("15:04", "T15:04"),
            ("13:04PM", "none"),
            ("11:59xm", "none"),
            ("12:60", "none"),
            ("AM", "none"),
        ] {
            let clock = Clock::read_with_half(text.as_bytes());
            let at = clock.map(|c| Modified::new(Day::new(None, 1, 1).unwrap(), Some(c)));
            assert_eq!(spelled(at).trim_start_matches("--01-01"), wanted, "{text}");
        }
    }
}
