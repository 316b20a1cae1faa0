//! Times as Marathon writes them: RFC 3339 in UTC with milliseconds, `2026-01-31T12:00:00.123Z`.

const DAY_MS: u64 = 86_400_000;

/// Writes a time in ms since the epoch.
pub fn time(ms: u64) -> String {
    let (day, rest) = (ms / DAY_MS, ms % DAY_MS);
    let (year, month, day) = civil(day);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % 1_000)
}

/// Reads a time, in ms since the epoch; `None` for another form.
pub fn read_time(text: &str) -> Option<u64> {
    let (date, rest) = text.split_once('T')?;
    let mut date = date.split('-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    if date.next().is_some() {
        return None;
    }
    let rest = rest.strip_suffix('Z')?;
    let (clock, ms) = rest.split_once('.').unwrap_or((rest, "0"));
    let mut clock = clock.split(':').map(digits);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some() {
        return None;
    }
    digits(ms)?;
    let ms = digits(&format!("{ms:0<3}")).filter(|ms| *ms < 1_000)?;
    let is_right = (1970..10_000).contains(&year) && (1..13).contains(&month);
    if !is_right || !(1..32).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let at = days(year, month, day) * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1_000;
    let at = at + ms;
    // A day that its month does not have is another one.
    time(at).starts_with(&text[..10]).then_some(at)
}

fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// Year, month and day of a day since the epoch. Years begin with March here, so that a leap day is the last.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The day since the epoch; the other way round.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_and_read_again() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_790_000_000_999, "2026-09-21T14:13:20.999Z"),
        ] {
            assert_eq!((time(ms).as_str(), read_time(text)), (text, Some(ms)));
        }
        for day in 0..40_000 {
            let ms = day * DAY_MS + 1;
            assert_eq!(read_time(&time(ms)), Some(ms));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "2026-02-30T00:00:00.000Z",
            "2026-01-01",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01-01T00:00:00Z",
            "2026-01-01T00:00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234Z",
            "2026-01-ü1T00:00:00Z",
            "99999999999999999999-01-01T00:00:00Z",
        ] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }
}
