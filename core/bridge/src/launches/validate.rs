//! What a task must be before it is launched. Source: \[L8\], in its order.

mod group;

use longshore_wire_mesos::v1::environment::Variable;
use longshore_wire_mesos::v1::environment::variable::Type as VariableType;
use longshore_wire_mesos::v1::secret::Type as SecretType;
use longshore_wire_mesos::v1::{CommandInfo, ContainerInfo, TaskInfo, container_info};

pub(crate) use self::group::group;
use super::allocated::allocated;
use super::{Launches, checks};
use crate::amounts::Amounts;
use crate::limits;
use crate::words::{check_id, shortened};

/// Checks a task, and what it claims, against what is left of its offers, which are for a role on an agent.
///
/// # Errors
/// The text of the `TASK_ERROR`.
pub(crate) fn task(
    launches: &Launches,
    framework: &str,
    task: &TaskInfo,
    agent: &str,
    role: &str,
    claim: &Amounts,
    left: &Amounts,
) -> Result<(), String> {
    described(launches, framework, task, agent)?;
    used(task, claim)?;
    parts(task)?;
    if task.command.is_some() == task.executor.is_some() {
        return Err(
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
                .to_owned(),
        );
    }
    allocated(task, role, claim, left)?;
    if shares_cgroups(task.container.as_ref()) == Some(false) {
        return Err("Only tasks of a group may set 'share_cgroups' to false".to_owned());
    }
    Ok(())
}

/// Whether a container says that it shares its control groups, or that it does not.
fn shares_cgroups(container: Option<&ContainerInfo>) -> Option<bool> {
    container?.linux_info.as_ref()?.share_cgroups
}

/// What a task must be as far as that can be told without its resources: rows 1 to 7.
fn described(
    launches: &Launches,
    framework: &str,
    task: &TaskInfo,
    agent: &str,
) -> Result<(), String> {
    let id = &task.task_id.value;
    check_id(id)?;
    if launches.of_task(framework, id).is_some() {
        return Err(format!("Task has duplicate ID: {}", shortened(id)));
    }
    if launches.away_task(framework, id).is_some() {
        return Err(format!("Task reuses the ID of an unreachable task: {}", shortened(id)));
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
    if let Some(check) = &task.check {
        checks::check(check).map_err(|why| format!("Task uses invalid check: {why}"))?;
    }
    if let Some(check) = &task.health_check {
        checks::health_check(check)
            .map_err(|why| format!("Task uses invalid health check: {why}"))?;
    }
    Ok(())
}

/// What the resources of a task must be: row 8.
fn used(task: &TaskInfo, claim: &Amounts) -> Result<(), String> {
    if task.resources.is_empty() {
        return Err("Task uses no resources".to_owned());
    }
    if !claim.scalar("gpus").is_multiple_of(crate::amounts::MILLI) {
        return Err("Task uses invalid resources: gpus must be a whole number".to_owned());
    }
    Ok(())
}

/// What the parts of a task must be that ask for no resources: rows 9 to 11.
fn parts(task: &TaskInfo) -> Result<(), String> {
    if let Some(command_info) = &task.command {
        command(command_info).map_err(|why| format!("Task's command is invalid: {why}"))?;
    }
    if let Some(container_info) = &task.container {
        container(container_info).map_err(|why| format!("Task's container is invalid: {why}"))?;
    }
    limits(task)?;
    Ok(())
}

/// Source: \[L8\] row 11. All agents have the capability `TASK_RESOURCE_LIMITS`.
fn limits(task: &TaskInfo) -> Result<(), String> {
    if task.limits.keys().any(|name| !matches!(&**name, "cpus" | "mem")) {
        return Err("Only cpus and mem may be included in a task's resource limits".to_owned());
    }
    let claimed = |name: &str| {
        let given = task.resources.iter().filter(|one| one.name == name);
        let given = given.filter_map(|one| one.scalar.as_ref()).map(|scalar| scalar.value);
        given.reduce(|sum, one| sum + one)
    };
    for (name, long, short) in [("cpus", "CPU", "cpu"), ("mem", "memory", "memory")] {
        let Some(limit) = task.limits.get(name).map(|limit| limit.value) else { continue };
        let Some(claimed) = claimed(name) else {
            return Err(format!(
                "When a {long} limit is specified, a {long} request must also be specified"
            ));
        };
        if limit.is_nan() || limit < claimed {
            return Err(format!(
                "The {short} limit must be greater than or equal to the {short} request"
            ));
        }
    }
    Ok(())
}

pub(super) fn command(command: &CommandInfo) -> Result<(), String> {
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
            VariableType::Secret => secret(&name, variable)?,
            VariableType::Unknown => {
                return Err(format!(
                    "Environment variable '{name}' of type 'UNKNOWN' is not allowed"
                ));
            }
        }
    }
    Ok(())
}

/// Source: Mesos, `common/validation.cpp`.
fn secret(name: &str, variable: &Variable) -> Result<(), String> {
    if variable.value.is_some() {
        return Err(format!(
            "Environment variable '{name}' of type 'SECRET' must not have a value set"
        ));
    }
    let Some(secret) = &variable.secret else {
        return Err(format!(
            "Environment variable '{name}' of type 'SECRET' must have a secret set"
        ));
    };
    let invalid = |why| format!("Environment variable '{name}' specifies an invalid secret: {why}");
    let (reference, value) = (secret.reference.is_some(), secret.value.is_some());
    let why = match secret.r#type() {
        SecretType::Reference if !reference => {
            "Secret of type REFERENCE must have the 'reference' field set"
        }
        SecretType::Reference if value => {
            "Secret of type REFERENCE must not have the 'value' field set"
        }
        SecretType::Value if !value => "Secret of type VALUE must have the 'value' field set",
        SecretType::Value if reference => {
            "Secret of type VALUE must not have the 'reference' field set"
        }
        SecretType::Unknown => "Secret has an unknown type",
        SecretType::Reference | SecretType::Value => {
            let data = secret.value.as_ref().map(|value| &value.data);
            if data.is_some_and(|data| data.contains(&0)) {
                return Err(format!(
                    "Environment variable '{name}' specifies a secret containing null bytes, which is not allowed in the environment"
                ));
            }
            return Ok(());
        }
    };
    Err(invalid(why))
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
