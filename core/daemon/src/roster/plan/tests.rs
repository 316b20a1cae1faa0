//! The plan, case by case: what is to be done follows from slots alone, so tables of them are enough.

use longshore_replica::{LastStatus, Task};

use super::super::Roster;
use super::*;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn current(deployment: &str) -> Current {
    let (deployment, definition) = (deployment.into(), format!("d{deployment}").into());
    Current { deployment, definition, adopts: false }
}

fn task(arn: &str, instance: &str, deployment: &str, status: &str) -> Task {
    Task {
        arn: arn.into(),
        instance_arn: Some(instance.into()),
        definition_arn: format!("d{deployment}").into(),
        started_by: Some(deployment.into()),
        last_status: LastStatus::parse(status),
        desired_running: status != "STOPPED",
        ..Default::default()
    }
}

/// Members with the names given, each with a running task of that deployment.
fn running(names: &[&str], deployment: &str) -> Roster {
    let mut roster = Roster::default();
    for name in names {
        roster.change(&(*name).into(), |slot| slot.place(at(0), true, true));
        roster.saw(at(0), &task(&format!("t{name}"), name, deployment, "RUNNING"), true);
    }
    roster
}

fn stops(plan: &Plan) -> Vec<(String, StopWhy)> {
    plan.stops.iter().map(|(_, task, why)| (task.to_string(), *why)).collect()
}

fn apply(roster: &mut Roster, plan: &Plan) {
    for (instance, task, _) in &plan.stops {
        roster.change(instance, |slot| slot.tell(task));
    }
    for instance in &plan.starts {
        roster.change(instance, |slot| slot.begin(at(0), "2".into()));
    }
    roster.audit();
}

#[test]
fn each_member_without_a_task_gets_one_and_nothing_before_there_is_a_deployment() {
    let mut roster = Roster::default();
    roster.change(&"a".into(), |slot| slot.place(at(0), true, true));
    roster.change(&"away".into(), |slot| slot.place(at(0), true, false));
    assert_eq!(roster.plan(at(0), 0), Plan::default());
    roster.deploy(Some(current("1")));
    let plan = roster.plan(at(0), 0);
    assert_eq!(plan.starts, ["a".into()]);
    apply(&mut roster, &plan);
    assert_eq!(roster.plan(at(0), 0), Plan::default(), "an attempt is under way");
    assert_eq!((roster.counts().failed, roster.counts().attempts), (1, 1));
}

#[test]
fn what_is_one_too_many_goes_and_so_does_what_left() {
    let mut roster = running(&["a", "b"], "1");
    roster.deploy(Some(current("1")));
    roster.saw(at(0), &task("t0", "a", "1", "PENDING"), true);
    roster.change(&"b".into(), |slot| slot.place(at(0), false, true));
    let plan = roster.plan(at(0), 0);
    let wanted = [("t0".to_owned(), StopWhy::Surplus), ("tb".to_owned(), StopWhy::Left)];
    assert_eq!(stops(&plan), wanted);
    assert!(plan.starts.is_empty());
}

/// Source: blox.md 4.4, worked example: 60 %, 5 instances: at most 2 are missing at once.
#[test]
fn replacements_keep_to_the_percentage() {
    let mut roster = running(&["1", "2", "3", "4", "5"], "1");
    roster.deploy(Some(current("2")));
    let plan = roster.plan(at(0), 60);
    assert_eq!(stops(&plan).len(), 2);
    apply(&mut roster, &plan);
    assert_eq!(roster.plan(at(0), 60), Plan::default(), "two are missing");
    roster.saw(at(0), &task("t1", "1", "1", "STOPPED"), false);
    let plan = roster.plan(at(0), 60);
    assert_eq!((plan.starts.as_slice(), plan.stops.len()), ([Str::from("1")].as_slice(), 0));
    apply(&mut roster, &plan);
    // A new stop waits for a replacement to be RUNNING, not merely started.
    roster.change(&"1".into(), Slot::arrive);
    roster.saw(at(0), &task("n1", "1", "2", "PENDING"), true);
    assert!(roster.plan(at(0), 60).stops.is_empty());
    roster.saw(at(0), &task("n1", "1", "2", "RUNNING"), false);
    let plan = roster.plan(at(0), 60);
    assert_eq!(stops(&plan), [("t3".to_owned(), StopWhy::Replaced)]);
}

