//! Selectors of labels: `a==b, c!=d, e in (x,y), f notin (g), h`. Source: frameworks.md 3.2.
//!
//! A backslash stands before any character that would mean something: `three\ is\ cool`. Marathon wants one before anything but letters,
//! digits, `-`, `_` and `.`; here `a/b` needs none.

use std::collections::BTreeMap;

/// A selector: all of its parts hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    key: String,
    /// `None`: the label is there.
    values: Option<Vec<String>>,
    is_not: bool,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// What is no selector.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no label selector: write a==b, a!=b, a in (b, c), a notin (b, c) or a"
            )
        };
        let mut rest = Rest(text);
        let mut parts = Vec::new();
        loop {
            parts.push(rest.part().ok_or_else(wrong)?);
            if !rest.takes(",") {
                break;
            }
        }
        if rest.0.trim_start().is_empty() { Ok(Self(parts)) } else { Err(wrong()) }
    }

    /// Whether it selects something with these labels. A label that is not there is neither equal nor unequal to anything.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|part| {
            let value = labels.get(&part.key);
            match &part.values {
                None => value.is_some(),
                Some(values) => value.is_some_and(|value| values.contains(value) != part.is_not),
            }
        })
    }
}

/// What of a text is not read yet. Blanks between its words do not count.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(word);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn part(&mut self) -> Option<Part> {
        let key = self.term()?;
        for (operator, is_not) in [("==", false), ("!=", true)] {
            if self.takes(operator) {
                return Some(Part { key, values: Some(vec![self.term()?]), is_not });
            }
        }
        for (operator, is_not) in [("notin", true), ("in", false)] {
            if self.takes(operator) {
                return Some(Part { key, values: Some(self.set()?), is_not });
            }
        }
        Some(Part { key, values: None, is_not: false })
    }

    fn set(&mut self) -> Option<Vec<String>> {
        let mut values = Vec::new();
        if !self.takes("(") {
            return None;
        }
        if self.takes(")") {
            return Some(values);
        }
        loop {
            values.push(self.term()?);
            if self.takes(")") {
                return Some(values);
            }
            if !self.takes(",") {
                return None;
            }
        }
    }

    fn term(&mut self) -> Option<String> {
        let mut term = String::new();
        let mut all = self.0.trim_start().chars();
        loop {
            let rest = all.as_str();
            match all.next() {
                Some('\\') => term.push(all.next()?),
                Some(c) if !c.is_whitespace() && !",()=!".contains(c) => term.push(c),
                _ => {
                    self.0 = rest;
                    return (!term.is_empty()).then_some(term);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(text: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Selector::read(text).expect("it is one").selects(&labels.collect())
    }

    #[test]
    fn a_selector_has_all_its_forms() {
        let labels = [("a", "b"), ("e", "x")];
        for (text, is_selected) in [
            ("a==b", true),
            ("a != b", false),
            (" a ==b ", true),
            ("a==b, e in (x, y)", true),
            ("e in(x)", true),
            ("e in ()", false),
            ("e notin (x,y)", false),
            ("e notin (y)", true),
            ("c notin (y)", false),
            ("c!=y", false),
            ("e", true),
            ("c", false),
            ("a==c", false),
        ] {
            assert_eq!(selects(text, &labels), is_selected, "{text}");
        }
    }

    #[test]
    fn a_backslash_takes_the_meaning_from_what_follows() {
        let labels = [("{{{", "&&&"), ("a,b", "one (two)"), ("path", "x/y")];
        for text in [
            r"\{\{\{ in (\*\*\*, \&\&\&)",
            r"a\,b==one\ \(two\)",
            r"a\,b",
            "path==x/y",
            r"path!=\=\=",
        ] {
            assert!(selects(text, &labels), "{text}");
        }
    }

    #[test]
    fn words_of_selectors_are_labels_too() {
        let labels = [("in", "notin"), ("inner", "1")];
        for text in ["in", "in==notin", "in in (notin)", "in notin (in)", "inner"] {
            assert!(selects(text, &labels), "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in [
            "",
            " ",
            ",",
            "a,",
            "a in b",
            "a some (b)",
            "a b",
            "a==",
            "==a",
            "a=b",
            "a in (b",
            "a in (,)",
            "a==b)",
            r"a\",
        ] {
            let why = Selector::read(text).expect_err(text);
            assert!(why.contains("is no label selector: write"), "{why}");
        }
    }
}
