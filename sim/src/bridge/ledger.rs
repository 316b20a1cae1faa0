//! What bridges asked for, promised and told, beside what is true of the cluster. Whatever does not agree is a violation.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{TaskState, TaskStatus};

use super::cloud::{Cloud, CloudTask, Owner};

/// What is said of a launch that was looked for in vain: the only end that may turn out to be wrong.
const GIVEN_UP: &str = "The launch did not reach the cluster";

/// What is said of tasks that a bridge gives up itself, and then ends.
const TAKEN: [&str; 2] = ["Agent has been marked gone", "Operator initiated 'Machine DOWN'"];

/// Whether a bridge gives a task up itself, and then ends it.
pub(super) fn is_taken(status: &TaskStatus) -> bool {
    let said = status.message.as_deref().unwrap_or_default();
    TAKEN.iter().any(|taken| said.ends_with(taken))
}

/// How far the start of one launch has come, as far as its bridge can know.
#[derive(Clone, Debug)]
struct Start {
    owners: Vec<Owner>,
    /// Whether the bridge heard that nothing was done.
    not_done: bool,
    /// The tasks of which their framework was told that they are over.
    over: BTreeSet<Owner>,
}

/// The books of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) violations: Vec<String>,
    starts: BTreeMap<Str, Start>,
    /// Launches of each task of a framework.
    launches: BTreeMap<Owner, Vec<Str>>,
    /// Tasks that run although their frameworks were told that they do not, until they stop or are taken over.
    pub(super) abandoned: BTreeMap<Str, Timestamp>,
    looks: BTreeMap<(usize, Str), Timestamp>,
    /// Tasks that their frameworks launched again on purpose while they were there. A bridge that has just started may not know of the
    /// Launches that drivers have sent, by scheduler: offers and tasks.
    pub(super) sent: BTreeSet<(usize, Vec<String>)>,
    /// first yet; it stops one of the two once it does.
    pub(super) repeated: BTreeSet<Owner>,
    /// Tasks whose frameworks were told that they are unreachable.
    unreachable: BTreeSet<Owner>,
}

impl Ledger {
    pub(super) fn fail(&mut self, what: String) {
        self.violations.push(what);
    }

    /// A bridge asks for a start.
    pub(super) fn start(&mut self, launch: &Str, owners: Vec<Owner>) {
        if owners.is_empty() {
            return self.fail(format!("launch {launch} does not say whose it is"));
        }
        let known = self.starts.get(launch).cloned();
        if known.is_some_and(|start| !start.not_done) {
            return self.fail(format!("launch {launch} is started twice"));
        }
        for owner in &owners {
            self.launches.entry(owner.clone()).or_default().push(launch.clone());
        }
        let start = Start { owners, not_done: false, over: BTreeSet::new() };
        self.starts.insert(launch.clone(), start);
    }

    /// The bridge hears that a start came to nothing and may be asked for again.
    pub(super) fn not_done(&mut self, launch: &Str) {
        if let Some(start) = self.starts.get_mut(launch) {
            start.not_done = true;
        }
    }

    /// A bridge looks for a launch: once a second at most.
    pub(super) fn looks_for(&mut self, now: Timestamp, master: usize, launch: &Str) {
        let last = self.looks.insert((master, launch.clone()), now);
        if last.is_some_and(|last| now.since(last) < 900) {
            self.fail(format!("launch {launch} is looked for too often"));
        }
    }

    /// The cluster takes a task.
    pub(super) fn accepted(&mut self, now: Timestamp, cloud: &Cloud, arn: &Str, launch: &Str) {
        let Some(start) = self.starts.get(launch).cloned() else { return };
        if !start.over.is_empty() {
            self.abandoned.insert(arn.clone(), now);
        }
        for owner in &start.owners {
            self.is_alone(now, cloud, arn, owner);
        }
    }

    /// Of a framework's task no other may run than the one that the cluster takes.
    fn is_alone(&mut self, now: Timestamp, cloud: &Cloud, arn: &Str, owner: &Owner) {
        for (other, task) in of(cloud, owner) {
            let told_over = self.is_over(task, owner);
            let runs = task.is_wanted() && task.is_live_for(owner) && other != arn;
            if !runs || told_over || self.abandoned.contains_key(other) {
                continue;
            }
            if self.repeated.contains(owner) {
                self.abandoned.insert(other.clone(), now);
            } else {
                let (framework, id) = owner;
                self.fail(format!("task {id} of {framework} runs twice: {other} and {arn}"));
            }
        }
    }

    /// Whether its framework was told that the launch of a task is over.
    pub(super) fn is_over(&self, task: &CloudTask, owner: &Owner) -> bool {
        let launch = task.record().and_then(|record| record.started_by.as_ref());
        launch.and_then(|id| self.starts.get(id)).is_some_and(|start| start.over.contains(owner))
    }

