//! Model frameworks whose scheduler stands behind a driver, the machine of `core/driver`: it subscribes, sends, acknowledges and
//! comes back for them. The network between it and the bridge is that of all others.

use std::collections::BTreeMap;

use longshore_bridge::StreamKey;
use longshore_driver_machine::{
    Answer, Attempt, CallNumber, Callback, Command, Config, Detection, Driver, Ending, Input,
    Leader, Output, Status, audit,
};
use longshore_machine::{Machine, Timestamp};
use longshore_wire_mesos::v1::scheduler::call::{Type, UpdateFramework};
use longshore_wire_mesos::v1::scheduler::event::{self, Type as EventType};
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use longshore_wire_mesos::v1::{Filters, TaskStatus};

use super::describe::Description;
use super::faulty::Fault;
use super::forms;
use super::scheduler::{Link, Scheduler};
use super::world::{Happens, World};

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ticket {
    Subscribe(Attempt),
    Call(CallNumber),
}

/// A driver, and what is known of its connections.
#[derive(Debug)]
pub(super) struct Driven {
    driver: Driver,
    /// Its last attempt to subscribe.
    attempt: Attempt,
    /// The streams that bridges gave it.
    opened: BTreeMap<Attempt, (StreamKey, u64)>,
    /// What its framework said of itself in the updates of this subscription, each of which may be sent more than once.
    said: Vec<(UpdateFramework, Description)>,
    /// Whether it acknowledges by itself.
    is_implicit: bool,
}

impl Driven {
    /// A driver for a framework, which goes on where an earlier one of the framework stopped.
    pub(super) fn new(scheduler: &Scheduler, seed: u64) -> Self {
        let said = scheduler.description.subscribe(scheduler.info()).subscribe.unwrap_or_default();
        let is_implicit = seed.is_multiple_of(2);
        let config = Config {
            framework: said.framework_info,
            implicit_acknowledgements: is_implicit,
            suppressed_roles: said.suppressed_roles,
            constraints: said.offer_constraints,
        };
        Self {
            driver: Driver::new(config, u128::from(seed)),
            attempt: Attempt::default(),
            opened: BTreeMap::new(),
            said: Vec::new(),
            is_implicit,
        }
    }

    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.driver.wake_at()
    }
}

impl World {
    /// Whether a driver stands between this scheduler and the bridge.
    pub(super) fn is_driven(&self, scheduler: usize) -> bool {
        self.schedulers[scheduler].driven.is_some()
    }

    /// Starts a driver, if the last one has stopped.
    pub(super) fn start_driver(&mut self, scheduler: usize) {
        let one = &self.schedulers[scheduler];
        let Some(driven) = &one.driven else { return };
        let status = driven.driver.status();
        if status == Status::Running || status != Status::NotStarted && !driven.driver.is_finished()
        {
            return;
        }
        if status != Status::NotStarted {
            self.tally.count("reached", "another driver took over");
        }
        // Of what it says of itself, a driver that does not run takes nothing in.
        let seed = self.chance.below(u64::MAX);
        let fresh = Driven::new(&self.schedulers[scheduler], seed);
        self.schedulers[scheduler].driven = Some(Box::new(fresh));
        self.driver_is_told(scheduler, Command::Start);
    }

    /// A scheduler calls its driver.
    pub(super) fn call_driver(&mut self, scheduler: usize, call: Call) {
        if let Some(update) = &call.update_framework {
            let said = (update.clone(), self.schedulers[scheduler].description.clone());
            if let Some(driven) = self.schedulers[scheduler].driven.as_deref_mut() {
                driven.said.push(said);
            }
        }
        if let Some(command) = command(call) {
            self.driver_is_told(scheduler, command);
        }
    }

    fn driver_is_told(&mut self, scheduler: usize, command: Command) {
        self.tally.count("commands", name(&command));
        self.tell_driver(scheduler, Input::Command(command));
    }

    /// Something happens to a driver.
    pub(super) fn tell_driver(&mut self, scheduler: usize, input: Input) {
        let now = self.now;
        self.step_driver(scheduler, |driver, out| driver.step(now, input, out));
    }

    /// A driver does what is due.
    pub(super) fn tick_driver(&mut self, scheduler: usize) {
        let now = self.now;
        self.step_driver(scheduler, |driver, out| driver.tick(now, out));
    }

