//! A bridge in front of a large cluster that answers at once, and frameworks that read immediately.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use longshore_bridge::{
    Bridge, CallId, CheckMode, Config, DefaultImage, Fetching, Input, Origin, Output, Response,
    Secrets, StreamKey, check, parse_ranges,
};
use longshore_machine::{Machine, Timestamp};
use longshore_replica::{
    Answered, Container, Definition, DefinitionAsk, Failure, Instance, InstancesAsk, LastStatus,
    Outcome, Question, StartTask, Task, Tasks, TasksAsk,
};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use longshore_wire_mesos::v1::{FrameworkId, FrameworkInfo, Offer};
use rustix::time::{ClockId, clock_gettime};

/// Number of instances of the cluster.
pub(super) const INSTANCES: u32 = 10_000;
/// Number of tasks of a framework: the maximum.
pub(super) const TASKS: usize = 100_000;

const PREFIX: &str = "arn:aws:ecs:us-east-1:123456789012";

/// The time of a call's step, and that of the longest step that followed, with its kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Longest {
    pub(super) call: Duration,
    pub(super) after: (Duration, &'static str),
}

fn kind_of(input: &Input) -> &'static str {
    match input {
        Input::Answered(Answered::Instances(..)) => "instances are told",
        Input::Answered(Answered::Tasks(..)) => "tasks are told",
        Input::Answered(..) => "an answer",
        Input::Reached(_) => "a mark is reached",
        _ => "something else",
    }
}

/// A subscribed framework.
#[derive(Clone, Debug)]
pub(super) struct Framework {
    pub(super) id: String,
    pub(super) stream_id: String,
    pub(super) stream: StreamKey,
}

/// Bridge, cluster and frameworks.
pub(super) struct Town {
    bridge: Bridge,
    now: Timestamp,
    instances: Vec<Instance>,
    tasks: BTreeMap<Str, Task>,
    families: BTreeSet<Str>,
    waiting: VecDeque<Input>,
    calls: u64,
    made: u64,
    /// Offers by the stream on which they were sent.
    pub(super) offers: BTreeMap<StreamKey, Vec<Offer>>,
    /// Number of updates sent.
    pub(super) updates: usize,
    /// Total time of all steps.
    pub(super) spent: Duration,
    opened: Option<(StreamKey, String)>,
    first: BTreeMap<StreamKey, String>,
}

/// CPU time of this thread, which other programs do not affect.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or_default();
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

fn config() -> Config {
    Config {
        hostname: "master.example".into(),
        ip: [10, 0, 0, 1],
        port: 5050,
        region: "us-east-1".into(),
        cluster: "default".into(),
        ports: parse_ranges("1024-32767").unwrap_or_default(),
        disk_mb: 10_000,
        hostname_attribute: "hostname".into(),
        default_image: DefaultImage::Image("alpine".into()),
        fetching: Fetching::default(),
        secrets: Secrets::default(),
        started_at_ms: 0,
        offer_timeout_ms: None,
        agent_away_ms: 75_000,
        kill_grace_s: 3,
        needs_credentials: false,
        checks: CheckMode::Auto,
    }
}

fn instance(number: u32) -> Instance {
    let attribute = |number: u32| (format!("name-{number}").into(), Some("a value".into()));
    Instance {
        arn: format!("{PREFIX}:container-instance/default/{number:032x}").into(),
        ec2_instance_id: Some(format!("i-{number:017x}").into()),
        active: true,
        connected: true,
        cpu: 1024 * 128,
        memory_mib: 1024 * 1024,
        cpu_remaining: 1024 * 128,
        memory_mib_remaining: 1024 * 1024,
        // As fragmented as the offered part can be.
        ports_used: if number == 0 { (1024..32767).step_by(2).collect() } else { [22, 80].into() },
        attributes: (0..15).map(attribute).collect(),
        version: 1,
        ..Default::default()
    }
}

