//! `longshore instances`.

use std::process::ExitCode;

use longshore_replica::Instance;
use serde_json::json;

use crate::args::InstancesArgs;
use crate::cluster::Cluster;
use crate::output::{Column, short, table};

const COLUMNS: [Column; 7] = [
    Column::id("INSTANCE", 0),
    Column::whole("EC2 ID", 3),
    Column::whole("ZONE", 2),
    Column::whole("STATUS", 0),
    Column::whole("CPU LEFT", 0),
    Column::whole("MIB LEFT", 0),
    Column::whole("TASKS", 1),
];

/// Lists instances and their remaining resources.
pub(crate) async fn instances(args: InstancesArgs, json: bool) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::of(&args.cluster).await?;
    let found = cluster.instances().await?;
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
    } else {
        table(&COLUMNS, &found.iter().map(row).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

fn zone(instance: &Instance) -> String {
    instance.attribute("ecs.availability-zone").map(ToString::to_string).unwrap_or_default()
}

fn row(instance: &Instance) -> Vec<String> {
    let status = match (instance.active, instance.connected) {
        (true, true) => "ACTIVE",
        (true, false) => "ACTIVE, agent disconnected",
        (false, true) => "DRAINING",
        (false, false) => "DRAINING, agent disconnected",
    };
    vec![
        short(&instance.arn),
        instance.ec2_instance_id.as_deref().unwrap_or_default().to_owned(),
        zone(instance),
        status.to_owned(),
        format!("{}/{}", instance.cpu_remaining, instance.cpu),
        format!("{}/{}", instance.memory_mib_remaining, instance.memory_mib),
        instance.running_tasks.to_string(),
    ]
}
