//! The house rules that no compiler checks.
//!
//! A rule that nobody enforces soon no longer holds, so each one is a function from the tree to its
//! violations: pure, and tested on small made-up trees that break it and keep it. A rule never
//! fixes anything and reports every violation, so that a person sees all of the work at once.

mod attributes;
mod deny;
mod dependencies;
mod files;
mod graph;
mod layers;
mod licences;
mod limits;
mod links;
mod mesos_rules;
mod names;
mod sizes;
mod text;
mod tree;
mod walls;

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

use crate::tidy::tree::Tree;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// The file, relative to the root.
    pub(crate) path: String,
    /// Counts from 1; also 1 for the file as a whole.
    pub(crate) line: usize,
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// What is wrong, and what would be right.
    pub(crate) wanted: String,
}

impl Violation {
    /// A violation at `path:line`.
    pub(crate) fn new(path: &str, line: usize, rule: &'static str, wanted: String) -> Self {
        Self { path: path.to_owned(), line, rule, wanted }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.wanted)
    }
}

/// A rule returns everything in the tree that breaks it.
type Rule = fn(&Tree) -> Vec<Violation>;

/// Every rule of the house. Each module says in its header what it wants and why.
const RULES: [Rule; 16] = [
    layers::check,
    layers::check_banned,
    walls::check,
    dependencies::check_reasons,
    dependencies::check_duplicates,
    licences::check,
    sizes::check,
    names::check,
    names::check_headers,
    limits::check,
    links::check,
    links::check_decisions,
    text::check,
    attributes::check,
    files::check,
    mesos_rules::check,
];

/// Reads the tree at `root`, applies every rule and prints the violations.
///
/// # Errors
/// When there are violations, or the tree cannot be read.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::load(root)?;
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    violations.sort();
    violations.dedup();
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("tidy found {} violations", violations.len());
    }
    println!(
        "tidy: {} rules hold over {} files and {} packages",
        RULES.len(),
        tree.paths().count(),
        tree.packages().len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{RULES, Tree, Violation};

    #[test]
    fn a_violation_reads_as_an_editor_expects_it() {
        let violation = Violation::new("core/a.rs", 7, "size", "too long".to_owned());
        assert_eq!(violation.to_string(), "core/a.rs:7: size: too long");
    }

    #[test]
    fn nothing_is_wrong_with_a_tree_that_keeps_every_rule() {
        let tree = Tree::of(&[
            ("deny.toml", "[licenses]\nallow = [\"MIT\"]\n"),
            ("core/replica/src/lib.rs", "//! Why.\n\nfn short() {}\n"),
            ("README.md", "See [the source](core/replica/src/lib.rs).\n"),
        ]);
        let found: Vec<Violation> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}
