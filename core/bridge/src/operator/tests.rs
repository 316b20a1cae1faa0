//! The read model, told of changes in any order.

use std::sync::Arc;

use longshore_machine::{Ids, Timestamp};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{ExecutorInfo, TaskState};

use super::*;
use crate::amounts::Amounts;
use crate::limits;
use crate::ranges::Ranges;

mod changes;

fn framework(id: &str, roles: &[&str]) -> FrameworkView {
    FrameworkView {
        id: id.into(),
        info: longshore_wire_mesos::v1::FrameworkInfo::default(),
        roles: roles.iter().map(|role| (*role).into()).collect(),
        suppressed: std::collections::BTreeSet::new(),
        pid: None,
        active: true,
        connected: true,
        recovered: false,
        registered_at: Timestamp::from_millis(1),
        reregistered_at: Timestamp::from_millis(1),
        unregistered_at: None,
        offer_constraints: None,
    }
}

fn task(framework: &str, id: &str, agent: &str, state: TaskState) -> TaskView {
    // Two tasks on an agent may have the same port: one that is known again has not been found to have ended yet.
    let port = 31_000 + framework.bytes().chain(id.bytes()).map(u64::from).sum::<u64>() % 3;
    TaskView {
        id: id.into(),
        name: id.into(),
        framework: framework.into(),
        agent: agent.into(),
        executor: None,
        role: "web".into(),
        state,
        resources: Arc::new(Amounts::of(100, 32_000, 0, Ranges::of([port]))),
        statuses: Box::default(),
        detail: None,
    }
}

fn executor(framework: &str, id: &str, agent: &str) -> ExecutorView {
    ExecutorView {
        id: id.into(),
        framework: framework.into(),
        agent: agent.into(),
        role: "web".into(),
        info: ExecutorInfo::default(),
        resources: Arc::new(Amounts::of(100, 32_000, 32_000, Ranges::default())),
    }
}

fn status(state: TaskState) -> StatusView {
    StatusView {
        state,
        timestamp: 1.0,
        source: Some(Source::Master),
        reason: Some(Reason::InvalidOffers),
        message: None,
        uuid: None,
        healthy: None,
        check: None,
        labels: None,
        container: None,
        unreachable_at: None,
    }
}

fn agent(id: &str) -> AgentView {
    AgentView {
        id: id.into(),
        hostname: "h".into(),
        ip: "127.0.0.1".into(),
        port: 5051,
        process: "slave(1)".into(),
        attributes: Vec::new(),
        domain: None,
        registered_at: Timestamp::from_millis(1),
        reregistered_at: None,
        total: Amounts::of(4_000, 4_096_000, 0, Ranges::default()),
        foreign: Amounts::default(),
        connected: true,
        deactivated: false,
        drain: None,
    }
}

fn offer(id: &str, framework: &str, agent: &str) -> OfferView {
    OfferView {
        id: id.into(),
        framework: framework.into(),
        agent: agent.into(),
        role: "web".into(),
        resources: Amounts::of(1_000, 1_000, 0, Ranges::of([80, 81])),
    }
}

/// One of three frameworks, four agents, five tasks, at random.
fn change(model: &mut ReadModel, ids: &mut Ids) {
    let mut draw = |below| ids.below("change", below);
    let name = |kind: &str, number: u64| format!("{kind}{number}");
    let (f, a, t) = (name("f", draw(3)), name("a", draw(4)), name("t", draw(5)));
    let states = [TaskState::TaskStaging, TaskState::TaskRunning, TaskState::TaskUnreachable];
    let ends = [TaskState::TaskFinished, TaskState::TaskLost, TaskState::TaskGone];
    let mut one_of = |all: [TaskState; 3]| all[usize::try_from(draw(3)).expect("small")];
    let (state, end) = (one_of(states), one_of(ends));
    match draw(15) {
        0 => model.put_framework(framework(&f, &["web", "batch"])),
        1 => model.put_framework(framework(&f, &["web"])),
        2 => model.remove_framework(&f.as_str().into(), Timestamp::from_millis(9)),
        3 => model.put_agent(agent(&a)),
        4 => model.remove_agent(&a.as_str().into()),
        5 => {
            model.put_offer(offer(&t, &f, &a));
        }
        6 => model.remove_offer(&t.as_str().into()),
        7 => model.put_status(&f, &t, status(end)),
        8 => model.end_task(&f, &t.as_str().into()),
        9 => model.put_status(&f, &t, status(state)),
        10 | 11 => {
            model.put_executor(executor(&f, &t, &a));
        }
        12 => model.remove_executor(&f, &a.as_str().into(), &t.as_str().into()),
        _ => {
            model.put_task(task(&f, &t, &a, state));
        }
    }
}

