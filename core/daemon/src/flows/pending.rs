//! Environments that are to be made or changed once ECS has said what their cluster and their task definition are.
//!
//! Source: blox.md 2.3, `CreateEnvironment`: the cluster first, then the definition, then the name.

use std::collections::BTreeMap;

use longshore_replica::{
    Asked, Cluster, Definition, DefinitionAsk, Failure, FleetQuestion, Question,
};
use longshore_wire_blox::scheduler::{EnvironmentChange, NewEnvironment};
use longshore_wire_blox::v1::EnvironmentRef;
use longshore_wire_blox::{Fault, v1};
use longshore_wire_ecs::Str;

use crate::call::{Reply, Ticket};
use crate::environments::{Environment, OfV1, Settings};
use crate::limits;
use crate::machine::Daemon;

use super::v1::key;

/// What waits.
#[derive(Debug)]
enum Waiting {
    New(Box<NewEnvironment>, Option<OfV1>),
    Change { name: Str, change: Box<EnvironmentChange> },
}

#[derive(Debug)]
struct Entry {
    asker: Asker,
    waiting: Waiting,
    /// ARN of the cluster, once it is known.
    cluster: Option<Str>,
}

/// Who asked, and what its environment is called where: each is told in the words of its API.
#[derive(Clone, Debug)]
enum Asker {
    V03(Ticket),
    V1(Ticket, String),
}

/// All that wait.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    next: u64,
    all: BTreeMap<u64, Entry>,
    clusters: BTreeMap<Asked<Option<Cluster>>, u64>,
    /// Names of clusters to watch that are looked up for nobody.
    configured: BTreeMap<Asked<Option<Cluster>>, Str>,
}

impl Pending {
    /// A cluster of the configuration is looked up.
    pub(crate) fn configured(&mut self, asked: Asked<Option<Cluster>>, name: Str) {
        self.configured.insert(asked, name);
    }

    /// The name of the cluster of the configuration that was looked up.
    pub(crate) fn was_configured(&mut self, asked: Asked<Option<Cluster>>) -> Option<Str> {
        self.configured.remove(&asked)
    }
}

/// What a client is told of a failure of ECS: what ECS refuses is not there, and the rest may come right.
fn fault(failure: Failure) -> Fault {
    match failure {
        Failure::Refused { message, .. } => Fault::NotInEcs(message),
        other => Fault::Unavailable(other.to_string()),
    }
}

impl Daemon {
    fn tell(&mut self, asker: &Asker, made: Result<Str, Fault>) {
        let found = made.and_then(|key| {
            let absent = || Fault::NoEnvironment(key.to_string());
            self.environments.get(&key).ok_or_else(absent)
        });
        let (ticket, reply) = match asker {
            Asker::V03(ticket) => {
                let reply = found.map(|one| Reply::Environment(one.show()));
                (*ticket, reply.unwrap_or_else(Reply::Refused))
            }
            Asker::V1(ticket, name) => {
                let revision = found.map(|one| {
                    let latest = one.settings.latest().map(|latest| latest.id.to_string());
                    v1::Answer::NewRevision { environment_revision_id: latest.unwrap_or_default() }
                });
                let told = revision.map_err(|fault| v1::Fault::of_v03(fault, name));
                (*ticket, Reply::V1(told))
            }
        };
        self.cx.reply(ticket, reply);
    }

    fn wait(&mut self, asker: Asker, waiting: Waiting, cluster: Option<Str>) -> Option<u64> {
        if self.pending.all.len() >= limits::PENDING_MAX {
            let why = "too many environments wait for an answer of ECS: try again later";
            self.tell(&asker, Err(Fault::Unavailable(why.to_owned())));
            return None;
        }
        self.pending.next += 1;
        self.pending.all.insert(self.pending.next, Entry { asker, waiting, cluster });
        Some(self.pending.next)
    }

    fn give_up(&mut self, number: u64, fault: Fault) {
        if let Some(entry) = self.pending.all.remove(&number) {
            self.tell(&entry.asker, Err(fault));
        }
    }

