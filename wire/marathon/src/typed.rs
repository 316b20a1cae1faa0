//! From an app as it is written to one as it is kept, and back.

mod pod;

use std::collections::BTreeMap;

use crate::{
    App, Artifact, Backoff, Constraint, Container, ContainerKind, EnvValue, HealthCheck,
    HealthProtocol, KillSelection, Limit, Network, Operator, PathId, PortDefinition, PortMapping,
    ReadinessCheck, ResourceLimits, Unreachable, UpgradeStrategy, Volume, form,
};

/// A number with three decimals, in thousandths. What was checked is neither negative nor that large.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
fn milli(number: f64) -> u64 {
    (number * 1_000.0).round().clamp(0.0, 1e15) as u64
}

/// The same as it is written.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn number(milli: u64) -> f64 {
    milli as f64 / 1_000.0
}

fn small(milli: u64) -> u32 {
    u32::try_from(milli).unwrap_or(u32::MAX)
}

impl App {
    /// Keeps an app that is valid.
    pub fn of(form: form::App) -> Self {
        let port_mappings = form.mappings().iter().map(mapping_of).collect();
        let is_on_host = form.is_on_host();
        let definitions = form.port_definitions.unwrap_or_default();
        Self {
            id: PathId::kept(form.id),
            cmd: form.cmd,
            args: form.args,
            cpus_milli: milli(form.cpus).max(1),
            mem_milli: milli(form.mem),
            disk_milli: milli(form.disk),
            gpus: form.gpus,
            instances: form.instances,
            resource_limits: form.resource_limits.map(limits_of),
            user: form.user,
            container: form.container.map(container_of),
            networks: form.networks.iter().filter_map(network_of).collect(),
            port_mappings,
            port_definitions: definitions
                .into_iter()
                .filter(|_| is_on_host)
                .map(definition_of)
                .collect(),
            require_ports: form.require_ports,
            env: form.env.into_iter().map(|(name, value)| (name, value_of(value))).collect(),
            secrets: form.secrets.into_iter().map(|(name, one)| (name, one.source)).collect(),
            labels: form.labels,
            fetch: form.fetch.into_iter().map(artifact_of).collect(),
            constraints: form.constraints.iter().filter_map(|words| constraint_of(words)).collect(),
            health_checks: form.health_checks.iter().filter_map(check_of).collect(),
            readiness_checks: form.readiness_checks.into_iter().map(readiness_of).collect(),
            upgrade_strategy: upgrade_of(&form.upgrade_strategy),
            unreachable_strategy: unreachable_of(&form.unreachable_strategy),
            kill_selection: if form.kill_selection == OLDEST {
                KillSelection::OldestFirst
            } else {
                KillSelection::YoungestFirst
            },
            kill_grace_s: form.task_kill_grace_period_seconds,
            backoff: Backoff {
                first_ms: milli(form.backoff_seconds),
                factor_milli: milli(form.backoff_factor).max(1_000),
                most_ms: milli(form.max_launch_delay_seconds),
            },
            dependencies: form.dependencies.into_iter().map(PathId::kept).collect(),
            accepted_resource_roles: form.accepted_resource_roles,
            role: form.role,
            tty: form.tty.unwrap_or(false),
            pod: None,
            version_ms: 0,
            config_version_ms: 0,
            scaling_version_ms: 0,
        }
    }

    /// The app as it is written.
    pub fn form(&self) -> form::App {
        let is_on_host = self.networks.iter().all(|network| *network == Network::Host);
        let mappings = || self.port_mappings.iter().map(written_mapping).collect();
        form::App {
            id: self.id.to_string(),
            cmd: self.cmd.clone(),
            args: self.args.clone(),
            cpus: number(self.cpus_milli),
            mem: number(self.mem_milli),
            disk: number(self.disk_milli),
            gpus: self.gpus,
            instances: self.instances,
            backoff_seconds: number(self.backoff.first_ms),
            backoff_factor: number(self.backoff.factor_milli),
            max_launch_delay_seconds: number(self.backoff.most_ms),
            constraints: self.constraints.iter().map(written_constraint).collect(),
            container: self.container.as_ref().map(|container| form::Container {
                port_mappings: (!is_on_host).then(mappings),
                ..written_container(container)
            }),
            networks: self.networks.iter().map(written_network).collect(),
            port_definitions: is_on_host
                .then(|| self.port_definitions.iter().map(written_definition).collect()),
            require_ports: self.require_ports,
            env: self.env.iter().map(|(name, one)| (name.clone(), written_value(one))).collect(),
            secrets: self.secrets.iter().map(written_secret).collect(),
            resource_limits: self.resource_limits.as_ref().map(written_limits),
            tty: self.tty.then_some(true),
            labels: self.labels.clone(),
            fetch: self.fetch.iter().map(written_artifact).collect(),
            health_checks: self.health_checks.iter().map(written_check).collect(),
            readiness_checks: self.readiness_checks.iter().map(written_readiness).collect(),
            upgrade_strategy: written_upgrade(self.upgrade_strategy),
            unreachable_strategy: written_unreachable(self.unreachable_strategy),
            kill_selection: match self.kill_selection {
                KillSelection::OldestFirst => OLDEST.to_owned(),
                KillSelection::YoungestFirst => "YOUNGEST_FIRST".to_owned(),
            },
            task_kill_grace_period_seconds: self.kill_grace_s,
            dependencies: self.dependencies.iter().map(ToString::to_string).collect(),
            accepted_resource_roles: self.accepted_resource_roles.clone(),
            role: self.role.clone(),
            user: self.user.clone(),
            executor: String::new(),
        }
    }
}

