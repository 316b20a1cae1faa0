//! KILL, wherever the task is on its way. Rules \[C32\] and \[C33\].

use longshore_replica::{DefinitionAsk, Question, StopCode};
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    DurationInfo, ExecutorId, KillPolicy, TaskId, TaskInfo, TaskState, TaskStatus,
};

use super::cluster::Fate;
use super::world::{Client, World, able, agent, framework, kind, sleeper};
use crate::limits::{SETTLE_LOOKS, SETTLE_MS, STOP_RETRY_MS};
use crate::machine::Response;

/// \[C33\]
#[test]
fn a_task_whose_definition_is_still_looked_for_is_killed_before_it_starts() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.hold = Some(|ask| matches!(ask, Question::Definition(_, DefinitionAsk::Describe(_))));
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    world.kill(&client, "t1");
    let status = world.updates(&client).pop().expect("nothing has to be waited for");
    assert_eq!(
        (status.state(), status.reason()),
        (TaskState::TaskKilled, Reason::TaskKilledDuringLaunch)
    );
    assert!(status.uuid.is_some());
    world.release();
    world.run_for(5_000);
    world.acknowledge(&client, &status);
    world.run_for(60_000);
    assert!(world.cluster.starts.is_empty() && world.size("launches") == 0);
}

/// Launches of equal content wait for one definition; the first of them may leave.
#[test]
fn a_launch_that_waits_behind_one_that_was_killed_still_starts() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.hold = Some(|ask| matches!(ask, Question::Definition(_, DefinitionAsk::Describe(_))));
    let tasks = ["t1", "t2"].map(|id| sleeper(id, &offer, 1.0, 128.0));
    world.launch(&client, &[&offer], tasks.into());
    world.kill(&client, "t1");
    assert_eq!(world.update(&client).state(), TaskState::TaskKilled);
    world.release();
    world.run_for(5_000);
    assert_eq!(world.cluster.starts.len(), 1);
    let arn = world.cluster.arn_of("t2");
    world.cluster.runs(&arn);
    world.soon();
    assert!(world.updates(&client).iter().any(|status| status.task_id.value == "t2"));
}

#[test]
fn a_task_whose_start_is_on_its_way_is_killed_when_it_is_known() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.hold = Some(|ask| matches!(ask, Question::Start(..)));
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    world.kill(&client, "t1");
    world.run_for(5_000);
    assert!(world.updates(&client).is_empty(), "nobody knows yet what there is to kill");
    world.release();
    let arn = world.cluster.arn_of("t1");
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(137));
    world.soon();
    let status = world.update(&client);
    assert_eq!((status.state(), &*status.task_id.value), (TaskState::TaskKilled, "t1"));
}

#[test]
fn a_kill_while_the_start_turns_out_to_be_refused_is_a_kill() {
    let fates =
        [Fate::NotStarted("RESOURCE:CPU"), Fate::Throttled, Fate::NotDone, Fate::LostBefore];
    for fate in fates {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        world.cluster.fates.push_back(fate);
        let offer = world.offer(&client);
        world.hold = Some(|ask| matches!(ask, Question::Start(..)));
        world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
        world.kill(&client, "t1");
        world.release();
        let looked_for = SETTLE_MS * u64::from(SETTLE_LOOKS);
        let mut told = Vec::new();
        for _ in 0..=looked_for / 1_000 {
            world.run_for(1_000);
            for status in world.updates(&client) {
                world.acknowledge(&client, &status);
                told.push(status.state());
            }
        }
        assert_eq!(told, [TaskState::TaskKilled], "{fate:?}");
        assert_eq!(world.cluster.starts.len(), 1, "{fate:?}");
    }
}

#[test]
fn a_task_whose_reply_was_lost_is_killed_once_it_is_found() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.push_back(Fate::LostAfter);
    world.launched(&client, "t1");
    world.kill(&client, "t1");
    world.run_for(2 * SETTLE_MS);
    let arn = world.cluster.arn_of("t1");
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.cluster.ends(&arn, StopCode::UserInitiated, None);
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskKilled);
}

