//! A cluster's history, from describe calls alone: when tasks were created, started and stopped,
//! when instances joined, and the messages of services. ECS keeps stopped tasks for an hour, and
//! the last hundred messages of a service.

use std::process::ExitCode;

use aws_sdk_ecs::primitives::{DateTime, DateTimeFormat};
use aws_sdk_ecs::types::{ContainerInstance, DesiredStatus, Service, Task};
use serde_json::json;

use super::line::Line;
use crate::args::AnyCluster;
use crate::cluster::Cluster;
use crate::output::short;

/// Maximum number of lines printed, the latest ones. Chosen by us.
const LINES_MAX: usize = 10_000;

/// A past event.
struct Known {
    at: DateTime,
    what: &'static str,
    which: String,
    status: &'static str,
    rest: Vec<String>,
}

impl Known {
    /// Order among events with the same time.
    fn rank(&self) -> usize {
        let order = ["instance", "task", "service"];
        order.iter().position(|what| *what == self.what).unwrap_or(order.len())
    }

    fn print(&self, json: bool) {
        let time = whole_ms(self.at).fmt(DateTimeFormat::DateTime).unwrap_or_default();
        let rest: Vec<String> = self.rest.iter().filter(|part| !part.is_empty()).cloned().collect();
        let (what, which, status) = (self.what, &self.which, self.status);
        if json {
            let why = rest.join("  ");
            crate::output::say!(
                "{}",
                json!({"time": time, "what": what, "id": which, "status": status, "message": why})
            );
        } else {
            let (what, which, status) = (what.to_owned(), which.clone(), status.to_owned());
            crate::output::say!("{}", Line { time, what, which, status, rest }.text());
        }
    }
}

/// Rounds to milliseconds: ECS sends fractional seconds, which are parsed slightly too low.
fn whole_ms(at: DateTime) -> DateTime {
    DateTime::from_millis(at.secs() * 1000 + i64::from((at.subsec_nanos() + 500_000) / 1_000_000))
}

/// Prints past events, oldest first.
pub(super) async fn run(args: &AnyCluster, json: bool) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::of(args).await?;
    let mut known = Vec::new();
    // This first call fails if the cluster does not exist.
    for task in tasks(&cluster).await? {
        of_task(&task, &mut known);
    }
    for instance in instances(&cluster).await? {
        of_instance(&instance, &mut known);
    }
    for service in services(&cluster).await? {
        of_service(&service, &mut known);
    }
    // At equal times causes come first: instances join, tasks change, services report it.
    known.sort_by_key(|one| (one.at.secs(), one.at.subsec_nanos(), one.rank()));
    for one in &known[known.len().saturating_sub(LINES_MAX)..] {
        one.print(json);
    }
    Ok(ExitCode::SUCCESS)
}

fn of_task(task: &Task, known: &mut Vec<Known>) {
    let which = short(task.task_arn().unwrap_or_default());
    let instance =
        task.container_instance_arn().map(|arn| format!("on {}", short(arn))).unwrap_or_default();
    let about = vec![short(task.task_definition_arn().unwrap_or_default()), instance];
    let codes = task.containers().iter().filter_map(|container| {
        let code = container.exit_code()?;
        Some(match task.containers() {
            [_] => format!("exit code {code}"),
            _ => format!("{}: exit code {code}", container.name().unwrap_or_default()),
        })
    });
    let codes = codes.collect::<Vec<_>>().join(", ");
    let mut end = about.clone();
    end.extend([codes, task.stopped_reason().unwrap_or_default().to_owned()]);
    let times = [
        (task.created_at(), "created", about.clone()),
        (task.started_at(), "RUNNING", about),
        (task.stopped_at(), "STOPPED", end),
    ];
    for (at, status, rest) in times {
        if let Some(at) = at.copied() {
            known.push(Known { at, what: "task", which: which.clone(), status, rest });
        }
    }
}

fn of_instance(instance: &ContainerInstance, known: &mut Vec<Known>) {
    if let Some(at) = instance.registered_at().copied() {
        known.push(Known {
            at,
            what: "instance",
            which: short(instance.container_instance_arn().unwrap_or_default()),
            status: "joined",
            rest: vec![instance.ec2_instance_id().unwrap_or_default().to_owned()],
        });
    }
}

fn of_service(service: &Service, known: &mut Vec<Known>) {
    // ECS returns the latest first.
    for event in service.events().iter().rev() {
        if let Some(at) = event.created_at().copied() {
            known.push(Known {
                at,
                what: "service",
                which: service.service_name().unwrap_or_default().to_owned(),
                status: "",
                rest: vec![event.message().unwrap_or_default().to_owned()],
            });
        }
    }
}

async fn tasks(cluster: &Cluster<'_>) -> anyhow::Result<Vec<Task>> {
    let mut arns = Vec::new();
    for status in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let list = cluster.sdk().list_tasks().cluster(cluster.name()).desired_status(status);
        let mut pages = list.into_paginator().items().send();
        while let Some(arn) = pages.next().await {
            arns.push(arn.map_err(|error| cluster.explain(error))?);
        }
    }
    let mut found = Vec::new();
    // Source: ECS API reference: at most 100 per request.
    for batch in arns.chunks(100) {
        let request = cluster.sdk().describe_tasks().cluster(cluster.name());
        let reply = request.set_tasks(Some(batch.to_vec())).send().await;
        found.extend(reply.map_err(|error| cluster.explain(error))?.tasks.unwrap_or_default());
    }
    Ok(found)
}

async fn instances(cluster: &Cluster<'_>) -> anyhow::Result<Vec<ContainerInstance>> {
    let list = cluster.sdk().list_container_instances().cluster(cluster.name());
    let mut pages = list.into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|error| cluster.explain(error))?);
    }
    let mut found = Vec::new();
    for batch in arns.chunks(100) {
        let request = cluster.sdk().describe_container_instances().cluster(cluster.name());
        let reply = request.set_container_instances(Some(batch.to_vec())).send().await;
        let reply = reply.map_err(|error| cluster.explain(error))?;
        found.extend(reply.container_instances.unwrap_or_default());
    }
    Ok(found)
}

async fn services(cluster: &Cluster<'_>) -> anyhow::Result<Vec<Service>> {
    let list = cluster.sdk().list_services().cluster(cluster.name());
    let mut pages = list.into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        arns.push(arn.map_err(|error| cluster.explain(error))?);
    }
    let mut found = Vec::new();
    // Source: ECS API reference: at most 10 per request.
    for batch in arns.chunks(10) {
        let request = cluster.sdk().describe_services().cluster(cluster.name());
        let reply = request.set_services(Some(batch.to_vec())).send().await;
        let reply = reply.map_err(|error| cluster.explain(error))?;
        found.extend(reply.services.unwrap_or_default());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_millisecond_that_was_meant() {
        for (seconds, text) in [
            (1_795_272_539.863, "2026-11-21T14:48:59.863Z"),
            (1_795_272_539.0, "2026-11-21T14:48:59Z"),
            (1_795_272_539.999_999, "2026-11-21T14:49:00Z"),
        ] {
            let time = whole_ms(DateTime::from_secs_f64(seconds)).fmt(DateTimeFormat::DateTime);
            assert_eq!(time.expect("it can be written"), text);
        }
    }
}