    /// Makes an environment, once ECS has said that what it names is there.
    pub(super) fn create_environment(&mut self, ticket: Ticket, new: Box<NewEnvironment>) {
        self.look_up(Asker::V03(ticket), new, None);
    }

    /// The same for v1.0.
    pub(super) fn create_environment_v1(
        &mut self,
        ticket: Ticket,
        environment: EnvironmentRef,
        new: v1::NewEnvironment,
    ) {
        let EnvironmentRef { cluster, name } = environment;
        let v1::NewEnvironment { task_definition, role, attributes, min_healthy_percent } = new;
        let own = OfV1 { name: name.as_str().into(), role: role.map(Into::into) };
        let asker = Asker::V1(ticket, name.clone());
        let new =
            NewEnvironment { name, cluster, task_definition, attributes, min_healthy_percent };
        self.look_up(asker, Box::new(new), Some(own));
    }

    fn look_up(&mut self, asker: Asker, new: Box<NewEnvironment>, own: Option<OfV1>) {
        let name: Str = new.cluster.given().into();
        let Some(number) = self.wait(asker, Waiting::New(new, own), None) else { return };
        let asked = self.cx.ask_fleet(|asked| FleetQuestion::Cluster(asked, name));
        self.pending.clusters.insert(asked, number);
    }

    /// Changes an environment; what of it is a task definition must be there.
    pub(super) fn update_environment(
        &mut self,
        ticket: Ticket,
        name: String,
        change: Box<EnvironmentChange>,
    ) {
        let Some(environment) = self.environments.get(&name) else {
            self.cx.reply(ticket, Reply::Refused(Fault::NoEnvironment(name)));
            return;
        };
        let cluster = environment.settings.cluster.clone();
        self.change_when_known(Asker::V03(ticket), name.into(), cluster, change);
    }

    /// The same for v1.0, whose task definition is all that changes.
    pub(super) fn update_environment_v1(&mut self, ticket: Ticket, key: Str, definition: String) {
        let Some(environment) = self.environments.get(&key) else { return };
        let (name, cluster) =
            (environment.name_v1().to_owned(), environment.settings.cluster.clone());
        let change =
            EnvironmentChange { task_definition: Some(definition), ..EnvironmentChange::default() };
        self.change_when_known(Asker::V1(ticket, name), key, cluster, Box::new(change));
    }

    fn change_when_known(
        &mut self,
        asker: Asker,
        name: Str,
        cluster: Str,
        change: Box<EnvironmentChange>,
    ) {
        match change.task_definition.clone() {
            None => self.change_environment(&asker, &name, &change, None),
            Some(definition) => {
                let waiting = Waiting::Change { name, change };
                let Some(number) = self.wait(asker, waiting, Some(cluster.clone())) else {
                    return;
                };
                self.ask_definition(number, &cluster, definition);
            }
        }
    }

    fn ask_definition(&mut self, number: u64, cluster: &Str, name: String) {
        let ask = DefinitionAsk::Describe(name.into());
        let asked = self.cx.ask(cluster, |asked| Question::Definition(asked, ask));
        self.definitions.insert(asked, number);
    }

    /// ECS said what a cluster is.
    pub(super) fn answered_cluster(
        &mut self,
        asked: Asked<Option<Cluster>>,
        result: Result<Option<Cluster>, Failure>,
    ) {
        let Some(number) = self.pending.clusters.remove(&asked) else { return };
        let Some(entry) = self.pending.all.get_mut(&number) else { return };
        let Waiting::New(new, _) = &entry.waiting else { return };
        let (given, definition) = (new.cluster.given().to_owned(), new.task_definition.clone());
        match result {
            Err(failure) => self.give_up(number, fault(failure)),
            Ok(None) => {
                let why = format!("Cluster {given} does not exist");
                self.give_up(number, Fault::NotInEcs(why));
            }
            Ok(Some(cluster)) if !cluster.active => {
                self.give_up(number, Fault::NotInEcs("Cluster is inactive".to_owned()));
            }
            Ok(Some(cluster)) => {
                entry.cluster = Some(cluster.arn.clone());
                self.ask_definition(number, &cluster.arn, definition);
            }
        }
    }

