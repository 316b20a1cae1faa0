//! Regular expressions as Java understands them, for a whole value and in bounded time.
//!
//! ECS hands them to `java.util.regex.Pattern`, which has look-around and back-references and takes time without
//! bound: one request could stop the control plane for minutes. Crates that match in linear time lack both. Those
//! that have them bound how often they go back, which does not bound the way between; and none means by `\d`, `.`,
//! `$`, `[a[b]&&c]` or `(?i)` what Java means. So the language has a small matcher of its own: [`parse`] makes a tree
//! of a pattern, [`program`] makes steps of the tree, [`machine`] follows them along a value and counts them.
//!
//! What is not supported is refused by name: modes other than `i` and `s`, Unicode properties, characters by their
//! name, grapheme clusters, halves of surrogate pairs, references to groups that have not ended, and `&&` with nothing
//! on one side. Classes by letter, boundaries of words and the case of letters are of US-ASCII, as in Java without
//! `(?U)`.
//!
//! Source: `java.util.regex.Pattern` of Java 17, and of Java 19 for `\b`, which agrees with `\w` since.

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

/// A regular expression that can be matched. Equal when the source is.
#[derive(Clone, Debug)]
pub(super) struct Regex {
    source: String,
    program: Arc<Program>,
    literals: Arc<Literals>,
}

impl Regex {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is wrong, too large, or not supported.
    pub(super) fn parse(source: &str) -> Result<Self, RegexError> {
        let tree = parse::parse(source)?;
        let (program, literals) = (Arc::new(Program::of(&tree)), Arc::new(Literals::of(&tree)));
        Ok(Self { source: source.to_owned(), program, literals })
    }

    /// The pattern as it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches the whole of `value`; not, when that cannot be found out within the bound of steps.
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
