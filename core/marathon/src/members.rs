//! The containers of an instance of a pod: to Mesos each is a task of its own, and together they are the instance.
//!
//! An instance is as far as the container that is least far; it has ended when all have. One that ends well leaves the others alone, any
//! other end is that of the instance: Mesos's default executor ends the others, and they are killed besides.
//!
//! Invariants: an instance of a pod has a member for each container, in their order; the id of its task is that of the instance and the
//! container's name; what has ended does not begin again.

use std::sync::Arc;

use longshore_wire_mesos::v1::TaskState;
use serde::{Deserialize, Serialize};

use crate::instances::{Instance, Stage};
use crate::task;

/// A container of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub stage: MemberStage,
    /// Since when, in ms since the epoch.
    pub since_ms: u64,
    /// What Mesos said last of why it has ended.
    pub message: Option<String>,
}

/// How far a container is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberStage {
    /// It was launched, and nothing else is known.
    Staging,
    /// Its executor begins.
    Starting,
    /// It runs.
    Running,
    /// Its agent is out of reach.
    Unreachable,
    /// It has ended, in a state in Mesos's words, for example `TASK_FAILED`.
    Ended(String),
}

impl MemberStage {
    /// In Mesos's words.
    pub fn word(&self) -> &str {
        match self {
            Self::Staging => TaskState::TaskStaging.as_str_name(),
            Self::Starting => TaskState::TaskStarting.as_str_name(),
            Self::Running => TaskState::TaskRunning.as_str_name(),
            Self::Unreachable => TaskState::TaskUnreachable.as_str_name(),
            Self::Ended(word) => word,
        }
    }
}

impl Member {
    /// One that was launched.
    pub(crate) fn launched(name: &str, wall_ms: u64) -> Self {
        let stage = MemberStage::Staging;
        Self { name: name.to_owned(), stage, since_ms: wall_ms, message: None }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, MemberStage::Ended(_))
    }

    /// Whether it has ended well.
    pub fn has_finished(&self) -> bool {
        matches!(&self.stage, MemberStage::Ended(word) if word == "TASK_FINISHED")
    }
}

impl Instance {
    /// The ids of its tasks that have not ended, if it has this id.
    pub(crate) fn tasks(&self, id: &Arc<str>) -> Vec<String> {
        if self.members.is_empty() {
            return vec![id.to_string()];
        }
        let open = self.members.iter().filter(|one| !one.has_ended());
        open.map(|one| task::member_id(id, &one.name)).collect()
    }

    /// How far its containers are together; `None` when all have ended, and of an app.
    pub(crate) fn joint(&self) -> Option<MemberStage> {
        let least = |one: &&Member| match one.stage {
            MemberStage::Unreachable => 0,
            MemberStage::Staging => 1,
            MemberStage::Starting => 2,
            MemberStage::Running => 3,
            MemberStage::Ended(_) => 4,
        };
        let open = self.members.iter().filter(|one| !one.has_ended());
        open.min_by_key(least).map(|one| one.stage.clone())
    }

    /// Whether the stage of an instance of a pod is that of its containers.
    pub(crate) fn is_joint(&self) -> bool {
        matches!(
            (self.joint(), self.stage),
            (Some(MemberStage::Staging), Stage::Staging)
                | (Some(MemberStage::Starting), Stage::Starting)
                | (Some(MemberStage::Running), Stage::Running)
                | (Some(MemberStage::Unreachable), Stage::Unreachable { .. })
        )
    }

    /// Whether a health check, by its index, is made: not of a container that has ended.
    pub(crate) fn is_checked(&self, check: usize) -> bool {
        let pod = self.spec.as_ref().and_then(|spec| spec.pod.as_ref());
        let of = pod.and_then(|pod| pod.checked(check)).and_then(|at| self.members.get(at));
        of.is_none_or(|member| !member.has_ended())
    }
}
