//! Revisions of environments: what an environment is to be, each time that was said.
//!
//! v1.0 deploys a revision; v0.3 knows none. Every environment has them, whichever API made it, so that both can deploy it.
//!
//! Invariant: an environment has one at least, and its ids are those of no other.
//!
//! Source: blox.md 4.1 and 4.2. v1.0 lost the instance group when an environment was changed; here it stays.

use longshore_wire_blox::scheduler::GroupAttribute;
use longshore_wire_ecs::Str;
use serde::{Deserialize, Serialize};

use super::{Environment, Settings};
use crate::limits;

/// A revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Revision {
    /// A UUID.
    pub(crate) id: Str,
    /// ARN.
    pub(crate) definition: Str,
    pub(crate) attributes: Vec<GroupAttribute>,
}

/// What only environments of v1.0 have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OfV1 {
    /// Its name: unique in its cluster.
    pub(crate) name: Str,
    pub(crate) role: Option<Str>,
}

impl Settings {
    /// The newest revision.
    pub(crate) fn latest(&self) -> Option<&Revision> {
        self.revisions.last()
    }

    /// A revision by its id.
    pub(crate) fn revision(&self, id: &str) -> Option<&Revision> {
        self.revisions.iter().find(|one| *one.id == *id)
    }

    /// The revision that says what is to be deployed now: the newest with its definition, and with its group if there is one.
    pub(crate) fn revision_of(&self, definition: &str) -> Option<&Revision> {
        let mut same = self.revisions.iter().rev().filter(|one| *one.definition == *definition);
        let of_group = same.clone().find(|one| one.attributes == self.attributes);
        of_group.or_else(|| same.next())
    }

    /// What the settings say becomes the newest revision. Of too many the oldest that is not `kept` is forgotten.
    pub(crate) fn revise(&mut self, id: Str, kept: Option<&str>) {
        let (definition, attributes) = (self.definition.clone(), self.attributes.clone());
        self.revisions.push(Revision { id, definition, attributes });
        while self.revisions.len() > limits::REVISIONS_MAX {
            let is_free = |one: &Revision| Some(&*one.id) != kept;
            let Some(at) = self.revisions.iter().position(is_free) else { return };
            self.revisions.remove(at);
        }
    }
}

impl Environment {
    /// What the settings say becomes the newest revision.
    pub(crate) fn revise(&mut self, id: Str) {
        let active = self.active().cloned();
        self.settings.revise(id, active.as_deref());
    }

    /// The revision to deploy for a definition: one that there is, or a new one with this id.
    pub(crate) fn revision_for(&mut self, definition: &Str, id: Str) -> Revision {
        self.settings.definition = definition.clone();
        if let Some(known) = self.settings.revision_of(definition) {
            return known.clone();
        }
        let made = Revision {
            id: id.clone(),
            definition: definition.clone(),
            attributes: self.settings.attributes.clone(),
        };
        self.revise(id);
        made
    }

    /// Id of the revision that is deployed, if any is.
    pub(crate) fn active(&self) -> Option<&Str> {
        // One that was stored before there were revisions has none.
        self.last().map(|last| &last.revision).filter(|id| !id.is_empty())
    }
}
