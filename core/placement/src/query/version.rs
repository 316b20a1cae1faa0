//! Agent versions.

use std::cmp::Ordering;
use std::fmt;

/// A version: whole numbers separated by dots. Missing trailing numbers are 0.
#[derive(Clone, Debug)]
pub(super) struct Version(Vec<u64>);

impl Version {
    /// Parses a version.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.split('.').map(number).collect::<Option<Vec<u64>>>().map(Self)
    }

    /// Compares the version in `text` with this one; `None` if it is not a version.
    pub(super) fn order_of(&self, text: &str) -> Option<Ordering> {
        let mut wanted = self.0.iter().copied();
        let mut order = Ordering::Equal;
        for part in text.split('.') {
            order = order.then(number(part)?.cmp(&wanted.next().unwrap_or(0)));
        }
        let longer = wanted.any(|number| number > 0);
        Some(order.then(if longer { Ordering::Less } else { Ordering::Equal }))
    }

    /// Without trailing zeros.
    fn significant(&self) -> &[u64] {
        let end = self.0.iter().rposition(|number| *number > 0).map_or(0, |last| last + 1);
        &self.0[..end]
    }
}

/// Parses a number. Chosen by us: one of more than 64 bits is invalid.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}
