//! `longshore instances add|drain|activate|disconnect|connect|remove`: simulates what can happen to
//! machines.
//!
//! Draining is part of the ECS API, so it works on AWS too. The rest happens to EC2 instances on
//! AWS, and is for a local ECS only.

use std::process::ExitCode;

use anyhow::bail;
use aws_sdk_ecs::types::ContainerInstanceStatus;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::args::{AnyCluster, InstanceAction, RuntimeArg};
use crate::cluster::Cluster;
use crate::find;
use crate::instance_group::InstanceGroup;
use crate::local;
use crate::output::short;

/// Runs the action, and reports what was done.
pub(crate) async fn run(
    action: InstanceAction,
    cluster: &AnyCluster,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let (ids, done) = match action {
        InstanceAction::Add { groups, runtime, attribute } => {
            (add(cluster, &groups, runtime, &attribute).await?, "added")
        }
        InstanceAction::Drain { instances } => {
            (set(cluster, instances, ContainerInstanceStatus::Draining).await?, "draining")
        }
        InstanceAction::Activate { instances } => {
            (set(cluster, instances, ContainerInstanceStatus::Active).await?, "active")
        }
        InstanceAction::Disconnect { instances } => {
            (tell(cluster, instances, "disconnect").await?, "disconnected")
        }
        InstanceAction::Connect { instances } => {
            (tell(cluster, instances, "connect").await?, "connected")
        }
        InstanceAction::Remove { instances } => {
            (tell(cluster, instances, "lose").await?, "removed")
        }
    };
    for id in ids {
        if as_json {
            crate::output::say!("{}", json!({"instance": id, "done": done}));
        } else {
            crate::output::say!("{id}  {done}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The size of instances without a type.
const DEFAULT_SIZE: (&str, u32, u32) = ("longshore.local", 4_096, 8_192);

async fn add(
    cluster: &AnyCluster,
    groups: &[InstanceGroup],
    runtime: Option<RuntimeArg>,
    attributes: &[String],
) -> anyhow::Result<Vec<String>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Value::from(value)),
        None => (text.clone(), Value::Null),
    };
    let attributes: serde_json::Map<String, Value> = attributes.iter().map(pair).collect();
    let runtime = match runtime {
        None | Some(RuntimeArg::Auto) => None,
        Some(RuntimeArg::Docker) => Some("docker"),
        Some(RuntimeArg::Process) => Some("process"),
        Some(RuntimeArg::Simulated) => Some("simulated"),
    };
    let group = |group: &InstanceGroup| {
        let (name, cpu, memory) = group
            .kind
            .as_ref()
            .map_or(DEFAULT_SIZE, |kind| (&*kind.name, kind.cpu, kind.memory_mib));
        let architecture = group.kind.as_ref().map(|kind| kind.architecture);
        let gpus = group.kind.as_ref().map_or(0, |kind| kind.gpus);
        json!({
            "gpus": gpus, "count": group.count, "instanceType": name, "cpu": cpu, "memoryMib": memory,
            "architecture": architecture, "attributes": attributes, "runtime": runtime,
        })
    };
    let groups: Vec<Value> = groups.iter().map(group).collect();
    let body = json!({"cluster": cluster.cluster, "instances": groups});
    local_only(cluster)?;
    let cluster = Cluster::of(cluster).await?;
    let answer = post(&cluster, "/longshore/v1/instances", &body).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let ids = answer["instances"].as_array().cloned().unwrap_or_default();
    Ok(ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect())
}

async fn tell(
    cluster: &AnyCluster,
    instances: Vec<String>,
    what: &str,
) -> anyhow::Result<Vec<String>> {
    local_only(cluster)?;
    let cluster = Cluster::of(cluster).await?;
    let found = find::instances(&cluster, &instances).await?;
    let mut done = Vec::new();
    for id in found {
        post(&cluster, &format!("/longshore/v1/instances/{id}/{what}"), &Value::Null).await?;
        done.push(id);
    }
    Ok(done)
}

/// Asks a local ECS for something beside the ECS API.
///
/// # Errors
/// What it says, or why it cannot be reached.
pub(crate) async fn post(
    cluster: &Cluster<'_>,
    path: &str,
    body: &Value,
) -> anyhow::Result<bytes::Bytes> {
    let (status, answer) = local::ask(cluster, path, Some(body)).await?;
    if status != StatusCode::OK {
        bail!("{}", String::from_utf8_lossy(&answer).trim());
    }
    Ok(answer)
}

fn local_only(cluster: &AnyCluster) -> anyhow::Result<()> {
    if cluster.aws {
        bail!("on AWS, do this to the EC2 instance itself: the ECS API has no such operation");
    }
    Ok(())
}

async fn set(
    cluster: &AnyCluster,
    instances: Vec<String>,
    status: ContainerInstanceStatus,
) -> anyhow::Result<Vec<String>> {
    let cluster = Cluster::of(cluster).await?;
    let instances = find::instances(&cluster, &instances).await?;
    let mut done = Vec::new();
    // Source: ECS API reference: at most 10 per request.
    for batch in instances.chunks(10) {
        let request = cluster.sdk().update_container_instances_state().cluster(cluster.name());
        let request = request.set_container_instances(Some(batch.to_vec())).status(status.clone());
        let reply = request.send().await.map_err(|error| cluster.explain(error))?;
        if let Some(failure) = reply.failures().first() {
            let (arn, reason) = (failure.arn().unwrap_or_default(), failure.reason());
            bail!("{}: {}", short(arn), reason.unwrap_or("unknown reason"));
        }
        let changed = reply.container_instances().iter();
        done.extend(changed.filter_map(|one| one.container_instance_arn().map(short)));
    }
    Ok(done)
}
