//! Bodies of calls.

use longshore_wire_mesos::v1::environment::Variable;
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::{
    AgentId, CommandInfo, Environment, ExecutorId, Filters, FrameworkInfo, Offer, OfferId,
    OperationId, Request, Resource, TaskId, TaskInfo, value,
};

use super::town::kind;

fn task_id(value: String) -> TaskId {
    TaskId { value }
}

pub(super) fn reconcile(count: usize) -> Call {
    let one = |number: usize| call::reconcile::Task {
        task_id: task_id(format!("n{number}")),
        agent_id: None,
    };
    let tasks = (0..count).map(one).collect();
    Call { reconcile: Some(call::Reconcile { tasks }), ..kind(Type::Reconcile) }
}

pub(super) fn reconcile_operations(count: usize) -> Call {
    let one = |number: usize| call::reconcile_operations::Operation {
        operation_id: OperationId { value: format!("n{number}") },
        ..Default::default()
    };
    let operations = (0..count).map(one).collect();
    let part = call::ReconcileOperations { operations };
    Call { reconcile_operations: Some(part), ..kind(Type::ReconcileOperations) }
}

pub(super) fn suppress(roles: Vec<String>) -> Call {
    Call { suppress: Some(call::Suppress { roles }), ..kind(Type::Suppress) }
}

pub(super) fn revive(roles: Vec<String>) -> Call {
    Call { revive: Some(call::Revive { roles }), ..kind(Type::Revive) }
}

fn offer_ids(ids: Vec<String>) -> Vec<OfferId> {
    ids.into_iter().map(|value| OfferId { value }).collect()
}

pub(super) fn decline(ids: Vec<String>, refuse_seconds: f64) -> Call {
    let filters = Some(Filters { refuse_seconds: Some(refuse_seconds) });
    let decline = call::Decline { offer_ids: offer_ids(ids), filters };
    Call { decline: Some(decline), ..kind(Type::Decline) }
}

pub(super) fn accept(ids: Vec<String>, tasks: Vec<TaskInfo>) -> Call {
    let operation = Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: tasks }),
        ..Default::default()
    };
    let accept = call::Accept {
        offer_ids: offer_ids(ids),
        operations: vec![operation],
        filters: Some(Filters { refuse_seconds: Some(0.0) }),
    };
    Call { accept: Some(accept), ..kind(Type::Accept) }
}

pub(super) fn message(bytes: usize) -> Call {
    let message = call::Message {
        agent_id: AgentId { value: "a".to_owned() },
        executor_id: ExecutorId { value: "e".to_owned() },
        data: vec![1; bytes],
    };
    Call { message: Some(message), ..kind(Type::Message) }
}

pub(super) fn request(count: usize) -> Call {
    let requests = vec![Request::default(); count];
    Call { request: Some(call::Request { requests }), ..kind(Type::Request) }
}

pub(super) fn kill(task: String) -> Call {
    let kill = call::Kill { task_id: task_id(task), ..Default::default() };
    Call { kill: Some(kill), ..kind(Type::Kill) }
}

pub(super) fn update_framework(info: FrameworkInfo) -> Call {
    let update = call::UpdateFramework { framework_info: info, ..Default::default() };
    Call { update_framework: Some(update), ..kind(Type::UpdateFramework) }
}

fn scalar(name: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value }),
        ..Default::default()
    }
}

fn task(offer: &Offer, id: String, more: Vec<Resource>) -> TaskInfo {
    TaskInfo {
        name: "a task".to_owned(),
        task_id: task_id(id),
        agent_id: offer.agent_id.clone(),
        resources: [vec![scalar("cpus", 0.001), scalar("mem", 6.0)], more].concat(),
        command: Some(CommandInfo { value: Some("sleep 1000".to_owned()), ..Default::default() }),
        ..Default::default()
    }
}

pub(super) fn small_tasks(offer: &Offer) -> Vec<TaskInfo> {
    (0..90_000).map(|number| task(offer, format!("small-{number}"), Vec::new())).collect()
}

pub(super) fn wrong_tasks(offer: &Offer) -> Vec<TaskInfo> {
    let wrong =
        |number| TaskInfo { command: None, ..task(offer, format!("wrong-{number}"), Vec::new()) };
    (0..100_000).map(wrong).collect()
}

/// Tasks with an environment of maximum size.
pub(super) fn large_tasks(offer: &Offer) -> Vec<TaskInfo> {
    let variable = |number: usize| Variable {
        name: format!("V{number}"),
        value: Some("v".to_owned()),
        ..Default::default()
    };
    let environment = Environment { variables: (0..16_000).map(variable).collect() };
    let command = CommandInfo {
        value: Some("sleep 1000".to_owned()),
        environment: Some(environment),
        ..Default::default()
    };
    let large = |number| TaskInfo {
        command: Some(command.clone()),
        ..task(offer, format!("large-{number}"), Vec::new())
    };
    (0..120).map(large).collect()
}

/// The port ranges of an offer.
fn ports(offer: &Offer) -> Vec<value::Range> {
    let ports = offer.resources.iter().find(|one| one.name == "ports");
    ports.and_then(|one| one.ranges.clone()).map(|ranges| ranges.range).unwrap_or_default()
}

fn ranges(range: Vec<value::Range>) -> Resource {
    Resource {
        name: "ports".to_owned(),
        r#type: value::Type::Ranges.into(),
        ranges: Some(value::Ranges { range }),
        ..Default::default()
    }
}

pub(super) fn port_tasks(offer: &Offer) -> Vec<TaskInfo> {
    let all = ports(offer).into_iter().take(10_000).enumerate();
    all.map(|(number, one)| task(offer, format!("port-{number}"), vec![ranges(vec![one])]))
        .collect()
}

pub(super) fn range_task(offer: &Offer) -> Vec<TaskInfo> {
    vec![task(offer, "ranges".to_owned(), vec![ranges(ports(offer))])]
}

/// Tasks that claim far more than is available, so that each error lists what is.
pub(super) fn huge_tasks(offer: &Offer) -> Vec<TaskInfo> {
    let claim =
        || vec![scalar("cpus", 1e9), ranges(ports(offer).into_iter().take(1_000).collect())];
    (0..2_000).map(|number| task(offer, format!("huge-{number}"), claim())).collect()
}
