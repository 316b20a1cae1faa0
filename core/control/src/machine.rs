//! The control plane as a machine: its inputs, its outputs, and the order in which things happen.

use std::sync::Arc;

use longshore_events::{self as events, Bus};
use longshore_machine::{Ids, Machine, Timestamp};
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{Order, TaskReport};
use longshore_wire_ecs::shape::shared::Failure;
use longshore_wire_ecs::{ApiError, Request, Str};
use serde::{Deserialize, Serialize};

use crate::cluster_state::{ClusterState, TokenUse};
use crate::expiry::{self, expire, finish_deletions, retire_instance};
use crate::record::{
    Cluster, ClusterStatus, ContainerInstance, DefinitionStatus, InstanceStatus, Task,
    TaskDefinition, TaskRow,
};
use crate::service::{self, Service};
use crate::setting::SettingName;
use crate::state::{Agents, Home, Policy, State};
use crate::{admit, announce_events, launch, limits, report, show};

/// Identifies a call, so that its reply can be routed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// Inputs of the control plane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Input {
    /// A client's call.
    Call {
        /// Identifies the reply.
        call: CallId,
        /// The realm whose resources it is about.
        realm: Realm,
        /// The request.
        request: Request,
    },
    /// The agent of an instance connected and wants its full order.
    Connected(ResourceId),
    /// The agent of an instance disconnected.
    Disconnected(ResourceId),
    /// Agents report the state of tasks, each on its own instance.
    Reported(Vec<(ResourceId, Vec<TaskReport>)>),
    /// An input for the event bus, whose records are stored with everything else.
    Bus(events::Input),
}

/// Outputs of the control plane.
#[derive(Clone, Debug)]
pub enum Output {
    /// Answer a call.
    Reply(CallId, Result<Reply, ApiError>),
    /// Store or forget a record.
    Change(Change),
    /// Send an order to the agent of an instance.
    Order(Order),
    /// Answer a call to the event bus.
    BusReply(events::Call, Result<events::Answer, events::Refusal>),
    /// Deliver an event to followers of a realm's event bus.
    Event(Realm, Arc<events::Event>),
    /// The rules of a realm have changed; for those who prepare calls to the event bus.
    Rules(Realm, Arc<events::Rules>),
}

impl From<events::Output> for Output {
    fn from(output: events::Output) -> Self {
        match output {
            events::Output::Change(change) => Self::Change(Change::Bus(change)),
            events::Output::Reply(call, reply) => Self::BusReply(call, reply),
            events::Output::Event(realm, event) => Self::Event(realm, event),
            events::Output::Rules(realm, rules) => Self::Rules(realm, rules),
        }
    }
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The body, as JSON.
    Body(Vec<u8>),
    /// Tasks and failures; serialized by the sender, so that it does not hold up the machine.
    Tasks {
        /// The tasks.
        tasks: Vec<Arc<Task>>,
        /// The failures.
        failures: Vec<Failure>,
        /// Whether tags were asked for.
        with_tags: bool,
    },
    /// One task.
    Task(Arc<Task>),
}

impl Reply {
    /// Serializes the body as JSON.
    pub fn into_json(self) -> Vec<u8> {
        match self {
            Self::Body(body) => body,
            Self::Tasks { tasks, failures, with_tags } => {
                show::tasks_json(&tasks, &failures, with_tags)
            }
            Self::Task(task) => show::task_json(&task),
        }
    }
}

/// Identifies a stored record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A cluster by realm and name.
    Cluster(Realm, Str),
    /// An instance by id.
    Instance(ResourceId),
    /// A task definition by realm, family and revision.
    Definition(Realm, Str, u32),
    /// A task by id.
    Task(ResourceId),
    /// A client token by realm, cluster and token.
    Token(Realm, Str, Str),
    /// A service by realm, cluster and name.
    Service(Realm, Str, Str),
    /// A family of task definitions by realm and name.
    Family(Realm, Str),
    /// An account setting by realm, ARN of the principal and name.
    Setting(Realm, Str, SettingName),
    /// A record of the event bus.
    Bus(events::Key),
}

