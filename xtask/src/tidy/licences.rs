//! Everything built into Longshore may be redistributed under its licence.
//!
//! The whole resolved graph counts, including build tools, because distributors ask about them. The
//! accepted licences are those of `deny.toml`, so the list cannot differ from that of cargo-deny,
//! which also reads the licence texts.

use crate::tidy::Violation;
use crate::tidy::deny::Policy;
use crate::tidy::tree::Tree;

/// Every package has a licence expression that the accepted licences satisfy.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let Ok(policy) = Policy::of(tree) else {
        return Vec::new(); // Reported once, by the rule about reasons.
    };
    let mut found = Vec::new();
    for package in tree.packages() {
        let problem =
            match package.licence.as_deref().map(|text| accepts(text, &policy.licenses.allow)) {
                Some(Ok(true)) => continue,
                Some(Ok(false)) => "is not within the licences that deny.toml allows",
                Some(Err(Unreadable)) => "is no SPDX expression",
                None => "is missing",
            };
        let (path, line) = if let Some((manifest, _)) = package.ours() {
            (manifest, 1)
        } else {
            let line = tree.line_of("Cargo.lock", &format!("name = \"{}\"", package.name));
            ("Cargo.lock".to_owned(), line)
        };
        let (name, licence) = (&package.name, package.licence.as_deref().unwrap_or("none"));
        let wanted = format!("the licence of {name} ({licence}) {problem}");
        found.push(Violation::new(&path, line, "licence", wanted));
    }
    found
}

/// The text is not a licence expression.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable;

/// Whether `allowed` satisfies `expression`.
fn accepts(expression: &str, allowed: &[String]) -> Result<bool, Unreadable> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed, open: 0 };
    let accepted = parser.any()?;
    if parser.words.is_empty() { Ok(accepted) } else { Err(Unreadable) }
}

/// Parses from left to right; `words` is the remaining input.
struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
    /// Depth of open parentheses, limited so that no input can exhaust the stack.
    open: u8,
}

/// Maximum nesting of parentheses. Chosen by us: the deepest expression seen on crates.io has one
/// level.
const OPEN_MAX: u8 = 16;

impl<'a> Parser<'a> {
    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    /// `a OR b`
    fn any(&mut self) -> Result<bool, Unreadable> {
        let mut accepted = self.all()?;
        while self.take("OR") {
            accepted |= self.all()?;
        }
        Ok(accepted)
    }

    /// `a AND b`, which binds tighter.
    fn all(&mut self) -> Result<bool, Unreadable> {
        let mut accepted = self.one()?;
        while self.take("AND") {
            accepted &= self.one()?;
        }
        Ok(accepted)
    }

    /// A licence, a licence with an exception, or an expression in parentheses.
    fn one(&mut self) -> Result<bool, Unreadable> {
        if self.take("(") {
            self.open += 1;
            if self.open > OPEN_MAX {
                return Err(Unreadable);
            }
            let accepted = self.any()?;
            self.open -= 1;
            return if self.take(")") { Ok(accepted) } else { Err(Unreadable) };
        }
        let mut name = self.word()?.to_owned();
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.word()?);
        }
        Ok(self.allowed.contains(&name))
    }

    fn word(&mut self) -> Result<&'a str, Unreadable> {
        let (&first, rest) = self.words.split_first().ok_or(Unreadable)?;
        self.words = rest;
        if ["AND", "OR", "WITH", "(", ")"].contains(&first) {
            return Err(Unreadable);
        }
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, accepts, check};
    use crate::tidy::graph::Package;
    use crate::tidy::tree::Tree;

    fn accepted(expression: &str) -> Result<bool, Unreadable> {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        accepts(expression, &allowed)
    }

    #[test]
    fn a_choice_needs_one_and_a_sum_needs_all() {
        assert_eq!(accepted("MIT"), Ok(true));
        assert_eq!(accepted("GPL-3.0 OR MIT"), Ok(true));
        assert_eq!(accepted("GPL-3.0/MIT"), Ok(true));
        assert_eq!(accepted("GPL-3.0 AND MIT"), Ok(false));
        assert_eq!(accepted("(GPL-3.0 OR MIT) AND Apache-2.0"), Ok(true));
        assert_eq!(accepted("MIT AND GPL-3.0 OR Apache-2.0"), Ok(true));
    }

    #[test]
    fn an_exception_makes_another_licence() {
        assert_eq!(accepted("Apache-2.0 WITH LLVM-exception"), Ok(true));
        assert_eq!(accepted("MIT WITH LLVM-exception"), Ok(false));
    }

    #[test]
    fn what_is_no_expression_is_no_licence() {
        for text in ["", "MIT OR", "(MIT", "MIT)", "MIT MIT", "OR", "MIT WITH"] {
            assert_eq!(accepted(text), Err(Unreadable), "{text}");
        }
        assert_eq!(accepted(&"(".repeat(10_000)), Err(Unreadable));
    }

    #[test]
    fn the_whole_graph_counts() {
        let deny = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\"]\n";
        let lock = "[[package]]\nname = \"good\"\n\n[[package]]\nname = \"bad\"\n";
        let tree = Tree::of(&[("deny.toml", deny), ("Cargo.lock", lock)]).with_packages(vec![
            Package::at("wire/ecs", &[], &[]),
            Package::foreign("good", "1.0.0", Some("MIT")),
            Package::foreign("bad", "1.0.0", Some("SSPL-1.0")),
            Package::foreign("none", "1.0.0", None),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].line, 5);
        assert!(found[1].wanted.contains("none"), "{}", found[1]);
    }
}
