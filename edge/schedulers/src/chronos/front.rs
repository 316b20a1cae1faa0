//! The HTTP front: Chronos's routes below `/scheduler`, as 2.5 has them, and below `/v1/scheduler`, as 3.x has them.
//!
//! Both serve the same. Source: frameworks.md 4.1.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use axum::routing::{delete, get, post, put};
use longshore_chronos::{Call, Reply, Search, limits as machine_limits};
use longshore_server::{Bodies, NoBody};
use longshore_wire_chronos::{Defaults, Posted, Trigger, limits};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{self, Answer};
use super::{Handle, metrics};

/// Bytes of bodies that may be read at a time. Source: chosen by us.
const BODIES_BYTES: usize = 64 * 1024 * 1024;

/// The state of the front.
#[derive(Clone, Debug)]
pub(super) struct Api {
    handle: Handle,
    defaults: Defaults,
    leader: String,
    bodies: Bodies,
}

pub(super) fn router(handle: Handle, defaults: Defaults, leader: String) -> Router {
    let mut router = Router::new();
    for prefix in ["/scheduler", "/v1/scheduler"] {
        let scheduler = Router::new()
            .route("/iso8601", post(scheduled).put(scheduled))
            .route("/dependency", post(dependent).put(dependent))
            .route("/jobs", get(jobs))
            .route("/jobs/search", get(search))
            .route("/jobs/summary", get(summary))
            .route("/job/{name}", get(job).put(run_job).delete(delete_job))
            .route("/job/success/{name}", put(succeed))
            .route("/job/stat/{name}", get(stat))
            .route("/job/{name}/task/{task}/progress", post(progress))
            .route("/task/kill/{name}", delete(kill))
            .route("/task/{task}", put(complete))
            .route("/graph/dot", get(dot))
            .route("/graph/csv", get(csv))
            .route("/stats/{of}", get(stats))
            .route("/leader", get(leader_is));
        router = router.nest(prefix, scheduler);
    }
    router
        .route("/leader", get(leader_is))
        .route("/ping", get(ping))
        .route("/metrics", get(metrics_are))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Api { handle, defaults, leader, bodies: Bodies::new(BODIES_BYTES) })
}

/// What the door turns away.
pub(super) fn turned_away(_: &Uri, _: &HeaderMap, status: StatusCode, why: &str) -> Response<Body> {
    answers::failure(status, why)
}

async fn unknown(uri: Uri) -> Answer {
    let text = format!("there is nothing at {}: Chronos's API is below /v1/scheduler", uri.path());
    answers::failure(StatusCode::NOT_FOUND, &text)
}

async fn wrong_method(request: Request<Body>) -> Answer {
    let text = format!("{} does not take {}", request.uri().path(), request.method());
    answers::failure(StatusCode::METHOD_NOT_ALLOWED, &text)
}

impl Api {
    async fn call(&self, call: Call) -> Answer {
        if let Some(reply) = self.handle.call(call).await {
            return answers::answer(reply).await;
        }
        answers::failure(StatusCode::SERVICE_UNAVAILABLE, "the scheduler is ending: try again")
    }

    /// A body of JSON.
    async fn body(&self, request: Request<Body>) -> Result<Vec<u8>, Answer> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.trim().to_ascii_lowercase().starts_with("application/json") {
            // Source: Jersey, which Chronos uses.
            let text = "the Content-Type is to be application/json";
            return Err(answers::failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let most = limits::BODY_BYTES_MAX;
        match self.bodies.read(request.into_body(), most).await {
            Ok(whole) => Ok(whole.bytes),
            Err(NoBody::TooLarge) => {
                let text = format!("the body is larger than {most} bytes");
                Err(answers::failure(StatusCode::PAYLOAD_TOO_LARGE, &text))
            }
            Err(NoBody::Broken) => {
                Err(answers::failure(StatusCode::BAD_REQUEST, "the body did not arrive as a whole"))
            }
        }
    }

    async fn posts(&self, request: Request<Body>, has_parents: bool) -> Answer {
        let body = match self.body(request).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let posted = match Posted::parse(&body, &self.defaults) {
            Ok(posted) => posted,
            Err(why) => return answers::bad(&why.to_string()),
        };
        match (&posted.definition.trigger, has_parents) {
            (Trigger::Schedule { .. }, true) => {
                answers::bad("parents: a job with a schedule is posted to iso8601")
            }
            (Trigger::Parents(_), false) => {
                answers::bad("schedule: a job with parents is posted to dependency")
            }
            _ => self.call(Call::Post(Box::new(posted))).await,
        }
    }
}

async fn scheduled(State(api): State<Api>, request: Request<Body>) -> Answer {
    api.posts(request, false).await
}

async fn dependent(State(api): State<Api>, request: Request<Body>) -> Answer {
    api.posts(request, true).await
}

async fn jobs(State(api): State<Api>) -> Answer {
    api.call(Call::Jobs).await
}

/// What a search says; numbers are read here, so that they are refused by name.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    name: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    any: String,
    #[serde(default)]
    limit: String,
    #[serde(default)]
    offset: String,
}

