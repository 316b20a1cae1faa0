//! One framework: who it is, what it may have, and what it has.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::{FrameworkInfo, TaskStatus};

use crate::amounts::{Amounts, Form};
use crate::machine::StreamKey;

/// Resources of an agent that a framework does not want for a while.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) until: Timestamp,
    pub(crate) refused: Amounts,
}

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
    pub(crate) id: String,
    pub(crate) info: FrameworkInfo,
    pub(crate) roles: Vec<String>,
    pub(crate) suppressed: BTreeSet<String>,
    pub(crate) stream: Option<StreamKey>,
    /// The `Mesos-Stream-Id` of the stream.
    pub(crate) stream_id: String,
    pub(crate) registered_at: Timestamp,
    pub(crate) reregistered_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// Known only from tasks that run; it has not subscribed to this master yet.
    pub(crate) recovered: bool,
    /// Launch ids of live tasks, by task id.
    pub(crate) tasks: BTreeMap<String, Str>,
    pub(crate) completed: VecDeque<CompletedTask>,
    /// By role and ARN of the instance.
    pub(crate) filters: BTreeMap<(String, Str), Vec<Filter>>,
}

impl Framework {
    pub(crate) fn new(id: String, info: FrameworkInfo, now: Timestamp) -> Self {
        let mut framework = Self {
            id,
            roles: Vec::new(),
            info: FrameworkInfo::default(),
            suppressed: BTreeSet::new(),
            stream: None,
            stream_id: String::new(),
            registered_at: now,
            reregistered_at: now,
            ended_at: None,
            recovered: false,
            tasks: BTreeMap::new(),
            completed: VecDeque::new(),
            filters: BTreeMap::new(),
        };
        framework.describe(info);
        framework
    }

    /// Takes over a new description of itself.
    pub(crate) fn describe(&mut self, mut info: FrameworkInfo) {
        info.id = Some(longshore_wire_mesos::v1::FrameworkId { value: self.id.clone() });
        self.roles = if has(&info, Capability::MultiRole) {
            info.roles.clone()
        } else {
            vec![info.role.clone().unwrap_or_else(|| "*".to_owned())]
        };
        self.info = info;
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

    /// Whether it has said that it does not want these amounts of an instance now.
    pub(crate) fn refuses(
        &self,
        now: Timestamp,
        role: &str,
        instance: &Str,
        amounts: &Amounts,
    ) -> bool {
        let filters = self.filters.get(&(role.to_owned(), instance.clone()));
        filters
            .into_iter()
            .flatten()
            .any(|filter| filter.until > now && filter.refused.contains(amounts))
    }
}

pub(crate) fn has(info: &FrameworkInfo, capability: Capability) -> bool {
    info.capabilities.iter().any(|one| one.r#type == Some(capability.into()))
}
