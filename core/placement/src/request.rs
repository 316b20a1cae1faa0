//! What is to be placed, and by which rules.

use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::needs::Needs;
use crate::query::Expression;

/// A rule that a placement must obey. Source: ECS API reference, `PlacementConstraint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// No other task of the group that should run is on the instance.
    DistinctInstance,
    /// The instance is one that the expression means.
    MemberOf(Arc<Expression>),
}

/// What a placement aims at. Source: ECS API reference, `PlacementStrategy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Any, each with the same chance.
    Random,
    /// Where the fewest tasks of the group are.
    Spread(Spread),
    /// Where the least is left that still is enough.
    Binpack(Resource),
}

/// Over what tasks are spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Over instances.
    Instance,
    /// Over the values of an attribute. Instances without it come last.
    Attribute(Str),
}

/// What bin packing looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// CPU units.
    Cpu,
    /// MiB of memory.
    Memory,
}

/// What is to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What each copy needs.
    pub needs: &'a Arc<Needs>,
    /// The group whose tasks are spread and kept apart.
    pub group: &'a Str,
    /// All must hold.
    pub constraints: &'a [Constraint],
    /// In order: each decides between what those before it left equal. None means spread over availability zones, then
    /// over instances.
    pub strategies: &'a [Strategy],
    /// How many copies.
    pub count: u32,
    /// What random choices are made from.
    pub seed: u64,
}
