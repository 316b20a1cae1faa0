//! Sets of characters.

use std::cmp::Ordering;

/// A set of characters.
///
/// Invariant: its ranges, inclusive on both ends, are sorted by code point and do not touch each
/// other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CharSet(Vec<(u32, u32)>);

/// The greatest code point.
const LAST: u32 = char::MAX as u32;

impl CharSet {
    /// The characters from `first` to `last`.
    pub(super) fn range(first: char, last: char) -> Self {
        Self::of(&[(first, last)])
    }

    /// The characters of all these ranges.
    pub(super) fn of(ranges: &[(char, char)]) -> Self {
        let codes = ranges.iter().map(|(first, last)| (u32::from(*first), u32::from(*last)));
        Self::joined(codes.collect())
    }

    fn joined(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::new();
        for (first, last) in ranges {
            match joined.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    /// Its single character, if it has exactly one.
    pub(super) fn only(&self) -> Option<char> {
        match *self.0 {
            [(first, last)] if first == last => char::from_u32(first),
            _ => None,
        }
    }

    pub(super) fn contains(&self, character: char) -> bool {
        let code = u32::from(character);
        let order = |(first, last): &(u32, u32)| match () {
            () if *last < code => Ordering::Less,
            () if *first > code => Ordering::Greater,
            () => Ordering::Equal,
        };
        self.0.binary_search_by(order).is_ok()
    }

    /// The characters in either set.
    pub(super) fn union(self, other: Self) -> Self {
        Self::joined([self.0, other.0].concat())
    }

    /// The characters that are not in it.
    pub(super) fn negated(self) -> Self {
        let mut others = Vec::new();
        let mut next = 0;
        for (first, last) in self.0 {
            if next < first {
                others.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= LAST {
            others.push((next, LAST));
        }
        Self(others)
    }

    /// The characters in both sets.
    pub(super) fn intersection(self, other: Self) -> Self {
        self.negated().union(other.negated()).negated()
    }

    /// Adds the other case of its letters. Source: `java.util.regex.Pattern`, `CASE_INSENSITIVE`:
    /// US-ASCII only.
    pub(super) fn with_both_cases(self) -> Self {
        let (lower, upper) = (Self::range('a', 'z'), Self::range('A', 'Z'));
        let case = u32::from('a') - u32::from('A');
        let raised = self.clone().intersection(lower).0.into_iter();
        let lowered = self.clone().intersection(upper).0.into_iter();
        let raised = raised.map(|(first, last)| (first - case, last - case));
        let lowered = lowered.map(|(first, last)| (first + case, last + case));
        Self::joined(self.0.into_iter().chain(raised).chain(lowered).collect())
    }
}
