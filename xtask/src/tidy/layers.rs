//! The directory is the layer, and the layer determines a package's allowed dependencies.
//!
//! `wire` defines what can be said, `core` decides, `edge` acts. The allowed dependencies are
//! listed once, below. A package whose directory has no row is rejected too, because a new crate
//! must forbid something or be a module. The second rule keeps effects out of `wire` and `core`
//! even when they come through a third-party crate.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::tidy::Violation;
use crate::tidy::graph::Package;
use crate::tidy::tree::Tree;

/// A folder, and the folders of ours that it may depend on. A name that ends in `/` means all below it.
const LAYERS: [(&str, &[&str]); 32] = [
    ("wire/ecs", &[]),
    ("wire/mesos", &[]),
    ("wire/marathon", &[]),
    ("wire/chronos", &[]),
    ("wire/blox", &[]),
    ("core/machine", &["wire/"]),
    // Numbers: what is replaced, and by which rules, is for those who use it.
    ("core/rollout", &[]),
    ("core/placement", &["wire/", "core/machine"]),
    ("core/replica", &["wire/", "core/machine"]),
    // Publishers of events depend on the bus; the bus depends on none of them.
    ("core/events", &["wire/", "core/machine"]),
    ("core/control", &["wire/", "core/machine", "core/placement", "core/events", "core/rollout"]),
    // Bridge and daemon must run against real ECS, so their only view of a cluster is the replica.
    ("core/bridge", &["wire/", "core/machine", "core/replica"]),
    ("core/daemon", &["wire/", "core/machine", "core/placement", "core/replica", "core/rollout"]),
    ("core/stacks", &["wire/", "core/machine"]),
    // It knows no bridge: any Mesos master may be at the other end.
    ("core/driver", &["wire/", "core/machine"]),
    // Frameworks: they hear what a driver calls them with, and say what it takes, to whatever master.
    ("core/marathon", &["wire/", "core/machine", "core/driver", "core/rollout"]),
    ("core/chronos", &["wire/", "core/machine", "core/driver"]),
    ("core/lifecycle", &["wire/", "core/machine"]),
    // Server and CLI share the client, so it depends on neither; the same holds for the agent.
    ("edge/client", &["wire/", "core/"]),
    ("edge/agent", &["wire/", "core/"]),
    // Writes down what the bridge shows. It knows no socket, so that tests and benchmarks need none.
    ("edge/operator", &["wire/", "core/"]),
    // One of its drivers has a whole master inside, which the server hosts.
    ("edge/driver", &["wire/", "core/", "edge/client", "edge/server"]),
    // Clients of public protocols, like anybody's; from the server they have doors and the loop.
    (
        "edge/schedulers",
        &["wire/", "core/", "edge/agent", "edge/client", "edge/driver", "edge/server"],
    ),
    ("edge/libmesos", &["wire/", "core/", "edge/driver"]),
    ("edge/server", &["wire/", "core/", "edge/client", "edge/agent", "edge/operator"]),
    ("edge/cli", &["wire/", "core/", "edge/", "examples"]),
    // If the simulator needs something from the edge, that belongs in core.
    ("sim", &["wire/", "core/"]),
    ("examples", &["wire/", "core/machine", "core/replica", "edge/client", "edge/driver"]),
    ("bench", &["wire/", "core/", "edge/", "sim", "examples"]),
    ("conformance", &["wire/"]),
    ("fuzz", &["wire/", "core/"]),
    ("xtask", &["wire/"]),
];

/// Crates that would bring a clock, randomness, logging, sockets or files into wire or core.
const BANNED: [&str; 10] = [
    "aws-config",
    "aws-sdk-ecs",
    "axum",
    "bollard",
    "hyper",
    "rand",
    "reqwest",
    "rusqlite",
    "tokio",
    "tracing",
];

/// Dependencies among our packages, of every kind, follow the layers.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for package in tree.packages() {
        let Some((manifest, folder)) = package.ours() else {
            continue;
        };
        let Some((_, allowed)) = LAYERS.iter().find(|(row, _)| *row == folder) else {
            let wanted = format!(
                "{folder} has no row in LAYERS of xtask/src/tidy/layers.rs: say what it may not know, or make it a module"
            );
            found.push(Violation::new(&manifest, 1, "layers", wanted));
            continue;
        };
        for need in &package.needs {
            let Some(other) = &need.folder else { continue };
            if other != folder && !allowed.iter().any(|row| covers(row, other)) {
                let line = tree.line_of(&manifest, &need.name);
                let wanted = format!("{folder} may not depend on {other}; {}", spoken(allowed));
                found.push(Violation::new(&manifest, line, "layers", wanted));
            }
        }
    }
    found
}

fn covers(row: &str, folder: &str) -> bool {
    row == folder || (row.ends_with('/') && folder.starts_with(row))
}

