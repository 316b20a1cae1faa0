//! Random frameworks and a random cluster: whatever they do, the books of the bridge balance after every step, no launch is started
//! twice, and no call is answered twice.

#[path = "prop/checks.rs"]
mod checks;
#[path = "prop/cluster.rs"]
mod cluster;
#[path = "prop/config.rs"]
mod config;
#[path = "prop/forms.rs"]
mod forms;
#[path = "prop/operators.rs"]
mod operators;

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::{
    Bridge, CallId, Input, Origin, Output, ProbeId, Response, StreamKey, audit, check,
};
use longshore_machine::{Machine, Timestamp};
use longshore_replica::{News, Question};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, Event, call};
use longshore_wire_mesos::v1::{
    AgentId, CommandInfo, Filters, FrameworkId, FrameworkInfo, OfferId, Resource, TaskId, TaskInfo,
    TaskStatus, value,
};
use proptest::prelude::*;

use cluster::{Cluster, Fate};
use config::proptest_config;
use forms::{How, config, how, launch, launch_group, scalar};

/// What happens. Everything is named by number, modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    Subscribe(usize),
    StreamEnds(usize),
    Accept {
        offer: usize,
        task: u8,
        cpus: u8,
        how: How,
    },
    Decline {
        offer: usize,
        seconds: u8,
    },
    Kill {
        framework: usize,
        task: u8,
    },
    Acknowledge(usize),
    Reconcile(usize),
    Suppress(usize),
    Revive(usize),
    Teardown(usize),
    Reached(usize),
    Answer {
        question: usize,
        fate: Fate,
    },
    Probed(usize, u8),
    Tell(usize),
    Feed(bool),
    Run(usize),
    /// A container of a group ends.
    Exit {
        task: usize,
        container: usize,
        code: i32,
    },
    End(usize),
    Connect {
        instance: usize,
        connected: bool,
    },
    Take {
        instance: usize,
        cpu: u32,
    },
    Operate {
        instance: usize,
        what: u8,
    },
    Pass(u64),
    /// What is asked is answered, for a while.
    Settle,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let some = || 0..64_usize;
    let fate = prop_oneof![
        8 => Just(Fate::Answered),
        1 => any::<bool>().prop_map(Fate::Unsure),
        1 => Just(Fate::NotDone),
        1 => Just(Fate::Throttled),
        1 => Just(Fate::Refused),
    ];
    prop_oneof![
        4 => some().prop_map(Step::Subscribe),
        1 => some().prop_map(Step::StreamEnds),
        14 => (some(), 0..6_u8, 1..6_u8, how())
            .prop_map(|(offer, task, cpus, how)| Step::Accept { offer, task, cpus, how }),
        2 => (some(), 0..9_u8).prop_map(|(offer, seconds)| Step::Decline { offer, seconds }),
        3 => (some(), 0..6_u8).prop_map(|(framework, task)| Step::Kill { framework, task }),
        5 => some().prop_map(Step::Acknowledge),
        1 => some().prop_map(Step::Reconcile),
        1 => some().prop_map(Step::Suppress),
        1 => some().prop_map(Step::Revive),
        1 => some().prop_map(Step::Teardown),
        3 => some().prop_map(Step::Reached),
        30 => (some(), fate).prop_map(|(question, fate)| Step::Answer { question, fate }),
        4 => (some(), any::<u8>()).prop_map(|(probe, what)| Step::Probed(probe, what)),
        6 => some().prop_map(Step::Tell),
        1 => any::<bool>().prop_map(Step::Feed),
        5 => some().prop_map(Step::Run),
        3 => (some(), 0..2_usize, 0..2_i32)
            .prop_map(|(task, container, code)| Step::Exit { task, container, code }),
        3 => some().prop_map(Step::End),
        2 => (some(), any::<bool>())
            .prop_map(|(instance, connected)| Step::Connect { instance, connected }),
        2 => (some(), 0..2048_u32).prop_map(|(instance, cpu)| Step::Take { instance, cpu }),
        2 => (some(), any::<u8>())
            .prop_map(|(instance, what)| Step::Operate { instance, what }),
        6 => (0..3_000_u64).prop_map(Step::Pass),
        1 => (0..60_000_u64).prop_map(Step::Pass),
        10 => Just(Step::Settle),
        1 => Just(Step::Restart),
    ]
}

