//! Amazon's ECS as the bridge may meet it: instances, tasks and definitions, each with the versions that slow reads still show.

mod task;

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{
    CONTENT_LABEL, Container, ContainerStart, Definition, DefinitionContent, Instance, LastStatus,
    News, PortMapping, StartTask, StopCode, Task,
};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use super::history::History;

const PREFIX: &str = "arn:aws:ecs:us-east-1:123456789012";
/// How long a stopped task can be described, in ms.
const STOPPED_KEPT_MS: u64 = 3_600_000;

/// Framework id and task id.
pub(super) type Owner = (String, String);

/// What a task reserves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    pub(super) cpu: u32,
    pub(super) memory_mib: u32,
}

/// A task and what is true of it, whatever reads show.
#[derive(Debug)]
pub(super) struct CloudTask {
    pub(super) history: History<Task>,
    /// Whose it is, if it is a framework's: in a group each container but the first is another's.
    pub(super) owners: Vec<Owner>,
    pub(super) instance: Str,
    pub(super) cpu: u32,
    pub(super) memory_mib: u32,
    pub(super) ports: Vec<u16>,
    pub(super) ran_at: Option<Timestamp>,
    /// Containers that ran, by their place: those of a group may before ECS says that the task does.
    pub(super) have_run: BTreeSet<usize>,
    pub(super) stopped_at: Option<Timestamp>,
}

/// The containers of a task that have run, by their place.
fn running(record: &Task) -> impl Iterator<Item = usize> {
    let has_run =
        |one: &Container| one.last_status == LastStatus::Running || one.exit_code.is_some();
    let all = record.containers.iter().enumerate();
    all.filter(move |(_, container)| has_run(container)).map(|(at, _)| at)
}

/// The address of an instance, by its ARN: whatever becomes of the instance, nobody else gets it.
pub(super) fn address_of(arn: &str) -> Str {
    let number = u32::from_str_radix(arn.rsplit('/').next().unwrap_or_default(), 16);
    let [.., high, low] = number.unwrap_or_default().to_be_bytes();
    format!("10.0.{high}.{low}").into()
}

/// The cluster.
#[derive(Debug, Default)]
pub(super) struct Cloud {
    pub(super) instances: BTreeMap<Str, History<Instance>>,
    pub(super) tasks: BTreeMap<Str, CloudTask>,
    /// Revisions by family, the latest last.
    pub(super) definitions: BTreeMap<Str, Vec<Definition>>,
    /// What happened and has not been told.
    pub(super) events: Vec<News>,
    made: u32,
}

