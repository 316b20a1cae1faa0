//! Calls: from a protobuf message to a call that is valid by its type.
//!
//! What can be said of a call by itself is decided here, before the bridge sees it: its form, and everything about its parts
//! that needs no state. A call may be large, so this is done where it was received and not on the machine's own thread.
//!
//! Invariant: a [`ValidCall`] misses nothing that its kind needs, and costs the machine a bounded amount of work a piece: lists
//! of roles are sets within their limits, each task has been read and is small, and what has no effect is gone.
//!
//! Source: Mesos, `master/validation.cpp`; rule ids are those of `docs/reference/mesos-rules.md`.

mod description;
mod form;
mod group;

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_wire_mesos::v1::offer::Operation;
use longshore_wire_mesos::v1::offer::operation::Type as OperationType;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{AgentId, Filters, OfferId, OperationId, TaskId, TaskInfo};
use longshore_wire_mesos::{Message, encoded_bytes};

pub(crate) use self::description::{Description, has, roles as roles_of};
pub(crate) use self::form::other_principal;
pub(crate) use self::group::Group;
use crate::amounts::Amounts;
use crate::ids::{FrameworkId, Role};
use crate::limits;

/// A call that passed all checks which need no state.
#[derive(Debug)]
pub struct ValidCall {
    kind: Type,
    pub(crate) what: What,
}

impl ValidCall {
    /// What kind of call it is: `ACCEPT`, for one.
    pub fn kind(&self) -> &'static str {
        self.kind.as_str_name()
    }
}

/// What is called for.
#[derive(Debug)]
pub(crate) enum What {
    /// A stream of events.
    Subscribe(Box<Description>),
    /// Something that a framework does which has a stream.
    Act(FrameworkId, Act),
}

/// What a framework does.
#[derive(Debug)]
pub(crate) enum Act {
    UpdateFramework(Box<Description>),
    Teardown,
    Accept(Box<Accept>),
    Decline {
        offers: Vec<OfferId>,
        refuse_seconds: f64,
    },
    /// These roles; all if there is none.
    Revive(BTreeSet<Role>),
    /// These roles; all if there is none.
    Suppress(BTreeSet<Role>),
    Kill(Box<call::Kill>),
    Acknowledge(Box<call::Acknowledge>),
    /// These tasks, all if there is none; and how large they are.
    Reconcile(Vec<call::reconcile::Task>, usize),
    /// These operations; and how large they are.
    ReconcileOperations(Vec<call::reconcile_operations::Operation>, usize),
    /// An executor is to end, with all its tasks.
    Shutdown(Box<call::Shutdown>),
    /// Whether agents are left that were asked for by inverse offers.
    Inverse {
        offers: Vec<OfferId>,
        accepts: bool,
        refuse_seconds: f64,
    },
    /// No executor can be talked to, and there are no operations: as on a Mesos master, what cannot be delivered is dropped.
    Undeliverable,
    /// What no master knows.
    Unknown,
}

/// An ACCEPT.
#[derive(Debug)]
pub(crate) struct Accept {
    pub(crate) offers: Vec<OfferId>,
    /// An offer that is named twice.
    pub(crate) duplicate: Option<String>,
    /// What is to be done with them, in order.
    pub(crate) pieces: Vec<Piece>,
    pub(crate) refuse_seconds: f64,
}

/// A piece of an ACCEPT.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A task to launch.
    Task(Box<Candidate>),
    /// A group to launch, as a whole or not at all.
    Group(Box<Group>),
    /// A task that cannot be launched, whatever the offers hold.
    Spoiled { task: TaskId, agent: AgentId, reason: Reason, why: Arc<str> },
    /// Any other operation, and a launch of nothing.
    Operation { id: Option<OperationId>, is_launch: bool },
}

/// A task to launch.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) info: TaskInfo,
    /// What it says that it uses.
    pub(crate) claim: Amounts,
    /// How large it is.
    pub(crate) bytes: usize,
}

/// Checks a call, and takes what it asks for out of it. `principal` is who the caller proved to be, where callers must prove it.
///
/// # Errors
/// What is missing or wrong, as the body of a 400. What is wrong in a way that Mesos answers with events is kept for the
/// bridge to answer.
pub fn check(call: Call, principal: Option<&str>) -> Result<ValidCall, String> {
    form::validate(&call, principal)?;
    let kind = call.r#type();
    let framework = call.framework_id.as_ref().map(|id| id.value.as_str()).unwrap_or_default();
    let id = FrameworkId::from(framework);
    let what = match kind {
        Type::Subscribe => {
            let subscribe = call.subscribe.unwrap_or_default();
            let call::Subscribe { framework_info, suppressed_roles, offer_constraints, .. } =
                subscribe;
            let described = Description::new(framework_info, suppressed_roles, offer_constraints);
            What::Subscribe(Box::new(described))
        }
        Type::Unknown => What::Act(id, Act::Unknown),
        _ => What::Act(id, act(kind, call).unwrap_or(Act::Undeliverable)),
    };
    Ok(ValidCall { kind, what })
}

