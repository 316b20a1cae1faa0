//! The JSON of the cluster state service. Members are in the order of the wire; note the case of `ARN`.
//!
//! Source: blox.md 1.5.

use serde::{Deserialize, Serialize};

fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// A list.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Items<T> {
    /// What was found, in no order; `[]` if nothing was.
    pub items: Vec<T>,
}

/// A record, and which version of it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record.
    pub entity: T,
    /// About the record.
    pub metadata: Metadata,
}

/// About a record.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Metadata {
    /// The change that made it so, in decimal digits: one count over all records. Not ECS's own version.
    #[serde(rename = "entityVersion")]
    pub entity_version: String,
}

impl<T> Versioned<T> {
    /// The record as that change made it.
    pub fn new(entity: T, version: u64) -> Self {
        Self { entity, metadata: Metadata { entity_version: version.to_string() } }
    }
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// ARN of its cluster.
    #[serde(rename = "clusterARN")]
    pub cluster_arn: String,
    /// ARN of the instance that it runs on.
    #[serde(rename = "containerInstanceARN")]
    pub container_instance_arn: String,
    /// Its containers.
    pub containers: Vec<Container>,
    /// When it was created, as ISO 8601.
    pub created_at: String,
    /// RUNNING or STOPPED.
    pub desired_status: String,
    /// As ECS says it, in upper case.
    pub last_status: String,
    /// What its start changed of its definition.
    pub overrides: Overrides,
    /// When it began to run, as ISO 8601.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub started_at: String,
    /// Who started it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub started_by: String,
    /// When it stopped, as ISO 8601.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stopped_at: String,
    /// Why it stopped, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stopped_reason: String,
    /// Its ARN.
    #[serde(rename = "taskARN")]
    pub task_arn: String,
    /// ARN of its definition.
    #[serde(rename = "taskDefinitionARN")]
    pub task_definition_arn: String,
}

/// A container of a task.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its ARN.
    #[serde(rename = "containerARN")]
    pub container_arn: String,
    /// Its exit code. 0 is not written, as if it had none: so Blox does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exit_code: i32,
    /// As ECS says it.
    pub last_status: String,
    /// Its name in the task definition.
    pub name: String,
    /// Its ports; `null` if there are none.
    pub network_bindings: Option<Vec<NetworkBinding>>,
    /// Why it stopped, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A port of a container on its host.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkBinding {
    /// The address on the host.
    #[serde(rename = "bindIP")]
    pub bind_ip: String,
    /// The port in the container.
    pub container_port: u16,
    /// The port on the host.
    pub host_port: u16,
    /// `tcp` or `udp`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
}

/// What the start of a task changed of its definition.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Overrides {
    /// By container; `[]` if there are none.
    pub container_overrides: Vec<ContainerOverride>,
    /// ARN of the role.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task_role_arn: String,
}

/// What the start of a task changed of a container.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ContainerOverride {
    /// The command; `null` if it is that of the definition.
    pub command: Option<Vec<String>>,
    /// Variables; `null` if there are none.
    pub environment: Option<Vec<Variable>>,
    /// The container's name.
    pub name: String,
}

/// An environment variable.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A container instance.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// For example `i-0123456789abcdef0`.
    #[serde(rename = "EC2InstanceID", default, skip_serializing_if = "String::is_empty")]
    pub ec2_instance_id: String,
    /// Whether its agent is connected.
    pub agent_connected: bool,
    /// How an update of its agent goes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent_update_status: String,
    /// Its attributes; `null` if there are none.
    pub attributes: Option<Vec<Attribute>>,
    /// ARN of its cluster.
    #[serde(rename = "clusterARN")]
    pub cluster_arn: String,
    /// Its ARN.
    #[serde(rename = "containerInstanceARN")]
    pub container_instance_arn: String,
    /// What it has.
    pub registered_resources: Vec<Resource>,
    /// What no task has reserved of it.
    pub remaining_resources: Vec<Resource>,
    /// As ECS says it, in upper case.
    pub status: String,
    /// Versions of what runs on it.
    pub version_info: VersionInfo,
}

/// An attribute of an instance.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value; `null` if it has none.
    pub value: Option<String>,
}

/// A resource of an instance.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Resource {
    /// For example `CPU`.
    pub name: String,
    /// `INTEGER`, `LONG`, `DOUBLE` or `STRINGSET`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Always a string: a number in digits, a DOUBLE with two decimals, a set joined by commas.
    pub value: String,
}

