//! Common EC2 instance types, which the instances of a local ECS can have.
//!
//! Source: the instance type pages of Amazon EC2: vCPUs, memory, GPUs. The memory is the total of
//! the type; an agent on EC2 registers a few percent less, since the operating system reserves some
//! for itself.

use crate::Str;

/// The resources of an instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceType {
    /// Its name, `t3.medium`.
    pub name: Str,
    /// CPU units, 1024 per vCPU.
    pub cpu: u32,
    /// MiB.
    pub memory_mib: u32,
    /// GPUs.
    pub gpus: u32,
    /// The value of `ecs.cpu-architecture`.
    pub architecture: &'static str,
}

/// Types with irregular sizes: name, vCPUs, MiB.
const IRREGULAR: [(&str, u32, u32); 35] = [
    ("t2.nano", 1, 512),
    ("t2.micro", 1, 1_024),
    ("t2.small", 1, 2_048),
    ("t2.medium", 2, 4_096),
    ("t2.large", 2, 8_192),
    ("t2.xlarge", 4, 16_384),
    ("t2.2xlarge", 8, 32_768),
    ("g2.2xlarge", 8, 15_360),
    ("g2.8xlarge", 32, 61_440),
    ("g3s.xlarge", 4, 31_232),
    ("g3.4xlarge", 16, 124_928),
    ("g3.8xlarge", 32, 249_856),
    ("g3.16xlarge", 64, 499_712),
    ("g4dn.xlarge", 4, 16_384),
    ("g4dn.2xlarge", 8, 32_768),
    ("g4dn.4xlarge", 16, 65_536),
    ("g4dn.8xlarge", 32, 131_072),
    ("g4dn.12xlarge", 48, 196_608),
    ("g4dn.16xlarge", 64, 262_144),
    ("g5.xlarge", 4, 16_384),
    ("g5.2xlarge", 8, 32_768),
    ("g5.4xlarge", 16, 65_536),
    ("g5.8xlarge", 32, 131_072),
    ("g5.12xlarge", 48, 196_608),
    ("g5.16xlarge", 64, 262_144),
    ("g5.24xlarge", 96, 393_216),
    ("g5.48xlarge", 192, 786_432),
    ("p3.2xlarge", 8, 62_464),
    ("p3.8xlarge", 32, 249_856),
    ("p3.16xlarge", 64, 499_712),
    ("p4d.24xlarge", 96, 1_179_648),
    ("i3.large", 2, 15_616),
    ("i3.xlarge", 4, 31_232),
    ("i3.2xlarge", 8, 62_464),
    ("i3.4xlarge", 16, 124_928),
];

/// Number of GPUs, for types that have any.
const GPUS: [(&str, u32); 24] = [
    ("g2.2xlarge", 1),
    ("g2.8xlarge", 4),
    ("g3s.xlarge", 1),
    ("g3.4xlarge", 1),
    ("g3.8xlarge", 2),
    ("g3.16xlarge", 4),
    ("g4dn.xlarge", 1),
    ("g4dn.2xlarge", 1),
    ("g4dn.4xlarge", 1),
    ("g4dn.8xlarge", 1),
    ("g4dn.12xlarge", 4),
    ("g4dn.16xlarge", 1),
    ("g5.xlarge", 1),
    ("g5.2xlarge", 1),
    ("g5.4xlarge", 1),
    ("g5.8xlarge", 1),
    ("g5.12xlarge", 4),
    ("g5.16xlarge", 1),
    ("g5.24xlarge", 4),
    ("g5.48xlarge", 8),
    ("p3.2xlarge", 1),
    ("p3.8xlarge", 4),
    ("p3.16xlarge", 8),
    ("p4d.24xlarge", 8),
];

/// Families with the sizes of t3: vCPUs and MiB by size.
const BURSTABLE: [&str; 3] = ["t3", "t3a", "t4g"];
const BURSTABLE_SIZES: [(&str, u32, u32); 7] = [
    ("nano", 2, 512),
    ("micro", 2, 1_024),
    ("small", 2, 2_048),
    ("medium", 2, 4_096),
    ("large", 2, 8_192),
    ("xlarge", 4, 16_384),
    ("2xlarge", 8, 32_768),
];

