//! A model of ECS: one cluster, whose truth is kept with its past, since reads may be old.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_replica::{
    Instance, InstanceDetail, InstancesAsk, LastStatus, NotStarted, StartOn, Starts, StopCode,
    Task, TaskDetail, Tasks, TasksAsk,
};
use longshore_wire_ecs::Str;

/// ARN of the only cluster.
pub(super) const CLUSTER: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/web";

/// A record as it was at each time.
#[derive(Debug)]
struct Past<T>(Vec<(Timestamp, Option<T>)>);

impl<T: Clone> Past<T> {
    fn at(&self, at: Timestamp) -> Option<&T> {
        self.0.iter().rev().find(|(since, _)| *since <= at).and_then(|(_, record)| record.as_ref())
    }

    fn now(&self) -> Option<&T> {
        self.0.last().and_then(|(_, record)| record.as_ref())
    }
}

/// The cluster.
#[derive(Debug, Default)]
pub(super) struct Ecs {
    instances: BTreeMap<Str, Past<Instance>>,
    tasks: BTreeMap<Str, Past<Task>>,
    /// Reasons why instances take no task, by ARN.
    pub(super) refusals: BTreeMap<Str, &'static str>,
    made: u64,
}

impl Ecs {
    /// The instances as they are.
    pub(super) fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values().filter_map(Past::now)
    }

    /// The tasks as they are.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter_map(Past::now)
    }

    pub(super) fn task(&self, arn: &str) -> Option<&Task> {
        self.tasks.get(arn)?.now()
    }

    fn put_instance(&mut self, now: Timestamp, instance: Instance) {
        let past = self.instances.entry(instance.arn.clone()).or_insert_with(|| Past(Vec::new()));
        past.0.push((now, Some(instance)));
    }

    fn put_task(&mut self, now: Timestamp, mut task: Task) -> Task {
        let status = match task.last_status {
            LastStatus::Pending => "PENDING",
            LastStatus::Running => "RUNNING",
            _ => "STOPPED",
        };
        let detail = TaskDetail {
            cluster_arn: CLUSTER.into(),
            last_status: status.into(),
            ..TaskDetail::default()
        };
        task.detail = Some(detail.into());
        let past = self.tasks.entry(task.arn.clone()).or_insert_with(|| Past(Vec::new()));
        past.0.push((now, Some(task.clone())));
        task
    }

    /// The ARN of what was just made: every other one is short, as if the account had changed its mind again and again.
    fn arn(&self, kind: &str, letter: char) -> Str {
        let home = if self.made.is_multiple_of(2) { "" } else { "web/" };
        let number = self.made;
        format!("arn:aws:ecs:us-east-1:123456789012:{kind}/{home}{letter}{number}").into()
    }

    pub(super) fn add_instance(&mut self, now: Timestamp, stack: &str) -> Instance {
        self.made += 1;
        let arn = self.arn("container-instance", 'i');
        let detail = InstanceDetail {
            cluster_arn: CLUSTER.into(),
            status: "ACTIVE".into(),
            ..InstanceDetail::default()
        };
        let instance = Instance {
            arn,
            active: true,
            connected: true,
            attributes: [("stack".into(), Some(stack.into()))].into(),
            version: 1,
            detail: Some(detail.into()),
            ..Instance::default()
        };
        self.put_instance(now, instance.clone());
        instance
    }

    /// Changes an instance, as a change with a version of its own.
    pub(super) fn change_instance(
        &mut self,
        now: Timestamp,
        arn: &str,
        change: impl FnOnce(&mut Instance),
    ) -> Option<Instance> {
        let mut instance = self.instances.get(arn)?.now()?.clone();
        change(&mut instance);
        instance.version += 1;
        self.put_instance(now, instance.clone());
        Some(instance)
    }

    /// An instance goes: its tasks stop. As it was told last, and its tasks.
    pub(super) fn remove_instance(
        &mut self,
        now: Timestamp,
        arn: &Str,
    ) -> (Option<Instance>, Vec<Task>) {
        let last = self.change_instance(now, arn, |one| {
            (one.active, one.connected) = (false, false);
        });
        if let Some(past) = self.instances.get_mut(arn) {
            past.0.push((now, None));
        }
        let theirs: Vec<Str> = self
            .tasks()
            .filter(|task| task.instance_arn.as_ref() == Some(arn))
            .map(|task| task.arn.clone())
            .collect();
        let stop = |task: &Str| self.stop(now, task, StopCode::HostLost);
        (last, theirs.iter().filter_map(stop).collect())
    }

    /// A task changes, if it has not stopped.
    pub(super) fn change_task(
        &mut self,
        now: Timestamp,
        arn: &str,
        change: impl FnOnce(&mut Task),
    ) -> Option<Task> {
        let mut task = self.task(arn)?.clone();
        if task.last_status == LastStatus::Stopped {
            return None;
        }
        change(&mut task);
        task.version += 1;
        Some(self.put_task(now, task))
    }

    /// A task stops.
    pub(super) fn stop(&mut self, now: Timestamp, arn: &str, code: StopCode) -> Option<Task> {
        self.change_task(now, arn, |task| {
            task.last_status = LastStatus::Stopped;
            task.desired_running = false;
            task.stop_code.get_or_insert(code);
        })
    }

    /// Takes a start.
    pub(super) fn start(&mut self, now: Timestamp, start: &StartOn) -> Starts {
        let mut starts = Starts::default();
        for arn in &start.instances {
            let instance = self.instances.get(arn).and_then(Past::now);
            let refused = match instance {
                None => Some("MISSING"),
                Some(one) if !one.connected => Some("AGENT"),
                Some(one) if !one.active => Some("INACTIVE"),
                Some(_) => self.refusals.get(arn).copied(),
            };
            if let Some(reason) = refused {
                let instance = arn.clone();
                starts.refused.push(NotStarted { instance, reason: reason.into() });
                continue;
            }
            self.made += 1;
            let task = Task {
                arn: self.arn("task", 't'),
                definition_arn: start.definition.clone(),
                instance_arn: Some(arn.clone()),
                last_status: LastStatus::Pending,
                desired_running: true,
                started_by: Some(start.started_by.clone()),
                created_at_ms: now.millis(),
                version: 1,
                ..Task::default()
            };
            starts.started.push(self.put_task(now, task));
        }
        starts
    }

    /// Reads instances as they were.
    pub(super) fn read_instances(&self, at: Timestamp, ask: &InstancesAsk) -> Vec<Instance> {
        let all = self.instances.values().filter_map(|past| past.at(at)).cloned();
        match ask {
            InstancesAsk::List => all.collect(),
            InstancesAsk::Describe(arns) => all.filter(|one| arns.contains(&one.arn)).collect(),
        }
    }

    /// Reads tasks as they were.
    pub(super) fn read_tasks(&self, at: Timestamp, ask: &TasksAsk) -> Tasks {
        let all = self.tasks.values().filter_map(|past| past.at(at)).cloned();
        let found: Vec<Task> = match ask {
            TasksAsk::List { desired_running, except } => all
                .filter(|one| one.desired_running == *desired_running && !except.contains(&one.arn))
                .collect(),
            TasksAsk::Describe(arns) => all.filter(|one| arns.contains(&one.arn)).collect(),
            TasksAsk::Find(by) => all.filter(|one| one.started_by.as_ref() == Some(by)).collect(),
        };
        let missing = match ask {
            TasksAsk::Describe(arns) => {
                let is_missing = |arn: &&Str| !found.iter().any(|task| task.arn == **arn);
                arns.iter().filter(is_missing).cloned().collect()
            }
            _ => Vec::new(),
        };
        Tasks { found, missing }
    }
}