#[test]
fn a_task_that_runs_is_stopped_and_told_killed_when_the_cluster_says_so() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.kill(&client, "t1");
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.run_for(5_000);
    assert!(
        world.updates(&client).is_empty(),
        "it runs as long as the cluster does not say otherwise"
    );
    // It caught the signal and left in peace: killed all the same.
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(0));
    world.soon();
    let status = world.update(&client);
    assert_eq!(
        (status.state(), status.message.as_deref()),
        (TaskState::TaskKilled, Some("Killed by the framework"))
    );
}

/// \[O27\]
#[test]
fn a_framework_that_knows_task_killing_hears_it_first() {
    let mut world = World::new(&[(4096, 4096)]);
    let client = world.subscribe(able(framework("one"), &[Capability::TaskKillingState]));
    let arn = world.running(&client, "t1");
    world.kill(&client, "t1");
    assert_eq!(world.update(&client).state(), TaskState::TaskKilling);
    world.kill(&client, "t1");
    world.soon();
    assert!(world.updates(&client).is_empty(), "it hears it once");
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskKilled);
}

#[test]
fn a_stop_that_the_cluster_did_not_hear_is_repeated() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.reachable = false;
    world.kill(&client, "t1");
    world.run_for(3 * STOP_RETRY_MS);
    assert!(world.cluster.stops.is_empty());
    world.cluster.reachable = true;
    world.run_for(2 * STOP_RETRY_MS);
    assert_eq!(world.cluster.stops, [arn], "until it is heard, and not longer");
}

/// \[C32\], \[R3\]: an unknown task is reconciled, and a task whose end was acknowledged is unknown.
#[test]
fn a_kill_of_an_unknown_task_is_answered_like_a_question_about_it() {
    let unknown = "Reconciliation: Task is unknown";
    let not_there = "Reconciliation: Task is unknown to the agent";
    for (info, states) in [
        (framework("one"), [TaskState::TaskLost; 4]),
        (
            able(framework("one"), &[Capability::PartitionAware]),
            [
                TaskState::TaskUnknown,
                TaskState::TaskGone,
                TaskState::TaskUnknown,
                TaskState::TaskGone,
            ],
        ),
    ] {
        let mut world = World::new(&[(4096, 4096)]);
        let client = world.subscribe(info);
        let arn = world.running(&client, "ended");
        world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
        world.soon();
        assert_eq!(world.update(&client).state(), TaskState::TaskFinished);
        let here = agent(&world.cluster.starts[0].instance.clone());
        let kills = [
            ("nosuch", None, unknown),
            ("nosuch", Some(here.clone()), not_there),
            ("nosuch", Some(agent("x/no-such-agent")), unknown),
            ("ended", Some(here), not_there),
        ];
        for ((id, agent_id, message), state) in kills.into_iter().zip(states) {
            let task_id = TaskId { value: id.to_owned() };
            let kill = call::Kill { task_id, agent_id: agent_id.clone(), ..Default::default() };
            let call = Call { kill: Some(kill), ..kind(Type::Kill) };
            assert_eq!(world.call(&client, call), Response::Accepted);
            let status = world.update(&client);
            let expected = TaskStatus {
                task_id: TaskId { value: id.to_owned() },
                state: state.into(),
                message: Some(message.to_owned()),
                source: Some(Source::Master.into()),
                reason: Some(Reason::Reconciliation.into()),
                agent_id,
                timestamp: status.timestamp,
                ..Default::default()
            };
            assert_eq!(status, expected);
        }
        assert!(world.cluster.stops.is_empty());
    }
}

