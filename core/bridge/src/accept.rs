//! ACCEPT: offers are spent once, tasks become launches. Source: \[C7\] to \[C21\].
//!
//! The offers are spent at once, the tasks one after another, and the call is answered after the last, unless what it leads to is not
//! read: in between others are served, and nobody is offered what is left.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    AgentId, OfferId, OperationId, OperationState, OperationStatus, TaskId, TaskState, TaskStatus,
};

use crate::amounts::Amounts;
use crate::book::{Hold, Offered};
use crate::check::{Accept, Candidate, Piece};
use crate::description::shortened;
use crate::filter;
use crate::happening::Happening;
use crate::launch::{self, Launch, Phase, Shown};
use crate::machine::{CallId, Output, Response};
use crate::outbox::{self, Answers};
use crate::state::Bridge;
use crate::status::{self, Updates};
use crate::work::{self, Job, Slice, Units};
use crate::{mapping, validate};

/// An ACCEPT that goes on.
#[derive(Debug)]
pub(crate) struct Acceptance {
    /// The call, until it is answered.
    call: Option<CallId>,
    framework: Str,
    grounds: Grounds,
    pieces: std::iter::Peekable<std::vec::IntoIter<Piece>>,
}

/// What an ACCEPT has to go by.
#[derive(Debug)]
enum Grounds {
    /// Offers that were good, and are spent.
    Spent(Box<Spent>),
    /// Offers that were not, why, and those that are to be discarded. Source: \[C8\].
    Invalid(String, std::vec::IntoIter<OfferId>),
}

/// Offers that are spent.
#[derive(Debug)]
struct Spent {
    role: Str,
    instance: Str,
    /// What no task has taken yet.
    left: Amounts,
    /// The same, between two slices.
    hold: Option<Hold>,
    refuse_seconds: f64,
}

/// Spends offers. Whatever is wrong, the answer is 202: what came of it is told by events.
pub(crate) fn accept(
    bridge: &mut Bridge,
    now: Timestamp,
    call: CallId,
    framework: &Str,
    accept: Accept,
    out: &mut Vec<Output>,
) {
    bridge.count("messages_launch_tasks");
    bridge.wants_allocation(now);
    let grounds = match check(bridge, framework, &accept) {
        Ok((role, instance)) => {
            let spent: Vec<Offered> =
                accept.offers.iter().filter_map(|id| bridge.take_offer(&id.value)).collect();
            let left = Amounts::sum(spent.iter().map(|offered| &offered.amounts));
            let refuse_seconds = accept.refuse_seconds;
            Grounds::Spent(Box::new(Spent { role, instance, left, hold: None, refuse_seconds }))
        }
        Err(why) => Grounds::Invalid(why, accept.offers.into_iter()),
    };
    let pieces = accept.pieces.into_iter().peekable();
    let (call, framework) = (Some(call), framework.clone());
    let acceptance = Acceptance { call, framework, grounds, pieces };
    work::begin(bridge, now, Job::Accept(Box::new(acceptance)), out);
}

/// Role and instance of the offers, if they are good. Source: \[C7\]: the first check that fails is the text.
fn check(bridge: &Bridge, framework: &str, accept: &Accept) -> Result<(Str, Str), String> {
    if accept.offers.is_empty() {
        return Err("No offers specified".to_owned());
    }
    if let Some(id) = &accept.duplicate {
        return Err(format!("Duplicate offer {} in offer list", shortened(id)));
    }
    let mut offers = Vec::new();
    // None is named twice, so there are at most as many good ones as there are offers.
    for OfferId { value: id } in &accept.offers {
        let Some(offered) = bridge.offers.get(id) else {
            return Err(format!("Offer {} is no longer valid", shortened(id)));
        };
        offers.push((id, offered));
    }
    if let Some((id, _)) = offers.iter().find(|(_, offered)| *offered.framework != *framework) {
        return Err(format!("Offer {id} is not of framework {framework}"));
    }
    let (_, first) = offers[0];
    if offers.iter().any(|(_, offered)| offered.role != first.role) {
        return Err("Aggregated offers must be allocated to the same role".to_owned());
    }
    if offers.iter().any(|(_, offered)| offered.instance != first.instance) {
        return Err("Aggregated offers must belong to one single agent".to_owned());
    }
    Ok((first.role.clone(), first.instance.clone()))
}