/// What a call is about; `None` if it has no effect.
fn act(kind: Type, call: Call) -> Option<Act> {
    Some(match kind {
        Type::UpdateFramework => {
            let update = call.update_framework?;
            let call::UpdateFramework { framework_info, suppressed_roles, offer_constraints } =
                update;
            let described = Description::new(framework_info, suppressed_roles, offer_constraints);
            Act::UpdateFramework(Box::new(described))
        }
        Type::Teardown => Act::Teardown,
        Type::Accept => Act::Accept(Box::new(accept(call.accept?))),
        Type::Decline => {
            let decline = call.decline?;
            let refuse_seconds = refuse_seconds(decline.filters.as_ref());
            Act::Decline { offers: decline.offer_ids, refuse_seconds }
        }
        Type::Revive => Act::Revive(roles(call.revive.map(|revive| revive.roles))?),
        Type::Suppress => Act::Suppress(roles(call.suppress.map(|suppress| suppress.roles))?),
        Type::Kill => Act::Kill(Box::new(call.kill?)),
        Type::Shutdown => Act::Shutdown(Box::new(call.shutdown?)),
        Type::Acknowledge => Act::Acknowledge(Box::new(call.acknowledge?)),
        Type::Reconcile => {
            let tasks = call.reconcile?.tasks;
            let bytes = in_memory(&tasks);
            Act::Reconcile(tasks, bytes)
        }
        Type::AcceptInverseOffers => {
            let accept = call.accept_inverse_offers?;
            let refuse_seconds = refuse_seconds(accept.filters.as_ref());
            Act::Inverse { offers: accept.inverse_offer_ids, accepts: true, refuse_seconds }
        }
        Type::DeclineInverseOffers => {
            let decline = call.decline_inverse_offers?;
            let refuse_seconds = refuse_seconds(decline.filters.as_ref());
            Act::Inverse { offers: decline.inverse_offer_ids, accepts: false, refuse_seconds }
        }
        Type::ReconcileOperations => {
            let operations = call.reconcile_operations?.operations;
            let bytes = in_memory(&operations);
            Act::ReconcileOperations(operations, bytes)
        }
        Type::Unknown
        | Type::Subscribe
        | Type::Message
        | Type::Request
        | Type::AcknowledgeOperationStatus => return None,
    })
}

/// The roles that a call names. `None` if there are more than a framework has: then one is not its own, and the whole call
/// has no effect. Source: \[C31\].
fn roles(given: Option<Vec<String>>) -> Option<BTreeSet<Role>> {
    let mut given = given.unwrap_or_default();
    given.sort_unstable();
    given.dedup();
    let few = given.len() <= limits::ROLES_PER_FRAMEWORK_MAX;
    few.then(|| given.into_iter().map(Role::from).collect())
}

/// How much memory a list takes, about.
fn in_memory<T: Message>(list: &[T]) -> usize {
    size_of_val(list) + list.iter().map(encoded_bytes).sum::<usize>()
}

fn refuse_seconds(filters: Option<&Filters>) -> f64 {
    filters.map_or(5.0, Filters::refuse_seconds)
}

/// Source: \[C12\]: what is malformed is told before any operation is performed.
fn accept(accept: call::Accept) -> Accept {
    let mut pieces: Vec<Piece> = accept.operations.into_iter().flat_map(pieces).collect();
    pieces.sort_by_key(|piece| !matches!(piece, Piece::Spoiled { .. }));
    Accept {
        duplicate: duplicate(&accept.offer_ids),
        offers: accept.offer_ids,
        pieces,
        refuse_seconds: refuse_seconds(accept.filters.as_ref()),
    }
}

fn duplicate(offers: &[OfferId]) -> Option<String> {
    let mut ids: Vec<&str> = offers.iter().map(|id| &*id.value).collect();
    ids.sort_unstable();
    ids.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned())
}

/// The pieces of one operation.
fn pieces(operation: Operation) -> Vec<Piece> {
    let kind = operation.r#type.map(|_| operation.r#type());
    let id = operation.id;
    match kind {
        Some(OperationType::Launch) => {
            let tasks = operation.launch.map(|launch| launch.task_infos).unwrap_or_default();
            if tasks.is_empty() {
                return vec![Piece::Operation { id, is_launch: true }];
            }
            launch(id.is_some(), tasks)
        }
        Some(OperationType::LaunchGroup) => {
            let group = operation.launch_group.unwrap_or_default();
            if group.task_group.tasks.is_empty() {
                return vec![Piece::Operation { id, is_launch: true }];
            }
            group::pieces(id.is_some(), group)
        }
        _ => vec![Piece::Operation { id, is_launch: false }],
    }
}

fn spoiled(task: TaskInfo, reason: Reason, why: &Arc<str>) -> Piece {
    Piece::Spoiled { task: task.task_id, agent: task.agent_id, reason, why: why.clone() }
}

/// Source: \[C12\], \[C13\]: an id, or one malformed resource, refuses the whole operation.
fn launch(has_id: bool, tasks: Vec<TaskInfo>) -> Vec<Piece> {
    let read: Result<Vec<Amounts>, String> =
        tasks.iter().map(|task| Amounts::read(&task.resources)).collect();
    let read = match read {
        Ok(_) if has_id => Err("LAUNCH must not have an id".to_owned()),
        Err(why) => Err(why),
        Ok(read) => Ok(read),
    };
    match read {
        Ok(claims) => {
            tasks.into_iter().zip(claims).map(|(info, claim)| task(info, claim)).collect()
        }
        Err(why) => {
            let why: Arc<str> = why.into();
            tasks.into_iter().map(|task| spoiled(task, Reason::TaskInvalid, &why)).collect()
        }
    }
}

fn task(info: TaskInfo, claim: Amounts) -> Piece {
    let bytes = encoded_bytes(&info);
    if bytes > limits::TASK_BYTES_MAX {
        let most = limits::TASK_BYTES_MAX;
        let why = format!("Task has {bytes} bytes; at most {most} can be mapped to Amazon ECS");
        return spoiled(info, Reason::TaskInvalid, &why.into());
    }
    Piece::Task(Box::new(Candidate { info, claim, bytes }))
}
