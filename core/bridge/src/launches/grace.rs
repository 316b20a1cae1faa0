//! The grace period of a KILL. Source: \[A12\]: it wins over that of the task, and a later KILL may shorten it. ECS's `StopTask` takes
//! none: what the task definition says as `stopTimeout` applies, and whoever asked for something else is told so.

use longshore_wire_mesos::v1::KillPolicy;

use super::{Launches, Phase};
use crate::ids::LaunchId;

/// Whole seconds, rounded up, that a policy gives a task to end by itself.
fn seconds(policy: &KillPolicy) -> Option<u64> {
    let grace = policy.grace_period.as_ref()?;
    Some(grace.nanoseconds.max(0).unsigned_abs().div_ceil(1_000_000_000))
}

impl Launches {
    /// A launch is killed by this policy. Its framework is told with the next update if ECS will keep to something else; what to tell an
    /// operator, the first time that this happens.
    pub(crate) fn kill_policy(&mut self, id: &LaunchId, policy: &KillPolicy) -> Option<String> {
        let launch = self.all.get_mut(id)?;
        let asked = seconds(policy)?;
        let is_kept = launch.grace_s.is_some_and(|given| u64::from(given) == asked);
        if is_kept || matches!(launch.phase, Phase::Preparing | Phase::Over) {
            return None;
        }
        let why = "Amazon ECS keeps to the stopTimeout of the task definition";
        let text =
            format!("the grace period of {asked} s that KILL asked for did not apply: {why}");
        launch.note = Some(match launch.note.take().filter(|note| *note != text) {
            Some(note) => format!("{note}; {text}"),
            None => text,
        });
        let (framework, task) = (launch.framework(), launch.task());
        let note = format!(
            "framework {framework} kills task {task} with a grace period of {asked} s, which does not apply: {why}; this is said once, whoever asks for it again"
        );
        (!std::mem::replace(&mut self.grace_was_told, true)).then_some(note)
    }
}
