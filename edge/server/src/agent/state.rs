//! What `/state` of an agent tells: its frameworks, their executors, and the directories of these. Source: \[A7\], \[A23\]; what a genuine
//! agent answers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use longshore_agent::process::Sandbox;
use longshore_wire_mesos::MESOS_VERSION;
use serde_json::{Value, json};

use super::front::Agent;

/// The state of a task that the exit code of its command tells.
fn state_of(exit_code: Option<i32>, is_over: bool) -> &'static str {
    match exit_code {
        Some(0) => "TASK_FINISHED",
        // 128 and the signal that ended it: here only a kill sends these.
        Some(137 | 143) => "TASK_KILLED",
        Some(_) => "TASK_FAILED",
        None if is_over => "TASK_FAILED",
        None => "TASK_RUNNING",
    }
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
fn executor(agent: &Agent, sandbox: &Sandbox, framework: &str) -> Value {
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
            "state": state_of(exit_code, sandbox.is_over),
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
pub(super) fn state(agent: &Agent, sandboxes: &[Sandbox]) -> Value {
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
            all.iter().map(|sandbox| executor(agent, sandbox, id)).collect()
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
pub(super) fn metrics(agent: &Agent, sandboxes: &[Sandbox], now: f64) -> Value {
    let all = || {
        sandboxes
            .iter()
            .flat_map(|one| tasks(one).into_iter().map(|(_, code, _)| state_of(code, one.is_over)))
    };
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
