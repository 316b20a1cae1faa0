//! The rankings that are kept, least recently used ones first to go.

use std::collections::BTreeMap;

use crate::chain::Chain;
use crate::ranking::{Ranking, sign};
use crate::request::Request;

/// Entries of all rankings of a cluster together. Source: chosen by us: some 200 MiB at most.
const ENTRIES_MAX: usize = 2_000_000;

/// The rankings that are kept. They follow from the view, so copies begin without any.
#[derive(Debug, Default)]
pub(crate) struct Rankings {
    /// By their sign, and a number that tells those of one sign apart.
    kept: BTreeMap<(u64, u32), Ranking>,
    entries: usize,
    uses: u64,
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
        let sign = sign(request, &chain);
        let mut equal = self.kept.range((sign, 0)..=(sign, u32::MAX));
        let key = equal.find(|(_, one)| one.serves(request, &chain)).map(|(key, _)| *key);
        match key.and_then(|key| self.kept.remove(&key)) {
            Some(ranking) => {
                self.entries -= ranking.size();
                ranking
            }
            None => Ranking::new(request),
        }
    }

    /// Keeps a ranking.
    pub(crate) fn put(&mut self, request: &Request<'_>, mut ranking: Ranking) {
        self.uses += 1;
        ranking.used = self.uses;
        self.entries += ranking.size();
        let sign = sign(request, &Chain::of(request.strategies));
        let mut number = 0;
        while self.kept.contains_key(&(sign, number)) {
            number += 1;
        }
        self.kept.insert((sign, number), ranking);
        while self.entries > ENTRIES_MAX && self.kept.len() > 1 {
            let oldest = self.kept.iter().min_by_key(|(_, one)| one.used).map(|(key, _)| *key);
            if let Some(gone) = oldest.and_then(|key| self.kept.remove(&key)) {
                self.entries -= gone.size();
            }
        }
    }
}
