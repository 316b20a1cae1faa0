//! What ECS says of tasks and instances becomes what frameworks are told. Source: design decision 3: a task's life is what
//! ECS says; nothing is claimed that was not told.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_replica::{Instance, InstanceNews, LastStatus, StopCode, Task};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::network_info::IpAddress;
use longshore_wire_mesos::v1::scheduler::{Event, event};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    AgentId, ContainerId, ContainerStatus, NetworkInfo, TaskState, TaskStatus,
};

use crate::launch::{self, Launch, Phase};
use crate::machine::Output;
use crate::outbox::{self, Answers};
use crate::state::Bridge;
use crate::subscribe::event;
use crate::{endpoint, feed, offer, status, stop};

/// Takes in one task as the cluster tells it.
pub(crate) fn task(bridge: &mut Bridge, now: Timestamp, task: Task, out: &mut Vec<Output>) {
    let id = bridge.by_arn.get(&task.arn).cloned().or_else(|| task.started_by.clone());
    let Some(id) = id else { return };
    if bridge.given_up.contains_key(&id) && task.desired_running {
        out.push(Output::Note(format!(
            "launch {id} was abandoned but is running after all, stopping it"
        )));
        return stop::ask_of(bridge, &id, task.arn, "Its launch was abandoned", out);
    }
    let Some(launch) = bridge.launches.get(&id) else { return };
    if launch.phase != Phase::Known {
        return launch::known(bridge, now, &id, task, out);
    }
    if !bridge.replica.merge_task(task.clone()) {
        return;
    }
    match task.last_status {
        LastStatus::Running
            if launch.state != TaskState::TaskRunning && launch.state != TaskState::TaskKilling =>
        {
            let status = running(bridge, now, launch, &task);
            status::update(bridge, now, &id, status, out);
        }
        LastStatus::Running => health(bridge, now, &id, &task, out),
        LastStatus::Stopped => {
            let launch = launch.clone();
            let waits = matches!(launch.state, TaskState::TaskStaging | TaskState::TaskStarting);
            if task.ran && waits && !launch.kill {
                // It ran and was over before it was read: frameworks expect to hear of both.
                let status = running(bridge, now, &launch, &task);
                status::update(bridge, now, &id, status, out);
            }
            let status = ended(bridge, now, &launch, &task);
            launch::over(bridge, &id);
            bridge.wants_allocation(now);
            status::update(bridge, now, &id, status, out);
        }
        _ => {}
    }
}

fn running(bridge: &Bridge, now: Timestamp, launch: &Launch, task: &Task) -> TaskStatus {
    TaskStatus {
        source: Some(Source::Executor.into()),
        container_status: Some(container_status(bridge, launch, task)),
        healthy: task.healthy,
        ..status::make(now, launch, TaskState::TaskRunning)
    }
}

