//! Replies as responses.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use longshore_chronos::{Reply, Shown};
use longshore_wire_chronos::answer::Failure;
use serde::Serialize;
use serde_json::Value;

use super::metrics;

pub(super) type Answer = Response<Body>;

/// What a client is told.
pub(super) async fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Done => plain(StatusCode::NO_CONTENT, "", Body::empty()),
        Reply::Refused(why) => bad(&why.0),
        Reply::Text(text) => self::text(StatusCode::OK, text),
        Reply::Job(job) => json(StatusCode::OK, &shown(&job)),
        Reply::Jobs(jobs) => list(jobs).await,
        Reply::Summaries(of) => json(StatusCode::OK, &of),
        Reply::Stat(stat) => json(StatusCode::OK, &*stat),
        Reply::Timings(timings) => json(StatusCode::OK, &timings),
        Reply::Gauges(gauges) => json(StatusCode::OK, &metrics::shown(&gauges)),
    }
}

fn shown(job: &Shown) -> Value {
    job.definition.json(&job.counters, job.schedule.clone())
}

/// All jobs may be megabytes: others are answered meanwhile.
async fn list(jobs: Vec<Shown>) -> Answer {
    let written = tokio::task::spawn_blocking(move || {
        let shown: Vec<Value> = jobs.iter().map(shown).collect();
        json(StatusCode::OK, &shown)
    });
    match written.await {
        Ok(answer) => answer,
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "the list could not be written"),
    }
}

/// Source: frameworks.md 4.1: what is not possible is 400.
pub(super) fn bad(why: &str) -> Answer {
    failure(StatusCode::BAD_REQUEST, why)
}

pub(super) fn failure(status: StatusCode, message: &str) -> Answer {
    let text = status.canonical_reason().unwrap_or_default();
    json(status, &Failure { status: text, message })
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(body) => plain(status, "application/json", body.into()),
        Err(why) => text(StatusCode::INTERNAL_SERVER_ERROR, why.to_string()),
    }
}

pub(super) fn text(status: StatusCode, text: String) -> Answer {
    plain(status, "text/plain; charset=utf-8", text.into())
}

fn plain(status: StatusCode, kind: &'static str, body: Body) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if !kind.is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}
