//! Who is offered what.
//!
//! Source: Mesos, the hierarchical allocator: dominant resource fairness over roles, then over the frameworks of a role; the
//! whole free remainder of an agent goes to one of them. Unlike there, every change leads to a run, milliseconds later. A run
//! over many agents goes on a slice at a time.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::{Event, event};
use longshore_wire_mesos::v1::{Offer, OfferId, resource};

use crate::amounts::Amounts;
use crate::book::Offered;
use crate::machine::{Output, StreamKey};
use crate::shares::Held;
use crate::state::{Bridge, Timer};
use crate::subscribe::event;
use crate::work::Units;
use crate::{endpoint, feed, limits};

/// An allocation that goes on.
#[derive(Debug)]
pub(crate) struct Run {
    /// ARNs of the instances that have not been looked at.
    instances: Vec<Str>,
    standing: Standing,
}

/// Whoever may be offered something, the poorest first: roles by their share of the cluster, and the frameworks of each by
/// theirs. Equal shares stand by name.
#[derive(Debug, Default)]
struct Standing {
    total: Held,
    roles: BTreeSet<(u64, Str)>,
    members: BTreeMap<Str, Members>,
}

/// A role that is not suppressed, and the frameworks that want its offers.
#[derive(Debug, Default)]
struct Members {
    share: u64,
    by_share: BTreeSet<(u64, Str)>,
}

/// Who is offered an instance.
struct Chosen {
    role: Str,
    /// Share and id.
    framework: (u64, Str),
    stream: StreamKey,
}

impl Standing {
    /// Of all frameworks that are connected, with each role that is not suppressed.
    fn of(bridge: &Bridge) -> Self {
        let mut standing = Self::default();
        for instance in bridge.replica.instances().values() {
            let cpus = u64::from(instance.cpu) * 1000 / 1024;
            standing.total.add(Held::of(cpus, u64::from(instance.memory_mib) * 1000));
        }
        let total = standing.total;
        for framework in bridge.frameworks.values().filter(|one| one.stream.is_some()) {
            for role in framework.roles.difference(&framework.suppressed) {
                let held = bridge.shares.of_framework(role, &framework.id);
                let members = standing.members.entry(role.clone()).or_default();
                members.by_share.insert((held.dominant(total), framework.id.clone()));
            }
        }
        for (role, members) in &mut standing.members {
            members.share = bridge.shares.of_role(role).dominant(total);
            standing.roles.insert((members.share, role.clone()));
        }
        standing
    }

    /// The poorest who wants these amounts of an instance.
    fn poorest(
        &self,
        bridge: &Bridge,
        now: Timestamp,
        arn: &str,
        free: &Amounts,
        units: &mut Units,
    ) -> Option<Chosen> {
        let all = self.roles.iter().filter_map(|(_, role)| self.members.get_key_value(role));
        for (role, members) in all {
            for (share, id) in &members.by_share {
                units.take(1);
                // The run may have begun a while ago.
                let Some(framework) = bridge.frameworks.get(id) else { continue };
                let Some(stream) = framework.stream else { continue };
                let wants = framework.roles.contains(role) && !framework.suppressed.contains(role);
                if wants && !framework.filters.refuses(now, role, arn, free) {
                    let framework = (*share, id.clone());
                    return Some(Chosen { role: role.clone(), framework, stream });
                }
            }
        }
        None
    }

    /// Who was chosen holds more now.
    fn raise(&mut self, bridge: &Bridge, chosen: &Chosen) {
        let Chosen { role, framework: (share, id), .. } = chosen;
        let Some(members) = self.members.get_mut(role) else { return };
        members.by_share.remove(&(*share, id.clone()));
        let held = bridge.shares.of_framework(role, id).dominant(self.total);
        members.by_share.insert((held, id.clone()));
        self.roles.remove(&(members.share, role.clone()));
        members.share = bridge.shares.of_role(role).dominant(self.total);
        self.roles.insert((members.share, role.clone()));
    }
}

