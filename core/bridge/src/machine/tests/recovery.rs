//! After a start the cluster is read before anyone is answered, and what runs is taken over.

use longshore_replica::{Asked, LastStatus, Question, StopCode, StopTask, Task, TasksAsk};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::{FrameworkId, TaskId, TaskState, TaskStatus};

use super::world::{World, framework, kind, returning, total};
use crate::machine::Response;

fn not_yet() -> Response {
    Response::Refused(503, "Master has not finished recovery".to_owned())
}

pub(super) fn reconcile(id: &str) -> Call {
    let task = call::reconcile::Task { task_id: TaskId { value: id.to_owned() }, agent_id: None };
    Call { reconcile: Some(call::Reconcile { tasks: vec![task] }), ..kind(Type::Reconcile) }
}

/// \[R4\]
#[test]
fn nobody_is_answered_before_the_cluster_was_read() {
    let mut world = World::unread(&[(4096, 4096)]);
    world.cluster.reachable = false;
    world.run_for(3_500);
    assert_eq!(world.open(framework("one")), not_yet());
    let framework_id = Some(FrameworkId { value: "some-framework".to_owned() });
    // Silence about a task that is not known yet, too: whoever is told "unknown" starts it again.
    assert_eq!(
        world.post(Call { framework_id, ..reconcile("t1") }, Some("stream".to_owned())),
        not_yet()
    );
    world.cluster.reachable = true;
    world.run_for(1_000);
    assert!(matches!(world.open(framework("one")), Response::Stream(..)));
}

/// \[R4\], \[T9\]
#[test]
fn a_task_that_runs_is_adopted_by_its_environment() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    let before = world.cluster.starts.len();
    world.restart();
    let again = world.subscribe(returning(&client));
    assert_eq!(again.id, client.id);
    let status = world.update(&again);
    assert_eq!((status.state(), status.task_id.value.as_str()), (TaskState::TaskRunning, "t1"));
    let offer = world.offer(&again);
    assert_eq!(total(std::slice::from_ref(&offer), "cpus"), 3_000, "what it holds is not offered");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&again).state(), TaskState::TaskFinished);
    assert_eq!(world.cluster.starts.len(), before);
}

/// \[F22\], \[D3\]
#[test]
fn a_framework_is_shown_as_recovered_by_a_master_of_another_id_until_it_is_back() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.running(&client, "t1");
    let before = world.view().master().master.id.clone();
    assert!(!world.seen(&client).view().recovered);
    world.restart();
    let seen = world.seen(&client);
    assert_eq!((seen.view().recovered, seen.tasks().count()), (true, 1));
    assert_ne!(world.view().master().master.id, before);
    let again = world.subscribe(returning(&client));
    assert!(!world.seen(&again).view().recovered);
}

#[test]
fn a_task_that_was_starting_is_adopted_and_told_when_it_runs() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    world.restart();
    let again = world.subscribe(returning(&client));
    assert!(world.updates(&again).is_empty());
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    assert_eq!(world.update(&again).state(), TaskState::TaskRunning);
}

/// \[T9\]: nobody knows whether its end was acknowledged.
#[test]
fn a_task_that_has_ended_is_told_once_more() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    world.restart();
    let again = world.subscribe(returning(&client));
    assert_eq!(world.update(&again).state(), TaskState::TaskFinished);
    world.run_for(700_000);
    assert!(world.updates(&again).is_empty());
    assert_eq!(world.call(&again, reconcile("t1")), Response::Accepted);
    assert_eq!(world.update(&again).state(), TaskState::TaskLost, "it is not known any more");
}

/// \[T9\]: that it runs, after it was said to have failed, would look like a second run.
#[test]
fn that_a_task_ran_is_not_told_again_once_it_is_over() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.tasks.get_mut(&arn).expect("it is there").ran = true;
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(3));
    world.soon();
    let failed = world.update(&client);
    world.acknowledge(&client, &failed);
    world.restart();
    let again = world.subscribe(returning(&client));
    let told: Vec<TaskState> = world.updates(&again).iter().map(TaskStatus::state).collect();
    assert_eq!(told, [TaskState::TaskFailed]);
}

/// \[F22\]: nobody knows whether it was removed; what it may not have heard is kept for it.
#[test]
fn a_framework_of_which_nothing_runs_is_shown_only_once_it_is_back() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    world.restart();
    assert_eq!(world.view().shown().count(), 0);
    let again = world.subscribe(returning(&client));
    assert_eq!(world.view().shown().count(), 1);
    assert_eq!(world.update(&again).state(), TaskState::TaskFinished);
}

#[test]
fn of_several_tasks_with_one_id_only_the_latest_counts() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let first = world.running(&client, "t1");
    world.cluster.ends(&first, StopCode::EssentialContainerExited, Some(1));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskFailed);
    world.offers(&client);
    world.restart();
    let again = world.subscribe(returning(&client));
    assert_eq!(world.update(&again).state(), TaskState::TaskFailed);
    world.running(&again, "t1");
    world.restart();
    let once_more = world.subscribe(returning(&client));
    let states: Vec<TaskState> = world.updates(&once_more).iter().map(TaskStatus::state).collect();
    assert_eq!(states, [TaskState::TaskRunning]);
}

#[test]
fn tasks_of_others_are_left_alone() {
    let mut world = World::unread(&[(4096, 4096)]);
    let instance = world.cluster.instances.keys().next().cloned();
    let foreign = Task {
        arn: "arn:aws:ecs:us-east-1:123456789012:task/default/foreign".into(),
        instance_arn: instance,
        last_status: LastStatus::Running,
        desired_running: true,
        started_by: Some("ecs-svc/1".into()),
        version: 3,
        ..Default::default()
    };
    world.cluster.tasks.insert(foreign.arn.clone(), foreign);
    world.soon();
    let client = world.subscribe(framework("one"));
    world.run_for(60_000);
    assert!(world.cluster.stops.is_empty() && world.updates(&client).is_empty());
}

/// Those that run and those that do not are listed one after the other.
#[test]
fn a_task_that_is_told_to_stop_between_two_listings_is_one_task() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.hold = Some(|ask| {
        matches!(ask, Question::Tasks(_, TasksAsk::List { desired_running: false, .. }))
    });
    world.restart();
    let stop = StopTask { task: arn.clone(), reason: "maintenance".into() };
    let now = world.now;
    world.cluster.answer(now, Question::Stop(Asked::new(1_000_000), stop));
    world.release();
    world.run_for(5_000);
    assert_eq!((world.cluster.stops.len(), world.size("launches given up")), (1, 0));
    let again = world.subscribe(returning(&client));
    assert_eq!(world.update(&again).state(), TaskState::TaskRunning);
    world.cluster.ends_with(&arn, StopCode::UserInitiated, Some(143), None, "maintenance");
    world.soon();
    assert_eq!(world.update(&again).state(), TaskState::TaskFailed);
}
