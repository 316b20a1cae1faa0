//! Validates the containers of a task definition, individually and together. Messages are those of
//! AWS where known, as recorded by github.com/badmintoncryer/cdk-preflight in September 2026 or
//! seen in field reports. The rest are chosen by us.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::env_file::S3Object;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, HealthCheck, Volume};
use longshore_wire_ecs::shape::shared::KeyValuePair;
use longshore_wire_ecs::{ApiError, limits};

use crate::admit::is_name;

type Check = Result<(), ApiError>;

fn refuse(message: impl Into<String>) -> Check {
    Err(ApiError::client(message))
}

/// Checks what a container gets from outside. Source: ECS API reference, `EnvironmentFile`,
/// `Secret`, `ResourceRequirement`.
fn provisions(container: &ContainerDefinition, name: &str) -> Check {
    let files = container.environment_files.as_deref().unwrap_or_default();
    if files.len() > limits::ENVIRONMENT_FILES_MAX {
        return refuse(
            "The maximum number of environment files was exceeded. Specify ten or less and try again.",
        );
    }
    for file in files {
        let value = file.value.as_deref().unwrap_or_default();
        if file.kind.as_deref() != Some("s3") {
            return refuse(format!(
                "The environment files of container '{name}' must have type s3."
            ));
        }
        if S3Object::parse(value).is_none() {
            return refuse("Invalid arn syntax.");
        }
    }
    for secret in container.secrets.iter().flatten() {
        let variable = secret.name.as_deref().unwrap_or_default();
        let from = secret.value_from.as_deref().unwrap_or_default();
        if variable.is_empty() || from.is_empty() {
            return refuse(format!(
                "A secret of container '{name}' must have a name and a valueFrom."
            ));
        }
        let taken = |one: &KeyValuePair| one.name.as_deref() == Some(variable);
        if container.environment.iter().flatten().any(taken) {
            return refuse(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{variable}'."
            ));
        }
    }
    for one in container.resource_requirements.iter().flatten() {
        if one.sharing_strategy.is_some() {
            return refuse(format!(
                "Container '{name}': sharingStrategy is not supported by Longshore."
            ));
        }
        let count = one.value.as_deref().and_then(|value| value.parse::<u32>().ok());
        if one.kind.as_deref() == Some("GPU") && count.is_none_or(|count| count == 0) {
            return refuse(format!(
                "The GPU requirement of container '{name}' must be a whole number above 0."
            ));
        }
    }
    Ok(())
}

/// Checks every rule and returns the first violation.
pub(super) fn check(
    containers: &[ContainerDefinition],
    network_mode: NetworkMode,
    task_cpu: Option<u32>,
    task_memory_mib: Option<u32>,
    volumes: &[Volume],
) -> Check {
    if containers.is_empty() {
        return refuse("Container list cannot be empty.");
    }
    if containers.len() > limits::CONTAINERS_MAX {
        return refuse("A task definition can have at most 10 containers.");
    }
    let mut names = BTreeSet::new();
    for container in containers {
        let name = container.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return refuse("Container.name should not be null or empty.");
        }
        if !is_name(name) {
            return refuse("Container.name contains invalid characters.");
        }
        if !names.insert(name) {
            return refuse("Container names must be unique within a task definition");
        }
        if container.image.as_deref().unwrap_or_default().is_empty() {
            return refuse("Container.image should not be null or empty.");
        }
        sizes(container, name, task_memory_mib)?;
        ports(container, name, network_mode)?;
        mounts(container, name, volumes)?;
        network(container, network_mode)?;
        provisions(container, name)?;
        rest(container, name)?;
    }
    if !containers.iter().any(|container| container.essential == Some(true)) {
        return refuse("Task definition doesn't have any essential container");
    }
    let sum: i64 = containers.iter().map(|one| i64::from(one.cpu.unwrap_or(0))).sum();
    if task_cpu.is_some_and(|cpu| sum > i64::from(cpu)) {
        return refuse(
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        );
    }
    dependencies(containers)
}

