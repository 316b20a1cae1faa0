//! Which container instance a task goes to, and why not the others.
//!
//! [`place`] is a function of everything that it may know: a [`ClusterView`] and a [`Request`]. It answers with a
//! [`Plan`]: the instances chosen, in order, and for a copy that found no home the first check that each instance
//! failed. Refusals are data; the failures of `RunTask` and `longshore explain` are views of them.
//!
//! What a copy costs does not grow with the cluster. For each kind of request a *ranking* keeps the instances that fit in
//! the order of its strategies. Changes of the cluster go into a log, and a ranking reads on in it when it is used: nobody pays
//! for a ranking that is not used, and none looks twice at what did not change.
//!
//! Invariants: no clock, no floats; random choices come from the request's seed. A plan is what looking at every
//! instance anew for every copy would give (a property test does that). The view never holds less than zero of anything:
//! reserving what is not free is a broken invariant and ends the program.
//!
//! Source: ECS developer guide, *Amazon ECS task placement*: first the instances that fit, then constraints, then the
//! strategies, each deciding between what those before it left equal. Without a strategy ECS documents none; Longshore
//! spreads over availability zones, then over instances.
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

/// The attribute that names an instance's availability zone. Source: ECS developer guide, *Built-in attributes*.
pub const ZONE_ATTRIBUTE: &str = "ecs.availability-zone";