fn spoken(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        "of ours it may depend on nothing".to_owned()
    } else {
        format!("of ours it may depend on {}", allowed.join(", "))
    }
}

/// Nothing under `wire/` or `core/` depends on a banned crate, directly or through another crate.
pub(crate) fn check_banned(tree: &Tree) -> Vec<Violation> {
    let by_id: BTreeMap<&str, &Package> =
        tree.packages().iter().map(|package| (package.id.as_str(), package)).collect();
    let mut found = Vec::new();
    for package in tree.packages() {
        let Some((manifest, folder)) = package.ours() else {
            continue;
        };
        if !(folder.starts_with("wire/") || folder.starts_with("core/")) {
            continue;
        }
        let direct = package.needs.iter().filter(|need| BANNED.contains(&need.name.as_str()));
        for need in direct {
            let line = tree.line_of(&manifest, &need.name);
            let wanted = format!("{} belongs in edge/, never in {folder}", need.name);
            found.push(Violation::new(&manifest, line, "banned-crate", wanted));
        }
        for (banned, through) in smuggled(package, &by_id) {
            let line = tree.line_of(&manifest, through);
            let wanted = format!(
                "{through} links {banned} into {folder}; do without, or turn its feature off"
            );
            found.push(Violation::new(&manifest, line, "banned-crate", wanted));
        }
    }
    found
}

/// Banned crates that `package` links indirectly, each with the direct dependency that brings it
/// in.
fn smuggled<'a>(
    package: &'a Package,
    by_id: &BTreeMap<&str, &'a Package>,
) -> Vec<(&'a str, &'a str)> {
    let mut seen = BTreeSet::new();
    let mut queue: VecDeque<(&str, &str)> = VecDeque::new();
    for link in &package.links {
        if let Some(direct) = by_id.get(link.as_str())
            && direct.folder.is_none()
            && !BANNED.contains(&direct.name.as_str())
        {
            queue.extend(direct.links.iter().map(|link| (link.as_str(), direct.name.as_str())));
        }
    }
    let mut found = Vec::new();
    while let Some((id, through)) = queue.pop_front() {
        let Some(next) = by_id.get(id).filter(|_| seen.insert(id)) else {
            continue;
        };
        if BANNED.contains(&next.name.as_str()) {
            found.push((next.name.as_str(), through));
        } else {
            queue.extend(next.links.iter().map(|link| (link.as_str(), through)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{check, check_banned};
    use crate::tidy::graph::Package;
    use crate::tidy::tree::Tree;

    fn tree(packages: Vec<Package>) -> Tree {
        Tree::of(&[]).with_packages(packages)
    }

    #[test]
    fn an_arrow_that_points_up_is_refused() {
        let found = check(&tree(vec![Package::at("wire/ecs", &["core/machine"], &[])]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "wire/ecs/Cargo.toml");
        assert!(found[0].wanted.contains("may not depend on core/machine"), "{}", found[0]);
    }

    #[test]
    fn the_bridge_never_sees_the_control_plane() {
        let packages = vec![Package::at("core/bridge", &["core/replica", "core/control"], &[])];
        let found = check(&tree(packages));
        assert_eq!(found.len(), 1);
        assert!(found[0].wanted.contains("core/control"), "{}", found[0]);
    }

    #[test]
    fn arrows_that_point_down_are_right() {
        let packages = vec![
            Package::at(
                "core/control",
                &["wire/ecs", "core/machine", "core/placement"],
                &["serde"],
            ),
            Package::at("edge/cli", &["edge/server", "edge/agent", "examples"], &["tokio"]),
            Package::at("sim", &["core/control", "wire/mesos"], &[]),
        ];
        let found = check(&tree(packages));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_package_without_a_row_is_refused() {
        let found = check(&tree(vec![Package::at("core/extra", &[], &[])]));
        assert!(found[0].wanted.contains("no row"), "{}", found[0]);
    }

    #[test]
    fn effects_stay_out_of_core_and_are_welcome_at_the_edge() {
        let manifest =
            ("core/control/Cargo.toml", "[dependencies]\nserde = \"1\"\ntokio = \"1\"\n");
        let tree = Tree::of(&[manifest]).with_packages(vec![
            Package::at("core/control", &[], &["serde", "tokio"]),
            Package::at("edge/server", &[], &["tokio"]),
        ]);
        let found = check_banned(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("core/control/Cargo.toml", 3));
    }

    #[test]
    fn a_banned_crate_behind_another_crate_is_found() {
        let mut wrapper = Package::foreign("wrapper", "1.0.0", None);
        wrapper.links = vec!["tokio".to_owned()];
        let tokio = Package::foreign("tokio", "1.0.0", None);
        let wire = Package::at("wire/mesos", &[], &["wrapper"]);
        let found = check_banned(&tree(vec![wire, wrapper, tokio]));
        assert_eq!(found.len(), 1);
        assert!(found[0].wanted.contains("wrapper links tokio"), "{}", found[0]);
    }
}
