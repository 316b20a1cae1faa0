//! Constraints and strategies, alone and combined.

use super::*;
use crate::query::Expression;

const ANYWHERE: &[Strategy] = &[Strategy::Random];

fn with(attributes: &[(&str, &str)], cpu: u32, memory_mib: u32) -> InstanceView {
    let pair = |(name, value): &(&str, &str)| (Str::from(*name), Some(Str::from(*value)));
    InstanceView {
        attributes: Arc::new(attributes.iter().map(pair).collect()),
        ..instance(None, cpu, memory_mib)
    }
}

fn member_of(text: &str) -> Constraint {
    Constraint::MemberOf(Arc::new(Expression::parse(text).unwrap()))
}

fn spread(name: &str) -> Strategy {
    Strategy::Spread(Spread::Attribute(name.into()))
}

#[test]
fn member_of_keeps_to_the_instances_that_it_means() {
    let mut view = cluster(vec![
        with(&[("stack", "prod")], 1000, 1000),
        with(&[("stack", "test")], 9000, 9000),
    ]);
    let rules = [member_of("attribute:stack == prod")];
    assert_eq!(placed_by(&mut view, &small(), &rules, &[], 3), [1, 1, 1]);
    let plan = plan(&mut view, &small(), &[member_of("attribute:stack == dev")], &[], 1);
    let refusal = Refusal::MemberOf(0);
    assert_eq!(plan.counts(), [(&refusal, 2)].into());
}

#[test]
fn all_constraints_must_hold_and_the_first_that_fails_is_told() {
    let mut view =
        cluster(vec![with(&[("stack", "prod")], 1000, 1000), with(&[("disk", "ssd")], 1000, 1000)]);
    let rules = [member_of("attribute:stack exists"), member_of("attribute:disk exists")];
    let plan = plan(&mut view, &small(), &rules, &[], 1);
    assert_eq!(
        plan.refused,
        [(ResourceId(1), Refusal::MemberOf(1)), (ResourceId(2), Refusal::MemberOf(0))]
    );
}

/// Source: chosen by us: expressions are evaluated task by task, so earlier copies count.
#[test]
fn what_member_of_says_of_tasks_is_asked_anew_for_each_copy() {
    let mut view = cluster(vec![instance(None, 1000, 1000), instance(None, 1000, 1000)]);
    let apart = [member_of("not(task:group == g)")];
    assert_eq!(placed_by(&mut view, &small(), &apart, &[], 3), [1, 2]);
    let few = [member_of("runningTasksCount < 2")];
    assert_eq!(placed_by(&mut view, &small(), &few, &[], 9).len(), 4);
}

#[test]
fn distinct_instance_admits_one_task_of_the_group_on_each() {
    let mut view = cluster(vec![instance(None, 1000, 1000); 3]);
    view.join_group(&Str::from("g"), ResourceId(2));
    let apart = [Constraint::DistinctInstance];
    let plan = plan(&mut view, &small(), &apart, ANYWHERE, 5);
    let mut placed: Vec<u128> = plan.placed.iter().map(|id| id.0).collect();
    placed.sort_unstable();
    assert_eq!(placed, [1, 3]);
    let refusal = Refusal::DistinctInstance;
    assert_eq!(plan.counts(), [(&refusal, 3)].into());
    view.leave_group(&Str::from("g"), ResourceId(2));
    // A task that was told to stop no longer blocks others.
    assert_eq!(placed_by(&mut view, &small(), &apart, ANYWHERE, 5).len(), 3);
}

#[test]
fn binpack_fills_the_fullest_that_still_has_room() {
    let mut view = cluster(vec![
        instance(None, 1000, 1000),
        instance(None, 300, 2000),
        instance(None, 50, 4000),
    ]);
    let cpu = [Strategy::Binpack(Resource::Cpu)];
    assert_eq!(placed_by(&mut view, &small(), &[], &cpu, 4), [2, 2, 2, 1]);
    let memory = [Strategy::Binpack(Resource::Memory)];
    assert_eq!(placed_by(&mut view, &small(), &[], &memory, 2), [1, 1]);
}

#[test]
fn spread_over_an_attribute_takes_the_value_with_fewest_tasks_that_has_room() {
    let rack = |name: &str, cpu| with(&[("rack", name)], cpu, 1000);
    let mut view = cluster(vec![rack("a", 1000), rack("a", 900), rack("b", 1000), rack("c", 0)]);
    view.join_group(&Str::from("g"), ResourceId(3));
    // c has the fewest tasks, but no room.
    assert_eq!(placed_by(&mut view, &small(), &[], &[spread("rack")], 4), [1, 2, 3, 1]);
}

