//! Apps as people write them: old and new forms, rewritten into the newest, checked, and named by path where they are wrong.
//!
//! An [`App`] of this module has one form, the newest; [`old::renew`] rewrites what earlier versions of Marathon took, so that nothing
//! behind it knows that there were others. A member that nobody knows is refused with its path: what is accepted is done.
//!
//! Invariant: an app that was read and is valid is written and read again as the same app.

mod app;
mod ceilings;
mod error;
pub mod limits;
mod missing;
pub mod old;
mod path;
pub mod pod;
mod read;
mod secrets;
mod selector;
mod shape;
mod texts;
mod valid;

pub use app::{
    After, App, Container, Disabled, Docker, Fetch, HealthCheck, Network, Parameter,
    PortDefinition, PortMapping, ReadinessCheck, UnreachableStrategy, UpgradeStrategy, Volume,
};
pub use ceilings::{Ceiling, ResourceLimits, Unlimited};
pub use error::{Detail, Refusal};
pub use path::{absolute, is_path, safe};
pub use pod::{Pod, read_pod};
pub use read::{overlay, read, read_json};
pub use secrets::{EnvValue, SecretName, SecretSource};
pub use selector::Selector;
pub use valid::{OPERATORS, validate};
