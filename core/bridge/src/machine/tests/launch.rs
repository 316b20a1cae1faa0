//! From an accepted offer to a task on the cluster: at most once, whatever happens to `StartTask`.

use longshore_replica::StopCode;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{CommandInfo, TaskInfo, TaskState, TaskStatus};

use super::cluster::Fate;
use super::world::{World, able, framework, made_up, sleeper, total};
use crate::happening::Happening;
use crate::limits::{SETTLE_LOOKS, SETTLE_MS, STARTING_AFTER_MS};

/// Longer than a lost launch is looked for.
const LOOKED_FOR_MS: u64 = SETTLE_MS * (SETTLE_LOOKS as u64 + 5);

#[test]
fn an_accepted_task_is_started_where_it_was_offered_and_says_whose_it_is() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let agent = world.seen(&client).task("t1").expect("it is shown").agent.clone();
    let [start] = &*world.cluster.starts else {
        panic!("one start, not {:?}", world.cluster.starts)
    };
    assert!(start.instance.ends_with(&*agent));
    assert!(start.started_by.len() <= 36, "{} is too long for startedBy", start.started_by);
    assert_eq!((start.cpu, start.memory_mib), (Some(1024), Some(128)));
    assert_eq!(start.command.as_deref(), Some(&["sleep 1000".into()][..]));
    let variable = |name: &str| start.environment.get(name).map(|value| &**value);
    assert_eq!(variable("MESOS_TASK_ID"), Some("t1"));
    assert_eq!(variable("MESOS_FRAMEWORK_ID"), Some(&*client.id));
    assert_eq!(variable("LONGSHORE_CLAIM"), Some("cpus:1; mem:128"));
    assert!(world.updates(&client).is_empty(), "nothing is claimed that the cluster did not say");
}

#[test]
fn running_is_said_when_the_cluster_says_so_with_an_address() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    let status = world.update(&client);
    assert_eq!((status.state(), status.source()), (TaskState::TaskRunning, Source::Executor));
    assert_eq!(status.uuid.map(|uuid| uuid.len()), Some(16));
    // [T20], [T21]
    assert_eq!(status.executor_id.map(|id| id.value), Some("t1".to_owned()));
    let container = status.container_status.expect("from RUNNING on");
    assert!(container.network_infos[0].ip_addresses[0].ip_address.is_some());
}

#[test]
fn a_task_that_is_long_on_its_way_is_starting() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.launched(&client, "t1");
    world.run_for(STARTING_AFTER_MS - 1);
    assert!(world.updates(&client).is_empty());
    world.run_for(1);
    assert_eq!(world.update(&client).state(), TaskState::TaskStarting);
}

#[test]
fn equal_content_is_registered_once() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let tasks = ["t1", "t2", "t3"].map(|id| sleeper(id, &offer, 0.5, 64.0));
    world.launch(&client, &[&offer], tasks.into());
    world.soon();
    // What the second and the third have is taken off twice until a reading shows them, and then offered too.
    let rest = world.offers(&client);
    world.launch(&client, &[&rest[0]], vec![sleeper("t4", &rest[0], 0.5, 64.0)]);
    assert_eq!((world.cluster.registrations.len(), world.cluster.starts.len()), (1, 4));
}

#[test]
fn a_command_that_names_a_definition_runs_that_definition() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.define("web", 256, 512);
    let offer = world.offer(&client);
    let mut task = sleeper("t1", &offer, 1.0, 128.0);
    task.command = Some(CommandInfo { value: Some("web".to_owned()), ..Default::default() });
    world.launch(&client, &[&offer], vec![task]);
    let start = &world.cluster.starts[0];
    assert!(start.definition.ends_with("task-definition/web:1"), "{}", start.definition);
    assert_eq!((&start.command, start.cpu, start.memory_mib), (&None, None, None));
    assert!(world.cluster.registrations.is_empty());
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    let told = world.update(&client).message.unwrap_or_default();
    assert!(told.contains("1024 CPU units claimed, 256 reserved"), "{told}");
}

#[test]
fn a_launch_whose_reply_is_lost_is_found_and_not_asked_for_again() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.push_back(Fate::LostAfter);
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.run_for(SETTLE_MS + 500);
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
    world.run_for(LOOKED_FOR_MS);
    assert!(world.updates(&client).is_empty());
    assert_eq!((world.cluster.starts.len(), world.cluster.tasks.len()), (1, 1));
}

