//! After a start: what the cluster has of a master before this one is taken over. Source: \[R4\], \[T9\], \[F22\].
//!
//! Which tasks are ours stands in their environment overrides. A task that has ended is told once more, since nobody knows
//! whether its end was acknowledged; of several with one id only the latest counts. A task that shows up later is taken over as
//! well, unless it would be a second one: its framework launched the same id again meanwhile, or is gone. That one is stopped.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_replica::{LastStatus, Task};

use super::Parts;
use super::jobs::Job;
use crate::agenda::Timer;
use crate::amounts;
use crate::context::Context;
use crate::ids::{FrameworkId, LaunchId, Role, TaskId};
use crate::launches::{
    Adopted, CLAIM_VARIABLE, FRAMEWORK_VARIABLE, Origin, Phase, ROLE_VARIABLE, TASK_VARIABLE,
    Terms, Why,
};
use crate::limits;
use crate::work::{Slice, Units};

/// Whose task a task is.
type Identity = (FrameworkId, TaskId);

/// The tasks of ours are taken over, the latest of each id.
#[derive(Debug)]
pub(super) struct Adoption {
    /// Those that have not been looked at.
    tasks: std::vec::IntoIter<Task>,
    latest: BTreeMap<Identity, Task>,
}

impl Adoption {
    /// The next slice.
    pub(super) fn go_on(
        &mut self,
        parts: &mut Parts,
        cx: &mut Context<'_>,
        units: &mut Units,
    ) -> Slice {
        while self.tasks.len() > 0 {
            if !units.take(5) {
                return Slice::Open;
            }
            let Some(task) = self.tasks.next() else { break };
            self.look(parts, cx, task);
        }
        while !self.latest.is_empty() {
            if !units.take(25) {
                return Slice::Open;
            }
            let Some((identity, task)) = self.latest.pop_first() else { break };
            parts.adopt(cx, identity, task);
        }
        parts.cluster.has_recovered(cx);
        parts.wants_allocation(cx.now);
        Slice::Done
    }

    fn look(&mut self, parts: &mut Parts, cx: &mut Context<'_>, task: Task) {
        let identity = identity(&task);
        parts.cluster.has_read_task(&task, identity.is_some());
        let Some(identity) = identity else { return };
        let rank = |task: &Task| (task.last_status != LastStatus::Stopped, task.created_at_ms);
        let older = match self.latest.get(&identity) {
            Some(known) if rank(known) >= rank(&task) => Some(task),
            _ => self.latest.insert(identity, task),
        };
        // Two of one id run only if the first was given up as lost: its framework knows of the second.
        if let Some(older) = older.filter(|task| task.last_status != LastStatus::Stopped) {
            parts.stop_stray(cx, older);
        }
    }
}

/// Framework id and task id of a task of ours.
fn identity(task: &Task) -> Option<Identity> {
    let variable = |name: &str| task.environment.get(name).cloned();
    Some((variable(FRAMEWORK_VARIABLE)?.into(), variable(TASK_VARIABLE)?.into()))
}

impl Parts {
    /// All tasks that there were at the start have been read.
    pub(super) fn recovered(&mut self, cx: &mut Context<'_>, tasks: Vec<Task>) {
        let adoption = Adoption { tasks: tasks.into_iter(), latest: BTreeMap::new() };
        self.begin(cx, Job::Adopt(Box::new(adoption)));
    }

    /// Takes over a task.
    fn adopt(&mut self, cx: &mut Context<'_>, identity: Identity, task: Task) {
        let (framework, id) = identity;
        let (Some(launch), Some(instance)) = (task.started_by.clone(), task.instance_arn.clone())
        else {
            return;
        };
        let claim = task.environment.get(CLAIM_VARIABLE).and_then(|text| amounts::parse(text));
        let role = task.environment.get(ROLE_VARIABLE).cloned();
        let origin = Origin {
            framework: framework.clone(),
            name: id.to_string(),
            task: id,
            role: role.map_or_else(|| Role::from("*"), Role::from),
            agent: instance.rsplit('/').next().unwrap_or_default().into(),
            instance,
            claim: claim.unwrap_or_default(),
            terms: Terms::read(&task.environment),
        };
        let launch = LaunchId::from(launch);
        let adopted = Adopted { id: launch.clone(), arn: task.arn.clone(), end: Why::of(&task) };
        if self.frameworks.get(&framework).is_none() {
            self.frameworks.adopt(cx.now, &framework);
            self.show_framework(&framework);
        }
        self.launches.adopt(cx.now, adopted, origin);
        self.show_launch(&launch, None);
        let ran_ms = cx.now.wall().since(Timestamp::from_millis(task.created_at_ms));
        self.mind_time(cx, &launch, ran_ms);
        self.observe(cx, task);
    }

    /// Tasks that a master before this one may have launched.
    pub(super) fn strays(&mut self, cx: &mut Context<'_>, tasks: Vec<Task>) {
        for task in tasks {
            let Some(identity) = identity(&task) else { continue };
            let (framework, id) = &identity;
            let launch = self.launches.of_task(framework, id);
            let second = launch.is_some_and(|one| one.phase() != Phase::Over);
            if !second && !self.frameworks.was_removed(framework) {
                // A task of the same id that has ended counts no more: what is not acknowledged of it never could be.
                if let Some(ended) = launch.map(|launch| launch.id().clone()) {
                    self.finish(&ended, None);
                }
                self.wants_allocation(cx.now);
                self.adopt(cx, identity, task);
            } else if task.last_status != LastStatus::Stopped {
                self.stop_stray(cx, task);
            }
        }
    }

    /// Sees to it that a task ends which nobody may take for his.
    fn stop_stray(&mut self, cx: &mut Context<'_>, task: Task) {
        let Some(launch) = task.started_by.clone().map(LaunchId::from) else { return };
        self.launches.give_up(cx.now, &launch);
        cx.after(limits::GIVEN_UP_LOOK_MS, Timer::Settle(launch));
        self.observe(cx, task);
    }
}
