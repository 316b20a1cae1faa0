//! A described cluster as the placement engine sees it, with the names by which people know its
//! instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::bail;
use longshore_placement::{
    ClusterView, InstanceView, Needs, Port, Protocol, RequiredAttribute, ZONE_ATTRIBUTE,
};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, PortMapping};
use longshore_wire_ecs::shape::container_instance::ContainerInstance;
use longshore_wire_ecs::shape::shared::Resource;
use longshore_wire_ecs::shape::task_definition::TaskDefinition;

use super::read::{Described, amount, named};
use crate::output::short;

/// The names of an instance, and its size.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// The id inside its ARN.
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) zone: Str,
    pub(crate) kind: Str,
    /// CPU units that it registered.
    pub(crate) cpu: u32,
    /// MiB that it registered.
    pub(crate) memory_mib: u32,
}

/// A cluster, ready for placement.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) view: ClusterView,
    pub(crate) named: BTreeMap<ResourceId, Named>,
    /// `family:revision`.
    pub(crate) definition: String,
    pub(crate) family: String,
    pub(crate) definition_constraints: Vec<String>,
    pub(crate) needs: Arc<Needs>,
}

impl Scene {
    /// Converts a description.
    ///
    /// # Errors
    /// If the task definition requires something that placement on instances does not support.
    pub(super) fn of(described: Described) -> anyhow::Result<Self> {
        let mut view = ClusterView::default();
        let mut named = BTreeMap::new();
        let mut by_arn = BTreeMap::new();
        let mut instances = described.container_instances;
        instances
            .sort_by(|one, other| one.container_instance_arn.cmp(&other.container_instance_arn));
        for (number, instance) in (1_u128..).zip(&instances) {
            let id = ResourceId(number);
            by_arn.insert(instance.container_instance_arn.clone().unwrap_or_default(), id);
            view.put_instance(id, instance_view(instance));
            named.insert(id, name(instance));
        }
        for task in &described.tasks {
            let should_run = task.desired_status.as_deref() != Some("STOPPED");
            let on = task.container_instance_arn.as_ref().and_then(|arn| by_arn.get(arn));
            if let (true, Some(on)) = (should_run, on) {
                view.join_group(task.group.as_ref().unwrap_or(&Str::default()), *on);
            }
        }
        let content = described.task_definition;
        let definition = short(content.task_definition_arn.as_deref().unwrap_or("task"));
        let family = definition.split(':').next().unwrap_or_default().to_owned();
        let constraints = content.placement_constraints.iter().flatten();
        Ok(Self {
            view,
            named,
            definition_constraints: constraints
                .filter_map(|one| one.expression.as_deref().map(str::to_owned))
                .collect(),
            needs: Arc::new(needs(&content)?),
            definition,
            family,
        })
    }
}

fn name(instance: &ContainerInstance) -> Named {
    let attributes = named(instance.attributes.as_ref());
    let value = |name: &str| attributes.get(name).cloned().flatten().unwrap_or_default();
    let arn = instance.container_instance_arn.as_deref().unwrap_or_default();
    let registered = instance.registered_resources.as_ref();
    Named {
        id: short(arn),
        arn: arn.to_owned(),
        zone: value(ZONE_ATTRIBUTE),
        kind: value("ecs.instance-type"),
        cpu: amount(registered, "CPU"),
        memory_mib: amount(registered, "MEMORY"),
    }
}

fn instance_view(instance: &ContainerInstance) -> InstanceView {
    let remaining = instance.remaining_resources.as_ref();
    let ports = |resource: &Resource| {
        let protocol = match resource.name.as_deref() {
            Some("PORTS") => Protocol::Tcp,
            Some("PORTS_UDP") => Protocol::Udp,
            _ => return Vec::new(),
        };
        let used = resource.string_set_value.iter().flatten();
        let used = used.filter_map(|port| port.parse().ok());
        used.map(|number| Port { protocol, number }).collect()
    };
    #[expect(clippy::cast_possible_truncation, reason = "only whole seconds matter")]
    let seconds = |at: f64| at as i64;
    InstanceView {
        cpu: amount(remaining, "CPU"),
        memory_mib: amount(remaining, "MEMORY"),
        ports: remaining.into_iter().flatten().flat_map(ports).collect(),
        gpus: {
            let of = |one: &&Resource| one.name.as_deref() == Some("GPU");
            let ids = remaining.into_iter().flatten().find(of);
            let ids = ids.and_then(|one| one.string_set_value.as_ref()).map_or(0, Vec::len);
            u32::try_from(ids).unwrap_or(u32::MAX)
        },
        attributes: Arc::new(named(instance.attributes.as_ref())),
        active: instance.status.as_deref() == Some("ACTIVE"),
        connected: instance.agent_connected == Some(true),
        agent_version: instance.version_info.as_ref().and_then(|info| info.agent_version.clone()),
        ec2_instance_id: instance.ec2_instance_id.clone(),
        registered_at: instance.registered_at.map(seconds),
    }
}

/// The resources that a task of a definition reserves. Source: ECS developer guide, *Amazon ECS
/// task placement*.
fn needs(definition: &TaskDefinition) -> anyhow::Result<Needs> {
    let mode = definition.network_mode.as_deref().unwrap_or("bridge");
    if mode == "awsvpc" {
        bail!(
            "network mode awsvpc is not supported: instances do not report how many network interfaces they have"
        );
    }
    let containers = definition.container_definitions.iter().flatten();
    let level = |text: Option<&Str>| text.and_then(|text| text.parse::<u32>().ok());
    let positive = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let cpu = |one: &ContainerDefinition| positive(one.cpu).unwrap_or(0);
    let memory = |one: &ContainerDefinition| {
        let reserved = positive(one.memory_reservation).filter(|mib| *mib > 0);
        reserved.or(positive(one.memory)).unwrap_or(0)
    };
    let port = |mapping: &PortMapping| {
        let same = if mode == "host" { mapping.container_port } else { None };
        let number = mapping.host_port.filter(|port| *port > 0).or(same)?;
        let udp = mapping.protocol.as_deref() == Some("udp");
        let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
        Some(Port { protocol, number: u16::try_from(number).ok().filter(|port| *port > 0)? })
    };
    let mappings = containers.clone().flat_map(|one| one.port_mappings.iter().flatten());
    let mut ports: Vec<Port> = mappings.filter_map(port).collect();
    ports.sort_unstable();
    ports.dedup();
    let required = definition.requires_attributes.iter().flatten();
    let gpus = |one: &ContainerDefinition| {
        let wanted = one.resource_requirements.iter().flatten();
        let wanted = wanted.filter(|one| one.kind.as_deref() == Some("GPU"));
        wanted.filter_map(|one| one.value.as_deref()?.parse::<u32>().ok()).sum::<u32>()
    };
    Ok(Needs {
        gpus: containers.clone().map(gpus).fold(0, u32::saturating_add),
        cpu: level(definition.cpu.as_ref())
            .unwrap_or_else(|| containers.clone().map(cpu).fold(0, u32::saturating_add)),
        memory_mib: level(definition.memory.as_ref())
            .unwrap_or_else(|| containers.map(memory).fold(0, u32::saturating_add)),
        ports,
        attributes: required
            .filter_map(|one| {
                Some(RequiredAttribute { name: one.name.clone()?, value: one.value.clone() })
            })
            .collect(),
    })
}
