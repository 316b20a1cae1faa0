//! Pods: read, made, changed and deleted; how they are; and their instances, ended.
//!
//! Source: Marathon 1.11, `docs/docs/pods.md` and `PodsResource`.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use longshore_marathon::{Call, Mode, PodView, Reply, Sort};
use longshore_server::clock::wall;
use longshore_wire_marathon::form::{self, Detail, Refusal};
use longshore_wire_marathon::{App, PathId, time};
use serde_json::{Map, Value, json};

use super::answers::{self, Answer};
use super::front::{Api, Pairs, flag, unknown, wrong_method};
use super::puts::{object, version_ms};
use super::show;

/// Instances that one request ends. Source: chosen by us, as for apps in one request.
const INSTANCES_OF_REQUEST_MAX: usize = 1_000;

/// `/v2/pods`.
pub(super) async fn pods(State(api): State<Api>, pairs: Pairs, request: Request<Body>) -> Answer {
    let answered = match *request.method() {
        // Clients ask so whether there are pods at all.
        Method::HEAD => Ok(answers::ok(&json!([]))),
        Method::GET => list(&api).await,
        Method::POST => post(&api, &pairs, request).await,
        _ => return wrong_method(request).await,
    };
    answered.unwrap_or_else(|answer| answer)
}

/// `/v2/pods/ID`, and what is behind it.
pub(super) async fn pod(
    State(api): State<Api>,
    Path(path): Path<String>,
    pairs: Pairs,
    request: Request<Body>,
) -> Answer {
    let answered = one(&api, path.trim_end_matches('/'), &pairs, request).await;
    answered.unwrap_or_else(|answer| answer)
}

