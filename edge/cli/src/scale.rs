//! `longshore scale N`: as many container instances in a cluster of a local ECS.
//!
//! What `ecs-cli scale` does through CloudFormation, by the same code. On Amazon's ECS instances belong to auto scaling groups, which the ECS
//! API does not know.

use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::ScaleArgs;
use crate::cluster::Cluster;
use crate::output::say;
use crate::rehearse::post;

/// What was done.
#[derive(Debug, Deserialize)]
struct Done {
    instances: u32,
    added: Vec<String>,
    removed: Vec<String>,
}

/// Scales, and prints what was done.
pub(crate) async fn run(args: ScaleArgs, as_json: bool) -> anyhow::Result<ExitCode> {
    if args.cluster.aws {
        bail!(
            "on AWS, scale the auto scaling group of the instances, for example with `ecs-cli scale --capability-iam --size N`: the ECS API \
             has no such operation"
        );
    }
    let cluster = Cluster::of(&args.cluster).await?;
    let body = json!({"size": args.size, "cluster": cluster.name()});
    let answer = post(&cluster, "/longshore/v1/scale", &body).await;
    let answer = answer.with_context(|| format!("cluster {}", cluster.name()))?;
    let answer: Value = serde_json::from_slice(&answer)?;
    if as_json {
        say!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    let Done { instances, added, removed } = serde_json::from_value(answer)?;
    for (ids, done) in [(&added, "added"), (&removed, "removed")] {
        for id in ids {
            say!("{id}  {done}");
        }
    }
    let noun = if instances == 1 { "instance" } else { "instances" };
    let already = if added.is_empty() && removed.is_empty() { ", as before" } else { "" };
    say!("{instances} container {noun} on this machine in {}{already}", cluster.name());
    Ok(ExitCode::SUCCESS)
}
