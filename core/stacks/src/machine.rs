//! The machine: calls in, answers and wishes for fleets out.

use std::collections::{BTreeMap, VecDeque};

use longshore_machine::{Ids, Machine, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::cloudformation::{
    Create, Request, Resource, Response, Stack, Status, Update, does_not_exist, invalid,
};
use longshore_wire_ecs::query::Fault;

use crate::blox;
use crate::limits::{ENDED_MAX, STACKS_MAX};
use crate::parameters::{self, Wanted};
use crate::stack::{Known, Made, PREFIX};

/// A call, for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// The instances of a cluster that are on this machine, as they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// How many.
    pub size: u32,
    /// The type of the newest.
    pub instance_type: Str,
}

/// All fleets, by cluster. A cluster that may have one is here even if it has no instances.
pub type Fleets = BTreeMap<Str, Fleet>;

/// What the machine is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// A call, and the fleets at its time.
    Call(CallId, Request, Fleets),
    /// What came of [`Output::Resize`]: why it failed, if it did.
    Resized(Str, Result<(), String>),
}

/// What the machine asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The answer to a call.
    Reply(CallId, Result<Response, Fault>),
    /// Make a fleet follow, and tell what came of it.
    Resize(Resize),
}

/// A wish for a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// The cluster that has it.
    pub cluster: Str,
    /// How many instances it is to have.
    pub size: u32,
    /// The type of those that come; without one they are like the others.
    pub instance_type: Option<Str>,
}

/// The stacks.
#[derive(Debug)]
pub struct Stacks {
    realm: Realm,
    since: Timestamp,
    blox: Str,
    ids: Ids,
    /// Those that are there, by cluster.
    here: BTreeMap<Str, Known>,
    /// Those that have ended, the latest last.
    ended: VecDeque<Known>,
}

fn arn(realm: &Realm, name: &str, ids: &mut Ids) -> Str {
    let Realm { region, account } = realm;
    let id = ids.uuid("stack");
    format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/{id}").into()
}

impl Stacks {
    /// The stacks of an account and region.
    pub fn new(realm: Realm, since: Timestamp, seed: u128) -> Self {
        let mut ids = Ids::new(seed);
        let blox = arn(&realm, blox::NAME, &mut ids);
        Self { realm, since, blox, ids, here: BTreeMap::new(), ended: VecDeque::new() }
    }

    /// Sees what fleets there are: one that has come has a stack.
    fn see(&mut self, now: Timestamp, fleets: &Fleets) {
        for (cluster, fleet) in fleets {
            let was_ended = || self.ended.iter().any(|stack| *stack.name == *name_of(cluster));
            if self.here.contains_key(cluster) || (fleet.size == 0 && was_ended()) {
                continue;
            }
            let id = arn(&self.realm, &name_of(cluster), &mut self.ids);
            self.here.insert(cluster.clone(), Known::new(id, cluster, now, &mut self.ids));
        }
        // A cluster that is no more, and whose instances have gone in other ways.
        let stays = |stack: &Known| stack.made.is_some() || stack.status.is_moving();
        self.here.retain(|cluster, stack| fleets.contains_key(cluster) || stays(stack));
    }

    fn is_blox(&self, asked: &str) -> bool {
        asked == blox::NAME || *asked == *self.blox
    }

    /// The cluster of a stack that is there, by name or id.
    fn cluster_of(&self, asked: &str) -> Result<Str, Fault> {
        let is = |stack: &Known| *stack.name == *asked || *stack.id == *asked;
        let found = self.here.iter().find(|(_, stack)| is(stack));
        found.map(|(cluster, _)| cluster.clone()).ok_or_else(|| does_not_exist(asked))
    }

    /// A stack by name or id; one that has ended by its id only.
    fn find(&self, asked: &str) -> Result<&Known, Fault> {
        let here = self.here.values().find(|one| *one.name == *asked || *one.id == *asked);
        let ended = || self.ended.iter().find(|one| *one.id == *asked);
        here.or_else(ended).ok_or_else(|| does_not_exist(asked))
    }

    fn shown(stack: &Known, fleets: &Fleets) -> Stack {
        let cluster = stack.name.strip_prefix(PREFIX).unwrap_or_default();
        stack.show(fleets.get(cluster).unwrap_or(&Fleet::default()))
    }

