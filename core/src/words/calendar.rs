//! Days of the Gregorian calendar, and the two ways to write an instant that the wire has.
//!
//! Written out here because a library for dates weighs a tenth of what a browser loads; the tests hold it
//! against one. Days are counted as by Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013.

use std::fmt;

const DAY: i64 = 86_400_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days from 1970-01-01 to a date. Years begin in March here, so that a leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days from 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// Writes an instant, in milliseconds since 1970, as RFC 3339 in UTC with milliseconds; one whose year has
/// no four digits as its number.
pub(super) fn write(millis: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (year, month, day) = date(millis.div_euclid(DAY));
    let of_day = millis.rem_euclid(DAY);
    if !(0..=9999).contains(&year) {
        return write!(f, "{millis}ms");
    }
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Text that is read from its front.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// A number of exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let value = digits.iter().try_fold(0, |value, digit| {
            digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    /// The next character, if it is one of `characters`.
    fn one_of(&mut self, characters: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        characters.contains(first).then(|| self.0 = rest).map(|()| *first)
    }

    /// Milliseconds of a fraction that may follow; what is finer is cut off.
    fn fraction(&mut self) -> Option<i64> {
        if self.one_of(b".,").is_none() {
            return Some(0);
        }
        let (mut millis, mut weight) = (self.digits(1)? * 100, 10);
        while let Some(digit) = self.digits(1) {
            millis += digit * weight;
            weight /= 10;
        }
        Some(millis)
    }

    /// Minutes that local time is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.one_of(b"Zz").is_some() {
            return Some(0);
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2)?;
        let minutes = match self.0 {
            [] => 0,
            _ => {
                self.one_of(b":");
                self.digits(2)?
            }
        };
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
    }
}

/// Milliseconds since 1970 of a date and a time of day that are there.
fn instant(
    (year, month, day): (i64, i64, i64),
    (hour, minute, second): (i64, i64, i64),
) -> Option<i64> {
    let is_time = hour <= 23 && minute <= 59 && second <= 60;
    let days = days(year, month, day);
    // A day that its month does not have is another one's.
    let is_date = (1..=12).contains(&month) && date(days) == (year, month, day);
    // A leap second is the one before it.
    let of_day = (hour * 60 + minute) * 60 + second.min(59);
    (is_time && is_date).then_some(days * DAY + of_day * 1000)
}

/// Reads RFC 3339 with its offset, also without seconds; milliseconds since 1970. What is finer is cut off.
pub(super) fn read(text: &str) -> Option<i64> {
    let mut text = Text(text.as_bytes());
    let year = text.digits(4)?;
    text.one_of(b"-")?;
    let month = text.digits(2)?;
    text.one_of(b"-")?;
    let day = text.digits(2)?;
    text.one_of(b"Tt ")?;
    let hour = text.digits(2)?;
    text.one_of(b":")?;
    let minute = text.digits(2)?;
    let (second, fraction) = match text.one_of(b":") {
        Some(_) => (text.digits(2)?, text.fraction()?),
        None => (0, 0),
    };
    let ahead = text.offset()?;
    let local = instant((year, month, day), (hour, minute, second))? + fraction;
    text.0.is_empty().then_some(local - ahead * 60_000)
}

/// Reads the date of a header, like `Fri, 20 Nov 2026 14:00:30 GMT` (RFC 9110, section 5.6.7);
/// milliseconds since 1970. Its two obsolete forms are none.
pub fn read_http_date(text: &str) -> Option<i64> {
    let (_, date) = text.split_once(", ")?;
    let mut text = Text(date.as_bytes());
    let day = text.digits(2)?;
    text.one_of(b" ")?;
    let (name, rest) = text.0.split_at_checked(3)?;
    let month = MONTHS.iter().position(|month| month.as_bytes() == name)? + 1;
    text.0 = rest;
    text.one_of(b" ")?;
    let year = text.digits(4)?;
    text.one_of(b" ")?;
    let hour = text.digits(2)?;
    text.one_of(b":")?;
    let minute = text.digits(2)?;
    text.one_of(b":")?;
    let second = text.digits(2)?;
    let at = instant((year, month as i64, day), (hour, minute, second))?;
    (text.0 == b" GMT").then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Timestamp;

    #[test]
    fn every_instant_is_written_and_read_as_a_library_for_dates_does() {
        // A prime number of milliseconds apart, over all years that have four digits.
        let first = -62_167_100_000_000_i64;
        let mut count = 0;
        for millis in (first..253_402_100_000_000).step_by(40_960_001_017) {
            let written = Timestamp::from_millis(millis).to_string();
            let known = jiff::Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(written, format!("{known:.3}"));
            assert_eq!(read(&written), Some(millis), "{written}");
            for minutes in [-719, -60, 1, 845] {
                let offset = jiff::tz::Offset::from_seconds(minutes * 60).unwrap();
                let local = known.display_with_offset(offset).to_string();
                assert_eq!(
                    read(&local),
                    local.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond()),
                    "{local}"
                );
            }
            count += 1;
        }
        assert!(count > 7000, "{count}");
    }

    #[test]
    fn an_instant_may_be_written_in_more_ways_than_one() {
        for text in [
            "2026-11-20t13:00:00z",
            "2026-11-20 13:00:00Z",
            "2026-11-20T13:00Z",
            "2026-11-20T13:00:00+0230",
            "2026-11-20T13:00:00-02",
            "2026-11-20T13:00:00,5Z",
            "2026-11-20T13:00:00.123456789Z",
            "2024-02-29T23:59:60Z",
            "2000-02-29T00:00:00Z",
        ] {
            let known = text.parse::<jiff::Timestamp>().map(|t| t.as_millisecond());
            assert_eq!(read(text), known.ok(), "{text}");
            assert!(read(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "soon",
            "2026-11-20",
            "2026-11-20T13:00:00",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T13:60:00Z",
            "2026-11-20T13:00:61Z",
            "2026-11-20T13:00:00.Z",
            "2026-11-20T13:00:00+2",
            "2026-11-20T13:00:00+24:00",
            "2026-11-20T13:00:00Z ",
            " 2026-11-20T13:00:00Z",
            "+2026-11-20T13:00:00Z",
            "2026-11-20T13:00:00ZZ",
            "2026-11-2０T13:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_date_of_a_header_is_read() {
        let known = "2026-11-20T14:00:30Z".parse::<Timestamp>().unwrap().as_millis();
        assert_eq!(read_http_date("Fri, 20 Nov 2026 14:00:30 GMT"), Some(known));
        for text in [
            "Fri, 20 Nov 2026 14:00:30",
            "Fri, 20 nov 2026 14:00:30 GMT",
            "Fri, 31 Nov 2026 14:00:30 GMT",
            "soon, x",
        ] {
            assert_eq!(read_http_date(text), None, "{text}");
        }
    }
}
