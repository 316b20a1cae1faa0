//! The rules of an account and region, ready to match, as one immutable value: its holder can match
//! events on any thread, and the bus can tell by the version whether it is current.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::pattern::{Pattern, Pins};
use crate::record;

/// A rule, ready to match.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) record: Arc<record::Rule>,
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) pins: Pins,
}

impl Rule {
    /// A rule with a new pattern.
    ///
    /// # Errors
    /// Why the pattern is invalid.
    pub(crate) fn new(record: Arc<record::Rule>) -> Result<Self, String> {
        let pattern = Pattern::parse(&record.pattern)?;
        Ok(Self { record, pins: pattern.pins(), pattern: Arc::new(pattern) })
    }

    /// The same rule with other targets, tags or state.
    pub(crate) fn with(&self, record: Arc<record::Rule>) -> Self {
        debug_assert_eq!(self.record.pattern, record.pattern, "the pattern is another");
        Self { record, ..self.clone() }
    }

    /// Restores a stored rule. If its pattern is no longer valid, the rule is still shown but
    /// matches nothing.
    pub(crate) fn recalled(record: Arc<record::Rule>) -> Self {
        let pattern = Pattern::recall(&record.pattern).unwrap_or_else(|_| Pattern::never());
        Self { record, pins: pattern.pins(), pattern: Arc::new(pattern) }
    }

    /// Whether a match has any effect.
    pub(crate) fn is_live(&self) -> bool {
        self.record.is_enabled() && !self.record.targets.is_empty()
    }
}

/// Finds the rules that may match events of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleIndex {
    /// Live rules that name at most [`SOURCES`] sources.
    by_source: BTreeMap<Str, BTreeSet<Str>>,
    /// All other live rules.
    other: BTreeSet<Str>,
}

/// The most sources for which a rule is indexed: the index stays small whatever rules name.
const SOURCES: usize = 16;

impl RuleIndex {
    fn of(rules: &BTreeMap<Str, Arc<Rule>>) -> Self {
        let mut index = Self::default();
        for (name, rule) in rules.iter().filter(|(_, rule)| rule.is_live()) {
            match rule.pins.sources.as_ref().filter(|sources| sources.len() <= SOURCES) {
                Some(sources) => {
                    for source in sources {
                        index.by_source.entry(source.clone()).or_default().insert(name.clone());
                    }
                }
                None => {
                    index.other.insert(name.clone());
                }
            }
        }
        index
    }
}

/// The rules of an account and region.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    version: u64,
    all: BTreeMap<Str, Arc<Rule>>,
    index: RuleIndex,
}

impl Rules {
    pub(crate) fn new(version: u64, all: BTreeMap<Str, Arc<Rule>>) -> Self {
        Self { version, index: RuleIndex::of(&all), all }
    }

    /// Unique among all versions of rules.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// All rules by name.
    pub(crate) fn all(&self) -> &BTreeMap<Str, Arc<Rule>> {
        &self.all
    }

    /// A copy with a rule added or replaced.
    pub(crate) fn and(&self, version: u64, rule: Rule) -> Self {
        let mut all = self.all.clone();
        all.insert(rule.record.name.clone(), Arc::new(rule));
        Self::new(version, all)
    }

    /// A copy without one rule.
    pub(crate) fn without(&self, version: u64, name: &str) -> Self {
        let mut all = self.all.clone();
        all.remove(name);
        Self::new(version, all)
    }

    /// Live rules whose source and detail type match an event.
    pub(crate) fn candidates<'a>(
        &'a self,
        source: &'a str,
        detail_type: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Rule>> {
        let named = self.index.by_source.get(source).into_iter().flatten();
        named
            .chain(&self.index.other)
            .filter_map(|name| self.all.get(name))
            .filter(move |rule| rule.pins.allow(source, detail_type))
    }

    /// Whether the index matches the rules.
    pub(crate) fn is_sound(&self) -> bool {
        self.index == RuleIndex::of(&self.all)
    }

    /// Approximate work of matching an event of that many bytes.
    pub fn work(&self, bytes: usize) -> u64 {
        let ways = |rule: &Arc<Rule>| rule.pattern.way_count() as u64;
        let live = self.all.values().filter(|rule| rule.is_live());
        live.map(ways).sum::<u64>().saturating_mul(1 + bytes as u64 / 64)
    }
}
