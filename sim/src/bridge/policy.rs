//! What one bridge must keep to when it makes offers: what frameworks said of themselves, what they declined, and what operators
//! allow a role. All of it is what the bridge itself was told since it started, so that it holds from that moment on.

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::operator::{Command, QuotaView};
use longshore_machine::Timestamp;
use longshore_replica::Task;
use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::{Offer, TaskState, TaskStatus};

use super::cloud::{Cloud, Owner};
use super::describe::{Description, caller, top};
use super::promises::{Promise, Promises};

/// How long an offer may be out beyond its time, in ms. Source: chosen by us; a bridge is woken for it.
const LATE_MS_MAX: u64 = 1_000;
/// Filters of one framework for one role on one agent that are kept apart; of more the bridge forgets some.
const FILTERS_MAX: usize = 12;

/// Whose filters they are: a framework, a role and an agent.
type Whose = (String, String, String);

/// What was declined, and until when.
#[derive(Clone, Debug)]
struct Declined {
    promise: Promise,
    until: Timestamp,
}

/// A task that was said to run: its id on the cluster, its role and what it claims.
#[derive(Debug)]
struct Running {
    id: String,
    role: String,
    claim: BTreeMap<String, u64>,
}

/// What one bridge was told that its offers must agree with.
#[derive(Debug, Default)]
pub(super) struct Policy {
    frameworks: BTreeMap<String, Description>,
    declined: BTreeMap<Whose, Vec<Declined>>,
    /// Thousandths by resource, of roles that may have only so much.
    limits: BTreeMap<String, BTreeMap<String, u64>>,
    /// Tasks that were said to run.
    running: BTreeMap<Owner, Running>,
}

/// How long a filter lasts, in ms. Source: \[O13\].
fn lasts(seconds: f64) -> u64 {
    if seconds < 0.0 {
        return 5_000;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few minutes at most"
    )]
    let ms = (seconds * 1000.0) as u64;
    if ms == 0 { 0 } else { ms.max(1_000) }
}

fn milli(amount: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "amounts are positive and far below 2^53"
    )]
    let milli = (amount * 1000.0).round() as u64;
    milli
}

/// The role of a task of a framework, and thousandths of the scalars that it claims: it carries both, as `cpus:0.5;mem:64`. In a group
/// each task does, and the executor.
pub(super) fn claim(record: &Task) -> (String, BTreeMap<String, u64>) {
    let containers = record.containers.iter().map(|one| &one.environment);
    let mut carriers: Vec<_> =
        containers.filter(|environment| environment.contains_key("LONGSHORE_CLAIM")).collect();
    if carriers.is_empty() {
        carriers.push(&record.environment);
    }
    let mut sum = BTreeMap::new();
    for claim in carriers.iter().filter_map(|environment| environment.get("LONGSHORE_CLAIM")) {
        for (name, milli) in scalars(claim) {
            *sum.entry(name).or_insert(0) += milli;
        }
    }
    let role = carriers.iter().find_map(|environment| environment.get("MESOS_ALLOCATION_ROLE"));
    (role.map_or_else(|| "*".to_owned(), ToString::to_string), sum)
}

fn scalars(claim: &str) -> BTreeMap<String, u64> {
    let parts = claim.split(';').filter_map(|part| part.split_once(':'));
    parts.filter_map(|(name, value)| Some((name.to_owned(), milli(value.parse().ok()?)))).collect()
}

impl Policy {
    /// A framework describes itself: with its stream, or in a call.
    pub(super) fn describes(&mut self, framework: &str, now: Description, is_anew: bool) {
        let before = self.frameworks.insert(framework.to_owned(), now.clone()).unwrap_or_default();
        self.declined.retain(|(of, role, _), _| {
            let is_kept = before.roles.contains(&**role) && now.roles.contains(&**role);
            let is_revived =
                before.suppressed.contains(&**role) && !now.suppressed.contains(&**role);
            *of != *framework || is_kept && !is_revived && !is_anew
        });
    }

    /// The role that an offer is for.
    pub(super) fn role_of(&self, framework: &str, offer: &Offer) -> String {
        self.said(framework).map(|said| said.role_of(offer)).unwrap_or_default()
    }

    /// What a framework said of itself last.
    pub(super) fn said(&self, framework: &str) -> Option<&Description> {
        self.frameworks.get(framework)
    }

