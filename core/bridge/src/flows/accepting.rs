//! ACCEPT: offers are spent once, tasks become launches. Source: \[C7\] to \[C21\].
//!
//! The offers are spent at once, the tasks one after another, and the call is answered after the last, unless what it leads to is not
//! read: in between others are served, and nobody is offered what is left.

use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{
    AgentId as AgentIdOf, OfferId as OfferIdOf, OperationId, OperationState, OperationStatus,
    TaskState,
};

use super::Parts;
use super::jobs::Job;
use super::showing::detail;
use crate::allocator::{self, Hold, Offered};
use crate::amounts::Amounts;
use crate::calls::{Accept, Candidate, Group, Piece};
use crate::context::Context;
use crate::events;
use crate::frameworks::Answers;
use crate::happening::Happening;
use crate::ids::{AgentId, FrameworkId, OfferId, Role};
use crate::launches::{self, Of, Origin, Reach};
use crate::machine::{CallId, Response};
use crate::ranges::Ranges;
use crate::updates;
use crate::words::shortened;
use crate::work::{Slice, Units};

/// An ACCEPT that goes on.
#[derive(Debug)]
pub(super) struct Acceptance {
    /// The call, until it is answered.
    call: Option<CallId>,
    framework: FrameworkId,
    grounds: Grounds,
    pieces: std::iter::Peekable<std::vec::IntoIter<Piece>>,
}

/// What an ACCEPT has to go by.
#[derive(Debug)]
enum Grounds {
    /// Offers that were good, and are spent.
    Spent(Box<Spent>),
    /// Offers that were not, why, and those that are to be discarded. Source: \[C8\].
    Invalid(String, std::vec::IntoIter<OfferIdOf>),
}

/// Offers that are spent.
#[derive(Debug)]
pub(super) struct Spent {
    pub(super) role: Role,
    pub(super) agent: AgentId,
    /// ARN of its instance.
    pub(super) instance: Str,
    /// What no task has taken yet.
    pub(super) left: Amounts,
    /// The same, between two slices.
    hold: Option<Hold>,
    refuse_seconds: f64,
    /// How many tasks are launched of it.
    pub(super) launched: u32,
}

impl Spent {
    /// What is refused with the rest of the offers: what is left, and what ECS may have left besides, since it counts whole CPU
    /// units, so that each task may take up to a thousandth of a CPU less than it claims.
    fn refused(&self) -> Amounts {
        let mut refused = self.left.clone();
        if self.launched > 0 {
            refused.add(&Amounts::of(u64::from(self.launched), 0, 0, Ranges::default()));
        }
        refused
    }
}

/// Tells an operator of tasks that are not launched.
pub(super) fn refused(cx: &mut Context<'_>, framework: &FrameworkId, task: &str, why: &str) {
    let (framework, task, why) = (framework.text().clone(), task.to_owned(), why.to_owned());
    cx.happened(Happening::Refused { framework, task, why });
}

impl Parts {
    /// Spends offers. Whatever is wrong, the answer is 202: what came of it is told by events.
    pub(super) fn accept(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        framework: &FrameworkId,
        accept: Accept,
    ) {
        self.wants_allocation(cx.now);
        let grounds = match self.check_offers(framework, &accept) {
            Ok((role, agent, instance)) => {
                let ids = accept.offers.iter();
                let spent: Vec<Offered> =
                    ids.filter_map(|id| self.spend(&OfferId::from(&*id.value))).collect();
                for _ in &spent {
                    self.operator.count_for(framework, "offers/accepted");
                }
                let left = Amounts::sum(spent.iter().map(|offered| &offered.amounts));
                let refuse_seconds = accept.refuse_seconds;
                let hold = None;
                Grounds::Spent(Box::new(Spent {
                    role,
                    agent,
                    instance,
                    left,
                    hold,
                    refuse_seconds,
                    launched: 0,
                }))
            }
            Err(why) => Grounds::Invalid(why, accept.offers.into_iter()),
        };
        let pieces = accept.pieces.into_iter().peekable();
        let (call, framework) = (Some(call), framework.clone());
        let acceptance = Acceptance { call, framework, grounds, pieces };
        self.begin(cx, Job::Accept(Box::new(acceptance)));
    }

    /// Takes an offer that was answered.
    fn spend(&mut self, offer: &OfferId) -> Option<Offered> {
        self.operator.remove_offer(offer);
        self.allocator.take(offer)
    }

