//! What many kinds of request share because it depends only on instances: which of them have the
//! required attributes, and which have equal values of the attributes that tasks are spread over.
//!
//! A ranking serves one group and one task size, so new ones are needed all the time, but most
//! share the same ground. It is updated as instances are added, changed and removed, and is
//! unaffected by tasks, so the first request of a kind costs little more than sorting the
//! instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::chain::Chain;
use crate::needs::{Needs, RequiredAttribute};
use crate::query::Effort;
use crate::request::{Constraint, Request, Strategy};
use crate::slot::{Rules, Slot};
use crate::view::InstanceView;

/// Buckets that are always allowed, however few instances there are. Source: chosen by us.
const LITTER_MIN: usize = 256;

/// A kind of request: two requests of the same kind share a ranking.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) needs: Arc<Needs>,
    /// `None` if the result does not depend on the group.
    pub(crate) group: Option<Str>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) chain: Chain,
}

impl Kind {
    /// The kind of requests that do not depend on a group.
    pub(crate) fn of(
        needs: &Arc<Needs>,
        constraints: &[Constraint],
        strategies: &[Strategy],
    ) -> Self {
        let chain = Chain::of(strategies);
        Self { needs: needs.clone(), group: None, constraints: constraints.to_vec(), chain }
    }

    /// The kind of a request.
    pub(crate) fn of_request(request: &Request<'_>) -> Self {
        let kind = Self::of(request.needs, request.constraints, request.strategies);
        let group = group_of(request, &kind.chain);
        Self { group: group.cloned(), ..kind }
    }

    /// Whether a request is of this kind.
    pub(crate) fn has(&self, request: &Request<'_>, chain: &Chain) -> bool {
        (Arc::ptr_eq(&self.needs, request.needs) || *self.needs == **request.needs)
            && self.group.as_ref() == group_of(request, chain)
            && self.constraints == request.constraints
            && self.chain == *chain
    }

    /// A hash of the kind of a request.
    pub(crate) fn sign(request: &Request<'_>, chain: &Chain) -> u64 {
        let group = group_of(request, chain).map_or(&[][..], |group| group.as_bytes());
        let mut sign = 0xcbf2_9ce4_8422_2325_u64;
        let mut mix =
            |word: u64| sign = (sign ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        mix(u64::from(request.needs.cpu));
        mix(u64::from(request.needs.memory_mib));
        for byte in group {
            mix(u64::from(*byte));
        }
        for constraint in request.constraints {
            mix(match constraint {
                Constraint::DistinctInstance => 1,
                Constraint::MemberOf(expression) => expression.sign(),
            });
        }
        chain.sign(mix);
        sign
    }
}

/// The group of a request, if the result depends on it.
fn group_of<'a>(request: &Request<'a>, chain: &Chain) -> Option<&'a Str> {
    let apart = request.constraints.contains(&Constraint::DistinctInstance);
    (apart || chain.counts()).then_some(request.group)
}

/// Groups instances by attribute values. Instances with equal values share a bucket; buckets that
/// share a value share its tally.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    tally_of: BTreeMap<(usize, Option<Str>), usize>,
    /// For each tally, its level in the rank and whether its instances have the attribute.
    pub(crate) tallies: Vec<(usize, bool)>,
    bucket_of: BTreeMap<Vec<usize>, usize>,
    /// For each bucket, the tallies of its values, in the order of the chain.
    pub(crate) buckets: Vec<Vec<usize>>,
}

impl Values {
    /// The bucket of an instance, created if needed.
    pub(crate) fn bucket(&mut self, chain: &Chain, view: &InstanceView) -> usize {
        let held = |name: &Str| {
            let held = view.attributes.get(name);
            held.map(|value| value.clone().unwrap_or_default())
        };
        let tallies: Vec<usize> =
            chain.values().map(|(level, name)| self.tally(level, held(name))).collect();
        if let Some(bucket) = self.bucket_of.get(&tallies) {
            return *bucket;
        }
        self.bucket_of.insert(tallies.clone(), self.buckets.len());
        self.buckets.push(tallies);
        self.buckets.len() - 1
    }

    fn tally(&mut self, level: usize, value: Option<Str>) -> usize {
        let (next, has_attribute) = (self.tallies.len(), value.is_some());
        let tally = *self.tally_of.entry((level, value)).or_insert(next);
        if tally == next {
            self.tallies.push((level, has_attribute));
        }
        tally
    }

    /// Whether most buckets are for values that no instance has any more.
    pub(crate) fn are_littered(&self, instances: usize) -> bool {
        self.buckets.len() > 2 * instances + LITTER_MIN
    }
}

/// What a ground knows about one slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spot {
    /// The epoch of the slot when this was determined.
    pub(crate) epoch: u64,
    /// Whether the instance accepts tasks and has the required attributes.
    pub(crate) has_attributes: bool,
    /// The bucket of its values; `None` without an instance.
    pub(crate) bucket: Option<usize>,
}

/// What kinds with equal required attributes and strategies share.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// Only the attributes are used.
    needs: Needs,
    chain: Chain,
    pub(crate) spots: Vec<Spot>,
    pub(crate) values: Values,
    /// When it was last used, on the counter of all uses.
    pub(crate) used: u64,
}

impl Ground {
    /// Visits all instances.
    pub(crate) fn new(kind: &Kind, slots: &[Slot]) -> Self {
        let needs = Needs { attributes: kind.needs.attributes.clone(), ..Needs::default() };
        let (chain, spots) = (kind.chain.clone(), Vec::with_capacity(slots.len()));
        let mut ground = Self { needs, chain, spots, values: Values::default(), used: 0 };
        ground.see_all(slots);
        ground
    }

    /// Whether it serves kinds with these attributes and strategies.
    pub(crate) fn serves(&self, attributes: &[RequiredAttribute], chain: &Chain) -> bool {
        self.needs.attributes == attributes && self.chain == *chain
    }

    /// Updates one slot whose instance was added, changed or removed.
    pub(crate) fn see(&mut self, number: usize, slot: &Slot) {
        if self.spots.len() <= number {
            self.spots.resize(number + 1, Spot::default());
        }
        let effort = Effort::unbounded();
        let rules = Rules { needs: &self.needs, group: "", constraints: &[], effort: &effort };
        self.spots[number] = match &slot.view {
            None => Spot::default(),
            Some(view) => Spot {
                epoch: slot.epoch,
                has_attributes: rules.lasting(slot, view),
                bucket: Some(self.values.bucket(&self.chain, view)),
            },
        };
    }

    /// Rebuilds the buckets if most are for values that no instance has any more.
    pub(crate) fn tidy(&mut self, slots: &[Slot]) {
        if self.values.are_littered(self.spots.len()) {
            self.values = Values::default();
            self.see_all(slots);
        }
    }

    fn see_all(&mut self, slots: &[Slot]) {
        for (number, slot) in slots.iter().enumerate() {
            self.see(number, slot);
        }
    }
}
