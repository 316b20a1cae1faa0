//! The canonical form of an expression.

use std::fmt::{self, Display, Formatter};

use super::Expression;
use super::lexer::{Place, bare_prefix};
use super::operator::{Comparison, Operator};
use super::subject::{Subject, TextSubject};
use super::tree::{Node, Predicate, TextTest};

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(parts) => joined(f, parts, " or ", |f, part| part.fmt(f)),
            Self::All(parts) => joined(f, parts, " and ", |f, part| match part {
                Self::Any(_) => write!(f, "({part})"),
                part => part.fmt(f),
            }),
            Self::Not(part) => match &**part {
                Self::Any(_) | Self::All(_) => write!(f, "not ({part})"),
                part => write!(f, "not {part}"),
            },
            Self::Test(predicate) => predicate.fmt(f),
        }
    }
}

impl Display for Predicate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(subject, test) => write!(f, "{subject} {test}"),
            Self::AgentVersion(comparison, wanted) => {
                write!(f, "{} {comparison} {wanted}", Subject::AgentVersion)
            }
            Self::RegisteredAt(comparison, wanted) => {
                write!(f, "{} {comparison} {wanted}", Subject::RegisteredAt)
            }
            Self::RunningTasksCount(comparison, wanted) => {
                write!(f, "{} {comparison} {wanted}", Subject::RunningTasksCount)
            }
        }
    }
}

impl Display for TextSubject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Subject::Text(self.clone()).fmt(f)
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(Operator::Compare(*self).symbol())
    }
}

impl Display for TextTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(comparison, wanted) => {
                write!(f, "{comparison} ")?;
                value(f, wanted, Place::Alone)
            }
            Self::In { negated, values } => {
                write!(f, "{} [", Operator::In { negated: *negated }.symbol())?;
                joined(f, values, ", ", |f, wanted| value(f, wanted, Place::List))?;
                f.write_str("]")
            }
            Self::Matches { negated, regex } => {
                write!(f, "{} ", Operator::Matches { negated: *negated }.symbol())?;
                value(f, regex.source(), Place::Regex)
            }
            Self::Exists { negated } => {
                f.write_str(Operator::Exists { negated: *negated }.symbol())
            }
        }
    }
}

fn joined<T>(
    f: &mut Formatter<'_>,
    parts: impl IntoIterator<Item = T>,
    separator: &str,
    mut write: impl FnMut(&mut Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write(f, part)?;
    }
    Ok(())
}

/// Writes a value, quoted only if it would otherwise end early or not parse as a value.
fn value(f: &mut Formatter<'_>, text: &str, place: Place) -> fmt::Result {
    if !text.is_empty() && bare_prefix(text, place) == text {
        return f.write_str(text);
    }
    // It was parsed from quotes, so it contains at most one kind of them.
    let quote = if text.contains('\'') { '"' } else { '\'' };
    write!(f, "{quote}{text}{quote}")
}
