//! All that the bus knows, and accessors to it. No policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};

use crate::machine::Call;
use crate::pattern::{Pattern, Pins};
use crate::queue::{Losses, Queue};
use crate::record;

/// A rule, ready to match.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) record: Arc<record::Rule>,
    pub(crate) pattern: Pattern,
    pub(crate) pins: Pins,
}

impl Rule {
    /// Reads the pattern of a record.
    pub(crate) fn new(record: Arc<record::Rule>) -> Result<Self, String> {
        let pattern = Pattern::parse(&record.pattern)?;
        let pins = pattern.pins();
        Ok(Self { record, pattern, pins })
    }

    /// Whether anything happens when it matches.
    pub(crate) fn is_live(&self) -> bool {
        self.record.is_enabled() && !self.record.targets.is_empty()
    }
}

/// Which rules an event of a source may concern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleIndex {
    /// Live rules that name their sources.
    pub(crate) by_source: BTreeMap<Str, BTreeSet<Str>>,
    /// Live rules that do not.
    pub(crate) other: BTreeSet<Str>,
}

impl RuleIndex {
    pub(crate) fn of(rules: &BTreeMap<Str, Rule>) -> Self {
        let mut index = Self::default();
        for (name, rule) in rules.iter().filter(|(_, rule)| rule.is_live()) {
            match &rule.pins.sources {
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

/// One account in one region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regional {
    pub(crate) rules: BTreeMap<Str, Rule>,
    pub(crate) index: RuleIndex,
    pub(crate) queues: BTreeMap<Str, ResourceId>,
}

impl Regional {
    /// Live rules whose source and detail type fit an event.
    pub(crate) fn candidates<'a>(
        &'a self,
        source: &str,
        detail_type: &'a str,
    ) -> impl Iterator<Item = &'a Rule> {
        let named = self.index.by_source.get(source).into_iter().flatten();
        named.chain(&self.index.other).filter_map(|name| self.rules.get(name)).filter(move |rule| {
            rule.pins.detail_types.as_ref().is_none_or(|types| types.contains(detail_type))
        })
    }
}

/// All that the bus knows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(crate) realms: BTreeMap<Realm, Regional>,
    pub(crate) queues: BTreeMap<ResourceId, Queue>,
    /// When a queue wants to be looked at.
    pub(crate) alarms: BTreeSet<(Timestamp, ResourceId)>,
    /// Receives that wait, and where.
    pub(crate) polls: BTreeMap<Call, ResourceId>,
    /// Realms whose events somebody follows. Not stored: followers end with the program.
    pub(crate) followed: BTreeSet<Realm>,
    /// Events that matched a rule whose target is gone.
    pub(crate) undelivered: u64,
}

impl State {
    pub(crate) fn realm(&mut self, realm: &Realm) -> &mut Regional {
        if !self.realms.contains_key(realm) {
            self.realms.insert(realm.clone(), Regional::default());
        }
        self.realms.get_mut(realm).expect("it was just put there")
    }

    pub(crate) fn queue_id(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        self.realms.get(realm)?.queues.get(name).copied()
    }

    /// Events that matched a rule whose target is gone.
    pub fn undelivered(&self) -> u64 {
        self.undelivered
    }

    /// What a queue has lost.
    pub fn losses(&self, realm: &Realm, queue: &str) -> Option<Losses> {
        Some(self.queues.get(&self.queue_id(realm, queue)?)?.losses)
    }

    /// Sets the alarm of a queue to when time will change it.
    pub(crate) fn set_alarm(&mut self, id: ResourceId) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let next = queue.next_change();
        if next != queue.alarm {
            if let Some(before) = std::mem::replace(&mut queue.alarm, next) {
                self.alarms.remove(&(before, id));
            }
            if let Some(next) = next {
                self.alarms.insert((next, id));
            }
        }
    }
}
