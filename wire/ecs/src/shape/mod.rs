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
pub mod service;
pub mod service_deployment;
pub mod shared;
pub mod tag;
pub mod task;
pub mod task_definition;

/// Declares structures whose members are all optional, as [`self`] explains.
///
/// The derived code is an inherent function of each structure (`remote = "Self"`): derived reading alone would take a list
/// for a structure, member by member, where the API has objects only. Members are in lowerCamelCase, or in the case that
/// `case "...";` names.
macro_rules! shapes {
    (case $case:tt; $($name:ident { $($(#[$attribute:meta])* $member:ident: $kind:ty,)* })*) => {$(
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(remote = "Self", rename_all = $case, default)]
        pub struct $name {
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $member: Option<$kind>,
            )*
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;
                impl<'de> serde::de::Visitor<'de> for Object {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        <$name>::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }
                deserializer.deserialize_map(Object)
            }
        }
    )*};
    ($($all:tt)*) => { $crate::shape::shapes! { case "camelCase"; $($all)* } };
}
pub(crate) use shapes;
