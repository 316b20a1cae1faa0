//! Which launch types a task definition is compatible with. Source: ECS API reference,
//! `TaskDefinition.compatibilities`. Unless marked otherwise, messages are those of AWS as recorded
//! by github.com/badmintoncryer/cdk-preflight in September 2026.

use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, Volume};
use longshore_wire_ecs::shape::task_definition::RegisterTaskDefinitionRequest;
use longshore_wire_ecs::{ApiError, Str, limits};

use super::quantity;

/// Log drivers available on Fargate.
const FARGATE_LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

/// The requested definition, with defaults filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a RegisterTaskDefinitionRequest,
    pub(super) containers: &'a [ContainerDefinition],
    pub(super) volumes: &'a [Volume],
    pub(super) network_mode: NetworkMode,
    pub(super) cpu: Option<u32>,
    pub(super) memory_mib: Option<u32>,
}

/// The launch types that a definition is compatible with, in the order AWS shows them.
///
/// # Errors
/// `ClientException` when the definition requires one that it is not compatible with.
pub(super) fn compatibilities(asked: &Asked<'_>) -> Result<Vec<Str>, ApiError> {
    const KNOWN: [&str; 4] = ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"];
    let required = asked.request.requires_compatibilities.as_deref().unwrap_or_default();
    if required.iter().any(|word| !KNOWN.contains(&&**word)) {
        return Err(ApiError::client(
            "requiresCompatibilities should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]",
        ));
    }
    let requires = |name: &str| required.iter().any(|word| &**word == name);
    ephemeral_storage(asked, requires("FARGATE"))?;
    let mut good_for: Vec<Str> = Vec::new();
    for (name, verdict) in [
        ("EXTERNAL", external(asked)),
        ("EC2", Ok(())),
        ("MANAGED_INSTANCES", managed_instances(asked)),
        ("FARGATE", fargate(asked)),
    ] {
        match verdict {
            Ok(()) => good_for.push(name.into()),
            Err(error) if requires(name) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(good_for)
}

fn refuse(message: impl Into<String>) -> Result<(), ApiError> {
    Err(ApiError::client(message))
}

fn ephemeral_storage(asked: &Asked<'_>, on_fargate: bool) -> Result<(), ApiError> {
    let Some(storage) = &asked.request.ephemeral_storage else { return Ok(()) };
    if !on_fargate {
        return refuse("Tasks using the EC2 launch type do not support EphemeralStorage.");
    }
    let (least, most) = (limits::EPHEMERAL_STORAGE_GIB_MIN, limits::EPHEMERAL_STORAGE_GIB_MAX);
    match storage.size_in_gi_b.unwrap_or(0) {
        size if size < least => refuse(format!("EphemeralStorage size should be at least {least}")),
        size if size > most => refuse(format!("EphemeralStorage size should be at most {most}")),
        _ => Ok(()),
    }
}

/// Source: ECS developer guide, *External instances*: no awsvpc and no EFS volumes. Message chosen
/// by us.
fn external(asked: &Asked<'_>) -> Result<(), ApiError> {
    let foreign = |volume: &Volume| {
        volume.efs_volume_configuration.is_some()
            || volume.fsx_windows_file_server_volume_configuration.is_some()
    };
    if asked.network_mode == NetworkMode::Awsvpc {
        return refuse("External instances do not support network mode 'awsvpc'.");
    }
    if asked.volumes.iter().any(foreign) {
        return refuse("External instances do not support EFS or FSx volumes.");
    }
    Ok(())
}

/// Source: ECS developer guide, *Amazon ECS Managed Instances*: Linux, with network mode awsvpc or
/// host. Message chosen by us.
fn managed_instances(asked: &Asked<'_>) -> Result<(), ApiError> {
    if !matches!(asked.network_mode, NetworkMode::Awsvpc | NetworkMode::Host) {
        return refuse("Managed Instances only support network modes 'awsvpc' and 'host'.");
    }
    if is_windows(asked) {
        return refuse("Managed Instances only support Linux containers.");
    }
    Ok(())
}

fn is_windows(asked: &Asked<'_>) -> bool {
    let platform = asked.request.runtime_platform.as_ref();
    let family = platform.and_then(|platform| platform.operating_system_family.as_deref());
    family.is_some_and(|family| family.starts_with("WINDOWS"))
}

/// Whether Fargate would accept it. Longshore runs no tasks on Fargate, but what registers here
/// also registers on AWS.
fn fargate(asked: &Asked<'_>) -> Result<(), ApiError> {
    let request = asked.request;
    if asked.network_mode != NetworkMode::Awsvpc {
        return refuse("Fargate only supports network mode ‘awsvpc’.");
    }
    let (Some(cpu), memory_mib) = (asked.cpu, asked.memory_mib) else {
        return refuse("Fargate requires that 'cpu' be defined at the task level.");
    };
    let Some(memory_mib) = memory_mib else {
        return refuse("Fargate requires that 'memory' be defined at the task level.");
    };
    quantity::fargate(cpu, memory_mib, is_windows(asked))?;
    if let Some(mode) = request.pid_mode.as_deref().filter(|mode| *mode != "task") {
        return refuse(format!(
            "Tasks using the Fargate launch type do not support pidMode '{mode}'. The supported value for pidMode is 'task'."
        ));
    }
    if request.ipc_mode.is_some() {
        return not_on_fargate("ipcMode");
    }
    if request.placement_constraints.as_ref().is_some_and(|list| !list.is_empty()) {
        return not_on_fargate("constraints");
    }
    for volume in asked.volumes {
        if volume.docker_volume_configuration.is_some() {
            return not_on_fargate("dockerVolumeConfiguration");
        }
        if volume.host.as_ref().is_some_and(|host| host.source_path.is_some()) {
            return not_on_fargate("sourcePath");
        }
    }
    asked.containers.iter().try_for_each(|container| fargate_container(container, asked))
}

fn not_on_fargate(what: &str) -> Result<(), ApiError> {
    refuse(format!("Fargate compatible task definitions do not support {what}"))
}

fn fargate_container(container: &ContainerDefinition, asked: &Asked<'_>) -> Result<(), ApiError> {
    if container.privileged == Some(true) {
        return refuse(
            "Fargate requires that the ‘privileged’ setting be ‘false’ at the container level.",
        );
    }
    if container.docker_security_options.as_ref().is_some_and(|list| !list.is_empty()) {
        return not_on_fargate("dockerSecurityOptions");
    }
    let linux = container.linux_parameters.clone().unwrap_or_default();
    for (given, what) in [
        (linux.devices.is_some_and(|list| !list.is_empty()), "devices"),
        (linux.shared_memory_size.is_some(), "sharedMemorySize"),
        (linux.max_swap.is_some(), "maxSwap"),
        (linux.swappiness.is_some(), "swappiness"),
    ] {
        if given {
            return not_on_fargate(what);
        }
    }
    let added = linux.capabilities.and_then(|capabilities| capabilities.add).unwrap_or_default();
    if let Some(capability) = added.iter().find(|name| &***name != "SYS_PTRACE") {
        return refuse(format!("{capability} is not allowed on Fargate."));
    }
    let gpu = |kind: Option<&str>| kind == Some("GPU");
    if container.resource_requirements.iter().flatten().any(|one| gpu(one.kind.as_deref())) {
        return refuse(
            "Tasks using the Fargate launch type do not support GPU resource requirements.",
        );
    }
    // Source: ECS API reference, `ContainerDefinition.stopTimeout`; message chosen by us.
    if container.stop_timeout.is_some_and(|seconds| seconds > limits::FARGATE_STOP_TIMEOUT_S_MAX) {
        return refuse(format!(
            "Tasks using the Fargate launch type must have a stopTimeout of at most {} seconds.",
            limits::FARGATE_STOP_TIMEOUT_S_MAX
        ));
    }
    fargate_log(container, asked)
}

fn fargate_log(container: &ContainerDefinition, asked: &Asked<'_>) -> Result<(), ApiError> {
    let Some(log) = &container.log_configuration else { return Ok(()) };
    let driver = log.log_driver.as_deref().unwrap_or_default();
    if !FARGATE_LOG_DRIVERS.contains(&driver) {
        return refuse(format!(
            "{driver} is not a valid log driver. Must be one of [{}]",
            FARGATE_LOG_DRIVERS.join(",")
        ));
    }
    if driver != "awslogs" {
        return Ok(());
    }
    if asked.request.execution_role_arn.is_none() {
        return refuse(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        );
    }
    let has = |name: &str| log.options.as_ref().is_some_and(|all| all.contains_key(name));
    if !has("awslogs-stream-prefix") {
        return refuse(
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
        );
    }
    Ok(())
}
