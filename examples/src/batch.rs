//! A batch runner: each job runs until it succeeds, or has failed too often.

use std::collections::{BTreeMap, VecDeque};

use longshore_driver::resources::{amount, claim};
use longshore_driver::v1::{
    CommandInfo, FrameworkInfo, MasterInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus,
};
use longshore_driver::{Scheduler, SchedulerDriver};

/// A job: a command, and how often it was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number, from 0.
    pub number: usize,
    /// What a shell is to run.
    pub command: String,
    /// How often it has failed.
    pub failures: u32,
}

/// What the runner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A job succeeded.
    Succeeded(Job),
    /// A job failed, with a reason, and is tried again.
    Failed(Job, String),
    /// A job failed for the last time, with a reason.
    GivenUp(Job, String),
    /// The runner cannot go on.
    Error(String),
}

/// What each job is given.
const CPUS: f64 = 0.1;
const MEM_MIB: f64 = 32.0;

/// The runner.
#[expect(missing_debug_implementations, reason = "a function that is called has none")]
pub struct Batch {
    waiting: VecDeque<Job>,
    running: BTreeMap<String, Job>,
    tries: u32,
    report: Box<dyn FnMut(Report) + Send>,
}

impl Batch {
    /// Runs commands, each `tries` times at most.
    pub fn new(
        commands: Vec<String>,
        tries: u32,
        report: impl FnMut(Report) + Send + 'static,
    ) -> Self {
        let numbered = commands.into_iter().enumerate();
        let jobs = numbered.map(|(number, command)| Job { number, command, failures: 0 });
        let report = Box::new(report);
        Self { waiting: jobs.collect(), running: BTreeMap::new(), tries, report }
    }

    /// What it says of itself. Its tasks outlive a lost connection for a minute.
    pub fn info() -> FrameworkInfo {
        let failover_timeout = Some(60.0);
        FrameworkInfo { name: "batch".to_owned(), failover_timeout, ..FrameworkInfo::default() }
    }

    fn next_task(&mut self, offer: &Offer) -> Option<TaskInfo> {
        let job = self.waiting.pop_front()?;
        // Each try has an id of its own: an update of an earlier one is not taken for one of this.
        let id = format!("job-{}-{}", job.number, job.failures + 1);
        let command = CommandInfo { value: Some(job.command.clone()), ..CommandInfo::default() };
        self.running.insert(id.clone(), job);
        Some(TaskInfo {
            name: id.clone(),
            task_id: TaskId { value: id },
            agent_id: offer.agent_id.clone(),
            resources: claim(CPUS, MEM_MIB),
            command: Some(command),
            ..TaskInfo::default()
        })
    }
}

impl Scheduler for Batch {
    fn reregistered(&mut self, driver: &dyn SchedulerDriver, _: &MasterInfo) {
        // Updates may have been missed: ask about all.
        let ask = |id: &String| TaskStatus {
            task_id: TaskId { value: id.clone() },
            ..TaskStatus::default()
        };
        driver.reconcile_tasks(self.running.keys().map(ask).collect());
    }

    fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>) {
        for offer in offers {
            let (mut cpus, mut mem) = (amount(&offer, "cpus"), amount(&offer, "mem"));
            let mut tasks = Vec::new();
            while cpus >= CPUS && mem >= MEM_MIB {
                let Some(task) = self.next_task(&offer) else { break };
                (cpus, mem) = (cpus - CPUS, mem - MEM_MIB);
                tasks.push(task);
            }
            driver.launch_tasks_on(offer.id, tasks, None);
        }
    }

    fn status_update(&mut self, driver: &dyn SchedulerDriver, status: &TaskStatus) {
        if matches!(
            status.state(),
            TaskState::TaskStaging
                | TaskState::TaskStarting
                | TaskState::TaskRunning
                | TaskState::TaskKilling
                | TaskState::TaskUnreachable
        ) {
            return;
        }
        let Some(mut job) = self.running.remove(&status.task_id.value) else { return };
        if status.state() == TaskState::TaskFinished {
            (self.report)(Report::Succeeded(job));
        } else {
            job.failures += 1;
            let why = status.message.clone().unwrap_or_default();
            if job.failures < self.tries {
                (self.report)(Report::Failed(job.clone(), why));
                self.waiting.push_back(job);
                // What was declined for want of jobs is of use again.
                driver.revive_offers(None);
            } else {
                (self.report)(Report::GivenUp(job, why));
            }
        }
        if self.waiting.is_empty() && self.running.is_empty() {
            driver.stop(false);
        }
    }

    fn error(&mut self, _: &dyn SchedulerDriver, message: &str) {
        (self.report)(Report::Error(message.to_owned()));
    }
}
