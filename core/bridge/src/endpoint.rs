//! What operators and clients read: the master, agents, `/state` and its relatives, metrics. Source: \[D2\], \[P3\]
//! to \[P5\].

mod metrics;
mod page;

use longshore_machine::Timestamp;
use longshore_replica::Instance;
use longshore_wire_mesos::v1::domain_info::FaultDomain;
use longshore_wire_mesos::v1::domain_info::fault_domain::{RegionInfo, ZoneInfo};
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::{
    Address, AgentId, Attribute, DomainInfo, MasterInfo, TaskStatus, Url, value,
};
use longshore_wire_mesos::{MESOS_VERSION, json};
use serde_json::{Map, Value, json};

use crate::amounts::{Amounts, to_number};
use crate::book::Offered;
use crate::framework::{CompletedTask, Framework};
use crate::launch::Launch;
use crate::state::Bridge;

pub(crate) use page::{Rendering, ask};

/// Port of agents. Nobody listens there: clients that dial it get no answer, as from an agent that is down.
const AGENT_PORT: i32 = 5051;

/// An agent, as offers describe it.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) hostname: String,
    pub(crate) ip: String,
    pub(crate) url: Url,
    pub(crate) domain: Option<DomainInfo>,
    pub(crate) attributes: Vec<Attribute>,
}

/// Describes an instance as an agent. Attributes are TEXT, since some clients cannot read numbers there.
pub(crate) fn agent(bridge: &Bridge, instance: &Instance) -> Agent {
    let named = instance.attribute(&bridge.config.hostname_attribute).cloned();
    let hostname =
        named.or_else(|| instance.ec2_instance_id.clone()).unwrap_or_else(|| instance.id().into());
    let ip = hostname
        .parse::<std::net::Ipv4Addr>()
        .map_or_else(|_| "0.0.0.0".to_owned(), |ip| ip.to_string());
    let address =
        Address { hostname: Some(hostname.to_string()), ip: Some(ip.clone()), port: AGENT_PORT };
    let zone = instance.attribute("ecs.availability-zone");
    let attributes = instance.attributes.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(Attribute {
            name: name.to_string(),
            r#type: value::Type::Text.into(),
            text: Some(value::Text { value: value.to_string() }),
            ..Default::default()
        })
    });
    Agent {
        id: AgentId { value: instance.id().to_owned() },
        hostname: hostname.to_string(),
        ip,
        url: Url {
            scheme: "http".to_owned(),
            address,
            path: Some("/slave(1)".to_owned()),
            ..Default::default()
        },
        domain: zone.map(|zone| domain(&bridge.config.region, zone)),
        attributes: attributes.collect(),
    }
}

fn domain(region: &str, zone: &str) -> DomainInfo {
    DomainInfo {
        fault_domain: Some(FaultDomain {
            region: RegionInfo { name: region.to_owned() },
            zone: ZoneInfo { name: zone.to_owned() },
        }),
    }
}

/// Source: \[D2\]: all members are set, since each client reads others.
pub(crate) fn master_info(bridge: &Bridge) -> MasterInfo {
    let config = &bridge.config;
    let [a, b, c, d] = config.ip;
    let ip = std::net::Ipv4Addr::from(config.ip).to_string();
    MasterInfo {
        id: bridge.master_id.clone(),
        // Network byte order, stored as a little-endian host has it.
        ip: u32::from_le_bytes([a, b, c, d]),
        port: u32::from(config.port),
        pid: Some(format!("master@{ip}:{}", config.port)),
        hostname: Some(config.hostname.to_string()),
        version: Some(MESOS_VERSION.to_owned()),
        address: Some(Address {
            hostname: Some(config.hostname.to_string()),
            ip: Some(ip),
            port: i32::from(config.port),
        }),
        domain: Some(domain(&config.region, &config.region)),
        ..Default::default()
    }
}

/// What `/state` says of the master itself.
fn state(bridge: &Bridge) -> Value {
    let info = master_info(bridge);
    let started = Timestamp::from_millis(bridge.config.started_at_ms).wall().seconds();
    let active = bridge
        .replica
        .instances()
        .values()
        .filter(|instance| instance.active && instance.connected)
        .count();
    json!({
        "version": MESOS_VERSION,
        "build_date": "", "build_time": 0.0, "build_user": "",
        "start_time": started, "elected_time": started,
        "id": info.id, "pid": info.pid, "hostname": info.hostname,
        "leader": info.pid,
        "leader_info": {"id": info.id, "pid": info.pid, "port": info.port, "hostname": info.hostname},
        "cluster": bridge.config.cluster,
        "capabilities": [], "flags": {},
        "domain": json::to_value("mesos.v1.DomainInfo", &info.domain.unwrap_or_default()),
        "activated_slaves": active,
        "deactivated_slaves": bridge.replica.instances().len() - active,
        "unreachable_slaves": 0,
    })
}

/// Source: \[P5\]: the four usual ones are always there, as numbers.
fn resources(amounts: &Amounts) -> Value {
    let mut object = Map::new();
    for name in ["cpus", "gpus", "mem", "disk"] {
        object.insert(name.to_owned(), json!(to_number(amounts.scalar(name))));
    }
    for (name, amount) in &amounts.scalars {
        object.insert(name.clone(), json!(to_number(*amount)));
    }
    if !amounts.ports.is_empty() {
        object.insert("ports".to_owned(), json!(amounts.ports.to_string()));
    }
    Value::Object(object)
}