/// \[C32\]
#[test]
fn a_kill_that_names_another_agent_is_ignored() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.running(&client, "t1");
    let kill = call::Kill {
        task_id: TaskId { value: "t1".to_owned() },
        agent_id: Some(agent("x/elsewhere")),
        ..Default::default()
    };
    assert_eq!(
        world.call(&client, Call { kill: Some(kill), ..kind(Type::Kill) }),
        Response::Accepted
    );
    world.run_for(10_000);
    assert!(world.cluster.stops.is_empty() && world.updates(&client).is_empty());
}

/// \[C33\]: a task that has ended and is not acknowledged is known, and there is nothing left to kill.
#[test]
fn a_kill_of_a_task_that_has_ended_changes_nothing() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    let finished = world.updates(&client).pop().expect("it is told");
    world.kill(&client, "t1");
    world.soon();
    assert_eq!(world.updates(&client).iter().map(TaskStatus::state).collect::<Vec<_>>(), []);
    assert!(world.cluster.stops.is_empty());
    world.acknowledge(&client, &finished);
    assert!(world.size("launches") == 0);
}

fn policy(seconds: i64) -> KillPolicy {
    let grace_period = Some(DurationInfo { nanoseconds: seconds * 1_000_000_000 });
    KillPolicy { grace_period }
}

fn kill_within(world: &mut World, client: &Client, id: &str, seconds: i64) {
    let task_id = TaskId { value: id.to_owned() };
    let kill = call::Kill { task_id, kill_policy: Some(policy(seconds)), ..Default::default() };
    let call = Call { kill: Some(kill), ..kind(Type::Kill) };
    assert_eq!(world.call(client, call), Response::Accepted);
}

/// \[A12\]: ECS takes no grace period with a stop, so a KILL that wants another is told so, and an operator once.
#[test]
fn a_grace_period_that_a_kill_brings_and_that_cannot_be_kept_is_never_dropped_in_silence() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let tasks = ["t1", "t2"].map(|id| (id, world.running(&client, id)));
    for (id, arn) in tasks {
        kill_within(&mut world, &client, id, 60);
        kill_within(&mut world, &client, id, 60);
        world.cluster.ends(&arn, StopCode::UserInitiated, Some(137));
        world.soon();
        let status = world.update(&client);
        assert_eq!(status.state(), TaskState::TaskKilled);
        let text = "Killed by the framework; the grace period of 60 s that KILL asked for did not apply: Amazon ECS keeps to the stopTimeout of the task definition";
        assert_eq!(status.message.as_deref(), Some(text));
    }
    let notes = world.notes.iter().filter(|note| note.contains("grace period"));
    assert_eq!(notes.count(), 1, "{:?}", world.notes);
}

/// \[A12\]
#[test]
fn a_kill_that_gives_the_grace_period_of_the_task_itself_gets_it() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let task = TaskInfo { kill_policy: Some(policy(60)), ..sleeper("t1", &offer, 1.0, 128.0) };
    world.launch(&client, &[&offer], vec![task]);
    assert_eq!(world.cluster.registrations[0].stop_timeout_s, Some(60));
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    world.update(&client);
    kill_within(&mut world, &client, "t1", 60);
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(137));
    world.soon();
    assert_eq!(world.update(&client).message.as_deref(), Some("Killed by the framework"));
    assert!(world.notes.is_empty(), "{:?}", world.notes);
}

/// \[C34\], \[T20\]: the executor of a task that is no group's has the id of the task.
#[test]
fn a_task_ends_with_its_executor() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    let instance = world.cluster.tasks[&arn].instance_arn.clone().expect("it is on one");
    let shutdown = |on: &str, executor: &str| Call {
        shutdown: Some(call::Shutdown {
            executor_id: ExecutorId { value: executor.to_owned() },
            agent_id: agent(on),
        }),
        ..kind(Type::Shutdown)
    };
    for (on, executor) in [("cluster/nosuch", "t1"), (&*instance, "t2")] {
        assert_eq!(world.call(&client, shutdown(on, executor)), Response::Accepted);
        assert!(world.cluster.stops.is_empty());
    }
    assert_eq!(world.call(&client, shutdown(&instance, "t1")), Response::Accepted);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskKilled);
}
