//! Those who watch know as much as those who look again.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_mesos::v1::scheduler::OfferConstraints;

use super::*;

/// What somebody knows who saw a view and was told of changes since.
#[derive(Debug, PartialEq)]
struct Known {
    frameworks: BTreeSet<String>,
    agents: BTreeSet<String>,
    /// The state of each task that has not ended for everybody.
    tasks: BTreeMap<(String, String), TaskState>,
}

fn key(task: &TaskView) -> (String, String) {
    (task.framework.to_string(), task.id.to_string())
}

impl Known {
    fn of(view: &View) -> Self {
        let tasks = view.frameworks().flat_map(FrameworkEntry::tasks);
        Self {
            frameworks: view.frameworks().map(|one| one.view().id.to_string()).collect(),
            agents: view.agents().map(|(agent, _)| agent.id.to_string()).collect(),
            tasks: tasks.map(|task| (key(task), task.state)).collect(),
        }
    }

    fn hear(&mut self, change: Change) {
        match change {
            Change::TaskAdded(task) => {
                self.tasks.insert(key(&task), task.state);
            }
            Change::TaskUpdated(task) => {
                let known = self.tasks.insert(key(&task), task.state);
                assert!(known.is_some(), "of a task that was not added");
            }
            Change::AgentAdded(agent, _) => assert!(self.agents.insert(agent.id.to_string())),
            Change::AgentRemoved(agent) => assert!(self.agents.remove(&*agent)),
            Change::FrameworkAdded(framework) => {
                assert!(self.frameworks.insert(framework.id.to_string()));
            }
            Change::FrameworkUpdated(framework) => {
                assert!(self.frameworks.contains(&*framework.id));
            }
            Change::FrameworkRemoved(framework) => {
                assert!(self.frameworks.remove(&*framework.id));
                self.tasks.retain(|(of, _), _| **of != *framework.id);
            }
        }
    }
}

/// \[P1\]
#[test]
fn who_watches_knows_what_is_there_whatever_happens() {
    for seed in 0..40 {
        let mut model = ReadModel::default();
        let mut ids = Ids::new(seed);
        (0..50).for_each(|_| change(&mut model, &mut ids));
        let mut known = Known::of(&model.watch());
        for _ in 0..500 {
            change(&mut model, &mut ids);
            model.take_changes().into_iter().for_each(|change| known.hear(change));
            let now = Known::of(&model.snapshot());
            // That everybody knows of the end of a task is told to nobody.
            known.tasks.retain(|task, _| now.tasks.contains_key(task));
            assert_eq!(known, now, "seed {seed}");
        }
    }
}

fn told(model: &mut ReadModel) -> Vec<&'static str> {
    let name = |change| match change {
        Change::TaskAdded(_) => "task added",
        Change::TaskUpdated(_) => "task updated",
        Change::AgentAdded(..) => "agent added",
        Change::AgentRemoved(_) => "agent removed",
        Change::FrameworkAdded(_) => "framework added",
        Change::FrameworkUpdated(_) => "framework updated",
        Change::FrameworkRemoved(_) => "framework removed",
    };
    model.take_changes().into_iter().map(name).collect()
}

#[test]
fn nothing_is_kept_when_nobody_watches() {
    let mut model = ReadModel::default();
    model.put_agent(agent("a"));
    assert_eq!(told(&mut model), Vec::<&str>::new());
    model.watch();
    let view = model.watch();
    assert_eq!(view.number("operator_event_stream_subscribers"), Some(2.0));
    model.unwatch();
    model.remove_agent(&"a".into());
    assert_eq!(told(&mut model), ["agent removed"]);
    model.put_agent(agent("a"));
    model.unwatch();
    model.put_agent(agent("b"));
    assert_eq!(told(&mut model), Vec::<&str>::new());
    model.unwatch();
    assert_eq!(model.snapshot().number("operator_event_stream_subscribers"), Some(0.0));
}

/// \[P1\]
#[test]
fn a_status_is_told_only_if_the_state_or_the_health_is_another() {
    let mut model = ReadModel::default();
    model.put_framework(framework("f", &["web"]));
    model.put_task(task("f", "t", "a", TaskState::TaskStaging));
    model.watch();
    let mut tells = |state, healthy| {
        model.put_status("f", "t", StatusView { healthy, ..status(state) });
        !told(&mut model).is_empty()
    };
    assert!(!tells(TaskState::TaskStaging, None));
    assert!(tells(TaskState::TaskRunning, None));
    assert!(!tells(TaskState::TaskRunning, None));
    assert!(tells(TaskState::TaskRunning, Some(true)));
    assert!(!tells(TaskState::TaskRunning, Some(true)));
    assert!(tells(TaskState::TaskRunning, Some(false)));
}

/// \[P1\]
#[test]
fn a_framework_that_comes_back_is_told_and_one_that_leaves_is_not() {
    let mut model = ReadModel::default();
    model.put_framework(framework("f", &["web"]));
    model.watch();
    model.put_framework(framework("f", &["web"]));
    let away = FrameworkView { active: false, connected: false, ..framework("f", &["web"]) };
    model.put_framework(away);
    assert_eq!(told(&mut model), Vec::<&str>::new());
    model.put_framework(framework("f", &["web"]));
    assert_eq!(told(&mut model), ["framework updated"]);
    model.put_framework(framework("f", &["batch"]));
    assert_eq!(told(&mut model), ["framework updated"]);
}

/// A framework may suppress and revive its roles for each of its tasks. \[P1\], \[C60\]
#[test]
fn what_offers_a_framework_wants_is_told_to_nobody() {
    let mut model = ReadModel::default();
    model.put_framework(framework("f", &["web"]));
    model.watch();
    let quiet = FrameworkView { suppressed: ["web".into()].into(), ..framework("f", &["web"]) };
    model.put_framework(quiet.clone());
    let choosy = FrameworkView { offer_constraints: Some(OfferConstraints::default()), ..quiet };
    model.put_framework(choosy);
    model.put_framework(framework("f", &["web"]));
    assert_eq!(told(&mut model), Vec::<&str>::new());
}
