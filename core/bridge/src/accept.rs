//! ACCEPT: offers are spent once, tasks become launches. Source: \[C7\] to \[C21\].

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::offer::Operation;
use longshore_wire_mesos::v1::offer::operation::Type as OperationType;
use longshore_wire_mesos::v1::scheduler::{Event, call, event};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{OperationState, OperationStatus, TaskInfo, TaskState, TaskStatus};

use crate::amounts::Amounts;
use crate::launch::{self, Launch, Phase};
use crate::machine::Output;
use crate::state::{Bridge, Offered};
use crate::status::{self, Updates};
use crate::subscribe::event;
use crate::{mapping, offer, validate};

/// Spends offers. Whatever is wrong, the answer is 202: what came of it is told by events.
pub(crate) fn accept(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    accept: call::Accept,
    out: &mut Vec<Output>,
) {
    bridge.count("messages_launch_tasks");
    let ids: Vec<&str> = accept.offer_ids.iter().map(|id| id.value.as_str()).collect();
    let spent = spend(bridge, framework, &ids);
    bridge.wants_allocation(now);
    let (mut left, role, instance) = match spent {
        Ok(spent) => spent,
        Err(why) => return invalid(bridge, now, framework, &accept.operations, &why, out),
    };
    for operation in accept.operations {
        match operation.r#type.map(|_| operation.r#type()) {
            Some(OperationType::Launch) => {
                let tasks = operation.launch.map(|launch| launch.task_infos).unwrap_or_default();
                let bad = if operation.id.is_some() {
                    Some("LAUNCH must not have an id".to_owned())
                } else {
                    malformed(&tasks)
                };
                for task in tasks {
                    match &bad {
                        Some(why) => {
                            error(bridge, now, framework, &task, Reason::TaskInvalid, why, out);
                        }
                        None => launch_one(
                            bridge, now, framework, task, &role, &instance, &mut left, out,
                        ),
                    }
                }
            }
            Some(OperationType::LaunchGroup) => {
                let group =
                    operation.launch_group.map(|group| group.task_group.tasks).unwrap_or_default();
                let why =
                    "task groups cannot be mapped to Amazon ECS yet: launch the tasks one by one";
                for task in group {
                    error(bridge, now, framework, &task, Reason::TaskGroupInvalid, why, out);
                }
            }
            _ => drop_operation(bridge, framework, &operation, out),
        }
    }
    offer::filter(bridge, now, framework, &role, &instance, left, accept.filters.as_ref());
}

/// Source: \[C12\]: one malformed resource refuses the whole operation.
fn malformed(tasks: &[TaskInfo]) -> Option<String> {
    let read = |task: &TaskInfo| Amounts::read(&task.resources).err();
    tasks.iter().find_map(read).map(|why| format!("Task uses invalid resources: {why}"))
}

/// Takes the offers away and adds them up. Source: \[C7\]: the first check that fails is the text.
fn spend(
    bridge: &mut Bridge,
    framework: &str,
    ids: &[&str],
) -> Result<(Amounts, String, Str), String> {
    let verdict = check(bridge, framework, ids);
    // [C8]: on failure all that are still there are discarded, too.
    let spent: Vec<Offered> = ids.iter().filter_map(|id| bridge.offers.remove(*id)).collect();
    verdict?;
    let first = spent.first().ok_or("No offers specified")?;
    let sum = spent.iter().fold(Amounts::default(), |sum, offered| sum.plus(&offered.amounts));
    Ok((sum, first.role.clone(), first.instance.clone()))
}

fn check(bridge: &Bridge, framework: &str, ids: &[&str]) -> Result<(), String> {
    if ids.is_empty() {
        return Err("No offers specified".to_owned());
    }
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            return Err(format!("Duplicate offer {id} in offer list"));
        }
    }
    let mut offers = Vec::new();
    for id in ids {
        offers
            .push(bridge.offers.get(*id).ok_or_else(|| format!("Offer {id} is no longer valid"))?);
    }
    for (id, offered) in ids.iter().zip(&offers) {
        if offered.framework != framework {
            return Err(format!("Offer {id} is not of framework {framework}"));
        }
    }
    if offers.iter().any(|offered| offered.role != offers[0].role) {
        return Err("Aggregated offers must be allocated to the same role".to_owned());
    }
    if offers.iter().any(|offered| offered.instance != offers[0].instance) {
        return Err("Aggregated offers must belong to one single agent".to_owned());
    }
    Ok(())
}

