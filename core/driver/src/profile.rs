//! What the framework says of itself each time it subscribes.

use std::collections::BTreeSet;

use longshore_wire_mesos::v1::framework_info::capability;
use longshore_wire_mesos::v1::scheduler::call::{self, Type};
use longshore_wire_mesos::v1::scheduler::{Call, OfferConstraints};
use longshore_wire_mesos::v1::{FrameworkId, FrameworkInfo};

use crate::command::Command;
use crate::limits;

/// What is said.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    framework: FrameworkInfo,
    suppressed: BTreeSet<String>,
    constraints: Option<OfferConstraints>,
}

impl Said {
    fn of(update: &call::UpdateFramework) -> Self {
        Self {
            framework: update.framework_info.clone(),
            suppressed: update.suppressed_roles.iter().cloned().collect(),
            constraints: update.offer_constraints.clone(),
        }
    }

    fn suppress(&mut self, roles: &[String]) {
        self.suppressed.extend(roles.iter().cloned());
    }

    fn revive(&mut self, roles: Option<&[String]>) {
        match roles {
            None => self.suppressed.clear(),
            Some(roles) => self.suppressed.retain(|role| !roles.contains(role)),
        }
    }
}

/// What the framework says of itself.
#[derive(Debug)]
pub(crate) struct Profile {
    /// What it says now.
    now: Said,
    /// What the master knows, or is being told.
    told: Said,
}

impl Profile {
    pub(crate) fn new(
        framework: FrameworkInfo,
        suppressed: Vec<String>,
        constraints: Option<OfferConstraints>,
    ) -> Self {
        let suppressed = suppressed.into_iter().collect();
        let said = Said { framework, suppressed, constraints };
        Self { told: said.clone(), now: said }
    }

    pub(crate) fn framework(&self) -> &FrameworkInfo {
        &self.now.framework
    }

    pub(crate) fn id(&self) -> Option<&FrameworkId> {
        // Java's drivers have no other way to say that there is none.
        self.now.framework.id.as_ref().filter(|id| !id.value.is_empty())
    }

    /// The master says who the framework is.
    pub(crate) fn is(&mut self, id: FrameworkId) {
        self.told.framework.id = Some(id.clone());
        self.now.framework.id = Some(id);
    }

    /// The framework is another than it said, but stays itself.
    pub(crate) fn update(
        &mut self,
        framework: FrameworkInfo,
        suppressed: Vec<String>,
        constraints: Option<OfferConstraints>,
    ) {
        let mut framework = framework;
        // Source: Mesos's driver fills in who runs the framework and where, each time that it is left out.
        let before = &self.now.framework;
        if let Some(id) = self.id() {
            framework.id = Some(id.clone());
        }
        if framework.user.is_empty() {
            framework.user.clone_from(&before.user);
        }
        if framework.hostname.as_deref().unwrap_or_default().is_empty() {
            framework.hostname.clone_from(&before.hostname);
        }
        self.now = Said { framework, suppressed: suppressed.into_iter().collect(), constraints };
    }

    /// The master has taken an update.
    pub(crate) fn updated(&mut self, update: &call::UpdateFramework) {
        self.told = Said::of(update);
    }

    /// The master has not taken an update: the framework is what it was, unless it has said something else since.
    pub(crate) fn not_updated(&mut self, update: &call::UpdateFramework) {
        let refused = Said::of(update);
        if (&refused.framework, &refused.constraints)
            == (&self.now.framework, &self.now.constraints)
        {
            self.now.clone_from(&self.told);
        }
    }

    /// The roles for which no offers are wanted, from now on. Whether the master is told.
    pub(crate) fn suppress(&mut self, roles: Option<&[String]>, is_told: bool) {
        let roles = roles.map_or_else(|| self.roles(), <[String]>::to_vec);
        self.now.suppress(&roles);
        if is_told {
            self.told.suppress(&roles);
        }
    }

    /// Offers are wanted again.
    pub(crate) fn revive(&mut self, roles: Option<&[String]>, is_told: bool) {
        self.now.revive(roles);
        if is_told {
            self.told.revive(roles);
        }
    }

    /// What the master has to be told because it changed since the SUBSCRIBE was sent.
    pub(crate) fn corrections(&mut self) -> Vec<Call> {
        let Self { now, told } = self;
        if (&now.framework, &now.constraints) != (&told.framework, &told.constraints) {
            return vec![self.whole()];
        }
        let but = |one: &Said, other: &Said| -> Vec<String> {
            one.suppressed.difference(&other.suppressed).cloned().collect()
        };
        let (more, less) = (but(now, told), but(told, now));
        told.suppressed.clone_from(&now.suppressed);
        let more = (!more.is_empty()).then_some(Command::Suppress(Some(more)));
        let less = (!less.is_empty()).then_some(Command::Revive(Some(less)));
        more.into_iter().chain(less).filter_map(Command::call).collect()
    }

    fn whole(&self) -> Call {
        let update_framework = Some(call::UpdateFramework {
            framework_info: self.now.framework.clone(),
            suppressed_roles: self.now.suppressed.iter().cloned().collect(),
            offer_constraints: self.now.constraints.clone(),
        });
        Call { r#type: Some(Type::UpdateFramework.into()), update_framework, ..Call::default() }
    }

    fn roles(&self) -> Vec<String> {
        if self.has(capability::Type::MultiRole) {
            return self.now.framework.roles.clone();
        }
        vec![self.now.framework.role.clone().unwrap_or_else(|| "*".to_owned())]
    }

    fn has(&self, wanted: capability::Type) -> bool {
        self.now.framework.capabilities.iter().any(|one| one.r#type() == wanted)
    }

    /// Whether it knows what became of a task whose agent is away.
    pub(crate) fn is_partition_aware(&self) -> bool {
        self.has(capability::Type::PartitionAware)
    }

    /// The longest pause before another SUBSCRIBE, in ms: the framework should be back before it is given up. Source: Mesos, which cuts
    /// pauses to a tenth of `failover_timeout` if there is one.
    pub(crate) fn pause_ms_max(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is negative becomes 0, and what is too large becomes the largest number"
        )]
        let timeout_ms = (self.now.framework.failover_timeout.unwrap_or_default() * 1000.0) as u64;
        match timeout_ms / limits::BACKOFF_PARTS {
            0 => limits::BACKOFF_MS_MAX,
            part => part.min(limits::BACKOFF_MS_MAX),
        }
    }

    pub(crate) fn subscribe(&mut self) -> Call {
        self.told.clone_from(&self.now);
        let subscribe = call::Subscribe {
            framework_info: self.now.framework.clone(),
            suppressed_roles: self.now.suppressed.iter().cloned().collect(),
            offer_constraints: self.now.constraints.clone(),
        };
        Call {
            framework_id: self.id().cloned(),
            r#type: Some(Type::Subscribe.into()),
            subscribe: Some(subscribe),
            ..Call::default()
        }
    }
}
