//! Errors in regular expressions.

use thiserror::Error;

use crate::query::limits::{REGEX_DEPTH_MAX, REGEX_SIZE_MAX};

/// An invalid or unsupported part of a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegexProblem {
    /// Java supports it, this language does not.
    #[error("{construct}, {name}, is not supported in a regular expression")]
    Unsupported {
        /// The construct.
        construct: String,
        /// Its name.
        name: &'static str,
    },
    /// A repeat at the start, or after a repeat or an assertion.
    #[error("{0} in a regular expression has nothing to repeat")]
    NothingToRepeat(char),
    /// A brace that is not a repeat.
    #[error("{{ does not begin a valid repetition in a regular expression")]
    Repeat,
    /// A repeat or reference that makes a look-behind unbounded.
    #[error("the length of a look-behind in a regular expression is unbounded")]
    UnboundedLookBehind,
    /// An unclosed group or class.
    #[error("unclosed {0} in a regular expression")]
    Unclosed(char),
    /// A closing parenthesis without an opening one.
    #[error("unexpected ) in a regular expression")]
    Unopened,
    /// An incomplete or unknown escape.
    #[error("{0} has no meaning in a regular expression")]
    Escape(String),
    /// An unknown group syntax after `(?`.
    #[error("{0} does not begin a valid group in a regular expression")]
    Group(String),
    /// An invalid or duplicate group name.
    #[error("{0:?} cannot be the name of a group in a regular expression")]
    GroupName(String),
    /// A back-reference to a group that does not exist.
    #[error("{0} does not refer to a group that ends before it in the regular expression")]
    NoSuchGroup(String),
    /// A range of characters in reverse order.
    #[error("{0}-{1} is not a valid range in a regular expression")]
    Range(char, char),
    /// An intersection of classes with an empty side.
    #[error("&& in a regular expression has nothing on one side")]
    Intersection,
    /// Groups and classes are nested too deeply.
    #[error("groups or classes in a regular expression are nested deeper than {REGEX_DEPTH_MAX}")]
    TooDeep,
    /// The compiled pattern would be too large.
    #[error("the regular expression is too long")]
    TooLarge,
}

impl RegexProblem {
    /// A suggestion for the user.
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

/// A problem and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::query) struct RegexError {
    /// In bytes from the start of the pattern.
    pub(in crate::query) offset: usize,
    pub(in crate::query) problem: RegexProblem,
}
