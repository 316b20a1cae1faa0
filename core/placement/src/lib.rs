//! Which container instance a task goes to, and why not the others.
//!
//! [`place`] is a function of everything that it may know: a [`ClusterView`] and a [`Request`]. It answers with a
//! [`Plan`]: the instances chosen, in order, and for a copy that found no home the first check that each instance
//! failed. Refusals are data; the failures of `RunTask` are one view of them.
//!
//! Invariants: no clock, no randomness, no floats; equal arguments give equal plans. The view never holds less
//! than zero of anything: reserving what is not free is a broken invariant and ends the program.
//!
//! Source: ECS developer guide, *Amazon ECS task placement*: first the instances that fit, then the strategies.
//! Without a strategy ECS documents none; Longshore spreads over availability zones, then over instances.
#![forbid(unsafe_code)]

mod needs;
mod place;
mod view;

pub use needs::{Needs, Port, Protocol, RequiredAttribute};
pub use place::{Plan, Refusal, Request, check, place};
pub use view::{ClusterView, InstanceView};

/// The attribute that names an instance's availability zone. Source: ECS developer guide, *Built-in attributes*.
pub const ZONE_ATTRIBUTE: &str = "ecs.availability-zone";
