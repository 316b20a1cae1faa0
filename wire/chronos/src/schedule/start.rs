//! When a schedule begins: a date, and perhaps a time and an offset.

use std::fmt;

use super::period::thousandths;
use crate::malformed::quoted;

/// A date and time as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, and a day of that month.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999.
    pub ms: u16,
    /// East of UTC, in minutes, if it says so.
    pub offset_minutes: Option<i16>,
}

impl Start {
    /// Reads a text, for example `2026-01-31`, `2026-01-31T02:30Z` or `2026-01-31T02:30:00.000+01:00`.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "a start is a date and time like 2026-01-31T02:30:00.000Z, or nothing for now";
        let wrong = |why: &str| format!("{}: {why}; {FORM}", quoted(text));
        let (date, time) = match text.split_once('T') {
            None => (text, None),
            Some((date, time)) => (date, Some(time)),
        };
        let parts: Vec<&str> = date.split('-').collect();
        let [year, month, day] = parts[..] else { return Err(wrong("the date is not YYYY-MM-DD")) };
        let year = digits(year, 4, 9_999).ok_or_else(|| wrong("the year has four digits"))?;
        let month = digits(month, 2, 12).filter(|month| *month > 0);
        let month = month.ok_or_else(|| wrong("the month is 01 to 12"))?;
        let days = days_of(year, month);
        let day = digits(day, 2, days).filter(|day| *day > 0);
        let day = day.ok_or_else(|| wrong(&format!("the day is 01 to {days} in that month")))?;
        let (year, month, day) = (year, narrow(month), narrow(day));
        let mut start =
            Self { year, month, day, hour: 0, minute: 0, second: 0, ms: 0, offset_minutes: None };
        if let Some(time) = time {
            start.read_time(time).map_err(|why| wrong(&why))?;
        }
        Ok(start)
    }

    fn read_time(&mut self, text: &str) -> Result<(), String> {
        let zone = text.find(['Z', '+', '-']);
        let (time, zone) = text.split_at(zone.unwrap_or(text.len()));
        self.offset_minutes = match zone {
            "" => None,
            "Z" => Some(0),
            _ => Some(offset(zone).ok_or("the offset is Z or like +01:00")?),
        };
        let (time, fraction) = match time.split_once(['.', ',']) {
            None => (time, None),
            Some((time, fraction)) => (time, Some(fraction)),
        };
        let mut parts = time.split(':');
        let mut part = |max| parts.next().map(|text| digits(text, 2, max));
        let of = "the time is hh:mm:ss, from 00:00:00 to 23:59:59";
        self.hour = narrow(part(23).flatten().ok_or(of)?);
        let (minute, second) = (part(59), part(59));
        if parts.next().is_some() {
            return Err(of.to_owned());
        }
        if fraction.is_some() && second.is_none() {
            return Err("only seconds have a fraction".to_owned());
        }
        self.minute = narrow(minute.unwrap_or(Some(0)).ok_or(of)?);
        self.second = narrow(second.unwrap_or(Some(0)).ok_or(of)?);
        let ms = fraction.map_or(Ok(0), thousandths)?;
        self.ms = u16::try_from(ms).unwrap_or(0);
        Ok(())
    }
}

/// A moment as Chronos writes it, `2026-01-31T02:30:00.000Z`, in ms since the epoch.
///
/// # Errors
/// What would be right.
pub fn instant(text: &str) -> Result<u64, String> {
    let start = Start::parse(text)?;
    let ms = start.utc_ms().filter(|_| start.offset_minutes.is_some());
    ms.ok_or_else(|| format!("{} is not a moment after 1970, with its offset", quoted(text)))
}

impl Start {
    /// The moment that it is if its fields are in UTC or in its own offset; `None` before 1970.
    pub fn utc_ms(&self) -> Option<u64> {
        // Days since 0000-03-01: years are counted from March, so that a leap day is the last day of one.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + (153 * month + 2) / 5
            + i64::from(self.day)
            - 1
            - 719_468;
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute)
            - i64::from(self.offset_minutes.unwrap_or(0));
        let seconds = days * 86_400 + minutes * 60 + i64::from(self.second);
        u64::try_from(seconds * 1_000 + i64::from(self.ms)).ok()
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, ms, offset_minutes } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}")?;
        match offset_minutes {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if *offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

fn digits(text: &str, length: usize, max: u16) -> Option<u16> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && *number <= max)
}

/// `+01:00`, `-0530` or `+01`.
fn offset(text: &str) -> Option<i16> {
    let (sign, rest) = text.split_at_checked(1)?;
    let rest = rest.replacen(':', "", 1);
    let (hours, minutes) = rest.split_at_checked(2)?;
    let hours = digits(hours, 2, 18)?;
    let minutes = if minutes.is_empty() { 0 } else { digits(minutes, 2, 59)? };
    let east = i16::try_from(60 * hours + minutes).ok()?;
    Some(if sign == "-" { -east } else { east })
}

fn narrow(number: u16) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

fn days_of(year: u16, month: u16) -> u16 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
