//! Inverse offers that are out, and what was answered to them.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::maintenance::InverseOfferStatus;
use longshore_wire_mesos::v1::maintenance::inverse_offer_status::Status;
use longshore_wire_mesos::v1::{FrameworkId as FrameworkIdOf, TimeInfo};

use crate::ids::{AgentId, FrameworkId, OfferId};
use crate::{limits, refusal};

/// Who is asked to leave what.
type Request = (AgentId, FrameworkId);

/// Requests that are out, and answers.
#[derive(Debug, Default)]
pub(crate) struct Inverse {
    out: BTreeMap<OfferId, Request>,
    of: BTreeMap<Request, OfferId>,
    of_framework: BTreeMap<FrameworkId, BTreeSet<OfferId>>,
    /// Requests that are not to be made again before that time.
    refused: BTreeMap<Request, Timestamp>,
    /// The agents of those requests.
    refused_by: BTreeMap<FrameworkId, BTreeSet<AgentId>>,
    answers: BTreeMap<AgentId, BTreeMap<FrameworkId, (Status, Timestamp)>>,
    is_dirty: bool,
}

/// What is forgotten of an agent.
#[derive(Debug)]
pub(crate) struct Forgotten {
    /// Requests that were out.
    pub(crate) out: Vec<(OfferId, FrameworkId)>,
    /// Who was to be asked again, and when.
    pub(crate) refused: Vec<(FrameworkId, Timestamp)>,
}

impl Inverse {
    /// Whether a framework may be asked to leave an agent now.
    pub(crate) fn may_ask(&self, now: Timestamp, agent: &AgentId, framework: &FrameworkId) -> bool {
        let request = (agent.clone(), framework.clone());
        let is_refused = self.refused.get(&request).is_some_and(|until| *until > now);
        !is_refused && !self.of.contains_key(&request)
    }

    /// A request goes out.
    pub(crate) fn insert(&mut self, id: OfferId, agent: &AgentId, framework: &FrameworkId) {
        let request = (agent.clone(), framework.clone());
        self.may_ask_again(agent, framework);
        self.of_framework.entry(framework.clone()).or_default().insert(id.clone());
        self.of.insert(request.clone(), id.clone());
        self.out.insert(id, request);
    }

    /// A request is out no more; what it was.
    pub(crate) fn take(&mut self, id: &str) -> Option<Request> {
        let request = self.out.remove(id)?;
        self.of.remove(&request);
        if let Some(all) = self.of_framework.get_mut(&request.1) {
            all.remove(id);
            if all.is_empty() {
                self.of_framework.remove(&request.1);
            }
        }
        Some(request)
    }

    /// A framework answers a request; the agent, and until when it is not to be asked again. Source: \[C38\]: what it was not asked is
    /// skipped.
    pub(crate) fn answer(
        &mut self,
        now: Timestamp,
        framework: &FrameworkId,
        id: &str,
        accepts: bool,
        refuse_seconds: f64,
    ) -> Option<(AgentId, Timestamp)> {
        self.out.get(id).filter(|(_, of)| of == framework)?;
        let request = self.take(id)?;
        let status = if accepts { Status::Accept } else { Status::Decline };
        let agent = request.0.clone();
        let answers = self.answers.entry(agent.clone()).or_default();
        answers.insert(framework.clone(), (status, now));
        // Source: \[O13\], \[O22\]: filters are read as those of offers; without one the next allocation asks again.
        let until = now + refusal::milliseconds(refuse_seconds).max(limits::REFUSE_MS_MIN);
        self.refused_by.entry(framework.clone()).or_default().insert(agent.clone());
        self.refused.insert(request, until);
        self.is_dirty = true;
        Some((agent, until))
    }

    /// A framework may be asked about an agent again; when it could have been, if it was to wait.
    pub(crate) fn may_ask_again(
        &mut self,
        agent: &AgentId,
        framework: &FrameworkId,
    ) -> Option<Timestamp> {
        let until = self.refused.remove(&(agent.clone(), framework.clone()))?;
        if let Some(agents) = self.refused_by.get_mut(framework) {
            agents.remove(agent);
            if agents.is_empty() {
                self.refused_by.remove(framework);
            }
        }
        Some(until)
    }

