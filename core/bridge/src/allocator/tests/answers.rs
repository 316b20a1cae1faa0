//! What becomes of offers, and what is offered again.

use super::*;

/// \[O1\], \[O2\]
#[test]
fn all_that_is_free_of_an_agent_is_one_offer() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web"]);
    let made = world.run();
    let (id, offered) = &made[0];
    assert_eq!((made.len(), &**id), (1, "m-O0"));
    assert_eq!(offered.amounts, cpus(4));
    assert_eq!(world.allocator.get("m-O0"), Some(offered));
    assert!(world.run().is_empty());
}

/// \[O2\]
#[test]
fn what_is_freed_later_is_another_offer_of_the_same_agent() {
    let mut world = World::new();
    world.agent("a", Facts::new("a", cpus(4)), cpus(2));
    world.framework("f1", &["web"]);
    assert_eq!(world.run().len(), 1);
    world.allocator.set_available(&"a".into(), cpus(3));
    let made = world.run();
    assert_eq!(made[0].1.amounts, cpus(1));
    assert_eq!(world.allocator.offers_of_agent("a").count(), 2);
}

/// \[C30\], \[O13\], \[O14\]
#[test]
fn what_is_declined_is_not_offered_again_before_its_time() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    assert_eq!(world.decline_all("f1", 5.0), 1);
    assert!(world.run().is_empty());
    assert_eq!(world.allocator.next_due(), Some(world.now + 5_000));
    world.pass(4_999);
    assert!(!world.allocator.wants_run(world.now) && world.run().is_empty());
    world.pass(1);
    assert!(world.allocator.wants_run(world.now));
    assert_eq!(world.run().len(), 1);
}

/// \[O13\]
#[test]
fn seconds_that_are_no_time_are_five_and_a_filter_outlives_the_next_allocation() {
    for (seconds, ms) in [(-1.0, 5_000), (f64::NAN, 5_000), (0.001, 1_000), (1e12, 31_536_000_000)]
    {
        let mut world = World::new();
        world.agents(&[("a", 4)]);
        world.framework("f1", &["web"]);
        world.run();
        world.decline_all("f1", seconds);
        assert_eq!(world.allocator.next_due(), Some(world.now + ms), "{seconds}");
    }
}

/// \[O22\]
#[test]
fn what_is_declined_without_a_filter_comes_again_with_the_next_allocation_and_to_others_at_once() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    world.decline_all("f1", 0.0);
    assert!(world.run().is_empty());
    assert_eq!(world.allocator.next_due(), Some(world.now + 1_000));
    world.pass(1_000);
    assert_eq!(world.run().len(), 1);
    world.decline_all("f1", 0.0);
    world.framework("f2", &["web"]);
    assert_eq!(world.run().len(), 1);
}

/// \[O14\]
#[test]
fn more_than_was_declined_is_offered_at_once() {
    let mut world = World::new();
    world.agent("a", Facts::new("a", cpus(4)), cpus(2));
    world.framework("f1", &["web"]);
    world.run();
    world.decline_all("f1", 60.0);
    world.allocator.set_available(&"a".into(), cpus(1));
    assert!(world.run().is_empty());
    world.allocator.set_available(&"a".into(), cpus(3));
    assert_eq!(world.run()[0].1.amounts, cpus(3));
}

/// \[O14\]: each filter is kept until its own end.
#[test]
fn a_wide_short_filter_does_not_undo_a_narrow_long_one() {
    let mut world = World::new();
    world.agent("a", Facts::new("a", cpus(4)), cpus(2));
    world.framework("f1", &["web"]);
    world.run();
    world.decline_all("f1", 3_600.0);
    world.allocator.set_available(&"a".into(), cpus(4));
    world.run();
    assert_eq!(world.decline_all("f1", 5.0), 1);
    world.allocator.set_available(&"a".into(), cpus(2));
    world.pass(5_000);
    assert!(world.run().is_empty());
    assert_eq!(world.allocator.filters_of(&"web".into(), "f1"), 1);
    world.allocator.set_available(&"a".into(), cpus(4));
    assert_eq!(world.run().len(), 1);
}

/// \[O15\], \[C31\]
#[test]
fn a_role_that_is_revived_is_offered_what_it_declined() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web", "db"]);
    world.run();
    world.decline_all("f1", 60.0);
    world.run();
    world.decline_all("f1", 60.0);
    assert!(world.run().is_empty());
    assert!(!world.allocator.revive(&"f1".into(), &roles(&["db", "other"])));
    assert!(world.run().is_empty());
    assert!(world.allocator.revive(&"f1".into(), &roles(&["db"])));
    assert_eq!(&*world.run()[0].1.role, "db");
}

