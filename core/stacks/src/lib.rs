//! CloudFormation's stacks, decided: what `ecs-cli` and the scripts of Blox see of a local ECS.
//!
//! A cluster with instances of this machine has the stack `amazon-ecs-cli-setup-CLUSTER`, whose size is that of the real fleet and not a
//! number of its own, and a new stack gets its instances; beside them there is the stack `Blox`. A change goes *in progress*, the fleet is asked to follow
//! ([`Output::Resize`]), and what came of it ends the change. [`fleet::plan`] says which instances go.
//!
//! Invariants: each call is answered in the step that it comes in; of one stack at most one change is under way; a change ends with what
//! is told of its fleet, and not before; events are kept for a while, the latest of them always.
#![forbid(unsafe_code)]

mod blox;
pub mod fleet;
pub mod limits;
mod machine;
mod parameters;
mod stack;

pub use machine::{CallId, Fleet, Fleets, Input, Output, Resize, Stacks};