#[test]
fn counts_and_sums_are_those_of_what_is_shown_whatever_happened() {
    for seed in 0..40 {
        let mut model = ReadModel::default();
        let mut ids = Ids::new(seed);
        for _ in 0..500 {
            change(&mut model, &mut ids);
            assert_eq!(model.audit(), Vec::<String>::new(), "seed {seed}");
        }
    }
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let mut model = ReadModel::default();
    model.put_framework(framework("f", &["web"]));
    model.put_task(task("f", "t", "a", TaskState::TaskStaging));
    let before = model.snapshot();
    model.put_status("f", "t", status(TaskState::TaskRunning));
    model.remove_framework(&"f".into(), Timestamp::from_millis(2));
    let seen = before.framework("f").and_then(|entry| entry.task("t"));
    assert_eq!(seen.map(|task| task.state), Some(TaskState::TaskStaging));
    assert_eq!(model.snapshot().frameworks().count(), 0);
}

/// \[T24\]
#[test]
fn a_status_of_the_same_state_takes_the_place_of_the_last() {
    let mut model = ReadModel::default();
    model.put_framework(framework("f", &["web"]));
    model.put_task(task("f", "t", "a", TaskState::TaskStaging));
    for state in [TaskState::TaskRunning, TaskState::TaskRunning, TaskState::TaskKilling] {
        model.put_status("f", "t", status(state));
    }
    let view = model.snapshot();
    let task = view.framework("f").and_then(|entry| entry.task("t")).expect("it is there");
    assert_eq!((task.statuses.len(), task.state), (2, TaskState::TaskKilling));
}

#[test]
fn the_last_ended_tasks_and_frameworks_are_kept_and_no_more() {
    let mut model = ReadModel::default();
    model.put_framework(framework("f", &["web"]));
    for number in 0..limits::COMPLETED_TASKS_MAX + 5 {
        let id = format!("t{number:05}");
        model.put_task(task("f", &id, "a", TaskState::TaskFinished));
        model.end_task("f", &id.as_str().into());
    }
    let view = model.snapshot();
    let entry = view.framework("f").expect("it is there");
    assert_eq!(entry.ended().count(), limits::COMPLETED_TASKS_MAX);
    assert_eq!(entry.ended().next().map(|task| task.id.to_string()), Some("t00005".to_owned()));
    assert_eq!(entry.counts().of(TaskState::TaskFinished), 1_000);
    // Metrics count all that ever ended.
    assert_eq!(view.number("tasks_finished"), Some(1_005.0));
    assert_eq!(model.audit(), Vec::<String>::new());
    for number in 0..limits::COMPLETED_FRAMEWORKS_MAX + 2 {
        let id = format!("g{number}");
        model.put_framework(framework(&id, &["web"]));
        model.remove_framework(&id.as_str().into(), Timestamp::from_millis(7));
    }
    assert_eq!(model.snapshot().completed().count(), limits::COMPLETED_FRAMEWORKS_MAX);
}

#[test]
fn what_ended_is_counted_with_who_said_so_and_why() {
    let mut model = ReadModel::default();
    model.put_framework(framework("f", &["web"]));
    model.put_task(task("f", "t", "a", TaskState::TaskStaging));
    model.put_status("f", "t", status(TaskState::TaskLost));
    model.end_task("f", &"t".into());
    let view = model.snapshot();
    assert_eq!(view.number("tasks_lost"), Some(1.0));
    assert_eq!(view.number("task_lost/source_master/reason_invalid_offers"), Some(1.0));
    assert_eq!(view.framework("f").map(|entry| entry.number("tasks/terminal/task_lost")), Some(1));
}

#[test]
fn a_view_may_be_read_on_any_thread() {
    fn shared<T: Send + Sync>() {}
    shared::<View>();
}
