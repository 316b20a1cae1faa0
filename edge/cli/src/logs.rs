//! What a container wrote. ECS leaves this to log drivers; the local ECS answers beside its API.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use bytes::Bytes;
use hyper::StatusCode;
use longshore_replica::{Answer, Ask};

use crate::args::LogsArgs;
use crate::cluster::client;
use crate::list::failed;
use crate::output::short;

/// `longshore logs`.
pub(crate) async fn run(args: LogsArgs, json: bool) -> anyhow::Result<ExitCode> {
    if args.cluster.aws {
        bail!(
            "Amazon ECS keeps output where the log driver of the task definition says: look there"
        );
    }
    let client = client(&args.cluster).await?;
    let task = match client.ask(Ask::DescribeTasks(vec![args.task.as_str().into()])).await {
        Ok(Answer::Tasks { found, .. }) => found.into_iter().next(),
        Ok(_) => bail!("the cluster answered another question"),
        Err(failure) => return Err(failed(&failure, &args.cluster.endpoint)),
    };
    let task = task.ok_or_else(|| crate::NotFound(format!("there is no task {}", args.task)))?;
    let names: Vec<&str> = task.containers.iter().map(|container| &*container.name).collect();
    let container = match (&args.container, &*names) {
        (Some(name), _) => name.as_str(),
        (None, [only]) => only,
        (None, _) => {
            bail!("the task has the containers {}: choose one with --container", names.join(", "))
        }
    };
    let output = fetch(&args.cluster.endpoint, &short(&task.arn), container).await?;
    if json {
        let text = String::from_utf8_lossy(&output);
        crate::output::say!(
            "{}",
            serde_json::json!({"task": task.arn, "container": container, "output": text})
        );
    } else {
        std::io::stdout().write_all(&output)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn fetch(endpoint: &str, task: &str, container: &str) -> anyhow::Result<Bytes> {
    let path = format!("/longshore/v1/tasks/{task}/logs/{container}");
    let (status, body) = crate::local::ask(endpoint, &path, None).await?;
    match status {
        StatusCode::OK => Ok(body),
        StatusCode::NOT_FOUND => {
            Err(crate::NotFound(String::from_utf8_lossy(&body).trim().to_owned()).into())
        }
        other => bail!("{other}: {}", String::from_utf8_lossy(&body)),
    }
}
