//! What calls and offers are made of.

use longshore_wire_mesos::v1::framework_info::Capability;
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::{
    AgentId, CommandInfo, FrameworkId, FrameworkInfo, Offer, OfferId, Resource, TaskId, TaskInfo,
    value,
};

use super::world::Client;
use crate::amounts::Amounts;
use crate::{Config, DefaultImage, parse_ranges};

/// A call of a kind; its part is filled in by the caller.
pub(super) fn kind(kind: Type) -> Call {
    Call { r#type: Some(kind.into()), ..Default::default() }
}

pub(super) fn config() -> Config {
    Config {
        hostname: "master.example".into(),
        ip: [10, 0, 0, 1],
        port: 5050,
        region: "us-east-1".into(),
        cluster: "default".into(),
        ports: parse_ranges("31000-31099").expect("these are ranges"),
        disk_mb: 10_000,
        hostname_attribute: "hostname".into(),
        default_image: DefaultImage::Image("alpine".into()),
        started_at_ms: 0,
        offer_timeout_ms: None,
        kill_grace_s: 3,
    }
}

/// A framework that may be away for an hour and has no capabilities.
pub(super) fn framework(name: &str) -> FrameworkInfo {
    FrameworkInfo { name: name.to_owned(), failover_timeout: Some(3_600.0), ..Default::default() }
}

pub(super) fn able(info: FrameworkInfo, capabilities: &[CapabilityType]) -> FrameworkInfo {
    let capability = |kind: &CapabilityType| Capability { r#type: Some((*kind).into()) };
    FrameworkInfo { capabilities: capabilities.iter().map(capability).collect(), ..info }
}

/// The same framework, as it describes itself when it comes back.
pub(super) fn returning(client: &Client) -> FrameworkInfo {
    FrameworkInfo { id: Some(FrameworkId { value: client.id.clone() }), ..framework("one") }
}

/// A task that runs a shell command in the default image.
pub(super) fn sleeper(id: &str, offer: &Offer, cpus: f64, mem: f64) -> TaskInfo {
    let scalar = |name: &str, value: f64| Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Default::default()
    };
    TaskInfo {
        name: id.to_owned(),
        task_id: TaskId { value: id.to_owned() },
        agent_id: offer.agent_id.clone(),
        resources: vec![scalar("cpus", cpus), scalar("mem", mem)],
        command: Some(CommandInfo { value: Some("sleep 1000".to_owned()), ..Default::default() }),
        ..Default::default()
    }
}

/// Thousandths of a resource that offers hold together.
pub(super) fn total(offers: &[Offer], name: &str) -> u64 {
    let amount =
        |offer: &Offer| Amounts::read(&offer.resources).expect("offers can be read").scalar(name);
    offers.iter().map(amount).sum()
}

/// An offer that nobody made.
pub(super) fn made_up(id: &str, like: &Offer) -> Offer {
    Offer { id: OfferId { value: id.to_owned() }, ..like.clone() }
}

/// The agent that an instance is to frameworks.
pub(super) fn agent(instance: &str) -> AgentId {
    AgentId { value: instance.rsplit('/').next().unwrap_or_default().to_owned() }
}
