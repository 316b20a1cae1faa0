//! Points in time, as written in expressions.

use std::fmt;

/// Seconds per day.
const DAY_SECONDS: i64 = 86_400;

/// Largest time zone offset from UTC, in hours. Source: `java.time.ZoneOffset`.
const OFFSET_HOURS_MAX: i64 = 18;

/// A point in time: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant(pub(super) i64);

impl Instant {
    /// Parses an instant: `2018-06-18T22:28:28+00:00`, the same with `Z` or without a zone, or a
    /// date alone, which means midnight. The default zone is UTC.
    ///
    /// Source: ECS developer guide, *Cluster query language*; UTC is chosen by us.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, clock) = match text.split_once('T') {
            Some((date, clock)) => (date, Some(clock)),
            None => (text, None),
        };
        let midnight = days(date)? * DAY_SECONDS;
        let instant = midnight + clock.map_or(Some(0), seconds)?;
        // The offset may move it out of the range of four-digit years.
        let years = new_year(0) * DAY_SECONDS..new_year(10_000) * DAY_SECONDS;
        years.contains(&instant).then_some(Self(instant))
    }
}

/// Days from 1970-01-01 to a date such as `2018-06-18`.
fn days(date: &str) -> Option<i64> {
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let before: i64 = (1..month).map(|month| days_of(year, month)).sum();
    Some(new_year(year) + before + day - 1)
}

/// Days from 1970-01-01 to 1 January of a year, from year 0.
fn new_year(year: i64) -> i64 {
    // Leap days before the year: every fourth year, except centuries that are not divisible by 400.
    // Year 0 is a leap year.
    let leap_days = |year: i64| (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    (year - 1970) * 365 + leap_days(year) - leap_days(1970)
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Seconds from midnight in UTC to a time such as `22:28:28`, `22:28:28Z` or `22:28:28+02:00`.
fn seconds(clock: &str) -> Option<i64> {
    let (time, offset) = match clock.find(['Z', '+', '-']) {
        Some(end) => clock.split_at(end),
        None => (clock, "Z"),
    };
    let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(hour * 3600 + minute * 60 + second - offset_seconds(offset)?)
}

/// The offset of a zone such as `Z` or `+02:00` from UTC.
fn offset_seconds(offset: &str) -> Option<i64> {
    if offset == "Z" {
        return Some(0);
    }
    let (sign, hours) = match offset.strip_prefix('-') {
        Some(hours) => (-1, hours),
        None => (1, offset.strip_prefix('+')?),
    };
    let [hour, minute] = fields(hours, ':', [2, 2])?;
    let size = hour * 3600 + minute * 60;
    (minute <= 59 && size <= OFFSET_HOURS_MAX * 3600).then_some(sign * size)
}

/// Numbers of exactly these widths, separated by `separator`.
fn fields<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        let right = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = if right { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then_some(numbers)
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut day, second) = (self.0.div_euclid(DAY_SECONDS), self.0.rem_euclid(DAY_SECONDS));
        let mut year = 1970 + day / 365;
        while new_year(year) > day {
            year -= 1;
        }
        while new_year(year + 1) <= day {
            year += 1;
        }
        day -= new_year(year);
        let mut month = 1;
        while day >= days_of(year, month) {
            day -= days_of(year, month);
            month += 1;
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
    }
}
