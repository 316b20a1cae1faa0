//! Ends that a framework agreed to when it launched a task, and why a launch is to end.
//!
//! Both outlive a restart: the terms stand in the environment overrides of the ECS task, the reason in what `StopTask` said.

use std::collections::BTreeMap;

use longshore_replica::Task;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskInfo;

use crate::watches::Watches;

/// Says that the task is to be killed when its health check fails.
pub(super) const HEALTH_VARIABLE: &str = "LONGSHORE_KILL_UNHEALTHY";
/// Says how long the task may take, in ms.
pub(super) const TIME_VARIABLE: &str = "LONGSHORE_MAX_COMPLETION_MS";

/// Says how the task is watched besides.
pub(super) const WATCH_VARIABLE: &str = "LONGSHORE_CHECKS";

/// When a launch is to end without another word of its framework.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether it is killed when ECS says that it is unhealthy. Source: \[A10\].
    pub(crate) kill_unhealthy: bool,
    /// How long it may take, in ms. Source: \[A13\].
    pub(crate) most_ms: Option<u64>,
    /// How it is watched.
    pub(crate) watches: Watches,
}

impl Terms {
    /// What a framework says, and how its task is watched.
    pub(crate) fn of(task: &TaskInfo, watches: Watches) -> Self {
        let most = task.max_completion_time.as_ref();
        let most_ms = most.map(|most| most.nanoseconds.max(0).unsigned_abs().div_ceil(1_000_000));
        let kill_unhealthy = task.health_check.is_some() && watches.health.is_none();
        Self { kill_unhealthy, most_ms, watches }
    }

    /// Puts them where they are found after a restart.
    pub(crate) fn write(&self, environment: &mut BTreeMap<Str, Str>) {
        environment.remove(HEALTH_VARIABLE);
        environment.remove(TIME_VARIABLE);
        environment.remove(WATCH_VARIABLE);
        if self.kill_unhealthy {
            environment.insert(HEALTH_VARIABLE.into(), "1".into());
        }
        if let Some(ms) = self.most_ms {
            environment.insert(TIME_VARIABLE.into(), ms.to_string().into());
        }
        if !self.watches.is_empty() {
            environment.insert(WATCH_VARIABLE.into(), self.watches.written().into());
        }
    }

    /// Finds them again.
    pub(crate) fn read(environment: &BTreeMap<Str, Str>) -> Self {
        let most = environment.get(TIME_VARIABLE);
        Self {
            kill_unhealthy: environment.contains_key(HEALTH_VARIABLE),
            most_ms: most.and_then(|ms| ms.parse().ok()),
            watches: environment
                .get(WATCH_VARIABLE)
                .map(|text| Watches::read(text))
                .unwrap_or_default(),
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
    /// Another task of its group has failed or was killed.
    Group,
    /// All tasks of its group have ended: it is an executor.
    Done,
    /// Its agent is being drained, or is marked gone.
    Drained,
}

impl Why {
    const ALL: [Self; 6] =
        [Self::Asked, Self::Unhealthy, Self::Late, Self::Drained, Self::Group, Self::Done];

    /// What ECS is told; after a restart it tells such a stop from others.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Asked => "Killed by its Mesos framework",
            Self::Unhealthy => "Killed since its Mesos health check failed",
            Self::Late => "Killed since its Mesos max_completion_time is over",
            Self::Group => "Killed since a task of its Mesos group ended",
            Self::Done => "All tasks of the Mesos group have ended",
            Self::Drained => "Killed since its Mesos agent is taken out of use",
        }
    }

    /// What ECS is told of a group that ends for the sake of one of its containers.
    pub(crate) fn text_for(self, culprit: Option<&Str>) -> String {
        match culprit {
            Some(container) => format!("{}: {container}", self.text()),
            None => self.text().to_owned(),
        }
    }

    /// Why a task is to end that a master before this one may have stopped, and for the sake of which container of a group.
    pub(crate) fn of(task: &Task) -> Option<(Self, Option<Str>)> {
        let said = task.stopped_reason.as_deref().filter(|_| !task.desired_running)?;
        Self::ALL.into_iter().find_map(|why| {
            let rest = said.strip_prefix(why.text())?;
            match rest.strip_prefix(": ") {
                Some(container) => Some((why, Some(container.into()))),
                None => rest.is_empty().then_some((why, None)),
            }
        })
    }
}