impl Cloud {
    pub(super) fn add_instance(
        &mut self,
        now: Timestamp,
        cpu: u32,
        memory_mib: u32,
        rack: &str,
    ) -> Str {
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
            attributes: [
                ("rack".into(), Some(rack.into())),
                ("hostname".into(), Some(address_of(&arn))),
            ]
            .into(),
            version: 1,
            ..Instance::default()
        };
        self.events.push(News::Instance(instance.clone(), now.millis()));
        self.instances.insert(arn.clone(), History::new(now, instance));
        arn
    }

    /// ARNs of the instances that are registered.
    pub(super) fn registered(&self) -> Vec<Str> {
        let there = self.instances.iter().filter(|(_, held)| held.now().is_some());
        there.map(|(arn, _)| arn.clone()).collect()
    }

    pub(super) fn instance(&self, arn: &str) -> Option<&Instance> {
        self.instances.get(arn)?.now()
    }

    /// The instance whose ARN ends with an id, and its record while it is registered.
    pub(super) fn instance_of_id(&self, id: &str) -> Option<&Instance> {
        forms("container-instance", id).iter().find_map(|arn| self.instance(arn))
    }

    /// The host name of the agent of an instance: its EC2 instance id, or its own.
    pub(super) fn host_of(&self, arn: &str) -> Option<String> {
        let instance = self.instance(arn)?;
        let named = instance.attribute("hostname").or(instance.ec2_instance_id.as_ref());
        Some(named.map_or_else(|| instance.id().to_owned(), ToString::to_string))
    }

    /// The agent that has a host name.
    pub(super) fn agent_of_host(&self, hostname: &str) -> Option<String> {
        let mut all = self.instances.keys();
        let arn = all.find(|arn| self.host_of(arn).as_deref() == Some(hostname))?;
        Some(arn.rsplit('/').next()?.to_owned())
    }

    /// What operators of frameworks' masters have decided about an instance, if anything stands.
    pub(super) fn decided(&self, arn: &str) -> Option<&Str> {
        self.instance(arn)?.attributes.get("longshore.agent")?.as_ref()
    }

    /// CPU units and MiB that tasks on an instance hold.
    pub(super) fn held(&self, instance: &str) -> (u64, u64) {
        let on = self.tasks.values().filter(|task| *task.instance == *instance && task.is_live());
        on.fold((0, 0), |(cpu, memory), task| {
            (cpu + u64::from(task.cpu), memory + u64::from(task.memory_mib))
        })
    }

    /// Changes an instance, which is a version of its own and an event.
    pub(super) fn change(&mut self, now: Timestamp, arn: &str, change: impl FnOnce(&mut Instance)) {
        let Some(held) = self.instances.get_mut(arn) else { return };
        let Some(mut next) = held.now().cloned() else { return };
        change(&mut next);
        next.version += 1;
        // An event does not tell how many tasks there are.
        let told = Instance { running_tasks: 0, pending_tasks: 0, ..next.clone() };
        held.put(now, Some(next));
        self.events.push(News::Instance(told, now.millis()));
    }

    /// An instance is deregistered by force: what was on it counts as stopped.
    pub(super) fn deregister(&mut self, now: Timestamp, arn: &str) {
        let on = self.tasks.iter().filter(|(_, task)| &*task.instance == arn && task.is_live());
        let on: Vec<Str> = on.map(|(task, _)| task.clone()).collect();
        for task in on {
            self.stop(
                now,
                &task,
                StopCode::parse("TerminationNotice"),
                None,
                "Host EC2 terminated",
            );
        }
        self.change(now, arn, |instance| instance.active = false);
        if let Some(held) = self.instances.get_mut(arn) {
            held.put(now, None);
        }
    }

    /// Registers a revision.
    pub(super) fn define(&mut self, family: &str, definition: Definition) -> Definition {
        let revisions = self.definitions.entry(family.into()).or_default();
        let arn = format!("{PREFIX}:task-definition/{family}:{}", revisions.len() + 1).into();
        let definition = Definition { arn, active: true, ..definition };
        revisions.push(definition.clone());
        definition
    }

    pub(super) fn register(&mut self, content: &DefinitionContent) -> Definition {
        let containers = std::iter::once(content).chain(&content.others);
        let definition = Definition {
            containers: containers.map(|one| one.container.clone()).collect(),
            essential: vec![content.container.clone()],
            images: content.images().cloned().collect(),
            content: content.labels.get(CONTENT_LABEL).cloned(),
            ports: content.ports.iter().map(|port| port.host_port).collect(),
            ..Definition::default()
        };
        self.define(&content.family, definition)
    }

    /// A definition by `family`, `family:revision` or ARN.
    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        let name = name.rsplit('/').next()?;
        let (family, revision) = match name.split_once(':') {
            Some((family, revision)) => (family, Some(revision.parse::<usize>().ok()?)),
            None => (name, None),
        };
        let revisions = self.definitions.get(family)?;
        match revision {
            Some(number) => revisions.get(number.checked_sub(1)?),
            None => revisions.iter().rev().find(|one| one.active),
        }
    }

    /// Takes a task onto an instance, or says which resource is short.
    pub(super) fn accept(
        &mut self,
        now: Timestamp,
        start: &StartTask,
        owners: Vec<Owner>,
    ) -> Result<Task, &'static str> {
        let definition = self.definition(&start.definition).cloned().unwrap_or_default();
        let cpu = start.cpu.unwrap_or(definition.cpu);
        let reserved = start.memory_reservation_mib.or(start.memory_mib);
        let memory_mib = reserved.unwrap_or(definition.memory_mib);
        let cpu = cpu + start.others.iter().map(|one| one.cpu).sum::<u32>();
        let memory_mib =
            memory_mib + start.others.iter().map(ContainerStart::reserved_mib).sum::<u32>();
        let ports: BTreeSet<u16> = definition.ports.iter().copied().collect();
        let instance = self.instance(&start.instance).ok_or("MISSING")?;
        match () {
            () if !instance.active => return Err("INACTIVE"),
            () if !instance.connected => return Err("AGENT"),
            () if instance.cpu_remaining < cpu => return Err("RESOURCE:CPU"),
            () if instance.memory_mib_remaining < memory_mib => return Err("RESOURCE:MEMORY"),
            () if !instance.ports_used.is_disjoint(&ports) => return Err("RESOURCE:PORTS"),
            () => {}
        }
        self.change(now, &start.instance, |instance| {
            instance.cpu_remaining -= cpu;
            instance.memory_mib_remaining -= memory_mib;
            instance.ports_used.extend(&ports);
            instance.pending_tasks += 1;
        });
        self.made += 1;
        let arn: Str = format!("{PREFIX}:task/default/{:032x}", self.made).into();
        let task = task(now, arn.clone(), definition.arn, start);
        let held = CloudTask {
            history: History::new(now, task.clone()),
            owners,
            instance: start.instance.clone(),
            cpu,
            memory_mib,
            ports: ports.into_iter().collect(),
            ran_at: None,
            have_run: BTreeSet::new(),
            stopped_at: None,
        };
        self.tasks.insert(arn, held);
        self.events.push(News::Task(task.clone()));
        Ok(task)
    }

    fn change_task(&mut self, now: Timestamp, arn: &str, change: impl FnOnce(&mut Task)) {
        let Some(held) = self.tasks.get_mut(arn) else { return };
        let Some(mut next) = held.record().cloned() else { return };
        change(&mut next);
        next.version += 1;
        // An event does not tell of health.
        let mut told = Task { healthy: None, ..next.clone() };
        told.containers.iter_mut().for_each(|container| container.healthy = None);
        self.events.push(News::Task(told));
        held.history.put(now, Some(next));
    }

    /// A task becomes RUNNING; false if it is past that.
    pub(super) fn run(&mut self, now: Timestamp, arn: &str) -> bool {
        let Some(held) = self.tasks.get_mut(arn).filter(|held| held.ran_at.is_none()) else {
            return false;
        };
        if !held.is_wanted() || !held.is_live() {
            return false;
        }
        held.ran_at = Some(now);
        let instance = held.instance.clone();
        let mapped = |host: &u16| PortMapping { container_port: 80, host_port: *host, udp: false };
        let ports: Vec<PortMapping> = held.ports.iter().map(mapped).collect();
        self.change(now, &instance, |instance| {
            instance.pending_tasks = instance.pending_tasks.saturating_sub(1);
            instance.running_tasks += 1;
        });
        self.change_task(now, arn, |task| {
            task.last_status = LastStatus::Running;
            task.ran = true;
            task.containers.iter_mut().for_each(|one| one.last_status = LastStatus::Running);
            if let Some(container) = task.containers.first_mut() {
                container.ports = ports;
            }
        });
        true
    }

    /// A container of a group exits by itself. The task goes on, unless it is the first.
    pub(super) fn exit(&mut self, now: Timestamp, arn: &str, container: usize, code: i32) {
        let Some(held) = self.tasks.get(arn).filter(|held| held.is_live()) else { return };
        let runs = held.ran_at.is_some() && held.record().is_some();
        if !runs {
            return;
        }
        self.change_task(now, arn, |task| {
            let exited = task.containers.get_mut(container);
            let exited = exited.filter(|one| one.last_status == LastStatus::Running);
            if let Some(exited) = exited {
                exited.last_status = LastStatus::Stopped;
                exited.exit_code = Some(code);
            }
        });
    }

    /// A health check says something else. Such a change may have no version and no event.
    pub(super) fn judge(&mut self, now: Timestamp, arn: &str, healthy: bool, is_versioned: bool) {
        let Some(held) = self.tasks.get_mut(arn).filter(|held| held.is_live()) else { return };
        let Some(task) = held.record().filter(|task| task.last_status == LastStatus::Running)
        else {
            return;
        };
        let judged = |task: &mut Task| {
            task.healthy = Some(healthy);
            let running = task.containers.iter_mut();
            let running = running.filter(|one| one.last_status == LastStatus::Running);
            running.for_each(|container| container.healthy = Some(healthy));
        };
        if is_versioned {
            self.change_task(now, arn, judged);
        } else {
            let mut next = task.clone();
            judged(&mut next);
            held.history.put(now, Some(next));
        }
    }

    /// Somebody wants a task to stop; true if it has to be stopped now.
    pub(super) fn ask_to_stop(&mut self, now: Timestamp, arn: &str, reason: &str) -> bool {
        let wanted = self.tasks.get(arn).is_some_and(|task| task.is_live() && task.is_wanted());
        if wanted {
            self.change_task(now, arn, |task| {
                task.desired_running = false;
                task.stop_code = Some(StopCode::UserInitiated);
                task.stopped_reason = Some(reason.into());
            });
        }
        wanted
    }

    /// A task becomes STOPPED and gives back what it held.
    pub(super) fn stop(
        &mut self,
        now: Timestamp,
        arn: &str,
        code: StopCode,
        exit_code: Option<i32>,
        reason: &str,
    ) {
        let Some(held) = self.tasks.get_mut(arn).filter(|held| held.is_live()) else { return };
        held.stopped_at = Some(now);
        let (instance, ran, ports) =
            (held.instance.clone(), held.ran_at.is_some(), held.ports.clone());
        let (cpu, memory_mib) = (held.cpu, held.memory_mib);
        self.change(now, &instance, |instance| {
            instance.cpu_remaining += cpu;
            instance.memory_mib_remaining += memory_mib;
            for port in ports {
                instance.ports_used.remove(&port);
            }
            let count = if ran { &mut instance.running_tasks } else { &mut instance.pending_tasks };
            *count = count.saturating_sub(1);
        });
        self.change_task(now, arn, |task| {
            // Who asked first is who stopped it.
            if task.desired_running {
                task.stop_code = Some(code);
                task.stopped_reason = Some(reason.into());
            }
            task.desired_running = false;
            task.last_status = LastStatus::Stopped;
            let left = task.containers.iter_mut();
            for container in left.filter(|one| one.last_status != LastStatus::Stopped) {
                container.last_status = LastStatus::Stopped;
                container.exit_code = exit_code;
            }
        });
    }

    /// Stopped tasks cannot be described for ever.
    pub(super) fn expire(&mut self, now: Timestamp) {
        for task in self.tasks.values_mut() {
            let old = task.stopped_at.is_some_and(|at| now.since(at) > STOPPED_KEPT_MS);
            if old && task.record().is_some() {
                task.history.put(now, None);
            }
        }
    }

    /// A cluster that is mirrored has stored a task, which ran and stopped at these times; whether it is new.
    pub(super) fn stored(
        &mut self,
        now: Timestamp,
        record: Task,
        owners: Vec<Owner>,
        needs: Needs,
        times: (Option<Timestamp>, Option<Timestamp>),
    ) -> bool {
        let (ran_at, stopped_at) = times;
        if let Some(held) = self.tasks.get_mut(&record.arn) {
            (held.ran_at, held.stopped_at) = (ran_at, stopped_at);
            held.have_run.extend(running(&record));
            held.history.put(now, Some(record));
            return false;
        }
        let arn = record.arn.clone();
        let held = CloudTask {
            instance: record.instance_arn.clone().unwrap_or_default(),
            have_run: running(&record).collect(),
            history: History::new(now, record),
            owners,
            cpu: needs.cpu,
            memory_mib: needs.memory_mib,
            ports: Vec::new(),
            ran_at,
            stopped_at,
        };
        self.tasks.insert(arn, held);
        true
    }

    /// A cluster that is mirrored does not know a task any more.
    pub(super) fn forgotten(&mut self, now: Timestamp, id: &str) {
        for arn in forms("task", id) {
            if let Some(held) = self.tasks.get_mut(&*arn) {
                held.history.put(now, None);
            }
        }
    }

    /// A cluster that is mirrored has stored an instance, or that it is gone.
    pub(super) fn is_registered(&mut self, now: Timestamp, arn: &Str, known: Option<Instance>) {
        match (self.instances.get_mut(arn), known) {
            (Some(held), known) => held.put(now, known),
            (None, Some(known)) => {
                drop(self.instances.insert(arn.clone(), History::new(now, known)));
            }
            (None, None) => {}
        }
    }

    /// The task whose ARN ends with an id.
    pub(super) fn task_of_id(&self, id: &str) -> Option<(&Str, &CloudTask)> {
        forms("task", id).iter().find_map(|arn| self.tasks.get_key_value(&**arn))
    }
}

/// Either ARN that a resource with an id may have.
fn forms(kind: &str, id: &str) -> [String; 2] {
    let uuid = ResourceId::parse(id).map_or_else(|| id.to_owned(), ResourceId::uuid);
    let id = ResourceId::parse(id).map_or_else(|| id.to_owned(), |id| id.to_string());
    [format!("{PREFIX}:{kind}/default/{id}"), format!("{PREFIX}:{kind}/{uuid}")]
}

/// The record of a task that has just been accepted.
fn task(now: Timestamp, arn: Str, definition_arn: Str, start: &StartTask) -> Task {
    let others = start.others.iter().map(|one| (one.container.clone(), one.environment.clone()));
    let first = (start.container.clone(), start.environment.clone());
    let overrides: Vec<_> = std::iter::once(first).chain(others).collect();
    let container = |(name, _): &(Str, _)| Container { name: name.clone(), ..Container::default() };
    let mut task = Task {
        arn,
        definition_arn,
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
    task
}