impl Acceptance {
    /// The next slice.
    pub(crate) fn go_on(
        &mut self,
        bridge: &mut Bridge,
        now: Timestamp,
        units: &mut Units,
        out: &mut Vec<Output>,
    ) -> Slice {
        self.resume(bridge);
        let slice = self.pieces(bridge, now, units, out);
        match slice {
            Slice::Done => self.end(bridge, now),
            Slice::Open | Slice::Stalled(_) => self.suspend(bridge),
        }
        // Whoever reads events only once the call is answered would wait for itself.
        if slice != Slice::Open {
            out.extend(self.call.take().map(|call| Output::Respond(call, Response::Accepted)));
        }
        slice
    }

    /// Between slices what is left is on hold.
    fn resume(&mut self, bridge: &mut Bridge) {
        if let Grounds::Spent(spent) = &mut self.grounds
            && let Some(hold) = spent.hold.take()
        {
            spent.left = bridge.offers.release(&spent.instance, hold);
        }
    }

    fn suspend(&mut self, bridge: &mut Bridge) {
        if let Grounds::Spent(spent) = &mut self.grounds {
            let left = std::mem::take(&mut spent.left);
            spent.hold = Some(bridge.offers.hold(&spent.instance, left));
        }
    }

    fn end(&mut self, bridge: &mut Bridge, now: Timestamp) {
        if let Grounds::Spent(spent) = &mut self.grounds {
            let left = std::mem::take(&mut spent.left);
            let Spent { role, instance, refuse_seconds, .. } = &**spent;
            filter::refuse(bridge, now, &self.framework, role, instance, left, *refuse_seconds);
        }
        bridge.wants_allocation(now);
    }

    fn pieces(
        &mut self,
        bridge: &mut Bridge,
        now: Timestamp,
        units: &mut Units,
        out: &mut Vec<Output>,
    ) -> Slice {
        if let Grounds::Invalid(_, discarded) = &mut self.grounds {
            while discarded.len() > 0 {
                if !units.take(1) {
                    return Slice::Open;
                }
                discarded.next().map(|id| bridge.take_offer(&id.value));
            }
        }
        while let Some(piece) = self.pieces.peek() {
            let Some(framework) = bridge.frameworks.get(&self.framework) else {
                // It was removed meanwhile, and so would its tasks be.
                return Slice::Done;
            };
            if let Some(stream) = framework.stream
                && bridge.outboxes.get(&stream).is_some_and(outbox::Outbox::is_full)
            {
                return Slice::Stalled(stream);
            }
            if !units.take(piece.units()) {
                return Slice::Open;
            }
            let Some(piece) = self.pieces.next() else { break };
            self.one(bridge, now, piece, out);
        }
        Slice::Done
    }

    fn one(&mut self, bridge: &mut Bridge, now: Timestamp, piece: Piece, out: &mut Vec<Output>) {
        let framework = &self.framework;
        match (&mut self.grounds, piece) {
            (Grounds::Spent(spent), Piece::Task(candidate)) => {
                launch(bridge, now, framework, spent, *candidate, out);
            }
            (Grounds::Spent(_), Piece::Spoiled { task, agent, reason, why }) => {
                error(bridge, now, framework, task, agent, reason, &why, out);
            }
            (Grounds::Spent(_), Piece::Operation { is_launch: true, .. }) => {}
            (_, Piece::Operation { id, .. }) => drop_operation(bridge, now, framework, id, out),
            (Grounds::Invalid(why, _), piece) => {
                invalid(bridge, now, framework, piece, why, out);
            }
        }
    }
}

impl Piece {
    /// What it costs, about.
    fn units(&self) -> usize {
        match self {
            Self::Task(candidate) => {
                20 + candidate.bytes / 64 + candidate.claim.ports.as_slice().len() / 64
            }
            Self::Spoiled { .. } | Self::Operation { .. } => 2,
        }
    }
}

