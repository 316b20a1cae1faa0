//! Where instances may be. Source: frameworks.md 3.4.

use longshore_wire_marathon::{Constraint, Operator};

use super::*;

fn constrained(instances: u32, field: &str, operator: Operator, value: Option<&str>) -> App {
    let value = value.map(str::to_owned);
    let constraint = Constraint { field: field.to_owned(), operator, value };
    App { constraints: vec![constraint], ..an_app("/web", instances) }
}

/// How many of 10 instances are on the offers of `rack-1` and `rack-0`.
fn racks(app: App) -> (usize, usize) {
    let mut world = World::new();
    world.put(app);
    (0..10).for_each(|_| world.offer());
    let tasks = world.tasks("/web");
    let on =
        |rack: &str| tasks.iter().filter(|one| one.instance.attributes["rack"] == rack).count();
    (on("rack-1"), on("rack-0"))
}

#[test]
fn each_operator_places_as_it_says() {
    let of = |operator, value| racks(constrained(10, "rack", operator, value));
    assert_eq!(of(Operator::Unique, None), (1, 1));
    assert_eq!(of(Operator::Cluster, None), (10, 0));
    assert_eq!(of(Operator::Cluster, Some("rack-0")), (0, 10));
    assert_eq!(of(Operator::GroupBy, None), (5, 5));
    assert_eq!(of(Operator::GroupBy, Some("2")), (5, 5));
    assert_eq!(of(Operator::MaxPer, Some("3")), (3, 3));
    assert_eq!(of(Operator::Like, Some("rack-[1-9]")), (10, 0));
    assert_eq!(of(Operator::Unlike, Some("rack-[1-9]")), (0, 10));
    assert_eq!(of(Operator::Is, Some("rack-1")), (10, 0));
}

#[test]
fn a_missing_attribute_matches_only_unlike() {
    let of = |operator, value| {
        let mut world = World::new();
        world.put(constrained(1, "zone", operator, value));
        world.offer();
        world.new_tasks().len()
    };
    assert_eq!(of(Operator::Unlike, Some("a")), 1);
    assert_eq!(of(Operator::Like, Some(".*")), 0);
    assert_eq!(of(Operator::Unique, None), 0);
}

#[test]
fn a_host_is_unique() {
    let mut world = World::new();
    world.put(constrained(3, "hostname", Operator::Unique, None));
    (0..3).for_each(|_| world.offer());
    assert_eq!(world.new_tasks().len(), 3);
}

#[test]
fn instances_of_older_configurations_are_not_counted() {
    let mut world = World::new();
    let app = constrained(1, "rack", Operator::Unique, None);
    let old = world.runs(app.clone());
    world.put(App { cpus_milli: 200, ..app });
    // The same rack as the old one has.
    world.offer();
    world.offer();
    let new = world.new_tasks();
    assert_eq!(new.len(), 1);
    world.all_run(&new);
    assert_eq!(world.new_kills(), old);
}

#[test]
fn a_pattern_that_cannot_be_read_is_refused() {
    let mut world = World::new();
    let app = constrained(1, "rack", Operator::Like, Some("["));
    let Reply::Invalid(problems) = world.put_all(vec![app], false) else { panic!() };
    assert_eq!(problems[0].path, "/constraints(0)");
}

#[test]
fn scaling_down_keeps_groups_even() {
    let mut world = World::new();
    let app = constrained(6, "rack", Operator::GroupBy, Some("2"));
    world.runs(app.clone());
    world.put(App { instances: 2, ..app });
    for task in world.new_kills() {
        world.is(&task, TaskState::TaskKilled);
    }
    let racks: Vec<_> =
        world.tasks("/web").iter().map(|one| one.instance.attributes["rack"].clone()).collect();
    assert_eq!(racks.len(), 2);
    assert_ne!(racks[0], racks[1]);
}
