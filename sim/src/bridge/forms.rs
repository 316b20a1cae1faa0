//! Calls of the v1 scheduler API, and the tasks that model frameworks launch.

use longshore_bridge::{Config, DefaultImage, parse_ranges};
use longshore_wire_mesos::v1::container_info::DockerInfo;
use longshore_wire_mesos::v1::container_info::docker_info::{Network, PortMapping};
use longshore_wire_mesos::v1::framework_info::Capability;
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, Event, call};
use longshore_wire_mesos::v1::{
    AgentId, CommandInfo, ContainerInfo, Filters, FrameworkId, FrameworkInfo, OfferId, Resource,
    TaskId, TaskInfo, TaskState, TaskStatus, container_info, value,
};

/// Roles of frameworks.
pub(super) const ROLES: [&str; 3] = ["*", "a", "b"];

/// What an operator decided.
pub(super) fn config() -> Config {
    Config {
        hostname: "master.example".into(),
        ip: [10, 0, 0, 1],
        port: 5050,
        region: "us-east-1".into(),
        cluster: "default".into(),
        ports: parse_ranges("31000-31019").unwrap_or_default(),
        disk_mb: 10_000,
        hostname_attribute: "hostname".into(),
        default_image: DefaultImage::Image("alpine".into()),
        offer_timeout_ms: None,
        kill_grace_s: 3,
        started_at_ms: 0,
    }
}

/// Whether nothing follows a state.
pub(super) fn is_terminal(state: TaskState) -> bool {
    !matches!(
        state,
        TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
            | TaskState::TaskUnknown
    )
}

pub(super) fn kind(kind: Type) -> Call {
    Call { r#type: Some(kind.into()), ..Call::default() }
}

pub(super) fn info(name: &str, id: Option<&str>, failover_s: f64, able: bool) -> FrameworkInfo {
    let capability = |kind: CapabilityType| Capability { r#type: Some(kind.into()) };
    let capabilities = [CapabilityType::PartitionAware, CapabilityType::TaskKillingState];
    FrameworkInfo {
        name: name.to_owned(),
        role: Some(role(name).to_owned()),
        id: id.map(|id| FrameworkId { value: id.to_owned() }),
        failover_timeout: Some(failover_s),
        capabilities: if able { capabilities.map(capability).into() } else { Vec::new() },
        ..FrameworkInfo::default()
    }
}

/// The role of a framework.
fn role(name: &str) -> &'static str {
    let number = name.bytes().last().unwrap_or_default();
    ROLES[usize::from(number) % ROLES.len()]
}

pub(super) fn subscribe(info: FrameworkInfo) -> Call {
    let framework_id = info.id.clone();
    let subscribe = call::Subscribe { framework_info: info, ..call::Subscribe::default() };
    Call { framework_id, subscribe: Some(subscribe), ..kind(Type::Subscribe) }
}

fn filters(seconds: f64) -> Filters {
    Filters { refuse_seconds: Some(seconds) }
}

fn offer_ids(ids: &[String]) -> Vec<OfferId> {
    ids.iter().map(|id| OfferId { value: id.clone() }).collect()
}

pub(super) fn accept(offers: &[String], tasks: Vec<TaskInfo>, refuse_s: f64) -> Call {
    let operation = Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: tasks }),
        ..Operation::default()
    };
    let accept = call::Accept {
        offer_ids: offer_ids(offers),
        operations: vec![operation],
        filters: Some(filters(refuse_s)),
    };
    Call { accept: Some(accept), ..kind(Type::Accept) }
}

pub(super) fn decline(offers: &[String], refuse_s: f64) -> Call {
    let decline = call::Decline { offer_ids: offer_ids(offers), filters: Some(filters(refuse_s)) };
    Call { decline: Some(decline), ..kind(Type::Decline) }
}

pub(super) fn kill(task: &str) -> Call {
    let task_id = TaskId { value: task.to_owned() };
    let kill = call::Kill { task_id, ..call::Kill::default() };
    Call { kill: Some(kill), ..kind(Type::Kill) }
}

pub(super) fn acknowledge(status: &TaskStatus) -> Option<Call> {
    let acknowledge = call::Acknowledge {
        agent_id: status.agent_id.clone()?,
        task_id: status.task_id.clone(),
        uuid: status.uuid.clone()?,
    };
    Some(Call { acknowledge: Some(acknowledge), ..kind(Type::Acknowledge) })
}

/// A question about these tasks, or about all if there is none.
pub(super) fn reconcile(tasks: &[(String, String)]) -> Call {
    let asked = |(task, agent): &(String, String)| call::reconcile::Task {
        task_id: TaskId { value: task.clone() },
        agent_id: Some(AgentId { value: agent.clone() }),
    };
    let reconcile = call::Reconcile { tasks: tasks.iter().map(asked).collect() };
    Call { reconcile: Some(reconcile), ..kind(Type::Reconcile) }
}

