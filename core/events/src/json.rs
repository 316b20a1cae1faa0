//! JSON for patterns and events: keeps the order of members and duplicate names, and borrows text
//! where possible.
//!
//! An event is parsed once for all rules, and only strings with escapes are copied.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::limits;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Members<'a>),
}

/// The members of an object, in source order or, after [`Json::canonical`], sorted by name.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

impl<'a> Json<'a> {
    /// Parses a text.
    ///
    /// # Errors
    /// When it is not valid JSON.
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The form that patterns match against: `{"a.b": 1}` becomes `{"a": {"b": 1}}`, and members
    /// are sorted by name for binary search. Duplicate names remain. Names nested deeper than a
    /// pattern can reach keep their dots.
    pub(crate) fn canonical(self) -> Self {
        self.canonical_below(0)
    }

    fn canonical_below(self, depth: usize) -> Self {
        match self {
            Self::Array(values) => {
                Self::Array(values.into_iter().map(|value| value.canonical_below(depth)).collect())
            }
            Self::Object(members) => {
                let one = |(name, value): (Cow<'a, str>, Self)| {
                    let steps = 1 + name.matches('.').count();
                    let fits = depth + steps <= limits::PATTERN_STEPS_MAX;
                    let value = value.canonical_below(depth + if fits { steps } else { 1 });
                    if fits { nested(name, value) } else { (name, value) }
                };
                let mut members: Members<'a> = members.into_iter().map(one).collect();
                // A stable sort keeps duplicate names in source order.
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
                Self::Object(members)
            }
            leaf => leaf,
        }
    }

    /// The member with that name; the last one if there are several.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The value at an index of an array.
    pub(crate) fn at(&self, index: usize) -> Option<&Self> {
        match self {
            Self::Array(values) => values.get(index),
            _ => None,
        }
    }
}

/// Expands the dots in a member's name into nested objects.
fn nested<'a>(name: Cow<'a, str>, value: Json<'a>) -> (Cow<'a, str>, Json<'a>) {
    if !name.contains('.') {
        return (name, value);
    }
    let mut steps = name.rsplit('.').map(str::to_owned);
    let last = steps.next().unwrap_or_default();
    let within = |(name, value), step| (Cow::Owned(step), Json::Object(vec![(name, value)]));
    steps.fold((Cow::Owned(last), value), within)
}

/// All members with that name in an object sorted by name.
pub(crate) fn named<'m, 'a>(
    members: &'m Members<'a>,
    name: &str,
) -> &'m [(Cow<'a, str>, Json<'a>)] {
    let from = members.partition_point(|(known, _)| known.as_ref() < name);
    let rest = &members[from..];
    let count = rest.iter().take_while(|(known, _)| known == name).count();
    &rest[..count]
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Array(values) => {
                f.write_str("[")?;
                for (place, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if place == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (place, (name, value)) in members.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{value}", quoted(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A text as a JSON string, with quotes.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written")
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Deserializes a value.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Number::from_f64(number).map(Json::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), value)) = access.next_entry()? {
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

/// The name of a member.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_written_as_it_was_also_members_that_are_named_twice() {
        let text = r#"{"b":[1,-2,0.5,null,true],"a":"x\"y","b":{},"c":[]}"#;
        assert_eq!(Json::parse(text).expect("it is JSON").to_string(), text);
        assert!(Json::parse("{").is_err());
    }

    #[test]
    fn a_dot_in_a_name_means_nesting() {
        let text = r#"{"c":1,"a.b.c":2,"a":{"x.y":3}}"#;
        let canonical = Json::parse(text).expect("it is JSON").canonical();
        assert_eq!(canonical.to_string(), r#"{"a":{"b":{"c":2}},"a":{"x":{"y":3}},"c":1}"#);
        let Json::Object(members) = &canonical else { panic!("an object") };
        assert_eq!((named(members, "a").len(), named(members, "b").len()), (2, 0));
    }
}
