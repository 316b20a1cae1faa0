//! After the storm: what operators see is what there is, what a role is guaranteed it gets, and no role gets more than it may have.

use std::collections::BTreeSet;

use longshore_bridge::operator::{Command, FrameworkEntry, QuotaView, View};
use longshore_wire_ecs::Str;

use super::describe::{self, Rule, top};
use super::policy;
use super::scheduler::Scheduler;
use super::world::World;

/// What role `a` may have, in thousandths of CPUs.
const LIMIT_MILLI: u64 = 600;
/// What each task takes then.
pub(super) const MODEST_MILLI: u32 = 200;
/// The same of memory, in thousandths of MiB.
pub(super) const MODEST_MEM_MILLI: u64 = 8_000;

fn quota(guarantee: Option<u64>, limit: Option<u64>) -> QuotaView {
    let amount = |milli: u64| f64::from(u32::try_from(milli).unwrap_or(0)) / 1000.0;
    let named = |milli: u64| ("cpus".to_owned(), amount(milli));
    QuotaView {
        guarantees: guarantee.into_iter().map(named).collect(),
        limits: limit.into_iter().map(named).collect(),
    }
}

impl World {
    /// What operators see of frameworks and agents is what those believe and what is there.
    pub(super) fn check_seen(&mut self) {
        for master in 0..self.masters.len() {
            self.look(master);
            let Some(view) = self.masters[master].seen.take() else { continue };
            let mut wrong = self.agents_seen(&view);
            let own = self.schedulers.iter().filter(|one| one.master == master && !one.gone);
            for one in own {
                let Some(id) = &one.id else { continue };
                match view.framework(id) {
                    Some(entry) => wrong.extend(framework_seen(one, entry)),
                    None => wrong.push(format!("{id} is not seen by operators")),
                }
            }
            self.ledger.violations.extend(wrong);
        }
    }

    /// Agents that are marked gone are none, except to a bridge that has decided something else about them itself.
    fn agents_seen(&self, view: &View) -> Vec<String> {
        let seen: BTreeSet<&str> = view.agents().map(|(agent, _)| &**agent.id.text()).collect();
        let registered = self.cloud.registered();
        let is_gone =
            |arn: &Str| self.cloud.decided(arn).is_some_and(|what| what.starts_with("gone:"));
        let (gone, there): (Vec<&Str>, Vec<&Str>) = registered.iter().partition(|arn| is_gone(arn));
        let ids = |arns: Vec<&'_ Str>| -> BTreeSet<String> {
            arns.into_iter().filter_map(|arn| Some(arn.rsplit('/').next()?.to_owned())).collect()
        };
        let (gone, there) = (ids(gone), ids(there));
        let may_differ = self.masters.len() > 1;
        let is_missed = there.iter().any(|agent| !seen.contains(&**agent));
        let is_lawful =
            |agent: &&str| there.contains(*agent) || (may_differ && gone.contains(*agent));
        let differ = is_missed || !seen.iter().all(is_lawful);
        differ
            .then(|| format!("operators see agents {seen:?}, and there are {there:?}"))
            .into_iter()
            .collect()
    }

    /// CPUs, in thousandths, that live tasks of a role and those below it claim.
    fn claimed_by(&self, role: &str) -> u64 {
        let live =
            self.cloud.tasks.values().filter(|task| task.is_live() && !task.owners.is_empty());
        let claims = live.filter_map(|task| task.record().map(policy::claim));
        let own = claims.filter(|(of, _)| top(of) == role);
        own.filter_map(|(_, claim)| claim.get("cpus").copied()).sum()
    }

    /// CPUs, in thousandths, that nobody uses of agents which take tasks.
    fn free(&self) -> u64 {
        let mut registered = self.cloud.registered();
        registered.retain(|arn| self.cloud.decided(arn).is_none());
        let free = |arn: &Str| {
            let cpu = self.cloud.instance(arn).map_or(0, |instance| u64::from(instance.cpu));
            cpu.saturating_sub(self.cloud.held(arn).0)
        };
        registered.iter().map(free).sum::<u64>() * 1000 / 1024
    }

    /// With everyone greedy, a guarantee that fits is met and a limit is kept to. The guarantee is more than a fair share.
    pub(super) fn check_quota(&mut self) {
        let (free, had) = (self.free(), self.claimed_by("b"));
        let guaranteed = had + free * 6 / 10;
        let agents = u64::try_from(self.cloud.registered().len()).unwrap_or(0);
        let set = vec![
            ("a".into(), quota(None, Some(LIMIT_MILLI))),
            ("b".into(), quota(Some(guaranteed), None)),
        ];
        self.command(0, Command::Quota { force: true, quota: set });
        let before = self.claimed_by("a");
        let greed = usize::try_from(free / u64::from(MODEST_MILLI)).unwrap_or(0);
        self.is_modest = true;
        for scheduler in 0..self.schedulers.len() {
            let one = &mut self.schedulers[scheduler];
            one.description.rule = Rule::Any;
            one.description.least = None;
            one.wants = one.tasks.len() + greed;
            self.describe_again(scheduler);
            self.call(scheduler, describe::revive(None));
        }
        self.wait(4);
        let limited = self.claimed_by("a");
        if limited > before.max(LIMIT_MILLI) {
            self.ledger.fail(format!("role a has {limited} m CPUs, beyond its limit"));
        }
        let has_role = |one: &Scheduler| one.description.roles.iter().any(|role| top(role) == "b");
        if self.schedulers.iter().any(|one| !one.gone && has_role(one)) {
            self.tally.count("quota", "a guarantee was wanted");
            // What is left of an agent may be too little for one more task.
            let (has, slack) = (self.claimed_by("b"), agents * u64::from(MODEST_MILLI));
            if has + slack < guaranteed {
                self.ledger.fail(format!(
                    "role b has {has} m CPUs and is guaranteed more: {guaranteed}, of which {free} were free"
                ));
            }
        }
        self.is_modest = false;
        for one in &mut self.schedulers {
            one.wants = 0;
        }
        self.end_policies();
    }
}

/// What is wrong with what operators see of a framework.
fn framework_seen(one: &Scheduler, entry: &FrameworkEntry) -> Vec<String> {
    let view = entry.view();
    let mut wrong = Vec::new();
    if !view.connected || !view.active {
        wrong.push(format!("{} is connected, and operators see that it is not", view.id));
    }
    for task in entry.tasks() {
        let known = one.tasks.get(&**task.id.text());
        let healthy = task.statuses.last().and_then(|last| last.healthy);
        let agrees = known.is_some_and(|known| {
            let agent = known.agent == **task.agent.text();
            agent && known.state == Some(task.state) && known.healthy == healthy
        });
        if !agrees {
            wrong.push(format!("operators see {task:?}, and its framework knows {known:?}"));
        }
    }
    let unseen = one.tasks.keys().filter(|id| entry.task(id).is_none());
    wrong.extend(unseen.map(|id| format!("operators do not see task {id} of {}", view.id)));
    wrong
}
