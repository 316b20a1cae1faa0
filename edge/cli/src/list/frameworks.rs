//! `longshore frameworks`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::master::response::get_frameworks::Framework;
use serde_json::{Value, json};

use super::mesos::{live_tasks, millis, since};
use crate::args::{AnyMaster, FrameworkAction, FrameworksArgs};
use crate::find;
use crate::mesos::Master;
use crate::output::{Column, ago, table};

const COLUMNS: [Column; 6] = [
    Column::id("FRAMEWORK", 0),
    Column::whole("NAME", 0),
    Column::whole("ROLES", 3),
    Column::whole("TASKS", 1),
    Column::whole("CONNECTED", 0),
    Column::whole("SINCE", 2),
];

/// Lists frameworks, or does something to some of them.
pub(crate) async fn frameworks(args: FrameworksArgs, json: bool) -> anyhow::Result<ExitCode> {
    match args.action {
        Some(FrameworkAction::Teardown { frameworks }) => {
            teardown(&args.master, &frameworks, json).await
        }
        None => list(&args.master, json).await,
    }
}

async fn read(master: &Master) -> anyhow::Result<Vec<Framework>> {
    let answer = master.read("GET_FRAMEWORKS").await?;
    Ok(answer.get_frameworks.unwrap_or_default().frameworks)
}

async fn list(master: &AnyMaster, json: bool) -> anyhow::Result<ExitCode> {
    let master = Master::of(master)?;
    let mut found = read(&master).await?;
    let tasks = live_tasks(&master, "frameworks").await?;
    found.sort_by_key(|one| since(one.registered_time));
    if json {
        for framework in &found {
            crate::output::say!("{}", document(framework, &tasks));
        }
    } else {
        let rows: Vec<_> = found.iter().map(|framework| row(framework, &tasks)).collect();
        table(&COLUMNS, &rows);
    }
    Ok(ExitCode::SUCCESS)
}

fn id(framework: &Framework) -> &str {
    framework.framework_info.id.as_ref().map_or("", |id| &id.value)
}

/// One without `MULTI_ROLE` has the one of the old member. Source: Mesos, `FrameworkInfo`.
fn roles(info: &FrameworkInfo) -> Vec<&str> {
    match (&*info.roles, info.role.as_deref()) {
        ([], role) => vec![role.unwrap_or("*")],
        (roles, _) => roles.iter().map(String::as_str).collect(),
    }
}

fn row(framework: &Framework, tasks: &BTreeMap<String, u64>) -> Vec<String> {
    let info = &framework.framework_info;
    vec![
        id(framework).to_owned(),
        info.name.clone(),
        roles(info).join(", "),
        tasks.get(id(framework)).copied().unwrap_or_default().to_string(),
        if framework.connected { "yes" } else { "no" }.to_owned(),
        since(framework.registered_time).map(ago).unwrap_or_default(),
    ]
}

fn document(framework: &Framework, tasks: &BTreeMap<String, u64>) -> Value {
    let info = &framework.framework_info;
    json!({
        "framework": id(framework), "name": info.name, "user": info.user, "principal": info.principal,
        "roles": roles(info), "hostname": info.hostname, "webuiUrl": info.webui_url,
        "active": framework.active, "connected": framework.connected, "recovered": framework.recovered,
        "tasks": tasks.get(id(framework)).copied().unwrap_or_default(), "offers": framework.offers.len(),
        "registeredAt": millis(framework.registered_time), "reregisteredAt": millis(framework.reregistered_time),
    })
}

async fn teardown(master: &AnyMaster, words: &[String], json: bool) -> anyhow::Result<ExitCode> {
    let master = Master::of(master)?;
    let known = read(&master).await?;
    let ids: Vec<&str> = known.iter().map(id).collect();
    let found = words.iter().map(|word| find::id("framework", "at the Mesos master", word, &ids));
    for framework in found.collect::<anyhow::Result<Vec<_>>>()? {
        let teardown =
            json!({"type": "TEARDOWN", "teardown": {"framework_id": {"value": framework}}});
        master.call(&teardown).await?;
        if json {
            crate::output::say!("{}", json!({"framework": framework, "removed": true}));
        } else {
            crate::output::say!("{framework}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
