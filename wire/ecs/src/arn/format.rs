//! The two forms that the ARN of a container instance, a service, a task or a container has: the long one, with the name of its
//! cluster, and the short one of before 2018, without it and with ids of 36 characters.
//!
//! An account chooses by its settings which one new resources get; a resource keeps its own for life. Both forms are taken as
//! input. Source: ECS developer guide, *Amazon Resource Names (ARNs) and IDs*; *Account settings*.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::{Realm, ResourceId};
use crate::Str;

/// Which form an ARN has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ArnFormat {
    /// `KIND/CLUSTER/ID`, with an id of 32 digits.
    #[default]
    Long,
    /// `KIND/ID`, with an id that is a UUID of 36 characters.
    Short,
}

impl ArnFormat {
    /// The form of the ARN of a container instance, a service, a task or a container.
    pub fn of(arn: &str) -> Self {
        if arn.bytes().filter(|byte| *byte == b'/').count() > 1 { Self::Long } else { Self::Short }
    }

    /// Whether it is the form that new resources have unless their account has chosen otherwise.
    pub fn is_long(&self) -> bool {
        *self == Self::Long
    }

    /// The ARN of a resource whose name or id is written as `last`.
    pub fn arn(self, realm: &Realm, kind: &str, cluster: &str, last: impl Display) -> Str {
        match self {
            Self::Long => realm.arn(format_args!("{kind}/{cluster}/{last}")),
            Self::Short => realm.arn(format_args!("{kind}/{last}")),
        }
    }

    /// The ARN of a container instance or a task.
    pub fn arn_of_id(self, realm: &Realm, kind: &str, cluster: &str, id: ResourceId) -> Str {
        match self {
            Self::Long => self.arn(realm, kind, cluster, id),
            Self::Short => self.arn(realm, kind, cluster, id.uuid()),
        }
    }

    /// The ARN of a container. `own` is its UUID.
    pub fn container_arn(self, realm: &Realm, cluster: &str, task: ResourceId, own: &str) -> Str {
        match self {
            Self::Long => realm.arn(format_args!("container/{cluster}/{task}/{own}")),
            Self::Short => realm.arn(format_args!("container/{own}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::Arn;

    #[test]
    fn each_form_is_written_and_told_from_the_other() {
        let realm = Realm::new("us-east-1", "123456789012");
        let id = ResourceId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let own = "01234567-89ab-cdef-0123-456789abcdef";
        let of = |format: ArnFormat| {
            [
                format.arn_of_id(&realm, "task", "web", id),
                format.arn(&realm, "service", "web", "api"),
                format.container_arn(&realm, "web", id, own),
            ]
        };
        let prefix = "arn:aws:ecs:us-east-1:123456789012:";
        assert_eq!(
            of(ArnFormat::Long).map(|arn| arn.replace(prefix, "")),
            [
                "task/web/00112233445566778899aabbccddeeff",
                "service/web/api",
                "container/web/00112233445566778899aabbccddeeff/01234567-89ab-cdef-0123-456789abcdef",
            ]
        );
        assert_eq!(
            of(ArnFormat::Short).map(|arn| arn.replace(prefix, "")),
            [
                "task/00112233-4455-6677-8899-aabbccddeeff",
                "service/api",
                "container/01234567-89ab-cdef-0123-456789abcdef",
            ]
        );
        for format in [ArnFormat::Long, ArnFormat::Short] {
            for arn in of(format) {
                assert_eq!(ArnFormat::of(&arn), format, "{arn}");
            }
            let arn = format.arn_of_id(&realm, "task", "web", id);
            let read = Arn::parse(&arn).expect("it is an ARN");
            assert_eq!(ResourceId::parse(read.id()), Some(id), "{arn}");
            assert_eq!(read.cluster(), format.is_long().then_some("web"), "{arn}");
        }
    }
}
