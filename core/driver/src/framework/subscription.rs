//! A framework and its subscription: whether there is to be one, whether offers are wanted, and when states are asked for.
//!
//! Invariant: a driver runs from the first work on until it gives up; no two are asked for at a time.

use longshore_machine::Timestamp;

use crate::{Command, limits};

/// What follows when a driver gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Another driver is to take its place, for a new framework: the master has removed this one, and its tasks with it.
    Removed,
    /// Another driver is to take its place.
    Again,
    /// The scheduler is to end.
    Over,
}

/// A framework's subscription, as the framework sees it.
#[derive(Debug, Default)]
pub struct Subscription {
    framework: Option<String>,
    /// Whether a driver was asked for that has not given up.
    has_driver: bool,
    is_open: bool,
    /// When it opened last.
    opened_at: Option<Timestamp>,
    /// Whether the framework was claimed back once.
    was_contested: bool,
    /// The master's region.
    region: Option<String>,
    /// What the master was told; `None` if nothing since it opened.
    wants: Option<bool>,
    revive_at: Option<Timestamp>,
    reconcile_at: Option<Timestamp>,
}

impl Subscription {
    /// The one of a framework that has this id, or none yet.
    pub fn of(framework: Option<String>) -> Self {
        Self { framework, ..Self::default() }
    }

    /// The framework's id, once it has one.
    pub fn framework(&self) -> Option<&str> {
        self.framework.as_deref()
    }

    /// Whether there is one.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether a driver is to be started now, since there is something to do for the first time. Who has nothing to do does not show up
    /// at a master.
    pub fn connects(&mut self, has_work: bool) -> bool {
        let starts = self.is_missed(has_work);
        self.has_driver |= starts;
        starts
    }

    /// Whether there is something to do, and no driver to do it with.
    pub fn is_missed(&self, has_work: bool) -> bool {
        has_work && !self.has_driver
    }

    /// The driver has given up, and says why. A framework that was removed comes back without its id. One that was taken over soon
    /// after it subscribed claims its id back, once: what took it may be the last call of the process before this one, which arrived
    /// late. Source: frameworks.md 2.1; Mesos, `Master::removeFramework` and `failoverFramework`.
    pub fn gives_up(&mut self, now: Timestamp, why: &str) -> GivenUp {
        self.closes();
        if why.contains("Framework has been removed") {
            self.framework = None;
            self.has_driver = false;
            return GivenUp::Removed;
        }
        let is_new = self.opened_at.is_none_or(|at| now < at + limits::CONTESTED_MS);
        if why.contains("Framework failed over") && is_new && !self.was_contested {
            self.was_contested = true;
            self.has_driver = false;
            return GivenUp::Again;
        }
        GivenUp::Over
    }

    /// A master has accepted the framework. Returns whether its id is another one than was known.
    pub fn opens(&mut self, now: Timestamp, framework: Option<String>) -> bool {
        self.is_open = true;
        self.opened_at = Some(now);
        self.wants = None;
        self.revive_at = None;
        self.reconcile_at = Some(now);
        let is_new = framework.is_some() && framework != self.framework;
        if is_new {
            self.framework = framework;
        }
        is_new
    }

    /// Where the master is.
    pub fn is_in(&mut self, region: Option<String>) {
        self.region = region;
    }

    /// The master's region.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// There is none any more.
    pub fn closes(&mut self) {
        self.is_open = false;
        self.revive_at = None;
        self.reconcile_at = None;
    }

    /// What to say so that offers come if something waits, and do not if nothing does.
    pub fn wants(&mut self, now: Timestamp, is_waiting: bool) -> Option<Command> {
        if !self.is_open {
            return None;
        }
        let is_due = is_waiting && self.revive_at.is_some_and(|at| at <= now);
        if self.wants == Some(is_waiting) && !is_due {
            return None;
        }
        self.wants = Some(is_waiting);
        self.revive_at = is_waiting.then(|| now + limits::REVIVE_MS);
        Some(if is_waiting { Command::Revive(None) } else { Command::Suppress(None) })
    }

    /// Whether states are to be asked for now.
    pub fn reconciles(&mut self, now: Timestamp) -> bool {
        let is_due = self.is_open && self.reconcile_at.is_some_and(|at| at <= now);
        if is_due {
            self.reconcile_at = Some(now + limits::RECONCILE_MS);
        }
        is_due
    }

    /// When there is something to say again.
    pub fn wake_at(&self) -> Option<Timestamp> {
        [self.revive_at, self.reconcile_at].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn open() -> Subscription {
        let mut subscription = Subscription::default();
        assert!(subscription.connects(true));
        assert!(subscription.opens(at(1_000), Some("one".to_owned())));
        subscription
    }

    #[test]
    fn a_driver_is_asked_for_once_there_is_work_and_only_once() {
        let mut subscription = Subscription::default();
        assert!(!subscription.connects(false) && !subscription.is_missed(false));
        assert!(subscription.is_missed(true) && subscription.connects(true));
        assert!(!subscription.is_missed(true) && !subscription.connects(true));
    }

    #[test]
    fn a_framework_that_was_removed_comes_back_without_its_id_as_often_as_it_happens() {
        let mut subscription = open();
        for _ in 0..3 {
            let given_up = subscription.gives_up(at(900_000), "Framework has been removed");
            assert_eq!((given_up, subscription.framework()), (GivenUp::Removed, None));
            assert!(!subscription.is_open() && subscription.connects(true));
            subscription.opens(at(900_000), Some("two".to_owned()));
        }
    }

    #[test]
    fn an_id_that_was_taken_over_at_once_is_claimed_back_once() {
        let mut subscription = open();
        assert_eq!(subscription.gives_up(at(2_000), "Framework failed over"), GivenUp::Again);
        assert_eq!(subscription.framework(), Some("one"));
        assert!(subscription.connects(true));
        subscription.opens(at(3_000), Some("one".to_owned()));
        assert_eq!(subscription.gives_up(at(4_000), "Framework failed over"), GivenUp::Over);
        let late = open().gives_up(at(1_000 + limits::CONTESTED_MS), "Framework failed over");
        assert_eq!(late, GivenUp::Over);
        assert_eq!(open().gives_up(at(2_000), "Invalid FrameworkInfo"), GivenUp::Over);
    }
}
