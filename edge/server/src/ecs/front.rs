//! The HTTP front of the local ECS: AWS JSON 1.1 in, AWS JSON 1.1 out.
//!
//! Source: `reference` of the protocol is AWS's own: `POST /`, the operation in `X-Amz-Target`,
//! errors with `__type` in the body and `x-amzn-errortype` in the header, a request id with every
//! answer.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, Response, StatusCode, Uri,
    header,
};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use longshore_control::Reply;
use longshore_machine::Ids;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::operation::{self, TARGET_PREFIX};
use longshore_wire_ecs::{ApiError, ErrorCode, Request, limits as wire_limits};
use tokio::sync::watch;

use super::{Access, ControlHandle, census, instances, local};
use crate::aws::Rooms;
use crate::bodies::{Bodies, NoBody, Whole};
use crate::ecs::access::text;
use crate::instance::{KeeperHandle, RuntimeChoice, Runtimes};
use crate::metrics::{END, MEDIA, Metrics, Service};
use crate::{limits, seed};

/// The state of the front end.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) control: ControlHandle,
    pub(crate) access: Access,
    pub(crate) bodies: Bodies,
    pub(crate) runtimes: Runtimes,
    pub(crate) keeper: KeeperHandle,
    /// The default runtime of added instances.
    pub(crate) default_runtime: RuntimeChoice,
    /// The other services of AWS.
    pub(crate) aws: Rooms,
    /// Where calls are counted.
    pub(crate) metrics: Metrics,
    /// Set when the program is ending, for endless responses.
    pub(crate) closed: watch::Receiver<bool>,
}

impl Front {
    /// Reads the body of a call to a service beside ECS, at most `bytes_max` of it, and authenticates the caller.
    pub(crate) async fn admit(
        &self,
        parts: &Parts,
        body: Body,
        bytes_max: usize,
    ) -> Result<(Realm, Whole), ApiError> {
        let body = self.bodies.read(body, bytes_max).await.map_err(|_| {
            let why = format!("The body must be complete and have at most {bytes_max} bytes.");
            ApiError::new(ErrorCode::RequestEntityTooLarge, why)
        })?;
        let realm = self.access.admit(parts, &body.bytes)?;
        Ok((realm, body))
    }
}

/// The routes: the ECS API at `/`, and additional endpoints below `/longshore`. Of the latter only
/// the health page, which reveals nothing, requires no signature.
pub(crate) fn router(front: Front) -> Router {
    let of_this_machine = Router::new()
        .route("/longshore/v1/tasks/{task}/logs/{container}", get(logs))
        .route("/longshore/v1/instances", post(instances::add))
        .route("/longshore/v1/scale", post(instances::scale))
        .route("/longshore/v1/instances/{id}/{what}", post(instances::change))
        .route_layer(from_fn_with_state(front.clone(), local::at_home));
    Router::new()
        .merge(of_this_machine)
        .route("/longshore/v1/events", get(crate::events::follow))
        .route("/metrics", get(metrics))
        .route_layer(from_fn_with_state(front.clone(), local::signed))
        .route("/longshore/v1/health", get(|| async { "ok\n" }))
        .fallback(ecs)
        .with_state(front)
}

pub(crate) const AMZ_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

async fn ecs(State(front): State<Front>, request: HttpRequest<Body>) -> Response<Body> {
    let began = Instant::now();
    if let Some(service) = crate::aws::service_of(request.uri(), request.headers()) {
        let response = crate::aws::respond(&front, service, request).await;
        front.metrics.called(service.into(), "any", response.status().into(), began.elapsed());
        return response;
    }
    if let Some(service) = crate::events::service_of(request.uri(), request.headers()) {
        let response = crate::events::respond(&front, service, request).await;
        front.metrics.called(service.into(), "any", response.status().into(), began.elapsed());
        return response;
    }
    let target = text(request.headers(), "x-amz-target").unwrap_or_default();
    let operation = operation::known(target).unwrap_or("unknown");
    let response = write(answer(&front, request).await);
    front.metrics.called(Service::Ecs, operation, response.status().into(), began.elapsed());
    response
}

/// The program's own metrics, and the gauges of each cluster in the home account and region.
async fn metrics(State(front): State<Front>) -> Response<Body> {
    let mut text = front.metrics.text();
    text.push_str(&census::text(&front.control, &front.access.home).await);
    text.push_str(END);
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    response
}

