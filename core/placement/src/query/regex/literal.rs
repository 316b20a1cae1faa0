//! Literals that every match of a pattern contains. They rule out most values without running the
//! program.

use super::tree::Node;

/// Texts that every match contains, in order and without overlap.
#[derive(Debug, Default)]
pub(super) struct Literals(Vec<String>);

impl Literals {
    /// The literals of a pattern.
    pub(super) fn of(node: &Node) -> Self {
        let mut texts = vec![String::new()];
        collect(node, &mut texts);
        texts.retain(|text| !text.is_empty());
        Self(texts)
    }

    /// Whether a value contains all of them. If not, it does not match.
    pub(super) fn are_in(&self, value: &str) -> bool {
        let mut rest = value;
        self.0.iter().all(|text| match rest.split_once(&**text) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

/// Adds what `node` requires; the last text is the one that the next character extends.
fn collect(node: &Node, texts: &mut Vec<String>) {
    match node {
        Node::Set(set) => match set.only() {
            Some(character) => texts.last_mut().expect("there is one").push(character),
            None => texts.push(String::new()),
        },
        Node::Sequence(parts) => parts.iter().for_each(|part| collect(part, texts)),
        Node::Capture { part, .. } | Node::Atomic(part) => collect(part, texts),
        Node::Repeat { part, least, .. } => {
            texts.push(String::new());
            if *least > 0 {
                collect(part, texts);
                texts.push(String::new());
            }
        }
        // These require no fixed text, or consume nothing.
        Node::Choice(_) | Node::Look { .. } | Node::Reference { .. } | Node::Assertion(_) => {
            texts.push(String::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    #[test]
    fn what_every_match_has_is_found() {
        for (pattern, texts) in [
            ("abc", &["abc"][..]),
            ("us-.*-9[a-z]+", &["us-", "-9"]),
            ("a(bc)d", &["abcd"]),
            ("a(b)?c", &["a", "c"]),
            ("(ab){2,3}c", &["ab", "c"]),
            ("ab|cd", &[]),
            ("(?i)ab", &[]),
            ("a(?=b)bc", &["a", "bc"]),
            ("", &[]),
        ] {
            let node = parse(pattern).expect("it is a pattern");
            assert_eq!(Literals::of(&node).0, texts, "{pattern}");
        }
    }

    #[test]
    fn they_follow_each_other_without_overlap() {
        let node = parse("aba.*ba").expect("it is a pattern");
        let literals = Literals::of(&node);
        assert!(literals.are_in("ababa"));
        assert!(!literals.are_in("abba"));
        assert!(!literals.are_in("abaab"));
    }
}
