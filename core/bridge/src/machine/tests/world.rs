//! A bridge, the cluster behind it, frameworks in front of it, and a clock that jumps to whatever is due next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_machine::{Machine, Timestamp};
use longshore_replica::{Answered, Failure, Outcome, Question, StartTask};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::offer::Operation;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::scheduler::{Call, Event, call};
use longshore_wire_mesos::v1::{
    Filters, FrameworkId, FrameworkInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus,
};

use super::cluster::Cluster;
pub(super) use super::pieces::{
    able, accepting, accepting_with, agent, config, framework, kind, made_up, returning, sleeper,
    total,
};
use crate::happening::Happening;
use crate::machine::{CallId, Input, Origin, Output, Response, StreamKey};
use crate::operator::{Change, Command, FrameworkEntry, View};
use crate::{Bridge, Probe, audit, check};

/// Long enough for a reading, an allocation and what follows from them, in ms.
pub(super) const SOON_MS: u64 = 500;

/// A framework that is subscribed.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) stream: StreamKey,
    pub(super) stream_id: String,
}

impl Client {
    /// A framework of that id which has no stream.
    pub(super) fn known(id: &str) -> Self {
        Self { id: id.to_owned(), stream: StreamKey(0), stream_id: String::new() }
    }
}

/// All that takes part.
pub(super) struct World {
    pub(super) bridge: Bridge,
    pub(super) cluster: Cluster,
    pub(super) now: Timestamp,
    pub(super) closed: BTreeSet<StreamKey>,
    /// Which questions to the cluster are held back.
    pub(super) hold: Option<fn(&Question) -> bool>,
    /// Whether events are wanted.
    pub(super) listens: bool,
    /// Whether events are told.
    pub(super) tells: bool,
    /// What operators were told.
    pub(super) notes: Vec<String>,
    /// What is to be dialled.
    pub(super) probes: Vec<Probe>,
    pub(super) happened: Vec<Happening>,
    /// What those who watch were told.
    pub(super) changes: Vec<Change>,
    /// Streams whose readers have not come to the last mark.
    pub(super) marks: BTreeSet<StreamKey>,
    /// Whether readers read.
    pub(super) reads: bool,
    /// Whether each step is audited, which costs as much as there is.
    pub(super) audits: bool,
    asks: VecDeque<Question>,
    pub(super) events: Vec<(Timestamp, StreamKey, Event)>,
    responses: BTreeMap<CallId, Response>,
    calls: u64,
    /// Who callers prove to be.
    pub(super) principal: Option<String>,
}

impl World {
    /// A bridge that has not read the cluster yet. Instances are given by CPU units and MiB.
    pub(super) fn unread(instances: &[(u32, u32)]) -> Self {
        let mut cluster = Cluster::new();
        for (cpu, memory_mib) in instances {
            cluster.add_instance(*cpu, *memory_mib);
        }
        Self {
            bridge: Bridge::new(config(), 1),
            cluster,
            now: Timestamp::from_millis(1_700_000_000_000),
            closed: BTreeSet::new(),
            hold: None,
            listens: false,
            tells: false,
            notes: Vec::new(),
            probes: Vec::new(),
            happened: Vec::new(),
            changes: Vec::new(),
            marks: BTreeSet::new(),
            reads: true,
            audits: true,
            asks: VecDeque::new(),
            events: Vec::new(),
            responses: BTreeMap::new(),
            calls: 0,
            principal: None,
        }
    }

    /// A bridge that is ready.
    pub(super) fn new(instances: &[(u32, u32)]) -> Self {
        let mut world = Self::unread(instances);
        world.run_for(SOON_MS);
        world
    }

    /// A bridge with one framework that has not subscribed to anything special.
    pub(super) fn with_client(instances: &[(u32, u32)]) -> (Self, Client) {
        let mut world = Self::new(instances);
        let client = world.subscribe(framework("one"));
        (world, client)
    }

    /// The bridge is started anew; its cluster goes on, its frameworks lose their streams.
    pub(super) fn restart(&mut self) {
        self.bridge = Bridge::new(config(), 2);
        self.asks.clear();
        self.probes.clear();
        self.events.clear();
        self.closed.clear();
        self.marks.clear();
        self.run_for(SOON_MS);
    }

