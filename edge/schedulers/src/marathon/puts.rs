//! Apps: read, made, changed and deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use longshore_marathon::{AppView, Call, Mode, Reply, Sort};
use longshore_wire_marathon::form::{self, Detail, Refusal, Selector};
use longshore_wire_marathon::{App, PathId, read_time, time};
use serde_json::{Map, Value, json};

use super::answers::{self, Answer};
use super::front::{Api, Pairs, flag, id_of, wrong_method};
use super::show::{self, Embed};
use super::tasks;

/// Apps in one request. Source: chosen by us.
const APPS_OF_REQUEST_MAX: usize = 1_000;

/// `/v2/apps`.
pub(super) async fn apps(State(api): State<Api>, pairs: Pairs, request: Request<Body>) -> Answer {
    let answered = match *request.method() {
        Method::GET | Method::HEAD => list(&api, &pairs).await,
        Method::POST => post(&api, &pairs, request).await,
        Method::PUT | Method::PATCH => many(&api, &pairs, request).await,
        _ => return wrong_method(request).await,
    };
    answered.unwrap_or_else(|answer| answer)
}

/// `/v2/apps/ID`, and what is below it.
pub(super) async fn app(
    State(api): State<Api>,
    Path(path): Path<String>,
    pairs: Pairs,
    request: Request<Body>,
) -> Answer {
    let answered = one(&api, path.trim_end_matches('/'), &pairs, request).await;
    answered.unwrap_or_else(|answer| answer)
}

