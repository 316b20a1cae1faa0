//! Offers: made, declined, rescinded, withdrawn; and the sums that they are made of. Source: \[O6\] to \[O16\], \[C30\],
//! \[C31\].
//!
//! Several changes are allocated together, a few milliseconds after the first. An offer is a promise, so it is made of what is
//! there now: without events, of a reading that was asked for after whatever called for the allocation.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::Instance;
use longshore_wire_mesos::v1::{self, resource};

use super::Parts;
use super::jobs::Job;
use crate::agenda::Timer;
use crate::allocator::{Allocator, Facts, Offered, Options, Quantities};
use crate::amounts::{Amounts, MILLI, UNITS_PER_CPU};
use crate::cluster;
use crate::config::Config;
use crate::context::Context;
use crate::events;
use crate::ids::{AgentId, FrameworkId, OfferId, Role};
use crate::launches::Claims;
use crate::limits;
use crate::machine::{CallId, Response, StreamKey};
use crate::ranges::Ranges;
use crate::work::{Slice, Units};

/// When the next allocation is, and what waits for it.
#[derive(Debug, Default)]
pub(super) struct Tempo {
    at: Option<Timestamp>,
    /// When something last happened that what is on offer depends on: offers are made of readings that were asked for no
    /// earlier.
    since: Timestamp,
    /// Whether an allocation goes on.
    runs: bool,
    /// Whether it waits for a reading.
    waits: bool,
    /// Agents of which something changed.
    changed: BTreeSet<AgentId>,
    /// Agents of which nothing is offered for now, and until when.
    moving: BTreeMap<AgentId, Timestamp>,
    /// Of agents that share a machine with others: how many they are, and which ports their tasks had when that was looked at last.
    shared: BTreeMap<AgentId, (usize, Ranges)>,
}

impl Tempo {
    /// Whether an allocation goes on.
    pub(super) fn is_running(&self) -> bool {
        self.runs
    }

    /// Something about these agents is to be looked at.
    pub(super) fn look_at(&mut self, agents: Vec<AgentId>) {
        self.changed.extend(agents);
    }

    /// When something is due.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.moving.values().min().copied().into_iter().chain(self.at).min()
    }
}

/// The allocator of a master.
pub(super) fn allocator(config: &Config, master_id: &str) -> Allocator {
    Allocator::new(Options {
        master: master_id.into(),
        home_region: Some(config.region.clone()),
        offer_timeout_ms: config.offer_timeout_ms,
    })
}

impl Parts {
    /// Something changed that may lead to offers; several changes are allocated together.
    pub(super) fn wants_allocation(&mut self, now: Timestamp) {
        self.tempo.since = now;
        self.allocates_soon(now);
    }

    /// A reading or an event told what can be allocated.
    pub(super) fn allocates_soon(&mut self, now: Timestamp) {
        self.tempo.at.get_or_insert(now + limits::ALLOCATION_DELAY_MS);
    }

    /// When offers end, and when filters do unless an allocation is planned that sees to them. Offers end on time also while an
    /// allocation waits for a reading that does not come.
    pub(super) fn offers_due_at(&self) -> Option<Timestamp> {
        let is_planned = self.tempo.at.is_some() || self.tempo.runs || self.tempo.waits;
        if is_planned { self.allocator.offers_end_at() } else { self.allocator.next_due() }
    }

    /// Begins an allocation, if one is due.
    pub(super) fn allocate_if_due(&mut self, cx: &mut Context<'_>) {
        for (offer, offered) in self.allocator.expired(cx.now) {
            self.tell_rescinded(cx, &offer, &offered);
        }
        if self.offers_due_at().is_some_and(|at| at <= cx.now) {
            self.wants_allocation(cx.now);
        }
        if !self.tempo.runs && self.tempo.at.is_some_and(|at| at <= cx.now) {
            self.tempo.at = None;
            self.tempo.runs = true;
            self.operator.count("allocator/mesos/allocation_runs", 1);
            self.allocate(cx);
        }
    }

