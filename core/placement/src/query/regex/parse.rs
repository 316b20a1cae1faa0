//! Parses a pattern into a tree.

use super::charset::CharSet;
use super::class::{cased, class};
use super::escape::{Escape, VERTICAL, escape, unsupported};
use super::group::Group;
use super::problem::{RegexError, RegexProblem};
use super::scanner::{Scanner, error};
use super::tree::{Assertion, Node};
use crate::query::limits::REGEX_SIZE_MAX;

/// Characters that a dot does not match.
const LINE_ENDS: [(char, char); 4] =
    [('\n', '\n'), ('\r', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')];

/// Parses a pattern.
///
/// # Errors
/// If it is invalid, too large, or not supported.
pub(super) fn parse(pattern: &str) -> Result<Node, RegexError> {
    let mut parser = Parser {
        scanner: Scanner::new(pattern),
        modes: Modes::default(),
        groups: Vec::new(),
        depth: 0,
    };
    let node = parser.choice()?;
    if !parser.scanner.is_at_end() {
        return error(parser.scanner.offset(), RegexProblem::Unopened);
    }
    if node.size() > REGEX_SIZE_MAX {
        return error(0, RegexProblem::TooLarge);
    }
    Ok(node)
}

pub(super) struct Parser {
    pub(super) scanner: Scanner,
    pub(super) modes: Modes,
    /// The capturing groups, in the order of their opening parentheses.
    pub(super) groups: Vec<Group>,
    /// Number of open groups of any kind.
    pub(super) depth: usize,
}

/// Modes, in effect until the end of the enclosing group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Modes {
    /// `(?i)`
    pub(super) ignore_case: bool,
    /// `(?s)`
    pub(super) dot_all: bool,
    /// Inside a look-behind.
    pub(super) behind: bool,
}

impl Parser {
    /// Parses alternatives up to a parenthesis or the end.
    pub(super) fn choice(&mut self) -> Result<Node, RegexError> {
        let mut parts = vec![self.sequence()?];
        while self.scanner.take("|") {
            parts.push(self.sequence()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::Choice(parts) })
    }

    fn sequence(&mut self) -> Result<Node, RegexError> {
        let mut parts = Vec::new();
        while !self.scanner.is_at_end() && !matches!(self.scanner.peek(), Some('|' | ')')) {
            parts.extend(self.piece()?);
        }
        Ok(Node::Sequence(parts))
    }

    /// Parses one element and its repeat; returns `None` for modes.
    fn piece(&mut self) -> Result<Option<Node>, RegexError> {
        let atom = self.atom()?;
        let offset = self.scanner.offset();
        let Some(repeat @ ('*' | '+' | '?' | '{')) = self.scanner.peek() else {
            return Ok(atom);
        };
        let Some(part) = atom else {
            return error(offset, RegexProblem::NothingToRepeat(repeat));
        };
        let node = self.repeat(part)?;
        if node.size() > REGEX_SIZE_MAX {
            return error(offset, RegexProblem::TooLarge);
        }
        Ok(Some(node))
    }

    /// Parses the repeat of a part.
    fn repeat(&mut self, part: Node) -> Result<Node, RegexError> {
        let offset = self.scanner.offset();
        let (least, most) = match self.scanner.take_any().map(|unit| unit.character) {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            _ => self.counted(offset)?,
        };
        if self.modes.behind && most.is_none() {
            return error(offset, RegexProblem::UnboundedLookBehind);
        }
        let is_lazy = self.scanner.take("?");
        if is_lazy || !self.scanner.take("+") {
            return Ok(Node::Repeat { part: Box::new(part), least, most, is_lazy });
        }
        // Possessive: no backtracking into any iteration either.
        let part = Box::new(Node::Atomic(Box::new(part)));
        Ok(Node::Atomic(Box::new(Node::Repeat { part, least, most, is_lazy })))
    }

    /// Parses what follows the brace at `offset`: the minimum and maximum count.
    fn counted(&mut self, offset: usize) -> Result<(usize, Option<usize>), RegexError> {
        let digits = |scanner: &mut Scanner| {
            scanner.take_while(usize::MAX, |character| character.is_ascii_digit())
        };
        let least = digits(&mut self.scanner);
        let most = if self.scanner.take(",") { digits(&mut self.scanner) } else { least.clone() };
        if least.is_empty() || !self.scanner.take("}") {
            return error(offset, RegexProblem::Repeat);
        }
        // A number that overflows exceeds the limit anyway.
        let number = |digits: &str| digits.parse().unwrap_or(usize::MAX);
        let (least, most) = (number(&least), (!most.is_empty()).then(|| number(&most)));
        if most.is_some_and(|most| most < least) {
            return error(offset, RegexProblem::Repeat);
        }
        Ok((least, most))
    }

    fn atom(&mut self) -> Result<Option<Node>, RegexError> {
        let offset = self.scanner.offset();
        let Some(unit) = self.scanner.take_any() else { return Ok(None) };
        Ok(Some(match unit.meta() {
            Some('(') => return self.group(offset),
            Some('[') => Node::set(class(&mut self.scanner, offset, 0, self.modes.ignore_case)?),
            Some('.') if self.modes.dot_all => Node::set(CharSet::default().negated()),
            Some('.') => Node::set(CharSet::of(&LINE_ENDS).negated()),
            Some('^') => Node::Assertion(Assertion::Start),
            Some('$') => Node::Assertion(Assertion::LastEnd),
            Some('\\') => self.escaped(offset)?,
            Some(repeat @ ('*' | '+' | '?')) => {
                return error(offset, RegexProblem::NothingToRepeat(repeat));
            }
            Some('{') => return error(offset, RegexProblem::Repeat),
            _ => self.literal(unit.character),
        }))
    }

    fn literal(&self, character: char) -> Node {
        Node::set(cased(CharSet::range(character, character), false, self.modes.ignore_case))
    }

    /// Parses what follows the backslash at `offset`.
    fn escaped(&mut self, offset: usize) -> Result<Node, RegexError> {
        Ok(match escape(&mut self.scanner, offset)? {
            Escape::Character(character) => self.literal(character),
            Escape::Class { set, negated } => {
                Node::set(cased(set, negated, self.modes.ignore_case))
            }
            Escape::Special('R') => line_end(),
            Escape::Special('A' | 'G') => Node::Assertion(Assertion::Start),
            Escape::Special('z') => Node::Assertion(Assertion::End),
            Escape::Special('Z') => Node::Assertion(Assertion::LastEnd),
            Escape::Special('b') if self.scanner.take("{g}") => {
                return unsupported(&self.scanner, offset, "a boundary of grapheme clusters");
            }
            Escape::Special(letter @ ('b' | 'B')) => {
                Node::Assertion(Assertion::Boundary { negated: letter == 'B' })
            }
            Escape::Special('k') => self.named_reference(offset)?,
            Escape::Special(digit) => self.numbered_reference(digit, offset)?,
        })
    }
}

/// `\R`: a line break.
fn line_end() -> Node {
    let character = |c: char| Node::set(CharSet::range(c, c));
    let both = Node::Sequence(vec![character('\r'), character('\n')]);
    Node::Choice(vec![both, Node::set(CharSet::of(VERTICAL))])
}
