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

/// Says by how much the wall clock is ahead of the time that machines are told, in ms; less than 0 if it is behind.
pub fn set_wall_lead(ms: i64) {
    LEAD_MS.store(ms, Ordering::Relaxed);
}

impl Timestamp {
    /// The same moment by the wall clock.
    #[must_use]
    pub fn wall(self) -> Self {
        Self::from_millis(self.millis().saturating_add_signed(LEAD_MS.load(Ordering::Relaxed)))
    }
}