    /// The next slice of the allocation. One that has to wait for a reading goes on after it.
    pub(super) fn allocate(&mut self, cx: &mut Context<'_>) {
        if !self.tempo.runs {
            return;
        }
        // Where nobody is there nothing is offered, and what was declined ends all the same.
        let makes_offers = self.frameworks.is_anyone_there() || self.allocator.offers_len() > 0;
        self.tempo.waits = makes_offers && !self.cluster.is_fresh(self.tempo.since);
        if self.tempo.waits {
            self.tempo.runs = false;
            return;
        }
        let mut units = limits::UNITS_PER_SLICE;
        let made = self.allocator.run(cx.now, &mut units, cx.ids);
        self.tempo.runs = !made.is_done;
        self.tell_offers(cx, made.offers);
    }

    /// All offers that a run made for a framework are one event.
    fn tell_offers(&mut self, cx: &mut Context<'_>, made: Vec<(OfferId, Offered)>) {
        let mut by_stream: BTreeMap<StreamKey, Vec<v1::Offer>> = BTreeMap::new();
        let mut leaving = BTreeSet::new();
        for (id, offered) in made {
            let Some(stream) = self.frameworks.stream_of(&offered.framework) else {
                // Nobody would hear of it: it is free again, and so is all else that is offered there.
                self.withdraw_all(cx, &offered.framework);
                continue;
            };
            let Some(offer) = self.offer(&id, &offered) else {
                self.allocator.take(&id);
                self.agent_gone(cx, &offered.agent);
                continue;
            };
            if self.maintenance.unavailability(&offered.agent).is_some() {
                leaving.insert(offered.agent.clone());
            }
            by_stream.entry(stream).or_default().push(offer);
            self.operator.count("offers_sent", 1);
            self.operator.count_for(&offered.framework, "offers/sent");
            self.show_offer(id, offered);
        }
        for (stream, offers) in by_stream {
            cx.send(stream, events::offers(offers));
        }
        for agent in leaving {
            self.ask_to_leave(cx, &agent);
        }
    }

    fn offer(&self, id: &OfferId, offered: &Offered) -> Option<v1::Offer> {
        let form = self.frameworks.get(&offered.framework)?.form(&offered.role);
        let agent = cluster::agent(&self.config, self.cluster.instance_of(&offered.agent)?);
        let executors = self.launches.executors_on(&offered.framework, &offered.agent);
        let executors = executors.map(|id| v1::ExecutorId { value: id.to_string() });
        Some(v1::Offer {
            id: v1::OfferId { value: id.to_string() },
            framework_id: v1::FrameworkId { value: offered.framework.to_string() },
            agent_id: agent.id,
            hostname: agent.hostname,
            url: Some(agent.url),
            domain: agent.domain,
            resources: offered.amounts.write(&form),
            attributes: agent.attributes,
            executor_ids: executors.collect(),
            allocation_info: form
                .allocated_to
                .map(|role| resource::AllocationInfo { role: Some(role) }),
            unavailability: self.maintenance.unavailability(&offered.agent),
        })
    }

    /// Source: \[C30\]: offers that are not there any more are skipped.
    pub(super) fn decline(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        framework: &FrameworkId,
        offers: Vec<v1::OfferId>,
        refuse_seconds: f64,
    ) {
        let (framework, offers) = (framework.clone(), offers.into_iter());
        let declining = Declining { call, framework, offers, refuse_seconds };
        self.begin(cx, Job::Decline(Box::new(declining)));
    }

    /// Offers for these roles are wanted again; for all if none is named.
    pub(super) fn revive(
        &mut self,
        cx: &mut Context<'_>,
        id: &FrameworkId,
        roles: &BTreeSet<Role>,
    ) {
        if self.allocator.revive(id, roles) {
            self.revive_inverse(cx, id);
            self.show_framework(id);
            self.wants_allocation(cx.now);
        }
    }

