//! Periods: `P1Y2M3W4DT5H6M7.5S`.

use crate::limits::{EPSILON_MS_MAX, PERIOD_MS_MIN, PERIOD_NUMBER_MAX};
use crate::malformed::quoted;

/// From one run to the next. Months and days are counted on a calendar, the rest in time that passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    months: u64,
    days: u64,
    ms: u64,
    text: String,
}

impl Period {
    /// Reads a text.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("{} is not a period like P1D or PT15M: {why}", quoted(text));
        let upper = text.to_ascii_uppercase();
        let body = upper.strip_prefix('P').ok_or_else(|| wrong("it begins with P"))?;
        let (date, time) = match body.split_once('T') {
            None => (body, None),
            Some((_, "")) => return Err(wrong("a time follows T")),
            Some((date, time)) => (date, Some(time)),
        };
        let mut period = Self { months: 0, days: 0, ms: 0, text: text.to_owned() };
        let dates = numbers(date, "YMWD").map_err(|why| wrong(&why))?;
        let times = numbers(time.unwrap_or(""), "HMS").map_err(|why| wrong(&why))?;
        if dates.is_empty() && times.is_empty() {
            return Err(wrong("it has no number"));
        }
        for (unit, number, fraction_ms) in dates {
            match unit {
                'Y' => period.months += 12 * number,
                'M' => period.months += number,
                'W' => period.days += 7 * number,
                _ => period.days += number,
            }
            if fraction_ms.is_some() {
                return Err(wrong("only seconds have a fraction"));
            }
        }
        for (unit, number, fraction_ms) in times {
            match unit {
                'H' => period.ms += 3_600_000 * number,
                'M' => period.ms += 60_000 * number,
                _ => period.ms += 1_000 * number + fraction_ms.unwrap_or(0),
            }
            if fraction_ms.is_some() && unit != 'S' {
                return Err(wrong("only seconds have a fraction"));
            }
        }
        Ok(period)
    }

    /// Calendar months, years included.
    pub fn months(&self) -> u64 {
        self.months
    }

    /// Calendar days, weeks included.
    pub fn days(&self) -> u64 {
        self.days
    }

    /// Time besides, in ms.
    pub fn ms(&self) -> u64 {
        self.ms
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is below the shortest that may repeat.
    pub(crate) fn is_short(&self) -> bool {
        self.months == 0 && self.days == 0 && self.ms < PERIOD_MS_MIN
    }
}

/// Numbers, each with its unit and a fraction in thousandths, in the order of `units`.
fn numbers(text: &str, units: &str) -> Result<Vec<(char, u64, Option<u64>)>, String> {
    let mut found = Vec::new();
    let (mut rest, mut units) = (text, units);
    while !rest.is_empty() {
        let end = rest.find(|one: char| one.is_ascii_alphabetic());
        let end = end.ok_or_else(|| "each number has a unit".to_owned())?;
        let unit = char::from(rest.as_bytes()[end]);
        let place = units.find(unit);
        let place = place.ok_or_else(|| format!("{unit} is not one of its units here"))?;
        let (number, fraction) = match rest[..end].split_once(['.', ',']) {
            None => (&rest[..end], None),
            Some((number, fraction)) => (number, Some(thousandths(fraction)?)),
        };
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|one| is_number && *one <= PERIOD_NUMBER_MAX);
        let number = number
            .ok_or_else(|| format!("its numbers are whole and of 0 to {PERIOD_NUMBER_MAX}"))?;
        found.push((unit, number, fraction));
        units = &units[place + 1..];
        rest = &rest[end + 1..];
    }
    Ok(found)
}

/// The first three digits of a fraction.
pub(super) fn thousandths(fraction: &str) -> Result<u64, String> {
    let is_number = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || fraction.len() > 9 {
        return Err("a fraction has one to nine digits".to_owned());
    }
    format!("{fraction:0<3}")[..3].parse().map_err(|_| "a fraction has digits".to_owned())
}

/// An epsilon, in ms: a period without months, whose length is not the same everywhere.
///
/// # Errors
/// What would be right.
pub fn epsilon(text: &str) -> Result<u64, String> {
    let period = Period::parse(text)?;
    if period.months > 0 {
        return Err(format!("{} has months, which are not equally long: give days", quoted(text)));
    }
    let ms = (period.days * 24 * 3_600_000).saturating_add(period.ms);
    if ms > EPSILON_MS_MAX {
        return Err(format!("{} is longer than ten years", quoted(text)));
    }
    Ok(ms)
}