/// What a path below `/v2/apps` is about.
#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    App(&'a str),
    Below(&'a str),
    Tasks(&'a str),
    Task(&'a str, &'a str),
    Versions(&'a str),
    Version(&'a str, &'a str),
    Restart(&'a str),
}

impl<'a> Target<'a> {
    fn of(path: &'a str) -> Self {
        if let Some(group) = path.strip_suffix('*') {
            return Self::Below(group.trim_end_matches('/'));
        }
        match path.rsplit_once('/') {
            Some((app, "tasks")) => return Self::Tasks(app),
            Some((app, "versions")) => return Self::Versions(app),
            Some((app, "restart")) => return Self::Restart(app),
            Some((above, last)) => match above.rsplit_once('/') {
                Some((app, "tasks")) => return Self::Task(app, last),
                Some((app, "versions")) => return Self::Version(app, last),
                _ => {}
            },
            None => {}
        }
        Self::App(path)
    }
}

async fn one(
    api: &Api,
    path: &str,
    pairs: &Pairs,
    request: Request<Body>,
) -> Result<Answer, Answer> {
    let method = request.method().clone();
    let is_read = matches!(method, Method::GET | Method::HEAD);
    match Target::of(path) {
        Target::App(app) => match method {
            Method::GET | Method::HEAD => show_one(api, id_of(app)?).await,
            Method::PUT => put(api, app, pairs, Mode::Any, request).await,
            Method::PATCH => put(api, app, pairs, Mode::Update, request).await,
            Method::DELETE => {
                // Source: frameworks.md 3.2: only here it is the default.
                let force = flag(pairs, "force", true);
                let call = Call::Delete { id: id_of(app)?, sort: Sort::App, force };
                Ok(api.call(call).await)
            }
            _ => Ok(wrong_method(request).await),
        },
        Target::Below(group) if is_read => below(api, group).await,
        Target::Tasks(app) if is_read => tasks::of_app(api, id_of(app)?).await,
        Target::Tasks(app) if method == Method::DELETE => {
            tasks::kill_of(api, id_of(app)?, pairs).await
        }
        Target::Task(app, task) if is_read => tasks::one(api, id_of(app)?, task).await,
        Target::Task(app, task) if method == Method::DELETE => {
            tasks::kill_one(api, id_of(app)?, task, pairs).await
        }
        Target::Versions(app) if is_read => {
            let all = versions(api, id_of(app)?).await?;
            Ok(answers::otherwise(Reply::Versions(all)))
        }
        Target::Version(app, version) if is_read => version_of(api, id_of(app)?, version).await,
        Target::Restart(app) if method == Method::POST => {
            let force = flag(pairs, "force", false);
            Ok(api.call(Call::Restart { id: id_of(app)?, force }).await)
        }
        _ => Ok(wrong_method(request).await),
    }
}

async fn views(api: &Api, within: PathId) -> Result<Vec<AppView>, Answer> {
    match api.ask(Call::Apps { within }).await? {
        Reply::Apps(mut apps) => {
            apps.retain(|view| view.app.pod.is_none());
            Ok(apps)
        }
        other => Err(answers::otherwise(other)),
    }
}

/// What is shown besides, and whether tasks are.
fn embedded(pairs: &Pairs) -> (Embed, bool) {
    let wanted = |names: &[&str]| {
        pairs.0.iter().any(|(key, value)| key == "embed" && names.contains(&value.as_str()))
    };
    let failure =
        wanted(&["apps.failures", "app.failures", "apps.lastTaskFailure", "app.lastTaskFailure"]);
    let readiness = wanted(&["apps.readiness", "app.readiness"]);
    (Embed { tasks: None, failure, readiness }, wanted(&["apps.tasks", "app.tasks"]))
}

async fn list(api: &Api, pairs: &Pairs) -> Result<Answer, Answer> {
    let text =
        |name: &str| pairs.0.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (cmd, id) = (text("cmd").unwrap_or_default(), text("id").unwrap_or_default());
    let selector = text("label").filter(|label| !label.is_empty()).map(Selector::read).transpose();
    let selector = selector
        .map_err(|why| answers::failure(StatusCode::BAD_REQUEST, &format!("label: {why}")))?
        .unwrap_or_default();
    let mut apps = views(api, PathId::root()).await?;
    apps.retain(|view| {
        let app = &view.app;
        (cmd.is_empty() || app.cmd.as_deref().is_some_and(|one| one.contains(cmd)))
            && app.id.as_str().contains(id)
            && selector.selects(&app.labels)
    });
    let (embed, has_tasks) = embedded(pairs);
    let mut shown = Vec::with_capacity(apps.len());
    let mut all = if has_tasks { tasks::by_app(api).await? } else { BTreeMap::default() };
    for view in &apps {
        let tasks = has_tasks.then(|| all.remove(&view.app.id).unwrap_or_default());
        shown.push(show::app(view, Embed { tasks, ..embed.clone() }));
    }
    Ok(answers::listed("apps", shown))
}

/// `/v2/apps/GROUP/*`.
async fn below(api: &Api, group: &str) -> Result<Answer, Answer> {
    let within = if group.is_empty() { PathId::root() } else { id_of(group)? };
    let apps = views(api, within).await?;
    let shown = apps.iter().map(|view| show::app(view, Embed::default()));
    Ok(answers::listed("*", shown.collect()))
}

async fn show_one(api: &Api, id: PathId) -> Result<Answer, Answer> {
    let view = known(api, id.clone()).await?;
    let tasks = Some(tasks::shown(api, id).await?);
    let shown = show::app(&view, Embed { tasks, failure: true, readiness: true });
    Ok(answers::ok(&BTreeMap::from([("app", shown)])))
}

/// An app that is there, and is no pod.
pub(super) async fn known(api: &Api, id: PathId) -> Result<AppView, Answer> {
    match api.ask(Call::App { id: id.clone() }).await? {
        Reply::App(view) if view.app.pod.is_none() => Ok(*view),
        Reply::App(_) => Err(answers::otherwise(Reply::NoApp(id))),
        other => Err(answers::otherwise(other)),
    }
}

async fn versions(api: &Api, id: PathId) -> Result<Vec<Arc<App>>, Answer> {
    match api.ask(Call::Versions { id: id.clone() }).await? {
        Reply::Versions(all) if all.iter().all(|app| app.pod.is_none()) => Ok(all),
        Reply::Versions(_) => Err(answers::otherwise(Reply::NoApp(id))),
        other => Err(answers::otherwise(other)),
    }
}

async fn version_of(api: &Api, id: PathId, version: &str) -> Result<Answer, Answer> {
    let version_ms = version_ms(version)?;
    let all = versions(api, id.clone()).await?;
    let found = all.iter().find(|app| app.version_ms == version_ms);
    found.map_or_else(
        || Err(answers::otherwise(Reply::NoVersion(id, version_ms))),
        |app| Ok(answers::ok(&Value::Object(show::definition(app)))),
    )
}

/// A version in a path or a body.
pub(super) fn version_ms(text: &str) -> Result<u64, Answer> {
    read_time(text).ok_or_else(|| {
        let detail = Detail::new("/version", "must be a version, such as 2026-01-31T12:00:00.000Z");
        answers::refused(&Refusal::not_valid(&[detail]))
    })
}

/// A body that is to be an object.
pub(super) fn object(value: Value) -> Result<Map<String, Value>, Answer> {
    match value {
        Value::Object(members) => Ok(members),
        _ => {
            Err(answers::refused(&Refusal::invalid_json(&[Detail::new("/", "must be an object")])))
        }
    }
}

fn read(members: Map<String, Value>) -> Result<App, Answer> {
    form::read(members).map(App::of).map_err(|refusal| answers::refused(&refusal))
}

async fn post(api: &Api, pairs: &Pairs, request: Request<Body>) -> Result<Answer, Answer> {
    let from = request.uri().to_string();
    let members = object(api.body(request).await?)?;
    let app = read(members)?;
    let (id, force) = (app.id.clone(), flag(pairs, "force", false));
    let put = Call::Put { apps: vec![app], mode: Mode::Create, force };
    let (deployment, mut apps) = match api.ask(put).await? {
        Reply::Done { deployment, apps, .. } => (deployment, apps),
        other => return Err(answers::otherwise(other)),
    };
    let Some((app, _)) = apps.remove(&id) else { return Err(answers::ending()) };
    let mut shown = show::definition(&app);
    shown.insert("deployments".to_owned(), json!([{"id": *deployment}]));
    shown.insert("tasks".to_owned(), json!([]));
    api.posted(&from, &Value::Object(shown.clone()));
    let created = answers::json(StatusCode::CREATED, &Value::Object(shown));
    let mut created = answers::with_deployment(created, &deployment);
    if let Ok(location) = HeaderValue::from_str(&format!("/v2/apps{id}")) {
        created.headers_mut().insert(header::LOCATION, location);
    }
    Ok(created)
}

/// What an app is to be, from an update: the whole of it, or what of it changes.
async fn updated(
    api: &Api,
    id: &PathId,
    update: Map<String, Value>,
    is_partial: bool,
) -> Result<App, Answer> {
    let mut members = update;
    if is_partial
        && let Reply::App(view) = api.ask(Call::App { id: id.clone() }).await?
        && view.app.pod.is_none()
    {
        members = form::overlay(&view.app.form(), members);
    }
    members.insert("id".to_owned(), json!(id));
    read(members)
}

/// The version that an update goes back to, if it says nothing else.
fn return_to(update: &Map<String, Value>) -> Option<&str> {
    let is_alone = update.keys().all(|name| name == "version" || name == "id");
    update.get("version").and_then(Value::as_str).filter(|_| is_alone)
}

async fn put(
    api: &Api,
    path: &str,
    pairs: &Pairs,
    mode: Mode,
    request: Request<Body>,
) -> Result<Answer, Answer> {
    let from = request.uri().to_string();
    let id = PathId::kept(form::absolute(path));
    let (force, partial) = (flag(pairs, "force", false), flag(pairs, "partialUpdate", true));
    let update = object(api.body(request).await?)?;
    if let Some(version) = return_to(&update) {
        let version_ms = version_ms(version)?;
        return Ok(api.call(Call::Return { id, version_ms, force }).await);
    }
    let given = update.get("id").and_then(Value::as_str).map(form::absolute);
    if given.is_some_and(|given| given != id.as_str()) {
        let detail = Detail::new("/id", "must be that of the path, or be left out");
        return Err(answers::refused(&Refusal::not_valid(&[detail])));
    }
    let app = updated(api, &id, update, partial || mode == Mode::Update).await?;
    match api.ask(Call::Put { apps: vec![app], mode, force }).await? {
        Reply::Done { version_ms, deployment, apps } => {
            let is_new = apps.values().any(|(_, is_new)| *is_new);
            for (app, _) in apps.values() {
                api.posted(&from, &Value::Object(show::definition(app)));
            }
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            Ok(answers::deployed(status, version_ms, &deployment))
        }
        other => Err(answers::otherwise(other)),
    }
}

async fn many(api: &Api, pairs: &Pairs, request: Request<Body>) -> Result<Answer, Answer> {
    let mode = if *request.method() == Method::PATCH { Mode::Update } else { Mode::Any };
    let (force, partial) = (flag(pairs, "force", false), flag(pairs, "partialUpdate", true));
    let Value::Array(all) = api.body(request).await? else {
        let detail = Detail::new("/", "must be a list of apps");
        return Err(answers::refused(&Refusal::invalid_json(&[detail])));
    };
    if all.len() > APPS_OF_REQUEST_MAX {
        let text = format!("must be at most {APPS_OF_REQUEST_MAX} apps");
        return Err(answers::refused(&Refusal::not_valid(&[Detail::new("/", text)])));
    }
    let mut apps = Vec::with_capacity(all.len());
    let mut seen = BTreeSet::new();
    for (at, one) in all.into_iter().enumerate() {
        let members = object(one)?;
        let Some(id) = members.get("id").and_then(Value::as_str).map(form::absolute) else {
            let detail = Detail::new(format!("/({at})/id"), "must be given");
            return Err(answers::refused(&Refusal::not_valid(&[detail])));
        };
        if !seen.insert(id.clone()) {
            let detail = Detail::new(format!("/({at})/id"), format!("{id} is there twice"));
            return Err(answers::refused(&Refusal::not_valid(&[detail])));
        }
        let is_partial = partial || mode == Mode::Update;
        apps.push(updated(api, &PathId::kept(id), members, is_partial).await?);
    }
    Ok(api.call(Call::Put { apps, mode, force }).await)
}

impl Api {
    /// Tells those who follow that somebody asked for an app.
    fn posted(&self, uri: &str, app: &Value) {
        self.say("api_post_event", json!({"uri": uri, "appDefinition": app}));
    }
}

/// The version that is now, for answers about nothing that changed.
pub(super) fn version_now() -> String {
    time(longshore_server::clock::wall().millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_it_is_about() {
        for (path, target) in [
            ("nginx", Target::App("nginx")),
            ("a/b", Target::App("a/b")),
            ("*", Target::Below("")),
            ("a/*", Target::Below("a")),
            ("a/b/tasks", Target::Tasks("a/b")),
            ("a/tasks/t.1", Target::Task("a", "t.1")),
            ("a/versions", Target::Versions("a")),
            ("a/versions/2026", Target::Version("a", "2026")),
            ("a/restart", Target::Restart("a")),
        ] {
            assert_eq!(Target::of(path), target);
        }
    }
}
