//! Status updates, one queue for each launch. Source: \[T1\] to \[T9\].
//!
//! Per task one update is out at a time; the next goes out when it is acknowledged by its uuid. Until then it is repeated,
//! after 10 s, doubling up to 10 minutes, and at once when the framework subscribes again.
//!
//! Invariant: an update that needs an acknowledgement is out, or waits to be sent, or is planned to be repeated, unless its
//! framework is not there.

mod status;

use std::collections::{BTreeMap, VecDeque};

use longshore_wire_mesos::v1::TaskStatus;

pub(crate) use self::status::{
    Whereabouts, make, of_master, of_none, reconciled, unknown, unreachable_time,
};
use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::limits;
use crate::machine::StreamKey;
use longshore_wire_mesos::is_terminal;

/// The updates of one launch.
#[derive(Clone, Debug, Default)]
struct Queue {
    /// The front one is out, if the framework is there.
    waiting: VecDeque<TaskStatus>,
    repeat_ms: u64,
    /// When the front one is to be repeated.
    repeat_at: Option<longshore_machine::Timestamp>,
    /// The stream that the front one waits to be sent on.
    queued_on: Option<StreamKey>,
    /// The stream that the front one was last sent on.
    sent_on: Option<StreamKey>,
    /// The last that was sent. Source: \[T3\]: reconciliation answers with this.
    forwarded: Option<TaskStatus>,
    /// The last verdict of health checks that was told.
    healthy: Option<bool>,
}

/// What an acknowledgement led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// It was of another update than the one that is out. Source: \[C35\], \[T4\].
    Ignored,
    /// Others may follow.
    Goes,
    /// Nothing follows.
    Ends,
}

/// The updates of all launches.
#[derive(Debug, Default)]
pub(crate) struct Updates {
    of: BTreeMap<LaunchId, Queue>,
}

impl Updates {
    /// Queues an update, which gets its uuid here; whether it is the first, and should be sent.
    pub(crate) fn push(
        &mut self,
        cx: &mut Context<'_>,
        launch: &LaunchId,
        mut status: TaskStatus,
    ) -> bool {
        status.uuid = Some(cx.ids.uuid_bytes("status").to_vec());
        let queue = self.of.entry(launch.clone()).or_default();
        queue.healthy = status.healthy;
        if queue.waiting.len() >= limits::UPDATES_PER_TASK_MAX {
            // The front one is out and the last one counts; what is between them is history.
            queue.waiting.remove(1);
        }
        queue.waiting.push_back(status);
        queue.waiting.len() == 1
    }

    /// The first update is to be sent on a stream, and repeated after so long; whether it does not wait there already.
    pub(crate) fn wants(&mut self, launch: &LaunchId, stream: StreamKey, repeat_ms: u64) -> bool {
        let queue = self.of.get_mut(launch).filter(|queue| !queue.waiting.is_empty());
        let Some(queue) = queue else { return false };
        queue.repeat_ms = repeat_ms;
        queue.queued_on.replace(stream) != Some(stream)
    }

    /// The first update, which is sent on a stream now.
    pub(crate) fn front(
        &mut self,
        cx: &mut Context<'_>,
        launch: &LaunchId,
        stream: StreamKey,
    ) -> Option<TaskStatus> {
        let queue = self.of.get_mut(launch)?;
        queue.queued_on = None;
        let front = queue.waiting.front().cloned()?;
        queue.sent_on = Some(stream);
        queue.forwarded = Some(front.clone());
        queue.repeat_at = Some(cx.now + queue.repeat_ms);
        cx.after(queue.repeat_ms, Timer::Repeat(launch.clone()));
        Some(front)
    }

    /// After how long the update that is to be repeated now is to be repeated again.
    pub(crate) fn repeats(&self, cx: &Context<'_>, launch: &LaunchId) -> Option<u64> {
        let queue = self.of.get(launch)?;
        let is_due = queue.repeat_at.is_some_and(|at| at <= cx.now) && !queue.waiting.is_empty();
        is_due.then(|| (queue.repeat_ms * 2).min(limits::UPDATE_RETRY_MS_MAX))
    }

    /// Whether the first update was sent on a stream.
    pub(crate) fn was_sent(&self, launch: &LaunchId, stream: Option<StreamKey>) -> bool {
        self.of.get(launch).is_some_and(|queue| queue.sent_on == stream)
    }

    /// Takes an acknowledgement.
    pub(crate) fn acknowledge(&mut self, launch: &LaunchId, uuid: &[u8]) -> Acknowledged {
        let Some(queue) = self.of.get_mut(launch) else { return Acknowledged::Ignored };
        let front = queue.waiting.front().filter(|status| status.uuid.as_deref() == Some(uuid));
        let Some(state) = front.map(TaskStatus::state) else { return Acknowledged::Ignored };
        queue.waiting.pop_front();
        queue.repeat_at = None;
        queue.sent_on = None;
        if is_terminal(state) { Acknowledged::Ends } else { Acknowledged::Goes }
    }

    /// The last status that was sent.
    pub(crate) fn forwarded(&self, launch: &LaunchId) -> Option<&TaskStatus> {
        self.of.get(launch)?.forwarded.as_ref()
    }

    /// The last verdict of health checks that was told, or waits to be.
    pub(crate) fn healthy(&self, launch: &LaunchId) -> Option<bool> {
        self.of.get(launch)?.healthy
    }

    /// Forgets a launch.
    pub(crate) fn forget(&mut self, launch: &LaunchId) {
        self.of.remove(launch);
    }

    /// How many launches have updates.
    pub(crate) fn len(&self) -> usize {
        self.of.len()
    }

    /// What does not hold of it.
    pub(crate) fn audit(&self, is_known: impl Fn(&LaunchId) -> bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for (launch, queue) in &self.of {
            if !is_known(launch) {
                wrong.push(format!("updates of {launch} are kept, and it is not"));
            }
            let is_on_its_way = queue.sent_on.is_none() || queue.repeat_at.is_some();
            if !queue.waiting.is_empty() && queue.queued_on.is_none() && !is_on_its_way {
                wrong.push(format!("the update of {launch} that is out is never repeated"));
            }
        }
        wrong
    }
}
