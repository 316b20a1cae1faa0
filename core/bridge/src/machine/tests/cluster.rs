//! A cluster for the bridge: as much of Amazon ECS as it asks about, and ways for it to go wrong.

mod altering;
mod by_hand;

use std::collections::{BTreeMap, VecDeque};

use longshore_machine::Timestamp;
use longshore_replica::{
    Answered, CONTENT_LABEL, Container, ContainerStart, Definition, DefinitionAsk,
    DefinitionContent, Failure, Instance, InstanceChange, InstancesAsk, LastStatus, News, Outcome,
    Question, StartTask, StopCode, Task, Tasks, TasksAsk,
};
use longshore_wire_ecs::{Str, fetch};

const PREFIX: &str = "arn:aws:ecs:us-east-1:123456789012";

/// What becomes of one `StartTask`, if it does not simply work.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// The request is lost: nothing was done, and the bridge cannot know that.
    LostBefore,
    /// The reply is lost: the task was accepted, and the bridge cannot know that.
    LostAfter,
    /// Too many requests: nothing was done.
    Throttled,
    /// The request could not be sent: nothing was done.
    NotDone,
    /// Refused with an error.
    Refused,
    /// Refused with a failure of this reason.
    NotStarted(&'static str),
}

/// A cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) instances: BTreeMap<Str, Instance>,
    pub(super) tasks: BTreeMap<Str, Task>,
    /// What becomes of the next `StartTask`s.
    pub(super) fates: VecDeque<Fate>,
    /// Whether it answers at all.
    pub(super) reachable: bool,
    /// Whether definitions show their labels.
    pub(super) shows_labels: bool,
    /// Each `StartTask` that was asked for, whatever became of it.
    pub(super) starts: Vec<StartTask>,
    /// ARN of the task of each `StopTask`.
    pub(super) stops: Vec<Str>,
    /// What it says of the reason.
    pub(super) reasons: Vec<Str>,
    /// Each definition that was registered.
    pub(super) registrations: Vec<DefinitionContent>,
    /// How often instances or tasks were read.
    pub(super) reads: u32,
    /// How often all tasks were listed.
    pub(super) listings: u32,
    /// The tasks of each reading that named them.
    pub(super) described: Vec<Vec<Str>>,
    /// Each change of an instance that was asked for.
    pub(super) alterations: Vec<InstanceChange>,
    /// Why the next changes fail, if they do.
    pub(super) alterations_fail: VecDeque<Option<Failure>>,
    /// Whether answers to changes of the status are lost.
    pub(super) alterations_lost: bool,
    /// How many questions for the end of a task are answered in vain.
    pub(super) stops_lost: u32,
    /// Definitions by family.
    definitions: BTreeMap<Str, Definition>,
    /// CPU units and MiB that each task holds.
    held: BTreeMap<Str, (u32, u32)>,
    /// What happened, as events tell it, and has not been told.
    pub(super) events: Vec<News>,
    /// The time that events bear, in ms since the epoch.
    pub(super) now_ms: u64,
    /// What is shown of instances, where that is older than what is true.
    shown: Option<BTreeMap<Str, Instance>>,
    made: u32,
}

impl Cluster {
    pub(super) fn new() -> Self {
        Self {
            instances: BTreeMap::new(),
            tasks: BTreeMap::new(),
            fates: VecDeque::new(),
            reachable: true,
            shows_labels: true,
            starts: Vec::new(),
            stops: Vec::new(),
            reasons: Vec::new(),
            registrations: Vec::new(),
            reads: 0,
            listings: 0,
            described: Vec::new(),
            alterations: Vec::new(),
            alterations_fail: VecDeque::new(),
            alterations_lost: false,
            stops_lost: 0,
            definitions: BTreeMap::new(),
            held: BTreeMap::new(),
            events: Vec::new(),
            now_ms: 0,
            shown: None,
            made: 0,
        }
    }

    pub(super) fn add_instance(&mut self, cpu: u32, memory_mib: u32) -> Str {
        self.made += 1;
        let arn: Str = format!("{PREFIX}:container-instance/default/{:032x}", self.made).into();
        let instance = Instance {
            arn: arn.clone(),
            ec2_instance_id: Some(format!("i-{:017x}", self.made).into()),
            active: true,
            connected: true,
            cpu,
            memory_mib,
            cpu_remaining: cpu,
            memory_mib_remaining: memory_mib,
            attributes: [("ecs.availability-zone".into(), Some("us-east-1a".into()))].into(),
            version: 1,
            ..Default::default()
        };
        self.instances.insert(arn.clone(), instance);
        arn
    }

    /// Changes an instance, as a change that has a version of its own.
    pub(super) fn change(&mut self, arn: &str, change: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self.instances.get_mut(arn) {
            change(instance);
            instance.version += 1;
            let told = Instance { running_tasks: 0, pending_tasks: 0, ..instance.clone() };
            self.events.push(News::Instance(told, self.now_ms));
        }
    }

