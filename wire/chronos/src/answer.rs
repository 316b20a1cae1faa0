//! Bodies of responses.

use serde::Serialize;

/// An error. Source: frameworks.md 4.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure<'a> {
    /// The text of the HTTP status.
    pub status: &'a str,
    /// What was wrong.
    pub message: &'a str,
}

/// A job of the summary. Source: Chronos 3, `/jobs/summary`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The name.
    pub name: String,
    /// How its last run ended: `fresh`, `success` or `failure`.
    pub status: &'static str,
    /// What it does: `idle`, `queued`, or `1 running`.
    pub state: String,
    /// Its schedule; empty for a job with parents.
    pub schedule: String,
    /// Its parents.
    pub parents: Vec<String>,
    /// Whether it is disabled.
    pub disabled: bool,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summaries {
    /// By name.
    pub jobs: Vec<Summary>,
}

/// How long runs took, in ms. Source: Chronos, `/job/stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// Three of four took no longer.
    #[serde(rename = "75thPercentile")]
    pub p75: f64,
    /// 95 of 100 took no longer.
    #[serde(rename = "95thPercentile")]
    pub p95: f64,
    /// 98 of 100.
    #[serde(rename = "98thPercentile")]
    pub p98: f64,
    /// 99 of 100.
    #[serde(rename = "99thPercentile")]
    pub p99: f64,
    /// Half of them.
    pub median: f64,
    /// The mean.
    pub mean: f64,
    /// Of how many runs.
    pub count: usize,
}

impl Histogram {
    /// Of durations in ms, in any order.
    pub fn of(mut durations_ms: Vec<u64>) -> Self {
        durations_ms.sort_unstable();
        let count = durations_ms.len();
        let sum: u64 = durations_ms.iter().sum();
        let at = |percent: usize| {
            let index = (count * percent).div_ceil(100).saturating_sub(1);
            durations_ms.get(index).copied().map_or(0.0, number)
        };
        let mean = if count == 0 { 0.0 } else { number(sum) / number(count as u64) };
        let [median, p75, p95, p98, p99] = [50, 75, 95, 98, 99].map(at);
        Self { p75, p95, p98, p99, median, mean, count }
    }

    /// One of its numbers, by its name in a path; `None` if there is none of that name.
    pub fn named(&self, name: &str) -> Option<f64> {
        Some(match name {
            "75thPercentile" => self.p75,
            "95thPercentile" => self.p95,
            "98thPercentile" => self.p98,
            "99thPercentile" => self.p99,
            "median" => self.median,
            "mean" => self.mean,
            _ => return None,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 ms")]
fn number(ms: u64) -> f64 {
    ms as f64
}

/// A run of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStat {
    /// Its task.
    pub task_id: String,
    /// Its job.
    pub job_name: String,
    /// Its agent; empty if it was never launched.
    pub slave_id: String,
    /// When it was launched, `MM/dd/yy HH:mm:ss` in UTC, or `N/A`.
    pub start_time: String,
    /// When it ended, or `N/A`.
    pub end_time: String,
    /// How long it took, for example `1h2m3s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// `Idle`, `Running`, `Success`, `Fail` or `Killed`.
    pub status: &'static str,
    /// What was said of its end; ours.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What it says to have processed, for jobs that report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_elements_processed: Option<u64>,
}

/// Runs of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStat {
    /// How long those took that succeeded.
    pub histogram: Histogram,
    /// The latest first.
    pub task_stat_history: Vec<TaskStat>,
}

/// How long a job takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// The job.
    pub job_name_label: String,
    /// In seconds.
    pub time: f64,
}

/// A moment as Chronos writes it: `2026-11-21T11:42:55.980Z`.
pub fn moment(ms: u64) -> String {
    let [year, month, day, hour, minute, second] = fields(ms);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

/// A moment as it writes it in statistics: `11/21/26 11:42:55`.
pub fn short_moment(ms: u64) -> String {
    let [year, month, day, hour, minute, second] = fields(ms);
    format!("{month:02}/{day:02}/{:02} {hour:02}:{minute:02}:{second:02}", year % 100)
}

/// A duration as it writes it in statistics: `1d2h3m4s`, without what is zero.
pub fn short_duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    let parts = [(86_400, u64::MAX, 'd'), (3_600, 24, 'h'), (60, 60, 'm'), (1, 60, 's')];
    let mut text = String::new();
    for (unit, many, letter) in parts {
        let number = seconds / unit % many;
        if number > 0 || (letter == 's' && text.is_empty()) {
            text.push_str(&format!("{number}{letter}"));
        }
    }
    text
}

/// Year, month, day, hour, minute and second in UTC.
fn fields(ms: u64) -> [u64; 6] {
    let (days, seconds) = (ms / 86_400_000 + 719_468, ms / 1_000 % 86_400);
    // Days since 0000-03-01, the start of an era of 400 years.
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    [year, month, day, seconds / 3_600, seconds / 60 % 60, seconds % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_chronos_does() {
        assert_eq!(moment(1_795_261_375_980), "2026-11-21T11:42:55.980Z");
        assert_eq!(short_moment(951_782_400_000), "02/29/00 00:00:00");
    }

    #[test]
    fn durations_leave_out_what_is_zero() {
        let shown = [999, 61_000, 3_600_000, 90_061_000].map(short_duration);
        assert_eq!(shown, ["0s", "1m1s", "1h", "1d1h1m1s"]);
    }

    #[test]
    fn a_histogram_of_nothing_is_zero() {
        assert_eq!(Histogram::of(Vec::new()), Histogram::default());
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let of = Histogram::of((1..=100).rev().collect());
        let shown =
            ["median", "75thPercentile", "99thPercentile", "mean"].map(|name| of.named(name));
        assert_eq!(shown, [Some(50.0), Some(75.0), Some(99.0), Some(50.5)]);
        assert_eq!((of.count, of.named("best")), (100, None));
    }
}
