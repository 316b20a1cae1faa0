//! The event stream: server-sent events with a bounded room for each reader. Source: frameworks.md 3.6.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::stream;
use longshore_driver::v1::TaskState;
use longshore_marathon::{Event, Instance, Step};
use longshore_server::clock::wall;
use longshore_wire_marathon::time;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use super::show;

/// Events that a reader may be behind; then it is cut off. Source: Marathon's `--event_stream_max_outstanding_messages` is 50; frameworks.md
/// 3.2 has 1024.
const BEHIND_MAX: usize = 1_024;

/// Bytes of an event; of a larger one only the kind is told. Source: chosen by us: with [`BEHIND_MAX`] 64 MiB in all.
const EVENT_BYTES_MAX: usize = 64 * 1024;

/// An event, as it is sent.
#[derive(Clone, Debug)]
struct Told {
    kind: &'static str,
    data: Arc<str>,
}

/// Those who follow.
#[derive(Clone, Debug)]
pub(super) struct Events {
    told: broadcast::Sender<Told>,
}

impl Default for Events {
    fn default() -> Self {
        Self { told: broadcast::channel(BEHIND_MAX).0 }
    }
}

impl Events {
    /// Tells all who follow; costs next to nothing while nobody does.
    pub(super) fn tell(&self, event: &Event) {
        if self.told.receiver_count() == 0 {
            return;
        }
        for (kind, body) in written(event) {
            self.say(kind, body);
        }
    }

    /// Tells of something that the machine does not see.
    pub(super) fn say(&self, kind: &'static str, mut body: Value) {
        if let Some(body) = body.as_object_mut() {
            body.insert("eventType".to_owned(), json!(kind));
            body.insert("timestamp".to_owned(), json!(time(wall().millis())));
        }
        let mut data = body.to_string();
        if data.len() > EVENT_BYTES_MAX {
            // All readers share one room, which is bounded by this.
            let short =
                json!({"eventType": kind, "timestamp": body["timestamp"], "isTooLarge": true});
            data = short.to_string();
        }
        // Nobody follows, if it fails.
        let _ = self.told.send(Told { kind, data: data.into() });
    }

    /// A stream for a reader who wants these types, or all if it names none.
    pub(super) fn follow(
        &self,
        wanted: BTreeSet<String>,
        closed: watch::Receiver<bool>,
    ) -> Response<Body> {
        let events = self.told.subscribe();
        self.say("event_stream_attached", json!({}));
        // Whoever reads gets something at once.
        let hello = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"\n"))]);
        let rest = stream::unfold((events, wanted), move |(mut events, wanted)| {
            let mut closed = closed.clone();
            async move {
                loop {
                    let told = tokio::select! {
                        told = events.recv() => told,
                        _ = closed.wait_for(|closing| *closing) => return None,
                    };
                    // One that is too far behind is cut off, and one that is told the end has read all.
                    let Ok(Told { kind, data }) = told else { return None };
                    if wanted.is_empty() || wanted.contains(kind) {
                        let frame = format!("event: {kind}\r\ndata: {data}\r\n\r\n");
                        return Some((Ok(Bytes::from(frame)), (events, wanted)));
                    }
                }
            }
        });
        let mut response =
            Response::new(Body::from_stream(futures_util::StreamExt::chain(hello, rest)));
        let kind = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// A state as events of instances write it: `Running`.
fn condition(state: TaskState) -> String {
    let word = state.as_str_name().trim_start_matches("TASK_");
    let rest = word.get(1..).unwrap_or_default().to_lowercase();
    format!("{}{rest}", word.get(..1).unwrap_or_default())
}

fn step_of(deployment: &str, step: &Step, at: usize) -> Value {
    let shown = show::steps(std::slice::from_ref(step));
    json!({"plan": {"id": deployment}, "currentStep": shown[0], "step": at + 1})
}

fn plan_of(deployment: &str) -> Value {
    json!({"id": deployment, "plan": {"id": deployment}})
}

/// A task has another state: as a task, and as an instance.
fn status(
    task: &str,
    instance: &Instance,
    state: TaskState,
    message: &str,
) -> Vec<(&'static str, Value)> {
    let version = time(instance.version_ms);
    let task_event = json!({
        "slaveId": instance.agent, "taskId": task, "taskStatus": state.as_str_name(), "message": message,
        "appId": instance.app, "host": instance.host, "ports": instance.ports,
        "ipAddresses": show::addresses(instance), "version": version,
    });
    let mut told = vec![("status_update_event", task_event)];
    // That of a pod changes with all of its tasks, and is told by itself.
    if instance.members.is_empty() {
        told.push(changed(task, instance, state));
    }
    told
}

/// An instance is further, or has ended.
fn changed(id: &str, instance: &Instance, state: TaskState) -> (&'static str, Value) {
    let body = json!({
        "instanceId": id, "condition": condition(state), "runSpecId": instance.app, "agentId": instance.agent,
        "host": instance.host, "runSpecVersion": time(instance.version_ms),
    });
    ("instance_changed_event", body)
}

/// An event in Marathon's words; some are told twice, as older and newer clients know them.
fn written(event: &Event) -> Vec<(&'static str, Value)> {
    match event {
        Event::Status { task, instance, state, message } => status(task, instance, *state, message),
        Event::Instance { id, instance, state } => vec![changed(id, instance, *state)],
        Event::UnknownTerminated { task, state } => vec![(
            "unknown_instance_terminated_event",
            json!({"instanceId": task, "condition": condition(*state)}),
        )],
        Event::Health { task, app, version_ms, is_well } => vec![
            (
                "health_status_changed_event",
                json!({"appId": app, "taskId": **task, "instanceId": **task, "version": time(*version_ms), "alive": is_well}),
            ),
            (
                "instance_health_changed_event",
                json!({"instanceId": **task, "runSpecId": app, "runSpecVersion": time(*version_ms), "healthy": is_well}),
            ),
        ],
        Event::CheckFailed { task, app, check } => vec![(
            "failed_health_check_event",
            json!({"appId": app, "taskId": **task, "instanceId": **task, "healthCheck": {"index": check}}),
        )],
        Event::UnhealthyKilled { task, app, version_ms, host, reason } => vec![(
            "unhealthy_instance_kill_event",
            json!({
                "appId": app, "taskId": **task, "instanceId": **task, "version": time(*version_ms), "reason": reason, "host": host,
            }),
        )],
        Event::GroupChanged { path, version_ms } => {
            vec![("group_change_success", json!({"groupId": path, "version": time(*version_ms)}))]
        }
        Event::StepBegan { deployment, step, at } => {
            vec![("deployment_info", step_of(deployment, step, *at))]
        }
        Event::StepDone { deployment, step, at } => {
            vec![("deployment_step_success", step_of(deployment, step, *at))]
        }
        Event::DeploymentDone { deployment } => vec![("deployment_success", plan_of(deployment))],
        Event::DeploymentFailed { deployment } => vec![("deployment_failed", plan_of(deployment))],
        Event::AppTerminated { app } => vec![("app_terminated_event", json!({ "appId": app }))],
        Event::Registered { framework } => {
            vec![("scheduler_registered_event", json!({ "frameworkId": framework }))]
        }
        Event::Reregistered => vec![("scheduler_reregistered_event", json!({}))],
        Event::Disconnected => vec![("scheduler_disconnected_event", json!({}))],
    }
}
