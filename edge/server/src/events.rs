//! EventBridge and SQS as a service: on the port of the ECS API, told apart by what a request names.
//!
//! The bus lives in the control plane's machine, so that an event is stored with the change that caused it.

mod front;
mod handle;

pub(crate) use front::{respond, service_of};
pub(crate) use handle::{BusAnswer, BusCalls, BusHandle, BusSender, refusal_like};
