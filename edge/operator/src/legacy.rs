//! The old endpoints that write: what they are told, as the [`OperatorCall`] that does the same.
//!
//! Their answer is 200 without a body. Source: Mesos, `quota_handler.cpp`, `weights_handler.cpp` and `http.cpp`.

use longshore_wire_mesos::json::syntax_error;
use longshore_wire_mesos::v1::maintenance::Schedule;
use longshore_wire_mesos::v1::master::call::{StartMaintenance, UpdateWeights};
use longshore_wire_mesos::v1::quota::QuotaRequest;
use longshore_wire_mesos::{DecodeError, json};

use crate::call::{OperatorCall, Refusal, check};
use crate::page::{decoded, form_value, local};

/// What a request to one of them asks for; `None` if it is not one of them, or only reads.
///
/// # Errors
/// What Mesos answers to a request that is wrong, whatever its state.
pub fn write(method: &str, path: &str, body: &[u8]) -> Result<Option<OperatorCall>, Refusal> {
    let path = local(path);
    let role = path.strip_prefix("/quota/").map(decoded);
    match (path, method) {
        ("/weights", "PUT") => weights(body).map(Some),
        ("/weights" | "/quota" | "/maintenance/schedule", "GET") => Ok(None),
        ("/weights", _) => Err(Refusal::method(method, "GET, PUT")),
        ("/quota", "POST") => quota(body).map(Some),
        (_, "DELETE") if role.is_some() => {
            Ok(role.map(|role| OperatorCall::RemoveQuota(role.into())))
        }
        ("/quota", _) => Err(Refusal::method(method, "GET, POST, DELETE")),
        ("/maintenance/schedule", "POST") => schedule(body).map(Some),
        ("/maintenance/schedule", _) => Err(Refusal::method(method, "GET, POST")),
        ("/machine/down", "POST") => machines(body).map(OperatorCall::StartMaintenance).map(Some),
        ("/machine/up", "POST") => machines(body).map(OperatorCall::StopMaintenance).map(Some),
        ("/teardown", "POST") => teardown(body).map(Some),
        ("/reserve" | "/unreserve" | "/create-volumes" | "/destroy-volumes", "POST") => {
            Err(Refusal::unknown_to_ecs())
        }
        (
            "/machine/down" | "/machine/up" | "/teardown" | "/reserve" | "/unreserve"
            | "/create-volumes" | "/destroy-volumes",
            _,
        ) => Err(Refusal::method(method, "POST")),
        _ => Ok(None),
    }
}

/// Source: the framework is looked for in the body alone.
fn teardown(body: &[u8]) -> Result<OperatorCall, Refusal> {
    let body = String::from_utf8_lossy(body);
    let framework = form_value(&body, "frameworkId")
        .ok_or_else(|| Refusal::bad("Missing 'frameworkId' query parameter in the request body"))?;
    Ok(OperatorCall::Teardown(framework.into()))
}

fn weights(body: &[u8]) -> Result<OperatorCall, Refusal> {
    let what = "update weights";
    let body = list(body).map_err(|why| unparsable(what, body, &why))?;
    let wrapped = [b"{\"weight_infos\":", body, b"}"].concat();
    let read: UpdateWeights = json::decode("mesos.v1.master.Call.UpdateWeights", &wrapped)
        .map_err(|error| unconvertible(what, body, &error))?;
    check::weights(&read.weight_infos).map(OperatorCall::UpdateWeights)
}

fn quota(body: &[u8]) -> Result<OperatorCall, Refusal> {
    let what = "set quota";
    if let Some(why) = syntax_error(body) {
        return Err(unparsable(what, body, &why));
    }
    let read: QuotaRequest = json::decode("mesos.v1.quota.QuotaRequest", body)
        .map_err(|error| unconvertible(what, body, &error))?;
    check::quota_request(&read)
}

fn schedule(body: &[u8]) -> Result<OperatorCall, Refusal> {
    if let Some(why) = syntax_error(body) {
        return Err(Refusal::bad(why));
    }
    let schedule: Schedule = json::decode("mesos.v1.maintenance.Schedule", body)
        .map_err(|error| Refusal::bad(error.why()))?;
    check::schedule(&schedule)?;
    Ok(OperatorCall::UpdateMaintenanceSchedule(schedule))
}

fn machines(body: &[u8]) -> Result<Vec<longshore_wire_mesos::v1::MachineId>, Refusal> {
    let body = list(body).map_err(Refusal::bad)?;
    let wrapped = [b"{\"machines\":", body, b"}"].concat();
    let read: StartMaintenance = json::decode("mesos.v1.master.Call.StartMaintenance", &wrapped)
        .map_err(|error| Refusal::bad(error.why()))?;
    check::machines(&read.machines)?;
    Ok(read.machines)
}

/// A body that is a list.
fn list(body: &[u8]) -> Result<&[u8], String> {
    if let Some(why) = syntax_error(body) {
        return Err(why);
    }
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Ok(body),
        _ => Err("Unexpected JSON type parsed".to_owned()),
    }
}

fn unparsable(what: &str, body: &[u8], why: &str) -> Refusal {
    Refusal::bad(format!("Failed to parse {what} request JSON '{}': {why}", shown(body)))
}

fn unconvertible(what: &str, body: &[u8], error: &DecodeError) -> Refusal {
    let (shown, why) = (shown(body), error.why());
    Refusal::bad(format!("Failed to convert {what} request JSON '{shown}' into protobuf: {why}"))
}

/// A body in a message: Mesos repeats all of it.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(256).collect()
}
