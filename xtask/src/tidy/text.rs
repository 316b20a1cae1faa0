//! Text that must not appear anywhere in the repository.
//!
//! A path of one machine means nothing on another, and an untracked note to do something later
//! never gets done. Both slip in while trying things out.

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

/// Text file types to check; excludes lock files, images and licence texts.
const EXTENSIONS: [&str; 16] = [
    "css", "html", "in", "js", "json", "md", "mjs", "out", "proto", "py", "rs", "sh", "sql",
    "toml", "txt", "yml",
];

/// Scripts without an extension.
const SCRIPTS: [&str; 1] = [".ci/run"];

/// Home and work directories of a particular machine, split so that this file passes its own check.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// Notes to oneself.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// Checks for machine-specific paths and for notes without an issue number.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let written = EXTENSIONS.iter().flat_map(|extension| tree.with_extension(extension));
    let scripts = SCRIPTS.iter().map(|path| (*path, tree.text(path)));
    let mut found = Vec::new();
    for (path, text) in written.chain(scripts) {
        for (index, line) in text.lines().enumerate() {
            let mut refuse =
                |rule, wanted| found.push(Violation::new(path, index + 1, rule, wanted));
            if let Some(machine) = MACHINE_PATHS.iter().find(|machine| names_path(line, machine)) {
                refuse(
                    "machine-path",
                    format!("`{machine}` is on one machine only: use a relative path"),
                );
            }
            if let Some(note) = NOTES.iter().find(|note| is_untracked(line, note)) {
                refuse(
                    "note",
                    format!("{note} wants the number of its issue, as in `{note}(#12)`"),
                );
            }
        }
    }
    found
}

/// Whether `line` contains a path starting with `machine`.
fn names_path(line: &str, machine: &str) -> bool {
    line.match_indices(machine).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}' | ')'))
    })
}

/// Whether `line` contains the word `note` without a `#number` after it.
fn is_untracked(line: &str, note: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(note).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + note.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        let numbers = after.split('#').skip(1);
        whole && !numbers.into_iter().any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::{MACHINE_PATHS, NOTES, check};
    use crate::tidy::tree::Tree;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_path_of_one_machine_is_refused_wherever_people_read() {
        for machine in MACHINE_PATHS {
            let text = format!("fine\ncd {machine}somewhere\n");
            assert_eq!(lines("README.md", &text), [2]);
            assert_eq!(lines(".ci/run", &text), [2]);
            assert!(lines("Cargo.lock", &text).is_empty());
            assert!(lines("README.md", &format!("https://example.com{machine}x\n")).is_empty());
        }
    }

    #[test]
    fn a_note_wants_the_number_of_its_issue() {
        for note in NOTES {
            assert_eq!(lines("core/a.rs", &format!("// {note}: later\n")), [1]);
            assert!(lines("core/a.rs", &format!("// {note}(#12): later\n")).is_empty());
            assert!(lines("core/a.rs", &format!("// {note}_LIST, MAKE{note}\n")).is_empty());
        }
    }
}
