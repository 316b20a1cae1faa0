//! How often the cluster is asked: seldom while nothing goes on, and never without end.

use longshore_replica::{Question, TasksAsk};

use super::world::{SOON_MS, World, framework, returning};
use crate::limits::{STOP_RETRY_MS, SWEEP_MS, SWEEP_TASKS_MAX};

#[test]
fn a_quiet_cluster_is_read_less_than_once_a_second() {
    for frameworks in 0..3 {
        let mut world = World::new(&[(4096, 4096), (1024, 1024)]);
        for number in 0..frameworks {
            world.subscribe(framework(&format!("framework-{number}")));
        }
        world.run_for(5_000);
        let before = world.cluster.reads;
        world.run_for(60_000);
        let reads = world.cluster.reads - before;
        assert!(reads < 60, "{reads} reads in 60 s with {frameworks} frameworks");
        assert!(reads > 0, "what changes has to be noticed some time");
    }
}

#[test]
fn a_cluster_that_is_quiet_again_is_read_as_seldom_as_before() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.cluster.ends(&arn, longshore_replica::StopCode::EssentialContainerExited, Some(0));
    world.run_for(5_000);
    let before = world.cluster.reads;
    world.run_for(60_000);
    let reads = world.cluster.reads - before;
    assert!(reads < 60, "{reads} reads in 60 s");
}

/// Source: the documented budget refills at 20 requests a second; half of it is for reading.
#[test]
fn a_busy_cluster_is_read_within_the_budget() {
    let (mut world, client) = World::with_client(&[(4096, 4096), (4096, 4096)]);
    let offers = {
        world.soon();
        world.offers(&client)
    };
    for (number, offer) in offers.iter().enumerate() {
        let task = super::world::sleeper(&format!("t{number}"), offer, 1.0, 128.0);
        world.launch(&client, &[offer], vec![task]);
    }
    world.run_for(5_000);
    let before = world.cluster.reads;
    world.run_for(60_000);
    let reads = world.cluster.reads - before;
    // Instances and tasks are paced apart; each stays below ten a second.
    assert!(reads <= 2 * 10 * 60 + 10, "{reads} reads in 60 s");
}

#[test]
fn a_cluster_that_cannot_be_reached_is_not_hammered() {
    let (mut world, _) = World::with_client(&[(4096, 4096)]);
    world.run_for(5_000);
    world.cluster.reachable = false;
    // The harness itself refuses a bridge that wakes more than once a millisecond.
    world.run_for(600_000);
    world.cluster.reachable = true;
    world.run_for(10_000);
    assert!(world.bridge.is_recovered());
}

/// However long a reading takes, the next of its kind waits for it.
#[test]
fn a_reading_of_a_kind_is_out_once() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.running(&client, "t1");
    world.launched(&client, "t2");
    world.hold = Some(|_| true);
    world.run_for(10 * SWEEP_MS);
    let out: Vec<String> = world.held().map(|ask| format!("{ask:?}")).collect();
    let tasks = out.iter().filter(|ask| ask.starts_with("Tasks")).count();
    assert!(tasks <= 2, "one of those that change, one of the sweep: {out:#?}");
    assert!(out.len() - tasks <= 1, "one of the instances: {out:#?}");
    world.release();
    world.run_for(2 * SWEEP_MS);
}

#[test]
fn a_look_for_strays_is_out_once_and_the_last_one_is_made_all_the_same() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    world.running(&client, "t1");
    world.restart();
    let listed = world.cluster.listings;
    world.subscribe(returning(&client));
    world.hold = Some(|ask| matches!(ask, Question::Tasks(_, TasksAsk::List { .. })));
    world.run_for(70_000);
    assert_eq!(world.held().count(), 2, "those that run and those that do not");
    world.release();
    assert_eq!(world.cluster.listings - listed, 4);
}

#[test]
fn the_end_of_a_task_is_asked_for_again_only_when_the_last_question_came_back() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let arn = world.running(&client, "t1");
    world.hold = Some(|ask| matches!(ask, Question::Stop(..)));
    for _ in 0..5 {
        world.kill(&client, "t1");
        world.run_for(2 * STOP_RETRY_MS);
    }
    assert_eq!(world.held().count(), 1);
    world.cluster.stops_lost = 1;
    world.release();
    world.run_for(2 * STOP_RETRY_MS);
    assert_eq!(world.cluster.stops, [arn.clone(), arn], "one that came back in vain is repeated");
}

#[test]
fn a_sweep_reads_every_task_once_in_batches_of_which_one_is_out() {
    let mut world = World::unread(&[(4096, 4096)]);
    let count = 2 * SWEEP_TASKS_MAX + 10;
    for number in 0..count {
        world.cluster.left_over("f-1", &format!("t{number}"));
    }
    world.run_for(SOON_MS);
    world.cluster.described.clear();
    // The budget lets one batch pass a second; what the sweep finds out makes nothing else read.
    world.run_for(SWEEP_MS + 10_000);
    let batches: Vec<usize> = world.cluster.described.iter().map(Vec::len).collect();
    assert_eq!(batches, [SWEEP_TASKS_MAX, SWEEP_TASKS_MAX, 10]);
    let mut all: Vec<_> = world.cluster.described.concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}
