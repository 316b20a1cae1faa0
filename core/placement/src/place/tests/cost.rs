//! Bounds the cost of a request, whatever it asks for.

#![expect(clippy::disallowed_methods, reason = "this test measures time")]

use std::time::{Duration, Instant};

use super::*;
use crate::query::Expression;

/// Hundreds of times the cost in an optimised build, since tests run unoptimised and in parallel.
const TIME_MAX: Duration = Duration::from_secs(2);

/// That many instances, each with a unique attribute value and a shared one.
fn various(instances: u128) -> ClusterView {
    let mut view = ClusterView::default();
    for number in 0..instances {
        let pair = |name: &str, value: String| (Str::from(name), Some(Str::from(value)));
        let attributes = [
            pair("own", format!("{}{number:05}", "a".repeat(100))),
            pair("same", "same".to_owned()),
            pair(ZONE_ATTRIBUTE, format!("zone-{}", number % 3)),
        ];
        let instance = InstanceView {
            attributes: Arc::new(attributes.into()),
            ..instance(None, 10_000, 10_000)
        };
        view.put_instance(ResourceId(number), instance);
    }
    view
}

fn member_of(text: &str) -> Constraint {
    Constraint::MemberOf(Arc::new(Expression::parse(text).expect(text)))
}

/// The fastest of three runs, since the machine is shared.
fn best_of_three(mut work: impl FnMut()) -> Duration {
    let times = (0..3).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed()
    });
    times.min().unwrap()
}

#[test]
fn a_request_whose_constraints_cost_too_much_places_nothing() {
    let mut view = various(5_000);
    let one = "attribute:own =~ '(a|a|aa)*(a|b)*(.?.?.?a)*[xy]' or ";
    let costly = member_of(&format!("{}attribute:same == same", one.repeat(37)));
    let all = vec![costly; 10];
    let told = plan(&mut view, &small(), &all, &[], 10);
    assert_eq!(told, Plan { too_costly: true, ..Plan::default() });
    let time = best_of_three(|| drop(plan(&mut view, &small(), &all, &[], 10)));
    assert!(time < TIME_MAX, "{time:?}");
    assert_eq!(view.groups().len(), 0, "the cluster is as it was");
    assert_eq!(placed(&mut view, &small(), 3).len(), 3, "others do not notice");
}

#[test]
fn spreading_over_values_that_all_instances_share_costs_little() {
    let mut view = various(2_000);
    let group: Str = "g".into();
    for number in 0..2_000 {
        view.join_group(&group, ResourceId(number));
    }
    let spread = |name: &str| Strategy::Spread(Spread::Attribute(name.into()));
    let strategies = ["same", "own", ZONE_ATTRIBUTE, "own", "same"].map(spread);
    let time = best_of_three(|| {
        // A new size each time, so that no ranking exists for it.
        let needs = Needs { cpu: u32::try_from(view.slots().len()).unwrap(), ..small() };
        assert_eq!(placed_by(&mut view, &needs, &[], &strategies, 100).len(), 100);
        view.put_instance(ResourceId(9_999), instance(None, 0, 0));
    });
    assert!(time < TIME_MAX, "{time:?}");
}

#[test]
fn many_kinds_of_request_in_a_small_cluster_are_told_apart_fast_and_not_all_kept() {
    let mut view = various(2);
    let began = Instant::now();
    for number in 0..10_000 {
        let constraint = member_of(&format!("attribute:same != {number}"));
        assert_eq!(placed_by(&mut view, &small(), &[constraint], &[], 1).len(), 1);
    }
    let kept = view.rankings.len();
    assert!(kept < 8_000, "{kept} are kept");
    assert!(began.elapsed() < TIME_MAX * 10, "{:?}", began.elapsed());
}
