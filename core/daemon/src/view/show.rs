//! Records as the JSON of Blox.
//!
//! Source: blox.md 1.5.

use longshore_replica::{BindingDetail, ContainerDetail, Instance, OverrideDetail, Resource, Task};
use longshore_wire_blox::state;
use longshore_wire_ecs::Str;

use super::Entity;

fn text(given: Option<&Str>) -> String {
    given.map(ToString::to_string).unwrap_or_default()
}

fn resource(from: &Resource) -> state::Resource {
    state::Resource {
        name: from.name.to_string(),
        kind: from.kind.to_string(),
        value: from.value.to_string(),
    }
}

/// An instance; `None` for one that was read without details.
pub fn show_instance(entity: &Entity<Instance>) -> Option<state::Versioned<state::Instance>> {
    let instance = &entity.record;
    let detail = instance.detail.as_deref()?;
    let attribute = |(name, value): (&Str, &Option<Str>)| state::Attribute {
        name: name.to_string(),
        value: value.as_ref().map(ToString::to_string),
    };
    let attributes: Vec<_> = instance.attributes.iter().map(attribute).collect();
    let shown = state::Instance {
        ec2_instance_id: text(instance.ec2_instance_id.as_ref()),
        agent_connected: instance.connected,
        agent_update_status: text(detail.agent_update_status.as_ref()),
        attributes: (!attributes.is_empty()).then_some(attributes),
        cluster_arn: detail.cluster_arn.to_string(),
        container_instance_arn: instance.arn.to_string(),
        registered_resources: detail.registered.iter().map(resource).collect(),
        remaining_resources: detail.remaining.iter().map(resource).collect(),
        status: detail.status.to_string(),
        version_info: state::VersionInfo {
            agent_hash: text(detail.agent_hash.as_ref()),
            agent_version: text(detail.agent_version.as_ref()),
            docker_version: text(detail.docker_version.as_ref()),
        },
    };
    Some(state::Versioned::new(shown, entity.version))
}

fn container(from: &ContainerDetail) -> state::Container {
    let binding = |one: &BindingDetail| state::NetworkBinding {
        bind_ip: one.ip.to_string(),
        container_port: one.container_port,
        host_port: one.host_port,
        protocol: one.protocol.to_string(),
    };
    let bindings: Vec<_> = from.bindings.iter().map(binding).collect();
    state::Container {
        container_arn: from.arn.to_string(),
        exit_code: from.exit_code.unwrap_or_default(),
        last_status: from.last_status.to_string(),
        name: from.name.to_string(),
        network_bindings: (!bindings.is_empty()).then_some(bindings),
        reason: text(from.reason.as_ref()),
    }
}

fn overridden(from: &OverrideDetail) -> state::ContainerOverride {
    let words = |words: &Vec<Str>| words.iter().map(ToString::to_string).collect();
    let variable = |(name, value): &(Str, Str)| state::Variable {
        name: name.to_string(),
        value: value.to_string(),
    };
    let variables: Vec<_> = from.environment.iter().map(variable).collect();
    state::ContainerOverride {
        command: from.command.as_ref().map(words),
        environment: (!variables.is_empty()).then_some(variables),
        name: from.name.to_string(),
    }
}

/// A task; `None` for one without an instance, or that was read without details.
pub fn show_task(entity: &Entity<Task>) -> Option<state::Versioned<state::Task>> {
    let task = &entity.record;
    let detail = task.detail.as_deref()?;
    let shown = state::Task {
        cluster_arn: detail.cluster_arn.to_string(),
        container_instance_arn: task.instance_arn.as_ref()?.to_string(),
        containers: detail.containers.iter().map(container).collect(),
        created_at: detail.created_at.to_string(),
        desired_status: detail.desired_status.to_string(),
        last_status: detail.last_status.to_string(),
        overrides: state::Overrides {
            container_overrides: detail.overrides.iter().map(overridden).collect(),
            task_role_arn: text(detail.task_role_arn.as_ref()),
        },
        started_at: text(detail.started_at.as_ref()),
        started_by: text(task.started_by.as_ref()),
        stopped_at: text(detail.stopped_at.as_ref()),
        stopped_reason: text(task.stopped_reason.as_ref()),
        task_arn: task.arn.to_string(),
        task_definition_arn: task.definition_arn.to_string(),
    };
    Some(state::Versioned::new(shown, entity.version))
}
