//! Java regular expressions, matched against a whole value in bounded time.
//!
//! ECS passes them to `java.util.regex.Pattern`, which has look-around and back-references and no
//! time limit: one request could block the control plane for minutes. Linear-time crates lack both.
//! Crates that have them limit the number of backtracks but not the work in between, and none gives
//! `\d`, `.`, `$`, `[a[b]&&c]` or `(?i)` their Java meaning. So the language has a small matcher of
//! its own: [`parse`] turns a pattern into a tree, [`program`] compiles the tree into steps, and
//! [`machine`] runs them on a value and counts them.
//!
//! Unsupported constructs are rejected by name: modes other than `i` and `s`, Unicode properties,
//! characters by name, grapheme clusters, unpaired surrogates, references to groups that have not
//! ended, and `&&` with an empty side. Class letters, word boundaries and case folding cover
//! US-ASCII only, as in Java without `(?U)`.
//!
//! Source: `java.util.regex.Pattern` of Java 17, except `\b` of Java 19, where it agrees with `\w`.

mod charset;
mod class;
mod escape;
mod group;
mod literal;
mod machine;
mod parse;
mod problem;
mod program;
mod scanner;
mod tree;

use std::sync::Arc;

pub use problem::RegexProblem;

use super::effort::Effort;
use literal::Literals;
use problem::RegexError;
use program::Program;

/// A compiled regular expression. Equal if the source is.
#[derive(Clone, Debug)]
pub(super) struct Regex {
    source: String,
    program: Arc<Program>,
    literals: Arc<Literals>,
}

impl Regex {
    /// Parses a pattern.
    ///
    /// # Errors
    /// If it is invalid, too large, or not supported.
    pub(super) fn parse(source: &str) -> Result<Self, RegexError> {
        let tree = parse::parse(source)?;
        let (program, literals) = (Arc::new(Program::of(&tree)), Arc::new(Literals::of(&tree)));
        Ok(Self { source: source.to_owned(), program, literals })
    }

    /// The pattern as written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches the whole of `value`; false if the step limit is reached first.
    pub(super) fn matches(&self, value: &str, effort: &Effort) -> bool {
        self.literals.are_in(value) && machine::matches(&self.program, value, effort)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Regex {}

#[cfg(test)]
mod tests;
