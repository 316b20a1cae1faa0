//! Validates the content of a task definition and derives what follows from it.
//!
//! Source: ECS API reference, `RegisterTaskDefinition`. Invalid content is a `ClientException`, as
//! on AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_placement::{Needs, Port, Protocol, RequiredAttribute};
use longshore_wire_ecs::host::{ContainerSpec, NetworkMode};
use longshore_wire_ecs::limits::{
    self, HEALTH_CHECK_INTERVAL_S, HEALTH_CHECK_RETRIES, HEALTH_CHECK_TIMEOUT_S,
};
use longshore_wire_ecs::secret::ValueFrom;
use longshore_wire_ecs::shape::container_definition::{
    ContainerDefinition, HealthCheck, HostVolumeProperties, PortMapping, Volume,
};
use longshore_wire_ecs::shape::task_definition as shape;
use longshore_wire_ecs::{ApiError, Str};

use self::compatibility::Asked;
use super::is_name;
use crate::placing::expression_of;

mod compatibility;
mod containers;
mod quantity;

pub(super) use quantity::{cpu_units, memory_mib};

/// Source: ECS API reference, `RuntimePlatform.operatingSystemFamily`.
const OPERATING_SYSTEMS: [&str; 10] = [
    "WINDOWS_SERVER_2019_FULL",
    "WINDOWS_SERVER_2019_CORE",
    "WINDOWS_SERVER_2016_FULL",
    "WINDOWS_SERVER_2004_CORE",
    "WINDOWS_SERVER_2022_CORE",
    "WINDOWS_SERVER_2022_FULL",
    "WINDOWS_SERVER_2025_CORE",
    "WINDOWS_SERVER_2025_FULL",
    "WINDOWS_SERVER_20H2_CORE",
    "LINUX",
];

/// A task definition that passed validation.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) content: shape::TaskDefinition,
    pub(super) compatibilities: Vec<Str>,
    pub(super) network_mode: NetworkMode,
    pub(super) cpu: Option<u32>,
    pub(super) memory_mib: Option<u32>,
    pub(super) containers: Vec<ContainerSpec>,
    pub(super) needs: Needs,
    pub(super) volumes: Arc<Vec<Volume>>,
}

pub(super) fn admit(
    mut request: shape::RegisterTaskDefinitionRequest,
) -> Result<Admitted, ApiError> {
    let network_mode = network_mode(request.network_mode.as_deref())?;
    let cpu = request.cpu.as_deref().map(cpu_units).transpose()?;
    let memory_mib = request.memory.as_deref().map(memory_mib).transpose()?;
    let volumes = volumes(request.volumes.take().unwrap_or_default())?;
    let mut definitions = request.container_definitions.take().unwrap_or_default();
    for definition in &mut definitions {
        complete(definition, network_mode);
    }
    containers::check(&definitions, network_mode, cpu, memory_mib, &volumes)?;
    whole(&request, network_mode)?;
    let compatibilities = compatibility::compatibilities(&Asked {
        request: &request,
        containers: &definitions,
        volumes: &volumes,
        network_mode,
        cpu,
        memory_mib,
    })?;
    let containers: Vec<ContainerSpec> = definitions.iter().map(spec).collect();
    let mut needs = needs(&containers, network_mode, cpu, memory_mib)?;
    needs.attributes = required(
        &definitions,
        request.task_role_arn.is_some(),
        network_mode,
        request.runtime_platform.as_ref(),
        request.pid_mode.is_some() || request.ipc_mode.is_some(),
    );
    let content = shape::TaskDefinition {
        container_definitions: Some(definitions),
        volumes: Some(volumes.clone()),
        network_mode: request.network_mode,
        placement_constraints: Some(request.placement_constraints.unwrap_or_default()),
        requires_compatibilities: request.requires_compatibilities,
        task_role_arn: request.task_role_arn,
        execution_role_arn: request.execution_role_arn,
        cpu: cpu.map(|units| units.to_string().into()),
        memory: memory_mib.map(|mib| mib.to_string().into()),
        pid_mode: request.pid_mode,
        ipc_mode: request.ipc_mode,
        proxy_configuration: request.proxy_configuration,
        ephemeral_storage: request.ephemeral_storage,
        runtime_platform: request.runtime_platform,
        enable_fault_injection: request.enable_fault_injection,
        ..Default::default()
    };
    let volumes = Arc::new(volumes);
    Ok(Admitted {
        content,
        compatibilities,
        network_mode,
        cpu,
        memory_mib,
        containers,
        needs,
        volumes,
    })
}

/// Checks the members that do not belong to a container.
fn whole(
    request: &shape::RegisterTaskDefinitionRequest,
    network_mode: NetworkMode,
) -> Result<(), ApiError> {
    constraints(request.placement_constraints.as_deref().unwrap_or_default())?;
    known_words(request)?;
    unsupported(request, network_mode)
}

