//! Amazon's ECS as the bridge may meet it: instances, tasks and definitions, each with the versions that slow reads still show.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{
    CONTENT_LABEL, Container, Definition, DefinitionContent, Instance, LastStatus, News, StartTask,
    StopCode, Task,
};
use longshore_wire_ecs::Str;

use super::history::History;

const PREFIX: &str = "arn:aws:ecs:us-east-1:123456789012";
/// How long a stopped task can be described, in ms.
const STOPPED_KEPT_MS: u64 = 3_600_000;

/// Framework id and task id.
pub(super) type Owner = (String, String);

/// A task and what is true of it, whatever reads show.
#[derive(Debug)]
pub(super) struct CloudTask {
    pub(super) history: History<Task>,
    /// Whose it is, if it is a framework's.
    pub(super) owner: Option<Owner>,
    pub(super) instance: Str,
    pub(super) cpu: u32,
    pub(super) memory_mib: u32,
    ports: Vec<u16>,
    pub(super) ran_at: Option<Timestamp>,
    pub(super) stopped_at: Option<Timestamp>,
}

impl CloudTask {
    /// Its record now; one that can no longer be described has none.
    pub(super) fn record(&self) -> Option<&Task> {
        self.history.now()
    }

    /// Whether it should run and has not stopped.
    pub(super) fn is_wanted(&self) -> bool {
        self.record().is_some_and(|task| task.desired_running)
    }

    /// Whether it has not stopped.
    pub(super) fn is_live(&self) -> bool {
        self.stopped_at.is_none()
    }

    /// The exit code that it stopped with.
    pub(super) fn exit_code(&self) -> Option<i32> {
        self.record()?.containers.first()?.exit_code
    }
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
    pub(super) fn add_instance(&mut self, now: Timestamp, cpu: u32, memory_mib: u32) -> Str {
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
        self.instance(&format!("{PREFIX}:container-instance/default/{id}"))
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
        let definition = Definition {
            containers: vec![content.container.clone()],
            images: vec![content.image.clone()],
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
        owner: Option<Owner>,
    ) -> Result<Task, &'static str> {
        let definition = self.definition(&start.definition).cloned().unwrap_or_default();
        let cpu = start.cpu.unwrap_or(definition.cpu);
        let memory_mib = start.memory_mib.unwrap_or(definition.memory_mib);
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
        let task = Task {
            arn: arn.clone(),
            definition_arn: definition.arn,
            instance_arn: Some(start.instance.clone()),
            last_status: LastStatus::Pending,
            desired_running: true,
            started_by: Some(start.started_by.clone()),
            environment: start.environment.clone(),
            containers: vec![Container { name: start.container.clone(), ..Container::default() }],
            created_at_ms: now.millis(),
            version: 1,
            ..Task::default()
        };
        let held = CloudTask {
            history: History::new(now, task.clone()),
            owner,
            instance: start.instance.clone(),
            cpu,
            memory_mib,
            ports: ports.into_iter().collect(),
            ran_at: None,
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
        self.events.push(News::Task(Task { healthy: None, ..next.clone() }));
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
        self.change(now, &instance, |instance| {
            instance.pending_tasks = instance.pending_tasks.saturating_sub(1);
            instance.running_tasks += 1;
        });
        self.change_task(now, arn, |task| {
            task.last_status = LastStatus::Running;
            task.ran = true;
        });
        true
    }

    /// A health check says something else. Such a change may have no version and no event.
    pub(super) fn judge(&mut self, now: Timestamp, arn: &str, healthy: bool, is_versioned: bool) {
        let Some(held) = self.tasks.get_mut(arn).filter(|held| held.is_live()) else { return };
        let Some(task) = held.record().filter(|task| task.last_status == LastStatus::Running)
        else {
            return;
        };
        if is_versioned {
            self.change_task(now, arn, |task| task.healthy = Some(healthy));
        } else {
            let next = Task { healthy: Some(healthy), ..task.clone() };
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
            for container in &mut task.containers {
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

    /// The task whose ARN ends with an id.
    pub(super) fn task_of_id(&self, id: &str) -> Option<(&Str, &CloudTask)> {
        self.tasks.get_key_value(&*format!("{PREFIX}:task/default/{id}"))
    }
}
