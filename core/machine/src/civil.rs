//! Timestamps as text: ISO 8601, in UTC.

use crate::Timestamp;

const MS_PER_DAY: u64 = 24 * 60 * 60 * 1000;

impl Timestamp {
    /// For example `2026-11-21T11:42:55Z`.
    pub fn iso_seconds(self) -> String {
        let (year, month, day) = self.date();
        let [hour, minute, second, _] = self.time_of_day();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// With milliseconds, as ECS writes times in events: trailing zeros of the fraction, and the
    /// point if nothing follows it, are omitted; for example `2026-11-21T11:42:55.98Z`.
    pub fn iso(self) -> String {
        let mut text = self.iso_seconds();
        let [.., ms] = self.time_of_day();
        if ms > 0 {
            text.pop();
            let fraction = format!("{ms:03}");
            text.push('.');
            text.push_str(fraction.trim_end_matches('0'));
            text.push('Z');
        }
        text
    }

    /// Hour, minute, second and millisecond.
    fn time_of_day(self) -> [u64; 4] {
        let ms = self.millis() % MS_PER_DAY;
        [ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000]
    }

    /// Year, month and day of the civil calendar. Years are counted from March, so that a leap day
    /// is the last day of one.
    fn date(self) -> (u64, u64, u64) {
        // Days since 0000-03-01, the start of an era of 400 years.
        let days = self.millis() / MS_PER_DAY + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        (era * 400 + year_of_era + u64::from(month <= 2), month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_iso_8601() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00Z"),
            (1_795_261_375_980, "2026-11-21T11:42:55.98Z"),
            (4_107_542_399_100, "2100-02-28T23:59:59.1Z"),
        ] {
            assert_eq!(Timestamp::from_millis(ms).iso(), text);
        }
    }

    #[test]
    fn seconds_leave_the_fraction_out() {
        assert_eq!(Timestamp::from_millis(1_999).iso_seconds(), "1970-01-01T00:00:01Z");
    }
}
