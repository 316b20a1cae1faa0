//! `longshore ps`: tasks that are running or stopping and, with `--all`, those that have stopped,
//! with the reason.

use std::process::ExitCode;

use aws_sdk_ecs::types::{
    Container, DesiredStatus, HealthStatus, NetworkBinding, Task, TaskOverride,
};
use serde_json::json;

use super::fetcher::is_fetcher;
use crate::args::AnyCluster;
use crate::cluster::Cluster;
use crate::find;
use crate::output::{Column, ago, short, table};

/// Which tasks to list, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct PsArgs {
    /// Include stopped tasks, with the reason they stopped.
    #[arg(long, short)]
    pub(crate) all: bool,
    /// Print ids only.
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// Only tasks of this service.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Only tasks whose task definition belongs to this family.
    #[arg(long)]
    pub(crate) family: Option<String>,
    /// Only tasks on this container instance: ARN, id, unique id prefix or EC2 instance id.
    #[arg(long)]
    pub(crate) instance: Option<String>,
    /// Only tasks with this status, for example running, stopping or stopped.
    #[arg(long, value_parser = status_word)]
    pub(crate) status: Option<String>,
    #[command(flatten)]
    pub(crate) cluster: AnyCluster,
}

const COLUMNS: [Column; 11] = [
    Column::id("TASK", 0),
    Column::whole("DEFINITION", 0),
    Column::whole("SERVICE", 3),
    Column::whole("STATUS", 0),
    Column::whole("HEALTH", 5),
    Column::whole("EXIT", 1),
    Column::whole("PORTS", 4),
    Column::id("INSTANCE", 7),
    Column::whole("AGE", 2),
    Column::whole("MESOS TASK", 6),
    Column::text("WHY", 2),
];

