//! Where a job may run: what an offer must have, and what its agent must be.

use std::fmt;

use longshore_wire_chronos::{Amount, Constraint, Definition, Malformed, Operator};
use longshore_wire_mesos::v1::value::Type;
use longshore_wire_mesos::v1::{Attribute, Offer, Resource};
use regex::{Regex, RegexBuilder};

use crate::limits;

/// What a run takes of an offer, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) cpus: u64,
    pub(crate) mem: u64,
    pub(crate) disk: u64,
}

impl Claim {
    pub(crate) fn of(definition: &Definition) -> Self {
        Self { cpus: definition.cpus.0, mem: definition.mem.0, disk: definition.disk.0 }
    }

    /// What is free in an offer: nothing that is reserved, for whom it may be. Source: frameworks.md 2.2: role `*`.
    pub(crate) fn offered(offer: &Offer) -> Self {
        let amount = |name: &str| {
            let free = |one: &&Resource| one.name == name && one.reservations.is_empty();
            let of = offer.resources.iter().filter(free);
            of.filter_map(|one| one.scalar.as_ref()).map(|one| thousandths(one.value)).sum()
        };
        Self { cpus: amount("cpus"), mem: amount("mem"), disk: amount("disk") }
    }

    /// What is left; `None` if it is not enough.
    pub(crate) fn less(self, other: Self) -> Option<Self> {
        Some(Self {
            cpus: self.cpus.checked_sub(other.cpus)?,
            mem: self.mem.checked_sub(other.mem)?,
            disk: self.disk.checked_sub(other.disk)?,
        })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpus, mem, disk } = *self;
        let [cpus, mem, disk] = [cpus, mem, disk].map(|amount| Amount(amount).number());
        write!(f, "{cpus} CPUs, {mem} MiB of memory and {disk} MiB of disk")
    }
}

fn thousandths(amount: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and offers are not negative"
    )]
    let thousandths = (amount * 1000.0).round() as u64;
    thousandths
}

/// A constraint whose pattern is compiled.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    attribute: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equals(String),
    Like(Regex),
    Unlike(Regex),
}

impl Rule {
    /// The rules of a job.
    pub(crate) fn all(constraints: &[Constraint]) -> Result<Vec<Self>, Malformed> {
        let compiled = |(index, one): (usize, &Constraint)| {
            let Constraint { attribute, operator, value } = one;
            let test = match operator {
                Operator::Equals => Test::Equals(value.clone()),
                Operator::Like => Test::Like(pattern(index, value)?),
                Operator::Unlike => Test::Unlike(pattern(index, value)?),
            };
            Ok(Self { attribute: attribute.clone(), test })
        };
        constraints.iter().enumerate().map(compiled).collect()
    }

    /// Whether an offer's agent is one. Source: frameworks.md 2.2: attributes, and a synthetic `hostname`.
    pub(crate) fn allows(&self, offer: &Offer) -> bool {
        let attribute = offer.attributes.iter().find(|one| one.name == self.attribute);
        let value = match attribute {
            Some(attribute) => Some(text(attribute)),
            None if self.attribute == "hostname" => Some(offer.hostname.clone()),
            None => None,
        };
        match &self.test {
            Test::Equals(wanted) => value.as_ref() == Some(wanted),
            Test::Like(pattern) => value.is_some_and(|value| pattern.is_match(&value)),
            Test::Unlike(pattern) => !value.is_some_and(|value| pattern.is_match(&value)),
        }
    }
}

/// A pattern that the whole of a value must match.
fn pattern(index: usize, text: &str) -> Result<Regex, Malformed> {
    let mut builder = RegexBuilder::new(&format!("^(?:{text})$"));
    builder.size_limit(limits::PATTERN_COMPILED_BYTES_MAX);
    builder.build().map_err(|why| {
        let wanted = format!("{text:?} is not a regular expression: {why}");
        Malformed::new(format!("constraints[{index}]"), wanted)
    })
}

/// An attribute as text.
fn text(attribute: &Attribute) -> String {
    match attribute.r#type() {
        Type::Text => attribute.text.as_ref().map(|text| text.value.clone()).unwrap_or_default(),
        Type::Scalar => {
            attribute.scalar.as_ref().map(|one| one.value.to_string()).unwrap_or_default()
        }
        Type::Ranges => {
            let ranges = attribute.ranges.iter().flat_map(|ranges| &ranges.range);
            let ranges: Vec<String> =
                ranges.map(|one| format!("{}-{}", one.begin, one.end)).collect();
            format!("[{}]", ranges.join(","))
        }
        Type::Set => {
            let items = attribute.set.as_ref().map(|set| set.item.join(",")).unwrap_or_default();
            format!("{{{items}}}")
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_wire_mesos::v1::value;

    use super::*;

    fn offer(attributes: &[(&str, &str)]) -> Offer {
        let attribute = |(name, text): &(&str, &str)| Attribute {
            name: (*name).to_owned(),
            r#type: Type::Text.into(),
            text: Some(value::Text { value: (*text).to_owned() }),
            ..Attribute::default()
        };
        let attributes = attributes.iter().map(attribute).collect();
        Offer { hostname: "host-7".to_owned(), attributes, ..Offer::default() }
    }

    fn allows(operator: Operator, attribute: &str, value: &str, offer: &Offer) -> bool {
        let one = Constraint { attribute: attribute.into(), operator, value: value.into() };
        Rule::all(&[one]).unwrap()[0].allows(offer)
    }

    #[test]
    fn attributes_are_equal_or_match_as_a_whole() {
        // Source: frameworks.md 2.2.
        let offer = offer(&[("rack", "a12")]);
        assert!(allows(Operator::Equals, "rack", "a12", &offer));
        assert!(!allows(Operator::Equals, "rack", "a1", &offer));
        assert!(allows(Operator::Like, "rack", "a\\d+", &offer));
        assert!(!allows(Operator::Like, "rack", "a", &offer));
        assert!(!allows(Operator::Unlike, "rack", "a.*", &offer));
        assert!(allows(Operator::Unlike, "rack", "b.*", &offer));
    }

    #[test]
    fn an_attribute_that_an_agent_lacks_is_only_unlike() {
        let offer = offer(&[]);
        let found = [Operator::Equals, Operator::Like, Operator::Unlike]
            .map(|operator| allows(operator, "zone", "a", &offer));
        assert_eq!(found, [false, false, true]);
    }

    #[test]
    fn the_host_name_is_an_attribute() {
        assert!(allows(Operator::Like, "hostname", "host-.*", &offer(&[])));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_by_field() {
        let one = Constraint {
            attribute: "a".to_owned(),
            operator: Operator::Like,
            value: "(".to_owned(),
        };
        assert_eq!(Rule::all(&[one]).unwrap_err().field, "constraints[0]");
    }
}