    /// How much the bridge keeps of something.
    pub(super) fn size(&self, of: &str) -> usize {
        let sizes = self.bridge.sizes();
        sizes.iter().find(|(name, _)| *name == of).expect("it is counted").1
    }

    /// What operators see.
    pub(super) fn view(&mut self) -> View {
        self.calls += 1;
        let id = CallId(self.calls);
        self.step(Input::Inspected(id));
        match self.responses.remove(&id) {
            Some(Response::View(view)) => *view,
            other => panic!("no view: {other:?}"),
        }
    }

    /// An operator watches from now on.
    pub(super) fn watch(&mut self) -> View {
        self.calls += 1;
        let id = CallId(self.calls);
        self.step(Input::Watched(id));
        match self.responses.remove(&id) {
            Some(Response::Watched(view)) => *view,
            other => panic!("no view: {other:?}"),
        }
    }

    /// An operator has something done; the answer, if there is one yet.
    pub(super) fn command(&mut self, command: Command) -> Option<Response> {
        self.calls += 1;
        let id = CallId(self.calls);
        self.step(Input::Commanded(id, command));
        self.responses.remove(&id)
    }

    /// What operators see of a framework.
    pub(super) fn seen(&mut self, client: &Client) -> FrameworkEntry {
        self.view().framework(&client.id).expect("it is shown").clone()
    }

