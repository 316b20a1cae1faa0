//! Between bridges and frameworks: what a bridge puts out is performed, calls arrive and are answered, streams are read.

use longshore_bridge::{Output, Response, StreamKey};
use longshore_driver_machine::{Answer, Ending, Input};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, Event};

use super::describe::{Description, caller};
use super::driven::Ticket;
use super::forms;
use super::master::{Item, Master, Pending, Stream};
use super::scheduler::{Link, Reaction};
use super::world::{Happens, World};

/// Whose call it is, and what is to be known of it.
#[derive(Debug)]
pub(super) struct About {
    pub(super) scheduler: usize,
    /// What the framework says of itself, if it does.
    pub(super) description: Option<Description>,
    /// What a driver is told of it.
    pub(super) ticket: Option<Ticket>,
}

/// An audit computes all indexes of a bridge again, which takes longer than most steps. `core/bridge/tests/prop.rs` does so after each
/// step.
const AUDITED_EVERY: u64 = 16;

impl World {
    /// Performs what a bridge asked for, and checks what it knows of itself.
    pub(super) fn perform(&mut self, master: usize, out: Vec<Output>) {
        let dies_after =
            self.doomed.filter(|(doomed, _)| *doomed == master).map(|(_, after)| after);
        let count = dies_after.unwrap_or(out.len());
        for output in out.into_iter().take(count) {
            self.perform_one(master, output);
        }
        if dies_after.is_some() {
            self.doomed = None;
            return self.crash(master);
        }
        self.performed += 1;
        if self.performed.is_multiple_of(AUDITED_EVERY) {
            self.audit(master);
        }
    }

    /// Checks what a bridge knows of itself.
    pub(super) fn audit(&mut self, master: usize) {
        for violation in self.masters[master].bridge.audit() {
            self.ledger.fail(format!("audit: {violation}"));
        }
    }

    fn perform_one(&mut self, master: usize, output: Output) {
        match output {
            Output::Respond(id, response)
                if self.masters[master].of_operators.contains_key(&id) =>
            {
                self.operator_hears(master, id, response);
            }
            Output::Respond(id, response) => {
                let Some(sent) = self.masters[master].calls.remove(&id) else {
                    return self
                        .ledger
                        .fail(format!("{id:?} is answered twice, or was never asked"));
                };
                self.respond(master, &sent, response);
            }
            Output::Send(stream, event) => self.send(master, stream, event),
            Output::Mark(stream) => self.push(master, stream, Item::Mark),
            Output::Close(stream) => {
                self.push(master, stream, Item::Close);
                self.masters[master].promises.stream_ended(stream);
            }
            Output::Ask(question) => self.ask(master, question),
            Output::Probe(probe) => self.probe(master, *probe),
            Output::Listen(wanted) => {
                self.masters[master].listens = wanted;
                self.masters[master].feed_up = false;
                let epoch = self.masters[master].epoch;
                if wanted && !(self.storm && self.chance.one_in(4)) {
                    let delay = 500 + self.delay();
                    self.later(delay, Happens::Feed { master, epoch, up: true });
                }
            }
            Output::Recovered => self.tally.count("reached", "a bridge recovered"),
            Output::Changed(changes) => self.has_changed(master, &changes),
            Output::Note(text) => self.trace(|| format!("bridge {master} notes: {text}")),
            Output::Happened(_) => {}
        }
    }

