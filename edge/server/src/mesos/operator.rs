//! What operators see and do: the old endpoints, and the v1 operator API.
//!
//! The bridge gives a view of its state, which costs it nothing; answers are written from it as they are read, see [`crate::pages`].
//!
//! Source: rule ids such as \[P3\] are those of `docs/reference/mesos-rules.md`.

use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use longshore_bridge::Response as Told;
use longshore_bridge::operator::{AgentWish, Command, QuotaView, View};
use longshore_operator::{Asked, Call, OperatorCall, Refusal, legacy, page, v1};
use longshore_wire_mesos::Media;

use super::Answer;
use super::front::{Front, text};
use crate::clock::now;
use crate::metrics::machine;

fn refused(refusal: &Refusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = text(status, &refusal.text);
    if let Some(allow) = refusal.allow {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

fn ending() -> Response<Body> {
    text(StatusCode::SERVICE_UNAVAILABLE, "The master is shutting down")
}

fn ok(body: Option<Body>, content_type: &'static str) -> Response<Body> {
    let Some(body) = body else { return ending() };
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// An old endpoint. Those that read do not look at the method. Source: \[P3\].
pub(super) async fn old(State(front): State<Front>, request: Request<Body>) -> Response<Body> {
    match old_endpoint(&front, request).await {
        Ok(response) | Err(response) => response,
    }
}

async fn old_endpoint(
    front: &Front,
    request: Request<Body>,
) -> Result<Response<Body>, Response<Body>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = front.reader.small(body).await.map_err(|(status, why)| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        text(status, &why)
    })?;
    let call = legacy::write(parts.method.as_str(), &path, &body);
    if let Some(call) = call.map_err(|refusal| refused(&refusal))? {
        return Ok(written(front, call).await);
    }
    let asked = Asked::of(&path, parts.uri.query()).map_err(|refusal| refused(&refusal))?;
    let Some(asked) = asked else { return Err(text(StatusCode::NOT_FOUND, "")) };
    let Some(view) = view(front).await else { return Err(ending()) };
    let content_type = asked.content_type();
    let write = move |out: &mut dyn Write| page::render(&view, &asked, now(), &machine(), out);
    Ok(ok(front.pages.body(write).await, content_type))
}

/// The v1 operator API. Source: \[P2\].
pub(super) async fn api(State(front): State<Front>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = match front.reader.small(body).await {
        Ok(body) => body,
        Err((status, why)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            return text(status, &why);
        }
    };
    let sent = |name: header::HeaderName| parts.headers.get(name)?.to_str().ok();
    let (content, accept) = (sent(header::CONTENT_TYPE), sent(header::ACCEPT));
    let read = longshore_operator::Request::read(parts.method.as_str(), content, accept, &body);
    let request = match read {
        Ok(request) => request,
        Err(refusal) => return refused(&refusal),
    };
    match request.call {
        Call::Read(call) => {
            let Some(mut view) = view(&front).await else { return ending() };
            view.log_at(front.log.get());
            let media = request.media;
            let write =
                move |out: &mut dyn Write| v1::answer(&view, call, media, now(), &machine(), out);
            ok(front.pages.body(write).await, media_type(media))
        }
        Call::Write(call) => written(&front, call).await,
        Call::Files(_) => text(StatusCode::NOT_FOUND, ""),
        Call::Subscribe => match front.handle.watch(request.media).await {
            Some(Answer::Watching(watching)) => {
                ok(watching.body(&front.pages).await, media_type(request.media))
            }
            _ => ending(),
        },
    }
}

fn media_type(media: Media) -> &'static str {
    media.name()
}

async fn view(front: &Front) -> Option<Box<View>> {
    match front.handle.inspect().await? {
        Answer::Plain(Told::View(view)) => Some(view),
        _ => None,
    }
}

/// Has something done.
async fn written(front: &Front, call: OperatorCall) -> Response<Body> {
    let Some(view) = view(front).await else { return ending() };
    if let Err(refusal) = call.check(&view) {
        return refused(&refusal);
    }
    drop(view);
    let call = match call {
        OperatorCall::SetLoggingLevel { level, nanoseconds } => {
            return log_level(front, level, nanoseconds);
        }
        call => call,
    };
    let Some(command) = command(call) else { return text(StatusCode::OK, "") };
    match front.handle.command(command).await {
        Some(Answer::Plain(Told::Refused(status, why))) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            text(status, &why)
        }
        Some(_) => text(StatusCode::OK, ""),
        None => ending(),
    }
}

/// Says more in the log for a while.
fn log_level(front: &Front, level: u32, nanoseconds: i64) -> Response<Body> {
    let lasts = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
    match front.log.set(level, lasts) {
        Ok(()) => text(StatusCode::OK, ""),
        Err((status, why)) => text(status, &why),
    }
}

/// What the bridge does about a call; none if it has nothing to do with it.
fn command(call: OperatorCall) -> Option<Command> {
    Some(match call {
        OperatorCall::SetLoggingLevel { .. } => return None,
        OperatorCall::UpdateWeights(weights) => Command::Weights(weights),
        OperatorCall::UpdateQuota { force, quota } => {
            let quota = quota.into_iter().map(|one| {
                (one.role, QuotaView { guarantees: one.guarantees, limits: one.limits })
            });
            Command::Quota { force, quota: quota.collect() }
        }
        OperatorCall::SetQuota { force, role, guarantee } => {
            let quota = QuotaView { guarantees: guarantee.clone(), limits: guarantee };
            Command::Quota { force, quota: vec![(role, quota)] }
        }
        OperatorCall::RemoveQuota(role) => {
            Command::Quota { force: true, quota: vec![(role, QuotaView::default())] }
        }
        OperatorCall::Teardown(framework) => Command::Teardown(framework),
        OperatorCall::UpdateMaintenanceSchedule(schedule) => Command::Maintenance(schedule),
        OperatorCall::StartMaintenance(machines) => Command::MachinesDown(machines),
        OperatorCall::StopMaintenance(machines) => Command::MachinesUp(machines),
        OperatorCall::DrainAgent { agent, max_grace_ms, mark_gone } => {
            Command::Agent(agent, AgentWish::Drain { max_grace_ms, mark_gone })
        }
        OperatorCall::DeactivateAgent(agent) => Command::Agent(agent, AgentWish::Deactivate),
        OperatorCall::ReactivateAgent(agent) => Command::Agent(agent, AgentWish::Reactivate),
        OperatorCall::MarkAgentGone(agent) => Command::Agent(agent, AgentWish::MarkGone),
    })
}
