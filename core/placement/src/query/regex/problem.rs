//! What is wrong with a regular expression.

use thiserror::Error;

use crate::query::limits::{REGEX_DEPTH_MAX, REGEX_SIZE_MAX};

/// What is wrong with a regular expression, or is not supported of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegexProblem {
    /// Java has it, this language does not.
    #[error("{construct}, {name}, is not supported in a regular expression")]
    Unsupported {
        /// What is there.
        construct: String,
        /// What it is called.
        name: &'static str,
    },
    /// A repeat at the beginning, or after a repeat or an assertion.
    #[error("{0} in a regular expression has nothing to repeat")]
    NothingToRepeat(char),
    /// A brace that begins no repeat.
    #[error("{{ does not begin a valid repetition in a regular expression")]
    Repeat,
    /// A repeat or a reference that makes a look-behind of any length.
    #[error("the length of a look-behind in a regular expression is unbounded")]
    UnboundedLookBehind,
    /// A group or class that does not end.
    #[error("unclosed {0} in a regular expression")]
    Unclosed(char),
    /// A parenthesis that nothing opens.
    #[error("unexpected ) in a regular expression")]
    Unopened,
    /// A backslash with nothing, or nothing known, after it.
    #[error("{0} has no meaning in a regular expression")]
    Escape(String),
    /// A parenthesis and a question mark with nothing known after them.
    #[error("{0} does not begin a valid group in a regular expression")]
    Group(String),
    /// A group's name that is none, or is there twice.
    #[error("{0:?} cannot be the name of a group in a regular expression")]
    GroupName(String),
    /// A back-reference to what is not there.
    #[error("{0} does not refer to a group that ends before it in the regular expression")]
    NoSuchGroup(String),
    /// A range of characters that ends before it begins.
    #[error("{0}-{1} is not a valid range in a regular expression")]
    Range(char, char),
    /// An intersection of classes without one of its sides.
    #[error("&& in a regular expression has nothing on one side")]
    Intersection,
    /// Groups and classes in each other without end.
    #[error("groups or classes in a regular expression are nested deeper than {REGEX_DEPTH_MAX}")]
    TooDeep,
    /// More than may be compiled.
    #[error("the regular expression is too long")]
    TooLarge,
}

impl RegexProblem {
    /// What may help.
    pub(in crate::query) fn hint(&self) -> Option<String> {
        match self {
            Self::Repeat => Some("repetitions are written {2}, {2,} and {2,5}".to_owned()),
            Self::GroupName(_) => Some(
                "a name is a letter followed by letters or digits, and is used for one group only"
                    .to_owned(),
            ),
            Self::TooLarge => Some(format!(
                "with repetitions expanded, it may have at most {REGEX_SIZE_MAX} characters"
            )),
            _ => None,
        }
    }
}

/// A problem and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::query) struct RegexError {
    /// In bytes, from the beginning of the pattern.
    pub(in crate::query) offset: usize,
    pub(in crate::query) problem: RegexProblem,
}
