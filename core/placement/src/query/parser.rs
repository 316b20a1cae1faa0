//! A recursive-descent parser, with one function per grammar rule.

use std::collections::BTreeSet;

use longshore_wire_ecs::limits::EXPRESSION_CHARS_MAX;

use super::error::{ErrorKind, ExpressionError, Found, quotable};
use super::instant::Instant;
use super::lexer::{Lexer, Place};
use super::limits::DEPTH_MAX;
use super::nearest::nearest;
use super::operator::{Operator, SPELLINGS};
use super::regex::Regex;
use super::subject::Subject;
use super::tree::{Node, Predicate, TextTest};
use super::version::Version;

/// Parses a whole expression.
///
/// # Errors
/// The first error.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let characters = text.chars().count();
    if characters > EXPRESSION_CHARS_MAX {
        let kind = ErrorKind::TooLong { characters };
        return Err(ExpressionError { position: EXPRESSION_CHARS_MAX, kind });
    }
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    if parser.lexer.rest().is_empty() {
        return Err(ExpressionError { position: 0, kind: ErrorKind::Empty });
    }
    let node = parser.expression()?;
    match parser.lexer.found() {
        Found::End => Ok(node),
        _ => Err(parser.no_connective()),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Number of open parentheses.
    depth: usize,
}

