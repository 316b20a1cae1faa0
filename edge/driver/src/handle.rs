//! A way to call a driver that runs.

use std::fmt;
use std::sync::Arc;

use longshore_driver_machine::Command;

use crate::Status;
use crate::scheduler::SchedulerDriver;
use crate::shell::Shared;
use crate::v1::scheduler::OfferConstraints;
use crate::v1::{
    AgentId, ExecutorId, Filters, FrameworkInfo, OfferId, Request, TaskId, TaskInfo, TaskStatus,
    offer,
};

/// A way to call a driver from anywhere: cheap to clone, and of use for as long as the driver runs. It does not start a driver.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("status", &self.shared.status()).finish_non_exhaustive()
    }
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What the driver is.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Makes a call that is a value. Whoever calls faster than the master takes calls waits.
    pub fn command(&self, command: Command) -> Status {
        self.shared.command(command)
    }
}

impl SchedulerDriver for Handle {
    fn start(&self) -> Status {
        self.status()
    }

    fn stop(&self, failover: bool) -> Status {
        self.command(Command::Stop { failover })
    }

    fn abort(&self) -> Status {
        self.command(Command::Abort)
    }

    fn join(&self) -> Status {
        self.shared.join()
    }

    fn request_resources(&self, requests: Vec<Request>) -> Status {
        self.command(Command::Request(requests))
    }

    fn launch_tasks(
        &self,
        offers: Vec<OfferId>,
        tasks: Vec<TaskInfo>,
        filters: Option<Filters>,
    ) -> Status {
        self.command(Command::launch(offers, tasks, filters.unwrap_or_default()))
    }

    fn accept_offers(
        &self,
        offers: Vec<OfferId>,
        operations: Vec<offer::Operation>,
        filters: Option<Filters>,
    ) -> Status {
        let filters = filters.unwrap_or_default();
        self.command(Command::Accept { offers, operations, filters })
    }

    fn decline_offer(&self, offer: OfferId, filters: Option<Filters>) -> Status {
        self.command(Command::Decline(vec![offer], filters.unwrap_or_default()))
    }

    fn revive_offers(&self, roles: Option<Vec<String>>) -> Status {
        self.command(Command::Revive(roles))
    }

    fn suppress_offers(&self, roles: Option<Vec<String>>) -> Status {
        self.command(Command::Suppress(roles))
    }

    fn answer_inverse_offers(
        &self,
        offers: Vec<OfferId>,
        accept: bool,
        filters: Option<Filters>,
    ) -> Status {
        let filters = filters.unwrap_or_default();
        self.command(Command::AnswerInverse { offers, accept, filters })
    }

    fn kill_task(&self, task: TaskId) -> Status {
        self.command(Command::Kill(task))
    }

    fn acknowledge_status_update(&self, status: TaskStatus) -> Status {
        self.command(Command::Acknowledge(Box::new(status)))
    }

    fn send_framework_message(
        &self,
        executor: ExecutorId,
        agent: AgentId,
        data: Vec<u8>,
    ) -> Status {
        self.command(Command::Message(executor, agent, data))
    }

    fn reconcile_tasks(&self, statuses: Vec<TaskStatus>) -> Status {
        self.command(Command::Reconcile(statuses))
    }

    fn update_framework(
        &self,
        framework: FrameworkInfo,
        suppressed_roles: Vec<String>,
        constraints: Option<OfferConstraints>,
    ) -> Status {
        let framework = Box::new(framework);
        self.command(Command::Update { framework, suppressed_roles, constraints })
    }
}
