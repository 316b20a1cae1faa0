//! What owns a driver: starts its threads once, and ends them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_driver_machine::{Command, Config};

use crate::handle::Handle;
use crate::network::Transport;
use crate::scheduler::Scheduler;
use crate::shell::{self, Shared};
use crate::{SchedulerDriver, Status};

/// A driver's machine with the scheduler and the transport that it gets when it is started.
pub(crate) struct Owner<T> {
    shared: Arc<Shared>,
    handle: Handle,
    unused: Mutex<Option<(Box<dyn Scheduler>, T)>>,
}

impl<T> fmt::Debug for Owner<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("status", &self.shared.status()).finish_non_exhaustive()
    }
}

impl<T: Transport> Owner<T> {
    pub(crate) fn new(config: Config, scheduler: Box<dyn Scheduler>, transport: T) -> Self {
        let shared = Arc::new(Shared::new(config));
        let handle = Handle::new(shared.clone());
        Self { shared, handle, unused: Mutex::new(Some((scheduler, transport))) }
    }

    pub(crate) fn start(&self) -> Status {
        let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((scheduler, transport)) = unused.take() else { return self.shared.status() };
        let started = self.shared.command(Command::Start);
        shell::start(&self.shared, scheduler, transport);
        started
    }
}

impl<T> Owner<T> {
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl<T> Drop for Owner<T> {
    fn drop(&mut self) {
        // Whoever drops a driver may be about to exit, and what was said last has to go out before.
        self.handle.stop(true);
        self.handle.join();
    }
}

/// Makes a driver of a type with a field `owner`.
macro_rules! through_handle {
    ($driver:ty) => {
        impl $driver {
            /// A way to call the driver from other threads.
            pub fn handle(&self) -> crate::Handle {
                self.owner.handle().clone()
            }
        }

        impl crate::SchedulerDriver for $driver {
            fn start(&self) -> crate::Status {
                self.owner.start()
            }

            crate::owner::through_handle! { @calls
                fn stop(failover: bool);
                fn abort();
                fn join();
                fn request_resources(requests: Vec<crate::v1::Request>);
                fn launch_tasks(
                    offers: Vec<crate::v1::OfferId>,
                    tasks: Vec<crate::v1::TaskInfo>,
                    filters: Option<crate::v1::Filters>
                );
                fn accept_offers(
                    offers: Vec<crate::v1::OfferId>,
                    operations: Vec<crate::v1::offer::Operation>,
                    filters: Option<crate::v1::Filters>
                );
                fn decline_offer(offer: crate::v1::OfferId, filters: Option<crate::v1::Filters>);
                fn revive_offers(roles: Option<Vec<String>>);
                fn suppress_offers(roles: Option<Vec<String>>);
                fn answer_inverse_offers(
                    offers: Vec<crate::v1::OfferId>,
                    accept: bool,
                    filters: Option<crate::v1::Filters>
                );
                fn kill_task(task: crate::v1::TaskId);
                fn acknowledge_status_update(status: crate::v1::TaskStatus);
                fn send_framework_message(
                    executor: crate::v1::ExecutorId,
                    agent: crate::v1::AgentId,
                    data: Vec<u8>
                );
                fn reconcile_tasks(statuses: Vec<crate::v1::TaskStatus>);
                fn update_framework(
                    framework: crate::v1::FrameworkInfo,
                    suppressed_roles: Vec<String>,
                    constraints: Option<crate::v1::scheduler::OfferConstraints>
                );
            }
        }
    };
    (@calls $(fn $name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            fn $name(&self, $($argument: $type),*) -> crate::Status {
                self.owner.handle().$name($($argument),*)
            }
        )*
    };
}

pub(crate) use through_handle;
