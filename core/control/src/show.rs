//! How records appear in the API.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_placement::{InstanceView, Port, Protocol};
use longshore_wire_ecs::host::{ContainerSpec, Health};
use longshore_wire_ecs::shape::shared::{Attribute, Failure, KeyValuePair, Resource, Tag};
use longshore_wire_ecs::shape::{cluster, container_instance, task, task_definition};
use longshore_wire_ecs::{Str, Word};
use serde::Serialize;

use crate::cluster_state::ClusterState;
use crate::machine::Reply;
use crate::record::{Cluster, Container, ContainerInstance, Tags, Task, TaskDefinition};
use crate::setting::{SettingName, container_insights};

/// A reply whose body is `shape`.
pub(crate) fn body(shape: &impl Serialize) -> Reply {
    Reply::Body(serde_json::to_vec(shape).expect("shapes are text, numbers and lists"))
}

pub(crate) fn tags(tags: &Tags) -> Vec<Tag> {
    let tag =
        |(key, value): (&Str, &Str)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    tags.iter().map(tag).collect()
}

pub(crate) fn failure(arn: impl Into<Str>, reason: &str) -> Failure {
    Failure { arn: Some(arn.into()), reason: Some(reason.into()), detail: None }
}

fn seconds(at: Option<Timestamp>) -> Option<f64> {
    at.map(Timestamp::seconds)
}

/// What `DescribeClusters` may include.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClusterInclude {
    pub(crate) attachments: bool,
    pub(crate) configurations: bool,
    pub(crate) settings: bool,
    pub(crate) statistics: bool,
    pub(crate) tags: bool,
}

pub(crate) fn cluster(state: &ClusterState, include: ClusterInclude) -> cluster::Cluster {
    let record = &state.record;
    cluster::Cluster {
        cluster_arn: Some(record.arn.clone()),
        cluster_name: Some(record.name.clone()),
        status: Some(record.status.word().into()),
        registered_container_instances_count: i32::try_from(state.registered).ok(),
        running_tasks_count: Some(state.running_count),
        pending_tasks_count: Some(state.pending_count),
        active_services_count: i32::try_from(state.active_services).ok(),
        statistics: Some(if include.statistics { statistics(state) } else { Vec::new() }),
        tags: Some(if include.tags { tags(&record.tags) } else { Vec::new() }),
        settings: Some(if include.settings { settings(record) } else { Vec::new() }),
        configuration: record.configuration.clone().filter(|_| include.configurations),
        capacity_providers: Some(record.capacity_providers.clone()),
        default_capacity_provider_strategy: Some(record.capacity_strategy.clone()),
        attachments: include.attachments.then(Vec::new),
        service_connect_defaults: record
            .namespace
            .clone()
            .map(|namespace| cluster::ClusterServiceConnectDefaults { namespace: Some(namespace) }),
        ..Default::default()
    }
}

/// Shows every cluster setting. A cluster stored without one gets the default value.
fn settings(record: &Cluster) -> Vec<cluster::ClusterSetting> {
    let usual = SettingName::ContainerInsights;
    let mut settings = record.settings.clone();
    if !settings.iter().any(|one| one.name.as_deref() == Some(usual.word())) {
        settings.push(container_insights(usual.default_value().into()));
    }
    settings
}

/// Source: ECS API reference, `Cluster.statistics`.
fn statistics(state: &ClusterState) -> Vec<KeyValuePair> {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let counts = [
        ("runningEC2TasksCount", state.running_count),
        ("RunningFargateTasksCount", 0),
        ("pendingEC2TasksCount", state.pending_count),
        ("pendingFargateTasksCount", 0),
        ("activeEC2ServiceCount", number(state.active_services)),
        ("activeFargateServiceCount", 0),
        ("drainingEC2ServiceCount", number(state.draining_services)),
        ("drainingFargateServiceCount", 0),
    ];
    let pair = |(name, count): (&str, i32)| KeyValuePair {
        name: Some(name.into()),
        value: Some(count.to_string().into()),
    };
    counts.into_iter().map(pair).collect()
}

