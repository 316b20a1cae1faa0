//! What makes a call valid whatever the state. Source: Mesos, `master::validation::master::call` and the handlers behind it.

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::{Role, check_role};
use longshore_wire_mesos::json;
use longshore_wire_mesos::v1::maintenance::Schedule;
use longshore_wire_mesos::v1::master::call::Type;
use longshore_wire_mesos::v1::master::{Call, Duration};
use longshore_wire_mesos::v1::quota::{QuotaConfig, QuotaRequest};
use longshore_wire_mesos::v1::{MachineId, WeightInfo, value};

use super::{OperatorCall, Refusal, RoleQuota};

/// The type is there, and the part that belongs to it.
pub(super) fn parts(call: &Call) -> Result<(), Refusal> {
    let absent = |name: &str| {
        Refusal::bad(format!("Failed to validate master::Call: Expecting '{name}' to be present"))
    };
    let Some(of) = call.r#type.and_then(|of| Type::try_from(of).ok()) else {
        return Err(absent("type"));
    };
    let is_there = match of {
        Type::GetMetrics => call.get_metrics.is_some(),
        Type::SetLoggingLevel => call.set_logging_level.is_some(),
        Type::ListFiles => call.list_files.is_some(),
        Type::ReadFile => call.read_file.is_some(),
        Type::UpdateWeights => call.update_weights.is_some(),
        Type::ReserveResources => call.reserve_resources.is_some(),
        Type::UnreserveResources => call.unreserve_resources.is_some(),
        Type::CreateVolumes => call.create_volumes.is_some(),
        Type::DestroyVolumes => call.destroy_volumes.is_some(),
        Type::GrowVolume => call.grow_volume.is_some(),
        Type::ShrinkVolume => call.shrink_volume.is_some(),
        Type::UpdateMaintenanceSchedule => call.update_maintenance_schedule.is_some(),
        Type::StartMaintenance => call.start_maintenance.is_some(),
        Type::StopMaintenance => call.stop_maintenance.is_some(),
        Type::DrainAgent => call.drain_agent.is_some(),
        Type::DeactivateAgent => call.deactivate_agent.is_some(),
        Type::ReactivateAgent => call.reactivate_agent.is_some(),
        Type::UpdateQuota => call.update_quota.is_some(),
        Type::SetQuota => call.set_quota.is_some(),
        Type::RemoveQuota => call.remove_quota.is_some(),
        Type::Teardown => call.teardown.is_some(),
        Type::MarkAgentGone => call.mark_agent_gone.is_some(),
        _ => true,
    };
    if is_there { Ok(()) } else { Err(absent(&of.as_str_name().to_lowercase())) }
}

fn role(role: &str) -> Result<Role, String> {
    check_role(role).map(|()| role.into())
}

/// Source: Mesos, `WeightsHandler::_updateWeights`.
pub(crate) fn weights(infos: &[WeightInfo]) -> Result<Vec<(Role, f64)>, Refusal> {
    let failed = "Failed to validate update weights request JSON";
    let one = |info: &WeightInfo| {
        let name = info.role.as_deref().unwrap_or_default().trim();
        let role = role(name)
            .map_err(|why| Refusal::bad(format!("{failed}: Invalid role '{name}': {why}")))?;
        // What is no number at all is not positive, either.
        if info.weight.is_nan() || info.weight <= 0.0 || info.weight.is_infinite() {
            let weight = info.weight;
            return Err(Refusal::bad(format!(
                "{failed} for role '{name}': Invalid weight '{weight}': Weights must be positive"
            )));
        }
        Ok((role, info.weight))
    };
    infos.iter().map(one).collect()
}