    fn step_driver(&mut self, scheduler: usize, step: impl FnOnce(&mut Driver, &mut Vec<Output>)) {
        let Some(driven) = self.schedulers[scheduler].driven.as_deref_mut() else { return };
        let mut out = Vec::new();
        step(&mut driven.driver, &mut out);
        for violation in audit(&driven.driver) {
            self.ledger.fail(format!("audit of a driver: {violation}"));
        }
        for output in out {
            self.perform_driver(scheduler, output);
        }
    }

    fn perform_driver(&mut self, scheduler: usize, output: Output) {
        match output {
            Output::Detect => {
                let leader = Leader { address: "bridge".to_owned(), info: None };
                self.tell_driver(scheduler, Input::Detected(Detection::Leader(leader)));
            }
            Output::Subscribe { attempt, call, .. } => {
                self.driver_subscribes(scheduler, attempt, call);
            }
            Output::HangUp(attempt) => self.hang_up(scheduler, attempt),
            Output::Send { number, call, .. } => {
                self.driver_sends(scheduler, number, (*call).clone());
            }
            Output::CallBack => self.call_back(scheduler),
            Output::Note(text) => {
                self.trace(|| format!("the driver of f{scheduler} notes: {text}"));
            }
            Output::Finished => {
                self.tally.count("reached", "a driver finished");
                self.later(2_000, Happens::Reconnects { scheduler });
            }
        }
    }

    fn driver_subscribes(&mut self, scheduler: usize, attempt: Attempt, call: Box<Call>) {
        let delay = self.short_delay();
        let one = &mut self.schedulers[scheduler];
        let description = Some(one.description.clone());
        if let Some(driven) = one.driven.as_deref_mut() {
            driven.attempt = attempt;
            driven.said.clear();
        }
        if one.away {
            return self.attempt_fails(scheduler, attempt, delay);
        }
        let epoch = self.masters[one.master].epoch;
        let ticket = Some(Ticket::Subscribe(attempt));
        let happens = Happens::Called { scheduler, epoch, call, link: None, description, ticket };
        self.later(delay, happens);
    }

    fn driver_sends(&mut self, scheduler: usize, number: CallNumber, call: Call) {
        let one = &self.schedulers[scheduler];
        let description = call.update_framework.as_ref().and_then(|update| {
            let said = one.driven.as_deref()?.said.iter().rev();
            let found = said.map(|(of, said)| (of, said)).find(|(of, _)| *of == update);
            Some(found.map_or_else(|| one.description.clone(), |(_, said)| said.clone()))
        });
        let Some(link) = one.link.clone() else {
            let unsure = Answer::Unsure("there is no connection".to_owned());
            return self.tell_driver(scheduler, Input::Answered(number, unsure));
        };
        let (epoch, call, link) = (link.epoch, Box::new(call), Some(link));
        let ticket = Some(Ticket::Call(number));
        let delay = self.delay();
        if self.fault == Fault::DriverRepeats && call.accept.is_some() {
            let (call, link, description) = (call.clone(), link.clone(), None);
            let again = Happens::Called { scheduler, epoch, call, link, description, ticket: None };
            self.later(delay + 1, again);
        }
        if self.storm && self.chance.one_in(50) {
            return self.nobody_answers(scheduler, ticket);
        }
        self.later(delay, Happens::Called { scheduler, epoch, call, link, description, ticket });
    }

    /// A connection breaks before the answer.
    pub(super) fn nobody_answers(&mut self, scheduler: usize, ticket: Option<Ticket>) {
        let delay = self.delay();
        match ticket {
            None => {}
            Some(Ticket::Subscribe(attempt)) => self.attempt_fails(scheduler, attempt, delay),
            Some(Ticket::Call(number)) => {
                let unsure = Answer::Unsure("reset by peer".to_owned());
                self.later(
                    delay,
                    Happens::Driver { scheduler, input: Input::Answered(number, unsure) },
                );
            }
        }
    }

    fn attempt_fails(&mut self, scheduler: usize, attempt: Attempt, after_ms: u64) {
        let input = Input::Ended(attempt, Ending::Broken("cannot be reached".to_owned()));
        self.later(after_ms, Happens::Driver { scheduler, input });
    }

