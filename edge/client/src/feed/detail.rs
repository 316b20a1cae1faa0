//! The rest of the records that events tell, for those who show them in full. Times are kept as ECS wrote them.

use longshore_replica::{
    BindingDetail, ContainerDetail, InstanceDetail, OverrideDetail, Resource, TaskDetail,
};
use longshore_wire_ecs::Str;
use serde::Deserialize;
use serde_json::Number;

#[derive(Deserialize)]
struct Envelope<Detail> {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldInstance {
    cluster_arn: Str,
    status: Str,
    agent_update_status: Option<Str>,
    #[serde(default)]
    version_info: ToldVersions,
    #[serde(default)]
    registered_resources: Vec<ToldResource>,
    #[serde(default)]
    remaining_resources: Vec<ToldResource>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldVersions {
    agent_hash: Option<Str>,
    agent_version: Option<Str>,
    docker_version: Option<Str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldResource {
    #[serde(default)]
    name: Str,
    #[serde(default, rename = "type")]
    kind: Str,
    integer_value: Option<Number>,
    long_value: Option<Number>,
    double_value: Option<f64>,
    #[serde(default)]
    string_set_value: Vec<String>,
}

impl ToldResource {
    fn resource(self) -> Resource {
        let number = |given: Option<Number>| given.map(|number| number.to_string());
        let value = match &*self.kind {
            "INTEGER" => number(self.integer_value).unwrap_or_default(),
            "LONG" => number(self.long_value).unwrap_or_default(),
            "DOUBLE" => self.double_value.map(|value| format!("{value:.2}")).unwrap_or_default(),
            "STRINGSET" => self.string_set_value.join(","),
            _ => String::new(),
        };
        Resource { name: self.name, kind: self.kind, value: value.into() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldTask {
    cluster_arn: Str,
    last_status: Str,
    desired_status: Str,
    #[serde(default)]
    created_at: Str,
    started_at: Option<Str>,
    stopped_at: Option<Str>,
    #[serde(default)]
    containers: Vec<ToldContainer>,
    #[serde(default)]
    overrides: ToldOverrides,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldContainer {
    #[serde(default)]
    container_arn: Str,
    #[serde(default)]
    name: Str,
    #[serde(default)]
    last_status: Str,
    exit_code: Option<i32>,
    reason: Option<Str>,
    #[serde(default)]
    network_bindings: Vec<ToldBinding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldBinding {
    #[serde(default, rename = "bindIP")]
    ip: Str,
    container_port: Option<u16>,
    host_port: Option<u16>,
    #[serde(default)]
    protocol: Str,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldOverrides {
    #[serde(default)]
    container_overrides: Vec<ToldOverride>,
    task_role_arn: Option<Str>,
}

#[derive(Deserialize)]
struct ToldOverride {
    #[serde(default)]
    name: Str,
    command: Option<Vec<Str>>,
    #[serde(default)]
    environment: Vec<ToldPair>,
}

#[derive(Deserialize)]
struct ToldPair {
    name: Str,
    #[serde(default)]
    value: Str,
}

pub(super) fn instance(body: &str) -> serde_json::Result<InstanceDetail> {
    let told: Envelope<ToldInstance> = serde_json::from_str(body)?;
    let told = told.detail;
    let all = |given: Vec<ToldResource>| given.into_iter().map(ToldResource::resource).collect();
    Ok(InstanceDetail {
        cluster_arn: told.cluster_arn,
        status: told.status,
        agent_update_status: told.agent_update_status,
        agent_hash: told.version_info.agent_hash,
        agent_version: told.version_info.agent_version,
        docker_version: told.version_info.docker_version,
        registered: all(told.registered_resources),
        remaining: all(told.remaining_resources),
    })
}

pub(super) fn task(body: &str) -> serde_json::Result<TaskDetail> {
    let told: Envelope<ToldTask> = serde_json::from_str(body)?;
    let told = told.detail;
    let binding = |one: ToldBinding| {
        let (container_port, host_port) = (one.container_port?, one.host_port?);
        Some(BindingDetail { ip: one.ip, container_port, host_port, protocol: one.protocol })
    };
    let container = |one: ToldContainer| ContainerDetail {
        arn: one.container_arn,
        name: one.name,
        last_status: one.last_status,
        exit_code: one.exit_code,
        reason: one.reason,
        bindings: one.network_bindings.into_iter().filter_map(binding).collect(),
    };
    let overridden = |one: ToldOverride| OverrideDetail {
        name: one.name,
        command: one.command,
        environment: one.environment.into_iter().map(|pair| (pair.name, pair.value)).collect(),
    };
    Ok(TaskDetail {
        cluster_arn: told.cluster_arn,
        last_status: told.last_status,
        desired_status: told.desired_status,
        created_at: told.created_at,
        started_at: told.started_at,
        stopped_at: told.stopped_at,
        containers: told.containers.into_iter().map(container).collect(),
        overrides: told.overrides.container_overrides.into_iter().map(overridden).collect(),
        task_role_arn: told.overrides.task_role_arn,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_rest_of_an_instance_is_text_as_blox_wrote_it() {
        let body = json!({ "detail": {
            "clusterArn": "arn:c", "status": "DRAINING",
            "versionInfo": { "agentVersion": "1.2" },
            "registeredResources": [
                { "name": "CPU", "type": "INTEGER", "integerValue": 2048 },
                { "name": "D", "type": "DOUBLE", "doubleValue": 0.0 },
                { "name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "2376"] },
            ],
        } });
        let told = instance(&body.to_string()).expect("it is an event");
        let values: Vec<&str> = told.registered.iter().map(|one| &*one.value).collect();
        assert_eq!(values, ["2048", "0.00", "22,2376"]);
        assert_eq!((&*told.status, told.agent_version.as_deref()), ("DRAINING", Some("1.2")));
    }

    #[test]
    fn the_rest_of_a_task_keeps_the_times_of_the_event() {
        let body = json!({ "detail": {
            "clusterArn": "arn:c", "lastStatus": "RUNNING", "desiredStatus": "RUNNING",
            "createdAt": "2026-01-02T03:04:05.67Z", "startedAt": "2026-01-02T03:04:06Z",
            "containers": [{ "containerArn": "arn:k", "name": "app", "lastStatus": "RUNNING",
                "networkBindings": [{ "bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 8080, "protocol": "tcp" }] }],
            "overrides": { "containerOverrides": [{ "name": "app", "command": ["a"] }, { "name": "b" }] },
        } });
        let told = task(&body.to_string()).expect("it is an event");
        assert_eq!(&*told.created_at, "2026-01-02T03:04:05.67Z");
        assert_eq!(told.containers[0].bindings[0].host_port, 8080);
        assert_eq!(
            (told.overrides[0].command.is_some(), told.overrides[1].command.is_some()),
            (true, false)
        );
    }
}
