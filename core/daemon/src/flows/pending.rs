//! Environments that are to be made or changed once ECS has said what their cluster and their task definition are.
//!
//! Source: blox.md 2.3, `CreateEnvironment`: the cluster first, then the definition, then the name.

use std::collections::BTreeMap;

use longshore_replica::{
    Asked, Cluster, Definition, DefinitionAsk, Failure, FleetQuestion, Question,
};
use longshore_wire_blox::Fault;
use longshore_wire_blox::scheduler::{EnvironmentChange, NewEnvironment};
use longshore_wire_ecs::Str;

use crate::call::{Reply, Ticket};
use crate::environments::Settings;
use crate::limits;
use crate::machine::Daemon;

/// What waits.
#[derive(Debug)]
enum Waiting {
    New(Box<NewEnvironment>),
    Change { name: Str, change: Box<EnvironmentChange> },
}

#[derive(Debug)]
struct Entry {
    ticket: Ticket,
    waiting: Waiting,
    /// ARN of the cluster, once it is known.
    cluster: Option<Str>,
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
    fn wait(&mut self, ticket: Ticket, waiting: Waiting, cluster: Option<Str>) -> Option<u64> {
        if self.pending.all.len() >= limits::PENDING_MAX {
            let why = "too many environments wait for an answer of ECS: try again later";
            self.cx.reply(ticket, Reply::Refused(Fault::Unavailable(why.to_owned())));
            return None;
        }
        self.pending.next += 1;
        self.pending.all.insert(self.pending.next, Entry { ticket, waiting, cluster });
        Some(self.pending.next)
    }

    fn give_up(&mut self, number: u64, fault: Fault) {
        if let Some(entry) = self.pending.all.remove(&number) {
            self.cx.reply(entry.ticket, Reply::Refused(fault));
        }
    }

    /// Makes an environment, once ECS has said that what it names is there.
    pub(super) fn create_environment(&mut self, ticket: Ticket, new: Box<NewEnvironment>) {
        let name: Str = new.cluster.given().into();
        let Some(number) = self.wait(ticket, Waiting::New(new), None) else { return };
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
        match change.task_definition.clone() {
            None => self.change_environment(ticket, &name, &change, None),
            Some(definition) => {
                let waiting = Waiting::Change { name: name.into(), change };
                let Some(number) = self.wait(ticket, waiting, Some(cluster.clone())) else {
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
        let Waiting::New(new) = &entry.waiting else { return };
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
            (Waiting::New(new), Some(cluster)) => {
                self.add_environment(entry.ticket, *new, cluster, definition);
            }
            (Waiting::Change { name, change }, _) => {
                self.change_environment(entry.ticket, &name, &change, Some(definition));
            }
            (Waiting::New(_), None) => self.cx.reply(entry.ticket, Reply::Refused(Fault::Server)),
        }
    }

    fn add_environment(
        &mut self,
        ticket: Ticket,
        new: NewEnvironment,
        cluster: Str,
        definition: Str,
    ) {
        if self.environments.any(&new.name).is_some() {
            let fault = Fault::EnvironmentExists(new.name);
            return self.cx.reply(ticket, Reply::Refused(fault));
        }
        if self.environments.len() >= limits::ENVIRONMENTS_MAX {
            let max = limits::ENVIRONMENTS_MAX;
            let fault = Fault::Full(format!("There are {max} environments already: delete one"));
            return self.cx.reply(ticket, Reply::Refused(fault));
        }
        let name: Str = new.name.into();
        self.environments.add(Settings {
            name: name.clone(),
            cluster: cluster.clone(),
            definition,
            attributes: new.attributes,
            min_healthy_percent: new.min_healthy_percent,
            token: self.cx.ids.uuid("token"),
            is_ending: false,
        });
        self.clusters.watch(&mut self.cx, &cluster);
        self.place_all(&name);
        if let Some(environment) = self.environments.get(&name) {
            self.cx.store(environment.put());
            self.cx.reply(ticket, Reply::Environment(environment.show()));
        }
    }

    /// The token changes: whoever deploys has seen what is deployed.
    fn change_environment(
        &mut self,
        ticket: Ticket,
        name: &str,
        change: &EnvironmentChange,
        definition: Option<Str>,
    ) {
        let token = self.cx.ids.uuid("token");
        let Some(environment) = self.environments.get_mut(name) else {
            let fault = Fault::NoEnvironment(name.to_owned());
            return self.cx.reply(ticket, Reply::Refused(fault));
        };
        let settings = &mut environment.settings;
        settings.token = token;
        if let Some(definition) = definition {
            settings.definition = definition;
        }
        if let Some(attributes) = &change.attributes {
            settings.attributes.clone_from(attributes);
        }
        if let Some(percent) = change.min_healthy_percent {
            settings.min_healthy_percent = percent;
        }
        self.place_all(&name.into());
        if let Some(environment) = self.environments.get(name) {
            self.cx.store(environment.put());
            self.cx.reply(ticket, Reply::Environment(environment.show()));
        }
    }
}
