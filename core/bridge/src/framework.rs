//! One framework: who it is, what it may have, and what it has.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::{FrameworkInfo, TaskStatus};

use crate::amounts::{Amounts, Form};
use crate::description;
use crate::filter::Filters;
use crate::limits;
use crate::machine::StreamKey;

/// A task that ended and was acknowledged, for the operator's eyes.
#[derive(Clone, Debug)]
pub(crate) struct CompletedTask {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) agent: Str,
    pub(crate) claim: Amounts,
    pub(crate) statuses: Vec<TaskStatus>,
}

/// One framework.
#[derive(Clone, Debug)]
pub(crate) struct Framework {
    pub(crate) id: Str,
    pub(crate) info: FrameworkInfo,
    /// How large `info` is.
    pub(crate) info_bytes: usize,
    pub(crate) roles: BTreeSet<Str>,
    pub(crate) suppressed: BTreeSet<Str>,
    pub(crate) stream: Option<StreamKey>,
    /// The `Mesos-Stream-Id` of the stream.
    pub(crate) stream_id: String,
    pub(crate) registered_at: Timestamp,
    pub(crate) reregistered_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// When it went away last.
    pub(crate) away_since: Timestamp,
    /// When it is removed, if it is away until then.
    pub(crate) fails_over_at: Option<Timestamp>,
    /// Known only from tasks that run; it has not subscribed to this master yet.
    pub(crate) recovered: bool,
    /// Launch ids of live tasks, by task id.
    pub(crate) tasks: BTreeMap<String, Str>,
    pub(crate) completed: VecDeque<CompletedTask>,
    pub(crate) filters: Filters,
}

impl Framework {
    pub(crate) fn new(id: Str, now: Timestamp) -> Self {
        let mut framework = Self {
            id,
            roles: BTreeSet::new(),
            info: FrameworkInfo::default(),
            info_bytes: 0,
            suppressed: BTreeSet::new(),
            stream: None,
            stream_id: String::new(),
            registered_at: now,
            reregistered_at: now,
            ended_at: None,
            away_since: now,
            fails_over_at: None,
            recovered: false,
            tasks: BTreeMap::new(),
            completed: VecDeque::new(),
            filters: Filters::default(),
        };
        framework.describe(FrameworkInfo::default(), 0);
        framework
    }

    /// Takes over a new description of itself.
    pub(crate) fn describe(&mut self, mut info: FrameworkInfo, bytes: usize) {
        info.id = Some(longshore_wire_mesos::v1::FrameworkId { value: self.id.to_string() });
        self.roles = description::roles(&info).into_iter().map(Str::from).collect();
        self.info_bytes = bytes;
        self.info = info;
    }

    /// One of its tasks ended and has nothing left to say. The last ones are kept.
    pub(crate) fn complete(&mut self, task: CompletedTask) {
        self.completed.push_back(task);
        if self.completed.len() > limits::COMPLETED_TASKS_MAX {
            self.completed.pop_front();
        }
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        has(&self.info, capability)
    }

    pub(crate) fn is_aware(&self) -> bool {
        self.has(Capability::PartitionAware)
    }

    /// In which form it reads resources of a role.
    pub(crate) fn form(&self, role: &str) -> Form {
        Form {
            allocated_to: self.has(Capability::MultiRole).then(|| role.to_owned()),
            refined: self.has(Capability::ReservationRefinement),
        }
    }

    /// Milliseconds that it may be away. Source: \[F2\], \[F4\]: a negative time is as good as none.
    pub(crate) fn failover_ms(&self) -> u64 {
        let seconds = self.info.failover_timeout.unwrap_or(0.0).clamp(0.0, 9.0e9);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped just above"
        )]
        let ms = (seconds * 1000.0) as u64;
        ms
    }
}

pub(crate) fn has(info: &FrameworkInfo, capability: Capability) -> bool {
    info.capabilities.iter().any(|one| one.r#type == Some(capability.into()))
}
