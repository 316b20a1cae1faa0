//! Operators and all their spellings.

use std::cmp::Ordering;

use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `==`, `!=`, `>`, `>=`, `<`, `<=`
    Compare(Comparison),
    /// `in`, `!in`
    In { negated: bool },
    /// `=~`, `!~`
    Matches { negated: bool },
    /// `exists`, `!exists`
    Exists { negated: bool },
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Every spelling. The first one of an operator is its symbol; longer spellings come before their
/// prefixes.
///
/// Source: ECS developer guide, *Cluster query language*.
pub(super) const SPELLINGS: [(&str, Operator); 22] = [
    ("==", Operator::Compare(Equal)),
    ("!=", Operator::Compare(NotEqual)),
    (">=", Operator::Compare(GreaterOrEqual)),
    (">", Operator::Compare(Greater)),
    ("<=", Operator::Compare(LessOrEqual)),
    ("<", Operator::Compare(Less)),
    ("in", Operator::In { negated: false }),
    ("!in", Operator::In { negated: true }),
    ("=~", Operator::Matches { negated: false }),
    ("!~", Operator::Matches { negated: true }),
    ("exists", Operator::Exists { negated: false }),
    ("!exists", Operator::Exists { negated: true }),
    ("equals", Operator::Compare(Equal)),
    ("not_equals", Operator::Compare(NotEqual)),
    ("greater_than_equal", Operator::Compare(GreaterOrEqual)),
    ("greater_than", Operator::Compare(Greater)),
    ("less_than_equal", Operator::Compare(LessOrEqual)),
    ("less_than", Operator::Compare(Less)),
    ("not_in", Operator::In { negated: true }),
    ("matches", Operator::Matches { negated: false }),
    ("not_matches", Operator::Matches { negated: true }),
    ("not_exists", Operator::Exists { negated: true }),
];

impl Operator {
    /// Its canonical spelling.
    pub(super) fn symbol(self) -> &'static str {
        let spelling = SPELLINGS.iter().find(|(_, operator)| *operator == self);
        spelling.map_or("", |(symbol, _)| symbol)
    }
}

impl Comparison {
    /// Whether it holds for two values that compare as `order`.
    pub(super) fn accepts(self, order: Ordering) -> bool {
        match self {
            Equal => order.is_eq(),
            NotEqual => order.is_ne(),
            Greater => order.is_gt(),
            GreaterOrEqual => order.is_ge(),
            Less => order.is_lt(),
            LessOrEqual => order.is_le(),
        }
    }
}
