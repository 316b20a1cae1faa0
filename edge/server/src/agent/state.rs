//! What `/state` of an agent tells: its frameworks, their executors, and the directories of these. Source: \[A7\], \[A23\]; what a genuine
//! agent answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use longshore_agent::process::Sandbox;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_mesos::MESOS_VERSION;
use serde_json::{Value, json};

use super::front::Agent;

/// Exit codes of commands that a stop may have ended: 128 and SIGKILL or SIGTERM.
const SIGNALLED: [i32; 2] = [137, 143];

/// Tasks of ECS that were to stop.
pub(super) type Stopped = BTreeSet<ResourceId>;

/// The state of a task. Anybody may send a signal, and the kernel does so when memory is short: it was killed only if its task of ECS was to
/// stop.
fn state_of(exit_code: Option<i32>, is_over: bool, was_stopped: bool) -> &'static str {
    match exit_code {
        Some(0) => "TASK_FINISHED",
        None if !is_over => "TASK_RUNNING",
        Some(code) if !SIGNALLED.contains(&code) => "TASK_FAILED",
        Some(_) | None if was_stopped => "TASK_KILLED",
        Some(_) | None => "TASK_FAILED",
    }
}

/// The tasks of ECS whose exit codes do not tell how they ended.
pub(super) fn in_question(sandboxes: &[Sandbox]) -> Vec<ResourceId> {
    let is_open = |one: &&Sandbox| {
        let mut codes = tasks(one).into_iter().map(|(_, code, _)| code);
        codes.any(|code| code.map_or(one.is_over, |code| SIGNALLED.contains(&code)))
    };
    sandboxes.iter().filter(is_open).map(|one| one.task).collect()
}

/// The tasks that a sandbox is of: id, exit code, and the directory of each.
fn tasks(sandbox: &Sandbox) -> Vec<(&str, Option<i32>, PathBuf)> {
    let whole = sandbox.folder.path();
    let own = sandbox.about.task.iter().map(|id| (&**id, sandbox.exit_code, whole.to_path_buf()));
    let members = sandbox.about.members.iter().zip(&sandbox.exit_codes);
    let members = members
        .map(|(member, code)| (&*member.task, *code, whole.join("tasks").join(&*member.container)));
    own.chain(members).collect()
}

/// Whether a task is over as frameworks see it.
pub(super) fn is_over(sandbox: &Sandbox) -> bool {
    sandbox.is_over || sandbox.exit_code.is_some()
}

/// The executor of a task, which has the task's id and its sandbox, or that of a group.
fn executor(agent: &Agent, sandbox: &Sandbox, framework: &str, stopped: &Stopped) -> Value {
    let was_stopped = stopped.contains(&sandbox.task);
    let id = sandbox.about.executor_id().map_or("", |id| &**id);
    let role = sandbox.about.role.as_deref().unwrap_or("*");
    let of_group = sandbox.about.executor.as_deref();
    let (mut live, mut ended) = (Vec::new(), Vec::new());
    for (task, exit_code, directory) in tasks(sandbox) {
        let is_over = sandbox.is_over || exit_code.is_some();
        let mut task = json!({
            "id": task,
            "name": task,
            "framework_id": framework,
            "executor_id": of_group.unwrap_or_default(),
            "slave_id": agent.about.instance.to_string(),
            "state": state_of(exit_code, sandbox.is_over, was_stopped),
            "role": role,
            "statuses": [],
        });
        if of_group.is_some() {
            task["directory"] = directory.display().to_string().into();
        }
        if is_over { ended.push(task) } else { live.push(task) }
    }
    let name = match of_group {
        Some(_) => String::new(),
        None => format!("Command Executor (Task: {id})"),
    };
    json!({
        "id": id,
        "name": name,
        "source": if of_group.is_some() { "" } else { id },
        // As statuses tell it.
        "container": sandbox.task.uuid(),
        "directory": sandbox.folder.path().display().to_string(),
        "role": role,
        "tasks": live,
        "queued_tasks": [],
        "completed_tasks": ended,
    })
}

