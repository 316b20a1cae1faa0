//! The maximum and minimum number of tasks of a service. Source: ECS API reference,
//! `DeploymentConfiguration`.

/// The bounds of a service, in tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Minimum number of healthy tasks.
    pub(crate) lower: u32,
    /// Maximum number of tasks, including those that are stopping.
    pub(crate) upper: u32,
}

impl Bounds {
    /// The bounds for a desired count: the lower is rounded up, the upper down.
    pub(crate) fn of(desired: u32, minimum_healthy_percent: u32, maximum_percent: u32) -> Self {
        let of = |percent: u32| u64::from(desired) * u64::from(percent);
        let count = |tasks: u64| u32::try_from(tasks).unwrap_or(u32::MAX);
        Self {
            lower: count(of(minimum_healthy_percent).div_ceil(100)),
            upper: count(of(maximum_percent) / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bounds;

    #[test]
    fn the_lower_bound_is_rounded_up_and_the_upper_down() {
        for (desired, minimum, maximum, lower, upper) in [
            (4, 50, 200, 2, 8),
            (2, 75, 200, 2, 4),
            (3, 100, 125, 3, 3),
            (1, 100, 100, 1, 1),
            (0, 100, 200, 0, 0),
            (5, 0, 100, 0, 5),
            (5_000, 100, 100_000, 5_000, 5_000_000),
        ] {
            assert_eq!(Bounds::of(desired, minimum, maximum), Bounds { lower, upper });
        }
    }
}
