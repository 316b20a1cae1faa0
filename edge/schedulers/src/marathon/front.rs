//! The HTTP front: Marathon's routes. Source: frameworks.md 3.2.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{any, delete, get};
use longshore_marathon::{Call, Reply, limits};
use longshore_server::{Bodies, NoBody};
use longshore_wire_marathon::PathId;
use longshore_wire_marathon::form::{self, Refusal};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::answers::{self, Answer};
use super::events::Events;
use super::{Handle, groups, pods, puts, tasks};

/// Bytes of bodies that may be read at a time. Source: chosen by us.
const BODIES_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a body. Source: chosen by us: thousands of apps.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The version of Marathon whose API this is; clients compare it.
const VERSION: &str = "1.11.0";

/// What is known of the scheduler itself.
#[derive(Debug)]
pub(super) struct Known {
    leader: String,
    name: String,
    role: String,
    master: Mutex<(Option<String>, bool)>,
}

impl Known {
    /// `framework` is the id that an earlier start was given.
    pub(super) fn new(leader: String, name: String, role: String, framework: Option<&str>) -> Self {
        let master = Mutex::new((framework.map(str::to_owned), false));
        Self { leader, name, role, master }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Option<String>, bool)> {
        // Nothing under the lock can panic halfway.
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A master has accepted the framework under this id.
    pub(super) fn registered(&self, id: &str) {
        *self.lock() = (Some(id.to_owned()), true);
    }

    /// Whether a master knows it now.
    pub(super) fn subscribed(&self, is_subscribed: bool) {
        self.lock().1 = is_subscribed;
    }
}

/// The state of the front.
#[derive(Clone, Debug)]
pub(super) struct Api {
    handle: Handle,
    known: Arc<Known>,
    events: Events,
    closed: watch::Receiver<bool>,
    bodies: Bodies,
}

/// Parameters, in their order.
pub(super) type Pairs = Query<Vec<(String, String)>>;

/// Whether a parameter is `true`, or what it is if it is not given.
pub(super) fn flag(pairs: &Pairs, name: &str, otherwise: bool) -> bool {
    let given = pairs.0.iter().rfind(|(key, _)| key == name);
    given.map_or(otherwise, |(_, value)| value.is_empty() || value.eq_ignore_ascii_case("true"))
}

pub(super) fn router(
    handle: Handle,
    known: Arc<Known>,
    events: Events,
    closed: watch::Receiver<bool>,
) -> Router {
    let leader = known.leader.clone();
    let api = Api { handle, known, events, closed, bodies: Bodies::new(BODIES_BYTES) };
    Router::new()
        .route("/v2/apps", any(puts::apps))
        .route("/v2/apps/", any(puts::apps))
        .route("/v2/apps/{*path}", any(puts::app))
        .route("/v2/groups", any(groups::root))
        .route("/v2/groups/", any(groups::root))
        .route("/v2/groups/{*path}", any(groups::group))
        .route("/v2/tasks", get(tasks::all))
        .route("/v2/tasks/", get(tasks::all))
        .route("/v2/tasks/delete", axum::routing::post(tasks::delete))
        .route("/v2/deployments", get(deployments))
        .route("/v2/deployments/{id}", delete(cancel))
        .route("/v2/queue", get(queue))
        .route("/v2/queue/{*path}", delete(delay))
        .route("/v2/info", get(info))
        .route("/v2/leader", get(leads).delete(abdicate))
        .route("/v2/events", get(follow))
        .route("/v2/eventSubscriptions", any(subscriptions))
        .route("/v2/artifacts", any(artifacts))
        .route("/v2/artifacts/{*path}", any(artifacts))
        .route("/v2/pods", any(pods::pods))
        .route("/v2/pods/", any(pods::pods))
        .route("/v2/pods/{*path}", any(pods::pod))
        .route("/ping", get(|| async { answers::text(StatusCode::OK, "pong") }))
        .route("/metrics", get(metrics))
        .route("/", get(home))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(leader, led))
        .with_state(api)
}