pub(super) fn revive() -> Call {
    Call { revive: Some(call::Revive::default()), ..kind(Type::Revive) }
}

pub(super) fn suppress() -> Call {
    Call { suppress: Some(call::Suppress::default()), ..kind(Type::Suppress) }
}

/// What a task of a model framework is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A shell command in the default image.
    Shell,
    /// A registered task definition.
    Named(&'static str),
    /// A Docker image; with a host port.
    Docker(Option<u16>),
    /// No resources at all.
    Malformed,
}

/// What to launch: thousandths of CPUs and MiB.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) task: String,
    pub(super) agent: String,
    pub(super) cpus_milli: u32,
    pub(super) mem_mib: u32,
    pub(super) shape: Shape,
}

impl Wish {
    pub(super) fn info(&self) -> TaskInfo {
        let scalar = |name: &str, value: f64| Resource {
            name: name.to_owned(),
            r#type: value::Type::Scalar.into(),
            scalar: Some(value::Scalar { value }),
            ..Resource::default()
        };
        let mut resources = vec![
            scalar("cpus", f64::from(self.cpus_milli) / 1000.0),
            scalar("mem", f64::from(self.mem_mib)),
        ];
        let mut container = None;
        let mut command = "sleep 1000".to_owned();
        match self.shape {
            Shape::Shell => {}
            Shape::Named(name) => name.clone_into(&mut command),
            Shape::Docker(port) => {
                container = Some(docker(port));
                resources.extend(port.map(ports));
            }
            Shape::Malformed => resources.clear(),
        }
        TaskInfo {
            name: self.task.clone(),
            task_id: TaskId { value: self.task.clone() },
            agent_id: AgentId { value: self.agent.clone() },
            resources,
            command: Some(CommandInfo { value: Some(command), ..CommandInfo::default() }),
            container,
            ..TaskInfo::default()
        }
    }
}

fn ports(port: u16) -> Resource {
    let range = value::Range { begin: u64::from(port), end: u64::from(port) };
    Resource {
        name: "ports".to_owned(),
        r#type: value::Type::Ranges.into(),
        ranges: Some(value::Ranges { range: vec![range] }),
        ..Resource::default()
    }
}

fn docker(port: Option<u16>) -> ContainerInfo {
    let mapping = port.map(|port| PortMapping {
        host_port: u32::from(port),
        container_port: 80,
        ..PortMapping::default()
    });
    let docker = DockerInfo {
        image: "nginx".to_owned(),
        network: Some(Network::Bridge.into()),
        port_mappings: mapping.into_iter().collect(),
        ..DockerInfo::default()
    };
    ContainerInfo {
        r#type: container_info::Type::Docker.into(),
        docker: Some(docker),
        ..ContainerInfo::default()
    }
}

/// The offers that are not on offer any more once a call was taken.
pub(super) fn spent(call: &Call) -> Vec<String> {
    let accepted = call.accept.iter().flat_map(|part| &part.offer_ids);
    let declined = call.decline.iter().flat_map(|part| &part.offer_ids);
    accepted.chain(declined).map(|id| id.value.clone()).collect()
}

/// Framework, task and uuid of the update that a call acknowledges.
pub(super) fn acknowledged(call: &Call) -> Option<(String, String, Vec<u8>)> {
    let (part, framework) = (call.acknowledge.as_ref()?, call.framework_id.as_ref()?);
    Some((framework.value.clone(), part.task_id.value.clone(), part.uuid.clone()))
}

/// An event in a few words.
pub(super) fn brief(event: &Event) -> String {
    let kind = event.r#type().as_str_name();
    let update = event.update.as_ref().map(|part| &part.status);
    let offers = event.offers.iter().flat_map(|part| &part.offers);
    let offers: Vec<&str> = offers.map(|offer| &*offer.id.value).collect();
    match update {
        Some(status) => format!(
            "{} {} {:?} {:?} {:?}",
            status.task_id.value,
            status.state().as_str_name(),
            status.message,
            status.healthy,
            status.uuid.as_ref().map(|uuid| uuid[..2].to_vec()),
        ),
        None => format!("{kind} {offers:?}"),
    }
}

/// A call in a few words.
pub(super) fn brief_call(call: &Call) -> String {
    let kind = call.r#type().as_str_name();
    let kill = call.kill.as_ref().map(|part| &part.task_id.value);
    let asked = call.reconcile.iter().flat_map(|part| &part.tasks).take(8);
    let asked: Vec<&str> = asked.map(|task| &*task.task_id.value).collect();
    let operations = call.accept.iter().flat_map(|part| &part.operations);
    let launches = operations.flat_map(|one| &one.launch).flat_map(|one| &one.task_infos);
    let launched: Vec<&str> = launches.map(|task| &*task.task_id.value).collect();
    format!("{kind} {:?} {kill:?} {asked:?} {launched:?}", spent(call))
}
