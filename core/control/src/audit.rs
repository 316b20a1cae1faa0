//! Invariants of every state, recomputed from the records and compared with the indexes.

use std::collections::{BTreeMap, BTreeSet};

use longshore_placement::{InstanceView, Port};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ArnFormat;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;

use crate::cluster_state::{ClusterState, InstanceLoad};
use crate::record::{
    ClusterStatus, ContainerInstance, DefinitionStatus, InstanceStatus, LastStatus, Task,
};
use crate::service::{Counts, RolloutState, Scheduling, ServiceState, ServiceStatus};
use crate::state::State;

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The ARN of the offending record.
    pub subject: String,
    /// What is wrong.
    pub what: String,
}

/// Returns every violated invariant; empty if there is none.
pub fn audit(state: &State) -> Vec<Violation> {
    let mut violations = Vec::new();
    realms(state, &mut violations);
    for cluster in state.clusters() {
        let mut found = |subject: &str, what: String| {
            violations.push(Violation { subject: subject.to_owned(), what });
        };
        remaining(cluster, &mut found);
        machines(cluster, &mut found);
        tasks(cluster, &mut found);
        indexes(cluster, &mut found);
        services(cluster, &mut found);
        gone(cluster, &mut found);
        arns(cluster, &mut found);
        for definition in cluster.tasks.values().map(|task| &task.template.definition) {
            let realm = &cluster.record.realm;
            if state.definition(realm, &definition.family, definition.revision).is_none() {
                found(&definition.arn, "was forgotten, yet a task is of it".to_owned());
            }
        }
        for id in cluster.instances.keys() {
            if !state.homes.contains_key(id) {
                found(&id.to_string(), "an instance has no home".to_owned());
            }
        }
    }
    definitions(state, &mut violations);
    violations
}

fn definitions(state: &State, violations: &mut Vec<Violation>) {
    let mut found =
        |subject: String, what: &str| violations.push(Violation { subject, what: what.to_owned() });
    let mut ends = 0;
    for (realm, regional) in &state.realms {
        for (name, family) in &regional.families {
            for (revision, definition) in &family.revisions {
                if *revision > family.last {
                    found(definition.arn.to_string(), "is above the last revision of its family");
                }
                let ending = definition.status == DefinitionStatus::DeleteInProgress;
                let key = (realm.clone(), name.clone(), *revision);
                if ending != state.deletions.contains(&key) {
                    found(
                        definition.arn.to_string(),
                        "is being deleted, and nobody looks after it",
                    );
                }
                ends += usize::from(ending);
            }
        }
    }
    if ends != state.deletions.len() || (ends > 0) != state.deletions_due.is_some() {
        found("deletions".to_owned(), "differ from the task definitions that are being deleted");
    }
}

/// No empty realm is kept, and the indexes of each match its records.
fn realms(state: &State, violations: &mut Vec<Violation>) {
    for (realm, regional) in &state.realms {
        let mut found = |what: &str| {
            let subject = realm.arn(format_args!("*")).to_string();
            violations.push(Violation { subject, what: what.to_owned() });
        };
        if regional.is_empty() {
            found("it is kept, and has nothing");
        }
        let inactive = regional.clusters.iter().filter_map(|(name, cluster)| {
            let record = &cluster.record;
            (record.status == ClusterStatus::Inactive)
                .then(|| (record.inactive_at.unwrap_or_default(), name.clone()))
        });
        if inactive.collect::<BTreeSet<_>>() != regional.gone {
            found("the index of INACTIVE clusters differs from them");
        }
        for family in regional.families.values() {
            let active = family.revisions.values();
            let active = active.filter(|one| one.status == DefinitionStatus::Active);
            if active.map(|one| one.revision).collect::<BTreeSet<_>>() != family.active {
                found("the index of ACTIVE revisions differs from them");
            }
        }
    }
}

/// Indexes of what is gone and counts of what is not.
fn gone(cluster: &ClusterState, found: &mut impl FnMut(&str, String)) {
    let over = |one: &ContainerInstance| one.status == InstanceStatus::Inactive;
    let instances = cluster.instances.values().filter(|one| over(one));
    let instances = instances.map(|one| (one.deregistered_at.unwrap_or_default(), one.id));
    let services = cluster.services.values().map(|known| &known.record);
    let of = |status| services.clone().filter(move |one| one.status == status);
    let inactive = of(ServiceStatus::Inactive);
    let inactive = inactive.map(|one| (one.inactive_at.unwrap_or_default(), one.name.clone()));
    if instances.collect::<BTreeSet<_>>() != cluster.gone_instances
        || inactive.collect::<BTreeSet<_>>() != cluster.gone_services
    {
        found(&cluster.record.arn, "the indexes of what is INACTIVE differ from it".to_owned());
    }
    let counts = (
        cluster.instances.len() - cluster.gone_instances.len(),
        of(ServiceStatus::Active).count(),
        of(ServiceStatus::Draining).count(),
    );
    let counted = (cluster.registered, cluster.active_services, cluster.draining_services);
    if counts != counted {
        found(&cluster.record.arn, format!("has {counts:?} and counts {counted:?}"));
    }
}

