//! Calls: their order of checks, and who does what about them.
//!
//! Source: Mesos, `master/http.cpp` and `master/validation.cpp`; the numbers in comments are the rows of the project's
//! table of checks.

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;

use crate::machine::{Output, Response};
use crate::state::Bridge;
use crate::{accept, description, launch, offer, reconcile, subscribe};

/// Checks what a call must hold, before anything else is looked at. `principal` is who the caller proved to be, where callers must
/// prove it. Source: \[C1\], \[C2\], \[H13\].
///
/// # Errors
/// What is missing or wrong, as the body of a 400.
pub fn validate(call: &Call, principal: Option<&str>) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("Failed to validate scheduler::Call: {what}"));
    if call.r#type.is_none() {
        return wrong("Expecting 'type' to be present");
    }
    let kind = call.r#type();
    if kind == Type::Subscribe {
        return validate_subscribe(call, principal).or_else(|what| wrong(&what));
    }
    if kind == Type::Unknown {
        return Ok(());
    }
    let Some(framework_id) = &call.framework_id else {
        return wrong("Expecting 'framework_id' to be present");
    };
    let missing = missing_part(call, kind);
    if let Some(part) = missing {
        return wrong(&format!("Expecting '{part}' to be present"));
    }
    match kind {
        Type::Acknowledge if call.acknowledge.as_ref().is_some_and(|one| one.uuid.len() != 16) => {
            wrong("'acknowledge.uuid' is not a UUID of 16 bytes")
        }
        Type::AcknowledgeOperationStatus => match &call.acknowledge_operation_status {
            Some(one) if one.uuid.len() != 16 => {
                wrong("'acknowledge_operation_status.uuid' is not a UUID of 16 bytes")
            }
            Some(one) if one.agent_id.is_none() => {
                wrong("Expecting 'acknowledge_operation_status.agent_id' to be present")
            }
            _ => Ok(()),
        },
        Type::UpdateFramework => {
            let own =
                call.update_framework.as_ref().and_then(|update| update.framework_info.id.as_ref());
            if own == Some(framework_id) {
                Ok(())
            } else {
                wrong("'framework_id' differs from 'update_framework.framework_info.id'")
            }
        }
        _ => Ok(()),
    }
}

fn validate_subscribe(call: &Call, principal: Option<&str>) -> Result<(), String> {
    let Some(subscribe) = &call.subscribe else {
        return Err("Expecting 'subscribe' to be present".to_owned());
    };
    let info = &subscribe.framework_info;
    let own = info.id.as_ref().map(|id| id.value.as_str()).filter(|id| !id.is_empty());
    let outer = call.framework_id.as_ref().map(|id| id.value.as_str()).filter(|id| !id.is_empty());
    if own != outer {
        return Err("'framework_id' differs from 'subscribe.framework_info.id'".to_owned());
    }
    match (principal, info.principal.as_deref()) {
        (Some(proved), Some(claimed)) if proved != claimed => Err(other_principal(proved, claimed)),
        _ => Ok(()),
    }
}

fn other_principal(proved: &str, claimed: &str) -> String {
    format!(
        "Authenticated principal '{proved}' does not match principal '{claimed}' set in `FrameworkInfo`"
    )
}

/// The part that a call of its kind needs and does not have.
fn missing_part(call: &Call, kind: Type) -> Option<&'static str> {
    let (part, present) = match kind {
        Type::Accept => ("accept", call.accept.is_some()),
        Type::Decline => ("decline", call.decline.is_some()),
        Type::AcceptInverseOffers => {
            ("accept_inverse_offers", call.accept_inverse_offers.is_some())
        }
        Type::DeclineInverseOffers => {
            ("decline_inverse_offers", call.decline_inverse_offers.is_some())
        }
        Type::Kill => ("kill", call.kill.is_some()),
        Type::Shutdown => ("shutdown", call.shutdown.is_some()),
        Type::Acknowledge => ("acknowledge", call.acknowledge.is_some()),
        Type::AcknowledgeOperationStatus => {
            ("acknowledge_operation_status", call.acknowledge_operation_status.is_some())
        }
        Type::Reconcile => ("reconcile", call.reconcile.is_some()),
        Type::ReconcileOperations => ("reconcile_operations", call.reconcile_operations.is_some()),
        Type::Message => ("message", call.message.is_some()),
        Type::Request => ("request", call.request.is_some()),
        Type::UpdateFramework => ("update_framework", call.update_framework.is_some()),
        Type::Unknown | Type::Subscribe | Type::Teardown | Type::Revive | Type::Suppress => {
            return None;
        }
    };
    (!present).then_some(part)
}

