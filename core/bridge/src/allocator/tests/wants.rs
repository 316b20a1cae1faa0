//! What frameworks are not offered at all.

use longshore_wire_mesos::v1::scheduler::attribute_constraint::predicate::TextEquals;
use longshore_wire_mesos::v1::scheduler::attribute_constraint::{Predicate, Selector};
use longshore_wire_mesos::v1::scheduler::offer_constraints::RoleConstraints;
use longshore_wire_mesos::v1::scheduler::offer_constraints::role_constraints::Group;
use longshore_wire_mesos::v1::scheduler::{AttributeConstraint, OfferConstraints};

use super::*;

fn rack_is(value: &str) -> Constraints {
    let text_equals = Some(TextEquals { value: value.to_owned() });
    let constraint = AttributeConstraint {
        selector: Selector { attribute_name: Some("rack".to_owned()), pseudoattribute_type: None },
        predicate: Predicate { text_equals, ..Predicate::default() },
    };
    let groups = vec![Group { attribute_constraints: vec![constraint] }];
    let role_constraints = [("web".to_owned(), RoleConstraints { groups })].into();
    Constraints::read(&OfferConstraints { role_constraints }).expect("valid")
}

/// \[C5\]
#[test]
fn a_framework_is_offered_only_agents_that_its_constraints_allow() {
    let mut world = World::new();
    for (id, rack) in [("a", "r1"), ("b", "r2")] {
        let attributes = vec![("rack".into(), rack.into())];
        let facts = Facts::new(id, cpus(4)).with_attributes(attributes);
        world.agent(id, facts, cpus(4));
    }
    world.framework_as("f1", Profile { constraints: rack_is("r1"), ..profile(&["web"]) });
    assert_eq!(world.offered(), pairs(&[("f1", "a")]));
    // For another role it has none.
    let both = Profile { constraints: rack_is("r1"), ..profile(&["web", "db"]) };
    assert!(world.allocator.update_framework(&"f1".into(), both).is_empty());
    assert_eq!(world.run()[0].1.role, "db".into());
}

/// \[C60\]
#[test]
fn constraints_that_change_are_asked_at_once_and_dropped_roles_lose_their_offers() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework_as("f1", Profile { constraints: rack_is("r1"), ..profile(&["web"]) });
    assert!(world.run().is_empty());
    world.allocator.update_framework(&"f1".into(), profile(&["web"]));
    let made = world.run();
    assert_eq!(made.len(), 1);
    let dropped = world.allocator.update_framework(&"f1".into(), profile(&["db"]));
    assert_eq!(dropped, [made[0].0.clone()]);
    world.allocator.take(&dropped[0]).expect("it is out");
    assert_eq!(world.run()[0].1.role, "db".into());
}

/// \[O16\]
#[test]
fn what_is_less_than_the_minimum_is_not_offered() {
    let mut world = World::new();
    world.agent("a", Facts::new("a", cpus(4)), Amounts::of(9, 31_999, 0, Ranges::of([80])));
    world.framework("f1", &["web"]);
    assert!(world.run().is_empty());
    world.allocator.set_available(&"a".into(), Amounts::of(10, 0, 0, Ranges::default()));
    assert_eq!(world.run().len(), 1);
}

#[test]
fn agents_with_gpus_are_for_frameworks_that_know_gpus() {
    let mut world = World::new();
    let mut amounts = cpus(4);
    amounts.scalars.insert("gpus".to_owned(), 1_000);
    world.agent("gpu", Facts::new("gpu", amounts.clone()), amounts);
    world.agents(&[("plain", 4)]);
    world.framework("f1", &["web"]);
    assert_eq!(world.offered(), pairs(&[("f1", "plain")]));
    let capabilities = Capabilities { gpu_resources: true, ..Capabilities::default() };
    world.framework_as("f2", Profile { capabilities, ..profile(&["web"]) });
    assert_eq!(world.offered(), pairs(&[("f2", "gpu")]));
}

#[test]
fn agents_of_other_regions_are_for_frameworks_that_know_regions() {
    let options = Options { home_region: Some("eu".into()), ..Options::default() };
    let mut world = World::with(options);
    world.agent("near", Facts::new("near", cpus(4)).with_domain("eu", "a"), cpus(4));
    world.agent("far", Facts::new("far", cpus(4)).with_domain("us", "a"), cpus(4));
    world.agents(&[("none", 4)]);
    world.framework("f1", &["web"]);
    assert_eq!(world.offered(), pairs(&[("f1", "near"), ("f1", "none")]));
    let capabilities = Capabilities { region_aware: true, ..Capabilities::default() };
    world.framework_as("f2", Profile { capabilities, ..profile(&["web"]) });
    assert_eq!(world.offered(), pairs(&[("f2", "far")]));
}

/// \[O10\], \[O12\], \[C4\]
#[test]
fn a_framework_with_no_roles_or_with_all_suppressed_is_offered_nothing() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("none", &[]);
    world.framework_as("quiet", Profile { suppressed: roles(&["web"]), ..profile(&["web"]) });
    assert!(world.run().is_empty());
    // Another list of suppressed roles takes the place of the first.
    world.allocator.update_framework(&"quiet".into(), profile(&["web"]));
    assert_eq!(world.offered(), pairs(&[("quiet", "a")]));
}

/// \[O23\]
#[test]
fn agents_are_drawn() {
    let mut world = World::new();
    for at in 0..20 {
        world.agents(&[(&format!("a{at:02}"), 4)]);
    }
    world.framework("f1", &["web"]);
    let made = world.run();
    let order: Vec<String> = made.iter().map(|(_, one)| one.agent.to_string()).collect();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(sorted.len(), 20);
    assert_ne!(order, sorted);
}
