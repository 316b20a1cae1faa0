//! What a valid app is. Source: frameworks.md 3.1, the paragraph "Validations".

use std::collections::BTreeSet;

use super::error::Detail;
use super::path::RESERVED;
use super::{
    App, Container, HealthCheck, UnreachableStrategy, ceilings, is_path, limits, secrets, texts,
};

/// The operators of constraints. Source: frameworks.md 3.4.
pub const OPERATORS: [&str; 7] =
    ["UNIQUE", "CLUSTER", "GROUP_BY", "MAX_PER", "LIKE", "UNLIKE", "IS"];

const PROTOCOLS: [&str; 7] =
    ["HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"];

/// What was found to be wrong.
pub(super) struct Found(pub(super) Vec<Detail>);

impl Found {
    pub(super) fn unless(
        &mut self,
        is_right: bool,
        path: impl Into<String>,
        text: impl Into<String>,
    ) {
        if !is_right {
            self.0.push(Detail::new(path, text));
        }
    }
}

/// What is wrong with an app; nothing, if it is valid.
pub fn validate(app: &App) -> Vec<Detail> {
    let mut found = Found(Vec::new());
    what_runs(app, &mut found);
    amounts(app, &mut found);
    strategies(app, &mut found);
    networks(app, &mut found);
    ports(app, &mut found);
    constraints(app, &mut found);
    checks(app, &mut found);
    found.0.extend(secrets::wrong(&app.env, &app.secrets));
    found.0.extend(ceilings::wrong(app));
    found.0.extend(texts::wrong(app));
    found.0
}

fn what_runs(app: &App, found: &mut Found) {
    let text = "fully qualified path of labels: lower case letters, digits and dashes, at most 200 characters";
    found.unless(is_path(&app.id), "/id", format!("must be a {text}"));
    let is_reserved = RESERVED.iter().any(|word| app.id.rsplit('/').next() == Some(word));
    let text = format!("must not end with a reserved word: {}", RESERVED.join(", "));
    found.unless(!is_reserved, "/id", text);
    let image = app.container.as_ref().and_then(|container| container.docker.as_ref());
    let either = match (&app.cmd, &app.args) {
        (Some(_), Some(_)) => false,
        (None, None) => image.is_some(),
        _ => true,
    };
    let text = "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.";
    found.unless(either, "/", text);
    let is_empty = app.cmd.as_deref().is_some_and(str::is_empty);
    found.unless(!is_empty, "/cmd", "must not be empty");
    let known = ["", "//cmd"].contains(&app.executor.as_str());
    found.unless(known, "/executor", "custom executors are not supported: must be '' or '//cmd'");
    if let Some(container) = &app.container {
        container_of(container, found);
    }
    for (at, fetch) in app.fetch.iter().enumerate() {
        found.unless(!fetch.uri.is_empty(), format!("/fetch({at})/uri"), "must not be empty");
    }
    for (at, id) in app.dependencies.iter().enumerate() {
        found.unless(
            is_path(id) && *id != app.id,
            format!("/dependencies({at})"),
            "must be the id of another app or group",
        );
    }
}

fn container_of(container: &Container, found: &mut Found) {
    let docker = container.docker.as_ref();
    let is_docker = container.r#type == "DOCKER";
    let is_known = is_docker || container.r#type == "MESOS";
    found.unless(is_known, "/container/type", "must be DOCKER or MESOS");
    let is_named = !is_docker || docker.is_some_and(|one| !one.image.is_empty());
    found.unless(is_named, "/container/docker/image", "must not be empty");
    // Nobody would do these for another container.
    let is_privileged = docker.is_some_and(|one| one.privileged);
    let text = "must be false: only containers of type DOCKER may have it";
    found.unless(is_docker || !is_privileged, "/container/docker/privileged", text);
    let has_parameters = docker.is_some_and(|one| !one.parameters.is_empty());
    let text = "must be empty: only containers of type DOCKER have them";
    found.unless(is_docker || !has_parameters, "/container/docker/parameters", text);
    for (at, volume) in container.volumes.iter().enumerate() {
        let path = format!("/container/volumes({at})");
        let is_from = volume.host_path.as_deref().is_some_and(|host| !host.is_empty());
        found.unless(is_from, format!("{path}/hostPath"), "must be given");
        let is_to = !volume.container_path.is_empty();
        found.unless(is_to, format!("{path}/containerPath"), "must not be empty");
        let is_mode = ["RO", "RW"].contains(&volume.mode.as_str());
        found.unless(is_mode, format!("{path}/mode"), "must be RO or RW");
    }
}

