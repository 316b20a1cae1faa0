//! Every direct dependency has a reason, and no crate is duplicated without one.
//!
//! A dependency is someone else's code running as ours; a sentence in `deny.toml` is the least it
//! should cost. Reasons that outlive their crate are rejected too, since an inaccurate list is not
//! read.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::Violation;
use crate::tidy::deny::{PATH, Policy};
use crate::tidy::tree::Tree;

/// The direct third-party dependencies match the reasons in `[[bans.features]]`.
pub(crate) fn check_reasons(tree: &Tree) -> Vec<Violation> {
    let policy = match Policy::of(tree) {
        Ok(policy) => policy,
        Err(violation) => return vec![violation],
    };
    let reasons = &policy.bans.features;
    let mut found = Vec::new();
    let mut direct = BTreeSet::new();
    for package in tree.packages() {
        let Some((manifest, _)) = package.ours() else {
            continue;
        };
        for need in package.needs.iter().filter(|need| need.folder.is_none()) {
            let has_reason = |name: &str| {
                reasons.iter().any(|entry| entry.name() == name && !entry.reason.trim().is_empty())
            };
            if direct.insert(need.name.as_str()) && !has_reason(&need.name) {
                let line = tree.line_of(&manifest, &need.name);
                let wanted = format!(
                    "{} wants an entry with a reason under [[bans.features]] of {PATH}",
                    need.name
                );
                found.push(Violation::new(&manifest, line, "reason", wanted));
            }
        }
    }
    for entry in reasons {
        let only_reason = entry.allow.is_empty() && entry.deny.is_empty();
        if only_reason && !direct.contains(entry.name()) {
            let line = line_of(tree, &entry.spec);
            let wanted = format!("no package of ours asks for {}: remove its entry", entry.name());
            found.push(Violation::new(PATH, line, "reason", wanted));
        }
    }
    found
}

/// Each crate has one version; every further version has an entry with a reason in `bans.skip`.
pub(crate) fn check_duplicates(tree: &Tree) -> Vec<Violation> {
    let Ok(policy) = Policy::of(tree) else {
        return Vec::new(); // Reported once, by the rule above.
    };
    let mut found = Vec::new();
    for entry in policy.bans.skip.iter().filter(|entry| entry.reason.trim().is_empty()) {
        let wanted = format!("{} may be there twice only for a reason: write it down", entry.spec);
        found.push(Violation::new(PATH, line_of(tree, &entry.spec), "duplicate", wanted));
    }
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in tree.packages().iter().filter(|package| package.folder.is_none()) {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    for (name, versions) in versions {
        let excused =
            |version: &&str| policy.bans.skip.iter().any(|entry| entry.covers(name, version));
        let unexcused: Vec<&str> =
            versions.into_iter().filter(|version| !excused(version)).collect();
        if unexcused.len() > 1 {
            let line = tree.line_of("Cargo.lock", &format!("name = \"{name}\""));
            let wanted = format!(
                "{name} is there as {}: unite them, or skip all but one under [bans] of {PATH} with the reason",
                unexcused.join(" and ")
            );
            found.push(Violation::new("Cargo.lock", line, "duplicate", wanted));
        }
    }
    found
}

fn line_of(tree: &Tree, spec: &str) -> usize {
    tree.line_of(PATH, &format!("\"{spec}\""))
}

#[cfg(test)]
mod tests {
    use super::{check_duplicates, check_reasons};
    use crate::tidy::graph::Package;
    use crate::tidy::tree::Tree;

    const SERDE: &str = "[[bans.features]]\ncrate = \"serde\"\nreason = \"JSON\"\n";

    fn tree(deny: &str, packages: Vec<Package>) -> Tree {
        Tree::of(&[("deny.toml", deny)]).with_packages(packages)
    }

    #[test]
    fn a_crate_without_a_reason_is_refused() {
        let packages = vec![Package::at("wire/ecs", &[], &["serde", "sha2"])];
        let found = check_reasons(&tree(SERDE, packages));
        assert_eq!(found.len(), 1);
        assert!(found[0].wanted.starts_with("sha2 wants"), "{}", found[0]);
    }

    #[test]
    fn an_empty_reason_is_none() {
        let deny = "[[bans.features]]\ncrate = \"serde\"\nreason = \" \"\n";
        let found = check_reasons(&tree(deny, vec![Package::at("wire/ecs", &[], &["serde"])]));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_reason_that_outlives_its_crate_is_refused_at_its_line() {
        let found = check_reasons(&tree(SERDE, vec![Package::at("wire/ecs", &[], &[])]));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("deny.toml", 2));
    }

    #[test]
    fn a_crate_with_a_reason_is_right_wherever_it_is_used() {
        let packages = vec![
            Package::at("wire/ecs", &[], &["serde"]),
            Package::at("wire/mesos", &["wire/ecs"], &["serde"]),
        ];
        let found = check_reasons(&tree(SERDE, packages));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_missing_policy_is_reported_once() {
        let tree = Tree::of(&[]);
        assert_eq!(check_reasons(&tree).len() + check_duplicates(&tree).len(), 1);
    }

    #[test]
    fn a_second_version_wants_a_skip_with_a_reason() {
        let twice =
            || vec![Package::foreign("syn", "1.0.1", None), Package::foreign("syn", "2.0.0", None)];
        assert_eq!(check_duplicates(&tree("", twice())).len(), 1);

        let excused = "[bans]\nskip = [{ crate = \"syn@1\", reason = \"old macros\" }]\n";
        let found = check_duplicates(&tree(excused, twice()));
        assert!(found.is_empty(), "{found:?}");

        let silent = "[bans]\nskip = [{ crate = \"syn@1\" }]\n";
        let found = check_duplicates(&tree(silent, twice()));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
    }
}