/// Every response names the leader.
async fn led(State(leader): State<String>, request: axum::extract::Request, next: Next) -> Answer {
    let mut response = next.run(request).await;
    if let Ok(leader) = HeaderValue::from_str(&format!("http://{leader}")) {
        response.headers_mut().insert("x-marathon-leader", leader);
    }
    response
}

/// What the door turns away.
pub(super) fn turned_away(_: &Uri, _: &HeaderMap, status: StatusCode, why: &str) -> Response<Body> {
    answers::failure(status, why)
}

pub(super) async fn unknown() -> Answer {
    // Source: frameworks.md 3.2, what Marathon's newest mapper makes of it, but for its status, which is 500 there.
    answers::failure(StatusCode::NOT_FOUND, "URI not found")
}

pub(super) async fn wrong_method(request: Request<Body>) -> Answer {
    let text = format!("{} does not take {}", request.uri().path(), request.method());
    answers::failure(StatusCode::METHOD_NOT_ALLOWED, &text)
}

impl Api {
    /// Makes a call.
    ///
    /// # Errors
    /// That the scheduler is ending.
    pub(super) async fn ask(&self, call: Call) -> Result<Reply, Answer> {
        self.handle.call(call).await.ok_or_else(answers::ending)
    }

    /// Makes a call whose reply says all.
    pub(super) async fn call(&self, call: Call) -> Answer {
        match self.ask(call).await {
            Ok(reply) => answers::otherwise(reply),
            Err(answer) => answer,
        }
    }

    /// Tells those who follow of something.
    pub(super) fn say(&self, kind: &'static str, body: Value) {
        self.events.say(kind, body);
    }

    /// A body of JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) async fn body(&self, request: Request<Body>) -> Result<Value, Answer> {
        let whole = self.bodies.read(request.into_body(), BODY_BYTES_MAX).await;
        let whole = whole.map_err(|why| match why {
            NoBody::TooLarge => {
                let text = format!("the body is larger than {BODY_BYTES_MAX} bytes");
                answers::failure(StatusCode::PAYLOAD_TOO_LARGE, &text)
            }
            NoBody::Broken => {
                answers::failure(StatusCode::BAD_REQUEST, "the body did not arrive as a whole")
            }
        })?;
        form::read_json(&whole.bytes).map_err(|refusal| answers::refused(&refusal))
    }
}

/// The id of an app in a path; nothing can have one that is not valid.
///
/// # Errors
/// 404.
pub(super) fn id_of(path: &str) -> Result<PathId, Answer> {
    let id = form::absolute(path);
    if form::is_path(&id) {
        Ok(PathId::kept(id))
    } else {
        Err(answers::refused(&Refusal::no_app(&id)))
    }
}

async fn deployments(State(api): State<Api>) -> Answer {
    api.call(Call::Deployments).await
}

async fn cancel(State(api): State<Api>, Path(id): Path<String>, pairs: Pairs) -> Answer {
    let force = flag(&pairs, "force", false);
    match api.ask(Call::Cancel { deployment: id, force }).await {
        // Source: frameworks.md 3.2: it stops without a roll-back.
        Ok(Reply::Ok) => answers::json(StatusCode::ACCEPTED, &json!({})),
        Ok(Reply::Done { version_ms, deployment, .. }) => {
            let status = if force { StatusCode::ACCEPTED } else { StatusCode::OK };
            answers::deployed(status, version_ms, &deployment)
        }
        Ok(other) => answers::otherwise(other),
        Err(answer) => answer,
    }
}

async fn queue(State(api): State<Api>) -> Answer {
    api.call(Call::Queue).await
}

async fn delay(State(api): State<Api>, Path(path): Path<String>) -> Answer {
    let Some(app) = path.strip_suffix("/delay") else { return unknown().await };
    let id = match id_of(app) {
        Ok(id) => id,
        Err(answer) => return answer,
    };
    match api.ask(Call::ResetDelay { id }).await {
        Ok(Reply::Ok) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Ok(other) => answers::otherwise(other),
        Err(answer) => answer,
    }
}