    /// No offers for these roles are wanted; for none at all if none is named.
    pub(super) fn suppress(&mut self, id: &FrameworkId, roles: &BTreeSet<Role>) {
        if self.allocator.suppress(id, roles) {
            self.show_framework(id);
        }
    }

    /// Takes all offers of a framework back without a word: nobody is there to hear it. Source: \[O8\].
    pub(super) fn withdraw_all(&mut self, cx: &mut Context<'_>, id: &FrameworkId) {
        let offers: Vec<OfferId> =
            self.allocator.offers_of_framework(id).map(|(offer, _)| offer).collect();
        for offer in offers {
            self.operator.remove_offer(&offer);
        }
        self.withdraw_inverse(id);
        self.allocator.deactivate_framework(id);
        self.wants_allocation(cx.now);
    }

    /// Takes an offer back and says so.
    pub(super) fn rescind(&mut self, cx: &mut Context<'_>, offer: &OfferId) {
        if self.allocator.get(offer).is_none() {
            return;
        }
        if let Some(offered) = self.allocator.take(offer) {
            self.tell_rescinded(cx, offer, &offered);
        }
    }

    /// An offer is not out any more; its framework hears it.
    pub(super) fn tell_rescinded(
        &mut self,
        cx: &mut Context<'_>,
        offer: &OfferId,
        offered: &Offered,
    ) {
        self.operator.remove_offer(offer);
        self.operator.count("offers_rescinded", 1);
        self.operator.count_for(&offered.framework, "offers/rescinded");
        if let Some(stream) = self.frameworks.stream_of(&offered.framework) {
            cx.send(stream, events::rescind(offer));
        }
        self.wants_allocation(cx.now);
    }

    /// Something about an agent changed.
    pub(super) fn agent_changed(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        let instance = self.cluster.instance_of(agent).filter(|_| !self.agents.is_gone(agent));
        let Some(instance) = instance else { return };
        let (hostname, ip) = cluster::host(&self.config, instance);
        let (is_active, is_connected) = (instance.active, instance.connected);
        let is_planned_anew = self.maintenance.place(agent, &hostname, &ip);
        if self.maintenance.is_down(agent) && !self.agents.is_down(agent) {
            return self.close(cx, vec![agent.clone()]);
        }
        let is_absent = self.agents.is_down(agent) || self.is_away(cx, agent, is_connected);
        if is_absent && is_planned_anew {
            // What was answered is of another plan.
            self.stop_asking(cx, agent);
        }
        if is_absent {
            return;
        }
        let Some(instance) = self.cluster.instance_of(agent) else { return };
        let is_offerable = is_active && is_connected && self.agents.is_in_use(agent);
        let facts = facts(&self.config, instance);
        for (offer, offered) in self.allocator.put_agent(agent, facts, is_offerable) {
            self.tell_rescinded(cx, &offer, &offered);
        }
        if is_planned_anew {
            self.planned_anew(cx, agent, is_offerable);
        } else if !is_offerable {
            self.stop_asking(cx, agent);
        }
        self.tempo.changed.insert(agent.clone());
        self.show_agent(agent);
        self.allocates_soon(cx.now);
    }

    /// Whether an agent is unreachable, given whether it is connected.
    fn is_away(&mut self, cx: &mut Context<'_>, agent: &AgentId, is_connected: bool) -> bool {
        if is_connected {
            if self.agents.is_back(agent) {
                self.is_back(cx, agent);
            }
            return false;
        }
        let due = self.agents.leaves(cx.now, agent, self.config.agent_away_ms);
        if let Some(at) = due {
            cx.agenda.at(at, Timer::Away(agent.clone()));
        }
        self.agents.is_unreachable(agent)
    }