/// Source: \[T20\], \[T21\]: an address is there from RUNNING on; without a better one, the agent's.
fn container_status(bridge: &Bridge, launch: &Launch, task: &Task) -> ContainerStatus {
    let instance = bridge.replica.instances().get(&launch.instance);
    let address = instance.map(|instance| endpoint::agent(bridge, instance).ip).unwrap_or_default();
    ContainerStatus {
        container_id: Some(ContainerId {
            value: task.arn.rsplit('/').next().unwrap_or_default().to_owned(),
            ..Default::default()
        }),
        network_infos: vec![NetworkInfo {
            ip_addresses: vec![IpAddress { ip_address: Some(address), ..Default::default() }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A verdict of health checks that changed is an update of its own. Source: \[A10\].
fn health(bridge: &mut Bridge, now: Timestamp, id: &Str, task: &Task, out: &mut Vec<Output>) {
    let Some(launch) = bridge.launches.get(id) else { return };
    let told = launch.updates.history.last().and_then(|status| status.healthy);
    if task.healthy.is_some() && task.healthy != told && launch.state == TaskState::TaskRunning {
        let mut status = running(bridge, now, launch, task);
        status.reason = Some(Reason::TaskHealthCheckStatusUpdated.into());
        status::update(bridge, now, id, status, out);
    }
}

/// What became of a task, in Mesos's words.
fn ended(bridge: &Bridge, now: Timestamp, launch: &Launch, task: &Task) -> TaskStatus {
    let reason_text = task.containers.iter().find_map(|container| container.reason.clone());
    let stopped = task.stopped_reason.as_deref().unwrap_or("no reason given");
    let text = reason_text.as_deref().unwrap_or(stopped).to_owned();
    let of =
        |state: TaskState, source: Source, reason: Option<Reason>, message: String| TaskStatus {
            source: Some(source.into()),
            reason: reason.map(Into::into),
            message: Some(message),
            container_status: Some(container_status(bridge, launch, task)),
            ..status::make(now, launch, state)
        };
    if launch.kill {
        return of(
            TaskState::TaskKilled,
            Source::Executor,
            None,
            "Killed by the framework".to_owned(),
        );
    }
    match &task.stop_code {
        Some(StopCode::FailedToStart) => {
            of(TaskState::TaskFailed, Source::Agent, Some(Reason::ContainerLaunchFailed), text)
        }
        Some(StopCode::HostLost) => {
            let aware = bridge
                .frameworks
                .get(&launch.framework)
                .is_some_and(crate::framework::Framework::is_aware);
            let state = if aware { TaskState::TaskGone } else { TaskState::TaskLost };
            of(state, Source::Master, Some(Reason::AgentRemoved), text)
        }
        Some(StopCode::UserInitiated | StopCode::Other(_)) => {
            let message = format!("Stopped on Amazon ECS, not by the framework: {stopped}");
            of(TaskState::TaskFailed, Source::Agent, Some(Reason::ExecutorTerminated), message)
        }
        _ if text.starts_with("OutOfMemoryError") => {
            of(TaskState::TaskFailed, Source::Agent, Some(Reason::ContainerLimitationMemory), text)
        }
        Some(StopCode::EssentialContainerExited) | None => match exit_code(task) {
            Some(0) => of(
                TaskState::TaskFinished,
                Source::Executor,
                None,
                "Command exited with status 0".to_owned(),
            ),
            Some(code) => of(
                TaskState::TaskFailed,
                Source::Executor,
                None,
                format!("Command exited with status {code}"),
            ),
            None => {
                let message = format!("The exit code is unknown: {text}");
                of(TaskState::TaskFailed, Source::Agent, Some(Reason::ExecutorTerminated), message)
            }
        },
    }
}

/// The exit code that tells most. Codes of containers that were stopped after the essential one ended (SIGTERM, SIGKILL)
/// count only if there is no other; of the rest the first that is not 0, else 0.
fn exit_code(task: &Task) -> Option<i32> {
    let codes: Vec<i32> =
        task.containers.iter().filter_map(|container| container.exit_code).collect();
    let own: Vec<i32> = codes.iter().copied().filter(|code| !matches!(code, 137 | 143)).collect();
    let told = if own.is_empty() { codes } else { own };
    told.iter().find(|code| **code != 0).or(told.first()).copied()
}

/// A launch is on its way and has been for a while: its framework should hear of it.
pub(crate) fn starting(bridge: &mut Bridge, now: Timestamp, id: &Str, out: &mut Vec<Output>) {
    let Some(launch) = bridge.launches.get(id) else { return };
    if launch.phase == Phase::Known && launch.state == TaskState::TaskStaging && !launch.kill {
        let status = TaskStatus {
            source: Some(Source::Executor.into()),
            ..status::make(now, launch, TaskState::TaskStarting)
        };
        status::update(bridge, now, id, status, out);
    }
}

/// `TASK_KILLING`, for frameworks that know it.
pub(crate) fn killing(bridge: &mut Bridge, now: Timestamp, id: &Str, out: &mut Vec<Output>) {
    let Some(launch) = bridge.launches.get(id) else { return };
    let knows = bridge
        .frameworks
        .get(&launch.framework)
        .is_some_and(|one| one.has(Capability::TaskKillingState));
    if knows && launch.state == TaskState::TaskRunning {
        let status = TaskStatus {
            source: Some(Source::Executor.into()),
            ..status::make(now, launch, TaskState::TaskKilling)
        };
        status::update(bridge, now, id, status, out);
    }
}

/// ECS does not know a task any more that it once accepted: it was stopped, longer ago than stopped tasks are shown.
pub(crate) fn vanished(bridge: &mut Bridge, now: Timestamp, arn: &Str, out: &mut Vec<Output>) {
    let Some(id) = bridge.by_arn.get(arn).cloned() else { return };
    let Some(launch) = bridge.launches.get(&id).filter(|launch| launch.phase == Phase::Known)
    else {
        return;
    };
    let aware =
        bridge.frameworks.get(&launch.framework).is_some_and(crate::framework::Framework::is_aware);
    let state = match (launch.kill, aware) {
        (true, _) => TaskState::TaskKilled,
        (false, true) => TaskState::TaskGone,
        (false, false) => TaskState::TaskLost,
    };
    let status = TaskStatus {
        source: Some(Source::Agent.into()),
        reason: Some(Reason::AgentRemoved.into()),
        message: Some("Amazon ECS no longer knows the task".to_owned()),
        ..status::make(now, launch, state)
    };
    launch::over(bridge, &id);
    status::update(bridge, now, &id, status, out);
}

/// Takes in what a reading of instances told.
pub(crate) fn instances(
    bridge: &mut Bridge,
    now: Timestamp,
    news: InstanceNews,
    out: &mut Vec<Output>,
) {
    // While events arrive, what happens to tasks is told by events of their own.
    let tasks = !bridge.feed.is_live();
    instances_told(bridge, now, news, tasks, out);
}

/// Takes in what was told of instances; whether tasks on those that changed are to be read.
pub(crate) fn instances_told(
    bridge: &mut Bridge,
    now: Timestamp,
    news: InstanceNews,
    tasks: bool,
    out: &mut Vec<Output>,
) {
    for arn in news.added.iter().chain(&news.changed) {
        let Some(instance) = bridge.replica.instances().get(arn) else { continue };
        if !instance.active || !instance.connected {
            offer::rescind_instance(bridge, now, arn, out);
        } else if !bridge.still_backed(arn) {
            // Someone else on the cluster took what is on offer.
            offer::rescind_instance(bridge, now, arn, out);
        }
        if tasks || !instance_is_there(bridge, arn) {
            tasks_are_stale(bridge, arn);
        }
        bridge.allocates_soon(now);
    }
    for gone in &news.removed {
        offer::rescind_instance(bridge, now, &gone.arn, out);
        tasks_are_stale(bridge, &gone.arn);
        feed::instance_gone(bridge, &gone.arn);
    }
    agents_are_gone(bridge, now, &news.removed, out);
}

fn instance_is_there(bridge: &Bridge, arn: &str) -> bool {
    let held = bridge.replica.instances().get(arn);
    held.is_some_and(|instance| instance.active && instance.connected)
}

fn tasks_are_stale(bridge: &mut Bridge, instance: &str) {
    let on = bridge.by_instance.get(instance).into_iter().flat_map(|on| &on.all);
    let arns: Vec<Str> = on.filter_map(|id| bridge.launches.get(id)?.arn.clone()).collect();
    bridge.stale_tasks.extend(arns);
}

/// Agents are gone: every framework hears it. Source: \[E1\].
fn agents_are_gone(bridge: &mut Bridge, now: Timestamp, gone: &[Instance], out: &mut Vec<Output>) {
    if gone.is_empty() {
        return;
    }
    let agents: Arc<[Str]> = gone.iter().map(|instance| Str::from(instance.id())).collect();
    for _ in &*agents {
        bridge.count("slave_removals");
    }
    let connected = bridge.frameworks.values().filter(|framework| framework.stream.is_some());
    let connected: Vec<Str> = connected.map(|framework| framework.id.clone()).collect();
    for framework in connected {
        let answers = Answers::Gone(agents.clone(), 0);
        outbox::answer(bridge, now, &framework, answers, out);
    }
}

/// That an agent is gone.
pub(crate) fn failure(agent: &str) -> Event {
    let failure = event::Failure {
        agent_id: Some(AgentId { value: agent.to_owned() }),
        ..Default::default()
    };
    Event { failure: Some(failure), ..event(event::Type::Failure) }
}
