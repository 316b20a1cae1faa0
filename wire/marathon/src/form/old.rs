//! The forms of earlier versions, rewritten into the newest. Source: frameworks.md 3.1 and 5.2.

use serde_json::{Map, Value, json};

use super::error::{Detail, Refusal};

/// What only Marathon writes; clients send it back, and it says nothing. Source: frameworks.md 3.1, last row.
const READ_ONLY: [&str; 14] = [
    "version",
    "versionInfo",
    "tasksStaged",
    "tasksRunning",
    "tasksHealthy",
    "tasksUnhealthy",
    "deployments",
    "tasks",
    "lastTaskFailure",
    "readinessCheckResults",
    "taskStats",
    "pods",
    "enforceRole",
    "storeUrls",
];

/// What Mesos's fetcher unpacks. Source: Mesos, `docs/fetcher.md`, "Archive extraction".
const ARCHIVES: [&str; 9] =
    [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".gz", ".tgz", ".tbz2", ".txz", ".zip"];

/// Networks of docker, and what they are as networks of the app. Marathon has no form for NONE either.
const NETWORKS: [(&str, &str); 3] =
    [("BRIDGE", "container/bridge"), ("HOST", "host"), ("USER", "container")];

/// Finds old forms that cannot be rewritten: of another type, unknown, or at odds with the new form beside them.
///
/// # Errors
/// 400 for another type, 422 for the others.
pub fn check(app: &Map<String, Value>) -> Result<(), Refusal> {
    let mut types = Vec::new();
    for name in ["ports", "uris"] {
        if app.get(name).is_some_and(|value| !value.is_null() && !value.is_array()) {
            types.push(Detail::new(format!("/{name}"), "must be a list"));
        }
    }
    let network = in_docker(app, "network");
    let words = "must be BRIDGE, HOST or USER";
    if network.is_some_and(|network| !network.is_string()) {
        types.push(Detail::new("/container/docker/network", words));
    }
    if !types.is_empty() {
        return Err(Refusal::invalid_json(&types));
    }
    let mut wrong = Vec::new();
    let mut unless = |is_right: bool, path: &str, text: String| {
        if !is_right {
            wrong.push(Detail::new(path, text));
        }
    };
    let word = network.and_then(Value::as_str);
    let is_known = word.is_none_or(|word| NETWORKS.iter().any(|(old, _)| *old == word));
    let text = format!("{words}: {} is not supported", word.unwrap_or_default());
    unless(is_known, "/container/docker/network", text);
    unless(
        network.is_none() || !is_list(app.get("networks")),
        "/container/docker/network",
        "must be left out where networks are given".to_owned(),
    );
    let mappings = app.get("container").and_then(|container| container.get("portMappings"));
    unless(
        !is_list(in_docker(app, "portMappings")) || !is_list(mappings),
        "/container/docker/portMappings",
        "must be left out where container.portMappings are given".to_owned(),
    );
    unless(
        !is_list(app.get("uris")) || !is_list(app.get("fetch")),
        "/uris",
        "may not be set in conjunction with fetch".to_owned(),
    );
    unless(are_one(app), "/ports", "must be those of portDefinitions, or be left out".to_owned());
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::not_valid(&wrong)) }
}

/// A member of docker that is there.
fn in_docker<'a>(app: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    app.get("container")?.get("docker")?.get(name).filter(|value| !value.is_null())
}

/// Whether something is a list with members.
fn is_list(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_some_and(|all| !all.is_empty())
}

/// Whether `ports` are those of the definitions. Marathon writes both, and clients send both back.
fn are_one(app: &Map<String, Value>) -> bool {
    let list = |name: &str| app.get(name).and_then(Value::as_array).filter(|all| !all.is_empty());
    let (Some(ports), Some(definitions)) = (list("ports"), list("portDefinitions")) else {
        return true;
    };
    let number = |port: Option<&Value>| port.map_or(Some(0.0), Value::as_f64);
    let defined = definitions.iter().map(|one| number(one.get("port")));
    ports.iter().map(|port| number(Some(port))).eq(defined)
}

/// Rewrites an app, or a part of one, in place.
pub fn renew(app: &mut Map<String, Value>) {
    app.retain(|name, value| {
        let is_empty_store = name != "storeUrls" || value.as_array().is_some_and(Vec::is_empty);
        !(value.is_null() || READ_ONLY.contains(&name.as_str()) && is_empty_store)
    });
    tidy(app);
    uris(app);
    docker(app);
    ports(app);
}

