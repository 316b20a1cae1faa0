//! The forms of earlier versions, rewritten into the newest. Source: frameworks.md 3.1 and 5.2.

use serde_json::{Map, Value, json};

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

/// Rewrites an app, or a part of one, in place.
pub fn renew(app: &mut Map<String, Value>) {
    app.retain(|name, value| {
        let is_empty_store = name != "storeUrls" || value.as_array().is_some_and(Vec::is_empty);
        !(value.is_null() || READ_ONLY.contains(&name.as_str()) && is_empty_store)
    });
    uris(app);
    docker(app);
    ports(app);
    members(app);
}

fn uris(app: &mut Map<String, Value>) {
    let Some(uris) = app.remove("uris") else { return };
    if app.contains_key("fetch") {
        return;
    }
    let fetch = match uris {
        Value::Array(all) => {
            all.into_iter().map(|uri| json!({"uri": uri, "extract": true})).collect()
        }
        other => other,
    };
    app.insert("fetch".to_owned(), fetch);
}

/// `docker.network` and `docker.portMappings`.
fn docker(app: &mut Map<String, Value>) {
    let Some(container) = app.get_mut("container").and_then(Value::as_object_mut) else { return };
    container.retain(|_, value| !value.is_null());
    let Some(docker) = container.get_mut("docker").and_then(Value::as_object_mut) else { return };
    docker.retain(|_, value| !value.is_null());
    let network = docker.remove("network");
    let mappings = docker.remove("portMappings");
    let networks = match network.as_ref().and_then(Value::as_str) {
        Some("BRIDGE") => Some(json!([{"mode": "container/bridge"}])),
        Some("HOST") => Some(json!([{"mode": "host"}])),
        Some("USER") => Some(json!([{"mode": "container"}])),
        Some("NONE") => Some(json!([{"mode": "none"}])),
        Some(other) => Some(json!([{"mode": other}])),
        None => None,
    };
    let is_host = network.as_ref().and_then(Value::as_str) == Some("HOST");
    if let Some(mappings) = mappings
        && !(is_host && mappings.as_array().is_some_and(Vec::is_empty))
    {
        container.entry("portMappings").or_insert(mappings);
    }
    if let Some(networks) = networks {
        app.entry("networks").or_insert(networks);
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
    let first = ports.len() == 1;
    let definitions: Vec<Value> =
        ports
            .into_iter()
            .map(|port| {
                if first {
                    json!({"port": port, "name": "default"})
                } else {
                    json!({ "port": port })
                }
            })
            .collect();
    app.insert("portDefinitions".to_owned(), Value::Array(definitions));
}

/// Nulls inside lists and members say nothing; an empty container is none.
fn members(app: &mut Map<String, Value>) {
    for name in ["healthChecks", "readinessChecks", "fetch", "portDefinitions", "networks"] {
        let all = app.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
        all.filter_map(Value::as_object_mut)
            .for_each(|one| one.retain(|_, value| !value.is_null()));
    }
    let container = app.get_mut("container").and_then(Value::as_object_mut);
    if let Some(container) = container {
        for name in ["volumes", "portMappings"] {
            let all = container.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
            for one in all.filter_map(Value::as_object_mut) {
                one.retain(|_, value| !value.is_null());
            }
        }
    }
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
        let old = json!({"ports": [0, 9090], "uris": ["http://x/y.tgz"], "tasksRunning": 1, "args": null});
        let new = json!({
            "portDefinitions": [{"port": 0}, {"port": 9090}],
            "fetch": [{"uri": "http://x/y.tgz", "extract": true}],
        });
        assert_eq!(renewed(old), new);
    }
}
