//! Write a Mesos scheduler in Rust.
//!
//! A framework implements [`Scheduler`] and calls a [`SchedulerDriver`]: the contract that Mesos frameworks have had since 2010, and
//! that the ECS Scheduler Driver took up in 2015. There are two drivers:
//!
//! - [`EcsSchedulerDriver`] speaks to Amazon ECS by itself, in the process of the scheduler. There is no server and no port; whatever
//!   configures the AWS SDK configures it.
//! - [`HttpSchedulerDriver`] speaks to any Mesos master that serves the v1 scheduler API: Longshore's, or a real one.
//!
//! # A framework on a page
//!
//! This one runs a command once, on the cluster that the environment names (`AWS_REGION`, `AWS_ECS_CLUSTER`, a profile), in the image
//! that `LONGSHORE_DEFAULT_IMAGE` names:
//!
//! ```no_run
//! use longshore_driver::v1::{CommandInfo, FrameworkInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus};
//! use longshore_driver::{EcsOptions, EcsSchedulerDriver, Scheduler, SchedulerDriver, resources};
//!
//! #[derive(Default)]
//! struct Once {
//!     is_launched: bool,
//! }
//!
//! impl Scheduler for Once {
//!     fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>) {
//!         for offer in offers {
//!             if std::mem::replace(&mut self.is_launched, true) {
//!                 driver.decline_offer(offer.id, None);
//!                 continue;
//!             }
//!             let command = CommandInfo { value: Some("echo hello".to_owned()), ..CommandInfo::default() };
//!             let task = TaskInfo {
//!                 name: "hello".to_owned(),
//!                 task_id: TaskId { value: "hello-1".to_owned() },
//!                 agent_id: offer.agent_id,
//!                 resources: resources::claim(0.1, 32.0),
//!                 command: Some(command),
//!                 ..TaskInfo::default()
//!             };
//!             driver.launch_tasks_on(offer.id, vec![task], None);
//!         }
//!     }
//!
//!     fn status_update(&mut self, driver: &dyn SchedulerDriver, status: &TaskStatus) {
//!         println!("{} is {:?}", status.task_id.value, status.state());
//!         if matches!(status.state(), TaskState::TaskFinished | TaskState::TaskFailed | TaskState::TaskError) {
//!             driver.stop(false);
//!         }
//!     }
//!
//!     fn error(&mut self, _: &dyn SchedulerDriver, message: &str) {
//!         eprintln!("{message}");
//!     }
//! }
//!
//! let framework = FrameworkInfo { name: "once".to_owned(), ..FrameworkInfo::default() };
//! let driver = EcsSchedulerDriver::new(Once::default(), framework, EcsOptions::default());
//! driver.run();
//! ```
//!
//! # What to know
//!
//! - **Offers are promises**: what is offered to a framework is offered to nobody else until it is used, declined or rescinded.
//!   Decline what is not wanted.
//! - **Updates come again until they are acknowledged**, which the driver does once
//!   [`status_update`](Scheduler::status_update) has returned, unless
//!   [`explicit_acknowledgements`](DriverOptions::explicit_acknowledgements) leave it to the scheduler.
//! - **A framework that is to survive its scheduler** has a `failover_timeout`, keeps its id, and reconciles after
//!   [`registered`](Scheduler::registered) and [`reregistered`](Scheduler::reregistered).
//! - Messages are those of the Mesos v1 API: [`v1`].
#![forbid(unsafe_code)]

mod ecs;
mod handle;
mod http;
mod local;
mod master;
mod network;
mod options;
mod owner;
pub mod resources;
mod scheduler;
mod shell;
#[cfg(feature = "zookeeper")]
pub mod state;

pub use longshore_driver_machine::{Callback, Command, Status};
pub use longshore_wire_mesos::v1;

pub use ecs::{EcsOptions, EcsSchedulerDriver};
pub use handle::Handle;
pub use http::{Credential, HttpDriverError, HttpSchedulerDriver};
pub use local::LocalOptions;
pub use master::{BadMaster, Master, ZooKeeper};
pub use options::DriverOptions;
pub use scheduler::{Scheduler, SchedulerDriver};

/// The driver for a master, by what names it: `host:port` or `zk://...` for a Mesos master, `ecs://CLUSTER` for ECS itself,
/// `local` for an ECS that is started for this driver.
///
/// # Errors
/// That `master` names none, or one that no driver of this crate has.
pub fn driver(
    scheduler: impl Scheduler + 'static,
    framework: v1::FrameworkInfo,
    master: &str,
) -> Result<Box<dyn SchedulerDriver>, HttpDriverError> {
    Ok(match Master::read(master)? {
        Master::Ecs { cluster } => {
            let options = EcsOptions { cluster, ..EcsOptions::default() };
            Box::new(EcsSchedulerDriver::new(scheduler, framework, options))
        }
        Master::Local => {
            let options = EcsOptions::local(LocalOptions::default());
            Box::new(EcsSchedulerDriver::new(scheduler, framework, options))
        }
        _ => Box::new(HttpSchedulerDriver::new(scheduler, framework, master)?),
    })
}
