//! What is known about a task, as the endpoint shows it. Pure functions: facts go in, shapes come
//! out.

use std::collections::BTreeMap;

use longshore_agent::Sight;
use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Arn;
use longshore_wire_ecs::host::{ContainerReport, ContainerSpec, Health, Reported};
use longshore_wire_ecs::metadata::{ContainerMetadata, HealthStatus, Limits, Port, TaskMetadata};
use longshore_wire_ecs::shape::shared::Tag;

use super::book::Entry;

/// Minimum CPU units shown. Source: amazon-ecs-agent.
const CPU_MIN: u32 = 2;

/// The default log driver. Source: the default of Docker, which we request.
const LOG_DRIVER: &str = "json-file";

fn desired(entry: &Entry) -> &'static str {
    let over = |report: &longshore_wire_ecs::host::TaskReport| {
        report.status == Reported::Stopped || report.execution_stopped_at.is_some()
    };
    if entry.stopping || entry.report.as_ref().is_some_and(over) { "STOPPED" } else { "RUNNING" }
}

/// The status in the agent's terms. A container requested from the runtime counts as created.
fn known(status: Option<Reported>, is_started: bool) -> &'static str {
    match status {
        Some(Reported::Running) => "RUNNING",
        Some(Reported::Stopped) => "STOPPED",
        Some(Reported::Pending) | None if is_started => "CREATED",
        Some(Reported::Pending) | None => "NONE",
    }
}

fn time(millis: Option<u64>) -> Option<String> {
    millis.map(|millis| Timestamp::from_millis(millis).iso())
}

/// The task, with the given containers.
pub(super) fn task(entry: &Entry, containers: Vec<ContainerMetadata>) -> TaskMetadata {
    let (spec, about) = (&entry.spec, &entry.spec.about);
    let report = entry.report.as_ref();
    let limits =
        Limits { cpu: about.cpu.map(|units| f64::from(units) / 1024.0), memory: about.memory_mib };
    let cluster = Arn::parse(&spec.cluster).map_or(&*spec.cluster, |arn| arn.id());
    TaskMetadata {
        cluster: cluster.into(),
        task_arn: spec.arn.clone(),
        family: spec.family.clone(),
        revision: spec.revision.to_string().into(),
        desired_status: desired(entry),
        known_status: known(report.map(|report| report.status), !entry.started.is_empty()),
        limits: (limits != Limits::default()).then_some(limits),
        pull_started_at: time(report.and_then(|report| report.pull_started_at)),
        pull_stopped_at: time(report.and_then(|report| report.pull_stopped_at)),
        execution_stopped_at: time(report.and_then(|report| report.execution_stopped_at)),
        availability_zone: entry.place.zone.clone(),
        launch_type: "EC2",
        containers,
        service_name: about.service.clone(),
        ..Default::default()
    }
}

/// The container at `index`; less is shown if the runtime has lost it.
pub(super) fn container(entry: &Entry, index: usize, sight: Option<Sight>) -> ContainerMetadata {
    let spec = &entry.spec.containers[index];
    let report = entry.report.as_ref().and_then(|report| report.containers.get(index));
    let sight = sight.unwrap_or_default();
    let definition = &spec.definition;
    let log = definition.log_configuration.clone().unwrap_or_default();
    ContainerMetadata {
        docker_id: entry.runtime_id(index).cloned().unwrap_or_default(),
        name: spec.name().into(),
        docker_name: sight.name,
        image: definition.image.clone().unwrap_or_default(),
        image_id: sight.image_id,
        ports: report.map(ports).unwrap_or_default(),
        labels: sight.labels,
        desired_status: desired(entry),
        known_status: known(
            report.map(|report| report.status),
            entry.started.contains(&index) || entry.runtime_id(index).is_some(),
        ),
        exit_code: report.and_then(|report| report.exit_code),
        limits: limits(spec),
        created_at: sight.created_at,
        started_at: sight.started_at,
        finished_at: sight.finished_at,
        kind: "NORMAL",
        health: health(spec, report),
        volumes: sight.volumes,
        log_driver: log.log_driver.unwrap_or_else(|| LOG_DRIVER.into()),
        log_options: log.options.unwrap_or_default(),
        container_arn: entry.spec.about.container_arns.get(index).cloned().unwrap_or_default(),
        networks: sight.networks,
    }
}

fn ports(report: &ContainerReport) -> Vec<Port> {
    let one = |bound: &longshore_wire_ecs::host::PortBinding| Port {
        container_port: bound.container_port,
        protocol: bound.protocol.clone(),
        host_port: bound.host_port,
        host_ip: bound.bind_ip.clone(),
    };
    report.bindings.iter().map(one).collect()
}

fn limits(spec: &ContainerSpec) -> Limits {
    Limits { cpu: Some(f64::from(spec.cpu.max(CPU_MIN))), memory: Some(spec.memory_mib) }
}

fn health(spec: &ContainerSpec, report: Option<&ContainerReport>) -> Option<HealthStatus> {
    spec.definition.health_check.as_ref()?;
    let status = report.and_then(|report| match report.health {
        Health::Unknown => None,
        Health::Healthy => Some("HEALTHY"),
        Health::Unhealthy => Some("UNHEALTHY"),
    });
    Some(HealthStatus { status })
}

/// Tags in the endpoint's format.
pub(super) fn tags(tags: Option<Vec<Tag>>) -> BTreeMap<Str, Str> {
    let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    tags.into_iter().flatten().filter_map(pair).collect()
}
