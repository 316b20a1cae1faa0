//! Names of what the bridge knows, one type for each kind, so that none is taken for another.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use longshore_wire_ecs::Str;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Str);

        impl $name {
            /// The text of it, shared.
            pub fn text(&self) -> &Str {
                &self.0
            }
        }

        impl From<Str> for $name {
            fn from(text: Str) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A framework, as the master named it or as it names itself.
    FrameworkId;
    /// A task, as its framework named it. Unique within the framework while the task lives.
    TaskId;
    /// An agent: the id at the end of the ARN of its container instance.
    AgentId;
    /// An executor, as its framework named it. Unique on its agent while it lives.
    ExecutorId;
    /// An offer.
    OfferId;
    /// One attempt to start one task: the `startedBy` of its ECS task.
    LaunchId;
    /// A role, such as `*` or `eng/web`.
    Role;
}
