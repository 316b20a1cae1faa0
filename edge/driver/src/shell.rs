//! What hosts a driver's machine: a lock around it, a thread for callbacks, and one for the network.
//!
//! A call steps the machine under the lock and returns its status; what the machine asks for is performed by the network's thread. The
//! lock is held for a step and never across a callback or an await.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use longshore_driver_machine::{
    Callback, Command, Config, Detection, Driver, Input, Output, limits,
};
use longshore_machine::{Machine, Timestamp};
use longshore_server::clock::now;
use tokio::sync::Notify;

use crate::network::{self, Transport};
use crate::scheduler::{Scheduler, SchedulerDriver};
use crate::{Handle, Status};

/// What the lock is around.
struct Core {
    driver: Driver,
    /// What is asked for and not yet performed.
    asked: VecDeque<Output>,
    callbacks: Option<ThreadId>,
    /// Whether the network's thread has ended, or was never started.
    is_over: bool,
    /// Since when nothing is to be waited for any more.
    ended: Option<Instant>,
}

/// A driver's machine, shared by whoever calls, the thread of callbacks and that of the network.
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// Something changed that somebody may wait for.
    changed: Condvar,
    /// Something is asked for, or due at another time.
    pub(crate) asked: Notify,
    /// A callback was taken, or has returned: events may be read again.
    pub(crate) returned: Notify,
}

