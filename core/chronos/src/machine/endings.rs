//! What follows from the end of a task.
//!
//! Rules that are not Chronos's own words:
//! - A launch that did nothing is no attempt: the run is launched again under another id, whatever `retries` says. Chronos counts it as
//!   lost, and a job without retries is skipped for a master that restarted.
//! - A task that somebody killed is killed, however its end is told.
//! - A child that still runs when its parents have succeeded runs again afterwards. Chronos 3 skips it.
//! - `TASK_ERROR`, `TASK_GONE` and the like count as failures. Chronos 3 does not know them, and forgets the run.

use longshore_driver_machine::Command;
use longshore_wire_mesos::v1::TaskId as MesosTaskId;

use super::{Chronos, Context};
use crate::jobs::Job;
use crate::limits;
use crate::runs::{End, Run, Stage, TaskId};

impl Chronos {
    /// A task is over.
    pub(super) fn concludes(&mut self, cx: &mut Context, id: &TaskId, end: End, message: &str) {
        let Some(run) = self.runs.get(id).cloned() else { return };
        let end = match end {
            End::Failed | End::Lost | End::NotLaunched if run.is_killed => End::Killed,
            other => other,
        };
        self.counts(end);
        if !run.is_orphan {
            self.follows(cx, id, &run, end, message);
        }
        self.runs.end(id, end, message, cx.wall_ms);
        if !run.is_orphan {
            self.releases(&run.job);
            self.retires(cx, &run.job);
        }
    }

    fn counts(&mut self, end: End) {
        let counter = match end {
            End::Finished => &mut self.tally.finished,
            End::Failed | End::Lost => &mut self.tally.failed,
            End::Killed => &mut self.tally.killed,
            End::NotLaunched => &mut self.tally.not_launched,
        };
        *counter += 1;
    }

    fn follows(&mut self, cx: &mut Context, id: &TaskId, run: &Run, end: End, message: &str) {
        let name = &run.job;
        match end {
            End::Finished => {
                self.jobs.edit(name, |job| succeed(job, cx.wall_ms));
                self.succeeded(cx, name);
            }
            End::Killed => cx.note(format!("{name}: {id} was killed")),
            End::NotLaunched => {
                let wait_ms = limits::RELAUNCH_MS << run.attempt.min(6);
                let wait_ms = wait_ms.min(limits::RELAUNCH_MS_MAX);
                cx.note(format!(
                    "{name}: the launch of {id} did nothing, and is repeated: {message}"
                ));
                self.again(cx, run, run.due_ms, run.failures, wait_ms);
            }
            End::Failed | End::Lost if self.is_retried(run) => {
                let wait_ms = self.config.retry_ms;
                cx.note(format!("{name}: {id} failed, and is tried again: {message}"));
                self.again(cx, run, cx.wall_ms + wait_ms, run.failures + 1, wait_ms);
            }
            End::Failed | End::Lost => self.fails(cx, id, name, message),
        }
    }

    /// Source: frameworks.md 4.4: a job whose last run failed with all its retries has none until it has succeeded.
    fn is_retried(&self, run: &Run) -> bool {
        self.jobs.get(&run.job).is_some_and(|job| {
            let counters = &job.counters;
            let was_well = counters.last_error_ms.is_none()
                || counters.last_success_ms >= counters.last_error_ms;
            run.failures < job.definition.retries && was_well
        })
    }

    /// Another task for a run.
    fn again(&mut self, cx: &mut Context, of: &Run, due_ms: u64, failures: u32, wait_ms: u64) {
        let mut next = Run::new(&of.job, due_ms);
        next.attempt = of.attempt + 1;
        next.failures = failures;
        next.arguments.clone_from(&of.arguments);
        next.stage = Stage::Waiting { until_ms: cx.wall_ms + wait_ms };
        if let Some(id) = self.starts(cx, next) {
            self.runs.timer(&id, Some(cx.now + wait_ms));
        }
    }