impl Parser<'_> {
    fn expression(&mut self) -> Result<Node, ExpressionError> {
        let mut parts = vec![self.all()?];
        while self.lexer.take("or") || self.lexer.take("||") {
            parts.push(self.all()?);
        }
        Ok(Node::any(parts))
    }

    fn all(&mut self) -> Result<Node, ExpressionError> {
        let mut parts = vec![self.unary()?];
        while self.lexer.take("and") || self.lexer.take("&&") {
            parts.push(self.unary()?);
        }
        Ok(Node::all(parts))
    }

    fn unary(&mut self) -> Result<Node, ExpressionError> {
        // A loop rather than recursion: a long run of them fits into an expression.
        let mut negated = false;
        while self.lexer.take("not") || self.lexer.take("!") {
            negated = !negated;
        }
        let open = self.lexer.offset();
        let node = if self.lexer.take("(") { self.group(open)? } else { self.predicate()? };
        Ok(if negated { Node::not(node) } else { node })
    }

    /// Parses what follows the parenthesis at `open`.
    fn group(&mut self, open: usize) -> Result<Node, ExpressionError> {
        if self.depth == DEPTH_MAX {
            return Err(self.lexer.error_at(open, ErrorKind::TooDeep));
        }
        self.depth += 1;
        let node = self.expression()?;
        if !self.lexer.take(")") {
            return Err(match self.lexer.found() {
                Found::End => self.lexer.error_at(open, ErrorKind::UnclosedParenthesis),
                _ => self.no_connective(),
            });
        }
        self.depth -= 1;
        Ok(node)
    }

    fn predicate(&mut self) -> Result<Node, ExpressionError> {
        let (start, found) = (self.lexer.offset(), self.lexer.found());
        let word = self.lexer.take_word();
        if word.is_empty() {
            return Err(self.lexer.error(ErrorKind::ExpectedSubject { found }));
        }
        let subject = Subject::parse(word).map_err(|kind| self.lexer.error_at(start, kind))?;
        self.test(subject).map(Node::Test)
    }

    /// Parses what follows a subject.
    fn test(&mut self, subject: Subject) -> Result<Predicate, ExpressionError> {
        let start = self.lexer.offset();
        let (spelling, operator) = self.operator(&subject)?;
        match (subject, operator) {
            (Subject::AgentVersion, Operator::Compare(comparison)) => {
                let version = self.value(spelling, Version::parse, ErrorKind::NoVersion)?;
                Ok(Predicate::AgentVersion(comparison, version))
            }
            (Subject::RegisteredAt, Operator::Compare(comparison)) => {
                let instant = self.value(spelling, Instant::parse, ErrorKind::NoDate)?;
                Ok(Predicate::RegisteredAt(comparison, instant))
            }
            (Subject::RunningTasksCount, Operator::Compare(comparison)) => {
                let count = self.value(spelling, |text| text.parse().ok(), ErrorKind::NoInteger)?;
                Ok(Predicate::RunningTasksCount(comparison, count))
            }
            (Subject::Text(subject), operator) if subject.allows(operator) => {
                Ok(Predicate::Text(subject, self.text_test(operator, spelling)?))
            }
            (subject, operator) => Err(self.lexer.error_at(start, subject.refusal(operator))),
        }
    }

    fn operator(&mut self, subject: &Subject) -> Result<(&'static str, Operator), ExpressionError> {
        if let Some(known) = SPELLINGS.iter().find(|(spelling, _)| self.lexer.take(spelling)) {
            return Ok(*known);
        }
        let found = self.lexer.found();
        let spellings = || SPELLINGS.iter().map(|(spelling, _)| *spelling);
        let begun = |symbol: &str| spellings().find(|spelling| spelling.starts_with(symbol));
        let nearest = match &found {
            Found::Word(word) => nearest(word, spellings()),
            Found::Symbol(symbol) => begun(symbol),
            Found::End => None,
        };
        let subject = subject.to_string();
        Err(self.lexer.error(ErrorKind::ExpectedOperator { subject, found, nearest }))
    }

    /// Parses a value that is not plain text. `spelling` is the operator as written.
    fn value<T>(
        &mut self,
        spelling: &str,
        parse: fn(&str) -> Option<T>,
        refusal: fn(String) -> ErrorKind,
    ) -> Result<T, ExpressionError> {
        let value = self.lexer.take_value(Place::Alone, spelling)?;
        let refused = || self.lexer.error_at(value.offset, refusal(quotable(value.text)));
        parse(value.text).ok_or_else(refused)
    }

    fn text_test(
        &mut self,
        operator: Operator,
        spelling: &str,
    ) -> Result<TextTest, ExpressionError> {
        Ok(match operator {
            Operator::Compare(comparison) => {
                let value = self.lexer.take_value(Place::Alone, spelling)?;
                TextTest::Compare(comparison, value.text.to_owned())
            }
            Operator::In { negated } => TextTest::In { negated, values: self.list(spelling)? },
            Operator::Matches { negated } => {
                let value = self.lexer.take_value(Place::Regex, spelling)?;
                let regex = Regex::parse(value.text).map_err(|error| {
                    let kind = ErrorKind::Regex(error.problem);
                    self.lexer.error_at(value.offset + error.offset, kind)
                })?;
                TextTest::Matches { negated, regex }
            }
            Operator::Exists { negated } => TextTest::Exists { negated },
        })
    }

    fn list(&mut self, spelling: &str) -> Result<BTreeSet<String>, ExpressionError> {
        let open = self.lexer.offset();
        if !self.lexer.take("[") {
            let after = spelling.to_owned();
            let found = self.lexer.found();
            return Err(self.lexer.error(ErrorKind::ExpectedList { after, found }));
        }
        if self.lexer.take("]") {
            return Err(self.lexer.error_at(open, ErrorKind::EmptyList));
        }
        let mut values = BTreeSet::new();
        let mut after = "[";
        loop {
            let value = self.lexer.take_value(Place::List, after)?;
            values.insert(value.text.to_owned());
            if self.lexer.take("]") {
                return Ok(values);
            }
            if !self.lexer.take(",") {
                return Err(match self.lexer.found() {
                    Found::End => self.lexer.error_at(open, ErrorKind::UnclosedList),
                    _ if self.lexer.rest().starts_with('(') => {
                        self.lexer.error(ErrorKind::Parenthesis)
                    }
                    found => self.lexer.error(ErrorKind::ExpectedListEnd { found }),
                });
            }
            after = ",";
        }
    }

    /// The error when a predicate is followed by neither "and" nor "or".
    fn no_connective(&self) -> ExpressionError {
        let (taken, rest) = (self.lexer.taken(), self.lexer.rest());
        let is_apart = |c: char| c == ')' || c.is_whitespace();
        let kind = if rest.starts_with(')') {
            ErrorKind::UnopenedParenthesis
        } else if rest.starts_with('(') && !taken.ends_with(is_apart) {
            ErrorKind::Parenthesis
        } else {
            let found = self.lexer.found();
            let nearest = match &found {
                Found::Word(word) => nearest(word, ["and", "or"]),
                Found::Symbol(_) | Found::End => None,
            };
            ErrorKind::ExpectedConnective { found, nearest, in_parentheses: self.depth > 0 }
        };
        self.lexer.error(kind)
    }
}
