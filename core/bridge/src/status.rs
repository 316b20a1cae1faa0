//! Status updates and their acknowledgement. Source: \[T1\] to \[T9\].
//!
//! Per task one update is out at a time; the next goes out when it is acknowledged by its uuid. Until then it is repeated,
//! after 10 s, doubling up to 10 minutes, and at once when the framework subscribes again.

use std::collections::VecDeque;
use std::ops::Bound;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::{Event, call, event};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{AgentId, ExecutorId, TaskId, TaskState, TaskStatus};

use crate::framework::CompletedTask;
use crate::happening::Happening;
use crate::launch::{Launch, Phase};
use crate::limits;
use crate::machine::{Output, StreamKey};
use crate::outbox::{self, Answers};
use crate::state::{Bridge, Timer};
use crate::subscribe::event;
use crate::work::{Slice, Units};

/// The updates of one task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Updates {
    /// The front one is out, if the framework is there.
    pub(crate) waiting: VecDeque<TaskStatus>,
    repeat_ms: u64,
    /// When the front one is to be repeated.
    pub(crate) repeat_at: Option<Timestamp>,
    /// The stream that the front one waits to be sent on.
    queued_on: Option<StreamKey>,
    /// The stream that the front one was last sent on.
    sent_on: Option<StreamKey>,
    /// The last that was sent. Source: \[T3\]: reconciliation answers with this.
    pub(crate) forwarded: Option<TaskStatus>,
    /// One of each state, for operators. Source: \[T24\].
    pub(crate) history: Vec<TaskStatus>,
}

/// Whether nothing follows a state.
pub(crate) fn is_terminal(state: TaskState) -> bool {
    !matches!(
        state,
        TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
            | TaskState::TaskUnknown
    )
}

/// An update of a launch, without uuid.
pub(crate) fn make(now: Timestamp, launch: &Launch, state: TaskState) -> TaskStatus {
    TaskStatus {
        task_id: TaskId { value: launch.task.clone() },
        state: state.into(),
        agent_id: Some(AgentId { value: launch.agent.to_string() }),
        // Source: [T20]: a command task's executor has the task's id.
        executor_id: Some(ExecutorId { value: launch.task.clone() }),
        timestamp: Some(now.wall().seconds()),
        ..Default::default()
    }
}

/// Queues an update that needs an acknowledgement, and sends it if none is out.
pub(crate) fn update(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    mut status: TaskStatus,
    out: &mut Vec<Output>,
) {
    status.uuid = Some(bridge.ids.uuid_bytes("status").to_vec());
    let Some(launch) = bridge.launches.get_mut(id) else { return };
    if !bridge.frameworks.contains_key(&launch.framework) {
        // Nobody will ever acknowledge it.
        let terminal = is_terminal(status.state());
        launch.state = status.state();
        if terminal {
            finish(bridge, id, None);
        }
        return;
    }
    let has_changed = launch.state != status.state();
    launch.state = status.state();
    if let Some(note) = launch.note.take() {
        let text =
            status.message.take().map_or_else(|| note.clone(), |text| format!("{text}; {note}"));
        status.message = Some(text);
    }
    if has_changed {
        out.push(Output::Happened(Happening::Became {
            framework: launch.framework.clone(),
            task: launch.task.clone(),
            state: status.state(),
            why: status.message.clone(),
        }));
    }
    let updates = &mut launch.updates;
    remember(&mut updates.history, &status);
    if updates.waiting.len() >= limits::UPDATES_PER_TASK_MAX {
        // The front one is out and the last one counts; what is between them is history.
        updates.waiting.remove(1);
    }
    updates.waiting.push_back(status);
    let first = updates.waiting.len() == 1;
    bridge.reindex(id);
    if first {
        send_front(bridge, now, id, limits::UPDATE_RETRY_MS_MIN, out);
    }
}

/// An update with the state of the last one replaces it. Source: \[T24\].
fn remember(history: &mut Vec<TaskStatus>, status: &TaskStatus) {
    if history.last().is_some_and(|last| last.state == status.state) {
        history.pop();
    }
    history.push(TaskStatus { data: None, ..status.clone() });
}

/// Sees to it that the first update of a launch is sent, and repeated after so long.
fn send_front(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    repeat_ms: u64,
    out: &mut Vec<Output>,
) {
    let Some(launch) = bridge.launches.get_mut(id) else { return };
    let stream = bridge.frameworks.get(&launch.framework).and_then(|framework| framework.stream);
    let Some(stream) = stream.filter(|_| !launch.updates.waiting.is_empty()) else { return };
    launch.updates.repeat_ms = repeat_ms;
    if launch.updates.queued_on.replace(stream) != Some(stream) {
        outbox::update(bridge, now, stream, id, out);
    }
}

/// The first update of a launch, which is sent on a stream now.
pub(crate) fn front(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    stream: StreamKey,
) -> Option<Event> {
    let updates = &mut bridge.launches.get_mut(id)?.updates;
    updates.queued_on = None;
    let front = updates.waiting.front().cloned()?;
    updates.sent_on = Some(stream);
    updates.forwarded = Some(front.clone());
    let at = now + updates.repeat_ms;
    updates.repeat_at = Some(at);
    bridge.at(at, Timer::Repeat(id.clone()));
    Some(update_event(front))
}

