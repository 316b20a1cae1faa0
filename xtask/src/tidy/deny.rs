//! Reads `deny.toml`, the policy that cargo-deny and these rules share, so that it is written down
//! only once.
//!
//! Only what the rules need is read; cargo-deny itself rejects unknown keys.

use serde::Deserialize;

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

/// The path of the policy.
pub(crate) const PATH: &str = "deny.toml";

/// The parts of the policy that the rules use.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Policy {
    /// The supported platforms.
    #[serde(default)]
    pub(crate) graph: Graph,
    /// The accepted licences.
    #[serde(default)]
    pub(crate) licenses: Licences,
    /// The dependencies in use, and which of them may be duplicated.
    #[serde(default)]
    pub(crate) bans: Bans,
}

/// `[graph]`
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Graph {
    /// Target triples.
    #[serde(default)]
    pub(crate) targets: Vec<String>,
}

/// `[licenses]`
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Licences {
    /// SPDX identifiers, with exceptions where they have one.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
}

/// `[bans]`
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Bans {
    /// Direct dependencies. cargo-deny ignores an entry without a list of features, which makes
    /// this the one place in its format for the reason a crate is used.
    #[serde(default)]
    pub(crate) features: Vec<Entry>,
    /// Versions that may coexist with another.
    #[serde(default)]
    pub(crate) skip: Vec<Entry>,
}

/// A crate, optionally of one version, and the reason for it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Entry {
    /// `name`, `name@version` or a partial version.
    #[serde(rename = "crate")]
    pub(crate) spec: String,
    /// An explanation for people.
    #[serde(default)]
    pub(crate) reason: String,
    /// Features that may be enabled; an entry with features is a rule as well as a reason.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    /// Features that must not be enabled.
    #[serde(default)]
    pub(crate) deny: Vec<String>,
}

impl Entry {
    /// The name of the crate without a version.
    pub(crate) fn name(&self) -> &str {
        self.spec.split(['@', ':']).next().unwrap_or_default()
    }

    /// Whether the entry covers this version: `1.2` covers every `1.2.x`, no version covers all of
    /// them.
    pub(crate) fn covers(&self, name: &str, version: &str) -> bool {
        let mut parts = self.spec.splitn(2, ['@', ':']);
        if parts.next() != Some(name) {
            return false;
        }
        parts.next().is_none_or(|wanted| {
            let wanted = wanted.trim_start_matches('=').trim();
            version
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '+']))
        })
    }
}

impl Policy {
    /// Reads the policy of a tree.
    ///
    /// # Errors
    /// Returns the violation to report if the file is missing or invalid.
    pub(crate) fn of(tree: &Tree) -> Result<Self, Violation> {
        if !tree.exists(PATH) {
            let wanted = "the file is missing; every rule about dependencies needs it".to_owned();
            return Err(Violation::new(PATH, 1, "deny", wanted));
        }
        toml::from_str(tree.text(PATH)).map_err(|error| {
            let before = error.span().and_then(|span| tree.text(PATH).get(..span.start));
            let line = before.map_or(1, |text| text.matches('\n').count() + 1);
            Violation::new(PATH, line, "deny", error.message().to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Policy};
    use crate::tidy::tree::Tree;

    fn entry(spec: &str) -> Entry {
        Entry { spec: spec.to_owned(), ..Entry::default() }
    }

    #[test]
    fn an_entry_covers_the_versions_that_it_begins() {
        assert!(entry("syn").covers("syn", "1.0.1"));
        assert!(entry("syn@1.0.1").covers("syn", "1.0.1"));
        assert!(entry("syn@1").covers("syn", "1.0.1"));
        assert!(!entry("syn@1").covers("syn", "11.0.1"));
        assert!(!entry("syn@1").covers("synstructure", "1.0.1"));
        assert_eq!(entry("syn@1").name(), "syn");
    }

    #[test]
    fn a_mistake_in_the_file_is_shown_at_its_line() {
        let tree = Tree::of(&[("deny.toml", "[bans]\n\nfeatures = 3\n")]);
        let violation = Policy::of(&tree).unwrap_err();
        assert_eq!((violation.path.as_str(), violation.line), ("deny.toml", 3));
    }

    #[test]
    fn a_missing_file_is_a_violation() {
        assert!(Policy::of(&Tree::of(&[])).is_err());
    }
}
