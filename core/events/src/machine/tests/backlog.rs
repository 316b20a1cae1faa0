//! Cluster events that cause a lot of work.

use serde_json::json;

use super::storage::restarted;
use super::*;
use crate::limits;

const TASK: &str = "ECS Task State Change";
/// The maximum number of rules.
const RULES: usize = limits::RULES_MAX;
const TARGETS: usize = limits::TARGETS_MAX;

/// A bus on which each event causes the maximum work.
fn laborious() -> World {
    let mut world = World::new();
    for queue in 0..TARGETS {
        world.queue(&format!("q{queue}"), json!({}));
    }
    let template = format!("\"<n>{}\"", "x".repeat(8_000));
    for number in 0..RULES {
        let name = format!("r{number:03}");
        world.events(
            "PutRule",
            json!({ "Name": name, "EventPattern": r#"{"source":["aws.ecs"]}"# }),
        );
        let target = |queue: usize| {
            json!({ "Id": format!("t{queue}"), "Arn": arn(&format!("q{queue}")),
                "InputTransformer": { "InputPathsMap": { "n": "$.detail.n" }, "InputTemplate": template } })
        };
        let targets: Vec<Value> = (0..TARGETS).map(target).collect();
        let put = world.events("PutTargets", json!({ "Rule": name, "Targets": targets }));
        assert_eq!(put["FailedEntryCount"], 0, "{put}");
    }
    world
}

fn messages(world: &mut World, queue: &str) -> usize {
    world.attribute(queue, "ApproximateNumberOfMessages").parse().expect("a number")
}

fn first(world: &mut World) -> String {
    let text = world.receive("q0").remove(0).0;
    text.chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn what_takes_long_is_delivered_a_portion_at_a_time_and_whole() {
    let mut world = laborious();
    world.publish(TASK, &json!({ "n": 1 }));
    let begun = messages(&mut world, "q0");
    assert!((1..RULES).contains(&begun), "{begun} of {RULES}");
    // A new event queues behind it, even one that takes little work.
    world.publish(TASK, &json!({ "n": 2 }));
    assert_eq!(messages(&mut world, "q0"), begun);
    let mut out = Vec::new();
    world.bus.tick(world.now, &mut out);
    world.take(out);
    let more = messages(&mut world, "q0");
    assert!(begun < more && more < 2 * RULES, "{more}");
    world.wait(1_000);
    for queue in 0..TARGETS {
        assert_eq!(messages(&mut world, &format!("q{queue}")), 2 * RULES);
    }
    assert_eq!(first(&mut world), "1");
    assert_eq!(world.bus.state().undelivered(), 0);
    let mut restarted = restarted(&world);
    restarted.wait(1_000);
    assert_eq!(messages(&mut restarted, "q1"), 2 * RULES, "nothing is left to be done");
}

#[test]
fn what_waits_to_be_delivered_outlives_a_restart() {
    let mut world = laborious();
    world.publish(TASK, &json!({ "n": 1 }));
    world.publish(TASK, &json!({ "n": 2 }));
    let mut world = restarted(&world);
    world.wait(1_000);
    // The first event starts over: part of it arrives twice, and nothing is lost.
    let delivered = messages(&mut world, "q4");
    assert!((2 * RULES..3 * RULES).contains(&delivered), "{delivered}");
    world.publish(TASK, &json!({ "n": 3 }));
    world.wait(1_000);
    assert_eq!(messages(&mut world, "q4"), delivered + RULES);
}

#[test]
fn events_that_find_no_room_to_wait_are_counted() {
    let mut world = laborious();
    let long = "x".repeat(limits::BACKLOG_BYTES_MAX / 2);
    for _ in 0..3 {
        world.publish(TASK, &json!({ "n": 1, "long": long }));
    }
    assert_eq!(world.bus.state().undelivered(), 2);
    world.wait(1_000);
    assert_eq!(messages(&mut world, "q0"), RULES);
    world.publish(TASK, &json!({ "n": 2 }));
    assert!(messages(&mut world, "q0") > RULES, "there is room again");
}