/// Begins to offer what is free to those who may have it.
pub(crate) fn begin(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    bridge.count("allocation_runs");
    let standing = Standing::of(bridge);
    if standing.roles.is_empty() || waits(bridge) {
        return;
    }
    let mut instances: Vec<Str> = bridge
        .replica
        .instances()
        .values()
        .filter(|one| one.active && one.connected)
        .map(|one| one.arn.clone())
        .collect();
    // Shuffled, so that no agent is always the last to be offered. Source: [O23].
    for index in (1..instances.len()).rev() {
        let other = usize::try_from(bridge.ids.below("allocation", index as u64 + 1)).unwrap_or(0);
        instances.swap(index, other);
    }
    // They are taken from the end.
    instances.reverse();
    bridge.allocation = Some(Run { instances, standing });
    go_on(bridge, now, out);
}

/// Whether offers wait for a reading: an offer is a promise, so it is made of what is there now.
fn waits(bridge: &mut Bridge) -> bool {
    let is_old = !bridge.feed.is_live() && bridge.fresh_at < bridge.allocation_since;
    let waits = bridge.needs_reading || is_old;
    if waits {
        bridge.needs_reading = true;
        bridge.waits_for_reading = true;
    }
    waits
}

/// The next slice of the allocation. One that has to wait for a reading is begun anew after it.
pub(crate) fn go_on(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    let Some(mut run) = bridge.allocation.take() else { return };
    if waits(bridge) {
        return;
    }
    let mut units = Units::of_a_slice();
    let mut made: BTreeMap<StreamKey, Vec<Offer>> = BTreeMap::new();
    while !run.instances.is_empty() && units.take(10) {
        let Some(arn) = run.instances.pop() else { break };
        units.take(bridge.port_holders(&arn) / 8);
        offer_one(bridge, now, &arn, &mut run.standing, &mut units, &mut made);
    }
    for (stream, offers) in made {
        let event = Event { offers: Some(event::Offers { offers }), ..event(event::Type::Offers) };
        out.push(Output::Send(stream, Box::new(event)));
    }
    bridge.allocation = (!run.instances.is_empty()).then_some(run);
}

/// Offers what is free of one instance.
fn offer_one(
    bridge: &mut Bridge,
    now: Timestamp,
    arn: &Str,
    standing: &mut Standing,
    units: &mut Units,
    made: &mut BTreeMap<StreamKey, Vec<Offer>>,
) {
    let instance = bridge.replica.instances().get(arn);
    let Some(instance) = instance.filter(|one| one.active && one.connected) else { return };
    if feed::is_moving(bridge, now, arn) {
        return;
    }
    let free = bridge.free(instance);
    if free.scalar("cpus") < limits::OFFER_CPUS_MILLI_MIN
        && free.scalar("mem") < limits::OFFER_MEM_MILLI_MIN
    {
        return;
    }
    let Some(chosen) = standing.poorest(bridge, now, arn, &free, units) else { return };
    units.take(20);
    let offer = offer(bridge, now, &chosen.framework.1, &chosen.role, arn, free);
    standing.raise(bridge, &chosen);
    made.entry(chosen.stream).or_default().extend(offer);
}

fn offer(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &Str,
    role: &Str,
    arn: &Str,
    amounts: Amounts,
) -> Option<Offer> {
    let id = format!("{}-O{}", bridge.master_id, bridge.offers_made);
    bridge.offers_made += 1;
    let instance = bridge.replica.instances().get(arn)?;
    let form = bridge.frameworks.get(framework)?.form(role);
    let agent = endpoint::agent(bridge, instance);
    let offer = Offer {
        id: OfferId { value: id.clone() },
        framework_id: longshore_wire_mesos::v1::FrameworkId { value: framework.to_string() },
        agent_id: agent.id,
        hostname: agent.hostname,
        url: Some(agent.url),
        domain: agent.domain,
        resources: amounts.write(&form),
        attributes: agent.attributes,
        allocation_info: form
            .allocated_to
            .clone()
            .map(|role| resource::AllocationInfo { role: Some(role) }),
        ..Default::default()
    };
    let (framework, role, instance) = (framework.clone(), role.clone(), arn.clone());
    let id: Str = id.into();
    if let Some(held_ms) = bridge.config.offer_timeout_ms {
        bridge.at(now + held_ms, Timer::Offer(id.clone()));
    }
    bridge.put_offer(id, Offered { framework, role, instance, amounts });
    bridge.count("offers_sent");
    Some(offer)
}