    /// A framework is told something of a task.
    pub(super) fn told(
        &mut self,
        now: Timestamp,
        cloud: &Cloud,
        framework: &str,
        status: &TaskStatus,
    ) {
        let owner = (framework.to_owned(), status.task_id.value.clone());
        let state = status.state();
        let is_answer = status.reason == Some(Reason::Reconciliation.into());
        if status.unreachable_time.is_some() {
            // It is not over, whatever it is called.
            self.unreachable.insert(owner);
            return;
        }
        let is_known = is_known(status);
        // [R3] Of an agent that is gone that is the whole truth.
        let is_on_gone = status.message() == "Reconciliation: Task is gone";
        if is_answer && self.unreachable.contains(&owner) && !is_known && !is_on_gone {
            // [R5] Whoever does not say where it is learns nothing.
            return;
        }
        if is_known || is_taken(status) {
            self.unreachable.remove(&owner);
        }
        if is_answer {
            let is_gone = is_terminal(state) || state == TaskState::TaskUnknown;
            // One that is known is answered with what was said of it before.
            if is_gone && !is_known {
                self.told_gone(cloud, &owner, state);
            }
            return;
        }
        if is_of_accept(status) {
            // The id may be that of another task.
            return;
        }
        let container = status.container_status.as_ref().and_then(|one| one.container_id.as_ref());
        // A task of a group is a container in the ECS task.
        let id = container.map(|id| id.parent.as_deref().unwrap_or(id));
        match id {
            Some(id) => self.told_of(cloud, &owner, &id.value.replace('-', ""), status),
            None => self.told_without_task(now, cloud, &owner, status),
        }
        if is_terminal(state) && container.is_none() {
            self.is_told_over(&owner);
        }
    }

    fn is_told_over(&mut self, owner: &Owner) {
        for launch in self.launches.get(owner).into_iter().flatten() {
            if let Some(start) = self.starts.get_mut(launch) {
                start.over.insert(owner.clone());
            }
        }
    }

    /// An answer says that there is no such task.
    fn told_gone(&mut self, cloud: &Cloud, owner: &Owner, state: TaskState) {
        let (framework, id) = owner;
        let running = of(cloud, owner).find(|(arn, task)| {
            task.is_live_for(owner) && task.is_wanted() && !self.abandoned.contains_key(*arn)
        });
        if let Some((arn, _)) = running {
            let (arn, state) = (arn.clone(), state.as_str_name());
            self.fail(format!("task {id} of {framework} is said to be {state} and is {arn}"));
        }
        self.is_told_over(owner);
    }

    /// An update names the ECS task that it is about.
    fn told_of(&mut self, cloud: &Cloud, owner: &Owner, id: &str, status: &TaskStatus) {
        let (framework, task_id) = owner;
        let state = status.state();
        let what = format!("task {task_id} of {framework} is said to be {}", state.as_str_name());
        let Some((arn, task)) = cloud.task_of_id(id) else {
            return self.fail(format!("{what}, and there is no task {id}"));
        };
        if !task.owners.contains(owner) {
            return self.fail(format!("{what}, and {arn} is not its own"));
        }
        if state == TaskState::TaskRunning {
            // Whoever is told that it runs knows of it again.
            self.abandoned.remove(arn);
            let launch = task.record().and_then(|record| record.started_by.clone());
            if let Some(start) = launch.and_then(|launch| self.starts.get_mut(&launch)) {
                start.over.remove(owner);
            }
            if !task.has_run(owner) {
                self.fail(format!("{what}, and {arn} never ran"));
            }
            return;
        }
        if !is_terminal(state) {
            return;
        }
        let launch = task.record().and_then(|record| record.started_by.clone());
        if let Some(start) = launch.and_then(|launch| self.starts.get_mut(&launch)) {
            start.over.insert(owner.clone());
        }
        if task.is_live_for(owner) {
            return self.fail(format!("{what}, and {arn} has not stopped"));
        }
        let code = task.container(owner).and_then(|container| container.exit_code);
        if state == TaskState::TaskFinished && code != Some(0) {
            self.fail(format!("{what}, and {arn} ended with {code:?}"));
        }
    }

    /// An update names no ECS task.
    fn told_without_task(
        &mut self,
        now: Timestamp,
        cloud: &Cloud,
        owner: &Owner,
        status: &TaskStatus,
    ) {
        let (framework, id) = owner;
        let state = status.state();
        let what = format!("task {id} of {framework} is said to be {}", state.as_str_name());
        let mut known = of(cloud, owner);
        match state {
            TaskState::TaskRunning | TaskState::TaskKilling => {
                if !known.any(|(_, task)| task.has_run(owner)) {
                    self.fail(format!("{what}, and never ran"));
                }
            }
            TaskState::TaskStarting => {
                if known.next().is_none() {
                    self.fail(format!("{what}, and there is no such task"));
                }
            }
            _ => {
                let live = known.find(|(arn, task)| {
                    let is_known = !self.abandoned.contains_key(*arn) && !self.is_over(task, owner);
                    task.is_live_for(owner) && is_known
                });
                let Some((arn, _)) = live else { return };
                let arn = arn.clone();
                if status.message.as_deref() == Some(GIVEN_UP) || is_taken(status) {
                    self.abandoned.insert(arn, now);
                } else {
                    self.fail(format!("{what} ({:?}), and {arn} is live", status.message));
                }
            }
        }
    }
}

/// Whether whoever says it knows of the task: an executor, or a master that has it among the live ones.
fn is_known(status: &TaskStatus) -> bool {
    let is_live = status.message.as_deref() == Some("Reconciliation: Latest task state");
    let is_back = status.reason == Some(Reason::AgentReregistered.into());
    status.executor_id.is_some() || is_live || is_back
}

/// Whether a status is about an ACCEPT that was not good, and not about what was launched.
fn is_of_accept(status: &TaskStatus) -> bool {
    let said = status.message.as_deref().unwrap_or_default();
    let refused = [
        "Task has duplicate ID",
        "Total resources",
        "Task launched with invalid offers",
        "Task reuses the ID",
    ];
    status.source == Some(Source::Master.into()) && refused.iter().any(|text| said.contains(text))
}

/// The tasks that ECS ever had of a framework's task.
fn of<'a>(cloud: &'a Cloud, owner: &Owner) -> impl Iterator<Item = (&'a Str, &'a CloudTask)> {
    let owner = owner.clone();
    cloud.tasks.iter().filter(move |(_, task)| task.owners.contains(&owner))
}
