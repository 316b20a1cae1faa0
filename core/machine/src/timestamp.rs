//! Points in time, as passed to machines.

use std::ops::{Add, Sub};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `ms` milliseconds after the epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Seconds since the epoch with three decimals, the format used by ECS and Mesos.
    pub fn seconds(self) -> f64 {
        // Exact up to the year 287396: milliseconds since the epoch fit in 53 bits.
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
        let ms = self.0 as f64;
        ms / 1000.0
    }

    /// Milliseconds from `earlier` to this time, or 0 if it is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Adds milliseconds.
impl Add<u64> for Timestamp {
    type Output = Self;

    fn add(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Subtracts milliseconds, saturating at the epoch.
impl Sub<u64> for Timestamp {
    type Output = Self;

    fn sub(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_their_milliseconds() {
        assert_eq!(
            format!("{}", Timestamp::from_millis(1_621_198_766_009).seconds()),
            "1621198766.009"
        );
    }

    #[test]
    fn time_does_not_wrap() {
        let start = Timestamp::from_millis(5);
        assert_eq!(
            (start - 10, (start + 3).since(start), start.since(start + 3)),
            (Timestamp::default(), 3, 0)
        );
    }
}
