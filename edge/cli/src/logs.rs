//! `longshore logs`: a container's output. ECS leaves this to log drivers; the local ECS serves it
//! in addition to its API.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use aws_sdk_ecs::types::{Container, Task};
use bytes::Bytes;
use hyper::StatusCode;
use serde_json::json;

use crate::args::LogsArgs;
use crate::cluster::Cluster;
use crate::find;
use crate::list::{describe, exit_code, is_fetcher, mesos_ids, why};
use crate::output::short;

/// `longshore logs`.
pub(crate) async fn run(args: LogsArgs, json: bool) -> anyhow::Result<ExitCode> {
    if args.cluster.aws {
        bail!("on Amazon ECS, output goes to the log driver of the task definition: look there");
    }
    let cluster = Cluster::of(&args.cluster).await?;
    let arns = find::tasks(&cluster, std::slice::from_ref(&args.task)).await?;
    let task = describe(&cluster, &arns).await?.pop();
    let task = task.ok_or_else(|| crate::NotFound(format!("there is no task {}", args.task)))?;
    let arn = task.task_arn().unwrap_or_default();
    let container = container(&task, &args)?;
    let output = match fetch(&cluster, &short(arn), &container).await? {
        Some(output) => output,
        None if is_over(&task) && task.started_at().is_none() => {
            let fetched = unfetched(&cluster, &task, &container).await?;
            let why = fetched.unwrap_or_else(|| how_it_ended(&task));
            bail!("there is no output, since the task never started: {why}")
        }
        None if is_over(&task) => {
            let text = format!("its output is no longer available: {}", how_it_ended(&task));
            return Err(crate::NotFound(text).into());
        }
        // It may still write.
        None => Bytes::new(),
    };
    if json {
        let text = String::from_utf8_lossy(&output);
        let (code, reason) = (exit_code(&task), task.stopped_reason());
        crate::output::say!(
            "{}",
            json!({"task": arn, "container": container, "output": text, "exitCode": code, "stoppedReason": reason})
        );
    } else {
        std::io::stdout().write_all(&output)?;
        if output.is_empty() && is_over(&task) {
            let said = crate::output::plain(&how_it_ended(&task));
            eprintln!("longshore: no output: {said}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The container whose output is wanted: the one that is named, or is the Mesos task that is, or is the only one.
fn container(task: &Task, args: &LogsArgs) -> anyhow::Result<String> {
    let names: Vec<&str> = task.containers().iter().filter_map(Container::name).collect();
    // What fetched the files of a Mesos task says little, unless it failed.
    let own = task.containers().iter().filter(|one| !is_fetcher(task, one));
    let own: Vec<&str> = own.filter_map(Container::name).collect();
    let mut ids = mesos_ids(task);
    let named = ids.find(|(_, id)| *id == args.task).map(|(name, _)| name);
    match (args.container.as_deref().or(named), &*own) {
        (Some(name), _) if names.contains(&name) => Ok(name.to_owned()),
        (Some(name), _) => {
            let text = format!(
                "the task has no container {name}; its containers are {}",
                names.join(", ")
            );
            Err(crate::NotFound(text).into())
        }
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => {
            bail!(
                "the task has several containers ({}): choose one with --container",
                names.join(", ")
            )
        }
    }
}

/// Why the files of a container could not be fetched, if that is what kept it from starting: the last that its fetcher said.
async fn unfetched(
    cluster: &Cluster<'_>,
    task: &Task,
    container: &str,
) -> anyhow::Result<Option<String>> {
    let Some(fetcher) = failed_fetcher(task, container) else { return Ok(None) };
    let arn = task.task_arn().unwrap_or_default();
    let Some(output) = fetch(cluster, &short(arn), fetcher).await? else { return Ok(None) };
    let output = String::from_utf8_lossy(&output);
    let said = output.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Ok(said.map(|said| {
        format!("{} (all that its fetcher said: --container {fetcher})", crate::output::plain(said))
    }))
}

/// The container that was to fetch files for another one, and failed.
fn failed_fetcher<'a>(task: &'a Task, container: &str) -> Option<&'a str> {
    let failed =
        task.containers().iter().filter(|one| one.exit_code().is_some_and(|code| code != 0));
    let fetchers = failed.filter(|one| is_fetcher(task, one)).filter_map(Container::name);
    let own = longshore_wire_ecs::fetch::container_for(container);
    fetchers.into_iter().find(|name| *name == longshore_wire_ecs::fetch::CONTAINER || *name == own)
}

fn is_over(task: &Task) -> bool {
    task.last_status() == Some("STOPPED")
}

/// `STOPPED, exit code 3, Essential container in task exited`.
fn how_it_ended(task: &Task) -> String {
    let code = exit_code(task).map(|code| format!("exit code {code}"));
    let words = [Some("STOPPED".to_owned()), code, Some(why(task))];
    let words: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    words.join(", ")
}

/// Fetches a container's output; empty if nothing is kept.
async fn fetch(
    cluster: &Cluster<'_>,
    task: &str,
    container: &str,
) -> anyhow::Result<Option<Bytes>> {
    let path = format!("/longshore/v1/tasks/{task}/logs/{container}");
    let (status, body) = crate::local::ask(cluster, &path, None).await?;
    match status {
        StatusCode::OK => Ok(Some(body)),
        StatusCode::NOT_FOUND => Ok(None),
        other => bail!("{other}: {}", String::from_utf8_lossy(&body)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, TaskOverride};
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    /// The container whose output is shown of a task of a framework, if it has these.
    fn shown(definition: &str, containers: [&str; 2]) -> Option<String> {
        let id = KeyValuePair::builder().name("MESOS_TASK_ID").value("t").build();
        let main = ContainerOverride::builder().name("main").environment(id).build();
        let all = containers.map(|name| Container::builder().name(name).build());
        let task = Task::builder()
            .task_definition_arn(definition)
            .set_containers(Some(all.to_vec()))
            .overrides(TaskOverride::builder().container_overrides(main).build())
            .build();
        let args = Args::try_parse_from(["longshore", "logs", "0123"]).expect("it is right");
        let Command::Logs(args) = args.command else { return None };
        container(&task, &args).ok()
    }

    #[test]
    fn the_output_of_what_fetches_is_not_meant_wherever_it_stands() {
        let ours = "longshore-0123456789abcdef0123456789abcdef:1";
        for containers in [["main", "fetch"], ["fetch", "main"]] {
            assert_eq!(shown(ours, containers).as_deref(), Some("main"));
            assert_eq!(shown("web:1", containers), None, "it is a container like any other");
        }
    }
}
