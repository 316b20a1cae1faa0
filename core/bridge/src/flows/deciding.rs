//! What operators decide about agents: taken out of use, drained, marked gone, and back in use.
//!
//! A decision holds, and is answered, once ECS has it: as a Mesos master answers once its registry has. What is refused here was mostly
//! refused before, by what was seen of the state; it may have changed since. The texts are those of Mesos.

use super::Parts;
use super::jobs::{Fate, Job};
use crate::agenda::Timer;
use crate::agents::{Decision, Decreed, Drain, Mark, Shown, Standing, Verdict, What};
use crate::cluster::STANDING_ATTRIBUTE;
use crate::context::Context;
use crate::ids::AgentId;
use crate::launches::Phase;
use crate::limits;
use crate::machine::{CallId, Response};
use crate::operator::AgentWish;

/// Why a decision is not made: a status and a text.
type Refusal = (u16, String);

impl Parts {
    /// An operator decides something about an agent.
    pub(super) fn decide(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        agent: &AgentId,
        wish: AgentWish,
    ) {
        if wish == AgentWish::MarkGone && self.agents.is_gone(agent) {
            return cx.respond(call, Response::Done);
        }
        match self.decision(cx, call, agent, wish) {
            Ok(decision) => self.tell_decision(cx, agent, decision),
            Err((status, why)) => cx.respond(call, Response::Refused(status, why)),
        }
    }

    fn decision(
        &self,
        cx: &Context<'_>,
        call: CallId,
        agent: &AgentId,
        wish: AgentWish,
    ) -> Result<Decision, Refusal> {
        let refuse = |status: u16, why: &str| Err((status, why.to_owned()));
        if !self.is_recovered() {
            return refuse(503, "Master has not finished recovery");
        }
        let is_out = self.agents.is_gone(agent) || self.agents.is_down(agent);
        let instance = self.cluster.instance_of(agent).filter(|_| !is_out);
        let Some(instance) = instance else {
            return match wish {
                AgentWish::MarkGone => Err((404, format!("Agent '{agent}' not found"))),
                AgentWish::Reactivate => refuse(400, "Agent is not deactivated"),
                AgentWish::Drain { .. } | AgentWish::Deactivate => refuse(400, "Unknown agent"),
            };
        };
        if self.agents.decisions.has(agent) {
            return Err((503, format!("Agent '{agent}' is already being transitioned")));
        }
        if self.agents.decisions.is_full() {
            return refuse(503, "Too many agents are being transitioned");
        }
        let drain = self.agents.drain(agent);
        let what = match wish {
            AgentWish::Reactivate => {
                if instance.active && !self.agents.is_deactivated(agent) {
                    return refuse(400, "Agent is not deactivated");
                }
                if drain.is_some_and(|drain| !drain.is_done) {
                    return refuse(400, "Agent is still in the DRAINING state");
                }
                What::Reactivate
            }
            // One that is being drained is deactivated already.
            AgentWish::Deactivate => What::Stands(match drain {
                Some(drain) => Standing::Draining(drain.clone()),
                None => Standing::Deactivated,
            }),
            AgentWish::Drain { max_grace_ms, mark_gone } => {
                let drain = self.drain_wanted(cx, agent, max_grace_ms, mark_gone)?;
                What::Stands(Standing::Draining(drain))
            }
            AgentWish::MarkGone => What::Stands(Standing::Gone),
        };
        let mut decision = Decision::new(Some(call), instance.arn.clone(), what);
        decision.was_active = instance.active;
        Ok(decision)
    }

    fn drain_wanted(
        &self,
        cx: &Context<'_>,
        agent: &AgentId,
        max_grace_ms: Option<u64>,
        mark_gone: bool,
    ) -> Result<Drain, Refusal> {
        if let Some(machine) = self.maintenance.machine_name(agent) {
            let why =
                format!("Agent {agent} is part of a maintenance schedule under Machine {machine}");
            return Err((400, why));
        }
        Ok(Drain { is_done: false, max_grace_ms, mark_gone, started_at: cx.now })
    }