/// Versions of what runs on an instance.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// Commit of the agent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent_hash: String,
    /// Version of the agent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent_version: String,
    /// Version of Docker.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docker_version: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn task() -> Task {
        Task {
            cluster_arn: "arn:c".to_owned(),
            container_instance_arn: "arn:i".to_owned(),
            containers: vec![Container {
                container_arn: "arn:k".to_owned(),
                exit_code: 0,
                last_status: "RUNNING".to_owned(),
                name: "nginx".to_owned(),
                network_bindings: None,
                reason: String::new(),
            }],
            created_at: "2017-03-15T10:00:00Z".to_owned(),
            desired_status: "RUNNING".to_owned(),
            last_status: "RUNNING".to_owned(),
            overrides: Overrides::default(),
            started_at: String::new(),
            started_by: String::new(),
            stopped_at: String::new(),
            stopped_reason: String::new(),
            task_arn: "arn:t".to_owned(),
            task_definition_arn: "arn:d".to_owned(),
        }
    }

    #[test]
    fn a_task_that_has_little_is_written_to_the_byte() {
        let written = json::line(&Versioned::new(task(), 7)).expect("it can be written");
        let wanted = concat!(
            r#"{"entity":{"clusterARN":"arn:c","containerInstanceARN":"arn:i","containers":["#,
            r#"{"containerARN":"arn:k","lastStatus":"RUNNING","name":"nginx","networkBindings":null}],"#,
            r#""createdAt":"2017-03-15T10:00:00Z","desiredStatus":"RUNNING","lastStatus":"RUNNING","#,
            r#""overrides":{"containerOverrides":[]},"taskARN":"arn:t","taskDefinitionARN":"arn:d"},"#,
            r#""metadata":{"entityVersion":"7"}}"#,
            "\n",
        );
        assert_eq!(written, wanted);
    }

    #[test]
    fn a_task_that_has_everything_is_written_to_the_byte() {
        let mut task = task();
        task.containers[0].exit_code = 137;
        task.containers[0].reason = "OOM".to_owned();
        let binding = NetworkBinding {
            bind_ip: "0.0.0.0".to_owned(),
            container_port: 80,
            host_port: 8080,
            protocol: "tcp".to_owned(),
        };
        task.containers[0].network_bindings = Some(vec![binding]);
        let variable = Variable { name: "A".to_owned(), value: "1".to_owned() };
        task.overrides = Overrides {
            container_overrides: vec![
                ContainerOverride {
                    command: Some(vec!["sleep".to_owned()]),
                    environment: Some(vec![variable]),
                    name: "nginx".to_owned(),
                },
                ContainerOverride { command: None, environment: None, name: "x".to_owned() },
            ],
            task_role_arn: "arn:r".to_owned(),
        };
        task.started_at = "a".to_owned();
        task.started_by = "b".to_owned();
        task.stopped_at = "c".to_owned();
        task.stopped_reason = "d".to_owned();
        let written = serde_json::to_string(&task).expect("it can be written");
        let wanted = concat!(
            r#"{"clusterARN":"arn:c","containerInstanceARN":"arn:i","containers":["#,
            r#"{"containerARN":"arn:k","exitCode":137,"lastStatus":"RUNNING","name":"nginx","#,
            r#""networkBindings":[{"bindIP":"0.0.0.0","containerPort":80,"hostPort":8080,"protocol":"tcp"}],"reason":"OOM"}],"#,
            r#""createdAt":"2017-03-15T10:00:00Z","desiredStatus":"RUNNING","lastStatus":"RUNNING","#,
            r#""overrides":{"containerOverrides":[{"command":["sleep"],"environment":[{"name":"A","value":"1"}],"name":"nginx"},"#,
            r#"{"command":null,"environment":null,"name":"x"}],"taskRoleArn":"arn:r"},"#,
            r#""startedAt":"a","startedBy":"b","stoppedAt":"c","stoppedReason":"d","#,
            r#""taskARN":"arn:t","taskDefinitionARN":"arn:d"}"#,
        );
        assert_eq!(written, wanted);
    }

    #[test]
    fn an_instance_is_written_to_the_byte() {
        let resource = |name: &str, kind: &str, value: &str| Resource {
            name: name.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
        };
        let mut instance = Instance {
            ec2_instance_id: "i-1".to_owned(),
            agent_connected: true,
            agent_update_status: String::new(),
            attributes: None,
            cluster_arn: "arn:c".to_owned(),
            container_instance_arn: "arn:i".to_owned(),
            registered_resources: vec![resource("CPU", "INTEGER", "1024")],
            remaining_resources: vec![resource("PORTS", "STRINGSET", "22,2376")],
            status: "ACTIVE".to_owned(),
            version_info: VersionInfo {
                agent_version: "1.14.0".to_owned(),
                ..VersionInfo::default()
            },
        };
        let written = serde_json::to_string(&instance).expect("it can be written");
        let wanted = concat!(
            r#"{"EC2InstanceID":"i-1","agentConnected":true,"attributes":null,"clusterARN":"arn:c","#,
            r#""containerInstanceARN":"arn:i","#,
            r#""registeredResources":[{"name":"CPU","type":"INTEGER","value":"1024"}],"#,
            r#""remainingResources":[{"name":"PORTS","type":"STRINGSET","value":"22,2376"}],"#,
            r#""status":"ACTIVE","versionInfo":{"agentVersion":"1.14.0"}}"#,
        );
        assert_eq!(written, wanted);
        instance.ec2_instance_id.clear();
        instance.attributes = Some(vec![Attribute { name: "a".to_owned(), value: None }]);
        let written = serde_json::to_string(&instance).expect("it can be written");
        let start =
            r#"{"agentConnected":true,"attributes":[{"name":"a","value":null}],"clusterARN""#;
        assert!(written.starts_with(start), "{written}");
    }

    #[test]
    fn an_empty_list_is_a_list() {
        let list: Items<Versioned<Task>> = Items { items: Vec::new() };
        assert_eq!(json::line(&list).ok().as_deref(), Some("{\"items\":[]}\n"));
    }
}
