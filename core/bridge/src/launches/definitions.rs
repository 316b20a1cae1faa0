//! Task definitions: found by name, or registered once for equal content.
//!
//! Launches wait for their definition by a [`Key`]. One question is out for each key, however many wait.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{Asked, CONTENT_LABEL, Definition, DefinitionContent};
use longshore_wire_ecs::Str;

use super::mapping::{Plan, cpu_units};
use crate::amounts::Amounts;
use crate::ids::LaunchId;
use crate::limits;

/// What a launch waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A definition that a task names.
    Name(Str),
    /// A definition of some content, by the family that is named after it.
    Content(Str),
}

impl Key {
    /// What a launch with this plan waits for.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        match (&plan.named, &plan.content) {
            (Some(named), _) => Some(Self::Name(named.clone())),
            (None, Some(content)) => Some(Self::Content(content.family.clone())),
            (None, None) => None,
        }
    }

    /// The name to look up.
    pub(crate) fn name(&self) -> &Str {
        match self {
            Self::Name(name) | Self::Content(name) => name,
        }
    }
}

/// What is known of a definition that a launch needs.
#[derive(Clone, Debug)]
pub(crate) enum Resolved {
    /// It is there.
    Found(Definition),
    /// It is to be looked up; the launch waits.
    LookUp(Key),
    /// It is being looked up already; the launch waits.
    Waits,
}

/// What is known of task definitions.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    found: BTreeMap<Key, (Timestamp, Definition)>,
    /// The same, the oldest first.
    by_age: BTreeSet<(Timestamp, Key)>,
    /// Launches that wait, by what they wait for.
    waiting: BTreeMap<Key, Vec<LaunchId>>,
    /// Launches that look again, since the cluster did not say.
    late: Vec<LaunchId>,
    /// What was asked, and whether it was to register the content.
    asked: BTreeMap<Asked<Option<Definition>>, (Key, bool)>,
}

impl Definitions {
    /// The definition of a launch, if it is known; else the launch waits for it.
    pub(super) fn resolve(&mut self, now: Timestamp, id: &LaunchId, key: Key) -> Resolved {
        if let Some((at, found)) = self.found.get(&key)
            && (now.since(*at) < limits::DEFINITION_FRESH_MS || matches!(key, Key::Content(_)))
        {
            return Resolved::Found(found.clone());
        }
        let waiting = self.waiting.entry(key.clone()).or_default();
        waiting.push(id.clone());
        if waiting.len() == 1 { Resolved::LookUp(key) } else { Resolved::Waits }
    }

    /// A question is out for a key.
    pub(super) fn asks(&mut self, asked: Asked<Option<Definition>>, key: Key, registers: bool) {
        self.asked.insert(asked, (key, registers));
    }

    /// What a question was about.
    pub(super) fn answered(&mut self, asked: Asked<Option<Definition>>) -> Option<(Key, bool)> {
        self.asked.remove(&asked)
    }

    /// A definition is there; the launches that waited for it.
    pub(super) fn found(&mut self, now: Timestamp, key: Key, found: Definition) -> Vec<LaunchId> {
        let waiting = self.waiting.remove(&key).unwrap_or_default();
        self.doubt(&key);
        self.by_age.insert((now, key.clone()));
        self.found.insert(key, (now, found));
        if self.found.len() > limits::DEFINITIONS_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.found.remove(&oldest);
        }
        waiting
    }

    /// A definition that was found may not be what it was thought to be: it is looked up again.
    pub(super) fn doubt(&mut self, key: &Key) {
        if let Some((at, _)) = self.found.remove(key) {
            self.by_age.remove(&(at, key.clone()));
        }
    }

    /// How many are remembered, or waited for.
    pub(super) fn len(&self) -> usize {
        self.found.len() + self.waiting.len() + self.late.len()
    }

    /// The launches that wait for a key; nobody waits any more.
    pub(super) fn take_waiting(&mut self, key: &Key) -> Vec<LaunchId> {
        self.waiting.remove(key).unwrap_or_default()
    }

    pub(super) fn waiting(&self, key: &Key) -> &[LaunchId] {
        self.waiting.get(key).map_or(&[], Vec::as_slice)
    }

    /// The cluster did not say: those who wait look again later.
    pub(super) fn is_late(&mut self, key: &Key) {
        let waiting = self.take_waiting(key);
        self.late.extend(waiting);
    }

    pub(super) fn take_late(&mut self) -> Vec<LaunchId> {
        std::mem::take(&mut self.late)
    }
}

/// Whether a definition that was found under the name of a content is of that content, by the digest of the whole in
/// its label. Member by member, what ECS tells of a definition differs from what was registered, by defaults that it
/// adds and may add more of; a definition taken for another would be registered again and again.
pub(super) fn is_of(found: &Definition, content: &DefinitionContent) -> bool {
    found.content.is_some()
        && found.content.as_ref() == content.labels.get(CONTENT_LABEL)
        && found.images.iter().eq(content.images())
}

/// The container that a task is: the essential one of the task's name, else the first essential one. The others only go along with it, and
/// get none of its environment.
pub(super) fn container<'a>(found: &'a Definition, name: &str) -> Option<&'a Str> {
    let essential = found.essential.iter();
    let named = essential.clone().find(|container| &***container == name);
    named.or(found.essential.first()).or(found.containers.first())
}

/// Where what a framework claims differs from what the definition reserves.
pub(super) fn difference(found: &Definition, claim: &Amounts) -> Option<String> {
    let mut differences = Vec::new();
    let claimed = cpu_units(claim);
    if claimed != found.cpu {
        differences.push(format!("{claimed} CPU units claimed, {} reserved", found.cpu));
    }
    let claimed = claim.scalar("mem").div_ceil(1000);
    if claimed != u64::from(found.memory_mib) {
        differences.push(format!("{claimed} MiB claimed, {} reserved", found.memory_mib));
    }
    let unclaimed = found.ports.iter().filter(|port| !claim.ports.contains(u64::from(**port)));
    let unclaimed: Vec<String> = unclaimed.map(ToString::to_string).collect();
    if !unclaimed.is_empty() {
        differences.push(format!("ports {} reserved and not claimed", unclaimed.join(", ")));
    }
    (!differences.is_empty()).then(|| {
        let differences = differences.join("; ");
        format!("the claim differs from the task definition {}: {differences}", found.arn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_definition_gives_way_where_there_are_too_many() {
        let mut definitions = Definitions::default();
        let key = |number: usize| Key::Name(format!("family-{number}").into());
        let now = |number: usize| Timestamp::from_millis(number as u64);
        let most = limits::DEFINITIONS_MAX;
        for number in 0..most {
            definitions.found(now(number), key(number), Definition::default());
        }
        definitions.found(now(most), key(0), Definition::default());
        definitions.found(now(most), key(most), Definition::default());
        assert_eq!((definitions.len(), definitions.by_age.len()), (most, most));
        let launch = LaunchId::from("launch");
        let is_found = |definitions: &mut Definitions, number| {
            let resolved = definitions.resolve(now(most), &launch, key(number));
            matches!(resolved, Resolved::Found(_))
        };
        assert!(is_found(&mut definitions, 0), "it was found again");
        assert!(is_found(&mut definitions, most));
        assert!(!is_found(&mut definitions, 1), "it was the oldest");
    }
}