/// A record to store.
#[derive(Clone, Debug)]
pub enum Change {
    /// A cluster.
    Cluster(Arc<Cluster>),
    /// An instance.
    Instance(Arc<ContainerInstance>),
    /// A task definition.
    Definition(Arc<TaskDefinition>),
    /// A task.
    Task(Arc<Task>),
    /// A service.
    Service(Arc<Service>),
    /// A client token.
    Token {
        /// Account and region.
        realm: Realm,
        /// Name of the cluster.
        cluster: Str,
        /// The token.
        token: Str,
        /// The request recorded for it.
        usage: TokenUse,
    },
    /// The greatest revision of a family, kept after its deletion so that it is not reused.
    Family {
        /// Account and region.
        realm: Realm,
        /// Name of the family.
        family: Str,
        /// The revision.
        last: u32,
    },
    /// An account setting.
    Setting {
        /// Account and region.
        realm: Realm,
        /// ARN of the principal whose setting it is.
        principal: Str,
        /// Which setting.
        name: SettingName,
        /// What it is set to.
        value: Str,
    },
    /// Forget a record.
    Forget(Key),
    /// A record of the event bus, to store or forget.
    Bus(events::Change),
}

/// All stored records, as loaded at startup.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "one list for each kind of record")]
pub struct Records {
    pub clusters: Vec<Cluster>,
    pub instances: Vec<ContainerInstance>,
    pub definitions: Vec<TaskDefinition>,
    pub tasks: Vec<TaskRow<'static>>,
    pub services: Vec<Service>,
    pub tokens: Vec<(Realm, Str, Str, TokenUse)>,
    pub families: Vec<(Realm, Str, u32)>,
    pub settings: Vec<(Realm, Str, SettingName, Str)>,
    pub bus: events::Records,
}

/// The local ECS.
#[derive(Clone, Debug)]
pub struct Control {
    pub(crate) state: State,
    pub(crate) ids: Ids,
    pub(crate) bus: Bus,
}

impl Control {
    /// An empty control plane; ids derive from `seed`.
    pub fn new(seed: u128) -> Self {
        Self { state: State::default(), ids: Ids::new(seed), bus: Bus::new(seed) }
    }

    /// Restores a control plane from stored records. Every agent counts as disconnected.
    ///
    /// # Errors
    /// Names the first record that contradicts the others.
    pub fn load(seed: u128, records: Records) -> Result<Self, String> {
        let mut control = Self::new(seed);
        control.bus = Bus::load(seed, records.bus)?;
        let state = &mut control.state;
        load_clusters(state, records.clusters);
        load_definitions(state, records.definitions, records.families);
        for (realm, principal, name, value) in records.settings {
            state.regional_mut(&realm).settings.put(principal, name, value);
        }
        state.changed_definitions.clear();
        load_instances(state, records.instances)?;
        service::load(state, records.services)?;
        let mut templates = admit::Templates::default();
        for row in records.tasks {
            let task = templates.whole_task(state, row)?;
            if let Some(at) = task.stopped_at {
                let (realm, cluster) = (task.template.realm.clone(), task.template.cluster.clone());
                expiry::keep_task(state, realm, cluster, task.id, at);
            }
            let cluster = state
                .cluster_mut(&task.template.realm, &task.template.cluster)
                .ok_or_else(|| format!("{} has no cluster", task.arn))?;
            if task.holds_resources() && !cluster.instances.contains_key(&task.instance) {
                return Err(format!("{} is on an instance that is not known", task.arn));
            }
            cluster.load_task(Arc::new(task));
        }
        for (realm, cluster, token, usage) in records.tokens {
            if let Some(cluster) = state.cluster_mut(&realm, &cluster) {
                cluster.put_token(token, usage);
            }
        }
        expiry::find_orphans(state);
        state.agents = Agents::Expected;
        // What was loaded is already stored.
        control.state.take_touched();
        Ok(control)
    }