async fn info(State(api): State<Api>) -> Answer {
    let Known { leader, name, role, .. } = &*api.known;
    let (framework, _) = api.known.lock().clone();
    answers::ok(&json!({
        "name": name,
        "version": VERSION,
        "buildref": concat!("longshore-", env!("CARGO_PKG_VERSION")),
        "elected": true,
        "leader": leader,
        "frameworkId": framework,
        "marathon_config": {
            "checkpoint": true, "framework_name": name, "mesos_role": role, "ha": false, "failover_timeout": 604_800,
            "local_port_min": limits::SERVICE_PORT_MIN, "local_port_max": limits::SERVICE_PORT_MAX,
            "task_launch_timeout": limits::LAUNCH_MS,
        },
        "zookeeper_config": {},
        "http_config": {},
    }))
}

async fn leads(State(api): State<Api>) -> Answer {
    answers::ok(&json!({"leader": api.known.leader}))
}

async fn abdicate() -> Answer {
    answers::failure(
        StatusCode::FORBIDDEN,
        "there is one scheduler and no other to take over: stop the program instead",
    )
}

async fn follow(State(api): State<Api>, pairs: Pairs, request: Request<Body>) -> Answer {
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_stream =
        accepts.is_none_or(|accept| accept.contains("text/event-stream") || accept.contains("*/*"));
    if !is_stream {
        let text = "events are a stream: accept text/event-stream";
        return answers::failure(StatusCode::NOT_ACCEPTABLE, text);
    }
    // Plans are always written in the form that `plan-format=light` asks for.
    let types = pairs.0.into_iter().filter(|(key, _)| key == "event_type").map(|(_, value)| value);
    api.events.follow(types.collect(), api.closed.clone())
}

async fn subscriptions() -> Answer {
    answers::failure(
        StatusCode::BAD_REQUEST,
        "callbacks over HTTP are not made, since Marathon 1.8 has none either: follow /v2/events",
    )
}

async fn artifacts() -> Answer {
    answers::failure(
        StatusCode::NOT_FOUND,
        "artifacts are not stored here: put files where tasks can fetch them, and name their URIs in `fetch`",
    )
}

async fn home() -> Answer {
    answers::text(
        StatusCode::OK,
        "Marathon's API by Longshore. Apps are at /v2/apps; there is no user interface here.\n",
    )
}

async fn metrics(State(api): State<Api>) -> Answer {
    let reply = match api.ask(Call::Apps { within: PathId::root() }).await {
        Ok(Reply::Apps(apps)) => apps,
        Ok(other) => return answers::otherwise(other),
        Err(answer) => return answer,
    };
    let sum = |count: fn(&longshore_marathon::Counts) -> u32| {
        reply.iter().map(|view| u64::from(count(&view.counts))).sum::<u64>()
    };
    let (_, is_subscribed) = *api.known.lock();
    let gauge = |value: u64| json!({ "value": value });
    let pods = reply.iter().filter(|view| view.app.pod.is_some()).count() as u64;
    answers::ok(&json!({
        "gauges": {
            "marathon.apps.active.gauge": gauge(reply.len() as u64 - pods),
            "marathon.pods.active.gauge": gauge(pods),
            "marathon.instances.running.gauge": gauge(sum(|counts| counts.running)),
            "marathon.instances.staged.gauge": gauge(sum(|counts| counts.staged)),
            "marathon.instances.healthy.gauge": gauge(sum(|counts| counts.healthy)),
            "marathon.instances.unhealthy.gauge": gauge(sum(|counts| counts.unhealthy)),
            "marathon.mesos.connected.gauge": gauge(u64::from(is_subscribed)),
        },
        "counters": {}, "histograms": {}, "meters": {}, "timers": {},
    }))
}