/// Tells every task of an ACCEPT whose offers are bad. Source: \[C8\].
fn invalid(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    operations: &[Operation],
    why: &str,
    out: &mut Vec<Output>,
) {
    let aware = bridge.frameworks.get(framework).is_some_and(crate::framework::Framework::is_aware);
    let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
    for operation in operations {
        let tasks = operation.launch.iter().flat_map(|launch| &launch.task_infos);
        let group = operation.launch_group.iter().flat_map(|group| &group.task_group.tasks);
        let mut any = false;
        for task in tasks.chain(group) {
            any = true;
            let text = format!("Task launched with invalid offers: {why}");
            tell(bridge, now, framework, task, state, Reason::InvalidOffers, text, out);
        }
        if !any {
            drop_operation(bridge, framework, operation, out);
        }
    }
}

/// Source: \[C14\]: agents without operation feedback answer every operation that has an id with an error; one
/// without an id is dropped in silence.
fn drop_operation(bridge: &Bridge, framework: &str, operation: &Operation, out: &mut Vec<Output>) {
    let stream = bridge.frameworks.get(framework).and_then(|framework| framework.stream);
    let (Some(id), Some(stream)) = (&operation.id, stream) else { return };
    let status = OperationStatus {
        operation_id: Some(id.clone()),
        state: OperationState::OperationError.into(),
        message: Some(
            "container instances of Amazon ECS have no reservations and no persistent volumes"
                .to_owned(),
        ),
        ..Default::default()
    };
    let update = event::UpdateOperationStatus { status };
    let event = Event {
        update_operation_status: Some(update),
        ..event(event::Type::UpdateOperationStatus)
    };
    out.push(Output::Send(stream, Box::new(event)));
}

fn error(
    bridge: &Bridge,
    now: Timestamp,
    framework: &str,
    task: &TaskInfo,
    reason: Reason,
    why: &str,
    out: &mut Vec<Output>,
) {
    tell(bridge, now, framework, task, TaskState::TaskError, reason, why.to_owned(), out);
}

/// An update about a task that never became a launch: no uuid, sent once.
#[expect(clippy::too_many_arguments, reason = "each is one field of the update")]
fn tell(
    bridge: &Bridge,
    now: Timestamp,
    framework: &str,
    task: &TaskInfo,
    state: TaskState,
    reason: Reason,
    message: String,
    out: &mut Vec<Output>,
) {
    let status = TaskStatus {
        task_id: task.task_id.clone(),
        state: state.into(),
        agent_id: Some(task.agent_id.clone()),
        source: Some(Source::Master.into()),
        reason: Some(reason.into()),
        message: Some(message),
        timestamp: Some(now.seconds()),
        ..Default::default()
    };
    status::send_once(bridge, framework, status, out);
}

#[expect(clippy::too_many_arguments, reason = "the context of one ACCEPT, used here only")]
fn launch_one(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    task: TaskInfo,
    role: &str,
    instance: &Str,
    left: &mut Amounts,
    out: &mut Vec<Output>,
) {
    let agent = instance.rsplit('/').next().unwrap_or_default();
    let checked = validate::task(bridge, framework, &task, agent, left).and_then(|claim| {
        let claim = mapping::raised(&claim);
        if !left.contains(&claim) {
            let why = "a container of Amazon ECS has whole MiB of memory, and 6 at least";
            return Err(format!("Task uses more resources {claim} than available {left}: {why}"));
        }
        Ok((mapping::plan(&bridge.config, framework, role, &task, &claim)?, claim))
    });
    let (plan, claim) = match checked {
        Ok(checked) => checked,
        Err(why) => return error(bridge, now, framework, &task, Reason::TaskInvalid, &why, out),
    };
    *left = left.minus(&claim);
    let id: Str = format!("ls-{:032x}", bridge.ids.bits("launch")).into();
    bridge.strays.launches(&id);
    let launch = Launch {
        id: id.clone(),
        framework: framework.to_owned(),
        task: task.task_id.value.clone(),
        name: task.name.clone(),
        role: role.to_owned(),
        instance: instance.clone(),
        agent: agent.into(),
        cpu_units: mapping::cpu_units(&claim),
        memory_mib: mapping::memory_mib(&claim),
        claim,
        info: Some(Box::new(task)),
        plan: Some(Box::new(plan)),
        phase: Phase::Preparing,
        arn: None,
        unseen: true,
        seen_after: u64::MAX,
        version_before: bridge.replica.instances().get(instance).map_or(0, |known| known.version),
        accepted_at_ms: None,
        began_at: now,
        kill: false,
        state: TaskState::TaskStaging,
        updates: Updates::default(),
        note: None,
    };
    if let Some(framework) = bridge.frameworks.get_mut(framework) {
        framework.tasks.insert(launch.task.clone(), id.clone());
    }
    bridge.launches.insert(id.clone(), launch);
    bridge.reindex(&id);
    launch::prepare(bridge, now, &id, out);
}