    /// Sets a policy other than that of ECS.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.state.policy = policy;
        self
    }

    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Instances that have not been deregistered, for agents that reconnect.
    pub fn instances(&self) -> impl Iterator<Item = &ContainerInstance> {
        let all = self.state.clusters().flat_map(|cluster| cluster.instances.values());
        all.map(Arc::as_ref).filter(|instance| instance.status != InstanceStatus::Inactive)
    }

    /// The event bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Passes an input to the event bus.
    fn tell_bus(&mut self, now: Timestamp, input: events::Input, out: &mut Vec<Output>) {
        let mut asked = Vec::new();
        self.bus.step(now, input, &mut asked);
        out.extend(asked.into_iter().map(Output::from));
    }

    /// Turns the changes of this step into events and rows.
    fn flush(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        announce_events::announce(self, now, out);
        let state = &mut self.state;
        for (realm, name) in std::mem::take(&mut state.changed_clusters) {
            out.push(Output::Change(match state.cluster(&realm, &name) {
                Some(cluster) => Change::Cluster(cluster.record.clone()),
                None => Change::Forget(Key::Cluster(realm, name)),
            }));
        }
        for (realm, family, revision) in std::mem::take(&mut state.changed_definitions) {
            out.push(Output::Change(match state.definition(&realm, &family, revision) {
                Some(definition) => Change::Definition(definition.clone()),
                None => Change::Forget(Key::Definition(realm, family, revision)),
            }));
        }
        flush_account(state, out);
        for (realm, name) in state.take_touched() {
            let regional = state.realms.get_mut(&realm);
            let Some(cluster) = regional.and_then(|all| all.clusters.get_mut(&name)) else {
                continue;
            };
            cluster.touched_instances.clear();
            for id in std::mem::take(&mut cluster.changed_instances) {
                out.push(Output::Change(match cluster.instances.get(&id) {
                    Some(instance) => Change::Instance(instance.clone()),
                    None => Change::Forget(Key::Instance(id)),
                }));
            }
            for id in std::mem::take(&mut cluster.changed_tasks) {
                out.push(Output::Change(match cluster.tasks.get(&id) {
                    Some(task) => Change::Task(task.clone()),
                    None => Change::Forget(Key::Task(id)),
                }));
            }
            for service in std::mem::take(&mut cluster.changed_services) {
                out.push(Output::Change(match cluster.services.get(&service) {
                    Some(known) => Change::Service(known.record.clone()),
                    None => Change::Forget(Key::Service(realm.clone(), name.clone(), service)),
                }));
            }
        }
        for (realm, name, token) in std::mem::take(&mut state.changed_tokens) {
            let usage = state
                .cluster(&realm, &name)
                .and_then(|cluster| cluster.tokens.get(&token).cloned());
            out.push(Output::Change(match usage {
                Some(usage) => Change::Token { realm, cluster: name, token, usage },
                None => Change::Forget(Key::Token(realm, name, token)),
            }));
        }
        // Nothing is listening yet.
        state.announced.clear();
    }

    fn reported(
        &mut self,
        now: Timestamp,
        instance: ResourceId,
        reports: Vec<TaskReport>,
        out: &mut Vec<Output>,
    ) {
        let mut forget = Vec::new();
        for report in reports {
            let task = report.task;
            if report::apply(&mut self.state, now, instance, report) {
                forget.push(task);
            }
        }
        launch::order_forgetting(&mut self.state, instance, forget, out);
    }

    fn connected(&mut self, instance: ResourceId, out: &mut Vec<Output>) {
        if let Some(cluster) = self.state.home_cluster(instance) {
            cluster.set_connected(instance, true);
            self.state.begin_epoch(instance);
            launch::order_all(&mut self.state, instance, out);
        }
    }
}

fn load_clusters(state: &mut State, clusters: Vec<Cluster>) {
    for mut cluster in clusters {
        let (realm, name) = (cluster.realm.clone(), cluster.name.clone());
        if cluster.status == ClusterStatus::Inactive {
            // Older records lack the time; it was long ago.
            cluster.inactive_at.get_or_insert_default();
        }
        let inactive_at = cluster.inactive_at;
        let cluster = ClusterState::new(Arc::new(cluster));
        state.regional_mut(&realm).clusters.insert(name.clone(), cluster);
        if let Some(at) = inactive_at {
            expiry::keep_cluster(state, &realm, &name, at);
        }
    }
}

