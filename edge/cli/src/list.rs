//! Lists of tasks, instances and task definitions.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::bail;
use longshore_replica::{Answer, Ask, Failure};
use serde_json::json;

use crate::args::{InstancesArgs, PsArgs, TaskDefinitionsArgs};
use crate::cluster::{client, explain};
use crate::output::{ago, short, table};

/// What a failure means to a person.
pub(crate) fn failed(failure: &Failure, endpoint: &str) -> anyhow::Error {
    match failure {
        Failure::Refused { code, message } if code == "ClusterNotFoundException" => {
            crate::NotFound(format!("{code}: {message}")).into()
        }
        Failure::Unavailable(_) => {
            anyhow::anyhow!("{failure} at {endpoint} (is `longshore dev` running?)")
        }
        _ => anyhow::anyhow!("{failure}"),
    }
}

/// `longshore ps`.
pub(crate) async fn tasks(args: PsArgs, json: bool) -> anyhow::Result<ExitCode> {
    let client = client(&args.cluster).await?;
    let mut found = Vec::new();
    for desired_running in if args.all { vec![true, false] } else { vec![true] } {
        match client.ask(Ask::ListTasks { desired_running, except: BTreeSet::new() }).await {
            Ok(Answer::Tasks { found: some, .. }) => found.extend(some),
            Ok(_) => bail!("the cluster answered another question"),
            Err(failure) => return Err(failed(&failure, &args.cluster.endpoint)),
        }
    }
    found.sort_by_key(|task| task.created_at_ms);
    let last = |task: &longshore_replica::Task| format!("{:?}", task.last_status).to_uppercase();
    let code = |task: &longshore_replica::Task| {
        task.containers.iter().find_map(|container| container.exit_code)
    };
    if json {
        for task in &found {
            crate::output::say!(
                "{}",
                json!({
                    "task": task.arn, "instance": task.instance_arn, "definition": task.definition_arn,
                    "lastStatus": last(task), "startedBy": task.started_by, "exitCode": code(task),
                    "stoppedReason": task.stopped_reason, "createdAt": task.created_at_ms,
                })
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|task| {
            vec![
                short(&task.arn),
                short(&task.definition_arn),
                last(task),
                code(task).map_or_else(String::new, |code| code.to_string()),
                task.instance_arn.as_deref().map(short).unwrap_or_default(),
                ago(i64::try_from(task.created_at_ms / 1000).unwrap_or(0)),
                task.environment.get("MESOS_TASK_ID").map(ToString::to_string).unwrap_or_default(),
            ]
        })
        .collect();
    table(&["TASK", "DEFINITION", "STATUS", "EXIT", "INSTANCE", "AGE", "MESOS TASK"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// `longshore instances`.
pub(crate) async fn instances(args: InstancesArgs, json: bool) -> anyhow::Result<ExitCode> {
    let client = client(&args.cluster).await?;
    let found = match client.ask(Ask::ListInstances).await {
        Ok(Answer::Instances(found)) => found,
        Ok(_) => bail!("the cluster answered another question"),
        Err(failure) => return Err(failed(&failure, &args.cluster.endpoint)),
    };
    let zone = |instance: &longshore_replica::Instance| {
        instance.attribute("ecs.availability-zone").map(ToString::to_string).unwrap_or_default()
    };
    if json {
        for instance in &found {
            crate::output::say!(
                "{}",
                json!({
                    "instance": instance.arn, "ec2InstanceId": instance.ec2_instance_id, "zone": zone(instance),
                    "active": instance.active, "agentConnected": instance.connected, "runningTasks": instance.running_tasks,
                    "cpu": instance.cpu, "cpuRemaining": instance.cpu_remaining,
                    "memory": instance.memory_mib, "memoryRemaining": instance.memory_mib_remaining,
                })
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|instance| {
            vec![
                short(&instance.arn),
                instance.ec2_instance_id.as_deref().unwrap_or_default().to_owned(),
                zone(instance),
                match (instance.active, instance.connected) {
                    (true, true) => "ACTIVE".to_owned(),
                    (true, false) => "ACTIVE, agent away".to_owned(),
                    (false, _) => "DRAINING".to_owned(),
                },
                format!("{}/{}", instance.cpu_remaining, instance.cpu),
                format!("{}/{}", instance.memory_mib_remaining, instance.memory_mib),
                instance.running_tasks.to_string(),
            ]
        })
        .collect();
    table(&["INSTANCE", "EC2 ID", "ZONE", "STATUS", "CPU LEFT", "MIB LEFT", "TASKS"], &rows);
    Ok(ExitCode::SUCCESS)
}

/// `longshore task-definitions`.
pub(crate) async fn definitions(args: TaskDefinitionsArgs, json: bool) -> anyhow::Result<ExitCode> {
    let client = client(&args.cluster).await?;
    let request = client.sdk().list_task_definitions().set_family_prefix(args.family);
    let mut pages = request.into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(arn) = pages.next().await {
        let arn = arn.map_err(|error| explain(error, &args.cluster.endpoint))?;
        if json {
            crate::output::say!("{}", json!({"taskDefinition": arn}));
        } else {
            rows.push(vec![short(&arn), arn]);
        }
    }
    if !json {
        table(&["DEFINITION", "ARN"], &rows);
    }
    Ok(ExitCode::SUCCESS)
}
