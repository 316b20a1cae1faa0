//! What is wrong with an expression, for programs and for people.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use longshore_wire_ecs::limits::{ATTRIBUTE_NAME_CHARS_MAX, EXPRESSION_CHARS_MAX};
use thiserror::Error;

use super::lexer::OPERATOR_CHARS;
use super::limits::{DEPTH_MAX, FOUND_CHARS_MAX};
use super::regex::RegexProblem;
use super::subject::Subject;

/// The first thing that is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// Where it begins: how many characters are before it.
    pub position: usize,
    /// What it is.
    pub kind: ErrorKind,
}

/// What can be wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ErrorKind {
    /// There is nothing in it.
    #[error("the expression is empty")]
    Empty,
    /// It is too long.
    #[error("the expression has {characters} characters; the maximum is {EXPRESSION_CHARS_MAX}")]
    TooLong {
        /// How many it has.
        characters: usize,
    },
    /// Too many parentheses are open.
    #[error("parentheses nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// A predicate should begin, and something else follows.
    #[error("expected a subject such as \"attribute:NAME\", found {found}")]
    ExpectedSubject {
        /// What follows.
        found: Found,
    },
    /// A predicate begins with a word that is no subject.
    #[error("unknown subject {found:?}")]
    UnknownSubject {
        /// The word.
        found: String,
        /// What may be meant.
        nearest: Option<String>,
    },
    /// `attribute:` without a name.
    #[error("expected the name of an attribute directly after \"attribute:\"")]
    MissingAttributeName,
    /// `attribute:` with what can be no name.
    #[error("{name:?} cannot be the name of an attribute")]
    AttributeName {
        /// What is there.
        name: String,
    },
    /// An operator should follow a subject.
    #[error("expected an operator after {subject:?}, found {found}")]
    ExpectedOperator {
        /// The subject.
        subject: String,
        /// What follows.
        found: Found,
        /// What may be meant.
        nearest: Option<&'static str>,
    },
    /// The subject does not take the operator.
    #[error("{subject:?} does not take the operator {operator:?}")]
    OperatorNotAllowed {
        /// The subject.
        subject: String,
        /// The operator's symbol.
        operator: &'static str,
        /// The symbols of the operators that it takes.
        allowed: Vec<&'static str>,
    },
    /// A value should follow.
    #[error("expected a value after {after:?}, found {found}")]
    ExpectedValue {
        /// What it should follow.
        after: String,
        /// What follows.
        found: Found,
    },
    /// A list where one value should be.
    #[error("expected one value after {after:?}, found a list")]
    UnexpectedList {
        /// What the value should follow.
        after: String,
    },
    /// A list should follow.
    #[error("expected a list such as [a, b] after {after:?}, found {found}")]
    ExpectedList {
        /// The operator as it was written.
        after: String,
        /// What follows.
        found: Found,
    },
    /// A list without values.
    #[error("the list is empty")]
    EmptyList,
    /// A list should go on or end.
    #[error("expected \",\" or \"]\" after a value of a list, found {found}")]
    ExpectedListEnd {
        /// What follows.
        found: Found,
    },
    /// A list that does not end.
    #[error("unclosed \"[\"")]
    UnclosedList,
    /// A value that does not end.
    #[error("unclosed {quote}")]
    UnclosedQuote {
        /// The quote that is missing.
        quote: char,
    },
    /// A parenthesis that nothing closes.
    #[error("unclosed \"(\"")]
    UnclosedParenthesis,
    /// A parenthesis that nothing opens.
    #[error("unexpected \")\"")]
    UnopenedParenthesis,
    /// A parenthesis in a predicate.
    #[error("unexpected \"(\" in a predicate")]
    Parenthesis,
    /// A predicate has ended, and neither a connective follows nor the end.
    #[error(
        "expected \"and\", \"or\" or {}, found {found}",
        if *in_parentheses { "\")\"" } else { "the end" }
    )]
    ExpectedConnective {
        /// What follows.
        found: Found,
        /// What may be meant.
        nearest: Option<&'static str>,
        /// Whether a parenthesis is open.
        in_parentheses: bool,
    },
    /// The value is no whole number.
    #[error("expected a whole number, found {0:?}")]
    NoInteger(String),
    /// The value is no version.
    #[error("expected a version, found {0:?}")]
    NoVersion(String),
    /// The value is no date.
    #[error("expected a date, found {0:?}")]
    NoDate(String),
    /// The value is no regular expression that can be matched.
    #[error("{0}")]
    Regex(RegexProblem),
}

/// What stands in the place of something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A word.
    Word(String),
    /// Something that is no word.
    Symbol(String),
    /// Nothing: the expression ends.
    End,
}

impl ExpressionError {
    /// Two lines for a terminal: the expression, and a caret under the character where the error is.
    ///
    /// `expression` is the text that was parsed.
    pub fn picture(&self, expression: &str) -> String {
        // Tabs and line ends would move the caret away.
        let line: String =
            expression.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("{line}\n{}^", " ".repeat(self.position))
    }
}

impl Display for ExpressionError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if !matches!(self.kind, ErrorKind::Empty | ErrorKind::TooLong { .. }) {
            write!(f, " at character {}", self.position + 1)?;
        }
        self.kind.hint().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl Error for ExpressionError {}

impl ErrorKind {
    /// What may help.
    fn hint(&self) -> Option<String> {
        let meant = |nearest: &str| format!("did you mean {nearest:?}?");
        match self {
            Self::UnknownSubject { nearest, .. } => nearest.as_deref().map(meant),
            Self::ExpectedOperator { nearest, .. } => nearest.map(meant),
            Self::ExpectedConnective { nearest: Some(nearest), .. } => Some(meant(nearest)),
            Self::ExpectedConnective { found: Found::Word(word), .. }
                if Subject::parse(word).is_ok() =>
            {
                None
            }
            Self::ExpectedConnective { found: Found::Word(_), .. }
            | Self::ExpectedListEnd { found: Found::Word(_) } => {
                Some("put a value with blanks in quotes".to_owned())
            }
            Self::ExpectedValue { found: Found::Symbol(symbol), .. } => symbol
                .starts_with(OPERATOR_CHARS)
                .then(|| format!("put a value that begins with {symbol:?} in quotes")),
            Self::AttributeName { .. } => Some(format!(
                "a name is 1 to {ATTRIBUTE_NAME_CHARS_MAX} letters, digits and the characters - _ / \\ ."
            )),
            Self::OperatorNotAllowed { allowed, .. } => {
                Some(format!("it takes {}", allowed.join(" ")))
            }
            Self::UnexpectedList { .. } => Some("only \"in\" and \"!in\" take a list".to_owned()),
            Self::Parenthesis => Some("put a value with parentheses in quotes".to_owned()),
            Self::NoVersion(_) => Some("write a version such as 1.14.5".to_owned()),
            Self::NoDate(_) => Some(
                "write a date such as 2018-06-18, 2018-06-18T22:28:28Z or 2018-06-18T22:28:28+00:00"
                    .to_owned(),
            ),
            Self::Regex(problem) => problem.hint(),
            _ => None,
        }
    }
}

impl Display for Found {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Symbol(text) => write!(f, "{text:?}"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// So much of `text` as a message should repeat.
pub(super) fn quotable(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