    fn respond(&mut self, master: usize, sent: &Pending, response: Response) {
        let Pending { scheduler, is_subscribe, framework, description, ticket } = sent;
        let (scheduler, is_subscribe, ticket) = (*scheduler, *is_subscribe, *ticket);
        let now = self.now;
        self.trace(|| format!("bridge {master} answers f{scheduler} {response:?}"));
        match &response {
            Response::Stream(stream, _) => {
                let opened = Stream {
                    scheduler,
                    framework: None,
                    description: description.clone().unwrap_or_default(),
                    is_open: false,
                    items: std::collections::VecDeque::new(),
                    read_since: now,
                };
                self.masters[master].streams.insert(*stream, opened);
            }
            Response::Done => {
                if let (Some(id), Some(said)) = (framework, description) {
                    self.masters[master].policy.describes(id, said.clone(), false);
                }
            }
            Response::Refused(status, why) => {
                self.tally.count("refused", format!("{status} {why}"));
            }
            _ => {}
        }
        let epoch = self.masters[master].epoch;
        let delay = self.short_delay();
        let is_lost = self.storm && self.chance.one_in(50);
        match response {
            Response::Stream(stream, _) if is_lost => {
                self.later(delay, Happens::StreamEnded { master, epoch, stream });
                self.retry(scheduler, ticket);
            }
            _ if is_lost && is_subscribe => self.retry(scheduler, ticket),
            _ if is_lost => self.nobody_answers(scheduler, ticket),
            response => {
                self.later(delay, Happens::Responded { scheduler, epoch, response, ticket });
            }
        }
    }