#[test]
fn a_launch_that_is_not_found_for_long_is_lost_and_never_asked_for_again() {
    for (info, state) in [
        (framework("one"), TaskState::TaskLost),
        (able(framework("one"), &[Capability::PartitionAware]), TaskState::TaskDropped),
    ] {
        let mut world = World::new(&[(4096, 4096)]);
        let client = world.subscribe(info);
        world.cluster.fates.push_back(Fate::LostBefore);
        world.launched(&client, "t1");
        world.run_for(SETTLE_MS * u64::from(SETTLE_LOOKS) - 1);
        assert!(world.updates(&client).is_empty(), "it may still be found");
        world.run_for(1_001);
        let status = world.update(&client);
        assert_eq!((status.state(), status.reason()), (state, Reason::InvalidOffers));
        assert_eq!((status.source(), status.uuid), (Source::Master, None));
        let is_said = |what: &Happening| matches!(what, Happening::Became { task, state: told, why: Some(_), .. } if task == "t1" && *told == state);
        assert_eq!(world.happened.iter().filter(|what| is_said(what)).count(), 1);
        world.run_for(60_000);
        assert_eq!(world.cluster.starts.len(), 1);
        assert!(world.updates(&client).is_empty());
    }
}

#[test]
fn a_launch_that_shows_up_after_it_was_given_up_is_stopped() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.push_back(Fate::LostBefore);
    world.launched(&client, "t1");
    world.run_for(LOOKED_FOR_MS);
    assert_eq!(world.update(&client).state(), TaskState::TaskLost);
    let late = world.cluster.starts[0].clone();
    world.cluster.accept(world.now, &late);
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.run_for(60_000);
    assert_eq!(world.cluster.stops, [arn]);
    assert!(world.updates(&client).is_empty());
}

/// Only a look that was answered counts.
#[test]
fn a_launch_is_not_given_up_while_the_cluster_cannot_be_asked() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.push_back(Fate::LostAfter);
    world.launched(&client, "t1");
    world.cluster.reachable = false;
    world.run_for(10 * LOOKED_FOR_MS);
    assert!(world.updates(&client).is_empty());
    world.cluster.reachable = true;
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.run_for(2 * SETTLE_MS);
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
    assert_eq!(world.cluster.starts.len(), 1);
}

#[test]
fn a_start_that_is_throttled_or_cannot_be_sent_is_asked_for_again() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.extend([Fate::Throttled, Fate::NotDone]);
    world.launched(&client, "t1");
    assert_eq!(world.cluster.starts.len(), 1);
    world.run_for(2 * SETTLE_MS);
    let started_by: Vec<_> = world.cluster.starts.iter().map(|start| &start.started_by).collect();
    assert_eq!(started_by.len(), 3);
    assert!(started_by.iter().all(|id| *id == started_by[0]), "it is one launch");
    assert_eq!(world.cluster.tasks.len(), 1);
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    assert_eq!(world.update(&client).state(), TaskState::TaskRunning);
}

#[test]
fn a_definition_is_looked_up_until_the_cluster_answers() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.cluster.reachable = false;
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 128.0)]);
    world.run_for(30_000);
    assert!(world.cluster.starts.is_empty() && world.updates(&client).is_empty());
    world.cluster.reachable = true;
    world.run_for(2_000);
    assert_eq!(world.cluster.starts.len(), 1);
}

#[test]
fn a_start_that_is_refused_is_an_error_of_the_task() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.cluster.fates.push_back(Fate::Refused);
    world.launched(&client, "t1");
    let status = world.update(&client);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskInvalid));
    assert_eq!(status.message.as_deref(), Some("ClientException: it is wrong"));
    // [T7]
    assert_eq!(status.uuid, None);
}

/// \[C8\], \[C10\]
#[test]
fn a_start_that_the_instance_cannot_take_is_lost_with_the_reason() {
    for (failure, reason) in [
        ("RESOURCE:CPU", Reason::InvalidOffers),
        ("AGENT", Reason::AgentDisconnected),
        ("INACTIVE", Reason::AgentRemoved),
    ] {
        let (mut world, client) = World::with_client(&[(4096, 4096)]);
        world.cluster.fates.push_back(Fate::NotStarted(failure));
        world.launched(&client, "t1");
        let status = world.update(&client);
        assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, reason));
        assert!(status.message.unwrap_or_default().contains(failure));
        world.soon();
        assert_eq!(
            total(&world.offers(&client), "cpus"),
            4_000,
            "what was never held can be had again"
        );
    }
}

/// \[C7\], \[C8\]
#[test]
fn offers_of_two_agents_in_one_accept_are_all_discarded_and_offered_again() {
    let (mut world, client) = World::with_client(&[(1024, 1024), (1024, 1024)]);
    world.soon();
    let offers = world.offers(&client);
    let [one, two] = &*offers else { panic!("two offers, not {offers:?}") };
    world.launch(
        &client,
        &[one, two],
        vec![sleeper("t1", one, 0.5, 64.0), sleeper("t2", two, 0.5, 64.0)],
    );
    let updates = world.updates(&client);
    assert_eq!(updates.len(), 2);
    for status in updates {
        assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::InvalidOffers));
        assert_eq!((status.source(), status.uuid), (Source::Master, None));
        let text = format!(
            "Task launched with invalid offers: Aggregated offers must belong to one single agent. Offer {} uses agent {} and agent {}",
            two.id.value, two.agent_id.value, one.agent_id.value
        );
        assert_eq!(status.message, Some(text));
    }
    world.soon();
    let again = world.offers(&client);
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|offer| offer.id != one.id && offer.id != two.id));
    assert!(world.cluster.starts.is_empty() && world.rescinded(&client).is_empty());
}

