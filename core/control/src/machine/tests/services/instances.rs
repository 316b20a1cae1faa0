//! Instances are added, drained and removed.

use super::super::storage::restarted;
use super::*;
use crate::machine::Input;

fn drain(town: &mut Town, host: &str) {
    let body = json!({"containerInstances": [host], "status": "DRAINING"});
    town.world.ok("UpdateContainerInstancesState", &body);
}

fn on(town: &mut Town, host: &str) -> i64 {
    town.world.instance(host)["runningTasksCount"].as_i64().expect("a number")
}

#[test]
fn a_draining_instance_loses_its_tasks_to_others() {
    let (mut town, hosts) = Town::new(2);
    town.create(json!({"desiredCount": 4}));
    town.settle();
    (town.most, town.fewest) = (0, usize::MAX);
    drain(&mut town, &hosts[0]);
    town.settle();
    assert_eq!((on(&mut town, &hosts[0]), on(&mut town, &hosts[1])), (0, 4));
    assert!(town.fewest >= 4, "{}", town.fewest);
    assert_eq!(counts(&town.service()), (4, 0, 4));
}

#[test]
fn a_draining_instance_stops_pending_tasks_at_once() {
    let (mut town, hosts) = Town::new(1);
    town.does.insert("web".into(), Does::Hang);
    town.create(json!({}));
    town.pass(100);
    drain(&mut town, &hosts[0]);
    town.pass(100);
    assert_eq!(town.tasks().len(), 0);
}

#[test]
fn percents_of_100_keep_an_instance_from_draining() {
    let (mut town, hosts) = Town::new(2);
    let percents = json!({"minimumHealthyPercent": 100, "maximumPercent": 100});
    town.create(json!({"deploymentConfiguration": percents}));
    town.settle();
    let busy = if on(&mut town, &hosts[0]) > 0 { hosts[0].clone() } else { hosts[1].clone() };
    drain(&mut town, &busy);
    town.settle();
    assert!(on(&mut town, &busy) > 0);
    assert!(town.events().iter().any(|one| one.contains("maximumPercent")));
}

#[test]
fn standalone_tasks_stay_on_a_draining_instance() {
    let (mut town, hosts) = Town::new(1);
    let task = town.world.run("web");
    town.settle();
    drain(&mut town, &hosts[0]);
    town.settle();
    assert_eq!(town.world.task(&task)["desiredStatus"], "RUNNING");
}

#[test]
fn what_fits_nowhere_is_told_once_and_placed_when_there_is_room() {
    let (mut town, _) = Town::new(1);
    town.create(json!({"desiredCount": 9}));
    town.settle();
    assert_eq!(counts(&town.service()), (8, 0, 9));
    let unable = |town: &mut Town| {
        let events = town.events();
        events.into_iter().filter(|one| one.contains("unable to place")).collect::<Vec<_>>()
    };
    let told = unable(&mut town);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("has insufficient CPU units available."), "{}", told[0]);
    town.pass(60_000);
    assert_eq!(unable(&mut town).len(), 1);
    town.world.host(512, 512);
    town.settle();
    assert_eq!(counts(&town.service()), (9, 0, 9));
    assert_eq!(rollouts(&town.service()), ["COMPLETED"]);
}

#[test]
fn a_task_that_ends_elsewhere_makes_room() {
    let (mut town, hosts) = Town::new(1);
    let others: Vec<String> = (0..8).map(|_| town.world.run("web")).collect();
    town.create(json!({"desiredCount": 1}));
    town.settle();
    assert_eq!(counts(&town.service()), (0, 0, 1));
    town.tell(id(&hosts[0]), ended(&others[0], StopCause::EssentialContainerExited, Some(0)));
    town.settle();
    assert_eq!(counts(&town.service()), (1, 0, 1));
}

#[test]
fn a_cluster_without_instances_is_told_as_such() {
    let (mut town, _) = Town::new(0);
    town.create(json!({}));
    town.settle();
    let events = town.events();
    assert!(events[0].ends_with("Reason: No Container Instances were found in your cluster."));
    assert_eq!(events.len(), 1);
    assert_eq!(town.world.control.wake_at(), None, "there is nothing to wait for but news");
    town.world.host(4096, 4096);
    town.settle();
    assert_eq!(counts(&town.service()), (2, 0, 2));
}

#[test]
fn after_a_restart_agents_have_a_moment_to_come_back_before_a_service_misses_them() {
    let (mut town, hosts) = Town::new(1);
    town.create(json!({"desiredCount": 9}));
    town.settle();
    town.world = restarted(&town.world);
    let missed = |town: &mut Town| {
        town.events().iter().filter(|one| one.contains("encountered error \"AGENT\"")).count()
    };
    town.pass(8_000);
    assert_eq!(missed(&mut town), 0);
    let mut returned = Town { world: restarted(&town.world), ..town };
    returned.world.step(Input::Connected(id(&hosts[0])));
    returned.pass(60_000);
    assert_eq!(missed(&mut returned), 0);
    let mut alone = Town { world: restarted(&returned.world), ..returned };
    alone.pass(60_000);
    assert_eq!(missed(&mut alone), 1, "{:?}", alone.events());
}

#[test]
fn an_agent_that_is_away_costs_no_task() {
    let (mut town, hosts) = Town::new(2);
    town.create(json!({}));
    town.settle();
    town.world.step(Input::Disconnected(id(&hosts[0])));
    let before = town.tasks();
    town.settle();
    assert_eq!(town.tasks(), before);
    town.world.step(Input::Disconnected(id(&hosts[1])));
    town.update(json!({"desiredCount": 3}));
    town.settle();
    let last = town.events().pop().expect("there are events");
    assert!(last.ends_with("encountered error \"AGENT\"."), "{last}");
    town.world.step(Input::Connected(id(&hosts[1])));
    town.settle();
    assert_eq!(counts(&town.service()), (3, 0, 3));
}

#[test]
fn the_tasks_of_an_instance_that_is_gone_are_replaced() {
    let (mut town, hosts) = Town::new(2);
    town.create(json!({"desiredCount": 4}));
    town.settle();
    town.world
        .ok("DeregisterContainerInstance", &json!({"containerInstance": hosts[0], "force": true}));
    town.settle();
    assert_eq!((on(&mut town, &hosts[1]), counts(&town.service())), (4, (4, 0, 4)));
}

#[test]
fn what_can_never_fit_is_told_and_costs_nothing_while_nothing_changes() {
    let (mut town, hosts) = Town::new(3);
    town.world.define("huge", 1_000_000);
    town.create(json!({"taskDefinition": "huge", "desiredCount": 50}));
    town.settle();
    let end = town.world.now + 24 * 60 * 60 * 1_000;
    let mut ticks = 0;
    while let Some(at) = town.world.control.wake_at().filter(|at| *at <= end) {
        town.world.tick_at(at);
        ticks += 1;
    }
    assert!(ticks < 10, "{ticks} ticks in a day");
    // Room that comes and goes triggers another pass but no new event.
    for _ in 0..100 {
        town.world.step(crate::machine::Input::Disconnected(id(&hosts[0])));
        town.world.step(crate::machine::Input::Connected(id(&hosts[0])));
        town.pass(1_000);
    }
    assert_eq!(town.events().len(), 1, "{:?}", town.events());
    assert_eq!(counts(&town.service()), (0, 0, 50));
}
