//! A framework of one page. It launches a list of tasks on any offers it gets, and reports what
//! happens.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Result, bail};
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::{Call, call, event};
use longshore_wire_mesos::v1::{
    CommandInfo, ContainerInfo, Filters, FrameworkInfo, Offer, Resource, TaskId, TaskInfo,
    TaskState, TaskStatus, container_info, value,
};
use tokio::sync::mpsc;

use crate::client::Subscription;

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
    /// Every task has ended.
    Done,
}

/// Runs the jobs and returns when all have ended.
///
/// # Errors
/// If the master cannot be reached, or ends the stream.
pub async fn run(master: &str, name: &str, jobs: Vec<Job>, news: mpsc::Sender<News>) -> Result<()> {
    let info =
        FrameworkInfo { user: "root".to_owned(), name: name.to_owned(), ..Default::default() };
    let subscribe = Call {
        r#type: Some(call::Type::Subscribe.into()),
        subscribe: Some(call::Subscribe { framework_info: info, ..Default::default() }),
        ..Default::default()
    };
    let mut framework = Framework {
        subscription: Subscription::open(master, &subscribe).await?,
        left: jobs.len(),
        waiting: jobs.into(),
        running: BTreeMap::new(),
        news,
    };
    while framework.left > 0 {
        let Some(event) = framework.subscription.next().await? else {
            bail!("the master ended the stream")
        };
        framework.happened(event).await?;
    }
    framework.tell(News::Done).await;
    let teardown = Call { r#type: Some(call::Type::Teardown.into()), ..Default::default() };
    framework.subscription.call(teardown).await
}

struct Framework {
    subscription: Subscription,
    waiting: VecDeque<Job>,
    running: BTreeMap<String, Job>,
    left: usize,
    news: mpsc::Sender<News>,
}

impl Framework {
    async fn tell(&self, news: News) {
        // The tasks keep running even if nobody listens.
        let _ = self.news.send(news).await;
    }

    async fn happened(&mut self, event: longshore_wire_mesos::v1::scheduler::Event) -> Result<()> {
        match event.r#type() {
            event::Type::Subscribed => {
                let id = event
                    .subscribed
                    .map(|subscribed| subscribed.framework_id.value)
                    .unwrap_or_default();
                self.tell(News::Subscribed(id)).await;
            }
            event::Type::Offers => {
                let offers = event.offers.map(|offers| offers.offers).unwrap_or_default();
                let cores = offers.iter().map(|offer| scalar(offer, "cpus")).sum();
                self.tell(News::Offers(offers.len(), cores)).await;
                for offer in offers {
                    self.offered(offer).await?;
                }
            }
            event::Type::Update => {
                if let Some(update) = event.update {
                    self.updated(update.status).await?;
                }
            }
            event::Type::Error => {
                bail!("{}", event.error.map(|error| error.message).unwrap_or_default())
            }
            _ => {}
        }
        Ok(())
    }

    /// Launches as many jobs on an offer as fit, at most two, so that they spread.
    async fn offered(&mut self, offer: Offer) -> Result<()> {
        let (mut cpus, mut mem) = (scalar(&offer, "cpus"), scalar(&offer, "mem"));
        let mut tasks = Vec::new();
        while let Some(job) =
            self.waiting.front().filter(|job| tasks.len() < 2 && job.cpus <= cpus && job.mem <= mem)
        {
            cpus -= job.cpus;
            mem -= job.mem;
            tasks.push(task(job, &offer));
            self.tell(News::Launched(job.name.clone(), offer.hostname.clone())).await;
            self.running.extend(self.waiting.pop_front().map(|job| (job.name.clone(), job)));
        }
        let filters = Some(Filters { refuse_seconds: Some(1.0) });
        let call = if tasks.is_empty() {
            Call {
                r#type: Some(call::Type::Decline.into()),
                decline: Some(call::Decline { offer_ids: vec![offer.id], filters }),
                ..Default::default()
            }
        } else {
            let launch = Operation {
                r#type: Some(operation::Type::Launch.into()),
                launch: Some(operation::Launch { task_infos: tasks }),
                ..Default::default()
            };
            let accept =
                call::Accept { offer_ids: vec![offer.id], operations: vec![launch], filters };
            Call {
                r#type: Some(call::Type::Accept.into()),
                accept: Some(accept),
                ..Default::default()
            }
        };
        self.subscription.call(call).await
    }

    async fn updated(&mut self, status: TaskStatus) -> Result<()> {
        let (name, state) = (status.task_id.value.clone(), status.state());
        if let (Some(uuid), Some(agent_id)) = (status.uuid.clone(), status.agent_id.clone()) {
            let acknowledge = call::Acknowledge { agent_id, task_id: status.task_id.clone(), uuid };
            let call = Call {
                r#type: Some(call::Type::Acknowledge.into()),
                acknowledge: Some(acknowledge),
                ..Default::default()
            };
            self.subscription.call(call).await?;
        }
        self.tell(News::Update(name.clone(), state, status.message.clone().unwrap_or_default()))
            .await;
        if state == TaskState::TaskRunning && self.running.get(&name).is_some_and(|job| job.kill) {
            let kill = call::Kill { task_id: TaskId { value: name.clone() }, ..Default::default() };
            let call = Call {
                r#type: Some(call::Type::Kill.into()),
                kill: Some(kill),
                ..Default::default()
            };
            self.subscription.call(call).await?;
        }
        let over = !matches!(
            state,
            TaskState::TaskStaging
                | TaskState::TaskStarting
                | TaskState::TaskRunning
                | TaskState::TaskKilling
        );
        if over && self.running.remove(&name).is_some() {
            self.left -= 1;
        }
        Ok(())
    }
}

fn scalar(offer: &Offer, name: &str) -> f64 {
    let of = offer.resources.iter().filter(|resource| resource.name == name);
    of.filter_map(|resource| resource.scalar.as_ref()).map(|scalar| scalar.value).sum()
}

fn task(job: &Job, offer: &Offer) -> TaskInfo {
    let resource = |name: &str, amount: f64| Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value: amount }),
        ..Default::default()
    };
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
        resources: vec![resource("cpus", job.cpus), resource("mem", job.mem)],
        command: Some(CommandInfo { value: Some(job.command.clone()), ..Default::default() }),
        container: job.is_definition.then_some(ignored),
        ..Default::default()
    }
}
