//! From JSON to an app, with the path of what is wrong.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::error::{Detail, Refusal};
use super::limits::APP_BYTES_MAX;
use super::{App, Network, PortDefinition, PortMapping, absolute, missing, old, shape, validate};

/// Reads a JSON text.
///
/// # Errors
/// 400, with what is no JSON.
pub fn read_json(text: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(text)
        .map_err(|why| Refusal::invalid_json(&[Detail::new("/", format!("is no JSON: {why}"))]))
}

/// The members of `update` over those of `app`: what an update leaves out stays. Both are renewed.
///
/// An update in old forms that cannot be renewed comes back as it is: whoever reads it is told why.
pub fn overlay(app: &App, mut update: Map<String, Value>) -> Map<String, Value> {
    if old::check(&update).is_err() {
        return update;
    }
    old::renew(&mut update);
    let Ok(Value::Object(mut whole)) = serde_json::to_value(app) else { return update };
    // A command instead of arguments, or the other way round, replaces the other.
    if update.contains_key("cmd") {
        whole.remove("args");
    }
    let has_args = |args: &Value| args.as_array().is_none_or(|args| !args.is_empty());
    if update.get("args").is_some_and(has_args) {
        whole.remove("cmd");
    }
    if update.contains_key("networks") && !update.contains_key("portDefinitions") {
        whole.remove("portDefinitions");
    }
    whole.extend(update);
    whole
}

/// Reads an app in any form. Its ports are completed; service ports of 0 are left for the scheduler to choose.
///
/// # Errors
/// 400 for another type than a member has, 422 for a value that is not valid.
pub fn read(mut value: Map<String, Value>) -> Result<App, Refusal> {
    old::check(&value)?;
    old::renew(&mut value);
    let missing = missing::take(&mut value);
    if !missing.is_empty() {
        return Err(Refusal::not_valid(&missing));
    }
    let mut app: App = typed(Value::Object(value))?;
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

/// Reads members that have types.
///
/// # Errors
/// 400 for a member of another type.
pub(super) fn typed<T: DeserializeOwned + Serialize>(value: Value) -> Result<T, Refusal> {
    let read: T = serde_path_to_error::deserialize(&value).map_err(|error| unread(&error))?;
    let lists = serde_json::to_value(&read).map(|read| shape::lists_for_objects(&value, &read));
    match lists {
        Ok(lists) if !lists.is_empty() => Err(Refusal::invalid_json(&lists)),
        _ => Ok(read),
    }
}

/// What cannot be read, by its path.
fn unread(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let mut path = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => path.push_str(&format!("({index})")),
            Segment::Map { key } => path.push_str(&format!("/{key}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let why = error.inner().to_string();
    if let Some(name) = why.strip_prefix("missing field `").and_then(|why| why.strip_suffix('`')) {
        let detail = Detail::new(format!("{path}/{name}"), "must be given");
        return Refusal::invalid_json(&[detail]);
    }
    let path = if path.is_empty() { "/".to_owned() } else { path };
    let detail = Detail::new(path, right(&why));
    // A number that is too small or too large is one.
    if why.starts_with("unknown field") || why.starts_with("invalid value: integer") {
        Refusal::not_valid(&[detail])
    } else {
        Refusal::invalid_json(&[detail])
    }
}

/// What would be right instead of what the reader of JSON found.
fn right(why: &str) -> String {
    if why.starts_with("data did not match") {
        return "must be 'disabled', or have inactiveAfterSeconds and expungeAfterSeconds of 0 or more".to_owned();
    }
    if why.starts_with("invalid length ") && why.contains(", expected struct ") {
        return "must be an object, not a list".to_owned();
    }
    let found = why.strip_prefix("invalid type: ").or_else(|| why.strip_prefix("invalid value: "));
    let Some((found, wanted)) = found.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return why.to_owned();
    };
    let wanted = match wanted {
        "u16" => "an integer of 0 to 65535",
        "u32" => "an integer of 0 to 4294967295",
        "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        wanted if wanted.starts_with("struct ") => "an object",
        wanted => wanted,
    };
    format!("must be {wanted}, not {found}")
}

/// The defaults that depend on other members. Source: frameworks.md 3.1.
fn complete(app: &mut App) {
    app.args = app.args.take().filter(|args| !args.is_empty());
    if app.networks.is_empty() {
        app.networks.push(Network { mode: "host".to_owned(), name: None, labels: [].into() });
    }
    if app.is_on_host() {
        if app.port_definitions.is_none() {
            let name = Some("default".to_owned());
            app.port_definitions = Some(vec![PortDefinition { name, ..PortDefinition::default() }]);
        }
    } else {
        // Ports of the host are not those of a container network.
        app.require_ports = false;
        if let Some(container) = &mut app.container
            && container.port_mappings.is_none()
        {
            container.port_mappings = Some(vec![PortMapping::default()]);
        }
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
            (json!({"id": "/a", "cmd": "x", "tty": "yes"}), 400, "/tty"),
            (json!({"id": "/a", "cmd": "x", "env": {"A": 1}}), 400, "/env/A"),
            (json!({"id": "/a", "cmd": "x", "env": {"A": {"secret": "s"}}}), 422, "/env/A/secret"),
            (json!({"id": "/a", "cmd": "x", "env": {"A=B": "x"}}), 422, "/env/A=B"),
            (json!({"id": "/a", "cmd": "x", "env": {"": "x"}}), 422, "/env/"),
            (json!({"id": "/a", "cmd": "x", "env": {"A": "x\u{0}y"}}), 422, "/env/A"),
            (json!({"id": "/a", "cmd": "x\u{0}"}), 422, "/cmd"),
            (json!({"id": "/a", "args": ["a", "\u{0}"]}), 422, "/args(1)"),
            (
                json!({"id": "/a", "cmd": "x", "secrets": {"s": {"source": ""}}}),
                422,
                "/secrets/s/source",
            ),
            (
                json!({"id": "/a", "cmd": "x", "resourceLimits": {"cpus": 0.5}}),
                422,
                "/resourceLimits/cpus",
            ),
            (
                json!({"id": "/a", "cmd": "x", "mem": 0, "resourceLimits": {"mem": "unlimited"}}),
                422,
                "/resourceLimits/mem",
            ),
            (
                json!({"id": "/a", "cmd": "x", "resourceLimits": {"mem": "all"}}),
                400,
                "/resourceLimits/mem",
            ),
            (
                json!({"id": "/a", "cmd": "x", "resourceLimits": {"disk": 1}}),
                422,
                "/resourceLimits/disk",
            ),
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