    fn tell_task(&mut self, arn: &str) {
        let told = self.tasks.get(arn).map(|task| Task { healthy: None, ..task.clone() });
        self.events.extend(told.map(News::Task));
    }

    /// From now on what is shown of instances stays as it is, whatever happens to them.
    pub(super) fn freeze(&mut self) {
        self.shown = Some(self.instances.clone());
    }

    /// What is shown of instances is what is true.
    pub(super) fn thaw(&mut self) {
        self.shown = None;
    }

    /// Registers a definition that tasks may name.
    pub(super) fn define(&mut self, family: &str, cpu: u32, memory_mib: u32) {
        self.define_with(family, &[("app", true)], cpu, memory_mib);
    }

    /// Registers a definition of several containers, each with whether it is essential.
    pub(super) fn define_with(
        &mut self,
        family: &str,
        containers: &[(&str, bool)],
        cpu: u32,
        memory_mib: u32,
    ) {
        let essential = containers.iter().filter(|(_, is_essential)| *is_essential);
        let definition = Definition {
            arn: format!("{PREFIX}:task-definition/{family}:1").into(),
            active: true,
            containers: containers.iter().map(|(name, _)| (*name).into()).collect(),
            essential: essential.map(|(name, _)| (*name).into()).collect(),
            images: containers.iter().map(|_| "web:latest".into()).collect(),
            cpu,
            memory_mib,
            ..Default::default()
        };
        self.definitions.insert(family.into(), definition);
    }

    /// A definition is deregistered; a task that is to start with it is refused.
    pub(super) fn deregister(&mut self, family: &str) {
        self.definitions.get_mut(family).expect("it is registered").active = false;
    }

    /// A definition is deregistered, and its family has a new revision.
    pub(super) fn revise(&mut self, family: &str) {
        let definition = self.definitions.get_mut(family).expect("it is registered");
        definition.arn = next_revision(&definition.arn);
    }

    /// ARN of the latest task that runs a framework's task.
    pub(super) fn arn_of(&self, id: &str) -> Str {
        let ours = |task: &&Task| {
            let containers = task.containers.iter().map(|container| &container.environment);
            let mut all = containers.chain([&task.environment]);
            all.any(|one| one.get("MESOS_TASK_ID").is_some_and(|held| &**held == id))
        };
        self.tasks
            .values()
            .rev()
            .find(ours)
            .unwrap_or_else(|| panic!("no task runs {id}"))
            .arn
            .clone()
    }

    /// A task becomes RUNNING.
    pub(super) fn runs(&mut self, arn: &str) {
        let task = self.tasks.get_mut(arn).expect("there is such a task");
        task.last_status = LastStatus::Running;
        for container in &mut task.containers {
            container.last_status = container.last_status.max(LastStatus::Running);
        }
        task.version += 1;
        let instance = task.instance_arn.clone().unwrap_or_else(|| "".into());
        self.change(&instance, |instance| {
            instance.pending_tasks -= 1;
            instance.running_tasks += 1;
        });
        self.tell_task(arn);
    }

    /// Something about one container of a task changes.
    pub(super) fn change_container(
        &mut self,
        arn: &str,
        name: &str,
        change: impl FnOnce(&mut Container),
    ) {
        let task = self.tasks.get_mut(arn).expect("there is such a task");
        let mut containers = task.containers.iter_mut();
        change(containers.find(|one| &*one.name == name).expect("there is such a container"));
        task.version += 1;
        self.tell_task(arn);
    }

    /// One container of a task exits, and the task goes on.
    pub(super) fn exits(&mut self, arn: &str, name: &str, code: i32) {
        self.change_container(arn, name, |container| {
            container.last_status = LastStatus::Stopped;
            container.exit_code = Some(code);
        });
    }

    /// A task becomes STOPPED.
    pub(super) fn ends(&mut self, arn: &str, code: StopCode, exit_code: Option<i32>) {
        self.ends_with(arn, code, exit_code, None, "Essential container in task exited");
    }

