//! What a framework implements, and what it calls.

use crate::Status;
use crate::v1::scheduler::OfferConstraints;
use crate::v1::{
    AgentId, ExecutorId, Filters, FrameworkId, FrameworkInfo, InverseOffer, MasterInfo, Offer,
    OfferId, Request, TaskId, TaskInfo, TaskStatus, offer,
};

/// A framework's scheduler: what it does when something happens.
///
/// Callbacks come one at a time, on a thread of the driver, and may call the driver. While one runs, nothing else is told. One that
/// panics aborts the driver, not the process.
///
/// Source: `org.apache.mesos.Scheduler`.
pub trait Scheduler: Send {
    /// A master has accepted the framework, under this id. Keep it: with it, another scheduler can go on where this one stopped.
    fn registered(
        &mut self,
        driver: &dyn SchedulerDriver,
        framework: &FrameworkId,
        master: &MasterInfo,
    ) {
        let _ = (driver, framework, master);
    }

    /// The framework is subscribed again, after [`Scheduler::disconnected`]. Earlier offers are void; reconcile tasks.
    fn reregistered(&mut self, driver: &dyn SchedulerDriver, master: &MasterInfo) {
        let _ = (driver, master);
    }

    /// There is no master at the moment. The driver looks for one by itself; tasks keep running.
    fn disconnected(&mut self, driver: &dyn SchedulerDriver) {
        let _ = driver;
    }

    /// Resources are offered. Each offer is launched on, or declined, or keeps its resources from others.
    fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>);

    /// An offer is void. Tasks launched on it are told lost.
    fn offer_rescinded(&mut self, driver: &dyn SchedulerDriver, offer: &OfferId) {
        let _ = (driver, offer);
    }

    /// The master asks for agents to be left, for maintenance. Answer with [`SchedulerDriver::answer_inverse_offers`], or not.
    fn inverse_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<InverseOffer>) {
        let _ = (driver, offers);
    }

    /// An inverse offer is void.
    fn inverse_offer_rescinded(&mut self, driver: &dyn SchedulerDriver, offer: &OfferId) {
        let _ = (driver, offer);
    }

    /// A task has another state. With implicit acknowledgements the update is acknowledged when this returns, and comes again until
    /// then.
    fn status_update(&mut self, driver: &dyn SchedulerDriver, status: &TaskStatus);

    /// An executor says something.
    fn framework_message(
        &mut self,
        driver: &dyn SchedulerDriver,
        executor: &ExecutorId,
        agent: &AgentId,
        data: &[u8],
    ) {
        let _ = (driver, executor, agent, data);
    }

    /// An agent is gone. Its tasks are told by updates of their own.
    fn agent_lost(&mut self, driver: &dyn SchedulerDriver, agent: &AgentId) {
        let _ = (driver, agent);
    }

    /// An executor has ended. Its tasks are told by updates of their own.
    fn executor_lost(
        &mut self,
        driver: &dyn SchedulerDriver,
        executor: &ExecutorId,
        agent: &AgentId,
        status: i32,
    ) {
        let _ = (driver, executor, agent, status);
    }

    /// The driver has given up, and is aborted already. Nothing is called after this.
    fn error(&mut self, driver: &dyn SchedulerDriver, message: &str);
}

/// What connects a scheduler with a cluster.
///
/// Each method returns at once with the driver's [`Status`] and has its effect later, in the order of the calls; a driver that does
/// not run ignores it. The exceptions are [`join`](SchedulerDriver::join) and [`run`](SchedulerDriver::run), which wait for the end.
/// Whoever calls faster than the master takes calls waits as well.
///
/// Source: `org.apache.mesos.SchedulerDriver`.
pub trait SchedulerDriver: Send + Sync {
    /// Connects. Only the first call has an effect.
    fn start(&self) -> Status;

    /// Ends. Unless `failover`, the framework is removed and its tasks are killed; with it, the tasks run on, and a scheduler that
    /// brings the framework's id goes on with them. No callback begins after this.
    fn stop(&self, failover: bool) -> Status;

    /// Gives up: no callback begins after this, and the framework is as if its scheduler had died.
    fn abort(&self) -> Status;

    /// Waits until the driver is stopped or aborted and has said what it had left to say. Returns at once if it was never started,
    /// and in a callback.
    fn join(&self) -> Status;

    /// Starts, and waits for the end.
    fn run(&self) -> Status {
        match self.start() {
            Status::Running => self.join(),
            other => other,
        }
    }

    /// Asks for resources. Longshore, like most masters, offers what is free anyway.
    fn request_resources(&self, requests: Vec<Request>) -> Status;

    /// Launches tasks on offers of one agent; without tasks, declines them. `None` means filters of 5 s.
    ///
    /// While there is no master the tasks are told lost at once.
    fn launch_tasks(
        &self,
        offers: Vec<OfferId>,
        tasks: Vec<TaskInfo>,
        filters: Option<Filters>,
    ) -> Status;

    /// Launches tasks on one offer.
    fn launch_tasks_on(
        &self,
        offer: OfferId,
        tasks: Vec<TaskInfo>,
        filters: Option<Filters>,
    ) -> Status {
        self.launch_tasks(vec![offer], tasks, filters)
    }

    /// Does several things with offers of one agent: launch tasks, launch groups.
    fn accept_offers(
        &self,
        offers: Vec<OfferId>,
        operations: Vec<offer::Operation>,
        filters: Option<Filters>,
    ) -> Status;

    /// Gives an offer back; `None` means not to be offered the same for 5 s.
    fn decline_offer(&self, offer: OfferId, filters: Option<Filters>) -> Status;

    /// Wants offers again: filters are removed. `None` means all roles; no roles are none.
    fn revive_offers(&self, roles: Option<Vec<String>>) -> Status;

    /// Wants no offers until [`revive_offers`](SchedulerDriver::revive_offers). `None` means all roles; no roles are none.
    fn suppress_offers(&self, roles: Option<Vec<String>>) -> Status;

    /// Says whether agents are going to be left as inverse offers ask.
    fn answer_inverse_offers(
        &self,
        offers: Vec<OfferId>,
        accept: bool,
        filters: Option<Filters>,
    ) -> Status;

    /// Ends a task: an update tells when it has ended.
    fn kill_task(&self, task: TaskId) -> Status;

    /// Acknowledges an update, where the driver was made to leave that to the scheduler.
    fn acknowledge_status_update(&self, status: TaskStatus) -> Status;

    /// Tells an executor something.
    fn send_framework_message(&self, executor: ExecutorId, agent: AgentId, data: Vec<u8>)
    -> Status;

    /// Asks for the state of these tasks, or of all if none is named: updates answer. Only task and agent of a status are read.
    fn reconcile_tasks(&self, statuses: Vec<TaskStatus>) -> Status;

    /// Changes what the framework says of itself: roles, capabilities, and which agents it wants offers of.
    fn update_framework(
        &self,
        framework: FrameworkInfo,
        suppressed_roles: Vec<String>,
        constraints: Option<OfferConstraints>,
    ) -> Status;
}
