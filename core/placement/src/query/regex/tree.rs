//! A parsed pattern.

use std::sync::Arc;

use super::charset::CharSet;

/// A pattern or a part of one.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One character of a set.
    Set(Arc<CharSet>),
    /// One after the other.
    Sequence(Vec<Node>),
    /// The first alternative that matches.
    Choice(Vec<Node>),
    /// A repeated part.
    Repeat { part: Box<Node>, least: usize, most: Option<usize>, is_lazy: bool },
    /// A capturing group, by its number from 0.
    Capture { group: usize, part: Box<Node> },
    /// The first match of a part, without backtracking into it.
    Atomic(Box<Node>),
    /// Whether a part matches here, or up to here, or does not.
    Look { part: Box<Node>, behind: bool, negated: bool },
    /// A back-reference to a group.
    Reference { group: usize, ignore_case: bool },
    /// A zero-width assertion.
    Assertion(Assertion),
}

/// A zero-width assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    /// `^`, `\A`, and `\G`, since there is no previous match.
    Start,
    /// `\z`
    End,
    /// `$`, `\Z`: the end, or before a final line break.
    LastEnd,
    /// `\b`, `\B`
    Boundary { negated: bool },
}

impl Node {
    pub(super) fn set(set: CharSet) -> Self {
        Self::Set(Arc::new(set))
    }

    /// Number of characters, assertions and groups, with counted repeats expanded.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Set(_) | Self::Reference { .. } | Self::Assertion(_) => 1,
            Self::Sequence(parts) => {
                parts.iter().map(Self::size).fold(0, usize::saturating_add).max(1)
            }
            Self::Choice(parts) => {
                let sizes = parts.iter().map(Self::size);
                sizes.fold(parts.len(), usize::saturating_add)
            }
            Self::Capture { part, .. } | Self::Atomic(part) | Self::Look { part, .. } => {
                part.size().saturating_add(1)
            }
            Self::Repeat { part, least, most, .. } => {
                part.size().saturating_mul(most.unwrap_or(*least).max(1))
            }
        }
    }
}

impl Assertion {
    /// Whether it holds before the character at `place` of `value`.
    pub(super) fn holds(self, value: &[char], place: usize) -> bool {
        let (before, after) = value.split_at(place);
        match self {
            Self::Start => before.is_empty(),
            Self::End => after.is_empty(),
            Self::LastEnd => match after {
                [] | ['\r', '\n'] | ['\r' | '\u{85}' | '\u{2028}' | '\u{2029}'] => true,
                // Not within `\r\n`.
                ['\n'] => before.last() != Some(&'\r'),
                _ => false,
            },
            Self::Boundary { negated } => {
                let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                let differ =
                    before.last().is_some_and(is_word) != after.first().is_some_and(is_word);
                differ != negated
            }
        }
    }
}
