//! Conditions on the value of one field.
//!
//! However many alternatives a field has, a value is looked up rather than compared with each:
//! texts, numbers, prefixes and suffixes are sorted. Wildcards, ranges and negations must be tried
//! one by one, and count as [`Work`].

use longshore_wire_ecs::Str;

use super::decimal::Decimal;
use super::text::{Address, Cidr, Edge, Folded, Wildcard};
use super::work::Work;
use crate::json::Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One bound of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) comparison: Comparison,
    pub(super) number: Decimal,
}

impl Bound {
    fn holds(&self, number: &Decimal) -> bool {
        match self.comparison {
            Comparison::Equal => *number == self.number,
            Comparison::Less => *number < self.number,
            Comparison::LessOrEqual => *number <= self.number,
            Comparison::Greater => *number > self.number,
            Comparison::GreaterOrEqual => *number >= self.number,
        }
    }
}

/// The alternatives of a field: a value must match one of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Leaf {
    /// Any value matches.
    pub(super) exists: bool,
    /// A missing value matches.
    pub(super) absent: bool,
    pub(super) null: bool,
    pub(super) yes: bool,
    pub(super) no: bool,
    pub(super) texts: Vec<Str>,
    pub(super) numbers: Vec<Decimal>,
    pub(super) prefixes: Vec<Str>,
    /// Stored reversed.
    pub(super) suffixes: Vec<Str>,
    pub(super) folded: Vec<Folded>,
    pub(super) wildcards: Vec<Wildcard>,
    pub(super) ranges: Vec<Vec<Bound>>,
    pub(super) blocks: Vec<Cidr>,
    /// Negations: a value matches if one of these does not accept it.
    pub(super) but: Vec<Leaf>,
}

impl Leaf {
    pub(super) fn add_text(&mut self, text: &str) {
        self.texts.push(text.into());
        // Addresses match in any notation.
        self.blocks.extend(Address::parse(text).map(Cidr::of));
    }

    pub(super) fn add_prefix(&mut self, text: &str) {
        self.prefixes.push(text.into());
    }

    pub(super) fn add_suffix(&mut self, text: &str) {
        self.suffixes.push(reversed(text).into());
    }

    pub(super) fn add_folded(&mut self, edge: Edge, text: &str) {
        self.folded.push(Folded::new(edge, text));
    }

    /// Call once all alternatives have been added.
    pub(super) fn finish(&mut self) {
        sort(&mut self.texts);
        self.numbers.sort_unstable();
        self.numbers.dedup();
        for texts in [&mut self.prefixes, &mut self.suffixes] {
            sort(texts);
            // A prefix that starts with another one is redundant.
            texts.dedup_by(|longer, shorter| longer.starts_with(&**shorter));
        }
    }

    /// The accepted texts, if nothing else is accepted.
    pub(super) fn names(&self) -> Option<&[Str]> {
        let only = Self { texts: self.texts.clone(), ..Self::default() };
        (*self == only && !self.texts.is_empty()).then_some(&self.texts)
    }

    /// Wildcards, each grouped with its alternatives.
    pub(super) fn wildcards(&self) -> impl Iterator<Item = &[Wildcard]> {
        let single = self.wildcards.iter().map(std::slice::from_ref);
        single.chain(self.but.iter().map(|but| &*but.wildcards))
    }

    /// Whether a scalar value, or one in an array, matches.
    pub(super) fn accepts(&self, value: &Json<'_>, work: &mut Work) -> bool {
        match value {
            Json::Object(_) => false,
            Json::Array(values) => values.iter().any(|value| self.accepts(value, work)),
            leaf => self.accepts_leaf(leaf, work),
        }
    }

    fn accepts_leaf(&self, value: &Json<'_>, work: &mut Work) -> bool {
        if !work.spend(1) {
            return false;
        }
        self.exists
            || match value {
                Json::Null => self.null,
                Json::Bool(flag) => {
                    if *flag {
                        self.yes
                    } else {
                        self.no
                    }
                }
                Json::Number(number) => {
                    Decimal::of(number).is_some_and(|number| self.accepts_number(&number, work))
                }
                Json::Text(text) => self.accepts_text(text, work),
                Json::Array(_) | Json::Object(_) => false,
            }
            || self.but.iter().any(|but| !but.accepts_leaf(value, work))
    }

    fn accepts_number(&self, number: &Decimal, work: &mut Work) -> bool {
        self.numbers.binary_search(number).is_ok()
            || self
                .ranges
                .iter()
                .any(|range| work.spend(1) && range.iter().all(|bound| bound.holds(number)))
    }

    fn accepts_text(&self, text: &str, work: &mut Work) -> bool {
        self.texts.binary_search_by(|known| (**known).cmp(text)).is_ok()
            || begins(text, &self.prefixes)
            || (!self.suffixes.is_empty()
                && work.read(text)
                && begins(&reversed(text), &self.suffixes))
            || self.folded.iter().any(|folded| work.spend(1) && folded.matches(text))
            || self.wildcards.iter().any(|wildcard| work.read(text) && wildcard.matches(text))
            || self.is_in_block(text, work)
    }

    fn is_in_block(&self, text: &str, work: &mut Work) -> bool {
        !self.blocks.is_empty()
            && Address::parse(text).is_some_and(|address| {
                self.blocks.iter().any(|block| work.spend(1) && block.contains(address))
            })
    }
}

fn sort(texts: &mut Vec<Str>) {
    texts.sort_unstable();
    texts.dedup();
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// Whether a text starts with one of the sorted `prefixes`, none of which starts with another.
fn begins(text: &str, prefixes: &[Str]) -> bool {
    let after = prefixes.partition_point(|prefix| **prefix <= *text);
    after > 0 && text.starts_with(&*prefixes[after - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(leaf: &Leaf, text: &str) -> bool {
        leaf.accepts(&Json::Text(text.into()), &mut Work::unbounded())
    }

    #[test]
    fn prefixes_and_suffixes_are_found_among_many() {
        let mut leaf = Leaf::default();
        for text in ["ba", "bcd", "a/", "zz", "zzz"] {
            leaf.add_prefix(text);
            leaf.add_suffix(text);
        }
        leaf.add_prefix("c");
        leaf.finish();
        for (text, expected) in [("c", true), ("bcx", false), ("a/x", true), ("ax", false)] {
            assert_eq!(accepts(&leaf, text), expected, "{text}");
        }
        for (text, expected) in [("xba", true), ("xa/", true), ("xbcd", true), ("xb", false)] {
            assert_eq!(accepts(&leaf, text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_is_compared_as_one() {
        let mut leaf = Leaf::default();
        leaf.add_text("2001:db8::1");
        leaf.finish();
        assert!(accepts(&leaf, "2001:0db8:0:0:0:0:0:1"));
        assert!(!accepts(&leaf, "2001:db8::2"));
        assert!(leaf.names().is_none());
    }
}
