//! The form of a call: what must be in it, whatever the state of the master. Source: \[C1\], \[C2\], \[H13\].

use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;

/// Checks what a call must hold, before anything else is looked at. `principal` is who the caller proved to be, where callers must
/// prove it. Source: \[C1\], \[C2\], \[H13\].
///
/// # Errors
/// What is missing or wrong, as the body of a 400.
pub(super) fn validate(call: &Call, principal: Option<&str>) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("Failed to validate scheduler::Call: {what}"));
    if call.r#type.is_none() {
        return wrong("Expecting 'type' to be present");
    }
    let kind = call.r#type();
    if kind == Type::Subscribe {
        return validate_subscribe(call, principal).or_else(|what| wrong(&what));
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

pub(crate) fn other_principal(proved: &str, claimed: &str) -> String {
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