/// A stream as its framework knows it.
#[derive(Clone, Debug)]
struct Link {
    stream: StreamKey,
    stream_id: String,
    framework: String,
}

struct World {
    bridge: Bridge,
    cluster: Cluster,
    now: Timestamp,
    starts: u128,
    asks: Vec<Question>,
    probes: Vec<ProbeId>,
    events: Vec<News>,
    /// Streams that are open, and what subscribes to have one.
    links: Vec<Link>,
    opening: BTreeMap<StreamKey, String>,
    frameworks: Vec<String>,
    /// Offers with the framework and the agent of each.
    offers: Vec<(String, String, String)>,
    updates: Vec<(String, TaskStatus)>,
    marks: Vec<StreamKey>,
    called: BTreeSet<CallId>,
    calls: u64,
}

fn kind(kind: Type) -> Call {
    Call { r#type: Some(kind.into()), ..Call::default() }
}

fn some<T>(all: &[T], number: usize) -> Option<&T> {
    all.get(number.checked_rem(all.len())?)
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            bridge: Bridge::new(config(), 1),
            cluster: Cluster::new(),
            now: Timestamp::from_millis(1_700_000_000_000),
            starts: 1,
            asks: Vec::new(),
            probes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            opening: BTreeMap::new(),
            frameworks: Vec::new(),
            offers: Vec::new(),
            updates: Vec::new(),
            marks: Vec::new(),
            called: BTreeSet::new(),
            calls: 0,
        };
        world.pass(0);
        world.answer_all();
        world.subscribe(0);
        world.subscribe(1);
        world.settle();
        world
    }

    fn settle(&mut self) {
        for _ in 0..4 {
            self.pass(60);
            self.answer_all();
        }
    }

    fn answer_all(&mut self) {
        for _ in 0..20 {
            if self.asks.is_empty() {
                return;
            }
            self.act(&Step::Answer { question: 0, fate: Fate::Answered });
        }
    }

    fn feed(&mut self, input: Input) {
        let mut out = Vec::new();
        self.bridge.step(self.now, input, &mut out);
        self.take_in(out);
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        let mut ticks = 0;
        while let Some(at) = self.bridge.wake_at().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let mut out = Vec::new();
            self.bridge.tick(self.now, &mut out);
            self.take_in(out);
            ticks += 1;
            assert!(ticks <= ms + 1_000, "the bridge wakes again and again and does nothing");
        }
        self.now = end;
    }

    fn take_in(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Respond(id, response) => {
                    assert!(self.called.remove(&id), "{id:?} is answered twice");
                    if let Response::Stream(stream, stream_id) = response {
                        self.opening.insert(stream, stream_id);
                    }
                }
                Output::Send(stream, event) => self.hear(stream, *event),
                Output::Mark(stream) => self.marks.push(stream),
                Output::Close(stream) => self.close(stream),
                Output::Ask(question) => self.asks.push(question),
                Output::Probe(probe) => self.probes.push(checks::sound(&probe)),
                _ => {}
            }
        }
        self.events.append(&mut self.cluster.events);
        let violations = audit(&self.bridge);
        assert!(violations.is_empty(), "{violations:?}");
    }

    fn hear(&mut self, stream: StreamKey, event: Event) {
        if let Some(subscribed) = event.subscribed {
            let framework = subscribed.framework_id.value;
            let stream_id = self.opening.remove(&stream).unwrap_or_default();
            if !self.frameworks.contains(&framework) {
                self.frameworks.push(framework.clone());
            }
            self.links.push(Link { stream, stream_id, framework });
        }
        let link = self.links.iter().find(|link| link.stream == stream);
        let framework = link.map(|link| link.framework.clone()).unwrap_or_default();
        for offer in event.offers.into_iter().flat_map(|part| part.offers) {
            self.offers.push((offer.id.value, framework.clone(), offer.agent_id.value));
        }
        if let Some(update) = event.update.filter(|part| part.status.uuid.is_some()) {
            self.updates.push((framework, update.status));
        }
    }

    fn close(&mut self, stream: StreamKey) {
        self.links.retain(|link| link.stream != stream);
        self.marks.retain(|mark| *mark != stream);
    }

    fn call(&mut self, framework: &str, call: Call) {
        let link = self.links.iter().find(|link| link.framework == framework);
        let Some(stream_id) = link.map(|link| link.stream_id.clone()) else { return };
        let framework_id = Some(FrameworkId { value: framework.to_owned() });
        self.send(Call { framework_id, ..call }, Some(stream_id));
    }

    fn send(&mut self, call: Call, stream_id: Option<String>) {
        let call = Box::new(check(call, None).expect("calls of this test are well-formed"));
        self.calls += 1;
        let id = CallId(self.calls);
        self.called.insert(id);
        let origin = Origin::V1 { stream_id };
        self.feed(Input::Called { id, call, origin, principal: None });
    }

    fn subscribe(&mut self, number: usize) {
        // One more than there are is a new one.
        let known = self.frameworks.get(number % (self.frameworks.len().min(3) + 1)).cloned();
        let id = known.map(|value| FrameworkId { value });
        let framework_info = FrameworkInfo {
            id: id.clone(),
            failover_timeout: Some(60.0),
            ..FrameworkInfo::default()
        };
        let subscribe = call::Subscribe { framework_info, ..call::Subscribe::default() };
        let call = Call { framework_id: id, subscribe: Some(subscribe), ..kind(Type::Subscribe) };
        self.send(call, None);
    }

    fn accept(&mut self, number: usize, task: u8, cpus: u8, how: How) {
        // The last ones are likely to be still on offer.
        let last = &self.offers[self.offers.len().saturating_sub(3)..];
        let Some((id, framework, agent)) = some(last, number).cloned() else { return };
        let mut resources = vec![scalar("cpus", f64::from(cpus) / 4.0), scalar("mem", 64.0)];
        if how == How::WithPort {
            let range = vec![value::Range { begin: 31_000, end: 31_000 }];
            resources.push(Resource {
                name: "ports".to_owned(),
                r#type: value::Type::Ranges.into(),
                ranges: Some(value::Ranges { range }),
                ..Resource::default()
            });
        }
        let (health_check, check) = checks::of(task, how == How::WithPort);
        let info = TaskInfo {
            health_check,
            check,
            task_id: TaskId { value: format!("t{task}") },
            agent_id: AgentId { value: agent },
            resources,
            command: Some(CommandInfo {
                value: Some("sleep 1".to_owned()),
                ..CommandInfo::default()
            }),
            ..TaskInfo::default()
        };
        let operation = if how == How::Group { launch_group(info) } else { launch(info) };
        let accept = call::Accept {
            offer_ids: vec![OfferId { value: id }],
            operations: vec![operation],
            filters: None,
        };
        self.call(&framework, Call { accept: Some(accept), ..kind(Type::Accept) });
    }

    fn decline(&mut self, number: usize, seconds: u8) {
        let Some((id, framework, _)) = some(&self.offers, number).cloned() else { return };
        let filters = Some(Filters { refuse_seconds: Some(f64::from(seconds)) });
        let decline = call::Decline { offer_ids: vec![OfferId { value: id }], filters };
        self.call(&framework, Call { decline: Some(decline), ..kind(Type::Decline) });
    }

    fn acknowledge(&mut self, number: usize) {
        let Some((framework, status)) = some(&self.updates, number).cloned() else { return };
        let acknowledge = call::Acknowledge {
            agent_id: status.agent_id.unwrap_or_default(),
            task_id: status.task_id,
            uuid: status.uuid.unwrap_or_default(),
        };
        let call = Call { acknowledge: Some(acknowledge), ..kind(Type::Acknowledge) };
        self.call(&framework, call);
    }

    fn restart(&mut self) {
        self.starts += 1;
        self.bridge = Bridge::new(config(), self.starts);
        self.asks.clear();
        self.probes.clear();
        self.links.clear();
        self.opening.clear();
        self.marks.clear();
        self.called.clear();
        self.offers.clear();
        self.pass(0);
        self.answer_all();
    }

    fn of_framework(&mut self, number: usize, call: Call) {
        if let Some(framework) = some(&self.frameworks, number).cloned() {
            self.call(&framework, call);
        }
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Subscribe(number) => self.subscribe(number),
            Step::StreamEnds(number) => {
                if let Some(stream) = some(&self.links, number).map(|link| link.stream) {
                    self.close(stream);
                    self.feed(Input::StreamEnded(stream));
                }
            }
            Step::Accept { offer, task, cpus, how } => self.accept(offer, task, cpus, how),
            Step::Decline { offer, seconds } => self.decline(offer, seconds),
            Step::Kill { framework, task } => {
                let task_id = TaskId { value: format!("t{task}") };
                let kill = Some(call::Kill { task_id, ..call::Kill::default() });
                self.of_framework(framework, Call { kill, ..kind(Type::Kill) });
            }
            Step::Acknowledge(number) => self.acknowledge(number),
            Step::Reconcile(number) => {
                let reconcile = Some(call::Reconcile::default());
                self.of_framework(number, Call { reconcile, ..kind(Type::Reconcile) });
            }
            Step::Suppress(number) => {
                let suppress = Some(call::Suppress::default());
                self.of_framework(number, Call { suppress, ..kind(Type::Suppress) });
            }
            Step::Revive(number) => {
                let revive = Some(call::Revive::default());
                self.of_framework(number, Call { revive, ..kind(Type::Revive) });
            }
            Step::Teardown(number) => self.of_framework(number, kind(Type::Teardown)),
            Step::Reached(number) => {
                if let Some(stream) = some(&self.marks, number).copied() {
                    self.marks.retain(|mark| *mark != stream);
                    self.feed(Input::Reached(stream));
                }
            }
            Step::Probed(probe, what) => {
                if let Some(probe) = some(&self.probes, probe).copied() {
                    self.feed(Input::Probed(probe, checks::comes_to(what)));
                }
            }
            Step::Feed(true) => self.feed(Input::FeedUp),
            Step::Feed(false) => self.feed(Input::FeedDown("it is gone".to_owned())),
            Step::Pass(ms) => self.pass(ms),
            Step::Settle => self.settle(),
            Step::Restart => self.restart(),
            _ => self.cluster_acts(step),
        }
    }

    fn cluster_acts(&mut self, step: &Step) {
        let tasks: Vec<_> = self.cluster.tasks.keys().cloned().collect();
        let instances: Vec<_> = self.cluster.instances.keys().cloned().collect();
        let now = self.now;
        match *step {
            Step::Answer { question, fate } => {
                if self.asks.is_empty() {
                    return;
                }
                let question = self.asks.remove(question % self.asks.len());
                let answered = self.cluster.answer(now, &question, fate);
                self.feed(Input::Answered(answered));
            }
            Step::Tell(number) => {
                // Each may be told again, and in any order.
                if let Some(news) = some(&self.events, number).cloned() {
                    self.feed(Input::Told(vec![news]));
                }
            }
            Step::Run(number) => some(&tasks, number).into_iter().for_each(|arn| {
                self.cluster.run(arn);
            }),
            Step::Exit { task, container, code } => {
                if let Some(arn) = some(&tasks, task) {
                    self.cluster.exit(arn, container, code);
                }
            }
            Step::End(number) => some(&tasks, number).into_iter().for_each(|arn| {
                self.cluster.end(now, arn);
            }),
            Step::Connect { instance, connected } => {
                let arn = &instances[instance % instances.len()];
                self.cluster.change(now, arn, |one| one.connected = connected);
            }
            Step::Operate { instance, what } => {
                let arn = &instances[instance % instances.len()];
                let agent = arn.rsplit('/').next().unwrap_or_default();
                self.calls += 1;
                let id = CallId(self.calls);
                self.called.insert(id);
                self.feed(Input::Commanded(id, operators::command(agent, what)));
            }
            Step::Take { instance, cpu } => {
                let arn = &instances[instance % instances.len()];
                self.cluster.change(now, arn, |one| {
                    one.cpu_remaining = one.cpu_remaining.saturating_sub(cpu);
                });
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn the_books_balance_after_every_step(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
        }
    }
}
