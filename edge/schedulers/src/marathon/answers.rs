//! Replies of the machine as responses of HTTP, in Marathon's forms. Source: frameworks.md 3.2.

use std::collections::BTreeMap;
use std::io;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use longshore_marathon::{Problem, Reply, Sort};
use longshore_wire_marathon::form::{Detail, Refusal};
use longshore_wire_marathon::time;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use serde_json::{Value, json};

use super::show::{self, Embed};

/// A response.
pub(super) type Answer = Response<Body>;

const DEPLOYMENT_ID: HeaderName = HeaderName::from_static("marathon-deployment-id");

/// Writes JSON; numbers without a fraction are written without one.
struct Whole;

impl Formatter for Whole {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and was compared")]
    fn write_f64<W: io::Write + ?Sized>(&mut self, out: &mut W, number: f64) -> io::Result<()> {
        if number.fract() == 0.0 && number.abs() < 9e15 {
            return self.write_i64(out, number as i64);
        }
        CompactFormatter.write_f64(out, number)
    }
}

/// A response of JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let mut text = Vec::new();
    if let Err(why) = body.serialize(&mut Serializer::with_formatter(&mut text, Whole)) {
        unreachable!("names are texts, and memory does not fail: {why}");
    }
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response of JSON that all went well with.
pub(super) fn ok(body: &impl Serialize) -> Answer {
    json(StatusCode::OK, body)
}

/// A response of plain text.
pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// What is wrong, in a sentence.
pub(super) fn failure(status: StatusCode, message: &str) -> Answer {
    json(status, &json!({ "message": message }))
}

/// What cannot be read, or is not valid.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    json(status, &refusal.body)
}

/// The scheduler is ending.
pub(super) fn ending() -> Answer {
    failure(StatusCode::SERVICE_UNAVAILABLE, "the scheduler is ending: try again")
}

/// A deployment was begun: `{"version", "deploymentId"}`.
pub(super) fn deployed(status: StatusCode, version_ms: u64, deployment: &str) -> Answer {
    let body = json!({"version": time(version_ms), "deploymentId": deployment});
    with_deployment(json(status, &body), deployment)
}

/// The same response, which names its deployment.
pub(super) fn with_deployment(mut response: Answer, deployment: &str) -> Answer {
    if let Ok(id) = HeaderValue::from_str(deployment) {
        response.headers_mut().insert(DEPLOYMENT_ID, id);
    }
    response
}

/// What any call may be answered, but what it is for.
pub(super) fn otherwise(reply: Reply) -> Answer {
    match reply {
        Reply::Done { version_ms, deployment, .. } => {
            deployed(StatusCode::OK, version_ms, &deployment)
        }
        Reply::Ok => ok(&json!({})),
        Reply::NoApp(id) => refused(&Refusal::no_app(id.as_str())),
        Reply::NoVersion(id, version_ms) => {
            let version = time(version_ms);
            let text = format!("App '{id}' does not exist in version {version}");
            failure(StatusCode::NOT_FOUND, &text)
        }
        Reply::NoDeployment(id) => {
            failure(StatusCode::NOT_FOUND, &format!("Deployment {id} does not exist"))
        }
        Reply::Exists(id, Sort::App) => {
            failure(StatusCode::CONFLICT, &format!("An app with id [{id}] already exists."))
        }
        Reply::Exists(id, Sort::Pod) => {
            failure(StatusCode::CONFLICT, &format!("A pod with id [{id}] already exists."))
        }
        Reply::Locked(by) => {
            let ids: Vec<String> = by.iter().map(ToString::to_string).collect();
            refused(&Refusal::locked(&ids))
        }
        Reply::Invalid(problems) => invalid(&problems),
        Reply::TooMany => failure(
            StatusCode::FORBIDDEN,
            "as many deployments are under way as there may be: wait, or cancel one",
        ),
        Reply::Plan(steps) => ok(&json!({"steps": show::steps(&steps)})),
        Reply::Deployments(all) => {
            ok(&all.iter().map(|(id, one)| show::deployment(id, one)).collect::<Value>())
        }
        Reply::Queue(all) => ok(&json!({"queue": all.iter().map(show::queued).collect::<Value>()})),
        Reply::Versions(all) => {
            let versions: Value = all.iter().map(|app| time(app.version_ms)).collect();
            ok(&json!({ "versions": versions }))
        }
        Reply::Tasks(all) | Reply::Killed(all) => {
            ok(&json!({"tasks": all.iter().map(show::task).collect::<Value>()}))
        }
        Reply::Pods(all) => {
            let now_ms = longshore_server::clock::wall().millis();
            ok(&all.iter().map(|view| show::pod::status(view, now_ms)).collect::<Value>())
        }
        Reply::Apps(all) => {
            let shown = all.iter().map(|view| show::app(view, Embed::default()));
            listed("apps", shown.collect())
        }
        Reply::App(view) => ok(&BTreeMap::from([("app", show::app(&view, Embed::default()))])),
    }
}

/// A list of apps, by its name.
pub(super) fn listed(name: &str, apps: Vec<show::Shown>) -> Answer {
    ok(&BTreeMap::from([(name, apps)]))
}

/// 422, by the paths of what is wrong.
fn invalid(problems: &[Problem]) -> Answer {
    let one = |problem: &Problem| Detail::new(&*problem.path, &*problem.text);
    refused(&Refusal::not_valid(&problems.iter().map(one).collect::<Vec<_>>()))
}
