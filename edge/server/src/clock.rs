//! Time for machines, and wall clock time for people.
//!
//! Machines' time starts at the wall clock time of the program's start and then follows a clock
//! that cannot be set: when the date is corrected, no timer expires early or late. It includes the
//! time that the computer is suspended, which passes for everyone else as well. Times for people
//! follow the wall clock: see [`set_wall_lead`].

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_machine::{Timestamp, set_wall_lead, wall_lead};
use rustix::time::{ClockId, clock_gettime};

/// How far the wall clock may drift from machines' time, as disciplined clocks do, before it counts
/// as set. Source: chosen by us: `ntpd` and `chrony` step beyond 0.1 s to 1 s, and as long as
/// nobody does, a time that was shown does not change.
const WANDER_MS_MAX: u64 = 1_000;

/// When the program started: by the monotonic clock and by the wall clock, in ms.
static BEGAN: OnceLock<(u64, u64)> = OnceLock::new();
/// When and by how much the wall clock is set forward in a simulation.
static REHEARSED: OnceLock<(Duration, Duration)> = OnceLock::new();

/// Time since the computer started, including suspension.
fn uptime_ms() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0) * 1_000 + nanos.unwrap_or(0) / 1_000_000
}

fn began() -> (u64, u64) {
    *BEGAN.get_or_init(|| (uptime_ms(), system_ms()))
}

fn system_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time for machines. It never goes back, and cannot be set.
pub fn now() -> Timestamp {
    let (uptime, wall) = began();
    Timestamp::from_millis(wall + uptime_ms().saturating_sub(uptime))
}

/// The wall clock time, for people and other computers.
pub fn wall() -> Timestamp {
    let (uptime, _) = began();
    let stepped = REHEARSED.get().filter(|(after, _)| {
        uptime_ms().saturating_sub(uptime) >= u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
    });
    let by = stepped.map_or(Duration::ZERO, |(_, by)| *by);
    Timestamp::from_millis(system_ms() + u64::try_from(by.as_millis()).unwrap_or(0))
}

/// Simulates that the wall clock is set forward by `by` once the program has run for `after`. Only
/// the first call in a process has an effect.
pub fn rehearse_step(after: Duration, by: Duration) {
    let _ = REHEARSED.set((after, by));
}

/// Detects whether the wall clock was set, so that times for people follow it.
pub fn follow_wall() {
    let ahead = i128::from(wall().millis()) - i128::from(now().millis());
    let Ok(ahead) = i64::try_from(ahead) else { return };
    let known = wall_lead();
    if known.abs_diff(ahead) <= WANDER_MS_MAX {
        return;
    }
    if set_wall_lead(known, ahead) {
        let by = (ahead - known) / 1_000;
        tracing::warn!(
            "the clock of this machine was changed by {by} s: timestamps follow it, and timers are not affected"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_time_begins_with_the_wall_clock_and_never_goes_back() {
        let (wall, mut last) = (wall(), now());
        assert!(wall.millis().abs_diff(last.millis()) < WANDER_MS_MAX);
        for _ in 0..1_000 {
            let next = now();
            assert!(next >= last);
            last = next;
        }
    }
}
