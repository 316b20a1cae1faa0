//! A cluster for the bridge: as much of Amazon ECS as it asks about, and ways for it to go wrong.

use std::collections::{BTreeMap, VecDeque};

use longshore_machine::Timestamp;
use longshore_replica::{
    Answer, Ask, Container, Definition, DefinitionContent, Failure, Instance, LastStatus, News,
    StartTask, StopCode, Task,
};
use longshore_wire_ecs::Str;

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
    /// Each `StartTask` that was asked for, whatever became of it.
    pub(super) starts: Vec<StartTask>,
    /// ARN of the task of each `StopTask`.
    pub(super) stops: Vec<Str>,
    /// Each definition that was registered.
    pub(super) registrations: Vec<DefinitionContent>,
    /// How often instances or tasks were read.
    pub(super) reads: u32,
    /// How often all tasks were listed.
    pub(super) listings: u32,
    /// The tasks of each reading that named them.
    pub(super) described: Vec<Vec<Str>>,
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
            starts: Vec::new(),
            stops: Vec::new(),
            registrations: Vec::new(),
            reads: 0,
            listings: 0,
            described: Vec::new(),
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
        let definition = Definition {
            arn: format!("{PREFIX}:task-definition/{family}:1").into(),
            active: true,
            containers: vec!["app".into()],
            images: vec!["web:latest".into()],
            cpu,
            memory_mib,
            ports: Vec::new(),
        };
        self.definitions.insert(family.into(), definition);
    }

    /// ARN of the latest task that runs a framework's task.
    pub(super) fn arn_of(&self, id: &str) -> Str {
        let ours =
            |task: &&Task| task.environment.get("MESOS_TASK_ID").is_some_and(|held| &**held == id);
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
        task.version += 1;
        let instance = task.instance_arn.clone().unwrap_or_else(|| "".into());
        self.change(&instance, |instance| {
            instance.pending_tasks -= 1;
            instance.running_tasks += 1;
        });
        self.tell_task(arn);
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
        for container in &mut task.containers {
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
    pub(super) fn answer(&mut self, now: Timestamp, ask: Ask) -> Result<Answer, Failure> {
        if !self.reachable {
            return Err(Failure::NotDone("connection refused".to_owned()));
        }
        match ask {
            Ask::ListInstances => Ok(self.instances_where(|_| true)),
            Ask::DescribeInstances(arns) => {
                Ok(self.instances_where(|instance| arns.contains(&instance.arn)))
            }
            Ask::ListTasks { desired_running, except } => {
                self.listings += 1;
                Ok(self.tasks_where(|task| {
                    task.desired_running == desired_running && !except.contains(&task.arn)
                }))
            }
            Ask::DescribeTasks(arns) => {
                self.described.push(arns.clone());
                let missing =
                    arns.iter().filter(|arn| !self.tasks.contains_key(*arn)).cloned().collect();
                match self.tasks_where(|task| arns.contains(&task.arn)) {
                    Answer::Tasks { found, .. } => Ok(Answer::Tasks { found, missing }),
                    other => Ok(other),
                }
            }
            Ask::FindTasks { started_by } => {
                Ok(self.tasks_where(|task| task.started_by.as_deref() == Some(&*started_by)))
            }
            Ask::DescribeDefinition(name) => {
                let family = name
                    .rsplit('/')
                    .next()
                    .and_then(|name| name.split(':').next())
                    .unwrap_or_default();
                Ok(Answer::Definition(self.definitions.get(family).cloned()))
            }
            Ask::RegisterDefinition(content) => Ok(self.register(*content)),
            Ask::StartTask(start) => self.start(now, &start),
            Ask::StopTask { task, .. } => self.stop(&task),
        }
    }

    fn instances_where(&mut self, wanted: impl Fn(&Instance) -> bool) -> Answer {
        self.reads += 1;
        let shown = self.shown.as_ref().unwrap_or(&self.instances);
        Answer::Instances(shown.values().filter(|instance| wanted(instance)).cloned().collect())
    }

    fn tasks_where(&mut self, wanted: impl Fn(&Task) -> bool) -> Answer {
        self.reads += 1;
        let found = self.tasks.values().filter(|task| wanted(task)).cloned().collect();
        Answer::Tasks { found, missing: Vec::new() }
    }

    fn register(&mut self, content: DefinitionContent) -> Answer {
        let definition = Definition {
            arn: format!("{PREFIX}:task-definition/{}:1", content.family).into(),
            active: true,
            containers: vec![content.container.clone()],
            images: vec![content.image.clone()],
            ..Default::default()
        };
        self.definitions.insert(content.family.clone(), definition.clone());
        self.registrations.push(content);
        Answer::Definition(Some(definition))
    }

    fn start(&mut self, now: Timestamp, start: &StartTask) -> Result<Answer, Failure> {
        self.starts.push(start.clone());
        let lost = || Failure::Unsure("the connection broke".to_owned());
        match self.fates.pop_front() {
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
                Ok(Answer::NotStarted { reason: reason.into(), detail: None })
            }
        }
    }

    /// Takes a task, if its instance can.
    pub(super) fn accept(&mut self, now: Timestamp, start: &StartTask) -> Answer {
        let named = self.definitions.values().find(|definition| definition.arn == start.definition);
        let cpu = start.cpu.or(named.map(|named| named.cpu)).unwrap_or(0);
        let memory_mib = start.memory_mib.or(named.map(|named| named.memory_mib)).unwrap_or(0);
        let refused = |reason: &str| Answer::NotStarted { reason: reason.into(), detail: None };
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
            instance.pending_tasks += 1;
        });
        self.made += 1;
        let task = Task {
            arn: format!("{PREFIX}:task/default/{:032x}", self.made).into(),
            instance_arn: Some(start.instance.clone()),
            last_status: LastStatus::Pending,
            desired_running: true,
            started_by: Some(start.started_by.clone()),
            environment: start.environment.clone(),
            containers: vec![Container { name: start.container.clone(), ..Default::default() }],
            created_at_ms: now.millis(),
            version: 1,
            ..Default::default()
        };
        self.held.insert(task.arn.clone(), (cpu, memory_mib));
        self.tasks.insert(task.arn.clone(), task.clone());
        self.tell_task(&task.arn);
        Answer::Started(Box::new(task))
    }

    /// A framework's task that a master before this one launched and that runs.
    pub(super) fn left_over(&mut self, framework: &str, id: &str) -> Str {
        let instance = self.instances.values_mut().next().expect("there is an instance");
        instance.running_tasks += 1;
        let instance = instance.arn.clone();
        self.made += 1;
        let environment =
            [("MESOS_FRAMEWORK_ID".into(), framework.into()), ("MESOS_TASK_ID".into(), id.into())];
        let task = Task {
            arn: format!("{PREFIX}:task/default/{:032x}", self.made).into(),
            instance_arn: Some(instance),
            last_status: LastStatus::Running,
            desired_running: true,
            started_by: Some(format!("ls-{:032x}", self.made).into()),
            environment: environment.into(),
            containers: vec![Container::default()],
            ran: true,
            version: 2,
            ..Default::default()
        };
        let arn = task.arn.clone();
        self.tasks.insert(arn.clone(), task);
        arn
    }

    fn stop(&mut self, arn: &Str) -> Result<Answer, Failure> {
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
        Ok(Answer::Stopped(Box::new(stopped)))
    }
}