pub(crate) fn update_event(status: TaskStatus) -> Event {
    Event { update: Some(event::Update { status }), ..event(event::Type::Update) }
}

/// Repeats the update that is out, if its time has come and nobody acknowledged it.
pub(crate) fn repeat(bridge: &mut Bridge, now: Timestamp, id: &Str, out: &mut Vec<Output>) {
    let Some(launch) = bridge.launches.get(id) else { return };
    if launch.updates.repeat_at.is_some_and(|at| at <= now) && !launch.updates.waiting.is_empty() {
        let next = (launch.updates.repeat_ms * 2).min(limits::UPDATE_RETRY_MS_MAX);
        send_front(bridge, now, id, next, out);
    }
}

/// Sends again what a framework that subscribed has not acknowledged, task by task.
pub(crate) fn resend(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &Str,
    after: &mut Option<String>,
    units: &mut Units,
    out: &mut Vec<Output>,
) -> Slice {
    while units.take(1) {
        let Some(known) = bridge.frameworks.get(framework) else { return Slice::Done };
        let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = known.tasks.range::<str, _>((from, Bound::Unbounded)).next();
        let Some((task, id)) = next else { return Slice::Done };
        let (task, id, stream) = (task.clone(), id.clone(), known.stream);
        let updates = bridge.launches.get(&id).map(|launch| &launch.updates);
        let is_sent = updates.is_some_and(|updates| updates.sent_on == stream);
        if !is_sent {
            send_front(bridge, now, &id, limits::UPDATE_RETRY_MS_MIN, out);
        }
        *after = Some(task);
    }
    Slice::Open
}

/// Sends an update that nobody acknowledges and nobody repeats. Source: \[T7\].
pub(crate) fn send_once(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    mut status: TaskStatus,
    out: &mut Vec<Output>,
) {
    status.uuid = None;
    outbox::answer(bridge, now, framework, Answers::Once(Box::new(status)), out);
}

/// Source: \[C35\], \[T4\]: another uuid than the front one's is ignored.
pub(crate) fn acknowledge(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    acknowledge: &call::Acknowledge,
    out: &mut Vec<Output>,
) {
    bridge.count("messages_status_update_acknowledgement");
    let Some(launch) = bridge.launch_of(framework, &acknowledge.task_id.value) else { return };
    let id = launch.id.clone();
    let Some(launch) = bridge.launches.get_mut(&id) else { return };
    let front = launch.updates.waiting.front().and_then(|status| status.uuid.as_deref());
    if front != Some(&*acknowledge.uuid) {
        return;
    }
    let acknowledged = launch.updates.waiting.pop_front();
    launch.updates.repeat_at = None;
    launch.updates.sent_on = None;
    if acknowledged.as_ref().is_some_and(|status| is_terminal(status.state())) {
        finish(bridge, &id, None);
    } else {
        send_front(bridge, now, &id, limits::UPDATE_RETRY_MS_MIN, out);
    }
}

/// Moves a task from the live ones to the completed ones, and forgets its launch once it holds nothing.
pub(crate) fn finish(bridge: &mut Bridge, id: &Str, last: Option<TaskStatus>) {
    let Some(launch) = bridge.launches.get_mut(id) else { return };
    if let Some(last) = last {
        launch.state = last.state();
        remember(&mut launch.updates.history, &last);
    }
    let completed = completed(launch, launch.updates.history.clone());
    let over = launch.phase == Phase::Over;
    let state = launch.state;
    let (framework, task) = (launch.framework.clone(), launch.task.clone());
    if let Some(framework) = bridge.frameworks.get_mut(&framework) {
        if framework.tasks.get(&task) == Some(id) {
            framework.tasks.remove(&task);
        }
        framework.complete(completed);
    }
    bridge.count(counter(state));
    if over {
        bridge.forget(id);
    }
}

/// A task whose framework is removed counts as killed at once; nobody is told. Source: \[F10\].
pub(crate) fn removed(now: Timestamp, launch: &Launch) -> CompletedTask {
    let mut statuses = launch.updates.history.clone();
    if !is_terminal(launch.state) {
        statuses.push(TaskStatus {
            source: Some(Source::Master.into()),
            reason: Some(Reason::FrameworkRemoved.into()),
            message: Some("Framework has been removed".to_owned()),
            ..make(now, launch, TaskState::TaskKilled)
        });
    }
    completed(launch, statuses)
}

fn completed(launch: &Launch, statuses: Vec<TaskStatus>) -> CompletedTask {
    CompletedTask {
        id: launch.task.clone(),
        name: launch.name.clone(),
        agent: launch.agent.clone(),
        claim: launch.claim.clone(),
        statuses,
    }
}

fn counter(state: TaskState) -> &'static str {
    match state {
        TaskState::TaskFinished => "tasks_finished",
        TaskState::TaskFailed => "tasks_failed",
        TaskState::TaskKilled => "tasks_killed",
        TaskState::TaskError => "tasks_error",
        TaskState::TaskDropped => "tasks_dropped",
        TaskState::TaskGone => "tasks_gone",
        TaskState::TaskGoneByOperator => "tasks_gone_by_operator",
        _ => "tasks_lost",
    }
}
