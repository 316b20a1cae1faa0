//! What may be chosen about any driver.

use longshore_driver_machine::Config;

use crate::v1::FrameworkInfo;
use crate::v1::scheduler::OfferConstraints;

/// What may be chosen about any driver.
#[derive(Clone, Debug, Default)]
pub struct DriverOptions {
    /// The scheduler acknowledges each update itself, by
    /// [`acknowledge_status_update`](crate::SchedulerDriver::acknowledge_status_update), for instance once it has stored it.
    pub explicit_acknowledgements: bool,
    /// The roles for which no offers are wanted at first.
    pub suppressed_roles: Vec<String>,
    /// Which agents may be offered.
    pub constraints: Option<OfferConstraints>,
}

impl DriverOptions {
    /// Source: Mesos: the user is the one that runs the scheduler, and the host the one that it runs on, unless the framework says so.
    pub(crate) fn config(self, framework: FrameworkInfo) -> Config {
        let mut framework = framework;
        if framework.user.is_empty() {
            framework.user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        }
        if framework.hostname.as_deref().unwrap_or_default().is_empty() {
            framework.hostname = Some(host_name());
        }
        Config {
            framework,
            implicit_acknowledgements: !self.explicit_acknowledgements,
            suppressed_roles: self.suppressed_roles,
            constraints: self.constraints,
        }
    }
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
