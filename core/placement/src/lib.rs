//! Decides which container instance a task goes to, and explains why not the others.
//!
//! [`place`] is a function of a [`ClusterView`] and a [`Request`] alone. It returns a [`Plan`]: the
//! chosen instances, in order, and for a copy that could not be placed the first check that each
//! instance failed. Refusals are data; the failures of `RunTask` and `longshore explain` are views
//! of them.
//!
//! The cost per copy does not grow with the cluster. For each kind of request a *ranking* keeps the
//! fitting instances in the order of its strategies. Changes of the cluster go into a log, and a
//! ranking catches up with it when it is used: unused rankings cost nothing, and unchanged
//! instances are not checked again.
//!
//! Invariants: no clock, no floats; random choices are derived from the request's seed. A plan
//! equals the result of checking every instance for every copy (verified by a property test). No
//! resource in the view is ever negative: reserving what is not free breaks an invariant and
//! panics.
//!
//! Source: ECS developer guide, *Amazon ECS task placement*: first the instances that fit, then
//! constraints, then the strategies, each breaking the ties of the previous ones. ECS documents no
//! default strategy; Longshore spreads over availability zones, then over instances.
#![forbid(unsafe_code)]

mod bucket;
mod chain;
mod explain;
mod ground;
mod log;
mod machines;
mod needs;
mod place;
pub mod query;
mod ranking;
mod rankings;
mod request;
mod slot;
mod view;

pub use explain::{Explanation, Refused, Step, attributes_of, explain};
pub use needs::{Needs, Port, Protocol, RequiredAttribute};
pub use place::{Plan, Refusal, check, place, suits};
pub use request::{Constraint, Request, Resource, Spread, Strategy};
pub use view::{ClusterView, InstanceView};

/// The attribute that names an instance's availability zone. Source: ECS developer guide, *Built-in
/// attributes*.
pub const ZONE_ATTRIBUTE: &str = "ecs.availability-zone";
