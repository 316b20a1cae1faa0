//! Calls: their order of checks, and who does what about them.
//!
//! Source: \[H20\]; the numbers in comments are the rows of its table.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;

use crate::check::{Checked, Part};
use crate::description::Description;
use crate::machine::{CallId, Output, Response};
use crate::state::Bridge;
use crate::{accept, launch, offer, outbox, reconcile, status, subscribe};

/// Checks what a call must hold, before anything else is looked at. `principal` is who the caller proved to be, where callers must
/// prove it. Source: \[C1\], \[C2\], \[H13\].
///
/// # Errors
/// What is missing or wrong, as the body of a 400.
pub(crate) fn validate(call: &Call, principal: Option<&str>) -> Result<(), String> {
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
        Type::Acknowledge if call.acknowledge.as_ref().is_some_and(|one| !is_uuid(&one.uuid)) => {
            wrong("Not a valid UUID")
        }
        Type::AcknowledgeOperationStatus => match &call.acknowledge_operation_status {
            Some(one) if !is_uuid(&one.uuid) => wrong("Not a valid UUID"),
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

/// Whether these are the bytes of a UUID that says which version it is. Source: \[C2\].
fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 16 && matches!(bytes[6] >> 4, 1..=5)
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

/// Answers a call; `None` when it opens a stream, or is answered once the work is done that it leads to.
pub(crate) fn answer(
    bridge: &mut Bridge,
    now: Timestamp,
    call: CallId,
    checked: Checked,
    stream_id: Option<&str>,
    principal: Option<String>,
    out: &mut Vec<Output>,
) -> Option<Response> {
    let refuse = |status: u16, text: &str| Some(Response::Refused(status, text.to_owned()));
    if !bridge.is_recovered() {
        return refuse(503, "Master has not finished recovery"); // 3
    }
    let kind = checked.kind;
    *bridge.counters.calls.entry(kind.as_str_name()).or_insert(0) += 1;
    if let Part::Subscribe(description) = checked.part {
        if stream_id.is_some() {
            return refuse(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header"); // 10
        }
        let mut description = *description;
        let claimed = &mut description.info.principal;
        // [H13]: who says nothing of itself is who it proved to be.
        *claimed = claimed.take().or(principal);
        subscribe::subscribe(bridge, now, description, out);
        return None;
    }
    let Some(framework) = bridge.frameworks.get(&*checked.framework) else {
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
    if kind == Type::Unknown {
        return Some(Response::Refused(501, String::new())); // 17
    }
    let id = framework.id.clone();
    act(bridge, now, call, &id, checked.part, out)
}

fn act(
    bridge: &mut Bridge,
    now: Timestamp,
    call: CallId,
    id: &Str,
    part: Part,
    out: &mut Vec<Output>,
) -> Option<Response> {
    let bytes = match &part {
        Part::Kill(_) | Part::Accept(_) => Some(0),
        Part::Reconcile(_, bytes) | Part::ReconcileOperations(_, bytes) => Some(*bytes),
        _ => None,
    };
    if let Some(refused) = bytes.and_then(|bytes| outbox::refuse(bridge, id, bytes)) {
        return Some(refused);
    }
    match part {
        Part::Subscribe(_) | Part::Nothing => {}
        Part::Teardown => subscribe::remove(bridge, now, id, "the framework asked for it", out),
        Part::Accept(accept) => {
            accept::accept(bridge, now, call, id, *accept, out);
            return None;
        }
        Part::Decline { offers, refuse_seconds } => {
            offer::decline(bridge, now, call, id, offers, refuse_seconds, out);
            return None;
        }
        Part::Revive(roles) => offer::revive(bridge, now, id, &roles),
        Part::Suppress(roles) => offer::suppress(bridge, id, roles),
        Part::Kill(kill) => launch::kill(bridge, now, id, *kill, out),
        Part::Acknowledge(acknowledge) => {
            status::acknowledge(bridge, now, id, &acknowledge, out);
        }
        Part::Reconcile(tasks, bytes) => reconcile::reconcile(bridge, now, id, tasks, bytes, out),
        Part::ReconcileOperations(asked, bytes) => {
            reconcile::operations(bridge, now, id, asked, bytes, out);
        }
        Part::UpdateFramework(description) => {
            return Some(update_framework(bridge, now, id, *description, out));
        }
    }
    Some(Response::Accepted)
}

/// Source: \[C60\].
fn update_framework(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    description: Description,
    out: &mut Vec<Output>,
) -> Response {
    let Some(framework) = bridge.frameworks.get(id) else { return Response::Accepted };
    let (known, new) = (&framework.info, &description.info);
    let checked = description.verdict.clone().and_then(|()| {
        if known.principal != new.principal {
            Err("Changing framework's principal is not allowed".to_owned())
        } else if known.user != new.user {
            Err("Updating 'FrameworkInfo.user' is unsupported".to_owned())
        } else if known.checkpoint.unwrap_or(false) != new.checkpoint.unwrap_or(false) {
            Err("Updating 'FrameworkInfo.checkpoint' is unsupported".to_owned())
        } else {
            subscribe::fits(bridge, &description, Some(id))
        }
    });
    if let Err(why) = checked {
        Response::Refused(400, why)
    } else {
        subscribe::redescribe(bridge, now, id, description, out);
        Response::Done
    }
}