/// Checks members that only some network modes support.
fn network(container: &ContainerDefinition, network_mode: NetworkMode) -> Check {
    fn some<T>(list: Option<&Vec<T>>) -> bool {
        list.is_some_and(|list| !list.is_empty())
    }
    let mode = network_mode.word();
    if network_mode != NetworkMode::Bridge && some(container.links.as_ref()) {
        return refuse(format!("Links are not supported when networkMode={mode}."));
    }
    if network_mode != NetworkMode::Awsvpc {
        return Ok(());
    }
    for (given, what) in [
        (container.hostname.is_some(), "hostname is"),
        (container.disable_networking == Some(true), "Disable Networking is"),
        (some(container.dns_servers.as_ref()), "DNS servers are"),
        (some(container.dns_search_domains.as_ref()), "DNS search domains are"),
        (some(container.extra_hosts.as_ref()), "Extra hosts are"),
    ] {
        if given {
            return refuse(format!("{what} not supported on container when networkMode=awsvpc."));
        }
    }
    Ok(())
}

fn sizes(container: &ContainerDefinition, name: &str, task_memory_mib: Option<u32>) -> Check {
    if container.cpu.is_some_and(|cpu| cpu < 0) {
        return refuse(format!(
            "Invalid setting for container '{name}'. CPU must not be negative."
        ));
    }
    let (memory, reservation) =
        (container.memory.unwrap_or(0), container.memory_reservation.unwrap_or(0));
    if memory <= 0 && reservation <= 0 && task_memory_mib.is_none() {
        return refuse(format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        ));
    }
    let least = limits::CONTAINER_MEMORY_MIB_MIN;
    for (field, value) in
        [("memory", container.memory), ("memoryReservation", container.memory_reservation)]
    {
        if value.is_some_and(|mib| mib < least) {
            return refuse(format!(
                "Invalid setting for container '{name}'. '{field}' must be at least {least} MiB."
            ));
        }
    }
    if memory > 0 && reservation > 0 && memory < reservation {
        return refuse(format!(
            "Invalid setting for container '{name}'. 'memory' must be greater than or equal to 'memoryReservation'."
        ));
    }
    let task_memory = task_memory_mib.map_or(i64::MAX, i64::from);
    if i64::from(memory.max(reservation)) > task_memory {
        return refuse(format!(
            "The 'memory' setting for container '{name}' is greater than for the task."
        ));
    }
    Ok(())
}

fn ports(container: &ContainerDefinition, name: &str, network_mode: NetworkMode) -> Check {
    let mut names = BTreeSet::new();
    for mapping in container.port_mappings.iter().flatten() {
        if network_mode == NetworkMode::None {
            return refuse("Port mappings are not allowed when networkMode is 'none'.");
        }
        if mapping.container_port_range.is_some() {
            return refuse(format!(
                "Container '{name}': containerPortRange is not supported by Longshore."
            ));
        }
        let valid = |port: Option<i32>, least: i32| {
            port.is_some_and(|port| (least..=65_535).contains(&port))
        };
        if !valid(mapping.container_port, 1) {
            return refuse(format!(
                "Invalid 'containerPort' setting for container '{name}': it must be between 1 and 65535."
            ));
        }
        if !valid(mapping.host_port, 0) {
            return refuse(format!(
                "Invalid 'hostPort' setting for container '{name}': it must be between 0 and 65535."
            ));
        }
        let as_is = matches!(network_mode, NetworkMode::Host | NetworkMode::Awsvpc);
        if as_is && mapping.host_port != mapping.container_port {
            return refuse(format!(
                "When networkMode={}, the host ports and container ports in port mappings must match.",
                network_mode.word()
            ));
        }
        if !matches!(mapping.protocol.as_deref(), Some("tcp" | "udp")) {
            return refuse("protocol should be one of [tcp,udp]");
        }
        if let Some(port_name) = &mapping.name
            && !names.insert(port_name)
        {
            return refuse(format!(
                "Container '{name}' has the duplicate port mapping name '{port_name}'."
            ));
        }
    }
    Ok(())
}

fn mounts(container: &ContainerDefinition, name: &str, volumes: &[Volume]) -> Check {
    for mount in container.mount_points.iter().flatten() {
        let source = mount.source_volume.as_deref().unwrap_or_default();
        if !volumes.iter().any(|volume| volume.name.as_deref() == Some(source)) {
            return refuse(format!("Unknown volume '{source}'."));
        }
        if mount.container_path.as_deref().is_none_or(str::is_empty) {
            return refuse(format!("Container '{name}' has a mount point without containerPath."));
        }
    }
    Ok(())
}

