//! One cluster's records and the indexes over them.
//!
//! Records change only through [`ClusterState::put_task`], [`ClusterState::change_task`] and
//! [`ClusterState::put_instance`], which keep the indexes and the placement view in sync. Changes
//! are tracked until the step ends, so a record that changes ten times in a step is stored once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_placement::{ClusterView, InstanceView};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::Health;

use crate::record::{
    Cluster, ContainerInstance, InstanceStatus, LastStatus, SERVICE_GROUP, Task, TaskTemplate,
};
use crate::service::{Noticed, ServiceState};

/// Totals of the tasks on an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InstanceLoad {
    /// Tasks whose desired status is RUNNING.
    pub(crate) desired_running: i32,
    /// Tasks whose last status is PENDING.
    pub(crate) pending: i32,
    /// Tasks that are not STOPPED.
    pub(crate) tasks: BTreeSet<ResourceId>,
    /// The subset of `tasks` with GPUs, usually few.
    pub(crate) with_gpus: BTreeSet<ResourceId>,
}

/// The request recorded for a client token.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TokenUse {
    /// The request as JSON.
    pub(crate) request: String,
    /// The tasks that it launched.
    pub(crate) tasks: Vec<ResourceId>,
}

/// One cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterState {
    pub(crate) record: Arc<Cluster>,
    pub(crate) instances: BTreeMap<ResourceId, Arc<ContainerInstance>>,
    pub(crate) tasks: BTreeMap<ResourceId, Arc<Task>>,
    pub(crate) tokens: BTreeMap<Str, TokenUse>,
    /// The client token that launched each task.
    token_of: BTreeMap<ResourceId, Str>,
    /// Services by name, including INACTIVE ones that are still visible.
    pub(crate) services: BTreeMap<Str, ServiceState>,
    /// Number of ACTIVE and of DRAINING services.
    pub(crate) active_services: usize,
    pub(crate) draining_services: usize,
    /// Instances that are not INACTIVE.
    pub(crate) registered: usize,
    /// INACTIVE instances and services, ordered by when they became INACTIVE.
    pub(crate) gone_instances: BTreeSet<(Timestamp, ResourceId)>,
    pub(crate) gone_services: BTreeSet<(Timestamp, Str)>,
    pub(crate) view: ClusterView,
    pub(crate) loads: BTreeMap<ResourceId, InstanceLoad>,
    pub(crate) desired_running: BTreeSet<ResourceId>,
    pub(crate) desired_stopped: BTreeSet<ResourceId>,
    pub(crate) by_started_by: BTreeMap<Str, BTreeSet<ResourceId>>,
    /// Known tasks of each task definition, by family and revision.
    pub(crate) of_definition: BTreeMap<(Str, u32), usize>,
    pub(crate) running_count: i32,
    pub(crate) pending_count: i32,
    /// Whether the cluster is in the set of those that may have changed in this step.
    pub(crate) is_touched: bool,
    pub(crate) changed_tasks: BTreeSet<ResourceId>,
    pub(crate) changed_instances: BTreeSet<ResourceId>,
    /// Instances whose version alone changed, because tasks started or stopped.
    pub(crate) touched_instances: BTreeSet<ResourceId>,
    pub(crate) changed_services: BTreeSet<Str>,
    /// Services to schedule because something about them changed in this step.
    pub(crate) dirty_services: BTreeSet<Str>,
    /// What happened to service tasks in this step.
    pub(crate) noticed: Vec<Noticed>,
    /// Services with tasks that could not be placed.
    pub(crate) waiting_services: BTreeSet<Str>,
    /// Whether this step may have freed resources for waiting tasks.
    pub(crate) room_changed: bool,
    /// Whether instances were added, removed or changed in this step, which affects DAEMON
    /// services.
    pub(crate) instances_changed: bool,
    /// DAEMON services that are not INACTIVE.
    pub(crate) daemons: BTreeSet<Str>,
}

