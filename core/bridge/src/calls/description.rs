//! What a framework may say of itself. Source: Mesos, `master/validation.cpp`, and `roles.cpp`.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_mesos::encoded_bytes;
use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::OfferConstraints;

use crate::allocator::{Capabilities, Constraints, Minimum, Profile};
use crate::ids::Role;
use crate::limits;
use crate::words::{check_id, check_role, shortened};

/// Roles that a refusal names. Source: chosen by us: enough to find the fault.
const ROLES_NAMED_MAX: usize = 16;

/// What a framework says of itself, and whether it may.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) info: FrameworkInfo,
    /// The roles that it wants suppressed.
    pub(crate) suppressed: BTreeSet<Role>,
    /// How large it is.
    pub(crate) bytes: usize,
    /// Which agents it wants to be offered, and how much of them at least.
    pub(crate) minimums: BTreeMap<Role, Minimum>,
    pub(crate) constraints: Constraints,
    /// The same as it was given, for operators.
    pub(crate) offer_constraints: Option<OfferConstraints>,
    /// What Mesos would answer with an ERROR event.
    pub(crate) verdict: Result<(), String>,
}

impl Description {
    pub(crate) fn new(
        mut info: FrameworkInfo,
        mut suppressed: Vec<String>,
        offer_constraints: Option<OfferConstraints>,
    ) -> Self {
        suppressed.sort_unstable();
        suppressed.dedup();
        let bytes = encoded_bytes(&info);
        let verdict = validate(&info, bytes, &suppressed);
        let minimums = verdict.clone().and_then(|()| minimums(&info));
        let constraints = minimums.as_ref().map_or_else(
            |why| Err(why.clone()),
            |_| {
                offer_constraints
                    .as_ref()
                    .map_or_else(|| Ok(Constraints::default()), Constraints::read)
            },
        );
        let verdict = constraints.as_ref().map(drop).map_err(Clone::clone);
        if verdict.is_err() {
            // Nobody looks at the rest of it.
            info = FrameworkInfo { id: info.id, ..FrameworkInfo::default() };
            suppressed.clear();
        }
        let mut known = BTreeSet::new();
        info.capabilities.retain(|one| known.insert(one.r#type));
        Self {
            info,
            suppressed: suppressed.into_iter().map(Role::from).collect(),
            bytes,
            minimums: minimums.unwrap_or_default(),
            constraints: constraints.unwrap_or_default(),
            offer_constraints: offer_constraints.filter(|_| verdict.is_ok()),
            verdict,
        }
    }

    /// What the allocator goes by.
    pub(crate) fn profile(&self) -> Profile {
        Profile {
            roles: roles(&self.info).into_iter().map(Role::from).collect(),
            suppressed: self.suppressed.clone(),
            capabilities: Capabilities {
                gpu_resources: has(&self.info, Capability::GpuResources),
                region_aware: has(&self.info, Capability::RegionAware),
            },
            minimums: self.minimums.clone(),
            constraints: self.constraints.clone(),
        }
    }
}

/// The least that it wants to be offered, for roles that say so. Source: \[O16\].
fn minimums(info: &FrameworkInfo) -> Result<BTreeMap<Role, Minimum>, String> {
    let mut minimums = BTreeMap::new();
    for (role, filters) in &info.offer_filters {
        if let Some(minimum) = Minimum::read(filters)? {
            minimums.insert(Role::from(&**role), minimum);
        }
    }
    Ok(minimums)
}

/// Whether a framework has a capability.
pub(crate) fn has(info: &FrameworkInfo, capability: Capability) -> bool {
    info.capabilities.iter().any(|one| one.r#type == Some(capability.into()))
}

/// The roles of a framework.
pub(crate) fn roles(info: &FrameworkInfo) -> Vec<&str> {
    if has(info, Capability::MultiRole) {
        info.roles.iter().map(String::as_str).collect()
    } else {
        vec![info.role.as_deref().unwrap_or("*")]
    }
}

fn validate(info: &FrameworkInfo, bytes: usize, suppressed: &[String]) -> Result<(), String> {
    if bytes > limits::FRAMEWORK_INFO_BYTES_MAX {
        let most = limits::FRAMEWORK_INFO_BYTES_MAX;
        return Err(format!("'FrameworkInfo' has {bytes} bytes; the maximum is {most}"));
    }
    let multi_role = has(info, Capability::MultiRole);
    if multi_role && info.role.is_some() {
        return Err(
            "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
                .to_owned(),
        );
    }
    if !multi_role && !info.roles.is_empty() {
        return Err(
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
                .to_owned(),
        );
    }
    let roles = checked_roles(info)?;
    if let Some(id) = info.id.as_ref().filter(|id| !id.value.is_empty()) {
        check_id(&id.value)
            .map_err(|why| format!("Framework ID '{}' is invalid: {why}", shortened(&id.value)))?;
    }
    let timeout = info.failover_timeout.unwrap_or(0.0);
    if !timeout.is_finite() || timeout.abs() > 9.22e9 {
        return Err(format!(
            "The framework failover_timeout ({timeout}) is invalid: it must be a number of seconds that fits"
        ));
    }
    let foreign = suppressed.iter().find(|role| roles.binary_search(&role.as_str()).is_err());
    match foreign {
        Some(role) => {
            let role = shortened(role);
            Err(format!("Suppressed role '{role}' is not contained in the list of roles"))
        }
        None => Ok(()),
    }
}

/// The roles of a framework in order, if each may be one and none is named twice.
fn checked_roles(info: &FrameworkInfo) -> Result<Vec<&str>, String> {
    let mut roles = roles(info);
    if roles.len() > limits::ROLES_PER_FRAMEWORK_MAX {
        let (count, most) = (roles.len(), limits::ROLES_PER_FRAMEWORK_MAX);
        return Err(format!("'FrameworkInfo.roles' names {count} roles; the maximum is {most}"));
    }
    let field = if has(info, Capability::MultiRole) { "roles' contains" } else { "role' is an" };
    roles
        .iter()
        .try_for_each(|role| check_role(role))
        .map_err(|why| format!("'FrameworkInfo.{field} invalid role: {why}"))?;
    roles.sort_unstable();
    let mut twice: Vec<&str> =
        roles.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    if twice.is_empty() {
        return Ok(roles);
    }
    twice.dedup();
    let named: Vec<String> =
        twice.iter().take(ROLES_NAMED_MAX).map(|role| shortened(role)).collect();
    Err(format!("'FrameworkInfo.roles' contains duplicate items: {{ {} }}", named.join(", ")))
}
