//! What is true of one task of the cluster.

use longshore_replica::{Container, LastStatus, Task};

use super::{CloudTask, Owner};

impl CloudTask {
    /// Its record now; one that can no longer be described has none.
    pub(in crate::bridge) fn record(&self) -> Option<&Task> {
        self.history.now()
    }

    /// Whether it should run and has not stopped.
    pub(in crate::bridge) fn is_wanted(&self) -> bool {
        self.record().is_some_and(|task| task.desired_running)
    }

    /// Whether it has not stopped.
    pub(in crate::bridge) fn is_live(&self) -> bool {
        self.stopped_at.is_none()
    }

    /// Whether it is a group.
    pub(in crate::bridge) fn is_group(&self) -> bool {
        self.record().is_some_and(|task| task.containers.len() > 1)
    }

    /// The container that a framework's task is.
    pub(in crate::bridge) fn container(&self, owner: &Owner) -> Option<&Container> {
        let at = self.owners.iter().position(|one| one == owner)?;
        let containers = &self.record()?.containers;
        containers.get(if containers.len() > 1 { at + 1 } else { 0 })
    }

    /// Whether a framework's task has not stopped.
    pub(in crate::bridge) fn is_live_for(&self, owner: &Owner) -> bool {
        let container = self.container(owner);
        self.is_live() && container.is_some_and(|one| one.last_status != LastStatus::Stopped)
    }

    /// Whether a framework's task ran.
    pub(in crate::bridge) fn has_run(&self, owner: &Owner) -> bool {
        let at = self.owners.iter().position(|one| one == owner);
        let is_of_group = self.owners.len() > 1;
        self.ran_at.is_some()
            || at.is_some_and(|at| is_of_group && self.have_run.contains(&(at + 1)))
    }

    /// What health checks found of a framework's task.
    pub(in crate::bridge) fn healthy_for(&self, owner: &Owner) -> Option<bool> {
        if self.is_group() { self.container(owner)?.healthy } else { self.record()?.healthy }
    }
}
