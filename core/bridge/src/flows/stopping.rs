//! The end of a task is asked for until the cluster says that it should end.

use longshore_replica::{Failure, Task};

use super::Parts;
use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::Phase;
use crate::limits;

impl Parts {
    /// What came of `StopTask`.
    pub(super) fn stopped(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        result: Result<Box<Task>, Failure>,
    ) {
        cx.after(limits::STOP_RETRY_MS, Timer::Stop(id.clone()));
        match result {
            Ok(task) => self.observe(cx, *task),
            // Asked for again by the timer, and read meanwhile.
            Err(failure) => cx.note(format!("cannot stop a task yet, will retry: {failure}")),
        }
    }

    /// Asks again, if it has not been heard that the task is to end.
    pub(super) fn stop_again(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let launch = self.launches.get(id);
        let launch = launch.filter(|one| one.phase() == Phase::Known && one.is_killed());
        let Some(launch) = launch else { return };
        let heard = launch.arn().and_then(|arn| self.cluster.task(arn));
        if heard.is_none_or(|task| task.desired_running) {
            self.launches.stop(cx, id);
        }
    }
}
