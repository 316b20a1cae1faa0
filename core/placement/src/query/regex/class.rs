//! Character classes.

use super::charset::CharSet;
use super::escape::{Escape, escape};
use super::problem::{RegexError, RegexProblem};
use super::scanner::{Scanner, error};
use crate::query::limits::REGEX_DEPTH_MAX;

/// Parses a class whose bracket at `open`, nested in `depth` others, has been consumed.
///
/// # Errors
/// If it is not closed, or contains an error.
pub(super) fn class(
    scanner: &mut Scanner,
    open: usize,
    depth: usize,
    ignore_case: bool,
) -> Result<CharSet, RegexError> {
    if depth == REGEX_DEPTH_MAX {
        return error(open, RegexProblem::TooDeep);
    }
    let negated = scanner.take("^");
    // The intersection up to the last `&&`, and the union since.
    let mut cut: Option<CharSet> = None;
    let mut united: Option<CharSet> = None;
    loop {
        let offset = scanner.offset();
        if scanner.is_at_end() {
            return error(open, RegexProblem::Unclosed('['));
        }
        if scanner.take("&&") {
            // The meaning of a third `&` is undocumented.
            let Some(side) = united.take().filter(|_| scanner.peek() != Some('&')) else {
                return error(offset, RegexProblem::Intersection);
            };
            cut = Some(intersection(cut, side));
            continue;
        }
        // An immediate closing bracket is a character, as in `[]a]`.
        let is_empty = cut.is_none() && united.is_none();
        if !is_empty && scanner.take("]") {
            let Some(side) = united else {
                return error(offset, RegexProblem::Intersection);
            };
            let set = intersection(cut, side);
            return Ok(if negated { set.negated() } else { set });
        }
        let item = if scanner.take("[") {
            class(scanner, offset, depth + 1, ignore_case)?
        } else {
            item(scanner, ignore_case)?
        };
        united = Some(united.unwrap_or_default().union(item));
    }
}

fn intersection(cut: Option<CharSet>, side: CharSet) -> CharSet {
    match cut {
        Some(cut) => cut.intersection(side),
        None => side,
    }
}

/// Parses a character, a range or a class escape.
fn item(scanner: &mut Scanner, ignore_case: bool) -> Result<CharSet, RegexError> {
    let offset = scanner.offset();
    let member = take_member(scanner)?;
    let before_dash = scanner.peek() == Some('-');
    let first = match member {
        Escape::Character(first) => first,
        // A legacy meaning that Java has kept in this position.
        Escape::Class { .. } if before_dash && scanner.since(offset) == "\\v" => '\u{b}',
        Escape::Class { set, negated } => return Ok(cased(set, negated, ignore_case)),
        Escape::Special(_) => return error(offset, RegexProblem::Escape(scanner.since(offset))),
    };
    if !before_dash || matches!(scanner.peek_at(1), Some('[' | ']')) {
        return Ok(cased(CharSet::range(first, first), false, ignore_case));
    }
    scanner.take("-");
    let offset = scanner.offset();
    match take_member(scanner)? {
        Escape::Character(last) if first <= last => {
            Ok(cased(CharSet::range(first, last), false, ignore_case))
        }
        Escape::Character(last) => error(offset, RegexProblem::Range(first, last)),
        Escape::Class { .. } | Escape::Special(_) => {
            error(offset, RegexProblem::Escape(scanner.since(offset)))
        }
    }
}

/// Consumes a class member, or the meaning of its escape.
fn take_member(scanner: &mut Scanner) -> Result<Escape, RegexError> {
    let offset = scanner.offset();
    match scanner.take_any() {
        Some(unit) if unit.meta() == Some('\\') => escape(scanner, offset),
        Some(unit) => Ok(Escape::Character(unit.character)),
        None => error(offset, RegexProblem::Unclosed('[')),
    }
}

/// A set, with both cases of its letters if case is ignored, or its complement.
pub(super) fn cased(set: CharSet, negated: bool, ignore_case: bool) -> CharSet {
    let set = if ignore_case { set.with_both_cases() } else { set };
    if negated { set.negated() } else { set }
}