/// All that an instance brought, as a framework would count it.
pub(crate) fn total(bridge: &Bridge, instance: &Instance) -> Amounts {
    let (cpus, mem) =
        (u64::from(instance.cpu) * 1000 / 1024, u64::from(instance.memory_mib) * 1000);
    Amounts::of(cpus, mem, bridge.config.disk_mb * 1000, bridge.config.ports.clone())
}

fn slave(bridge: &Bridge, instance: &Instance) -> Value {
    let agent = agent(bridge, instance);
    let all = total(bridge, instance);
    let offered = bridge.offers.offered(&instance.arn);
    let used = all.minus(&bridge.free(instance)).minus(&offered);
    let attributes: Map<String, Value> = agent
        .attributes
        .iter()
        .filter_map(|one| Some((one.name.clone(), json!(one.text.as_ref()?.value))))
        .collect();
    json!({
        "id": agent.id.value, "hostname": agent.hostname, "port": AGENT_PORT,
        "pid": format!("slave(1)@{}:{AGENT_PORT}", agent.ip),
        "attributes": attributes,
        "domain": agent.domain.map(|domain| json::to_value("mesos.v1.DomainInfo", &domain)),
        "registered_time": Timestamp::from_millis(bridge.config.started_at_ms).wall().seconds(),
        "resources": resources(&all), "used_resources": resources(&used), "offered_resources": resources(&offered),
        "reserved_resources": {}, "unreserved_resources": resources(&all),
        "active": instance.active && instance.connected, "deactivated": !instance.active,
        "version": MESOS_VERSION, "capabilities": [],
    })
}

/// What is said of a framework itself, without what it has.
fn framework(framework: &Framework) -> Value {
    let info = &framework.info;
    let capabilities: Vec<&str> =
        info.capabilities.iter().map(|one| one.r#type().as_str_name()).collect();
    let mut value = json!({
        "id": framework.id, "name": info.name, "user": info.user,
        "hostname": info.hostname.as_deref().unwrap_or_default(),
        "webui_url": info.webui_url.as_deref().unwrap_or_default(),
        "principal": info.principal.as_deref().unwrap_or_default(),
        "failover_timeout": info.failover_timeout(), "checkpoint": info.checkpoint(),
        "capabilities": capabilities,
        "active": framework.stream.is_some(), "connected": framework.stream.is_some(), "recovered": framework.recovered,
        "registered_time": framework.registered_at.wall().seconds(),
        "reregistered_time": framework.reregistered_at.wall().seconds(),
        "unregistered_time": framework.ended_at.map_or(0.0, Timestamp::seconds),
        "unreachable_tasks": [], "executors": [], "offer_constraints": {},
    });
    let role = if framework.has(Capability::MultiRole) {
        ("roles", json!(framework.roles))
    } else {
        ("role", json!(framework.roles.first()))
    };
    value[role.0] = role.1;
    value
}

fn offer(id: &str, offered: &Offered) -> Value {
    json!({
        "id": id, "framework_id": offered.framework, "allocation_info": {"role": offered.role},
        "slave_id": offered.instance.rsplit('/').next(), "resources": resources(&offered.amounts),
    })
}

fn task(launch: &Launch) -> Value {
    let mut value = json!({
        "id": launch.task, "name": launch.name, "framework_id": launch.framework, "executor_id": "",
        "slave_id": launch.agent, "state": launch.state.as_str_name(), "role": launch.role,
        "resources": resources(&launch.claim), "statuses": statuses(&launch.updates.history),
    });
    let Some(shown) = &launch.shown else { return value };
    if let Some(labels) = &shown.labels {
        value["labels"] = json::to_value("mesos.v1.Labels", labels)["labels"].take();
    }
    if let Some(discovery) = &shown.discovery {
        value["discovery"] = json::to_value("mesos.v1.DiscoveryInfo", discovery);
    }
    if let Some(container) = &shown.container {
        value["container"] = json::to_value("mesos.v1.ContainerInfo", container);
    }
    value
}

fn completed_task(framework: &Framework, task: &CompletedTask) -> Value {
    let state = task.statuses.last().map_or("TASK_STAGING", |status| status.state().as_str_name());
    json!({
        "id": task.id, "name": task.name, "framework_id": framework.id, "executor_id": "", "slave_id": task.agent,
        "state": state, "resources": resources(&task.claim), "statuses": statuses(&task.statuses),
    })
}

fn statuses(history: &[TaskStatus]) -> Vec<Value> {
    let one = |status: &TaskStatus| {
        let mut value =
            json!({"state": status.state().as_str_name(), "timestamp": status.timestamp()});
        if let Some(container) = &status.container_status {
            value["container_status"] = json::to_value("mesos.v1.ContainerStatus", container);
        }
        if let Some(healthy) = status.healthy {
            value["healthy"] = json!(healthy);
        }
        value
    };
    history.iter().map(one).collect()
}
