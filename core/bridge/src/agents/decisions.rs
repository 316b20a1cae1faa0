//! Decisions that ECS is being told of. Each is a few changes of one instance, made one after another; it holds, and whoever made it is
//! answered, once ECS has made the last.
//!
//! Changes are such that making one twice does no harm, so a change whose answer was lost is made again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_replica::{Alteration, Asked, Failure, Instance, InstanceChange, Question};
use longshore_wire_ecs::Str;

use super::standing::{Mark, Standing};
use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::AgentId;
use crate::limits;
use crate::machine::CallId;

/// What an operator decides about an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It is that from now on.
    Stands(Standing),
    /// It is in use again.
    Reactivate,
    /// Nothing new: ECS is to hold what it is already.
    Noted(Option<Standing>),
    /// The same, and ECS may have made the instance DRAINING for a decision that does not hold.
    TakenBack(Option<Standing>),
}

/// A decision that is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// Whom to answer; nobody if it follows from an earlier one.
    pub(crate) call: Option<CallId>,
    pub(crate) what: What,
    /// ARN of the instance.
    pub(crate) instance: Str,
    /// Whether the instance was ACTIVE before.
    pub(crate) was_active: bool,
    /// What is still to be changed, in order.
    steps: VecDeque<Alteration>,
    /// How often the first of these was tried in vain.
    attempts: u32,
    /// Whether ECS may have made the first of these without a word.
    may_be_made: bool,
    /// Tells it from others about the same agent.
    number: u64,
    /// The version that it is.
    pub(crate) version: u64,
}

impl Decision {
    pub(crate) fn new(call: Option<CallId>, instance: Str, what: What) -> Self {
        Self {
            call,
            what,
            instance,
            was_active: false,
            steps: VecDeque::new(),
            attempts: 0,
            may_be_made: false,
            number: 0,
            version: 0,
        }
    }

    /// Whether ECS may have made the instance DRAINING although the decision does not hold.
    pub(crate) fn may_drain(&self) -> bool {
        self.was_active
            && self.may_be_made
            && self.steps.front() == Some(&Alteration::Active(false))
    }

    /// What ECS is to be told, as an attribute of this name. Whatever is decided stands there before the status follows, also when the status
    /// is set back: a bridge that dies in between finds it, and never undoes what an operator decided last.
    fn plan(&mut self, name: &str, version: u64) {
        let standing = match &self.what {
            What::Stands(standing) => Some(standing.clone()),
            What::Noted(standing) | What::TakenBack(standing) => standing.clone(),
            What::Reactivate => None,
        };
        let mark = Mark { standing, version };
        self.steps = [Alteration::Attribute(name.into(), Some(mark.text().into()))].into();
        match &self.what {
            What::Stands(Standing::Deactivated) | What::Noted(_) => {}
            What::Stands(Standing::Draining(_) | Standing::Gone | Standing::Down) => {
                self.steps.push_back(Alteration::Active(false));
            }
            What::Reactivate | What::TakenBack(_) => {
                self.steps.push_back(Alteration::Active(true));
            }
        }
    }
}

/// What came of a change.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// More is to be done.
    Goes,
    /// The decision holds.
    Holds(Decision),
    /// It does not, for this reason; the status for whoever made it.
    Fails(Decision, u16, String),
}

/// A change that was answered: whose it is, and the instance as ECS says it is now.
#[derive(Debug)]
pub(crate) struct Decreed {
    pub(crate) agent: AgentId,
    pub(crate) instance: Option<Box<Instance>>,
    pub(crate) verdict: Verdict,
}

/// All decisions that are on their way.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    of: BTreeMap<AgentId, Decision>,
    /// Changes that are out: of which agent, and for which decision.
    asked: BTreeMap<Asked<Instance>, (AgentId, u64)>,
    /// Agents of which a change is out.
    out: BTreeSet<AgentId>,
    made: u64,
}

impl Decisions {
    /// Whether a decision about an agent is on its way.
    pub(crate) fn is_any(&self, agent: &str) -> bool {
        self.of.contains_key(agent)
    }

    /// Whether one is on its way that has to be waited for.
    pub(crate) fn has(&self, agent: &str) -> bool {
        let is_waited_for = |what: &What| !matches!(what, What::Noted(_) | What::TakenBack(_));
        self.of.get(agent).is_some_and(|decision| is_waited_for(&decision.what))
    }

