//! Checks of tasks: what is dialled, and what frameworks are told of it. Source: \[A10\], \[A11\], \[T23\].
//!
//! A framework says which port of its task is to be probed. What is dialled is the host that the operator gave the agent as its address,
//! and a port of it that ECS shows as mapped to that one, or that the task claims: nothing else, whatever a framework says.

use longshore_replica::Task;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::Parts;
use super::observing::healthy;
use crate::checks::News;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::{Launch, Phase, Why};
use crate::probe::{Probe, ProbeId, Probed};
use crate::watches::{Dial, Which};

impl Parts {
    /// A task runs: it is watched from now on.
    pub(super) fn begin_checks(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) {
        let Some(launch) = self.launches.get(id).filter(|launch| !launch.is_killed()) else {
            return;
        };
        let head = self.launches.get(&self.launches.head(id));
        let is_adopted = head.is_some_and(Launch::is_adopted);
        self.checks.begin(cx, id, &launch.terms().watches, is_adopted);
        self.checks.contained(id, healthy(launch, task));
    }

    /// Every status of a task tells what its checks found last. Source: \[T23\].
    pub(super) fn tell_checks(&self, id: &LaunchId, status: &mut TaskStatus) {
        let last = || self.checks.healthy(id).or_else(|| self.updates.healthy(id));
        status.healthy = status.healthy.or_else(last);
        let check = self.launches.get(id).and_then(|one| one.terms().watches.check.as_ref());
        status.check_status = check.map(|check| self.checks.status(id, check));
    }

    /// A check is due.
    pub(super) fn probe(&mut self, cx: &mut Context<'_>, id: &LaunchId, which: Which) {
        let Some(dial) = self.checks.due(cx.now, id, which) else { return };
        let Some(launch) = self.launches.get(id).filter(|launch| self.is_probed(launch)) else {
            return self.checks.pause(cx, id);
        };
        match self.target(launch, dial) {
            Ok((host, port)) => {
                let probe = Probe {
                    id: ProbeId(0),
                    framework: launch.framework().clone(),
                    host,
                    port,
                    inside_port: dial.port,
                    ipv6: dial.ipv6,
                    means: dial.means.clone(),
                    timeout_ms: dial.timeout_ms,
                };
                let id = self.checks.asks(id, which);
                cx.probe(Probe { id, ..probe });
            }
            Err(probed) => self.came_of(cx, id, which, &probed),
        }
    }

    /// Something came of a probe.
    pub(crate) fn probed(&mut self, cx: &mut Context<'_>, probe: ProbeId, probed: &Probed) {
        let Some((id, which)) = self.checks.answered(probe) else { return };
        if self.launches.get(&id).is_some_and(|launch| self.is_probed(launch)) {
            self.came_of(cx, &id, which, probed);
        } else {
            self.checks.pause(cx, &id);
        }
    }

    /// The ECS task that a launch is, or is part of.
    fn ecs_task(&self, launch: &Launch) -> Option<&Task> {
        let head = self.launches.get(&self.launches.head(launch.id()))?;
        self.cluster.task(head.arn()?)
    }

    /// Whether a task is there and meant to stay.
    fn is_probed(&self, launch: &Launch) -> bool {
        let task = self.ecs_task(launch);
        launch.phase() == Phase::Known
            && launch.state() == TaskState::TaskRunning
            && !launch.is_killed()
            && task.is_some_and(|task| task.desired_running)
    }

    /// Where to dial a port of a task, or what came of it without that.
    fn target(&self, launch: &Launch, dial: &Dial) -> Result<(Str, u16), Probed> {
        let instance = self.cluster.instance(launch.instance());
        let host = instance.and_then(|one| one.attribute(&self.config.hostname_attribute));
        let host = host.ok_or_else(|| Probed::Unreached("its address is unknown".to_owned()))?;
        let own = launch.container();
        let containers = self.ecs_task(launch).into_iter().flat_map(|task| &task.containers);
        let containers = containers.filter(|one| own.is_none_or(|own| one.name == *own));
        let mapped = containers.flat_map(|one| &one.ports);
        let mapped = mapped.filter(|port| !port.udp).find(|port| port.container_port == dial.port);
        if let Some(mapped) = mapped.filter(|mapped| mapped.host_port > 0) {
            return Ok((host.clone(), mapped.host_port));
        }
        // The tasks of a group are on the network of their executor, and so are the ports that it claims.
        let head = self.launches.get(&self.launches.head(launch.id()));
        let mut claims = head.into_iter().chain([launch]).map(Launch::claim);
        if claims.any(|claim| claim.ports.contains(u64::from(dial.port))) {
            return Ok((host.clone(), dial.port));
        }
        Err(Probed::Failed(format!("{} is no port of the task", dial.port)))
    }

    fn came_of(&mut self, cx: &mut Context<'_>, id: &LaunchId, which: Which, probed: &Probed) {
        if let Probed::Unreached(why) = probed {
            self.note_unreached(cx, id, why);
        }
        match self.checks.came_of(cx, id, which, probed) {
            News::Nothing => {}
            News::Check => self.tell_found(cx, id, Reason::TaskCheckStatusUpdated),
            News::Health { ends } => {
                self.tell_found(cx, id, Reason::TaskHealthCheckStatusUpdated);
                if ends {
                    self.end_unhealthy(cx, id);
                }
            }
        }
    }

    /// Tells a framework what a check of its task found.
    pub(super) fn tell_found(&mut self, cx: &mut Context<'_>, id: &LaunchId, reason: Reason) {
        let Some(launch) = self.launches.get(id) else { return };
        let Some(task) = self.ecs_task(launch) else { return };
        let mut status = self.running(cx.now, launch, task);
        status.reason = Some(reason.into());
        self.update(cx, id, status);
    }

    /// Ends a task whose health check has failed as often as it may. Source: \[A10\].
    pub(super) fn end_unhealthy(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        self.checks.pause(cx, id);
        self.put_to_end(cx, id, Why::Unhealthy);
    }

    fn note_unreached(&self, cx: &mut Context<'_>, id: &LaunchId, why: &str) {
        let Some(launch) = self.launches.get(id) else { return };
        cx.note(format!(
            "cannot reach agent {} to check tasks on it, so nothing is known of them: {why}",
            launch.agent()
        ));
    }
}
