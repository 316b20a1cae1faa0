//! What must hold after every step: what indexes say is what the records say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::apps::{Apps, service_ports};
use crate::instances::{Counts, Stage};
use crate::limits;
use crate::machine::Marathon;
use crate::timers::Due;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What does not hold of a scheduler.
pub fn audit(marathon: &Marathon) -> Vec<Violation> {
    let mut wrong = Vec::new();
    audit_apps(marathon, &mut wrong);
    audit_queue(marathon, &mut wrong);
    audit_instances(marathon, &mut wrong);
    audit_deployments(marathon, &mut wrong);
    wrong.into_iter().map(Violation).collect()
}

fn audit_apps(marathon: &Marathon, wrong: &mut Vec<String>) {
    let mut ports = BTreeMap::new();
    for (id, kept) in marathon.apps.all() {
        for port in kept.wanted.iter().flat_map(|app| service_ports(app)) {
            if let Some(other) = ports.insert(port, id.clone())
                && other != *id
            {
                wrong.push(format!("{id} and {other} have the service port {port}"));
            }
        }
        if kept.versions.len() > limits::VERSIONS_MAX {
            wrong.push(format!("{id} has too many versions"));
        }
        if kept.wanted.as_ref().is_some_and(|app| kept.version(app.version_ms).is_none()) {
            wrong.push(format!("the version that is wanted of {id} is not kept"));
        }
    }
    if ports != marathon.apps.ports {
        wrong.push("the index of service ports is not what apps say".to_owned());
    }
}

fn audit_queue(marathon: &Marathon, wrong: &mut Vec<String>) {
    let mut waiting = BTreeSet::new();
    for (need, of_need) in &marathon.apps.needs {
        for (turn, id) in &of_need.apps {
            waiting.insert((*need, *turn, id.clone()));
        }
        if of_need.apps.is_empty() {
            wrong.push(format!("nothing waits for {need:?}, and it is still there"));
        }
    }
    let mut said = BTreeSet::new();
    for (id, kept) in marathon.apps.all() {
        if let Some((need, turn)) = Apps::turn(kept) {
            said.insert((need, turn, id.clone()));
            if kept.queued.want == 0 {
                wrong.push(format!("{id} waits for no instance"));
            }
        }
    }
    if waiting != said || said.len() != marathon.apps.waiting() {
        wrong.push("the index of what waits is not what apps say".to_owned());
    }
}

fn audit_instances(marathon: &Marathon, wrong: &mut Vec<String>) {
    let instances = &marathon.instances;
    let mut apps = BTreeMap::new();
    for (id, one) in instances.all() {
        apps.insert(id.clone(), one.app.clone());
        if !one.members.is_empty() && !one.is_joint() {
            wrong.push(format!("{id} is not as far as its containers are: {one:?}"));
        }
        let pod = one.spec.as_ref().map(|spec| spec.pod.as_ref());
        let named = pod.map(|pod| {
            let containers = pod.into_iter().flat_map(|pod| &pod.containers);
            containers.map(|one| &one.name)
        });
        if named.is_some_and(|named| !named.eq(one.members.iter().map(|one| &one.name))) {
            wrong.push(format!("{id} has not the containers of its pod"));
        }
        let is_staged = matches!(one.stage, Stage::Staging | Stage::Starting);
        let has_timer = |due: Due| marathon.timers.at.contains_key(&due);
        if is_staged && one.killing.is_none() && !has_timer(Due::Launch(id.clone())) {
            wrong.push(format!("nobody waits for {id} to run"));
        }
        let is_out = marathon.kills.out().contains(id);
        if is_out != has_timer(Due::Kill(id.clone())) {
            wrong.push(format!("the kill of {id} would not be repeated"));
        }
        if one.killing.is_some() != (is_out ^ marathon.kills.has(id)) {
            wrong.push(format!("{id} is to be killed once, or not at all"));
        }
        if marathon.apps.get(&one.app).is_none() && one.killing.is_none() {
            wrong.push(format!("the app of {id} is gone, and it is not killed"));
        }
    }
    let gone = marathon.kills.out().iter().chain(marathon.kills.waiting());
    for id in gone.filter(|id| instances.get(id).is_none()) {
        wrong.push(format!("{id} is gone, and its kill is not"));
    }
    if marathon.kills.out().len() > limits::KILLS_MAX
        || (marathon.is_subscribed() && marathon.kills.is_next())
    {
        wrong.push("kills are out or wait that are not to".to_owned());
    }
    for app in instances.apps_with_some() {
        let counts = Counts::of(instances.of(app).map(|(_, one)| one));
        if instances.of(app).any(|(_, one)| one.app != *app) {
            wrong.push(format!("{app} has an instance of another app"));
        }
        if counts != instances.counts(app) {
            wrong.push(format!("{app} has {counts:?}, not {:?}", instances.counts(app)));
        }
    }
    let with_some = instances.apps_with_some().count();
    if apps != instances.apps || with_some != instances.counts.len() {
        wrong.push("the index of instances by app is not what they say".to_owned());
    }
    let timers: BTreeSet<_> =
        marathon.timers.at.iter().map(|(due, at)| (*at, due.clone())).collect();
    if timers != marathon.timers.order {
        wrong.push("the timers are not what the index of timers says".to_owned());
    }
}

fn audit_deployments(marathon: &Marathon, wrong: &mut Vec<String>) {
    let mut locks = BTreeMap::new();
    for (id, deployment) in marathon.deployments.all() {
        if deployment.at >= deployment.steps.len() {
            wrong.push(format!("deployment {id} is done, and is still there"));
        }
        for app in deployment.affected() {
            if let Some(other) = locks.insert(app.clone(), id.clone()) {
                wrong.push(format!("{app} is locked by {id} and {other}"));
            }
        }
        let open: BTreeSet<_> = deployment
            .current()
            .iter()
            .filter(|action| !marathon.is_over(action.kind, &action.app))
            .map(|action| action.app.clone())
            .collect();
        if marathon.deployments.open(id).is_some_and(|known| *known != open) {
            wrong.push(format!("what deployment {id} waits for is not what apps say"));
        }
    }
    if locks != marathon.deployments.locks {
        wrong.push("locks are not what deployments say".to_owned());
    }
}
