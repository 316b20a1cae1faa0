//! `longshore run` and `longshore stop`.

use std::process::ExitCode;
use std::time::Duration;

use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, TaskOverride};
use longshore_replica::{LastStatus, Task, TasksAsk};
use serde_json::json;

use crate::args::{RunArgs, StopArgs};
use crate::cluster::Cluster;
use crate::find;
use crate::output::short;

/// `longshore run`.
pub(crate) async fn run(args: RunArgs, json: bool) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::of(&args.cluster).await?;
    let overrides = overrides(&cluster, &args).await?;
    let request = cluster
        .sdk()
        .run_task()
        .cluster(cluster.name())
        .task_definition(&args.task_definition)
        .count(args.count)
        .set_overrides(overrides);
    let reply = request.send().await;
    let thing = format!("task definition {}", args.task_definition);
    let reply = reply.map_err(|error| cluster.explain_of(error, &thing))?;
    let arns: Vec<String> =
        reply.tasks().iter().filter_map(|task| task.task_arn().map(str::to_owned)).collect();
    for arn in &arns {
        if json {
            crate::output::say!("{}", json!({"task": arn}));
        } else {
            crate::output::say!("{}", short(arn));
        }
    }
    for failure in reply.failures() {
        let (arn, reason) =
            (failure.arn().unwrap_or_default(), failure.reason().unwrap_or_default());
        eprintln!(
            "longshore: {} rejected a task: {reason} {}",
            short(arn),
            failure.detail().unwrap_or_default()
        );
    }
    let all = i32::try_from(arns.len()).is_ok_and(|started| started == args.count);
    if !args.wait {
        return Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let well = wait(&cluster, &arns, json).await?;
    Ok(if all && well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Overrides for the first container, whose name is in the definition.
async fn overrides(cluster: &Cluster<'_>, args: &RunArgs) -> anyhow::Result<Option<TaskOverride>> {
    if args.env.is_empty() && args.command.is_empty() {
        return Ok(None);
    }
    let described = cluster
        .sdk()
        .describe_task_definition()
        .task_definition(&args.task_definition)
        .send()
        .await;
    let thing = format!("task definition {}", args.task_definition);
    let described = described.map_err(|error| cluster.explain_of(error, &thing))?;
    let first = described
        .task_definition()
        .and_then(|definition| definition.container_definitions().first());
    let mut container =
        ContainerOverride::builder().set_name(first.and_then(|one| one.name()).map(str::to_owned));
    for (name, value) in &args.env {
        container = container.environment(KeyValuePair::builder().name(name).value(value).build());
    }
    for word in &args.command {
        container = container.command(word);
    }
    Ok(Some(TaskOverride::builder().container_overrides(container.build()).build()))
}

/// Waits until all have stopped; returns whether each exited with 0.
async fn wait(cluster: &Cluster<'_>, arns: &[String], json: bool) -> anyhow::Result<bool> {
    let these = TasksAsk::Describe(arns.iter().map(|arn| arn.as_str().into()).collect());
    loop {
        let found = cluster.tasks(&these).await?.found;
        if found.iter().all(|task| task.last_status == LastStatus::Stopped) {
            let well = |task: &Task| {
                task.containers.iter().all(|container| container.exit_code == Some(0))
            };
            for task in &found {
                let code = task.containers.iter().find_map(|container| container.exit_code);
                let reason = task.stopped_reason.as_deref().unwrap_or_default();
                if json {
                    crate::output::say!(
                        "{}",
                        json!({"task": task.arn, "exitCode": code, "stoppedReason": reason})
                    );
                } else {
                    let code = code.map_or_else(|| "unknown".to_owned(), |code| code.to_string());
                    crate::output::say!("{} stopped, exit code {code}: {reason}", short(&task.arn));
                }
            }
            return Ok(found.iter().all(well));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// `longshore stop`.
pub(crate) async fn stop(args: StopArgs, json: bool) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::of(&args.cluster).await?;
    for task in &find::tasks(&cluster, &args.tasks).await? {
        let request = cluster
            .sdk()
            .stop_task()
            .cluster(cluster.name())
            .task(task)
            .set_reason(args.reason.clone());
        let reply = request.send().await;
        let reply = reply.map_err(|error| cluster.explain_of(error, &format!("task {task}")))?;
        let arn = reply.task().and_then(|task| task.task_arn()).unwrap_or(task);
        if json {
            crate::output::say!("{}", json!({"task": arn, "stopping": true}));
        } else {
            crate::output::say!("{}", short(arn));
        }
    }
    Ok(ExitCode::SUCCESS)
}
