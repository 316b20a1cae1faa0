//! Turns an admitted request into tasks: their records and the orders to their hosts.

use std::sync::Arc;

use longshore_machine::{Ids, Timestamp};
use longshore_placement::ZONE_ATTRIBUTE;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{ArnFormat, ResourceId};
use longshore_wire_ecs::host::{
    ContainerSpec, Desired, Health, Namespace, Namespaces, Order, OrderedTask, TaskAbout, TaskSpec,
};

use crate::cluster_state::ClusterState;
use crate::machine::Output;
use crate::record::{Cluster, Container, LastStatus, Tags, Task, TaskDefinition, TaskTemplate};
use crate::state::State;

/// Launches one task on an instance. The caller has checked that it fits.
pub(crate) fn start(
    cluster: &mut ClusterState,
    ids: &mut Ids,
    now: Timestamp,
    template: &Arc<TaskTemplate>,
    tags: &Arc<Tags>,
    instance: ResourceId,
) -> Arc<Task> {
    let record = cluster.record.clone();
    let host = &cluster.instances[&instance];
    let id = ResourceId(ids.bits("task"));
    let free = if template.needs.gpus > 0 { cluster.free_gpus(instance) } else { Vec::new() };
    let mut gpus = free.into_iter();
    let containers = template.containers.iter();
    let arns = template.arns;
    let containers =
        containers.map(|spec| container((arns, &record), ids, id, spec, &mut gpus)).collect();
    let task = Task {
        id,
        arn: arns.arn_of_id(&record.realm, "task", &record.name, id),
        template: template.clone(),
        instance,
        instance_arn: host.arn.clone(),
        availability_zone: host.attributes.get(ZONE_ATTRIBUTE).cloned().flatten(),
        version: 0,
        last_status: LastStatus::Pending,
        desired_running: true,
        containers,
        created_at: now,
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        stopping_at: None,
        execution_stopped_at: None,
        stopped_at: None,
        stop_code: None,
        stopped_reason: None,
        tags: tags.clone(),
        protected_until: None,
    };
    cluster.put_task(task)
}

fn container(
    (arns, record): (ArnFormat, &Cluster),
    ids: &mut Ids,
    task: ResourceId,
    spec: &ContainerSpec,
    gpus: &mut impl Iterator<Item = Str>,
) -> Container {
    let own = ids.uuid("container");
    Container {
        arn: arns.container_arn(&record.realm, &record.name, task, &own),
        last_status: LastStatus::Pending,
        runtime_id: None,
        image_digest: None,
        exit_code: None,
        reason: None,
        bindings: Vec::new(),
        health: Health::Unknown,
        gpu_ids: gpus.take(spec.gpus() as usize).collect(),
    }
}

fn ordered(task: &Task) -> OrderedTask {
    let template = &*task.template;
    OrderedTask {
        spec: Arc::new(TaskSpec {
            id: task.id,
            arn: task.arn.clone(),
            cluster: template.cluster_arn.clone(),
            family: template.definition.family.clone(),
            revision: template.definition.revision,
            network_mode: template.definition.network_mode,
            namespaces: namespaces(&template.definition),
            containers: template.containers.clone(),
            volumes: template.definition.volumes.clone(),
            about: about(task),
        }),
        desired: if task.desired_running { Desired::Running } else { Desired::Stopped },
        was_running: task.last_status == LastStatus::Running,
    }
}

fn namespaces(definition: &TaskDefinition) -> Namespaces {
    let read = |mode: &Option<Str>| mode.as_deref().and_then(Namespace::parse);
    Namespaces { pid: read(&definition.content.pid_mode), ipc: read(&definition.content.ipc_mode) }
}

/// Task metadata available to containers.
fn about(task: &Task) -> TaskAbout {
    let template = &*task.template;
    let (cpu, memory_mib) = crate::admit::task_level(&template.definition, &template.overrides);
    let own = template.overrides.task_role_arn.clone();
    TaskAbout {
        service: task.service().map(Into::into),
        cpu,
        memory_mib,
        role: own.or_else(|| template.definition.content.task_role_arn.clone()),
        gpu_ids: if template.needs.gpus > 0 {
            task.containers.iter().map(|container| container.gpu_ids.clone()).collect()
        } else {
            Vec::new()
        },
        container_arns: task.containers.iter().map(|container| container.arn.clone()).collect(),
    }
}

/// Orders changes of tasks, with one order per instance.
pub(crate) fn order(state: &mut State, tasks: &[Arc<Task>], out: &mut Vec<Output>) {
    let mut by_instance: std::collections::BTreeMap<ResourceId, Vec<OrderedTask>> =
        std::collections::BTreeMap::default();
    for task in tasks {
        by_instance.entry(task.instance).or_default().push(ordered(task));
    }
    for (instance, tasks) in by_instance {
        push(state, instance, false, tasks, out);
    }
}

/// Sends an instance its full order.
pub(crate) fn order_all(state: &mut State, instance: ResourceId, out: &mut Vec<Output>) {
    let Some(cluster) = state.home_cluster(instance) else { return };
    let load = cluster.loads.get(&instance);
    let tasks = load.into_iter().flat_map(|load| &load.tasks);
    let tasks: Vec<Arc<Task>> = tasks.map(|id| cluster.tasks[id].clone()).collect();
    let tasks = tasks.iter().map(|task| ordered(task)).collect();
    push(state, instance, true, tasks, out);
}

fn push(
    state: &mut State,
    instance: ResourceId,
    full: bool,
    tasks: Vec<OrderedTask>,
    out: &mut Vec<Output>,
) {
    let Some(home) = state.homes.get_mut(&instance) else { return };
    let (generation, forget) = (home.next_generation(), Vec::new());
    out.push(Output::Order(Order { instance, generation, full, tasks, forget }));
}

/// Tells a host to forget tasks whose end is recorded.
pub(crate) fn order_forgetting(
    state: &mut State,
    instance: ResourceId,
    forget: Vec<ResourceId>,
    out: &mut Vec<Output>,
) {
    let Some(home) = state.homes.get_mut(&instance).filter(|_| !forget.is_empty()) else { return };
    let (generation, tasks) = (home.next_generation(), Vec::new());
    out.push(Output::Order(Order { instance, generation, full: false, tasks, forget }));
}
