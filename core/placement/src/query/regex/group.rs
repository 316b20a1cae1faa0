//! Groups, and back-references to what they captured.

use super::escape::unsupported;
use super::parse::Parser;
use super::problem::{RegexError, RegexProblem};
use super::scanner::{Unit, error};
use super::tree::Node;
use crate::query::limits::REGEX_DEPTH_MAX;

/// A capturing group.
#[derive(Debug)]
pub(super) struct Group {
    name: Option<String>,
    is_closed: bool,
}

/// What starts with a parenthesis.
#[derive(Debug)]
enum Opening {
    /// `(` or `(?<name>`
    Capture(Option<String>),
    /// `(?:`, or modes such as `(?i:`
    Plain,
    /// `(?>`
    Atomic,
    /// `(?=`, `(?!`, `(?<=`, `(?<!`
    Look { behind: bool, negated: bool },
    /// Modes for what follows, such as `(?i)`: not a group.
    Modes,
}

impl Parser {
    /// Parses the group whose parenthesis at `open` has been consumed; returns `None` for modes.
    pub(super) fn group(&mut self, open: usize) -> Result<Option<Node>, RegexError> {
        if self.depth == REGEX_DEPTH_MAX {
            return error(open, RegexProblem::TooDeep);
        }
        let outer = self.modes;
        let node = match self.opening(open)? {
            Opening::Capture(name) => {
                let group = self.groups.len();
                self.groups.push(Group { name, is_closed: false });
                let part = self.body(open)?;
                self.groups[group].is_closed = true;
                Node::Capture { group, part }
            }
            Opening::Plain => *self.body(open)?,
            Opening::Atomic => Node::Atomic(self.body(open)?),
            Opening::Look { behind, negated } => {
                self.modes.behind |= behind;
                Node::Look { part: self.body(open)?, behind, negated }
            }
            Opening::Modes => return Ok(None),
        };
        self.modes = outer;
        Ok(Some(node))
    }

    /// Parses the contents of a group, and its closing parenthesis.
    fn body(&mut self, open: usize) -> Result<Box<Node>, RegexError> {
        self.depth += 1;
        let inner = self.choice()?;
        self.depth -= 1;
        if !self.scanner.take(")") {
            return error(open, RegexProblem::Unclosed('('));
        }
        Ok(Box::new(inner))
    }

    fn opening(&mut self, open: usize) -> Result<Opening, RegexError> {
        if !self.scanner.take("?") {
            return Ok(Opening::Capture(None));
        }
        for (taken, opening) in [
            ("=", Opening::Look { behind: false, negated: false }),
            ("!", Opening::Look { behind: false, negated: true }),
            ("<=", Opening::Look { behind: true, negated: false }),
            ("<!", Opening::Look { behind: true, negated: true }),
            (">", Opening::Atomic),
        ] {
            if self.scanner.take(taken) {
                return Ok(opening);
            }
        }
        if self.scanner.take("<") { self.name(open) } else { self.set_modes(open) }
    }

    /// Parses the name of the group at `open`.
    fn name(&mut self, open: usize) -> Result<Opening, RegexError> {
        let offset = self.scanner.offset();
        let name = self.scanner.take_while(usize::MAX, |c| c.is_ascii_alphanumeric());
        let is_new = self.groups.iter().all(|group| group.name.as_ref() != Some(&name));
        if !is_new || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return error(offset, RegexProblem::GroupName(name));
        }
        if !self.scanner.take(">") {
            return error(open, RegexProblem::Group(self.scanner.since(open)));
        }
        Ok(Opening::Capture(Some(name)))
    }

    /// Parses modes such as `i-s` and sets them.
    fn set_modes(&mut self, open: usize) -> Result<Opening, RegexError> {
        let mut on = true;
        loop {
            match self.scanner.take_any().and_then(Unit::meta) {
                Some('i') => self.modes.ignore_case = on,
                Some('s') => self.modes.dot_all = on,
                Some('-') if on => on = false,
                Some('U' | 'd' | 'm' | 'u' | 'x') if on => {
                    return unsupported(&self.scanner, open, "a mode other than i and s");
                }
                // Already off.
                Some('U' | 'd' | 'm' | 'u' | 'x') => {}
                Some(':') => return Ok(Opening::Plain),
                Some(')') => return Ok(Opening::Modes),
                _ => return error(open, RegexProblem::Group(self.scanner.since(open))),
            }
        }
    }

    /// Parses what follows the `\k` at `offset`.
    pub(super) fn named_reference(&mut self, offset: usize) -> Result<Node, RegexError> {
        let is_open = self.scanner.take("<");
        let name = self.scanner.take_while(usize::MAX, |c| c.is_ascii_alphanumeric());
        if !is_open || !self.scanner.take(">") {
            return error(offset, RegexProblem::Escape(self.scanner.since(offset)));
        }
        let named = |group: &Group| group.name.as_ref() == Some(&name);
        self.reference(self.groups.iter().position(named), offset)
    }

    /// Parses what follows the backslash at `offset` and the first digit.
    pub(super) fn numbered_reference(
        &mut self,
        first: char,
        offset: usize,
    ) -> Result<Node, RegexError> {
        let value = |digit: char| digit.to_digit(10).and_then(|value| usize::try_from(value).ok());
        let mut number = value(first).unwrap_or(0);
        // As many digits as still form the number of an existing group.
        while let Some(digit) = self.scanner.peek().and_then(value) {
            let longer = number * 10 + digit;
            if longer > self.groups.len() {
                break;
            }
            number = longer;
            self.scanner.take_any();
        }
        self.reference(number.checked_sub(1), offset)
    }

    fn reference(&mut self, group: Option<usize>, offset: usize) -> Result<Node, RegexError> {
        let closed = |group: &usize| self.groups.get(*group).is_some_and(|group| group.is_closed);
        let Some(group) = group.filter(closed) else {
            return error(offset, RegexProblem::NoSuchGroup(self.scanner.since(offset)));
        };
        if self.modes.behind {
            return error(offset, RegexProblem::UnboundedLookBehind);
        }
        Ok(Node::Reference { group, ignore_case: self.modes.ignore_case })
    }
}
