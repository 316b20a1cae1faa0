//! Evaluates the results of health checks.
//!
//! Source: ECS API reference, `HealthCheck`: `retries` consecutive failures make a container
//! unhealthy, one pass makes it healthy, and failures within `startPeriod` before the first pass do
//! not count.

use longshore_machine::Timestamp;
use longshore_wire_ecs::host::Health;
use longshore_wire_ecs::shape::container_definition::HealthCheck;

use crate::limits;

/// The health checks of one container.
#[derive(Clone, Debug)]
pub(crate) struct Probes {
    interval_ms: u64,
    retries: u32,
    start_period_ms: u64,
    began_at: Timestamp,
    /// When the next probe is due; `None` before the container runs and while a probe is in
    /// progress.
    next_at: Option<Timestamp>,
    failures: u32,
    verdict: Health,
}

impl Probes {
    /// Returns `None` if the check is disabled.
    pub(crate) fn new(check: &HealthCheck) -> Option<Self> {
        if check.command.as_deref().and_then(<[_]>::first).is_some_and(|form| &**form == "NONE") {
            return None;
        }
        let ms =
            |seconds: Option<i32>| seconds.and_then(|s| u64::try_from(s).ok()).map(|s| s * 1000);
        Some(Self {
            interval_ms: ms(check.interval).unwrap_or(limits::PROBE_INTERVAL_MS),
            retries: check
                .retries
                .and_then(|r| u32::try_from(r).ok())
                .unwrap_or(limits::PROBE_RETRIES),
            start_period_ms: ms(check.start_period).unwrap_or(0),
            began_at: Timestamp::default(),
            next_at: None,
            failures: 0,
            verdict: Health::Unknown,
        })
    }

    /// Starts probing a container that is now running.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.began_at = now;
        self.next_at = Some(now + self.interval_ms);
    }

    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.next_at
    }

    /// Whether a probe is due; if so, it counts as started.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> bool {
        let due = self.next_at.is_some_and(|at| at <= now);
        if due {
            self.next_at = None;
        }
        due
    }

    /// Records the result of a probe.
    pub(crate) fn probed(&mut self, now: Timestamp, passed: bool) {
        self.next_at = Some(now + self.interval_ms);
        if passed {
            self.failures = 0;
            self.verdict = Health::Healthy;
            return;
        }
        let forgiven =
            self.verdict == Health::Unknown && now.since(self.began_at) < self.start_period_ms;
        if !forgiven {
            self.failures += 1;
            if self.failures >= self.retries {
                self.verdict = Health::Unhealthy;
            }
        }
    }

    pub(crate) fn verdict(&self) -> Health {
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes() -> Probes {
        let check = HealthCheck {
            command: Some(vec!["CMD".into(), "true".into()]),
            interval: Some(5),
            retries: Some(2),
            start_period: Some(10),
            ..Default::default()
        };
        let mut probes = Probes::new(&check).expect("it is on");
        probes.begin(Timestamp::from_millis(0));
        probes
    }

    #[test]
    fn failures_in_a_row_make_unhealthy_and_one_pass_makes_healthy() {
        let mut probes = probes();
        let verdicts =
            [(11, false), (16, false), (21, true), (26, false)].map(|(second, passed)| {
                probes.probed(Timestamp::from_millis(second * 1000), passed);
                probes.verdict()
            });
        assert_eq!(
            verdicts,
            [Health::Unknown, Health::Unhealthy, Health::Healthy, Health::Healthy]
        );
    }

    #[test]
    fn failures_within_the_start_period_are_forgiven() {
        let mut probes = probes();
        for second in [1, 2, 3, 9] {
            probes.probed(Timestamp::from_millis(second * 1000), false);
        }
        assert_eq!(probes.verdict(), Health::Unknown);
    }

    #[test]
    fn only_one_probe_is_out_at_a_time() {
        let mut probes = probes();
        let at = Timestamp::from_millis(5000);
        assert_eq!((probes.take_due(at), probes.take_due(at)), (true, false));
    }
}