    /// A task becomes STOPPED, and its container and ECS say why.
    pub(super) fn ends_with(
        &mut self,
        arn: &str,
        code: StopCode,
        exit_code: Option<i32>,
        reason: Option<&str>,
        stopped_reason: &str,
    ) {
        let task = self.tasks.get_mut(arn).expect("there is such a task");
        let was_running = task.last_status == LastStatus::Running;
        task.last_status = LastStatus::Stopped;
        task.desired_running = false;
        task.stop_code = Some(code);
        task.stopped_reason = Some(stopped_reason.into());
        task.version += 1;
        let left = task.containers.iter_mut().filter(|one| one.last_status != LastStatus::Stopped);
        for container in left.filter(|one| !fetch::is_container(&one.name)) {
            container.last_status = LastStatus::Stopped;
            container.exit_code = exit_code;
            container.reason = reason.map(Into::into);
        }
        let instance = task.instance_arn.clone().unwrap_or_else(|| "".into());
        let (cpu, memory_mib) = self.held.remove(arn).unwrap_or_default();
        self.change(&instance, |instance| {
            instance.cpu_remaining += cpu;
            instance.memory_mib_remaining += memory_mib;
            let count =
                if was_running { &mut instance.running_tasks } else { &mut instance.pending_tasks };
            *count -= 1;
        });
        self.tell_task(arn);
    }

    /// An instance goes away with all that is on it, and nobody knows of either any more.
    pub(super) fn lose(&mut self, instance: &str) {
        self.instances.remove(instance);
        self.tasks.retain(|_, task| task.instance_arn.as_deref() != Some(instance));
    }

    /// Answers one question.
    pub(super) fn answer(&mut self, now: Timestamp, question: Question) -> Answered {
        if !self.reachable {
            return question.fails(Failure::NotDone("connection refused".to_owned()));
        }
        match question {
            Question::Instances(asked, InstancesAsk::List) => {
                Answered::Instances(asked, Ok(self.instances_where(|_| true)))
            }
            Question::Instances(asked, InstancesAsk::Describe(arns)) => {
                let found = self.instances_where(|instance| arns.contains(&instance.arn));
                Answered::Instances(asked, Ok(found))
            }
            Question::Tasks(asked, ask) => Answered::Tasks(asked, Ok(self.read_tasks(ask))),
            Question::Definition(asked, DefinitionAsk::Describe(name)) => {
                let name = name.rsplit('/').next().and_then(|name| name.split(':').next());
                let known = self.definitions.get(name.unwrap_or_default()).cloned();
                Answered::Definition(asked, Ok(known))
            }
            Question::Definition(asked, DefinitionAsk::Register(content)) => {
                Answered::Definition(asked, Ok(Some(self.register(*content))))
            }
            Question::Start(asked, start) => Answered::Start(asked, self.start(now, &start)),
            Question::Stop(asked, stop) => {
                self.reasons.push(stop.reason.clone());
                Answered::Stop(asked, self.stop(&stop.task))
            }
            Question::Change(asked, change) => Answered::Change(asked, self.alter(change)),
        }
    }

    fn read_tasks(&mut self, ask: TasksAsk) -> Tasks {
        match ask {
            TasksAsk::List { desired_running, except } => {
                self.listings += 1;
                self.tasks_where(|task| {
                    task.desired_running == desired_running && !except.contains(&task.arn)
                })
            }
            TasksAsk::Describe(arns) => {
                self.described.push(arns.clone());
                let unknown = arns.iter().filter(|arn| !self.tasks.contains_key(*arn));
                let missing = unknown.cloned().collect();
                Tasks { missing, ..self.tasks_where(|task| arns.contains(&task.arn)) }
            }
            TasksAsk::Find(started_by) => {
                self.tasks_where(|task| task.started_by.as_deref() == Some(&*started_by))
            }
        }
    }

    fn instances_where(&mut self, wanted: impl Fn(&Instance) -> bool) -> Vec<Instance> {
        self.reads += 1;
        let shown = self.shown.as_ref().unwrap_or(&self.instances);
        shown.values().filter(|instance| wanted(instance)).cloned().collect()
    }

    fn tasks_where(&mut self, wanted: impl Fn(&Task) -> bool) -> Tasks {
        self.reads += 1;
        let found = self.tasks.values().filter(|task| wanted(task)).cloned().collect();
        Tasks { found, missing: Vec::new() }
    }

    fn register(&mut self, content: DefinitionContent) -> Definition {
        let before = self.definitions.get(&content.family);
        let arn = match before {
            Some(before) => next_revision(&before.arn),
            None => format!("{PREFIX}:task-definition/{}:1", content.family).into(),
        };
        let containers = std::iter::once(&content).chain(&content.others);
        let definition = Definition {
            arn,
            active: true,
            containers: containers
                .flat_map(|one| {
                    let fetch = one.fetch.iter().map(|_| by_hand::fetcher_of(&content, one));
                    std::iter::once(one.container.clone()).chain(fetch)
                })
                .collect(),
            essential: vec![content.container.clone()],
            images: content.images().cloned().collect(),
            content: content.labels.get(CONTENT_LABEL).filter(|_| self.shows_labels).cloned(),
            ..Default::default()
        };
        self.definitions.insert(content.family.clone(), definition.clone());
        self.registrations.push(content);
        definition
    }

