//! Converts the SDK's types to those of the replica.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;
use longshore_replica::{
    CONTENT_LABEL, Container, Definition, Instance, LastStatus, PortMapping, StopCode, Task,
};
use longshore_wire_ecs::Str;

fn text(given: Option<&str>) -> Str {
    given.unwrap_or_default().into()
}

fn positive(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

pub(crate) fn instance(from: &sdk::ContainerInstance) -> Instance {
    let amount = |resources: &[sdk::Resource], name: &str| {
        let found = resources.iter().find(|resource| resource.name() == Some(name));
        found.map_or(0, |resource| positive(resource.integer_value()))
    };
    let gpus = |resources: &[sdk::Resource]| {
        let found = resources.iter().find(|resource| resource.name() == Some("GPU"));
        let ids = found.map_or(0, |resource| resource.string_set_value().len());
        u32::try_from(ids).unwrap_or(u32::MAX)
    };
    let ports = from
        .remaining_resources()
        .iter()
        .filter(|one| matches!(one.name(), Some("PORTS" | "PORTS_UDP")));
    let (registered, remaining) = (from.registered_resources(), from.remaining_resources());
    let attribute = |one: &sdk::Attribute| (one.name().into(), one.value().map(Into::into));
    Instance {
        arn: text(from.container_instance_arn()),
        ec2_instance_id: from.ec2_instance_id().map(Into::into),
        active: from.status() == Some("ACTIVE"),
        connected: from.agent_connected(),
        cpu: amount(registered, "CPU"),
        memory_mib: amount(registered, "MEMORY"),
        cpu_remaining: amount(remaining, "CPU"),
        memory_mib_remaining: amount(remaining, "MEMORY"),
        gpus: gpus(registered),
        gpus_remaining: gpus(remaining),
        ports_used: ports
            .flat_map(sdk::Resource::string_set_value)
            .filter_map(|port| port.parse().ok())
            .collect(),
        attributes: from.attributes().iter().map(attribute).collect(),
        running_tasks: positive(from.running_tasks_count()),
        pending_tasks: positive(from.pending_tasks_count()),
        version: from.version(),
        detail: None,
    }
}

pub(crate) fn task(from: &sdk::Task) -> Task {
    let overrides =
        from.overrides().map(sdk::TaskOverride::container_overrides).unwrap_or_default();
    let container = |one: &sdk::Container| Container {
        name: text(one.name()),
        last_status: LastStatus::parse(one.last_status().unwrap_or_default()),
        exit_code: one.exit_code(),
        reason: one.reason().map(Into::into),
        healthy: healthy(one.health_status()),
        ports: one.network_bindings().iter().filter_map(port).collect(),
        ..Container::default()
    };
    let mut task = Task {
        arn: text(from.task_arn()),
        definition_arn: text(from.task_definition_arn()),
        instance_arn: from.container_instance_arn().map(Into::into),
        last_status: LastStatus::parse(from.last_status().unwrap_or_default()),
        desired_running: from.desired_status() == Some("RUNNING"),
        started_by: from.started_by().map(Into::into),
        containers: from.containers().iter().map(container).collect(),
        stop_code: from.stop_code().map(|code| StopCode::parse(code.as_str())),
        stopped_reason: from.stopped_reason().map(Into::into),
        healthy: healthy(from.health_status()),
        created_at_ms: from
            .created_at()
            .and_then(|at| u64::try_from(at.to_millis().ok()?).ok())
            .unwrap_or(0),
        ran: from.started_at().is_some(),
        version: from.version(),
        ..Task::default()
    };
    task.overridden(overrides.iter().map(variables).collect());
    task
}

fn healthy(status: Option<&sdk::HealthStatus>) -> Option<bool> {
    match status.map(sdk::HealthStatus::as_str) {
        Some("HEALTHY") => Some(true),
        Some("UNHEALTHY") => Some(false),
        _ => None,
    }
}

/// The environment that is overridden of a container, and its name.
fn variables(one: &sdk::ContainerOverride) -> (Str, BTreeMap<Str, Str>) {
    let pairs = one.environment().iter();
    let pairs = pairs.filter_map(|pair| Some((pair.name()?.into(), pair.value()?.into())));
    (text(one.name()), pairs.collect())
}

/// A port of a container. One that spans a range is told by its range, and is nobody's to check.
fn port(from: &sdk::NetworkBinding) -> Option<PortMapping> {
    let number = |given: Option<i32>| u16::try_from(given?).ok().filter(|port| *port > 0);
    Some(PortMapping {
        container_port: number(from.container_port())?,
        host_port: number(from.host_port())?,
        udp: from.protocol() == Some(&sdk::TransportProtocol::Udp),
    })
}

pub(crate) fn definition(from: &sdk::TaskDefinition) -> Definition {
    let containers = from.container_definitions();
    let sum =
        |of: fn(&sdk::ContainerDefinition) -> i32| containers.iter().map(of).map(positive).sum();
    let memory = |one: &sdk::ContainerDefinition| {
        one.memory_reservation().filter(|mib| *mib > 0).or(one.memory()).unwrap_or(0)
    };
    let level = |given: Option<&str>| given.and_then(|text| text.parse().ok());
    let host_network = from.network_mode().is_some_and(|mode| mode.as_str() == "host");
    let port = |mapping: &sdk::PortMapping| {
        let default = if host_network { mapping.container_port() } else { None };
        u16::try_from(mapping.host_port().or(default)?).ok().filter(|port| *port > 0)
    };
    Definition {
        arn: text(from.task_definition_arn()),
        active: from.status().is_some_and(|status| status.as_str() == "ACTIVE"),
        containers: containers.iter().map(|one| text(one.name())).collect(),
        essential: containers
            .iter()
            .filter(|one| one.essential().unwrap_or(true))
            .map(|one| text(one.name()))
            .collect(),
        images: containers.iter().map(|one| text(one.image())).collect(),
        content: containers
            .first()
            .and_then(|one| Some(one.docker_labels()?.get(CONTENT_LABEL)?.as_str().into())),
        cpu: level(from.cpu()).unwrap_or_else(|| sum(sdk::ContainerDefinition::cpu)),
        memory_mib: level(from.memory())
            .unwrap_or_else(|| containers.iter().map(memory).map(positive).sum()),
        gpus: containers
            .iter()
            .flat_map(sdk::ContainerDefinition::resource_requirements)
            .filter(|one| *one.r#type() == sdk::ResourceType::Gpu)
            .filter_map(|one| one.value().parse::<u32>().ok())
            .sum(),
        ports: containers
            .iter()
            .flat_map(sdk::ContainerDefinition::port_mappings)
            .filter_map(port)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_a_container_are_those_that_have_one_on_the_host() {
        let bound = |inside: Option<i32>, host: Option<i32>, protocol: sdk::TransportProtocol| {
            sdk::NetworkBinding::builder()
                .set_container_port(inside)
                .set_host_port(host)
                .protocol(protocol)
                .build()
        };
        let container = sdk::Container::builder()
            .name("web")
            .network_bindings(bound(Some(80), Some(31_000), sdk::TransportProtocol::Tcp))
            .network_bindings(bound(Some(53), Some(31_001), sdk::TransportProtocol::Udp))
            .network_bindings(bound(None, None, sdk::TransportProtocol::Tcp))
            .network_bindings(bound(Some(70_000), Some(0), sdk::TransportProtocol::Tcp))
            .build();
        let read = task(&sdk::Task::builder().containers(container).build());
        let port = |container_port, host_port, udp| PortMapping { container_port, host_port, udp };
        assert_eq!(read.containers[0].ports, [port(80, 31_000, false), port(53, 31_001, true)]);
    }
}
