//! The instances that fit one kind of request, always in order, brought up to date by the changes since it was last used.
//!
//! Instances with the same values of the attributes that are spread over stand in one bucket: what is around a value is the
//! same for all of them. Within a bucket they are ordered by the rest of their rank, and buckets by their best. So the best of all is the
//! best of the first bucket, and one change of one instance moves one entry in one bucket and the buckets that share a value with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::bucket::{Candidates, Standing};
use crate::chain::{Chain, Rank, around};
use crate::needs::Needs;
use crate::request::{Constraint, Request};
use crate::slot::{Rules, Slot};
use crate::view::InstanceView;

/// Buckets that a ranking may have however few instances there are. Source: chosen by us.
const LITTER_MIN: usize = 256;

/// What a ranking knows of one slot.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// The epoch for which `lasting` was found.
    epoch: u64,
    /// Whether the checks hold that last as long as the epoch.
    lasting: bool,
    /// Its bucket; nothing while no instance is there.
    bucket: Option<usize>,
    /// Tasks of the group that are counted around its values.
    in_group: u32,
    /// Where it stands, if it fits.
    standing: Option<Standing>,
}

/// Instances with the same values.
#[derive(Clone, Debug)]
struct Bucket {
    /// The tally of each value, in the order of the chain.
    tallies: Vec<usize>,
    candidates: Candidates,
    /// As what it stands in the order, if it has candidates.
    stands: Option<(Rank, ResourceId)>,
}

/// The tasks of the group around one value of one attribute.
#[derive(Clone, Debug)]
struct Tally {
    /// Its level in the rank.
    level: usize,
    has_attribute: bool,
    tasks: u32,
    buckets: Vec<usize>,
}

/// The instances that fit one kind of request.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    needs: Arc<Needs>,
    /// Of requests whose answer does not depend on it, nothing.
    group: Option<Str>,
    constraints: Vec<Constraint>,
    chain: Chain,
    entries: Vec<Entry>,
    buckets: Vec<Bucket>,
    tallies: Vec<Tally>,
    tally_of: BTreeMap<(usize, Option<Str>), usize>,
    bucket_of: BTreeMap<Vec<usize>, usize>,
    order: BTreeSet<(Rank, ResourceId, usize)>,
    /// Up to where in the log it has read; nothing before it has seen everything.
    pub(crate) position: Option<u64>,
    /// When it was last used, in uses of any ranking.
    pub(crate) used: u64,
}

impl Ranking {
    /// One that has seen nothing yet.
    pub(crate) fn new(request: &Request<'_>) -> Self {
        let chain = Chain::of(request.strategies);
        Self {
            needs: request.needs.clone(),
            group: group_of(request, &chain),
            constraints: request.constraints.to_vec(),
            chain,
            entries: Vec::new(),
            buckets: Vec::new(),
            tallies: Vec::new(),
            tally_of: BTreeMap::new(),
            bucket_of: BTreeMap::new(),
            order: BTreeSet::new(),
            position: None,
            used: 0,
        }
    }

    /// Whether it answers a request.
    pub(crate) fn serves(&self, request: &Request<'_>, chain: &Chain) -> bool {
        (Arc::ptr_eq(&self.needs, request.needs) || *self.needs == **request.needs)
            && self.group.as_ref().is_none_or(|group| group == request.group)
            && self.group.is_some() == group_of(request, chain).is_some()
            && self.constraints == request.constraints
            && self.chain == *chain
    }

    /// Whether most of its buckets are of values that no instance has any more.
    pub(crate) fn is_littered(&self) -> bool {
        self.buckets.len() > 2 * self.entries.len() + LITTER_MIN
    }

    /// What it takes in memory, in entries.
    pub(crate) fn size(&self) -> usize {
        self.entries.len()
    }

    /// Sees all slots anew.
    pub(crate) fn see_all(&mut self, slots: &[Slot]) {
        let Self { needs, group, constraints, chain, .. } = &*self;
        let (needs, group) = (needs.clone(), group.clone());
        let (constraints, chain) = (constraints.clone(), chain.clone());
        *self = Self {
            needs,
            group,
            constraints,
            chain,
            entries: vec![Entry::default(); slots.len()],
            buckets: Vec::new(),
            tallies: Vec::new(),
            tally_of: BTreeMap::new(),
            bucket_of: BTreeMap::new(),
            order: BTreeSet::new(),
            position: None,
            used: self.used,
        };
        for (number, slot) in slots.iter().enumerate() {
            self.see(number, slot);
        }
    }

    /// Sees one slot as it is now.
    pub(crate) fn see(&mut self, number: usize, slot: &Slot) {
        if self.entries.len() <= number {
            self.entries.resize(number + 1, Entry::default());
        }
        let Some(view) = &slot.view else { return self.leave(number, slot.id) };
        let in_group = self.group.as_deref().map_or(0, |group| slot.in_group(group));
        let group = self.group.as_deref().unwrap_or_default();
        let rules = Rules { needs: &self.needs, group, constraints: &self.constraints };
        let entry = &mut self.entries[number];
        let changed = entry.bucket.is_none() || entry.epoch != slot.epoch;
        if changed {
            entry.epoch = slot.epoch;
            entry.lasting = rules.lasting(slot, view);
        }
        let fits = entry.lasting && rules.passing(slot, view);
        if changed {
            self.join_bucket(number, slot.id, view);
        }
        self.count(number, in_group);
        self.stand(number, slot.id, fits.then(|| self.chain.rank(view, in_group)));
    }

