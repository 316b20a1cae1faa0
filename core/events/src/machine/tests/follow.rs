//! Followers of the bus, besides its rules.

use serde_json::json;

use super::*;

const TASK: &str = "ECS Task State Change";

fn follow(world: &mut World, realm: Realm, followed: bool) {
    world.tell(Input::Followed { realm, followed });
}

#[test]
fn a_follower_is_told_every_event_whether_a_rule_wants_it_or_not() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.rule("r", &json!({ "detail": { "lastStatus": ["STOPPED"] } }), "q");
    follow(&mut world, realm(), true);
    for status in ["RUNNING", "STOPPED"] {
        world.publish(TASK, &json!({ "lastStatus": status }));
    }
    let own = json!({ "Source": "my.app", "DetailType": "Hello", "Detail": "{}" });
    world.events("PutEvents", json!({ "Entries": [own] }));
    let kinds: Vec<&str> = world.told.iter().map(|(_, event)| &*event.detail_type).collect();
    assert_eq!(kinds, [TASK, TASK, "Hello"]);
    assert_eq!(world.receive("q").len(), 1);
}

#[test]
fn an_event_is_wanted_while_somebody_follows_and_only_in_that_realm() {
    let mut world = World::new();
    let wants = |world: &World, realm: &Realm| world.bus.wants(realm, "aws.ecs", TASK);
    let elsewhere = Realm::new("eu-west-1", "123456789012");
    follow(&mut world, realm(), true);
    follow(&mut world, realm(), true);
    assert!(wants(&world, &realm()) && !wants(&world, &elsewhere));
    follow(&mut world, elsewhere.clone(), true);
    world.publish(TASK, &json!({}));
    assert_eq!(world.told.iter().map(|(realm, _)| realm).collect::<Vec<_>>(), [&realm()]);
    follow(&mut world, realm(), false);
    assert!(!wants(&world, &realm()) && wants(&world, &elsewhere));
    world.publish(TASK, &json!({}));
    assert_eq!(world.told.len(), 1);
}

#[test]
fn a_follower_is_told_what_a_queue_gets() {
    let mut world = World::new();
    world.queue("q", json!({}));
    world.rule("r", &json!({ "source": ["aws.ecs"] }), "q");
    follow(&mut world, realm(), true);
    world.publish(TASK, &json!({}));
    let (_, event) = &world.told[0];
    let told: Value = serde_json::from_str(&event.envelope(&realm())).expect("it is JSON");
    let body = world.receive("q").remove(0).0;
    assert_eq!(told, serde_json::from_str::<Value>(&body).expect("it is JSON"));
}
