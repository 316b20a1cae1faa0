//! After a start: the cluster is read before anyone is answered, and looked at again for a while. Source: \[R4\], \[T9\],
//! \[F22\].
//!
//! Launches that the last master sent just before it ended may show only after recovery read the cluster. For a minute
//! the tasks are listed again, if there is a sign of a last master: a task of a framework, or a framework that comes back.
//!
//! Invariant: a launch that this master made is never taken for a stray, however short its life.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_replica::{Failure, InstancesAsk, Question, Task, Tasks, TasksAsk};
use longshore_wire_ecs::Str;

use super::{Cluster, InstancesFor, TasksFor};
use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::limits;

/// How far recovery has come.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    waiting: usize,
    tasks: Vec<Task>,
    failed: bool,
    done: bool,
}

/// What is needed to know a stray; empty once the looks are over.
#[derive(Debug, Default)]
pub(super) struct Strays {
    /// ARNs of tasks that were read before.
    seen: BTreeSet<Str>,
    /// Launches of this master.
    own: BTreeSet<LaunchId>,
    /// Whether there was a last master, as far as can be told.
    expected: bool,
    /// Listings of the look that is under way.
    out: usize,
    /// Whether a look was due while one was under way: it follows that one.
    again: bool,
    over: bool,
}

impl Cluster {
    /// Whether the cluster has been read since the start.
    pub(crate) fn is_recovered(&self) -> bool {
        self.recovery.done
    }

    /// Asks for everything.
    pub(crate) fn recover(&mut self, cx: &mut Context<'_>) {
        if self.recovery.done {
            return;
        }
        self.recovery = Recovery { waiting: 3, ..Recovery::default() };
        let asked = cx.ask(|asked| Question::Instances(asked, InstancesAsk::List));
        self.instances.insert(asked, InstancesFor::Recovery);
        for desired_running in [true, false] {
            let ask = TasksAsk::List { desired_running, except: BTreeSet::new() };
            let asked = cx.ask(|asked| Question::Tasks(asked, ask));
            self.tasks.insert(asked, TasksFor::Recovery);
        }
    }

    /// A part of what recovery asked for came back; all tasks, after the last.
    pub(super) fn recovers(
        &mut self,
        cx: &mut Context<'_>,
        result: Result<Vec<Task>, Failure>,
    ) -> Option<Vec<Task>> {
        match result {
            Ok(tasks) => self.recovery.tasks.extend(tasks),
            Err(failure) => {
                cx.note(format!("cannot read the cluster yet, will retry: {failure}"));
                self.recovery.failed = true;
            }
        }
        self.recovery.waiting = self.recovery.waiting.saturating_sub(1);
        if self.recovery.waiting > 0 {
            return None;
        }
        if self.recovery.failed {
            cx.after(limits::READ_RETRY_MS, Timer::Recover);
            return None;
        }
        Some(std::mem::take(&mut self.recovery.tasks))
    }

    /// All that recovery read has been taken over: frameworks are answered from now on.
    pub(crate) fn has_recovered(&mut self, cx: &mut Context<'_>) {
        for after in limits::STRAY_LOOKS_MS {
            cx.after(after, Timer::Strays);
        }
        cx.after(limits::STRAY_LOOKS_END_MS, Timer::StraysOver);
        self.recovery.done = true;
        self.listed_at = cx.now;
        self.sweep.was_done(cx.now);
        cx.recovered();
    }

    /// A launch of this master.
    pub(crate) fn launches(&mut self, id: &LaunchId) {
        if !self.strays.over {
            self.strays.own.insert(id.clone());
        }
    }

    /// There was a last master: a framework came back from it.
    pub(crate) fn expects_strays(&mut self) {
        self.strays.expected = true;
    }

    /// Whether the last master may have launched tasks that do not show yet.
    pub(crate) fn may_show_more(&self) -> bool {
        self.strays.expected && !self.strays.over
    }

    /// Recovery has read this task; whether it is of a framework.
    pub(crate) fn has_read_task(&mut self, task: &Task, is_ours: bool) {
        self.strays.seen.insert(task.arn.clone());
        self.strays.expected |= is_ours;
    }

    /// Looks for strays. Reading all tasks of others in search of what cannot be there would cost whoever has many of them.
    pub(crate) fn look_for_strays(&mut self, cx: &mut Context<'_>) {
        if !self.strays.expected {
            return;
        }
        if self.strays.out > 0 {
            self.strays.again = true;
            return;
        }
        for desired_running in [true, false] {
            let ask = TasksAsk::List { desired_running, except: self.strays.seen.clone() };
            let asked = cx.ask(|asked| Question::Tasks(asked, ask));
            self.tasks.insert(asked, TasksFor::Strays);
            self.strays.out += 1;
        }
    }

    /// The looks are over.
    pub(crate) fn strays_are_over(&mut self) {
        self.strays = Strays { over: true, ..Strays::default() };
    }

    /// What a look found: tasks that are new and not of this master.
    pub(super) fn found_strays(
        &mut self,
        cx: &mut Context<'_>,
        result: Result<Tasks, Failure>,
    ) -> Vec<Task> {
        if self.strays.over {
            return Vec::new();
        }
        self.strays.out -= 1;
        if self.strays.out == 0 && std::mem::take(&mut self.strays.again) {
            self.look_for_strays(cx);
        }
        // A look that failed is made up for by the next one; the last comes after any outage that a request outlives.
        let mut found = result.unwrap_or_default().found;
        found.retain(|task| {
            let is_new = self.strays.seen.insert(task.arn.clone());
            let own = task.started_by.as_deref().is_some_and(|id| self.strays.own.contains(id));
            is_new && !own
        });
        found
    }

    /// When instances were last found anew.
    pub(super) fn since_listing(&self, now: Timestamp) -> u64 {
        now.since(self.listed_at)
    }
}
