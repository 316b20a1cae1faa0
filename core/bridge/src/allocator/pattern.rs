//! Regular expressions of offer constraints, in the dialect of RE2.
//!
//! The engine here is close to RE2 and not the same: its `\d` and `\w` are those of all scripts, classes can be nested and
//! intersected, and some escapes differ. So a pattern is read and written anew for it. What RE2 refuses is refused, with its
//! message. Source: \[C5\]; RE2, `doc/syntax.txt`.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

use crate::limits;

/// A regular expression that must match the whole of a text.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// # Errors
    /// What is wrong with it, in the words of Mesos.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let shown = crate::words::shortened(pattern);
        let failed =
            |why: String| format!("Failed to construct regex from pattern '{shown}': {why}");
        if pattern.len() > limits::PATTERN_BYTES_MAX {
            return Err(failed("pattern too large - compile failed".to_owned()));
        }
        let rewritten = Rewriting::of(pattern).map_err(failed)?;
        let built = RegexBuilder::new(&format!(r"\A(?:{rewritten})\z"))
            .size_limit(limits::PATTERN_COMPILED_BYTES_MAX)
            .dfa_size_limit(limits::PATTERN_COMPILED_BYTES_MAX)
            .nest_limit(limits::PATTERN_NESTING_MAX)
            .build();
        built.map(Self).map_err(|why| match why {
            regex::Error::CompiledTooBig(_) => {
                failed("pattern too large - compile failed".to_owned())
            }
            other => failed(last_line(&other.to_string())),
        })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// The engine shows where in the pattern it failed, and says why in the last line.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// A pattern that is being written anew.
struct Rewriting<'a> {
    whole: &'a str,
    rest: Peekable<Chars<'a>>,
    out: String,
    open_groups: usize,
    /// What the last thing was that was written.
    last: Last,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing yet, in this group or branch.
    Nothing,
    /// Something that can be repeated.
    Atom,
    Repetition,
}

impl<'a> Rewriting<'a> {
    fn of(pattern: &'a str) -> Result<String, String> {
        let mut rewriting = Self {
            whole: pattern,
            rest: pattern.chars().peekable(),
            out: String::new(),
            open_groups: 0,
            last: Last::Nothing,
        };
        while let Some(next) = rewriting.rest.next() {
            rewriting.one(next)?;
        }
        if rewriting.open_groups > 0 {
            return Err(format!("missing ): {pattern}"));
        }
        Ok(rewriting.out)
    }

    fn one(&mut self, next: char) -> Result<(), String> {
        match next {
            '(' => return self.group(),
            ')' => {
                if self.open_groups == 0 {
                    return Err(format!("unexpected ): {}", self.whole));
                }
                self.open_groups -= 1;
                self.out.push(')');
                self.last = Last::Atom;
            }
            '|' => {
                self.out.push('|');
                self.last = Last::Nothing;
            }
            '*' | '+' | '?' => return self.repetition(&next.to_string()),
            '{' => match self.counted()? {
                Some(count) => return self.repetition(&count),
                None => self.literal('{'),
            },
            '[' => return self.class(),
            '\\' => return self.escape(),
            '.' | '^' | '$' => {
                self.out.push(next);
                self.last = Last::Atom;
            }
            other => self.literal(other),
        }
        Ok(())
    }

    fn literal(&mut self, one: char) {
        self.out.push_str(&regex::escape(one.encode_utf8(&mut [0; 4])));
        self.last = Last::Atom;
    }

