//! What an app lacks, and what it has too much of.
//!
//! It is decided from what is there, not from what was done before: after a crash the same follows from the same rows. While instances
//! of older configurations are there, the capacities of the upgrade strategy hold. Source: frameworks.md 3.3, 3 to 5.

use std::sync::Arc;

use longshore_rollout::{Bounds, Share};
use longshore_wire_marathon::{App, PathId};

use super::kills::ordered;
use super::{Context, Marathon};
use crate::events::Event;
use crate::instances::{Instance, Stage, Wellness, Why};

/// How many instances there may be during an upgrade, and how many are to be well. Source: frameworks.md 3.3, 4.
pub(super) fn capacity(app: &App, well_now: u32) -> Bounds {
    let strategy = app.upgrade_strategy;
    let minimum = Share::milli(strategy.minimum_health_capacity_milli);
    let maximum = Share::WHOLE + Share::milli(strategy.maximum_over_capacity_milli);
    let mut bounds = Bounds::of(app.instances, minimum, maximum);
    // Otherwise nothing could ever change.
    if bounds.lower == bounds.upper && bounds.lower <= well_now {
        bounds.upper += 1;
    }
    bounds
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn wide(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// What is decided of an app.
#[derive(Debug, Default)]
struct Verdict {
    surplus: Vec<Arc<str>>,
    upgraded: Vec<Arc<str>>,
    want: u32,
}

impl Marathon {
    /// Looks at every app of which something has changed, and at their deployments.
    pub(super) fn balances(&mut self, cx: &mut Context) {
        loop {
            self.touched.extend(self.instances.take_touched());
            if let Some(id) = self.touched.pop_first() {
                self.balance(cx, &id);
                self.deployments.touch(&id);
                continue;
            }
            let Some((deployment, apps)) = self.deployments.next_touched() else { break };
            self.proceeds(cx, &deployment, apps);
        }
    }

    fn balance(&mut self, cx: &mut Context, id: &PathId) {
        let is_wanted = self.apps.get(id).is_some_and(|kept| {
            let is_stopped = kept.effective.as_ref().is_none_or(|app| app.instances == 0);
            kept.wanted.is_some() || (self.deployments.of(id).is_some() && !is_stopped)
        });
        if !is_wanted {
            return self.stops(cx, id);
        }
        let Some(kept) = self.apps.get(id) else { return };
        let Some(app) = kept.effective.clone() else { return };
        let verdict = self.verdict(id, &app);
        let delay = kept.delay.filter(|one| one.config_ms == app.config_version_ms);
        let is_delayed = delay.is_some_and(|one| one.until > cx.now);
        self.apps.asks(id, verdict.want, is_delayed, cx.wall_ms);
        verdict.surplus.iter().for_each(|one| self.kills(cx, one, Why::Surplus));
        verdict.upgraded.iter().for_each(|one| self.kills(cx, one, Why::Upgrade));
    }

    /// An app that is not wanted any more.
    fn stops(&mut self, cx: &mut Context, id: &PathId) {
        self.apps.asks(id, 0, false, cx.wall_ms);
        let all: Vec<Arc<str>> = self.instances.of(id).map(|(key, _)| key.clone()).collect();
        for one in &all {
            self.kills(cx, one, Why::Surplus);
        }
        if self.instances.of(id).next().is_none() && self.apps.get(id).is_some() {
            self.apps.remove(id);
            self.timers.cancel(&crate::timers::Due::Backoff(id.clone()));
            cx.tell(Event::AppTerminated { app: id.clone() });
        }
    }

    fn verdict(&self, id: &PathId, app: &App) -> Verdict {
        let rules = self.apps.get(id).map_or(&[][..], |kept| &kept.rules);
        let all: Vec<(Arc<str>, &Instance)> =
            self.instances.of(id).map(|(key, one)| (key.clone(), one)).collect();
        let ending = all.iter().filter(|(_, one)| one.killing.is_some()).count();
        let kept = all.into_iter().filter(|(_, one)| one.is_kept());
        let (new, old): (Vec<_>, Vec<_>) =
            kept.partition(|(_, one)| one.config_ms == app.config_version_ms);
        let wanted = wide(app.instances);
        let (new_many, old_many) = (new.len(), old.len());
        let new_well = new.iter().filter(|(_, one)| self.is_done(app, one)).count();
        let surplus = new_many.saturating_sub(wanted);
        let lacking = wanted.saturating_sub(new_many);
        let surplus: Vec<_> = if surplus == 0 {
            Vec::new()
        } else {
            ordered(app, rules, new).into_iter().take(surplus).collect()
        };
        if old.is_empty() {
            let want = narrow(lacking.saturating_sub(ending));
            return Verdict { surplus, want, ..Verdict::default() };
        }
        let (well, ill): (Vec<_>, Vec<_>) =
            old.into_iter().partition(|(_, one)| one.wellness() == Wellness::Well);
        let well_now = narrow(well.len() + new_well);
        let capacity = capacity(app, well_now);
        let spare = wide(capacity.budget(well_now).left());
        // One old instance for each new one that is well; and those who are not well whenever well ones could go.
        let paired = old_many.saturating_sub(wanted.saturating_sub(new_well));
        let want = capacity.starts(narrow(lacking), narrow(new_many + old_many + ending));
        let is_stuck = want == 0 && lacking > 0 && ending == 0 && new_well == new_many;
        let stuck = if is_stuck { lacking } else { 0 };
        let many_ill = spare.max(paired).max(stuck);
        let mut upgraded: Vec<_> = ordered(app, rules, ill).into_iter().take(many_ill).collect();
        let many_well = spare.min(old_many - upgraded.len());
        let left = spare.max(paired).saturating_sub(upgraded.len());
        upgraded.extend(ordered(app, rules, well).into_iter().take(many_well.min(left)));
        Verdict { surplus, upgraded, want }
    }

    /// Whether an instance is well and ready.
    pub(super) fn is_done(&self, app: &App, instance: &Instance) -> bool {
        let is_asked = !app.readiness_checks.is_empty() && self.deployments.of(&app.id).is_some();
        instance.wellness() == Wellness::Well && (instance.is_ready || !is_asked)
    }

    /// Whether an app has what it is to have, and nothing else.
    pub(super) fn is_settled(&self, id: &PathId) -> bool {
        let Some(app) = self.apps.get(id).and_then(|kept| kept.effective.as_ref()) else {
            return false;
        };
        let mut many = 0;
        for (_, one) in self.instances.of(id) {
            if one.is_inactive() {
                continue;
            }
            let is_new = one.config_ms == app.config_version_ms && one.killing.is_none();
            let is_there = one.stage == Stage::Running && is_new;
            if !is_there || !self.is_done(app, one) {
                return false;
            }
            many += 1;
        }
        many == app.instances
    }
}
