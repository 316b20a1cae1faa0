//! A parsed expression.

use std::collections::BTreeSet;

use super::instant::Instant;
use super::operator::Comparison;
use super::regex::Regex;
use super::subject::TextSubject;
use super::version::Version;

/// An expression or a part of one.
///
/// Invariants: [`Node::All`] and [`Node::Any`] have at least two parts, none of their own kind;
/// [`Node::Not`] does not contain a [`Node::Not`] directly. So expressions that are equal by these
/// rules are equal trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// `and`
    All(Vec<Node>),
    /// `or`
    Any(Vec<Node>),
    /// `not`
    Not(Box<Node>),
    /// A single condition.
    Test(Predicate),
}

/// A single condition; the variant determines the type of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Predicate {
    Text(TextSubject, TextTest),
    AgentVersion(Comparison, Version),
    RegisteredAt(Comparison, Instant),
    RunningTasksCount(Comparison, i64),
}

/// A condition on a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    Compare(Comparison, String),
    In { negated: bool, values: BTreeSet<String> },
    Matches { negated: bool, regex: Regex },
    Exists { negated: bool },
}

impl Node {
    /// Combines one or more parts with `and`.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::All(parts) => parts,
            part => vec![part],
        });
        sole(flat.collect()).unwrap_or_else(Self::All)
    }

    /// Combines one or more parts with `or`.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::Any(parts) => parts,
            part => vec![part],
        });
        sole(flat.collect()).unwrap_or_else(Self::Any)
    }

    /// Negates a part.
    pub(super) fn not(part: Self) -> Self {
        match part {
            Self::Not(part) => *part,
            part => Self::Not(Box::new(part)),
        }
    }

    /// The conditions in it, from left to right.
    pub(super) fn predicates(&self) -> Vec<&Predicate> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Self::predicates).collect()
            }
            Self::Not(part) => part.predicates(),
            Self::Test(predicate) => vec![predicate],
        }
    }
}

/// The only part.
///
/// # Errors
/// The parts, if there are several.
fn sole(mut parts: Vec<Node>) -> Result<Node, Vec<Node>> {
    match parts.pop() {
        Some(part) if parts.is_empty() => Ok(part),
        last => {
            parts.extend(last);
            Err(parts)
        }
    }
}
