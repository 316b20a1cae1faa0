//! A master ended with a launch on its way, and the cluster shows the task only after the next one has read everything.

use longshore_replica::{Question, StartTask, StopCode, Task};
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{AgentId, TaskState, TaskStatus};

use super::recovery::reconcile;
use super::world::{Client, World, kind, returning, sleeper};
use crate::limits::STRAY_LOOKS_END_MS;
use crate::machine::Response;

const CAPACITY: &[(u32, u32)] = &[(4096, 4096)];

/// A new master, its framework back, and the request of `t1` that the old one sent and nobody has heard of yet.
fn with_one_on_its_way() -> (World, Client, StartTask) {
    let (mut world, client) = World::with_client(CAPACITY);
    world.hold = Some(|ask| matches!(ask, Question::Start(..)));
    world.launched(&client, "t1");
    world.soon();
    let sent = world.held_start();
    world.hold = None;
    world.restart();
    let again = world.subscribe(returning(&client));
    assert!(world.updates(&again).is_empty());
    (world, again, sent)
}

fn stray(world: &mut World, sent: &StartTask) -> Task {
    let now = world.now;
    world.cluster.accept(now, sent);
    world.cluster.tasks[&world.cluster.arn_of("t1")].clone()
}

#[test]
fn a_launch_that_shows_up_after_recovery_is_taken_over() {
    let (mut world, client, sent) = with_one_on_its_way();
    let task = stray(&mut world, &sent);
    world.cluster.runs(&task.arn);
    world.run_for(3_000);
    let status = world.update(&client);
    assert_eq!((status.state(), status.task_id.value.as_str()), (TaskState::TaskRunning, "t1"));
    world.cluster.ends(&task.arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    assert!(world.cluster.stops.is_empty());
}

/// \[R4\]
#[test]
fn nothing_is_said_of_a_task_that_may_still_show_up() {
    let (mut world, client, sent) = with_one_on_its_way();
    assert_eq!(world.call(&client, reconcile("t1")), Response::Accepted);
    assert!(world.updates(&client).is_empty(), "whoever hears that it is unknown starts it again");
    let task = stray(&mut world, &sent);
    world.cluster.runs(&task.arn);
    world.run_for(3_000);
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
    for _ in 0..3 {
        assert_eq!(world.call(&client, reconcile("t2")), Response::Accepted);
    }
    assert!(world.updates(&client).is_empty());
    // Whoever has asked is answered once, as soon as that can be said; also about t1, which was asked about first of all.
    world.run_for(STRAY_LOOKS_END_MS);
    let answers = world.updates(&client);
    let answers: Vec<_> =
        answers.iter().map(|status| (&*status.task_id.value, status.state())).collect();
    assert_eq!(answers, [("t1", TaskState::TaskRunning), ("t2", TaskState::TaskLost)]);
    assert_eq!(world.call(&client, reconcile("t2")), Response::Accepted);
    assert_eq!(world.update(&client).state(), TaskState::TaskLost);
}

/// \[R3\], \[R4\]: Marathon asks about a task on an agent that it made up, to hear whether the master is there.
#[test]
fn what_cannot_show_up_is_answered_at_once() {
    let (mut world, client, _) = with_one_on_its_way();
    let asked = |agent: &str| {
        let mut call = reconcile("made-up");
        let tasks = call.reconcile.iter_mut().flat_map(|reconcile| &mut reconcile.tasks);
        tasks.for_each(|task| task.agent_id = Some(AgentId { value: agent.to_owned() }));
        call
    };
    assert_eq!(world.call(&client, asked("no-such-agent")), Response::Accepted);
    let status = world.update(&client);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::Reconciliation));
    let agent = world.cluster.instances.values().next().expect("one").id().to_owned();
    assert_eq!(world.call(&client, asked(&agent)), Response::Accepted);
    assert!(world.updates(&client).is_empty(), "a task may show up on an agent that is there");
}

#[test]
fn one_that_shows_up_a_minute_late_is_taken_over_too_even_if_it_is_over() {
    let (mut world, client, sent) = with_one_on_its_way();
    world.run_for(58_000);
    let task = stray(&mut world, &sent);
    world.cluster.runs(&task.arn);
    world.cluster.ends(&task.arn, StopCode::EssentialContainerExited, Some(3));
    world.run_for(5_000);
    let states: Vec<TaskState> = world.updates(&client).iter().map(TaskStatus::state).collect();
    assert_eq!(states, [TaskState::TaskFailed]);
}

/// Its framework was told that it is lost, and launched it anew: two of them may not run.
#[test]
fn one_that_was_launched_again_meanwhile_is_stopped() {
    let (mut world, client, sent) = with_one_on_its_way();
    let second = world.running(&client, "t1");
    let first = stray(&mut world, &sent);
    assert_ne!(first.arn, second);
    world.run_for(3_000);
    assert_eq!(world.cluster.stops, [first.arn]);
    assert!(world.updates(&client).is_empty(), "its framework hears nothing of it");
}