    /// A SUBSCRIBE got its stream.
    pub(super) fn driver_opened(&mut self, scheduler: usize, attempt: Attempt, link: Link) {
        let one = &mut self.schedulers[scheduler];
        one.disconnected();
        if let Some(driven) = one.driven.as_deref_mut() {
            driven.opened.insert(attempt, (link.stream, link.epoch));
        }
        let stream_id = Some(link.stream_id.clone());
        one.link = Some(link);
        self.tell_driver(scheduler, Input::Opened(attempt, stream_id));
    }

    /// An event came on the stream that is read.
    pub(super) fn driver_hears(&mut self, scheduler: usize, event: Box<Event>) {
        if let Some(attempt) = self.schedulers[scheduler].driven.as_deref().map(|one| one.attempt) {
            self.tell_driver(scheduler, Input::Heard(attempt, event));
        }
    }

    /// The stream that is read is over.
    pub(super) fn driver_loses(&mut self, scheduler: usize) {
        self.schedulers[scheduler].disconnected();
        let Some(driven) = self.schedulers[scheduler].driven.as_deref_mut() else { return };
        let attempt = driven.attempt;
        driven.opened.remove(&attempt);
        let ending = Ending::Broken("the stream is over".to_owned());
        self.tell_driver(scheduler, Input::Ended(attempt, ending));
    }

    fn hang_up(&mut self, scheduler: usize, attempt: Attempt) {
        let noticed = self.delay();
        let one = &mut self.schedulers[scheduler];
        let Some(driven) = one.driven.as_deref_mut() else { return };
        let Some((stream, epoch)) = driven.opened.remove(&attempt) else { return };
        if one.link.as_ref().is_some_and(|link| link.stream == stream && link.epoch == epoch) {
            one.disconnected();
        }
        let master = one.master;
        self.later(noticed, Happens::StreamEnded { master, epoch, stream });
    }

    /// The scheduler is called, one callback after the other.
    fn call_back(&mut self, scheduler: usize) {
        while let Some(driven) = self.schedulers[scheduler].driven.as_deref_mut() {
            let Some(callback) = driven.driver.next_callback() else { return };
            let is_implicit = driven.is_implicit;
            self.tally.count("callbacks", spoken(&callback));
            let is_update = matches!(callback, Callback::StatusUpdate(_));
            if self.fault == Fault::DriverSwallows && is_update && self.chance.one_in(4) {
                self.swallow(scheduler, &callback);
            } else if let Some(event) = event(callback) {
                self.hears(scheduler, &event, is_implicit);
            } else {
                self.schedulers[scheduler].disconnected();
            }
            self.tell_driver(scheduler, Input::Returned(Ok(())));
        }
    }
}

impl World {
    /// A driver sends each launch once.
    pub(super) fn check_once(&mut self, scheduler: usize, call: &Call) {
        let Some(accept) = &call.accept else { return };
        let tasks = accept.operations.iter().flat_map(|one| one.launch.iter());
        let tasks =
            tasks.flat_map(|launch| &launch.task_infos).map(|task| task.task_id.value.clone());
        let offers = accept.offer_ids.iter().map(|offer| offer.value.clone());
        let launch: (usize, Vec<String>) = (scheduler, offers.chain(tasks).collect());
        if !self.ledger.sent.insert(launch.clone()) {
            self.ledger.fail(format!("the driver of f{} launches {:?} twice", launch.0, launch.1));
        }
    }

    /// A driver that is broken acknowledges what it does not tell.
    fn swallow(&mut self, scheduler: usize, callback: &Callback) {
        if let Callback::StatusUpdate(status) = callback
            && let Some(call) = forms::acknowledge(status)
        {
            self.call_driver(scheduler, call);
        }
    }
}

fn spoken(callback: &Callback) -> &'static str {
    match callback {
        Callback::Registered(..) => "registered",
        Callback::Reregistered(_) => "reregistered",
        Callback::Disconnected => "disconnected",
        Callback::ResourceOffers(_) => "resourceOffers",
        Callback::OfferRescinded(_) => "offerRescinded",
        Callback::InverseOffers(_) | Callback::InverseOfferRescinded(_) => "inverse offers",
        Callback::StatusUpdate(_) => "statusUpdate",
        Callback::FrameworkMessage(..) => "frameworkMessage",
        Callback::AgentLost(_) => "slaveLost",
        Callback::ExecutorLost(..) => "executorLost",
        Callback::Error(_) => "error",
    }
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Start => "start",
        Command::Stop { .. } => "stop",
        Command::Accept { .. } => "acceptOffers",
        Command::Kill(_) => "killTask",
        Command::Acknowledge(_) => "acknowledgeStatusUpdate",
        Command::Reconcile(_) => "reconcileTasks",
        _ => "others",
    }
}

