//! What ECS says of tasks becomes what frameworks are told. Source: design decision 3: a task's life is what ECS says; nothing
//! is claimed that was not told.

use longshore_machine::Timestamp;
use longshore_replica::{LastStatus, Task};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::network_info::IpAddress;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{ContainerId, ContainerStatus, NetworkInfo, TaskState, TaskStatus};

use super::Parts;
use super::telling::status;
use crate::cluster;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::{Launch, Phase};

impl Parts {
    /// Takes in one task as the cluster tells it.
    pub(super) fn observe(&mut self, cx: &mut Context<'_>, task: Task) {
        let id = self.launches.by_arn(&task.arn).cloned();
        let id = id.or_else(|| task.started_by.clone().map(LaunchId::from));
        let Some(id) = id else { return };
        if self.launches.given_up_since(&id).is_some() && task.desired_running {
            cx.note(format!("launch {id} was abandoned but is running after all, stopping it"));
            let why = "Its launch was abandoned";
            return self.launches.stop_task(cx, &id, task.arn, why);
        }
        let Some(launch) = self.launches.get(&id) else { return };
        if launch.phase() != Phase::Known {
            return self.known(cx, &id, task);
        }
        if self.cluster.merge_task(task.clone()) {
            self.take_in(cx, id, task);
        }
    }

    /// What ECS shows of a task now is news to its launch.
    pub(super) fn take_in(&mut self, cx: &mut Context<'_>, id: LaunchId, task: Task) {
        let Some(launch) = self.launches.get(&id) else { return };
        if launch.is_disowned() && !task.desired_running {
            // ECS ends it, and nobody waits to hear so.
            return self.over_unheard(cx, &id);
        }
        if launch.is_away() && task.last_status != LastStatus::Stopped {
            // Looked at when its agent is back.
            return;
        }
        if launch.is_executor() {
            return self.observe_group(cx, &id, &task);
        }
        let state = launch.state();
        match task.last_status {
            LastStatus::Running
                if state != TaskState::TaskRunning && state != TaskState::TaskKilling =>
            {
                self.begin_checks(cx, &id, &task);
                let Some(launch) = self.launches.get(&id) else { return };
                let status = self.running(cx.now, launch, &task);
                self.update(cx, &id, status);
                self.mind_health(cx, &id, &task);
            }
            LastStatus::Running => {
                self.health(cx, &id, &task);
                self.mind_health(cx, &id, &task);
            }
            LastStatus::Stopped => self.has_stopped(cx, &id, &task),
            _ => {}
        }
    }

    fn has_stopped(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) {
        self.is_heard_of(cx, id);
        let Some(launch) = self.launches.get(id) else { return };
        let ended = self.ended(cx.now, launch, task);
        let waits = matches!(launch.state(), TaskState::TaskStaging | TaskState::TaskStarting);
        if task.ran && waits && !launch.is_killed() {
            // It ran and was over before it was read: frameworks expect to hear of both.
            let running = self.running(cx.now, launch, task);
            self.update(cx, id, running);
        }
        self.over(cx, id);
        self.wants_allocation(cx.now);
        self.update(cx, id, ended);
    }

    pub(super) fn running(&self, now: Timestamp, launch: &Launch, task: &Task) -> TaskStatus {
        TaskStatus {
            source: Some(Source::Executor.into()),
            container_status: Some(self.container_status(launch, task)),
            healthy: ecs_health(launch, task),
            ..status(now, launch, TaskState::TaskRunning)
        }
    }

    /// Source: \[T20\], \[T21\]: an address is there from RUNNING on; without a better one, the agent's.
    pub(super) fn container_status(&self, launch: &Launch, task: &Task) -> ContainerStatus {
        let instance = self.cluster.instance(launch.instance());
        let address = instance.map(|instance| cluster::agent(&self.config, instance).ip);
        ContainerStatus {
            container_id: Some(container_id(launch, task)),
            network_infos: vec![NetworkInfo {
                ip_addresses: vec![IpAddress {
                    ip_address: Some(address.unwrap_or_default()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    /// What the health check of a container says is an update of its own once it changes. Source: \[A10\], \[A11\].
    pub(super) fn health(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) {
        let Some(launch) = self.launches.get(id) else { return };
        if launch.state() != TaskState::TaskRunning {
            return;
        }
        let (told, healthy) = (healthy(launch, task), ecs_health(launch, task));
        if healthy.is_some() && healthy != self.updates.healthy(id) {
            self.tell_found(cx, id, Reason::TaskHealthCheckStatusUpdated);
        }
        if self.checks.contained(id, told) {
            self.tell_found(cx, id, Reason::TaskCheckStatusUpdated);
        }
    }

    /// A launch is on its way and has been for a while: its framework should hear of it.
    pub(super) fn starting(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        for task in self.launches.tasks_of(id) {
            let Some(launch) = self.launches.get(&task) else { continue };
            let is_staging =
                launch.phase() == Phase::Known && launch.state() == TaskState::TaskStaging;
            if is_staging && !launch.is_killed() && !launch.is_away() {
                self.executor_says(cx, &task, TaskState::TaskStarting);
            }
        }
    }

    /// `TASK_KILLING`, for frameworks that know it.
    pub(super) fn killing(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let Some(launch) = self.launches.get(id) else { return };
        let knows = self.frameworks.has(launch.framework(), Capability::TaskKillingState);
        if knows && launch.state() == TaskState::TaskRunning && !launch.is_away() {
            self.executor_says(cx, id, TaskState::TaskKilling);
        }
    }

    fn executor_says(&mut self, cx: &mut Context<'_>, id: &LaunchId, state: TaskState) {
        let Some(launch) = self.launches.get(id) else { return };
        let drains = self.agents.drain(launch.agent()).is_some();
        let is_drained = state == TaskState::TaskKilling && drains;
        let status = TaskStatus {
            source: Some(Source::Executor.into()),
            reason: is_drained.then(|| Reason::AgentDraining.into()),
            ..status(cx.now, launch, state)
        };
        self.update(cx, id, status);
    }
}

/// What health checks found of a launch: of its container, if it is a task of a group, else of its whole ECS task.
pub(super) fn healthy(launch: &Launch, task: &Task) -> Option<bool> {
    match launch.container() {
        Some(name) => task.container(name)?.healthy,
        None => task.healthy,
    }
}

/// The same, where that is what its framework calls health.
pub(super) fn ecs_health(launch: &Launch, task: &Task) -> Option<bool> {
    healthy(launch, task).filter(|_| launch.terms().watches.ecs_tells_health())
}

/// The id of the ECS task. A task of a group is a container in it, as it is one in the container of its executor with Mesos.
fn container_id(launch: &Launch, task: &Task) -> ContainerId {
    let value = uuid(task.arn.rsplit('/').next().unwrap_or_default());
    let whole = ContainerId { value, parent: None };
    match launch.container() {
        Some(name) => ContainerId { value: name.to_string(), parent: Some(Box::new(whole)) },
        None => whole,
    }
}

/// The id of a task in ECS as a UUID. Source: \[T20\]: a container id is one, and tools match it as such.
fn uuid(task: &str) -> String {
    ResourceId::parse(task).map_or_else(|| task.to_owned(), ResourceId::uuid)
}
