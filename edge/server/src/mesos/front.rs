//! The HTTP front of the Mesos master: the v1 scheduler API, and the endpoints that clients read
//! before they use it.
//!
//! Reads ignore the method, as in Mesos; nothing changes state by a GET, except `/logging/toggle`,
//! which is guarded by itself: see [`super::logging`]. Source: Mesos,
//! `src/master/http.cpp`; rule ids such as \[H4\] are those of `docs/reference/mesos-rules.md`. The
//! order of checks is the contract, \[H20\]: each client reacts to the first that fails.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get};
use longshore_bridge::{Config, Origin, Response as Told};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::{Media, accepted};

use super::call::{Read, Reader};
use super::credentials::{Check, Credentials, Principal, Realm, check};
use super::logging::{self, LogLevel};
use super::operator;
use super::{Answer, BridgeHandle, Called, files, libprocess};
use crate::metrics::{END, MEDIA, Metrics};
use crate::notes::Notes;
use crate::pages::Pages;

const STREAM_ID: HeaderName = HeaderName::from_static("mesos-stream-id");

/// Every path exists by itself and below `/master`. Source: \[H1\].
pub(super) fn router(
    handle: BridgeHandle,
    notes: Arc<Notes>,
    metrics: Metrics,
    config: &Config,
    credentials: Credentials,
) -> Router {
    let credentials = Arc::new(credentials);
    let guarded = |realm: Realm, route: MethodRouter<Front>| guarded(&credentials, realm, route);
    let old = || guarded(Realm::ReadOnly, any(operator::old));
    let mut router = Router::new();
    for prefix in ["", "/master"] {
        for (path, route) in paths(&credentials, config) {
            router = router
                .route(&format!("{prefix}/{path}"), route.clone())
                .route(&format!("{prefix}/{path}/"), route);
        }
    }
    for path in ["/files/browse", "/files/read", "/files/download"] {
        router = router.route(path, guarded(Realm::ReadOnly, any(files::file)));
    }
    router
        .route("/files/debug", guarded(Realm::ReadOnly, any(files::all)))
        .route("/logging/toggle", guarded(Realm::ReadWrite, any(logging::toggle)))
        .route("/metrics/snapshot", old())
        .route("/metrics/prometheus", old())
        .route("/metrics", guarded(Realm::ReadOnly, get(move || async move { counted(&metrics) })))
        .fallback(move |request: Request<Body>| {
            let notes = notes.clone();
            async move { elsewhere(&notes, &request) }
        })
        .with_state(Front {
            handle,
            reader: Reader::default(),
            pages: Pages::default(),
            log: LogLevel::default(),
        })
}

/// What is served below `/` and below `/master`.
fn paths(
    credentials: &Arc<Credentials>,
    config: &Config,
) -> [(&'static str, MethodRouter<Front>); 26] {
    let guarded = |realm: Realm, route: MethodRouter<Front>| guarded(credentials, realm, route);
    let old = || guarded(Realm::ReadOnly, any(operator::old));
    let writes = || guarded(Realm::ReadWrite, any(operator::old));
    let api = || guarded(Realm::ReadWrite, any(operator::api));
    let location = format!("//{}:{}", config.hostname, config.port);
    let redirect = move || {
        let location = location.clone();
        async move { plain(StatusCode::TEMPORARY_REDIRECT, "").with(header::LOCATION, &location).done() }
    };
    [
        ("api/v1/scheduler", guarded(Realm::Scheduler, any(scheduler))),
        ("api/v1", api()),
        ("version", any(operator::old)),
        ("health", get(|| async { plain(StatusCode::OK, "").done() })),
        ("redirect", get(redirect)),
        ("state", old()),
        ("state.json", old()),
        ("state-summary", old()),
        ("slaves", old()),
        ("slaves/{id}", old()),
        ("tasks", old()),
        ("frameworks", old()),
        ("roles", old()),
        ("flags", old()),
        ("maintenance/status", old()),
        ("weights", writes()),
        ("quota", writes()),
        ("quota/{role}", writes()),
        ("maintenance/schedule", writes()),
        ("machine/down", writes()),
        ("machine/up", writes()),
        ("teardown", writes()),
        ("reserve", writes()),
        ("unreserve", writes()),
        ("create-volumes", writes()),
        ("destroy-volumes", writes()),
    ]
}

/// A route that only those reach who may.
fn guarded(
    credentials: &Arc<Credentials>,
    realm: Realm,
    route: MethodRouter<Front>,
) -> MethodRouter<Front> {
    let asked = Check { credentials: credentials.clone(), realm };
    // Not `route_layer`, which knows nothing of what any method reaches.
    route.layer(from_fn_with_state(asked, check))
}

/// The response for unknown paths. A driver that speaks libprocess is told that it is not
/// supported.
fn elsewhere(notes: &Notes, request: &Request<Body>) -> Response<Body> {
    if !libprocess::is_message(request.uri().path()) {
        return plain(StatusCode::NOT_FOUND, "").done();
    }
    notes.warn(&libprocess::note(request.headers()));
    plain(StatusCode::NOT_IMPLEMENTED, libprocess::ANSWER).done()
}

/// The program's own metrics, for Prometheus.
fn counted(metrics: &Metrics) -> Response<Body> {
    let mut response = Response::new(Body::from(metrics.text() + END));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    response
}

/// The state of the front end.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) handle: BridgeHandle,
    pub(super) reader: Reader,
    pub(super) pages: Pages,
    pub(super) log: LogLevel,
}

