//! One task on a host, derived from its containers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::{Reported, StopCause, TaskReport, TaskSpec};

use crate::container::{ContainerState, GAVE_UP_CODE, Phase};
use crate::dependency::{self, Verdict};
use crate::machine::{ContainerRef, Event, Found, Output};

/// One task on a host.
#[derive(Clone, Debug)]
pub(crate) struct TaskState {
    spec: Arc<TaskSpec>,
    pub(crate) containers: Vec<ContainerState>,
    /// Why it is ending, once it is.
    cause: Option<StopCause>,
    /// Whether it was ever RUNNING.
    ran: bool,
    pull_started_at: Option<Timestamp>,
    pull_stopped_at: Option<Timestamp>,
    execution_stopped_at: Option<Timestamp>,
    /// A hash of the last report; the report itself would account for most of a task's memory.
    reported: Option<u64>,
    wake: Option<Timestamp>,
}

/// A hash of a report. Different reports collide with a probability of 2^-64.
fn fingerprint(report: &TaskReport) -> u64 {
    let mut hasher = DefaultHasher::new();
    report.hash(&mut hasher);
    hasher.finish()
}

impl TaskState {
    pub(crate) fn new(
        now: Timestamp,
        spec: Arc<TaskSpec>,
        was_running: bool,
        found: Vec<Found>,
    ) -> Self {
        let mut containers: Vec<ContainerState> =
            spec.containers.iter().map(ContainerState::new).collect();
        let mut any_found = false;
        for one in found {
            // A runtime may have containers in addition to those of the definition.
            if let Some(index) =
                spec.containers.iter().position(|spec| spec.name() == &*one.container)
            {
                containers[index].adopt(now, one);
                any_found = true;
            }
        }
        let lost = was_running && !any_found;
        // It ran before: what is no longer here has exited, and nothing of it is started again.
        if was_running {
            for container in
                containers.iter_mut().filter(|container| container.phase == Phase::Waiting)
            {
                container.ran = true;
                container.ended(None, None);
            }
        }
        Self {
            cause: lost.then_some(StopCause::Lost),
            execution_stopped_at: lost.then_some(now),
            containers,
            spec,
            ran: was_running && any_found,
            pull_started_at: None,
            pull_stopped_at: None,
            reported: None,
            wake: None,
        }
    }

    pub(crate) fn order_stop(&mut self) {
        self.cause.get_or_insert(StopCause::Ordered);
    }

    /// Makes the next report go out even if nothing has changed.
    pub(crate) fn forget_report(&mut self) {
        self.reported = None;
    }

    pub(crate) fn happened(&mut self, now: Timestamp, index: usize, event: Event) {
        let Some(container) = self.containers.get_mut(index) else { return };
        match event {
            Event::PullStarted => drop(self.pull_started_at.get_or_insert(now)),
            Event::PullStopped => self.pull_stopped_at = Some(now),
            Event::Started { runtime_id, image_digest, bindings } => {
                container.started(now, runtime_id, image_digest, bindings);
            }
            Event::StartFailed(reason) => {
                container.ended(None, Some(reason.clone()));
                if self.spec.containers[index].essential() {
                    self.fail(reason);
                }
            }
            Event::TaskFailed(reason) => {
                container.ended(None, Some(reason.clone()));
                self.fail(reason);
            }
            Event::Exited { code, reason } => container.ended(code, reason),
            Event::Probed { passed } => {
                if let Some(probes) = &mut container.probes {
                    probes.probed(now, passed);
                }
            }
        }
    }

    fn fail(&mut self, reason: Str) {
        let cause = if self.ran {
            StopCause::EssentialContainerExited
        } else {
            StopCause::FailedToStart(reason)
        };
        self.cause.get_or_insert(cause);
    }

    /// Does everything that can be done now.
    pub(crate) fn advance(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.note_essential_exit(now);
        if self.cause.is_none() {
            self.start_what_may(now, out);
            // Giving one up may have completed the start of the task.
            self.note_essential_exit(now);
        }
        if self.cause.is_some() {
            self.stop_what_runs(now, out);
        }
        self.probe(now, out);
        let report = self.report();
        let number = Some(fingerprint(&report));
        if self.reported != number {
            self.reported = number;
            out.push(Output::Report(report));
        }
    }

    /// Source: amazon-ecs-agent: a task is RUNNING once each of its containers has run or is over,
    /// and no essential one is over. A task whose essential container exits before that was never
    /// RUNNING.
    fn note_essential_exit(&mut self, now: Timestamp) {
        let ended = self
            .spec
            .containers
            .iter()
            .zip(&self.containers)
            .any(|(spec, state)| spec.essential() && state.phase == Phase::Over && state.ran);
        if ended {
            self.execution_stopped_at.get_or_insert(now);
            self.cause.get_or_insert(StopCause::EssentialContainerExited);
        }
        let is_past_start = |state: &ContainerState| state.ran || state.phase == Phase::Over;
        self.ran |= self.cause.is_none() && self.containers.iter().all(is_past_start);
    }

