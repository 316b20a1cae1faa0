//! Maintenance of machines: frameworks are asked to leave them, machines go down and come up. Source: \[O28\], \[C38\], Mesos,
//! `docs/maintenance.md`.
//!
//! Machines that are down are DRAINING on ECS, and their tasks are stopped there. That follows the answer to the operator, since it may
//! concern many instances; it is tried until ECS has it.

use std::collections::BTreeSet;

use longshore_wire_mesos::v1::maintenance::Schedule;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{self, MachineId, TaskState, TaskStatus};

use super::Parts;
use super::jobs::{Fate, Job};
use super::telling::of_master;
use crate::agenda::Timer;
use crate::agents::{Decision, Standing, What};
use crate::cluster;
use crate::context::Context;
use crate::events;
use crate::ids::{AgentId, FrameworkId, LaunchId, OfferId};
use crate::machine::{CallId, Response};
use crate::work::{Slice, Units};

/// Why agents of machines that go down are gone. Source: Mesos, `_startMaintenance`.
const DOWN: &str = "Operator initiated 'Machine DOWN'";

impl Parts {
    /// Machines are to be away at these times.
    pub(super) fn plan(&mut self, cx: &mut Context<'_>, schedule: Schedule) -> Result<(), String> {
        self.maintenance.plan(schedule)?;
        let instances = self.cluster.instances().values();
        let agents: Vec<AgentId> = instances.map(|one| AgentId::from(one.id())).collect();
        self.begin(cx, Job::Agents(agents.into_iter()));
        Ok(())
    }

    /// Machines are away from now on: their agents are gone, and the tasks there are lost.
    pub(super) fn machines_down(
        &mut self,
        cx: &mut Context<'_>,
        machines: &[MachineId],
    ) -> Result<(), String> {
        let machines = self.maintenance.take_down(machines)?;
        let agents = self.maintenance.agents_of(&machines);
        self.close(cx, agents);
        Ok(())
    }

    /// Machines are back.
    pub(super) fn machines_up(
        &mut self,
        cx: &mut Context<'_>,
        machines: &[MachineId],
    ) -> Result<(), String> {
        let machines = self.maintenance.bring_up(machines)?;
        let agents = self.maintenance.agents_of(&machines);
        self.begin(cx, Job::Open(agents.into_iter()));
        Ok(())
    }

    /// The machine of an agent is back.
    pub(super) fn open(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        if self.agents.is_down(agent) && !self.maintenance.is_down(agent) {
            self.agents.stands(agent, None);
            self.tell_ecs(cx, agent, What::Reactivate);
            self.agent_changed(cx, agent);
        }
    }

    /// The machines of agents are away: that holds at once, and what follows from it is done one after another.
    pub(super) fn close(&mut self, cx: &mut Context<'_>, mut agents: Vec<AgentId>) {
        // One that was marked gone stays so, whatever becomes of its machine.
        agents.retain(|agent| !self.agents.is_gone(agent));
        let (mut removals, mut rescinded, mut closing) = (0, Vec::new(), Vec::new());
        for agent in agents {
            let was_there = self.agents.is_there(&agent);
            removals += u32::from(was_there);
            self.agents.stands(&agent, Some(Standing::Down));
            rescinded.extend(self.allocator.set_offerable(&agent, false));
            closing.push((agent, was_there));
        }
        self.begin(cx, Job::Withdraw(rescinded.into_iter()));
        self.operator.count("slave_removals", removals);
        self.begin(cx, Job::Close(closing.into_iter()));
    }

    /// The machine of an agent is away, which was in use until then, or not.
    pub(super) fn machine_down(&mut self, cx: &mut Context<'_>, agent: &AgentId, was_there: bool) {
        if !self.agents.is_down(agent) {
            return;
        }
        self.agent_gone(cx, agent);
        self.tell_ecs(cx, agent, What::Stands(Standing::Down));
        let lost = was_there.then(|| agent.clone());
        let launches = self.heads_on(agent, |_| true);
        self.begin(cx, Job::Befall(Fate::IsDown, launches.into_iter(), lost));
    }

    /// ECS is to know of something that holds already.
    fn tell_ecs(&mut self, cx: &mut Context<'_>, agent: &AgentId, what: What) {
        let Some(instance) = self.cluster.instance_of(agent) else { return };
        let decision = Decision::new(None, instance.arn.clone(), what);
        self.tell_decision(cx, agent, decision);
    }

    /// A task on a machine that went down is lost, for frameworks of every kind. Source: Mesos, `_removeSlave`.
    pub(super) fn evict(&mut self, cx: &mut Context<'_>, head: &LaunchId) {
        let Some(launch) = self.launches.get(head) else { return };
        if !self.agents.is_down(launch.agent()) {
            return;
        }
        let instance = self.cluster.instance(launch.instance());
        let hostname = instance.map(|instance| cluster::host(&self.config, instance).0);
        let hostname = hostname.as_deref().unwrap_or_else(|| launch.agent());
        let why = format!("Agent {hostname} removed: {DOWN}");
        self.disown(cx, head, |_, cx, launch| TaskStatus {
            reason: Some(Reason::AgentRemoved.into()),
            message: Some(why.clone()),
            ..of_master(cx.now, launch, TaskState::TaskLost)
        });
    }

    /// An agent is to be away at other times than before: what was offered of it did not say so, and what was asked said something else.
    pub(super) fn planned_anew(
        &mut self,
        cx: &mut Context<'_>,
        agent: &AgentId,
        is_offerable: bool,
    ) {
        for (offer, offered) in self.allocator.set_offerable(agent, false) {
            self.tell_rescinded(cx, &offer, &offered);
        }
        self.allocator.set_offerable(agent, is_offerable);
        self.stop_asking(cx, agent);
    }