pub(crate) fn instance(
    state: &ClusterState,
    instance: &ContainerInstance,
    with_tags: bool,
    with_health: bool,
) -> container_instance::ContainerInstance {
    let view = state.view.instance(instance.id);
    let load = state.loads.get(&instance.id);
    let connected = view.is_some_and(|view| view.connected);
    container_instance::ContainerInstance {
        container_instance_arn: Some(instance.arn.clone()),
        ec2_instance_id: instance.ec2_instance_id.clone(),
        version: Some(instance.version),
        version_info: Some(instance.version_info.clone()),
        remaining_resources: Some(
            view.map_or_else(Vec::new, |view| remaining(state, instance, view)),
        ),
        registered_resources: Some(registered(instance)),
        status: Some(instance.status.word().into()),
        agent_connected: Some(connected),
        running_tasks_count: Some(load.map_or(0, |load| load.desired_running)),
        pending_tasks_count: Some(load.map_or(0, |load| load.pending)),
        attributes: Some(attributes(instance)),
        registered_at: Some(instance.registered_at.wall().seconds()),
        attachments: Some(Vec::new()),
        tags: Some(if with_tags { tags(&instance.tags) } else { Vec::new() }),
        health_status: with_health.then(|| container_instance::ContainerInstanceHealthStatus {
            overall_status: Some(if connected { "OK" } else { "INSUFFICIENT_DATA" }.into()),
            details: Some(Vec::new()),
        }),
        ..Default::default()
    }
}

pub(crate) fn attributes(instance: &ContainerInstance) -> Vec<Attribute> {
    let one = |(name, value): (&Str, &Option<Str>)| Attribute {
        name: Some(name.clone()),
        value: value.clone(),
        ..Default::default()
    };
    instance.attributes.iter().map(one).collect()
}

fn registered(instance: &ContainerInstance) -> Vec<Resource> {
    let registered = &instance.registered;
    let (ports, gpus) = (registered.ports.iter(), registered.gpus.clone());
    resources(registered.cpu, registered.memory_mib, ports, gpus, &registered.others)
}

fn remaining(
    state: &ClusterState,
    instance: &ContainerInstance,
    view: &InstanceView,
) -> Vec<Resource> {
    let registered = &instance.registered;
    // Most instances have none, so nothing needs to be searched.
    let gpus = if registered.gpus.is_empty() { Vec::new() } else { state.free_gpus(instance.id) };
    let ports = state.view.ports_in_use(instance.id).unwrap_or(&view.ports);
    let mut all = resources(view.cpu, view.memory_mib, ports.iter(), gpus, &registered.others);
    if view.gpus == 0 && !registered.gpus.is_empty() {
        all.push(gpu_set(Vec::new()));
    }
    all
}

/// Source: ECS API reference, `Resource`; members of other types are sent as 0. The port sets list
/// ports in use, among both registered and remaining resources.
fn resources<'a>(
    cpu: u32,
    memory_mib: u32,
    ports: impl Iterator<Item = &'a Port> + Clone,
    gpus: Vec<Str>,
    others: &[Resource],
) -> Vec<Resource> {
    let number = |name: &str, value: u32| Resource {
        integer_value: Some(i32::try_from(value).unwrap_or(i32::MAX)),
        ..empty(name, "INTEGER")
    };
    let set = |name: &str, protocol: Protocol| Resource {
        string_set_value: Some(
            ports
                .clone()
                .filter(|port| port.protocol == protocol)
                .map(|port| port.number.to_string().into())
                .collect(),
        ),
        ..empty(name, "STRINGSET")
    };
    let mut all = vec![
        number("CPU", cpu),
        number("MEMORY", memory_mib),
        set("PORTS", Protocol::Tcp),
        set("PORTS_UDP", Protocol::Udp),
    ];
    if !gpus.is_empty() {
        all.push(gpu_set(gpus));
    }
    all.extend(others.iter().cloned());
    all
}

fn empty(name: &str, kind: &str) -> Resource {
    Resource {
        name: Some(name.into()),
        kind: Some(kind.into()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(0),
        string_set_value: None,
    }
}

fn gpu_set(ids: Vec<Str>) -> Resource {
    Resource { string_set_value: Some(ids), ..empty("GPU", "STRINGSET") }
}

pub(crate) fn definition(definition: &TaskDefinition) -> task_definition::TaskDefinition {
    task_definition::TaskDefinition {
        status: Some(definition.status.word().into()),
        deregistered_at: seconds(definition.deregistered_at),
        delete_requested_at: seconds(definition.delete_requested_at),
        ..definition.content.clone()
    }
}

pub(crate) fn tasks_json(tasks: &[Arc<Task>], failures: &[Failure], with_tags: bool) -> Vec<u8> {
    let mut json = Vec::with_capacity(64 + tasks.len() * 1024);
    let response = Tasks { tasks: Shown { tasks, with_tags }, failures };
    serde_json::to_writer(&mut json, &response).expect("shapes are text, numbers and lists");
    json
}

/// The reply of `RunTask`, `StartTask` and `DescribeTasks`.
#[derive(Serialize)]
struct Tasks<'a> {
    tasks: Shown<'a>,
    failures: &'a [Failure],
}

