//! Tasks: shown as JSON and as text, and ended.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use longshore_marathon::{Call, Reply, TaskView};
use longshore_wire_marathon::PathId;
use longshore_wire_marathon::form::{Detail, Refusal};
use serde_json::{Value, json};

use super::answers::{self, Answer};
use super::front::{Api, Pairs, flag};
use super::{puts, show};

async fn within(api: &Api, within: PathId) -> Result<Vec<TaskView>, Answer> {
    match api.ask(Call::Tasks { within }).await? {
        Reply::Tasks(mut tasks) => {
            // Those of pods are shown with the pods.
            tasks.retain(|task| task.instance.members.is_empty());
            Ok(tasks)
        }
        other => Err(answers::otherwise(other)),
    }
}

/// The tasks of an app, as JSON.
pub(super) async fn shown(api: &Api, app: PathId) -> Result<Vec<Value>, Answer> {
    let tasks = within(api, app.clone()).await?;
    Ok(tasks.iter().filter(|task| task.instance.app == app).map(show::task).collect())
}

/// The tasks of each app.
pub(super) async fn by_app(api: &Api) -> Result<BTreeMap<PathId, Vec<Value>>, Answer> {
    let mut all: BTreeMap<PathId, Vec<Value>> = BTreeMap::new();
    for task in &within(api, PathId::root()).await? {
        all.entry(task.instance.app.clone()).or_default().push(show::task(task));
    }
    Ok(all)
}

/// `/v2/tasks`.
pub(super) async fn all(State(api): State<Api>, pairs: Pairs, request: Request<Body>) -> Answer {
    let mut tasks = match within(&api, PathId::root()).await {
        Ok(tasks) => tasks,
        Err(answer) => return answer,
    };
    let wanted: Vec<String> = pairs
        .0
        .iter()
        .filter(|(key, _)| key == "status" || key == "status[]")
        .map(|(_, value)| format!("TASK_{}", value.to_ascii_uppercase()))
        .collect();
    tasks.retain(|task| {
        wanted.is_empty() || wanted.iter().any(|state| state == show::state(&task.instance))
    });
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.trim_start().starts_with("text/plain")) {
        return answers::text(StatusCode::OK, table(&tasks));
    }
    answers::ok(&json!({"tasks": tasks.iter().map(show::task).collect::<Value>()}))
}

/// A line for each app and port: the app, its service port, and where that is. Source: frameworks.md 3.2.
fn table(tasks: &[TaskView]) -> String {
    let mut lines: BTreeMap<(String, usize), (u16, Vec<String>)> = BTreeMap::new();
    for TaskView { instance, .. } in tasks {
        let name = instance.app.as_str().trim_start_matches('/').replace('/', "_");
        let service: Vec<u16> =
            instance.spec.iter().flat_map(|app| show::service_ports(app)).collect();
        if instance.ports.is_empty() {
            lines.entry((name, 0)).or_default().1.push(instance.host.clone());
            continue;
        }
        for (at, port) in instance.ports.iter().enumerate() {
            let line = lines.entry((name.clone(), at)).or_default();
            line.0 = service.get(at).copied().unwrap_or(0);
            line.1.push(format!("{}:{port}", instance.host));
        }
    }
    let line = |((name, _), (service, places)): (&(String, usize), &(u16, Vec<String>))| {
        let service = if *service == 0 { " ".to_owned() } else { service.to_string() };
        format!("{name}\t{service}\t{}\n", places.join("\t"))
    };
    lines.iter().map(line).collect()
}

/// The tasks of an app, if it is there.
pub(super) async fn of_app(api: &Api, app: PathId) -> Result<Answer, Answer> {
    is_there(api, &app).await?;
    Ok(answers::ok(&json!({"tasks": shown(api, app).await?})))
}

/// One task of an app.
pub(super) async fn one(api: &Api, app: PathId, id: &str) -> Result<Answer, Answer> {
    is_there(api, &app).await?;
    let tasks = within(api, app).await?;
    let found = tasks.iter().find(|task| &*task.id == id);
    found.map_or_else(
        || Err(no_task(id)),
        |task| Ok(answers::ok(&json!({"task": show::task(task)}))),
    )
}

fn no_task(id: &str) -> Answer {
    answers::failure(StatusCode::NOT_FOUND, &format!("Task '{id}' does not exist"))
}

async fn is_there(api: &Api, app: &PathId) -> Result<(), Answer> {
    puts::known(api, app.clone()).await.map(drop)
}

/// What is asked for with tasks that are to end.
fn kill(tasks: Vec<String>, pairs: &Pairs) -> Result<Call, Answer> {
    let (scale, wipe) = (flag(pairs, "scale", false), flag(pairs, "wipe", false));
    if scale && wipe {
        let text = "You cannot use scale and wipe at the same time.";
        return Err(answers::failure(StatusCode::BAD_REQUEST, text));
    }
    Ok(Call::Kill { tasks, scale, wipe, force: flag(pairs, "force", false) })
}

/// `DELETE /v2/apps/ID/tasks`.
pub(super) async fn kill_of(api: &Api, app: PathId, pairs: &Pairs) -> Result<Answer, Answer> {
    is_there(api, &app).await?;
    let host = pairs.0.iter().rfind(|(key, _)| key == "host").map(|(_, value)| value.as_str());
    let host = host.filter(|host| !host.is_empty() && *host != "*");
    let tasks = within(api, app.clone()).await?;
    let of_app = tasks.iter().filter(|task| task.instance.app == app);
    let there = of_app.filter(|task| host.is_none_or(|host| task.instance.host == host));
    let ids = there.map(|task| task.id.to_string()).collect();
    Ok(api.call(kill(ids, pairs)?).await)
}

/// `DELETE /v2/apps/ID/tasks/TASK`.
pub(super) async fn kill_one(
    api: &Api,
    app: PathId,
    id: &str,
    pairs: &Pairs,
) -> Result<Answer, Answer> {
    is_there(api, &app).await?;
    let tasks = within(api, app).await?;
    if !tasks.iter().any(|task| &*task.id == id) {
        return Err(no_task(id));
    }
    match api.ask(kill(vec![id.to_owned()], pairs)?).await? {
        Reply::Killed(tasks) => {
            let task = tasks.first().map(show::task);
            Ok(answers::ok(&json!({ "task": task })))
        }
        other => Ok(answers::otherwise(other)),
    }
}

/// `POST /v2/tasks/delete`.
pub(super) async fn delete(State(api): State<Api>, pairs: Pairs, request: Request<Body>) -> Answer {
    let body = match api.body(request).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let ids = body.get("ids").and_then(Value::as_array);
    let ids = ids.and_then(|ids| ids.iter().map(|id| id.as_str().map(str::to_owned)).collect());
    let Some(ids) = ids else {
        let detail = Detail::new("/ids", "must be a list of ids of tasks");
        return answers::refused(&Refusal::invalid_json(&[detail]));
    };
    match kill(ids, &pairs) {
        Ok(call) => api.call(call).await,
        Err(answer) => answer,
    }
}