#[test]
fn full_instances_count_for_their_value_all_the_same() {
    let rack = |name: &str, cpu| with(&[("rack", name)], cpu, 1000);
    let mut view = cluster(vec![rack("a", 0), rack("a", 1000), rack("b", 1000)]);
    view.join_group(&Str::from("g"), ResourceId(1));
    view.join_group(&Str::from("g"), ResourceId(1));
    assert_eq!(placed_by(&mut view, &small(), &[], &[spread("rack")], 3), [3, 3, 2]);
}

#[test]
fn an_attribute_without_a_value_is_a_value_and_a_missing_one_comes_last() {
    let bare = InstanceView {
        attributes: Arc::new([(Str::from("rack"), None)].into()),
        ..instance(None, 1000, 1000)
    };
    let mut view =
        cluster(vec![instance(None, 9000, 9000), bare, with(&[("rack", "a")], 200, 200)]);
    assert_eq!(placed_by(&mut view, &small(), &[], &[spread("rack")], 5), [2, 3, 2, 3, 2]);
    view.remove_instance(ResourceId(2));
    view.remove_instance(ResourceId(3));
    assert_eq!(placed_by(&mut view, &small(), &[], &[spread("rack")], 1), [1]);
}

#[test]
fn spread_over_zones_then_binpack_packs_within_the_least_loaded_zone() {
    let zone = |name: &str, memory| instance(Some(name), 1000, memory);
    let mut view = cluster(vec![zone("a", 900), zone("a", 500), zone("b", 700), zone("b", 800)]);
    let chain = [spread(ZONE_ATTRIBUTE), Strategy::Binpack(Resource::Memory)];
    assert_eq!(placed_by(&mut view, &small(), &[], &chain, 6), [2, 3, 2, 3, 2, 3]);
}

#[test]
fn spreads_over_two_attributes_decide_one_after_the_other() {
    let at = |zone: &str, rack: &str| with(&[(ZONE_ATTRIBUTE, zone), ("rack", rack)], 1000, 1000);
    let mut view = cluster(vec![at("a", "1"), at("a", "2"), at("b", "1"), at("b", "2")]);
    let chain = [spread(ZONE_ATTRIBUTE), spread("rack")];
    assert_eq!(placed_by(&mut view, &small(), &[], &chain, 4), [1, 4, 2, 3]);
}

#[test]
fn random_is_even_and_comes_from_the_seed() {
    let mut view = cluster(vec![instance(None, 1_000_000, 1_000_000); 8]);
    let (needs, group) = (Arc::new(small()), Str::from("g"));
    let mut draw = |seed| {
        let request = Request {
            needs: &needs,
            group: &group,
            constraints: &[],
            strategies: ANYWHERE,
            count: 1,
            seed,
        };
        usize::try_from(place(&mut view, &request).placed[0].0).unwrap() - 1
    };
    let mut counts = [0_u32; 8];
    for seed in 0..8_000 {
        counts[draw(seed)] += 1;
    }
    assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
}

#[test]
fn what_stands_behind_random_decides_nothing() {
    let mut view = cluster(vec![instance(None, 5000, 5000), instance(None, 5000, 4000)]);
    let chain = [Strategy::Random, Strategy::Binpack(Resource::Memory)];
    let mut places = placed_by(&mut view, &small(), &[], &chain, 20);
    places.sort_unstable();
    places.dedup();
    assert_eq!(places, [1, 2]);
}

#[test]
fn changes_between_requests_are_seen() {
    let mut view = cluster(vec![instance(Some("a"), 1000, 1000), instance(Some("b"), 900, 900)]);
    let binpack = [Strategy::Binpack(Resource::Cpu)];
    assert_eq!(placed_by(&mut view, &small(), &[], &binpack, 1), [2]);
    view.set_connected(ResourceId(2), false);
    assert_eq!(placed_by(&mut view, &small(), &[], &binpack, 1), [1]);
    view.set_connected(ResourceId(2), true);
    view.reserve(ResourceId(1), &Needs { cpu: 500, ..Needs::default() });
    assert_eq!(placed_by(&mut view, &small(), &[], &binpack, 1), [1]);
    view.remove_instance(ResourceId(1));
    view.put_instance(ResourceId(9), instance(Some("a"), 150, 1000));
    assert_eq!(placed_by(&mut view, &small(), &[], &binpack, 2), [9, 2]);
    view.put_instance(ResourceId(9), InstanceView { active: false, ..instance(None, 150, 1000) });
    assert_eq!(placed_by(&mut view, &small(), &[], &binpack, 1), [2]);
}
