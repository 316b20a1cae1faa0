//! Plans in tabular form: the situation on the left, the expected actions on the right.

use longshore_machine::Timestamp;
use longshore_placement::ClusterView;
use longshore_rollout::Share;

use super::*;
use crate::service::scale_in::Resource;

/// Tasks in shorthand, one character each: `n` of the PRIMARY deployment, `o` of an old one; upper
/// case is healthy; `p` and `q` are pending (new and old), `u` and `v` unhealthy; `d` is new,
/// healthy and on a draining instance; `x` is new, healthy and protected; `y` is old, healthy and
/// protected.
fn members(short: &str) -> Vec<Member> {
    let one = |(index, letter): (usize, char)| {
        let standing = match letter {
            'p' | 'q' => Standing::Pending,
            'n' | 'o' => Standing::Settling,
            'u' | 'v' => Standing::Unhealthy,
            _ => Standing::Healthy,
        };
        let number = u64::try_from(index).expect("there are few");
        Member {
            id: ResourceId(u128::from(number)),
            deployment: None,
            primary: !matches!(letter, 'o' | 'O' | 'q' | 'v' | 'y'),
            instance: ResourceId(u128::from(number % 2)),
            zone: None,
            created_at: Timestamp::from_millis(number),
            standing,
            protected: matches!(letter, 'x' | 'y'),
            leaving: letter == 'd',
        }
    };
    short.chars().enumerate().map(one).collect()
}

fn situation(members: &[Member], desired: u32, minimum: u32, maximum: u32) -> Situation<'_> {
    Situation {
        desired,
        bounds: Bounds::of(desired, Share::percent(minimum), Share::percent(maximum)),
        members,
        stopping: 0,
        failed: false,
        may_start: true,
        order: Order::Balance,
    }
}

/// The actions of a plan in shorthand: `+2 -O -O`, with a star if it is stuck.
fn plan(short: &str, desired: u32, minimum: u32, maximum: u32) -> String {
    let members = members(short);
    written(short, &replica(&situation(&members, desired, minimum, maximum)))
}

fn written(short: &str, plan: &Plan) -> String {
    let mut parts = Vec::new();
    if plan.start > 0 {
        parts.push(format!("+{}", plan.start));
    }
    for (id, _) in &plan.stop {
        let index = usize::try_from(id.0).expect("it was one");
        parts.push(format!("-{}", short.chars().nth(index).expect("it is one of them")));
    }
    if plan.stuck {
        parts.push("*".to_owned());
    }
    parts.join(" ")
}

#[test]
fn what_is_missing_is_started_and_what_is_too_much_is_stopped() {
    for (short, desired, planned) in [
        ("", 3, "+3"),
        ("NN", 3, "+1"),
        ("pnN", 3, ""),
        ("NNNN", 3, "-N"),
        ("NNpN", 3, "-p"),
        ("NNN", 0, "-N -N -N"),
        ("", 0, ""),
    ] {
        assert_eq!(plan(short, desired, 100, 200), planned, "{short:?} of {desired}");
    }
}

#[test]
fn a_deployment_keeps_within_its_percents() {
    for (short, desired, minimum, maximum, planned) in [
        // Start all at once, then stop as the new ones become healthy.
        ("OOOO", 4, 100, 200, "+4"),
        ("OOOOpppp", 4, 100, 200, ""),
        ("OOOONNpp", 4, 100, 200, "-O -O"),
        ("OOOONNNN", 4, 100, 200, "-O -O -O -O"),
        // One at a time.
        ("OOOO", 4, 100, 125, "+1"),
        ("OOOON", 4, 100, 125, "-O"),
        // Stop first where fewer are allowed.
        ("OOOO", 4, 50, 100, "-O -O"),
        ("OO", 4, 50, 100, "+2"),
        ("OOOO", 4, 0, 200, "+4 -O -O -O -O"),
        // Old tasks that are not healthy do not count.
        ("qqOO", 4, 50, 200, "+4 -q -q"),
        // No room to start and none may stop.
        ("OOO", 3, 100, 125, "*"),
        ("O", 1, 100, 100, "*"),
    ] {
        assert_eq!(plan(short, desired, minimum, maximum), planned, "{short} {minimum}/{maximum}");
    }
}

