//! How many failed tasks trip the circuit breaker. Source: ECS developer guide, *deployment circuit
//! breaker*.

use super::{Breaker, Threshold};

/// Minimum threshold of `BOUNDED_PERCENT`. Source: ECS developer guide; it was 10 until May 2023.
const THRESHOLD_MIN: u32 = 3;
/// Maximum threshold of `BOUNDED_PERCENT`. Source: ECS developer guide.
const THRESHOLD_MAX: u32 = 200;
/// The percentage used when no threshold is given. Source: ECS developer guide.
pub(crate) const THRESHOLD_PERCENT: u32 = 50;

impl Breaker {
    /// The number of failures that trips it at a desired count.
    pub(crate) fn failures(&self, desired: u32) -> u32 {
        let of = |percent: u32| {
            let tasks = (u64::from(desired) * u64::from(percent)).div_ceil(100);
            u32::try_from(tasks).unwrap_or(u32::MAX)
        };
        match self.threshold {
            Threshold::Count(count) => count,
            Threshold::BoundedPercent(percent) => of(percent).clamp(THRESHOLD_MIN, THRESHOLD_MAX),
            Threshold::UnboundedPercent(percent) => of(percent).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_follows_the_desired_count_within_its_bounds() {
        let breaker =
            |threshold| Breaker { rollback: false, reset_on_healthy_task: true, threshold };
        let usual = breaker(Threshold::BoundedPercent(THRESHOLD_PERCENT));
        for (desired, failures) in [(1, 3), (6, 3), (25, 13), (400, 200), (1_000, 200)] {
            assert_eq!(usual.failures(desired), failures, "{desired}");
        }
        assert_eq!(breaker(Threshold::Count(7)).failures(1_000), 7);
        assert_eq!(breaker(Threshold::UnboundedPercent(50)).failures(1_000), 500);
        assert_eq!(breaker(Threshold::UnboundedPercent(50)).failures(0), 1);
    }
}
