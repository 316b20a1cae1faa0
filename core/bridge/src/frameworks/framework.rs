//! One framework: who it is, and whether it is there.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::OfferConstraints;

use crate::amounts::Form;
use crate::calls::{has, roles_of};
use crate::ids::{FrameworkId, Role};
use crate::machine::StreamKey;

/// One framework.
#[derive(Clone, Debug)]
pub(crate) struct Framework {
    pub(super) id: FrameworkId,
    pub(super) info: FrameworkInfo,
    /// How large `info` is.
    pub(super) info_bytes: usize,
    pub(super) roles: BTreeSet<Role>,
    /// Which agents it wants to be offered, for operators.
    pub(super) offer_constraints: Option<OfferConstraints>,
    pub(super) stream: Option<StreamKey>,
    /// The `Mesos-Stream-Id` of the stream.
    pub(super) stream_id: String,
    pub(super) registered_at: Timestamp,
    pub(super) reregistered_at: Timestamp,
    /// When it went away last.
    pub(super) away_since: Timestamp,
    /// When it is removed, if it is away until then.
    pub(super) fails_over_at: Option<Timestamp>,
    /// Known only from tasks that run; it has not subscribed to this master yet.
    pub(super) recovered: bool,
}

impl Framework {
    pub(super) fn new(id: FrameworkId, now: Timestamp) -> Self {
        let mut framework = Self {
            id,
            roles: BTreeSet::new(),
            offer_constraints: None,
            info: FrameworkInfo::default(),
            info_bytes: 0,
            stream: None,
            stream_id: String::new(),
            registered_at: now,
            reregistered_at: now,
            away_since: now,
            fails_over_at: None,
            recovered: false,
        };
        framework.describe(FrameworkInfo::default(), 0);
        framework
    }

    /// Takes over a new description of itself.
    pub(super) fn describe(&mut self, mut info: FrameworkInfo, bytes: usize) {
        info.id = Some(longshore_wire_mesos::v1::FrameworkId { value: self.id.to_string() });
        self.roles = roles_of(&info).into_iter().map(Role::from).collect();
        self.info_bytes = bytes;
        self.info = info;
    }

    /// What it says of itself.
    pub(crate) fn info(&self) -> &FrameworkInfo {
        &self.info
    }

    pub(crate) fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    pub(crate) fn offer_constraints(&self) -> Option<&OfferConstraints> {
        self.offer_constraints.as_ref()
    }

    pub(crate) fn stream(&self) -> Option<StreamKey> {
        self.stream
    }

    pub(crate) fn stream_id(&self) -> &str {
        &self.stream_id
    }

    pub(crate) fn registered_at(&self) -> Timestamp {
        self.registered_at
    }

    pub(crate) fn reregistered_at(&self) -> Timestamp {
        self.reregistered_at
    }

    /// Whether it is known only from its tasks.
    pub(crate) fn is_recovered(&self) -> bool {
        self.recovered
    }

    pub(crate) fn has(&self, capability: Capability) -> bool {
        has(&self.info, capability)
    }

    /// Whether it knows more ends of a task than `TASK_LOST`.
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