    fn send(&mut self, master: usize, stream: StreamKey, event: Box<Event>) {
        let now = self.now;
        let Some(on) = self.masters[master].streams.get_mut(&stream) else {
            return self.ledger.fail(format!("{stream:?} is not open: {event:?}"));
        };
        if let Some(subscribed) = &event.subscribed {
            on.framework = Some(subscribed.framework_id.value.clone());
        }
        let framework = on.framework.clone().unwrap_or_default();
        let said = on.description.clone();
        if event.subscribed.is_some() {
            self.masters[master].policy.describes(&framework, said, true);
        }
        self.tally.count("events", event.r#type().as_str_name());
        self.trace(|| format!("bridge {master} tells {framework} {}", forms::brief(&event)));
        if let Some(update) = &event.update {
            let status = &update.status;
            self.tally.count("updates", status.state().as_str_name());
            self.ledger.told(now, &self.cloud, &framework, status);
            self.masters[master].policy.told(&self.cloud, &framework, status);
            let promises = &mut self.masters[master].promises;
            if let Some(wrong) = promises.update(now, stream, &framework, status) {
                self.ledger.fail(wrong);
            }
        }
        if let Some(rescind) = &event.rescind {
            self.masters[master].promises.offers.remove(&rescind.offer_id.value);
        }
        for offer in event.offers.iter().flat_map(|part| &part.offers) {
            let Master { promises, policy, .. } = &mut self.masters[master];
            promises.offer(now, stream, &framework, policy.role_of(&framework, offer), offer);
            if let Some(wrong) = policy.wrong(now, &framework, offer, (promises, &self.cloud)) {
                self.ledger.fail(wrong);
            }
            self.check_offered(master, &offer.agent_id.value);
            self.check_in_use(master, &offer.agent_id.value);
        }
        self.push(master, stream, Item::Event(event));
    }

    fn push(&mut self, master: usize, stream: StreamKey, item: Item) {
        let delay = self.short_delay();
        let (now, epoch) = (self.now, self.masters[master].epoch);
        let Some(on) = self.masters[master].streams.get_mut(&stream) else { return };
        let last = on.items.back().map_or(now, |(due, _)| *due);
        let due = last.max(now + delay);
        on.items.push_back((due, item));
        self.later(due.since(now), Happens::Read { master, epoch, stream });
    }

    /// A framework reads what has arrived on its stream.
    pub(super) fn read(&mut self, master: usize, epoch: u64, stream: StreamKey) {
        while self.is_running(master, epoch) {
            let now = self.now;
            let Some(on) = self.masters[master].streams.get_mut(&stream) else { return };
            if !on.is_open {
                return;
            }
            let scheduler = on.scheduler;
            let reader = &self.schedulers[scheduler];
            let link = reader.link.as_ref();
            let is_own = link.is_some_and(|link| link.stream == stream && link.epoch == epoch);
            if is_own && !reader.reads {
                return;
            }
            let Some((_, item)) = on.items.pop_front_if(|(due, _)| *due <= now) else { return };
            if !is_own {
                // Its reader has turned to another stream.
                continue;
            }
            match item {
                Item::Event(event) if self.is_driven(scheduler) => {
                    self.driver_hears(scheduler, event);
                }
                Item::Event(event) => self.hears(scheduler, &event, false),
                Item::Mark => {
                    let out = self.masters[master].reached(now, stream);
                    self.perform(master, out);
                }
                Item::Close => self.lost_stream(scheduler),
            }
        }
    }

    /// A scheduler takes in an event. Whether somebody else acknowledges for it.
    pub(super) fn hears(&mut self, scheduler: usize, event: &Event, is_acknowledged: bool) {
        for reaction in self.schedulers[scheduler].hear(event) {
            if !(is_acknowledged && matches!(reaction, Reaction::Acknowledge(_))) {
                self.react(scheduler, reaction);
            }
        }
    }

    /// The connection of a framework breaks.
    pub(super) fn stream_breaks(&mut self, scheduler: usize) {
        if self.is_driven(scheduler) {
            self.driver_loses(scheduler);
        } else {
            self.schedulers[scheduler].disconnected();
        }
    }

    /// The stream of a framework is over, and it comes back if it can.
    pub(super) fn lost_stream(&mut self, scheduler: usize) {
        self.stream_breaks(scheduler);
        let delay = 200 + self.delay();
        self.later(delay, Happens::Reconnects { scheduler });
    }

    fn react(&mut self, scheduler: usize, reaction: Reaction) {
        match reaction {
            Reaction::Acknowledge(status) => {
                if !(self.storm && self.chance.one_in(30))
                    && let Some(call) = forms::acknowledge(&status)
                {
                    self.call(scheduler, call);
                }
            }
            Reaction::Offered(offers) => {
                let delay = self.delay();
                self.later(delay, Happens::Decides { scheduler, offers });
            }
            Reaction::Asked(offer) => {
                if !self.chance.one_in(4) {
                    let accepts = self.chance.one_in(2);
                    self.call(scheduler, forms::answer_inverse(&offer, accepts, 10.0));
                }
            }
            Reaction::Subscribed => self.reconcile(scheduler),
            // A driver ends its stream itself.
            Reaction::Ended if self.is_driven(scheduler) => {}
            Reaction::Ended => self.lost_stream(scheduler),
        }
    }

    /// A framework asks about the tasks that it believes to be there, and about all that the bridge knows.
    pub(super) fn reconcile(&mut self, scheduler: usize) {
        let tasks = self.schedulers[scheduler].tasks.iter();
        let tasks: Vec<_> = tasks.map(|(id, task)| (id.clone(), task.agent.clone())).collect();
        if !tasks.is_empty() {
            self.call(scheduler, forms::reconcile(&tasks));
        }
        self.call(scheduler, forms::reconcile(&[]));
    }

    /// A framework sends a call, if it has a stream.
    pub(super) fn call(&mut self, scheduler: usize, call: Call) {
        if self.is_driven(scheduler) {
            return self.call_driver(scheduler, call);
        }
        let sender = &self.schedulers[scheduler];
        let Some(link) = sender.link.clone() else { return };
        let framework_id = sender.id.clone();
        let framework_id =
            framework_id.map(|value| longshore_wire_mesos::v1::FrameworkId { value });
        let is_update = call.r#type() == Type::UpdateFramework;
        let description = is_update.then(|| sender.description.clone());
        let (call, epoch) = (Box::new(Call { framework_id, ..call }), link.epoch);
        let delay = self.delay();
        if !(self.storm && self.chance.one_in(50)) {
            let link = Some(link);
            let ticket = None;
            self.later(
                delay,
                Happens::Called { scheduler, epoch, call, link, description, ticket },
            );
        }
    }

    /// A framework subscribes, unless it has a stream, is about to have one, or stays away.
    pub(super) fn connect(&mut self, scheduler: usize) {
        let one = &self.schedulers[scheduler];
        if one.gone || one.away {
            return;
        }
        if self.is_driven(scheduler) {
            self.start_driver(scheduler);
        } else if !(one.subscribing || one.link.is_some()) {
            self.subscribe(scheduler);
        }
    }

    /// A framework subscribes, whether or not it has a stream.
    pub(super) fn subscribe(&mut self, scheduler: usize) {
        let one = &mut self.schedulers[scheduler];
        one.subscribing = true;
        let call = Box::new(one.description.subscribe(one.info()));
        let description = Some(one.description.clone());
        let epoch = self.masters[one.master].epoch;
        let delay = self.short_delay();
        let (link, ticket) = (None, None);
        self.later(delay, Happens::Called { scheduler, epoch, call, link, description, ticket });
    }

    /// A call reaches the bridge, or nobody is there.
    pub(super) fn called(&mut self, about: About, epoch: u64, call: Call, link: Option<Link>) {
        let About { scheduler, description, ticket } = about;
        let master = self.schedulers[scheduler].master;
        let is_subscribe = link.is_none();
        if !self.is_running(master, epoch) {
            if is_subscribe {
                self.retry(scheduler, ticket);
            } else {
                self.nobody_answers(scheduler, ticket);
            }
            return;
        }
        self.tally.count("calls", call.r#type().as_str_name());
        self.trace(|| format!("f{scheduler} calls {}", forms::brief_call(&call)));
        if self.is_driven(scheduler) {
            self.check_once(scheduler, &call);
        }
        let stream_id = link.map(|link| link.stream_id);
        let is_teardown = call.r#type() == Type::Teardown;
        let pending = Pending {
            scheduler,
            is_subscribe,
            framework: caller(&call).map(str::to_owned),
            description,
            ticket,
        };
        let (out, taken) = self.masters[master].call(self.now, pending, call, stream_id);
        self.schedulers[scheduler].gone |= is_teardown && taken;
        if !taken && out.is_empty() {
            // It was refused before the bridge saw it.
            self.answer_driver(
                scheduler,
                ticket,
                Answer::Refused { status: 400, text: String::new() },
            );
        }
        self.perform(master, out);
    }

    fn answer_driver(&mut self, scheduler: usize, ticket: Option<Ticket>, answer: Answer) {
        if let Some(Ticket::Call(number)) = ticket {
            self.tell_driver(scheduler, Input::Answered(number, answer));
        }
    }

    fn retry(&mut self, scheduler: usize, ticket: Option<Ticket>) {
        if ticket.is_some() {
            return self.nobody_answers(scheduler, ticket);
        }
        self.schedulers[scheduler].subscribing = false;
        self.later(1_000, Happens::Reconnects { scheduler });
    }

    /// An answer reaches the framework.
    pub(super) fn responded(
        &mut self,
        scheduler: usize,
        epoch: u64,
        response: Response,
        ticket: Option<Ticket>,
    ) {
        let master = self.schedulers[scheduler].master;
        match response {
            Response::Stream(stream, stream_id) => {
                if !self.is_running(master, epoch) {
                    return self.retry(scheduler, ticket);
                }
                if let Some(opened) = self.masters[master].streams.get_mut(&stream) {
                    opened.is_open = true;
                }
                let link = Link { stream, stream_id, epoch };
                if let Some(Ticket::Subscribe(attempt)) = ticket {
                    self.driver_opened(scheduler, attempt, link);
                } else {
                    let one = &mut self.schedulers[scheduler];
                    one.subscribing = false;
                    one.disconnected();
                    one.link = Some(link);
                }
                self.read(master, epoch, stream);
            }
            Response::Refused(status, text) => match ticket {
                Some(Ticket::Subscribe(attempt)) => {
                    let input = Input::Ended(attempt, Ending::Refused { status, text });
                    self.tell_driver(scheduler, input);
                }
                Some(Ticket::Call(_)) if status == 503 => {
                    self.answer_driver(scheduler, ticket, Answer::Busy(text));
                }
                Some(Ticket::Call(_)) => {
                    self.answer_driver(scheduler, ticket, Answer::Refused { status, text });
                }
                None if status == 503 => self.retry(scheduler, None),
                None => {}
            },
            _ => self.answer_driver(scheduler, ticket, Answer::Done),
        }
    }
}
