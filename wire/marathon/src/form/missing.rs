//! What Marathon has and this scheduler has not: each is refused by its name, with what to do instead. Source: frameworks.md 3.1.
//!
//! Written empty, as Marathon and its clients echo them, these members say nothing and are left out.

use serde_json::{Map, Value};

use super::error::Detail;

const EXECUTORS: &str = "custom executors are not supported: leave it out";
const SECRETS: &str = "is not supported: secrets are variables of env, and no files";
const VOLUMES: &str =
    "is not supported: mount a folder of the machine with hostPath, or name a task definition";

/// Of an app.
const OF_APP: [(&str, &str); 4] = [
    ("executorResources", EXECUTORS),
    ("check", "is not supported: use healthChecks"),
    ("residency", "is not supported: tasks on ECS keep no reservation; leave it out"),
    ("ipAddress", "is replaced by networks"),
];
const OF_CONTAINER: [(&str, &str); 1] = [("linuxInfo", "is not supported: leave it out")];
const OF_DOCKER: [(&str, &str); 2] = [
    ("credential", "is not supported: name a task definition with repositoryCredentials"),
    ("pullConfig", "is not supported: name a task definition with repositoryCredentials"),
];
const OF_VOLUME: [(&str, &str); 3] =
    [("persistent", VOLUMES), ("external", VOLUMES), ("secret", SECRETS)];
const OF_MAPPING: [(&str, &str); 1] =
    [("networkNames", "is not supported: a port is on all networks of its app")];

/// Takes what is missing out of an app that is renewed, and says what of it was not empty.
pub(super) fn take(app: &mut Map<String, Value>) -> Vec<Detail> {
    let mut found = Vec::new();
    take_of(app, &OF_APP, "", &mut found);
    let Some(container) = app.get_mut("container").and_then(Value::as_object_mut) else {
        return found;
    };
    take_of(container, &OF_CONTAINER, "/container", &mut found);
    if let Some(docker) = container.get_mut("docker").and_then(Value::as_object_mut) {
        take_of(docker, &OF_DOCKER, "/container/docker", &mut found);
    }
    for (name, members) in [("volumes", &OF_VOLUME[..]), ("portMappings", &OF_MAPPING[..])] {
        let all = container.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
        for (at, one) in all.enumerate() {
            if let Some(one) = one.as_object_mut() {
                take_of(one, members, &format!("/container/{name}({at})"), &mut found);
            }
        }
    }
    found
}

pub(super) fn take_of(
    of: &mut Map<String, Value>,
    members: &[(&str, &str)],
    path: &str,
    found: &mut Vec<Detail>,
) {
    for (name, text) in members {
        if of.remove(*name).is_some_and(|value| is_said(&value)) {
            found.push(Detail::new(format!("{path}/{name}"), *text));
        }
    }
}

fn is_said(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Object(all) => !all.is_empty(),
        Value::Array(all) => !all.is_empty(),
        _ => true,
    }
}
