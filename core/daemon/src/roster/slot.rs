//! A slot: an environment on an instance.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_replica::{LastStatus, Task};
use longshore_wire_ecs::Str;

use super::plan::StopWhy;
use crate::limits;

/// What is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    /// Id of the deployment.
    pub(crate) deployment: Str,
    /// ARN of the task definition.
    pub(crate) definition: Str,
    /// Whether tasks of that definition which another deployment started may stay.
    pub(crate) adopts: bool,
}

/// A task of the environment that has not stopped.
#[derive(Clone, Debug)]
struct Own {
    deployment: Str,
    definition: Str,
    /// Whether it is to run, and nobody has told it to stop.
    wanted: bool,
    running: bool,
    healthy: bool,
    /// Whether it is being told to stop.
    told: bool,
}

/// A start that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) deployment: Str,
    pub(crate) since: Timestamp,
    /// Looks for its task since its reply was lost; `None` while a reply may come.
    looks: Option<u32>,
    /// Whether its task was told of before its reply.
    seen: bool,
}

impl Attempt {
    /// Whether its reply was lost.
    pub(crate) fn is_unsure(&self) -> bool {
        self.looks.is_some()
    }
}

/// Why the last start came to nothing.
#[derive(Clone, Debug)]
struct Trouble {
    /// `None` once a task runs: it only counts how often.
    reason: Option<Str>,
    times: u32,
    next_at: Timestamp,
}

/// How a slot stands, for the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) member: bool,
    pub(crate) healthy: bool,
    pub(crate) unsettled: bool,
    pub(crate) failed: bool,
    pub(crate) attempt: bool,
    pub(crate) occupied: bool,
}

/// An environment on an instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// Whether the instance is ACTIVE and in the group.
    member: bool,
    /// Whether its agent is connected.
    connected: bool,
    tasks: BTreeMap<Str, Own>,
    attempt: Option<Attempt>,
    trouble: Option<Trouble>,
    /// Whether it is started by itself, since ECS refused a request that named others too.
    pub(crate) alone: bool,
}

static DISCONNECTED: std::sync::LazyLock<Str> = std::sync::LazyLock::new(|| "AGENT".into());

impl Slot {
    /// Whether nothing is known that another slot would not know.
    pub(super) fn is_blank(&self) -> bool {
        !self.member && self.tasks.is_empty() && self.attempt.is_none()
    }

    pub(crate) fn attempt(&self) -> Option<&Attempt> {
        self.attempt.as_ref()
    }

    pub(super) fn has_task_of(&self, deployment: &str) -> bool {
        self.tasks.values().any(|own| *own.deployment == *deployment)
    }

    /// The task that is wanted and serves best.
    fn best(&self, current: Option<&Current>) -> Option<(&Str, &Own)> {
        let wanted = self.tasks.iter().filter(|(_, own)| own.wanted);
        // Of equals the first by ARN, whoever looks.
        wanted.rev().max_by_key(|(_, own)| (own.is_current(current), own.is_up(), own.running))
    }

    /// Why the instance does not have its task, if it cannot have it now.
    pub(super) fn failure(&self) -> Option<&Str> {
        if !self.member || self.attempt.is_some() || !self.tasks.is_empty() {
            return None;
        }
        let reason = self.trouble.as_ref().and_then(|trouble| trouble.reason.as_ref());
        reason.or((!self.connected).then_some(&*DISCONNECTED))
    }

    pub(super) fn stand(&self, current: Option<&Current>) -> Stand {
        let best = self.best(current);
        let is_current = best.is_some_and(|(_, own)| own.is_current(current));
        let failed = self.failure().is_some();
        let is_as_wanted = if self.member {
            let is_up = best.is_some_and(|(_, own)| own.running);
            failed || (is_current && is_up && self.tasks.len() == 1 && self.attempt.is_none())
        } else {
            self.tasks.is_empty() && self.attempt.is_none()
        };
        Stand {
            member: self.member,
            healthy: best.is_some_and(|(_, own)| own.is_up()),
            unsettled: !is_as_wanted,
            failed,
            attempt: self.attempt.is_some(),
            occupied: !self.tasks.is_empty(),
        }
    }