    /// An agent is not there any more.
    pub(super) fn agent_gone(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        for (offer, offered) in self.allocator.remove_agent(agent) {
            self.tell_rescinded(cx, &offer, &offered);
        }
        self.stop_asking(cx, agent);
        self.tempo.changed.remove(agent);
        self.tempo.moving.remove(agent);
        self.tempo.shared.remove(agent);
        self.operator.remove_agent(agent);
    }

    /// Brings the sums of the allocator up to launches and instances.
    pub(super) fn balance(&mut self, cx: &mut Context<'_>) {
        let changes = self.launches.take_changes();
        for share in changes.shares {
            let (role, framework, amounts) = (&share.role, &share.framework, &share.amounts);
            if share.holds {
                self.allocator.launched(role, framework, amounts);
            } else {
                self.allocator.ended(role, framework, amounts);
            }
        }
        let mut agents = std::mem::take(&mut self.tempo.changed);
        agents.extend(changes.agents);
        let neighbours: Vec<AgentId> =
            agents.iter().flat_map(|agent| self.concerned(agent)).collect();
        agents.extend(neighbours);
        let rested = self.tempo.moving.iter().filter(|(_, until)| **until <= cx.now);
        agents.extend(rested.map(|(agent, _)| agent.clone()));
        for agent in agents {
            self.weigh(cx, &agent);
            self.drained_by_now(cx, &agent);
            self.ask_to_leave(cx, &agent);
        }
    }

    /// The agents on the machine of one, if what it leaves them of the ports has changed.
    fn concerned(&mut self, agent: &AgentId) -> Vec<AgentId> {
        let instance = self.cluster.instance_of(agent);
        let together = instance.map(|one| self.cluster.on_machine_of(one)).unwrap_or_default();
        if together.is_empty() {
            return together;
        }
        let now = (together.len(), self.launches.claims(agent).ports);
        let before = self.tempo.shared.insert(agent.clone(), now.clone());
        if before.as_ref() == Some(&now) { Vec::new() } else { together }
    }

    /// What can be offered of an instance. Several on one machine have its ports together, so each is offered a part of its own, of
    /// which no other one's tasks have taken any.
    fn available(&self, instance: &Instance) -> Amounts {
        let agent: AgentId = instance.id().into();
        let mut available = available(&self.config, instance, &self.launches.claims(&agent));
        let together = self.cluster.on_machine_of(instance);
        if let (2.., Some(index)) = (together.len(), together.iter().position(|one| *one == agent))
        {
            let claims = together.iter().map(|one| self.launches.claims(one).ports);
            let claims: Vec<Ranges> = claims.collect();
            let claimed = Ranges::union_of(&claims);
            let part = self.config.ports.part(index, together.len());
            available.limit_ports(&part.minus(&claimed));
        }
        available
    }

    /// Tells the allocator what is available of an agent.
    fn weigh(&mut self, cx: &mut Context<'_>, agent: &AgentId) {
        self.tempo.moving.remove(agent);
        let Some(instance) = self.cluster.instance_of(agent) else { return };
        let mut available = self.available(instance);
        if self.cluster.is_moving(cx.now, agent, &self.launches) {
            let promised = self.allocator.promised(agent);
            if available.contains(&promised) {
                available = promised;
            }
            self.tempo.moving.insert(agent.clone(), cx.now + limits::TRUST_MS);
        }
        for (offer, offered) in self.allocator.set_available(agent, available) {
            // Someone else on the cluster took what is on offer.
            self.tell_rescinded(cx, &offer, &offered);
        }
    }

