//! What is due.

use super::{Context, Marathon};
use crate::instances::Why;
use crate::limits;
use crate::timers::Due;

impl Marathon {
    pub(super) fn expires(&mut self, cx: &mut Context) {
        let mut room = limits::LAUNCHES_PER_STEP_MAX;
        while room > 0
            && let Some(due) = self.timers.pop(cx.now)
        {
            room -= 1;
            match due {
                Due::Launch(id) => self.kills(cx, &id, Why::Late),
                Due::Kill(id) => self.kills.waits(&id),
                Due::Unreachable(id) => self.waits_out_of_reach(cx, &id),
                Due::Health(id, at) => self.asks_health(cx, &id, at),
                Due::Readiness(id) => self.asks_ready(cx, &id),
                Due::Backoff(id) => drop(self.touched.insert(id)),
            }
        }
    }
}
