//! Selectors of labels: `a==b, c!=d, e in (x,y), f notin (g), h`. Source: frameworks.md 3.2.

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
        let mut parts = Vec::new();
        for part in split(text) {
            parts.push(Part::read(part.trim())?);
        }
        Ok(Self(parts))
    }

    /// Whether it selects something with these labels.
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

/// At commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

impl Part {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no label selector: write a==b, a!=b, a in (b, c), a notin (b, c) or a"
            )
        };
        let part = |key: &str, values, is_not| {
            let key = key.trim();
            let is_key = !key.is_empty() && !key.contains(char::is_whitespace);
            is_key.then(|| Self { key: key.to_owned(), values, is_not }).ok_or_else(wrong)
        };
        for (operator, is_not) in [("!=", true), ("==", false)] {
            if let Some((key, value)) = text.split_once(operator) {
                return part(key, Some(vec![value.trim().to_owned()]), is_not);
            }
        }
        for (operator, is_not) in [(" notin ", true), (" in ", false)] {
            if let Some((key, set)) = text.split_once(operator) {
                let set = set.trim().strip_prefix('(').and_then(|set| set.strip_suffix(')'));
                let values = set.ok_or_else(wrong)?.split(',').map(|one| one.trim().to_owned());
                return part(key, Some(values.collect()), is_not);
            }
        }
        part(text, None, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_has_all_its_forms() {
        let labels = [("a", "b"), ("e", "x")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let labels = BTreeMap::from(labels);
        for (text, is_selected) in [
            ("a==b", true),
            ("a != b", false),
            ("a==b, e in (x, y)", true),
            ("e notin (x,y)", false),
            ("e", true),
            ("c", false),
            ("a==c", false),
        ] {
            assert_eq!(
                Selector::read(text).expect("it is one").selects(&labels),
                is_selected,
                "{text}"
            );
        }
        assert!(Selector::read("a in b").is_err());
        assert!(Selector::read("").is_err());
    }
}
