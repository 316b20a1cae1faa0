//! The description of a cluster in the terms of the ECS API, read from the API or from a file.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::shape::container_definition::{
    ContainerDefinition, PortMapping, ResourceRequirement,
};
use longshore_wire_ecs::shape::container_instance::{ContainerInstance, VersionInfo};
use longshore_wire_ecs::shape::shared::{Attribute, Resource};
use longshore_wire_ecs::shape::task::{PlacementConstraint, PlacementStrategy, Task};
use longshore_wire_ecs::shape::task_definition::{
    TaskDefinition, TaskDefinitionPlacementConstraint,
};
use serde::Deserialize;

use crate::args::ExplainArgs;
use crate::cluster::Cluster;

/// A described cluster. Files have the members of ECS API responses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    pub(crate) container_instances: Vec<ContainerInstance>,
    #[serde(default)]
    pub(crate) tasks: Vec<Task>,
    pub(crate) task_definition: TaskDefinition,
    /// The service in question.
    #[serde(skip)]
    pub(crate) service: Option<Service>,
}

/// The part of a service that matters for placement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// ACTIVE, DRAINING or INACTIVE.
    pub(crate) status: String,
    pub(crate) desired_count: i32,
    pub(crate) running_count: i32,
    pub(crate) pending_count: i32,
    pub(crate) placement_constraints: Vec<PlacementConstraint>,
    pub(crate) placement_strategy: Vec<PlacementStrategy>,
}

/// Reads a cluster, and the definition or service that the flags name.
pub(super) async fn cluster(args: &ExplainArgs) -> anyhow::Result<Described> {
    let cluster = Cluster::of(&args.cluster).await?;
    exists(&cluster).await?;
    let (service, definition) = match &args.service {
        Some(name) => {
            let (service, definition) = service(&cluster, name).await?;
            (Some(service), args.task_definition.clone().unwrap_or(definition))
        }
        None => (None, args.task_definition.clone().unwrap_or_default()),
    };
    let request = cluster.sdk().describe_task_definition().task_definition(&definition);
    let reply = request.send().await;
    let reply = reply
        .map_err(|error| cluster.explain_of(error, &format!("task definition {definition}")))?;
    let task_definition = reply.task_definition().map(task_definition).unwrap_or_default();
    let container_instances = instances(&cluster).await?;
    let tasks = tasks(&cluster).await?;
    Ok(Described { container_instances, tasks, task_definition, service })
}

/// Checks that the cluster exists and was not deleted.
async fn exists(cluster: &Cluster<'_>) -> anyhow::Result<()> {
    let name = cluster.name();
    let request = cluster.sdk().describe_clusters().clusters(name);
    let reply = request.send().await.map_err(|error| cluster.explain(error))?;
    let found = reply.clusters().first().and_then(|cluster| cluster.status());
    match found {
        None => Err(crate::NotFound(format!("there is no cluster {name}")).into()),
        Some("INACTIVE") => {
            let wrong =
                format!("cluster {name} is INACTIVE: it was deleted and cannot start tasks");
            Err(crate::NotFound(wrong).into())
        }
        Some(_) => Ok(()),
    }
}

async fn service(cluster: &Cluster<'_>, name: &str) -> anyhow::Result<(Service, String)> {
    let request = cluster.sdk().describe_services().cluster(cluster.name()).services(name);
    let reply = request.send().await.map_err(|error| cluster.explain(error))?;
    let found = reply.services().first();
    let found = found
        .ok_or_else(|| crate::NotFound(format!("there is no service {name} in the cluster")))?;
    let constraint = |one: &sdk::PlacementConstraint| PlacementConstraint {
        kind: one.r#type().map(|kind| kind.as_str().into()),
        expression: one.expression().map(Into::into),
    };
    let strategy = |one: &sdk::PlacementStrategy| PlacementStrategy {
        kind: one.r#type().map(|kind| kind.as_str().into()),
        field: one.field().map(Into::into),
    };
    let service = Service {
        name: found.service_name().unwrap_or(name).to_owned(),
        status: found.status().unwrap_or("ACTIVE").to_owned(),
        desired_count: found.desired_count(),
        running_count: found.running_count(),
        pending_count: found.pending_count(),
        placement_constraints: found.placement_constraints().iter().map(constraint).collect(),
        placement_strategy: found.placement_strategy().iter().map(strategy).collect(),
    };
    Ok((service, found.task_definition().unwrap_or_default().to_owned()))
}

async fn instances(cluster: &Cluster<'_>) -> anyhow::Result<Vec<ContainerInstance>> {
    let list = cluster.sdk().list_container_instances().cluster(cluster.name());
    let mut pages = list.into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|error| cluster.explain(error))?);
    }
    let mut instances = Vec::new();
    for batch in arns.chunks(100) {
        let request = cluster.sdk().describe_container_instances().cluster(cluster.name());
        let reply = request.set_container_instances(Some(batch.to_vec())).send().await;
        let reply = reply.map_err(|error| cluster.explain(error))?;
        instances.extend(reply.container_instances().iter().map(instance));
    }
    Ok(instances)
}

