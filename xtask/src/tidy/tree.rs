//! The input of the rules: paths, texts, syntax trees and packages.
//!
//! Everything is read once, before any rule runs, so that rules are pure functions and their tests
//! can make up a tree in a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use walkdir::{DirEntry, WalkDir};

use crate::tidy::deny::Policy;
use crate::tidy::graph::{self, Package};

/// Maximum bytes of a file that rules read; longer files have a path but no text. Chosen by us:
/// sources are limited to 500 lines, so longer files are not sources.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Directories left behind by building and running.
const LEFT_BEHIND: [&str; 4] = ["target", "__pycache__", "node_modules", "venv"];

/// Hidden directories that belong to the project; all others belong to tools.
const HIDDEN: [&str; 3] = [".cargo", ".ci", ".github"];

/// The whole repository as the rules see it.
#[derive(Default)]
pub(crate) struct Tree {
    paths: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    syntax: BTreeMap<String, syn::Result<syn::File>>,
    packages: Vec<Package>,
}

impl Tree {
    /// Reads every file below `root` and the package graph from cargo.
    ///
    /// # Errors
    /// When a directory or file cannot be read, or cargo rejects the workspace.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for entry in WalkDir::new(root).into_iter().filter_entry(is_ours) {
            let entry = entry.context("cannot walk the repository")?;
            if entry.file_type().is_dir() {
                continue;
            }
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let path = path.to_string_lossy().replace('\\', "/");
            let bytes = if entry.file_type().is_file() {
                fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?
            } else {
                Vec::new()
            };
            match String::from_utf8(bytes) {
                Ok(text) if text.len() <= TEXT_BYTES_MAX => tree.add(&path, &text),
                _ => {
                    tree.paths.insert(path);
                }
            }
        }
        // An unreadable `deny.toml` is a violation that the rules report; here it just lists no
        // platforms.
        let platforms = Policy::of(&tree).map(|policy| policy.graph.targets).unwrap_or_default();
        tree.packages = graph::read(root, &platforms)?;
        Ok(tree)
    }

    fn add(&mut self, path: &str, text: &str) {
        self.paths.insert(path.to_owned());
        if has_extension(path, "rs") {
            self.syntax.insert(path.to_owned(), syn::parse_file(text));
        }
        self.texts.insert(path.to_owned(), text.to_owned());
    }

    /// Every file, whether it could be read or not.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Whether `path` is a file or directory; the empty path is the root.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let inside =
            |file: &&str| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        path.is_empty() || self.paths.contains(path) || self.paths().any(|file| inside(&file))
    }

    /// The text of `path`, or an empty string if there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Path and text of the files with this extension.
    pub(crate) fn with_extension<'a>(
        &'a self,
        extension: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts
            .iter()
            .filter(move |(path, _)| has_extension(path, extension))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Path and syntax tree of every Rust file, or the parse error.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &syn::Result<syn::File>)> {
        self.syntax.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Path and syntax tree of the Rust files that could be parsed.
    pub(crate) fn parsed(&self) -> impl Iterator<Item = (&str, &syn::File)> {
        self.rust().filter_map(|(path, file)| Some((path, file.as_ref().ok()?)))
    }

    /// Our packages and all third-party ones, as resolved.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The first line of `path` that contains `needle`, or 1.
    pub(crate) fn line_of(&self, path: &str, needle: &str) -> usize {
        let found = self.text(path).lines().position(|line| line.contains(needle));
        found.map_or(1, |index| index + 1)
    }
}

/// Whether `path` has this extension.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn is_ours(entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_dir() {
        return true;
    }
    let name = entry.file_name().to_string_lossy();
    let hidden = name.starts_with('.') && !HIDDEN.contains(&&*name);
    !hidden && !LEFT_BEHIND.contains(&&*name)
}

#[cfg(test)]
impl Tree {
    /// A made-up tree with these paths and texts.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.add(path, text);
        }
        tree
    }

    /// The same tree with these packages.
    pub(crate) fn with_packages(mut self, packages: Vec<Package>) -> Self {
        self.packages = packages;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, has_extension};

    #[test]
    fn a_folder_exists_when_a_file_is_in_it() {
        let tree = Tree::of(&[("docs/adr/0001-a.md", "")]);
        assert!(tree.exists("docs/adr"));
        assert!(tree.exists("docs/adr/0001-a.md"));
        assert!(tree.exists(""));
        assert!(!tree.exists("docs/ad"));
    }

    #[test]
    fn an_extension_is_what_follows_the_last_dot() {
        assert!(has_extension("core/a.rs", "rs"));
        assert!(!has_extension("core/rs", "rs"));
        assert!(!has_extension("core/a.rs.in", "rs"));
    }

    #[test]
    fn a_line_that_is_nowhere_counts_as_the_first() {
        let tree = Tree::of(&[("a.toml", "x = 1\ny = 2\n")]);
        assert_eq!(tree.line_of("a.toml", "y ="), 2);
        assert_eq!(tree.line_of("a.toml", "z ="), 1);
        assert_eq!(tree.line_of("b.toml", "x"), 1);
    }
}
