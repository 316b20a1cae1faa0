//! What is to be sent on a stream and is made only as its reader takes it.
//!
//! Whatever grows with the number of a framework's tasks goes through here: status updates, and answers to reconciliation.
//! They are made in batches. Each batch is followed by a mark, and the host says when the reader has come to it: then one more
//! batch is made. A slow reader is told everything, and what waits for it is a list of what to tell, not the events
//! themselves.
//!
//! Invariants: at most two batches are on their way, and at most one mark. Updates go ahead of answers, since tasks wait for
//! their acknowledgement; among each other both keep their order.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use longshore_wire_mesos::v1::TaskStatus;
use longshore_wire_mesos::v1::scheduler::{Event, call};

use crate::events;
use crate::ids::{AgentId, FrameworkId, LaunchId, TaskId};
use crate::limits;

/// Makes events from what is known when they are sent.
pub(crate) trait Source {
    /// The update of a launch that is to be sent now; `None` if there is none any more.
    fn update(&mut self, launch: &LaunchId) -> Option<TaskStatus>;

    /// What is known of a task; `None` while it is too early to say.
    fn about(&mut self, framework: &FrameworkId, task: call::reconcile::Task)
    -> Option<TaskStatus>;

    /// The first task of a framework in a range, and what is known of it.
    fn first_of(
        &mut self,
        framework: &FrameworkId,
        from: Bound<&TaskId>,
        to: &TaskId,
    ) -> Option<(TaskId, TaskStatus)>;
}

/// Answers that wait to be made.
#[derive(Debug)]
pub(crate) enum Answers {
    /// One event, which is made already; `None` once it was sent.
    Once(Option<Box<Event>>),
    /// About tasks that were named; the number is their size.
    Named(std::vec::IntoIter<call::reconcile::Task>, usize),
    /// About all tasks of the framework: from the bound to the last task that there was.
    All(Bound<TaskId>, TaskId),
    /// About operations that were named; the number is their size.
    Operations(std::vec::IntoIter<call::reconcile_operations::Operation>, usize),
    /// Agents that are gone, from this one on.
    Gone(Arc<[AgentId]>, usize),
}

impl Answers {
    pub(crate) fn once(event: Event) -> Self {
        Self::Once(Some(Box::new(event)))
    }

    /// How large the question is that is kept until the last answer was made.
    fn bytes(&self) -> usize {
        match self {
            Self::Named(_, bytes) | Self::Operations(_, bytes) => *bytes,
            Self::Once(_) | Self::All(..) | Self::Gone(..) => 0,
        }
    }

    /// The next answer; `None` after the last.
    fn next(&mut self, framework: &FrameworkId, source: &mut impl Source) -> Option<Event> {
        match self {
            Self::Once(event) => event.take().map(|event| *event),
            Self::Named(tasks, _) => {
                // Of those that are not answered yet, so many cost little. If there are more in a row, the rest is not
                // answered either: the framework asks again, as it has to for any of them.
                let mut some = tasks.by_ref().take(limits::UNANSWERED_MAX);
                let known = some.find_map(|task| source.about(framework, task));
                known.map(events::update)
            }
            Self::All(from, last) => {
                let (task, status) = source.first_of(framework, from.as_ref(), last)?;
                *from = Bound::Excluded(task);
                Some(events::update(status))
            }
            Self::Operations(operations, _) => operations.next().map(events::unknown_operation),
            Self::Gone(agents, at) => {
                let agent = agents.get(*at)?;
                *at += 1;
                Some(events::failure(agent))
            }
        }
    }
}

/// What is to be sent on one stream.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Launches whose first update waits to be sent.
    updates: VecDeque<LaunchId>,
    answers: VecDeque<Answers>,
    /// How large the questions are that `answers` keeps.
    bytes: usize,
    /// Events since the last mark.
    since_mark: u32,
    /// Whether the reader has not come to the last mark.
    mark_out: bool,
}

impl Outbox {
    fn has_room(&self) -> bool {
        self.since_mark < limits::EVENTS_PER_MARK || !self.mark_out
    }

    /// Whether a mark is to be sent now.
    pub(super) fn marks(&mut self) -> bool {
        let marks = self.since_mark >= limits::EVENTS_PER_MARK && !self.mark_out;
        if marks {
            self.since_mark = 0;
            self.mark_out = true;
        }
        marks
    }

    /// The reader has come to the last mark.
    pub(super) fn reached(&mut self) {
        self.mark_out = false;
    }

    pub(super) fn push(&mut self, answers: Answers) {
        self.bytes += answers.bytes();
        self.answers.push_back(answers);
    }

    pub(super) fn push_update(&mut self, launch: LaunchId) {
        self.updates.push_back(launch);
    }

    /// How large the questions are that wait to be answered.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether work that leads to more answers should wait.
    pub(super) fn is_full(&self) -> bool {
        self.answers.len() >= limits::ANSWERS_WAITING_MAX
    }

    /// The next event, if there is room for one.
    pub(super) fn next(
        &mut self,
        framework: &FrameworkId,
        source: &mut impl Source,
    ) -> Option<Event> {
        if !self.has_room() {
            return None;
        }
        let event = self.pop(framework, source)?;
        self.since_mark += 1;
        Some(event)
    }

    fn pop(&mut self, framework: &FrameworkId, source: &mut impl Source) -> Option<Event> {
        while let Some(launch) = self.updates.pop_front() {
            if let Some(status) = source.update(&launch) {
                return Some(events::update(status));
            }
        }
        while let Some(answers) = self.answers.front_mut() {
            if let Some(event) = answers.next(framework, source) {
                return Some(event);
            }
            self.bytes -= answers.bytes();
            self.answers.pop_front();
        }
        None
    }

    /// What is wrong with it.
    pub(super) fn audit(&self) -> Option<String> {
        let bytes: usize = self.answers.iter().map(Answers::bytes).sum();
        let is_stuck = self.has_room() && !(self.updates.is_empty() && self.answers.is_empty());
        (bytes != self.bytes || is_stuck).then(|| format!("{self:?}"))
    }
}
