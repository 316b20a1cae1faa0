//! Splits an expression into tokens on demand.
//!
//! The meaning of a character depends on the position: `!` before a predicate is `not`, after a
//! subject it starts an operator, in a value it is a character. So there is no token list; the
//! parser asks for what may come next.

use super::error::{ErrorKind, ExpressionError, Found, quotable};
use super::subject::is_subject_char;

/// Characters of symbolic operators. An unquoted value cannot start with one of them, so `===` is
/// an error.
pub(super) const OPERATOR_CHARS: [char; 5] = ['=', '<', '>', '!', '~'];

/// The position of a value, which decides where it ends without quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// After an operator that takes one value.
    Alone,
    /// In a list.
    List,
    /// After an operator that takes a regular expression.
    Regex,
}

/// A value as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    /// Without its quotes.
    pub(super) text: &'a str,
    /// Offset of the text.
    pub(super) offset: usize,
}

/// A position in an expression. Invariant: it is never before whitespace.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// In bytes.
    offset: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut lexer = Self { text, offset: 0 };
        lexer.advance(0);
        lexer
    }

    /// Offset of the next token, in bytes.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// The remaining text.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    /// The text consumed so far, including trailing whitespace.
    pub(super) fn taken(&self) -> &'a str {
        &self.text[..self.offset]
    }

    /// Consumes a symbol, or a word that ends where `token` ends.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let Some(after) = self.rest().strip_prefix(token) else { return false };
        let taken = !(token.ends_with(is_subject_char) && after.starts_with(is_subject_char));
        if taken {
            self.advance(token.len());
        }
        taken
    }

    /// Consumes the characters allowed in a subject; possibly none.
    pub(super) fn take_word(&mut self) -> &'a str {
        let word = word_prefix(self.rest());
        self.advance(word.len());
        word
    }

    /// Consumes a quoted or unquoted value. `after` is what precedes it.
    ///
    /// # Errors
    /// If there is no value, or its quote is not closed.
    pub(super) fn take_value(
        &mut self,
        place: Place,
        after: &str,
    ) -> Result<Value<'a>, ExpressionError> {
        let (rest, offset) = (self.rest(), self.offset);
        if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '\'' | '"')) {
            let quoted = &rest[1..];
            let Some(length) = quoted.find(quote) else {
                return Err(self.error(ErrorKind::UnclosedQuote { quote }));
            };
            self.advance(length + 2);
            return Ok(Value { text: &quoted[..length], offset: offset + 1 });
        }
        let text = bare_prefix(rest, place);
        if text.is_empty() {
            return Err(self.error(match rest.chars().next() {
                Some('(') => ErrorKind::Parenthesis,
                Some('[') => ErrorKind::UnexpectedList { after: after.to_owned() },
                _ => ErrorKind::ExpectedValue { after: after.to_owned(), found: self.found() },
            }));
        }
        self.advance(text.len());
        Ok(Value { text, offset })
    }

    /// The next token, for an error message.
    pub(super) fn found(&self) -> Found {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Found::End };
        if is_subject_char(first) {
            return Found::Word(quotable(word_prefix(rest)));
        }
        // Brackets and quotes stand alone.
        let is_run = |c: char| c.is_ascii_punctuation() && !"()[],'\"".contains(c);
        let run = rest.find(|c| !is_run(c) || is_subject_char(c)).unwrap_or(rest.len());
        Found::Symbol(quotable(&rest[..run.max(first.len_utf8())]))
    }

    /// An error at the next token.
    pub(super) fn error(&self, kind: ErrorKind) -> ExpressionError {
        self.error_at(self.offset, kind)
    }

    /// An error at `offset`.
    pub(super) fn error_at(&self, offset: usize, kind: ErrorKind) -> ExpressionError {
        ExpressionError { position: self.text[..offset].chars().count(), kind }
    }

    fn advance(&mut self, length: usize) {
        let rest = &self.rest()[length..];
        self.offset = self.text.len() - rest.trim_start().len();
    }
}

fn word_prefix(text: &str) -> &str {
    &text[..text.find(|c| !is_subject_char(c)).unwrap_or(text.len())]
}

/// The unquoted value at the start of `text`; empty if there is none.
pub(super) fn bare_prefix(text: &str, place: Place) -> &str {
    if text.starts_with(['\'', '"']) || text.starts_with(OPERATOR_CHARS) {
        return "";
    }
    // In a regular expression a bracket starts a class.
    if text.starts_with('[') && place != Place::Regex {
        return "";
    }
    let is_end = |(offset, character): (usize, char)| {
        let ends = match character {
            '(' | ')' => true,
            '&' | '|' => text[offset + 1..].starts_with(character),
            ',' | ']' => place == Place::List,
            other => other.is_whitespace(),
        };
        ends.then_some(offset)
    };
    &text[..text.char_indices().find_map(is_end).unwrap_or(text.len())]
}
