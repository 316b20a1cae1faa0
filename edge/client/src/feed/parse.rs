//! Parses the body of a message. Unknown members are ignored; unlike in API answers, times are
//! text.
//!
//! Source: ECS developer guide, *Amazon ECS container instance state change events* and *task state
//! change events*.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};
use longshore_replica::{Container, Instance, LastStatus, News, PortMapping, StopCode, Task};
use longshore_wire_ecs::Str;
use serde::Deserialize;

use super::detail;

pub(super) const TASK: &str = "ECS Task State Change";
pub(super) const INSTANCE: &str = "ECS Container Instance State Change";

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "detail-type")]
    detail_type: Str,
}

#[derive(Deserialize)]
struct Envelope<Detail> {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstanceDetail {
    cluster_arn: Str,
    container_instance_arn: Str,
    #[serde(default)]
    ec2_instance_id: Option<Str>,
    status: Str,
    agent_connected: bool,
    registered_resources: Vec<Resource>,
    remaining_resources: Vec<Resource>,
    #[serde(default)]
    attributes: Vec<Attribute>,
    version: i64,
    updated_at: Str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: Str,
    #[serde(default)]
    integer_value: u32,
    #[serde(default)]
    string_set_value: Vec<Str>,
}

#[derive(Deserialize)]
struct Attribute {
    name: Str,
    #[serde(default)]
    value: Option<Str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskDetail {
    cluster_arn: Str,
    task_arn: Str,
    task_definition_arn: Str,
    #[serde(default)]
    container_instance_arn: Option<Str>,
    last_status: Str,
    desired_status: Str,
    #[serde(default)]
    started_by: Option<Str>,
    #[serde(default)]
    overrides: Overrides,
    #[serde(default)]
    containers: Vec<ContainerDetail>,
    #[serde(default)]
    stop_code: Option<Str>,
    #[serde(default)]
    stopped_reason: Option<Str>,
    #[serde(default)]
    created_at: Option<Str>,
    #[serde(default)]
    started_at: Option<Str>,
    version: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Overrides {
    #[serde(default)]
    container_overrides: Vec<ContainerOverride>,
}

#[derive(Deserialize)]
struct ContainerOverride {
    #[serde(default)]
    name: Str,
    #[serde(default)]
    environment: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerDetail {
    name: Str,
    #[serde(default)]
    last_status: Str,
    #[serde(default)]
    exit_code: Option<i32>,
    #[serde(default)]
    reason: Option<Str>,
    #[serde(default)]
    network_bindings: Vec<Binding>,
}

/// A port of a container. One that spans a range is told by its range, and is nobody's to check.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(default)]
    container_port: Option<u16>,
    #[serde(default)]
    host_port: Option<u16>,
    #[serde(default)]
    protocol: Option<Str>,
}

impl Binding {
    fn port(self) -> Option<PortMapping> {
        Some(PortMapping {
            container_port: self.container_port.filter(|port| *port > 0)?,
            host_port: self.host_port.filter(|port| *port > 0)?,
            udp: self.protocol.as_deref() == Some("udp"),
        })
    }
}

/// Parses a message about the given cluster, or with details about any; `None` if it is about another one, or about
/// something else.
///
/// # Errors
/// Why it cannot be parsed.
pub(super) fn event(body: &str, of_one: Option<&str>) -> Result<Option<News>, String> {
    let strange = |error: serde_json::Error| format!("a message is not an ECS event: {error}");
    let kind: Kind = serde_json::from_str(body).map_err(strange)?;
    match &*kind.detail_type {
        TASK => {
            let event: Envelope<TaskDetail> = serde_json::from_str(body).map_err(strange)?;
            let Some(cluster_arn) = of_one else {
                let rest = Some(Arc::new(detail::task(body).map_err(strange)?));
                return Ok(Some(News::Task(Task { detail: rest, ..task(event.detail) })));
            };
            let ours = *event.detail.cluster_arn == *cluster_arn;
            Ok(ours.then(|| News::Task(task(event.detail))))
        }
        INSTANCE => {
            let event: Envelope<InstanceDetail> = serde_json::from_str(body).map_err(strange)?;
            let at_ms = milliseconds(&event.detail.updated_at);
            let Some(cluster_arn) = of_one else {
                let rest = Some(Arc::new(detail::instance(body).map_err(strange)?));
                let told = Instance { detail: rest, ..instance(event.detail) };
                return Ok(Some(News::Instance(told, at_ms)));
            };
            let ours = *event.detail.cluster_arn == *cluster_arn;
            Ok(ours.then(|| News::Instance(instance(event.detail), at_ms)))
        }
        _ => Ok(None),
    }
}

/// A time in ms since the epoch; 0 if it cannot be parsed, which makes an event less informative
/// but not wrong.
fn milliseconds(time: &str) -> u64 {
    let time = DateTime::from_str(time, DateTimeFormat::DateTime).ok();
    time.and_then(|time| u64::try_from(time.to_millis().ok()?).ok()).unwrap_or(0)
}

fn instance(told: InstanceDetail) -> Instance {
    let amount = |resources: &[Resource], name: &str| {
        let found = resources.iter().find(|resource| &*resource.name == name);
        found.map_or(0, |resource| resource.integer_value)
    };
    let gpus = |resources: &[Resource]| {
        let found = resources.iter().find(|resource| &*resource.name == "GPU");
        let ids = found.map_or(0, |resource| resource.string_set_value.len());
        u32::try_from(ids).unwrap_or(u32::MAX)
    };
    let remaining = &told.remaining_resources;
    let ports = remaining.iter().filter(|one| matches!(&*one.name, "PORTS" | "PORTS_UDP"));
    Instance {
        arn: told.container_instance_arn,
        ec2_instance_id: told.ec2_instance_id,
        active: &*told.status == "ACTIVE",
        connected: told.agent_connected,
        cpu: amount(&told.registered_resources, "CPU"),
        memory_mib: amount(&told.registered_resources, "MEMORY"),
        cpu_remaining: amount(remaining, "CPU"),
        memory_mib_remaining: amount(remaining, "MEMORY"),
        gpus: gpus(&told.registered_resources),
        gpus_remaining: gpus(remaining),
        ports_used: ports
            .flat_map(|ports| &ports.string_set_value)
            .filter_map(|port| port.parse().ok())
            .collect(),
        attributes: told.attributes.into_iter().map(|one| (one.name, one.value)).collect(),
        running_tasks: 0,
        pending_tasks: 0,
        version: told.version,
        detail: None,
    }
}

fn task(told: TaskDetail) -> Task {
    let container = |one: ContainerDetail| Container {
        name: one.name,
        last_status: LastStatus::parse(&one.last_status),
        exit_code: one.exit_code,
        reason: one.reason,
        ports: one.network_bindings.into_iter().filter_map(Binding::port).collect(),
        ..Container::default()
    };
    let mut task = Task {
        arn: told.task_arn,
        definition_arn: told.task_definition_arn,
        instance_arn: told.container_instance_arn,
        last_status: LastStatus::parse(&told.last_status),
        desired_running: &*told.desired_status == "RUNNING",
        started_by: told.started_by,
        containers: told.containers.into_iter().map(container).collect(),
        stop_code: told.stop_code.as_deref().map(StopCode::parse),
        stopped_reason: told.stopped_reason,
        healthy: None,
        created_at_ms: told.created_at.as_deref().map_or(0, milliseconds),
        ran: told.started_at.is_some(),
        version: told.version,
        ..Task::default()
    };
    let overrides = told.overrides.container_overrides.into_iter();
    let variables = |one: ContainerOverride| {
        let pairs = one.environment.into_iter();
        let pairs: BTreeMap<Str, Str> =
            pairs.filter_map(|pair| Some((pair.name, pair.value?))).collect();
        (one.name, pairs)
    };
    task.overridden(overrides.map(variables).collect());
    task
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/default";

    fn envelope(kind: &str, detail: &Value) -> String {
        json!({ "version": "0", "id": "1", "detail-type": kind, "source": "aws.ecs",
            "resources": [], "detail": detail })
        .to_string()
    }

    fn instance_detail() -> Value {
        json!({
            "agentConnected": true, "clusterArn": CLUSTER, "containerInstanceArn": "arn:i",
            "ec2InstanceId": "i-1", "status": "ACTIVE", "version": 7,
            "updatedAt": "2026-01-02T03:04:05.67Z", "versionInfo": { "agentVersion": "1" },
            "attributes": [{ "name": "ecs.os-type", "value": "linux" }, { "name": "bare" }],
            "registeredResources": [{ "name": "CPU", "type": "INTEGER", "integerValue": 2048 }],
            "remainingResources": [
                { "name": "CPU", "type": "INTEGER", "integerValue": 1024 },
                { "name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "8080"] },
            ],
        })
    }

    #[test]
    fn an_instance_is_read_with_the_time_of_its_change() {
        let read = event(&envelope(INSTANCE, &instance_detail()), Some(CLUSTER));
        let Ok(Some(News::Instance(instance, at_ms))) = read else { panic!("{read:?}") };
        assert_eq!((instance.version, at_ms), (7, 1_767_323_045_670));
        assert_eq!((instance.cpu, instance.cpu_remaining), (2048, 1024));
        assert_eq!(instance.ports_used.iter().copied().collect::<Vec<_>>(), [22, 8080]);
        assert_eq!(instance.attribute("ecs.os-type").map(|value| &**value), Some("linux"));
    }

    #[test]
    fn a_task_is_read_as_a_describe_call_would_tell_it() {
        let detail = json!({
            "clusterArn": CLUSTER, "taskArn": "arn:t", "taskDefinitionArn": "arn:d",
            "containerInstanceArn": "arn:i", "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
            "startedBy": "me", "version": 4, "createdAt": "2026-01-02T03:04:05Z",
            "startedAt": "2026-01-02T03:04:06.1Z", "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [{ "name": "app", "exitCode": 3, "lastStatus": "STOPPED",
                "networkBindings": [
                    { "bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 31000, "protocol": "tcp" },
                    { "bindIP": "0.0.0.0", "containerPort": 53, "hostPort": 31001, "protocol": "udp" },
                    { "bindIP": "0.0.0.0", "containerPortRange": "90-99", "hostPortRange": "190-199" },
                ] }],
            "overrides": { "containerOverrides": [
                { "name": "app", "environment": [{ "name": "A", "value": "1" }] },
            ] },
        });
        let read = event(&envelope(TASK, &detail), Some(CLUSTER));
        let Ok(Some(News::Task(task))) = read else { panic!("{read:?}") };
        assert_eq!((task.last_status, task.ran, task.version), (LastStatus::Stopped, true, 4));
        assert_eq!(task.containers[0].exit_code, Some(3));
        let port = |container_port, host_port, udp| PortMapping { container_port, host_port, udp };
        assert_eq!(task.containers[0].ports, [port(80, 31_000, false), port(53, 31_001, true)]);
        assert_eq!(task.environment.get("A").map(|value| &**value), Some("1"));
        assert_eq!(task.stop_code, Some(StopCode::EssentialContainerExited));
        assert_eq!(task.created_at_ms, 1_767_323_045_000);
    }

    /// Of a group: each container has a status and an environment of its own.
    #[test]
    fn containers_of_a_task_are_told_apart() {
        let variables = |value: &str| json!([{ "name": "A", "value": value }]);
        let detail = json!({
            "clusterArn": CLUSTER, "taskArn": "arn:t", "taskDefinitionArn": "arn:d",
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "version": 4,
            "containers": [
                { "name": "one", "lastStatus": "RUNNING" },
                { "name": "two", "lastStatus": "STOPPED", "exitCode": 0 },
            ],
            "overrides": { "containerOverrides": [
                { "name": "one", "environment": variables("1") },
                { "name": "two", "environment": variables("2") },
            ] },
        });
        let read = event(&envelope(TASK, &detail), Some(CLUSTER));
        let Ok(Some(News::Task(task))) = read else { panic!("{read:?}") };
        let told = |name: &str| {
            let container = task.container(name).expect("it is there");
            (container.last_status, container.environment.get("A").map(|value| &**value))
        };
        assert_eq!(told("one"), (LastStatus::Running, Some("1")));
        assert_eq!(told("two"), (LastStatus::Stopped, Some("2")));
        assert!(task.environment.is_empty());
    }

    #[test]
    fn what_is_about_another_cluster_or_something_else_tells_nothing() {
        let mut other = instance_detail();
        other["clusterArn"] = "arn:other".into();
        for body in [envelope(INSTANCE, &other), envelope("ECS Service Action", &json!({}))] {
            assert_eq!(event(&body, Some(CLUSTER)), Ok(None));
        }
    }

    #[test]
    fn what_is_no_event_is_told_and_not_taken() {
        let mut lacks = instance_detail();
        lacks.as_object_mut().expect("it is an object").remove("version");
        for body in ["", "hello", "{}", "[1]", &envelope(INSTANCE, &lacks)] {
            let why = event(body, Some(CLUSTER)).expect_err(body);
            assert!(why.starts_with("a message is not an ECS event: "), "{why}");
        }
    }
}
