//! A framework and its subscription: whether offers are wanted, and when states are asked for.

use longshore_machine::Timestamp;

use crate::{Command, limits};

/// A framework's subscription, as the framework sees it.
#[derive(Debug, Default)]
pub struct Subscription {
    framework: Option<String>,
    is_open: bool,
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

    /// A master has accepted the framework. Returns whether its id is another one than was known.
    pub fn opens(&mut self, now: Timestamp, framework: Option<String>) -> bool {
        self.is_open = true;
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

    /// The framework was removed: the next one has another id.
    pub fn forgets(&mut self) {
        self.framework = None;
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