fn amounts(app: &App, found: &mut Found) {
    let most = 1e9;
    found.unless(app.cpus >= 0.001 && app.cpus <= most, "/cpus", "must be between 0.001 and 1e9");
    found.unless(app.mem >= 0.0 && app.mem <= most, "/mem", "must be between 0 and 1e9");
    found.unless(app.disk >= 0.0 && app.disk <= most, "/disk", "must be between 0 and 1e9");
    let is_docker = app.container.as_ref().is_some_and(|container| container.r#type == "DOCKER");
    found.unless(
        app.gpus == 0 || !is_docker,
        "/gpus",
        "GPUs are not supported by the DOCKER container type",
    );
    let text = format!("must be at most {}", limits::INSTANCES_MAX);
    found.unless(app.instances <= limits::INSTANCES_MAX, "/instances", text);
    let single =
        app.labels.get("MARATHON_SINGLE_INSTANCE_APP").is_some_and(|value| value == "true");
    found.unless(
        !single || app.instances <= 1,
        "/instances",
        "must be 0 or 1 for a single instance app",
    );
    if let Some(roles) = &app.accepted_resource_roles {
        found.unless(!roles.is_empty(), "/acceptedResourceRoles", "must not be empty");
    }
}

fn strategies(app: &App, found: &mut Found) {
    let part = |value: f64| (0.0..=1.0).contains(&value);
    let strategy = &app.upgrade_strategy;
    let text = "must be between 0.0 and 1.0";
    found.unless(
        part(strategy.minimum_health_capacity),
        "/upgradeStrategy/minimumHealthCapacity",
        text,
    );
    found.unless(
        part(strategy.maximum_over_capacity),
        "/upgradeStrategy/maximumOverCapacity",
        text,
    );
    let single =
        app.labels.get("MARATHON_SINGLE_INSTANCE_APP").is_some_and(|value| value == "true");
    let none = strategy.minimum_health_capacity <= 0.0 && strategy.maximum_over_capacity <= 0.0;
    found.unless(
        !single || none,
        "/upgradeStrategy",
        "must have minimumHealthCapacity 0 and maximumOverCapacity 0 for a single instance app",
    );
    let year = 365.0 * 86_400.0;
    found.unless(
        (0.0..=year).contains(&app.backoff_seconds),
        "/backoffSeconds",
        "must be between 0 and a year",
    );
    found.unless(
        (1.0..=1e6).contains(&app.backoff_factor),
        "/backoffFactor",
        "must be between 1.0 and 1e6",
    );
    found.unless(
        (0.0..=year).contains(&app.max_launch_delay_seconds),
        "/maxLaunchDelaySeconds",
        "must be between 0 and a year",
    );
    if let UnreachableStrategy::After(after) = &app.unreachable_strategy {
        found.unless(
            after.expunge_after_seconds >= after.inactive_after_seconds,
            "/unreachableStrategy/expungeAfterSeconds",
            "must be at least inactiveAfterSeconds",
        );
    }
    let known = ["YOUNGEST_FIRST", "OLDEST_FIRST"].contains(&app.kill_selection.as_str());
    found.unless(known, "/killSelection", "must be YOUNGEST_FIRST or OLDEST_FIRST");
}

fn networks(app: &App, found: &mut Found) {
    let mut names = BTreeSet::new();
    for (at, network) in app.networks.iter().enumerate() {
        let path = format!("/networks({at})");
        let mode = network.mode.as_str();
        let known = ["host", "container", "container/bridge"].contains(&mode);
        found.unless(known, format!("{path}/mode"), "must be host, container or container/bridge");
        let name = network.name.as_ref().filter(|name| !name.is_empty());
        if mode == "container" {
            let text = "must be given: there is no default network";
            found.unless(name.is_some(), format!("{path}/name"), text);
            found.unless(names.insert(name), format!("{path}/name"), "must be unique");
        } else {
            let text = "must be left out: only a container network has one";
            found.unless(name.is_none(), format!("{path}/name"), text);
            found.unless(
                app.networks.len() == 1,
                path.clone(),
                "host and bridge networks stand alone",
            );
        }
        let text = "must be empty: labels of networks are not passed on";
        found.unless(network.labels.is_empty(), format!("{path}/labels"), text);
    }
    let is_docker = app.container.as_ref().is_some_and(|one| one.r#type == "DOCKER");
    let text = "may only be a single container network with containers of type DOCKER";
    found.unless(!is_docker || names.len() < 2, "/networks", text);
    host_or_container(app, found);
}

/// Ports are those of the network.
fn host_or_container(app: &App, found: &mut Found) {
    let mapped = app
        .container
        .as_ref()
        .is_some_and(|one| one.port_mappings.as_ref().is_some_and(|all| !all.is_empty()));
    found.unless(
        !mapped || !app.is_on_host(),
        "/container/portMappings",
        "must be empty on the host network",
    );
    let defined = app.port_definitions.as_ref().is_some_and(|all| !all.is_empty());
    found.unless(
        !defined || app.is_on_host(),
        "/portDefinitions",
        "must be empty unless the network is host",
    );
    found.unless(
        app.is_on_host() || app.container.is_some(),
        "/networks",
        "a container network needs a container",
    );
}

fn ports(app: &App, found: &mut Found) {
    let service = app.service_ports();
    found.unless(
        service.len() <= limits::PORTS_MAX,
        "/ports",
        format!("must be at most {}", limits::PORTS_MAX),
    );
    let mut seen = BTreeSet::new();
    let unique = service.iter().filter(|port| **port != 0).all(|port| seen.insert(*port));
    found.unless(unique, "/ports", "must be unique");
    let definitions =
        app.port_definitions.iter().flatten().map(|port| (&port.name, &port.protocol));
    let mappings = app.mappings().iter().map(|port| (&port.name, &port.protocol));
    let mut names = BTreeSet::new();
    for (at, (name, protocol)) in definitions.chain(mappings).enumerate() {
        if let Some(name) = name {
            found.unless(names.insert(name), format!("/ports({at})/name"), "must be unique");
            let text = "must be lower case letters, digits and inner dashes";
            found.unless(is_port_name(name), format!("/ports({at})/name"), text);
        }
        let known = ["tcp", "udp", "udp,tcp", "tcp,udp"].contains(&protocol.as_str());
        found.unless(known, format!("/ports({at})/protocol"), "must be tcp, udp or udp,tcp");
    }
}

/// Source: Marathon, `LegacyName` of its RAML.
fn is_port_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && !name.starts_with('-') && !name.ends_with('-') && name.chars().all(is_inner)
}

fn constraints(app: &App, found: &mut Found) {
    let mut seen = BTreeSet::new();
    for (at, words) in app.constraints.iter().enumerate() {
        let path = format!("/constraints({at})");
        found.unless(seen.insert(words), path.clone(), "must be unique");
        constraint(words, &path, found);
    }
}

/// What is wrong with a constraint: field, operator and value.
pub(super) fn constraint(words: &[String], path: &str, found: &mut Found) {
    let [_, operator, rest @ ..] = words else {
        return found.unless(false, path, "must have two or three members: field, operator, value");
    };
    let value = rest.first().map(String::as_str);
    found.unless(rest.len() <= 1, path, "must have two or three members");
    let text = format!("Operator must be one of {}", OPERATORS.join(", "));
    found.unless(OPERATORS.contains(&operator.as_str()), path, text);
    let is_number = |value: &str| value.parse::<u32>().is_ok_and(|number| number > 0);
    match operator.as_str() {
        "UNIQUE" => found.unless(value.is_none_or(str::is_empty), path, "UNIQUE takes no value"),
        "GROUP_BY" => found.unless(value.is_none_or(is_number), path, "GROUP_BY takes a number"),
        "MAX_PER" => found.unless(value.is_some_and(is_number), path, "MAX_PER needs a number"),
        "LIKE" | "UNLIKE" => found.unless(value.is_some(), path, "needs a regular expression"),
        "IS" => found.unless(value.is_some(), path, "IS needs a value"),
        _ => {}
    }
}

fn checks(app: &App, found: &mut Found) {
    let most = limits::HEALTH_CHECKS_MAX;
    found.unless(
        app.health_checks.len() <= most,
        "/healthChecks",
        format!("must be at most {most}"),
    );
    let of_mesos = app.health_checks.iter().filter(|check| check.is_of_mesos()).count();
    found.unless(of_mesos <= 1, "/healthChecks", "at most one COMMAND or MESOS_* check");
    let ports = app.service_ports().len();
    for (at, check) in app.health_checks.iter().enumerate() {
        check_of(check, &format!("/healthChecks({at})"), ports, found);
    }
    found.unless(app.readiness_checks.len() <= 1, "/readinessChecks", "at most one");
    for (at, check) in app.readiness_checks.iter().enumerate() {
        let path = format!("/readinessChecks({at})");
        found.unless(
            ["HTTP", "HTTPS"].contains(&check.protocol.as_str()),
            format!("{path}/protocol"),
            "must be HTTP or HTTPS",
        );
        let in_time = check.timeout_seconds > 0 && check.timeout_seconds < check.interval_seconds;
        found.unless(
            in_time,
            format!("{path}/timeoutSeconds"),
            "must be less than intervalSeconds",
        );
        let names = app.port_definitions.iter().flatten().map(|port| &port.name);
        let names = names.chain(app.mappings().iter().map(|port| &port.name));
        let is_port = names.flatten().any(|name| *name == check.port_name);
        found.unless(is_port, format!("{path}/portName"), "must name a port of the app");
    }
}

fn check_of(check: &HealthCheck, path: &str, ports: usize, found: &mut Found) {
    let protocol = check.protocol.as_str();
    found.unless(
        PROTOCOLS.contains(&protocol),
        format!("{path}/protocol"),
        format!("must be one of {}", PROTOCOLS.join(", ")),
    );
    let text = "must be IPv4: checks over IPv6 are not made";
    found.unless(check.ip_protocol == "IPv4", format!("{path}/ipProtocol"), text);
    let is_command = protocol == "COMMAND";
    found.unless(
        !is_command || check.command_value().is_some(),
        format!("{path}/command/value"),
        "must be given for COMMAND",
    );
    let index = usize::try_from(check.port_index.unwrap_or(0)).unwrap_or(usize::MAX);
    let is_inside = is_command || check.port.is_some() || index < ports;
    found.unless(is_inside, format!("{path}/portIndex"), "must be an index of the app's ports");
    let both = check.port.is_some() && check.port_index.is_some();
    found.unless(!both, format!("{path}/port"), "excludes portIndex");
    found.unless(
        check.interval_seconds > 0,
        format!("{path}/intervalSeconds"),
        "must be at least 1",
    );
    found.unless(check.timeout_seconds > 0, format!("{path}/timeoutSeconds"), "must be at least 1");
    let plain = check.path.as_deref().unwrap_or("/").chars().all(|c| c.is_ascii_graphic());
    found.unless(plain, format!("{path}/path"), "must be a path of visible ASCII characters");
}
