//! The date in a line of a listing, in the forms of `ls` and of others.

use super::date::{Clock, Day, Modified};
use super::months::{DAY_SIGNS, YEAR_SIGNS, month_named, without_sign};
use super::row::{Word, number_of};

/// A date in a row of words.
#[derive(Clone, Copy)]
pub(super) struct Dated {
    /// `None` if it is a date but could be one of several: `04-05-2003`.
    pub(super) at: Option<Modified>,
    /// Where it ends in the line; one blank after that, the name begins.
    pub(super) end: usize,
}

impl Dated {
    /// The date that `words` begin with, in one of the forms of `ls`.
    pub(super) fn read(words: &[Word<'_>]) -> Option<Self> {
        if let [weekday, rest @ ..] = words
            && WEEKDAYS.iter().any(|day| weekday.text.eq_ignore_ascii_case(day.as_bytes()))
        {
            return named_month(rest);
        }
        named_month(words).or_else(|| numeric(words)).or_else(|| short_iso(words))
    }

    fn new(day: Day, clock: Option<Clock>, last: &Word<'_>) -> Self {
        Self { at: Some(Modified::new(day, clock)), end: last.end }
    }
}

/// `Feb 29 12:00`, `Feb 29  2024`, `29. févr. 12:00`, `2月 29日 2024年`.
fn named_month(words: &[Word<'_>]) -> Option<Dated> {
    let [first, second, third, rest @ ..] = words else { return None };
    // The two cheap looks come first: names of months are many.
    let (clock, year) = match Clock::read(third.text) {
        Some(clock) => (Some(clock), None),
        None => (None, Some(year_of(third.text)?)),
    };
    let (day, month) = match (day_of(first.text), day_of(second.text)) {
        (_, Some(day)) => (day, first.text),
        (Some(day), None) => (day, second.text),
        (None, None) => return None,
    };
    let month = month_named(month)?.into();
    // After seconds comes the year, in `ls -lT` of the BSDs and `--full-time` of old GNU. But
    // if nothing came after that, it would be the name.
    if let (Some(Clock { second: Some(_), .. }), [last, _, ..]) = (clock, rest)
        && let Some(year) = year_of(last.text)
    {
        return Some(Dated::new(Day::new(Some(year), month, day)?, clock, last));
    }
    Some(Dated::new(Day::new(year, month, day)?, clock, third))
}

/// `2024-02-29 12:00`, `2024-02-29 12:00:05.000000000 +0100`, `29.02.2024 12:00`, `01-jun-99`.
fn numeric(words: &[Word<'_>]) -> Option<Dated> {
    let (first, rest) = words.split_first()?;
    let day = match Numbers::read(first.text) {
        Some(numbers) if numbers.has_whole_year() => numbers.reading()?,
        Some(_) => return None,
        None => Reading::One(Day::with_month_name(first.text)?),
    };
    let Some((last, clock)) = clock_before_name(rest) else {
        return Some(Dated { at: day.at(None), end: end_without_clock(first, rest.first()) });
    };
    let at = day.at(Some(clock));
    if clock.second.is_some()
        && let [_, zone, _, ..] = rest
        && let Some(minutes) = minutes_east(zone.text)
    {
        return Some(Dated { at: at.and_then(|at| at.in_utc(minutes)), end: zone.end });
    }
    Some(Dated { at, end: last.end })
}

/// `02-29 12:00`: GNU's `--time-style=iso` of recent files.
fn short_iso(words: &[Word<'_>]) -> Option<Dated> {
    let (first, rest) = words.split_first()?;
    let (month, day) = first.text.split_at_checked(2)?;
    let month = number_of(2..=2, month)?;
    let day = number_of(2..=2, day.strip_prefix(b"-")?)?;
    let (last, clock) = clock_before_name(rest)?;
    Some(Dated::new(Day::new(None, month, day)?, Some(clock), last))
}

/// A time that is not itself the name: something follows.
fn clock_before_name<'w, 'a>(words: &'w [Word<'a>]) -> Option<(&'w Word<'a>, Clock)> {
    let [clock, _, ..] = words else { return None };
    Some((clock, Clock::read(clock.text)?))
}

/// GNU's `--time-style=iso` pads a date without time by one blank.
fn end_without_clock(date: &Word<'_>, next: Option<&Word<'_>>) -> usize {
    if next.is_some_and(|next| next.start > date.end + 1) { date.end + 1 } else { date.end }
}

fn day_of(text: &[u8]) -> Option<u64> {
    let text = text.strip_suffix(b",").unwrap_or(text);
    let text = text.strip_suffix(b".").unwrap_or(text);
    number_of(1..=2, without_sign(text, DAY_SIGNS))
}

fn year_of(text: &[u8]) -> Option<u64> {
    number_of(4..=4, without_sign(text, YEAR_SIGNS))
}

/// `+0100`.
fn minutes_east(text: &[u8]) -> Option<i64> {
    let (sign, digits) = text.split_first()?;
    let number = i64::try_from(number_of(4..=4, digits)?).ok()?;
    let minutes = number / 100 * 60 + number % 100;
    match sign {
        b'+' => Some(minutes),
        b'-' => Some(-minutes),
        _ => None,
    }
}

/// A date of three numbers: `02/23/00`, `2024-02-29`, `29.02.2024`.
pub(super) struct Numbers {
    separator: u8,
    parts: [Part; 3],
}

/// What a date of three numbers can mean.
pub(super) enum Reading {
    One(Day),
    /// Which number is the month cannot be told.
    Several,
}

impl Reading {
    pub(super) fn at(self, clock: Option<Clock>) -> Option<Modified> {
        match self {
            Self::One(day) => Some(Modified::new(day, clock)),
            Self::Several => None,
        }
    }
}

impl Numbers {
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let separator = *text.iter().find(|byte| !byte.is_ascii_digit())?;
        if !b"-/.".contains(&separator) {
            return None;
        }
        let mut parts = text.split(|byte| *byte == separator).map(Part::read);
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self { separator, parts: three })
    }

    fn has_whole_year(&self) -> bool {
        let [first, _, last] = &self.parts;
        first.digits == 4 || last.digits == 4
    }

    /// Every reading that is a day, if there is one. Dots are written where the day comes first.
    pub(super) fn reading(&self) -> Option<Reading> {
        if self.separator == b'.' {
            return self.as_dos().map(Reading::One);
        }
        let readings = [self.year_first(), self.month_first(), self.day_first()];
        let mut readings = readings.into_iter().flatten();
        let first = readings.next()?;
        let is_only = readings.all(|reading| reading == first);
        Some(if is_only { Reading::One(first) } else { Reading::Several })
    }

    /// With the month first wherever that is a day: DOS and IIS do so in every language.
    pub(super) fn as_dos(&self) -> Option<Day> {
        let [first, ..] = &self.parts;
        if first.digits == 4 {
            return self.year_first();
        }
        if self.separator == b'.' {
            return self.day_first();
        }
        self.month_first().or_else(|| self.day_first())
    }

    pub(super) fn year_first(&self) -> Option<Day> {
        let [year, month, day] = &self.parts;
        // A date that ends in a whole year does not begin with another one.
        Day::new(Some(year.year()?), month.value, day.value).filter(|_| day.digits <= 2)
    }

    fn month_first(&self) -> Option<Day> {
        let [month, day, year] = &self.parts;
        Day::new(Some(year.year()?), month.value, day.value)
    }

    fn day_first(&self) -> Option<Day> {
        let [day, month, year] = &self.parts;
        Day::new(Some(year.year()?), month.value, day.value)
    }
}

/// One number of a date, and how it was written.
pub(super) struct Part {
    value: u64,
    digits: usize,
}

impl Part {
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        Some(Self { value: number_of(1..=4, text)?, digits: text.len() })
    }

