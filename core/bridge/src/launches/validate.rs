//! What a task must be before it is launched. Source: \[L8\], in its order.

use longshore_wire_mesos::v1::environment::variable::Type as VariableType;
use longshore_wire_mesos::v1::health_check::Type as HealthType;
use longshore_wire_mesos::v1::{CommandInfo, ContainerInfo, HealthCheck, TaskInfo, container_info};

use super::Launches;
use crate::amounts::Amounts;
use crate::limits;
use crate::words::{check_id, shortened};

/// Checks a task, and what it claims, against what is left of its offers.
///
/// # Errors
/// The text of the `TASK_ERROR`.
pub(crate) fn task(
    launches: &Launches,
    framework: &str,
    task: &TaskInfo,
    agent: &str,
    claim: &Amounts,
    left: &Amounts,
) -> Result<(), String> {
    let id = &task.task_id.value;
    check_id(id).map_err(|why| format!("Task has invalid TaskID '{}': {why}", shortened(id)))?;
    if launches.of_task(framework, id).is_some() {
        return Err(format!("Task has duplicate ID: {}", shortened(id)));
    }
    if launches.count_of(framework) >= limits::TASKS_PER_FRAMEWORK_MAX {
        let most = limits::TASKS_PER_FRAMEWORK_MAX;
        return Err(format!("the framework has reached its maximum of {most} tasks"));
    }
    if task.agent_id.value != agent {
        return Err(format!(
            "Task uses invalid agent {} while agent {agent} is expected",
            shortened(&task.agent_id.value)
        ));
    }
    if task
        .kill_policy
        .as_ref()
        .and_then(|policy| policy.grace_period.as_ref())
        .is_some_and(|grace| grace.nanoseconds < 0)
    {
        return Err("Task's 'kill_policy.grace_period' must be non-negative".to_owned());
    }
    if task.max_completion_time.as_ref().is_some_and(|time| time.nanoseconds < 0) {
        return Err("Task's 'max_completion_time' must be non-negative".to_owned());
    }
    if let Some(check) = &task.health_check {
        health_check(check).map_err(|why| format!("Task uses invalid health check: {why}"))?;
    }
    if task.resources.is_empty() {
        return Err("Task uses no resources".to_owned());
    }
    if !claim.scalar("gpus").is_multiple_of(crate::amounts::MILLI) {
        return Err("Task uses invalid resources: gpus must be a whole number".to_owned());
    }
    parts(task)?;
    if left.contains(claim) { Ok(()) } else { Err(too_much(claim, left)) }
}

/// That a claim is not in what is left.
pub(crate) fn too_much(claim: &Amounts, left: &Amounts) -> String {
    let (claim, left) = (claim.shortened(), left.shortened());
    format!("Task uses more resources {claim} than available {left}")
}

/// What the parts of a task must be that ask for no resources.
fn parts(task: &TaskInfo) -> Result<(), String> {
    if let Some(command_info) = &task.command {
        command(command_info).map_err(|why| format!("Task's command is invalid: {why}"))?;
    }
    if let Some(container_info) = &task.container {
        container(container_info).map_err(|why| format!("Task's container is invalid: {why}"))?;
    }
    if !task.limits.is_empty() {
        return Err(
            "Task's 'limits' are invalid: the agent has no TASK_RESOURCE_LIMITS capability"
                .to_owned(),
        );
    }
    if task.command.is_some() == task.executor.is_some() {
        return Err(
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
                .to_owned(),
        );
    }
    Ok(())
}

fn health_check(check: &HealthCheck) -> Result<(), String> {
    for (name, seconds) in [
        ("delay_seconds", check.delay_seconds),
        ("grace_period_seconds", check.grace_period_seconds),
        ("interval_seconds", check.interval_seconds),
        ("timeout_seconds", check.timeout_seconds),
    ] {
        if seconds.is_some_and(|seconds| seconds < 0.0 || seconds.is_nan()) {
            return Err(format!("'{name}' must be non-negative"));
        }
    }
    let kind = match check.r#type {
        Some(_) => check.r#type(),
        None if check.command.is_some() && check.http.is_none() => HealthType::Command,
        None if check.http.is_some() && check.command.is_none() => HealthType::Http,
        None => return Err("'type' must be set".to_owned()),
    };
    match kind {
        HealthType::Command => match &check.command {
            Some(info) if info.value.is_some() => command(info),
            _ => Err("Expecting 'command.value' to be set for COMMAND health check".to_owned()),
        },
        HealthType::Http => match &check.http {
            None => Err("Expecting 'http' to be set for HTTP health check".to_owned()),
            Some(http) if http.path.as_deref().is_some_and(|path| !path.starts_with('/')) => {
                Err("The path of HTTP health check must start with '/'".to_owned())
            }
            Some(_) => Ok(()),
        },
        HealthType::Tcp if check.tcp.is_none() => {
            Err("Expecting 'tcp' to be set for TCP health check".to_owned())
        }
        HealthType::Tcp => Ok(()),
        HealthType::Unknown => Err("'UNKNOWN' is not a valid health check type".to_owned()),
    }
}

fn command(command: &CommandInfo) -> Result<(), String> {
    for variable in command.environment.iter().flat_map(|environment| &environment.variables) {
        let name = shortened(&variable.name);
        match variable.r#type() {
            VariableType::Value if variable.secret.is_some() => {
                return Err(format!(
                    "Environment variable '{name}' of type 'VALUE' must not have a secret set"
                ));
            }
            VariableType::Value if variable.value.is_none() => {
                return Err(format!(
                    "Environment variable '{name}' of type 'VALUE' must have a value set"
                ));
            }
            VariableType::Value => {}
            VariableType::Secret => {
                return Err(format!(
                    "Environment variable '{name}' of type 'SECRET' cannot be resolved here"
                ));
            }
            VariableType::Unknown => {
                return Err(format!(
                    "Environment variable '{name}' of type 'UNKNOWN' is not allowed"
                ));
            }
        }
    }
    Ok(())
}

fn container(container: &ContainerInfo) -> Result<(), String> {
    for volume in &container.volumes {
        let given = [volume.host_path.is_some(), volume.image.is_some(), volume.source.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err("Exactly one of 'host_path', 'image' and 'source' must be set in a volume"
                .to_owned());
        }
    }
    if container.r#type() == container_info::Type::Docker {
        let Some(docker) = &container.docker else {
            return Err("DockerInfo 'docker' is not set for DOCKER typed ContainerInfo".to_owned());
        };
        if docker.parameters.iter().any(|parameter| parameter.key == "name") {
            return Err("Parameter in DockerInfo must not be 'name'".to_owned());
        }
    }
    Ok(())
}