/// A callback as the event that a scheduler without a driver would have read; `None` if there is no such event.
fn event(callback: Callback) -> Option<Event> {
    let of = |kind: EventType| Event { r#type: Some(kind.into()), ..Event::default() };
    Some(match callback {
        Callback::Registered(framework_id, _) => {
            let subscribed = event::Subscribed { framework_id, ..event::Subscribed::default() };
            Event { subscribed: Some(subscribed), ..of(EventType::Subscribed) }
        }
        Callback::Reregistered(_) => of(EventType::Subscribed),
        Callback::ResourceOffers(offers) => {
            Event { offers: Some(event::Offers { offers }), ..of(EventType::Offers) }
        }
        Callback::OfferRescinded(offer_id) => {
            Event { rescind: Some(event::Rescind { offer_id }), ..of(EventType::Rescind) }
        }
        Callback::InverseOffers(inverse_offers) => Event {
            inverse_offers: Some(event::InverseOffers { inverse_offers }),
            ..of(EventType::InverseOffers)
        },
        Callback::StatusUpdate(status) => {
            Event { update: Some(event::Update { status: *status }), ..of(EventType::Update) }
        }
        Callback::Error(message) => {
            Event { error: Some(event::Error { message }), ..of(EventType::Error) }
        }
        Callback::Disconnected => return None,
        _ => of(EventType::Heartbeat),
    })
}

/// What a scheduler without a driver would have sent, as a command; `None` if a driver has none.
fn command(call: Call) -> Option<Command> {
    let kind = call.r#type();
    let roles = |roles: Vec<String>| Some(roles).filter(|roles| !roles.is_empty());
    Some(match kind {
        Type::Teardown => Command::Stop { failover: false },
        Type::Accept => {
            let accept = call.accept?;
            let filters = accept.filters.unwrap_or_default();
            Command::Accept { offers: accept.offer_ids, operations: accept.operations, filters }
        }
        Type::Decline => {
            let decline = call.decline?;
            Command::Decline(decline.offer_ids, decline.filters.unwrap_or_default())
        }
        Type::Revive => Command::Revive(roles(call.revive.unwrap_or_default().roles)),
        Type::Suppress => Command::Suppress(roles(call.suppress.unwrap_or_default().roles)),
        Type::Kill => Command::Kill(call.kill?.task_id),
        Type::Acknowledge => {
            let said = call.acknowledge?;
            Command::Acknowledge(Box::new(TaskStatus {
                task_id: said.task_id,
                agent_id: Some(said.agent_id),
                uuid: Some(said.uuid),
                ..TaskStatus::default()
            }))
        }
        Type::Reconcile => {
            let tasks = call.reconcile?.tasks.into_iter();
            let status =
                |task: longshore_wire_mesos::v1::scheduler::call::reconcile::Task| TaskStatus {
                    task_id: task.task_id,
                    agent_id: task.agent_id,
                    ..TaskStatus::default()
                };
            Command::Reconcile(tasks.map(status).collect())
        }
        Type::UpdateFramework => {
            let update = call.update_framework?;
            Command::Update {
                framework: Box::new(update.framework_info),
                suppressed_roles: update.suppressed_roles,
                constraints: update.offer_constraints,
            }
        }
        Type::AcceptInverseOffers | Type::DeclineInverseOffers => {
            let accepted =
                call.accept_inverse_offers.map(|one| (one.inverse_offer_ids, one.filters));
            let declined =
                call.decline_inverse_offers.map(|one| (one.inverse_offer_ids, one.filters));
            let accept = accepted.is_some();
            let (offers, filters): (_, Option<Filters>) = accepted.or(declined)?;
            Command::AnswerInverse { offers, accept, filters: filters.unwrap_or_default() }
        }
        _ => return None,
    })
}
