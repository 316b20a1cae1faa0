//! What clients call.
//!
//! Rules that are not Chronos's own words:
//! - A run that a person wants while the job runs follows after it: Chronos 2.5 runs both at once, 3.x drops it.
//! - A disabled job runs when a person wants it to: what is disabled is what happens by itself.
//! - Success that a person declares counts as one: the counters and children are as if a task had finished.

use longshore_wire_chronos::TaskName;
use longshore_wire_chronos::limits::COMMAND_BYTES_MAX;

use super::{Call, Chronos, Context, Refusal, Reply};
use crate::runs::{Run, TaskId};

impl Chronos {
    pub(super) fn called(&mut self, cx: &mut Context, call: Call) -> Reply {
        let done = match call {
            Call::Post(posted) => self.posts(cx, *posted).map(|()| Reply::Done),
            Call::Run { name, arguments } => self.runs_now(cx, &name, arguments),
            Call::Succeed { name } => self.known(&name).map(|()| {
                self.counts_success(cx, &name);
                Reply::Text(format!("marked job {name} as successful: true"))
            }),
            Call::Delete { name } => self
                .known(&name)
                .and_then(|()| self.may_delete(&name))
                .map(|()| self.deletes(cx, &name))
                .map(|()| Reply::Done),
            Call::Kill { name } => self.known(&name).map(|()| {
                self.kills_all(cx, &name);
                Reply::Done
            }),
            Call::Progress { name, task, elements } => self.progresses(&name, &task, elements),
            Call::Jobs => Ok(Reply::Jobs(self.jobs.all().map(|(_, job)| job.shown()).collect())),
            Call::Job { name } => self.job(&name),
            Call::Search(search) => Ok(Reply::Jobs(self.found(&search))),
            Call::Summary => Ok(Reply::Summaries(self.summaries())),
            Call::Stat { name } => {
                self.known(&name).map(|()| Reply::Stat(Box::new(self.stat(&name))))
            }
            Call::Timings { of } => self.timings(&of).map(Reply::Timings),
            Call::Dot => Ok(Reply::Text(self.dot())),
            Call::Csv => Ok(Reply::Text(self.csv())),
            Call::Gauges => Ok(Reply::Gauges(Box::new(self.gauges()))),
        };
        done.unwrap_or_else(Reply::Refused)
    }

    /// Source: Chronos's own words.
    fn known(&self, name: &str) -> Result<(), Refusal> {
        match self.jobs.get(name) {
            Some(_) => Ok(()),
            None => Err(Refusal(format!("Job '{name}' not found"))),
        }
    }

    fn job(&self, name: &str) -> Result<Reply, Refusal> {
        self.known(name)?;
        let job = self.jobs.get(name).map(|job| Reply::Job(job.shown()));
        Ok(job.unwrap_or(Reply::Done))
    }

    fn runs_now(
        &mut self,
        cx: &mut Context,
        name: &str,
        arguments: String,
    ) -> Result<Reply, Refusal> {
        self.known(name)?;
        if arguments.len() > COMMAND_BYTES_MAX || arguments.contains('\0') {
            let text =
                format!("arguments: at most {COMMAND_BYTES_MAX} bytes without NUL are possible");
            return Err(Refusal(text));
        }
        if self.has_no_room(name) {
            return Err(Refusal(format!(
                "Job '{name}' has too many runs that wait: try again later"
            )));
        }
        let mut run = Run::new(name, cx.wall_ms);
        run.arguments = arguments;
        self.starts(cx, run);
        Ok(Reply::Done)
    }

    /// Ends the runs of a job: those that wait, and those that are out.
    fn kills_all(&mut self, cx: &mut Context, name: &str) {
        // Those that wait for others would take their places.
        let held: Vec<TaskId> = self.runs.held(name).cloned().collect();
        let live: Vec<TaskId> = self.runs.live(name).cloned().collect();
        for id in held.iter().chain(&live) {
            self.kills(cx, id);
        }
    }

    /// Source: frameworks.md 4.1: 2.4 and later of Chronos count what tasks report.
    fn progresses(&mut self, name: &str, task: &str, elements: u64) -> Result<Reply, Refusal> {
        self.known(name)?;
        let is_tracked = self.jobs.get(name).is_some_and(|job| job.definition.data_processing);
        if !is_tracked {
            return Err(Refusal(format!("Job '{name}' is not enabled to track data")));
        }
        if TaskName::parse(task).is_none() {
            return Err(Refusal(format!("Invalid task id format {task}")));
        }
        let id = TaskId::from(task);
        let is_its = self.runs.get(task).is_some_and(|run| run.job == name && !run.is_orphan);
        if !is_its {
            return Err(Refusal(format!("Job '{name}' has no task {task}")));
        }
        self.runs.edit(&id, |run| run.elements = run.elements.saturating_add(elements));
        Ok(Reply::Done)
    }
}
