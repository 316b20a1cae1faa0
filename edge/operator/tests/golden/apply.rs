//! What calls of operators do to the state, as far as later answers in the same golden file show it. The bridge does it for real.

use longshore_bridge::operator::{AgentView, DrainView, QuotaView, ReadModel, RoleView};
use longshore_operator::OperatorCall;
use longshore_wire_mesos::v1::DrainState;
use longshore_wire_mesos::v1::maintenance::cluster_status::DrainingMachine;
use longshore_wire_mesos::v1::maintenance::{ClusterStatus, Schedule};

use crate::fixture::{self, NOW};

pub(crate) fn apply(model: &mut ReadModel, call: OperatorCall) {
    let view = model.snapshot();
    match call {
        OperatorCall::UpdateWeights(weights) => {
            for (role, weight) in weights {
                model.put_role(RoleView { role, weight: Some(weight), quota: None });
            }
        }
        OperatorCall::UpdateQuota { quota, .. } => {
            for one in quota {
                let set = QuotaView { guarantees: one.guarantees, limits: one.limits };
                model.put_role(RoleView { role: one.role, weight: None, quota: Some(set) });
            }
        }
        OperatorCall::UpdateMaintenanceSchedule(schedule) => {
            let draining = |id: &longshore_wire_mesos::v1::MachineId| DrainingMachine {
                id: id.clone(),
                statuses: Vec::new(),
            };
            let machines = schedule.windows.iter().flat_map(|window| &window.machine_ids);
            let status = ClusterStatus {
                draining_machines: machines.map(draining).collect(),
                ..ClusterStatus::default()
            };
            model.put_maintenance(schedule, status);
        }
        OperatorCall::StartMaintenance(down_machines) => {
            let status = ClusterStatus { down_machines, ..ClusterStatus::default() };
            model.put_maintenance(view.schedule().clone(), status);
        }
        OperatorCall::StopMaintenance(_) => {
            model.put_maintenance(Schedule::default(), ClusterStatus::default());
        }
        OperatorCall::SetQuota { role, guarantee, .. } => {
            let limits = guarantee.clone();
            let quota = Some(QuotaView { guarantees: guarantee, limits });
            model.put_role(RoleView { role, weight: None, quota });
        }
        OperatorCall::RemoveQuota(role) => model.remove_role(&role),
        OperatorCall::Teardown(framework) => model.remove_framework(&framework, NOW),
        OperatorCall::SetLoggingLevel { .. } => {}
        of_agents => apply_to_agent(model, of_agents),
    }
}

fn apply_to_agent(model: &mut ReadModel, call: OperatorCall) {
    match call {
        OperatorCall::DrainAgent { agent, max_grace_ms, mark_gone } => {
            let drain = DrainView {
                state: DrainState::Draining,
                has_grace_period: max_grace_ms.is_some(),
                mark_gone,
                started_at: NOW,
            };
            change(model, &agent, |agent| AgentView {
                deactivated: true,
                drain: Some(drain),
                ..agent
            });
        }
        OperatorCall::DeactivateAgent(agent) => {
            change(model, &agent, |agent| AgentView { deactivated: true, ..agent });
        }
        OperatorCall::ReactivateAgent(agent) => {
            change(model, &agent, |agent| AgentView { deactivated: false, drain: None, ..agent });
            // What is back in use is offered with the next allocation, which the recording of the busy agent did not wait for.
            if *agent != *fixture::BUSY {
                model.put_offer(fixture::offer(&format!("offer of {agent}"), &agent));
            }
        }
        OperatorCall::MarkAgentGone(agent) => model.mark_gone(&agent),
        _ => unreachable!("all others are done"),
    }
}

/// Changes an agent, and takes back what is offered of it if it is out of use.
fn change(model: &mut ReadModel, id: &str, how: impl FnOnce(AgentView) -> AgentView) {
    let view = model.snapshot();
    let Some((agent, entry)) = view.agent(id) else { return };
    let agent = how(agent.clone());
    if agent.deactivated {
        for offer in entry.offers() {
            model.remove_offer(&offer.id);
        }
    }
    model.put_agent(agent);
}