    /// Tasks that are to be stopped whatever else is so: one is enough, and none where the instance left the group.
    pub(super) fn surplus(&self, current: Option<&Current>) -> Vec<(Str, StopWhy)> {
        let wanted = self.tasks.iter().filter(|(_, own)| own.wanted);
        if !self.member {
            return wanted.map(|(arn, _)| (arn.clone(), StopWhy::Left)).collect();
        }
        let best = self.best(current).map(|(arn, _)| arn);
        let others = wanted.filter(|(arn, _)| Some(*arn) != best);
        others.map(|(arn, _)| (arn.clone(), StopWhy::Surplus)).collect()
    }

    /// Whether a task is to be started now: there is none that has not stopped, and none may be on its way.
    pub(super) fn wants_start(&self, now: Timestamp) -> bool {
        let waits = self.trouble.as_ref().is_some_and(|trouble| trouble.next_at > now);
        self.member && self.connected && self.tasks.is_empty() && self.attempt.is_none() && !waits
    }

    /// The task of an older deployment that is in the place of one of the current, and whether it serves still.
    pub(super) fn outdated(&self, current: Option<&Current>) -> Option<(Str, bool)> {
        let (arn, own) = self.best(current)?;
        (self.member && !own.is_current(current)).then(|| (arn.clone(), own.is_up()))
    }

    /// Until when it waits before it is tried again.
    pub(super) fn waits_until(&self) -> Option<Timestamp> {
        let trouble = self.trouble.as_ref()?;
        let is_empty = self.member && self.tasks.is_empty() && self.attempt.is_none();
        is_empty.then_some(trouble.next_at)
    }

    /// Whether it is news that the instance is like this.
    pub(crate) fn would_change(&self, member: bool, connected: bool) -> bool {
        (self.member, self.connected) != (member, connected) || self.trouble.is_some()
    }

    /// The instance is like this. Whether it has changed may make room for what it did not take.
    pub(crate) fn place(&mut self, now: Timestamp, member: bool, connected: bool) {
        let came_back = connected && !self.connected;
        (self.member, self.connected) = (member, connected);
        if !member {
            self.trouble = None;
            return;
        }
        if let Some(trouble) = &mut self.trouble {
            let is_room = trouble.reason.as_deref().is_some_and(|why| why.starts_with("RESOURCE"));
            let soon = now + limits::RETRY_MS;
            if came_back || (is_room && trouble.next_at > soon) {
                trouble.next_at = if came_back { now } else { soon };
            }
        }
    }

    /// Starts of another definition may fare better.
    pub(super) fn forgive(&mut self) {
        self.trouble = None;
        self.alone = false;
    }

    /// A start is under way.
    pub(crate) fn begin(&mut self, now: Timestamp, deployment: Str) {
        self.attempt = Some(Attempt { deployment, since: now, looks: None, seen: false });
    }

    /// A start may have been under way when this program ended.
    pub(crate) fn doubt(&mut self, now: Timestamp, deployment: Str) {
        if self.tasks.is_empty() && self.attempt.is_none() {
            self.attempt = Some(Attempt { deployment, since: now, looks: Some(0), seen: false });
        }
    }

    /// Its reply was lost.
    pub(crate) fn lose(&mut self, now: Timestamp) {
        if let Some(attempt) = &mut self.attempt {
            if attempt.seen {
                self.attempt = None;
            } else {
                // ECS may take it as late as now.
                attempt.since = now;
                attempt.looks = Some(0);
            }
        }
    }

    /// A look that was asked for after its reply was lost did not find its task.
    pub(crate) fn looked(&mut self, asked_at: Timestamp) {
        if let Some(attempt) = &mut self.attempt
            && let Some(looks) = &mut attempt.looks
            && attempt.since <= asked_at
        {
            *looks += 1;
            if *looks >= limits::SETTLE_LOOKS {
                self.attempt = None;
            }
        }
    }

