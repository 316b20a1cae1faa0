//! Tasks move to zones with fewer tasks.

use super::*;
use crate::machine::Input;

fn host_in(town: &mut Town, zone: &str) -> String {
    let number = |name: &str| json!({"name": name, "type": "INTEGER", "integerValue": 4096});
    let zone = json!({"name": "ecs.availability-zone", "value": zone});
    let body = json!({
        "totalResources": [number("CPU"), number("MEMORY")],
        "attributes": [{"name": super::super::DOCKER}, zone],
    });
    let reply = town.world.ok("RegisterContainerInstance", &body);
    let arn = text(&reply["containerInstance"]["containerInstanceArn"]);
    town.world.step(Input::Connected(id(&arn)));
    arn
}

fn by_zone(town: &mut Town) -> BTreeMap<String, usize> {
    let mut zones = BTreeMap::new();
    for task in town.tasks() {
        *zones.entry(text(&town.world.task(&task)["availabilityZone"])).or_default() += 1;
    }
    zones
}

fn even(a: usize, b: usize) -> BTreeMap<String, usize> {
    [("a".to_owned(), a), ("b".to_owned(), b)].into()
}

#[test]
fn tasks_move_to_a_zone_that_comes_up_without_the_service_ever_having_fewer() {
    let mut town = Town::new(0).0;
    host_in(&mut town, "a");
    town.create(json!({"desiredCount": 4}));
    town.settle();
    (town.most, town.fewest) = (0, usize::MAX);
    host_in(&mut town, "b");
    town.pass(60_000);
    assert_eq!(by_zone(&mut town), even(2, 2));
    assert!(town.fewest >= 4 && town.most <= 8, "{} to {}", town.fewest, town.most);
    assert_eq!(
        (counts(&town.service()), rollouts(&town.service())),
        ((4, 0, 4), vec!["COMPLETED".into()])
    );
    let events = town.events().len();
    town.pass(600_000);
    assert_eq!(town.events().len(), events, "then all is quiet");
}

#[test]
fn tasks_stay_where_they_are_if_rebalancing_is_off_or_the_other_zone_is_full() {
    for (extra, full) in
        [(json!({"availabilityZoneRebalancing": "DISABLED"}), false), (json!({}), true)]
    {
        let mut town = Town::new(0).0;
        host_in(&mut town, "a");
        town.create(extra);
        town.update(json!({"desiredCount": 4}));
        town.settle();
        let other = host_in(&mut town, "b");
        if full {
            for _ in 0..8 {
                town.world.start("web", &other);
            }
        }
        town.pass(600_000);
        assert_eq!(by_zone(&mut town), [("a".to_owned(), 4)].into());
        assert_eq!(counts(&town.service()), (4, 0, 4));
    }
}

#[test]
fn protected_tasks_keep_zones_as_they_are() {
    let mut town = Town::new(0).0;
    host_in(&mut town, "a");
    town.create(json!({"desiredCount": 2}));
    town.settle();
    let body = json!({"cluster": "default", "tasks": town.tasks(), "protectionEnabled": true, "expiresInMinutes": 5});
    town.world.ok("UpdateTaskProtection", &body);
    host_in(&mut town, "b");
    town.pass(120_000);
    assert_eq!(by_zone(&mut town), [("a".to_owned(), 2)].into());
    town.pass(300_000);
    assert_eq!(by_zone(&mut town), even(1, 1));
}
