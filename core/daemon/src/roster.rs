//! The slots of an environment: for each instance, the tasks of the environment on it, and the attempt to start one.
//!
//! What is to be done is decided slot by slot ([`slot`]), and only for slots that something was told of; how many may be
//! replaced at a time follows from counts that are kept. Both come together in a [`Plan`], which is a value.
//!
//! Invariant: counts are those of the slots (see [`Roster::audit`]).

mod plan;
mod slot;

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::Task;
use longshore_wire_ecs::Str;

pub use self::plan::{Plan, StopWhy};
pub(crate) use self::slot::{Attempt, Current, Slot, Stand};

/// How many slots stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Instances of the group.
    pub(crate) members: usize,
    /// Those with a healthy task, of whatever deployment.
    pub(crate) healthy: usize,
    /// Those that are not as they should be, and may still become so.
    pub(crate) unsettled: usize,
    /// Those that cannot have their task now.
    pub(crate) failed: usize,
    /// Attempts that are under way.
    pub(crate) attempts: usize,
    /// Slots with tasks that have not stopped.
    pub(crate) occupied: usize,
}

/// All slots of an environment.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    slots: BTreeMap<Str, Slot>,
    counts: Counts,
    /// Slots that something was told of since they were looked at.
    dirty: BTreeSet<Str>,
    /// Members whose only wanted task is of an older deployment.
    /// Those whose task does not serve come first, since they may go whatever the budget is.
    outdated: BTreeSet<(bool, Str)>,
    /// What is deployed.
    current: Option<Current>,
}

/// Whether a slot whose only wanted task is of an older deployment serves; `None` for others.
fn rank(slot: &Slot, current: Option<&Current>) -> Option<bool> {
    current?;
    slot.outdated(current).map(|(_, is_up)| is_up)
}

impl Counts {
    fn add(&mut self, stand: Stand, sign: isize) {
        let change = |count: &mut usize, is: bool| {
            if is {
                *count = count.saturating_add_signed(sign);
            }
        };
        change(&mut self.members, stand.member);
        change(&mut self.healthy, stand.member && stand.healthy);
        change(&mut self.unsettled, stand.unsettled);
        change(&mut self.failed, stand.failed);
        change(&mut self.attempts, stand.attempt);
        change(&mut self.occupied, stand.occupied);
    }
}

impl Roster {
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn slot(&self, instance: &str) -> Option<&Slot> {
        self.slots.get(instance)
    }

