//! What ECS has no API for, since on AWS it happens to machines: more container instances, agents
//! that disconnect, instances that die.
//!
//! Only for the local ECS, below `/longshore`. A body must have the content type of JSON, which no
//! web page of another origin can send without permission. Access has been checked before, as for
//! every request.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use longshore_stacks::Resize;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::shared::Attribute;
use serde::Deserialize;

use super::Front;
use crate::instance::{Addition, Command, INSTANCES_MAX, InstanceConfig, Known, RuntimeChoice};

/// A request to add instances.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Add {
    instances: Vec<Group>,
    /// Name or ARN of an existing cluster to join; by default that of the first instances.
    cluster: Option<Str>,
}

/// A number of identical instances.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    count: u32,
    instance_type: Str,
    cpu: u32,
    memory_mib: u32,
    architecture: Option<Str>,
    #[serde(default)]
    gpus: u32,
    #[serde(default)]
    attributes: BTreeMap<Str, Option<Str>>,
    runtime: Option<Runtime>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Runtime {
    Docker,
    Process,
    Simulated,
}

/// A request for a number of instances.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scale {
    /// How many are to be left.
    size: u32,
    /// Name or ARN of the cluster.
    cluster: Str,
}

fn json(body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn refused(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = status;
    response
}

/// `POST /longshore/v1/instances`: returns the ids of the new instances.
pub(crate) async fn add(State(front): State<Front>, Json(add): Json<Add>) -> Response<Body> {
    let total: u64 = add.instances.iter().map(|group| u64::from(group.count)).sum();
    if total > u64::from(INSTANCES_MAX) {
        return refused(
            StatusCode::BAD_REQUEST,
            &format!("at most {INSTANCES_MAX} instances can be added at a time"),
        );
    }
    let configs = add.instances.iter().flat_map(|group| {
        let one = InstanceConfig {
            ec2_instance_id: Str::default(),
            instance_type: group.instance_type.clone(),
            zone: Str::default(),
            cpu: group.cpu,
            memory_mib: group.memory_mib,
            architecture: group.architecture.clone(),
            gpus: group.gpus,
            attributes: attributes(&group.attributes),
            runtime: match group.runtime {
                None => front.default_runtime,
                Some(Runtime::Docker) => RuntimeChoice::Docker,
                Some(Runtime::Process) => RuntimeChoice::Process,
                Some(Runtime::Simulated) => RuntimeChoice::Simulated,
            },
            runtime_is_guessed: false,
        };
        (0..group.count).map(move |_| one.clone())
    });
    let configs = configs.collect();
    let addition = Addition { cluster: add.cluster, configs, known: Known::new() };
    match front.keeper.ask(|answer| Command::Add(addition, answer)).await {
        Ok(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            json(&serde_json::json!({"instances": ids}))
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &error.message),
    }
}

/// `POST /longshore/v1/scale`: returns the ids of the instances that came and went.
pub(crate) async fn scale(
    State(front): State<Front>,
    Json(Scale { size, cluster }): Json<Scale>,
) -> Response<Body> {
    let wish = Resize { cluster, size, instance_type: None };
    match front.keeper.ask(|answer| Command::Resize(wish, answer)).await {
        Ok(done) => {
            let ids = |all: &[ResourceId]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
            let (added, removed) = (ids(&done.added), ids(&done.removed));
            json(&serde_json::json!({"instances": size, "added": added, "removed": removed}))
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &error.message),
    }
}

fn attributes(given: &BTreeMap<Str, Option<Str>>) -> Vec<Attribute> {
    let one = |(name, value): (&Str, &Option<Str>)| Attribute {
        name: Some(name.clone()),
        value: value.clone(),
        ..Default::default()
    };
    given.iter().map(one).collect()
}

/// `POST /longshore/v1/instances/{id}/{what}`, where `what` is `connect`, `disconnect` or `lose`.
pub(crate) async fn change(
    State(front): State<Front>,
    Path((id, what)): Path<(String, String)>,
    Json(()): Json<()>,
) -> Response<Body> {
    let Some(id) = ResourceId::parse(&id) else {
        return refused(StatusCode::BAD_REQUEST, "not the id of a container instance");
    };
    let done = match what.as_str() {
        "connect" => front.keeper.ask(|answer| Command::Connect(id, true, answer)).await,
        "disconnect" => front.keeper.ask(|answer| Command::Connect(id, false, answer)).await,
        "lose" => front.keeper.ask(|answer| Command::Lose(id, answer)).await,
        _ => {
            return refused(
                StatusCode::NOT_FOUND,
                "the action must be connect, disconnect or lose",
            );
        }
    };
    match done {
        Ok(()) => json(&serde_json::json!({})),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error.message),
    }
}