/// Families whose memory is proportional to their vCPUs: MiB per vCPU.
const PROPORTIONAL: [(&str, u32); 26] = [
    ("m4", 4_096),
    ("m5", 4_096),
    ("m5a", 4_096),
    ("m5d", 4_096),
    ("m6a", 4_096),
    ("m6g", 4_096),
    ("m6i", 4_096),
    ("m7a", 4_096),
    ("m7g", 4_096),
    ("m7i", 4_096),
    ("c5", 2_048),
    ("c5a", 2_048),
    ("c5d", 2_048),
    ("c6a", 2_048),
    ("c6g", 2_048),
    ("c6i", 2_048),
    ("c7a", 2_048),
    ("c7g", 2_048),
    ("c7i", 2_048),
    ("r5", 8_192),
    ("r5a", 8_192),
    ("r6a", 8_192),
    ("r6g", 8_192),
    ("r6i", 8_192),
    ("r7g", 8_192),
    ("r7i", 8_192),
];
/// The vCPUs of each size of these families.
const SIZES: [(&str, u32); 10] = [
    ("large", 2),
    ("xlarge", 4),
    ("2xlarge", 8),
    ("4xlarge", 16),
    ("8xlarge", 32),
    ("9xlarge", 36),
    ("12xlarge", 48),
    ("16xlarge", 64),
    ("18xlarge", 72),
    ("24xlarge", 96),
];

impl InstanceType {
    /// Looks up a type by its name.
    pub fn find(name: &str) -> Option<Self> {
        known(name)
    }

    /// The names of all types.
    pub fn names() -> Vec<String> {
        let of = |families: Vec<&str>, sizes: Vec<&str>| {
            let each = |family: &str| {
                sizes.iter().map(|size| format!("{family}.{size}")).collect::<Vec<_>>()
            };
            families.into_iter().flat_map(each).collect::<Vec<_>>()
        };
        let mut names: Vec<String> =
            IRREGULAR.iter().map(|(name, ..)| (*name).to_owned()).collect();
        names.extend(of(BURSTABLE.to_vec(), BURSTABLE_SIZES.map(|(size, ..)| size).to_vec()));
        let proportional = PROPORTIONAL.map(|(family, _)| family).to_vec();
        names.extend(of(proportional, SIZES.map(|(size, _)| size).to_vec()));
        names
    }

    /// The names of all families, in order.
    pub fn families() -> Vec<&'static str> {
        let proportional = PROPORTIONAL.iter().map(|(family, _)| *family);
        let irregular = IRREGULAR.iter().filter_map(|(name, ..)| name.split('.').next());
        let mut families: Vec<&str> = proportional.chain(BURSTABLE).chain(irregular).collect();
        families.sort_unstable();
        families.dedup();
        families
    }
}

fn known(name: &str) -> Option<InstanceType> {
    let (family, size) = name.split_once('.')?;
    let of = |sizes: &[(&str, u32, u32)], wanted: &str| {
        sizes.iter().find(|(one, ..)| *one == wanted).map(|(_, cpus, mib)| (*cpus, *mib))
    };
    let proportional = || {
        let (_, mib) = PROPORTIONAL.iter().find(|(one, _)| *one == family)?;
        let (_, cpus) = SIZES.iter().find(|(one, _)| *one == size)?;
        Some((*cpus, cpus * mib))
    };
    let burstable = BURSTABLE.contains(&family).then(|| of(&BURSTABLE_SIZES, size)).flatten();
    let (cpus, memory_mib) = of(&IRREGULAR, name).or(burstable).or_else(proportional)?;
    // Graviton families have a g after their generation.
    let arm = family.ends_with('g') && family.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    Some(InstanceType {
        name: name.into(),
        cpu: cpus * 1_024,
        memory_mib,
        gpus: GPUS.iter().find(|(one, _)| *one == name).map_or(0, |(_, gpus)| *gpus),
        architecture: if arm { "arm64" } else { "x86_64" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_that_is_listed_is_known_once() {
        let mut names = InstanceType::names();
        assert!(names.iter().all(|name| InstanceType::find(name).is_some()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().any(|name| name == "t2.micro"));
        assert_eq!(InstanceType::find("t9.micro"), None);
    }
}