    /// Lets time pass.
    pub(super) fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        let mut turns = 0;
        while let Some(at) = self.bridge.wake_at().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let mut out = Vec::new();
            self.bridge.tick(self.now, &mut out);
            self.take_in(out);
            self.answer_asks();
            self.read();
            turns += 1;
            assert!(turns <= ms + 1_000, "the bridge wakes again and again and does nothing");
        }
        self.now = end;
    }

    pub(super) fn soon(&mut self) {
        self.run_for(SOON_MS);
    }

    pub(super) fn step(&mut self, input: Input) {
        self.feed(input);
        self.answer_asks();
        self.read();
    }

    /// Readers read what there is for them.
    pub(super) fn read(&mut self) {
        while self.reads
            && let Some(stream) = self.marks.pop_first()
        {
            self.feed(Input::Reached(stream));
        }
    }

    /// Answers what was held back.
    pub(super) fn release(&mut self) {
        self.hold = None;
        self.answer_asks();
    }

    /// Questions that are held back.
    pub(super) fn held(&self) -> impl Iterator<Item = &Question> {
        self.asks.iter()
    }

    /// The only `StartTask` that is held back.
    pub(super) fn held_start(&self) -> StartTask {
        let starts = self.asks.iter().filter_map(|question| match question {
            Question::Start(_, start) => Some((**start).clone()),
            _ => None,
        });
        let starts: Vec<StartTask> = starts.collect();
        assert_eq!(starts.len(), 1, "{starts:?}");
        starts[0].clone()
    }

    /// The only `StartTask` that is held back is answered so.
    pub(super) fn reply_to_start(&mut self, outcome: Outcome) {
        let held = self.asks.iter().position(|question| matches!(question, Question::Start(..)));
        let question = held.and_then(|at| self.asks.remove(at));
        let Some(Question::Start(asked, _)) = question else { panic!("no start is held back") };
        self.hold = None;
        self.step(Input::Answered(Answered::Start(asked, Ok(outcome))));
    }

    /// What is held back is lost on its way: nobody can say what became of it.
    pub(super) fn lose_held(&mut self) {
        self.hold = None;
        for question in std::mem::take(&mut self.asks) {
            let lost = Failure::Unsure("the connection broke".to_owned());
            self.step(Input::Answered(question.fails(lost)));
        }
    }

    fn feed(&mut self, input: Input) {
        let mut out = Vec::new();
        self.bridge.step(self.now, input, &mut out);
        self.take_in(out);
    }

    pub(super) fn take_in(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Respond(id, response) => {
                    assert!(
                        self.responses.insert(id, response).is_none(),
                        "{id:?} is answered twice"
                    );
                }
                Output::Send(stream, event) => {
                    assert!(!self.closed.contains(&stream), "{stream:?} is closed: {event:?}");
                    self.events.push((self.now, stream, *event));
                }
                Output::Mark(stream) => {
                    assert!(self.marks.insert(stream), "{stream:?} has two marks out");
                }
                Output::Close(stream) => {
                    assert!(self.closed.insert(stream), "{stream:?} is closed twice");
                }
                Output::Ask(question) => self.asks.push_back(question),
                Output::Listen(wanted) => self.listens = wanted,
                Output::Note(text) => self.notes.push(text),
                Output::Probe(probe) => self.probes.push(*probe),
                Output::Changed(changes) => self.changes.extend(changes),
                Output::Happened(what) => self.happened.push(what),
                Output::Recovered => {}
            }
        }
        if self.audits {
            let violations = audit(&self.bridge);
            assert!(violations.is_empty(), "{violations:?}");
        }
    }

    /// Tells what happened, as it happened.
    pub(super) fn tell(&mut self) {
        self.answer_asks();
    }

    fn tell_events(&mut self) {
        self.cluster.now_ms = self.now.millis();
        let events = std::mem::take(&mut self.cluster.events);
        if self.tells && !events.is_empty() {
            self.feed(Input::Told(events));
        }
    }

    /// Events arrive from now on.
    pub(super) fn feed_up(&mut self) {
        assert!(self.listens, "nobody asked for events");
        self.cluster.events.clear();
        self.tells = true;
        self.step(Input::FeedUp);
        self.soon();
    }

    fn answer_asks(&mut self) {
        loop {
            self.tell_events();
            let hold = self.hold;
            let free = self.asks.iter().position(|one| hold.is_none_or(|held| !held(one)));
            let Some(question) = free.and_then(|index| self.asks.remove(index)) else { return };
            let answered = self.cluster.answer(self.now, question);
            self.feed(Input::Answered(answered));
        }
    }

    /// Sends a call as it is; the answer.
    pub(super) fn post(&mut self, call: Call, stream_id: Option<String>) -> Response {
        let id = self.send(call, stream_id);
        self.responses.remove(&id).expect("a call is answered at once")
    }

    /// Sends a call that may be answered later.
    pub(super) fn send(&mut self, call: Call, stream_id: Option<String>) -> CallId {
        let principal = self.principal.clone();
        let call = check(call, principal.as_deref()).expect("the call is well-formed");
        let call = Box::new(call);
        self.calls += 1;
        let id = CallId(self.calls);
        let origin = Origin::V1 { stream_id };
        self.step(Input::Called { id, call, origin, principal });
        id
    }

    /// What was called last.
    pub(super) fn last_call(&self) -> CallId {
        CallId(self.calls)
    }

    /// What a call was answered, if it was.
    pub(super) fn response(&mut self, id: CallId) -> Option<Response> {
        self.responses.remove(&id)
    }

    /// Sends a call of a framework.
    pub(super) fn call(&mut self, client: &Client, call: Call) -> Response {
        let framework_id = Some(FrameworkId { value: client.id.clone() });
        self.post(Call { framework_id, ..call }, Some(client.stream_id.clone()))
    }

    /// Subscribes, whatever comes of it.
    pub(super) fn open(&mut self, info: FrameworkInfo) -> Response {
        let framework_id = info.id.clone();
        let subscribe = call::Subscribe { framework_info: info, ..Default::default() };
        self.post(Call { framework_id, subscribe: Some(subscribe), ..kind(Type::Subscribe) }, None)
    }

    pub(super) fn subscribe(&mut self, info: FrameworkInfo) -> Client {
        let Response::Stream(stream, stream_id) = self.open(info) else {
            panic!("no stream was opened")
        };
        let (_, first) =
            self.take(stream, EventType::Subscribed).pop().expect("SUBSCRIBED comes first");
        let id = first.subscribed.expect("it has its part").framework_id.value;
        Client { id, stream, stream_id }
    }

    /// Takes the events of one kind that a stream got, with their times.
    pub(super) fn take(&mut self, stream: StreamKey, kind: EventType) -> Vec<(Timestamp, Event)> {
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for (at, on, event) in self.events.drain(..) {
            if on == stream && event.r#type() == kind {
                taken.push((at, event));
            } else {
                left.push((at, on, event));
            }
        }
        self.events = left;
        taken
    }

    /// Takes the updates that a framework got.
    pub(super) fn updates(&mut self, client: &Client) -> Vec<TaskStatus> {
        self.timed_updates(client).into_iter().map(|(_, status)| status).collect()
    }

    pub(super) fn timed_updates(&mut self, client: &Client) -> Vec<(Timestamp, TaskStatus)> {
        let events = self.take(client.stream, EventType::Update);
        events
            .into_iter()
            .map(|(at, event)| (at, event.update.expect("it has its part").status))
            .collect()
    }

    /// Takes the only update that a framework got, and acknowledges it if it wants that.
    pub(super) fn update(&mut self, client: &Client) -> TaskStatus {
        let mut updates = self.updates(client);
        let states: Vec<TaskState> = updates.iter().map(TaskStatus::state).collect();
        assert_eq!(states.len(), 1, "{states:?}");
        let status = updates.remove(0);
        if status.uuid.is_some() {
            self.acknowledge(client, &status);
        }
        status
    }

    pub(super) fn acknowledge(&mut self, client: &Client, status: &TaskStatus) {
        let acknowledge = call::Acknowledge {
            agent_id: status.agent_id.clone().expect("updates name their agent"),
            task_id: status.task_id.clone(),
            uuid: status.uuid.clone().expect("only updates with a uuid are acknowledged"),
        };
        let call = Call { acknowledge: Some(acknowledge), ..kind(Type::Acknowledge) };
        assert_eq!(self.call(client, call), Response::Accepted);
    }

    /// Takes the offers that a framework got.
    pub(super) fn offers(&mut self, client: &Client) -> Vec<Offer> {
        let events = self.take(client.stream, EventType::Offers);
        events
            .into_iter()
            .flat_map(|(_, event)| event.offers.expect("it has its part").offers)
            .collect()
    }

    /// Takes the only offer that a framework gets soon.
    pub(super) fn offer(&mut self, client: &Client) -> Offer {
        self.soon();
        let mut offers = self.offers(client);
        assert_eq!(offers.len(), 1, "{offers:?}");
        offers.remove(0)
    }

    /// Takes the ids of offers that were taken back.
    pub(super) fn rescinded(&mut self, client: &Client) -> Vec<String> {
        let events = self.take(client.stream, EventType::Rescind);
        events
            .into_iter()
            .map(|(_, event)| event.rescind.expect("it has its part").offer_id.value)
            .collect()
    }

    /// Takes the texts of ERROR events.
    pub(super) fn errors(&mut self, stream: StreamKey) -> Vec<String> {
        let events = self.take(stream, EventType::Error);
        events.into_iter().map(|(_, event)| event.error.expect("it has its part").message).collect()
    }

    /// Accepts offers with one LAUNCH; what is left may be offered again at once.
    pub(super) fn launch(&mut self, client: &Client, offers: &[&Offer], tasks: Vec<TaskInfo>) {
        assert_eq!(self.call(client, accepting(offers, tasks, 0.0)), Response::Accepted);
    }

    /// Accepts offers with one operation; what is left may be offered again at once.
    pub(super) fn accept(&mut self, client: &Client, offers: &[&Offer], operation: Operation) {
        assert_eq!(self.call(client, accepting_with(offers, operation, 0.0)), Response::Accepted);
    }

    /// Launches a task of one core and 128 MB on the next offer; the cluster has not said that it runs.
    pub(super) fn launched(&mut self, client: &Client, id: &str) {
        let offer = self.offer(client);
        self.launch(client, &[&offer], vec![sleeper(id, &offer, 1.0, 128.0)]);
    }

    /// Launches such a task, and its framework knows that it runs; ARN of its task.
    pub(super) fn running(&mut self, client: &Client, id: &str) -> Str {
        self.launched(client, id);
        let arn = self.cluster.arn_of(id);
        self.cluster.runs(&arn);
        self.soon();
        assert_eq!(self.update(client).state(), TaskState::TaskRunning);
        arn
    }

    pub(super) fn decline(&mut self, client: &Client, offer: &Offer, refuse_seconds: f64) {
        let filters = Some(Filters { refuse_seconds: Some(refuse_seconds) });
        let decline = call::Decline { offer_ids: vec![offer.id.clone()], filters };
        let call = Call { decline: Some(decline), ..kind(Type::Decline) };
        assert_eq!(self.call(client, call), Response::Accepted);
    }

    pub(super) fn kill(&mut self, client: &Client, id: &str) {
        let kill = call::Kill { task_id: TaskId { value: id.to_owned() }, ..Default::default() };
        assert_eq!(
            self.call(client, Call { kill: Some(kill), ..kind(Type::Kill) }),
            Response::Accepted
        );
    }
}