    /// A framework may be asked about everything again; when it could have been, by agent. Source: \[C31\].
    pub(crate) fn revive(&mut self, framework: &FrameworkId) -> Vec<(AgentId, Timestamp)> {
        let agents = self.refused_by.get(framework).cloned().unwrap_or_default();
        let again = agents.into_iter().filter_map(|agent| {
            let until = self.may_ask_again(&agent, framework)?;
            Some((agent, until))
        });
        again.collect()
    }

    /// The requests that are out to a framework.
    pub(crate) fn of_framework(&self, framework: &str) -> Vec<OfferId> {
        self.of_framework.get(framework).into_iter().flatten().cloned().collect()
    }

    /// The requests that are out about an agent.
    pub(crate) fn of_agent(&self, agent: &AgentId) -> Vec<OfferId> {
        let from = (agent.clone(), FrameworkId::from(""));
        let of = self.of.range(from..).take_while(|((of, _), _)| of == agent);
        of.map(|(_, id)| id.clone()).collect()
    }

    /// Nothing is asked about an agent any more, and no answer counts.
    pub(crate) fn forget_agent(&mut self, agent: &AgentId) -> Forgotten {
        let ids = self.of_agent(agent).into_iter();
        let out = ids.filter_map(|id| self.take(&id).map(|(_, framework)| (id, framework)));
        let out: Vec<_> = out.collect();
        let from = (agent.clone(), FrameworkId::from(""));
        let refused = self.refused.range(from..).take_while(|((of, _), _)| of == agent);
        let refused = refused.map(|((_, framework), until)| (framework.clone(), *until));
        let refused: Vec<(FrameworkId, Timestamp)> = refused.collect();
        for (framework, _) in &refused {
            self.may_ask_again(agent, framework);
        }
        self.is_dirty |= self.answers.remove(agent).is_some();
        Forgotten { out, refused }
    }

    /// A framework is gone, and what it said; when it could have been asked again, by agent.
    pub(crate) fn forget_framework(
        &mut self,
        framework: &FrameworkId,
    ) -> Vec<(AgentId, Timestamp)> {
        for id in self.of_framework(framework) {
            self.take(&id);
        }
        self.answers.retain(|_, of| {
            self.is_dirty |= of.remove(framework).is_some();
            !of.is_empty()
        });
        self.revive(framework)
    }

    /// What was answered about an agent.
    pub(crate) fn statuses(&self, agent: &str) -> impl Iterator<Item = InverseOfferStatus> {
        let all = self.answers.get(agent).into_iter().flatten();
        all.map(|(framework, (status, at))| InverseOfferStatus {
            status: (*status).into(),
            framework_id: FrameworkIdOf { value: framework.to_string() },
            timestamp: TimeInfo {
                nanoseconds: i64::try_from(at.wall().millis())
                    .unwrap_or(i64::MAX)
                    .saturating_mul(1_000_000),
            },
        })
    }

    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.is_dirty)
    }

    pub(super) fn len(&self) -> usize {
        self.out.len() + self.refused.len() + self.answers.len()
    }

    /// What does not hold of it.
    pub(super) fn audit(&self, is_planned: impl Fn(&AgentId) -> bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for (id, request) in &self.out {
            let (agent, framework) = request;
            let is_found = self.of.get(request) == Some(id)
                && self.of_framework.get(framework).is_some_and(|all| all.contains(id));
            if !is_found || !is_planned(agent) {
                wrong.push(format!("the inverse offer {id} of {agent} to {framework} is astray"));
            }
        }
        let by: usize = self.refused_by.values().map(BTreeSet::len).sum();
        let is_by = |(agent, framework): &Request| {
            self.refused_by.get(framework).is_some_and(|agents| agents.contains(agent))
        };
        if by != self.refused.len() || !self.refused.keys().all(is_by) {
            wrong.push("refusals to leave agents are listed wrongly by framework".to_owned());
        }
        if self.of.len() != self.out.len() {
            wrong.push(format!("{} inverse offers are found by agent", self.of.len()));
        }
        wrong
    }
}
