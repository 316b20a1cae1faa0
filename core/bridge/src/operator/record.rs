//! The records that pages are made of. They are plain: whoever changes one puts a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::OfferConstraints;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    CheckStatusInfo, ContainerInfo, ContainerStatus, DiscoveryInfo, DomainInfo, DrainState,
    ExecutorInfo, FrameworkInfo, HealthCheck, KillPolicy, Labels, MasterInfo, TaskState,
};

use crate::amounts::Amounts;
use crate::ids::{AgentId, ExecutorId, FrameworkId, OfferId, Role, TaskId};

/// The master itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MasterView {
    /// As frameworks and clients find it.
    pub master: MasterInfo,
    /// The cluster's name.
    pub cluster: Option<Str>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it became the leader.
    pub elected_at: Timestamp,
    /// From what it was built.
    pub build: BuildView,
    /// How much it logs; 0 unless somebody asked for more.
    pub logging_level: u32,
}

/// From what a master was built. What is unknown is left out, or empty where clients expect it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildView {
    /// As `YYYY-MM-DD hh:mm:ss`.
    pub date: Str,
    /// Seconds since the epoch.
    pub time: f64,
    /// Who built it.
    pub user: Str,
    /// The commit.
    pub git_sha: Option<Str>,
    /// The branch.
    pub git_branch: Option<Str>,
    /// The tag.
    pub git_tag: Option<Str>,
}

/// A framework.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameworkView {
    /// Its id.
    pub id: FrameworkId,
    /// As it describes itself, with its id.
    pub info: FrameworkInfo,
    /// Its roles, from that description.
    pub roles: BTreeSet<Role>,
    /// Roles for which it wants no offers.
    pub suppressed: BTreeSet<Role>,
    /// Where its driver listens; none for those that use HTTP.
    pub pid: Option<Str>,
    /// Whether it gets offers.
    pub active: bool,
    /// Whether its stream is open.
    pub connected: bool,
    /// Whether it is known only from its tasks.
    pub recovered: bool,
    /// When it subscribed first.
    pub registered_at: Timestamp,
    /// When it subscribed last.
    pub reregistered_at: Timestamp,
    /// When it was removed.
    pub unregistered_at: Option<Timestamp>,
    /// Which agents it wants to have offers of.
    pub offer_constraints: Option<OfferConstraints>,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// Its id, unique within the framework.
    pub id: TaskId,
    /// Its name.
    pub name: Str,
    /// Whose it is.
    pub framework: FrameworkId,
    /// Where it runs.
    pub agent: AgentId,
    /// The executor that its framework gave, if it gave one.
    pub executor: Option<ExecutorId>,
    /// For which role its resources were offered.
    pub role: Role,
    /// Its state.
    pub state: TaskState,
    /// What it uses.
    pub resources: Arc<Amounts>,
    /// One status of each state that it went through. Source: \[T24\].
    pub statuses: Box<[StatusView]>,
    /// What else it was asked for with; most tasks have little of it.
    pub detail: Option<Arc<TaskDetail>>,
}

/// What a task was asked for with, as far as pages show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskDetail {
    /// The user of its command.
    pub user: Option<Str>,
    /// Its labels.
    pub labels: Option<Labels>,
    /// How others find it.
    pub discovery: Option<Box<DiscoveryInfo>>,
    /// In what it runs.
    pub container: Option<Box<ContainerInfo>>,
    /// How its health is looked after.
    pub health_check: Option<Box<HealthCheck>>,
    /// How it is killed.
    pub kill_policy: Option<KillPolicy>,
    /// The most it may use, by resource.
    pub limits: BTreeMap<String, f64>,
}

/// An executor that a framework gave.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutorView {
    /// Its id, unique on its agent.
    pub id: ExecutorId,
    /// Whose it is.
    pub framework: FrameworkId,
    /// Where it runs.
    pub agent: AgentId,
    /// For which role its resources were offered.
    pub role: Role,
    /// As it was asked for, without its resources.
    pub info: ExecutorInfo,
    /// What it uses itself.
    pub resources: Arc<Amounts>,
}

/// One status of a task. A `TaskStatus` of the wire is five times as large.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusView {
    /// The state.
    pub state: TaskState,
    /// In seconds by the wall clock.
    pub timestamp: f64,
    /// Who says so.
    pub source: Option<Source>,
    /// Why.
    pub reason: Option<Reason>,
    /// In words.
    pub message: Option<Str>,
    /// Names the update, if it has to be acknowledged.
    pub uuid: Option<[u8; 16]>,
    /// What the health check found last.
    pub healthy: Option<bool>,
    /// What the check found last.
    pub check: Option<Arc<CheckStatusInfo>>,
    /// Labels of the status.
    pub labels: Option<Arc<Labels>>,
    /// Its container; one for all statuses of a task, mostly.
    pub container: Option<Arc<ContainerStatus>>,
    /// Since when its agent has been away.
    pub unreachable_at: Option<Timestamp>,
}

/// An agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentView {
    /// Its id.
    pub id: AgentId,
    /// Where it is.
    pub hostname: Str,
    /// Where it is, as a number.
    pub ip: Str,
    /// Where clients would look for it.
    pub port: u16,
    /// The name of its process: `slave(1)`.
    pub process: Str,
    /// Its attributes, all of them text: some clients cannot read numbers there.
    pub attributes: Vec<(Str, Str)>,
    /// Region and zone.
    pub domain: Option<DomainInfo>,
    /// When it was seen first.
    pub registered_at: Timestamp,
    /// When it came back last.
    pub reregistered_at: Option<Timestamp>,
    /// All that it brought.
    pub total: Amounts,
    /// What others than frameworks use of it.
    pub foreign: Amounts,
    /// Whether it is there.
    pub connected: bool,
    /// Whether an operator has taken it out of use.
    pub deactivated: bool,
    /// Set while it is being drained, and after.
    pub drain: Option<DrainView>,
}

impl AgentView {
    /// Whether it is there and in use.
    pub fn is_active(&self) -> bool {
        self.connected && !self.deactivated
    }
}

/// How far an agent has been drained.
#[derive(Clone, Debug, PartialEq)]
pub struct DrainView {
    /// Whether anything of it still runs.
    pub state: DrainState,
    /// Whether the operator gave tasks some time.
    pub has_grace_period: bool,
    /// Whether it is marked gone in the end.
    pub mark_gone: bool,
    /// When draining began.
    pub started_at: Timestamp,
}

/// An offer.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferView {
    /// Its id.
    pub id: OfferId,
    /// To whom it is made.
    pub framework: FrameworkId,
    /// Of which agent.
    pub agent: AgentId,
    /// For which role.
    pub role: Role,
    /// Of what.
    pub resources: Amounts,
}

/// What an operator has set for a role.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleView {
    /// Its name.
    pub role: Role,
    /// Its share against others; 1 unless set.
    pub weight: Option<f64>,
    /// Its quota. One that was set to nothing is still shown.
    pub quota: Option<QuotaView>,
}

/// Quota, by resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotaView {
    /// What is kept for the role.
    pub guarantees: BTreeMap<String, f64>,
    /// What the role may not exceed.
    pub limits: BTreeMap<String, f64>,
}
