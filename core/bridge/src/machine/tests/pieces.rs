//! What calls and offers are made of.

use longshore_wire_mesos::v1::framework_info::Capability;
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;
use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::{
    AgentId, CommandInfo, ExecutorId, ExecutorInfo, Filters, FrameworkId, FrameworkInfo, Offer,
    OfferId, Resource, TaskGroupInfo, TaskId, TaskInfo, executor_info, value,
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
        ports: parse_ranges("31000-31099").expect("these are ranges"),
        disk_mb: 10_000,
        default_image: DefaultImage::Image("alpine".into()),
        ..Config::example()
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
    TaskInfo {
        name: id.to_owned(),
        task_id: TaskId { value: id.to_owned() },
        agent_id: offer.agent_id.clone(),
        resources: vec![scalar("cpus", cpus), scalar("mem", mem)],
        command: Some(CommandInfo { value: Some("sleep 1000".to_owned()), ..Default::default() }),
        ..Default::default()
    }
}

/// A group of tasks with a default executor of the least size.
pub(super) fn group(executor: &str, tasks: Vec<TaskInfo>) -> LaunchGroup {
    let resources = vec![scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 32.0)];
    let executor = ExecutorInfo {
        r#type: Some(executor_info::Type::Default.into()),
        executor_id: ExecutorId { value: executor.to_owned() },
        resources,
        ..Default::default()
    };
    LaunchGroup { executor, task_group: TaskGroupInfo { tasks } }
}

/// So much of a resource.
pub(super) fn scalar(name: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
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

/// An ACCEPT of offers with one LAUNCH, and for how long what is left is not wanted.
pub(super) fn accepting(offers: &[&Offer], tasks: Vec<TaskInfo>, refuse_seconds: f64) -> Call {
    let operation = Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: tasks }),
        ..Default::default()
    };
    accepting_with(offers, operation, refuse_seconds)
}

/// An ACCEPT of offers with one operation, and for how long what is left is not wanted.
pub(super) fn accepting_with(offers: &[&Offer], operation: Operation, refuse_seconds: f64) -> Call {
    let accept = call::Accept {
        offer_ids: offers.iter().map(|offer| offer.id.clone()).collect(),
        operations: vec![operation],
        filters: Some(Filters { refuse_seconds: Some(refuse_seconds) }),
    };
    Call { accept: Some(accept), ..kind(Type::Accept) }
}
