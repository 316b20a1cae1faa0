//! Offers that are out, found by their id, by their instance and by their framework.
//!
//! Beside them stand amounts that were on offer, were accepted, and are being turned into launches: nobody may be offered
//! those meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_ecs::Str;

use crate::amounts::Amounts;

/// An offer that a framework has and has not answered.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) framework: Str,
    pub(crate) role: Str,
    /// ARN of the instance.
    pub(crate) instance: Str,
    pub(crate) amounts: Amounts,
}

/// Names accepted amounts that are being turned into launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hold(u64);

/// All offers that are out.
#[derive(Debug, Default)]
pub(crate) struct Book {
    all: BTreeMap<Str, Offered>,
    by_instance: BTreeMap<Str, BTreeSet<Str>>,
    by_framework: BTreeMap<Str, BTreeSet<Str>>,
    held: BTreeMap<Str, BTreeMap<Hold, Amounts>>,
    holds_made: u64,
}

fn index(of: &mut BTreeMap<Str, BTreeSet<Str>>, key: &Str, id: &Str) {
    of.entry(key.clone()).or_default().insert(id.clone());
}

fn unindex(of: &mut BTreeMap<Str, BTreeSet<Str>>, key: &str, id: &str) {
    if let Some(ids) = of.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            of.remove(key);
        }
    }
}

impl Book {
    pub(crate) fn insert(&mut self, id: Str, offered: Offered) {
        index(&mut self.by_instance, &offered.instance, &id);
        index(&mut self.by_framework, &offered.framework, &id);
        self.all.insert(id, offered);
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Offered> {
        let offered = self.all.remove(id)?;
        unindex(&mut self.by_instance, &offered.instance, id);
        unindex(&mut self.by_framework, &offered.framework, id);
        Some(offered)
    }

    /// An offer that may still be answered.
    pub(crate) fn get(&self, id: &str) -> Option<&Offered> {
        let offered = self.all.get(id)?;
        self.by_framework.get(&offered.framework)?.contains(id).then_some(offered)
    }

    /// Takes all offers of a framework back at once: it cannot answer them any more. What they hold is free once each has
    /// been removed.
    pub(crate) fn withdraw(&mut self, framework: &str) -> BTreeSet<Str> {
        self.by_framework.remove(framework).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.held.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Str, &Offered)> {
        self.all.iter()
    }

    fn found<'a>(
        &'a self,
        by: &'a BTreeMap<Str, BTreeSet<Str>>,
        key: &str,
    ) -> impl Iterator<Item = (&'a Str, &'a Offered)> {
        by.get(key).into_iter().flatten().filter_map(|id| self.all.get_key_value(id))
    }

    pub(crate) fn of_instance(&self, arn: &str) -> impl Iterator<Item = (&Str, &Offered)> {
        self.found(&self.by_instance, arn)
    }

    pub(crate) fn of_framework(&self, id: &str) -> impl Iterator<Item = (&Str, &Offered)> {
        self.found(&self.by_framework, id)
    }

    /// What offers of an instance hold together.
    pub(crate) fn offered(&self, arn: &str) -> Amounts {
        Amounts::sum(self.of_instance(arn).map(|(_, offered)| &offered.amounts))
    }

    /// What is being turned into launches on an instance.
    pub(crate) fn held(&self, arn: &str) -> Amounts {
        Amounts::sum(self.held.get(arn).into_iter().flat_map(BTreeMap::values))
    }

    /// Keeps amounts of an instance from being offered.
    pub(crate) fn hold(&mut self, arn: &Str, amounts: Amounts) -> Hold {
        self.holds_made += 1;
        let hold = Hold(self.holds_made);
        self.held.entry(arn.clone()).or_default().insert(hold, amounts);
        hold
    }

    /// They may be offered again.
    pub(crate) fn release(&mut self, arn: &str, hold: Hold) -> Amounts {
        let Some(held) = self.held.get_mut(arn) else { return Amounts::default() };
        let amounts = held.remove(&hold).unwrap_or_default();
        if held.is_empty() {
            self.held.remove(arn);
        }
        amounts
    }

    /// What the indexes say and the offers do not.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut again = Self::default();
        for (id, offered) in &self.all {
            again.insert(id.clone(), offered.clone());
        }
        let mut wrong = Vec::new();
        if self.by_instance != again.by_instance {
            wrong.push(format!("offers of instances are {:?}", self.by_instance));
        }
        // Offers that are being withdrawn are in no framework's hands.
        for (framework, ids) in &self.by_framework {
            let own = again.by_framework.get(framework);
            if ids.is_empty() || own.is_none_or(|own| !ids.is_subset(own)) {
                wrong.push(format!("offers of framework {framework} are {ids:?}"));
            }
        }
        wrong
    }
}