    /// Role, agent and ARN of the offers, if they are good. Source: \[C7\]: the first check that fails is the text.
    fn check_offers(
        &self,
        framework: &FrameworkId,
        accept: &Accept,
    ) -> Result<(Role, AgentId, Str), String> {
        if let Some(id) = &accept.duplicate {
            return Err(format!("Duplicate offer {} in offer list", shortened(id)));
        }
        let mut offers = Vec::new();
        // None is named twice, so there are at most as many good ones as there are offers.
        for OfferIdOf { value: id } in &accept.offers {
            let Some(offered) = self.allocator.get(id) else {
                return Err(format!("Offer {} is no longer valid", shortened(id)));
            };
            offers.push((id, offered));
        }
        let Some((_, first)) = offers.first() else {
            return Err("No offers specified".to_owned());
        };
        if let Some((id, other)) = offers.iter().find(|(_, other)| other.framework != *framework) {
            return Err(format!(
                "Offer {id} has invalid framework {} while framework {framework} is expected",
                other.framework
            ));
        }
        if let Some((id, other)) = offers.iter().find(|(_, other)| other.role != first.role) {
            return Err(format!(
                "Aggregated offers must be allocated to the same role. Offer {id} uses role '{}' but another is using role '{}'",
                other.role, first.role
            ));
        }
        if let Some((id, other)) = offers.iter().find(|(_, other)| other.agent != first.agent) {
            return Err(format!(
                "Aggregated offers must belong to one single agent. Offer {id} uses agent {} and agent {}",
                other.agent, first.agent
            ));
        }
        let Some(instance) = self.cluster.instance_of(&first.agent) else {
            return Err(format!("Agent {} is no longer registered", first.agent));
        };
        Ok((first.role.clone(), first.agent.clone(), instance.arn.clone()))
    }
}

impl Acceptance {
    /// The next slice.
    pub(super) fn go_on(
        &mut self,
        parts: &mut Parts,
        cx: &mut Context<'_>,
        units: &mut Units,
    ) -> Slice {
        self.resume(parts);
        let slice = self.pieces(parts, cx, units);
        match slice {
            Slice::Done => self.end(parts, cx),
            Slice::Open | Slice::Stalled(_) => self.suspend(parts),
        }
        // Whoever reads events only once the call is answered would wait for itself.
        if slice != Slice::Open
            && let Some(call) = self.call.take()
        {
            cx.respond(call, Response::Accepted);
        }
        slice
    }

    /// Between slices what is left is on hold.
    fn resume(&mut self, parts: &mut Parts) {
        if let Grounds::Spent(spent) = &mut self.grounds
            && let Some(hold) = spent.hold.take()
        {
            spent.left = parts.allocator.release(hold).unwrap_or_default();
        }
    }

    fn suspend(&mut self, parts: &mut Parts) {
        if let Grounds::Spent(spent) = &mut self.grounds {
            let left = std::mem::take(&mut spent.left);
            let hold = parts.allocator.hold(&spent.role, &self.framework, &spent.agent, left);
            spent.hold = Some(hold);
        }
    }

    fn end(&mut self, parts: &mut Parts, cx: &mut Context<'_>) {
        if let Grounds::Spent(spent) = &mut self.grounds {
            let refused = spent.refused();
            let Spent { role, agent, refuse_seconds, launched, .. } = &**spent;
            // Source: [C11]: an ACCEPT that launches nothing declines.
            let seconds =
                if *launched == 0 { allocator::declined(*refuse_seconds) } else { *refuse_seconds };
            parts.allocator.refuse(cx.now, &self.framework, role, agent, &refused, seconds);
        }
        parts.wants_allocation(cx.now);
    }

    fn pieces(&mut self, parts: &mut Parts, cx: &mut Context<'_>, units: &mut Units) -> Slice {
        if let Grounds::Invalid(_, discarded) = &mut self.grounds {
            while discarded.len() > 0 {
                if !units.take(1) {
                    return Slice::Open;
                }
                discarded.next().map(|id| parts.spend(&OfferId::from(id.value)));
            }
        }
        while let Some(piece) = self.pieces.peek() {
            if parts.frameworks.get(&self.framework).is_none() {
                // It was removed meanwhile, and so would its tasks be.
                return Slice::Done;
            }
            if let Some(stream) = parts.frameworks.full_stream_of(&self.framework) {
                return Slice::Stalled(stream);
            }
            if !units.take(piece.units()) {
                return Slice::Open;
            }
            let Some(piece) = self.pieces.next() else { break };
            self.one(parts, cx, piece);
        }
        Slice::Done
    }

    fn one(&mut self, parts: &mut Parts, cx: &mut Context<'_>, piece: Piece) {
        let framework = &self.framework;
        match (&mut self.grounds, piece) {
            (Grounds::Spent(spent), Piece::Task(candidate)) => {
                parts.launch(cx, framework, spent, *candidate);
            }
            (Grounds::Spent(spent), Piece::Group(group)) => {
                parts.launch_group(cx, framework, spent, &group);
            }
            (Grounds::Spent(_), Piece::Spoiled { task, agent, reason, why }) => {
                let status = updates::of_none(
                    cx.now,
                    task,
                    agent,
                    TaskState::TaskError,
                    reason,
                    why.to_string(),
                );
                parts.send_once(cx, framework, status);
            }
            (Grounds::Spent(_), Piece::Operation { is_launch: true, .. }) => {}
            (_, Piece::Operation { id, .. }) => parts.drop_operation(cx, framework, id),
            (Grounds::Invalid(why, _), piece) => parts.invalid(cx, framework, piece, why),
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
            Self::Group(group) => {
                let ports = group.tasks.iter().map(|task| task.claim.ports.as_slice().len());
                30 * group.tasks.len() + group.bytes() / 64 + ports.sum::<usize>() / 64
            }
            Self::Spoiled { .. } | Self::Operation { .. } => 2,
        }
    }
}

