//! Calls of the v1 scheduler API, and the tasks that model frameworks launch.

use super::probes;
use longshore_bridge::{CheckMode, Config, DefaultImage, Fetching, Secrets, parse_ranges};
use longshore_wire_mesos::v1::container_info::DockerInfo;
use longshore_wire_mesos::v1::container_info::docker_info::{Network, PortMapping};
use longshore_wire_mesos::v1::framework_info::Capability;
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, Event, call};
use longshore_wire_mesos::v1::{
    AgentId, CommandInfo, ContainerInfo, Environment, ExecutorId, ExecutorInfo, Filters,
    FrameworkId, FrameworkInfo, HealthCheck, OfferId, Resource, TaskGroupInfo, TaskId, TaskInfo,
    TaskStatus, container_info, environment, executor_info, health_check, value,
};

/// What an operator decided.
pub(super) fn config(offer_timeout_ms: Option<u64>) -> Config {
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
        fetching: Fetching::default(),
        secrets: Secrets::default(),
        offer_timeout_ms,
        agent_away_ms: 15_000,
        kill_grace_s: 3,
        needs_credentials: false,
        checks: CheckMode::Auto,
        started_at_ms: 0,
    }
}

pub(super) fn kind(kind: Type) -> Call {
    Call { r#type: Some(kind.into()), ..Call::default() }
}

pub(super) fn info(name: &str, id: Option<&str>, failover_s: f64, able: bool) -> FrameworkInfo {
    let capability = |kind: CapabilityType| Capability { r#type: Some(kind.into()) };
    let capabilities = [CapabilityType::PartitionAware, CapabilityType::TaskKillingState];
    FrameworkInfo {
        name: name.to_owned(),
        id: id.map(|id| FrameworkId { value: id.to_owned() }),
        failover_timeout: Some(failover_s),
        capabilities: if able { capabilities.map(capability).into() } else { Vec::new() },
        ..FrameworkInfo::default()
    }
}

fn filters(seconds: f64) -> Filters {
    Filters { refuse_seconds: Some(seconds) }
}

fn offer_ids(ids: &[String]) -> Vec<OfferId> {
    ids.iter().map(|id| OfferId { value: id.clone() }).collect()
}

pub(super) fn launch(tasks: Vec<TaskInfo>) -> Operation {
    Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: tasks }),
        ..Operation::default()
    }
}

/// A group of tasks, with an executor of the least size.
pub(super) fn launch_group(executor: &str, tasks: Vec<TaskInfo>) -> Operation {
    let executor = ExecutorInfo {
        r#type: Some(executor_info::Type::Default.into()),
        executor_id: ExecutorId { value: executor.to_owned() },
        resources: vec![scalar("cpus", 0.01), scalar("mem", 32.0), scalar("disk", 1.0)],
        ..ExecutorInfo::default()
    };
    let group = operation::LaunchGroup { executor, task_group: TaskGroupInfo { tasks } };
    Operation {
        r#type: Some(operation::Type::LaunchGroup.into()),
        launch_group: Some(group),
        ..Operation::default()
    }
}

fn scalar(name: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Resource::default()
    }
}

pub(super) fn accept(offers: &[String], operation: Operation, refuse_s: f64) -> Call {
    let accept = call::Accept {
        offer_ids: offer_ids(offers),
        operations: vec![operation],
        filters: Some(filters(refuse_s)),
    };
    Call { accept: Some(accept), ..kind(Type::Accept) }
}

/// An answer to an inverse offer.
pub(super) fn answer_inverse(id: &str, accepts: bool, refuse_s: f64) -> Call {
    let inverse_offer_ids = offer_ids(&[id.to_owned()]);
    let filters = Some(filters(refuse_s));
    if accepts {
        let accept = call::AcceptInverseOffers { inverse_offer_ids, filters };
        return Call { accept_inverse_offers: Some(accept), ..kind(Type::AcceptInverseOffers) };
    }
    let decline = call::DeclineInverseOffers { inverse_offer_ids, filters };
    Call { decline_inverse_offers: Some(decline), ..kind(Type::DeclineInverseOffers) }
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
    /// Variables that decide what becomes of it.
    pub(super) environment: Vec<(&'static str, String)>,
    /// Whether it has a health check.
    pub(super) is_checked: bool,
}

impl Wish {
    pub(super) fn info(&self) -> TaskInfo {
        let mut resources = vec![
            scalar("cpus", f64::from(self.cpus_milli) / 1000.0),
            scalar("mem", f64::from(self.mem_mib)),
        ];
        let mut container = None;
        let mut command = "sleep 1000".to_owned();
        let mut checks = (None, None);
        match self.shape {
            Shape::Shell => {}
            Shape::Named(name) => name.clone_into(&mut command),
            Shape::Docker(port) => {
                container = Some(docker(port));
                resources.extend(port.map(ports));
                if port.is_some() {
                    checks = probes::checks(&self.task);
                }
            }
            Shape::Malformed => resources.clear(),
        }
        TaskInfo {
            name: self.task.clone(),
            task_id: TaskId { value: self.task.clone() },
            agent_id: AgentId { value: self.agent.clone() },
            resources,
            command: Some(CommandInfo {
                value: Some(command),
                environment: environment(&self.environment),
                ..CommandInfo::default()
            }),
            check: checks.1,
            container,
            health_check: checks.0.or_else(|| self.is_checked.then(health_check)),
            ..TaskInfo::default()
        }
    }
}

fn environment(variables: &[(&'static str, String)]) -> Option<Environment> {
    let variable = |(name, value): &(&'static str, String)| environment::Variable {
        name: (*name).to_owned(),
        value: Some(value.clone()),
        ..environment::Variable::default()
    };
    (!variables.is_empty())
        .then(|| Environment { variables: variables.iter().map(variable).collect() })
}

fn health_check() -> HealthCheck {
    HealthCheck {
        r#type: Some(health_check::Type::Command.into()),
        command: Some(CommandInfo { value: Some("true".to_owned()), ..CommandInfo::default() }),
        ..HealthCheck::default()
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
    let offers: Vec<(&str, &str)> =
        offers.map(|offer| (&*offer.id.value, &*offer.agent_id.value)).collect();
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
    let launches = operations.flat_map(|one| {
        let alone = one.launch.iter().flat_map(|one| &one.task_infos);
        alone.chain(one.launch_group.iter().flat_map(|one| &one.task_group.tasks))
    });
    let launched: Vec<&str> = launches.map(|task| &*task.task_id.value).collect();
    format!("{kind} {:?} {kill:?} {asked:?} {launched:?}", spent(call))
}