    /// What frameworks were asked about an agent is taken back, and what they said counts no more.
    pub(super) fn stop_asking(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        let forgotten = self.maintenance.inverse.forget_agent(agent);
        for (framework, until) in forgotten.refused {
            cx.agenda.cancel(until, Timer::Ask(agent.clone(), framework));
        }
        for (id, framework) in forgotten.out {
            self.operator.remove_inverse(&framework, &id);
            self.tell_inverse_rescinded(cx, &id, &framework);
        }
    }

    fn tell_inverse_rescinded(
        &mut self,
        cx: &mut Context<'_>,
        id: &OfferId,
        framework: &FrameworkId,
    ) {
        if let Some(stream) = self.frameworks.stream_of(framework) {
            cx.send(stream, events::rescind_inverse(id));
        }
    }

    /// Asks the frameworks that have something of an agent to leave it, if it is to be away.
    pub(super) fn ask_to_leave(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        let Some(unavailability) = self.maintenance.unavailability(agent) else { return };
        let Some(instance) = self.cluster.instance_of(agent) else { return };
        if !(instance.active && instance.connected && self.agents.is_in_use(agent)) {
            return;
        }
        let url = cluster::agent(&self.config, instance).url;
        let held = self.launches.on(agent).filter(|launch| !launch.is_away());
        let held = held.map(|launch| launch.framework().clone());
        let offered = self.allocator.offers_of_agent(agent).map(|(_, one)| one.framework.clone());
        let all: BTreeSet<FrameworkId> = held.chain(offered).collect();
        for framework in all {
            let Some(stream) = self.frameworks.stream_of(&framework) else { continue };
            if !self.maintenance.inverse.may_ask(cx.now, agent, &framework) {
                continue;
            }
            let id = self.allocator.name_offer();
            if let Some(ms) = self.config.offer_timeout_ms {
                cx.after(ms, Timer::AskedLong(id.clone()));
            }
            let inverse = v1::InverseOffer {
                id: v1::OfferId { value: id.to_string() },
                url: Some(url.clone()),
                framework_id: v1::FrameworkId { value: framework.to_string() },
                agent_id: Some(v1::AgentId { value: agent.to_string() }),
                unavailability,
                resources: Vec::new(),
            };
            self.maintenance.inverse.insert(id.clone(), agent, &framework);
            self.operator.put_inverse(&framework, id, inverse.clone());
            cx.send(stream, events::inverse_offers(vec![inverse]));
        }
    }

    /// A framework did not answer in time. Source: Mesos, `inverseOfferTimeout`.
    pub(super) fn asked_long(&mut self, cx: &mut Context<'_>, id: &OfferId) {
        if let Some((agent, framework)) = self.maintenance.inverse.take(id) {
            self.operator.remove_inverse(&framework, id);
            self.tell_inverse_rescinded(cx, id, &framework);
            self.ask_to_leave(cx, &agent);
        }
    }

    /// A framework may be asked about all agents again. Source: \[C31\].
    pub(super) fn revive_inverse(&mut self, cx: &mut Context<'_>, framework: &FrameworkId) {
        let mut agents = Vec::new();
        for (agent, until) in self.maintenance.inverse.revive(framework) {
            cx.agenda.cancel(until, Timer::Ask(agent.clone(), framework.clone()));
            agents.push(agent);
        }
        self.begin(cx, Job::Ask(agents.into_iter()));
    }

    /// A framework is there: it is asked about what it has.
    pub(super) fn ask_about_all(&mut self, cx: &mut Context<'_>) {
        let agents: Vec<AgentId> = self.maintenance.agents().cloned().collect();
        self.begin(cx, Job::Ask(agents.into_iter()));
    }

    /// A framework cannot answer any more.
    pub(super) fn withdraw_inverse(&mut self, framework: &FrameworkId) {
        for id in self.maintenance.inverse.of_framework(framework) {
            self.maintenance.inverse.take(&id);
            self.operator.remove_inverse(framework, &id);
        }
    }

    /// A framework is gone, and what it answered.
    pub(super) fn forget_inverse(&mut self, cx: &mut Context<'_>, framework: &FrameworkId) {
        self.withdraw_inverse(framework);
        for (agent, until) in self.maintenance.inverse.forget_framework(framework) {
            cx.agenda.cancel(until, Timer::Ask(agent, framework.clone()));
        }
    }
}

/// An answer to inverse offers that goes on. Source: \[C38\].
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) call: CallId,
    pub(super) framework: FrameworkId,
    pub(super) offers: std::vec::IntoIter<v1::OfferId>,
    pub(super) accepts: bool,
    pub(super) refuse_seconds: f64,
}

impl Answering {
    /// The next slice.
    pub(super) fn go_on(
        &mut self,
        parts: &mut Parts,
        cx: &mut Context<'_>,
        units: &mut Units,
    ) -> Slice {
        while self.offers.len() > 0 {
            if !units.take(1) {
                return Slice::Open;
            }
            let Some(id) = self.offers.next() else { break };
            let (framework, seconds) = (&self.framework, self.refuse_seconds);
            let inverse = &mut parts.maintenance.inverse;
            let answered = inverse.answer(cx.now, framework, &id.value, self.accepts, seconds);
            if let Some((agent, until)) = answered {
                parts.operator.remove_inverse(framework, &OfferId::from(id.value));
                cx.agenda.at(until, Timer::Ask(agent, framework.clone()));
            }
        }
        cx.respond(self.call, Response::Accepted);
        Slice::Done
    }
}