#[test]
fn tasks_that_are_stopping_count_against_the_upper_bound() {
    let members = members("OO");
    let with = |stopping| Situation { stopping, ..situation(&members, 4, 50, 100) };
    assert_eq!(replica(&with(2)).start, 0);
    assert_eq!(replica(&with(1)).start, 1);
    assert!(!replica(&with(2)).stuck, "they will be gone");
}

#[test]
fn a_draining_instance_loses_its_tasks_as_others_take_their_place() {
    for (short, minimum, maximum, planned) in [
        ("Nd", 100, 200, "+1"),
        ("Ndp", 100, 200, ""),
        ("NdN", 100, 200, "-d"),
        ("Nd", 50, 100, "-d"),
        ("Nd", 100, 100, "*"),
    ] {
        assert_eq!(plan(short, 2, minimum, maximum), planned, "{short} {minimum}/{maximum}");
    }
}

#[test]
fn an_unhealthy_task_goes_once_it_is_replaced_or_where_there_is_no_room() {
    for (short, maximum, planned) in [
        ("Nu", 200, "+1"),
        ("Nup", 200, ""),
        ("NuN", 200, "-u"),
        ("Nu", 100, "-u"),
        ("uu", 100, "-u"),
    ] {
        assert_eq!(plan(short, 2, 100, maximum), planned, "{short} {maximum}");
    }
}

#[test]
fn a_protected_task_is_neither_scaled_in_nor_replaced() {
    assert_eq!(plan("xNx", 1, 100, 200), "-N");
    let members = members("xx");
    let plan = replica(&situation(&members, 1, 100, 200));
    assert_eq!((plan.stop.len(), plan.protected), (0, 1));
    assert_eq!(super::tests::plan("yONN", 2, 100, 200), "-O");
}

#[test]
fn a_deployment_that_failed_starts_and_replaces_nothing() {
    let members = members("OOpp");
    let plan = replica(&Situation { failed: true, ..situation(&members, 3, 0, 200) });
    assert_eq!(plan, Plan::default());
}

#[test]
fn starts_that_are_held_back_are_counted() {
    let members = members("N");
    let plan = replica(&Situation { may_start: false, ..situation(&members, 3, 100, 200) });
    assert_eq!((plan.start, plan.held_back, plan.stuck), (0, 2, false));
}

/// Healthy tasks on the given instances, of which those numbered below `zone_a` are in zone a.
fn spread(on: &[u128], zone_a: u128) -> Vec<Member> {
    let mut members = members(&"N".repeat(on.len()));
    for (member, instance) in members.iter_mut().zip(on) {
        member.instance = ResourceId(*instance);
        member.zone = Some(if *instance < zone_a { "a" } else { "b" }.into());
    }
    members
}

fn goes_first(members: &[Member], order: Order<'_>) -> Vec<u128> {
    let all: Vec<&Member> = members.iter().collect();
    first_to_go(&all, order).iter().map(|one| one.instance.0).collect()
}

#[test]
fn the_fullest_zone_and_in_it_the_fullest_instance_lose_first() {
    // Zone a: three on 0, one on 1. Zone b: two on 2.
    let members = spread(&[0, 0, 0, 1, 2, 2], 2);
    assert_eq!(goes_first(&members, Order::Balance)[..3], [0, 0, 2]);
    let even = spread(&[0, 1], 1);
    assert_eq!(goes_first(&even, Order::Balance).len(), 2);
}

#[test]
fn packed_instances_stay_full() {
    let mut view = ClusterView::default();
    for (id, cpu, memory_mib) in [(0, 100, 900), (1, 900, 100)] {
        let instance = longshore_placement::InstanceView {
            cpu,
            memory_mib,
            ports: std::collections::BTreeSet::new(),
            attributes: std::sync::Arc::default(),
            active: true,
            connected: true,
            ..Default::default()
        };
        view.put_instance(ResourceId(id), instance);
    }
    let members = spread(&[0, 1], 2);
    assert_eq!(goes_first(&members, Order::MostFree(&view, Resource::Cpu)), [1, 0]);
    assert_eq!(goes_first(&members, Order::MostFree(&view, Resource::Memory)), [0, 1]);
}