fn load_instances(state: &mut State, instances: Vec<ContainerInstance>) -> Result<(), String> {
    for mut instance in instances {
        // Whatever was stored, no version beyond the reserved ones has been shown.
        instance.version = ContainerInstance::reserved_version(instance.version);
        let (realm, name, id) = (instance.realm.clone(), instance.cluster.clone(), instance.id);
        let gone_at = instance.deregistered_at;
        let cluster = state
            .cluster_mut(&realm, &name)
            .ok_or_else(|| format!("{} has no cluster", instance.arn))?;
        cluster.put_instance(instance);
        cluster.changed_instances.clear();
        state.homes.insert(id, Home::new(realm.clone(), name.clone()));
        state.begin_epoch(id);
        if let Some(at) = gone_at {
            retire_instance(state, &realm, &name, id, at);
        }
    }
    Ok(())
}

/// Loads stored task definitions, and the greatest revisions of families that have lost theirs.
fn load_definitions(
    state: &mut State,
    definitions: Vec<TaskDefinition>,
    families: Vec<(Realm, Str, u32)>,
) {
    for definition in definitions {
        let (realm, family) = (definition.realm.clone(), definition.family.clone());
        if definition.status == DefinitionStatus::DeleteInProgress {
            state.deletions.insert((realm.clone(), family.clone(), definition.revision));
            state.deletions_due = Some(Timestamp::default());
        }
        state.put_definition(Arc::new(definition));
    }
    for (realm, family, last) in families {
        let family = state.regional_mut(&realm).families.entry(family).or_default();
        family.last = family.last.max(last);
    }
}

/// Turns changes of account settings and families into rows.
fn flush_account(state: &mut State, out: &mut Vec<Output>) {
    for (realm, family) in std::mem::take(&mut state.changed_families) {
        let known = state.realms.get(&realm).and_then(|regional| regional.families.get(&family));
        if let Some(last) = known.map(|known| known.last) {
            out.push(Output::Change(Change::Family { realm, family, last }));
        }
    }
    for (realm, principal, name) in std::mem::take(&mut state.changed_settings) {
        let regional = state.realms.get(&realm);
        let value = regional.and_then(|all| all.settings.own(&principal, name)).cloned();
        out.push(Output::Change(match value {
            Some(value) => Change::Setting { realm, principal, name, value },
            None => Change::Forget(Key::Setting(realm, principal, name)),
        }));
    }
}

impl Machine for Control {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Call { call, realm, request } => {
                let reply = admit::answer(self, now, &realm, request, out);
                service::take_notice(self, now);
                self.flush(now, out);
                out.push(Output::Reply(call, reply));
                return;
            }
            Input::Connected(instance) => self.connected(instance, out),
            Input::Disconnected(instance) => {
                if let Some(cluster) = self.state.home_cluster(instance) {
                    cluster.set_connected(instance, false);
                }
            }
            Input::Reported(all) => {
                for (instance, reports) in all {
                    self.reported(now, instance, reports, out);
                }
            }
            Input::Bus(input) => {
                self.tell_bus(now, input, out);
                return;
            }
        }
        service::take_notice(self, now);
        self.flush(now, out);
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if expire(&mut self.state, now, out) {
            self.state.agenda.pause(now + limits::SERVICE_PAUSE_MS);
        }
        finish_deletions(&mut self.state, now);
        service::look_at_due(self, now, out);
        service::take_notice(self, now);
        self.flush(now, out);
        let mut asked = Vec::new();
        self.bus.tick(now, &mut asked);
        out.extend(asked.into_iter().map(Output::from));
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let expiry = expiry::next(&self.state);
        let (deletions, agenda) = (self.state.deletions_due, self.state.agenda.next());
        [expiry, deletions, agenda, self.bus.wake_at()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