/// Tells a task of an ACCEPT whose offers are bad. Source: \[C8\].
fn invalid(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    piece: Piece,
    why: &str,
    out: &mut Vec<Output>,
) {
    let (task, agent) = match piece {
        Piece::Task(candidate) => (candidate.info.task_id, candidate.info.agent_id),
        Piece::Spoiled { task, agent, .. } => (task, agent),
        Piece::Operation { .. } => return,
    };
    let aware = bridge.frameworks.get(framework).is_some_and(crate::framework::Framework::is_aware);
    let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
    let message = format!("Task launched with invalid offers: {why}");
    tell(bridge, now, framework, status(task, agent, state, Reason::InvalidOffers, message), out);
}

/// Source: \[C14\]: agents without operation feedback answer every operation that has an id with an error; one
/// without an id is dropped in silence.
fn drop_operation(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    id: Option<OperationId>,
    out: &mut Vec<Output>,
) {
    if id.is_none() {
        return;
    }
    let why = "Amazon ECS container instances do not support reservations or persistent volumes";
    let status = OperationStatus {
        operation_id: id,
        state: OperationState::OperationError.into(),
        message: Some(why.to_owned()),
        ..Default::default()
    };
    outbox::answer(bridge, now, framework, Answers::Operation(Box::new(status)), out);
}

#[expect(clippy::too_many_arguments, reason = "each is one field of the update")]
fn error(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    task: TaskId,
    agent: AgentId,
    reason: Reason,
    why: &str,
    out: &mut Vec<Output>,
) {
    let status = status(task, agent, TaskState::TaskError, reason, why.to_owned());
    tell(bridge, now, framework, status, out);
}

/// An update about a task that never became a launch.
fn status(
    task: TaskId,
    agent: AgentId,
    state: TaskState,
    reason: Reason,
    message: String,
) -> TaskStatus {
    TaskStatus {
        task_id: task,
        state: state.into(),
        agent_id: Some(agent),
        source: Some(Source::Master.into()),
        reason: Some(reason.into()),
        message: Some(message),
        ..Default::default()
    }
}

fn tell(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    status: TaskStatus,
    out: &mut Vec<Output>,
) {
    let status = TaskStatus { timestamp: Some(now.wall().seconds()), ..status };
    status::send_once(bridge, now, framework, status, out);
}

/// Launches one task on what is left of the offers.
fn launch(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &Str,
    spent: &mut Spent,
    candidate: Candidate,
    out: &mut Vec<Output>,
) {
    let agent = spent.instance.rsplit('/').next().unwrap_or_default();
    let Candidate { info, claim, .. } = candidate;
    let left = &spent.left;
    let checked = validate::task(bridge, framework, &info, agent, &claim, left).and_then(|()| {
        let claim = mapping::raised(&claim);
        if !left.contains(&claim) {
            let why = "a container on Amazon ECS needs whole MiB of memory, at least 6";
            return Err(format!("{}: {why}", validate::too_much(&claim, left)));
        }
        Ok((mapping::plan(&bridge.config, framework, &spent.role, &info, &claim)?, claim))
    });
    let (plan, claim) = match checked {
        Ok(checked) => checked,
        Err(why) => {
            let (task, agent) = (info.task_id, info.agent_id);
            return error(bridge, now, framework, task, agent, Reason::TaskInvalid, &why, out);
        }
    };
    spent.left.take(&claim);
    let id: Str = format!("ls-{:032x}", bridge.ids.bits("launch")).into();
    bridge.strays.launches(&id);
    let instance = spent.instance.clone();
    let version_before = bridge.replica.instances().get(&instance).map_or(0, |known| known.version);
    let launch = Launch {
        id: id.clone(),
        framework: framework.clone(),
        task: info.task_id.value.clone(),
        name: info.name.clone(),
        role: spent.role.clone(),
        agent: agent.into(),
        instance,
        cpu_units: mapping::cpu_units(&claim),
        memory_mib: mapping::memory_mib(&claim),
        claim,
        shown: Shown::of(info),
        plan: Some(Box::new(plan)),
        phase: Phase::Preparing,
        arn: None,
        unseen: true,
        seen_after: u64::MAX,
        version_before,
        accepted_at_ms: None,
        began_at: now,
        kill: false,
        state: TaskState::TaskStaging,
        updates: Updates::default(),
        note: None,
    };
    out.push(Output::Happened(Happening::launched(&launch)));
    bridge.add_launch(launch);
    launch::prepare(bridge, now, &id, out);
}
