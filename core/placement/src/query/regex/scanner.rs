//! The characters of a pattern, with `\Q...\E` quotations resolved.

use super::problem::{RegexError, RegexProblem};

/// A character of a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) character: char,
    /// Whether it is between `\Q` and `\E`, and thus literal.
    quoted: bool,
    /// Offset in bytes.
    offset: usize,
}

/// A position in a pattern.
#[derive(Debug)]
pub(super) struct Scanner {
    units: Vec<Unit>,
    next: usize,
    /// Length of the pattern in bytes.
    length: usize,
}

impl Unit {
    /// The character, unless it is quoted.
    pub(super) fn meta(self) -> Option<char> {
        (!self.quoted).then_some(self.character)
    }
}

impl Scanner {
    pub(super) fn new(pattern: &str) -> Self {
        let mut units = Vec::new();
        let mut quoted = false;
        let mut characters = pattern.char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            let after = characters.peek().map(|(_, after)| *after);
            let is_turn = character == '\\' && after == Some(if quoted { 'E' } else { 'Q' });
            if is_turn {
                quoted = !quoted;
                characters.next();
                continue;
            }
            units.push(Unit { character, quoted, offset });
            if character == '\\' && !quoted {
                // Consume the escaped character too, or the second of two backslashes would start
                // an escape.
                let escaped = characters.next();
                units.extend(escaped.map(|(offset, character)| Unit { character, quoted, offset }));
            }
        }
        Self { units, next: 0, length: pattern.len() }
    }

    /// Offset of the next character, in bytes.
    pub(super) fn offset(&self) -> usize {
        self.units.get(self.next).map_or(self.length, |unit| unit.offset)
    }

    /// Consumes the next character.
    pub(super) fn take_any(&mut self) -> Option<Unit> {
        let unit = self.units.get(self.next).copied();
        self.next += usize::from(unit.is_some());
        unit
    }

    /// The next character, unless it is quoted.
    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    /// The character `ahead` positions after the next, unless it is quoted.
    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.units.get(self.next + ahead).copied().and_then(Unit::meta)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.next == self.units.len()
    }

    /// Consumes `text` if it comes next and is not quoted.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let mut characters = text.chars().enumerate();
        let taken = characters.all(|(ahead, character)| self.peek_at(ahead) == Some(character));
        if taken {
            self.next += text.chars().count();
        }
        taken
    }

    /// Consumes at most `most` characters that `wanted` accepts.
    pub(super) fn take_while(&mut self, most: usize, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while taken.len() < most
            && let Some(character) = self.peek().filter(|character| wanted(*character))
        {
            taken.push(character);
            self.next += 1;
        }
        taken
    }

    /// The text from `offset` to the next character.
    pub(super) fn since(&self, offset: usize) -> String {
        let taken = self.units.iter().take(self.next).filter(|unit| unit.offset >= offset);
        taken.map(|unit| unit.character).collect()
    }
}

/// An error at `offset`.
pub(super) fn error<T>(offset: usize, problem: RegexProblem) -> Result<T, RegexError> {
    Err(RegexError { offset, problem })
}