/// Leaves out nulls, which say nothing, and the fraction of whole numbers, at any depth. A null in a list, or as somebody's own label or
/// variable, is not Marathon's member: it stays, and is refused.
pub(super) fn tidy(members: &mut Map<String, Value>) {
    for (name, value) in members {
        if !["env", "environment", "labels"].contains(&name.as_str()) {
            tidy_one(value);
        }
    }
}

fn tidy_one(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            tidy(members);
        }
        Value::Array(all) => all.iter_mut().for_each(tidy_one),
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.as_f64().and_then(whole) {
                *value = json!(whole);
            }
        }
        _ => {}
    }
}

/// The number itself, if it is one without a fraction: some clients write `2.0` instances.
#[expect(clippy::cast_possible_truncation, reason = "it is whole, and was compared")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn uris(app: &mut Map<String, Value>) {
    let Some(Value::Array(uris)) = app.remove("uris") else { return };
    if uris.is_empty() || is_list(app.get("fetch")) {
        return;
    }
    let fetch = |uri: Value| {
        let is_unpacked = uri.as_str().is_some_and(is_archive);
        json!({"uri": uri, "extract": is_unpacked})
    };
    app.insert("fetch".to_owned(), uris.into_iter().map(fetch).collect());
}

fn is_archive(uri: &str) -> bool {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    ARCHIVES.iter().any(|archive| path.ends_with(archive))
}

/// `docker.network` and `docker.portMappings`.
fn docker(app: &mut Map<String, Value>) {
    let Some(container) = app.get_mut("container").and_then(Value::as_object_mut) else { return };
    let Some(docker) = container.get_mut("docker").and_then(Value::as_object_mut) else { return };
    let network = docker.remove("network");
    let mappings = docker.remove("portMappings");
    let old = network.as_ref().and_then(Value::as_str);
    let mode = NETWORKS.iter().find(|(word, _)| Some(*word) == old).map(|(_, mode)| *mode);
    if let Some(mappings) = mappings {
        let says_nothing = mode == Some("host") && !is_list(Some(&mappings));
        if !says_nothing && !is_list(container.get("portMappings")) {
            container.insert("portMappings".to_owned(), mappings);
        }
    }
    if let Some(mode) = mode
        && !is_list(app.get("networks"))
    {
        app.insert("networks".to_owned(), json!([{ "mode": mode }]));
    }
}

/// `ports`, a list of numbers: they are definitions on the host, and an echo elsewhere.
fn ports(app: &mut Map<String, Value>) {
    let Some(Value::Array(ports)) = app.remove("ports") else { return };
    let has_mappings = app.get("container").is_some_and(|one| one.get("portMappings").is_some());
    let is_host = app.get("networks").and_then(Value::as_array).is_none_or(|networks| {
        networks.iter().all(|one| one.get("mode").and_then(Value::as_str) == Some("host"))
    });
    if app.contains_key("portDefinitions") || has_mappings || !is_host {
        return;
    }
    let is_only = ports.len() == 1;
    let definition = |port: Value| {
        if is_only { json!({"port": port, "name": "default"}) } else { json!({ "port": port }) }
    };
    app.insert("portDefinitions".to_owned(), ports.into_iter().map(definition).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewed(mut value: Value) -> Value {
        renew(value.as_object_mut().expect("an object"));
        value
    }

    #[test]
    fn the_network_of_docker_becomes_one_of_the_app() {
        let old = json!({"container": {"docker": {"image": "i", "network": "BRIDGE", "portMappings": [{"containerPort": 80}]}}});
        let new = json!({
            "container": {"docker": {"image": "i"}, "portMappings": [{"containerPort": 80}]},
            "networks": [{"mode": "container/bridge"}],
        });
        assert_eq!(renewed(old), new);
    }

    #[test]
    fn ports_and_uris_become_definitions_and_fetches() {
        let old = json!({"ports": [0, 9090.0], "uris": ["http://x/y.tgz"], "tasksRunning": 1, "args": null});
        let new = json!({
            "portDefinitions": [{"port": 0}, {"port": 9090}],
            "fetch": [{"uri": "http://x/y.tgz", "extract": true}],
        });
        assert_eq!(renewed(old), new);
    }

    #[test]
    fn labels_and_variables_are_nobodys_members() {
        let own = json!({"env": {"A": null}, "portDefinitions": [{"labels": {"b": null}}]});
        assert_eq!(renewed(own.clone()), own);
    }
}
