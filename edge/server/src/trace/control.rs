//! Log lines about the local ECS for operators: instances join, leave and disconnect; services
//! deploy, fail and run out of room.
//!
//! Tasks are not logged one by one: there may be 50,000 a second, and `longshore events --follow`
//! shows them on request.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_control::{
    Change, ContainerInstance, Control, Input, InstanceStatus, Output, Service, ServiceStatus,
};
use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use super::{short, tell};
use crate::clock::now;
use crate::drive::Watch;
use crate::metrics::OneMachine;

/// Watches the control plane.
pub(crate) struct ControlWatch {
    counted: OneMachine,
    /// Events from before a restart are not logged again.
    since: Timestamp,
    instances: BTreeMap<ResourceId, Known>,
    /// The latest event logged for each service, by ARN.
    services: BTreeMap<Str, Str>,
}

/// What was last logged about an instance.
struct Known {
    status: InstanceStatus,
    cluster: Str,
    ec2_id: Str,
}

impl ControlWatch {
    pub(crate) fn new(counted: OneMachine) -> Self {
        Self { counted, since: now(), instances: BTreeMap::new(), services: BTreeMap::new() }
    }

    fn instance(&mut self, instance: &ContainerInstance) {
        let known = self.instances.get(&instance.id).map(|known| known.status);
        if known == Some(instance.status) {
            return;
        }
        let id = instance.id.to_string();
        let ec2_id = instance.ec2_instance_id.clone().unwrap_or_default();
        let state = instance.status.word();
        tell!(cluster = ?instance.cluster, instance = id, ec2_id = ?ec2_id, state, "instance is {state}");
        if instance.status == InstanceStatus::Inactive {
            self.instances.remove(&instance.id);
        } else {
            let (status, cluster) = (instance.status, instance.cluster.clone());
            self.instances.insert(instance.id, Known { status, cluster, ec2_id });
        }
    }

    fn agent(&self, id: ResourceId, what: &str) {
        if let Some(known) = self.instances.get(&id) {
            let (cluster, ec2_id) = (&known.cluster, &known.ec2_id);
            tell!(?cluster, instance = id.to_string(), ?ec2_id, "agent {what}");
        }
    }

    fn service(&mut self, service: &Service) {
        let told = self.services.get(&service.arn);
        // Newest first.
        let fresh = service.events.iter().take_while(|event| Some(&event.id) != told);
        let fresh: Vec<_> = fresh.filter(|event| event.created_at >= self.since).collect();
        for event in fresh.iter().rev() {
            // Each starts with the name of the service, which is a field here.
            let text = event.message.split_once(") ").map_or(&*event.message, |(_, text)| text);
            let cluster = short(&service.cluster_arn);
            tell!(?cluster, service = ?service.name, reason = ?text, "service");
        }
        match service.events.front() {
            Some(_) if service.status == ServiceStatus::Inactive => {
                self.services.remove(&service.arn);
            }
            Some(latest) => {
                self.services.insert(service.arn.clone(), latest.id.clone());
            }
            None => {}
        }
    }
}

impl Watch<Control> for ControlWatch {
    fn taking(&mut self, inputs: usize, waiting: usize) {
        self.counted.taking(inputs, waiting);
    }

    fn input(&mut self, input: &Input) {
        match input {
            Input::Connected(id) => self.agent(*id, "connected"),
            Input::Disconnected(id) => self.agent(*id, "disconnected"),
            Input::Call { .. } | Input::Reported(_) | Input::Bus(_) => {}
        }
    }

    fn outputs(&mut self, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Change(Change::Instance(instance)) => self.instance(instance),
                Output::Change(Change::Service(service)) => self.service(service),
                _ => {}
            }
        }
    }

    fn stepped(&mut self, took: Duration) {
        self.counted.stepped(took);
    }
}