    /// A call was taken.
    pub(super) fn called(&mut self, call: &Call) {
        let Some(id) = caller(call) else { return };
        let Some(known) = self.frameworks.get_mut(id) else { return };
        let named = |roles: &[String]| -> BTreeSet<&'static str> {
            let all = known.roles.iter().copied();
            all.filter(|role| roles.is_empty() || roles.iter().any(|one| one == role)).collect()
        };
        // A call that names a role which is not its own has no effect.
        let is_own = |roles: &[String]| roles.iter().all(|role| known.roles.contains(&**role));
        if let Some(suppress) = call.suppress.as_ref().filter(|part| is_own(&part.roles)) {
            let roles = named(&suppress.roles);
            known.suppressed.extend(roles);
        }
        if let Some(revive) = call.revive.as_ref().filter(|part| is_own(&part.roles)) {
            let roles = named(&revive.roles);
            known.suppressed.retain(|role| !roles.contains(role));
            self.declined.retain(|(of, role, _), _| *of != *id || !roles.contains(&**role));
        }
    }

    /// An offer was declined.
    pub(super) fn declined(&mut self, now: Timestamp, promise: Promise, seconds: f64) {
        let ms = lasts(seconds);
        let key = (promise.framework.clone(), promise.role.clone(), promise.agent.clone());
        let known = self.frameworks.get(&promise.framework);
        if ms > 0 && known.is_some_and(|known| known.roles.contains(&*promise.role)) {
            let filters = self.declined.entry(key).or_default();
            filters.retain(|one| one.until > now);
            filters.push(Declined { promise, until: now + ms });
        }
    }

    /// A framework is not connected any more: whatever it declined is forgotten.
    pub(super) fn is_away(&mut self, framework: &str) {
        self.declined.retain(|(of, ..), _| of != framework);
    }

    /// An agent is gone, and what was declined of it is forgotten.
    pub(super) fn is_gone(&mut self, agent: &str) {
        self.declined.retain(|(_, _, of), _| of != agent);
    }

    /// An operator had something done.
    pub(super) fn commanded(&mut self, command: &Command) {
        let Command::Quota { quota, .. } = command else { return };
        for (role, QuotaView { limits, .. }) in quota {
            let limits = limits.iter().map(|(name, amount)| (name.clone(), milli(*amount)));
            self.limits.insert(role.to_string(), limits.collect());
        }
    }

    /// A framework is told something of a task.
    pub(super) fn told(&mut self, cloud: &Cloud, framework: &str, status: &TaskStatus) {
        let owner = (framework.to_owned(), status.task_id.value.clone());
        let container = status.container_status.as_ref().and_then(|one| one.container_id.as_ref());
        let task = container.and_then(|id| cloud.task_of_id(&id.value));
        if is_terminal(status.state()) || status.unreachable_time.is_some() {
            self.running.remove(&owner);
        } else if status.state() == TaskState::TaskRunning
            && let Some(record) = task.and_then(|(_, held)| held.record())
        {
            let (role, claim) = claim(record);
            let id = container.map(|id| id.value.clone()).unwrap_or_default();
            self.running.insert(owner, Running { id, role, claim });
        }
    }

    /// What is wrong with an offer that was just made and is among those that are out.
    pub(super) fn wrong(
        &self,
        now: Timestamp,
        framework: &str,
        offer: &Offer,
        (promises, cloud): (&Promises, &Cloud),
    ) -> Option<String> {
        let said = self.frameworks.get(framework)?;
        let id = &offer.id.value;
        if let Some(what) = said.wrong(offer) {
            return Some(format!("offer {id} to {framework} {what}"));
        }
        let promise = promises.offers.get(id)?;
        let key = (framework.to_owned(), promise.role.clone(), promise.agent.clone());
        let filters = self.declined.get(&key).filter(|all| all.len() <= FILTERS_MAX);
        let blocks = |one: &&Declined| one.until > now && promise.is_part_of(&one.promise);
        if let Some(filter) = filters.into_iter().flatten().find(blocks) {
            let until = filter.until.since(now);
            return Some(format!("offer {id} was declined for {until} ms more by {framework}"));
        }
        self.over_limit(cloud, promise, promises)
    }

    /// Whether a role is offered more than it may have, beside what runs. A limit below what it has already takes nothing away.
    fn over_limit(&self, cloud: &Cloud, promise: &Promise, promises: &Promises) -> Option<String> {
        let role = top(&promise.role);
        for (name, most) in
            self.limits.get(role)?.iter().filter(|(name, _)| promise.amount(name) > 0)
        {
            let offered = promises.offers.values().filter(|one| top(&one.role) == role);
            let offered: u64 = offered.map(|one| one.amount(name)).sum();
            // What has stopped does not count, though it may be a while before its framework can be told.
            let live = |one: &&Running| {
                top(&one.role) == role
                    && cloud.task_of_id(&one.id).is_some_and(|(_, task)| task.is_live())
            };
            let running = self.running.values().filter(live);
            let running: u64 = running.filter_map(|one| one.claim.get(name)).sum();
            if offered + running > *most {
                return Some(format!(
                    "role {role} is at most to have {most} m of {name}, and is offered {offered} beside {running} that run"
                ));
            }
        }
        None
    }
}

/// An offer that has been out for longer than it may be.
pub(super) fn overdue(now: Timestamp, timeout_ms: u64, promises: &Promises) -> Option<String> {
    let mut offers = promises.offers.iter();
    let late = offers.find(|(_, one)| now.since(one.made_at) > timeout_ms + LATE_MS_MAX);
    late.map(|(id, one)| {
        format!("offer {id} has been out for {} ms, beyond its time", now.since(one.made_at))
    })
}