#[test]
fn one_of_a_framework_that_was_torn_down_is_stopped() {
    let (mut world, client, sent) = with_one_on_its_way();
    assert_eq!(world.call(&client, Call { ..kind(Type::Teardown) }), Response::Accepted);
    let task = stray(&mut world, &sent);
    world.run_for(3_000);
    assert_eq!(world.cluster.stops, [task.arn]);
}

/// A stop that is lost is sent again, since nobody else will.
#[test]
fn a_stray_that_goes_on_is_stopped_again() {
    let (mut world, client, sent) = with_one_on_its_way();
    world.running(&client, "t1");
    let task = stray(&mut world, &sent);
    world.hold = Some(|ask| matches!(ask, Question::Stop(..)));
    world.run_for(5_000);
    assert!(world.cluster.stops.is_empty());
    world.lose_held();
    world.run_for(40_000);
    assert_eq!(world.cluster.stops, [task.arn]);
}

#[test]
fn a_task_of_this_master_that_was_quick_is_not_told_twice() {
    let (mut world, client, _) = with_one_on_its_way();
    let arn = world.running(&client, "t2");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    world.run_for(100_000);
    assert!(world.updates(&client).is_empty() && world.cluster.stops.is_empty());
}

/// Two of one id, both running, that recovery finds at once.
#[test]
fn of_two_that_run_under_one_id_the_older_is_stopped() {
    let (mut world, client) = World::with_client(CAPACITY);
    let first = world.running(&client, "t1");
    let mut copy = world.cluster.starts[0].clone();
    copy.started_by = "ls-another".into();
    world.run_for(1_000);
    let now = world.now;
    world.cluster.accept(now, &copy);
    let second = world.cluster.arn_of("t1");
    world.restart();
    assert_eq!(world.cluster.stops, [first]);
    let again = world.subscribe(returning(&client));
    world.cluster.runs(&second);
    world.soon();
    assert_eq!(world.update(&again).state(), TaskState::TaskRunning);
}

/// Its framework is with another master of this cluster, which knew that the first was over: that one must not lose the second.
#[test]
fn one_that_another_master_launched_again_takes_the_place_of_the_first() {
    let (mut world, client) = World::with_client(CAPACITY);
    let first = world.running(&client, "t1");
    let mut copy = world.cluster.starts[0].clone();
    copy.started_by = "ls-another".into();
    world.restart();
    let now = world.now;
    world.cluster.accept(now, &copy);
    let second = world.cluster.arn_of("t1");
    world.cluster.runs(&second);
    world.run_for(3_000);
    assert_eq!(world.cluster.stops, [first]);
    let again = world.subscribe(returning(&client));
    let status = world.update(&again);
    assert_eq!(status.state(), TaskState::TaskRunning);
    let container = status.container_status.and_then(|one| one.container_id).expect("it is told");
    assert!(second.ends_with(&container.value.replace('-', "")), "{second}");
}

#[test]
fn the_looks_end_after_a_minute() {
    let (mut world, client, _) = with_one_on_its_way();
    for offer in world.offers(&client) {
        world.decline(&client, &offer, 1e9);
    }
    world.run_for(100_000);
    let before = world.cluster.listings;
    world.run_for(600_000);
    assert_eq!(world.cluster.listings, before);
}

#[test]
fn a_cluster_without_a_sign_of_a_last_master_is_not_searched_for_its_launches() {
    let mut world = World::new(CAPACITY);
    let listings = world.cluster.listings;
    world.run_for(100_000);
    assert_eq!(world.cluster.listings, listings);
}

#[test]
fn what_a_stray_claims_is_not_on_offer_any_more() {
    let (mut world, client, mut sent) = with_one_on_its_way();
    let offer = world.offer(&client);
    sent.environment
        .insert("LONGSHORE_CLAIM".into(), "cpus:1; mem:128; ports:[31000-31000]".into());
    stray(&mut world, &sent);
    world.run_for(3_000);
    assert_eq!(world.rescinded(&client), [offer.id.value]);
}

/// Of several tasks of one id only the latest counts: nobody could acknowledge the end of the one before.
#[test]
fn a_stray_takes_the_place_of_a_task_of_the_same_id_that_has_ended() {
    let (mut world, client) = World::with_client(CAPACITY);
    let first = world.running(&client, "t1");
    world.cluster.ends(&first, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
    world.hold = Some(|ask| matches!(ask, Question::Start(..)));
    let offer = world.offers(&client).pop().expect("there is room again");
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    let sent = world.held_start();
    world.hold = None;
    world.restart();
    let again = world.subscribe(returning(&client));
    assert_eq!(world.updates(&again).len(), 1, "the end of the first is told once more");
    let second = stray(&mut world, &sent);
    world.cluster.runs(&second.arn);
    world.run_for(3_000);
    assert_eq!(world.update(&again).state(), TaskState::TaskRunning);
    world.run_for(700_000);
    assert!(world.updates(&again).is_empty(), "the second runs");
    assert_eq!(world.size("launches"), 1);
}