    /// Tells ECS of a decision. Whoever waits for an earlier one about the same agent does so in vain.
    pub(super) fn tell_decision(
        &mut self,
        cx: &mut Context<'_>,
        agent: &AgentId,
        decision: Decision,
    ) {
        let version = self.agents.decides(cx.now, agent);
        let as_what = (STANDING_ATTRIBUTE, version);
        let before = self.agents.decisions.begin(cx, agent, decision, as_what);
        if let Some(call) = before.and_then(|before| before.call) {
            let why = format!("Agent '{agent}' is already being transitioned");
            cx.respond(call, Response::Refused(503, why));
        }
    }

    /// What came of a change that a decision leads to.
    pub(super) fn decreed(&mut self, cx: &mut Context<'_>, decreed: Decreed) {
        let Decreed { agent, instance, verdict } = decreed;
        if let Some(instance) = instance {
            let news = self.cluster.changed(*instance);
            self.instances(cx, news, false);
        }
        match verdict {
            Verdict::Goes => {}
            Verdict::Holds(decision) => self.holds(cx, &agent, decision),
            Verdict::Fails(decision, status, why) => {
                self.undecided(cx, &agent, &decision);
                match decision.call {
                    Some(call) => cx.respond(call, Response::Refused(status, why)),
                    None => cx.note(format!("agent {agent}: {why}")),
                }
            }
        }
    }

    /// ECS has a decision: from now on it holds.
    fn holds(&mut self, cx: &mut Context<'_>, agent: &AgentId, decision: Decision) {
        let is_last = decision.version == self.agents.version(agent);
        match decision.what {
            // Another bridge has decided something later meanwhile.
            _ if !is_last => {}
            What::Stands(Standing::Gone) => self.marked_gone(cx, agent),
            // That holds since the operator said so.
            What::Stands(Standing::Down) => {}
            What::Stands(standing) => {
                self.agents.stands(agent, Some(standing));
                self.agent_changed(cx, agent);
                self.drain(cx, agent);
            }
            What::Reactivate => {
                self.agents.stands(agent, None);
                self.agent_changed(cx, agent);
                self.wants_allocation(cx.now);
            }
            What::Noted(_) | What::TakenBack(_) => {}
        }
        if let Some(call) = decision.call {
            cx.respond(call, Response::Done);
        }
    }

    /// A decision does not hold, and ECS may have a part of it: that is taken back.
    fn undecided(&mut self, cx: &mut Context<'_>, agent: &AgentId, decision: &Decision) {
        if decision.call.is_some() {
            let before = self.agents.standing(agent).cloned();
            let is_active = matches!(before, None | Some(Standing::Deactivated));
            let before = if is_active && decision.may_drain() {
                What::TakenBack(before)
            } else {
                What::Noted(before)
            };
            self.tell_decision(cx, agent, Decision::new(None, decision.instance.clone(), before));
        }
    }

    /// Something was decided about an agent before this master began, or by another one. What was begun before is carried on.
    pub(super) fn decided_elsewhere(&mut self, cx: &mut Context<'_>, agent: &AgentId, mark: Mark) {
        self.agents.follows(agent, mark.version);
        let standing = mark.standing;
        let is_begun = match standing {
            Some(Standing::Gone) => {
                self.marked_gone(cx, agent);
                true
            }
            standing => {
                self.agents.stands(agent, standing);
                self.drain(cx, agent)
            }
        };
        let instance = self.cluster.instance_of(agent).filter(|instance| instance.active);
        let instance = instance.map(|instance| instance.arn.clone());
        let Some(instance) = instance.filter(|_| is_begun && !self.is_recovered()) else { return };
        let standing = self.agents.standing(agent).cloned().unwrap_or(Standing::Gone);
        let what = What::Stands(standing);
        self.tell_decision(cx, agent, Decision::new(None, instance, what));
    }

