//! A driver for any Mesos master, over the v1 scheduler API.

mod detector;
#[cfg(feature = "zookeeper")]
mod election;
mod transport;

use longshore_driver_machine::Config;

use self::detector::Detector;
use self::transport::Http;
use crate::master::{BadMaster, Master};
use crate::options::DriverOptions;
use crate::owner::{Owner, through_handle};
use crate::scheduler::Scheduler;
use crate::v1::FrameworkInfo;

/// Who a framework is to a master that asks: sent as HTTP Basic, as Mesos has it.
#[derive(Clone)]
pub struct Credential {
    /// The principal.
    pub principal: String,
    /// What proves it.
    pub secret: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// Why there can be no such driver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpDriverError {
    /// The master is not named right.
    #[error(transparent)]
    Master(#[from] BadMaster),
    /// The master is named as one that another driver has.
    #[error(
        "{0} is not the address of a Mesos master: write host:port or zk://host:port/path, and for ECS use an EcsSchedulerDriver"
    )]
    Ecs(String),
    /// There are no certificates to trust a master by.
    #[error("cannot read the certificates of this machine, which {0} needs: {1}")]
    Certificates(String, String),
    /// The credential cannot be sent.
    #[error("the principal contains a colon, which HTTP Basic cannot carry")]
    Principal,
}

/// A driver for any Mesos master that serves the v1 scheduler API: Longshore, or Mesos 1.0 and later.
///
/// The master that leads is found by its redirect, or in ZooKeeper. When the connection breaks, or nothing is heard for three
/// heartbeats, the driver says [`disconnected`](Scheduler::disconnected) and subscribes again until it succeeds.
///
/// ```no_run
/// use longshore_driver::v1::{FrameworkInfo, Offer, TaskStatus};
/// use longshore_driver::{HttpSchedulerDriver, Scheduler, SchedulerDriver};
///
/// struct Quiet;
///
/// impl Scheduler for Quiet {
///     fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>) {
///         for offer in offers {
///             driver.decline_offer(offer.id, None);
///         }
///     }
///     fn status_update(&mut self, _: &dyn SchedulerDriver, status: &TaskStatus) {
///         println!("{} is {:?}", status.task_id.value, status.state());
///     }
///     fn error(&mut self, _: &dyn SchedulerDriver, message: &str) {
///         eprintln!("{message}");
///     }
/// }
///
/// let framework = FrameworkInfo { name: "quiet".to_owned(), ..FrameworkInfo::default() };
/// let driver = HttpSchedulerDriver::new(Quiet, framework, "127.0.0.1:5050")?;
/// driver.run();
/// # Ok::<(), longshore_driver::HttpDriverError>(())
/// ```
///
/// Dropped while it runs, it stops as if another scheduler were to take over.
#[derive(Debug)]
pub struct HttpSchedulerDriver {
    owner: Owner<Http>,
}

impl HttpSchedulerDriver {
    /// A driver that acknowledges updates by itself.
    ///
    /// # Errors
    /// That `master` names none.
    pub fn new(
        scheduler: impl Scheduler + 'static,
        framework: FrameworkInfo,
        master: &str,
    ) -> Result<Self, HttpDriverError> {
        Self::with(scheduler, framework, master, DriverOptions::default(), None)
    }

    /// A driver with options, and a credential for a master that wants one.
    ///
    /// # Errors
    /// That `master` names none, or that the credential cannot be sent.
    pub fn with(
        scheduler: impl Scheduler + 'static,
        framework: FrameworkInfo,
        master: &str,
        options: DriverOptions,
        credential: Option<&Credential>,
    ) -> Result<Self, HttpDriverError> {
        if credential.is_some_and(|one| one.principal.contains(':')) {
            return Err(HttpDriverError::Principal);
        }
        let found = Master::read(master)?;
        let is_secure = matches!(found, Master::Address { is_secure: true, .. });
        let detector = Detector::new(found).ok_or(HttpDriverError::Ecs(master.to_owned()))?;
        let http = Http::new(detector, is_secure, credential);
        let unread =
            |why: std::io::Error| HttpDriverError::Certificates(master.to_owned(), why.to_string());
        let http = http.map_err(unread)?;
        let config: Config = options.config(framework);
        Ok(Self { owner: Owner::new(config, Box::new(scheduler), http) })
    }
}

through_handle!(HttpSchedulerDriver);