/// What a path below `/v2/pods` is about.
#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    Pod(&'a str),
    AllStatus,
    Status(&'a str),
    Versions(&'a str),
    Version(&'a str, &'a str),
    Instances(&'a str),
    Instance(&'a str, &'a str),
    Unknown,
}

impl<'a> Target<'a> {
    fn of(path: &'a str) -> Self {
        let Some((pod, rest)) = path.split_once("::") else { return Self::Pod(path) };
        match rest.split_once('/') {
            None if rest == "status" && pod.is_empty() => Self::AllStatus,
            None if rest == "status" => Self::Status(pod),
            None if rest == "versions" => Self::Versions(pod),
            None if rest == "instances" => Self::Instances(pod),
            Some(("versions", version)) => Self::Version(pod, version),
            Some(("instances", instance)) => Self::Instance(pod, instance),
            _ => Self::Unknown,
        }
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
        Target::Unknown => Ok(unknown().await),
        Target::Pod(pod) => match method {
            Method::GET | Method::HEAD => {
                let pod = known(api, id_of(pod)?).await?;
                Ok(shown(StatusCode::OK, &pod))
            }
            Method::PUT => put(api, pod, pairs, request).await,
            Method::DELETE => delete(api, id_of(pod)?, pairs, request).await,
            _ => Ok(wrong_method(request).await),
        },
        Target::AllStatus if is_read => {
            let all = statuses(api, PathId::root()).await?;
            let now_ms = wall().millis();
            Ok(answers::ok(
                &all.iter().map(|view| show::pod::status(view, now_ms)).collect::<Value>(),
            ))
        }
        Target::Status(pod) if is_read => {
            let id = id_of(pod)?;
            let all = statuses(api, id.clone()).await?;
            let view = all.iter().find(|view| view.pod.id == id);
            let view = view.ok_or_else(|| no_pod(&id))?;
            Ok(answers::ok(&show::pod::status(view, wall().millis())))
        }
        Target::Versions(pod) if is_read => {
            let all = versions(api, id_of(pod)?).await?;
            Ok(answers::ok(&all.iter().map(|pod| time(pod.version_ms)).collect::<Vec<_>>()))
        }
        Target::Version(pod, version) if is_read => version_of(api, id_of(pod)?, version).await,
        Target::Instances(pod) if method == Method::DELETE => {
            let id = id_of(pod)?;
            let ids = instances_of(api.body(request).await?)?;
            let killed = kills(api, id, ids, pairs).await?;
            Ok(answers::ok(&Value::Array(killed)))
        }
        Target::Instance(pod, instance) if method == Method::DELETE => {
            let id = id_of(pod)?;
            known(api, id.clone()).await?;
            let killed = kills(api, id, vec![instance.to_owned()], pairs).await?;
            let text = format!("Instance '{instance}' does not exist");
            let killed = killed.into_iter().next();
            killed.map_or_else(
                || Err(answers::failure(StatusCode::NOT_FOUND, &text)),
                |one| Ok(answers::ok(&one)),
            )
        }
        _ => Ok(wrong_method(request).await),
    }
}

/// The id of a pod in a path; nothing can have one that is not valid.
fn id_of(path: &str) -> Result<PathId, Answer> {
    let id = PathId::kept(form::absolute(path));
    if form::is_path(id.as_str()) { Ok(id) } else { Err(no_pod(&id)) }
}

fn no_pod(id: &PathId) -> Answer {
    let text = format!("Pod '{id}' does not exist");
    answers::failure(StatusCode::NOT_FOUND, &text)
}

/// A reply that was not the one which was hoped for.
fn otherwise(reply: Reply) -> Answer {
    match reply {
        Reply::NoApp(id) => no_pod(&id),
        other => answers::otherwise(other),
    }
}

async fn known(api: &Api, id: PathId) -> Result<App, Answer> {
    match api.ask(Call::App { id: id.clone() }).await? {
        Reply::App(view) if view.app.pod.is_some() => Ok(App::clone(&view.app)),
        Reply::App(_) => Err(no_pod(&id)),
        other => Err(otherwise(other)),
    }
}

fn shown(status: StatusCode, pod: &App) -> Answer {
    answers::json(status, &Value::Object(show::pod::definition(pod)))
}

async fn list(api: &Api) -> Result<Answer, Answer> {
    match api.ask(Call::Apps { within: PathId::root() }).await? {
        Reply::Apps(all) => {
            let pods = all.iter().filter(|view| view.app.pod.is_some());
            let shown = pods.map(|view| Value::Object(show::pod::definition(&view.app)));
            Ok(answers::ok(&shown.collect::<Vec<_>>()))
        }
        other => Err(otherwise(other)),
    }
}

async fn statuses(api: &Api, within: PathId) -> Result<Vec<PodView>, Answer> {
    match api.ask(Call::Pods { within }).await? {
        Reply::Pods(all) => Ok(all),
        other => Err(otherwise(other)),
    }
}

async fn versions(api: &Api, id: PathId) -> Result<Vec<std::sync::Arc<App>>, Answer> {
    match api.ask(Call::Versions { id: id.clone() }).await? {
        Reply::Versions(all) if all.iter().all(|one| one.pod.is_some()) => Ok(all),
        Reply::Versions(_) => Err(no_pod(&id)),
        other => Err(otherwise(other)),
    }
}

async fn version_of(api: &Api, id: PathId, version: &str) -> Result<Answer, Answer> {
    let version_ms = version_ms(version)?;
    let all = versions(api, id.clone()).await?;
    let found = all.iter().find(|pod| pod.version_ms == version_ms);
    let text = format!("Pod '{id}' does not exist in version {}", time(version_ms));
    found.map_or_else(
        || Err(answers::failure(StatusCode::NOT_FOUND, &text)),
        |pod| Ok(shown(StatusCode::OK, pod)),
    )
}

fn read(members: Map<String, Value>) -> Result<App, Answer> {
    form::read_pod(members).map(App::of_pod).map_err(|refusal| answers::refused(&refusal))
}

/// Puts a pod. Returns it as it is wanted now, and the deployment.
async fn puts(
    api: &Api,
    pod: App,
    mode: Mode,
    force: bool,
) -> Result<(App, std::sync::Arc<str>), Answer> {
    let id = pod.id.clone();
    match api.ask(Call::Put { apps: vec![pod], mode, force }).await? {
        Reply::Done { deployment, mut apps, .. } => {
            let pod = match apps.remove(&id) {
                Some((pod, _)) => App::clone(&pod),
                // It was the same before.
                None => known(api, id).await?,
            };
            Ok((pod, deployment))
        }
        other => Err(otherwise(other)),
    }
}

async fn post(api: &Api, pairs: &Pairs, request: Request<Body>) -> Result<Answer, Answer> {
    let from = request.uri().to_string();
    let pod = read(object(api.body(request).await?)?)?;
    let (pod, deployment) = puts(api, pod, Mode::Create, flag(pairs, "force", false)).await?;
    api.say("pod_created_event", json!({ "uri": from }));
    let mut created = answers::with_deployment(shown(StatusCode::CREATED, &pod), &deployment);
    if let Ok(location) = HeaderValue::from_str(&format!("/v2/pods{}", pod.id)) {
        created.headers_mut().insert(header::LOCATION, location);
    }
    Ok(created)
}

async fn put(
    api: &Api,
    path: &str,
    pairs: &Pairs,
    request: Request<Body>,
) -> Result<Answer, Answer> {
    let from = request.uri().to_string();
    let id = PathId::kept(form::absolute(path));
    let mut members = object(api.body(request).await?)?;
    let given = members.entry("id").or_insert_with(|| json!(id)).clone();
    if given.as_str().is_some_and(|given| form::absolute(given) != id.as_str()) {
        let text = format!("'{id}' does not match definition's id ({given})");
        return Err(answers::failure(StatusCode::BAD_REQUEST, &text));
    }
    let pod = read(members)?;
    let (pod, deployment) = puts(api, pod, Mode::Any, flag(pairs, "force", false)).await?;
    api.say("pod_updated_event", json!({ "uri": from }));
    Ok(answers::with_deployment(shown(StatusCode::OK, &pod), &deployment))
}

async fn delete(
    api: &Api,
    id: PathId,
    pairs: &Pairs,
    request: Request<Body>,
) -> Result<Answer, Answer> {
    let from = request.uri().to_string();
    let call = Call::Delete { id, sort: Sort::Pod, force: flag(pairs, "force", false) };
    match api.ask(call).await? {
        Reply::Done { version_ms, deployment, .. } => {
            api.say("pod_deleted_event", json!({ "uri": from }));
            Ok(answers::deployed(StatusCode::ACCEPTED, version_ms, &deployment))
        }
        other => Err(otherwise(other)),
    }
}

/// The ids of a body.
fn instances_of(body: Value) -> Result<Vec<String>, Answer> {
    let ids: Option<Vec<String>> = match body {
        Value::Array(all) => all.into_iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let Some(ids) = ids else {
        let detail = Detail::new("/", "must be a list of ids of instances");
        return Err(answers::refused(&Refusal::invalid_json(&[detail])));
    };
    if ids.len() > INSTANCES_OF_REQUEST_MAX {
        let text = format!("must be at most {INSTANCES_OF_REQUEST_MAX} ids");
        return Err(answers::refused(&Refusal::not_valid(&[Detail::new("/", text)])));
    }
    Ok(ids)
}

/// Ends instances of a pod. Returns those that were there.
async fn kills(
    api: &Api,
    pod: PathId,
    instances: Vec<String>,
    pairs: &Pairs,
) -> Result<Vec<Value>, Answer> {
    let wrong = instances.iter().position(|one| !one.contains(".instance-"));
    if let Some(at) = wrong {
        let text = "must be the id of an instance, such as shop_web.instance-UUID";
        return Err(answers::refused(&Refusal::not_valid(&[Detail::new(
            format!("/({at})"),
            text,
        )])));
    }
    let wipe = flag(pairs, "wipe", false);
    match api.ask(Call::KillInstances { pod, instances, wipe }).await? {
        Reply::Killed(all) => Ok(all.iter().map(show::pod::killed).collect()),
        other => Err(otherwise(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_it_is_about() {
        for (path, target) in [
            ("web", Target::Pod("web")),
            ("a/b", Target::Pod("a/b")),
            ("::status", Target::AllStatus),
            ("a/b::status", Target::Status("a/b")),
            ("a::versions", Target::Versions("a")),
            ("a::versions/2026", Target::Version("a", "2026")),
            ("a::instances", Target::Instances("a")),
            ("a::instances/a.instance-1", Target::Instance("a", "a.instance-1")),
            ("a::tasks", Target::Unknown),
        ] {
            assert_eq!(Target::of(path), target);
        }
    }
}