/// Rejects what AWS has retired, what requires a different network mode, and what Longshore cannot
/// honour and must not ignore.
fn unsupported(
    request: &shape::RegisterTaskDefinitionRequest,
    network_mode: NetworkMode,
) -> Result<(), ApiError> {
    if request.inference_accelerators.as_ref().is_some_and(|list| !list.is_empty()) {
        return Err(ApiError::client("Unsupported field 'inferenceAccelerators'."));
    }
    if request.proxy_configuration.is_some() && network_mode != NetworkMode::Awsvpc {
        return Err(ApiError::client(
            "APPMESH proxy configuration is only supported in networkMode=awsvpc",
        ));
    }
    if request.trusted_execution_configuration.is_some() {
        return Err(ApiError::client(
            "trustedExecutionConfiguration is not supported by Longshore.",
        ));
    }
    Ok(())
}

/// Source: ECS API reference, the valid values of each member.
fn known_words(request: &shape::RegisterTaskDefinitionRequest) -> Result<(), ApiError> {
    let platform = request.runtime_platform.as_ref();
    let architecture = platform.and_then(|platform| platform.cpu_architecture.as_ref());
    let family = platform.and_then(|platform| platform.operating_system_family.as_ref());
    for (member, given, known) in [
        ("pidMode", request.pid_mode.as_ref(), &["host", "task"][..]),
        ("ipcMode", request.ipc_mode.as_ref(), &["host", "task", "none"]),
        ("cpuArchitecture", architecture, &["X86_64", "ARM64"]),
        ("operatingSystemFamily", family, &OPERATING_SYSTEMS),
    ] {
        if given.is_some_and(|word| !known.contains(&&**word)) {
            return Err(ApiError::client(format!(
                "{member} should be one of [{}]",
                known.join(",")
            )));
        }
    }
    Ok(())
}

fn network_mode(given: Option<&str>) -> Result<NetworkMode, ApiError> {
    match given {
        None | Some("bridge") => Ok(NetworkMode::Bridge),
        Some("host") => Ok(NetworkMode::Host),
        Some("none") => Ok(NetworkMode::None),
        Some("awsvpc") => Ok(NetworkMode::Awsvpc),
        Some(_) => Err(ApiError::client("networkMode should be one of [bridge,host,awsvpc,none]")),
    }
}

/// Fills in the defaults that ECS shows. Source: ECS API reference and Terraform's AWS provider,
/// which has to know what the API adds.
fn complete(definition: &mut ContainerDefinition, network_mode: NetworkMode) {
    definition.essential.get_or_insert(true);
    definition.cpu.get_or_insert(0);
    definition.environment.get_or_insert_default();
    definition.mount_points.get_or_insert_default();
    definition.volumes_from.get_or_insert_default();
    definition.system_controls.get_or_insert_default();
    let as_is = matches!(network_mode, NetworkMode::Host | NetworkMode::Awsvpc);
    for mapping in definition.port_mappings.get_or_insert_default() {
        mapping.protocol.get_or_insert_with(|| "tcp".into());
        let default = if as_is { mapping.container_port } else { Some(0) };
        mapping.host_port = mapping.host_port.or(default);
    }
    let check = definition.health_check.as_mut();
    let is_check = |check: &&mut HealthCheck| {
        check.command.iter().flatten().next().is_some_and(|form| &**form != "NONE")
    };
    if let Some(check) = check.filter(is_check) {
        check.interval.get_or_insert(HEALTH_CHECK_INTERVAL_S);
        check.timeout.get_or_insert(HEALTH_CHECK_TIMEOUT_S);
        check.retries.get_or_insert(HEALTH_CHECK_RETRIES);
    }
}

/// Checks volumes. A volume with no configuration is a bind mount, which ECS shows as an empty
/// `host`.
fn volumes(mut volumes: Vec<Volume>) -> Result<Vec<Volume>, ApiError> {
    for volume in &mut volumes {
        let plain = Volume { name: volume.name.clone(), ..Default::default() };
        if *volume == plain {
            volume.host = Some(HostVolumeProperties::default());
        }
    }
    let mut names = BTreeSet::new();
    for volume in &volumes {
        let name = volume.name.as_deref().unwrap_or_default();
        if !is_name(name) {
            return Err(ApiError::client(
                "Volume.name must be 1 to 255 letters, digits, hyphens and underscores.",
            ));
        }
        if !names.insert(name) {
            return Err(ApiError::client(format!("Duplicate volume name '{name}'.")));
        }
    }
    Ok(volumes)
}

fn constraints(constraints: &[shape::TaskDefinitionPlacementConstraint]) -> Result<(), ApiError> {
    if constraints.len() > limits::PLACEMENT_CONSTRAINTS_MAX {
        return Err(ApiError::client(
            "A task definition can have at most 10 placement constraints.",
        ));
    }
    for constraint in constraints {
        if constraint.kind.as_deref() != Some("memberOf") {
            return Err(ApiError::client(
                "Task definition placement constraint type should be one of [memberOf]",
            ));
        }
        let expression = constraint.expression.as_deref().unwrap_or_default();
        if expression.is_empty() {
            return Err(ApiError::client("memberOf expression must be specified."));
        }
        expression_of(expression).map_err(|error| ApiError::client(error.message))?;
    }
    Ok(())
}