/// \[O15\], \[C31\]
#[test]
fn a_suppressed_role_is_offered_nothing_and_keeps_offers_and_filters() {
    let mut world = World::new();
    world.agents(&[("a", 4), ("b", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    let first = world.allocator.offers_of_framework("f1").next().expect("an offer").0;
    world.allocator.decline(world.now, &"f1".into(), &first, 60.0);
    assert!(world.allocator.suppress(&"f1".into(), &BTreeSet::new()));
    assert!(!world.allocator.suppress(&"f1".into(), &roles(&["other"])));
    assert_eq!(world.allocator.offers_of_framework("f1").count(), 1);
    world.agents(&[("c", 4)]);
    assert!(world.run().is_empty());
    assert_eq!(world.allocator.filters_of(&"web".into(), "f1"), 1);
}

/// \[F1\], \[O8\], \[O15\]
#[test]
fn a_framework_that_is_gone_loses_its_offers_and_its_filters() {
    let mut world = World::new();
    world.agents(&[("a", 4), ("b", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    let ids: Vec<OfferId> = world.allocator.offers().map(|(id, _)| id).collect();
    world.allocator.decline(world.now, &"f1".into(), &ids[0], 600.0);
    world.allocator.deactivate_framework(&"f1".into());
    assert!(world.allocator.get(&ids[1]).is_none() && world.allocator.take(&ids[1]).is_none());
    assert!(world.run().is_empty());
    assert_eq!(world.allocator.offers_len(), 0);
    world.allocator.activate_framework(&"f1".into());
    assert_eq!(world.run().len(), 2);
}

/// \[O7\], \[O15\]
#[test]
fn an_agent_with_other_attributes_is_offered_to_those_who_declined_it() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    world.decline_all("f1", 600.0);
    let facts = Facts::new("other-name", cpus(4));
    assert!(world.allocator.put_agent(&"a".into(), facts.clone(), true).is_empty());
    assert!(world.run().is_empty());
    let facts = facts.with_attributes(vec![("rack".into(), "r1".into())]);
    world.allocator.put_agent(&"a".into(), facts, true);
    assert_eq!(world.run().len(), 1);
}

/// \[O7\]
#[test]
fn an_agent_that_has_less_gives_up_its_newest_offers() {
    let mut world = World::new();
    world.agent("a", Facts::new("a", cpus(4)), cpus(2));
    world.framework("f1", &["web"]);
    world.run();
    world.allocator.set_available(&"a".into(), cpus(4));
    world.run();
    let rescinded = world.allocator.set_available(&"a".into(), cpus(3));
    assert_eq!(rescinded.iter().map(|(id, _)| &**id).collect::<Vec<_>>(), ["m-O1"]);
    assert_eq!(world.run()[0].1.amounts, cpus(1));
}

/// \[O7\]
#[test]
fn an_agent_that_may_not_be_offered_gives_up_all_offers() {
    let mut world = World::new();
    world.agents(&[("a", 4), ("b", 4), ("c", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    assert_eq!(world.allocator.set_offerable(&"a".into(), false).len(), 1);
    assert_eq!(world.allocator.remove_agent(&"b".into()).len(), 1);
    let more = Facts::new("c", cpus(8));
    assert_eq!(world.allocator.put_agent(&"c".into(), more, true).len(), 1);
    assert_eq!(world.offered(), pairs(&[("f1", "c")]));
    world.allocator.set_offerable(&"a".into(), true);
    assert_eq!(world.offered(), pairs(&[("f1", "a")]));
}

/// \[O6\]
#[test]
fn an_offer_is_rescinded_when_its_time_is_over_and_is_made_again() {
    let options = Options { offer_timeout_ms: Some(2_000), ..Options::default() };
    let mut world = World::with(options);
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    assert_eq!(world.allocator.next_due(), Some(world.now + 2_000));
    world.pass(1_999);
    assert!(world.allocator.expired(world.now).is_empty());
    world.pass(1);
    assert_eq!(world.allocator.expired(world.now).len(), 1);
    assert_eq!(world.run().len(), 1);
}

#[test]
fn what_is_held_is_not_offered_until_it_is_released() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web"]);
    let made = world.run();
    let one = world.allocator.take(&made[0].0).expect("it is out");
    let hold = world.allocator.hold(&one.role, &one.framework, &one.agent, cpus(3));
    assert_eq!(world.run()[0].1.amounts, cpus(1));
    // Its agent goes and comes back: what is held of it still is.
    world.allocator.remove_agent(&one.agent);
    world.agents(&[("a", 4)]);
    assert_eq!(world.run()[0].1.amounts, cpus(1));
    assert_eq!(world.allocator.release(hold), Some(cpus(3)));
    assert_eq!(world.run()[0].1.amounts, cpus(3));
    assert_eq!(world.allocator.release(hold), None);
}

#[test]
fn launches_count_until_they_have_ended_also_without_their_framework() {
    let mut world = World::new();
    world.agents(&[("a", 4)]);
    world.framework("f1", &["web"]);
    world.run();
    world.launch_all("f1");
    world.allocator.remove_framework(&"f1".into());
    assert!(world.run().is_empty());
    assert_eq!(world.allocator.figures("web").allocated, Quantities::of(&cpus(4)));
    assert_eq!(world.allocator.launched_by(&"web".into(), &"f1".into()), Quantities::of(&cpus(4)));
    world.allocator.ended(&"web".into(), &"f1".into(), &cpus(4));
    world.allocator.ended(&"web".into(), &"f1".into(), &cpus(4));
    assert_eq!(world.allocator.figures("web"), crate::allocator::policy::RoleFigures::default());
    assert_eq!(world.allocator.audit(), Vec::<String>::new());
}
