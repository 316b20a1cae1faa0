//! Event patterns: what a rule matches in an event.
//!
//! Fields are combined with *and*, the alternatives of a field with *or*. An array in an event
//! matches if any of its elements does; in an array of objects, a single object must meet all
//! conditions. A field exists if it has a value, which objects and empty arrays are not. Fields are
//! identified by their full path, where a dot means nesting; of two fields with the same path the
//! later one counts. Source: EventBridge user guide, *Creating event patterns*.

mod complexity;
mod decimal;
mod leaf;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;

use crate::json::{Json, Members, named};
use leaf::Leaf;
use read::{Field, Fields};
pub(crate) use work::Work;

/// An event pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    /// All fields, sorted by path.
    leaves: Vec<LeafAt>,
    /// Fields that every event must match, as indexes into `leaves`.
    common: Vec<u16>,
    /// Alternative sets of further fields, one of which must match. Empty if there is only one way.
    ways: Vec<Vec<u16>>,
}

/// A path and its condition.
#[derive(Clone, Debug, PartialEq)]
struct LeafAt {
    steps: Vec<Str>,
    /// Equal for equal paths.
    path: u16,
    /// Position in the text.
    order: u16,
    leaf: Leaf,
}

/// Conditions on source and detail type alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pins {
    /// The only sources that can match; `None` if any may.
    pub(crate) sources: Option<BTreeSet<Str>>,
    /// The only detail types that can match; `None` if any may.
    pub(crate) detail_types: Option<BTreeSet<Str>>,
    /// Whether the pattern has no other conditions.
    pub(crate) complete: bool,
}

impl Pins {
    /// Whether events of this source and type may match.
    pub(crate) fn allow(&self, source: &str, detail_type: &str) -> bool {
        let names = |texts: &Option<BTreeSet<Str>>, text: &str| {
            texts.as_ref().is_none_or(|texts| texts.contains(text))
        };
        names(&self.sources, source) && names(&self.detail_types, detail_type)
    }
}

/// Objects treated as one: those at the same path that no array separates.
type View<'e> = Vec<&'e Members<'e>>;

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// Why it is invalid, with the offending field.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        read::pattern(text)
    }

    /// Parses a stored pattern that was accepted before, without the complexity check.
    ///
    /// # Errors
    /// Why it is no longer valid.
    pub(crate) fn recall(text: &str) -> Result<Self, String> {
        read::recalled(text)
    }

    /// A pattern that matches nothing.
    pub(crate) fn never() -> Self {
        let leaf = LeafAt { steps: vec!["".into()], path: 0, order: 0, leaf: Leaf::default() };
        Self { leaves: vec![leaf], common: vec![0], ways: Vec::new() }
    }

    /// Sorts fields, and the ways to match them, by path.
    fn new(read: Vec<Field>, root: &Fields) -> Self {
        let paths: BTreeSet<&Vec<Str>> = read.iter().map(|(path, _)| path).collect();
        let numbers: BTreeMap<Vec<Str>, u16> = paths.into_iter().cloned().zip(0..).collect();
        let mut leaves: Vec<LeafAt> = read
            .into_iter()
            .zip(0..)
            .map(|((steps, leaf), order)| LeafAt { path: numbers[&steps], steps, order, leaf })
            .collect();
        leaves.sort_by_key(|leaf| (leaf.path, leaf.order));
        let mut places = vec![0; leaves.len()];
        for (leaf, place) in leaves.iter().zip(0_u16..) {
            places[usize::from(leaf.order)] = place;
        }
        let place = |at: &u16| places[usize::from(*at)];
        let mut pattern = Self { leaves, common: Vec::new(), ways: Vec::new() };
        let common = pattern.in_order(root.fields.iter().map(place));
        if root.groups.is_empty() {
            return Self { common, ..pattern };
        }
        let ways: Vec<Vec<u16>> =
            ways(&root.groups).iter().map(|way| way.iter().map(place).collect()).collect();
        // A path that a way names as well belongs to the ways: only one of the two counts.
        let named: BTreeSet<u16> = ways.iter().flatten().map(|at| pattern.path(*at)).collect();
        let (moved, kept) = common.into_iter().partition(|at| named.contains(&pattern.path(*at)));
        let moved: Vec<u16> = moved;
        pattern.ways = ways
            .into_iter()
            .map(|way| pattern.in_order(way.into_iter().chain(moved.iter().copied())))
            .collect();
        pattern.common = kept;
        pattern
    }

    fn path(&self, place: u16) -> u16 {
        self.leaves[usize::from(place)].path
    }

    /// Sorts fields by path and keeps only the one that counts for each path.
    fn in_order(&self, places: impl Iterator<Item = u16>) -> Vec<u16> {
        let mut sorted: Vec<u16> = places.collect();
        sorted.sort_unstable();
        // Of equal paths the later one sorts last and replaces the one before it.
        sorted.dedup_by(|later, earlier| {
            let same = self.path(*later) == self.path(*earlier);
            if same {
                *earlier = *later;
            }
            same
        });
        sorted
    }

    /// All complete sets of fields that match.
    fn branches(&self) -> impl Iterator<Item = Vec<u16>> {
        let only = self.ways.is_empty().then(|| self.common.clone());
        only.into_iter().chain(self.ways.iter().map(|way| self.whole(way)))
    }

    fn whole(&self, way: &[u16]) -> Vec<u16> {
        self.in_order(self.common.iter().chain(way).copied())
    }

    /// Whether an event in canonical form matches. Meaningless if the work is spent afterwards.
    pub(crate) fn matches(&self, event: &Json<'_>, work: &mut Work) -> bool {
        let Json::Object(root) = event else { return false };
        let mut search = Search { pattern: self, root, work };
        search.all(&self.common, 0, &[root])
            && (self.ways.is_empty()
                || self.ways.iter().any(|way| {
                    let whole = self.whole(way);
                    search.work.spend(whole.len() as u64) && search.all(&whole, 0, &[root])
                }))
    }

    /// The conditions on source and detail type alone.
    pub(crate) fn pins(&self) -> Pins {
        let mut pins = Pins { complete: self.ways.is_empty(), ..Pins::default() };
        for place in &self.common {
            let at = &self.leaves[usize::from(*place)];
            let name = match at.steps.as_slice() {
                [name] => &**name,
                _ => "",
            };
            let pin = match name {
                "source" => &mut pins.sources,
                "detail-type" => &mut pins.detail_types,
                _ => {
                    pins.complete = false;
                    continue;
                }
            };
            *pin = at.leaf.names().map(|names| names.iter().cloned().collect());
            pins.complete &= pin.is_some();
        }
        pins
    }

    /// The number of ways to match.
    pub(crate) fn way_count(&self) -> usize {
        self.ways.len().max(1)
    }
}

