//! One attempt to start one task: from an accepted offer to the end of the ECS task.
//!
//! At most once: `StartTask` goes out once under the launch id. If its reply is lost the launch is *unsure*, and is looked
//! for by that id until it is found, or was looked for long enough to be sure that it never was. One that shows up even
//! later is stopped, since its framework has been told that it is lost.

use longshore_machine::Timestamp;
use longshore_replica::{Answer, Ask, Failure, StartTask, Task};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::call;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{ContainerInfo, DiscoveryInfo, Labels, TaskInfo, TaskState};

use crate::amounts::Amounts;
use crate::mapping::Plan;
use crate::state::{Bridge, Purpose, Timer};
use crate::status::{self, Updates};
use crate::{definition, feed, limits, machine::Output, observe, offer, reconcile, stop};

/// How far a launch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its task definition is being found or registered.
    Preparing,
    /// `StartTask` is out.
    Starting,
    /// The reply of `StartTask` was lost; how often the launch has been looked for.
    Unsure(u32),
    /// ECS has the task.
    Known,
    /// It has ended, or never began.
    Over,
}

/// One attempt to start one task.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The `startedBy` of its ECS task.
    pub(crate) id: Str,
    pub(crate) framework: Str,
    pub(crate) task: String,
    pub(crate) name: String,
    pub(crate) role: Str,
    /// ARN of the instance.
    pub(crate) instance: Str,
    /// The same as frameworks know it.
    pub(crate) agent: Str,
    /// What the framework said that it uses.
    pub(crate) claim: Amounts,
    /// What ECS reserves for it.
    pub(crate) cpu_units: u32,
    /// What ECS reserves for it.
    pub(crate) memory_mib: u32,
    /// What operators see of the task as it was asked for; a recovered launch has none.
    pub(crate) shown: Option<Box<Shown>>,
    /// How it is to be run, until the cluster has it.
    pub(crate) plan: Option<Box<Plan>>,
    pub(crate) phase: Phase,
    pub(crate) arn: Option<Str>,
    /// Whether what it reserves does not show in the cluster's own figures yet.
    pub(crate) unseen: bool,
    /// The first reading of instances that was asked for after ECS accepted it.
    pub(crate) seen_after: u64,
    pub(crate) version_before: i64,
    /// When ECS accepted it, by ECS's clock, in ms since the epoch.
    pub(crate) accepted_at_ms: Option<u64>,
    pub(crate) began_at: Timestamp,
    /// Whether it is to end.
    pub(crate) kill: bool,
    pub(crate) state: TaskState,
    pub(crate) updates: Updates,
    /// Something that its framework should hear with the next update.
    pub(crate) note: Option<String>,
}

/// What operators see of a task as it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) labels: Option<Labels>,
    pub(crate) discovery: Option<DiscoveryInfo>,
    pub(crate) container: Option<ContainerInfo>,
}

impl Shown {
    /// The part of a task that is shown, if there is any.
    pub(crate) fn of(task: TaskInfo) -> Option<Box<Self>> {
        let TaskInfo { labels, discovery, container, .. } = task;
        let is_any = labels.is_some() || discovery.is_some() || container.is_some();
        is_any.then(|| Box::new(Self { labels, discovery, container }))
    }
}

impl Launch {
    /// Whether it has, or may have, something of its instance.
    pub(crate) fn holds(&self) -> bool {
        self.phase != Phase::Over
    }

    /// Whether something about it is about to change.
    pub(crate) fn is_hot(&self) -> bool {
        self.phase == Phase::Known && (self.kill || self.state != TaskState::TaskRunning)
    }
}

