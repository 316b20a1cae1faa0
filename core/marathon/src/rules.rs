//! Where instances may be. Source: frameworks.md 3.4.
//!
//! Instances of older configurations are not counted. `GROUP_BY` without a number follows Marathon 1.4: a value that is not used yet is
//! always taken, and a used one only if no other has fewer. Marathon 1.11 divides by zero there.

use std::collections::BTreeMap;

use longshore_wire_marathon::{Constraint, Operator};
use longshore_wire_mesos::v1::value::Type;
use longshore_wire_mesos::v1::{Attribute, Offer};
use regex::{Regex, RegexBuilder};

use crate::instances::Instance;
use crate::limits;

/// A constraint that is read.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    field: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Unique,
    Cluster(Option<String>),
    GroupBy(Option<u64>),
    MaxPer(u64),
    Like(Regex),
    Unlike(Regex),
    Is(String),
}

impl Rule {
    /// The rules of an app; an index and what is wrong if one cannot be read.
    pub(crate) fn all(constraints: &[Constraint]) -> Result<Vec<Self>, (usize, String)> {
        let read = |(at, one): (usize, &Constraint)| {
            let test = test(one).map_err(|why| (at, why))?;
            Ok(Self { field: one.field.clone(), test })
        };
        constraints.iter().enumerate().map(read).collect()
    }

    /// Whether it says something about regions or zones: then offers of other regions are looked at.
    pub(crate) fn is_of_domain(&self) -> bool {
        matches!(self.field.as_str(), "@region" | "@zone")
    }

    /// The field by which instances are spread evenly, if it is one.
    pub(crate) fn spreads(&self) -> Option<&str> {
        matches!(self.test, Test::GroupBy(_)).then_some(&self.field)
    }

    /// Whether an instance may be placed on an offer beside others, of which there are to be `wanted`.
    pub(crate) fn allows(&self, offer: &Offer, beside: &[&Instance], wanted: u32) -> bool {
        let value = offered(offer, &self.field);
        if let Test::Unlike(pattern) = &self.test {
            return !value.is_some_and(|value| pattern.is_match(&value));
        }
        let Some(value) = value else { return false };
        let values = || beside.iter().filter_map(|one| of_instance(one, &self.field));
        let here = || values().filter(|one| *one == value).count() as u64;
        match &self.test {
            Test::Unique => here() == 0,
            Test::Cluster(Some(named)) => *named == value,
            Test::Cluster(None) => values().all(|one| one == value),
            Test::MaxPer(most) => here() < *most,
            Test::Like(pattern) => pattern.is_match(&value),
            Test::Unlike(_) => true,
            Test::Is(wanted) => *wanted == value,
            Test::GroupBy(groups) => {
                let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
                values().for_each(|one| *counts.entry(one).or_default() += 1);
                spread(&counts, &value, *groups, u64::from(wanted))
            }
        }
    }
}

/// Whether one more may have a value.
fn spread(counts: &BTreeMap<&str, u64>, value: &str, groups: Option<u64>, wanted: u64) -> bool {
    let here = counts.get(value).copied().unwrap_or(0);
    let Some(groups) = groups else {
        let fewest = counts.values().min().copied().unwrap_or(0);
        return here == 0 || here == fewest;
    };
    if here == 0 {
        return (counts.len() as u64) < groups;
    }
    let (each, over) = (wanted / groups, wanted % groups);
    let fuller = counts.values().filter(|count| **count > each).count() as u64;
    here < each || (here == each && fuller < over)
}

fn test(of: &Constraint) -> Result<Test, String> {
    let value = of.value.clone().filter(|value| !value.is_empty());
    let named = |what: &str| {
        let word = of.operator.word();
        value.clone().ok_or_else(|| format!("{word} needs {what} as its third part"))
    };
    let number = |text: String| match text.parse::<u64>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{} needs a number of at least 1, not '{text}'", of.operator.word())),
    };
    Ok(match of.operator {
        Operator::Unique => Test::Unique,
        Operator::Cluster => Test::Cluster(value.clone()),
        Operator::GroupBy => Test::GroupBy(value.clone().map(number).transpose()?),
        Operator::MaxPer => Test::MaxPer(number(named("a number")?)?),
        Operator::Like => Test::Like(pattern(&named("a regular expression")?)?),
        Operator::Unlike => Test::Unlike(pattern(&named("a regular expression")?)?),
        Operator::Is => Test::Is(named("a value")?),
    })
}

/// A pattern that the whole of a value must match.
fn pattern(text: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(&format!("^(?:{text})$"));
    builder.size_limit(limits::PATTERN_COMPILED_BYTES_MAX);
    builder.build().map_err(|why| format!("'{text}' is not a regular expression: {why}"))
}

fn offered(offer: &Offer, field: &str) -> Option<String> {
    match field {
        "hostname" | "@hostname" => Some(offer.hostname.clone()),
        "@region" => domain(offer).0,
        "@zone" => domain(offer).1,
        name => offer.attributes.iter().find(|one| one.name == name).map(text),
    }
}

/// The value that an instance has of a field.
pub(crate) fn of_instance<'i>(instance: &'i Instance, field: &str) -> Option<&'i str> {
    match field {
        "hostname" | "@hostname" => Some(&instance.host),
        "@region" => instance.region.as_deref(),
        "@zone" => instance.zone.as_deref(),
        name => instance.attributes.get(name).map(String::as_str),
    }
}

/// The region and the zone of an offer's agent.
pub(crate) fn domain(offer: &Offer) -> (Option<String>, Option<String>) {
    let fault = offer.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref());
    fault.map_or((None, None), |one| (Some(one.region.name.clone()), Some(one.zone.name.clone())))
}

/// An attribute as text: scalars with at most three decimals, ranges and sets as Mesos writes them.
pub(crate) fn text(attribute: &Attribute) -> String {
    match attribute.r#type() {
        Type::Text => attribute.text.as_ref().map(|one| one.value.clone()).unwrap_or_default(),
        Type::Scalar => {
            let value = attribute.scalar.as_ref().map_or(0.0, |one| one.value);
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Type::Ranges => {
            let ranges = attribute.ranges.iter().flat_map(|one| &one.range);
            let ranges: Vec<_> = ranges.map(|one| format!("{}-{}", one.begin, one.end)).collect();
            format!("[{}]", ranges.join(", "))
        }
        Type::Set => {
            let items = attribute.set.iter().flat_map(|one| one.item.iter().map(String::as_str));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_gets_its_share_and_the_remainder_goes_to_the_first() {
        // Source: frameworks.md 3.4: per group at most instances/n, and one more while the remainder lasts.
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let mut places = |value: &'static str| {
            let fits = spread(&counts, value, Some(2), 5);
            if fits {
                *counts.entry(value).or_default() += 1;
            }
            fits
        };
        let tried = ["a", "a", "a", "a", "b", "c", "b", "b"];
        let fits = tried.map(&mut places);
        assert_eq!(fits, [true, true, true, false, true, false, true, false]);
    }

    #[test]
    fn without_a_number_a_new_value_is_taken_and_a_used_one_if_none_has_fewer() {
        let counts = BTreeMap::from([("a", 2), ("b", 1)]);
        let fits = ["a", "b", "c"].map(|value| spread(&counts, value, None, 9));
        assert_eq!(fits, [false, true, true]);
    }

    #[test]
    fn a_pattern_must_match_the_whole_value() {
        let like = pattern("rack-[1-3]").unwrap();
        assert!(like.is_match("rack-2") && !like.is_match("rack-22"));
        assert!(pattern("rack-[").unwrap_err().contains("not a regular expression"));
    }
}
