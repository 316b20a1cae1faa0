//! Placement requests and their rules.

use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::needs::Needs;
use crate::query::Expression;

/// A rule that a placement must obey. Source: ECS API reference, `PlacementConstraint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// No other task of the group that should run is on the instance.
    DistinctInstance,
    /// The instance matches the expression.
    MemberOf(Arc<Expression>),
}

/// A placement strategy. Source: ECS API reference, `PlacementStrategy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Choose uniformly at random.
    Random,
    /// Prefer the fewest tasks of the group.
    Spread(Spread),
    /// Prefer the least remaining resource that still suffices.
    Binpack(Resource),
}

/// What tasks are spread over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Over instances.
    Instance,
    /// Over the values of an attribute. Instances without it come last.
    Attribute(Str),
}

/// The resource considered by bin packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// CPU units.
    Cpu,
    /// MiB of memory.
    Memory,
}

/// A placement request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What each copy needs.
    pub needs: &'a Arc<Needs>,
    /// The group whose tasks are spread or kept apart.
    pub group: &'a Str,
    /// All must hold.
    pub constraints: &'a [Constraint],
    /// In order: each breaks the ties of the previous ones. Empty means spread over availability
    /// zones, then over instances.
    pub strategies: &'a [Strategy],
    /// Number of copies.
    pub count: u32,
    /// Seed for random choices.
    pub seed: u64,
}