    fn fails(&mut self, cx: &mut Context, id: &TaskId, name: &str, message: &str) {
        let mut failures = 0;
        self.jobs.edit(name, |job| {
            job.counters.errors += 1;
            job.counters.errors_since_success += 1;
            job.counters.last_error_ms = Some(cx.wall_ms);
            failures = job.counters.errors_since_success;
        });
        cx.note(format!("{name}: {id} failed, and is not tried again: {message}"));
        if self.config.disable_after_failures > 0 && failures >= self.config.disable_after_failures
        {
            self.disables(cx, name, &format!("it failed {failures} times without a success"));
        }
        if self.jobs.get(name).is_some_and(|job| job.definition.soft_error) {
            self.succeeded(cx, name);
        }
    }

    /// A person says that a job has succeeded.
    pub(super) fn counts_success(&mut self, cx: &mut Context, name: &str) {
        self.jobs.edit(name, |job| succeed(job, cx.wall_ms));
        self.succeeded(cx, name);
    }

    /// Starts children for which this was the last success that they waited for. Source: frameworks.md 4.4: each parent has succeeded
    /// as often as the others since the child was started.
    fn succeeded(&mut self, cx: &mut Context, name: &str) {
        for child in self.jobs.children(name) {
            let mut is_ready = false;
            self.jobs.edit(&child, |job| {
                *job.memory.edges.entry(name.to_owned()).or_insert(0) += 1;
                let edges = &job.memory.edges;
                let count = |parent: &String| edges.get(parent).copied().unwrap_or(0);
                let first = job.parents().first().map_or(0, count);
                is_ready = first > 0 && job.parents().iter().all(|parent| count(parent) == first);
                if is_ready {
                    job.memory.edges.clear();
                }
            });
            if is_ready {
                self.triggers(cx, &child);
            }
        }
    }

    fn triggers(&mut self, cx: &mut Context, child: &str) {
        let Some(job) = self.jobs.get(child) else { return };
        if job.definition.disabled {
            return cx.note(format!("{child}: its parents have succeeded, and it is disabled"));
        }
        if self.has_no_room(child) {
            self.tally.skipped_busy += 1;
            return cx.note(format!("{child}: skipped a run after its parents: too many wait"));
        }
        self.starts(cx, Run::new(child, cx.wall_ms));
    }

    /// Whether no run may be added to a job.
    pub(super) fn has_no_room(&self, name: &str) -> bool {
        let held = self.runs.held(name).take(limits::HELD_RUNS_PER_JOB_MAX).count();
        let live = self.runs.live(name).take(limits::LIVE_RUNS_PER_JOB_MAX).count();
        held == limits::HELD_RUNS_PER_JOB_MAX
            || live == limits::LIVE_RUNS_PER_JOB_MAX
            || self.runs.unended() >= limits::LIVE_RUNS_MAX
    }

    /// The run that waited for another one.
    pub(super) fn releases(&mut self, name: &str) {
        let is_concurrent = self.jobs.get(name).is_some_and(|job| job.definition.concurrent);
        while is_concurrent || !self.runs.is_busy(name) {
            let Some(next) = self.runs.held(name).next().cloned() else { return };
            self.runs.edit(&next, |run| run.stage = Stage::Queued);
        }
    }

    /// Ends a run that somebody wants to end.
    pub(super) fn kills(&mut self, cx: &mut Context, id: &TaskId) {
        let Some(run) = self.runs.get(id) else { return };
        if !run.stage.is_out() {
            return self.concludes(cx, id, End::Killed, "killed before it was launched");
        }
        if !run.is_killed {
            self.runs.edit(id, |run| run.is_killed = true);
        }
        self.runs.timer(id, Some(cx.now + limits::KILL_AGAIN_MS));
        cx.say(Command::Kill(MesosTaskId { value: id.to_string() }));
    }

    /// A task whose agent was out of reach for too long.
    pub(super) fn gives_up(&mut self, cx: &mut Context, id: &TaskId) {
        cx.say(Command::Kill(MesosTaskId { value: id.to_string() }));
        self.concludes(cx, id, End::Lost, "its agent was out of reach for too long");
    }
}

fn succeed(job: &mut Job, wall_ms: u64) {
    job.counters.successes += 1;
    job.counters.errors_since_success = 0;
    job.counters.last_success_ms = Some(wall_ms);
}