    fn start(&mut self, now: Timestamp, start: &StartTask) -> Result<Outcome, Failure> {
        self.starts.push(start.clone());
        let lost = || Failure::Unsure("the connection broke".to_owned());
        let active = self.definitions.values().filter(|one| one.active);
        let is_active = active.into_iter().any(|one| one.arn == start.definition);
        match self.fates.pop_front() {
            None if !is_active => Err(Failure::Refused {
                code: "ClientException".to_owned(),
                message: "TaskDefinition is inactive".to_owned(),
            }),
            None => Ok(self.accept(now, start)),
            Some(Fate::LostBefore) => Err(lost()),
            Some(Fate::LostAfter) => {
                self.accept(now, start);
                Err(lost())
            }
            Some(Fate::Throttled) => Err(Failure::Throttled),
            Some(Fate::NotDone) => Err(Failure::NotDone("connection refused".to_owned())),
            Some(Fate::Refused) => Err(Failure::Refused {
                code: "ClientException".to_owned(),
                message: "it is wrong".to_owned(),
            }),
            Some(Fate::NotStarted(reason)) => {
                Ok(Outcome::NotStarted { reason: reason.into(), detail: None })
            }
        }
    }

    /// Takes a task, if its instance can.
    pub(super) fn accept(&mut self, now: Timestamp, start: &StartTask) -> Outcome {
        let named = self.definitions.values().find(|definition| definition.arn == start.definition);
        let cpu = start.cpu.or(named.map(|named| named.cpu)).unwrap_or(0);
        let reserved = start.memory_reservation_mib.or(start.memory_mib);
        let memory_mib = reserved.or(named.map(|named| named.memory_mib)).unwrap_or(0);
        let cpu = cpu + start.others.iter().map(|one| one.cpu).sum::<u32>();
        let memory_mib =
            memory_mib + start.others.iter().map(ContainerStart::reserved_mib).sum::<u32>();
        let fetchers = by_hand::fetchers(named);
        let memory_mib = memory_mib + 6 * u32::try_from(fetchers.len()).unwrap_or(0);
        let refused = |reason: &str| Outcome::NotStarted { reason: reason.into(), detail: None };
        let Some(instance) = self.instances.get(&start.instance) else {
            return refused("MISSING");
        };
        if !instance.active {
            return refused("INACTIVE");
        }
        if instance.cpu_remaining < cpu {
            return refused("RESOURCE:CPU");
        }
        if instance.memory_mib_remaining < memory_mib {
            return refused("RESOURCE:MEMORY");
        }
        self.now_ms = now.millis();
        self.change(&start.instance, |instance| {
            instance.cpu_remaining -= cpu;
            instance.memory_mib_remaining -= memory_mib;
            let others = start.others.iter().filter_map(|one| one.gpus);
            instance.gpus_remaining -= start.gpus.into_iter().chain(others).sum::<u32>();
            instance.pending_tasks += 1;
        });
        self.made += 1;
        let others =
            start.others.iter().map(|one| (one.container.clone(), one.environment.clone()));
        let first = (start.container.clone(), start.environment.clone());
        let fetch = fetchers.into_iter().map(|name| by_hand::ordered(start, name));
        let overrides: Vec<_> = std::iter::once(first).chain(fetch).chain(others).collect();
        let container =
            |(name, _): &(Str, _)| Container { name: name.clone(), ..Container::default() };
        let mut task = Task {
            arn: format!("{PREFIX}:task/default/{:032x}", self.made).into(),
            definition_arn: start.definition.clone(),
            instance_arn: Some(start.instance.clone()),
            last_status: LastStatus::Pending,
            desired_running: true,
            started_by: Some(start.started_by.clone()),
            containers: overrides.iter().map(container).collect(),
            created_at_ms: now.millis(),
            version: 1,
            ..Default::default()
        };
        task.overridden(overrides);
        self.held.insert(task.arn.clone(), (cpu, memory_mib));
        self.tasks.insert(task.arn.clone(), task.clone());
        self.tell_task(&task.arn);
        Outcome::Started(Box::new(task))
    }

    fn stop(&mut self, arn: &Str) -> Result<Box<Task>, Failure> {
        self.stops.push(arn.clone());
        if self.stops_lost > 0 {
            self.stops_lost -= 1;
            return Err(Failure::Throttled);
        }
        let Some(task) = self.tasks.get_mut(arn) else {
            return Err(Failure::Refused {
                code: "InvalidParameterException".to_owned(),
                message: "The referenced task was not found.".to_owned(),
            });
        };
        task.desired_running = false;
        task.version += 1;
        let stopped = task.clone();
        self.tell_task(arn);
        Ok(Box::new(stopped))
    }
}

fn next_revision(arn: &str) -> Str {
    let (family, revision) = arn.rsplit_once(':').expect("it has a revision");
    let revision: u32 = revision.parse().expect("it is a number");
    format!("{family}:{}", revision + 1).into()
}
