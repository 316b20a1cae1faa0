//! What can be said of a call by itself, before the bridge sees it: its form, and everything about its parts that needs no
//! state. A call may be large, so this is done where it was received and not on the machine's own thread.
//!
//! Invariant: what is in a [`Checked`] call costs the machine a bounded amount of work a piece: lists of roles are sets within
//! their limits, each task has been read and is small, and what has no effect is gone.
//!
//! Source: Mesos, `master/validation.cpp`; rule ids are those of the project's reference.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::offer::Operation;
use longshore_wire_mesos::v1::offer::operation::Type as OperationType;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{AgentId, Filters, OfferId, OperationId, TaskId, TaskInfo};
use longshore_wire_mesos::{Message, encoded_bytes};

use crate::amounts::Amounts;
use crate::description::Description;
use crate::{call::validate, limits};

/// A call that passed the checks which need no state.
#[derive(Debug)]
pub struct Checked {
    pub(crate) kind: Type,
    /// Empty in a SUBSCRIBE.
    pub(crate) framework: String,
    pub(crate) part: Part,
}

impl Checked {
    /// What kind of call it is: `ACCEPT`, for one.
    pub fn kind(&self) -> &'static str {
        self.kind.as_str_name()
    }
}

/// What a call asks for.
#[derive(Debug)]
pub(crate) enum Part {
    Subscribe(Box<Description>),
    UpdateFramework(Box<Description>),
    Teardown,
    Accept(Box<Accept>),
    Decline {
        offers: Vec<OfferId>,
        refuse_seconds: f64,
    },
    /// These roles; all if there is none.
    Revive(BTreeSet<Str>),
    /// These roles; all if there is none.
    Suppress(BTreeSet<Str>),
    Kill(Box<call::Kill>),
    Acknowledge(Box<call::Acknowledge>),
    /// These tasks, all if there is none; and how large they are.
    Reconcile(Vec<call::reconcile::Task>, usize),
    /// These operations; and how large they are.
    ReconcileOperations(Vec<call::reconcile_operations::Operation>, usize),
    /// There are no executors to talk to or shut down, no operations and no maintenance: as on a Mesos master, what cannot be
    /// delivered is dropped.
    Nothing,
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
pub fn check(call: Call, principal: Option<&str>) -> Result<Checked, String> {
    validate(&call, principal)?;
    let kind = call.r#type();
    let framework = call.framework_id.map(|id| id.value).unwrap_or_default();
    let part = part(kind, Call { framework_id: None, ..call }).unwrap_or(Part::Nothing);
    Ok(Checked { kind, framework, part })
}

/// The part of a call that its kind is about.
fn part(kind: Type, call: Call) -> Option<Part> {
    Some(match kind {
        Type::Subscribe => {
            let subscribe = call.subscribe?;
            let described = Description::new(subscribe.framework_info, subscribe.suppressed_roles);
            Part::Subscribe(Box::new(described))
        }
        Type::UpdateFramework => {
            let update = call.update_framework?;
            let described = Description::new(update.framework_info, update.suppressed_roles);
            Part::UpdateFramework(Box::new(described))
        }
        Type::Teardown => Part::Teardown,
        Type::Accept => Part::Accept(Box::new(accept(call.accept?))),
        Type::Decline => {
            let decline = call.decline?;
            let refuse_seconds = refuse_seconds(decline.filters.as_ref());
            Part::Decline { offers: decline.offer_ids, refuse_seconds }
        }
        Type::Revive => Part::Revive(roles(call.revive.map(|revive| revive.roles))?),
        Type::Suppress => Part::Suppress(roles(call.suppress.map(|suppress| suppress.roles))?),
        Type::Kill => Part::Kill(Box::new(call.kill?)),
        Type::Acknowledge => Part::Acknowledge(Box::new(call.acknowledge?)),
        Type::Reconcile => {
            let tasks = call.reconcile?.tasks;
            let bytes = in_memory(&tasks);
            Part::Reconcile(tasks, bytes)
        }
        Type::ReconcileOperations => {
            let operations = call.reconcile_operations?.operations;
            let bytes = in_memory(&operations);
            Part::ReconcileOperations(operations, bytes)
        }
        Type::Unknown
        | Type::Shutdown
        | Type::Message
        | Type::Request
        | Type::AcknowledgeOperationStatus
        | Type::AcceptInverseOffers
        | Type::DeclineInverseOffers => return None,
    })
}

/// The roles that a call names. `None` if there are more than a framework has: then one is not its own, and the whole call
/// has no effect. Source: \[C31\].
fn roles(given: Option<Vec<String>>) -> Option<BTreeSet<Str>> {
    let mut given = given.unwrap_or_default();
    given.sort_unstable();
    given.dedup();
    let few = given.len() <= limits::ROLES_PER_FRAMEWORK_MAX;
    few.then(|| given.into_iter().map(Str::from).collect())
}

/// How much memory a list takes, about.
fn in_memory<T: Message>(list: &[T]) -> usize {
    size_of_val(list) + list.iter().map(encoded_bytes).sum::<usize>()
}

fn refuse_seconds(filters: Option<&Filters>) -> f64 {
    filters.map_or(5.0, Filters::refuse_seconds)
}

fn accept(accept: call::Accept) -> Accept {
    Accept {
        duplicate: duplicate(&accept.offer_ids),
        offers: accept.offer_ids,
        pieces: accept.operations.into_iter().flat_map(pieces).collect(),
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
            let group =
                operation.launch_group.map(|group| group.task_group.tasks).unwrap_or_default();
            if group.is_empty() {
                return vec![Piece::Operation { id, is_launch: true }];
            }
            let why = "task groups cannot be mapped to Amazon ECS yet: launch the tasks one by one";
            let why: Arc<str> = why.into();
            group.into_iter().map(|task| spoiled(task, Reason::TaskGroupInvalid, &why)).collect()
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
        Err(why) => Err(format!("Task uses invalid resources: {why}")),
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