const OLDEST: &str = "OLDEST_FIRST";

/// Protocols of health checks, and their words.
const PROTOCOLS: [(HealthProtocol, &str); 7] = [
    (HealthProtocol::Http, "HTTP"),
    (HealthProtocol::Https, "HTTPS"),
    (HealthProtocol::Tcp, "TCP"),
    (HealthProtocol::Command, "COMMAND"),
    (HealthProtocol::MesosHttp, "MESOS_HTTP"),
    (HealthProtocol::MesosHttps, "MESOS_HTTPS"),
    (HealthProtocol::MesosTcp, "MESOS_TCP"),
];

/// Operators of constraints.
const OPERATORS: [Operator; 7] = [
    Operator::Unique,
    Operator::Cluster,
    Operator::GroupBy,
    Operator::MaxPer,
    Operator::Like,
    Operator::Unlike,
    Operator::Is,
];

fn value_of(form: form::EnvValue) -> EnvValue {
    match form {
        form::EnvValue::Plain(text) => EnvValue::Plain(text),
        form::EnvValue::Secret(of) => EnvValue::Secret(of.secret),
    }
}

fn written_value(value: &EnvValue) -> form::EnvValue {
    match value.clone() {
        EnvValue::Plain(text) => form::EnvValue::Plain(text),
        EnvValue::Secret(secret) => form::EnvValue::Secret(form::SecretName { secret }),
    }
}

fn written_secret((name, source): (&String, &String)) -> (String, form::SecretSource) {
    (name.clone(), form::SecretSource { source: source.clone() })
}

fn limits_of(form: form::ResourceLimits) -> ResourceLimits {
    let limit = |one: form::Ceiling, least: u64| match one {
        form::Ceiling::Number(number) => Limit::Milli(milli(number).max(least)),
        form::Ceiling::Word(form::Unlimited::Unlimited) => Limit::Unlimited,
    };
    // As what is claimed: at least a thousandth of a CPU.
    ResourceLimits {
        cpus: form.cpus.map(|one| limit(one, 1)),
        mem: form.mem.map(|one| limit(one, 0)),
    }
}

fn written_limits(limits: &ResourceLimits) -> form::ResourceLimits {
    let written = |one: Limit| match one {
        Limit::Milli(milli) => form::Ceiling::Number(number(milli)),
        Limit::Unlimited => form::Ceiling::Word(form::Unlimited::Unlimited),
    };
    form::ResourceLimits { cpus: limits.cpus.map(written), mem: limits.mem.map(written) }
}

fn container_of(form: form::Container) -> Container {
    let docker = form.docker.unwrap_or_default();
    let volume = |one: form::Volume| Volume {
        container_path: one.container_path,
        host_path: one.host_path.unwrap_or_default(),
        is_writable: one.mode == "RW",
    };
    Container {
        kind: if form.r#type == "MESOS" { ContainerKind::Mesos } else { ContainerKind::Docker },
        image: Some(docker.image).filter(|image| !image.is_empty()),
        force_pull_image: docker.force_pull_image,
        privileged: docker.privileged,
        parameters: docker.parameters.into_iter().map(|one| (one.key, one.value)).collect(),
        volumes: form.volumes.into_iter().map(volume).collect(),
    }
}

fn written_container(container: &Container) -> form::Container {
    let docker = container.image.as_ref().map(|image| form::Docker {
        image: image.clone(),
        force_pull_image: container.force_pull_image,
        privileged: container.privileged,
        parameters: container
            .parameters
            .iter()
            .map(|(key, value)| form::Parameter { key: key.clone(), value: value.clone() })
            .collect(),
    });
    let volume = |one: &Volume| form::Volume {
        container_path: one.container_path.clone(),
        host_path: Some(one.host_path.clone()),
        mode: if one.is_writable { "RW" } else { "RO" }.to_owned(),
    };
    form::Container {
        r#type: match container.kind {
            ContainerKind::Docker => "DOCKER".to_owned(),
            ContainerKind::Mesos => "MESOS".to_owned(),
        },
        docker,
        volumes: container.volumes.iter().map(volume).collect(),
        port_mappings: None,
    }
}