    fn all(&self, fleets: &Fleets) -> Vec<Stack> {
        let here = self.here.values().map(|stack| Self::shown(stack, fleets));
        here.chain([blox::stack(&self.blox, self.since)]).collect()
    }

    fn resources(&self, asked: &str) -> Result<(Str, Vec<Resource>), Fault> {
        if self.is_blox(asked) {
            return Ok((blox::NAME.into(), blox::resources(&self.blox, self.since)));
        }
        self.find(asked).map(|stack| (stack.name.clone(), vec![stack.group()]))
    }

    fn resource(&self, asked: &str, logical: &str) -> Result<Resource, Fault> {
        let (name, all) = self.resources(asked)?;
        let has: Vec<&str> = all.iter().map(|one| one.logical).collect();
        let why = format!(
            "Resource {logical} does not exist for stack {name}, which has {}",
            has.join(" and ")
        );
        all.into_iter().find(|one| one.logical == logical).ok_or_else(|| invalid(why))
    }

    fn answer(
        &mut self,
        now: Timestamp,
        request: &Request,
        fleets: &Fleets,
        out: &mut Vec<Output>,
    ) -> Result<Response, Fault> {
        match request {
            Request::DescribeStacks(None) => Ok(Response::Stacks(self.all(fleets))),
            Request::DescribeStacks(Some(asked)) if self.is_blox(asked) => {
                Ok(Response::Stacks(vec![blox::stack(&self.blox, self.since)]))
            }
            Request::DescribeStacks(Some(asked)) => {
                let found = self.find(asked)?;
                Ok(Response::Stacks(vec![Self::shown(found, fleets)]))
            }
            Request::DescribeStackEvents(asked) if self.is_blox(asked) => {
                Ok(Response::Events(Vec::new()))
            }
            Request::DescribeStackEvents(asked) => {
                self.find(asked).map(|stack| Response::Events(stack.events()))
            }
            Request::DescribeStackResource(asked, logical) => {
                self.resource(asked, logical).map(Response::Resource)
            }
            Request::DescribeStackResources(asked, Some(logical)) => {
                self.resource(asked, logical).map(|one| Response::Resources(vec![one]))
            }
            Request::DescribeStackResources(asked, None) => {
                self.resources(asked).map(|(_, all)| Response::Resources(all))
            }
            Request::ListStacks(statuses) => {
                let ended = self.ended.iter().rev().map(|stack| Self::shown(stack, fleets));
                let mut all: Vec<Stack> = self.all(fleets).into_iter().chain(ended).collect();
                let is_wanted = |stack: &Stack| {
                    statuses.is_empty() || statuses.iter().any(|one| **one == *stack.status.name())
                };
                all.retain(is_wanted);
                Ok(Response::Summaries(all))
            }
            Request::CreateStack(create) => self.create(now, create, out),
            Request::UpdateStack(update) => self.update(now, update, fleets, out),
            Request::DeleteStack(asked) => self.delete(now, asked, out),
        }
    }

    /// The cluster of a stack that may change now.
    fn changeable(&self, asked: &str, verb: &str) -> Result<Str, Fault> {
        if self.is_blox(asked) {
            let why = format!("The stack Blox cannot be {verb}: it is part of the local ECS.");
            return Err(invalid(why));
        }
        let cluster = self.cluster_of(asked)?;
        let stack = &self.here[&cluster];
        let never_was = stack.status == Status::CreateFailed && verb == "updated";
        if stack.status.is_moving() || never_was {
            let (id, status) = (&stack.id, stack.status.name());
            let why = format!("Stack:{id} is in {status} state and can not be {verb}.");
            return Err(invalid(why));
        }
        Ok(cluster)
    }

    fn create(
        &mut self,
        now: Timestamp,
        create: &Create,
        out: &mut Vec<Output>,
    ) -> Result<Response, Fault> {
        let name = &create.name;
        if self.is_blox(name) || self.cluster_of(name).is_ok() {
            let why = format!("Stack [{name}] already exists");
            return Err(Fault::new("AlreadyExistsException", why));
        }
        if self.here.len() >= STACKS_MAX {
            let why = format!("There are {STACKS_MAX} stacks, which is as many as there can be.");
            return Err(Fault::new("LimitExceededException", why));
        }
        let Wanted { cluster, size, instance_type, kept } = parameters::of_new(create)?;
        let id = arn(&self.realm, name, &mut self.ids);
        let reason = parameters::told(size, instance_type.as_ref(), &kept);
        let made = Made { instance_type: instance_type.clone(), kept };
        let mut stack = Known::coming(id.clone(), &cluster, made, now, &mut self.ids);
        stack.tell_group(Status::CreateInProgress, Some(reason), now, &mut self.ids);
        self.here.insert(cluster.clone(), stack);
        out.push(Output::Resize(Resize { cluster, size, instance_type }));
        Ok(Response::Creating(id))
    }

