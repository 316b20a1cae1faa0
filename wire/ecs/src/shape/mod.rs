//! The structures of the ECS API, version 2014-11-13, as far as Longshore serves it.
//!
//! Source: Amazon ECS API Reference. Members are AWS's, in lowerCamelCase on the wire. Every member is
//! optional on the way in, so that an absent one can be answered in ECS's own words, and is left out on the
//! way out when unset. JSON `null` is the same as absent; unknown members are ignored, as the real container
//! agent sends members that the public model does not have.
#![expect(
    missing_docs,
    reason = "members are AWS's own and documented in the ECS API reference; repeating that here would only age"
)]

pub mod cluster;
pub mod container_definition;
pub mod container_instance;
pub mod shared;
pub mod tag;
pub mod task;
pub mod task_definition;

/// Declares structures whose members are all optional, as [`self`] explains.
macro_rules! shapes {
    ($($name:ident { $($(#[$attribute:meta])* $member:ident: $kind:ty,)* })*) => {$(
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $member: Option<$kind>,
            )*
        }
    )*};
}
pub(crate) use shapes;
