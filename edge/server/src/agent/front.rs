//! The port of an agent over HTTP. Paths, parameters and errors are those of an agent of Mesos; the method is not looked at.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use axum::routing::{MethodRouter, any};
use longshore_wire_mesos::MESOS_VERSION;
use serde_json::{Map, Value, json};

use super::files::{self, Piece};
use super::place::{self, Place};
use super::{About, state};
use crate::clock::now;
use crate::mesos::{Credentials, authenticated};

/// An agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) about: About,
    pub(super) address: SocketAddr,
    /// In seconds since the epoch.
    pub(super) started_at: f64,
}

impl Agent {
    pub(super) fn new(about: About, address: SocketAddr) -> Self {
        Self { about, address, started_at: now().wall().seconds() }
    }
}

/// The routes. Each exists by itself and below the name of the agent's process.
pub(super) fn router(agent: Arc<Agent>, credentials: Credentials) -> Router {
    let credentials = Arc::new(credentials);
    let mut router = Router::new();
    let routes: [(&str, bool, MethodRouter<Arc<Agent>>); 8] = [
        ("state", true, any(show_state)),
        ("state.json", true, any(show_state)),
        ("health", false, any(|| async { text(StatusCode::OK, "") })),
        ("version", false, any(|| async { json_answer(&json!({"version": MESOS_VERSION}), None) })),
        ("metrics/snapshot", true, any(show_metrics)),
        // Source: usage of containers is not told, and those who poll it want a list.
        ("monitor/statistics", true, any(|| async { json_answer(&json!([]), None) })),
        ("monitor/statistics.json", true, any(|| async { json_answer(&json!([]), None) })),
        ("containers", true, any(|| async { json_answer(&json!([]), None) })),
    ];
    let guarded = |is_secret: bool, route: MethodRouter<Arc<Agent>>| {
        if is_secret { authenticated(&credentials, route) } else { route }
    };
    for (path, is_secret, route) in routes {
        for prefix in ["", "/slave(1)"] {
            let route = guarded(is_secret, route.clone());
            router = router.route(&format!("{prefix}/{path}"), route);
        }
    }
    let all: [(&str, MethodRouter<Arc<Agent>>); 4] = [
        ("browse", any(browse)),
        ("read", any(read)),
        ("download", any(download)),
        ("debug", any(debug)),
    ];
    for (path, route) in all {
        let route = guarded(true, route);
        router = router
            .route(&format!("/files/{path}"), route.clone())
            .route(&format!("/files/{path}.json"), route);
    }
    router.fallback(|| async { text(StatusCode::NOT_FOUND, "") }).with_state(agent)
}

/// Formats rejections of the port's guard.
pub(super) fn refusal(_: &Uri, _: &HeaderMap, status: StatusCode, why: &str) -> Response<Body> {
    text(status, why)
}

/// An answer of plain text.
pub(super) fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    if !text.is_empty() {
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// An answer of JSON, or a call with it of the function that a page names.
pub(super) fn json_answer(body: &Value, jsonp: Option<&str>) -> Response<Body> {
    let (text, kind) = match jsonp {
        Some(callback) => (format!("{callback}({body});"), "text/javascript"),
        None => (body.to_string(), "application/json"),
    };
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The parameters of a request; of equal ones the last counts.
struct Query(BTreeMap<String, String>);

impl Query {
    fn of(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The function that a page wants called; what is no name is ignored.
    fn jsonp(&self) -> Option<&str> {
        let is_name =
            |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$' | '.');
        self.get("jsonp")
            .filter(|name| !name.is_empty() && name.len() <= 128 && name.chars().all(is_name))
    }

    /// The place that the path leads to.
    ///
    /// # Errors
    /// The answer, if it leads to none.
    async fn place(&self, agent: &Agent) -> Result<Place, Box<Response<Body>>> {
        let Some(path) = self.get("path").filter(|path| !path.is_empty()) else {
            let why = "Expecting 'path=value' in query.\n";
            return Err(Box::new(text(StatusCode::BAD_REQUEST, why)));
        };
        let place = place::find(&agent.about.runtime, path).await;
        place.ok_or_else(|| {
            let mut response = text(StatusCode::NOT_FOUND, "");
            let kind = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            Box::new(response)
        })
    }
}

async fn show_state(State(agent): State<Arc<Agent>>, uri: Uri) -> Response<Body> {
    let sandboxes = agent.about.runtime.sandboxes().await;
    let stopped = agent.about.cluster.stopped(state::in_question(&sandboxes)).await;
    json_answer(&state::state(&agent, &sandboxes, &stopped), Query::of(&uri).jsonp())
}

async fn show_metrics(State(agent): State<Arc<Agent>>) -> Response<Body> {
    let sandboxes = agent.about.runtime.sandboxes().await;
    let stopped = agent.about.cluster.stopped(state::in_question(&sandboxes)).await;
    let now = now().wall().seconds();
    json_answer(&state::metrics(&agent, &sandboxes, &stopped, now), None)
}

async fn browse(State(agent): State<Arc<Agent>>, uri: Uri) -> Response<Body> {
    let query = Query::of(&uri);
    match query.place(&agent).await {
        Ok(place) => {
            let asked = query.get("path").unwrap_or_default().to_owned();
            files::browse(place, asked, query.jsonp()).await
        }
        Err(answer) => *answer,
    }
}

async fn read(State(agent): State<Arc<Agent>>, uri: Uri) -> Response<Body> {
    let query = Query::of(&uri);
    let place = match query.place(&agent).await {
        Ok(place) => place,
        Err(answer) => return *answer,
    };
    match Piece::of(query.get("offset"), query.get("length")) {
        Ok(piece) => files::read(place, piece, query.jsonp()).await,
        Err(why) => text(StatusCode::BAD_REQUEST, &why),
    }
}

async fn download(State(agent): State<Arc<Agent>>, uri: Uri) -> Response<Body> {
    match Query::of(&uri).place(&agent).await {
        Ok(place) => files::download(place, &agent.about.pages).await,
        Err(answer) => *answer,
    }
}

/// `/files/debug`: all sandboxes, by the names that they have.
async fn debug(State(agent): State<Arc<Agent>>) -> Response<Body> {
    let mut all = Map::new();
    for sandbox in agent.about.runtime.sandboxes().await {
        let directory = sandbox.folder.path().display().to_string();
        if let (Some(framework), Some(executor)) =
            (&sandbox.about.framework, sandbox.about.executor_id())
        {
            let run = sandbox.task;
            let virtual_path = format!("/frameworks/{framework}/executors/{executor}/runs/{run}");
            all.insert(virtual_path, directory.clone().into());
        }
        all.insert(directory.clone(), directory.into());
    }
    json_answer(&Value::Object(all), None)
}
