//! The parts of a machine do not see each other: which of them may name which is written here, and everything else is a
//! finding.
//!
//! A wall that only people watch has a hole in it within a month, and two parts that name each other cannot be read alone.
//! What concerns several parts belongs into a flow.

use super::Violation;
use super::tree::{Tree, has_extension};

/// A folder of parts.
struct House {
    /// The folder of the source.
    source: &'static str,
    /// The parts, each with the parts that it may name. The list has no cycle, since a part names only those above it.
    parts: &'static [(&'static str, &'static [&'static str])],
    /// Files that may name every part: they put them together.
    joins: &'static [&'static str],
}

const HOUSES: &[House] = &[House {
    source: "core/bridge/src/",
    parts: &[
        ("agents", &[]),
        ("maintenance", &[]),
        ("allocator", &[]),
        ("updates", &[]),
        ("checks", &[]),
        ("operator", &[]),
        ("calls", &["allocator"]),
        ("frameworks", &["calls"]),
        ("launches", &[]),
        ("cluster", &["launches"]),
    ],
    joins: &["flows", "machine", "lib", "audit"],
}];

/// References from one part to another that it may not name.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for house in HOUSES {
        for path in tree.paths().filter(|path| has_extension(path, "rs")) {
            let Some(inside) = path.strip_prefix(house.source) else { continue };
            let of = inside.split(['/', '.']).next().unwrap_or_default();
            if house.joins.contains(&of) {
                continue;
            }
            let may = house.parts.iter().find(|(part, _)| *part == of).map(|(_, may)| *may);
            let text = tree.text(path);
            for (number, line) in text.lines().enumerate() {
                found.extend(
                    hole(house, of, may.unwrap_or_default(), line)
                        .map(|wanted| Violation::new(path, number + 1, "walls", wanted)),
                );
            }
        }
    }
    found
}

/// What is wrong with a line of a file in a part.
fn hole(house: &House, of: &str, may: &[&str], line: &str) -> Option<String> {
    if line.trim_start().starts_with("//") {
        return None;
    }
    let named = line.split("crate::").skip(1);
    let named = named.map(|rest| {
        let end = rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    let mut others = named.filter(|name| {
        let is_part = house.parts.iter().any(|(part, _)| part == name) || *name == "flows";
        is_part && *name != of && !may.contains(name)
    });
    let other = others.next()?;
    Some(format!("`{of}` must not know `{other}`: what concerns both is a flow"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<Violation> {
        check(&Tree::of(&[(path, text)]))
    }

    #[test]
    fn a_part_that_names_another_is_found() {
        let holes =
            found("core/bridge/src/updates/status.rs", "//! Why.\nuse crate::launches::Launch;\n");
        assert_eq!(holes.len(), 1, "{holes:?}");
        assert_eq!((holes[0].line, holes[0].rule), (2, "walls"));
        assert_eq!(found("core/bridge/src/ids.rs", "use crate::flows::Parts;\n").len(), 1);
    }

    #[test]
    fn a_part_may_name_itself_and_those_it_is_allowed_and_flows_may_name_all() {
        for (path, text) in [
            ("core/bridge/src/cluster.rs", "use crate::launches::Launches;\n"),
            ("core/bridge/src/cluster/feed.rs", "use crate::cluster::Cluster;\n"),
            ("core/bridge/src/flows/telling.rs", "use crate::updates::Updates;\n"),
            (
                "core/bridge/src/updates.rs",
                "/// [`crate::flows`] decides.\nuse crate::ids::LaunchId;\n",
            ),
            ("core/control/src/machine.rs", "use crate::allocator::Any;\n"),
        ] {
            assert_eq!(found(path, text), [], "{path}");
        }
    }
}