impl ClusterState {
    pub(crate) fn new(record: Arc<Cluster>) -> Self {
        Self {
            record,
            instances: BTreeMap::new(),
            tasks: BTreeMap::new(),
            tokens: BTreeMap::new(),
            token_of: BTreeMap::new(),
            services: BTreeMap::new(),
            active_services: 0,
            draining_services: 0,
            registered: 0,
            gone_instances: BTreeSet::new(),
            gone_services: BTreeSet::new(),
            view: ClusterView::default(),
            loads: BTreeMap::new(),
            desired_running: BTreeSet::new(),
            desired_stopped: BTreeSet::new(),
            by_started_by: BTreeMap::new(),
            of_definition: BTreeMap::new(),
            running_count: 0,
            pending_count: 0,
            is_touched: false,
            changed_tasks: BTreeSet::new(),
            changed_instances: BTreeSet::new(),
            touched_instances: BTreeSet::new(),
            changed_services: BTreeSet::new(),
            dirty_services: BTreeSet::new(),
            noticed: Vec::new(),
            waiting_services: BTreeSet::new(),
            room_changed: false,
            instances_changed: false,
            daemons: BTreeSet::new(),
        }
    }

    /// Adds or replaces an instance. A known instance keeps its connection state and the resources
    /// its tasks hold, since registered resources never change.
    pub(crate) fn put_instance(&mut self, instance: ContainerInstance) {
        let id = instance.id;
        let (before, after) =
            (self.instances.get(&id), instance.status != InstanceStatus::Inactive);
        let before = before.is_some_and(|before| before.status != InstanceStatus::Inactive);
        self.registered = self.registered + usize::from(after) - usize::from(before);
        if self.registered == 1 && !before {
            crate::placing::prepare(&mut self.view);
        }
        if after {
            let known = self.view.instance(id).cloned();
            let view = known.unwrap_or_else(|| InstanceView {
                cpu: instance.registered.cpu,
                memory_mib: instance.registered.memory_mib,
                ports: instance.registered.ports.clone(),
                gpus: u32::try_from(instance.registered.gpus.len()).unwrap_or(u32::MAX),
                ec2_instance_id: instance.ec2_instance_id.clone(),
                registered_at: i64::try_from(instance.registered_at.millis() / 1_000).ok(),
                ..InstanceView::default()
            });
            let view = InstanceView {
                attributes: instance.attributes.clone(),
                active: instance.status == InstanceStatus::Active,
                agent_version: instance.version_info.agent_version.clone(),
                ..view
            };
            self.view.put_instance(id, view);
        } else {
            self.view.remove_instance(id);
        }
        self.instances.insert(id, Arc::new(instance));
        self.changed_instances.insert(id);
        self.instance_news(id);
    }

    /// Marks the services affected by a change of an instance: those with tasks that should run on
    /// it, and those waiting for room.
    fn instance_news(&mut self, id: ResourceId) {
        (self.room_changed, self.instances_changed) = (true, true);
        let groups = self.view.groups_on(id, SERVICE_GROUP);
        let services = groups.filter_map(|group| group.strip_prefix(SERVICE_GROUP));
        self.dirty_services.extend(services.map(Str::from));
    }

    /// GPUs of an instance that no task holds, in order.
    pub(crate) fn free_gpus(&self, id: ResourceId) -> Vec<Str> {
        let Some(instance) = self.instances.get(&id) else { return Vec::new() };
        let tasks = self.loads.get(&id).into_iter().flat_map(|load| &load.with_gpus);
        let held = tasks.flat_map(|task| &self.tasks[task].containers);
        let held: BTreeSet<&Str> = held.flat_map(|container| &container.gpu_ids).collect();
        instance.registered.gpus.iter().filter(|gpu| !held.contains(gpu)).cloned().collect()
    }

    /// Increments the version of an instance. Its record is stored again only once the reserved
    /// versions are used up.
    pub(crate) fn touch_instance(&mut self, id: ResourceId) {
        if let Some(instance) = self.instances.get_mut(&id) {
            let reserved = ContainerInstance::reserved_version(instance.version);
            let instance = Arc::make_mut(instance);
            instance.version += 1;
            self.touched_instances.insert(id);
            if instance.version > reserved {
                self.changed_instances.insert(id);
            }
        }
    }