/// Answers a call that passed [`validate`]; `None` when it opens a stream.
pub(crate) fn answer(
    bridge: &mut Bridge,
    now: Timestamp,
    mut call: Call,
    stream_id: Option<&str>,
    principal: Option<String>,
    out: &mut Vec<Output>,
) -> Option<Response> {
    let refuse = |status: u16, text: &str| Some(Response::Refused(status, text.to_owned()));
    if !bridge.is_recovered() {
        return refuse(503, "Master has not finished recovery"); // 3
    }
    let kind = call.r#type();
    *bridge.counters.calls.entry(kind.as_str_name()).or_insert(0) += 1;
    if kind == Type::Subscribe {
        if stream_id.is_some() {
            return refuse(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header"); // 10
        }
        let mut subscribe = call.subscribe.take()?;
        let claimed = &mut subscribe.framework_info.principal;
        // [H13]: who says nothing of itself is who it proved to be.
        *claimed = claimed.take().or(principal);
        subscribe::subscribe(bridge, now, subscribe, out);
        return None;
    }
    let id = call.framework_id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
    let Some(framework) = bridge.frameworks.get(&id) else {
        return refuse(400, "Framework cannot be found"); // 11
    };
    let claimed = framework.info.principal.as_deref().unwrap_or_default();
    if let Some(proved) = principal.filter(|proved| proved != claimed) {
        return refuse(400, &other_principal(&proved, claimed)); // 12
    }
    if framework.stream.is_none() {
        return refuse(403, "Framework is not subscribed"); // 13
    }
    match stream_id {
        None => {
            return refuse(
                400,
                "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
            );
        } // 15
        Some(given) if given != framework.stream_id => {
            return refuse(
                400,
                "The stream ID included in this request didn't match the stream ID currently associated with the framework",
            ); // 16
        }
        Some(_) => {}
    }
    act(bridge, now, &id, call, out)
}

fn act(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    call: Call,
    out: &mut Vec<Output>,
) -> Option<Response> {
    match call.r#type() {
        Type::Unknown => return Some(Response::Refused(501, String::new())), // 17
        Type::Subscribe => {}
        Type::Teardown => subscribe::remove(bridge, now, id, out),
        Type::Accept => accept::accept(bridge, now, id, call.accept?, out),
        Type::Decline => offer::decline(bridge, now, id, &call.decline?),
        Type::Revive => offer::revive(
            bridge,
            now,
            id,
            &call.revive.map(|revive| revive.roles).unwrap_or_default(),
        ),
        Type::Suppress => offer::suppress(
            bridge,
            id,
            &call.suppress.map(|suppress| suppress.roles).unwrap_or_default(),
        ),
        Type::Kill => launch::kill(bridge, now, id, &call.kill?, out),
        Type::Acknowledge => crate::status::acknowledge(bridge, now, id, &call.acknowledge?, out),
        Type::Reconcile => reconcile::reconcile(bridge, now, id, &call.reconcile?, out),
        Type::ReconcileOperations => {
            reconcile::operations(bridge, id, &call.reconcile_operations?, out);
        }
        Type::UpdateFramework => {
            let update = call.update_framework?;
            return Some(update_framework(
                bridge,
                now,
                id,
                update.framework_info,
                update.suppressed_roles,
                out,
            ));
        }
        // There are no executors to talk to or shut down, no operations and no maintenance: as on a Mesos master, what
        // cannot be delivered is dropped.
        Type::Shutdown
        | Type::Message
        | Type::Request
        | Type::AcknowledgeOperationStatus
        | Type::AcceptInverseOffers
        | Type::DeclineInverseOffers => {}
    }
    Some(Response::Accepted)
}

/// Source: \[C60\].
fn update_framework(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    new: FrameworkInfo,
    suppressed: Vec<String>,
    out: &mut Vec<Output>,
) -> Response {
    let Some(framework) = bridge.frameworks.get(id) else { return Response::Accepted };
    let known = &framework.info;
    let checked = description::validate(&new, &suppressed).and_then(|()| {
        if known.principal != new.principal {
            Err("Changing framework's principal is not allowed".to_owned())
        } else if known.user != new.user {
            Err("Updating 'FrameworkInfo.user' is unsupported".to_owned())
        } else if known.checkpoint.unwrap_or(false) != new.checkpoint.unwrap_or(false) {
            Err("Updating 'FrameworkInfo.checkpoint' is unsupported".to_owned())
        } else {
            Ok(())
        }
    });
    if let Err(why) = checked {
        Response::Refused(400, why)
    } else {
        subscribe::redescribe(bridge, now, id, new, suppressed, out);
        Response::Done
    }
}