    fn update(
        &mut self,
        now: Timestamp,
        update: &Update,
        fleets: &Fleets,
        out: &mut Vec<Output>,
    ) -> Result<Response, Fault> {
        let cluster = self.changeable(&update.stack, "updated")?;
        let fleet = fleets.get(&cluster).cloned().unwrap_or_default();
        let Some(stack) = self.here.get_mut(&cluster) else {
            return Err(does_not_exist(&update.stack));
        };
        let size = parameters::of_update(update, stack, &fleet)?;
        if size == fleet.size {
            return Err(invalid("No updates are to be performed."));
        }
        let asked = Some("User Initiated".to_owned());
        stack.enter(Status::UpdateInProgress, asked, now, &mut self.ids);
        let from = format!("From {} to {size} instances", fleet.size);
        stack.tell_group(Status::UpdateInProgress, Some(from), now, &mut self.ids);
        let instance_type = stack.instance_type();
        out.push(Output::Resize(Resize { cluster, size, instance_type }));
        Ok(Response::Updating(stack.id.clone()))
    }

    fn delete(
        &mut self,
        now: Timestamp,
        asked: &Str,
        out: &mut Vec<Output>,
    ) -> Result<Response, Fault> {
        let cluster = match self.changeable(asked, "deleted") {
            Ok(cluster) => cluster,
            // Source: API reference: it is no error to delete what is not there.
            Err(fault) if fault == does_not_exist(asked) => return Ok(Response::Deleting),
            Err(fault) => return Err(fault),
        };
        if let Some(stack) = self.here.get_mut(&cluster) {
            let reason = Some("User Initiated".to_owned());
            stack.enter(Status::DeleteInProgress, reason, now, &mut self.ids);
            stack.tell_group(Status::DeleteInProgress, None, now, &mut self.ids);
            out.push(Output::Resize(Resize { cluster, size: 0, instance_type: None }));
        }
        Ok(Response::Deleting)
    }

    fn resized(&mut self, now: Timestamp, cluster: &Str, outcome: Result<(), String>) {
        let Some(stack) = self.here.get_mut(cluster) else { return };
        let (done, failed) = match stack.status {
            Status::CreateInProgress => (Status::CreateComplete, Status::CreateFailed),
            Status::UpdateInProgress => (Status::UpdateComplete, Status::UpdateFailed),
            Status::DeleteInProgress => (Status::DeleteComplete, Status::DeleteFailed),
            // Nothing was asked.
            _ => return,
        };
        let (status, reason) = match outcome {
            Ok(()) => (done, None),
            Err(why) => (failed, Some(why)),
        };
        let ids = &mut self.ids;
        if status == failed {
            // `ecs-cli` looks at the latest event: it must be the one that says why.
            stack.enter(status, reason.clone(), now, ids);
            stack.tell_group(status, reason, now, ids);
            return;
        }
        stack.tell_group(status, None, now, ids);
        stack.enter(status, None, now, ids);
        if status == Status::DeleteComplete {
            if self.ended.len() == ENDED_MAX {
                self.ended.pop_front();
            }
            self.ended.extend(self.here.remove(cluster));
        }
    }
}

fn name_of(cluster: &str) -> String {
    format!("{PREFIX}{cluster}")
}

impl Machine for Stacks {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Call(call, request, fleets) => {
                self.see(now, &fleets);
                let mut effects = Vec::new();
                let answer = self.answer(now, &request, &fleets, &mut effects);
                out.push(Output::Reply(call, answer));
                out.append(&mut effects);
            }
            Input::Resized(cluster, outcome) => self.resized(now, &cluster, outcome),
        }
    }

    fn tick(&mut self, _now: Timestamp, _out: &mut Vec<Output>) {}

    fn wake_at(&self) -> Option<Timestamp> {
        None
    }
}

#[cfg(test)]
mod tests;