fn network_of(form: &form::Network) -> Option<Network> {
    match form.mode.as_str() {
        "host" => Some(Network::Host),
        "container/bridge" => Some(Network::Bridge),
        "container" => Some(Network::Container(form.name.clone().unwrap_or_default())),
        _ => None,
    }
}

fn written_network(network: &Network) -> form::Network {
    let (mode, name) = match network {
        Network::Host => ("host", None),
        Network::Bridge => ("container/bridge", None),
        Network::Container(name) => ("container", Some(name.clone())),
    };
    let name = name.filter(|name| !name.is_empty());
    form::Network { mode: mode.to_owned(), name, labels: BTreeMap::new() }
}

fn mapping_of(form: &form::PortMapping) -> PortMapping {
    let form::PortMapping { container_port, host_port, service_port, protocol, name, labels } =
        form.clone();
    PortMapping { container_port, host_port, service_port, protocol, name, labels }
}

fn written_mapping(mapping: &PortMapping) -> form::PortMapping {
    let PortMapping { container_port, host_port, service_port, protocol, name, labels } =
        mapping.clone();
    form::PortMapping { container_port, host_port, service_port, protocol, name, labels }
}

fn definition_of(form: form::PortDefinition) -> PortDefinition {
    let form::PortDefinition { port, protocol, name, labels } = form;
    PortDefinition { port, protocol, name, labels }
}

fn written_definition(definition: &PortDefinition) -> form::PortDefinition {
    let PortDefinition { port, protocol, name, labels } = definition.clone();
    form::PortDefinition { port, protocol, name, labels }
}

fn artifact_of(form: form::Fetch) -> Artifact {
    let form::Fetch { uri, extract, executable, cache, dest_path } = form;
    Artifact { uri, extract, executable, cache, dest_path }
}

fn written_artifact(artifact: &Artifact) -> form::Fetch {
    let Artifact { uri, extract, executable, cache, dest_path } = artifact.clone();
    form::Fetch { uri, extract, executable, cache, dest_path }
}

fn constraint_of(words: &[String]) -> Option<Constraint> {
    let [field, operator, rest @ ..] = words else { return None };
    let operator = OPERATORS.into_iter().find(|one| one.word() == operator)?;
    let value = rest.first().filter(|value| !value.is_empty()).cloned();
    Some(Constraint { field: field.clone(), operator, value })
}

fn written_constraint(constraint: &Constraint) -> Vec<String> {
    let words = [constraint.field.clone(), constraint.operator.word().to_owned()];
    words.into_iter().chain(constraint.value.clone()).collect()
}

fn check_of(form: &form::HealthCheck) -> Option<HealthCheck> {
    let (protocol, _) = PROTOCOLS.into_iter().find(|(_, word)| *word == form.protocol)?;
    let ms = |seconds: u32| u64::from(seconds) * 1_000;
    let index = form.port_index.or((form.port.is_none()).then_some(0));
    Some(HealthCheck {
        protocol,
        path: form.path.clone(),
        command: form.command_value().map(str::to_owned),
        port_index: index.filter(|_| protocol != HealthProtocol::Command),
        port: form.port,
        grace_period_ms: ms(form.grace_period_seconds),
        interval_ms: ms(form.interval_seconds),
        timeout_ms: ms(form.timeout_seconds),
        max_consecutive_failures: form.max_consecutive_failures,
        ignore_http_1xx: form.ignore_http1xx,
        delay_ms: ms(form.delay_seconds),
    })
}

fn written_check(check: &HealthCheck) -> form::HealthCheck {
    let word = PROTOCOLS.into_iter().find(|(one, _)| *one == check.protocol);
    let seconds = |ms: u64| small(ms / 1_000);
    form::HealthCheck {
        protocol: word.map_or("HTTP", |(_, word)| word).to_owned(),
        path: check.path.clone(),
        port_index: check.port_index,
        port: check.port,
        command: check.command.as_ref().map(|value| serde_json::json!({ "value": value })),
        grace_period_seconds: seconds(check.grace_period_ms),
        interval_seconds: seconds(check.interval_ms),
        timeout_seconds: seconds(check.timeout_ms),
        max_consecutive_failures: check.max_consecutive_failures,
        delay_seconds: seconds(check.delay_ms),
        ignore_http1xx: check.ignore_http_1xx,
        ip_protocol: "IPv4".to_owned(),
    }
}