/// Tasks that should run.
async fn tasks(cluster: &Cluster<'_>) -> anyhow::Result<Vec<Task>> {
    let list = cluster.sdk().list_tasks().cluster(cluster.name());
    let mut pages = list.into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|error| cluster.explain(error))?);
    }
    let mut tasks = Vec::new();
    for batch in arns.chunks(100) {
        let request = cluster.sdk().describe_tasks().cluster(cluster.name());
        let reply = request.set_tasks(Some(batch.to_vec())).send().await;
        let reply = reply.map_err(|error| cluster.explain(error))?;
        tasks.extend(reply.tasks().iter().map(|task| Task {
            container_instance_arn: task.container_instance_arn().map(Into::into),
            group: task.group().map(Into::into),
            desired_status: task.desired_status().map(|status| status.to_owned().into()),
            ..Default::default()
        }));
    }
    Ok(tasks)
}

fn instance(one: &sdk::ContainerInstance) -> ContainerInstance {
    let resource = |one: &sdk::Resource| Resource {
        name: one.name().map(Into::into),
        integer_value: Some(one.integer_value()),
        string_set_value: Some(
            one.string_set_value().iter().map(|one| one.as_str().into()).collect(),
        ),
        ..Default::default()
    };
    ContainerInstance {
        container_instance_arn: one.container_instance_arn().map(Into::into),
        ec2_instance_id: one.ec2_instance_id().map(Into::into),
        version_info: one.version_info().map(|info| VersionInfo {
            agent_version: info.agent_version().map(Into::into),
            ..Default::default()
        }),
        remaining_resources: Some(one.remaining_resources().iter().map(resource).collect()),
        registered_resources: Some(one.registered_resources().iter().map(resource).collect()),
        status: one.status().map(Into::into),
        agent_connected: Some(one.agent_connected()),
        attributes: Some(one.attributes().iter().map(attribute).collect()),
        registered_at: one.registered_at().map(aws_sdk_ecs::primitives::DateTime::as_secs_f64),
        ..Default::default()
    }
}

fn attribute(one: &sdk::Attribute) -> Attribute {
    Attribute {
        name: Some(one.name().into()),
        value: one.value().map(Into::into),
        ..Default::default()
    }
}

fn task_definition(one: &sdk::TaskDefinition) -> TaskDefinition {
    let mapping = |one: &sdk::PortMapping| PortMapping {
        host_port: one.host_port(),
        container_port: one.container_port(),
        protocol: one.protocol().map(|protocol| protocol.as_str().into()),
        ..Default::default()
    };
    let requirement = |one: &sdk::ResourceRequirement| ResourceRequirement {
        kind: Some(one.r#type().as_str().into()),
        value: Some(one.value().into()),
        ..Default::default()
    };
    let container = |one: &sdk::ContainerDefinition| ContainerDefinition {
        cpu: Some(one.cpu()),
        memory: one.memory(),
        memory_reservation: one.memory_reservation(),
        port_mappings: Some(one.port_mappings().iter().map(mapping).collect()),
        resource_requirements: Some(one.resource_requirements().iter().map(requirement).collect()),
        ..Default::default()
    };
    let constraint =
        |one: &sdk::TaskDefinitionPlacementConstraint| TaskDefinitionPlacementConstraint {
            kind: one.r#type().map(|kind| kind.as_str().into()),
            expression: one.expression().map(Into::into),
        };
    TaskDefinition {
        task_definition_arn: one.task_definition_arn().map(Into::into),
        status: one.status().map(|status| status.as_str().into()),
        container_definitions: Some(one.container_definitions().iter().map(container).collect()),
        cpu: one.cpu().map(Into::into),
        memory: one.memory().map(Into::into),
        network_mode: one.network_mode().map(|mode| mode.as_str().into()),
        requires_attributes: Some(one.requires_attributes().iter().map(attribute).collect()),
        placement_constraints: Some(one.placement_constraints().iter().map(constraint).collect()),
        ..Default::default()
    }
}

/// The amount of a named resource.
pub(super) fn amount(resources: Option<&Vec<Resource>>, name: &str) -> u32 {
    let found = resources.into_iter().flatten().find(|one| one.name.as_deref() == Some(name));
    found.and_then(|one| u32::try_from(one.integer_value.unwrap_or(0)).ok()).unwrap_or(0)
}

/// The attribute values by name.
pub(super) fn named(attributes: Option<&Vec<Attribute>>) -> BTreeMap<Str, Option<Str>> {
    let all = attributes.into_iter().flatten();
    all.filter_map(|one| Some((one.name.clone()?, one.value.clone()))).collect()
}