/// Formats a rejection of the guard: in the format of the called API, otherwise in plain text.
pub(crate) fn refusal(
    uri: &Uri,
    headers: &HeaderMap,
    status: StatusCode,
    why: &str,
) -> Response<Body> {
    let code = match status {
        StatusCode::FORBIDDEN => ErrorCode::AccessDenied,
        _ => ErrorCode::Serialization,
    };
    let error = ApiError::new(code, why);
    if let Some(service) = crate::aws::service_of(uri, headers) {
        return crate::aws::refuse(service, status, error);
    }
    if let Some(service) = crate::events::service_of(uri, headers) {
        return crate::events::refuse(service, status, error);
    }
    let is_ecs =
        text(headers, "x-amz-target").is_some_and(|target| target.starts_with(TARGET_PREFIX));
    let mut response =
        if is_ecs { write(Err(error)) } else { Response::new(Body::from(format!("{why}\n"))) };
    *response.status_mut() = status;
    response
}

fn write(answer: Result<Reply, ApiError>) -> Response<Body> {
    let id = Ids::new(seed()).uuid("request");
    let (status, body, error) = match answer {
        Ok(reply) => (200, reply.into_json(), None),
        Err(error) => (error.code.http_status(), error.to_json().into_bytes(), Some(error)),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, AMZ_JSON);
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(error) = error {
        headers.insert(ERROR_TYPE, HeaderValue::from_static(error.code.name()));
        tracing::debug!(request_id = id, error = %error, "refused");
    }
    response
}

async fn answer(front: &Front, request: HttpRequest<Body>) -> Result<Reply, ApiError> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST || parts.uri.path() != "/" {
        let asked = format!("{} {}", parts.method, parts.uri.path());
        return Err(ApiError::new(
            ErrorCode::UnknownOperation,
            format!("The ECS API accepts only POST /, not {asked}."),
        ));
    }
    let target = text(&parts.headers, "x-amz-target").unwrap_or_default();
    let Some(operation) = target.strip_prefix(TARGET_PREFIX) else {
        let message = format!("X-Amz-Target must be {TARGET_PREFIX}<Operation>, not {target:?}.");
        return Err(ApiError::new(ErrorCode::UnknownOperation, message));
    };
    let content = text(&parts.headers, "content-type").unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    if !matches!(
        media,
        "application/x-amz-json-1.1" | "application/x-amz-json-1.0" | "application/json"
    ) {
        let message = format!("Content-Type must be application/x-amz-json-1.1, not {content:?}.");
        return Err(ApiError::new(ErrorCode::Serialization, message));
    }
    // The space is kept until the call is answered.
    let most = wire_limits::BODY_BYTES_MAX;
    let body = front.bodies.read(body, most).await.map_err(|no_body| match no_body {
        NoBody::TooLarge => {
            let message = format!("The body can have at most {most} bytes.");
            ApiError::new(ErrorCode::RequestEntityTooLarge, message)
        }
        NoBody::Broken => {
            let message = "The body did not arrive whole and in time.";
            ApiError::new(ErrorCode::Serialization, message)
        }
    })?;
    let realm = front.access.admit(&parts, &body.bytes)?;
    let request = Request::parse(operation, &body.bytes)?;
    let patience = Duration::from_millis(limits::CALL_MS_MAX);
    match tokio::time::timeout(patience, front.control.call(realm, request)).await {
        Ok(answer) => answer,
        Err(_) => {
            Err(ApiError::new(ErrorCode::Server, "The control plane did not answer in time."))
        }
    }
}

/// Serves a container's output, which ECS leaves to log drivers.
async fn logs(
    State(front): State<Front>,
    Path((task, container)): Path<(String, String)>,
) -> Response<Body> {
    let found = match ResourceId::parse(&task) {
        Some(task) => front.runtimes.logs(task, &container).await,
        None => Ok(None),
    };
    let refused = |status: StatusCode, why: String| {
        let mut response = Response::new(Body::from(why));
        *response.status_mut() = status;
        response
    };
    match found {
        Ok(Some(bytes)) => Response::new(Body::from(bytes)),
        Ok(None) => {
            let why = "no output is available for that task and container\n";
            refused(StatusCode::NOT_FOUND, why.to_owned())
        }
        Err(why) => {
            refused(StatusCode::SERVICE_UNAVAILABLE, format!("cannot read the output: {why}\n"))
        }
    }
}
