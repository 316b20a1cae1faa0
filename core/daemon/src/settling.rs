//! Starts whose reply was lost: ECS may have taken them, or not.
//!
//! Every task of a deployment has its id as `startedBy`, so ECS can be asked which there are. A slot is settled by the task
//! that is found on it, or by so many looks that did not find one: readings of ECS may be a little old.
//!
//! Source: blox.md 7.2, 5: `StartTask` has no client token.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use crate::agenda::Timer;
use crate::context::Context;
use crate::limits;

/// Deployments that have such starts.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    /// When the look that is out was asked for, by deployment.
    looks: BTreeMap<Str, Option<Timestamp>>,
}

impl Settling {
    /// A deployment has such starts.
    pub(crate) fn begin(&mut self, cx: &mut Context, deployment: &Str) {
        if !self.looks.contains_key(deployment) {
            self.looks.insert(deployment.clone(), None);
            cx.after(limits::SETTLE_MS, Timer::Settle(deployment.clone()));
        }
    }

    /// A look is due; whether it is to be asked for.
    pub(crate) fn is_due(&self, deployment: &str) -> bool {
        self.looks.get(deployment).is_some_and(Option::is_none)
    }

    /// A look is asked for.
    pub(crate) fn looks(&mut self, now: Timestamp, deployment: &Str) {
        self.looks.insert(deployment.clone(), Some(now));
    }

    /// A look came back: when it was asked for. The next one is planned.
    pub(crate) fn looked(&mut self, cx: &mut Context, deployment: &Str) -> Option<Timestamp> {
        let asked_at = self.looks.get_mut(deployment)?.take()?;
        cx.after(limits::SETTLE_MS, Timer::Settle(deployment.clone()));
        Some(asked_at)
    }

    /// All of a deployment are settled.
    pub(crate) fn end(&mut self, deployment: &str) {
        self.looks.remove(deployment);
    }

    /// Whether a deployment is looked for.
    pub(crate) fn has(&self, deployment: &str) -> bool {
        self.looks.contains_key(deployment)
    }
}