    /// The instance of a slot is gone.
    fn leave(&mut self, number: usize, id: ResourceId) {
        self.stand(number, id, None);
        self.count(number, 0);
        self.entries[number].bucket = None;
    }

    /// Puts a slot into the bucket of its values.
    fn join_bucket(&mut self, number: usize, id: ResourceId, view: &InstanceView) {
        let values: Vec<(usize, Option<Str>)> = self
            .chain
            .values()
            .map(|(level, name)| {
                let held = view.attributes.get(name);
                (level, held.map(|value| value.clone().unwrap_or_default()))
            })
            .collect();
        let tallies: Vec<usize> = values.into_iter().map(|value| self.tally(value)).collect();
        let bucket = self.bucket(tallies);
        if self.entries[number].bucket == Some(bucket) {
            return;
        }
        if self.entries[number].bucket.is_some() {
            self.leave(number, id);
        }
        self.entries[number].bucket = Some(bucket);
    }

    fn tally(&mut self, value: (usize, Option<Str>)) -> usize {
        let next = self.tallies.len();
        let (level, has_attribute) = (value.0, value.1.is_some());
        let tally = *self.tally_of.entry(value).or_insert(next);
        if tally == next {
            self.tallies.push(Tally { level, has_attribute, tasks: 0, buckets: Vec::new() });
        }
        tally
    }

    fn bucket(&mut self, tallies: Vec<usize>) -> usize {
        if let Some(bucket) = self.bucket_of.get(&tallies) {
            return *bucket;
        }
        let bucket = self.buckets.len();
        for tally in &tallies {
            self.tallies[*tally].buckets.push(bucket);
        }
        self.bucket_of.insert(tallies.clone(), bucket);
        let candidates = Candidates::new(self.chain.drawn);
        self.buckets.push(Bucket { tallies, candidates, stands: None });
        bucket
    }

    /// Counts the tasks of the group on a slot around its values.
    fn count(&mut self, number: usize, in_group: u32) {
        let entry = &mut self.entries[number];
        let before = std::mem::replace(&mut entry.in_group, in_group);
        let Some(bucket) = entry.bucket.filter(|_| before != in_group) else { return };
        for index in 0..self.buckets[bucket].tallies.len() {
            let tally = self.buckets[bucket].tallies[index];
            let tasks = &mut self.tallies[tally].tasks;
            *tasks = *tasks + in_group - before;
            for shared in 0..self.tallies[tally].buckets.len() {
                self.restand(self.tallies[tally].buckets[shared]);
            }
        }
    }

    /// Puts a slot where its rank says, or takes it out.
    fn stand(&mut self, number: usize, id: ResourceId, rank: Option<Rank>) {
        let entry = &self.entries[number];
        let Some(bucket) = entry.bucket else { return };
        if entry.standing.map(|standing| (standing.rank, standing.id))
            == rank.map(|rank| (rank, id))
        {
            return;
        }
        let candidates = &mut self.buckets[bucket].candidates;
        if let Some(standing) = entry.standing
            && let Some(moved) = candidates.take(standing, number)
            && let Some(moved) = &mut self.entries[moved].standing
        {
            moved.index = standing.index;
        }
        self.entries[number].standing = rank.map(|rank| candidates.add(rank, id, number));
        self.restand(bucket);
    }

    /// Puts a bucket where its best says.
    fn restand(&mut self, number: usize) {
        let bucket = &mut self.buckets[number];
        let best = bucket.candidates.best().map(|(mut rank, id)| {
            for tally in &bucket.tallies {
                let tally = &self.tallies[*tally];
                rank[tally.level] = around(tally.has_attribute, tally.tasks);
            }
            (rank, id)
        });
        if best == bucket.stands {
            return;
        }
        if let Some((rank, id)) = bucket.stands {
            self.order.remove(&(rank, id, number));
        }
        if let Some((rank, id)) = best {
            self.order.insert((rank, id, number));
        }
        bucket.stands = best;
    }

    /// The best slot; `draw` gives a number below its argument.
    pub(crate) fn best(&self, draw: impl FnOnce(usize) -> usize) -> Option<usize> {
        let (rank, _, first) = self.order.first()?;
        if !self.chain.drawn {
            return self.buckets[*first].candidates.nth_best(0);
        }
        let equal = || self.order.iter().take_while(|(other, ..)| other == rank);
        let count = |bucket: &usize| self.buckets[*bucket].candidates.best_count();
        let mut number = draw(equal().map(|(_, _, bucket)| count(bucket)).sum());
        for (_, _, bucket) in equal() {
            if number < count(bucket) {
                return self.buckets[*bucket].candidates.nth_best(number);
            }
            number -= count(bucket);
        }
        None
    }
}

/// The group of a request, if its answer depends on it.
fn group_of(request: &Request<'_>, chain: &Chain) -> Option<Str> {
    let apart = request.constraints.contains(&Constraint::DistinctInstance);
    (apart || chain.counts()).then(|| request.group.clone())
}

/// What must be equal for one ranking to serve two requests, in short; equal requests have equal signs.
pub(crate) fn sign(request: &Request<'_>, chain: &Chain) -> u64 {
    let grouped = group_of(request, chain).is_some();
    let group = if grouped { request.group.as_bytes() } else { &[] };
    let mut sign = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |word: u64| sign = (sign ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    mix(u64::from(request.needs.cpu));
    mix(u64::from(request.needs.memory_mib));
    mix(request.constraints.len() as u64);
    for byte in group {
        mix(u64::from(*byte));
    }
    sign
}
