//! Who comes first: shares, weights, counts, names, and the tree of roles.

use super::*;

/// How many agents each framework holds offers of.
fn counts(world: &World, frameworks: &[&str]) -> Vec<usize> {
    let count = |id: &&str| world.allocator.offers_of_framework(id).count();
    frameworks.iter().map(count).collect()
}

fn equal_agents(count: usize) -> Vec<(String, u64)> {
    (0..count).map(|at| (format!("a{at:03}"), 4)).collect()
}

fn put(world: &mut World, agents: &[(String, u64)]) {
    for (id, count) in agents {
        world.agents(&[(id, *count)]);
    }
}

/// \[O24\]
#[test]
fn equal_frameworks_get_equal_parts() {
    let mut world = World::new();
    put(&mut world, &equal_agents(12));
    for id in ["f1", "f2", "f3"] {
        world.framework(id, &["web"]);
    }
    world.run();
    assert_eq!(counts(&world, &["f1", "f2", "f3"]), [4, 4, 4]);
}

/// \[O24\]: ties by name alone would starve the last of them.
#[test]
fn one_agent_goes_round_among_frameworks_that_decline_it() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    for id in ["f1", "f2", "f3"] {
        world.framework(id, &["web"]);
    }
    let mut turns = Vec::new();
    for _ in 0..6 {
        let made = world.run();
        assert_eq!(made.len(), 1);
        let framework = made[0].1.framework.to_string();
        world.decline_all(&framework, 0.0);
        world.pass(400);
        turns.push(framework);
    }
    assert_eq!(turns, ["f1", "f2", "f3", "f1", "f2", "f3"]);
}

/// \[O24\]
#[test]
fn whoever_has_launched_less_is_offered_more() {
    let mut world = World::new();
    put(&mut world, &equal_agents(8));
    world.framework("rich", &["web"]);
    world.run();
    assert_eq!(world.launch_all("rich"), 8);
    world.framework("poor", &["web"]);
    world.agents(&[("b1", 4), ("b2", 4)]);
    assert_eq!(world.offered(), pairs(&[("poor", "b1"), ("poor", "b2")]));
}

/// \[O24\], \[O26\]
#[test]
fn a_role_with_twice_the_weight_gets_twice_as_much() {
    let mut world = World::new();
    world.framework("f1", &["heavy"]);
    world.framework("f2", &["light"]);
    world.allocator.update_weights(&[("heavy".into(), 2.0)]).expect("valid");
    put(&mut world, &equal_agents(9));
    world.run();
    assert_eq!(counts(&world, &["f1", "f2"]), [6, 3]);
}

/// \[O24\]: `eng/a` and `eng/b` share what `eng` gets.
#[test]
fn roles_compete_level_by_level() {
    let mut world = World::new();
    world.framework("f1", &["eng/a"]);
    world.framework("f2", &["eng/b"]);
    world.framework("f3", &["ops"]);
    put(&mut world, &equal_agents(8));
    world.run();
    assert_eq!(counts(&world, &["f1", "f2", "f3"]), [2, 2, 4]);
}

/// \[O24\]: the frameworks of a role stand beside the roles below it, as one.
#[test]
fn a_role_competes_with_the_roles_below_it() {
    let mut world = World::new();
    world.framework("own1", &["eng"]);
    world.framework("own2", &["eng"]);
    world.framework("below", &["eng/a"]);
    put(&mut world, &equal_agents(8));
    world.run();
    assert_eq!(counts(&world, &["own1", "own2", "below"]), [2, 2, 4]);
}

/// \[O24\]: not only CPUs and memory.
#[test]
fn any_scalar_can_be_the_dominant_one() {
    let mut world = World::new();
    let mut amounts = cpus(1);
    amounts.scalars.insert("licences".to_owned(), 9_000);
    world.agent("a", Facts::new("a", amounts.clone()), amounts);
    world.framework("f1", &["web"]);
    world.run();
    assert_eq!(world.launch_all("f1"), 1);
    // Nine tenths of the cluster's licences outweigh three quarters of its CPUs.
    let mut three = cpus(3);
    three.scalars.insert("licences".to_owned(), 1_000);
    world.agent("b", Facts::new("b", three), cpus(3));
    world.framework("f2", &["web"]);
    world.run();
    assert_eq!(world.launch_all("f2"), 1);
    world.agents(&[("c", 1)]);
    assert_eq!(world.offered(), pairs(&[("f2", "c")]));
}

/// \[O7\], \[O26\]
#[test]
fn a_weight_of_a_role_in_use_takes_all_offers_back() {
    let mut world = World::new();
    put(&mut world, &equal_agents(3));
    world.framework("f1", &["web"]);
    world.run();
    let rescinded = world.allocator.update_weights(&[("nobody".into(), 3.0)]).expect("valid");
    assert!(rescinded.is_empty());
    let rescinded = world.allocator.update_weights(&[("web".into(), 2.5)]).expect("valid");
    assert_eq!(rescinded.len(), 3);
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let why = world.allocator.update_weights(&[("web".into(), weight)]).expect_err("invalid");
        assert!(why.ends_with("Weights must be positive"), "{why}");
    }
    assert_eq!(world.allocator.weights().get("web"), Some(&2.5));
    assert_eq!(world.allocator.audit(), Vec::<String>::new());
}

#[test]
fn a_role_of_very_many_levels_is_one_like_any_other() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    let deep = vec!["x"; 10_000].join("/");
    world.framework("f1", &[&deep]);
    assert_eq!(world.offered(), pairs(&[("f1", "a")]));
    world.allocator.remove_framework(&"f1".into());
    world.run();
}