/// All combinations of one member per group.
fn ways(groups: &[Vec<Fields>]) -> Vec<Vec<u16>> {
    let mut all = vec![Vec::new()];
    for group in groups {
        let mut next = Vec::new();
        for way in &all {
            for member in group {
                for within in ways(&member.groups) {
                    next.push([way.as_slice(), &member.fields, &within].concat());
                }
            }
        }
        all = next;
    }
    all
}

/// Matches one event.
struct Search<'s, 'e> {
    pattern: &'s Pattern,
    root: &'s Members<'e>,
    work: &'s mut Work,
}

impl<'s, 'e> Search<'s, 'e> {
    /// Whether the objects of a view match all these fields, whose paths share the first `depth`
    /// steps.
    fn all(&mut self, mut places: &[u16], depth: usize, view: &[&'s Members<'e>]) -> bool {
        let pattern = self.pattern;
        let step = |place: &u16| &*pattern.leaves[usize::from(*place)].steps[depth];
        while let Some(first) = places.first() {
            let count = places.iter().take_while(|place| step(place) == step(first)).count();
            let (group, others) = places.split_at(count);
            if !self.step(group, depth, step(first), view) {
                return false;
            }
            places = others;
        }
        true
    }

    /// The same for fields that continue with the same step.
    fn step(&mut self, places: &[u16], depth: usize, step: &str, view: &[&'s Members<'e>]) -> bool {
        let pattern = self.pattern;
        let values: Vec<&'s Json<'e>> =
            view.iter().flat_map(|members| named(members, step)).map(|(_, value)| value).collect();
        if !self.work.spend(1 + view.len() as u64) {
            return false;
        }
        let Some((first, mut deeper)) = places.split_first() else { return true };
        let at = &pattern.leaves[usize::from(*first)];
        if at.steps.len() == depth + 1 {
            let accepted = values.iter().any(|value| at.leaf.accepts(value, self.work));
            if !(accepted || (at.leaf.absent && !self.is_present(&at.steps))) {
                return false;
            }
        } else {
            deeper = places;
        }
        if deeper.is_empty() {
            return true;
        }
        let (mut objects, mut arrays) = (Vec::new(), Vec::new());
        for value in values {
            match value {
                Json::Object(members) => objects.push(members),
                Json::Array(values) => arrays.push(values),
                _ => {}
            }
        }
        self.choose(&arrays, objects, &mut |search, view| search.all(deeper, depth + 1, view))
    }

    /// Tries all choices of one object per array, together with the objects in `view`.
    fn choose(
        &mut self,
        arrays: &[&'s Vec<Json<'e>>],
        view: Vec<&'s Members<'e>>,
        ask: &mut dyn FnMut(&mut Self, &[&'s Members<'e>]) -> bool,
    ) -> bool {
        let Some((array, others)) = arrays.split_first() else { return ask(self, &view) };
        let mut objects = Vec::new();
        collect_objects(array, &mut objects);
        if objects.is_empty() {
            return self.choose(others, view, ask);
        }
        objects.into_iter().any(|object| {
            let mut view = view.clone();
            view.push(object);
            self.work.spend(1) && self.choose(others, view, ask)
        })
    }

    /// Whether any value exists at a path.
    fn is_present(&mut self, steps: &[Str]) -> bool {
        let mut view: View<'_> = vec![self.root];
        for (step, last) in steps.iter().zip((1..=steps.len()).map(|nth| nth == steps.len())) {
            let mut next = Vec::new();
            for members in view {
                if !self.work.spend(1) {
                    return false;
                }
                for (_, value) in named(members, step) {
                    if last && is_value(value) {
                        return true;
                    }
                    collect_objects(std::slice::from_ref(value), &mut next);
                }
            }
            view = next;
        }
        false
    }
}

/// Collects objects, including those in arrays.
fn collect_objects<'s, 'e>(values: &'s [Json<'e>], into: &mut Vec<&'s Members<'e>>) {
    for value in values {
        match value {
            Json::Object(object) => into.push(object),
            Json::Array(values) => collect_objects(values, into),
            _ => {}
        }
    }
}

/// Whether this is or contains a value; an object is not one.
fn is_value(value: &Json<'_>) -> bool {
    match value {
        Json::Object(_) => false,
        Json::Array(values) => values.iter().any(is_value),
        _ => true,
    }
}
