//! ACCEPT with good and bad operations, as a genuine master answered it.

use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::offer::{Operation, operation};
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    AgentId, ExecutorInfo, FrameworkInfo, Offer, OfferId, Resource, TaskInfo, TaskState, resource,
};

use super::world::{Client, World, able, framework, kind, sleeper};
use crate::happening::Happening;
use crate::machine::Response;

fn web() -> FrameworkInfo {
    let info = FrameworkInfo { roles: vec!["web".to_owned()], ..framework("one") };
    able(info, &[Capability::MultiRole, Capability::PartitionAware])
}

fn launch(task: TaskInfo) -> Operation {
    Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: vec![task] }),
        ..Default::default()
    }
}

fn reserve(resources: Vec<Resource>) -> Operation {
    Operation {
        r#type: Some(operation::Type::Reserve.into()),
        reserve: Some(operation::Reserve { resources, ..Default::default() }),
        ..Default::default()
    }
}

fn accept(world: &mut World, client: &Client, offers: Vec<OfferId>, operations: Vec<Operation>) {
    let accept = call::Accept { offer_ids: offers, operations, filters: None };
    let call = Call { accept: Some(accept), ..kind(Type::Accept) };
    assert_eq!(world.call(client, call), Response::Accepted);
}

/// The same task with all its resources allocated to a role.
fn allocated(task: TaskInfo, role: Option<&str>) -> TaskInfo {
    let info = role.map(|role| resource::AllocationInfo { role: Some(role.to_owned()) });
    let of_role = |one| Resource { allocation_info: info.clone(), ..one };
    TaskInfo { resources: task.resources.into_iter().map(of_role).collect(), ..task }
}

fn small(id: &str, offer: &Offer) -> TaskInfo {
    allocated(sleeper(id, offer, 0.1, 32.0), Some("web"))
}

/// \[C12\], \[C15\], \[C16\], \[C17\], \[L8\]: conversation 13 of the golden ones: malformed resources are told first, then one
/// operation after the other, and the good ones start.
#[test]
fn bad_operations_among_good_ones_are_told_one_by_one_and_the_good_ones_start() {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(web());
    let offer = world.offer(&client);
    let one = |id: &str| small(id, &offer);
    let executor = ExecutorInfo::default();
    let operations = vec![
        launch(one("good1")),
        launch(allocated(sleeper("huge2", &offer, 400.0, 32.0), Some("web"))),
        launch(TaskInfo { command: None, ..one("no-cmd") }),
        launch(TaskInfo { executor: Some(executor), ..one("both") }),
        launch(one("a/b")),
        launch(allocated(one("norole"), None)),
        launch(allocated(one("wrongrole"), Some("other"))),
        launch(TaskInfo {
            agent_id: AgentId { value: "no-such-agent".to_owned() },
            ..one("wrongagent")
        }),
        launch(TaskInfo { resources: Vec::new(), ..one("nores") }),
        launch(allocated(sleeper("neg", &offer, -1.0, 32.0), Some("web"))),
        reserve(sleeper("reserved", &offer, 100.0, 1.0).resources),
        launch(one("good2")),
    ];
    accept(&mut world, &client, vec![offer.id.clone()], operations);
    let updates = world.updates(&client);
    let told: Vec<&str> = updates.iter().map(|status| &*status.task_id.value).collect();
    let expected = ["neg", "huge2", "no-cmd", "both", "a/b", "wrongrole", "wrongagent", "nores"];
    assert_eq!(told, expected);
    for status in &updates {
        assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskInvalid));
        assert_eq!((status.source(), &status.uuid), (Source::Master, &None));
        assert_eq!((&status.executor_id, &status.container_status), (&None, &None));
    }
    assert_eq!(updates[6].agent_id, Some(AgentId { value: "no-such-agent".to_owned() }));
    let started = world.cluster.starts.iter().map(|start| &*start.environment["MESOS_TASK_ID"]);
    assert_eq!(started.collect::<Vec<_>>(), ["good1", "norole", "good2"]);
    // [C14]: the framework does not hear of it, since it gave no id.
    let dropped = world.happened.iter().filter(|what| matches!(what, Happening::Dropped { .. }));
    assert_eq!(dropped.count(), 1);
}