/// \[C7\]
#[test]
fn bad_offer_ids_are_told_in_the_order_of_the_checks() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let mut offer = world.offer(&client);
    let unknown = made_up("no-such-offer", &offer);
    for (offers, text) in [
        (vec![], "No offers specified"),
        (vec![&unknown, &unknown], "Duplicate offer no-such-offer in offer list"),
        (vec![&unknown], "Offer no-such-offer is no longer valid"),
    ] {
        world.launch(&client, &offers, vec![sleeper("t1", &offer, 0.5, 64.0)]);
        let message = world.update(&client).message.unwrap_or_default();
        assert_eq!(message, format!("Task launched with invalid offers: {text}"));
    }
    // None of these touched the offer that is out.
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 0.5, 64.0)]);
    assert_eq!(world.cluster.starts.len(), 1);
    offer = world.offer(&client);
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 0.1, 64.0)]);
    let status = world.update(&client);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskError, Reason::TaskInvalid));
    assert_eq!(status.message.as_deref(), Some("Task has duplicate ID: t1"));
}

/// \[C8\]: the offer of another framework goes as well, without RESCIND.
#[test]
fn an_offer_of_another_framework_is_discarded_with_the_accept_that_names_it() {
    let (mut world, one) = World::with_client(&[(1024, 1024)]);
    let offer = world.offer(&one);
    let two = world.subscribe(framework("two"));
    world.launch(&two, &[&offer], vec![sleeper("t1", &offer, 0.5, 64.0)]);
    let message = world.update(&two).message.unwrap_or_default();
    let text = format!(
        "Offer {} has invalid framework {} while framework {} is expected",
        offer.id.value, one.id, two.id
    );
    assert_eq!(message, format!("Task launched with invalid offers: {text}"));
    world.soon();
    let again = [world.offers(&one), world.offers(&two)].concat();
    assert_eq!(again.len(), 1, "what was discarded is offered again");
    assert!(world.rescinded(&one).is_empty());
}

/// \[L7\]
#[test]
fn tasks_need_no_names_of_their_own() {
    let (mut world, client) = World::with_client(&[(2048, 1024)]);
    let offer = world.offer(&client);
    let tasks = ["t1", "t2", "t3", "t4"].map(|id| sleeper(id, &offer, 0.1, 64.0));
    let names = ["", "", "same", "same"].map(str::to_owned);
    let tasks = tasks.into_iter().zip(names).map(|(task, name)| TaskInfo { name, ..task });
    world.launch(&client, &[&offer], tasks.collect());
    assert!(world.updates(&client).is_empty());
    assert_eq!(world.cluster.starts.len(), 4);
}

/// \[C17\]
#[test]
fn a_bad_task_does_not_stop_its_siblings() {
    let (mut world, client) = World::with_client(&[(2048, 1024)]);
    let offer = world.offer(&client);
    let tasks = vec![
        sleeper("greedy", &offer, 3.0, 64.0),
        sleeper("good", &offer, 1.0, 64.0),
        sleeper("late", &offer, 1.5, 64.0),
    ];
    world.launch(&client, &[&offer], tasks);
    let updates = world.updates(&client);
    assert_eq!(
        updates.iter().map(|status| &*status.task_id.value).collect::<Vec<_>>(),
        ["greedy", "late"]
    );
    assert!(updates.iter().all(|status| status.state() == TaskState::TaskError));
    assert_eq!(world.cluster.starts.len(), 1);
    let arn = world.cluster.arn_of("good");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    assert_eq!(
        world.updates(&client).iter().map(TaskStatus::state).collect::<Vec<_>>(),
        [TaskState::TaskFinished]
    );
}

#[test]
fn a_reply_that_is_lost_after_an_event_told_of_the_task_changes_nothing() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.feed_up();
    world.hold = Some(|ask| matches!(ask, longshore_replica::Question::Start(..)));
    world.launched(&client, "t1");
    world.soon();
    let (now, sent) = (world.now, world.held_start());
    world.cluster.accept(now, &sent);
    let arn = world.cluster.arn_of("t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.tell();
    let told = world.updates(&client);
    assert_eq!(told.iter().map(TaskStatus::state).collect::<Vec<_>>(), [TaskState::TaskFinished]);
    world.lose_held();
    world.acknowledge(&client, &told[0]);
    world.run_for(LOOKED_FOR_MS);
    assert!(world.updates(&client).is_empty(), "it is not lost, it has finished");
}