impl Shared {
    pub(crate) fn new(config: Config) -> Self {
        let driver = Driver::new(config, longshore_server::seed());
        let core =
            Core { driver, asked: VecDeque::new(), callbacks: None, is_over: false, ended: None };
        Self {
            core: Mutex::new(core),
            changed: Condvar::new(),
            asked: Notify::new(),
            returned: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // Nothing but steps of the machine happens under the lock, and one that panics leaves it as a crash would.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step<T>(&self, step: impl FnOnce(&mut Driver, Timestamp, &mut Vec<Output>) -> T) -> T {
        self.step_in(self.lock(), step)
    }

    /// Steps the machine, and lets go of it.
    fn step_in<T>(
        &self,
        mut core: MutexGuard<'_, Core>,
        step: impl FnOnce(&mut Driver, Timestamp, &mut Vec<Output>) -> T,
    ) -> T {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let stepped = step(&mut core.driver, now(), &mut out);
        for output in out {
            match output {
                Output::CallBack => {}
                Output::Note(text) => notes.push(text),
                other => core.asked.push_back(other),
            }
        }
        drop(core);
        self.changed.notify_all();
        self.asked.notify_one();
        // Whoever writes the log may be slow, and may call the driver.
        for note in notes {
            tracing::warn!(target: "longshore_driver", "{note}");
        }
        stepped
    }

    /// The network's thread has ended.
    pub(crate) fn network_ended(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    pub(crate) fn input(&self, input: Input) {
        self.step(|driver, now, out| driver.step(now, input, out));
    }

    pub(crate) fn tick(&self) {
        self.step(|driver, now, out| {
            if driver.wake_at().is_some_and(|at| at <= now) {
                driver.tick(now, out);
            }
        });
    }

    /// What is asked for, and how long to wait for what is due next.
    pub(crate) fn take(&self) -> (VecDeque<Output>, Option<Duration>) {
        let mut core = self.lock();
        let wake = core.driver.wake_at().map(|at| Duration::from_millis(at.since(now())));
        (std::mem::take(&mut core.asked), wake)
    }

    /// Whether no more events should be read for now.
    pub(crate) fn is_behind(&self) -> bool {
        self.lock().driver.is_behind()
    }

    pub(crate) fn status(&self) -> Status {
        self.lock().driver.status()
    }

    /// Does what the scheduler asks for. Waits while the master is behind.
    pub(crate) fn command(&self, command: Command) -> Status {
        let mut core = self.lock();
        let is_call = !matches!(command, Command::Start | Command::Stop { .. } | Command::Abort);
        // The thread of callbacks never waits, and nobody waits for a master that waits for its events to be read: Mesos's driver waits
        // for nobody either.
        let may_wait = is_call && core.callbacks != Some(std::thread::current().id());
        let has_to = |driver: &Driver| {
            driver.status() == Status::Running && driver.is_full() && !driver.is_behind()
        };
        while may_wait && has_to(&core.driver) {
            core = self.changed.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
        self.step_in(core, |driver, now, out| driver.command(now, command, out))
    }

    /// Waits until the driver is stopped or aborted and has nothing left to say. An `error` that waits is told first; a callback that
    /// does not return is not waited for longer than the last words are.
    pub(crate) fn join(&self) -> Status {
        let mut core = self.lock();
        loop {
            let status = core.driver.status();
            let is_inside = core.callbacks == Some(std::thread::current().id());
            if status == Status::NotStarted || is_inside {
                return status;
            }
            if status == Status::Running {
                core = self.changed.wait(core).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let since = *core.ended.get_or_insert_with(Instant::now);
            let is_patient = since.elapsed() < Duration::from_millis(2 * limits::FAREWELL_MS);
            if core.is_over && (core.driver.is_idle() || !is_patient) {
                return status;
            }
            // How long the network's thread takes is bounded there.
            let waited = self.changed.wait_timeout(core, Duration::from_secs(1));
            core = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next callback; `None` when there will be none any more.
    fn next_callback(&self) -> Option<Callback> {
        let mut core = self.lock();
        loop {
            if let Some(callback) = core.driver.next_callback() {
                self.returned.notify_one();
                return Some(callback);
            }
            if core.driver.is_finished() && core.driver.is_idle() {
                return None;
            }
            core = self.changed.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Starts the threads of a driver. One that cannot be started aborts it with an error.
pub(crate) fn start<T: Transport>(
    shared: &Arc<Shared>,
    scheduler: Box<dyn Scheduler>,
    transport: T,
) {
    let of_callbacks = shared.clone();
    let callbacks = std::thread::Builder::new()
        .name("longshore-scheduler".to_owned())
        .spawn(move || call_back(&of_callbacks, scheduler));
    let of_network = shared.clone();
    let network = std::thread::Builder::new()
        .name("longshore-driver".to_owned())
        .spawn(move || network::run(&of_network, transport));
    if let Err(why) = callbacks.and(network) {
        let text = format!("cannot start a thread of the driver: {why}");
        shared.input(Input::Detected(Detection::Failed(text)));
        shared.network_ended();
    }
}

/// Calls the scheduler, for as long as something happens.
fn call_back(shared: &Arc<Shared>, mut scheduler: Box<dyn Scheduler>) {
    shared.lock().callbacks = Some(std::thread::current().id());
    let handle = Handle::new(shared.clone());
    while let Some(callback) = shared.next_callback() {
        let call = AssertUnwindSafe(|| tell(&mut *scheduler, &handle, callback));
        let returned = catch_unwind(call).map_err(|panic| said(&*panic));
        shared.input(Input::Returned(returned));
        shared.returned.notify_one();
    }
}

/// What a panic says.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a word").to_owned()
}

fn tell(scheduler: &mut dyn Scheduler, driver: &dyn SchedulerDriver, callback: Callback) {
    match callback {
        Callback::Registered(framework, master) => {
            scheduler.registered(driver, &framework, &master);
        }
        Callback::Reregistered(master) => scheduler.reregistered(driver, &master),
        Callback::Disconnected => scheduler.disconnected(driver),
        Callback::ResourceOffers(offers) => scheduler.resource_offers(driver, offers),
        Callback::OfferRescinded(offer) => scheduler.offer_rescinded(driver, &offer),
        Callback::InverseOffers(offers) => scheduler.inverse_offers(driver, offers),
        Callback::InverseOfferRescinded(offer) => {
            scheduler.inverse_offer_rescinded(driver, &offer);
        }
        Callback::StatusUpdate(status) => scheduler.status_update(driver, &status),
        Callback::FrameworkMessage(executor, agent, data) => {
            scheduler.framework_message(driver, &executor, &agent, &data);
        }
        Callback::AgentLost(agent) => scheduler.agent_lost(driver, &agent),
        Callback::ExecutorLost(executor, agent, status) => {
            scheduler.executor_lost(driver, &executor, &agent, status);
        }
        Callback::Error(message) => scheduler.error(driver, &message),
    }
}
