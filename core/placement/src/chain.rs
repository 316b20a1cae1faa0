//! Strategies as a rank: the lowest is the best.
//!
//! Each strategy decides between what those before it left equal, which is what comparing tuples does. A level is one
//! place in the tuple. Levels that count the tasks around an attribute's value are the same for all instances with that
//! value, so they are filled in for a whole bucket of instances at once.

use longshore_wire_ecs::Str;

use crate::ZONE_ATTRIBUTE;
use crate::request::{Resource, Spread, Strategy};
use crate::view::InstanceView;

/// Levels of a rank: what five strategies need, and one for the tie. Source of the five: ECS API reference, `RunTask`.
pub(crate) const LEVELS: usize = 6;

/// How good an instance is; lower is better.
pub(crate) type Rank = [u32; LEVELS];

/// Added to the count of instances that lack the attribute: they come after all that have it.
const LACKING: u32 = 1 << 31;

/// One place in the rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Tasks of the group around the value of this attribute.
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

/// Strategies, ready to rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    levels: Vec<Level>,
    /// Whether what the levels leave equal is drawn from, instead of taking the smallest id.
    pub(crate) drawn: bool,
}

impl Chain {
    /// What a request asks for. Ties go to the instance with most memory left, after bin packing to the one with least of
    /// the other resource, and then to the smallest id.
    ///
    /// Source: ECS developer guide, *Amazon ECS task placement strategies*; chosen by us: the default and the ties.
    pub(crate) fn of(strategies: &[Strategy]) -> Self {
        let zones = Strategy::Spread(Spread::Attribute(ZONE_ATTRIBUTE.into()));
        let default = [zones, Strategy::Spread(Spread::Instance)];
        let strategies = if strategies.is_empty() { &default } else { strategies };
        let mut levels = Vec::with_capacity(LEVELS);
        let mut tie = Level::Roomiest;
        for strategy in strategies.iter().take(LEVELS - 1) {
            levels.push(match strategy {
                // Nothing is left for those behind it to decide.
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

    /// Gives what it consists of to `mix`, for a number that tells chains apart.
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

    /// The attributes over whose values tasks are spread, with their place in the rank.
    pub(crate) fn values(&self) -> impl Iterator<Item = (usize, &Str)> {
        self.levels.iter().enumerate().filter_map(|(place, level)| match level {
            Level::Value(name) => Some((place, name)),
            _ => None,
        })
    }

    /// The rank of an instance within its bucket: levels of values are left at 0.
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

/// The level of a value around which there are `count` tasks.
pub(crate) fn around(has_attribute: bool, count: u32) -> u32 {
    count.min(LACKING - 1) + if has_attribute { 0 } else { LACKING }
}
