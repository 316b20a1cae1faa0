//! Backslash escapes.

use super::charset::CharSet;
use super::problem::{RegexError, RegexProblem};
use super::scanner::{Scanner, error};

/// Inclusive ranges of characters.
type Ranges = &'static [(char, char)];

const DIGIT: Ranges = &[('0', '9')];
const WORD: Ranges = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACE: Ranges = &[('\t', '\r'), (' ', ' ')];
const HORIZONTAL: Ranges = &[
    ('\t', '\t'),
    (' ', ' '),
    ('\u{a0}', '\u{a0}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{2000}', '\u{200a}'),
    ('\u{202f}', '\u{202f}'),
    ('\u{205f}', '\u{205f}'),
    ('\u{3000}', '\u{3000}'),
];
pub(super) const VERTICAL: Ranges = &[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')];

/// The US-ASCII classes that `\p` names. Source: `java.util.regex.Pattern`, *POSIX character
/// classes*.
const NAMED: [(&str, Ranges); 13] = [
    ("Lower", &[('a', 'z')]),
    ("Upper", &[('A', 'Z')]),
    ("ASCII", &[('\0', '\u{7f}')]),
    ("Alpha", &[('A', 'Z'), ('a', 'z')]),
    ("Digit", DIGIT),
    ("Alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("Punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("Graph", &[('!', '~')]),
    ("Print", &[(' ', '~')]),
    ("Blank", &[('\t', '\t'), (' ', ' ')]),
    ("Cntrl", &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
    ("XDigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
    ("Space", SPACE),
];

/// The meaning of an escape.
#[derive(Clone, Debug)]
pub(super) enum Escape {
    /// One character.
    Character(char),
    /// A class of characters, or its complement.
    Class { set: CharSet, negated: bool },
    /// Meaningful only outside classes, by its letter or digit.
    Special(char),
}

/// Parses what follows the backslash at `offset`, which has been consumed.
///
/// # Errors
/// If it is unknown or not supported.
pub(super) fn escape(scanner: &mut Scanner, offset: usize) -> Result<Escape, RegexError> {
    let Some(unit) = scanner.take_any() else {
        return error(offset, RegexProblem::Escape("\\".to_owned()));
    };
    let character = unit.character;
    let class = |ranges: Ranges, negated| Ok(Escape::Class { set: CharSet::of(ranges), negated });
    match character {
        'd' | 'D' => class(DIGIT, character == 'D'),
        'w' | 'W' => class(WORD, character == 'W'),
        's' | 'S' => class(SPACE, character == 'S'),
        'h' | 'H' => class(HORIZONTAL, character == 'H'),
        'v' | 'V' => class(VERTICAL, character == 'V'),
        'p' | 'P' => class(named(scanner, offset)?, character == 'P'),
        't' => Ok(Escape::Character('\t')),
        'n' => Ok(Escape::Character('\n')),
        'r' => Ok(Escape::Character('\r')),
        'f' => Ok(Escape::Character('\u{c}')),
        'a' => Ok(Escape::Character('\u{7}')),
        'e' => Ok(Escape::Character('\u{1b}')),
        '0' | 'c' | 'u' | 'x' => coded(scanner, character, offset).map(Escape::Character),
        'N' => unsupported(scanner, offset, "a character by its name"),
        'X' => unsupported(scanner, offset, "a grapheme cluster"),
        '1'..='9' | 'A' | 'B' | 'G' | 'R' | 'Z' | 'b' | 'k' | 'z' => Ok(Escape::Special(character)),
        other if other.is_ascii_alphabetic() => {
            error(offset, RegexProblem::Escape(format!("\\{other}")))
        }
        other => Ok(Escape::Character(other)),
    }
}

/// Rejects the consumed text that starts at `offset`.
pub(super) fn unsupported<T>(
    scanner: &Scanner,
    offset: usize,
    name: &'static str,
) -> Result<T, RegexError> {
    error(offset, RegexProblem::Unsupported { construct: scanner.since(offset), name })
}

/// The class that follows `\p`, as in `\p{Alpha}`.
fn named(scanner: &mut Scanner, offset: usize) -> Result<Ranges, RegexError> {
    if !scanner.take("{") {
        scanner.take_any();
        return unsupported(scanner, offset, "a Unicode property");
    }
    let name = scanner.take_while(usize::MAX, |character| character != '}');
    if !scanner.take("}") {
        return error(offset, RegexProblem::Unclosed('{'));
    }
    match NAMED.iter().find(|(known, _)| *known == name) {
        Some((_, ranges)) => Ok(ranges),
        None => unsupported(scanner, offset, "a Unicode property"),
    }
}

/// A character by its code: `\0` octal, `\x` and `\u` hexadecimal, `\c` control.
fn coded(scanner: &mut Scanner, kind: char, offset: usize) -> Result<char, RegexError> {
    let hexadecimal = |character: char| character.is_ascii_hexdigit();
    let code = match kind {
        'c' => scanner.take_any().map(|unit| u32::from(unit.character) ^ 64),
        '0' => {
            // Three digits only up to 377, the largest byte.
            let most = if matches!(scanner.peek(), Some('0'..='3')) { 3 } else { 2 };
            number(&scanner.take_while(most, |character| matches!(character, '0'..='7')), 8)
        }
        'x' if scanner.take("{") => {
            let digits = scanner.take_while(usize::MAX, hexadecimal);
            if scanner.take("}") { number(&digits, 16) } else { None }
        }
        _ => {
            let width = if kind == 'x' { 2 } else { 4 };
            let digits = scanner.take_while(width, hexadecimal);
            if digits.len() == width { number(&digits, 16) } else { None }
        }
    };
    match code {
        Some(0xd800..=0xdfff) => unsupported(scanner, offset, "half of a surrogate pair"),
        code => match code.and_then(char::from_u32) {
            Some(character) => Ok(character),
            None => error(offset, RegexProblem::Escape(scanner.since(offset))),
        },
    }
}

fn number(digits: &str, radix: u32) -> Option<u32> {
    u32::from_str_radix(digits, radix).ok()
}