impl Town {
    /// A cluster with the maximum number of tasks of a framework, of which the bridge has read
    /// nothing.
    pub(super) fn new() -> Self {
        let instances: Vec<Instance> = (0..INSTANCES).map(instance).collect();
        let mut town = Self {
            bridge: Bridge::new(config(), 1),
            now: Timestamp::from_millis(1_700_000_000_000),
            instances,
            tasks: BTreeMap::new(),
            families: BTreeSet::new(),
            waiting: VecDeque::new(),
            calls: 0,
            made: 0,
            offers: BTreeMap::new(),
            updates: 0,
            spent: Duration::ZERO,
            opened: None,
            first: BTreeMap::new(),
        };
        for number in 0..TASKS {
            let arn = town.instances[1 + number % (town.instances.len() - 1)].arn.clone();
            let environment = [
                ("MESOS_FRAMEWORK_ID".into(), "large".into()),
                ("MESOS_TASK_ID".into(), format!("task-{number}").into()),
                ("LONGSHORE_CLAIM".into(), "cpus:0.1; mem:32".into()),
            ];
            let started_by: Str = format!("ls-old-{number}").into();
            let task = town.task(arn, started_by, environment.into(), LastStatus::Running);
            town.tasks.insert(task.arn.clone(), task);
        }
        town
    }

    fn task(
        &mut self,
        instance: Str,
        started_by: Str,
        environment: BTreeMap<Str, Str>,
        last_status: LastStatus,
    ) -> Task {
        self.made += 1;
        Task {
            arn: format!("{PREFIX}:task/default/{:032x}", self.made).into(),
            instance_arn: Some(instance),
            last_status,
            desired_running: true,
            started_by: Some(started_by),
            environment,
            containers: vec![Container { name: "task".into(), ..Default::default() }],
            ran: last_status == LastStatus::Running,
            version: 1,
            ..Default::default()
        }
    }

    /// Runs and times a step of the machine, and collects its outputs.
    fn timed(&mut self, what: impl FnOnce(&mut Bridge, Timestamp, &mut Vec<Output>)) -> Duration {
        let mut out = Vec::new();
        let began = processor_time();
        what(&mut self.bridge, self.now, &mut out);
        let took = processor_time().saturating_sub(began);
        self.spent += took;
        for output in out {
            match output {
                Output::Send(stream, event) => self.take(stream, *event),
                Output::Mark(stream) => self.waiting.push_back(Input::Reached(stream)),
                Output::Ask(question) => {
                    let answered = self.answer(question);
                    self.waiting.push_back(Input::Answered(answered));
                }
                Output::Respond(_, Response::Stream(stream, id)) => {
                    self.opened = Some((stream, id));
                }
                _ => {}
            }
        }
        took
    }

    fn take(&mut self, stream: StreamKey, event: Event) {
        if let Some(subscribed) = event.subscribed {
            self.first.insert(stream, subscribed.framework_id.value);
        }
        if let Some(offers) = event.offers {
            self.offers.entry(stream).or_default().extend(offers.offers);
        }
        self.updates += usize::from(event.update.is_some());
    }

    /// Advances the clock, and completes everything in progress.
    pub(super) fn pass(&mut self, ms: u64) -> (Duration, &'static str) {
        let end = self.now + ms;
        let mut longest = (Duration::ZERO, "nothing");
        loop {
            while let Some(input) = self.waiting.pop_front() {
                let kind = kind_of(&input);
                let took = self.timed(|bridge, now, out| bridge.step(now, input, out));
                longest = longest.max((took, kind));
            }
            let Some(at) = self.bridge.wake_at().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            let took = self.timed(Machine::tick);
            longest = longest.max((took, "a tick"));
        }
        self.now = end;
        longest
    }

    /// Gives the bridge an input, and completes everything that follows within a second.
    pub(super) fn input(&mut self, input: Input) -> Longest {
        let call = self.timed(|bridge, now, out| bridge.step(now, input, out));
        let after = self.pass(1_000);
        Longest { call, after }
    }

    /// Makes a call that passes the front end.
    pub(super) fn call(&mut self, call: Call, stream_id: Option<String>) -> Longest {
        self.calls += 1;
        let call = Box::new(check(call, None).expect("the call passes the front"));
        let origin = Origin::V1 { stream_id };
        self.input(Input::Called { id: CallId(self.calls), call, origin, principal: None })
    }

