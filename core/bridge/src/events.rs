//! Events of the scheduler API, as protobuf.

use longshore_wire_mesos::v1::scheduler::{Event, call, event};
use longshore_wire_mesos::v1::{self, OperationState, OperationStatus, TaskStatus};

/// An event of a kind; its part is filled in by the caller.
pub(crate) fn event(kind: event::Type) -> Event {
    Event { r#type: Some(kind.into()), ..Default::default() }
}

/// An ERROR, which ends a stream.
pub(crate) fn error(message: String) -> Event {
    Event { error: Some(event::Error { message }), ..event(event::Type::Error) }
}

pub(crate) fn heartbeat() -> Event {
    event(event::Type::Heartbeat)
}

pub(crate) fn update(status: TaskStatus) -> Event {
    Event { update: Some(event::Update { status }), ..event(event::Type::Update) }
}

pub(crate) fn operation(status: OperationStatus) -> Event {
    let update = event::UpdateOperationStatus { status };
    Event { update_operation_status: Some(update), ..event(event::Type::UpdateOperationStatus) }
}

/// What is known of an operation that a framework asks about. Source: \[C36\]: there are none.
pub(crate) fn unknown_operation(asked: call::reconcile_operations::Operation) -> Event {
    operation(OperationStatus {
        operation_id: Some(asked.operation_id),
        state: OperationState::OperationUnknown.into(),
        agent_id: asked.agent_id,
        resource_provider_id: asked.resource_provider_id,
        ..Default::default()
    })
}

pub(crate) fn offers(offers: Vec<v1::Offer>) -> Event {
    Event { offers: Some(event::Offers { offers }), ..event(event::Type::Offers) }
}

pub(crate) fn rescind(offer: &str) -> Event {
    let rescind = event::Rescind { offer_id: v1::OfferId { value: offer.to_owned() } };
    Event { rescind: Some(rescind), ..event(event::Type::Rescind) }
}

/// That an executor is gone, and with which status its process ended. Source: \[E1\].
pub(crate) fn executor_failure(agent: &str, executor: &str, status: i32) -> Event {
    let failure = event::Failure {
        agent_id: Some(v1::AgentId { value: agent.to_owned() }),
        executor_id: Some(v1::ExecutorId { value: executor.to_owned() }),
        status: Some(status),
    };
    Event { failure: Some(failure), ..event(event::Type::Failure) }
}

pub(crate) fn inverse_offers(inverse_offers: Vec<v1::InverseOffer>) -> Event {
    let inverse = event::InverseOffers { inverse_offers };
    Event { inverse_offers: Some(inverse), ..event(event::Type::InverseOffers) }
}

pub(crate) fn rescind_inverse(offer: &str) -> Event {
    let inverse_offer_id = v1::OfferId { value: offer.to_owned() };
    let rescind = event::RescindInverseOffer { inverse_offer_id };
    Event { rescind_inverse_offer: Some(rescind), ..event(event::Type::RescindInverseOffer) }
}

/// That an agent is gone. Source: \[E1\].
pub(crate) fn failure(agent: &str) -> Event {
    let agent_id = Some(v1::AgentId { value: agent.to_owned() });
    let failure = event::Failure { agent_id, ..Default::default() };
    Event { failure: Some(failure), ..event(event::Type::Failure) }
}
