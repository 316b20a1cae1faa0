//! Links on pages resolve, and every decision is listed.
//!
//! Only links within the repository are followed: whether the rest of the web still exists is not a
//! matter for a reproducible check.

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

/// The directory of decisions, and the page that lists them.
const DECISIONS: &str = "docs/adr/";
const INDEX: &str = "docs/adr/README.md";

/// Every relative link in a Markdown file points to an existing file or directory.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.with_extension("md") {
        for (line, target) in targets(text) {
            let wanted = match resolve(path, target) {
                None => format!(
                    "`{target}` leads out of the repository; link by a relative path within it"
                ),
                Some(file) if !tree.exists(&file) => {
                    format!("`{target}` leads to {file}, which is not there")
                }
                Some(_) => continue,
            };
            found.push(Violation::new(path, line, "link", wanted));
        }
    }
    found
}

/// Every numbered decision is linked from the list of decisions.
pub(crate) fn check_decisions(tree: &Tree) -> Vec<Violation> {
    let listed: Vec<String> = targets(tree.text(INDEX))
        .into_iter()
        .filter_map(|(_, target)| resolve(INDEX, target))
        .collect();
    let mut found = Vec::new();
    for (path, _) in tree.with_extension("md") {
        let Some(name) = path.strip_prefix(DECISIONS) else {
            continue;
        };
        let digits = name.chars().take_while(char::is_ascii_digit).count();
        let numbered = digits == 4 && name[digits..].starts_with('-');
        if numbered && !listed.iter().any(|link| link == path) {
            let wanted = format!("nobody finds this decision: link it from {INDEX}");
            found.push(Violation::new(path, 1, "decision", wanted));
        }
    }
    found
}

/// The relative link targets of a page with their lines, without fragments; code is skipped.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
            (None, None) => {
                let inside = inline(line).into_iter().chain(definition(start));
                found.extend(inside.filter_map(relative).map(|target| (index + 1, target)));
            }
        }
    }
    found
}

/// The targets of `[text](target "title")` outside code.
fn inline(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    // Links may contain code in their text but not in their target: split at backticks, `](` stays
    // whole.
    for part in line.split('`').step_by(2) {
        for (at, mark) in part.match_indices("](") {
            let rest = &part[at + mark.len()..];
            let inside = rest.find(')').and_then(|end| rest.get(..end));
            found.extend(inside.and_then(|inside| inside.split_whitespace().next()));
        }
    }
    found
}

/// `[name]: target`
fn definition(line: &str) -> Option<&str> {
    let (name, target) = line.strip_prefix('[')?.split_once("]:")?;
    if name.contains(']') {
        return None;
    }
    target.split_whitespace().next()
}

/// The path of a target, unless it is a URL or a fragment of the same page.
fn relative(target: &str) -> Option<&str> {
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let path = target.split('#').next().unwrap_or_default();
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    (!elsewhere && !path.is_empty()).then_some(path)
}

/// Resolves `target` from the page `path` relative to the root; `None` if that is outside.
fn resolve(path: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{check, check_decisions};
    use crate::tidy::tree::Tree;

    fn broken(page: &str) -> Vec<usize> {
        let tree = Tree::of(&[("docs/guide/start.md", page), ("docs/a.md", ""), ("core/b.rs", "")]);
        check(&tree).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_right() {
        let page = "[a](../a.md#part) [core](../../core/) [`b`](../../core/b.rs \"title\")\n\
                    [web](https://example.com/x) [here](#part) [mail](mailto:a@example.com)\n\n[d]: ../a.md\n";
        assert!(broken(page).is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_refused_at_their_line() {
        assert_eq!(broken("fine\n[a](missing.md)\n\n[d]: ../missing.md\n"), [2, 4]);
        assert_eq!(broken("[up](../../../outside.md)\n[root](/docs/a.md)\n"), [1, 2]);
    }

    #[test]
    fn code_is_not_read_as_links() {
        assert!(broken("`[a](missing.md)`\n```\n[a](missing.md)\n```\n").is_empty());
        assert_eq!(broken("```\ncode\n```\n[a](missing.md)\n"), [4]);
    }

    #[test]
    fn a_decision_that_no_list_names_is_lost() {
        let tree = Tree::of(&[
            ("docs/adr/README.md", "- [one](0001-machines.md)\n"),
            ("docs/adr/0001-machines.md", ""),
            ("docs/adr/0002-storage.md", ""),
            ("docs/adr/template.md", ""),
        ]);
        let found = check_decisions(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "docs/adr/0002-storage.md");
    }
}
