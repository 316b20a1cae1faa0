//! Rejects wildcards that AWS calls too complex.
//!
//! The measure is public: the largest number of wildcard prefixes that a value can match at the
//! same time, over all wildcards of a field. After the text `ab`, `*ab` matches two such prefixes:
//! `*` and `*ab`. This bounds the cost per character of an event. Source: event-ruler,
//! `MachineComplexityEvaluator`; the limit itself is [`limits::PATTERN_COMPLEXITY_MAX`].

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;

use super::leaf::Leaf;
use super::text::{Token, Wildcard};
use super::{LeafAt, Pattern};
use crate::limits;

const TOO_COMPLEX: &str = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character";

/// Rejects a pattern whose wildcards are too complex.
pub(super) fn check(pattern: &Pattern) -> Result<(), String> {
    let too_complex = |leaves: &mut dyn Iterator<Item = &Leaf>| {
        let wildcards: Vec<&[Wildcard]> = leaves.flat_map(Leaf::wildcards).collect();
        let few = wildcards.iter().all(|group| group.is_empty());
        !few && Beginnings::of(&wildcards).most() > limits::PATTERN_COMPLEXITY_MAX
    };
    let refuse = |steps: &[Str]| Err(format!("{TOO_COMPLEX}\n at {}", steps.join(".")));
    let complex = |leaf: &&LeafAt| too_complex(&mut std::iter::once(&leaf.leaf));
    if let Some(leaf) = pattern.leaves.iter().find(complex) {
        return refuse(&leaf.steps);
    }
    // `$or` alternatives that start with the same field evaluate it together.
    let mut first = BTreeMap::<u16, BTreeSet<u16>>::new();
    for branch in pattern.branches() {
        if let Some(place) = branch.first() {
            first.entry(pattern.leaves[usize::from(*place)].path).or_default().insert(*place);
        }
    }
    let together = |places: &BTreeSet<u16>| {
        too_complex(&mut places.iter().map(|place| &pattern.leaves[usize::from(*place)].leaf))
    };
    let complex = first.values().find(|places| together(places));
    match complex.and_then(|places| places.first()) {
        Some(place) => refuse(&pattern.leaves[usize::from(*place)].steps),
        None => Ok(()),
    }
}

/// A wildcard up to one of its tokens.
#[derive(Debug, Default)]
struct Beginning {
    /// Ends in a star, which matches anything.
    is_star: bool,
    /// The state after a star, which matches the empty text too.
    star: Option<u16>,
    /// The states after these bytes.
    bytes: Vec<(u8, u16)>,
}

/// The prefixes of all wildcards of a field; the first is empty.
struct Beginnings {
    all: Vec<Beginning>,
}

impl Beginnings {
    fn of(groups: &[&[Wildcard]]) -> Self {
        let mut beginnings = Self { all: vec![Beginning::default()] };
        for group in groups {
            // The alternatives of a negation form one wildcard: their common literal prefix counts
            // once.
            let mut shared = BTreeMap::new();
            for wildcard in *group {
                beginnings.add(wildcard, &mut shared);
            }
        }
        beginnings
    }

    fn add(&mut self, wildcard: &Wildcard, shared: &mut BTreeMap<(u16, Token), u16>) {
        let (mut at, mut literal) = (0, true);
        for token in wildcard.tokens() {
            let known = if literal { shared.get(&(at, token)).copied() } else { None };
            let next = known.unwrap_or_else(|| {
                let next = u16::try_from(self.all.len()).expect("a pattern is shorter than that");
                self.all.push(Beginning { is_star: token == Token::Star, ..Beginning::default() });
                let before = &mut self.all[usize::from(at)];
                match token {
                    Token::Star => before.star = Some(next),
                    Token::Byte(byte) => before.bytes.push((byte, next)),
                }
                if literal {
                    shared.insert((at, token), next);
                }
                next
            });
            literal &= token != Token::Star;
            at = next;
        }
    }

    /// Adds the states after a star that matches nothing.
    fn complete(&self, set: &mut Vec<u16>) {
        let stars: Vec<u16> = set.iter().filter_map(|at| self.all[usize::from(*at)].star).collect();
        set.extend(stars);
        set.sort_unstable();
        set.dedup();
    }

    /// The prefixes that match after one more byte; `None` stands for a byte that extends none.
    fn after(&self, set: &[u16], byte: Option<u8>) -> Vec<u16> {
        let mut next = Vec::new();
        for at in set {
            let beginning = &self.all[usize::from(*at)];
            if beginning.is_star {
                next.push(*at);
            }
            let led = beginning.bytes.iter().filter(|(known, _)| Some(*known) == byte);
            next.extend(led.map(|(_, next)| *next));
        }
        self.complete(&mut next);
        next
    }

    /// The most prefixes that match at once; `usize::MAX` if this takes too long to determine.
    fn most(&self) -> usize {
        let (mut most, mut seen, mut open) = (0, BTreeSet::new(), vec![vec![0_u16]]);
        while let Some(set) = open.pop() {
            let mut bytes: BTreeSet<Option<u8>> = [None].into();
            let led = set.iter().flat_map(|at| &self.all[usize::from(*at)].bytes);
            bytes.extend(led.map(|(byte, _)| Some(*byte)));
            for byte in bytes {
                let next = self.after(&set, byte);
                most = most.max(next.len());
                if most > limits::PATTERN_COMPLEXITY_MAX || seen.len() > limits::PATTERN_STATES_MAX
                {
                    return usize::MAX;
                }
                if !next.is_empty() && seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(wildcards: &[&str]) -> usize {
        let wildcards: Vec<Wildcard> =
            wildcards.iter().map(|text| Wildcard::parse(text).expect("a wildcard")).collect();
        let groups: Vec<&[Wildcard]> = wildcards.iter().map(std::slice::from_ref).collect();
        Beginnings::of(&groups).most()
    }

    #[test]
    fn beginnings_that_fit_at_the_same_time_are_counted() {
        for (wildcards, expected) in [
            (&["*"][..], 2),
            (&["abc"], 1),
            (&["*ab"], 2),
            (&["*aa"], 3),
            (&["a*b*c"], 3),
            (&["*a*a*"], 5),
            (&["*.bif", "*.tif", "*.tiff", "*.svs"], 8),
            (&["*/in/*.tif", "*/in/*.svs"], 8),
        ] {
            assert_eq!(most(wildcards), expected, "{wildcards:?}");
        }
    }

    #[test]
    fn more_than_ten_are_too_complex() {
        // The example of the user guide, and one that AWS rejected.
        assert_eq!(most(&["*:*:*:*:*:event-bus/*"]), usize::MAX);
        assert_eq!(most(&["*/in/*.bif", "*/in/*.tif", "*/in/*.tiff", "*/in/*.svs"]), usize::MAX);
    }
}
