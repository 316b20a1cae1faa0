//! What a driver may be told, what it may ask for, and what it does when time passes.

use std::sync::Arc;

use longshore_machine::{Ids, Machine, Timestamp};
use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, Event, OfferConstraints};

use crate::callbacks::{Callback, Callbacks};
use crate::command::{self, Command};
use crate::ends::Ends;
use crate::lane::{Answer, CallNumber, Lane};
use crate::limits;
use crate::losses::Unsure;
use crate::profile::Profile;
use crate::session::{Attempt, Detection, Ending, Session, Was};
use crate::status::Status;

/// What a driver is made with.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Whose driver it is. With an id, it goes on where another scheduler of it stopped.
    pub framework: FrameworkInfo,
    /// Whether updates are acknowledged by the driver, after `status_update` has returned.
    pub implicit_acknowledgements: bool,
    /// The roles for which no offers are wanted at first.
    pub suppressed_roles: Vec<String>,
    /// Which agents may be offered.
    pub constraints: Option<OfferConstraints>,
}

/// What a driver may be told.
#[derive(Clone, Debug)]
pub enum Input {
    /// The scheduler calls.
    Command(Command),
    /// Who leads.
    Detected(Detection),
    /// A SUBSCRIBE was answered with a stream, and its `Mesos-Stream-Id`.
    Opened(Attempt, Option<String>),
    /// An event came on a stream.
    Heard(Attempt, Box<Event>),
    /// An attempt, or its stream, has ended. Told once of each, unless it was hung up.
    Ended(Attempt, Ending),
    /// A call is answered. Told once of each.
    Answered(CallNumber, Answer),
    /// The callback that ran has returned, or panicked, and how.
    Returned(Result<(), String>),
}

/// What a driver may ask for.
#[derive(Clone, Debug)]
pub enum Output {
    /// Find the master, and tell who leads, now and whenever it changes.
    Detect,
    /// Send a SUBSCRIBE, and read what comes.
    Subscribe {
        /// To tell of it.
        attempt: Attempt,
        /// The master's address.
        address: String,
        /// The call.
        call: Box<Call>,
    },
    /// End an attempt, or its stream.
    HangUp(Attempt),
    /// Send a call.
    Send {
        /// To tell of it.
        number: CallNumber,
        /// The master's address.
        address: String,
        /// The `Mesos-Stream-Id`, if the master gave one.
        stream_id: Option<String>,
        /// The call.
        call: Arc<Call>,
    },
    /// A callback waits: see [`Driver::next_callback`].
    CallBack,
    /// Something that whoever runs the scheduler may want to know.
    Note(String),
    /// The driver has stopped, and has said all that it had to say.
    Finished,
}

/// A driver.
#[derive(Debug)]
pub struct Driver {
    pub(crate) implicit_acknowledgements: bool,
    ids: Ids,
    pub(crate) status: Status,
    pub(crate) profile: Profile,
    pub(crate) was_registered: bool,
    pub(crate) session: Session,
    pub(crate) lane: Lane,
    callbacks: Callbacks,
    pub(crate) unsure: Unsure,
    pub(crate) ends: Ends,
    /// Until when it tries to say what is left, once it has stopped.
    pub(crate) leaves_until: Option<Timestamp>,
    is_finished: bool,
    /// What was noted last of a master that cannot be had, and when.
    pub(crate) noted: Option<(String, Timestamp)>,
}

impl Driver {
    /// A driver that has not been started.
    pub fn new(config: Config, seed: u128) -> Self {
        let Config { framework, implicit_acknowledgements, suppressed_roles, constraints } = config;
        Self {
            implicit_acknowledgements,
            ids: Ids::new(seed),
            status: Status::NotStarted,
            profile: Profile::new(framework, suppressed_roles, constraints),
            was_registered: false,
            session: Session::default(),
            lane: Lane::default(),
            callbacks: Callbacks::default(),
            unsure: Unsure::default(),
            ends: Ends::default(),
            leaves_until: None,
            is_finished: false,
            noted: None,
        }
    }

    /// What it is.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether the framework is subscribed.
    pub fn is_connected(&self) -> bool {
        self.session.is_open()
    }

    /// The framework as it is known, with its id once there is one.
    pub fn framework(&self) -> &FrameworkInfo {
        self.profile.framework()
    }

    /// The next callback, if none runs. [`Input::Returned`] must follow.
    pub fn next_callback(&mut self) -> Option<Callback> {
        self.callbacks.next()
    }

    /// Whether no callback runs or waits.
    pub fn is_idle(&self) -> bool {
        self.callbacks.is_idle()
    }