    /// Makes a call for a framework.
    pub(super) fn call_of(&mut self, framework: &Framework, call: Call) -> Longest {
        let framework_id = Some(FrameworkId { value: framework.id.clone() });
        self.call(Call { framework_id, ..call }, Some(framework.stream_id.clone()))
    }

    /// Subscribes a framework; `None` if it is rejected.
    pub(super) fn subscribe(
        &mut self,
        info: FrameworkInfo,
        suppressed_roles: Vec<String>,
    ) -> (Longest, Option<Framework>) {
        let framework_id = info.id.clone();
        let subscribe =
            call::Subscribe { framework_info: info, suppressed_roles, ..Default::default() };
        let call = Call { framework_id, subscribe: Some(subscribe), ..kind(Type::Subscribe) };
        let longest = self.call(call, None);
        let framework = self.opened.take().and_then(|(stream, stream_id)| {
            Some(Framework { id: self.first.remove(&stream)?, stream_id, stream })
        });
        (longest, framework)
    }

    fn answer(&mut self, question: Question) -> Answered {
        match question {
            Question::Instances(asked, InstancesAsk::List) => {
                Answered::Instances(asked, Ok(self.instances.clone()))
            }
            Question::Instances(asked, InstancesAsk::Describe(arns)) => {
                let wanted: BTreeSet<Str> = arns.into_iter().collect();
                let all = self.instances.iter().filter(|one| wanted.contains(&one.arn));
                Answered::Instances(asked, Ok(all.cloned().collect()))
            }
            Question::Tasks(asked, ask) => {
                Answered::Tasks(asked, Ok(Tasks { found: self.read(ask), missing: Vec::new() }))
            }
            Question::Definition(asked, DefinitionAsk::Describe(name)) => {
                let known = self.families.contains(&name).then(|| definition(&name));
                Answered::Definition(asked, Ok(known))
            }
            Question::Definition(asked, DefinitionAsk::Register(content)) => {
                self.families.insert(content.family.clone());
                Answered::Definition(asked, Ok(Some(definition(&content.family))))
            }
            Question::Start(asked, start) => Answered::Start(asked, Ok(self.start(*start))),
            Question::Stop(asked, stop) => Answered::Stop(asked, self.stop(&stop.task)),
            Question::Change(asked, _) => Answered::Change(asked, Ok(None)),
        }
    }

    fn read(&self, ask: TasksAsk) -> Vec<Task> {
        match ask {
            TasksAsk::List { desired_running, except } => {
                let all = self.tasks.values().filter(|task| {
                    task.desired_running == desired_running && !except.contains(&task.arn)
                });
                all.cloned().collect()
            }
            TasksAsk::Describe(arns) => {
                arns.iter().filter_map(|arn| self.tasks.get(arn)).cloned().collect()
            }
            TasksAsk::Find(_) => Vec::new(),
        }
    }

    fn start(&mut self, start: StartTask) -> Outcome {
        let StartTask { instance, started_by, environment, .. } = start;
        let task = self.task(instance, started_by, environment, LastStatus::Running);
        self.tasks.insert(task.arn.clone(), task.clone());
        Outcome::Started(Box::new(task))
    }

    fn stop(&mut self, arn: &str) -> Result<Box<Task>, Failure> {
        let Some(mut task) = self.tasks.remove(arn) else { return Err(Failure::Throttled) };
        task.last_status = LastStatus::Stopped;
        task.desired_running = false;
        task.version += 1;
        Ok(Box::new(task))
    }
}

/// A call of a kind; the caller fills in its member.
pub(super) fn kind(kind: Type) -> Call {
    Call { r#type: Some(kind.into()), ..Default::default() }
}

fn definition(family: &str) -> Definition {
    Definition {
        arn: format!("{PREFIX}:task-definition/{family}:1").into(),
        active: true,
        containers: vec!["task".into()],
        images: vec!["alpine".into()],
        ..Default::default()
    }
}