fn spec(definition: &ContainerDefinition) -> ContainerSpec {
    let positive =
        |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    ContainerSpec {
        command: definition.command.clone().map(Arc::new),
        environment: Arc::new(definition.environment.clone().unwrap_or_default()),
        cpu: positive(definition.cpu),
        memory_mib: positive(definition.memory),
        memory_reservation_mib: positive(definition.memory_reservation),
        definition: Arc::new(definition.clone()),
    }
}

/// The resources that a task with these containers needs. The caller adds the required attributes,
/// which depend on the definition alone.
///
/// Source: amazon-ecs-agent: task-level sizes take precedence over the sum of the containers, and a
/// container's reservation takes precedence over its limit.
///
/// # Errors
/// `ClientException` when two containers map the same host port.
pub(super) fn needs(
    containers: &[ContainerSpec],
    network_mode: NetworkMode,
    cpu: Option<u32>,
    memory_mib: Option<u32>,
) -> Result<Needs, ApiError> {
    let sum =
        |of: fn(&ContainerSpec) -> u32| containers.iter().map(of).fold(0_u32, u32::saturating_add);
    let memory = |spec: &ContainerSpec| {
        if spec.memory_reservation_mib > 0 { spec.memory_reservation_mib } else { spec.memory_mib }
    };
    let mut ports = BTreeSet::new();
    if matches!(network_mode, NetworkMode::Bridge | NetworkMode::Host) {
        for mapping in
            containers.iter().flat_map(|spec| spec.definition.port_mappings.iter().flatten())
        {
            let Some(port) = host_port(mapping) else { continue };
            if !ports.insert(port) {
                return Err(ApiError::client(format!(
                    "The host port {} is mapped more than once.",
                    port.number
                )));
            }
        }
    }
    Ok(Needs {
        cpu: cpu.unwrap_or_else(|| sum(|spec| spec.cpu)),
        memory_mib: memory_mib.unwrap_or_else(|| sum(memory)),
        ports: ports.into_iter().collect(),
        gpus: sum(ContainerSpec::gpus),
        attributes: Vec::new(),
    })
}

fn host_port(mapping: &PortMapping) -> Option<Port> {
    let number =
        mapping.host_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)?;
    let protocol =
        if mapping.protocol.as_deref() == Some("udp") { Protocol::Udp } else { Protocol::Tcp };
    Some(Port { protocol, number })
}

/// Source: amazon-ecs-agent, the capabilities that it registers for its features.
fn required(
    definitions: &[ContainerDefinition],
    task_role: bool,
    network_mode: NetworkMode,
    platform: Option<&shape::RuntimePlatform>,
    shares_namespaces: bool,
) -> Vec<RequiredAttribute> {
    let mut names: BTreeMap<String, Option<Str>> = BTreeMap::new();
    let mut need = |name: &str| drop(names.insert(name.to_owned(), None));
    need(crate::placing::USUAL_ATTRIBUTE);
    if task_role {
        need("com.amazonaws.ecs.capability.task-iam-role");
    }
    if network_mode == NetworkMode::Awsvpc {
        need("ecs.capability.task-eni");
    }
    if shares_namespaces {
        need("ecs.capability.pid-ipc-namespace-sharing");
    }
    for definition in definitions {
        if definition.privileged == Some(true) {
            need("com.amazonaws.ecs.capability.privileged-container");
        }
        if let Some(driver) =
            definition.log_configuration.as_ref().and_then(|log| log.log_driver.as_deref())
        {
            need(&format!("com.amazonaws.ecs.capability.logging-driver.{driver}"));
        }
        if definition.health_check.is_some() {
            need("ecs.capability.container-health-check");
        }
        if definition.depends_on.as_ref().is_some_and(|list| !list.is_empty()) {
            need("ecs.capability.container-ordering");
        }
        for secret in definition.secrets.iter().flatten() {
            let from = ValueFrom::parse(secret.value_from.as_deref().unwrap_or_default());
            need(match from {
                Some(ValueFrom::Secret { .. }) => {
                    "ecs.capability.secrets.asm.environment-variables"
                }
                _ => "ecs.capability.secrets.ssm.environment-variables",
            });
        }
        if definition.environment_files.as_ref().is_some_and(|list| !list.is_empty()) {
            need("ecs.capability.env-files.s3");
        }
    }
    if let Some(architecture) = platform.and_then(|platform| platform.cpu_architecture.as_deref()) {
        names.insert("ecs.cpu-architecture".to_owned(), Some(architecture.to_lowercase().into()));
    }
    names.into_iter().map(|(name, value)| RequiredAttribute { name: name.into(), value }).collect()
}