/// Looks up the definition, then starts.
pub(crate) fn prepare(bridge: &mut Bridge, now: Timestamp, id: &Str, out: &mut Vec<Output>) {
    let Some(launch) = bridge.launches.get(id).filter(|launch| launch.phase == Phase::Preparing)
    else {
        return;
    };
    if launch.kill {
        return killed_before_start(bridge, now, id, out);
    }
    if !bridge.frameworks.contains_key(&launch.framework) {
        // It was removed, and its launches are being ended one after another.
        return abandon(bridge, id, out);
    }
    match definition::resolve(bridge, now, id, out) {
        None => {}
        Some(Err(why)) => refuse(bridge, now, id, &why, out),
        Some(Ok(found)) => start(bridge, now, id, &found, out),
    }
}

fn start(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    found: &longshore_replica::Definition,
    out: &mut Vec<Output>,
) {
    let Some(launch) = bridge.launches.get_mut(id) else { return };
    let Some(plan) = launch.plan.clone() else { return };
    let Some(container) = found.containers.first().cloned() else {
        return refuse(bridge, now, id, "the task definition has no container", out);
    };
    let named = plan.is_named();
    if named {
        launch.note = definition::difference(found, &launch.claim);
        bridge.resize(id, found.cpu, found.memory_mib);
    }
    let Some(launch) = bridge.launches.get_mut(id) else { return };
    launch.phase = Phase::Starting;
    let instance = launch.instance.clone();
    let start = StartTask {
        instance: launch.instance.clone(),
        definition: found.arn.clone(),
        started_by: launch.id.clone(),
        group: None,
        container,
        command: if named { None } else { plan.command.clone() },
        environment: plan.environment.clone(),
        cpu: (!named).then_some(launch.cpu_units),
        memory_mib: (!named).then_some(launch.memory_mib),
    };
    bridge.ask(Purpose::Start(id.clone()), Ask::StartTask(Box::new(start)), out);
    if named {
        // The definition may take more than was claimed, and that may be on offer.
        bridge.doubted.insert(instance);
    }
}

/// Takes back offers of instances of which more is taken than was claimed.
pub(crate) fn resolve_doubts(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    while let Some(instance) = bridge.doubted.pop_first() {
        if !bridge.still_backed(&instance) {
            offer::rescind_instance(bridge, now, &instance, out);
        }
    }
}

/// What came of `StartTask`.
pub(crate) fn started(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    if !bridge.launches.contains_key(id) {
        return;
    }
    match result {
        Ok(Answer::Started(task)) => known(bridge, now, id, *task, out),
        Ok(Answer::NotStarted { reason, detail }) => {
            not_started(bridge, now, id, &reason, detail.as_deref(), out);
        }
        Err(failure @ (Failure::Throttled | Failure::NotDone(_))) => {
            // Nothing was done: the same launch may be asked for again.
            if matches!(failure, Failure::NotDone(_)) {
                out.push(Output::Note(format!("cannot start tasks yet, will retry: {failure}")));
            }
            set_phase(bridge, id, Phase::Preparing);
            bridge.at(now + limits::SETTLE_MS, Timer::Settle(id.clone()));
        }
        Err(Failure::Refused { code, message }) => {
            refuse(bridge, now, id, &format!("{code}: {message}"), out);
        }
        Err(Failure::Unsure(why)) => {
            out.push(Output::Note(format!(
                "the reply to a launch was lost, looking for its task: {why}"
            )));
            set_phase(bridge, id, Phase::Unsure(0));
            bridge.at(now + limits::SETTLE_MS, Timer::Settle(id.clone()));
        }
        Ok(_) => {}
    }
}

fn set_phase(bridge: &mut Bridge, id: &Str, phase: Phase) {
    if let Some(launch) = bridge.launches.get_mut(id) {
        launch.phase = phase;
    }
}

