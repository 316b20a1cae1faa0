//! Every cited rule of the Mesos master exists, and every testable rule is tested.
//!
//! Code and tests cite the rules of `docs/reference/mesos-rules.md` by id, such as `[C8]`. An id
//! that cannot be looked up explains nothing, and a rule without a test is a promise that nobody
//! keeps. The page may list untested rules with a reason, as long as they are untested.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::tidy::Violation;
use crate::tidy::tree::{Tree, has_extension};

const RULE: &str = "mesos-rule";
const PAGE: &str = "docs/reference/mesos-rules.md";
/// The heading under which untested rules are listed.
const PENDING: &str = "## Not covered yet";
/// Reasons why a rule is not testable.
const UNTESTED: [&str; 4] = ["no, agent", "no, client", "no, inside", "no, unserved"];

/// Checks that citations, rows and tests agree.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let page = Page::read(tree.text(PAGE), &mut found);
    let mut tested: BTreeMap<String, String> = BTreeMap::new();
    for extension in ["rs", "py", "md", "proto"] {
        for (path, text) in tree.with_extension(extension).filter(|(path, _)| *path != PAGE) {
            let tests = tests(tree, path, text);
            for (line, id) in citations(text, extension == "rs") {
                if !page.rules.contains_key(id) {
                    let wanted = format!("[{id}] is not on {PAGE}");
                    found.push(Violation::new(path, line, RULE, wanted));
                } else if tests.iter().any(|lines| lines.contains(&line)) {
                    tested.entry(id.to_owned()).or_insert_with(|| format!("{path}:{line}"));
                }
            }
        }
    }
    page.compare(&tested, &mut found);
    found
}

/// A rule's row in a table.
struct Row {
    line: usize,
    /// Whether a test can observe the rule.
    testable: bool,
}

/// The parsed page.
#[derive(Default)]
struct Page {
    rules: BTreeMap<String, Row>,
    /// Rules that no test cites yet, with the line of their entry.
    pending: BTreeMap<String, usize>,
}

impl Page {
    /// Parses the rows and the list, and reports malformed ones.
    fn read(text: &str, found: &mut Vec<Violation>) -> Self {
        let mut page = Self::default();
        let mut refuse =
            |line, wanted: String| found.push(Violation::new(PAGE, line, RULE, wanted));
        let mut listing = false;
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            if text.starts_with("## ") {
                listing = text == PENDING;
            } else if listing && let Some(entry) = text.strip_prefix("- ") {
                match entry.split_once(": ").filter(|(id, why)| is_id(id) && !why.is_empty()) {
                    Some((id, _)) => {
                        if page.pending.insert(id.to_owned(), line).is_some() {
                            refuse(line, format!("{id} is listed twice"));
                        }
                    }
                    None => refuse(line, "an entry reads `- C8: why no test cites it`".to_owned()),
                }
            } else if let Some(cells) = row(text) {
                let [id, _, source, tested] = cells[..] else {
                    refuse(line, "a rule has four cells: id, rule, source, tested".to_owned());
                    continue;
                };
                let testable = tested == "yes";
                if !testable && !UNTESTED.contains(&tested) {
                    let known = UNTESTED.join("`, `");
                    refuse(line, format!("{id} is tested `yes`, `{known}`, and not `{tested}`"));
                }
                if !source.contains('`') {
                    refuse(line, format!("{id} names no file or page as its source"));
                }
                if page.rules.insert(id.to_owned(), Row { line, testable }).is_some() {
                    refuse(line, format!("{id} has a row already"));
                }
            }
        }
        page
    }

    /// Reports where the page and the tests disagree; `tested` maps each rule to a test that cites
    /// it.
    fn compare(&self, tested: &BTreeMap<String, String>, found: &mut Vec<Violation>) {
        let mut refuse =
            |line, wanted: String| found.push(Violation::new(PAGE, line, RULE, wanted));
        for (id, row) in &self.rules {
            match (row.testable, tested.get(id), self.pending.contains_key(id)) {
                (true, None, false) => {
                    refuse(
                        row.line,
                        format!("no test cites [{id}]: cite it or list it under \"{PENDING}\""),
                    );
                }
                (false, Some(place), _) => {
                    refuse(
                        row.line,
                        format!("{id} is marked as not testable, yet {place} cites it in a test"),
                    );
                }
                _ => {}
            }
        }
        for (id, line) in &self.pending {
            match (self.rules.get(id), tested.get(id)) {
                (None, _) => refuse(*line, format!("{id} is not among the rules")),
                (Some(row), _) if !row.testable => {
                    refuse(*line, format!("{id} is marked as not testable and needs no entry"));
                }
                (Some(_), Some(place)) => {
                    refuse(*line, format!("{place} cites [{id}]: take it off the list"));
                }
                _ => {}
            }
        }
    }
}

/// The cells of a row whose first cell is an id.
fn row(line: &str) -> Option<Vec<&str>> {
    let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
    let (last, cells) = cells.split_last()?;
    let is_rule = last.is_empty() && cells.first().is_some_and(|first| is_id(first));
    is_rule.then(|| cells.to_vec())
}

/// A letter followed by a number.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix(|c: char| c.is_ascii_uppercase());
    digits.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The bracketed ids in a text, with their lines; in Rust, only those in comments.
fn citations(text: &str, rust: bool) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = if rust { line.find("//").map_or("", |at| &line[at..]) } else { line };
        for part in line.split('[').skip(1) {
            let inside = part.split_once(']').map(|(inside, _)| inside.trim_end_matches('\\'));
            found.extend(inside.filter(|inside| is_id(inside)).map(|id| (index + 1, id)));
        }
    }
    found
}

/// The line range of each test in a file, including its attributes or decorators.
fn tests(tree: &Tree, path: &str, text: &str) -> Vec<RangeInclusive<usize>> {
    if has_extension(path, "py") {
        return python_tests(text);
    }
    let mut tests = RustTests::default();
    let parsed = tree.parsed().find(|(parsed, _)| *parsed == path);
    if let Some((_, file)) = parsed {
        tests.visit_file(file);
    }
    tests.0
}

/// Functions with an attribute named `test`.
#[derive(Default)]
struct RustTests(Vec<RangeInclusive<usize>>);

impl<'ast> Visit<'ast> for RustTests {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let is_test = |attribute: &syn::Attribute| {
            attribute.path().segments.last().is_some_and(|last| last.ident == "test")
        };
        if function.attrs.iter().any(is_test) {
            let starts = function.attrs.iter().map(|attribute| attribute.span().start().line);
            let last = function.block.brace_token.span.close().end().line;
            self.0.extend(starts.min().map(|first| first..=last));
        }
        visit::visit_item_fn(self, function);
    }
}

/// Unindented functions named `test_...`.
fn python_tests(text: &str) -> Vec<RangeInclusive<usize>> {
    let mut found = Vec::new();
    let mut decorated = None;
    let mut open: Option<usize> = None;
    let mut last = 0;
    for (index, line) in text.lines().enumerate() {
        let at_margin = line.starts_with(|c: char| c.is_alphabetic() || c == '@' || c == '#');
        if at_margin {
            found.extend(open.take().map(|first| first..=last));
            if line.starts_with('@') {
                decorated = decorated.or(Some(index + 1));
            } else {
                let first = decorated.take().unwrap_or(index + 1);
                open = line.starts_with("def test_").then_some(first);
            }
        }
        if !line.trim().is_empty() {
            last = index + 1;
        }
    }
    found.extend(open.map(|first| first..=last));
    found
}

#[cfg(test)]
mod tests;
