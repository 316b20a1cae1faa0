//! A framework of one page. It launches a list of tasks on any offers it gets, and reports what happens.

use std::collections::{BTreeMap, VecDeque};

use longshore_driver::resources::{amount, claim};
use longshore_driver::v1::{
    CommandInfo, ContainerInfo, Filters, FrameworkId, FrameworkInfo, MasterInfo, Offer, TaskId,
    TaskInfo, TaskState, TaskStatus, container_info,
};
use longshore_driver::{Scheduler, SchedulerDriver};

/// A task to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Name and id.
    pub name: String,
    /// A command, or the name of a registered task definition.
    pub command: String,
    /// Whether `command` names a task definition.
    pub is_definition: bool,
    /// Cores.
    pub cpus: f64,
    /// Memory in MB.
    pub mem: f64,
    /// Whether to kill it once it runs.
    pub kill: bool,
}

/// An event of the framework.
#[derive(Clone, Debug)]
pub enum News {
    /// The master accepted the framework under this id.
    Subscribed(String),
    /// That many offers arrived, with that many cores in total.
    Offers(usize, f64),
    /// A task was launched on the agent with this host name.
    Launched(String, String),
    /// The state of a task changed.
    Update(String, TaskState, String),
    /// The framework cannot go on.
    Failed(String),
    /// Every task has ended.
    Done,
}

/// The framework.
#[expect(missing_debug_implementations, reason = "a function that is called has none")]
pub struct Hello {
    waiting: VecDeque<Job>,
    running: BTreeMap<String, Job>,
    tell: Box<dyn FnMut(News) + Send>,
}

impl Hello {
    /// A framework that runs these jobs and tells `tell` what happens.
    pub fn new(jobs: Vec<Job>, tell: impl FnMut(News) + Send + 'static) -> Self {
        Self { waiting: jobs.into(), running: BTreeMap::new(), tell: Box::new(tell) }
    }

    /// What it says of itself.
    pub fn info(name: &str) -> FrameworkInfo {
        FrameworkInfo { name: name.to_owned(), ..FrameworkInfo::default() }
    }

    /// Launches as many jobs on an offer as fit, at most two, so that they spread.
    fn offered(&mut self, driver: &dyn SchedulerDriver, offer: Offer) {
        let (mut cpus, mut mem) = (amount(&offer, "cpus"), amount(&offer, "mem"));
        let mut tasks = Vec::new();
        while let Some(job) =
            self.waiting.pop_front_if(|job| tasks.len() < 2 && job.cpus <= cpus && job.mem <= mem)
        {
            cpus -= job.cpus;
            mem -= job.mem;
            tasks.push(task(&job, &offer));
            (self.tell)(News::Launched(job.name.clone(), offer.hostname.clone()));
            self.running.insert(job.name.clone(), job);
        }
        // Without tasks, the offer is declined.
        driver.launch_tasks_on(offer.id, tasks, Some(Filters { refuse_seconds: Some(1.0) }));
    }
}

impl Scheduler for Hello {
    fn registered(&mut self, _: &dyn SchedulerDriver, id: &FrameworkId, _: &MasterInfo) {
        (self.tell)(News::Subscribed(id.value.clone()));
    }

    fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>) {
        let cores = offers.iter().map(|offer| amount(offer, "cpus")).sum();
        (self.tell)(News::Offers(offers.len(), cores));
        for offer in offers {
            self.offered(driver, offer);
        }
    }

    fn status_update(&mut self, driver: &dyn SchedulerDriver, status: &TaskStatus) {
        let (name, state) = (&status.task_id.value, status.state());
        let message = status.message.clone().unwrap_or_default();
        (self.tell)(News::Update(name.clone(), state, message));
        match state {
            TaskState::TaskRunning if self.running.get(name).is_some_and(|job| job.kill) => {
                driver.kill_task(TaskId { value: name.clone() });
            }
            TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling => {}
            _ => drop(self.running.remove(name)),
        }
        if self.waiting.is_empty() && self.running.is_empty() {
            (self.tell)(News::Done);
            driver.stop(false);
        }
    }

    fn error(&mut self, _: &dyn SchedulerDriver, message: &str) {
        (self.tell)(News::Failed(message.to_owned()));
    }
}

fn task(job: &Job, offer: &Offer) -> TaskInfo {
    // This image indicates that the command is a task definition.
    let ignored = ContainerInfo {
        r#type: container_info::Type::Docker.into(),
        docker: Some(container_info::DockerInfo {
            image: "ignore".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    TaskInfo {
        name: job.name.clone(),
        task_id: TaskId { value: job.name.clone() },
        agent_id: offer.agent_id.clone(),
        resources: claim(job.cpus, job.mem),
        command: Some(CommandInfo { value: Some(job.command.clone()), ..Default::default() }),
        container: job.is_definition.then_some(ignored),
        ..Default::default()
    }
}