/// ECS has the task.
pub(crate) fn known(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    task: Task,
    out: &mut Vec<Output>,
) {
    let readings = bridge.readings;
    let Some(launch) = bridge.launches.get_mut(id) else { return };
    if launch.phase == Phase::Known || launch.phase == Phase::Over {
        return;
    }
    launch.phase = Phase::Known;
    launch.plan = None;
    launch.arn = Some(task.arn.clone());
    launch.seen_after = readings + 1;
    launch.accepted_at_ms = Some(task.created_at_ms).filter(|at| *at > 0);
    let kill = launch.kill;
    bridge.by_arn.insert(task.arn.clone(), id.clone());
    bridge.reindex(id);
    feed::shows(bridge, now, id);
    bridge.at(now + limits::STARTING_AFTER_MS, Timer::Starting(id.clone()));
    if kill {
        stop::ask(bridge, id, out);
    }
    observe::task(bridge, now, task, out);
}

/// The instance could not take it: someone else was faster, or it is leaving.
fn not_started(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    reason: &str,
    detail: Option<&str>,
    out: &mut Vec<Output>,
) {
    let why = match reason {
        "AGENT" => Reason::AgentDisconnected,
        "INACTIVE" | "MISSING" => Reason::AgentRemoved,
        _ => Reason::InvalidOffers,
    };
    let text = format!(
        "The container instance rejected the task: {reason}. {}",
        detail.unwrap_or_default()
    );
    dropped(bridge, now, id, why, text.trim(), out);
}

/// The launch never was. Source: \[C8\], \[C10\]: DROPPED, or LOST for frameworks that do not know it.
fn dropped(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    reason: Reason,
    text: &str,
    out: &mut Vec<Output>,
) {
    let Some(launch) = bridge.launches.get(id) else { return };
    if launch.kill {
        return killed_before_start(bridge, now, id, out);
    }
    let aware =
        bridge.frameworks.get(&launch.framework).is_some_and(crate::framework::Framework::is_aware);
    let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
    let mut status = status::make(now, launch, state);
    status.source = Some(Source::Master.into());
    status.reason = Some(reason.into());
    status.message = Some(text.to_owned());
    end_unacknowledged(bridge, now, id, status, out);
}

/// The task cannot be run as it is described. Source: `TASK_ERROR` says: do not try again unchanged.
pub(crate) fn refuse(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    why: &str,
    out: &mut Vec<Output>,
) {
    let Some(launch) = bridge.launches.get(id) else { return };
    if launch.kill {
        return killed_before_start(bridge, now, id, out);
    }
    let mut status = status::make(now, launch, TaskState::TaskError);
    status.source = Some(Source::Master.into());
    status.reason = Some(Reason::TaskInvalid.into());
    status.message = Some(why.to_owned());
    end_unacknowledged(bridge, now, id, status, out);
}

fn killed_before_start(bridge: &mut Bridge, now: Timestamp, id: &Str, out: &mut Vec<Output>) {
    let Some(launch) = bridge.launches.get(id) else { return };
    let mut status = status::make(now, launch, TaskState::TaskKilled);
    status.source = Some(Source::Agent.into());
    status.reason = Some(Reason::TaskKilledDuringLaunch.into());
    status.message = Some("Killed before the task was started".to_owned());
    over(bridge, id);
    status::update(bridge, now, id, status, out);
}

/// Ends a launch with an update that needs no acknowledgement. Source: \[T7\].
fn end_unacknowledged(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    status: longshore_wire_mesos::v1::TaskStatus,
    out: &mut Vec<Output>,
) {
    over(bridge, id);
    let Some(launch) = bridge.launches.get(id) else { return };
    let framework = launch.framework.clone();
    status::send_once(bridge, now, &framework, status.clone(), out);
    status::finish(bridge, id, Some(status));
    bridge.wants_allocation(now);
}

/// It holds nothing any more. What it held shows in the next reading of instances, or in an event; that ECS did not
/// take it shows that what is known is old.
pub(crate) fn over(bridge: &mut Bridge, id: &Str) {
    let was_known = bridge.launches.get(id).is_some_and(|launch| launch.phase == Phase::Known);
    set_phase(bridge, id, Phase::Over);
    if !(was_known && bridge.feed.is_live()) {
        bridge.needs_reading = true;
    }
    bridge.reindex(id);
}

