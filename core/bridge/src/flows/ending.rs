//! What became of a task, in Mesos's words.

use std::slice;

use longshore_machine::Timestamp;
use longshore_replica::{Container, StopCode, Task};
use longshore_wire_ecs::fetch::{self, FetchOrder};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::Parts;
use super::telling::status;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::{Launch, Phase, Why, is_ours};
use crate::limits;
use crate::words::shortened;

/// How ECS words the loss of a host, before the task, where no stop code tells it.
const HOST_LOST: [&str; 2] =
    ["Host EC2 (instance", "Container instance deregistration forced by user"];

/// Exit codes of containers that were told to end: SIGKILL and SIGTERM.
const SIGNALLED: [i32; 2] = [137, 143];

/// What an end is called: state, who says so, why, and a text.
pub(super) type Verdict = (TaskState, Source, Option<Reason>, String);

impl Parts {
    pub(super) fn ended(&self, now: Timestamp, launch: &Launch, task: &Task) -> TaskStatus {
        let why = launch.end().or_else(|| ended_by_another_master(launch, task));
        let (state, source, reason, message) = if let Some(why) = why {
            self.drained(launch, ended_by_us(why))
        } else if is_host_lost(task) {
            let stopped = task.stopped_reason.as_deref().unwrap_or("no reason given");
            self.lost_agent(launch, stopped.to_owned())
        } else {
            match launch.container() {
                Some(name)
                    if let Some(verdict) = not_fetched(task, &fetch::container_for(name)) =>
                {
                    verdict
                }
                Some(name) => {
                    let container = task.container(name).map(slice::from_ref);
                    let head = self.launches.get(&self.launches.head(launch.id()));
                    let is_ours = head.is_some_and(Launch::is_killed) || Why::of(task).is_some();
                    verdict(task, container.unwrap_or_default(), is_ours)
                }
                None => not_fetched(task, fetch::CONTAINER)
                    .unwrap_or_else(|| verdict(task, &without_fetcher(task), false)),
            }
        };
        TaskStatus {
            source: Some(source.into()),
            reason: reason.map(Into::into),
            message: Some(message),
            container_status: Some(self.container_status(launch, task)),
            healthy: (why == Some(Why::Unhealthy)).then_some(false),
            ..status(now, launch, state)
        }
    }

    /// What is killed while its agent is drained says so, whatever else killed it. Source: Mesos, the agent's `statusUpdate`.
    pub(super) fn drained(&self, launch: &Launch, verdict: Verdict) -> Verdict {
        let (state, source, reason, message) = verdict;
        let drain = self.agents.drain(launch.agent());
        let Some(drain) = drain.filter(|_| state == TaskState::TaskKilled) else {
            return (state, source, reason, message);
        };
        let aware = self.frameworks.is_aware(launch.framework());
        let state = if drain.mark_gone && aware { TaskState::TaskGoneByOperator } else { state };
        (state, source, Some(Reason::AgentDraining), message)
    }

    /// Source: \[C41\], \[T31\]: the master says that an agent is no more.
    fn lost_agent(&self, launch: &Launch, message: String) -> Verdict {
        let aware = self.frameworks.is_aware(launch.framework());
        let state = if aware { TaskState::TaskGone } else { TaskState::TaskLost };
        (state, Source::Master, Some(Reason::AgentRemoved), message)
    }

    /// ECS does not know the task of a launch any more: it was stopped, longer ago than stopped tasks are shown.
    pub(super) fn is_gone(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let launch = self.launches.get(id).filter(|launch| launch.phase() == Phase::Known);
        let Some(launch) = launch else { return };
        if cx.now.since(launch.known_at()) < limits::MISSING_MS {
            // A read may be behind the start of the task. The next ones will show it, or miss it for longer than that.
            return;
        }
        for task in self.launches.tasks_of(id) {
            self.task_is_gone(cx, &task);
        }
        self.executor_is_gone(cx, id);
    }

    fn task_is_gone(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        self.is_heard_of(cx, id);
        let Some(launch) = self.launches.get(id) else { return };
        let text = "Amazon ECS no longer knows the task".to_owned();
        let (state, source, reason, message) = match self.lost_agent(launch, text) {
            (_, source, reason, text) if launch.end().is_some_and(|why| why != Why::Late) => {
                (TaskState::TaskKilled, source, reason, text)
            }
            lost => lost,
        };
        let status = TaskStatus {
            source: Some(source.into()),
            reason: reason.map(Into::into),
            message: Some(message),
            ..super::telling::status(cx.now, launch, state)
        };
        self.over(cx, id);
        self.update(cx, id, status);
    }
}

/// Why another master of the cluster ended a task: it may have seen first that it is unhealthy or late, and says so in its stop. A
/// task of a group that had ended by itself before is not meant.
fn ended_by_another_master(launch: &Launch, task: &Task) -> Option<Why> {
    let (why, culprit) = Why::of(task)?;
    let Some(own) = launch.container() else { return Some(why) };
    if culprit.as_ref() == Some(own) {
        // The task that the others ended for has ended by itself, if it is for no other reason.
        return (why != Why::Group).then_some(why);
    }
    let code = task.container(own).and_then(|container| container.exit_code);
    code.is_none_or(|code| SIGNALLED.contains(&code)).then_some(Why::Group)
}

