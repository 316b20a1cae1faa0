//! How much memory a task may have.

use longshore_wire_mesos::v1::TaskInfo;

use super::memory_mib;
use crate::amounts::Amounts;

/// How much memory a task may have. ECS reserves what it claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Memory {
    /// What it claims, and no more.
    #[default]
    Claimed,
    /// So many MiB.
    UpTo(u32),
    /// All that there is.
    Unbounded,
}

/// What a launch says of the memory of a container, in MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemorySaid {
    /// The most that it may have. It is what is reserved, unless the next says otherwise.
    pub(crate) most_mib: Option<u32>,
    /// What is reserved.
    pub(crate) reserved_mib: Option<u32>,
}

impl Memory {
    /// Source: \[L8\] row 11: the limit is no less than what the task claims, or infinite.
    pub(super) fn of(task: &TaskInfo, claim: &Amounts) -> Self {
        let Some(limit) = task.limits.get("mem").map(|limit| limit.value) else {
            return Self::Claimed;
        };
        if limit.is_infinite() {
            return Self::Unbounded;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a conversion of floats saturates"
        )]
        let mib = limit.ceil() as u32;
        if mib > memory_mib(claim) { Self::UpTo(mib) } else { Self::Claimed }
    }

    /// What a launch says of a container that claims so much.
    pub(crate) fn said(self, claimed_mib: u32) -> MemorySaid {
        let (most_mib, reserved_mib) = match self {
            Self::Claimed => (Some(claimed_mib), None),
            Self::UpTo(most) => (Some(most), Some(claimed_mib)),
            Self::Unbounded => (None, Some(claimed_mib)),
        };
        MemorySaid { most_mib, reserved_mib }
    }
}