    fn start_what_may(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        // Giving one up may unblock another.
        while self.start_or_give_up(now, out) {}
    }

    /// Checks each waiting container; returns true if one was given up.
    fn start_or_give_up(&mut self, now: Timestamp, out: &mut Vec<Output>) -> bool {
        let mut gave_up = false;
        for index in 0..self.containers.len() {
            if self.containers[index].phase != Phase::Waiting {
                continue;
            }
            match dependency::check(&self.spec, &self.containers, index, now) {
                Verdict::Met => {
                    self.containers[index].phase = Phase::Starting;
                    out.push(Output::Start(self.container(index), self.spec.clone()));
                }
                Verdict::NotYet => {}
                Verdict::Never(why) => {
                    self.give_up(index, &why);
                    gave_up = true;
                }
            }
        }
        gave_up
    }

    /// Ends a container whose dependencies can no longer be met. Source: amazon-ecs-agent: the task
    /// continues without it, unless it is essential.
    fn give_up(&mut self, index: usize, why: &str) {
        let reason: Str = format!("CannotStartContainerError: {why}").into();
        self.containers[index].ended(Some(GAVE_UP_CODE), Some(reason.clone()));
        if self.spec.containers[index].essential() {
            self.fail(reason);
        }
    }

    /// Stops dependents before their dependencies, and kills containers that take too long.
    fn stop_what_runs(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        for container in
            self.containers.iter_mut().filter(|container| container.phase == Phase::Waiting)
        {
            container.ended(None, None);
        }
        for index in 0..self.containers.len() {
            let name = self.container(index);
            if self.containers[index].phase != Phase::Running {
                continue;
            }
            match self.containers[index].kill_at {
                None if !dependency::is_needed(&self.spec, &self.containers, index) => {
                    self.containers[index].stop(now, &self.spec.containers[index]);
                    out.push(Output::Stop(name));
                }
                Some(at) if at <= now && !self.containers[index].killed => {
                    self.containers[index].killed = true;
                    out.push(Output::Kill(name));
                }
                _ => {}
            }
        }
    }

    fn probe(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        for index in 0..self.containers.len() {
            let name = self.container(index);
            let container = &mut self.containers[index];
            if container.phase == Phase::Running
                && container.probes.as_mut().is_some_and(|all| all.take_due(now))
            {
                out.push(Output::Probe(name));
            }
        }
    }

    fn container(&self, index: usize) -> ContainerRef {
        ContainerRef { task: self.spec.id, index }
    }

    /// Whether every container has exited or was never started.
    pub(crate) fn is_over(&self) -> bool {
        self.containers.iter().all(|container| container.phase == Phase::Over)
    }

    fn status(&self) -> Reported {
        if self.is_over() {
            Reported::Stopped
        } else if self.ran {
            Reported::Running
        } else {
            Reported::Pending
        }
    }

    fn report(&self) -> TaskReport {
        let status = self.status();
        TaskReport {
            task: self.spec.id,
            status,
            ran: self.ran,
            containers: self.containers.iter().map(ContainerState::report).collect(),
            pull_started_at: self.pull_started_at.map(Timestamp::millis),
            pull_stopped_at: self.pull_stopped_at.map(Timestamp::millis),
            execution_stopped_at: self.execution_stopped_at.map(Timestamp::millis),
            cause: self.cause.clone().filter(|_| status == Reported::Stopped),
        }
    }

    pub(crate) fn take_wake(&mut self) -> Option<Timestamp> {
        self.wake.take()
    }

    /// When something is next due, remembered so that the next change can cancel it.
    pub(crate) fn next_wake(&mut self, now: Timestamp) -> Option<Timestamp> {
        let kills = self.containers.iter().filter(|one| !one.killed && one.phase == Phase::Running);
        let kills = kills.filter_map(|container| container.kill_at);
        let running = self.containers.iter().filter(|container| container.phase == Phase::Running);
        let probes = running.filter_map(|container| container.probes.as_ref()?.next_at());
        let waiting = (0..self.containers.len())
            .filter(|index| self.containers[*index].phase == Phase::Waiting);
        let late =
            waiting.filter_map(|index| dependency::deadline(&self.spec, &self.containers, index));
        self.wake = kills.chain(probes).chain(late).min().map(|at| at.max(now + 1));
        self.wake
    }
}
