//! A file is named after its content and starts by saying why it exists.
//!
//! A file with a vague name attracts everything. The header is for readers who arrive through a
//! search and do not know yet whether this is the right place.

use syn::visit::{self, Visit};

use crate::tidy::Violation;
use crate::tidy::tree::{Tree, has_extension};

/// Names that say nothing about the content.
const BANNED: [&str; 14] = [
    "common",
    "data",
    "handle_stuff",
    "helper",
    "helpers",
    "info",
    "manager",
    "managers",
    "misc",
    "process",
    "process_stuff",
    "shared_utils",
    "util",
    "utils",
];

/// The one directory where `process` is a noun: the driver that runs tasks as processes.
const PROCESSES: &str = "edge/agent/";

/// The layers whose files start with a header.
const LAYERS: [&str; 3] = ["wire/", "core/", "edge/"];

/// Files, directories and inline modules have descriptive names.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for path in tree.paths().filter(|path| has_extension(path, "rs")) {
        for part in path.trim_end_matches(".rs").split('/') {
            refuse(path, 1, part, &mut found);
        }
    }
    for (path, file) in tree.parsed() {
        Modules { path, found: &mut found }.visit_file(file);
    }
    found
}

fn refuse(path: &str, line: usize, name: &str, found: &mut Vec<Violation>) {
    let allowed = name == "process" && path.starts_with(PROCESSES);
    if BANNED.contains(&name) && !allowed {
        let wanted = format!("`{name}` says nothing: name it after what is inside");
        found.push(Violation::new(path, line, "name", wanted));
    }
}

/// Checks inline modules; the others are files, which are checked separately.
struct Modules<'a> {
    path: &'a str,
    found: &'a mut Vec<Violation>,
}

impl<'ast> Visit<'ast> for Modules<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_some() {
            let line = module.ident.span().start().line;
            refuse(self.path, line, &module.ident.to_string(), self.found);
        }
        visit::visit_item_mod(self, module);
    }
}

/// Every Rust file of a layer starts with `//!`.
pub(crate) fn check_headers(tree: &Tree) -> Vec<Violation> {
    let in_layer = |path: &str| LAYERS.iter().any(|layer| path.starts_with(layer));
    let mut found = Vec::new();
    for (path, text) in tree.with_extension("rs").filter(|(path, _)| in_layer(path)) {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if !first.starts_with("//!") {
            let wanted = "open with `//!`: what this file is for, why this way, what always holds";
            found.push(Violation::new(path, 1, "header", wanted.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{check, check_headers};
    use crate::tidy::tree::Tree;

    fn places(files: &[(&str, &str)]) -> Vec<String> {
        let found = check(&Tree::of(files));
        found
            .into_iter()
            .map(|violation| format!("{}:{}", violation.path, violation.line))
            .collect()
    }

    #[test]
    fn names_that_say_nothing_are_refused_as_file_folder_and_module() {
        assert_eq!(places(&[("core/bridge/src/utils.rs", "")]), ["core/bridge/src/utils.rs:1"]);
        assert_eq!(
            places(&[("edge/server/src/common/a.rs", "")]),
            ["edge/server/src/common/a.rs:1"]
        );
        assert_eq!(
            places(&[("sim/src/a.rs", "//! A.\nmod misc { fn f() {} }\n")]),
            ["sim/src/a.rs:2"]
        );
    }

    #[test]
    fn names_of_things_are_right() {
        let files = [("core/bridge/src/offer.rs", "mod utility {}\n"), ("docs/data.md", "")];
        assert!(places(&files).is_empty());
    }

    #[test]
    fn processes_are_what_the_agent_runs_and_nobody_else() {
        assert!(places(&[("edge/agent/src/process.rs", "")]).is_empty());
        assert!(places(&[("edge/agent/src/process/spawn.rs", "")]).is_empty());
        assert_eq!(places(&[("core/control/src/process.rs", "")]).len(), 1);
    }

    #[test]
    fn a_file_of_a_layer_without_a_header_is_refused_tests_too() {
        let tree = Tree::of(&[
            ("wire/ecs/src/arn.rs", "use std::fmt;\n"),
            ("core/control/tests/prop.rs", "\n#![expect(x)]\n//! Late.\n"),
            ("core/control/src/lib.rs", "\n//! Right.\n#![forbid(unsafe_code)]\n"),
            ("xtask/src/main.rs", "fn main() {}\n"),
        ]);
        let found = check_headers(&tree);
        let paths: Vec<&str> = found.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, ["core/control/tests/prop.rs", "wire/ecs/src/arn.rs"]);
    }
}
