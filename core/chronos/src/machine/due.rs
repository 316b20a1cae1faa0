//! What time brings: schedules that are due, and waits that are over.
//!
//! Rules that Chronos has in two versions:
//! - **Epsilon** is that of 2.5: a run that is due in the last `epsilon` runs, an older one is skipped and said so. 3.x runs a schedule
//!   once, however late; then a day's outage starts at noon what was to run at midnight. What was skipped counts as one of `Rn`.
//! - **The moment** is the due time itself. 2.5 queues runs up to 10 s early (its horizon), so that they wait for offers in time; here
//!   offers are asked for when a run is queued, and a run does not start before it is due.
//! - **While the job runs** a due run is skipped and said so, as in 3.x, unless the job is concurrent.

use super::{Chronos, Context};
use crate::jobs::Job;
use crate::limits;
use crate::runs::{Run, Stage, TaskId};

/// What a schedule that is due comes to.
enum Fire {
    /// A run, due then.
    Run(u64),
    /// Some are skipped: they were due too long ago.
    Late { many: u64, since_ms: u64 },
    /// Some are skipped: the job runs.
    Busy { many: u64 },
}

/// Moves the schedule of a job past what is due.
fn advance(job: &mut Job, wall_ms: u64, is_busy: bool) -> Option<Fire> {
    let number = job.memory.number;
    let due = job.next_due_ms().filter(|due| *due <= wall_ms)?;
    let earliest = wall_ms.saturating_sub(job.definition.epsilon_ms);
    let recurrence = job.recurrence()?;
    // Beyond the calendar there is none.
    let (next, fire) = if due < earliest {
        let next = recurrence.at_or_after(number, earliest).unwrap_or(u64::MAX);
        (next, Fire::Late { many: next - number, since_ms: due })
    } else if is_busy {
        let next = recurrence.at_or_after(number, wall_ms + 1).unwrap_or(u64::MAX);
        (next, Fire::Busy { many: next - number })
    } else {
        (recurrence.at_or_after(number + 1, due + 1).unwrap_or(u64::MAX), Fire::Run(due))
    };
    let last_passed = recurrence.due_ms(next - 1);
    let passed = next - number;
    let memory = &mut job.memory;
    memory.number = next;
    let many = memory.left.map_or(passed, |left| left.min(passed));
    memory.left = memory.left.map(|left| left - many);
    memory.last_due_ms = last_passed.or(Some(due));
    Some(match fire {
        Fire::Late { since_ms, .. } => Fire::Late { many, since_ms },
        Fire::Busy { .. } => Fire::Busy { many },
        run @ Fire::Run(_) => run,
    })
}

impl Chronos {
    /// Starts what is due.
    pub(super) fn fires(&mut self, cx: &mut Context) {
        for _ in 0..limits::DUE_PER_STEP_MAX {
            let Some(name) = self.jobs.due_by(cx.wall_ms) else { return };
            let Some(job) = self.jobs.get(&name) else { return };
            let is_concurrent = job.definition.concurrent;
            let most = if is_concurrent { limits::LIVE_RUNS_PER_JOB_MAX } else { 1 };
            let is_busy = self.runs.live(&name).take(most).count() == most
                || self.runs.unended() >= limits::LIVE_RUNS_MAX;
            let mut fire = None;
            self.jobs.edit(&name, |job| fire = advance(job, cx.wall_ms, is_busy));
            match fire {
                None => return,
                Some(Fire::Run(due_ms)) => {
                    self.tally.due += 1;
                    self.starts(cx, Run::new(&name, due_ms));
                }
                Some(Fire::Late { many, since_ms }) => {
                    self.tally.skipped_late = self.tally.skipped_late.saturating_add(many);
                    let ago = cx.wall_ms.saturating_sub(since_ms) / 1_000;
                    cx.note(format!(
                        "{name}: skipped {many} runs, of which the first was due {ago} s ago, longer than its epsilon"
                    ));
                    self.retires(cx, &name);
                }
                Some(Fire::Busy { many }) => {
                    self.tally.skipped_busy = self.tally.skipped_busy.saturating_add(many);
                    cx.note(format!("{name}: skipped {many} runs that are due: it still runs"));
                    self.retires(cx, &name);
                }
            }
        }
    }

    /// Queues a run, or lets it wait for the one before it. Its job is there.
    pub(super) fn starts(&mut self, _: &mut Context, mut run: Run) -> Option<TaskId> {
        let job = self.jobs.get(&run.job)?;
        let is_free = job.definition.concurrent || !self.runs.is_busy(&run.job);
        let arguments = match run.arguments.as_str() {
            "" => job.definition.arguments.join(" "),
            given => given.to_owned(),
        };
        run.is_high = job.definition.high_priority;
        if !matches!(run.stage, Stage::Waiting { .. }) {
            run.stage = if is_free { Stage::Queued } else { Stage::Held };
        }
        Some(self.runs.add(run, &arguments))
    }

    /// Ends waits that are over.
    pub(super) fn expires(&mut self, cx: &mut Context) {
        for _ in 0..limits::DUE_PER_STEP_MAX {
            let Some(id) = self.runs.expired(cx.now) else { return };
            let Some(run) = self.runs.get(&id) else { continue };
            match run.stage {
                Stage::Waiting { .. } => self.runs.edit(&id, |run| run.stage = Stage::Queued),
                Stage::Unreachable => self.gives_up(cx, &id),
                Stage::Launched | Stage::Running => self.kills(cx, &id),
                Stage::Held | Stage::Queued | Stage::Ended(_) => {}
            }
        }
    }

    /// The last run of a job whose schedule is over has ended. Source: frameworks.md 4.3: then the job is disabled.
    pub(super) fn retires(&mut self, cx: &mut Context, name: &str) {
        let Some(job) = self.jobs.get(name) else { return };
        if job.definition.disabled || !job.is_spent() || self.runs.is_busy(name) {
            return;
        }
        if self.runs.held(name).next().is_none() {
            self.disables(cx, name, "its schedule is over");
        }
    }

    pub(super) fn disables(&mut self, cx: &mut Context, name: &str, why: &str) {
        self.jobs.edit(name, |job| std::sync::Arc::make_mut(&mut job.definition).disabled = true);
        cx.note(format!("{name} is disabled: {why}"));
    }
}