    /// Records whether the agent of an instance is connected; returns true if that changed.
    pub(crate) fn set_connected(&mut self, id: ResourceId, connected: bool) -> bool {
        if self.view.instance(id).is_none_or(|view| view.connected == connected) {
            return false;
        }
        self.view.set_connected(id, connected);
        (self.room_changed, self.instances_changed) = (true, true);
        self.touch_instance(id);
        true
    }

    /// Adds or replaces a task and increments its version.
    pub(crate) fn put_task(&mut self, mut task: Task) -> Arc<Task> {
        task.version += 1;
        let task = Arc::new(task);
        let before = self.tasks.insert(task.id, task.clone());
        self.follow(before.map(|before| Condition::of(&before)), &task);
        task
    }

    /// Changes a task in place. If `how` returns true, increments the version and returns the task.
    pub(crate) fn change_task(
        &mut self,
        id: ResourceId,
        how: impl FnOnce(&mut Task) -> bool,
    ) -> Option<Arc<Task>> {
        let known = self.tasks.get_mut(&id)?;
        let before = Condition::of(known);
        let changed = Arc::make_mut(known);
        if !how(changed) {
            return None;
        }
        changed.version += 1;
        let task = known.clone();
        self.follow(Some(before), &task);
        Some(task)
    }

    /// Updates everything derived from a task that was added or changed.
    fn follow(&mut self, before: Option<Condition>, task: &Arc<Task>) {
        let (id, instance, after) = (task.id, task.instance, Condition::of(task));
        self.notice(before, task);
        self.reindex(task, before, Some(after));
        let held = before.is_some_and(Condition::holds_resources);
        if held != after.holds_resources() {
            if held {
                self.view.release(instance, &task.template.needs);
                self.room_changed = true;
            } else {
                self.view.reserve(instance, &task.template.needs);
            }
            self.touch_instance(instance);
            if !task.template.needs.ports.is_empty() {
                let beside: Vec<ResourceId> = self.view.beside(instance).collect();
                for other in beside {
                    self.touch_instance(other);
                }
            }
        }
        self.changed_tasks.insert(id);
    }

    /// Adds a stored task.
    pub(crate) fn load_task(&mut self, task: Arc<Task>) {
        self.reindex(&task, None, Some(Condition::of(&task)));
        if task.holds_resources() && self.view.instance(task.instance).is_some() {
            self.view.reserve(task.instance, &task.template.needs);
        }
        self.tasks.insert(task.id, task);
    }

    /// Records what a change of a task means for its service.
    fn notice(&mut self, before: Option<Condition>, task: &Task) {
        let Some(service) = task.service() else { return };
        let Some((service, _)) = self.services.get_key_value(service) else { return };
        self.noticed.extend(Noticed::between(before, task));
        self.dirty_services.insert(service.clone());
    }

    /// Stores a client token and the tasks that it launched.
    pub(crate) fn put_token(&mut self, token: Str, usage: TokenUse) {
        for task in &usage.tasks {
            self.token_of.insert(*task, token.clone());
        }
        self.tokens.insert(token, usage);
    }

    /// Forgets the client token of a forgotten task unless another task of the token is still
    /// known; returns the token if it was removed.
    pub(crate) fn forget_token_of(&mut self, task: ResourceId) -> Option<Str> {
        let token = self.token_of.remove(&task)?;
        let usage = self.tokens.get(&token)?;
        if usage.tasks.iter().any(|task| self.tasks.contains_key(task)) {
            return None;
        }
        self.tokens.remove(&token);
        Some(token)
    }

    /// Removes a task that is no longer visible.
    pub(crate) fn remove_task(&mut self, id: ResourceId) {
        let Some(task) = self.tasks.remove(&id) else { return };
        assert!(!task.holds_resources(), "{} is forgotten while it holds resources", task.arn);
        self.reindex(&task, Some(Condition::of(&task)), None);
        self.changed_tasks.insert(id);
    }

