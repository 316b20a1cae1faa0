//! What became of a task, in Mesos's words.

use longshore_machine::Timestamp;
use longshore_replica::{StopCode, Task};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::Parts;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::{Launch, Phase, Why};
use crate::limits;
use crate::updates;

/// How ECS words the loss of a host, before the task, where no stop code tells it.
const HOST_LOST: [&str; 2] =
    ["Host EC2 (instance", "Container instance deregistration forced by user"];

/// What an end is called: state, who says so, why, and a text.
type Verdict = (TaskState, Source, Option<Reason>, String);

impl Parts {
    pub(super) fn ended(&self, now: Timestamp, launch: &Launch, task: &Task) -> TaskStatus {
        let (state, source, reason, message) = if let Some(why) = launch.end() {
            ended_by_us(why)
        } else if is_host_lost(task) {
            let stopped = task.stopped_reason.as_deref().unwrap_or("no reason given");
            self.lost_agent(launch, stopped.to_owned())
        } else {
            verdict(task)
        };
        TaskStatus {
            source: Some(source.into()),
            reason: reason.map(Into::into),
            message: Some(message),
            container_status: Some(self.container_status(launch, task)),
            healthy: (launch.end() == Some(Why::Unhealthy)).then_some(false),
            ..updates::make(now, launch.task(), launch.agent(), state)
        }
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
            ..updates::make(cx.now, launch.task(), launch.agent(), state)
        };
        self.over(cx, id);
        self.update(cx, id, status);
    }
}

/// Source: \[A10\], \[A13\].
fn ended_by_us(why: Why) -> Verdict {
    let (state, reason, text) = match why {
        Why::Asked => (TaskState::TaskKilled, None, "Killed by the framework"),
        Why::Unhealthy => (TaskState::TaskKilled, None, "Killed since its health check failed"),
        Why::Late => (
            TaskState::TaskFailed,
            Some(Reason::MaxCompletionTimeReached),
            "Killed since its max_completion_time is over",
        ),
    };
    (state, Source::Executor, reason, text.to_owned())
}

/// Whether a task ended with its host.
fn is_host_lost(task: &Task) -> bool {
    let said = task.stopped_reason.as_deref().unwrap_or_default();
    task.stop_code == Some(StopCode::HostLost) || HOST_LOST.iter().any(|how| said.starts_with(how))
}

/// What its containers and ECS say of a task that ended by itself, or that somebody else stopped.
fn verdict(task: &Task) -> Verdict {
    let reason_text = task.containers.iter().find_map(|container| container.reason.clone());
    let stopped = task.stopped_reason.as_deref().unwrap_or("no reason given");
    let text = reason_text.as_deref().unwrap_or(stopped).to_owned();
    let failed =
        |reason: Reason, text: String| (TaskState::TaskFailed, Source::Agent, Some(reason), text);
    match &task.stop_code {
        Some(StopCode::FailedToStart) => failed(Reason::ContainerLaunchFailed, text),
        Some(StopCode::UserInitiated | StopCode::Other(_)) => failed(
            Reason::ExecutorTerminated,
            format!("Stopped on Amazon ECS, not by the framework: {stopped}"),
        ),
        _ if text.starts_with("OutOfMemoryError") => {
            failed(Reason::ContainerLimitationMemory, text)
        }
        Some(StopCode::EssentialContainerExited | StopCode::HostLost) | None => {
            match exit_code(task) {
                Some(code) => {
                    let state =
                        if code == 0 { TaskState::TaskFinished } else { TaskState::TaskFailed };
                    let message = format!("Command exited with status {code}");
                    (state, Source::Executor, None, message)
                }
                None => {
                    failed(Reason::ExecutorTerminated, format!("The exit code is unknown: {text}"))
                }
            }
        }
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
