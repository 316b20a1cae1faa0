//! Groups: apps and pods by their paths. A group exists as long as it has any.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Method, Request, StatusCode};
use longshore_marathon::{AppView, Call, Reply};
use longshore_wire_marathon::form::{self, Detail, Refusal};
use longshore_wire_marathon::{App, PathId};
use serde_json::{Map, Value, json};

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
            own.push(show::app(view, Embed::default()));
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
        let group = given.map_or(group.clone(), |id| resolved(&group, id));
        let mut apps = Vec::new();
        collect(&group, &members, &[], DEPTH_MAX, &mut apps)?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = apps.iter().find(|app| !seen.insert(&app.id)) {
            return Err(wrong(
                "/",
                &format!("{} is there twice: ids of apps and pods are unique", twice.id),
            ));
        }
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

/// An id that is relative to a group, unless it begins with a slash.
fn resolved(group: &PathId, id: &str) -> PathId {
    if id.starts_with('/') {
        return PathId::kept(form::absolute(id));
    }
    let mut labels: Vec<&str> = group.labels().collect();
    for label in id.split('/').filter(|label| !label.is_empty() && *label != ".") {
        if label == ".." {
            labels.pop();
        } else {
            labels.push(label);
        }
    }
    PathId::kept(format!("/{}", labels.join("/")))
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

/// The id of something that is written in a group.
fn id_in(group: &PathId, one: &Map<String, Value>, path: &str) -> Result<PathId, Answer> {
    let id = one.get("id").and_then(Value::as_str).map(|id| resolved(group, id));
    let id = id.ok_or_else(|| wrong(path, "must be given"))?;
    if id.is_within(group) && id != *group {
        return Ok(id);
    }
    Err(wrong(path, &format!("{id} must be below its group {group}")))
}

/// An app that is written in a group.
fn app_in(group: &PathId, one: &Value) -> Result<App, Answer> {
    let Value::Object(one) = one else { return Err(wrong("/apps", "must be objects")) };
    let id = id_in(group, one, "/apps/id")?;
    let mut one = one.clone();
    one.insert("id".to_owned(), json!(id));
    for dependency in
        one.get_mut("dependencies").and_then(Value::as_array_mut).into_iter().flatten()
    {
        if let Some(text) = dependency.as_str() {
            *dependency = json!(resolved(group, text));
        }
    }
    form::read(one).map(App::of).map_err(|why| answers::refused(&why))
}

/// A pod that is written in a group.
fn pod_in(group: &PathId, one: &Value) -> Result<App, Answer> {
    let Value::Object(one) = one else { return Err(wrong("/pods", "must be objects")) };
    let id = id_in(group, one, "/pods/id")?;
    let mut one = one.clone();
    one.insert("id".to_owned(), json!(id));
    form::read_pod(one).map(App::of_pod).map_err(|why| answers::refused(&why))
}

/// The apps and pods of a group that is written, and of the groups in it. What a group depends on, they do.
fn collect(
    group: &PathId,
    members: &Map<String, Value>,
    above: &[PathId],
    depth: usize,
    apps: &mut Vec<App>,
) -> Result<(), Answer> {
    if depth == 0 {
        return Err(wrong("/groups", "groups are too deep in groups"));
    }
    let known = ["id", "apps", "groups", "pods", "dependencies", "version", "enforceRole"];
    if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(wrong(&format!("/{name}"), "is no member of a group"));
    }
    let list = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(&[][..]),
        Some(Value::Array(all)) => Ok(all.as_slice()),
        Some(_) => Err(wrong(&format!("/{name}"), "must be a list")),
    };
    let mut wanted = above.to_vec();
    wanted.extend(
        list("dependencies")?.iter().filter_map(Value::as_str).map(|id| resolved(group, id)),
    );
    let own = list("apps")?.iter().map(|one| app_in(group, one));
    for app in own.chain(list("pods")?.iter().map(|one| pod_in(group, one))) {
        let mut app = app?;
        let more = wanted.iter().filter(|id| !app.dependencies.contains(id));
        let more: Vec<PathId> = more.cloned().collect();
        app.dependencies.extend(more);
        apps.push(app);
        if apps.len() > APPS_MAX {
            return Err(wrong("/apps", &format!("must be at most {APPS_MAX} with pods in all")));
        }
    }
    for one in list("groups")? {
        let Value::Object(one) = one else { return Err(wrong("/groups", "must be objects")) };
        let id = id_in(group, one, "/groups/id")?;
        collect(&id, one, &wanted, depth - 1, apps)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_group_are_relative_to_it() {
        let shop = PathId::kept("/shop");
        for (id, whole) in
            [("db", "/shop/db"), ("../x", "/x"), ("/a/b", "/a/b"), ("./c/", "/shop/c")]
        {
            assert_eq!(resolved(&shop, id).as_str(), whole);
        }
    }

    #[test]
    fn pods_of_a_group_are_below_it_and_depend_on_what_it_does() {
        let container = json!({"name": "c", "exec": {"command": {"shell": "x"}}, "resources": {}});
        let written = json!({
            "id": "/shop", "dependencies": ["/base"], "pods": [{"id": "web", "containers": [container]}],
        });
        let members = written.as_object().expect("an object");
        let shop = PathId::kept("/shop");
        let mut apps = Vec::new();
        collect(&shop, members, &[], 5, &mut apps).expect("it is valid");
        assert_eq!((apps[0].id.as_str(), apps[0].pod.is_some()), ("/shop/web", true));
        assert_eq!(apps[0].dependencies, [PathId::kept("/base")]);
        let outside = json!({"id": "/shop", "pods": [{"id": "/web", "containers": []}]});
        let members = outside.as_object().expect("an object");
        assert!(collect(&shop, members, &[], 5, &mut apps).is_err());
    }

    #[test]
    fn a_group_is_its_apps_and_what_it_depends_on_they_do() {
        let written = json!({
            "id": "/shop", "apps": [{"id": "web", "cmd": "x", "dependencies": ["../shop/db/sql"]}],
            "groups": [{"id": "db", "dependencies": ["/base"], "apps": [{"id": "sql", "cmd": "y"}]}],
        });
        let members = written.as_object().expect("an object");
        let mut apps = Vec::new();
        collect(&PathId::kept("/shop"), members, &[], 5, &mut apps).expect("it is valid");
        let told: Vec<_> = apps
            .iter()
            .map(|app| {
                (app.id.as_str(), app.dependencies.iter().map(PathId::as_str).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(told, [("/shop/web", vec!["/shop/db/sql"]), ("/shop/db/sql", vec!["/base"])]);
    }
}