/// `/state`
pub(super) fn state(agent: &Agent, sandboxes: &[Sandbox], stopped: &Stopped) -> Value {
    let mut frameworks: BTreeMap<&str, Vec<&Sandbox>> = BTreeMap::new();
    for sandbox in sandboxes {
        if let (Some(framework), Some(_)) = (&sandbox.about.framework, sandbox.about.executor_id())
        {
            frameworks.entry(framework).or_default().push(sandbox);
        }
    }
    let (mut live, mut ended) = (Vec::new(), Vec::new());
    for (id, own) in frameworks {
        let (over, running): (Vec<&Sandbox>, Vec<&Sandbox>) =
            own.into_iter().partition(|sandbox| is_over(sandbox));
        let shown = |all: &[&Sandbox]| -> Vec<Value> {
            all.iter().map(|sandbox| executor(agent, sandbox, id, stopped)).collect()
        };
        let framework = json!({
            "id": id,
            "name": id,
            "executors": shown(&running),
            "completed_executors": shown(&over),
        });
        if running.is_empty() { ended.push(framework) } else { live.push(framework) }
    }
    let about = &agent.about;
    let resources = json!({
        "cpus": f64::from(about.cpu) / 1024.0, "mem": f64::from(about.memory_mib), "gpus": 0.0, "disk": 0.0,
    });
    json!({
        "version": MESOS_VERSION,
        "start_time": agent.started_at,
        "id": about.instance.to_string(),
        "pid": format!("slave(1)@{}", agent.address),
        "hostname": about.hostname,
        "resources": resources,
        "attributes": {},
        "flags": {"port": agent.address.port().to_string()},
        "frameworks": live,
        "completed_frameworks": ended,
    })
}

/// `/metrics/snapshot`
pub(super) fn metrics(agent: &Agent, sandboxes: &[Sandbox], stopped: &Stopped, now: f64) -> Value {
    let of = |one: &Sandbox| {
        let was_stopped = stopped.contains(&one.task);
        let states = tasks(one).into_iter();
        states.map(|(_, code, _)| state_of(code, one.is_over, was_stopped)).collect::<Vec<_>>()
    };
    let all = || sandboxes.iter().flat_map(of);
    let over = |state: &str| all().filter(|one| *one == state).count();
    json!({
        "slave/registered": 1.0,
        "slave/uptime_secs": (now - agent.started_at).max(0.0),
        "slave/cpus_total": f64::from(agent.about.cpu) / 1024.0,
        "slave/mem_total": f64::from(agent.about.memory_mib),
        "slave/tasks_running": over("TASK_RUNNING"),
        "slave/tasks_finished": over("TASK_FINISHED"),
        "slave/tasks_failed": over("TASK_FAILED"),
        "slave/tasks_killed": over("TASK_KILLED"),
    })
}

#[cfg(test)]
mod tests {
    use super::state_of;

    #[test]
    fn a_task_that_ended_by_a_signal_was_killed_only_if_it_was_to_stop() {
        for (exit_code, is_over, wanted, wanted_stopped) in [
            (None, false, "TASK_RUNNING", "TASK_RUNNING"),
            (Some(0), true, "TASK_FINISHED", "TASK_FINISHED"),
            (Some(3), true, "TASK_FAILED", "TASK_FAILED"),
            (Some(137), false, "TASK_FAILED", "TASK_KILLED"),
            (Some(143), true, "TASK_FAILED", "TASK_KILLED"),
            (None, true, "TASK_FAILED", "TASK_KILLED"),
        ] {
            let told = [false, true].map(|stopped| state_of(exit_code, is_over, stopped));
            assert_eq!(told, [wanted, wanted_stopped], "{exit_code:?}");
        }
    }
}