    /// Updates all indexes for a task whose condition changed; `None` means the task is not known.
    /// What does not change costs nothing.
    fn reindex(&mut self, task: &Task, before: Option<Condition>, after: Option<Condition>) {
        let (id, template) = (task.id, &task.template);
        let desired = |condition: Option<Condition>| condition.map(|one| one.desired_running);
        if desired(before) != desired(after) {
            match desired(before) {
                Some(true) => {
                    self.desired_running.remove(&id);
                    self.view.leave_group(&template.group, task.instance);
                }
                Some(false) => drop(self.desired_stopped.remove(&id)),
                None => {}
            }
            match desired(after) {
                Some(true) => {
                    self.desired_running.insert(id);
                    self.view.join_group(&template.group, task.instance);
                }
                Some(false) => drop(self.desired_stopped.insert(id)),
                None => {}
            }
        }
        match &template.started_by {
            Some(by) if before.is_none() => {
                self.by_started_by.entry(by.clone()).or_default().insert(id);
            }
            Some(by) if after.is_none() => {
                if let Some(tasks) = self.by_started_by.get_mut(by) {
                    tasks.remove(&id);
                    if tasks.is_empty() {
                        self.by_started_by.remove(by);
                    }
                }
            }
            _ => {}
        }
        if before.is_some() != after.is_some() {
            self.count_definition(template, after.is_some());
        }
        if let Some(service) = task.service().and_then(|name| self.services.get_mut(name)) {
            if after.is_some_and(Condition::holds_resources) {
                service.live.insert(id);
            } else {
                service.live.remove(&id);
            }
            service.count(template.started_by.as_ref(), before, after);
        }
        self.count(before, -1);
        self.count(after, 1);
        self.count_on_instance(task, before, after);
    }

    /// Counts a task of a definition that comes or goes.
    fn count_definition(&mut self, template: &TaskTemplate, comes: bool) {
        let definition = &template.definition;
        let entry = self.of_definition.entry((definition.family.clone(), definition.revision));
        match entry {
            Entry::Vacant(vacant) if comes => drop(vacant.insert(1)),
            Entry::Vacant(_) => {}
            Entry::Occupied(mut known) if comes => *known.get_mut() += 1,
            Entry::Occupied(mut known) if *known.get() > 1 => *known.get_mut() -= 1,
            Entry::Occupied(known) => drop(known.remove()),
        }
    }

    fn count(&mut self, condition: Option<Condition>, one: i32) {
        let Some(condition) = condition else { return };
        match condition.last_status {
            LastStatus::Pending => self.pending_count += one,
            // Otherwise it is STOPPING.
            LastStatus::Running => self.running_count += i32::from(condition.desired_running) * one,
            LastStatus::Stopped => {}
        }
    }

    /// Updates the load of the task's instance.
    fn count_on_instance(
        &mut self,
        task: &Task,
        before: Option<Condition>,
        after: Option<Condition>,
    ) {
        let (before, after) =
            (before.filter(|one| one.holds_resources()), after.filter(|one| one.holds_resources()));
        if before == after {
            return;
        }
        let load = self.loads.entry(task.instance).or_default();
        for (condition, one) in [(before, -1), (after, 1)] {
            let Some(condition) = condition else { continue };
            load.desired_running += i32::from(condition.desired_running) * one;
            load.pending += i32::from(condition.last_status == LastStatus::Pending) * one;
        }
        if before.is_none() {
            load.tasks.insert(task.id);
            if task.template.needs.gpus > 0 {
                load.with_gpus.insert(task.id);
            }
        } else if after.is_none() {
            load.tasks.remove(&task.id);
            load.with_gpus.remove(&task.id);
        }
        if load.tasks.is_empty() {
            self.loads.remove(&task.instance);
        }
    }
}

/// The state of a task that indexes and services depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) desired_running: bool,
    pub(crate) last_status: LastStatus,
    /// RUNNING with no health check, or with a passing one.
    pub(crate) is_well: bool,
}

impl Condition {
    pub(crate) fn of(task: &Task) -> Self {
        Self {
            desired_running: task.desired_running,
            last_status: task.last_status,
            is_well: task.last_status == LastStatus::Running
                && task.verdict().is_none_or(|health| health == Health::Healthy),
        }
    }

    fn holds_resources(self) -> bool {
        self.last_status.holds_resources()
    }
}
