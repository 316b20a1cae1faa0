//! Caches of rankings and the grounds they are built on; the least recently used are dropped first.

use std::collections::BTreeMap;

use crate::chain::Chain;
use crate::ground::{Ground, Kind};
use crate::ranking::Ranking;
use crate::request::Request;
use crate::slot::Slot;

/// Entries of all rankings of a cluster. Source: chosen by us: at most about 200 MiB.
const ENTRIES_MAX: usize = 2_000_000;
/// Minimum entries charged per ranking, which limits their number in a small cluster. Source:
/// chosen by us.
const ENTRIES_AT_LEAST: usize = 256;
/// Grounds kept per cluster. Source: chosen by us: combinations of required attributes and
/// strategies are few.
const GROUNDS_MAX: usize = 16;

/// The cached rankings. They are derived from the view, so a clone starts empty.
#[derive(Debug, Default)]
pub(crate) struct Rankings {
    /// By hash, and a number that distinguishes rankings with the same hash.
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
    /// Takes the ranking for a request out of the cache, or creates one.
    pub(crate) fn take(&mut self, request: &Request<'_>) -> Ranking {
        let chain = Chain::of(request.strategies);
        let sign = Kind::sign(request, &chain);
        let mut equal = self.kept.range((sign, 0)..=(sign, u32::MAX));
        let key = equal.find(|(_, one)| one.kind.has(request, &chain)).map(|(key, _)| *key);
        let known = key.and_then(|key| self.drop_out(key));
        known.unwrap_or_else(|| Ranking::new(Kind::of_request(request)))
    }

    /// Number of rankings kept.
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

    /// Puts a ranking into the cache.
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

    /// The ground of a kind, created if needed.
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

    /// Updates the grounds after an instance was added, changed or removed.
    pub(crate) fn follow(&mut self, number: usize, slot: &Slot) {
        for ground in &mut self.grounds {
            ground.see(number, slot);
        }
    }
}

fn size(ranking: &Ranking) -> usize {
    ranking.size() + ENTRIES_AT_LEAST
}
