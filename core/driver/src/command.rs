//! What a scheduler may ask of its driver.

use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::scheduler::{Call, OfferConstraints};
use longshore_wire_mesos::v1::{
    AgentId, ExecutorId, Filters, FrameworkInfo, OfferId, Request, TaskId, TaskInfo, TaskStatus,
};

/// What a scheduler may ask of its driver.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Begin: find the master, and subscribe.
    Start,
    /// End.
    Stop {
        /// Whether another scheduler will go on with the tasks; otherwise they are killed.
        failover: bool,
    },
    /// End callbacks, and leave the framework as if its scheduler had died.
    Abort,
    /// Run tasks on offers, or do with them something else.
    Accept {
        /// All of one agent.
        offers: Vec<OfferId>,
        /// What to do, in this order.
        operations: Vec<Operation>,
        /// For what is left of the offers.
        filters: Filters,
    },
    /// Give offers back.
    Decline(Vec<OfferId>, Filters),
    /// Offers are wanted again, for these roles, or for all.
    Revive(Option<Vec<String>>),
    /// No offers are wanted, for these roles, or for all.
    Suppress(Option<Vec<String>>),
    /// End a task.
    Kill(TaskId),
    /// An update has been dealt with.
    Acknowledge(Box<TaskStatus>),
    /// Tell an executor something.
    Message(ExecutorId, AgentId, Vec<u8>),
    /// Ask for the state of these tasks, or of all.
    Reconcile(Vec<TaskStatus>),
    /// Ask for resources.
    Request(Vec<Request>),
    /// The framework is another than it said.
    Update {
        /// What it is now.
        framework: Box<FrameworkInfo>,
        /// The roles for which it wants no offers.
        suppressed_roles: Vec<String>,
        /// Which agents may be offered.
        constraints: Option<OfferConstraints>,
    },
    /// The answer to inverse offers: whether their agents are being left.
    AnswerInverse {
        /// The inverse offers.
        offers: Vec<OfferId>,
        /// Whether the tasks are going to leave.
        accept: bool,
        /// When to ask again.
        filters: Filters,
    },
}

/// A task that an ACCEPT launches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The task.
    pub task: TaskId,
    /// Where it is to run.
    pub agent: AgentId,
}

impl Command {
    /// Tasks on offers; without tasks the offers are given back.
    pub fn launch(offers: Vec<OfferId>, tasks: Vec<TaskInfo>, filters: Filters) -> Self {
        Self::launch_all(offers, tasks, Vec::new(), filters)
    }

    /// Tasks and groups of tasks on offers; without any the offers are given back.
    pub fn launch_all(
        offers: Vec<OfferId>,
        tasks: Vec<TaskInfo>,
        groups: Vec<operation::LaunchGroup>,
        filters: Filters,
    ) -> Self {
        if tasks.is_empty() && groups.is_empty() {
            return Self::Decline(offers, filters);
        }
        let single = (!tasks.is_empty()).then(|| Operation {
            r#type: Some(operation::Type::Launch.into()),
            launch: Some(operation::Launch { task_infos: tasks }),
            ..Operation::default()
        });
        let groups = groups.into_iter().map(|group| Operation {
            r#type: Some(operation::Type::LaunchGroup.into()),
            launch_group: Some(group),
            ..Operation::default()
        });
        Self::Accept { offers, operations: single.into_iter().chain(groups).collect(), filters }
    }

    /// The call that says this to a master; `None` where there is none.
    pub(crate) fn call(self) -> Option<Call> {
        let call = Call::default();
        let (kind, call) = match self {
            Self::Start | Self::Stop { .. } | Self::Abort => return None,
            Self::Accept { offers: offer_ids, operations, filters } => {
                let accept = call::Accept { offer_ids, operations, filters: Some(filters) };
                (Type::Accept, Call { accept: Some(accept), ..call })
            }
            Self::Decline(offer_ids, filters) => {
                let decline = call::Decline { offer_ids, filters: Some(filters) };
                (Type::Decline, Call { decline: Some(decline), ..call })
            }
            Self::Revive(roles) => {
                let revive = call::Revive { roles: roles.unwrap_or_default() };
                (Type::Revive, Call { revive: Some(revive), ..call })
            }
            Self::Suppress(roles) => {
                let suppress = call::Suppress { roles: roles.unwrap_or_default() };
                (Type::Suppress, Call { suppress: Some(suppress), ..call })
            }
            Self::Kill(task_id) => {
                let kill = call::Kill { task_id, ..call::Kill::default() };
                (Type::Kill, Call { kill: Some(kill), ..call })
            }
            Self::Acknowledge(status) => return acknowledgement(*status),
            Self::Message(executor_id, agent_id, data) => {
                let message = call::Message { agent_id, executor_id, data };
                (Type::Message, Call { message: Some(message), ..call })
            }
            Self::Reconcile(statuses) => {
                (Type::Reconcile, Call { reconcile: Some(reconcile(statuses)), ..call })
            }
            Self::Request(requests) => {
                (Type::Request, Call { request: Some(call::Request { requests }), ..call })
            }
            Self::Update { framework, suppressed_roles, constraints } => {
                let update_framework = Some(call::UpdateFramework {
                    framework_info: *framework,
                    suppressed_roles,
                    offer_constraints: constraints,
                });
                (Type::UpdateFramework, Call { update_framework, ..call })
            }
            Self::AnswerInverse { offers, accept, filters } => {
                return Some(answer_inverse(offers, accept, filters));
            }
        };
        Some(Call { r#type: Some(kind.into()), ..call })
    }
}

/// Source: an update without a uuid, or without an agent, needs no acknowledgement.
pub(crate) fn acknowledgement(status: TaskStatus) -> Option<Call> {
    let TaskStatus { task_id, agent_id: Some(agent_id), uuid: Some(uuid), .. } = status else {
        return None;
    };
    let acknowledge = Some(call::Acknowledge { agent_id, task_id, uuid });
    Some(Call { r#type: Some(Type::Acknowledge.into()), acknowledge, ..Call::default() })
}

fn reconcile(statuses: Vec<TaskStatus>) -> call::Reconcile {
    let tasks = statuses.into_iter().map(|status| {
        let TaskStatus { task_id, agent_id, .. } = status;
        call::reconcile::Task { task_id, agent_id }
    });
    call::Reconcile { tasks: tasks.collect() }
}

fn answer_inverse(inverse_offer_ids: Vec<OfferId>, accept: bool, filters: Filters) -> Call {
    let filters = Some(filters);
    if accept {
        let accept_inverse_offers = Some(call::AcceptInverseOffers { inverse_offer_ids, filters });
        let kind = Some(Type::AcceptInverseOffers.into());
        return Call { r#type: kind, accept_inverse_offers, ..Call::default() };
    }
    let decline_inverse_offers = Some(call::DeclineInverseOffers { inverse_offer_ids, filters });
    let kind = Some(Type::DeclineInverseOffers.into());
    Call { r#type: kind, decline_inverse_offers, ..Call::default() }
}

/// The tasks that a call launches.
pub(crate) fn launches(call: &Call) -> Vec<Launch> {
    let operations = call.accept.iter().flat_map(|accept| &accept.operations);
    let tasks = operations.flat_map(|operation| {
        let single = operation.launch.iter().flat_map(|launch| &launch.task_infos);
        let groups = operation.launch_group.iter().flat_map(|group| &group.task_group.tasks);
        single.chain(groups)
    });
    let launch =
        |task: &TaskInfo| Launch { task: task.task_id.clone(), agent: task.agent_id.clone() };
    tasks.map(launch).collect()
}
