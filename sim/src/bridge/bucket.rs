//! The token buckets that ECS documents for its API. Source: ECS developer guide, *Request throttling*.

use longshore_machine::Timestamp;

/// A bucket of request tokens, counted in thousandths so that it refills by the millisecond.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    milli: u64,
    burst: u64,
    per_second: u64,
    at: Timestamp,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(burst: u64, per_second: u64) -> Self {
        Self { milli: burst * 1_000, burst, per_second, at: Timestamp::default() }
    }

    /// Takes tokens; false, and nothing is taken, if there are too few.
    pub(super) fn take(&mut self, now: Timestamp, tokens: u64) -> bool {
        let refilled = now.since(self.at).min(3_600_000) * self.per_second;
        self.milli = (self.milli + refilled).min(self.burst * 1_000);
        self.at = now;
        let wanted = tokens * 1_000;
        let enough = self.milli >= wanted;
        if enough {
            self.milli -= wanted;
        }
        enough
    }
}

/// The buckets that the bridge draws on.
#[derive(Debug)]
pub(super) struct Buckets {
    pub(super) read: Bucket,
    pub(super) modify: Bucket,
    pub(super) definition_read: Bucket,
    pub(super) definition_modify: Bucket,
}

impl Buckets {
    pub(super) fn new() -> Self {
        Self {
            read: Bucket::new(100, 20),
            modify: Bucket::new(100, 40),
            definition_read: Bucket::new(50, 20),
            definition_modify: Bucket::new(20, 1),
        }
    }
}
