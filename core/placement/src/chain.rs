//! Strategies as a rank: the lowest is the best.
//!
//! Each strategy breaks the ties that the previous ones left, as in a comparison of tuples. A level
//! is one element of the tuple. Levels that count tasks per attribute value are the same for all
//! instances with that value, so they are filled in for a whole bucket of instances at once.

use longshore_wire_ecs::Str;

use crate::ZONE_ATTRIBUTE;
use crate::request::{Resource, Spread, Strategy};
use crate::view::InstanceView;

/// Levels of a rank: five strategies and a tie-breaker. Source of the five: ECS API reference,
/// `RunTask`.
pub(crate) const LEVELS: usize = 6;

/// How good an instance is; lower is better.
pub(crate) type Rank = [u32; LEVELS];

/// Added to the count of instances without the attribute, which puts them after all others.
const LACKING: u32 = 1 << 31;

/// One element of the rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Tasks of the group on instances with the same value of this attribute.
    Value(Str),
    /// Tasks of the group on the instance.
    Count,
    /// CPU units left, the least first.
    Cpu,
    /// MiB left, the least first.
    Memory,
    /// MiB left, the most first.
    Roomiest,
}

/// Strategies, in the form used for ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    levels: Vec<Level>,
    /// Whether ties are broken at random rather than by the smallest id.
    pub(crate) drawn: bool,
}

impl Chain {
    /// The chain of these strategies. Ties go to the instance with the most memory left, or after
    /// bin packing to the one with the least of the other resource, and then to the smallest id.
    ///
    /// Source: ECS developer guide, *Amazon ECS task placement strategies*; chosen by us: the
    /// default and the tie-breakers.
    pub(crate) fn of(strategies: &[Strategy]) -> Self {
        let zones = Strategy::Spread(Spread::Attribute(ZONE_ATTRIBUTE.into()));
        let default = [zones, Strategy::Spread(Spread::Instance)];
        let strategies = if strategies.is_empty() { &default } else { strategies };
        let mut levels = Vec::with_capacity(LEVELS);
        let mut tie = Level::Roomiest;
        for strategy in strategies.iter().take(LEVELS - 1) {
            levels.push(match strategy {
                // Strategies after this one have no effect.
                Strategy::Random => return Self { levels, drawn: true },
                Strategy::Spread(Spread::Instance) => Level::Count,
                Strategy::Spread(Spread::Attribute(name)) => Level::Value(name.clone()),
                Strategy::Binpack(Resource::Cpu) => {
                    tie = Level::Memory;
                    Level::Cpu
                }
                Strategy::Binpack(Resource::Memory) => {
                    tie = Level::Cpu;
                    Level::Memory
                }
            });
        }
        levels.push(tie);
        Self { levels, drawn: false }
    }

    /// Feeds its content to `mix`, to compute a hash.
    pub(crate) fn sign(&self, mut mix: impl FnMut(u64)) {
        for level in &self.levels {
            match level {
                Level::Value(name) => name.bytes().for_each(|byte| mix(u64::from(byte))),
                Level::Count => mix(0x100),
                Level::Cpu => mix(0x101),
                Level::Memory => mix(0x102),
                Level::Roomiest => mix(0x103),
            }
        }
        mix(0x200 + u64::from(self.drawn));
    }

    /// Whether the rank depends on where the tasks of the group are.
    pub(crate) fn counts(&self) -> bool {
        self.levels.iter().any(|level| matches!(level, Level::Value(_) | Level::Count))
    }

    /// The attributes over whose values tasks are spread, with their level.
    pub(crate) fn values(&self) -> impl Iterator<Item = (usize, &Str)> {
        self.levels.iter().enumerate().filter_map(|(place, level)| match level {
            Level::Value(name) => Some((place, name)),
            _ => None,
        })
    }

    /// The rank of an instance within its bucket, with 0 for the levels of attribute values.
    pub(crate) fn rank(&self, instance: &InstanceView, in_group: u32) -> Rank {
        let mut rank = [0; LEVELS];
        for (place, level) in rank.iter_mut().zip(&self.levels) {
            *place = match level {
                Level::Value(_) => 0,
                Level::Count => in_group,
                Level::Cpu => instance.cpu,
                Level::Memory => instance.memory_mib,
                Level::Roomiest => u32::MAX - instance.memory_mib,
            };
        }
        rank
    }
}

/// The level of an attribute value with `count` tasks.
pub(crate) fn around(has_attribute: bool, count: u32) -> u32 {
    count.min(LACKING - 1) + if has_attribute { 0 } else { LACKING }
}