fn remaining(cluster: &ClusterState, found: &mut impl FnMut(&str, String)) {
    let mut held: BTreeMap<_, Vec<&Task>> = BTreeMap::new();
    for task in cluster.tasks.values().filter(|task| task.holds_resources()) {
        held.entry(task.instance).or_default().push(task);
    }
    for (id, instance) in &cluster.instances {
        let Some(view) = cluster.view.instance(*id) else {
            if instance.status != InstanceStatus::Inactive {
                found(&instance.arn, "placement does not see it".to_owned());
            }
            continue;
        };
        let (mut cpu, mut memory_mib) = (0_u64, 0_u64);
        for task in held.remove(id).unwrap_or_default() {
            cpu += u64::from(task.template.needs.cpu);
            memory_mib += u64::from(task.template.needs.memory_mib);
            if let Some(port) =
                task.template.needs.ports.iter().find(|port| !view.ports.contains(port))
            {
                found(&task.arn, format!("its port {} counts as free", port.number));
            }
        }
        let has = &instance.registered;
        if cpu > u64::from(has.cpu) || memory_mib > u64::from(has.memory_mib) {
            found(&instance.arn, format!("its tasks hold {cpu} CPU units and {memory_mib} MiB"));
        }
        let left_cpu = u64::from(has.cpu).saturating_sub(cpu);
        let left_memory = u64::from(has.memory_mib).saturating_sub(memory_mib);
        if cluster.free_gpus(*id).len() != usize::try_from(view.gpus).unwrap_or(usize::MAX) {
            found(&instance.arn, format!("{} GPUs count as free, and others are", view.gpus));
        }
        if (u64::from(view.cpu), u64::from(view.memory_mib)) != (left_cpu, left_memory) {
            found(
                &instance.arn,
                format!(
                    "{} CPU units and {} MiB left, should be {left_cpu} and {left_memory}",
                    view.cpu, view.memory_mib
                ),
            );
        }
    }
}

/// The ports in use on a machine are those that its instances use, taken together.
fn machines(cluster: &ClusterState, found: &mut impl FnMut(&str, String)) {
    let machine = |view: &InstanceView| view.attributes.get(MACHINE_ATTRIBUTE).cloned().flatten();
    let mut used: BTreeMap<Str, BTreeSet<Port>> = BTreeMap::new();
    for (_, view) in cluster.view.instances() {
        if let Some(name) = machine(view) {
            used.entry(name).or_default().extend(view.ports.iter().copied());
        }
    }
    for (id, view) in cluster.view.instances() {
        let wanted = machine(view).map_or(&view.ports, |name| &used[&name]);
        if cluster.view.ports_in_use(id) != Some(wanted) {
            found(&id.to_string(), "the ports in use on its machine are kept wrongly".to_owned());
        }
    }
}

fn tasks(cluster: &ClusterState, found: &mut impl FnMut(&str, String)) {
    for task in cluster.tasks.values() {
        let stopped = task.last_status == LastStatus::Stopped;
        if stopped && task.desired_running {
            found(&task.arn, "STOPPED, yet desired RUNNING".to_owned());
        }
        if stopped != task.stopped_at.is_some() {
            found(&task.arn, "stoppedAt and lastStatus differ".to_owned());
        }
        if task.last_status == LastStatus::Running && task.started_at.is_none() {
            found(&task.arn, "RUNNING without startedAt".to_owned());
        }
        if !cluster.instances.contains_key(&task.instance) && !stopped {
            found(&task.arn, "runs on an instance that is not known".to_owned());
        }
    }
}

