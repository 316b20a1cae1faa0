//! The rankings that are kept, and the ground that they stand on; least recently used ones go first.

use std::collections::BTreeMap;

use crate::chain::Chain;
use crate::ground::{Ground, Kind};
use crate::ranking::Ranking;
use crate::request::Request;
use crate::slot::Slot;

/// Entries of all rankings of a cluster together. Source: chosen by us: some 200 MiB at most.
const ENTRIES_MAX: usize = 2_000_000;
/// Entries that a ranking counts as beside its own, so that there cannot be very many in a cluster of few instances. Source:
/// chosen by us.
const ENTRIES_AT_LEAST: usize = 256;
/// Grounds of a cluster that are kept. Source: chosen by us: required attributes and strategies are few.
const GROUNDS_MAX: usize = 16;

/// The rankings that are kept. They follow from the view, so copies begin without any.
#[derive(Debug, Default)]
pub(crate) struct Rankings {
    /// By their sign, and a number that tells those of one sign apart.
    kept: BTreeMap<(u64, u32), Ranking>,
    /// By their last use.
    by_use: BTreeMap<u64, (u64, u32)>,
    entries: usize,
    uses: u64,
    grounds: Vec<Ground>,
}

impl Clone for Rankings {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Rankings {
    /// Takes out the ranking for a request, a new one if there is none.
    pub(crate) fn take(&mut self, request: &Request<'_>) -> Ranking {
        let chain = Chain::of(request.strategies);
        let sign = Kind::sign(request, &chain);
        let mut equal = self.kept.range((sign, 0)..=(sign, u32::MAX));
        let key = equal.find(|(_, one)| one.kind.has(request, &chain)).map(|(key, _)| *key);
        let known = key.and_then(|key| self.drop_out(key));
        known.unwrap_or_else(|| Ranking::new(Kind::of_request(request)))
    }

    /// How many are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    fn drop_out(&mut self, key: (u64, u32)) -> Option<Ranking> {
        let ranking = self.kept.remove(&key)?;
        self.by_use.remove(&ranking.used);
        self.entries -= size(&ranking);
        Some(ranking)
    }

    /// Keeps a ranking.
    pub(crate) fn put(&mut self, request: &Request<'_>, mut ranking: Ranking) {
        self.uses += 1;
        ranking.used = self.uses;
        self.entries += size(&ranking);
        let sign = Kind::sign(request, &Chain::of(request.strategies));
        let last = self.kept.range((sign, 0)..=(sign, u32::MAX)).next_back();
        let key = (sign, last.map_or(0, |((_, number), _)| number.wrapping_add(1)));
        self.by_use.insert(self.uses, key);
        self.kept.insert(key, ranking);
        while self.entries > ENTRIES_MAX && self.kept.len() > 1 {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            self.drop_out(oldest);
        }
    }

    /// The ground of a kind, which is made if there is none.
    pub(crate) fn ground(&mut self, kind: &Kind, slots: &[Slot]) -> &Ground {
        self.uses += 1;
        let known = |one: &Ground| one.serves(&kind.needs.attributes, &kind.chain);
        let index = self.grounds.iter().position(known).unwrap_or_else(|| {
            if self.grounds.len() >= GROUNDS_MAX {
                let oldest = self.grounds.iter().enumerate().min_by_key(|(_, one)| one.used);
                let oldest = oldest.map_or(0, |(index, _)| index);
                self.grounds.swap_remove(oldest);
            }
            self.grounds.push(Ground::new(kind, slots));
            self.grounds.len() - 1
        });
        let ground = &mut self.grounds[index];
        ground.used = self.uses;
        ground.tidy(slots);
        ground
    }

    /// An instance came, changed or went.
    pub(crate) fn follow(&mut self, number: usize, slot: &Slot) {
        for ground in &mut self.grounds {
            ground.see(number, slot);
        }
    }
}

fn size(ranking: &Ranking) -> usize {
    ranking.size() + ENTRIES_AT_LEAST
}