impl Parts {
    /// Tells the tasks of a piece of an ACCEPT whose offers are bad. Source: \[C8\].
    fn invalid(&mut self, cx: &mut Context<'_>, framework: &FrameworkId, piece: Piece, why: &str) {
        let of = |candidate: Candidate| (candidate.info.task_id, candidate.info.agent_id);
        let tasks = match piece {
            Piece::Task(candidate) => vec![of(*candidate)],
            Piece::Group(group) => {
                let Group { tasks, .. } = *group;
                tasks.into_iter().map(of).collect()
            }
            Piece::Spoiled { task, agent, .. } => vec![(task, agent)],
            Piece::Operation { .. } => return,
        };
        let aware = self.frameworks.is_aware(framework);
        let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        for (task, agent) in tasks {
            let message = format!("Task launched with invalid offers: {why}");
            let reason = Reason::InvalidOffers;
            refused(cx, framework, &task.value, &message);
            let status = updates::of_none(cx.now, task, agent, state, reason, message);
            self.send_once(cx, framework, status);
        }
    }

    /// Source: \[C14\]: agents without operation feedback answer every operation that has an id with an error; of one without an
    /// id the framework does not hear, so an operator does.
    fn drop_operation(
        &mut self,
        cx: &mut Context<'_>,
        framework: &FrameworkId,
        id: Option<OperationId>,
    ) {
        let why =
            "Amazon ECS container instances do not support reservations or persistent volumes";
        if id.is_none() {
            return cx.happened(Happening::Dropped { framework: framework.text().clone(), why });
        }
        let status = OperationStatus {
            operation_id: id,
            state: OperationState::OperationError.into(),
            message: Some(why.to_owned()),
            ..Default::default()
        };
        self.answer(cx, framework, Answers::once(events::operation(status)));
    }

    /// Launches one task on what is left of the offers.
    fn launch(
        &mut self,
        cx: &mut Context<'_>,
        framework: &FrameworkId,
        spent: &mut Spent,
        candidate: Candidate,
    ) {
        let Candidate { info, claim, .. } = candidate;
        let checked = self.check_task(framework, spent, &info, &claim);
        let (plan, claim) = match checked {
            Ok(checked) => checked,
            Err(why) => {
                let (task, agent): (_, AgentIdOf) = (info.task_id, info.agent_id);
                refused(cx, framework, &task.value, &why);
                let (state, reason) = (TaskState::TaskError, Reason::TaskInvalid);
                let status = updates::of_none(cx.now, task, agent, state, reason, why);
                return self.send_once(cx, framework, status);
            }
        };
        spent.left.take(&claim);
        spent.launched += 1;
        let version_before =
            self.cluster.instance(&spent.instance).map_or(0, |known| known.version);
        let origin = Origin {
            framework: framework.clone(),
            task: info.task_id.value.as_str().into(),
            executor: None,
            name: info.name.clone(),
            role: spent.role.clone(),
            instance: spent.instance.clone(),
            agent: spent.agent.clone(),
            claim,
            terms: plan.terms.clone(),
        };
        let id = self.launches.begin(cx, origin, plan, version_before);
        self.cluster.launches(&id);
        if let Some(launch) = self.launches.get(&id) {
            cx.happened(Happening::Launched {
                framework: launch.framework().text().clone(),
                task: launch.task().to_string(),
                agent: launch.agent().text().clone(),
            });
        }
        self.show_launch(&id, detail(info));
        self.prepare(cx, &id);
    }

    /// How a task is to be run, and what it claims.
    fn check_task(
        &self,
        framework: &FrameworkId,
        spent: &Spent,
        info: &longshore_wire_mesos::v1::TaskInfo,
        claim: &Amounts,
    ) -> Result<(launches::Plan, Amounts), String> {
        let left = &spent.left;
        let Spent { agent, role, .. } = spent;
        launches::validate(&self.launches, framework, info, agent, role, claim, left)?;
        let claim = launches::raised(claim);
        if !left.contains(&claim) {
            let why = "a container on Amazon ECS needs whole MiB of memory, at least 6";
            let text = launches::too_much(Of::Task, (&claim, role), (left, role));
            return Err(format!("{text}: {why}"));
        }
        let reach = Reach::of(&self.config, self.cluster.instance(&spent.instance));
        let plan = launches::plan(&self.config, &reach, framework, &spent.role, info, &claim)?;
        Ok((plan, claim))
    }
}
