//! Event patterns: what a rule wants to see in an event.
//!
//! Fields are joined by *and*, the alternatives of a field by *or*. An array in an event stands for any of its values, and
//! an array of objects must hold one object that has all that is asked of it. A field is what has a value: an object is
//! none, and neither is an empty array. Source: EventBridge user guide, *Creating event patterns*.

mod decimal;
mod read;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

use longshore_wire_ecs::Str;
use serde_json::{Map, Value};

use decimal::Decimal;
use text::{Cidr, Wildcard};

/// An event pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    root: Fields,
}

/// What an object must hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fields {
    fields: Vec<(Str, Want)>,
    /// Of each group one member must hold.
    alternatives: Vec<Vec<Fields>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Want {
    Nested(Fields),
    Leaf(Vec<Test>),
}

/// What one value must be.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Text(Str),
    Number(Decimal),
    Bool(bool),
    Null,
    Prefix(Str),
    PrefixFolded(String),
    Suffix(Str),
    SuffixFolded(String),
    Folded(String),
    Wildcard(Wildcard),
    AnythingBut(Vec<Test>),
    Numeric(Vec<Bound>),
    Exists(bool),
    Cidr(Cidr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn is_lower(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual)
    }

    fn is_upper(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    comparison: Comparison,
    number: Decimal,
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

/// What a pattern says of source and detail type alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pins {
    /// The only sources that can match; `None` if any may.
    pub(crate) sources: Option<BTreeSet<Str>>,
    /// The only detail types that can match; `None` if any may.
    pub(crate) detail_types: Option<BTreeSet<Str>>,
    /// The pattern says nothing else.
    pub(crate) complete: bool,
}

impl Pins {
    /// Whether events of this source and type may match.
    pub(crate) fn allow(&self, source: &str, detail_type: &str) -> bool {
        let names = |texts: &Option<BTreeSet<Str>>, text: &str| {
            texts.as_ref().is_none_or(|texts| texts.contains(text))
        };
        names(&self.sources, source) && names(&self.detail_types, detail_type)
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it is none, with the field that is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        read::pattern(text)
    }

    /// Whether an event is such an event.
    pub(crate) fn matches(&self, event: &Map<String, Value>) -> bool {
        self.root.matches(Some(event), &[event])
    }

    /// What it says of source and detail type alone.
    pub(crate) fn pins(&self) -> Pins {
        let mut pins = Pins { complete: self.root.alternatives.is_empty(), ..Pins::default() };
        for (name, want) in &self.root.fields {
            let place = match &**name {
                "source" => &mut pins.sources,
                "detail-type" => &mut pins.detail_types,
                _ => {
                    pins.complete = false;
                    continue;
                }
            };
            *place = want.texts();
            pins.complete &= place.is_some();
        }
        pins
    }
}

impl Want {
    /// The texts that it names, if it wants nothing but texts.
    fn texts(&self) -> Option<BTreeSet<Str>> {
        let Self::Leaf(tests) = self else { return None };
        let text = |test: &Test| match test {
            Test::Text(text) => Some(text.clone()),
            _ => None,
        };
        tests.iter().map(text).collect()
    }
}

impl Fields {
    /// In how many ways it can be met: alternatives multiply.
    fn ways(&self) -> usize {
        let nested = self.fields.iter().map(|(_, want)| match want {
            Want::Nested(fields) => fields.ways(),
            Want::Leaf(_) => 1,
        });
        let groups = self
            .alternatives
            .iter()
            .map(|group| group.iter().map(Self::ways).fold(0, usize::saturating_add));
        nested.chain(groups).fold(1, usize::saturating_mul)
    }

    /// Whether the object `one` meets it. `all` are all objects at the same path of the event: a field is absent only if
    /// none of them has it.
    fn matches(&self, one: Option<&Map<String, Value>>, all: &[&Map<String, Value>]) -> bool {
        self.fields.iter().all(|(name, want)| want.matches(name, one, all))
            && self
                .alternatives
                .iter()
                .all(|group| group.iter().any(|fields| fields.matches(one, all)))
    }
}

impl Want {
    fn matches(
        &self,
        name: &str,
        one: Option<&Map<String, Value>>,
        all: &[&Map<String, Value>],
    ) -> bool {
        let value = one.and_then(|object| object.get(name));
        match self {
            Self::Nested(fields) => {
                let mut next = Vec::new();
                for object in all {
                    collect_objects(object.get(name), &mut next);
                }
                let mut ours = Vec::new();
                collect_objects(value, &mut ours);
                if ours.is_empty() {
                    return fields.matches(None, &next);
                }
                ours.iter().any(|object| fields.matches(Some(object), &next))
            }
            Self::Leaf(tests) => tests.iter().any(|test| match test {
                Test::Exists(true) => any_leaf(value, &mut |_| true),
                Test::Exists(false) => {
                    !all.iter().any(|object| any_leaf(object.get(name), &mut |_| true))
                }
                other => any_leaf(value, &mut |leaf| other.matches(leaf)),
            }),
        }
    }
}

/// Objects, also those in arrays.
fn collect_objects<'a>(value: Option<&'a Value>, into: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Some(Value::Object(object)) => into.push(object),
        Some(Value::Array(values)) => {
            for value in values {
                collect_objects(Some(value), into);
            }
        }
        _ => {}
    }
}

/// Whether a value, or one in an array, is neither object nor array and meets `test`.
fn any_leaf(value: Option<&Value>, test: &mut impl FnMut(&Value) -> bool) -> bool {
    match value {
        None | Some(Value::Object(_)) => false,
        Some(Value::Array(values)) => values.iter().any(|value| any_leaf(Some(value), test)),
        Some(leaf) => test(leaf),
    }
}

impl Test {
    fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::AnythingBut(tests), _) => !tests.iter().any(|test| test.matches(value)),
            (Self::Null, Value::Null) => true,
            (Self::Bool(wanted), Value::Bool(flag)) => wanted == flag,
            (_, Value::Number(number)) => {
                Decimal::of(number).is_some_and(|number| self.matches_number(&number))
            }
            (_, Value::String(text)) => self.matches_text(text),
            _ => false,
        }
    }

    fn matches_number(&self, number: &Decimal) -> bool {
        match self {
            Self::Number(wanted) => wanted == number,
            Self::Numeric(bounds) => bounds.iter().all(|bound| bound.holds(number)),
            _ => false,
        }
    }

    fn matches_text(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => **wanted == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::PrefixFolded(prefix) => text.to_lowercase().starts_with(prefix.as_str()),
            Self::Suffix(suffix) => text.ends_with(&**suffix),
            Self::SuffixFolded(suffix) => text.to_lowercase().ends_with(suffix.as_str()),
            Self::Folded(wanted) => text.to_lowercase() == *wanted,
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Cidr(block) => block.contains(text),
            _ => false,
        }
    }
}