fn indexes(cluster: &ClusterState, found: &mut impl FnMut(&str, String)) {
    let mut loads: BTreeMap<_, InstanceLoad> = BTreeMap::new();
    let mut groups: BTreeMap<_, u32> = BTreeMap::new();
    let mut of_definition: BTreeMap<_, usize> = BTreeMap::new();
    for task in cluster.tasks.values() {
        let definition = &task.template.definition;
        *of_definition.entry((definition.family.clone(), definition.revision)).or_default() += 1;
        if task.desired_running {
            *groups.entry((task.template.group.clone(), task.instance)).or_insert(0) += 1;
        }
        if task.holds_resources() {
            let load = loads.entry(task.instance).or_default();
            load.desired_running += i32::from(task.desired_running);
            load.pending += i32::from(task.last_status == LastStatus::Pending);
            load.tasks.insert(task.id);
            if task.template.needs.gpus > 0 {
                load.with_gpus.insert(task.id);
            }
        }
    }
    if loads != cluster.loads {
        found(&cluster.record.arn, "the loads of instances differ from their tasks".to_owned());
    }
    if of_definition != cluster.of_definition {
        found(&cluster.record.arn, "the tasks of definitions are counted wrongly".to_owned());
    }
    if groups != cluster.view.groups() {
        found(&cluster.record.arn, "the tasks of groups are counted wrongly".to_owned());
    }
}

fn services(cluster: &ClusterState, found: &mut impl FnMut(&str, String)) {
    let mut live: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
    for task in cluster.tasks.values().filter(|task| task.holds_resources()) {
        if let Some(service) = task.service() {
            live.entry(service).or_default().insert(task.id);
        }
    }
    for (name, known) in &cluster.services {
        if live.remove(&**name).unwrap_or_default() != known.live {
            found(&known.record.arn, "the index of its tasks differs from them".to_owned());
        }
        service(cluster, known, found);
        let service = &known.record;
        let daemon =
            service.scheduling == Scheduling::Daemon && service.status != ServiceStatus::Inactive;
        if daemon != cluster.daemons.contains(name) {
            found(&service.arn, "the index of DAEMON services is wrong".to_owned());
        }
    }
    for name in live.keys() {
        found(&cluster.record.arn, format!("tasks run for the service {name}, which is not known"));
    }
}

/// What has a short ARN has no tags.
fn arns(cluster: &ClusterState, found: &mut impl FnMut(&str, String)) {
    let tasks = cluster.tasks.values().map(|task| (&task.arn, task.tags.is_empty()));
    let instances = cluster.instances.values().map(|one| (&one.arn, one.tags.is_empty()));
    let services = cluster.services.values().map(|known| &known.record);
    let services = services.map(|one| (&one.arn, one.tags.is_empty()));
    for (arn, is_bare) in tasks.chain(instances).chain(services) {
        if !is_bare && !ArnFormat::of(arn).is_long() {
            found(arn, "has a short ARN, and tags".to_owned());
        }
    }
    for task in cluster.tasks.values() {
        let format = ArnFormat::of(&task.arn);
        let are_like_it = task.containers.iter().all(|one| ArnFormat::of(&one.arn) == format);
        if task.template.arns != format || !are_like_it {
            found(&task.arn, "its ARN has another form than those of its containers".to_owned());
        }
    }
}

fn service(cluster: &ClusterState, known: &ServiceState, found: &mut impl FnMut(&str, String)) {
    let service = &known.record;
    let gone = service.status == ServiceStatus::Inactive;
    if gone != service.deployments.is_empty() {
        found(&service.arn, "only an INACTIVE service is without deployments".to_owned());
    }
    if gone && !known.live.is_empty() {
        found(&service.arn, "an INACTIVE service has tasks".to_owned());
    }
    if known.ledger.is_some_and(|ledger| ledger.is_broken()) {
        found(&service.arn, format!("a plan broke its bounds: {:?}", known.ledger));
    }
    let ids: BTreeSet<_> = service.deployments.iter().map(|one| &one.id).collect();
    if ids.len() != service.deployments.len() {
        found(&service.arn, "two deployments have one id".to_owned());
    }
    for task in known.live.iter().map(|id| &cluster.tasks[id]) {
        let belongs = task.template.started_by.as_ref().is_some_and(|id| ids.contains(id));
        if task.desired_running && !belongs {
            found(&task.arn, "runs for a deployment that is over".to_owned());
        }
    }
    let mut counts: BTreeMap<_, Counts> = BTreeMap::new();
    for task in known.live.iter().map(|id| &cluster.tasks[id]).filter(|task| task.desired_running) {
        let deployment = task.template.started_by.clone().unwrap_or_default();
        counts.entry(deployment).or_default().add(Some(task.last_status), 1);
    }
    if counts != known.counts {
        found(&service.arn, format!("{counts:?} tasks run, and {:?} are counted", known.counts));
    }
    let under_way = service.history.iter().filter(|one| one.finished_at.is_none()).count();
    let primary = service.deployments.first().map(|one| one.rollout);
    let rolls =
        primary == Some(RolloutState::InProgress) && service.status == ServiceStatus::Active;
    if under_way != usize::from(rolls) {
        found(&service.arn, format!("{under_way} service deployments are under way: {primary:?}"));
    }
}
