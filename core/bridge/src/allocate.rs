//! Who is offered what.
//!
//! Source: Mesos, the hierarchical allocator: dominant resource fairness over roles, then over the frameworks of a role; the
//! whole free remainder of an agent goes to one of them. Unlike there, every change leads to a run, milliseconds later.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::{Event, event};
use longshore_wire_mesos::v1::{Offer, OfferId, resource};

use crate::amounts::Amounts;
use crate::machine::{Output, StreamKey};
use crate::ranges::Ranges;
use crate::state::{Bridge, Offered, Timer};
use crate::subscribe::event;
use crate::{endpoint, feed, limits};

/// Shares in millionths of the cluster, by role and by role and framework.
#[derive(Debug, Default)]
struct Shares {
    total: Amounts,
    roles: BTreeMap<String, Amounts>,
    frameworks: BTreeMap<(String, String), Amounts>,
}

impl Shares {
    fn of(bridge: &Bridge) -> Self {
        let mut shares = Self::default();
        for instance in bridge.replica.instances().values() {
            let cpus = u64::from(instance.cpu) * 1000 / 1024;
            let whole =
                Amounts::of(cpus, u64::from(instance.memory_mib) * 1000, 0, Ranges::default());
            shares.total = shares.total.plus(&whole);
        }
        for launch in bridge.launches.values().filter(|launch| launch.holds()) {
            shares.add(&launch.role, &launch.framework, &launch.claim);
        }
        for offered in bridge.offers.values() {
            shares.add(&offered.role, &offered.framework, &offered.amounts);
        }
        shares
    }

    fn add(&mut self, role: &str, framework: &str, amounts: &Amounts) {
        let scalars = Amounts { scalars: amounts.scalars.clone(), ports: Ranges::default() };
        for held in [
            self.roles.entry(role.to_owned()).or_default(),
            self.frameworks.entry((role.to_owned(), framework.to_owned())).or_default(),
        ] {
            *held = held.plus(&scalars);
        }
    }

    /// The largest part that is held of any resource, in millionths.
    fn dominant(&self, held: Option<&Amounts>) -> u64 {
        let part = |name: &str| {
            let amount = held.map_or(0, |held| held.scalar(name));
            amount.saturating_mul(1_000_000) / self.total.scalar(name).max(1)
        };
        part("cpus").max(part("mem"))
    }

    fn rank(&self, role: &str, framework: &str) -> (u64, u64) {
        let own = self.frameworks.get(&(role.to_owned(), framework.to_owned()));
        (self.dominant(self.roles.get(role)), self.dominant(own))
    }
}

/// Offers what is free to those who may have it.
pub(crate) fn run(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    bridge.count("allocation_runs");
    let candidates = candidates(bridge);
    if candidates.is_empty() {
        return;
    }
    let is_old = !bridge.feed.is_live() && bridge.fresh_at < bridge.allocation_since;
    if bridge.needs_reading || is_old {
        // An offer is a promise: it is made of what is there now.
        bridge.needs_reading = true;
        bridge.waits_for_reading = true;
        return;
    }
    let mut shares = Shares::of(bridge);
    let mut made: BTreeMap<StreamKey, Vec<Offer>> = BTreeMap::new();
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
    for arn in instances {
        let Some(instance) = bridge.replica.instances().get(&arn) else { continue };
        if feed::is_moving(bridge, now, &arn) {
            continue;
        }
        let free = bridge.free(instance);
        if free.scalar("cpus") < limits::OFFER_CPUS_MILLI_MIN
            && free.scalar("mem") < limits::OFFER_MEM_MILLI_MIN
        {
            continue;
        }
        let willing = candidates.iter().filter(|(framework, role, _)| {
            bridge.frameworks.get(framework).is_some_and(|one| !one.refuses(now, role, &arn, &free))
        });
        let poorest = willing
            .min_by_key(|(framework, role, _)| (shares.rank(role, framework), role, framework));
        let Some((framework, role, stream)) = poorest else { continue };
        shares.add(role, framework, &free);
        let offer = offer(bridge, now, framework, role, &arn, free);
        made.entry(*stream).or_default().extend(offer);
    }
    for (stream, offers) in made {
        let event = Event { offers: Some(event::Offers { offers }), ..event(event::Type::Offers) };
        out.push(Output::Send(stream, Box::new(event)));
    }
}

/// Frameworks that are connected, with each role that is not suppressed.
fn candidates(bridge: &Bridge) -> Vec<(String, String, StreamKey)> {
    let mut candidates = Vec::new();
    for (id, framework) in &bridge.frameworks {
        let Some(stream) = framework.stream else { continue };
        for role in framework.roles.iter().filter(|role| !framework.suppressed.contains(*role)) {
            candidates.push((id.clone(), role.clone(), stream));
        }
    }
    candidates
}

fn offer(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    role: &str,
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
        framework_id: longshore_wire_mesos::v1::FrameworkId { value: framework.to_owned() },
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
    let offered = Offered {
        framework: framework.to_owned(),
        role: role.to_owned(),
        instance: arn.clone(),
        amounts,
    };
    if let Some(held_ms) = bridge.config.offer_timeout_ms {
        bridge.at(now + held_ms, Timer::Offer(id.clone()));
    }
    bridge.offers.insert(id, offered);
    bridge.count("offers_sent");
    Some(offer)
}