    /// What follows a parenthesis: a name or flags, and nothing that looks around.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        self.last = Last::Nothing;
        if self.rest.peek() != Some(&'?') {
            self.open_groups += 1;
            return Ok(());
        }
        self.rest.next();
        let mut begin = String::from("?");
        loop {
            let Some(next) = self.rest.next() else {
                return Err(format!("missing ): {}", self.whole));
            };
            begin.push(next);
            let is_name = begin.starts_with("?P<");
            match next {
                '>' if is_name => break,
                _ if is_name || begin == "?P" => {}
                ':' => break,
                // Flags for the rest of the group open no group of their own.
                ')' => {
                    self.out.push_str(&begin);
                    return Ok(());
                }
                'i' | 'm' | 's' | 'U' | '-' => {}
                _ => return Err(format!("invalid perl operator: ({begin}")),
            }
        }
        self.open_groups += 1;
        self.out.push_str(&begin);
        Ok(())
    }

    fn repetition(&mut self, operator: &str) -> Result<(), String> {
        match self.last {
            Last::Nothing => {
                return Err(format!("no argument for repetition operator: {operator}"));
            }
            Last::Repetition => return Err(format!("bad repetition operator: {operator}")),
            Last::Atom => {}
        }
        self.out.push_str(operator);
        if self.rest.peek() == Some(&'?') {
            self.rest.next();
            self.out.push('?');
        }
        self.last = Last::Repetition;
        Ok(())
    }

    /// The rest of `{2}`, `{2,}` or `{2,5}`. A brace that begins nothing of the kind stands for itself.
    fn counted(&mut self) -> Result<Option<String>, String> {
        const REPEATS_MAX: u32 = 1_000;
        let mut ahead = self.rest.clone();
        let inner: String = ahead.by_ref().take_while(|one| *one != '}').collect();
        let (least, most) = inner.split_once(',').unwrap_or((&inner, &inner));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_closed = self.rest.clone().any(|one| one == '}');
        if !is_closed || !is_number(least) || !(most.is_empty() || is_number(most)) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let is_bad = number(least) > REPEATS_MAX
            || !most.is_empty() && (number(most) > REPEATS_MAX || number(most) < number(least));
        if is_bad {
            return Err(format!("invalid repetition size: {{{inner}}}"));
        }
        self.rest = ahead;
        Ok(Some(format!("{{{inner}}}")))
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(next) = self.rest.next() else { return Err("trailing \\: ".to_owned()) };
        match next {
            'Q' => {
                let text: String = self.rest.by_ref().collect();
                let (quoted, after) = text.split_once("\\E").unwrap_or((&text, ""));
                quoted.chars().for_each(|one| self.literal(one));
                // What follows begins where the quotation ends.
                let from = self.whole.len() - after.len();
                self.rest = self.whole.get(from..).unwrap_or_default().chars().peekable();
            }
            'A' | 'z' => self.atom(&format!("\\{next}")),
            'b' => self.atom(r"(?-u:\b)"),
            'B' => self.atom(r"(?-u:\B)"),
            other => {
                let rewritten = self.shared_escape(other)?;
                self.atom(&rewritten);
            }
        }
        Ok(())
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Atom;
    }

    /// Escapes that mean the same within a class and outside.
    fn shared_escape(&mut self, next: char) -> Result<String, String> {
        let invalid = || Err(format!("invalid escape sequence: \\{next}"));
        let class = match next {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\f\r ]",
            'S' => r"[^\t\n\f\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => return self.property(next),
            'x' => return self.hexadecimal(),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => return Ok(format!("\\{next}")),
            '0'..='7' => return self.octal(next).map_or_else(invalid, Ok),
            other if other.is_ascii_punctuation() && other != '_' => {
                return Ok(regex::escape(other.encode_utf8(&mut [0; 4])));
            }
            _ => return invalid(),
        };
        Ok(class.to_owned())
    }

    /// `\012`; what could be a reference back to a group, such as `\1`, is none.
    fn octal(&mut self, first: char) -> Option<String> {
        let mut value = first.to_digit(8)?;
        let mut digits = 1;
        while digits < 3
            && let Some(digit) = self.rest.peek().and_then(|one| one.to_digit(8))
        {
            value = value * 8 + digit;
            digits += 1;
            self.rest.next();
        }
        (first == '0' || digits > 1).then(|| format!("\\x{{{value:x}}}"))
    }

    /// `\x41` or `\x{10FFFF}`.
    fn hexadecimal(&mut self) -> Result<String, String> {
        let digits: String = if self.rest.peek() == Some(&'{') {
            self.rest.next();
            self.rest.by_ref().take_while(|one| *one != '}').collect()
        } else {
            self.rest.by_ref().take(2).collect()
        };
        let is_char = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).is_some();
        if is_char {
            Ok(format!("\\x{{{digits}}}"))
        } else {
            Err(format!("invalid escape sequence: \\x{digits}"))
        }
    }

    /// `\pN` or `\p{Greek}`.
    fn property(&mut self, kind: char) -> Result<String, String> {
        let name: String = match self.rest.next() {
            Some('{') => self.rest.by_ref().take_while(|one| *one != '}').collect(),
            Some(one) => one.to_string(),
            None => String::new(),
        };
        let (is_negated, bare) = match name.strip_prefix('^') {
            Some(bare) => (true, bare),
            None => (false, &*name),
        };
        if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(format!("invalid character class range: \\{kind}{{{name}}}"));
        }
        let is_outside = is_negated != (kind == 'P');
        Ok(format!("\\{}{{{bare}}}", if is_outside { 'P' } else { 'p' }))
    }

    /// A class: within it nothing is special here but ranges, escapes and `[:names:]`.
    fn class(&mut self) -> Result<(), String> {
        let missing = format!("missing ]: [{}", self.rest.clone().collect::<String>());
        let mut class = String::from("[");
        if self.rest.peek() == Some(&'^') {
            self.rest.next();
            class.push('^');
        }
        let mut is_first = true;
        loop {
            let Some(next) = self.rest.next() else { return Err(missing) };
            match next {
                ']' if !is_first => break,
                '[' if self.rest.peek() == Some(&':') => class.push_str(&self.posix(&missing)?),
                _ => self.class_item(next, &mut class, &missing)?,
            }
            is_first = false;
        }
        class.push(']');
        self.atom(&class);
        Ok(())
    }

    /// `[:alpha:]`, of which the bracket has been read.
    fn posix(&mut self, missing: &str) -> Result<String, String> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        let mut name = String::from("[");
        for next in self.rest.by_ref() {
            name.push(next);
            if next != ']' {
                continue;
            }
            let inner = name.trim_start_matches("[:").trim_end_matches(":]");
            return if NAMES.contains(&inner.trim_start_matches('^')) {
                Ok(name)
            } else {
                Err(format!("invalid character class range: {name}"))
            };
        }
        Err(missing.to_owned())
    }

    fn class_item(&mut self, next: char, class: &mut String, missing: &str) -> Result<(), String> {
        class.push_str(&self.class_char(next, missing)?);
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.peek().is_some_and(|one| *one != ']');
        if is_range {
            self.rest.next();
            let Some(end) = self.rest.next() else { return Err(missing.to_owned()) };
            class.push('-');
            class.push_str(&self.class_char(end, missing)?);
        }
        Ok(())
    }

    fn class_char(&mut self, next: char, missing: &str) -> Result<String, String> {
        if next != '\\' {
            return Ok(regex::escape(next.encode_utf8(&mut [0; 4])));
        }
        let Some(escaped) = self.rest.next() else { return Err(missing.to_owned()) };
        self.shared_escape(escaped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(pattern: &str) -> String {
        let why = Pattern::new(pattern).expect_err(pattern);
        why.split_once("': ").map(|(_, why)| why.to_owned()).expect("a reason")
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        for (pattern, matching, other) in [
            ("r1", "r1", "r12"),
            ("r[0-9]+", "r12", "xr12"),
            ("a|ab", "ab", "abc"),
            (r"\d{1,3}", "127", "1270"),
            (r"\w+", "rack_1", "räck"),
            (r"\bx\b", "x", "xx"),
            (r"\Q(a)+\E?", "(a)+", "aa"),
            (r"[[:alpha:]-]+", "a-b", "a1"),
            (r"[]a[]+", "]a[", "b"),
            (r"[a&&b]+", "a&b", "c"),
            (r"[\d.-]+", "1.2-3", "1,2"),
            (r"a{,2}", "a{,2}", "aa"),
            (r"x{", "x{", "x"),
            (r"\x41\102\x{43}", "ABC", "abc"),
            (r"(?i)rack-(?P<n>\d+)", "RACK-7", "rack-"),
            (r"(?i:r)1", "R1", "R2"),
            (r"\p{Greek}\pN", "α1", "a1"),
            (r"a.c", "abc", "a\nc"),
            (r"a#b c", "a#b c", "ab"),
            ("", "", "a"),
        ] {
            let one = Pattern::new(pattern).expect(pattern);
            assert!(one.matches(matching), "{pattern} {matching}");
            assert!(!one.matches(other), "{pattern} {other}");
        }
        assert!(Pattern::new(r"a\Bb").expect("valid").matches("ab"));
    }

    /// \[C5\]
    #[test]
    fn what_re2_refuses_is_refused_with_its_message() {
        assert_eq!(
            Pattern::new("(").expect_err("open"),
            "Failed to construct regex from pattern '(': missing ): ("
        );
        assert_eq!(why("a[b"), "missing ]: [b");
        assert_eq!(why("*a"), "no argument for repetition operator: *");
        assert_eq!(why("a**"), "bad repetition operator: *");
        assert_eq!(why(r"a\y"), r"invalid escape sequence: \y");
        assert_eq!(why(r"(a)\1"), r"invalid escape sequence: \1");
        assert_eq!(why("(?=a)"), "invalid perl operator: (?=");
        assert_eq!(why("(?x)a"), "invalid perl operator: (?x");
        assert_eq!(why("a{1001}"), "invalid repetition size: {1001}");
        assert_eq!(why("[[:none:]]"), "invalid character class range: [:none:]");
        assert_eq!(why("a{3,2}"), "invalid repetition size: {3,2}");
        for broken in [")", "a\\", "[z-a]", r"\x{110000}", r"\p{Nothing}", "(?P<n"] {
            assert!(Pattern::new(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_pattern_is_bounded() {
        assert_eq!(why(&"a".repeat(5_000)), "pattern too large - compile failed");
        assert_eq!(why("((a{100}){100}){100}"), "pattern too large - compile failed");
        assert!(Pattern::new(&"(".repeat(1_000)).is_err());
        assert!(Pattern::new(&format!("{}{}", "(".repeat(300), ")".repeat(300))).is_err());
    }
}
