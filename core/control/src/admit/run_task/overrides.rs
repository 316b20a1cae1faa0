//! Overrides of a task definition. Source: ECS API reference, `TaskOverride`.

use std::sync::Arc;

use longshore_wire_ecs::host::ContainerSpec;
use longshore_wire_ecs::shape::container_definition::ContainerDefinition;
use longshore_wire_ecs::shape::task as shape;
use longshore_wire_ecs::{ApiError, limits};

use super::with_environment;
use crate::admit::definition_rules::{cpu_units, memory_mib};
use crate::record::TaskDefinition;

/// Rejects overrides that are too long as given. The echoed and stored form may be longer, since it
/// lists every container.
pub(super) fn check_length(given: &shape::TaskOverride) -> Result<(), ApiError> {
    let length = serde_json::to_string(given).map_or(0, |json| json.chars().count());
    if length > limits::OVERRIDES_CHARS_MAX {
        return Err(ApiError::invalid(format!(
            "Container Overrides length must be at most {}; it is {length}.",
            limits::OVERRIDES_CHARS_MAX
        )));
    }
    Ok(())
}

/// The overrides as echoed, with an entry for every container, and the containers as they will run.
pub(in crate::admit) fn apply(
    definition: &TaskDefinition,
    given: Option<&shape::TaskOverride>,
) -> Result<(shape::TaskOverride, Arc<Vec<ContainerSpec>>), ApiError> {
    let mut echoed = given.cloned().unwrap_or_default();
    let overrides = echoed.container_overrides.get_or_insert_default();
    for (index, one) in overrides.iter().enumerate() {
        let name = one.name.as_deref().unwrap_or_default();
        if definition.containers.iter().all(|container| container.name() != name) {
            return Err(ApiError::invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
        if overrides[..index].iter().any(|earlier| earlier.name == one.name) {
            return Err(ApiError::invalid(format!(
                "The container {name} is overridden more than once."
            )));
        }
    }
    let mut containers = Vec::with_capacity(definition.containers.len());
    for spec in definition.containers.iter() {
        if let Some(one) = overrides.iter().find(|one| one.name.as_deref() == Some(spec.name())) {
            containers.push(container(spec, one)?);
        } else {
            overrides.push(shape::ContainerOverride {
                name: spec.definition.name.clone(),
                ..Default::default()
            });
            containers.push(spec.clone());
        }
    }
    echoed.inference_accelerator_overrides.get_or_insert_default();
    let containers = match given {
        Some(_) => Arc::new(containers),
        None => definition.containers.clone(),
    };
    Ok((echoed, containers))
}

fn container(
    spec: &ContainerSpec,
    one: &shape::ContainerOverride,
) -> Result<ContainerSpec, ApiError> {
    let name = spec.name();
    let size = |field: &str, given: Option<i32>, least: i32, held: u32| match given {
        None => Ok(held),
        Some(value) if value >= least => Ok(value.unsigned_abs()),
        Some(value) => Err(ApiError::invalid(format!(
            "The override {field} of container {name} must be at least {least}, not {value}."
        ))),
    };
    if one
        .environment
        .iter()
        .flatten()
        .any(|variable| variable.name.as_deref().is_none_or(str::is_empty))
    {
        return Err(ApiError::invalid(format!(
            "An environment override of container {name} has no name."
        )));
    }
    if one.environment_files.as_ref().is_some_and(|files| !files.is_empty()) {
        return Err(ApiError::invalid(
            "environmentFiles in overrides are not supported by Longshore.",
        ));
    }
    let least = limits::CONTAINER_MEMORY_MIB_MIN;
    let applied = ContainerSpec {
        definition: with_requirements(spec, one)?,
        command: one.command.clone().map(Arc::new).or_else(|| spec.command.clone()),
        environment: match &one.environment {
            Some(environment) => with_environment(spec, environment),
            None => spec.environment.clone(),
        },
        cpu: size("cpu", one.cpu, 0, spec.cpu)?,
        memory_mib: size("memory", one.memory, least, spec.memory_mib)?,
        memory_reservation_mib: size(
            "memoryReservation",
            one.memory_reservation,
            least,
            spec.memory_reservation_mib,
        )?,
    };
    if applied.memory_mib > 0 && applied.memory_mib < applied.memory_reservation_mib {
        return Err(ApiError::invalid(format!(
            "The memory of container {name} must not be less than its memoryReservation."
        )));
    }
    Ok(applied)
}

/// The definition of a container with the GPUs that an override gives it. Source: ECS API reference, *`ContainerOverride`*: the only
/// resource that it can be given is a GPU.
fn with_requirements(
    spec: &ContainerSpec,
    one: &shape::ContainerOverride,
) -> Result<Arc<ContainerDefinition>, ApiError> {
    let given = one.resource_requirements.as_ref().filter(|all| !all.is_empty());
    let Some(given) = given else { return Ok(spec.definition.clone()) };
    for wanted in given {
        let count = wanted.value.as_deref().and_then(|value| value.parse::<u32>().ok());
        let is_gpu = wanted.kind.as_deref() == Some("GPU") && wanted.sharing_strategy.is_none();
        if !is_gpu || count.is_none_or(|count| count == 0) {
            return Err(ApiError::invalid(format!(
                "A resource requirement in the overrides of container {} must be a whole number of GPUs above 0.",
                spec.name()
            )));
        }
    }
    let mut definition = (*spec.definition).clone();
    definition.resource_requirements = Some(given.clone());
    Ok(Arc::new(definition))
}

/// Task-level sizes, with overrides applied.
pub(in crate::admit) fn task_sizes(
    definition: &TaskDefinition,
    given: Option<&shape::TaskOverride>,
) -> Result<(Option<u32>, Option<u32>), ApiError> {
    let as_parameter = |error: ApiError| ApiError::invalid(error.message);
    let cpu = given
        .and_then(|given| given.cpu.as_deref())
        .map(cpu_units)
        .transpose()
        .map_err(as_parameter)?;
    let memory = given
        .and_then(|given| given.memory.as_deref())
        .map(memory_mib)
        .transpose()
        .map_err(as_parameter)?;
    Ok((cpu.or(definition.cpu), memory.or(definition.memory_mib)))
}
