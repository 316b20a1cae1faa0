//! Numbers of instances as people write them: `longshore dev --instances 3xt3.medium`.

use std::fmt;
use std::str::FromStr;

use longshore_wire_ecs::ec2::InstanceType;

/// A number of instances of a type or of the default size: `3`, `3xt3.medium`, `t3.medium`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstanceGroup {
    pub(crate) count: u32,
    pub(crate) kind: Option<InstanceType>,
}

impl FromStr for InstanceGroup {
    type Err = UnknownGroup;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(count) = text.parse() {
            return Ok(Self { count, kind: None });
        }
        let counted =
            text.split_once('x').and_then(|(count, name)| Some((count.parse().ok()?, name)));
        let (count, name) = counted.unwrap_or((1, text));
        let kind = InstanceType::find(name).ok_or_else(|| UnknownGroup(name.to_owned()))?;
        Ok(Self { count, kind: Some(kind) })
    }
}

/// Neither a number nor a known type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownGroup(String);

impl fmt::Display for UnknownGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.0.split('.').next().unwrap_or_default();
        let families = InstanceType::families();
        if families.contains(&family) {
            write!(f, "there is no size {:?} of {family}", self.0.split_at(family.len()).1)
        } else {
            write!(
                f,
                "{:?} is neither a number nor a known instance type: write 3 or 3xt3.medium; families are {}",
                self.0,
                families.join(" ")
            )
        }
    }
}

impl std::error::Error for UnknownGroup {}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str) -> (u32, Option<(u32, u32, &'static str)>) {
        let group: InstanceGroup = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        let kind = group.kind.map(|kind| (kind.cpu, kind.memory_mib, kind.architecture));
        (group.count, kind)
    }

    #[test]
    fn a_number_is_that_many_of_the_default_size() {
        assert_eq!(group("3"), (3, None));
    }

    #[test]
    fn a_name_is_one_of_that_type_and_a_number_before_it_so_many() {
        assert_eq!(group("t2.small"), (1, Some((1_024, 2_048, "x86_64"))));
        assert_eq!(group("3xt3.medium"), (3, Some((2_048, 4_096, "x86_64"))));
        assert_eq!(group("2xm5.4xlarge"), (2, Some((16_384, 65_536, "x86_64"))));
        assert_eq!(group("5000xc7g.2xlarge"), (5_000, Some((8_192, 16_384, "arm64"))));
        assert_eq!(group("g2.2xlarge"), (1, Some((8_192, 15_360, "x86_64"))));
    }

    #[test]
    fn what_is_not_known_is_named_with_what_is() {
        let refused = |text: &str| text.parse::<InstanceGroup>().unwrap_err().to_string();
        assert_eq!(refused("t3.tiny"), "there is no size \".tiny\" of t3");
        let unknown = refused("3xz9.large");
        assert!(unknown.contains("\"z9.large\"") && unknown.contains(" t3 "), "{unknown}");
        assert!(refused("many").contains("write 3 or 3xt3.medium"));
    }
}