    /// What does not hold between the allocator and what it knows of launches and agents.
    pub(super) fn audit_balance(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (offer, offered) in self.allocator.offers() {
            if self.frameworks.stream_of(&offered.framework).is_none() {
                wrong.push(format!("offer {offer} is held by a framework that is not there"));
            }
        }
        for (role, framework, sum) in self.launches.sums() {
            if self.allocator.launched_by(&role, &framework) != Quantities::of(&sum) {
                wrong.push(format!(
                    "the share of {framework} in {role} is not that of its launches"
                ));
            }
        }
        for instance in self.cluster.instances().values() {
            let agent = instance.id();
            let available = self.available(instance);
            let offers = self.allocator.offers_of_agent(agent);
            let offered: Vec<Amounts> = offers.map(|(_, one)| one.amounts.clone()).collect();
            if !available.contains(&Amounts::sum(&offered)) {
                wrong.push(format!("more of {agent} is offered than it has"));
            }
        }
        wrong
    }
}

/// What neither others on the cluster nor launches have of an instance. Launches have what they claim, until frameworks are told
/// that they have ended: fractions of a CPU unit too, and also where the instance is known to be free of them earlier.
fn available(config: &Config, instance: &Instance, claims: &Claims) -> Amounts {
    let cpu = u64::from(instance.cpu_remaining).saturating_sub(claims.unseen_cpu);
    let memory = u64::from(instance.memory_mib_remaining).saturating_sub(claims.unseen_memory);
    let total = total(config, instance);
    let unclaimed = |name: &str, claimed: u64| total.scalar(name).saturating_sub(claimed);
    let cpus = (cpu * MILLI / UNITS_PER_CPU).min(unclaimed("cpus", claims.cpus));
    let mem = (memory * MILLI).min(unclaimed("mem", claims.mem));
    let used = Ranges::of(instance.ports_used.iter().map(|port| u64::from(*port)));
    let taken = used.union(&claims.ports);
    let gpus = u64::from(instance.gpus_remaining).saturating_sub(claims.unseen_gpus);
    let gpus = gpus.min(unclaimed("gpus", claims.gpus) / MILLI);
    let (disk, ports) = (unclaimed("disk", claims.disk), config.ports.minus(&taken));
    Amounts::of(cpus, mem, disk, ports).with_gpus(gpus)
}

/// All that an instance brought, as a framework would count it.
pub(super) fn total(config: &Config, instance: &Instance) -> Amounts {
    let cpus = u64::from(instance.cpu) * MILLI / UNITS_PER_CPU;
    let mem = u64::from(instance.memory_mib) * MILLI;
    Amounts::of(cpus, mem, config.disk_mb * MILLI, config.ports.clone())
        .with_gpus(u64::from(instance.gpus))
}

/// What an instance is, for the allocator.
fn facts(config: &Config, instance: &Instance) -> Facts {
    let agent = cluster::agent(config, instance);
    let attributes =
        cluster::attributes(instance).map(|(name, value)| (name.clone(), value.clone()));
    let facts =
        Facts::new(&agent.hostname, total(config, instance)).with_attributes(attributes.collect());
    match instance.attribute("ecs.availability-zone") {
        Some(zone) => facts.with_domain(&config.region, zone),
        None => facts,
    }
}

/// A DECLINE that goes on.
#[derive(Debug)]
pub(super) struct Declining {
    call: CallId,
    framework: FrameworkId,
    offers: std::vec::IntoIter<v1::OfferId>,
    refuse_seconds: f64,
}

impl Declining {
    /// The next slice.
    pub(super) fn go_on(
        &mut self,
        parts: &mut Parts,
        cx: &mut Context<'_>,
        units: &mut Units,
    ) -> Slice {
        while self.offers.len() > 0 {
            if !units.take(4) {
                return Slice::Open;
            }
            let Some(offer) = self.offers.next() else { break };
            let (framework, seconds) = (&self.framework, self.refuse_seconds);
            if parts.allocator.decline(cx.now, framework, &offer.value, seconds).is_some() {
                parts.operator.remove_offer(&OfferId::from(offer.value));
                parts.operator.count_for(framework, "offers/declined");
            }
        }
        parts.wants_allocation(cx.now);
        cx.respond(self.call, Response::Accepted);
        Slice::Done
    }
}

#[cfg(test)]
mod tests;