/// Tries again what was not settled.
pub(crate) fn settle(bridge: &mut Bridge, now: Timestamp, id: &Str, out: &mut Vec<Output>) {
    let phase = bridge.launches.get(id).map(|launch| launch.phase);
    match phase {
        Some(Phase::Preparing) => prepare(bridge, now, id, out),
        _ if bridge.given_up.contains_key(id) || matches!(phase, Some(Phase::Unsure(_))) => {
            bridge.ask(Purpose::Find(id.clone()), Ask::FindTasks { started_by: id.clone() }, out);
        }
        _ => {}
    }
}

/// What came of a look for a launch.
pub(crate) fn looked_for(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    if let Some(since) = bridge.given_up.get(id).copied() {
        return looked_for_given_up(bridge, now, id, since, result, out);
    }
    let Some(Phase::Unsure(looks)) = bridge.launches.get(id).map(|launch| launch.phase) else {
        return;
    };
    match result {
        Ok(Answer::Tasks { found, .. }) if !found.is_empty() => {
            for task in found {
                known(bridge, now, id, task, out);
            }
        }
        Ok(_) if looks + 1 >= limits::SETTLE_LOOKS => {
            bridge.given_up.insert(id.clone(), now);
            bridge.at(now + limits::GIVEN_UP_LOOK_MS, Timer::Settle(id.clone()));
            dropped(
                bridge,
                now,
                id,
                Reason::InvalidOffers,
                "The launch did not reach the cluster",
                out,
            );
        }
        // Only a look that was answered counts.
        Ok(_) => {
            set_phase(bridge, id, Phase::Unsure(looks + 1));
            bridge.at(now + limits::SETTLE_MS, Timer::Settle(id.clone()));
        }
        Err(_) => bridge.at(now + limits::SETTLE_MS, Timer::Settle(id.clone())),
    }
}

/// A launch that was given up may show up all the same: it is looked for a while longer, and stopped if it does.
fn looked_for_given_up(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    since: Timestamp,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    if let Ok(Answer::Tasks { found, .. }) = result {
        for task in found {
            observe::task(bridge, now, task, out);
        }
    }
    if now.since(since) < limits::GIVEN_UP_MS {
        bridge.at(now + limits::GIVEN_UP_LOOK_MS, Timer::Settle(id.clone()));
    } else {
        bridge.given_up.remove(id);
    }
}

/// Source: \[C32\], \[C33\].
pub(crate) fn kill(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    kill: call::Kill,
    out: &mut Vec<Output>,
) {
    bridge.count("messages_kill_task");
    let Some(launch) = bridge.launch_of(framework, &kill.task_id.value) else {
        return reconcile::one(bridge, now, framework, kill.task_id, kill.agent_id, out);
    };
    if kill.agent_id.as_ref().is_some_and(|agent| agent.value != *launch.agent) {
        return;
    }
    let id = launch.id.clone();
    let phase = launch.phase;
    if let Some(launch) = bridge.launches.get_mut(&id) {
        launch.kill = true;
    }
    bridge.reindex(&id);
    match phase {
        Phase::Preparing => killed_before_start(bridge, now, &id, out),
        Phase::Known => {
            observe::killing(bridge, now, &id, out);
            stop::ask(bridge, &id, out);
        }
        Phase::Starting | Phase::Unsure(_) | Phase::Over => {}
    }
}

/// Ends a launch whose framework is gone. Nobody is told.
pub(crate) fn abandon(bridge: &mut Bridge, id: &Str, out: &mut Vec<Output>) {
    let Some(launch) = bridge.launches.get_mut(id) else { return };
    launch.kill = true;
    launch.updates = Updates::default();
    let phase = launch.phase;
    bridge.reindex(id);
    match phase {
        Phase::Known => stop::ask(bridge, id, out),
        Phase::Preparing | Phase::Over => {
            over(bridge, id);
            status::finish(bridge, id, None);
        }
        Phase::Starting | Phase::Unsure(_) => {}
    }
}
