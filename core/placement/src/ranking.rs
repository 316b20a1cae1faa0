//! The instances that fit one kind of request, always in order, brought up to date by the changes since it was last used.
//!
//! Instances with the same values of the attributes that are spread over stand in one bucket: what is around a value is the
//! same for all of them. Within a bucket they are ordered by the rest of their rank, and buckets by their best. So the best of all
//! is the best of the first bucket, and one change of one instance moves one entry in one bucket, and that bucket.
//!
//! That holds as long as tasks are spread over one attribute at most. Where they are spread over several, a task changes the rank
//! of every bucket that shares a value with its own, which may be all: then buckets are not kept in order, but gone through when
//! the best is asked for.

use std::collections::BTreeSet;

use longshore_wire_ecs::arn::ResourceId;

use crate::bucket::{Candidates, Standing};
use crate::chain::{Rank, around};
use crate::ground::{Ground, Kind, Values};
use crate::query::Effort;
use crate::slot::{Rules, Slot};
use crate::view::InstanceView;

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
    candidates: Candidates,
    /// Its best, before what is around its values.
    best: Option<(Rank, ResourceId)>,
    /// As what it stands in the order, if it has candidates and buckets are kept in order.
    stands: Option<(Rank, ResourceId)>,
}

/// The instances that fit one kind of request.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    pub(crate) kind: Kind,
    entries: Vec<Entry>,
    values: Values,
    /// Tasks of the group around each value.
    tallies: Vec<u32>,
    buckets: Vec<Bucket>,
    /// Whether buckets are kept in order.
    is_ordered: bool,
    order: BTreeSet<(Rank, ResourceId, usize)>,
    /// Up to where in the log it has read; nothing before it has seen everything.
    pub(crate) position: Option<u64>,
    /// When it was last used, in uses of any ranking.
    pub(crate) used: u64,
}

impl Ranking {
    /// One that has seen nothing yet.
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

    /// Whether most of its buckets are of values that no instance has any more.
    pub(crate) fn is_littered(&self) -> bool {
        self.values.are_littered(self.entries.len())
    }

    /// How many buckets are gone through each time that the best is asked for.
    pub(crate) fn walks_over(&self) -> u64 {
        if self.is_ordered { 0 } else { self.buckets.len() as u64 }
    }

    /// What it takes in memory, in entries.
    pub(crate) fn size(&self) -> usize {
        self.entries.len()
    }

    /// Sees all slots anew, on ground that knows what only instances decide.
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

    /// Has a bucket and a tally for each that there is.
    fn grow(&mut self) {
        let drawn = self.kind.chain.drawn;
        let empty = || Bucket { candidates: Candidates::new(drawn), best: None, stands: None };
        self.buckets.resize_with(self.values.buckets.len(), empty);
        self.tallies.resize(self.values.tallies.len(), 0);
    }

    /// Sees one slot as it is now.
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

    /// The instance of a slot is gone.
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

    /// Counts the tasks of the group on a slot around its values.
    fn count(&mut self, number: usize, in_group: u32) {
        let entry = &mut self.entries[number];
        let before = std::mem::replace(&mut entry.in_group, in_group);
        let Some(bucket) = entry.bucket.filter(|_| before != in_group) else { return };
        for tally in &self.values.buckets[bucket] {
            let tasks = &mut self.tallies[*tally];
            *tasks = *tasks + in_group - before;
        }
        // Where there is one value at most, no other bucket shares it.
        self.restand(bucket);
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
        self.find_best(bucket);
    }

    /// Finds the best of a bucket, and puts it where that says.
    fn find_best(&mut self, number: usize) {
        let bucket = &mut self.buckets[number];
        bucket.best = bucket.candidates.best();
        self.restand(number);
    }

    /// The best of a bucket, with what is around its values.
    fn rank_of(&self, number: usize) -> Option<(Rank, ResourceId)> {
        let (mut rank, id) = self.buckets[number].best?;
        for tally in &self.values.buckets[number] {
            let (level, has_attribute) = self.values.tallies[*tally];
            rank[level] = around(has_attribute, self.tallies[*tally]);
        }
        Some((rank, id))
    }

    /// Puts a bucket where its best says, if buckets are kept in order.
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

    /// The buckets whose best rank is the best of all, in order; of those only the first, if nothing is drawn.
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
                // Where nothing is drawn, no two buckets have the same best.
                std::cmp::Ordering::Equal => equal.push(bucket),
                std::cmp::Ordering::Greater => {}
            }
        }
        equal
    }

    /// The best slot; `draw` gives a number below its argument.
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
