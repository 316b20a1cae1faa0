//! Whether a call can be done, by what is seen of the state.
//!
//! The state may change before the call is done; whoever does it has the last word. This says it early, and as Mesos does.

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::Role;
use longshore_bridge::operator::{AgentView, DrainView, Quantities, View};
use longshore_wire_mesos::v1::maintenance::Schedule;
use longshore_wire_mesos::v1::{DrainState, MachineId};

use super::check::named;
use super::{OperatorCall, Refusal, RoleQuota};

impl OperatorCall {
    /// What Mesos answers if there is nothing that this could be done to.
    ///
    /// # Errors
    /// When an agent, framework or machine is not known or not as it would have to be, or guarantees exceed what there is.
    pub fn check(&self, view: &View) -> Result<(), Refusal> {
        let agent = |id: &str| view.agent(id).map(|(agent, _)| agent);
        match self {
            Self::Teardown(id) if view.framework(id).is_none() => {
                Err(Refusal::bad("No framework found with specified ID"))
            }
            Self::MarkAgentGone(id) if agent(id).is_none() && !view.is_gone(id) => {
                Err(Refusal::with(404, format!("Agent '{id}' not found")))
            }
            Self::DrainAgent { agent: id, .. } | Self::DeactivateAgent(id)
                if agent(id).is_none() =>
            {
                Err(Refusal::bad("Unknown agent"))
            }
            Self::ReactivateAgent(id) => reactivates(agent(id)),
            Self::StartMaintenance(machines) => starts(view, machines),
            Self::StopMaintenance(machines) => stops(view, machines),
            Self::UpdateMaintenanceSchedule(schedule) => keeps_those_down(view, schedule),
            Self::SetQuota { role, .. } if has_quota(view, role) => Err(Refusal::bad(format!(
                "Failed to validate set quota request: Cannot set quota for role '{role}' which already has quota"
            ))),
            Self::RemoveQuota(role) if !has_quota(view, role) => {
                Err(Refusal::bad(format!("Failed to remove quota: Role '{role}' has no quota set")))
            }
            Self::UpdateQuota { force: false, quota } => fits(view, quota),
            _ => Ok(()),
        }
    }
}

/// Source: an agent that is not known is not deactivated, either.
fn reactivates(agent: Option<&AgentView>) -> Result<(), Refusal> {
    match agent {
        Some(agent) if agent.drain.as_ref().is_some_and(is_going_on) => {
            Err(Refusal::bad("Agent is still in the DRAINING state"))
        }
        Some(agent) if agent.deactivated => Ok(()),
        _ => Err(Refusal::bad("Agent is not deactivated")),
    }
}

fn is_going_on(drain: &DrainView) -> bool {
    drain.state == DrainState::Draining
}

/// Machines by what identifies them.
type Machines<'a> = BTreeSet<(&'a Option<String>, &'a Option<String>)>;

fn set<'a>(machines: impl IntoIterator<Item = &'a MachineId>) -> Machines<'a> {
    machines.into_iter().map(key).collect()
}

fn key(machine: &MachineId) -> (&Option<String>, &Option<String>) {
    (&machine.hostname, &machine.ip)
}

fn scheduled(schedule: &Schedule) -> Machines<'_> {
    set(schedule.windows.iter().flat_map(|window| &window.machine_ids))
}

/// The first machine that is not as it should be, and how it is not.
fn refused<'a>(
    machines: impl IntoIterator<Item = &'a MachineId>,
    fits: impl Fn(&MachineId) -> bool,
    why: &str,
) -> Result<(), Refusal> {
    match machines.into_iter().find(|machine| !fits(machine)) {
        None => Ok(()),
        Some(machine) => Err(Refusal::bad(format!("Machine '{}' {why}", named(machine)))),
    }
}

/// Source: Mesos, `Master::Http::_startMaintenance`.
fn starts(view: &View, machines: &[MachineId]) -> Result<(), Refusal> {
    let (known, down) = (scheduled(view.schedule()), set(&view.machines().down_machines));
    let why = "is not part of a maintenance schedule";
    refused(machines, |one| known.contains(&key(one)), why)?;
    let why = "is not in DRAINING mode and cannot be brought down";
    refused(machines, |one| !down.contains(&key(one)), why)
}

/// Source: Mesos, `Master::Http::_stopMaintenance`.
fn stops(view: &View, machines: &[MachineId]) -> Result<(), Refusal> {
    let (known, down) = (scheduled(view.schedule()), set(&view.machines().down_machines));
    let why = "is not part of a maintenance schedule";
    refused(machines, |one| known.contains(&key(one)), why)?;
    let why = "is not in DOWN mode and cannot be brought up";
    refused(machines, |one| down.contains(&key(one)), why)
}

/// Source: Mesos, `maintenance::validation::schedule`.
fn keeps_those_down(view: &View, schedule: &Schedule) -> Result<(), Refusal> {
    let kept = scheduled(schedule);
    let why = "is deactivated and cannot be removed from the schedule";
    refused(&view.machines().down_machines, |one| kept.contains(&key(one)), why)
}

fn has_quota(view: &View, role: &str) -> bool {
    view.role(role).and_then(|entry| entry.view()).is_some_and(|set| set.quota.is_some())
}

/// All guarantees together, the new ones among them, must not exceed what agents brought.
fn fits(view: &View, quota: &[RoleQuota]) -> Result<(), Refusal> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let changed: BTreeSet<&Role> = quota.iter().map(|one| &one.role).collect();
    let kept = view.roles().filter(|(role, _)| !changed.contains(role));
    let kept = kept.filter_map(|(_, entry)| Some(&entry.view()?.quota.as_ref()?.guarantees));
    for (name, amount) in kept.chain(quota.iter().map(|one| &one.guarantees)).flatten() {
        *sums.entry(name).or_default() += amount;
    }
    let mut capacity = Quantities::default();
    view.agents().for_each(|(agent, _)| capacity.add(&agent.total));
    if sums.iter().all(|(name, sum)| *sum <= capacity.of(name)) {
        return Ok(());
    }
    let spoken = |all: &mut dyn Iterator<Item = (&str, f64)>| {
        all.map(|(name, amount)| format!("{name}:{amount}")).collect::<Vec<_>>().join("; ")
    };
    let total = spoken(&mut sums.into_iter());
    let capacity = spoken(&mut capacity.iter().filter(|(name, _)| *name != "ports"));
    Err(Refusal::bad(format!(
        "Invalid QuotaConfig: total quota guarantees '{total}' exceed cluster capacity '{capacity}' (use 'force' flag to bypass this check)"
    )))
}
