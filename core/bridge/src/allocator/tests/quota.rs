//! Guarantees and limits. Source: \[O23\], \[O25\].

use super::*;

fn quota(guaranteed: &[(&str, f64)], limits: &[(&str, f64)]) -> Quota {
    Quota::read("r", guaranteed.iter().copied(), limits.iter().copied()).expect("valid")
}

fn set(world: &mut World, role: &str, quota: Quota) -> Vec<OfferId> {
    world.allocator.update_quota(&role.into(), quota)
}

/// Thousandths of CPUs that a role and those below it have.
fn held(world: &World, role: &str) -> u128 {
    let figures = world.allocator.figures(role);
    figures.allocated.get("cpus") + figures.offered.get("cpus")
}

/// \[O25\]
#[test]
fn a_role_is_offered_no_more_than_its_limit() {
    let mut world = World::new();
    world.agents(&[("a", 4), ("b", 4), ("c", 4)]);
    set(&mut world, "batch", quota(&[], &[("cpus", 6.0)]));
    world.framework("f1", &["batch"]);
    world.run();
    assert_eq!(held(&world, "batch"), 6_000);
    // Memory is not limited, so the rest is offered without CPUs.
    assert_eq!(world.allocator.figures("batch").offered.get("mem"), 12_000_000);
}

/// \[O25\]: a limit covers the roles below.
#[test]
fn a_limit_covers_the_roles_below() {
    let mut world = World::new();
    world.agents(&[("a", 4), ("b", 4), ("c", 4)]);
    set(&mut world, "batch", quota(&[], &[("cpus", 6.0), ("mem", 6_000.0)]));
    world.framework("f1", &["batch/a"]);
    world.framework("f2", &["batch/b"]);
    world.run();
    assert_eq!(held(&world, "batch"), 6_000);
}

/// \[O25\]
#[test]
fn what_a_role_may_not_have_goes_to_the_next_one() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    set(&mut world, "batch", quota(&[], &[("cpus", 1.0), ("mem", 1_000.0)]));
    world.framework("f1", &["batch"]);
    world.framework("f2", &["web"]);
    let made = world.run();
    assert_eq!(made.len(), 2);
    assert_eq!((made[0].1.amounts.clone(), made[1].1.amounts.clone()), (cpus(1), cpus(3)));
}

/// \[O25\]
#[test]
fn a_role_at_its_limit_is_offered_more_once_something_has_ended() {
    let mut world = World::new();
    world.agents(&[("a", 2), ("b", 2)]);
    set(&mut world, "batch", quota(&[], &[("cpus", 2.0), ("mem", 2_000.0)]));
    world.framework("f1", &["batch"]);
    assert_eq!(world.run().len(), 1);
    assert_eq!(world.launch_all("f1"), 1);
    assert!(world.run().is_empty());
    world.allocator.ended(&"batch".into(), &"f1".into(), &cpus(2));
    assert_eq!(world.run().len(), 1);
}

/// \[O23\]
#[test]
fn what_a_role_is_guaranteed_comes_first() {
    let mut world = World::new();
    world.framework("f1", &["batch"]);
    // By share the other role would be first, and second, and third.
    world.framework("f2", &["web"]);
    world.agents(&[("x", 4)]);
    world.allocator.launched(&"batch".into(), &"f1".into(), &cpus(3));
    world.allocator.set_available(&"x".into(), Amounts::default());
    set(&mut world, "batch", quota(&[("cpus", 7.0)], &[]));
    world.agents(&[("a", 2), ("b", 2), ("c", 2)]);
    world.run();
    assert_eq!(held(&world, "batch"), 7_000);
    assert_eq!(held(&world, "web"), 2_000);
}

/// \[O23\]: a framework that wants nothing now may want its guarantee later.
#[test]
fn what_is_guaranteed_is_held_back_from_others() {
    let mut world = World::new();
    world.agents(&[("a", 4), ("b", 4)]);
    set(&mut world, "batch", quota(&[("cpus", 5.0), ("mem", 5_000.0)], &[]));
    world.framework("f2", &["web"]);
    world.run();
    assert_eq!(held(&world, "web"), 3_000);
    world.framework("f1", &["batch"]);
    world.run();
    assert_eq!(held(&world, "batch"), 5_000);
    // With the guarantee gone, nothing is held back.
    world.allocator.deactivate_framework(&"f1".into());
    assert!(world.run().is_empty());
    set(&mut world, "batch", Quota::default());
    world.run();
    assert_eq!(held(&world, "web"), 8_000);
}

/// \[O7\]
#[test]
fn offers_beyond_a_new_limit_and_in_the_way_of_a_guarantee_are_taken_back() {
    let mut world = World::new();
    world.agents(&[("a", 2), ("b", 2), ("c", 2), ("d", 2)]);
    world.framework("f1", &["batch"]);
    world.framework("f2", &["web"]);
    world.run();
    let rescinded = set(&mut world, "batch", quota(&[], &[("cpus", 2.0)]));
    assert_eq!(rescinded.len(), 1);
    let of = |world: &World, id: &OfferId| world.allocator.get(id).expect("out").role.to_string();
    assert_eq!(of(&world, &rescinded[0]), "batch");
    let rescinded = set(&mut world, "batch", quota(&[("cpus", 7.0)], &[]));
    assert_eq!(rescinded.len(), 2);
    assert_eq!(of(&world, &rescinded[0]), "web");
    for id in rescinded {
        world.allocator.take(&id).expect("it is out");
    }
    world.run();
    assert!(held(&world, "batch") >= 7_000);
}

/// \[O25\]
#[test]
fn a_limit_below_what_is_launched_is_refused_without_force() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["batch"]);
    world.run();
    world.launch_all("f1");
    let why = world
        .allocator
        .check_consumption(&"batch".into(), &quota(&[], &[("cpus", 2.0)]))
        .expect_err("it has more");
    assert_eq!(
        why,
        "Invalid QuotaConfig: Role 'batch' is already consuming 'cpus:4; mem:4000'; this is more than the requested limits 'cpus:2' (use 'force' flag to bypass this check)"
    );
    assert_eq!(world.allocator.quotas().count(), 0);
    assert_eq!(world.allocator.total(), &Quantities::of(&cpus(4)));
    let huge = [("huge".into(), quota(&[("cpus", 900.0)], &[]))].into();
    assert!(world.allocator.check_overcommit(&huge).is_err());
}