/// Source: Mesos, `quota::validate(QuotaConfig)`.
pub(super) fn quota_config(config: &QuotaConfig) -> Result<RoleQuota, Refusal> {
    let invalid = |why: String| Refusal::bad(format!("Invalid QuotaConfig: {why}"));
    if config.role.is_empty() {
        return Err(invalid("'QuotaConfig.role' must be set".to_owned()));
    }
    let role =
        role(&config.role).map_err(|why| invalid(format!("Invalid 'QuotaConfig.role': {why}")))?;
    let amounts = |name: &str, all: &BTreeMap<String, value::Scalar>| {
        let one = |(resource, scalar): (&String, &value::Scalar)| {
            if scalar.value.is_finite() && scalar.value >= 0.0 {
                return Ok((resource.clone(), scalar.value));
            }
            Err(invalid(format!(
                "Invalid '{name}': Invalid scalar value for resource '{resource}': {}",
                scalar.value
            )))
        };
        all.iter().map(one).collect::<Result<BTreeMap<_, _>, _>>()
    };
    let guarantees = amounts("QuotaConfig.guarantees", &config.guarantees)?;
    let limits = amounts("QuotaConfig.limits", &config.limits)?;
    let exceeds =
        |(name, amount): (&String, &f64)| limits.get(name).is_some_and(|max| amount > max);
    if guarantees.iter().any(exceeds) {
        return Err(invalid(format!(
            "'QuotaConfig.guarantees' {} is not contained within the 'QuotaConfig.limits' {}",
            braced(&guarantees),
            braced(&limits)
        )));
    }
    Ok(RoleQuota { role, guarantees, limits })
}

/// `{ cpus: 9 }`
fn braced(amounts: &BTreeMap<String, f64>) -> String {
    // Source: the order is that of a hash map; memory came before processors.
    let all = amounts.iter().rev().map(|(name, amount)| format!("{name}: {amount}"));
    format!("{{ {} }}", all.collect::<Vec<_>>().join(", "))
}

/// Source: Mesos, `quota::validate(QuotaRequest)`.
pub(crate) fn quota_request(request: &QuotaRequest) -> Result<OperatorCall, Refusal> {
    let invalid =
        |why: String| Refusal::bad(format!("Failed to validate set quota request: {why}"));
    let name = request.role.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Err(invalid("QuotaInfo must specify a role".to_owned()));
    }
    let role = role(name).map_err(|why| invalid(format!("QuotaInfo with invalid role: {why}")))?;
    let mut guarantee = BTreeMap::new();
    for resource in &request.guarantee {
        let scalar = resource.scalar.filter(|_| resource.r#type() == value::Type::Scalar);
        let Some(scalar) = scalar.filter(|one| one.value.is_finite() && one.value >= 0.0) else {
            let why = "QuotaInfo may not contain non-scalar resources";
            return Err(invalid(why.to_owned()));
        };
        if guarantee.insert(resource.name.clone(), scalar.value).is_some() {
            let why = format!("QuotaInfo contains duplicate resource name '{}'", resource.name);
            return Err(invalid(why));
        }
    }
    Ok(OperatorCall::SetQuota { force: request.force.unwrap_or(false), role, guarantee })
}

/// Source: Mesos, `maintenance::validation::schedule`.
pub(crate) fn schedule(schedule: &Schedule) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for window in &schedule.windows {
        if window.machine_ids.is_empty() {
            return Err(Refusal::bad("List of machines in the maintenance window is empty"));
        }
        let duration = window.unavailability.duration.as_ref();
        if duration.is_some_and(|duration| duration.nanoseconds < 0) {
            return Err(Refusal::bad("Unavailability 'duration' is negative"));
        }
        machines(&window.machine_ids)?;
        for machine in &window.machine_ids {
            if !seen.insert((machine.hostname.clone(), machine.ip.clone())) {
                let text =
                    format!("Machine '{}' appears more than once in the schedule", named(machine));
                return Err(Refusal::bad(text));
            }
        }
    }
    Ok(())
}

/// Source: Mesos, `maintenance::validation::machines`.
pub(crate) fn machines(machines: &[MachineId]) -> Result<(), Refusal> {
    if machines.is_empty() {
        return Err(Refusal::bad("List of machines is empty"));
    }
    for machine in machines {
        let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if !is_set(&machine.hostname) && !is_set(&machine.ip) {
            return Err(Refusal::bad("Both 'hostname' and 'ip' for a machine are empty"));
        }
        let ip = machine.ip.as_ref().filter(|ip| !ip.is_empty());
        if ip.is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_err()) {
            return Err(Refusal::bad(format!(
                "Invalid IP address of machine '{}'",
                named(machine)
            )));
        }
    }
    Ok(())
}

/// A machine in a message: as JSON.
pub(super) fn named(machine: &MachineId) -> String {
    let mut text = Vec::new();
    json::write("mesos.v1.MachineID", machine, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A time, which is not negative.
pub(super) fn grace_ms(duration: &Duration) -> u64 {
    let seconds = u64::try_from(duration.seconds()).unwrap_or(0);
    let nanos = u64::try_from(duration.nanos()).unwrap_or(0);
    seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000)
}
