//! Invariants of what is stored, derived from the records alone rather than by the code that wrote
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_control::{
    Change, ContainerInstance, InstanceStatus, LastStatus, Scheduling, Service, Task,
};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;

use crate::disk::Disk;
use crate::tally::Tally;

/// Tasks that a commit stores for the first time.
pub(crate) fn new_tasks(changes: &[Change]) -> Vec<Arc<Task>> {
    let tasks = changes.iter().filter_map(|change| match change {
        Change::Task(task) if task.version == 1 => Some(task.clone()),
        _ => None,
    });
    tasks.collect()
}

/// Checks that a record does not go backwards, and counts what changed.
pub(crate) fn follows(disk: &Disk, change: &Change, tally: &mut Tally) {
    match change {
        Change::Task(task) => {
            if let Some(held) = disk.task(task.id) {
                assert!(task.version >= held.version, "{} goes back", task.arn);
                assert!(task.last_status >= held.last_status, "{} lives again", task.arn);
                assert!(
                    held.desired_running || !task.desired_running,
                    "{} is wanted again",
                    task.arn
                );
            }
            if task.last_status == LastStatus::Stopped
                && disk.task(task.id).is_none_or(|held| held.last_status != LastStatus::Stopped)
            {
                let code = task.stop_code.map_or("none", |code| code.word());
                tally.count("tasks stopped", code);
            }
        }
        Change::Instance(instance) => {
            let held = disk.instance(instance.id).map_or(0, |held| held.version);
            assert!(instance.version >= held, "{} goes back", instance.arn);
        }
        Change::Service(service) => {
            let held = disk.service(&service.realm, &service.cluster, &service.name);
            let last = held.and_then(|held| held.events.front());
            let new =
                service.events.iter().take_while(|one| last.is_none_or(|last| last.id != one.id));
            for event in new {
                tally.count("services said", gist(&event.message));
            }
            let state = |service: &Service| {
                service.deployments.first().map(|one| (one.id.clone(), one.rollout))
            };
            if let Some((_, rollout)) = state(service)
                && held.is_none_or(|held| state(held) != state(service))
            {
                tally.count("deployments", rollout.word());
            }
        }
        _ => {}
    }
}

/// An event's message without ids and numbers.
fn gist(text: &str) -> String {
    let text = text.split_once(") ").map_or(text, |(_, rest)| rest);
    let words = text.split_whitespace();
    let plain =
        words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()) && !word.starts_with('('));
    plain.take(9).collect::<Vec<_>>().join(" ")
}

/// Checks that newly started tasks are where they may be and that no instance is overcommitted.
pub(crate) fn placed(disk: &Disk, new: &[Arc<Task>], tally: &mut Tally) {
    if new.is_empty() {
        return;
    }
    let mut on: BTreeMap<ResourceId, Vec<&Arc<Task>>> = BTreeMap::new();
    for task in disk.tasks().filter(|task| task.holds_resources()) {
        on.entry(task.instance).or_default().push(task);
    }
    for id in new.iter().map(|task| task.instance).collect::<BTreeSet<_>>() {
        let instance = disk.instance(id).expect("tasks are on instances");
        fits(instance, &on[&id]);
    }
    ports(disk, &on);
    for task in new {
        tally.count("tasks started", &*task.template.definition.family);
        let instance = disk.instance(task.instance).expect("tasks are on instances");
        assert_eq!(instance.status, InstanceStatus::Active, "{}", task.arn);
        // StartTask names the instance; only its resources are checked.
        let named = task.template.started_by.as_deref() == Some("direct");
        match task.template.definition.family.as_ref() {
            _ if named => {}
            "racked" => assert_eq!(rack(instance), Some("a"), "{}", task.arn),
            "nowhere" | "huge" => panic!("{} fits nowhere, and is on {}", task.arn, instance.arn),
            _ => {}
        }
        let Some(name) = task.service() else { continue };
        let service = disk
            .service(&task.template.realm, &task.template.cluster, name)
            .expect("its service is stored");
        of_service(disk, service, task, instance, &on[&task.instance]);
    }
}

/// Checks that an instance has what its tasks reserve.
fn fits(instance: &ContainerInstance, tasks: &[&Arc<Task>]) {
    let cpu: u32 = tasks.iter().map(|task| task.template.needs.cpu).sum();
    let memory: u32 = tasks.iter().map(|task| task.template.needs.memory_mib).sum();
    let has = &instance.registered;
    assert!(cpu <= has.cpu && memory <= has.memory_mib, "{} holds too much", instance.arn);
    let mut ports = BTreeSet::new();
    for port in tasks.iter().flat_map(|task| &task.template.needs.ports) {
        assert!(ports.insert(port), "{} has the port {} twice", instance.arn, port.number);
    }
}

/// Checks that no port is assigned twice on a machine.
fn ports(disk: &Disk, on: &BTreeMap<ResourceId, Vec<&Arc<Task>>>) {
    let mut given = BTreeSet::new();
    for (id, tasks) in on {
        let Some(instance) = disk.instance(*id) else { continue };
        let machine = instance.attributes.get(MACHINE_ATTRIBUTE).and_then(Option::as_ref);
        let Some(machine) = machine else { continue };
        for port in tasks.iter().flat_map(|task| &task.template.needs.ports) {
            let one = (&instance.realm, &instance.cluster, machine, port);
            assert!(given.insert(one), "{} is given twice on {machine}", port.number);
        }
    }
}

fn rack(instance: &ContainerInstance) -> Option<&str> {
    instance.attributes.get("rack")?.as_deref()
}

/// Checks that a service's task is where the service wants it, and within the service's bounds.
fn of_service(
    disk: &Disk,
    service: &Service,
    task: &Task,
    instance: &ContainerInstance,
    beside: &[&Arc<Task>],
) {
    let same = |one: &&&Arc<Task>| one.template.group == task.template.group && one.id != task.id;
    for constraint in &service.constraints {
        match (constraint.kind.as_deref(), constraint.expression.as_deref()) {
            (Some("distinctInstance"), _) => {
                let other = beside.iter().filter(same).find(|one| one.desired_running);
                assert!(other.is_none(), "{} is beside {:?}", task.arn, other.map(|one| &one.arn));
            }
            (_, Some(expression)) => {
                let wanted = expression.rsplit(' ').next();
                assert_eq!(rack(instance), wanted, "{} of {}", task.arn, service.arn);
            }
            _ => {}
        }
    }
    if service.scheduling == Scheduling::Daemon {
        assert!(beside.iter().find(same).is_none(), "{} is not alone", task.arn);
        return;
    }
    let live = disk
        .tasks()
        .filter(|one| one.holds_resources() && one.template.group == task.template.group);
    let live = live.filter(|one| one.template.cluster == task.template.cluster).count();
    let upper = u64::from(service.desired_count) * u64::from(service.maximum_percent) / 100;
    assert!(
        u64::try_from(live).unwrap_or(u64::MAX) <= upper,
        "{}: {live} tasks, {upper} at most",
        service.arn
    );
}
