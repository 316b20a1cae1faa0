//! What people call the time.
//!
//! Machines are told a time that only ever goes on, at the pace of a clock: timers and intervals mean that one. The wall clock of
//! the computer may be set, and what people and other programs read (`createdAt`, `SentTimestamp`, the time of an event) is by it.
//! Between the two lies a lead that changes only when the wall clock is set, so it is no part of any machine: it is added
//! where a time is written down for somebody, and nowhere else. Where nobody sets it, as in tests and simulations, it is 0.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::Timestamp;

/// By how much the wall clock is ahead of the time that machines are told, in ms.
static LEAD_MS: AtomicI64 = AtomicI64::new(0);

/// By how much the wall clock is ahead of the time that machines are told, in ms; less than 0 if it is behind, 0 until it is said.
pub fn wall_lead() -> i64 {
    LEAD_MS.load(Ordering::Relaxed)
}

/// Says by how much the wall clock is ahead of the time that machines are told, in ms. False, and nothing is changed, if another
/// thread has said it since `known` was read by [`wall_lead`].
pub fn set_wall_lead(known: i64, ms: i64) -> bool {
    LEAD_MS.compare_exchange(known, ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

impl Timestamp {
    /// The same moment by the wall clock.
    #[must_use]
    pub fn wall(self) -> Self {
        Self::from_millis(self.millis().saturating_add_signed(wall_lead()))
    }
}