    /// ECS shows something of an agent.
    pub(super) fn decision_seen(
        &mut self,
        cx: &mut Context<'_>,
        agent: &AgentId,
        attribute: Option<&str>,
    ) {
        match self.agents.see(cx.now, agent, attribute) {
            Shown::Known => {}
            Shown::Later(mark) => self.decided_elsewhere(cx, agent, mark),
            Shown::Doubtful => {
                if self.agents.doubts(agent) {
                    cx.after(limits::DECISION_DOUBT_MS, Timer::Doubt(agent.clone()));
                }
            }
        }
    }

    /// What ECS showed of an agent was behind what was decided last, or is so still: then it is told again.
    pub(super) fn look_again(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        self.agents.doubts_no_more(agent);
        let Some(instance) = self.cluster.instance_of(agent) else { return };
        let attribute = instance.attribute(STANDING_ATTRIBUTE).cloned();
        let arn = instance.arn.clone();
        match self.agents.see(cx.now, agent, attribute.as_deref()) {
            Shown::Known => {}
            Shown::Later(mark) => {
                self.decided_elsewhere(cx, agent, mark);
                self.agent_changed(cx, agent);
            }
            Shown::Doubtful if self.agents.decisions.is_any(agent) => {
                self.decision_seen(cx, agent, attribute.as_deref());
            }
            Shown::Doubtful if self.agents.is_gone(agent) => {
                // Frameworks were told so: it takes the place of whatever was decided since.
                let gone = What::Noted(Some(Standing::Gone));
                self.tell_decision(cx, agent, Decision::new(None, arn, gone));
            }
            Shown::Doubtful => {
                // As the version that it is, so that it takes the place of no later one that is not read yet.
                let standing = self.agents.standing(agent).cloned();
                let again = Decision::new(None, arn, What::Noted(standing));
                let as_what = (STANDING_ATTRIBUTE, self.agents.version(agent));
                self.agents.decisions.begin(cx, agent, again, as_what);
            }
        }
    }

    /// Kills what runs on an agent that is being drained; whether it is.
    fn drain(&mut self, cx: &mut Context<'_>, agent: &AgentId) -> bool {
        let Some(drain) = self.agents.drain(agent) else { return false };
        if let Some(ms) = drain.max_grace_ms {
            cx.note(format!(
                "agent {agent} is drained with a max_grace_period of {ms} ms, which does not apply: Amazon ECS keeps to the stopTimeout of \
                 the task definition"
            ));
        }
        let launches = self.heads_on(agent, |_| true);
        self.begin(cx, Job::Befall(Fate::Drains, launches.into_iter(), None));
        true
    }

    /// Whether an agent has a task that runs, or whose end a framework that is known is still to acknowledge. One that only a master before
    /// this one knew may never come back.
    fn is_waited_for(&self, agent: &AgentId) -> bool {
        self.launches.of_agent(agent).any(|launch| {
            let framework = self.frameworks.get(launch.framework());
            launch.phase() != Phase::Over || framework.is_some_and(|one| !one.is_recovered())
        })
    }

    /// Marks an agent as drained once nothing of it is left that anybody waits for. Source: Mesos, `checkAndTransitionDrainingAgent`: also
    /// tasks whose end is not acknowledged are waited for, and what the registry holds then outlives the master.
    pub(super) fn drained_by_now(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        let is_draining = self.agents.drain(agent).is_some_and(|drain| !drain.is_done);
        if !is_draining || !self.is_recovered() || self.is_waited_for(agent) {
            return;
        }
        let Some(drain) = self.agents.is_drained(agent) else { return };
        self.show_agent(agent);
        let Some(instance) = self.cluster.instance_of(agent) else { return };
        let instance = instance.arn.clone();
        let what = if drain.mark_gone {
            What::Stands(Standing::Gone)
        } else {
            What::Noted(Some(Standing::Draining(drain)))
        };
        self.tell_decision(cx, agent, Decision::new(None, instance, what));
    }
}