    /// Whether no more events should be read for now: the scheduler is behind.
    pub fn is_behind(&self) -> bool {
        self.callbacks.is_full()
    }

    /// Whether whoever calls should wait for a while: the master is behind.
    pub fn is_full(&self) -> bool {
        self.lane.is_full()
    }

    /// Whether nothing more will be asked for.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Does what the scheduler asks for, and returns what its method returns. Source: the driver of Mesos: see `Status`.
    pub fn command(&mut self, now: Timestamp, command: Command, out: &mut Vec<Output>) -> Status {
        match command {
            Command::Start => self.start(out),
            Command::Stop { failover } => return self.stop(now, failover, out),
            Command::Abort => self.aborts(now, None, out),
            other if self.status == Status::Running => self.wanted(now, other, out),
            _ => {}
        }
        self.status
    }

    fn start(&mut self, out: &mut Vec<Output>) {
        if self.status == Status::NotStarted {
            self.status = Status::Running;
            out.push(Output::Detect);
        }
    }

    fn stop(&mut self, now: Timestamp, failover: bool, out: &mut Vec<Output>) -> Status {
        let before = self.status;
        if before == Status::NotStarted {
            return before;
        }
        self.status = Status::Stopped;
        self.callbacks.clear();
        if before == Status::Running {
            if !failover && self.session.is_open() {
                // Whatever waits is of no use to a framework that is removed, and must not keep it.
                self.lane.forgets();
                self.pushes(Call { r#type: Some(Type::Teardown.into()), ..Call::default() });
            }
            self.leaves(now, out);
        }
        // Source: Mesos tells whoever stops an aborted driver that it was aborted.
        if before == Status::Aborted { before } else { self.status }
    }

    /// Gives up; `error` is told to the scheduler.
    pub(crate) fn aborts(&mut self, now: Timestamp, error: Option<String>, out: &mut Vec<Output>) {
        if self.status != Status::Running {
            return;
        }
        self.status = Status::Aborted;
        self.callbacks.clear();
        if let Some(error) = error {
            self.calls_back(Callback::Error(error), out);
        }
        self.leaves(now, out);
    }

    /// Says what is left to say, and ends.
    pub(crate) fn leaves(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.leaves_until = Some(now + limits::FAREWELL_MS);
        self.sends(now, out);
        if !self.session.is_open() || self.lane.is_empty() {
            self.finishes(out);
        }
    }

    pub(crate) fn finishes(&mut self, out: &mut Vec<Output>) {
        if self.is_finished {
            return;
        }
        self.is_finished = true;
        let attempt = self.session.attempt();
        if self.session.was(attempt) != Was::Old {
            out.push(Output::HangUp(attempt));
        }
        self.session.ends();
        self.lane.breaks();
        self.leaves_until = None;
        out.push(Output::Finished);
    }

    pub(crate) fn calls_back(&mut self, callback: Callback, out: &mut Vec<Output>) {
        self.callbacks.push(callback);
        out.push(Output::CallBack);
    }

    fn detected(&mut self, now: Timestamp, detection: Detection, out: &mut Vec<Output>) {
        let leader = match detection {
            Detection::Leader(leader) => Some(leader),
            Detection::Nobody => None,
            Detection::Failed(text) => return self.aborts(now, Some(text), out),
        };
        let (attempt, was_open) = (self.session.attempt(), self.session.is_open());
        let was_out = self.session.was(attempt) != Was::Old;
        if self.leaves_until.is_some() || !self.session.leads(now, leader) {
            return;
        }
        if was_out {
            out.push(Output::HangUp(attempt));
        }
        if was_open {
            self.lost(now, out);
        }
        self.subscribes(now, out);
    }

    fn subscribes(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if self.status != Status::Running || !self.session.is_due(now) {
            return;
        }
        let Some(address) = self.session.address().map(str::to_owned) else { return };
        let attempt = self.session.begins(now);
        let call = Box::new(self.profile.subscribe());
        out.push(Output::Subscribe { attempt, address, call });
    }

    fn heard(&mut self, now: Timestamp, attempt: Attempt, event: Event, out: &mut Vec<Output>) {
        if self.session.hears(now, attempt) && self.status == Status::Running {
            self.happens(now, event, out);
        }
    }

    pub(crate) fn ended(
        &mut self,
        now: Timestamp,
        attempt: Attempt,
        ending: Ending,
        out: &mut Vec<Output>,
    ) {
        let was = self.session.was(attempt);
        if was == Was::Old {
            return;
        }
        if self.status != Status::Running {
            return self.finishes(out);
        }
        let address = self.session.address().unwrap_or_default().to_owned();
        match ending {
            Ending::Elsewhere(other) if self.session.goes(now, other.clone()) => {}
            Ending::Elsewhere(other) => {
                self.retries(now, format!("{address} says that {other} leads, and so on"), out);
            }
            Ending::Broken(text) => self.retries(now, format!("{address}: {text}"), out),
            Ending::Refused { status, text } if is_passing(status) => {
                self.retries(now, format!("{address}: {status} {text}"), out);
            }
            Ending::Refused { status, text } => {
                self.session.ends();
                let why = refusal(&address, status, &text);
                return self.aborts(now, Some(why), out);
            }
        }
        if was == Was::Subscribed {
            self.lost(now, out);
        }
        self.subscribes(now, out);
    }

    fn retries(&mut self, now: Timestamp, why: String, out: &mut Vec<Output>) {
        let pause_ms_max = self.profile.pause_ms_max();
        self.session.fails(now, &mut self.ids, pause_ms_max);
        let is_said = |(said, at): &(String, Timestamp)| {
            *said == why && now.since(*at) < limits::NOTE_AGAIN_MS
        };
        if !self.noted.as_ref().is_some_and(is_said) {
            out.push(Output::Note(format!("not subscribed, and trying again: {why}")));
            self.noted = Some((why, now));
        }
    }

    fn returned(&mut self, now: Timestamp, how: Result<(), String>, out: &mut Vec<Output>) {
        let Some(ran) = self.callbacks.returned() else { return };
        if let Err(text) = how {
            out.push(Output::Note(format!("a callback of the scheduler panicked: {text}")));
            self.aborts(now, None, out);
        } else if self.status == Status::Running && self.implicit_acknowledgements {
            if let Some(status) = &ran.update {
                self.ends.acknowledged(status);
            }
            let call = ran.update.and_then(|status| command::acknowledgement(*status));
            if let Some(call) = call.filter(|_| self.session.is_open()) {
                self.pushes(call);
                self.sends(now, out);
            }
        }
        if !self.callbacks.is_idle() {
            out.push(Output::CallBack);
        }
    }

    /// What does not hold.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        wrong.extend(self.callbacks.audit(self.status == Status::Running));
        wrong.extend(self.lane.audit(self.session.is_open()));
        if self.is_finished && self.session.wake_at().is_some() {
            wrong.push("a driver that has finished has a subscription".to_owned());
        }
        if self.status == Status::Running && self.leaves_until.is_some() {
            wrong.push("a driver that runs is leaving".to_owned());
        }
        wrong
    }
}

/// Whether a refusal may be another answer later.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..)
}

