//! `longshore task-definitions`.

use std::process::ExitCode;

use serde_json::json;

use crate::args::TaskDefinitionsArgs;
use crate::cluster::Cluster;
use crate::output::{Column, short, table};

const COLUMNS: [Column; 2] = [Column::whole("DEFINITION", 0), Column::whole("ARN", 1)];

/// Lists the active revisions.
pub(crate) async fn definitions(args: TaskDefinitionsArgs, json: bool) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::of(&args.cluster).await?;
    let request = cluster.sdk().list_task_definitions().set_family_prefix(args.family);
    let mut pages = request.into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(arn) = pages.next().await {
        let arn = arn.map_err(|error| cluster.explain(error))?;
        if json {
            crate::output::say!("{}", json!({"taskDefinition": arn}));
        } else {
            rows.push(vec![short(&arn), arn]);
        }
    }
    if !json {
        table(&COLUMNS, &rows);
    }
    Ok(ExitCode::SUCCESS)
}
