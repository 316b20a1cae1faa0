//! What clients see.
//!
//! Source: frameworks.md 4.1.

use longshore_wire_chronos::answer::{
    Histogram, JobStat, Summaries, Summary, TaskStat, Timing, short_duration, short_moment,
};

use super::{Chronos, Gauges, Refusal, Search};
use crate::jobs::{Job, Shown};
use crate::runs::{End, Run, Stage, TaskId};

impl Chronos {
    /// Both `name` and `command` must be found, or `any` in one of them.
    pub(super) fn found(&self, search: &Search) -> Vec<Shown> {
        let lower = |text: &String| text.to_lowercase();
        let [name, command, any] = [&search.name, &search.command, &search.any].map(lower);
        let is_found = |job: &Job| {
            let (in_name, in_command) =
                (lower(&job.definition.name), lower(&job.definition.command));
            let both = in_name.contains(&name) && in_command.contains(&command);
            let either = in_name.contains(&any) || in_command.contains(&any);
            match (name.is_empty() && command.is_empty(), any.is_empty()) {
                (_, true) => both,
                (true, false) => either,
                (false, false) => both || either,
            }
        };
        let found = self.jobs.all().map(|(_, job)| job).filter(|job| is_found(job));
        found.skip(search.offset).take(search.limit).map(Job::shown).collect()
    }

    pub(super) fn summaries(&self) -> Summaries {
        let summary = |(name, job): (&String, &Job)| Summary {
            name: name.clone(),
            status: status(job),
            state: self.state(name),
            schedule: job.shown().schedule.unwrap_or_default(),
            parents: job.parents().to_vec(),
            disabled: job.definition.disabled,
        };
        Summaries { jobs: self.jobs.all().map(summary).collect() }
    }

    /// `idle`, `queued` or `2 running`.
    fn state(&self, name: &str) -> String {
        let live = self.runs.live(name).filter_map(|id| self.runs.get(id));
        let (mut out, mut waiting) = (0, 0);
        for run in live {
            if run.stage.is_out() { out += 1 } else { waiting += 1 }
        }
        match (out, waiting) {
            (0, 0) => "idle".to_owned(),
            (0, _) => "queued".to_owned(),
            (many, _) => format!("{many} running"),
        }
    }

    /// The latest runs of a job, those first that have not ended.
    pub(super) fn stat(&self, name: &str) -> JobStat {
        let is_tracked = self.jobs.get(name).is_some_and(|job| job.definition.data_processing);
        let runs = self.runs.live(name).chain(self.runs.ended(name).rev());
        let shown = |id: &TaskId| {
            let run = self.runs.get(id)?;
            let mut stat = task_stat(id, run, is_tracked);
            if run.stage == Stage::Queued {
                stat.message = self.why_waits(run);
            }
            Some(stat)
        };
        let task_stat_history = runs.filter_map(shown).collect();
        JobStat { histogram: self.histogram(name), task_stat_history }
    }

    fn histogram(&self, name: &str) -> Histogram {
        let ended = self.runs.ended(name).filter_map(|id| self.runs.get(id));
        let finished = ended.filter(|run| run.stage == Stage::Ended(End::Finished));
        Histogram::of(finished.filter_map(took_ms).collect())
    }

    /// The slowest first.
    pub(super) fn timings(&self, of: &str) -> Result<Vec<Timing>, Refusal> {
        if Histogram::default().named(of).is_none() {
            return Err(Refusal(format!(
                "there are no statistics '{of}': median, mean, 75thPercentile, 95thPercentile, 98thPercentile and 99thPercentile are there"
            )));
        }
        let timing = |name: &String| {
            let histogram = self.histogram(name);
            let time = histogram.named(of).filter(|_| histogram.count > 0)? / 1_000.0;
            Some(Timing { job_name_label: name.clone(), time })
        };
        let mut timings: Vec<Timing> =
            self.jobs.all().filter_map(|(name, _)| timing(name)).collect();
        timings.sort_by(|one, other| other.time.total_cmp(&one.time));
        Ok(timings)
    }

    /// For Graphviz.
    pub(super) fn dot(&self) -> String {
        let mut text = "digraph G {\n".to_owned();
        for (name, _) in self.jobs.all() {
            text.push_str(&format!("  \"{name}\";\n"));
        }
        for (name, job) in self.jobs.all() {
            for parent in job.parents() {
                text.push_str(&format!("  \"{parent}\" -> \"{name}\";\n"));
            }
        }
        text.push_str("}\n");
        text
    }

    /// A line for each job, and one for each parent of a job.
    pub(super) fn csv(&self) -> String {
        let mut text = String::new();
        for (name, job) in self.jobs.all() {
            let state = self.state(name);
            let state = match state.split_once(" running") {
                Some((many, _)) => format!("running {many}"),
                None => state,
            };
            text.push_str(&format!("node,{name},{},{state}\n", status(job)));
        }
        for (name, job) in self.jobs.all() {
            for parent in job.parents() {
                text.push_str(&format!("link,{parent},{name}\n"));
            }
        }
        text
    }

    pub(super) fn gauges(&self) -> Gauges {
        let out = self.runs.all().filter(|(_, run)| run.stage.is_out()).count();
        Gauges {
            jobs: self.jobs.len() as u64,
            queued: self.runs.ready() as u64,
            running: out as u64,
            is_subscribed: self.session.is_open(),
            ..self.tally
        }
    }
}

/// How the last run of a job ended.
fn status(job: &Job) -> &'static str {
    let counters = &job.counters;
    match (counters.last_success_ms, counters.last_error_ms) {
        (None, None) => "fresh",
        (success, error) if success >= error => "success",
        _ => "failure",
    }
}

fn took_ms(run: &Run) -> Option<u64> {
    Some(run.ended_ms?.saturating_sub(run.launched_ms?))
}

fn task_stat(id: &TaskId, run: &Run, is_tracked: bool) -> TaskStat {
    let shown = |moment: Option<u64>| moment.map_or_else(|| "N/A".to_owned(), short_moment);
    let status = match run.stage {
        Stage::Held | Stage::Waiting { .. } | Stage::Queued => "Idle",
        Stage::Launched | Stage::Running | Stage::Unreachable => "Running",
        Stage::Ended(End::Finished) => "Success",
        Stage::Ended(End::Killed) => "Killed",
        Stage::Ended(_) => "Fail",
    };
    TaskStat {
        task_id: id.to_string(),
        job_name: run.job.clone(),
        slave_id: run.agent.clone(),
        start_time: shown(run.launched_ms),
        end_time: shown(run.ended_ms),
        duration: took_ms(run).map(short_duration),
        status,
        message: run.message.clone(),
        num_elements_processed: is_tracked.then_some(run.elements),
    }
}
