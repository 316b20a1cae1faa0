//! A cluster of two instances: as much of ECS as the bridge asks about. How questions and answers are written stands here alone.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{
    Alteration, Answered, Container, ContainerStart, Definition, DefinitionAsk, Failure, Instance,
    InstanceChange, InstancesAsk, LastStatus, News, Outcome, Question, StartTask, StopCode, Task,
    Tasks, TasksAsk,
};
use longshore_wire_ecs::Str;

const PREFIX: &str = "arn:aws:ecs:us-east-1:123456789012";

/// How a question ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Answered,
    /// Nobody can say whether it was done; it was, or was not.
    Unsure(bool),
    NotDone,
    Throttled,
    Refused,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) instances: BTreeMap<Str, Instance>,
    pub(crate) tasks: BTreeMap<Str, Task>,
    /// CPU units and MiB of each task that holds something.
    held: BTreeMap<Str, (u32, u32)>,
    pub(crate) events: Vec<News>,
    /// Launch ids that were accepted.
    pub(crate) launches: BTreeSet<Str>,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let instances = (1..=2_u32).map(|number| {
            let arn: Str = format!("{PREFIX}:container-instance/default/{number:032x}").into();
            let instance = Instance {
                arn: arn.clone(),
                active: true,
                connected: true,
                cpu: 2048,
                memory_mib: 2048,
                cpu_remaining: 2048,
                memory_mib_remaining: 2048,
                attributes: [("hostname".into(), Some("10.0.1.17".into()))].into(),
                version: 1,
                ..Instance::default()
            };
            (arn, instance)
        });
        Self {
            instances: instances.collect(),
            tasks: BTreeMap::new(),
            held: BTreeMap::new(),
            events: Vec::new(),
            launches: BTreeSet::new(),
        }
    }

    pub(crate) fn change(&mut self, now: Timestamp, arn: &str, change: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self.instances.get_mut(arn) {
            change(instance);
            instance.version += 1;
            self.events.push(News::Instance(instance.clone(), now.millis()));
        }
    }

    pub(crate) fn run(&mut self, arn: &str) {
        let Some(task) = self.tasks.get_mut(arn).filter(|task| task.desired_running) else {
            return;
        };
        task.last_status = LastStatus::Running;
        let waiting = task.containers.iter_mut();
        let waiting = waiting.filter(|one| one.last_status != LastStatus::Stopped);
        waiting.for_each(|container| container.last_status = LastStatus::Running);
        task.ran = true;
        task.version += 1;
        self.events.push(News::Task(task.clone()));
    }

    /// A container of a group ends by itself, and the task goes on.
    pub(crate) fn exit(&mut self, arn: &str, container: usize, code: i32) {
        let Some(task) = self.tasks.get_mut(arn) else { return };
        let others = task.containers.iter_mut().skip(1);
        let running = others.filter(|one| one.last_status == LastStatus::Running).nth(container);
        let Some(exited) = running else { return };
        exited.last_status = LastStatus::Stopped;
        exited.exit_code = Some(code);
        task.version += 1;
        self.events.push(News::Task(task.clone()));
    }

    pub(crate) fn end(&mut self, now: Timestamp, arn: &str) {
        let Some((cpu, memory_mib)) = self.held.remove(arn) else { return };
        let Some(task) = self.tasks.get_mut(arn) else { return };
        task.last_status = LastStatus::Stopped;
        task.desired_running = false;
        task.stop_code = Some(StopCode::EssentialContainerExited);
        task.version += 1;
        self.events.push(News::Task(task.clone()));
        let instance = task.instance_arn.clone();
        self.change(now, &instance.unwrap_or_else(|| "".into()), |instance| {
            instance.cpu_remaining += cpu;
            instance.memory_mib_remaining += memory_mib;
        });
    }

    pub(crate) fn answer(&mut self, now: Timestamp, question: &Question, fate: Fate) -> Answered {
        match fate {
            Fate::Answered => self.done(now, question),
            Fate::Unsure(done) => {
                if done {
                    self.done(now, question);
                }
                question.fails(Failure::Unsure("the connection broke".to_owned()))
            }
            Fate::NotDone => question.fails(Failure::NotDone("no route".to_owned())),
            Fate::Throttled => question.fails(Failure::Throttled),
            Fate::Refused => question.fails(refused("no")),
        }
    }

    fn done(&mut self, now: Timestamp, question: &Question) -> Answered {
        match question {
            Question::Instances(asked, ask) => Answered::Instances(*asked, Ok(self.read(ask))),
            Question::Tasks(asked, ask) => Answered::Tasks(*asked, Ok(self.tasks(ask))),
            Question::Definition(asked, ask) => Answered::Definition(*asked, Ok(definition(ask))),
            Question::Start(asked, start) => Answered::Start(*asked, Ok(self.start(now, start))),
            Question::Stop(asked, stop) => {
                self.end(now, &stop.task);
                let known = self.tasks.get(&stop.task).cloned().map(Box::new);
                Answered::Stop(*asked, known.ok_or_else(|| refused("The task was not found.")))
            }
            Question::Change(asked, change) => {
                Answered::Change(*asked, self.alter(now, change).map(Some))
            }
        }
    }

    fn alter(&mut self, now: Timestamp, change: &InstanceChange) -> Result<Box<Instance>, Failure> {
        self.change(now, &change.instance, |instance| match &change.to {
            Alteration::Active(active) => instance.active = *active,
            Alteration::Attribute(name, value) => match value {
                Some(value) => drop(instance.attributes.insert(name.clone(), Some(value.clone()))),
                None => drop(instance.attributes.remove(name)),
            },
        });
        let known = self.instances.get(&change.instance).cloned().map(Box::new);
        known.ok_or_else(|| refused("The instance was not found."))
    }

    fn read(&self, ask: &InstancesAsk) -> Vec<Instance> {
        match ask {
            InstancesAsk::List => self.instances.values().cloned().collect(),
            InstancesAsk::Describe(arns) => {
                arns.iter().filter_map(|arn| self.instances.get(arn)).cloned().collect()
            }
        }
    }

    fn tasks(&self, ask: &TasksAsk) -> Tasks {
        let is_wanted = |task: &&Task| match ask {
            TasksAsk::List { desired_running, except } => {
                task.desired_running == *desired_running && !except.contains(&task.arn)
            }
            TasksAsk::Describe(arns) => arns.contains(&task.arn),
            TasksAsk::Find(launch) => task.started_by.as_ref() == Some(launch),
        };
        let found = self.tasks.values().filter(is_wanted).cloned().collect();
        Tasks { found, missing: Vec::new() }
    }

    fn start(&mut self, now: Timestamp, start: &StartTask) -> Outcome {
        let of_others = |of: fn(&ContainerStart) -> u32| start.others.iter().map(of).sum::<u32>();
        let cpu = start.cpu.unwrap_or(0) + of_others(|one| one.cpu);
        let memory_mib = start.memory_reservation_mib.or(start.memory_mib).unwrap_or(0)
            + of_others(ContainerStart::reserved_mib);
        let fits = self.instances.get(&start.instance).is_some_and(|one| {
            one.connected && one.cpu_remaining >= cpu && one.memory_mib_remaining >= memory_mib
        });
        if !fits {
            return Outcome::NotStarted { reason: "RESOURCE:CPU".into(), detail: None };
        }
        assert!(self.launches.insert(start.started_by.clone()), "{start:?} is started twice");
        self.change(now, &start.instance, |instance| {
            instance.cpu_remaining -= cpu;
            instance.memory_mib_remaining -= memory_mib;
        });
        let number = self.tasks.len() + 1;
        let others =
            start.others.iter().map(|one| (one.container.clone(), one.environment.clone()));
        let first = (start.container.clone(), start.environment.clone());
        let overrides: Vec<_> = std::iter::once(first).chain(others).collect();
        let container =
            |(name, _): &(Str, _)| Container { name: name.clone(), ..Container::default() };
        let mut task = Task {
            arn: format!("{PREFIX}:task/default/{number:032x}").into(),
            instance_arn: Some(start.instance.clone()),
            last_status: LastStatus::Pending,
            desired_running: true,
            started_by: Some(start.started_by.clone()),
            containers: overrides.iter().map(container).collect(),
            created_at_ms: now.millis(),
            version: 1,
            ..Task::default()
        };
        task.overridden(overrides);
        self.held.insert(task.arn.clone(), (cpu, memory_mib));
        self.tasks.insert(task.arn.clone(), task.clone());
        self.events.push(News::Task(task.clone()));
        Outcome::Started(Box::new(task))
    }
}

fn refused(message: &str) -> Failure {
    Failure::Refused { code: "ClientException".to_owned(), message: message.to_owned() }
}

fn definition(ask: &DefinitionAsk) -> Option<Definition> {
    match ask {
        DefinitionAsk::Describe(_) => None,
        DefinitionAsk::Register(content) => Some(Definition {
            arn: format!("{PREFIX}:task-definition/{}:1", content.family).into(),
            active: true,
            containers: vec![content.container.clone()],
            images: content.images().cloned().collect(),
            ..Definition::default()
        }),
    }
}
