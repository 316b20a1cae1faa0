//! Errors as Marathon writes them.

use serde_json::{Value, json};

/// What is wrong with one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Where: `/container/docker/image`.
    pub path: String,
    /// What would be right.
    pub error: String,
}

impl Detail {
    /// What is wrong where.
    pub fn new(path: impl Into<String>, error: impl Into<String>) -> Self {
        Self { path: path.into(), error: error.into() }
    }
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The status of HTTP.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// Each path once, in the order in which it was found, with all that is wrong there.
fn details(all: &[Detail]) -> Value {
    let mut paths: Vec<(&str, Vec<&str>)> = Vec::new();
    for Detail { path, error } in all {
        match paths.iter_mut().find(|(known, _)| known == path) {
            Some((_, errors)) if errors.contains(&error.as_str()) => {}
            Some((_, errors)) => errors.push(error),
            None => paths.push((path, vec![error])),
        }
    }
    paths.into_iter().map(|(path, errors)| json!({"path": path, "errors": errors})).collect()
}

impl Refusal {
    /// A status and a message alone.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self { status, body: json!({ "message": message }) }
    }

    /// 400: what was sent is no JSON, or a member has another type.
    pub fn invalid_json(all: &[Detail]) -> Self {
        Self { status: 400, body: json!({"message": "Invalid JSON", "details": details(all)}) }
    }

    /// 422. Source: frameworks.md 3.1.
    pub fn not_valid(all: &[Detail]) -> Self {
        let body = json!({"message": "Object is not valid", "details": details(all)});
        Self { status: 422, body }
    }

    /// The same of what is at a place in something larger: paths begin there.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        let details = self.body.get_mut("details").and_then(Value::as_array_mut);
        for detail in details.into_iter().flatten() {
            if let Some(Value::String(path)) = detail.get_mut("path") {
                let own = if path == "/" { "" } else { path.as_str() };
                *path = format!("{place}{own}");
            }
        }
        self
    }

    /// 404 for an app.
    pub fn no_app(id: &str) -> Self {
        Self::new(404, format!("App '{id}' does not exist"))
    }

    /// 404 for a group.
    pub fn no_group(id: &str) -> Self {
        Self::new(404, format!("Group '{id}' does not exist"))
    }

    /// 409 while deployments change the app. Source: frameworks.md 3.2.
    pub fn locked(deployments: &[String]) -> Self {
        let message = "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.";
        let ids: Vec<Value> = deployments.iter().map(|id| json!({ "id": id })).collect();
        Self { status: 409, body: json!({"message": message, "deployments": ids}) }
    }
}
