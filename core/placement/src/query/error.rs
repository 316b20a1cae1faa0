//! Errors in expressions, for programs and for people.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use longshore_wire_ecs::limits::{ATTRIBUTE_NAME_CHARS_MAX, EXPRESSION_CHARS_MAX};
use thiserror::Error;

use super::lexer::OPERATOR_CHARS;
use super::limits::{DEPTH_MAX, FOUND_CHARS_MAX};
use super::regex::RegexProblem;
use super::subject::Subject;

/// The first error in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// Number of characters before it.
    pub position: usize,
    /// The kind of error.
    pub kind: ErrorKind,
}

/// The kinds of errors.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ErrorKind {
    /// The expression is empty.
    #[error("the expression is empty")]
    Empty,
    /// The expression is too long.
    #[error("the expression has {characters} characters; the maximum is {EXPRESSION_CHARS_MAX}")]
    TooLong {
        /// Its length.
        characters: usize,
    },
    /// Parentheses are nested too deeply.
    #[error("parentheses nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// Expected a predicate.
    #[error("expected a subject such as \"attribute:NAME\", found {found}")]
    ExpectedSubject {
        /// What was found.
        found: Found,
    },
    /// A predicate starts with an unknown subject.
    #[error("unknown subject {found:?}")]
    UnknownSubject {
        /// The unknown word.
        found: String,
        /// A suggestion.
        nearest: Option<String>,
    },
    /// `attribute:` without a name.
    #[error("expected the name of an attribute directly after \"attribute:\"")]
    MissingAttributeName,
    /// `attribute:` with an invalid name.
    #[error("{name:?} cannot be the name of an attribute")]
    AttributeName {
        /// The invalid name.
        name: String,
    },
    /// Expected an operator after a subject.
    #[error("expected an operator after {subject:?}, found {found}")]
    ExpectedOperator {
        /// The subject.
        subject: String,
        /// What was found.
        found: Found,
        /// A suggestion.
        nearest: Option<&'static str>,
    },
    /// The subject does not support the operator.
    #[error("{subject:?} does not take the operator {operator:?}")]
    OperatorNotAllowed {
        /// The subject.
        subject: String,
        /// The operator's symbol.
        operator: &'static str,
        /// The symbols of the supported operators.
        allowed: Vec<&'static str>,
    },
    /// Expected a value.
    #[error("expected a value after {after:?}, found {found}")]
    ExpectedValue {
        /// What it should follow.
        after: String,
        /// What was found.
        found: Found,
    },
    /// A list in place of a single value.
    #[error("expected one value after {after:?}, found a list")]
    UnexpectedList {
        /// What the value should follow.
        after: String,
    },
    /// Expected a list.
    #[error("expected a list such as [a, b] after {after:?}, found {found}")]
    ExpectedList {
        /// The operator as written.
        after: String,
        /// What was found.
        found: Found,
    },
    /// An empty list.
    #[error("the list is empty")]
    EmptyList,
    /// Expected a comma or the end of a list.
    #[error("expected \",\" or \"]\" after a value of a list, found {found}")]
    ExpectedListEnd {
        /// What was found.
        found: Found,
    },
    /// An unclosed list.
    #[error("unclosed \"[\"")]
    UnclosedList,
    /// An unclosed quote.
    #[error("unclosed {quote}")]
    UnclosedQuote {
        /// The missing quote.
        quote: char,
    },
    /// An unclosed parenthesis.
    #[error("unclosed \"(\"")]
    UnclosedParenthesis,
    /// A closing parenthesis without an opening one.
    #[error("unexpected \")\"")]
    UnopenedParenthesis,
    /// A parenthesis inside a predicate.
    #[error("unexpected \"(\" in a predicate")]
    Parenthesis,
    /// A predicate is followed by neither a connective nor the end.
    #[error(
        "expected \"and\", \"or\" or {}, found {found}",
        if *in_parentheses { "\")\"" } else { "the end" }
    )]
    ExpectedConnective {
        /// What was found.
        found: Found,
        /// A suggestion.
        nearest: Option<&'static str>,
        /// Whether a parenthesis is open.
        in_parentheses: bool,
    },
    /// The value is not a whole number.
    #[error("expected a whole number, found {0:?}")]
    NoInteger(String),
    /// The value is not a version.
    #[error("expected a version, found {0:?}")]
    NoVersion(String),
    /// The value is not a date.
    #[error("expected a date, found {0:?}")]
    NoDate(String),
    /// The value is an invalid or unsupported regular expression.
    #[error("{0}")]
    Regex(RegexProblem),
}

/// What was found instead of what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A word.
    Word(String),
    /// Something other than a word.
    Symbol(String),
    /// The end of the expression.
    End,
}

impl ExpressionError {
    /// Two lines for a terminal: the expression, and a caret under the position of the error.
    ///
    /// `expression` is the text that was parsed.
    pub fn picture(&self, expression: &str) -> String {
        // Tabs and line breaks would misplace the caret.
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
    /// A suggestion for the user.
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

/// Truncates `text` for quoting in a message.
pub(super) fn quotable(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
