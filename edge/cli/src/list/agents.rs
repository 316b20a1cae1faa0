//! `longshore agents`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use longshore_wire_mesos::v1::DrainState;
use longshore_wire_mesos::v1::master::response::get_agents::Agent;
use serde_json::{Value, json};

use super::amounts::Amounts;
use super::mesos::{live_tasks, millis, since};
use crate::args::{AgentAction, AgentsArgs};
use crate::find;
use crate::mesos::Master;
use crate::output::{Column, ago, table};

const COLUMNS: [Column; 8] = [
    Column::id("AGENT", 0),
    Column::whole("HOST", 1),
    Column::whole("STATUS", 0),
    Column::whole("CPUS LEFT", 0),
    Column::whole("MB LEFT", 0),
    Column::whole("DISK LEFT", 4),
    Column::whole("TASKS", 2),
    Column::whole("SINCE", 3),
];

/// Lists agents, or decides something about some of them.
pub(crate) async fn agents(args: AgentsArgs, json: bool) -> anyhow::Result<ExitCode> {
    let master = Master::of(&args.master)?;
    let Some(action) = args.action else { return list(&master, json).await };
    let (kind, more, named, done) = match action {
        AgentAction::Drain { mark_gone, named } => {
            ("DRAIN_AGENT", json!({"mark_gone": mark_gone}), named, "draining")
        }
        AgentAction::Deactivate(named) => ("DEACTIVATE_AGENT", json!({}), named, "deactivated"),
        AgentAction::Activate(named) => ("REACTIVATE_AGENT", json!({}), named, "active"),
        AgentAction::Gone(named) => ("MARK_AGENT_GONE", json!({}), named, "gone"),
    };
    let known = read(&master).await?;
    let ids: Vec<&str> = known.iter().map(id).collect();
    let words = named.agents.iter();
    let found = words.map(|word| find::id("agent", "at the Mesos master", word, &ids));
    for agent in found.collect::<anyhow::Result<Vec<_>>>()? {
        let mut part = more.clone();
        part["agent_id"] = json!({"value": agent});
        let mut call = json!({"type": kind});
        call[kind.to_lowercase()] = part;
        master.call(&call).await?;
        if json {
            crate::output::say!("{}", json!({"agent": agent, "done": done}));
        } else {
            crate::output::say!("{agent}  {done}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(master: &Master) -> anyhow::Result<Vec<Agent>> {
    Ok(master.read("GET_AGENTS").await?.get_agents.unwrap_or_default().agents)
}

/// Lists agents and what nobody uses of them; what is offered counts as unused.
async fn list(master: &Master, json: bool) -> anyhow::Result<ExitCode> {
    let mut found = read(master).await?;
    let tasks = live_tasks(master, "slaves").await?;
    found.sort_by(|a, b| (&a.agent_info.hostname, id(a)).cmp(&(&b.agent_info.hostname, id(b))));
    if json {
        for agent in &found {
            crate::output::say!("{}", document(agent, &tasks));
        }
    } else {
        table(&COLUMNS, &found.iter().map(|agent| row(agent, &tasks)).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

fn id(agent: &Agent) -> &str {
    agent.agent_info.id.as_ref().map_or("", |id| &id.value)
}

/// Source: Mesos, `Slave::active`: one that is neither deactivated nor active is away.
fn status(agent: &Agent) -> &'static str {
    match agent.drain_info.map(|drain| drain.state()) {
        Some(DrainState::Draining) => return "draining",
        Some(DrainState::Drained) => return "drained",
        Some(DrainState::Unknown) | None => {}
    }
    match (agent.active, agent.deactivated == Some(true)) {
        (true, _) => "active",
        (false, true) => "deactivated",
        (false, false) => "disconnected",
    }
}

fn row(agent: &Agent, tasks: &BTreeMap<String, u64>) -> Vec<String> {
    let total = Amounts::of(&agent.total_resources);
    let used = Amounts::of(&agent.allocated_resources);
    vec![
        id(agent).to_owned(),
        agent.agent_info.hostname.clone(),
        status(agent).to_owned(),
        total.left("cpus", &used),
        total.left("mem", &used),
        total.left("disk", &used),
        tasks.get(id(agent)).copied().unwrap_or_default().to_string(),
        since(agent.registered_time).map(ago).unwrap_or_default(),
    ]
}

fn document(agent: &Agent, tasks: &BTreeMap<String, u64>) -> Value {
    let text = |attribute: &longshore_wire_mesos::v1::Attribute| {
        let value = attribute.text.as_ref().map(|text| text.value.clone());
        (attribute.name.clone(), value)
    };
    let attributes: BTreeMap<_, _> = agent.agent_info.attributes.iter().map(text).collect();
    json!({
        "agent": id(agent), "hostname": agent.agent_info.hostname, "status": status(agent), "attributes": attributes,
        "total": Amounts::of(&agent.total_resources).document(), "used": Amounts::of(&agent.allocated_resources).document(),
        "offered": Amounts::of(&agent.offered_resources).document(),
        "tasks": tasks.get(id(agent)).copied().unwrap_or_default(), "registeredAt": millis(agent.registered_time),
    })
}