/// Frameworks know some of the texts of a master, so these stay as they are.
fn refusal(address: &str, status: u16, text: &str) -> String {
    // Some begin with the status.
    let text = text.trim().trim_start_matches(&status.to_string()).trim_start();
    let said = if text.is_empty() { status.to_string() } else { format!("{status} {text}") };
    match status {
        403 if !text.is_empty() => text.to_owned(),
        401 => format!(
            "{address} wants a credential, and the framework has none or another one: {said}"
        ),
        404 | 405 | 501 => format!("{address} is not a Mesos master: {said}"),
        _ => format!("{address} does not accept the framework: {said}"),
    }
}

impl Machine for Driver {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Command(command) => drop(self.command(now, command, out)),
            Input::Returned(how) => self.returned(now, how, out),
            Input::Opened(attempt, stream_id) => {
                if !self.session.opens(now, attempt, stream_id) {
                    out.push(Output::HangUp(attempt));
                }
            }
            _ if self.is_finished => {}
            Input::Detected(detection) => self.detected(now, detection, out),
            Input::Heard(attempt, event) => self.heard(now, attempt, *event, out),
            Input::Ended(attempt, ending) => self.ended(now, attempt, ending, out),
            Input::Answered(number, answer) => self.answered(now, number, answer, out),
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if self.is_finished {
            return;
        }
        if self.leaves_until.is_some_and(|until| until <= now) {
            out.push(Output::Note("the master did not take all that was left to say".to_owned()));
            return self.finishes(out);
        }
        if self.callbacks.is_full() {
            // Nobody reads what the master says.
            self.session.excuses(now);
        }
        if let Some(how) = self.session.is_silent(now) {
            let attempt = self.session.attempt();
            out.push(Output::HangUp(attempt));
            self.ended(now, attempt, Ending::Broken(how.to_owned()), out);
        }
        self.subscribes(now, out);
        if self.session.is_open()
            && let Some(call) = self.unsure.ask(now)
        {
            self.pushes(call);
        }
        self.sends(now, out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let of_unsure = self.unsure.wake_at().filter(|_| self.session.is_open());
        [self.session.wake_at(), self.lane.wake_at(), of_unsure, self.leaves_until]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests;
