//! One stack of ecs-cli: what it is at, and what happened to it.

use std::collections::VecDeque;

use longshore_machine::{Ids, Timestamp};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::cloudformation::{Event, Parameter, Resource, Stack, Status};

use crate::Fleet;
use crate::limits::EVENTS_MAX;
use crate::parameters::{CLUSTER, SIZE, TYPE};

/// What precedes the name of the cluster. Source: amazon-ecs-cli 1.21.
pub(crate) const PREFIX: &str = "amazon-ecs-cli-setup-";
/// The resource that is the fleet, and its type. Source: the template of amazon-ecs-cli 1.21.
const GROUP: (&str, &str) = ("EcsInstanceAsg", "AWS::AutoScaling::AutoScalingGroup");
const OF_STACKS: &str = "AWS::CloudFormation::Stack";

/// What the caller who made a stack has said of it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// The type of its instances.
    pub(crate) instance_type: Option<Str>,
    /// Parameters that have no effect.
    pub(crate) kept: Vec<Parameter>,
}

/// A stack that is there, or has been.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: Str,
    pub(crate) name: Str,
    cluster: Str,
    /// Without it, the stack is there since its instances are.
    pub(crate) made: Option<Made>,
    created: Timestamp,
    updated: Option<Timestamp>,
    deleted: Option<Timestamp>,
    pub(crate) status: Status,
    reason: Option<String>,
    /// The latest last.
    events: VecDeque<Event>,
}

impl Known {
    /// A stack whose instances are there.
    pub(crate) fn new(id: Str, cluster: &Str, now: Timestamp, ids: &mut Ids) -> Self {
        let mut stack = Self::empty(id, cluster, None, now);
        stack.tell_group(Status::CreateComplete, None, now, ids);
        stack.enter(Status::CreateComplete, None, now, ids);
        stack
    }

    /// A stack whose instances are still to come.
    pub(crate) fn coming(
        id: Str,
        cluster: &Str,
        made: Made,
        now: Timestamp,
        ids: &mut Ids,
    ) -> Self {
        let mut stack = Self::empty(id, cluster, Some(made), now);
        let asked = Some("User Initiated".to_owned());
        stack.enter(Status::CreateInProgress, asked, now, ids);
        stack
    }

    fn empty(id: Str, cluster: &Str, made: Option<Made>, now: Timestamp) -> Self {
        Self {
            id,
            name: format!("{PREFIX}{cluster}").into(),
            cluster: cluster.clone(),
            made,
            created: now,
            updated: None,
            deleted: None,
            status: Status::CreateComplete,
            reason: None,
            events: VecDeque::new(),
        }
    }

    /// The type that its caller wanted its instances to have.
    pub(crate) fn instance_type(&self) -> Option<Str> {
        self.made.as_ref().and_then(|made| made.instance_type.clone())
    }

    /// Puts it at a status, with an event.
    pub(crate) fn enter(
        &mut self,
        status: Status,
        reason: Option<String>,
        now: Timestamp,
        ids: &mut Ids,
    ) {
        self.status = status;
        self.reason.clone_from(&reason);
        match status {
            Status::UpdateInProgress => self.updated = Some(now),
            Status::DeleteInProgress | Status::DeleteComplete => self.deleted = Some(now),
            _ => {}
        }
        let own = Resource {
            stack: (self.name.clone(), self.id.clone()),
            logical: OF_STACKS,
            physical: self.id.clone(),
            kind: OF_STACKS,
            at: now.wall().iso(),
            status,
        };
        self.keep(own, reason, ids);
    }

    /// An event of its instances.
    pub(crate) fn tell_group(
        &mut self,
        status: Status,
        reason: Option<String>,
        now: Timestamp,
        ids: &mut Ids,
    ) {
        let group = Resource { status, at: now.wall().iso(), ..self.group() };
        self.keep(group, reason, ids);
    }

    fn keep(&mut self, resource: Resource, reason: Option<String>, ids: &mut Ids) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(Event { id: ids.uuid("event").into(), resource, reason });
    }

    /// Its only resource.
    pub(crate) fn group(&self) -> Resource {
        let at = self.updated.unwrap_or(self.created);
        Resource {
            stack: (self.name.clone(), self.id.clone()),
            logical: GROUP.0,
            physical: format!("{}-{}", self.name, GROUP.0).into(),
            kind: GROUP.1,
            at: at.wall().iso(),
            status: self.status,
        }
    }

    /// Its events, the latest first.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.iter().rev().cloned().collect()
    }

    /// What its parameters are, those of the fleet as it is now.
    pub(crate) fn parameters(&self, fleet: &Fleet) -> Vec<Parameter> {
        let of = |key: &str, value: &str| Parameter { key: key.into(), value: value.to_owned() };
        let asked = self.instance_type();
        let kind = asked.filter(|_| fleet.size == 0).unwrap_or_else(|| fleet.instance_type.clone());
        let mut all =
            vec![of(CLUSTER, &self.cluster), of(TYPE, &kind), of(SIZE, &fleet.size.to_string())];
        all.extend(self.made.iter().flat_map(|made| made.kept.iter().cloned()));
        all
    }

    /// As it is told.
    pub(crate) fn show(&self, fleet: &Fleet) -> Stack {
        let iso = |at: Timestamp| at.wall().iso();
        Stack {
            id: self.id.clone(),
            name: self.name.clone(),
            description: "The container instances of a cluster of the local ECS, served by Longshore",
            parameters: self.parameters(fleet),
            created: iso(self.created),
            updated: self.updated.map(iso),
            deleted: self.deleted.map(iso),
            status: self.status,
            reason: self.reason.clone(),
        }
    }
}
