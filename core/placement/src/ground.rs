//! What many kinds of request have in common, and only instances decide: which of them have the attributes that a task requires,
//! and which have the same values of those that are spread over.
//!
//! A ranking is for one group and one size of task, so that new ones come all the time; the ground that they stand on is the same
//! for most. It is kept true as instances come, change and go, and tasks do not touch it: the first request of a kind
//! then costs little more than to sort instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::chain::Chain;
use crate::needs::{Needs, RequiredAttribute};
use crate::query::Effort;
use crate::request::{Constraint, Request, Strategy};
use crate::slot::{Rules, Slot};
use crate::view::InstanceView;

/// Buckets that there may be however few instances there are. Source: chosen by us.
const LITTER_MIN: usize = 256;

/// A kind of request: what must be equal for one ranking to serve two of them.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) needs: Arc<Needs>,
    /// Of requests whose answer does not depend on it, nothing.
    pub(crate) group: Option<Str>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) chain: Chain,
}

impl Kind {
    /// The kind of requests of no particular group.
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

    /// A number that is the same for requests of one kind, and seldom for others.
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

/// The group of a request, if its answer depends on it.
fn group_of<'a>(request: &Request<'a>, chain: &Chain) -> Option<&'a Str> {
    let apart = request.constraints.contains(&Constraint::DistinctInstance);
    (apart || chain.counts()).then_some(request.group)
}

/// Which instances have the same values. What has them stands in one bucket, and each value has a tally in common with others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    tally_of: BTreeMap<(usize, Option<Str>), usize>,
    /// Of each tally its level in the rank, and whether it is of those that have the attribute.
    pub(crate) tallies: Vec<(usize, bool)>,
    bucket_of: BTreeMap<Vec<usize>, usize>,
    /// The tally of each value of each bucket, in the order of the chain.
    pub(crate) buckets: Vec<Vec<usize>>,
}

impl Values {
    /// The bucket of an instance.
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

    /// Whether most buckets are of values that no instance has any more.
    pub(crate) fn are_littered(&self, instances: usize) -> bool {
        self.buckets.len() > 2 * instances + LITTER_MIN
    }
}

/// What a ground knows of one slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spot {
    /// The epoch for which it was found.
    pub(crate) epoch: u64,
    /// Whether the instance takes tasks and has the attributes.
    pub(crate) has_attributes: bool,
    /// The bucket of its values; nothing while no instance is there.
    pub(crate) bucket: Option<usize>,
}

/// What kinds with equal required attributes and strategies have in common.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// Of which only the attributes matter.
    needs: Needs,
    chain: Chain,
    pub(crate) spots: Vec<Spot>,
    pub(crate) values: Values,
    /// When it was last used, in uses of any ground.
    pub(crate) used: u64,
}

impl Ground {
    /// Looks at all instances.
    pub(crate) fn new(kind: &Kind, slots: &[Slot]) -> Self {
        let needs = Needs { attributes: kind.needs.attributes.clone(), ..Needs::default() };
        let (chain, spots) = (kind.chain.clone(), Vec::with_capacity(slots.len()));
        let mut ground = Self { needs, chain, spots, values: Values::default(), used: 0 };
        ground.see_all(slots);
        ground
    }

    /// Whether a kind stands on it.
    pub(crate) fn serves(&self, attributes: &[RequiredAttribute], chain: &Chain) -> bool {
        self.needs.attributes == attributes && self.chain == *chain
    }

    /// Sees one slot whose instance came, changed or went.
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

    /// Begins anew if most of it is of values that no instance has any more.
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