#[test]
fn no_order_of_things_goes_below_the_percentage() {
    for percent in [0, 20, 50, 60, 99] {
        for members in 0..12 {
            for healthy in 0..=members {
                let counts = Counts { members, healthy, ..Counts::default() };
                let budget = usize::try_from(budget(&counts, percent).left()).unwrap();
                let left = healthy - budget.min(healthy);
                let is_kept = left * 100 >= members * usize::from(percent);
                assert!(budget == 0 || is_kept, "{percent} {members} {healthy}: {budget}");
            }
        }
    }
}

/// Source: blox.md 4.4, rule (b): only actions that raise health.
#[test]
fn an_old_task_that_does_not_serve_is_replaced_without_a_budget() {
    let mut roster = running(&["a", "b"], "1");
    roster.saw(at(0), &Task { healthy: Some(false), ..task("ta", "a", "1", "RUNNING") }, false);
    roster.deploy(Some(current("2")));
    let plan = roster.plan(at(0), 99);
    assert_eq!(stops(&plan), [("ta".to_owned(), StopWhy::Replaced)]);
}

#[test]
fn a_roll_back_keeps_the_tasks_that_are_right_already() {
    let mut roster = running(&["a"], "1");
    let back = Current { deployment: "3".into(), definition: "d1".into(), adopts: true };
    roster.deploy(Some(back));
    assert_eq!(roster.plan(at(0), 0), Plan::default());
    assert_eq!(roster.counts().unsettled, 0);
}

#[test]
fn what_an_instance_does_not_take_is_tried_again_later_and_later() {
    let mut roster = Roster::default();
    roster.change(&"a".into(), |slot| slot.place(at(0), true, true));
    roster.deploy(Some(current("1")));
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..10 {
        let plan = roster.plan(now, 0);
        assert_eq!(plan.starts.len(), 1);
        roster.change(&"a".into(), |slot| slot.begin(now, "1".into()));
        roster.change(&"a".into(), |slot| slot.fail(now, "RESOURCE:MEMORY".into()));
        let (next, _) = roster.waits(&["a".into()])[0].clone();
        assert!(roster.plan(now, 0).starts.is_empty());
        waits.push(next.since(now));
        roster.touch(&"a".into());
        now = next;
    }
    assert_eq!(
        (waits[0], waits[1]),
        (crate::limits::TROUBLE_MIN_MS, crate::limits::TROUBLE_MIN_MS * 2)
    );
    assert_eq!(waits[9], crate::limits::TROUBLE_MAX_MS);
    // Room may have been made: it is tried soon.
    roster.change(&"a".into(), |slot| slot.fail(now, "RESOURCE:MEMORY".into()));
    roster.change(&"a".into(), |slot| slot.place(now, true, true));
    assert_eq!(roster.waits(&["a".into()])[0].0, now + crate::limits::RETRY_MS);
}

#[test]
fn a_lost_reply_is_settled_by_the_task_or_by_many_looks() {
    let mut roster = Roster::default();
    let slot: Str = "a".into();
    roster.change(&slot, |slot| slot.place(at(0), true, true));
    roster.deploy(Some(current("1")));
    roster.change(&slot, |slot| slot.begin(at(0), "1".into()));
    roster.change(&slot, |slot| slot.lose(at(10)));
    roster.change(&slot, |slot| slot.looked(at(9)));
    for _ in 1..crate::limits::SETTLE_LOOKS {
        roster.change(&slot, |slot| slot.looked(at(20)));
        assert!(roster.plan(at(20), 0).starts.is_empty());
    }
    roster.change(&slot, |slot| slot.looked(at(30)));
    assert_eq!(roster.plan(at(30), 0).starts.len(), 1);
    roster.change(&slot, |slot| slot.begin(at(30), "1".into()));
    roster.change(&slot, |slot| slot.lose(at(40)));
    roster.saw(at(41), &task("t", "a", "1", "PENDING"), true);
    assert_eq!(roster.counts().attempts, 0);
    assert!(roster.plan(at(41), 0).starts.is_empty());
}

#[test]
fn a_task_that_is_told_of_before_its_reply_is_lost_settles_it() {
    let mut roster = Roster::default();
    let slot: Str = "a".into();
    roster.change(&slot, |slot| slot.place(at(0), true, true));
    roster.deploy(Some(current("1")));
    roster.change(&slot, |slot| slot.begin(at(0), "1".into()));
    roster.saw(at(1), &task("t", "a", "1", "PENDING"), true);
    assert_eq!(roster.counts().attempts, 1);
    roster.change(&slot, |slot| slot.lose(at(10)));
    assert_eq!(roster.counts().attempts, 0);
}