async fn search(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Answer {
    let Wanted { name, command, any, limit, offset } = wanted;
    let number = |field: &str, text: &str, default: usize| match text {
        "" => Ok(default),
        text => {
            text.parse().map_err(|_| format!("{field}: a whole number is needed, not {text:?}"))
        }
    };
    let limit = number("limit", &limit, machine_limits::SEARCH_JOBS);
    let (limit, offset) = match (limit, number("offset", &offset, 0)) {
        (Ok(limit), Ok(offset)) => (limit, offset),
        (Err(why), _) | (_, Err(why)) => return answers::bad(&why),
    };
    api.call(Call::Search(Search { name, command, any, limit, offset })).await
}

async fn summary(State(api): State<Api>) -> Answer {
    api.call(Call::Summary).await
}

async fn job(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    api.call(Call::Job { name }).await
}

#[derive(Debug, Default, Deserialize)]
struct Given {
    #[serde(default)]
    arguments: String,
}

async fn run_job(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(given): Query<Given>,
) -> Answer {
    api.call(Call::Run { name, arguments: given.arguments }).await
}

async fn delete_job(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    api.call(Call::Delete { name }).await
}

async fn succeed(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    api.call(Call::Succeed { name }).await
}

async fn stat(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    api.call(Call::Stat { name }).await
}

async fn kill(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    api.call(Call::Kill { name }).await
}

/// Source: Chronos, `numAdditionalElementsProcessed`; 0 is a number.
async fn progress(
    State(api): State<Api>,
    Path((name, task)): Path<(String, String)>,
    request: Request<Body>,
) -> Answer {
    let body = match api.body(request).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let field = "numAdditionalElementsProcessed";
    let read: Option<Value> = serde_json::from_slice(&body).ok();
    let elements = read.as_ref().and_then(|read| read.get(field)).and_then(Value::as_u64);
    match elements {
        Some(elements) => api.call(Call::Progress { name, task, elements }).await,
        None => answers::bad(&format!("{field}: a whole number of 0 or more is needed")),
    }
}

/// What 2.5 is told of asynchronous jobs.
async fn complete(Path(task): Path<String>) -> Answer {
    let text = format!(
        "{task} is not a task of an asynchronous job: there are none, a job ends when its task ends"
    );
    answers::bad(&text)
}

async fn dot(State(api): State<Api>) -> Answer {
    api.call(Call::Dot).await
}

async fn csv(State(api): State<Api>) -> Answer {
    api.call(Call::Csv).await
}

async fn stats(State(api): State<Api>, Path(of): Path<String>) -> Answer {
    api.call(Call::Timings { of }).await
}

/// The leader is the only one there is.
async fn leader_is(State(api): State<Api>) -> Answer {
    answers::json(StatusCode::OK, &json!({"leader": api.leader}))
}

async fn ping() -> Answer {
    answers::text(StatusCode::OK, "pong\n".to_owned())
}

async fn metrics_are(State(api): State<Api>) -> Answer {
    match api.handle.call(Call::Gauges).await {
        Some(Reply::Gauges(gauges)) => answers::json(StatusCode::OK, &metrics::shown(&gauges)),
        _ => {
            answers::failure(StatusCode::SERVICE_UNAVAILABLE, "the scheduler is ending: try again")
        }
    }
}