fn rest(container: &ContainerDefinition, name: &str) -> Check {
    for variable in container.environment.iter().flatten() {
        if variable.name.as_deref().is_none_or(str::is_empty) {
            return refuse(format!(
                "Container '{name}' has an environment variable without a name."
            ));
        }
    }
    for ulimit in container.ulimits.iter().flatten() {
        if ulimit.soft_limit.unwrap_or(0) > ulimit.hard_limit.unwrap_or(0) {
            let of = ulimit.name.as_deref().unwrap_or_default();
            return refuse(format!(
                "The soft limit of the ulimit '{of}' must not be above its hard limit."
            ));
        }
    }
    if container.stop_timeout.is_some_and(|seconds| seconds < 0) {
        return refuse(format!("Invalid 'stopTimeout' setting for container '{name}'."));
    }
    if container.restart_policy.as_ref().is_some_and(|policy| policy.enabled == Some(true)) {
        return refuse(format!(
            "Container '{name}': restartPolicy is not supported by Longshore yet."
        ));
    }
    let log = container.log_configuration.as_ref();
    let has = |name: &str| {
        log.and_then(|log| log.options.as_ref()).is_some_and(|all| all.contains_key(name))
    };
    if log.is_some_and(|log| log.log_driver.as_deref() == Some("awslogs")) && !has("awslogs-group")
    {
        return refuse("Log driver awslogs requires options: awslogs-group");
    }
    container.health_check.as_ref().map_or(Ok(()), |check| health_check(check, name))
}

/// Source: ECS API reference, `HealthCheck`.
fn health_check(check: &HealthCheck, name: &str) -> Check {
    let command = check.command.as_deref().unwrap_or_default();
    let form = command.first().map(|word| &**word);
    if !matches!(form, Some("CMD" | "CMD-SHELL" | "NONE"))
        || (form != Some("NONE") && command.len() < 2)
    {
        return refuse(format!(
            "The health check of container '{name}' must start with CMD or CMD-SHELL."
        ));
    }
    for (field, value, least, most) in [
        ("interval", check.interval, 5, 300),
        ("timeout", check.timeout, 2, 60),
        ("retries", check.retries, 1, 10),
        ("startPeriod", check.start_period, 0, 300),
    ] {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return refuse(format!(
                "The health check of container '{name}' must have '{field}' between {least} and {most}."
            ));
        }
    }
    Ok(())
}

fn dependencies(containers: &[ContainerDefinition]) -> Check {
    let by_name: BTreeMap<&str, &ContainerDefinition> = containers
        .iter()
        .filter_map(|container| Some((container.name.as_deref()?, container)))
        .collect();
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, container) in &by_name {
        for dependency in container.depends_on.iter().flatten() {
            let on = dependency.container_name.as_deref().unwrap_or_default();
            let Some(target) = by_name.get(on) else {
                return refuse(format!(
                    "Cannot depend on container + '{on}' because it does not exist"
                ));
            };
            match dependency.condition.as_deref() {
                Some("START") => {}
                Some("COMPLETE" | "SUCCESS") if target.essential == Some(true) => {
                    return refuse(
                        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
                    );
                }
                Some("COMPLETE" | "SUCCESS") => {}
                Some("HEALTHY") if target.health_check.is_none() => {
                    return refuse(
                        "A dependency container with HEALTHY condition must have health check configured",
                    );
                }
                Some("HEALTHY") => {}
                _ => return refuse("condition should be one of [START,COMPLETE,SUCCESS,HEALTHY]"),
            }
            edges
                .entry(name)
                .or_default()
                .push(by_name.get_key_value(on).map_or("", |(name, _)| name));
        }
        for on in container.made_after() {
            let Some((on, _)) = by_name.get_key_value(on) else {
                return refuse(format!(
                    "Container '{name}' links to or mounts volumes from the unknown container '{on}'."
                ));
            };
            edges.entry(name).or_default().push(on);
        }
    }
    if has_cycle(&edges) {
        refuse("The dependencies of the containers form a cycle.")
    } else {
        Ok(())
    }
}

/// Repeatedly removes containers that depend on none of those left; if none can be removed, there
/// is a cycle.
fn has_cycle(edges: &BTreeMap<&str, Vec<&str>>) -> bool {
    let mut left: BTreeSet<&str> = edges.keys().copied().collect();
    loop {
        let free =
            left.iter().find(|name| !edges[**name].iter().any(|on| left.contains(on))).copied();
        match free {
            Some(name) => left.remove(name),
            None => return !left.is_empty(),
        };
    }
}