/// Source: \[A10\], \[A13\].
fn ended_by_us(why: Why) -> Verdict {
    let (state, reason, text) = match why {
        Why::Asked => (TaskState::TaskKilled, None, "Killed by the framework"),
        Why::Drained => (TaskState::TaskKilled, None, "Killed since the agent is being drained"),
        Why::Unhealthy => (TaskState::TaskKilled, None, "Killed since its health check failed"),
        Why::Late => (
            TaskState::TaskFailed,
            Some(Reason::MaxCompletionTimeReached),
            "Killed since its max_completion_time is over",
        ),
        Why::Group | Why::Done => {
            (TaskState::TaskKilled, None, "Killed since another task of its group has ended")
        }
    };
    (state, Source::Executor, reason, text.to_owned())
}

/// Whether a task ended with its host.
fn is_host_lost(task: &Task) -> bool {
    let said = task.stopped_reason.as_deref().unwrap_or_default();
    task.stop_code == Some(StopCode::HostLost) || HOST_LOST.iter().any(|how| said.starts_with(how))
}

/// That the files of a task could not be fetched, if that is so. ECS tells the exit code of what fetched them, which says which one.
/// Source: \[A2\].
pub(super) fn not_fetched(task: &Task, fetcher: &str) -> Option<Verdict> {
    // In a definition of somebody else's a container of that name may be anything.
    let fetch = task.container(fetcher).filter(|_| is_ours(&task.definition_arn))?;
    // One that was stopped has nothing to say: the task was.
    let code = fetch.exit_code.filter(|code| !matches!(code, 0 | 137 | 143))?;
    let why = fetch.reason.as_deref().and_then(|why| why.strip_prefix(fetch::FAILURE));
    let text = match (why, fetch::failed_uri(code)) {
        (Some(why), _) => format!("Failed to fetch {why}"),
        (None, Some(index)) => {
            let order = fetch.environment.get(fetch::ORDER_VARIABLE);
            let order = order.and_then(|order| serde_json::from_str::<FetchOrder>(order).ok());
            let uri = order.as_ref().and_then(|order| order.uris.get(index));
            let which = uri.map_or_else(
                || format!("URI number {} of the task", index + 1),
                |uri| shortened(&uri.value),
            );
            format!("Failed to fetch {which}: the log of the container '{fetcher}' says why")
        }
        (None, None) => {
            let why = fetch.reason.as_deref().unwrap_or("no reason given");
            format!(
                "Failed to fetch the URIs of the task: its fetcher exited with status {code}: {why}"
            )
        }
    };
    Some((TaskState::TaskFailed, Source::Agent, Some(Reason::ContainerLaunchFailed), text))
}

/// The containers of a task without what fetched for it, whose success says nothing of the task.
fn without_fetcher(task: &Task) -> Vec<Container> {
    let is_ours = is_ours(&task.definition_arn) && task.containers.len() > 1;
    let own = task.containers.iter().filter(|one| !is_ours || &*one.name != fetch::CONTAINER);
    own.cloned().collect()
}

/// What its containers and ECS say of a task that ended by itself, or that somebody else stopped. What ECS says of a group that we ended is not
/// about a task of it that had ended before.
fn verdict(task: &Task, containers: &[Container], is_ours: bool) -> Verdict {
    let reason_text = containers.iter().find_map(|container| container.reason.clone());
    let stopped = task.stopped_reason.as_deref().unwrap_or("no reason given");
    let text = reason_text.as_deref().unwrap_or(stopped).to_owned();
    let failed =
        |reason: Reason, text: String| (TaskState::TaskFailed, Source::Agent, Some(reason), text);
    match task.stop_code.as_ref().filter(|_| !is_ours) {
        Some(StopCode::FailedToStart) => failed(Reason::ContainerLaunchFailed, text),
        Some(StopCode::UserInitiated | StopCode::Other(_)) => failed(
            Reason::ExecutorTerminated,
            format!("Stopped on Amazon ECS, not by the framework: {stopped}"),
        ),
        _ if text.starts_with("OutOfMemoryError") => {
            failed(Reason::ContainerLimitationMemory, text)
        }
        Some(StopCode::EssentialContainerExited | StopCode::HostLost) | None => {
            match exit_code(containers) {
                Some(code) => {
                    let state =
                        if code == 0 { TaskState::TaskFinished } else { TaskState::TaskFailed };
                    let message = format!("Command exited with status {code}");
                    (state, Source::Executor, None, message)
                }
                None if text.starts_with("Cannot") => failed(Reason::ContainerLaunchFailed, text),
                None => {
                    failed(Reason::ExecutorTerminated, format!("The exit code is unknown: {text}"))
                }
            }
        }
    }
}

/// The exit code that tells most. Codes of containers that were stopped after the essential one ended (SIGTERM, SIGKILL)
/// count only if there is no other; of the rest the first that is not 0, else 0.
fn exit_code(containers: &[Container]) -> Option<i32> {
    let codes: Vec<i32> = containers.iter().filter_map(|container| container.exit_code).collect();
    let own: Vec<i32> = codes.iter().copied().filter(|code| !SIGNALLED.contains(code)).collect();
    let told = if own.is_empty() { codes } else { own };
    told.iter().find(|code| **code != 0).or(told.first()).copied()
}