/// Lists tasks, oldest first.
pub(crate) async fn tasks(args: PsArgs, json: bool) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::of(&args.cluster).await?;
    let mut found = read(&cluster, &args).await?;
    found.sort_by_key(|task| task.created_at().map(|at| (at.secs(), at.subsec_nanos())));
    if args.quiet {
        for task in &found {
            crate::output::say!("{}", short(task.task_arn().unwrap_or_default()));
        }
    } else if json {
        for task in &found {
            crate::output::say!("{}", document(task));
        }
    } else {
        table(&COLUMNS, &found.iter().map(row).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

/// The states of a task. Source: ECS developer guide, *Task lifecycle*.
const STATUSES: [&str; 9] = [
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
    "DELETED",
];

fn status_word(text: &str) -> Result<String, String> {
    let word = text.to_uppercase();
    if STATUSES.contains(&&*word) {
        return Ok(word);
    }
    Err(format!("the status of a task is one of {}", STATUSES.join(", ").to_lowercase()))
}

/// The tasks selected by the flags. ECS filters what it can; it does not accept both a service and
/// a family.
async fn read(cluster: &Cluster<'_>, args: &PsArgs) -> anyhow::Result<Vec<Task>> {
    let status = args.status.as_deref();
    let instance = match &args.instance {
        Some(word) => Some(find::instance(cluster, word).await?),
        None => None,
    };
    let mut found = Vec::new();
    // ECS lists a stopping task under the desired status STOPPED.
    for desired in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let list = cluster.sdk().list_tasks().cluster(cluster.name()).desired_status(desired);
        let list = list.set_container_instance(instance.clone());
        let list = match (&args.service, &args.family) {
            (Some(service), _) => list.service_name(service),
            (None, family) => list.set_family(family.clone()),
        };
        let mut pages = list.into_paginator().items().send();
        let mut arns = Vec::new();
        while let Some(arn) = pages.next().await {
            arns.push(arn.map_err(|error| cluster.explain(error))?);
        }
        found.extend(describe(cluster, &arns).await?);
    }
    let wanted = |task: &Task| {
        let is_over = task.last_status() == Some("STOPPED");
        let is_stopping = !is_over && task.desired_status() == Some("STOPPED");
        let family = definition(task).split(':').next().unwrap_or_default().to_owned();
        args.family.as_ref().is_none_or(|wanted| *wanted == family)
            && match status {
                // STOPPING as people use it; the ECS status of that name is rarely seen.
                Some("STOPPING") => is_stopping,
                Some(status) => task.last_status() == Some(status),
                None => args.all || !is_over,
            }
    };
    found.retain(wanted);
    Ok(found)
}

/// Describes tasks. Those forgotten in the meantime are left out.
pub(crate) async fn describe(cluster: &Cluster<'_>, arns: &[String]) -> anyhow::Result<Vec<Task>> {
    let mut found = Vec::new();
    // Source: ECS API reference: at most 100 per request.
    for batch in arns.chunks(100) {
        let request = cluster.sdk().describe_tasks().cluster(cluster.name());
        let reply = request.set_tasks(Some(batch.to_vec())).send().await;
        found.extend(reply.map_err(|error| cluster.explain(error))?.tasks.unwrap_or_default());
    }
    Ok(found)
}

fn definition(task: &Task) -> String {
    short(task.task_definition_arn().unwrap_or_default())
}

/// The status, and whether the task is stopping.
fn status(task: &Task) -> String {
    let last = task.last_status().unwrap_or_default();
    let says_so = matches!(last, "STOPPED" | "STOPPING" | "DEACTIVATING" | "DEPROVISIONING");
    let is_to_stop = task.desired_status() == Some("STOPPED") && !says_so;
    if is_to_stop { format!("{last} (stopping)") } else { last.to_owned() }
}

fn service(task: &Task) -> Option<&str> {
    task.group()?.strip_prefix("service:")
}

fn health(task: &Task) -> Option<&str> {
    task.health_status().map(HealthStatus::as_str).filter(|health| *health != "UNKNOWN")
}

/// The first nonzero exit code, otherwise the first one: people want to know which container
/// failed.
pub(crate) fn exit_code(task: &Task) -> Option<i32> {
    let codes = || task.containers().iter().filter_map(Container::exit_code);
    // That what fetched its files succeeded says nothing of the task.
    let mut own = task.containers().iter().filter(|one| !is_fetcher(task, one));
    codes().find(|code| *code != 0).or_else(|| own.find_map(Container::exit_code))
}

/// `8080->80/tcp`, as in Docker.
fn ports(task: &Task) -> Vec<String> {
    let port = |binding: &NetworkBinding| {
        let protocol = binding.protocol().map_or("tcp", |protocol| protocol.as_str());
        match (binding.host_port(), binding.container_port()) {
            (Some(host), Some(inside)) => Some(format!("{host}->{inside}/{protocol}")),
            (Some(only), None) | (None, Some(only)) => Some(format!("{only}/{protocol}")),
            (None, None) => None,
        }
    };
    let bindings = task.containers().iter().flat_map(Container::network_bindings);
    bindings.filter_map(port).collect()
}

/// Why it stopped or is stopping: a container's reason is closer to the cause than the task's.
pub(crate) fn why(task: &Task) -> String {
    let mut reasons = task.containers().iter().filter_map(Container::reason);
    reasons
        .find(|reason| !reason.is_empty())
        .or(task.stopped_reason())
        .unwrap_or_default()
        .to_owned()
}

/// The containers that are tasks of a Mesos framework, and the ids that it gave them: several, if it is a group.
pub(crate) fn mesos_ids(task: &Task) -> impl Iterator<Item = (&str, &str)> {
    let overrides = task.overrides().into_iter().flat_map(TaskOverride::container_overrides);
    overrides.filter_map(|one| {
        let mut variables = one.environment().iter();
        let id = variables.find(|variable| variable.name() == Some("MESOS_TASK_ID"))?.value()?;
        Some((one.name()?, id))
    })
}

fn row(task: &Task) -> Vec<String> {
    vec![
        short(task.task_arn().unwrap_or_default()),
        definition(task),
        service(task).unwrap_or_default().to_owned(),
        status(task),
        health(task).unwrap_or_default().to_owned(),
        exit_code(task).map_or_else(String::new, |code| code.to_string()),
        ports(task).join(", "),
        task.container_instance_arn().map(short).unwrap_or_default(),
        task.created_at().map(|at| ago(at.secs())).unwrap_or_default(),
        mesos_ids(task).map(|(_, id)| id).collect::<Vec<_>>().join(", "),
        why(task),
    ]
}

fn document(task: &Task) -> serde_json::Value {
    json!({
        "task": task.task_arn(), "instance": task.container_instance_arn(), "definition": task.task_definition_arn(),
        "service": service(task), "lastStatus": task.last_status(), "desiredStatus": task.desired_status(),
        "health": health(task), "ports": ports(task), "startedBy": task.started_by(), "mesosTask": mesos_ids(task).next().map(|(_, id)| id),
        "mesosTasks": mesos_ids(task).map(|(_, id)| id).collect::<Vec<_>>(),
        "exitCode": exit_code(task), "stoppedReason": task.stopped_reason(), "why": why(task),
        "createdAt": task.created_at().and_then(|at| at.to_millis().ok()),
    })
}