/// A response under construction.
struct Plain(Response<Body>);

/// A text response. Source: \[H3\]: errors are text, empty ones have no content type.
fn plain(status: StatusCode, text: &str) -> Plain {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    if !text.is_empty() {
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    Plain(response)
}

/// Formats rejections of the port's guard.
pub(super) fn refusal(_: &Uri, _: &HeaderMap, status: StatusCode, why: &str) -> Response<Body> {
    text(status, why)
}

/// A complete text response.
pub(super) fn text(status: StatusCode, text: &str) -> Response<Body> {
    plain(status, text).done()
}

impl Plain {
    fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    fn done(self) -> Response<Body> {
        self.0
    }
}

fn sent<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

async fn scheduler(State(front): State<Front>, request: Request<Body>) -> Response<Body> {
    match call(front, request).await {
        Ok(response) | Err(response) => response,
    }
}

/// Answers a call; `Err` is a response to one of the checks that need no state.
#[expect(clippy::result_large_err, reason = "both variants are responses")]
async fn call(front: Front, request: Request<Body>) -> Result<Response<Body>, Response<Body>> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let why = format!(
            "405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{}'.",
            parts.method
        );
        return Err(plain(StatusCode::METHOD_NOT_ALLOWED, &why).with(header::ALLOW, "POST").done());
    }
    let bad = |status: StatusCode, why: &str| Err(plain(status, why).done());
    let Some(content) = parts.headers.get(header::CONTENT_TYPE) else {
        return bad(StatusCode::BAD_REQUEST, "Expecting 'Content-Type' to be present");
    };
    let Some(media) = content.to_str().ok().and_then(Media::of) else {
        return bad(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Expecting 'Content-Type' of application/json or application/x-protobuf",
        );
    };
    let principal = parts.extensions.get::<Principal>().map(|Principal(proved)| proved.clone());
    let read = front.reader.read(media, body, principal.clone()).await;
    let Read { call, kind, room } = match read {
        Ok(read) => read,
        Err((status, why)) => return Err(refused(status, &why)),
    };
    let wanted = accepted(sent(&parts.headers, &header::ACCEPT));
    if matches!(kind, Type::Subscribe | Type::ReconcileOperations) && wanted.is_none() {
        return bad(
            StatusCode::NOT_ACCEPTABLE,
            "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'",
        );
    }
    let stream_id = sent(&parts.headers, &STREAM_ID).map(str::to_owned);
    let media = wanted.unwrap_or(Media::Json);
    let called = Called { call, origin: Origin::V1 { stream_id }, principal };
    let answer = front.handle.call(called, media, room).await;
    Ok(respond(answer))
}

fn refused(status: u16, why: &str) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    plain(status, why).done()
}

/// Converts the bridge's answer to HTTP.
fn respond(answer: Option<Answer>) -> Response<Body> {
    match answer {
        None => plain(StatusCode::SERVICE_UNAVAILABLE, "The master is shutting down").done(),
        Some(Answer::Stream(stream, id)) => {
            let media = stream.media.name();
            let mut response = Response::new(Body::from_stream(stream));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
            Plain(response).with(STREAM_ID, &id).done()
        }
        Some(Answer::Plain(told)) => match told {
            Told::Done => plain(StatusCode::OK, "").done(),
            Told::Refused(status, why) => refused(status, &why),
            Told::Accepted | Told::Stream(..) | Told::View(_) | Told::Watched(_) => {
                plain(StatusCode::ACCEPTED, "").done()
            }
        },
        // A scheduler does not ask for it.
        Some(Answer::Watching(_)) => plain(StatusCode::ACCEPTED, "").done(),
    }
}