    /// ECS said what a task definition is.
    pub(super) fn answered_definition(
        &mut self,
        asked: Asked<Option<Definition>>,
        result: Result<Option<Definition>, Failure>,
    ) {
        let Some(number) = self.definitions.remove(&asked) else { return };
        let definition = match result {
            Err(failure) => return self.give_up(number, fault(failure)),
            Ok(None) => {
                let why = "Unable to describe task definition.".to_owned();
                return self.give_up(number, Fault::NotInEcs(why));
            }
            Ok(Some(definition)) if !definition.active => {
                let why = "TaskDefinition is inactive".to_owned();
                return self.give_up(number, Fault::NotInEcs(why));
            }
            Ok(Some(definition)) => definition.arn,
        };
        let Some(entry) = self.pending.all.remove(&number) else { return };
        match (entry.waiting, entry.cluster) {
            (Waiting::New(new, own), Some(cluster)) => {
                let made = self.add_environment(*new, own, cluster, definition);
                self.tell(&entry.asker, made);
            }
            (Waiting::Change { name, change }, _) => {
                self.change_environment(&entry.asker, &name, &change, Some(definition));
            }
            (Waiting::New(..), None) => self.tell(&entry.asker, Err(Fault::Server)),
        }
    }

    /// Adds an environment; its key.
    fn add_environment(
        &mut self,
        new: NewEnvironment,
        own: Option<OfV1>,
        cluster: Str,
        definition: Str,
    ) -> Result<Str, Fault> {
        let of_v1 = key(&cluster, &new.name);
        let is_there = |key: &str| self.environments.any(key);
        let in_cluster = |one: &Environment| one.settings.cluster == cluster;
        // A name is one environment's in its cluster, and in v0.3 one's over all clusters.
        let known = is_there(&new.name).filter(|one| own.is_none() || in_cluster(one));
        if known.or(is_there(&of_v1)).is_some() {
            return Err(Fault::EnvironmentExists(new.name));
        }
        if self.environments.len() >= limits::ENVIRONMENTS_MAX {
            let max = limits::ENVIRONMENTS_MAX;
            return Err(Fault::Full(format!("There are {max} environments already: delete one")));
        }
        let name: Str = if own.is_some() { of_v1 } else { new.name.into() };
        let mut settings = Settings {
            name: name.clone(),
            cluster: cluster.clone(),
            definition,
            attributes: new.attributes,
            min_healthy_percent: new.min_healthy_percent,
            token: self.cx.ids.uuid("token"),
            is_ending: false,
            revisions: Vec::new(),
            of_v1: own,
        };
        settings.revise(self.cx.ids.uuid("revision").into(), None);
        self.environments.add(settings);
        self.clusters.watch(&mut self.cx, &cluster);
        self.place_all(&name);
        if let Some(environment) = self.environments.get(&name) {
            self.cx.store(environment.put());
        }
        Ok(name)
    }

    /// The token changes: whoever deploys has seen what is deployed.
    fn change_environment(
        &mut self,
        asker: &Asker,
        name: &Str,
        change: &EnvironmentChange,
        definition: Option<Str>,
    ) {
        let token = self.cx.ids.uuid("token");
        let revision: Str = self.cx.ids.uuid("revision").into();
        let Some(environment) = self.environments.get_mut(name) else {
            return self.tell(asker, Err(Fault::NoEnvironment(name.to_string())));
        };
        let settings = &mut environment.settings;
        settings.token = token;
        let revises = definition.is_some() || change.attributes.is_some();
        if let Some(definition) = definition {
            settings.definition = definition;
        }
        if let Some(attributes) = &change.attributes {
            settings.attributes.clone_from(attributes);
        }
        if let Some(percent) = change.min_healthy_percent {
            settings.min_healthy_percent = percent;
        }
        if revises {
            environment.revise(revision);
        }
        self.place_all(name);
        if let Some(environment) = self.environments.get(name) {
            self.cx.store(environment.put());
        }
        self.tell(asker, Ok(name.clone()));
    }
}