fn readiness_of(form: form::ReadinessCheck) -> ReadinessCheck {
    ReadinessCheck {
        name: form.name,
        is_https: form.protocol == "HTTPS",
        path: form.path,
        port_name: form.port_name,
        interval_ms: u64::from(form.interval_seconds) * 1_000,
        timeout_ms: u64::from(form.timeout_seconds) * 1_000,
        http_status_codes_for_ready: form.http_status_codes_for_ready,
        preserve_last_response: form.preserve_last_response,
    }
}

fn written_readiness(check: &ReadinessCheck) -> form::ReadinessCheck {
    form::ReadinessCheck {
        name: check.name.clone(),
        protocol: if check.is_https { "HTTPS" } else { "HTTP" }.to_owned(),
        path: check.path.clone(),
        port_name: check.port_name.clone(),
        interval_seconds: small(check.interval_ms / 1_000),
        timeout_seconds: small(check.timeout_ms / 1_000),
        http_status_codes_for_ready: check.http_status_codes_for_ready.clone(),
        preserve_last_response: check.preserve_last_response,
    }
}

fn upgrade_of(form: &form::UpgradeStrategy) -> UpgradeStrategy {
    UpgradeStrategy {
        minimum_health_capacity_milli: small(milli(form.minimum_health_capacity)),
        maximum_over_capacity_milli: small(milli(form.maximum_over_capacity)),
    }
}

fn written_upgrade(strategy: UpgradeStrategy) -> form::UpgradeStrategy {
    form::UpgradeStrategy {
        minimum_health_capacity: number(strategy.minimum_health_capacity_milli.into()),
        maximum_over_capacity: number(strategy.maximum_over_capacity_milli.into()),
    }
}

fn unreachable_of(form: &form::UnreachableStrategy) -> Unreachable {
    match form.times() {
        None => Unreachable::Disabled,
        Some((inactive, expunge)) => {
            Unreachable::After { inactive_s: inactive / 1_000, expunge_s: expunge / 1_000 }
        }
    }
}

fn written_unreachable(strategy: Unreachable) -> form::UnreachableStrategy {
    match strategy {
        Unreachable::Disabled => form::UnreachableStrategy::Disabled(form::Disabled::Disabled),
        Unreachable::After { inactive_s, expunge_s } => {
            form::UnreachableStrategy::After(form::After {
                inactive_after_seconds: small(inactive_s),
                expunge_after_seconds: small(expunge_s),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(value: &Value) -> form::App {
        form::read(value.as_object().expect("an object").clone()).expect("it is valid")
    }

    #[test]
    fn what_is_kept_is_written_as_it_was() {
        for value in [
            json!({"id": "/a", "cmd": "sleep 1"}),
            json!({
                "id": "/shop/web", "args": ["a", "b"], "cpus": 0.25, "mem": 32.5, "instances": 3,
                "container": {"type": "DOCKER", "docker": {"image": "nginx", "parameters": [{"key": "label", "value": "a=b"}]},
                    "volumes": [{"containerPath": "/data", "hostPath": "/srv", "mode": "RO"}],
                    "portMappings": [{"containerPort": 80, "hostPort": 0, "name": "http", "labels": {"VIP_0": "/web:80"}}]},
                "networks": [{"mode": "container/bridge"}],
                "env": {"A": "1", "B": {"secret": "db"}}, "secrets": {"db": {"source": "/prod/db"}},
                "resourceLimits": {"cpus": "unlimited", "mem": 64}, "tty": true, "labels": {"team": "blue"},
                "constraints": [["hostname", "UNIQUE"], ["rack", "LIKE", "rack-[1-3]"]],
                "healthChecks": [{"protocol": "HTTP", "path": "/health", "portIndex": 0, "gracePeriodSeconds": 5}],
                "readinessChecks": [{"portName": "http"}],
                "upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.2},
                "unreachableStrategy": "disabled", "killSelection": "OLDEST_FIRST", "backoffFactor": 1.5,
                "fetch": [{"uri": "http://files/a.tgz", "cache": true}], "dependencies": ["/shop/db"],
                "taskKillGracePeriodSeconds": 7,
            }),
            json!({"id": "/h", "cmd": "x", "requirePorts": true, "portDefinitions": [{"port": 8080}, {"port": 0, "protocol": "udp"}],
                "healthChecks": [{"protocol": "COMMAND", "command": {"value": "true"}}]}),
        ] {
            let form = written(&value);
            assert_eq!(App::of(form.clone()).form(), form, "{value}");
        }
    }
}
