//! EventBridge and SQS as a service, on the port of the ECS API: a request's target or action tells
//! which is meant.
//!
//! In addition there is a feed for people: [`Feed`] keeps the latest events for its readers,
//! `follow` sends them.
//!
//! The bus lives in the control plane's machine, so that an event is stored with the change that
//! caused it.

mod feed;
mod follow;
mod front;
mod handle;
mod prepare;

pub(crate) use feed::Feed;
pub(crate) use follow::follow;
pub(crate) use front::{Service, is_unsigned_page, refuse, respond, service_of};
pub(crate) use handle::{BusAnswer, BusCalls, BusHandle, BusSender, refusal_like};
pub(crate) use prepare::RuleBook;
