//! One container on a host.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::{ContainerReport, ContainerSpec, Health, PortBinding, Reported};

use crate::health::Probes;
use crate::limits;
use crate::machine::{Found, FoundState};

/// The exit code of a container that is not started because its dependencies cannot be met. Source:
/// amazon-ecs-agent, which uses that of a container that received SIGTERM.
pub(crate) const GAVE_UP_CODE: i32 = 143;

/// The progress of a container. It only ever moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Its dependencies are not met.
    Waiting,
    /// The runtime was asked to start it.
    Starting,
    /// It is running.
    Running,
    /// It exited, or was never started.
    Over,
}

/// One container on a host.
#[derive(Clone, Debug)]
pub(crate) struct ContainerState {
    pub(crate) phase: Phase,
    /// Whether it has ever run.
    pub(crate) ran: bool,
    /// When it was first seen running.
    pub(crate) started_at: Option<Timestamp>,
    /// When it will be killed, if it has been told to stop.
    pub(crate) kill_at: Option<Timestamp>,
    pub(crate) killed: bool,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<Str>,
    runtime_id: Option<Str>,
    image_digest: Option<Str>,
    bindings: Vec<PortBinding>,
    pub(crate) probes: Option<Probes>,
}

impl ContainerState {
    pub(crate) fn new(spec: &ContainerSpec) -> Self {
        Self {
            phase: Phase::Waiting,
            ran: false,
            started_at: None,
            kill_at: None,
            killed: false,
            exit_code: None,
            reason: None,
            runtime_id: None,
            image_digest: None,
            bindings: Vec::new(),
            probes: spec.definition.health_check.as_ref().and_then(Probes::new),
        }
    }

    /// Takes over a container from an earlier run.
    pub(crate) fn adopt(&mut self, now: Timestamp, found: Found) {
        self.started(now, found.runtime_id, None, found.bindings);
        if let FoundState::Exited(code) = found.state {
            self.ended(code, None);
        }
    }

    pub(crate) fn started(
        &mut self,
        now: Timestamp,
        runtime_id: Str,
        image_digest: Option<Str>,
        bindings: Vec<PortBinding>,
    ) {
        // The report of its exit may have arrived first.
        self.phase = self.phase.max(Phase::Running);
        self.ran = true;
        self.started_at.get_or_insert(now);
        self.runtime_id = Some(runtime_id);
        self.image_digest = image_digest;
        self.bindings = bindings;
        if let Some(probes) = &mut self.probes {
            probes.begin(now);
        }
    }

    pub(crate) fn ended(&mut self, code: Option<i32>, reason: Option<Str>) {
        self.phase = Phase::Over;
        self.kill_at = None;
        self.exit_code = self.exit_code.or(code);
        self.reason = self.reason.take().or(reason);
    }

    /// Tells it to stop; its definition determines when it is killed.
    pub(crate) fn stop(&mut self, now: Timestamp, spec: &ContainerSpec) {
        let timeout = spec.definition.stop_timeout.and_then(|seconds| u64::try_from(seconds).ok());
        self.kill_at =
            Some(now + timeout.map_or(limits::STOP_TIMEOUT_MS, |seconds| seconds * 1000));
    }

    pub(crate) fn health(&self) -> Health {
        self.probes.as_ref().map_or(Health::Unknown, Probes::verdict)
    }

    pub(crate) fn report(&self) -> ContainerReport {
        ContainerReport {
            status: match self.phase {
                Phase::Waiting | Phase::Starting => Reported::Pending,
                Phase::Running => Reported::Running,
                Phase::Over => Reported::Stopped,
            },
            runtime_id: self.runtime_id.clone(),
            image_digest: self.image_digest.clone(),
            exit_code: self.exit_code,
            reason: self.reason.clone(),
            bindings: self.bindings.clone(),
            health: self.health(),
        }
    }
}