    /// Whether there are as many as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.of.len() >= limits::DECISIONS_MAX
    }

    pub(crate) fn len(&self) -> usize {
        self.of.len() + self.asked.len()
    }

    /// Tells ECS of a decision of this version, as an attribute of this name, in the place of one that is on its way. That one is returned.
    pub(crate) fn begin(
        &mut self,
        cx: &mut Context<'_>,
        agent: &AgentId,
        mut decision: Decision,
        (name, version): (&str, u64),
    ) -> Option<Decision> {
        self.made += 1;
        decision.number = self.made;
        decision.version = version;
        decision.plan(name, version);
        let before = self.of.insert(agent.clone(), decision);
        self.ask(cx, agent);
        before
    }

    /// Makes the next change of the decision about an agent, unless it is out.
    pub(crate) fn ask(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        if self.out.contains(agent) {
            return;
        }
        let Some(decision) = self.of.get(agent) else { return };
        let Some(to) = decision.steps.front().cloned() else { return };
        let change = InstanceChange { instance: decision.instance.clone(), to };
        let asked = cx.ask(|asked| Question::Change(asked, change));
        self.asked.insert(asked, (agent.clone(), decision.number));
        self.out.insert(agent.clone());
    }

    /// Takes the answer to a change.
    pub(crate) fn answered(
        &mut self,
        cx: &mut Context<'_>,
        asked: Asked<Instance>,
        result: Result<Option<Box<Instance>>, Failure>,
    ) -> Option<Decreed> {
        let (agent, number) = self.asked.remove(&asked)?;
        self.out.remove(&agent);
        let decision = self.of.get_mut(&agent)?;
        if decision.number != number {
            // Another took its place meanwhile.
            self.ask(cx, &agent);
            return None;
        }
        let (instance, verdict) = match result {
            Ok(instance) => {
                decision.steps.pop_front();
                decision.attempts = 0;
                decision.may_be_made = false;
                (instance, self.go_on(cx, &agent)?)
            }
            Err(failure) => (None, self.failed(cx, &agent, failure)?),
        };
        Some(Decreed { agent, instance, verdict })
    }

    fn go_on(&mut self, cx: &mut Context<'_>, agent: &AgentId) -> Option<Verdict> {
        if self.of.get(agent)?.steps.is_empty() {
            return self.of.remove(agent).map(Verdict::Holds);
        }
        self.ask(cx, agent);
        Some(Verdict::Goes)
    }

    fn failed(
        &mut self,
        cx: &mut Context<'_>,
        agent: &AgentId,
        failure: Failure,
    ) -> Option<Verdict> {
        let decision = self.of.get_mut(agent)?;
        decision.attempts += 1;
        decision.may_be_made |= matches!(failure, Failure::Unsure(_));
        let is_waited_for = decision.call.is_some();
        let (status, why) = match &failure {
            Failure::Refused { code, message } => {
                let status = if code.starts_with("AccessDenied") { 403 } else { 409 };
                (
                    status,
                    format!(
                        "Amazon ECS refuses to change the container instance: {code}: {message}"
                    ),
                )
            }
            _ if is_waited_for && decision.attempts >= limits::DECISION_ATTEMPTS => {
                (503, format!("Amazon ECS did not confirm the change in time: {failure}"))
            }
            _ => {
                cx.after(limits::DECISION_RETRY_MS, Timer::Decide(agent.clone()));
                return Some(Verdict::Goes);
            }
        };
        self.of.remove(agent).map(|decision| Verdict::Fails(decision, status, why))
    }

    /// The instance of an agent is gone: nothing is left to decide. Whoever waits is told so.
    pub(crate) fn drop_of(&mut self, agent: &str) -> Option<Decision> {
        self.of.remove(agent)
    }

    /// What does not hold of it.
    pub(super) fn audit(&self) -> Vec<String> {
        let done = self.of.iter().filter(|(_, decision)| decision.steps.is_empty());
        let mut wrong: Vec<String> = done
            .map(|(agent, _)| format!("the decision about {agent} is made and still waits"))
            .collect();
        let out: BTreeSet<AgentId> = self.asked.values().map(|(agent, _)| agent.clone()).collect();
        if out != self.out || out.len() != self.asked.len() {
            wrong.push(format!("changes are said to be out of {:?}", self.out));
        }
        wrong
    }
}
