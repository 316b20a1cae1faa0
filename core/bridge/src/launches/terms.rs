//! Ends that a framework agreed to when it launched a task, and why a launch is to end.
//!
//! Both outlive a restart: the terms stand in the environment overrides of the ECS task, the reason in what `StopTask` said.

use std::collections::BTreeMap;

use longshore_replica::Task;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskInfo;

/// Says that the task is to be killed when its health check fails.
pub(super) const HEALTH_VARIABLE: &str = "LONGSHORE_KILL_UNHEALTHY";
/// Says how long the task may take, in ms.
pub(super) const TIME_VARIABLE: &str = "LONGSHORE_MAX_COMPLETION_MS";

/// When a launch is to end without another word of its framework.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether it is killed when its health check fails. Source: \[A10\].
    pub(crate) kill_unhealthy: bool,
    /// How long it may take, in ms. Source: \[A13\].
    pub(crate) most_ms: Option<u64>,
}

impl Terms {
    /// What a framework says.
    pub(crate) fn of(task: &TaskInfo) -> Self {
        let most = task.max_completion_time.as_ref();
        let most_ms = most.map(|most| most.nanoseconds.max(0).unsigned_abs().div_ceil(1_000_000));
        Self { kill_unhealthy: task.health_check.is_some(), most_ms }
    }

    /// Puts them where they are found after a restart.
    pub(crate) fn write(&self, environment: &mut BTreeMap<Str, Str>) {
        environment.remove(HEALTH_VARIABLE);
        environment.remove(TIME_VARIABLE);
        if self.kill_unhealthy {
            environment.insert(HEALTH_VARIABLE.into(), "1".into());
        }
        if let Some(ms) = self.most_ms {
            environment.insert(TIME_VARIABLE.into(), ms.to_string().into());
        }
    }

    /// Finds them again.
    pub(crate) fn read(environment: &BTreeMap<Str, Str>) -> Self {
        let most = environment.get(TIME_VARIABLE);
        Self {
            kill_unhealthy: environment.contains_key(HEALTH_VARIABLE),
            most_ms: most.and_then(|ms| ms.parse().ok()),
        }
    }
}

/// Why a launch is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its framework wants it, or is gone.
    Asked,
    /// Its health check failed.
    Unhealthy,
    /// It took longer than it may.
    Late,
}

impl Why {
    const ALL: [Self; 3] = [Self::Asked, Self::Unhealthy, Self::Late];

    /// What ECS is told; after a restart it tells such a stop from others.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Asked => "Killed by its Mesos framework",
            Self::Unhealthy => "Killed since its Mesos health check failed",
            Self::Late => "Killed since its Mesos max_completion_time is over",
        }
    }

    /// Why a task is to end that a master before this one may have stopped.
    pub(crate) fn of(task: &Task) -> Option<Self> {
        let said = task.stopped_reason.as_deref().filter(|_| !task.desired_running)?;
        Self::ALL.into_iter().find(|why| why.text() == said)
    }
}
