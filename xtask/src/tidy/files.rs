//! Files below the data directory are opened in one place.
//!
//! A data directory may contain links made by someone else, so `edge/` opens files through
//! `edge/agent/src/files.rs`, which does not follow links. Other uses of path functions of
//! `std::fs` are listed below with a reason; tests are exempt.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ExprPath, Meta};

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

/// Files that may pass paths to the system, and why.
const DOORS: [(&str, &str); 8] = [
    ("edge/agent/src/files.rs", "the door itself"),
    ("edge/agent/src/files/private.rs", "makes the directories above a data directory"),
    ("edge/agent/src/process/proc.rs", "reads the kernel's own files"),
    ("edge/agent/src/supervise/cgroup.rs", "writes the kernel's own files"),
    ("edge/cli/src/args/door.rs", "reads files that are named on the command line"),
    ("edge/driver/src/master.rs", "reads a file that is named as the master"),
    ("edge/server/src/metrics/kernel.rs", "reads the kernel's own files"),
    ("edge/cli/src/explain.rs", "reads and writes files that are named on the command line"),
];

/// Functions that take a path, by the type or module they are called on.
const OPENERS: [(&str, &[&str]); 4] = [
    (
        "fs",
        &[
            "canonicalize",
            "copy",
            "create_dir",
            "create_dir_all",
            "hard_link",
            "metadata",
            "read",
            "read_dir",
            "read_link",
            "read_to_string",
            "remove_dir",
            "remove_dir_all",
            "remove_file",
            "rename",
            "set_permissions",
            "write",
        ],
    ),
    ("File", &["create", "create_new", "open", "options"]),
    ("OpenOptions", &["new"]),
    ("DirBuilder", &["new"]),
];

/// Nothing else under `edge/` opens files by path.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.parsed() {
        let is_door = DOORS.iter().any(|(door, _)| *door == path);
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        if path.starts_with("edge/") && !is_door && !is_test {
            Openers { path, found: &mut found }.visit_file(file);
        }
    }
    found
}

struct Openers<'a> {
    path: &'a str,
    found: &'a mut Vec<Violation>,
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Openers<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
        if let (Some(call), Some(on)) = (names.next(), names.next()) {
            let of = OPENERS.iter().find(|(name, _)| *name == on);
            if of.is_some_and(|(_, calls)| calls.contains(&call.as_str())) {
                let line = path.span().start().line;
                let wanted = format!(
                    "`{on}::{call}` takes a path that may be led astray: open it through longshore_agent::files, or say in DOORS of xtask/src/tidy/files.rs why not"
                );
                self.found.push(Violation::new(self.path, line, "files", wanted));
            }
        }
        visit::visit_expr_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let found = check(&Tree::of(&[(path, text)]));
        found.into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn whatever_takes_a_path_is_found_however_it_is_named() {
        let text = "fn f() {\n    std::fs::read(p);\n    fs::write(p, b);\n    File::open(p);\n    OpenOptions::new();\n    p.map(std::fs::remove_dir_all);\n}\n";
        assert_eq!(lines("edge/server/src/a.rs", text), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_door_other_layers_and_tests_are_left_alone() {
        let text = "fn f() {\n    std::fs::read(p);\n}\n";
        for path in [
            "edge/agent/src/files.rs",
            "sim/src/a.rs",
            "edge/cli/tests/e2e/a.rs",
            "edge/server/src/a/tests.rs",
        ] {
            assert!(lines(path, text).is_empty(), "{path}");
        }
        let inside = format!("#[cfg(test)]\nmod tests {{\n    {text}}}\n");
        assert!(lines("edge/server/src/a.rs", &inside).is_empty());
    }

    #[test]
    fn other_calls_of_such_names_are_no_files() {
        let text =
            "fn f() {\n    folder.read(p);\n    rustix::fs::fstat(f);\n    Cgroup::create(p);\n}\n";
        assert!(lines("edge/server/src/a.rs", text).is_empty());
    }
}
