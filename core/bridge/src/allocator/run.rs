//! The allocation, a slice at a time. Source: \[O22\] to \[O24\].

use longshore_machine::{Ids, Timestamp};

use super::tree::Among;
use super::work::Run;
use super::{Allocator, Offered};
use crate::ids::OfferId;

/// What a slice of the allocation came to.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// Offers that were made, the first one first.
    pub(crate) offers: Vec<(OfferId, Offered)>,
    /// Whether nothing is left to do.
    pub(crate) is_done: bool,
}

impl Allocator {
    /// Whether a run would do anything now.
    pub(crate) fn wants_run(&self, now: Timestamp) -> bool {
        self.work.is_waiting()
            || self.has_leaving()
            || self.offers.has_withdrawn()
            || self.filters.has_forgotten()
            || self.filters.next_end().is_some_and(|at| at <= now)
    }

    /// Offers what is free to those who may have it, for so many units: each about a microsecond of work. What is left of the
    /// work is gone on with in the next run.
    pub(crate) fn run(&mut self, now: Timestamp, units: &mut usize, ids: &mut Ids) -> Made {
        let mut made = Made::default();
        made.is_done = self.tidy(now, units) && self.go_on(now, units, ids, &mut made.offers);
        made
    }

    /// What must be up to date before anything is offered. False if the units ran out.
    fn tidy(&mut self, now: Timestamp, units: &mut usize) -> bool {
        if !self.drop_left(units) || !self.free_withdrawn(units) || !self.filters.clean(units) {
            return false;
        }
        while self.filters.next_end().is_some_and(|at| at <= now) {
            if *units == 0 {
                return false;
            }
            *units = units.saturating_sub(1);
            if let Some(agent) = self.filters.end_one(now) {
                self.work.look_at(agent);
            }
        }
        self.tree.refresh(units)
    }

    fn go_on(
        &mut self,
        now: Timestamp,
        units: &mut usize,
        ids: &mut Ids,
        made: &mut Vec<(OfferId, Offered)>,
    ) -> bool {
        loop {
            if *units == 0 {
                return !self.wants_run(now);
            }
            let Some(run) = &mut self.work.run else {
                if self.begin(units) {
                    continue;
                }
                return !self.wants_run(now);
            };
            *units = units.saturating_sub(1);
            if let Some((key, among, guaranteed)) = run.next(ids) {
                self.look(now, key, among, guaranteed, units, made);
            } else {
                self.work.run = None;
                self.tree.forget_newcomers();
            }
        }
    }

    /// Begins to look at what there is to look at; false if that is nothing, or if the units ran out.
    fn begin(&mut self, units: &mut usize) -> bool {
        while let Some(client) = self.work.next_arrival() {
            self.tree.join(client, Among::Newcomers);
            *units = units.saturating_sub(1);
            if *units == 0 {
                return false;
            }
        }
        let changed = self.work.take_changed();
        // Whoever comes is asked about all agents with anything free.
        if self.tree.order(Among::Everyone).is_empty() {
            return false;
        }
        let mut queue = Vec::new();
        if !self.tree.order(Among::Newcomers).is_empty() {
            let others = self.agents.with_free().difference(&changed);
            queue.extend(others.map(|key| (*key, Among::Newcomers)));
        }
        queue.extend(changed.into_iter().map(|key| (key, Among::Everyone)));
        if queue.is_empty() {
            self.tree.forget_newcomers();
            return false;
        }
        *units = units.saturating_sub(queue.len() / 16);
        self.work.run = Some(Run::new(queue, self.quotas.has_unmet()));
        true
    }
}
