//! The instances that fit one kind of request, kept sorted, and updated from the log when used.
//!
//! Instances with equal values of the attributes that tasks are spread over share a bucket, since
//! the task counts of their values are equal. Within a bucket instances are sorted by the rest of
//! their rank, and buckets by their best instance. So the best instance overall is the best of the
//! first bucket, and a change of one instance moves one entry in one bucket, and that bucket.
//!
//! This holds as long as tasks are spread over at most one attribute. If they are spread over
//! several, a task changes the rank of every bucket that shares a value with its own, possibly all:
//! then buckets are not sorted but scanned for each query.

use std::collections::BTreeSet;

use longshore_wire_ecs::arn::ResourceId;

use crate::bucket::{Candidates, Standing};
use crate::chain::{Rank, around};
use crate::ground::{Ground, Kind, Values};
use crate::query::Effort;
use crate::slot::{Rules, Slot};
use crate::view::InstanceView;

/// What a ranking knows about one slot.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// The epoch of the slot when `lasting` was determined.
    epoch: u64,
    /// Whether the checks pass whose result cannot change within the epoch.
    lasting: bool,
    /// Its bucket; `None` without an instance.
    bucket: Option<usize>,
    /// Tasks of the group that are counted in the tallies of its values.
    in_group: u32,
    /// Its standing, if it fits.
    standing: Option<Standing>,
}

/// Instances with equal values.
#[derive(Clone, Debug)]
struct Bucket {
    candidates: Candidates,
    /// Its best instance, without the levels of attribute values.
    best: Option<(Rank, ResourceId)>,
    /// Its key in the order, if it has candidates and buckets are sorted.
    stands: Option<(Rank, ResourceId)>,
}

/// The instances that fit one kind of request.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    pub(crate) kind: Kind,
    entries: Vec<Entry>,
    values: Values,
    /// Tasks of the group per value.
    tallies: Vec<u32>,
    buckets: Vec<Bucket>,
    /// Whether buckets are kept sorted.
    is_ordered: bool,
    order: BTreeSet<(Rank, ResourceId, usize)>,
    /// The log position it has read up to; `None` before the first full scan.
    pub(crate) position: Option<u64>,
    /// When it was last used, on the counter of all uses.
    pub(crate) used: u64,
}

