//! From JSON to an app, with the path of what is wrong.

use serde_json::{Map, Value};

use super::error::{Detail, Refusal};
use super::limits::APP_BYTES_MAX;
use super::{App, Network, PortDefinition, PortMapping, absolute, old, validate};

/// Members of Marathon that this scheduler does not have, and what to do instead.
const MISSING: [(&str, &str); 7] = [
    ("executorResources", "custom executors are not supported: leave it out"),
    ("resourceLimits", "is not supported: limits are those of the task definition"),
    ("secrets", "is not supported here: name the secret in a task definition"),
    ("tty", "is not supported: leave it out"),
    ("check", "is not supported: use healthChecks"),
    ("residency", "is not supported: tasks on ECS keep no reservation; leave it out"),
    ("ipAddress", "is replaced by networks"),
];

/// Reads a JSON text.
///
/// # Errors
/// 400, with what is no JSON.
pub fn read_json(text: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(text)
        .map_err(|why| Refusal::invalid_json(&[Detail::new("/", format!("is no JSON: {why}"))]))
}

/// The members of `update` over those of `app`: what an update leaves out stays. Both are renewed.
pub fn overlay(app: &App, mut update: Map<String, Value>) -> Map<String, Value> {
    old::renew(&mut update);
    let Ok(Value::Object(mut whole)) = serde_json::to_value(app) else { return update };
    // A command instead of arguments, or the other way round, replaces the other.
    if update.contains_key("cmd") {
        whole.remove("args");
    }
    if update.contains_key("args") {
        whole.remove("cmd");
    }
    if update.contains_key("networks") || update.contains_key("container") {
        if !update.contains_key("portDefinitions") && update.contains_key("networks") {
            whole.remove("portDefinitions");
        }
        if !update.contains_key("networks") && app.networks.is_empty() {
            whole.remove("networks");
        }
    }
    whole.extend(update);
    whole
}

/// Reads an app in any form. Its ports are completed; service ports of 0 are left for the scheduler to choose.
///
/// # Errors
/// 400 for another type than a member has, 422 for a value that is not valid.
pub fn read(mut value: Map<String, Value>) -> Result<App, Refusal> {
    old::renew(&mut value);
    let missing: Vec<Detail> = MISSING
        .iter()
        .filter(|(name, _)| value.get(*name).is_some_and(is_said))
        .map(|(name, text)| Detail::new(format!("/{name}"), *text))
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::not_valid(&missing));
    }
    value.retain(|name, _| MISSING.iter().all(|(missing, _)| missing != name));
    let mut app: App = serde_path_to_error::deserialize(Value::Object(value)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." {
            String::new()
        } else {
            path.replace('.', "/").replace('[', "(").replace(']', ")")
        };
        let why = error.into_inner().to_string();
        let detail = Detail::new(format!("/{path}"), why.clone());
        if why.starts_with("unknown field") {
            Refusal::not_valid(&[detail])
        } else {
            Refusal::invalid_json(&[detail])
        }
    })?;
    if app.id.is_empty() {
        return Err(Refusal::not_valid(&[Detail::new("/id", "must not be empty")]));
    }
    app.id = absolute(&app.id);
    complete(&mut app);
    let wrong = validate(&app);
    if !wrong.is_empty() {
        return Err(Refusal::not_valid(&wrong));
    }
    let bytes = serde_json::to_vec(&app).map_or(0, |text| text.len());
    if bytes > APP_BYTES_MAX {
        let text = format!("has {bytes} bytes of JSON: at most {APP_BYTES_MAX} are kept");
        return Err(Refusal::not_valid(&[Detail::new("/", text)]));
    }
    Ok(app)
}

fn is_said(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Object(all) => !all.is_empty(),
        Value::Array(all) => !all.is_empty(),
        _ => true,
    }
}

/// The defaults that depend on other members. Source: frameworks.md 3.1.
fn complete(app: &mut App) {
    if app.networks.is_empty() {
        app.networks.push(Network { mode: "host".to_owned(), name: None, labels: [].into() });
    }
    if app.is_on_host() {
        if app.port_definitions.is_none() {
            let name = Some("default".to_owned());
            app.port_definitions = Some(vec![PortDefinition { name, ..PortDefinition::default() }]);
        }
    } else if app.networks.iter().all(|network| network.mode != "none")
        && let Some(container) = &mut app.container
        && container.port_mappings.is_none()
    {
        container.port_mappings = Some(vec![PortMapping::default()]);
    }
    if app.networks.iter().any(|network| network.mode == "container/bridge")
        && let Some(container) = &mut app.container
    {
        let mappings = container.port_mappings.iter_mut().flatten();
        mappings.for_each(|mapping| mapping.host_port = Some(mapping.host_port.unwrap_or(0)));
    }
    for dependency in &mut app.dependencies {
        *dependency = absolute(dependency);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app(value: &Value) -> Result<App, Refusal> {
        read(value.as_object().expect("an object").clone())
    }

    #[test]
    fn the_app_of_the_ancestors_readme_is_read() {
        let app = app(&json!({
            "id": "nginx", "cmd": "nginx:2", "cpus": 0.1, "mem": 100.0, "instances": 1,
            "container": {"type": "DOCKER", "docker": {"image": "ignore", "network": "BRIDGE",
                "portMappings": [{"containerPort": 80, "hostPort": 80}]}}
        }))
        .expect("it is valid");
        assert_eq!((app.id.as_str(), app.cmd.as_deref()), ("/nginx", Some("nginx:2")));
        assert_eq!(
            (app.mappings()[0].host_port, app.networks[0].mode.as_str()),
            (Some(80), "container/bridge")
        );
        // What is written is read as the same.
        let again = serde_json::to_value(&app).expect("it is JSON");
        assert_eq!(read(again.as_object().expect("an object").clone()), Ok(app));
    }

    #[test]
    fn an_app_without_ports_gets_one() {
        let app = app(&json!({"id": "/a", "cmd": "x"})).expect("it is valid");
        let ports = app.port_definitions.expect("one");
        assert_eq!((ports.len(), ports[0].port, ports[0].name.as_deref()), (1, 0, Some("default")));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        for (value, status, path) in [
            (json!({"id": "/a", "cmd": "x", "cpus": "one"}), 400, "/cpus"),
            (json!({"id": "/a", "cmd": "x", "cpu": 1}), 422, "/cpu"),
            (json!({"id": "/a", "cmd": "x", "tty": true}), 422, "/tty"),
            (json!({"id": "/a", "cmd": "x", "cpus": -1}), 422, "/cpus"),
            (json!({"id": "/A", "cmd": "x"}), 422, "/id"),
            (json!({"cmd": "x"}), 422, "/id"),
            (json!({"id": "/a"}), 422, "/"),
        ] {
            let refused = app(&value).expect_err("it is wrong");
            let found = &refused.body["details"][0]["path"];
            assert_eq!((refused.status, found), (status, &json!(path)), "{value}");
        }
    }
}
