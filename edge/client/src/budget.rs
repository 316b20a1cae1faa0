//! Token buckets of the real ECS, kept on our side, so that no request is sent that would be refused.
//!
//! Source: ECS developer guide, *Request throttling for the Amazon ECS API*.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The kinds of request that have a bucket of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// Starting and stopping tasks.
    ResourceModify,
    /// Reading instances and tasks.
    ResourceRead,
    /// Registering task definitions.
    DefinitionModify,
    /// Reading task definitions.
    DefinitionRead,
}

/// Capacity and tokens a second of each category.
const DOCUMENTED: [(Category, f64, f64); 4] = [
    (Category::ResourceModify, 100.0, 40.0),
    (Category::ResourceRead, 100.0, 20.0),
    (Category::DefinitionModify, 20.0, 1.0),
    (Category::DefinitionRead, 50.0, 20.0),
];

/// What is left of the request budget.
#[derive(Debug)]
pub struct Budget {
    buckets: Vec<Mutex<Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    category: Category,
    capacity: f64,
    per_second: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Takes a token, on credit if need be, and says how long to wait until it is covered.
    fn take(&mut self, now: Instant) -> Duration {
        let refill = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + refill).min(self.capacity);
        self.at = now;
        self.tokens -= 1.0;
        Duration::from_secs_f64((-self.tokens / self.per_second).max(0.0))
    }
}

impl Budget {
    /// The budget that AWS documents.
    pub fn documented() -> Self {
        let now = Instant::now();
        let bucket = |(category, capacity, per_second): (Category, f64, f64)| {
            Mutex::new(Bucket { category, capacity, per_second, tokens: capacity, at: now })
        };
        Self { buckets: DOCUMENTED.into_iter().map(bucket).collect() }
    }

    /// No budget: the cluster is our own.
    pub fn unlimited() -> Self {
        Self { buckets: Vec::new() }
    }

    /// Waits for its turn.
    pub(crate) async fn turn(&self, category: Category) {
        let mut wait = Duration::ZERO;
        for bucket in &self.buckets {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            if bucket.category == category {
                wait = bucket.take(Instant::now());
            }
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_what_follows_waits_for_the_refill() {
        let start = Instant::now();
        let mut bucket = Bucket {
            category: Category::ResourceRead,
            capacity: 100.0,
            per_second: 20.0,
            tokens: 100.0,
            at: start,
        };
        let waits: Vec<Duration> = (0..140).map(|_| bucket.take(start)).collect();
        assert!(waits[..100].iter().all(Duration::is_zero));
        assert_eq!(waits[139], Duration::from_secs(2));
        assert!(bucket.take(start + Duration::from_mins(1)).is_zero());
    }
}