impl Ranking {
    /// An empty ranking.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            is_ordered: kind.chain.values().count() <= 1,
            kind,
            entries: Vec::new(),
            values: Values::default(),
            tallies: Vec::new(),
            buckets: Vec::new(),
            order: BTreeSet::new(),
            position: None,
            used: 0,
        }
    }

    /// Whether most of its buckets are for values that no instance has any more.
    pub(crate) fn is_littered(&self) -> bool {
        self.values.are_littered(self.entries.len())
    }

    /// Number of buckets scanned for each query.
    pub(crate) fn walks_over(&self) -> u64 {
        if self.is_ordered { 0 } else { self.buckets.len() as u64 }
    }

    /// Memory use, in entries.
    pub(crate) fn size(&self) -> usize {
        self.entries.len()
    }

    /// Rebuilds everything from all slots, using a ground that is up to date.
    pub(crate) fn see_all(&mut self, ground: &Ground, slots: &[Slot], effort: &Effort) {
        self.values = ground.values.clone();
        self.tallies = vec![0; self.values.tallies.len()];
        self.entries = vec![Entry::default(); slots.len()];
        self.order.clear();
        self.buckets.clear();
        self.grow();
        let group = self.kind.group.as_deref();
        let constraints = &self.kind.constraints;
        let rules = Rules {
            needs: &self.kind.needs,
            group: group.unwrap_or_default(),
            constraints,
            effort,
        };
        let mut standing = vec![Vec::new(); self.buckets.len()];
        for (number, (slot, spot)) in slots.iter().zip(&ground.spots).enumerate() {
            let (Some(view), Some(bucket)) = (&slot.view, spot.bucket) else { continue };
            let lasting = spot.has_attributes && rules.lasting_constraints(slot, view);
            let in_group = group.map_or(0, |group| slot.in_group(group));
            self.entries[number] =
                Entry { epoch: spot.epoch, lasting, bucket: spot.bucket, in_group, standing: None };
            for tally in self.values.buckets[bucket].iter().filter(|_| in_group > 0) {
                self.tallies[*tally] += in_group;
            }
            if lasting && rules.passing(slot, view) {
                let rank = self.kind.chain.rank(view, in_group);
                standing[bucket].push((rank, slot.id, number));
            }
        }
        for (bucket, some) in standing.into_iter().enumerate() {
            let candidates = &mut self.buckets[bucket].candidates;
            candidates.fill(some, |number, standing| {
                self.entries[number].standing = Some(standing);
            });
            self.find_best(bucket);
        }
    }

    /// Adds missing buckets and tallies.
    fn grow(&mut self) {
        let drawn = self.kind.chain.drawn;
        let empty = || Bucket { candidates: Candidates::new(drawn), best: None, stands: None };
        self.buckets.resize_with(self.values.buckets.len(), empty);
        self.tallies.resize(self.values.tallies.len(), 0);
    }

    /// Updates one slot.
    pub(crate) fn see(&mut self, number: usize, slot: &Slot, effort: &Effort) {
        if self.entries.len() <= number {
            self.entries.resize(number + 1, Entry::default());
        }
        let Some(view) = &slot.view else { return self.leave(number, slot.id) };
        let group = self.kind.group.as_deref();
        let in_group = group.map_or(0, |group| slot.in_group(group));
        let constraints = &self.kind.constraints;
        let group = group.unwrap_or_default();
        let rules = Rules { needs: &self.kind.needs, group, constraints, effort };
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
        self.stand(number, slot.id, fits.then(|| self.kind.chain.rank(view, in_group)));
    }

    /// Removes the instance of a slot.
    fn leave(&mut self, number: usize, id: ResourceId) {
        self.stand(number, id, None);
        self.count(number, 0);
        self.entries[number].bucket = None;
    }

    /// Puts a slot into the bucket of its values.
    fn join_bucket(&mut self, number: usize, id: ResourceId, view: &InstanceView) {
        let bucket = self.values.bucket(&self.kind.chain, view);
        self.grow();
        if self.entries[number].bucket == Some(bucket) {
            return;
        }
        if self.entries[number].bucket.is_some() {
            self.leave(number, id);
        }
        self.entries[number].bucket = Some(bucket);
    }

    /// Counts the tasks of the group on a slot in the tallies of its values.
    fn count(&mut self, number: usize, in_group: u32) {
        let entry = &mut self.entries[number];
        let before = std::mem::replace(&mut entry.in_group, in_group);
        let Some(bucket) = entry.bucket.filter(|_| before != in_group) else { return };
        for tally in &self.values.buckets[bucket] {
            let tasks = &mut self.tallies[*tally];
            *tasks = *tasks + in_group - before;
        }
        // If buckets are sorted there is at most one value, which no other bucket shares.
        self.restand(bucket);
    }

    /// Places a slot according to its rank, or removes it.
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
        self.find_best(bucket);
    }

    /// Determines the best of a bucket, and sorts the bucket accordingly.
    fn find_best(&mut self, number: usize) {
        let bucket = &mut self.buckets[number];
        bucket.best = bucket.candidates.best();
        self.restand(number);
    }

    /// The rank of a bucket's best instance, with the levels of attribute values.
    fn rank_of(&self, number: usize) -> Option<(Rank, ResourceId)> {
        let (mut rank, id) = self.buckets[number].best?;
        for tally in &self.values.buckets[number] {
            let (level, has_attribute) = self.values.tallies[*tally];
            rank[level] = around(has_attribute, self.tallies[*tally]);
        }
        Some((rank, id))
    }

    /// Moves a bucket to its place in the order, if buckets are sorted.
    fn restand(&mut self, number: usize) {
        if !self.is_ordered {
            return;
        }
        let best = self.rank_of(number);
        let stands = std::mem::replace(&mut self.buckets[number].stands, best);
        if best == stands {
            return;
        }
        if let Some((rank, id)) = stands {
            self.order.remove(&(rank, id, number));
        }
        if let Some((rank, id)) = best {
            self.order.insert((rank, id, number));
        }
    }

    /// The buckets with the best rank, in order; only the first if ties are not drawn.
    fn best_buckets(&self) -> Vec<usize> {
        let drawn = self.kind.chain.drawn;
        if self.is_ordered {
            let Some((rank, ..)) = self.order.first() else { return Vec::new() };
            let equal = self.order.iter().take_while(|(other, ..)| other == rank);
            let most = if drawn { usize::MAX } else { 1 };
            return equal.take(most).map(|(_, _, bucket)| *bucket).collect();
        }
        let (mut best, mut equal): (Option<(Rank, ResourceId)>, _) = (None, Vec::new());
        for bucket in 0..self.buckets.len() {
            let Some(found) = self.rank_of(bucket) else { continue };
            let order = best.map_or(std::cmp::Ordering::Less, |best| found.cmp(&best));
            match order {
                std::cmp::Ordering::Less => (best, equal) = (Some(found), vec![bucket]),
                // Unless ties are drawn, no two buckets are equal.
                std::cmp::Ordering::Equal => equal.push(bucket),
                std::cmp::Ordering::Greater => {}
            }
        }
        equal
    }

    /// The best slot; `draw` returns a number below its argument.
    pub(crate) fn best(&self, draw: impl FnOnce(usize) -> usize) -> Option<usize> {
        let buckets = self.best_buckets();
        if !self.kind.chain.drawn {
            return self.buckets[*buckets.first()?].candidates.nth_best(0);
        }
        if buckets.is_empty() {
            return None;
        }
        let count = |bucket: &usize| self.buckets[*bucket].candidates.best_count();
        let mut number = draw(buckets.iter().map(count).sum());
        for bucket in &buckets {
            if number < count(bucket) {
                return self.buckets[*bucket].candidates.nth_best(number);
            }
            number -= count(bucket);
        }
        None
    }
}
