//! How often the cluster is asked: seldom while nothing goes on, and never without end.

use super::world::{World, framework};

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
