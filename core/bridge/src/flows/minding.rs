//! Tasks that are ended without a word of their framework, as it agreed when it launched them: their health check failed, or they took
//! too long. ECS itself does neither for a task without a service.

use longshore_replica::Task;

use super::Parts;
use super::observing::healthy;
use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::{Launch, Phase, Why};

impl Parts {
    /// Ends a task whose health check has failed as often as it may: ECS counts, and says so then. Source: \[A10\].
    pub(super) fn mind_health(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) {
        let Some(launch) = self.launches.get(id) else { return };
        let has_failed = healthy(launch, task) == Some(false) && task.desired_running;
        if has_failed && launch.terms().kill_unhealthy && !launch.is_killed() {
            self.end_unhealthy(cx, id);
        }
    }

    /// A task that ECS has runs for so long already, in ms. Source: \[A13\]: from the start of the launch.
    pub(super) fn mind_time(&mut self, cx: &mut Context<'_>, id: &LaunchId, ran_ms: u64) {
        let Some(launch) = self.launches.get(id) else { return };
        let Some(most_ms) = launch.terms().most_ms else { return };
        let at = cx.now + most_ms.saturating_sub(ran_ms);
        cx.agenda.at(at, Timer::Late(id.clone()));
        self.launches.is_late_at(id, at);
    }

    /// Nothing is due of a launch that is over.
    pub(super) fn stop_minding(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        if let Some(at) = self.launches.get(id).and_then(Launch::late_at) {
            cx.agenda.cancel(at, Timer::Late(id.clone()));
        }
        self.checks.pause(cx, id);
    }

    /// A task took longer than it may. Source: \[A13\]: `TASK_KILLING` is not sent of it.
    pub(super) fn late(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let launch = self.launches.get(id);
        if launch.is_some_and(|one| one.phase() == Phase::Known && !one.is_killed()) {
            let head = self.launches.head(id);
            self.launches.end(id, Why::Late);
            for other in self.launches.tasks_of(&head).iter().filter(|one| *one != id) {
                self.killing(cx, other);
            }
            self.launches.stop(cx, &head);
        }
    }
}