    /// It was not done, and may be tried again in a moment.
    pub(crate) fn postpone(&mut self, now: Timestamp) {
        self.attempt = None;
        let (reason, times) = match self.trouble.take() {
            Some(trouble) => (trouble.reason, trouble.times),
            None => (None, 0),
        };
        self.trouble = Some(Trouble { reason, times, next_at: now + limits::RETRY_MS });
    }

    /// ECS did not accept a request that named others too.
    pub(crate) fn isolate(&mut self) {
        self.attempt = None;
        self.alone = true;
    }

    /// The start came to an end with its task.
    pub(crate) fn arrive(&mut self) {
        self.attempt = None;
        self.alone = false;
    }

    /// The instance did not take it, or it ended by itself.
    pub(crate) fn fail(&mut self, now: Timestamp, reason: Str) {
        self.attempt = None;
        let times = self.trouble.as_ref().map_or(0, |trouble| trouble.times) + 1;
        let wait = limits::TROUBLE_MIN_MS << (times - 1).min(10);
        let next_at = now + wait.min(limits::TROUBLE_MAX_MS);
        self.trouble = Some(Trouble { reason: Some(reason), times, next_at });
    }

    /// A task of the environment is like this now.
    pub(super) fn saw(&mut self, now: Timestamp, task: &Task, by: &Str, is_new: bool) {
        let mut is_awaited = false;
        if is_new
            && let Some(attempt) = &mut self.attempt
            && attempt.deployment == *by
        {
            is_awaited = true;
            if attempt.is_unsure() {
                self.attempt = None;
            } else {
                attempt.seen = true;
            }
        }
        if task.last_status == LastStatus::Stopped {
            self.ended(now, task, is_awaited);
            return;
        }
        let told = self.tasks.get(&task.arn).is_some_and(|own| own.told);
        let own = Own {
            deployment: by.clone(),
            definition: task.definition_arn.clone(),
            wanted: task.desired_running && !told,
            running: task.last_status == LastStatus::Running,
            healthy: task.healthy != Some(false),
            told,
        };
        if own.is_up()
            && let Some(trouble) = &mut self.trouble
        {
            trouble.reason = None;
        }
        self.tasks.insert(task.arn.clone(), own);
    }

    /// A task has stopped. One that nobody told to has failed.
    fn ended(&mut self, now: Timestamp, task: &Task, is_awaited: bool) {
        let own = self.tasks.remove(&task.arn);
        if own.is_none() && !is_awaited {
            return;
        }
        let was_told = own.is_some_and(|own| own.told);
        let by_somebody = matches!(
            task.stop_code,
            Some(
                longshore_replica::StopCode::UserInitiated | longshore_replica::StopCode::HostLost
            )
        );
        if was_told || by_somebody || !self.member || !self.tasks.is_empty() {
            return;
        }
        if now.millis().saturating_sub(task.created_at_ms) >= limits::STEADY_MS {
            self.trouble = None;
            return;
        }
        let why = task.stopped_reason.clone();
        let attempt = self.attempt.take();
        self.fail(now, why.unwrap_or_else(|| "the task ended by itself".into()));
        self.attempt = attempt;
    }

    /// A task is not known to ECS any more.
    pub(crate) fn vanished(&mut self, task: &str) {
        self.tasks.remove(task);
    }

    /// A task is told to stop.
    pub(crate) fn tell(&mut self, task: &str) {
        if let Some(own) = self.tasks.get_mut(task) {
            (own.told, own.wanted) = (true, false);
        }
    }

    /// A task could not be told to stop: once more.
    pub(crate) fn untell(&mut self, task: &str) {
        if let Some(own) = self.tasks.get_mut(task) {
            (own.told, own.wanted) = (false, true);
        }
    }

    pub(super) fn audit(&self) {
        if let Some(attempt) = &self.attempt {
            assert!(attempt.looks.unwrap_or(0) < limits::SETTLE_LOOKS, "a settled attempt is kept");
        }
    }
}

impl Own {
    fn is_current(&self, current: Option<&Current>) -> bool {
        current.is_some_and(|current| {
            self.deployment == current.deployment
                || (current.adopts && self.definition == current.definition)
        })
    }

    fn is_up(&self) -> bool {
        self.running && self.healthy
    }
}
