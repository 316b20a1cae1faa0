//! CloudFormation, as much of it as `ecs-cli` and the scripts of Blox call.
//!
//! Source: AWS CloudFormation API Reference, version 2010-05-15; blox.md, 3.1 and *Additions*.

mod read;
mod shape;
mod write;

pub use read::parse;
pub use shape::{
    Create, Event, Parameter, Request, Resource, Response, Stack, Status, Update, does_not_exist,
    invalid,
};
pub use write::{error, response};

/// The version of the API.
pub const VERSION: &str = "2010-05-15";
/// What signatures are scoped to, and what the name of its hosts begins with.
pub const SERVICE: &str = "cloudformation";
