//! Groups: apps and pods by their paths. A group exists as long as it has any.

mod written;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Method, Request, StatusCode};
use longshore_marathon::{AppView, Call, Reply};
use longshore_wire_marathon::form::{self, Detail, Refusal};
use longshore_wire_marathon::{App, PathId};
use serde_json::{Value, json};

use super::answers::{self, Answer};
use super::front::{Api, Pairs, flag, wrong_method};
use super::puts::version_now;
use super::show::{self, Embed};

/// How deep groups may be in groups. Source: chosen by us; an id has 200 characters.
const DEPTH_MAX: usize = 100;
/// Apps and pods of one request. Source: chosen by us.
const APPS_MAX: usize = 10_000;

/// `/v2/groups`.
pub(super) async fn root(State(api): State<Api>, pairs: Pairs, request: Request<Body>) -> Answer {
    at(&api, PathId::root(), &pairs, request).await.unwrap_or_else(|answer| answer)
}

/// `/v2/groups/ID`.
pub(super) async fn group(
    State(api): State<Api>,
    Path(path): Path<String>,
    pairs: Pairs,
    request: Request<Body>,
) -> Answer {
    if path.trim_end_matches('/').rsplit('/').next() == Some("versions") {
        let text = "versions of groups are not kept: apps have theirs, at /v2/apps/ID/versions";
        return answers::failure(StatusCode::NOT_FOUND, text);
    }
    let id = form::absolute(&path);
    // Clients that name the root group ask for `/v2/groups//`.
    if id != "/" && !form::is_path(&id) {
        return answers::refused(&Refusal::no_group(&id));
    }
    at(&api, PathId::kept(id), &pairs, request).await.unwrap_or_else(|answer| answer)
}

async fn at(
    api: &Api,
    group: PathId,
    pairs: &Pairs,
    request: Request<Body>,
) -> Result<Answer, Answer> {
    match *request.method() {
        Method::GET | Method::HEAD => {
            let apps = below(api, &group).await?;
            Ok(answers::ok(&tree(&group, &apps)))
        }
        Method::POST | Method::PUT | Method::PATCH => put(api, group, pairs, request).await,
        Method::DELETE => {
            // One that is not there is said to be so.
            below(api, &group).await?;
            let force = flag(pairs, "force", false);
            let put = Call::PutGroup { group, apps: Vec::new(), force, is_dry_run: false };
            Ok(api.call(put).await)
        }
        _ => Ok(wrong_method(request).await),
    }
}

/// The apps of a group, which is not there without any, but for the root.
async fn below(api: &Api, group: &PathId) -> Result<Vec<AppView>, Answer> {
    let mut apps = match api.ask(Call::Apps { within: group.clone() }).await? {
        Reply::Apps(apps) => apps,
        other => return Err(answers::otherwise(other)),
    };
    // An app is no group.
    apps.retain(|view| view.app.id != *group);
    if apps.is_empty() && *group != PathId::root() {
        return Err(answers::refused(&Refusal::no_group(group.as_str())));
    }
    Ok(apps)
}

/// A group as it is written.
fn tree(group: &PathId, apps: &[AppView]) -> Value {
    let (mut own, mut pods) = (Vec::new(), Vec::new());
    let mut inner: BTreeMap<String, Vec<AppView>> = BTreeMap::new();
    let depth = group.labels().count();
    for view in apps {
        if view.app.id.parent() == *group && view.app.pod.is_some() {
            pods.push(Value::Object(show::pod::definition(&view.app)));
        } else if view.app.id.parent() == *group {
            own.push(json!(show::app(view, Embed::default())));
        } else if let Some(label) = view.app.id.labels().nth(depth) {
            inner.entry(label.to_owned()).or_default().push(view.clone());
        }
    }
    let groups: Value = inner
        .iter()
        .map(|(label, apps)| {
            let above = group.as_str().trim_end_matches('/');
            tree(&PathId::kept(format!("{above}/{label}")), apps)
        })
        .collect();
    let newest = apps.iter().map(|view| view.app.version_ms).max();
    let version = newest.map_or_else(version_now, longshore_wire_marathon::time);
    json!({
        "id": group, "apps": own, "groups": groups, "pods": pods, "dependencies": [], "version": version,
    })
}

async fn put(
    api: &Api,
    group: PathId,
    pairs: &Pairs,
    request: Request<Body>,
) -> Result<Answer, Answer> {
    let is_new = *request.method() == Method::POST;
    let (force, is_dry_run) = (flag(pairs, "force", false), flag(pairs, "dryRun", false));
    let Value::Object(members) = api.body(request).await? else {
        return Err(wrong("/", "must be an object"));
    };
    if members.contains_key("version") && members.len() == 1 {
        return Err(wrong("/version", "versions of groups are not kept: put the apps themselves"));
    }
    let (group, apps) = if let Some(by) = members.get("scaleBy") {
        (group.clone(), scaled(api, &group, by).await?)
    } else {
        let given = members.get("id").and_then(Value::as_str);
        let group = given.map_or(group.clone(), |id| written::resolved(&group, id));
        // A group that is not there has none.
        let known = below(api, &group).await.unwrap_or_default();
        let apps = written::apps(&group, &members, &known).map_err(|why| answers::refused(&why))?;
        (group, apps)
    };
    let existed = below(api, &group).await.is_ok_and(|apps| !apps.is_empty());
    if is_new && existed && group != PathId::root() {
        let text = format!("Group {group} is already created. Use PUT to change this group.");
        return Err(answers::failure(StatusCode::CONFLICT, &text));
    }
    match api.ask(Call::PutGroup { group, apps, force, is_dry_run }).await? {
        Reply::Done { version_ms, deployment, .. } => {
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            Ok(answers::deployed(status, version_ms, &deployment))
        }
        other => Ok(answers::otherwise(other)),
    }
}

fn wrong(path: &str, text: &str) -> Answer {
    answers::refused(&Refusal::not_valid(&[Detail::new(path, text)]))
}

/// The apps of a group with more or fewer instances, and its pods as they are. Source: frameworks.md 3.2: `{"scaleBy": f}`; Marathon
/// 1.11 scales only apps by it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
async fn scaled(api: &Api, group: &PathId, by: &Value) -> Result<Vec<App>, Answer> {
    let by = by.as_f64().filter(|by| (0.0..=10_000.0).contains(by));
    let by = by.ok_or_else(|| wrong("/scaleBy", "must be a number of 0 or more"))?;
    let apps = below(api, group).await?;
    let more = |view: AppView| {
        if view.app.pod.is_some() {
            return App::clone(&view.app);
        }
        let instances = (f64::from(view.app.instances) * by).ceil();
        let instances = instances.clamp(0.0, f64::from(form::limits::INSTANCES_MAX)) as u32;
        App { instances, ..App::clone(&view.app) }
    };
    Ok(apps.into_iter().map(more).collect())
}