/// Tasks as the API shows them, each built only when serialized, since a hundred of them exceed the
/// CPU cache.
struct Shown<'a> {
    tasks: &'a [Arc<Task>],
    with_tags: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.tasks.iter().map(|one| task(one, self.with_tags)))
    }
}

pub(crate) fn task_json(one: &Task) -> Vec<u8> {
    let response = task::StopTaskResponse { task: Some(task(one, false)) };
    serde_json::to_vec(&response).expect("shapes are text, numbers and lists")
}

pub(crate) fn task(task: &Task, with_tags: bool) -> task::Task {
    // Source: ECS API reference: a task echoes its overrides, and its health is that of its
    // essential containers.
    let word = |running: bool| if running { "RUNNING" } else { "STOPPED" };
    task::Task {
        attachments: Some(Vec::new()),
        attributes: Some(Vec::new()),
        availability_zone: task.availability_zone.clone(),
        cluster_arn: Some(task.template.cluster_arn.clone()),
        connectivity: task.started_at.map(|_| "CONNECTED".into()),
        connectivity_at: seconds(task.started_at),
        container_instance_arn: Some(task.instance_arn.clone()),
        containers: Some(
            task.each_container().map(|(spec, one)| container(task, spec, one)).collect(),
        ),
        cpu: Some(decimal(task.template.needs.cpu)),
        created_at: Some(task.created_at.wall().seconds()),
        desired_status: Some(word(task.desired_running).into()),
        enable_execute_command: Some(false),
        execution_stopped_at: seconds(task.execution_stopped_at),
        group: Some(task.template.group.clone()),
        health_status: Some(health(task)),
        last_status: Some(task.shown_status().into()),
        launch_type: Some("EC2".into()),
        memory: Some(decimal(task.template.needs.memory_mib)),
        overrides: Some(task.template.overrides.clone()),
        pull_started_at: seconds(task.pull_started_at),
        pull_stopped_at: seconds(task.pull_stopped_at),
        started_at: seconds(task.started_at),
        started_by: task.template.started_by.clone(),
        stop_code: task.stop_code.map(|code| code.word().into()),
        stopped_at: seconds(task.stopped_at),
        stopped_reason: task.stopped_reason.clone(),
        stopping_at: seconds(task.stopping_at),
        tags: Some(if with_tags { tags(&task.tags) } else { Vec::new() }),
        task_arn: Some(task.arn.clone()),
        task_definition_arn: Some(task.template.definition.arn.clone()),
        version: Some(task.version),
        ..Default::default()
    }
}

fn decimal(number: u32) -> Word {
    if number == 0 { "0".into() } else { number.to_string().into() }
}

fn health(task: &Task) -> Word {
    let worst = task.worst_health(ContainerSpec::essential);
    health_word(worst.unwrap_or(Health::Unknown)).into()
}

fn health_word(health: Health) -> &'static str {
    match health {
        Health::Unknown => "UNKNOWN",
        Health::Healthy => "HEALTHY",
        Health::Unhealthy => "UNHEALTHY",
    }
}

fn container(task: &Task, spec: &ContainerSpec, container: &Container) -> task::Container {
    let binding = |bound: &longshore_wire_ecs::host::PortBinding| task::NetworkBinding {
        bind_ip: Some(bound.bind_ip.clone()),
        container_port: Some(i32::from(bound.container_port)),
        host_port: Some(i32::from(bound.host_port)),
        protocol: Some(bound.protocol.clone()),
        ..Default::default()
    };
    let positive = |mib: u32| (mib > 0).then(|| decimal(mib));
    task::Container {
        container_arn: Some(container.arn.clone()),
        task_arn: Some(task.arn.clone()),
        name: spec.definition.name.clone(),
        image: spec.definition.image.clone(),
        image_digest: container.image_digest.clone(),
        runtime_id: container.runtime_id.clone(),
        last_status: Some(container.last_status.word().into()),
        exit_code: container.exit_code,
        reason: container.reason.clone(),
        network_bindings: Some(container.bindings.iter().map(binding).collect()),
        network_interfaces: Some(Vec::new()),
        health_status: Some(health_word(container.health).into()),
        cpu: Some(decimal(spec.cpu)),
        memory: positive(spec.memory_mib),
        memory_reservation: positive(spec.memory_reservation_mib),
        gpu_ids: (!container.gpu_ids.is_empty()).then(|| container.gpu_ids.clone()),
        ..Default::default()
    }
}
