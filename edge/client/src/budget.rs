//! Client-side token buckets like those of the real ECS, so that no request is sent that would be
//! throttled.
//!
//! Requests that wait for tokens are queued by urgency: kills before launches before readings, and
//! in order of arrival within each.
//!
//! Source: ECS developer guide, *Request throttling for the Amazon ECS API*.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The kinds of request with a bucket of their own.
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

/// Priority of waiting requests, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Stopping a task: somebody waits for its resources.
    Kill,
    /// Part of a launch.
    Launch,
    /// A reading.
    Read,
}

/// Capacity and tokens per second of each category.
const DOCUMENTED: [(Category, f64, f64); 4] = [
    (Category::ResourceModify, 100.0, 40.0),
    (Category::ResourceRead, 100.0, 20.0),
    (Category::DefinitionModify, 20.0, 1.0),
    (Category::DefinitionRead, 50.0, 20.0),
];

/// Minimum time between two checks for a token.
const LOOK: Duration = Duration::from_millis(1);

/// The remaining request budget.
#[derive(Debug)]
pub struct Budget {
    buckets: Vec<Mutex<Bucket>>,
}

/// A position in the queue: by urgency, then by arrival.
type Place = (Urgency, u64);

#[derive(Debug)]
struct Bucket {
    category: Category,
    capacity: f64,
    per_second: f64,
    tokens: f64,
    at: Instant,
    /// Requests waiting for a token.
    line: BTreeSet<Place>,
    came: u64,
}

impl Bucket {
    fn new((category, capacity, per_second): (Category, f64, f64), at: Instant) -> Self {
        Self {
            category,
            capacity,
            per_second,
            tokens: capacity,
            at,
            line: BTreeSet::new(),
            came: 0,
        }
    }

    fn join(&mut self, urgency: Urgency) -> Place {
        self.came += 1;
        let place = (urgency, self.came);
        self.line.insert(place);
        place
    }

    /// Takes a token, if there is one and it is this request's turn. Otherwise returns how long
    /// that will take, unless more urgent requests arrive.
    fn take(&mut self, now: Instant, place: Place) -> Result<(), Duration> {
        let refill = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + refill).min(self.capacity);
        self.at = now;
        let before = self.line.range(..place).count();
        if before == 0 && self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let ahead = u32::try_from(before).unwrap_or(u32::MAX);
        let missing = (f64::from(ahead) + 1.0 - self.tokens).max(0.0);
        Err(Duration::from_secs_f64(missing / self.per_second).max(LOOK))
    }
}

/// A waiting request. Leaves the queue when it is served or gives up.
struct Waiting<'a> {
    bucket: &'a Mutex<Bucket>,
    place: Place,
}

fn lock(bucket: &Mutex<Bucket>) -> MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.bucket).line.remove(&self.place);
    }
}

impl Budget {
    /// The budget documented by AWS.
    pub fn documented() -> Self {
        let now = Instant::now();
        let buckets = DOCUMENTED.into_iter().map(|one| Mutex::new(Bucket::new(one, now)));
        Self { buckets: buckets.collect() }
    }

    /// No limit: the cluster is our own.
    pub fn unlimited() -> Self {
        Self { buckets: Vec::new() }
    }

    /// Waits for a token.
    pub(crate) async fn turn(&self, category: Category, urgency: Urgency) {
        let Some(bucket) = self.buckets.iter().find(|bucket| lock(bucket).category == category)
        else {
            return;
        };
        let waiting = Waiting { place: lock(bucket).join(urgency), bucket };
        loop {
            let taken = lock(bucket).take(Instant::now(), waiting.place);
            match taken {
                Ok(()) => return,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(start: Instant) -> Bucket {
        Bucket::new((Category::ResourceRead, 100.0, 20.0), start)
    }

    /// Joins the queue, and leaves it if served at once.
    fn ask(
        bucket: &mut Bucket,
        now: Instant,
        urgency: Urgency,
    ) -> Result<Place, (Place, Duration)> {
        let place = bucket.join(urgency);
        match bucket.take(now, place) {
            Ok(()) => {
                bucket.line.remove(&place);
                Ok(place)
            }
            Err(wait) => Err((place, wait)),
        }
    }

    #[test]
    fn a_burst_is_free_and_what_follows_waits_for_the_refill() {
        let start = Instant::now();
        let mut bucket = bucket(start);
        let asked: Vec<_> = (0..140).map(|_| ask(&mut bucket, start, Urgency::Read)).collect();
        assert!(asked[..100].iter().all(Result::is_ok));
        let (last, wait) = asked[139].expect_err("there are 100 tokens");
        assert_eq!(wait, Duration::from_secs(2));
        bucket.line.retain(|place| *place == last);
        assert_eq!(bucket.take(start + Duration::from_mins(1), last), Ok(()));
    }

    #[test]
    fn a_kill_waits_behind_no_launch_and_a_launch_behind_no_reading() {
        let start = Instant::now();
        let mut bucket = bucket(start);
        bucket.tokens = 0.0;
        let mut wait = |urgency| ask(&mut bucket, start, urgency).expect_err("none is left");
        let (reading, _) = wait(Urgency::Read);
        let launches: Vec<Place> = (0..50).map(|_| wait(Urgency::Launch).0).collect();
        let (kill, soon) = wait(Urgency::Kill);
        assert_eq!(soon, Duration::from_millis(50), "the next token is its own");
        let mut served = Vec::new();
        for tick in 1..=52 {
            let now = start + Duration::from_millis(50) * tick;
            let line: Vec<Place> = bucket.line.iter().copied().collect();
            for place in line.into_iter().rev() {
                if bucket.take(now, place).is_ok() {
                    bucket.line.remove(&place);
                    served.push(place);
                }
            }
        }
        assert_eq!(served, [&[kill][..], &launches, &[reading]].concat());
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_the_line() {
        let budget = Budget::documented();
        let bucket = &budget.buckets[0];
        lock(bucket).tokens = -1_000.0;
        let turn = budget.turn(Category::ResourceModify, Urgency::Kill);
        assert!(tokio::time::timeout(Duration::from_millis(5), turn).await.is_err());
        assert!(lock(bucket).line.is_empty());
    }
}