    pub(super) fn year(&self) -> Option<u64> {
        match (self.digits, self.value) {
            (4, year) => Some(year),
            (2, year @ 0..70) => Some(2000 + year),
            (2, year) => Some(1900 + year),
            // OS/2 counts on from 1900: 103 is 2003.
            (3, year @ 100..200) => Some(1900 + year),
            _ => None,
        }
    }
}

const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

#[cfg(test)]
mod tests {
    use super::super::row::Row;
    use super::*;

    fn spelled(at: Option<Modified>) -> String {
        at.map_or_else(|| "none".to_owned(), |at| at.to_string())
    }

    #[test]
    fn dates_of_ls_are_read_in_their_forms() {
        for (text, wanted) in [
            ("Feb 29 12:00 x", "--02-29T12:00 x"),
            ("Feb 29  2024 x", "2024-02-29 x"),
            ("Feb 29  2023 x", "none"),
            ("Feb 30 12:00 x", "none"),
            ("Feb 29 24:00 x", "none"),
            ("Feb 29 12:00:05 2024 x", "2024-02-29T12:00:05 x"),
            ("Feb 29 12:00:05 2024", "--02-29T12:00:05 2024"),
            ("Feb 29 12:00 2024 x", "--02-29T12:00 2024 x"),
            ("Thu Feb 29 12:00:05 2024 x", "2024-02-29T12:00:05 x"),
            ("29 Feb 12:00 x", "--02-29T12:00 x"),
            ("29. févr. 2024 x", "2024-02-29 x"),
            ("26. Juli, 20:10 x", "--07-26T20:10 x"),
            ("2月 29日 2024年 x", "2024-02-29 x"),
            ("2月 29 12:00 x", "--02-29T12:00 x"),
            ("2024-02-29 12:00 x", "2024-02-29T12:00 x"),
            ("2024-02-29 x", "2024-02-29 x"),
            ("2024-02-29  x", "2024-02-29 x"),
            ("2024-02-29 12:00", "2024-02-29 12:00"),
            ("2024/02/29 12:00 x", "2024-02-29T12:00 x"),
            ("2024-02-29 00:30:05.000000000 +0100 x", "2024-02-28T23:30:05Z x"),
            ("2024-12-31 23:30:05 -0130 x", "2025-01-01T01:00:05Z x"),
            ("2024-02-29 12:00:05 +0100", "2024-02-29T12:00:05 +0100"),
            ("02-29 12:00 x", "--02-29T12:00 x"),
            ("24-04-2003 17:12 x", "2003-04-24T17:12 x"),
            ("04-05-2003 17:12 x", "none x"),
            ("04.05.2003 17:12 x", "2003-05-04T17:12 x"),
            ("01-jun-99 x", "1999-06-01 x"),
            ("04-05-06 17:12 x", "none"),
            ("Foo 29 12:00 x", "none"),
            ("1 2 3", "none"),
            ("", "none"),
        ] {
            let row = Row::new(text.as_bytes());
            let found = Dated::read(&row.words).map_or_else(
                || "none".to_owned(),
                |dated| format!("{} {}", spelled(dated.at), &text[dated.end + 1..]),
            );
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn a_date_of_three_numbers_is_read_only_if_it_is_one_day() {
        for (text, wanted) in [
            ("02/23/00", "2000-02-23"),
            ("23/02/00", "2000-02-23"),
            ("18.09.06", "2006-09-18"),
            ("02/02/02", "2002-02-02"),
            ("02/03/04", "none"),
            ("2024-02-29", "2024-02-29"),
            ("00/00/00", "none"),
            ("1/2", "none"),
            ("1/2/3/4", "none"),
            ("1/2-3", "none"),
        ] {
            let reading = Numbers::read(text.as_bytes()).and_then(|numbers| numbers.reading());
            assert_eq!(spelled(reading.and_then(|day| day.at(None))), wanted, "{text}");
        }
    }
}
