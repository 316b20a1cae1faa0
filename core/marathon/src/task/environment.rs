//! The variables of a task. Source: frameworks.md 2.1 for the names.

use std::collections::BTreeMap;

use longshore_wire_marathon::{App, EnvValue};
use longshore_wire_mesos::v1::environment::Variable;
use longshore_wire_mesos::v1::environment::variable;
use longshore_wire_mesos::v1::{Environment, Offer, Secret, secret};

use super::version;
use crate::place::whole;

/// The app's own come last, so that they hold, but for those that say what only we know.
pub(super) fn environment(id: &str, app: &App, offer: &Offer, ports: &[u16]) -> Environment {
    let mut all = ours(id, app);
    all.push(("HOST".to_owned(), offer.hostname.clone()));
    all.extend(of_ports(app, ports));
    all.retain(|(name, _)| !app.env.contains_key(name));
    let mut variables: Vec<Variable> = all.into_iter().map(plain).collect();
    variables.extend(app.env.iter().map(|(name, value)| match value {
        EnvValue::Plain(value) => plain((name.clone(), value.clone())),
        EnvValue::Secret(key) => secret_of(app, name, key),
    }));
    Environment { variables }
}

/// A variable of this value.
pub(super) fn plain((name, value): (String, String)) -> Variable {
    Variable { name, value: Some(value), ..Variable::default() }
}

/// A variable whose value is the secret of this name in the app.
pub(super) fn secret_of(app: &App, name: &str, key: &str) -> Variable {
    let source = app.secrets.get(key).cloned().unwrap_or_default();
    let reference = Some(secret::Reference { name: source, ..secret::Reference::default() });
    let kind = secret::Type::Reference.into();
    Variable {
        name: name.to_owned(),
        r#type: Some(variable::Type::Secret.into()),
        secret: Some(Secret { r#type: Some(kind), reference, ..Secret::default() }),
        ..Variable::default()
    }
}

fn ours(id: &str, app: &App) -> Vec<(String, String)> {
    let mut all = vec![
        ("MESOS_TASK_ID", id.to_owned()),
        ("MARATHON_APP_ID", app.id.to_string()),
        ("MARATHON_APP_VERSION", version(app.version_ms)),
        ("MARATHON_APP_RESOURCE_CPUS", format!("{:?}", whole(app.cpus_milli))),
        ("MARATHON_APP_RESOURCE_MEM", format!("{:?}", whole(app.mem_milli))),
        ("MARATHON_APP_RESOURCE_DISK", format!("{:?}", whole(app.disk_milli))),
        ("MARATHON_APP_RESOURCE_GPUS", app.gpus.to_string()),
    ];
    if let Some(image) = app.container.as_ref().and_then(|one| one.image.clone()) {
        all.push(("MARATHON_APP_DOCKER_IMAGE", image));
    }
    let all = all.into_iter().map(|(name, value)| (name.to_owned(), value));
    all.chain(of_labels(&app.labels)).collect()
}

/// `MARATHON_APP_LABELS`, `MARATHON_APP_LABEL_TEAM`.
pub(super) fn of_labels(labels: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let names: Vec<String> = labels.keys().map(|key| variable_name(key)).collect();
    let mut all = vec![("MARATHON_APP_LABELS".to_owned(), names.join(" "))];
    let each = names.iter().zip(labels.values());
    all.extend(each.map(|(name, value)| (format!("MARATHON_APP_LABEL_{name}"), value.clone())));
    all
}

/// Upper case, with an underscore for what a variable's name may not have.
pub(super) fn variable_name(text: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    text.chars().map(legal).collect()
}

/// `PORT`, `PORT0`, `PORTS`, `PORT_80`, `PORT_HTTP`. A port that the host does not have is that of the container.
fn of_ports(app: &App, ports: &[u16]) -> Vec<(String, String)> {
    let mut effective: Vec<(u16, String, Option<&String>)> = Vec::new();
    for (at, one) in app.port_mappings.iter().enumerate() {
        let host = ports.get(at).copied().unwrap_or_default();
        let port = if host == 0 { one.container_port } else { host };
        let inside = if one.container_port == 0 { host } else { one.container_port };
        effective.push((port, inside.to_string(), one.name.as_ref()));
    }
    for (at, one) in app.port_definitions.iter().enumerate() {
        let host = ports.get(at).copied().unwrap_or_default();
        let known_as = if one.port == 0 { host } else { one.port };
        effective.push((host, known_as.to_string(), one.name.as_ref()));
    }
    let mut all = Vec::new();
    for (at, (port, known_as, name)) in effective.iter().enumerate() {
        all.push((format!("PORT{at}"), port.to_string()));
        all.push((format!("PORT_{known_as}"), port.to_string()));
        if let Some(name) = name {
            all.push((format!("PORT_{}", variable_name(name)), port.to_string()));
        }
    }
    if let Some((first, ..)) = effective.first() {
        all.push(("PORT".to_owned(), first.to_string()));
        let list: Vec<_> = effective.iter().map(|(port, ..)| port.to_string()).collect();
        all.push(("PORTS".to_owned(), list.join(",")));
    }
    all.sort_unstable();
    all.dedup_by(|one, other| one.0 == other.0);
    all
}
