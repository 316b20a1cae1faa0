//! Wall-clock time.
//!
//! Machines are given a time that only moves forward, at the pace of a clock; timers and intervals
//! use it. The computer's wall clock may be set, and it determines what people and other programs
//! read (`createdAt`, `SentTimestamp`, the time of an event). The lead between the two changes only
//! when the wall clock is set, so it belongs to no machine: it is added where a time is written for
//! a reader, and nowhere else. If nobody sets it, as in tests and simulations, it is 0.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::Timestamp;

/// How far the wall clock is ahead of machine time, in ms.
static LEAD_MS: AtomicI64 = AtomicI64::new(0);

/// How far the wall clock is ahead of machine time, in ms; negative if it is behind, 0 until set.
pub fn wall_lead() -> i64 {
    LEAD_MS.load(Ordering::Relaxed)
}

/// Sets how far the wall clock is ahead of machine time, in ms. Returns false without changing
/// anything if another thread has set it since `known` was read by [`wall_lead`].
pub fn set_wall_lead(known: i64, ms: i64) -> bool {
    LEAD_MS.compare_exchange(known, ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

impl Timestamp {
    /// The same moment on the wall clock.
    #[must_use]
    pub fn wall(self) -> Self {
        Self::from_millis(self.millis().saturating_add_signed(wall_lead()))
    }
}
