//! How often to read: often while something is going on, rarely on a quiet cluster, and never
//! beyond the documented request budget.
//!
//! Source: ECS developer guide, *Request throttling*: cluster resource reads refill at 20 per
//! second. Readings use half of that, which leaves the rest for urgent requests.

use longshore_machine::Timestamp;

/// How urgent readings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// There is nobody to notify, or events report changes and readings only verify them.
    Idle,
    /// Nobody is waiting for anything.
    Quiet,
    /// Tasks of others are running: resources that they free may be wanted.
    Watchful,
    /// Tasks of ours are running.
    Busy,
    /// Something is about to change: a task is starting or stopping.
    Hot,
}

impl Pressure {
    /// Milliseconds between readings.
    const fn interval_ms(self) -> u64 {
        match self {
            Self::Idle => 30_000,
            Self::Quiet => 5_000,
            Self::Watchful => 1_000,
            Self::Busy => 150,
            Self::Hot => 50,
        }
    }
}

/// Milliseconds of budget per request: half of 20 per second.
const REQUEST_MS: u64 = 100;
/// Requests allowed in a burst.
const BURST: u64 = 40;

/// When to read next.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    last_at: Option<Timestamp>,
    /// When the budget is full again.
    debt_until: Timestamp,
    out: bool,
}

impl Pace {
    /// When the next reading is due. `None` while one is outstanding.
    pub fn next_at(&self, pressure: Pressure) -> Option<Timestamp> {
        if self.out {
            return None;
        }
        let last = self.last_at.unwrap_or_default();
        let wanted = last + pressure.interval_ms();
        // The burst may be used at once; after that, requests wait for the budget to refill.
        Some(wanted.max(self.debt_until - BURST * REQUEST_MS))
    }

    /// Records that a reading of that many requests was sent.
    pub fn sent(&mut self, now: Timestamp, requests: u64) {
        self.out = true;
        self.last_at = Some(now);
        self.debt_until = self.debt_until.max(now) + requests * REQUEST_MS;
    }

    /// Records that the reading returned.
    pub fn returned(&mut self) {
        self.out = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many readings of `requests` are sent in ten seconds if each takes a millisecond.
    fn readings(pressure: Pressure, requests: u64) -> u64 {
        let (mut pace, mut count) = (Pace::default(), 0);
        let mut now = Timestamp::from_millis(1_000_000);
        let end = now + 10_000;
        while now < end {
            now = pace.next_at(pressure).expect("none is out").max(now);
            pace.sent(now, requests);
            pace.returned();
            now = now + 1;
            count += 1;
        }
        count
    }

    #[test]
    fn a_quiet_cluster_is_read_less_than_once_a_second() {
        assert!(readings(Pressure::Quiet, 2) * 2 < 10);
    }

    #[test]
    fn no_pressure_uses_more_than_its_share_of_the_budget() {
        for requests in [1, 2, 7] {
            let used = readings(Pressure::Hot, requests) * requests;
            assert!(used <= BURST + 100 + requests, "{used}");
        }
    }

    #[test]
    fn only_one_reading_is_out_at_a_time() {
        let mut pace = Pace::default();
        pace.sent(Timestamp::from_millis(5), 1);
        assert_eq!(pace.next_at(Pressure::Hot), None);
    }
}