/// \[C15\], \[L8\]: what names no allocation has that of the offer; what names another is not in the offer.
#[test]
fn resources_that_are_allocated_to_another_role_are_not_in_the_offer() {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(web());
    let offer = world.offer(&client);
    let mut mixed = small("mixed", &offer);
    mixed.resources[1] = allocated(mixed.clone(), Some("other")).resources[1].clone();
    let operations = vec![
        launch(allocated(small("elsewhere", &offer), Some("other"))),
        launch(mixed),
        launch(small("here", &offer)),
    ];
    accept(&mut world, &client, vec![offer.id.clone()], operations);
    let updates = world.updates(&client);
    let told: Vec<_> = updates.iter().map(|one| (&*one.task_id.value, one.state())).collect();
    assert_eq!(told, [("elsewhere", TaskState::TaskError), ("mixed", TaskState::TaskError)]);
    let text = updates[0].message.as_deref().unwrap_or_default();
    let parts = [
        "Total resources cpus(allocated: other):0.1; mem(allocated: other):32 required by task and its executor is more than available ",
        "cpus(allocated: web):4",
        "mem(allocated: web):4096",
    ];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    assert_eq!(world.cluster.starts.len(), 1);
}

/// \[C7\], \[C8\], \[C9\], \[C21\]: conversation 13: a valid ACCEPT spends its offers whatever comes of it, so that a second one is
/// told that they are gone.
#[test]
fn an_offer_that_was_spent_on_a_bad_task_is_no_longer_valid() {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(web());
    let offer = world.offer(&client);
    let huge = allocated(sleeper("huge", &offer, 400.0, 32.0), Some("web"));
    accept(&mut world, &client, vec![offer.id.clone()], vec![launch(huge)]);
    let status = world.update(&client);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskInvalid));
    let stale = launch(small("stale", &offer));
    accept(&mut world, &client, vec![offer.id.clone()], vec![stale]);
    let status = world.update(&client);
    let states = (status.state(), status.reason(), status.source());
    assert_eq!(states, (TaskState::TaskDropped, Reason::InvalidOffers, Source::Master));
    assert_eq!((status.agent_id, status.uuid), (Some(offer.agent_id.clone()), None));
    let text =
        format!("Task launched with invalid offers: Offer {} is no longer valid", offer.id.value);
    let is_said = |what: &Happening| matches!(what, Happening::Refused { task, why, .. } if task == "stale" && *why == text);
    assert!(world.happened.iter().any(is_said), "an operator hears of it, too");
    assert_eq!(status.message, Some(text));
}

/// \[C7\]
#[test]
fn offers_of_two_roles_in_one_accept_are_invalid() {
    let mut world = World::new(&[(1024, 1024), (1024, 1024)]);
    let roles = vec!["a".to_owned(), "b".to_owned()];
    let info = FrameworkInfo { roles, ..framework("one") };
    let client = world.subscribe(able(info, &[Capability::MultiRole]));
    world.soon();
    let offers = world.offers(&client);
    let role = |offer: &Offer| offer.allocation_info.clone().and_then(|info| info.role);
    let [one, two] = &*offers else { panic!("two offers, not {offers:?}") };
    let (Some(first), Some(second)) = (role(one), role(two)) else {
        panic!("they say their roles")
    };
    assert_ne!(first, second, "each role gets one");
    let ids = vec![one.id.clone(), two.id.clone()];
    accept(&mut world, &client, ids, vec![launch(sleeper("t1", one, 0.1, 32.0))]);
    let message = world.update(&client).message.unwrap_or_default();
    let text = format!(
        "Task launched with invalid offers: Aggregated offers must be allocated to the same role. Offer {} uses role '{second}' but another is using role '{first}'",
        two.id.value
    );
    assert_eq!(message, text);
}
