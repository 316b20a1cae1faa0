//! What ECS says of tasks becomes what frameworks are told. Source: design decision 3: a task's life is what ECS says; nothing
//! is claimed that was not told.

use longshore_machine::Timestamp;
use longshore_replica::{LastStatus, Task};
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::network_info::IpAddress;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{ContainerId, ContainerStatus, NetworkInfo, TaskState, TaskStatus};

use super::Parts;
use crate::cluster;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::{Launch, Phase};
use crate::updates;

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
        if !self.cluster.merge_task(task.clone()) {
            return;
        }
        let state = launch.state();
        match task.last_status {
            LastStatus::Running
                if state != TaskState::TaskRunning && state != TaskState::TaskKilling =>
            {
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

    fn running(&self, now: Timestamp, launch: &Launch, task: &Task) -> TaskStatus {
        TaskStatus {
            source: Some(Source::Executor.into()),
            container_status: Some(self.container_status(launch, task)),
            healthy: task.healthy,
            ..updates::make(now, launch.task(), launch.agent(), TaskState::TaskRunning)
        }
    }

    /// Source: \[T20\], \[T21\]: an address is there from RUNNING on; without a better one, the agent's.
    pub(super) fn container_status(&self, launch: &Launch, task: &Task) -> ContainerStatus {
        let instance = self.cluster.instance(launch.instance());
        let address = instance.map(|instance| cluster::agent(&self.config, instance).ip);
        ContainerStatus {
            container_id: Some(ContainerId {
                value: task.arn.rsplit('/').next().unwrap_or_default().to_owned(),
                ..Default::default()
            }),
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

    /// A verdict of health checks that changed is an update of its own. Source: \[A10\].
    fn health(&mut self, cx: &mut Context<'_>, id: &LaunchId, task: &Task) {
        let Some(launch) = self.launches.get(id) else { return };
        let is_news = task.healthy.is_some() && task.healthy != self.updates.healthy(id);
        if is_news && launch.state() == TaskState::TaskRunning {
            let mut status = self.running(cx.now, launch, task);
            status.reason = Some(Reason::TaskHealthCheckStatusUpdated.into());
            self.update(cx, id, status);
        }
    }

    /// A launch is on its way and has been for a while: its framework should hear of it.
    pub(super) fn starting(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let Some(launch) = self.launches.get(id) else { return };
        let is_staging = launch.phase() == Phase::Known && launch.state() == TaskState::TaskStaging;
        if is_staging && !launch.is_killed() {
            self.executor_says(cx, id, TaskState::TaskStarting);
        }
    }

    /// `TASK_KILLING`, for frameworks that know it.
    pub(super) fn killing(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let Some(launch) = self.launches.get(id) else { return };
        let knows = self.frameworks.has(launch.framework(), Capability::TaskKillingState);
        if knows && launch.state() == TaskState::TaskRunning {
            self.executor_says(cx, id, TaskState::TaskKilling);
        }
    }

    fn executor_says(&mut self, cx: &mut Context<'_>, id: &LaunchId, state: TaskState) {
        let Some(launch) = self.launches.get(id) else { return };
        let status = TaskStatus {
            source: Some(Source::Executor.into()),
            ..updates::make(cx.now, launch.task(), launch.agent(), state)
        };
        self.update(cx, id, status);
    }
}
