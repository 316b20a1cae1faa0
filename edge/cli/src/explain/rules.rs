//! Constraints and strategies, from the command line and from services.

use std::str::FromStr;
use std::sync::Arc;

use longshore_placement::query::Expression;
use longshore_placement::{Constraint, Resource, Spread, Strategy};

use super::read::Service;
use super::scene::Scene;

/// The rules of a placement.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) strategies: Vec<Strategy>,
}

/// Combines the rules of the task definition and of the service, if any.
pub(super) fn of(scene: &Scene, service: Option<&Service>) -> anyhow::Result<Rules> {
    let mut rules = Rules::default();
    for expression in &scene.definition_constraints {
        rules.constraints.push(member_of(expression).map_err(anyhow::Error::msg)?);
    }
    for given in service.iter().flat_map(|service| &service.placement_constraints) {
        rules.constraints.push(match given.kind.as_deref() {
            Some("distinctInstance") => Constraint::DistinctInstance,
            _ => member_of(given.expression.as_deref().unwrap_or_default())
                .map_err(anyhow::Error::msg)?,
        });
    }
    for given in service.iter().flat_map(|service| &service.placement_strategy) {
        let (kind, field) = (given.kind.as_deref(), given.field.as_deref());
        let read = strategy(kind.unwrap_or_default(), field.unwrap_or_default());
        rules.strategies.push(read.map_err(anyhow::Error::msg)?);
    }
    Ok(rules)
}

fn member_of(text: &str) -> Result<Constraint, String> {
    let expression =
        Expression::parse(text).map_err(|error| format!("{error}\n{}", error.picture(text)))?;
    Ok(Constraint::MemberOf(Arc::new(expression)))
}

fn strategy(kind: &str, field: &str) -> Result<Strategy, String> {
    match (kind, field, field.strip_prefix("attribute:")) {
        ("random", ..) => Ok(Strategy::Random),
        ("spread", "instanceId" | "host", _) => Ok(Strategy::Spread(Spread::Instance)),
        ("spread", _, Some(name)) if !name.is_empty() => {
            Ok(Strategy::Spread(Spread::Attribute(name.into())))
        }
        ("binpack", field, _) if field.eq_ignore_ascii_case("cpu") => {
            Ok(Strategy::Binpack(Resource::Cpu))
        }
        ("binpack", field, _) if field.eq_ignore_ascii_case("memory") => {
            Ok(Strategy::Binpack(Resource::Memory))
        }
        _ => Err(
            "write random, spread:instanceId, spread:attribute:NAME, binpack:cpu or binpack:memory"
                .to_owned(),
        ),
    }
}

/// A constraint as typed: `distinctInstance`, an expression, or the AWS CLI's
/// `type=memberOf,expression=...`.
#[derive(Clone, Debug)]
pub(crate) struct ConstraintArg(pub(crate) Constraint);

impl FromStr for ConstraintArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if matches!(text, "distinctInstance" | "type=distinctInstance") {
            return Ok(Self(Constraint::DistinctInstance));
        }
        let expression = text.strip_prefix("type=memberOf,expression=").unwrap_or(text);
        member_of(expression).map(Self)
    }
}

/// A strategy as typed: `binpack:memory`, or the AWS CLI's `type=binpack,field=memory`.
#[derive(Clone, Debug)]
pub(crate) struct StrategyArg(pub(crate) Strategy);

impl FromStr for StrategyArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (kind, field) = match text.strip_prefix("type=") {
            Some(rest) => rest.split_once(",field=").unwrap_or((rest, "")),
            None => text.split_once(':').unwrap_or((text, "")),
        };
        strategy(kind, field).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_are_read_in_our_form_and_in_that_of_the_aws_cli() {
        let read = |text: &str| text.parse::<StrategyArg>().map(|StrategyArg(one)| one);
        let zones = Strategy::Spread(Spread::Attribute("ecs.availability-zone".into()));
        assert_eq!(read("spread:attribute:ecs.availability-zone"), Ok(zones.clone()));
        assert_eq!(read("type=spread,field=attribute:ecs.availability-zone"), Ok(zones));
        assert_eq!(read("type=binpack,field=MEMORY"), Ok(Strategy::Binpack(Resource::Memory)));
        assert_eq!(read("random"), Ok(Strategy::Random));
        assert!(read("binpack:disk").is_err_and(|said| said.contains("binpack:cpu")));
    }

    #[test]
    fn constraints_are_read_in_both_forms_and_errors_point_at_the_place() {
        let read = |text: &str| text.parse::<ConstraintArg>().map(|ConstraintArg(one)| one);
        assert_eq!(read("distinctInstance"), Ok(Constraint::DistinctInstance));
        let plain = read("attribute:stack == prod");
        assert!(plain.is_ok());
        assert_eq!(plain, read("type=memberOf,expression=attribute:stack == prod"));
        assert!(read("attribute:stack = prod").is_err_and(|said| said.contains('^')));
    }
}