    /// Members that cannot have their task, by ARN, with the reason.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (&Str, &Str)> {
        self.slots.iter().filter_map(|(arn, slot)| Some((arn, slot.failure()?)))
    }

    /// Whether something is to be looked at.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Changes a slot, and has it looked at. A slot that says nothing more is dropped.
    pub(crate) fn change(&mut self, instance: &Str, change: impl FnOnce(&mut Slot)) {
        let current = self.current.as_ref();
        let slot = self.slots.entry(instance.clone()).or_default();
        self.counts.add(slot.stand(current), -1);
        change(slot);
        let stand = slot.stand(current);
        let is_blank = slot.is_blank();
        if !is_blank {
            self.counts.add(stand, 1);
        }
        self.dirty.insert(instance.clone());
        let outdated = rank(slot, current).filter(|_| !is_blank);
        if is_blank {
            self.slots.remove(instance);
        }
        for is_up in [false, true] {
            let key = (is_up, instance.clone());
            if outdated == Some(is_up) {
                self.outdated.insert(key);
            } else {
                self.outdated.remove(&key);
            }
        }
    }

    /// Has a slot looked at, for something that only time changes.
    pub(crate) fn touch(&mut self, instance: &Str) {
        if self.slots.contains_key(instance) {
            self.dirty.insert(instance.clone());
        }
    }

    /// Another deployment counts from now on: all slots are looked at.
    pub(crate) fn deploy(&mut self, current: Option<Current>) {
        self.current = current;
        let current = self.current.as_ref();
        self.counts = Counts::default();
        self.outdated.clear();
        for (arn, slot) in &mut self.slots {
            slot.forgive();
            let stand = slot.stand(current);
            self.counts.add(stand, 1);
            self.outdated.extend(rank(slot, current).map(|is_up| (is_up, arn.clone())));
            self.dirty.insert(arn.clone());
        }
    }

    /// What is to be done now. Slots count as looked at.
    pub(crate) fn plan(&mut self, now: Timestamp, min_healthy_percent: u8) -> Plan {
        let dirty = std::mem::take(&mut self.dirty);
        let looked_at = dirty.iter().filter_map(|arn| Some((arn, self.slots.get(arn)?)));
        let outdated = self.outdated.iter();
        let outdated = outdated.filter_map(|(_, arn)| Some((arn, self.slots.get(arn)?)));
        let budget = plan::budget(&self.counts, min_healthy_percent);
        plan::plan(now, self.current.as_ref(), looked_at, outdated, budget)
    }

    /// Whether nothing is left to do but to replace tasks that serve, of which none may be stopped.
    pub(crate) fn is_held_back(&self, min_healthy_percent: u8) -> bool {
        let waits = self.counts.unsettled > 0 && self.counts.unsettled == self.outdated.len();
        waits && plan::budget(&self.counts, min_healthy_percent).is_spent()
    }

    /// When slots that wait for time to pass are to be looked at again.
    pub(crate) fn waits(&self, arns: &[Str]) -> Vec<(Timestamp, Str)> {
        let waits = |arn: &Str| Some((self.slots.get(arn)?.waits_until()?, arn.clone()));
        arns.iter().filter_map(waits).collect()
    }

    /// Slots count as looked at.
    pub(crate) fn looked_at(&mut self, arns: &[Str]) {
        for arn in arns {
            self.dirty.remove(arn);
        }
    }

    /// Whether an attempt for a deployment is under way.
    pub(crate) fn has_attempt_of(&self, deployment: &str) -> bool {
        let is_it = |slot: &Slot| slot.attempt().is_some_and(|one| *one.deployment == *deployment);
        self.counts.attempts > 0 && self.slots.values().any(is_it)
    }

    /// Slots that something was told of.
    pub(crate) fn dirty(&self) -> Vec<Str> {
        self.dirty.iter().cloned().collect()
    }

    /// Instances with attempts that were not answered, for a deployment.
    pub(crate) fn unsure(&self, deployment: &str) -> Vec<Str> {
        let is_it = |slot: &Slot| {
            slot.attempt().is_some_and(|one| one.is_unsure() && *one.deployment == *deployment)
        };
        self.slots.iter().filter(|(_, slot)| is_it(slot)).map(|(arn, _)| arn.clone()).collect()
    }

    /// ARNs of all instances that have a slot.
    pub(crate) fn instances(&self) -> Vec<Str> {
        self.slots.keys().cloned().collect()
    }

    /// Whether a task of this deployment has not stopped.
    pub(crate) fn has_task_of(&self, deployment: &str) -> bool {
        self.slots.values().any(|slot| slot.has_task_of(deployment))
    }

    /// A task of the environment, as it is now. Whether it is new decides what it says of an attempt.
    pub(crate) fn saw(&mut self, now: Timestamp, task: &Task, is_new: bool) {
        if let (Some(instance), Some(by)) = (task.instance_arn.clone(), task.started_by.clone()) {
            self.change(&instance, |slot| slot.saw(now, task, &by, is_new));
        }
    }

    /// Checks the counts against the slots.
    pub(crate) fn audit(&self) {
        let current = self.current.as_ref();
        let mut counts = Counts::default();
        for (arn, slot) in &self.slots {
            let stand = slot.stand(current);
            counts.add(stand, 1);
            assert!(!slot.is_blank(), "a slot that says nothing is kept");
            assert_eq!(
                rank(slot, current),
                [false, true].into_iter().find(|up| self.outdated.contains(&(*up, arn.clone()))),
                "outdated slots are not indexed"
            );
            slot.audit();
        }
        assert_eq!(counts, self.counts, "the counts are not those of the slots");
        let known = |(_, arn): &(bool, Str)| self.slots.contains_key(arn);
        assert!(self.outdated.iter().all(known), "an outdated slot is not there");
    }
}
