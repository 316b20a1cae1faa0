//! The task of an instance, as Mesos is told. Source: frameworks.md 2.1, 5.1 and 5.2.

mod container;
mod environment;
mod group;
mod health;

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_marathon::{App, Artifact, Limit, Network, PathId, ResourceLimits};
use longshore_wire_mesos::v1::discovery_info::Visibility;
use longshore_wire_mesos::v1::value::Scalar;
use longshore_wire_mesos::v1::{
    CommandInfo, DiscoveryInfo, DurationInfo, KillPolicy, Label, Labels, Offer, Port, Ports,
    TaskId, TaskInfo, command_info,
};

use crate::place::{Taken, whole};

pub(crate) use group::group;

/// The task of an instance on an offer.
pub(crate) fn task(id: &str, app: &App, offer: &Offer, taken: &Taken) -> TaskInfo {
    let name = name(&app.id);
    TaskInfo {
        name: name.clone(),
        task_id: TaskId { value: id.to_owned() },
        agent_id: offer.agent_id.clone(),
        resources: taken.resources.clone(),
        command: Some(command(id, app, offer, &taken.ports)),
        container: container::container(id, app, &taken.ports),
        health_check: health::passed_on(app, &taken.ports),
        kill_policy: app.kill_grace_s.map(|seconds| KillPolicy {
            grace_period: Some(DurationInfo { nanoseconds: i64::from(seconds) * 1_000_000_000 }),
        }),
        labels: labels(&app.labels),
        discovery: Some(DiscoveryInfo {
            visibility: Visibility::Framework.into(),
            name: Some(name),
            ports: Some(Ports { ports: discovered(app, &taken.ports) }),
            ..DiscoveryInfo::default()
        }),
        limits: limits(app.resource_limits.as_ref()),
        ..TaskInfo::default()
    }
}

/// `/prod/web` is `web.prod`.
pub(crate) fn name(id: &PathId) -> String {
    id.labels().rev().collect::<Vec<_>>().join(".")
}

/// The id of a task: `/prod/web` with a UUID is `prod_web.instance-<uuid>._app.1`.
pub(crate) fn task_id(id: &PathId, uuid: &str) -> String {
    member_id(&instance_id(id, uuid), "_app")
}

/// The id of an instance of a pod: `/prod/web` with a UUID is `prod_web.instance-<uuid>`.
pub(crate) fn instance_id(id: &PathId, uuid: &str) -> String {
    let path = id.labels().collect::<Vec<_>>().join("_");
    format!("{path}.instance-{uuid}")
}

/// The id of the task of a container: `prod_web.instance-<uuid>.<name>.1`. Source: Marathon 1.11, `Task.Id`: the last part counts how often
/// an instance was launched.
pub(crate) fn member_id(instance: &str, name: &str) -> String {
    format!("{instance}.{name}.1")
}

/// The instance and the container whose task has an id that was made by [`member_id`].
pub(crate) fn member_of(id: &str) -> Option<(&str, &str)> {
    id.strip_suffix(".1")?.rsplit_once('.')
}

/// Whether an id was made by [`task_id`] or [`member_id`].
pub(crate) fn is_ours(id: &str) -> bool {
    let instance = member_of(id).and_then(|(instance, _)| instance.rsplit_once(".instance-"));
    instance.is_some_and(|(_, uuid)| !uuid.contains('.'))
}

/// A version, as it is written.
pub(crate) fn version(ms: u64) -> String {
    let text = Timestamp::from_millis(ms).iso_seconds();
    format!("{}.{:03}Z", text.trim_end_matches('Z'), ms % 1_000)
}

fn labels(of: &BTreeMap<String, String>) -> Option<Labels> {
    let label =
        |(key, value): (&String, &String)| Label { key: key.clone(), value: Some(value.clone()) };
    (!of.is_empty()).then(|| Labels { labels: of.iter().map(label).collect() })
}

fn limits(of: Option<&ResourceLimits>) -> BTreeMap<String, Scalar> {
    let Some(limits) = of else { return BTreeMap::new() };
    let named = [("cpus", limits.cpus), ("mem", limits.mem)];
    let limit = |(name, limit): (&str, Option<Limit>)| {
        let value = match limit? {
            Limit::Milli(milli) => whole(milli),
            Limit::Unlimited => f64::INFINITY,
        };
        Some((name.to_owned(), Scalar { value }))
    };
    named.into_iter().filter_map(limit).collect()
}

fn command(id: &str, app: &App, offer: &Offer, ports: &[u16]) -> CommandInfo {
    CommandInfo {
        uris: app.fetch.iter().map(uri).collect(),
        environment: Some(environment::environment(id, app, offer, ports)),
        shell: Some(app.cmd.is_some()),
        value: app.cmd.clone(),
        arguments: app.args.clone().unwrap_or_default(),
        user: app.user.clone(),
    }
}

fn uri(of: &Artifact) -> command_info::Uri {
    command_info::Uri {
        value: of.uri.clone(),
        executable: Some(of.executable),
        extract: Some(of.extract),
        cache: Some(of.cache),
        output_file: of.dest_path.clone(),
    }
}

fn discovered(app: &App, ports: &[u16]) -> Vec<Port> {
    let is_in_container = app.networks.iter().any(|one| matches!(one, Network::Container(_)));
    let scope = if is_in_container { "container" } else { "host" };
    let mut found = Vec::new();
    let mut port =
        |number: u16, name: &Option<String>, protocol: &str, labels: &BTreeMap<String, String>| {
            for protocol in protocol.split(',') {
                let mut all = labels.clone();
                all.insert("network-scope".to_owned(), scope.to_owned());
                found.push(Port {
                    number: u32::from(number),
                    name: name.clone(),
                    protocol: Some(protocol.to_owned()),
                    labels: self::labels(&all),
                    ..Port::default()
                });
            }
        };
    for (at, one) in app.port_mappings.iter().enumerate() {
        let host = ports.get(at).copied().unwrap_or_default();
        let number = if host > 0 && !is_in_container { host } else { one.container_port };
        port(number, &one.name, &one.protocol, &one.labels);
    }
    for (at, one) in app.port_definitions.iter().enumerate() {
        port(ports.get(at).copied().unwrap_or_default(), &one.name, &one.protocol, &one.labels);
    }
    found
}
