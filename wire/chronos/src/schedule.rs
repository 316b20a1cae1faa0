//! ISO 8601 repeating intervals, `R[n]/[start]/P<period>`, taken apart.
//!
//! Only the text is read here. Which moments it means depends on a time zone, and is decided in `core/chronos`.
//!
//! Source: frameworks.md 4.3; the forms of ISO 8601 that Joda-Time reads, which Chronos uses.

mod period;
mod start;

use std::fmt;

use crate::limits::REPEATS_MAX;
use crate::malformed::quoted;

pub use period::{Period, epsilon};
pub use start::{Start, instant};

/// A repeating interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many runs are left; `None` means for ever.
    pub repeats: Option<u64>,
    /// When the first of them is due; `None` means now.
    pub start: Option<Start>,
    /// From one to the next.
    pub period: Period,
}

impl Schedule {
    /// Reads a text.
    ///
    /// # Errors
    /// Which part is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "a schedule is R[n]/[start]/P<period>, for example R10/2026-01-31T02:30:00Z/P1D";
        let parts: Vec<&str> = text.split('/').collect();
        let [repeats, start, period] = parts[..] else {
            return Err(format!("{} has not three parts: {FORM}", quoted(text)));
        };
        let Some(number) = repeats.strip_prefix('R') else {
            return Err(format!("{} does not begin with R: {FORM}", quoted(text)));
        };
        let repeats = match number {
            "" => None,
            _ => Some(read_repeats(number)?),
        };
        let start = if start.is_empty() { None } else { Some(Start::parse(start)?) };
        let period = Period::parse(period)?;
        if period.is_short() && repeats.is_none_or(|repeats| repeats > 1) {
            return Err(format!(
                "the period {} is too short: it is at least a second",
                quoted(period.text())
            ));
        }
        Ok(Self { repeats, start, period })
    }
}

fn read_repeats(text: &str) -> Result<u64, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_number && *number <= REPEATS_MAX);
    number.ok_or_else(|| {
        format!(
            "R is followed by a number of 0 to {REPEATS_MAX} or by nothing, not {}",
            quoted(text)
        )
    })
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("R")?;
        if let Some(repeats) = self.repeats {
            write!(f, "{repeats}")?;
        }
        f.write_str("/")?;
        if let Some(start) = &self.start {
            write!(f, "{start}")?;
        }
        write!(f, "/{}", self.period.text())
    }
}

#[cfg(test)]
mod tests;
