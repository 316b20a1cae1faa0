//! From an HTTP request to a [`Call`], in Mesos's order of checks.

use longshore_wire_mesos::v1::master::Call as Message;
use longshore_wire_mesos::v1::master::call::Type;
use longshore_wire_mesos::{Media, accepted};

use super::check;
use super::{Call, Files, OperatorCall, Read, Refusal, Request};

const CALL: &str = "mesos.v1.master.Call";

impl Request {
    /// Reads a request to `/api/v1`.
    ///
    /// # Errors
    /// What Mesos answers to a request that is wrong, whatever its state.
    pub fn read(
        method: &str,
        content_type: Option<&str>,
        accept: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        if method != "POST" {
            return Err(Refusal::method(method, "POST"));
        }
        let Some(content_type) = content_type else {
            return Err(Refusal::bad("Expecting 'Content-Type' to be present"));
        };
        let Some(of_body) = Media::of(content_type) else {
            let text = "Expecting 'Content-Type' of application/json or application/x-protobuf";
            return Err(Refusal::with(415, text));
        };
        let message: Message =
            of_body.decode(CALL, body).map_err(|error| Refusal::bad(error.to_string()))?;
        check::parts(&message)?;
        let Some(media) = accepted(accept) else {
            let text = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
            return Err(Refusal::with(406, text));
        };
        Ok(Self { call: call(message)?, media })
    }
}

/// The parts that a call must have are there.
fn call(message: Message) -> Result<Call, Refusal> {
    Ok(match message.r#type() {
        Type::Unknown => {
            return Err(Refusal::with(501, "501 Not Implemented."));
        }
        Type::GetHealth => Call::Read(Read::Health),
        Type::GetFlags => Call::Read(Read::Flags),
        Type::GetVersion => Call::Read(Read::Version),
        Type::GetMetrics => Call::Read(Read::Metrics),
        Type::GetLoggingLevel => Call::Read(Read::LoggingLevel),
        Type::GetState => Call::Read(Read::State),
        Type::GetAgents => Call::Read(Read::Agents),
        Type::GetFrameworks => Call::Read(Read::Frameworks),
        Type::GetExecutors => Call::Read(Read::Executors),
        Type::GetOperations => Call::Read(Read::Operations),
        Type::GetTasks => Call::Read(Read::Tasks),
        Type::GetRoles => Call::Read(Read::Roles),
        Type::GetWeights => Call::Read(Read::Weights),
        Type::GetMaster => Call::Read(Read::Master),
        Type::GetQuota => Call::Read(Read::Quota),
        Type::GetMaintenanceStatus => Call::Read(Read::MaintenanceStatus),
        Type::GetMaintenanceSchedule => Call::Read(Read::MaintenanceSchedule),
        Type::Subscribe => Call::Subscribe,
        Type::ListFiles => {
            Call::Files(Files::List { path: message.list_files.unwrap_or_default().path })
        }
        Type::ReadFile => {
            let read = message.read_file.unwrap_or_default();
            Call::Files(Files::Read { path: read.path, offset: read.offset, length: read.length })
        }
        _ => Call::Write(write(message)?),
    })
}

fn write(message: Message) -> Result<OperatorCall, Refusal> {
    Ok(match message.r#type() {
        Type::SetLoggingLevel => {
            let set = message.set_logging_level.unwrap_or_default();
            OperatorCall::SetLoggingLevel {
                level: set.level,
                nanoseconds: set.duration.nanoseconds,
            }
        }
        Type::UpdateWeights => {
            let weights = message.update_weights.unwrap_or_default().weight_infos;
            OperatorCall::UpdateWeights(check::weights(&weights)?)
        }
        Type::UpdateQuota => {
            let update = message.update_quota.unwrap_or_default();
            let quota = update.quota_configs.iter().map(check::quota_config);
            OperatorCall::UpdateQuota {
                force: update.force.unwrap_or(false),
                quota: quota.collect::<Result<_, _>>()?,
            }
        }
        Type::SetQuota => {
            check::quota_request(&message.set_quota.unwrap_or_default().quota_request)?
        }
        Type::RemoveQuota => {
            OperatorCall::RemoveQuota(message.remove_quota.unwrap_or_default().role.into())
        }
        Type::UpdateMaintenanceSchedule => {
            let schedule = message.update_maintenance_schedule.unwrap_or_default().schedule;
            check::schedule(&schedule)?;
            OperatorCall::UpdateMaintenanceSchedule(schedule)
        }
        Type::StartMaintenance => {
            let machines = message.start_maintenance.unwrap_or_default().machines;
            check::machines(&machines)?;
            OperatorCall::StartMaintenance(machines)
        }
        Type::StopMaintenance => {
            let machines = message.stop_maintenance.unwrap_or_default().machines;
            check::machines(&machines)?;
            OperatorCall::StopMaintenance(machines)
        }
        Type::Teardown => {
            OperatorCall::Teardown(message.teardown.unwrap_or_default().framework_id.value.into())
        }
        of => return of_agents(of, message),
    })
}

fn of_agents(of: Type, message: Message) -> Result<OperatorCall, Refusal> {
    Ok(match of {
        Type::DrainAgent => {
            let drain = message.drain_agent.unwrap_or_default();
            OperatorCall::DrainAgent {
                max_grace_ms: drain.max_grace_period.as_ref().map(check::grace_ms),
                mark_gone: drain.mark_gone(),
                agent: drain.agent_id.value.into(),
            }
        }
        Type::DeactivateAgent => OperatorCall::DeactivateAgent(
            message.deactivate_agent.unwrap_or_default().agent_id.value.into(),
        ),
        Type::ReactivateAgent => OperatorCall::ReactivateAgent(
            message.reactivate_agent.unwrap_or_default().agent_id.value.into(),
        ),
        Type::MarkAgentGone => OperatorCall::MarkAgentGone(
            message.mark_agent_gone.unwrap_or_default().agent_id.value.into(),
        ),
        _ => {
            return Err(Refusal::unknown_to_ecs());
        }
    })
}
