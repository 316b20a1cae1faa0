//! Places tasks by the rules of a request. Constraints and strategies are parsed once, rejected
//! with the errors of ECS, and carried as [`Rules`].

use std::sync::Arc;

use longshore_placement::query::{Effort, Expression, ExpressionError};
use longshore_placement::{
    ClusterView, Constraint, Needs, Plan, Port, Protocol, Refusal, Request, RequiredAttribute,
    Resource, Spread, Strategy, check, place as decide, suits as decide_kind,
};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::shared::Failure;
use longshore_wire_ecs::shape::task as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};

use crate::cluster_state::ClusterState;
use crate::record::TaskDefinition;

/// The attribute that every task requires; most require no other. Source: amazon-ecs-agent, the
/// lowest version of the Docker API that it supports.
pub(crate) const USUAL_ATTRIBUTE: &str = "com.amazonaws.ecs.capability.docker-remote-api.1.18";

/// Prepares placement for the common case before instances are added.
pub(crate) fn prepare(view: &mut ClusterView) {
    let attribute = RequiredAttribute { name: USUAL_ATTRIBUTE.into(), value: None };
    let needs = Needs { attributes: vec![attribute], ..Needs::default() };
    view.prepare(&Arc::new(needs), &[]);
}

/// The constraints that placement must obey and the strategies that it follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    constraints: Vec<Constraint>,
    strategies: Vec<Strategy>,
}

impl Rules {
    /// Parses the rules of a request.
    ///
    /// # Errors
    /// Describes what is wrong, as ECS does.
    pub(crate) fn read(
        constraints: &[shape::PlacementConstraint],
        strategies: &[shape::PlacementStrategy],
    ) -> Result<Self, ApiError> {
        if strategies.len() > limits::PLACEMENT_STRATEGIES_MAX {
            return Err(ApiError::invalid("Maximum number of strategies is 5"));
        }
        if constraints.len() > limits::PLACEMENT_CONSTRAINTS_MAX {
            return Err(too_many());
        }
        Ok(Self {
            constraints: constraints.iter().map(constraint).collect::<Result<_, _>>()?,
            strategies: strategies.iter().map(strategy).collect::<Result<_, _>>()?,
        })
    }

    /// Adds the constraints of a task definition. Source: ECS API reference, `RunTask`: ten in all.
    ///
    /// # Errors
    /// When there are more than ten.
    pub(crate) fn and_of(mut self, definition: &TaskDefinition) -> Result<Self, ApiError> {
        for own in definition.content.placement_constraints.iter().flatten() {
            self.constraints.push(member_of(own.expression.as_ref())?);
        }
        if self.constraints.len() > limits::PLACEMENT_CONSTRAINTS_MAX {
            return Err(too_many());
        }
        Ok(self)
    }
}

fn too_many() -> ApiError {
    ApiError::invalid("Maximum number of placement constraints is 10")
}

fn constraint(given: &shape::PlacementConstraint) -> Result<Constraint, ApiError> {
    match (given.kind.as_deref(), &given.expression) {
        (Some("distinctInstance"), Some(_)) => {
            Err(ApiError::invalid("distinctInstance expression should not be specified."))
        }
        (Some("distinctInstance"), None) => Ok(Constraint::DistinctInstance),
        (Some("memberOf"), expression) => member_of(expression.as_ref()),
        _ => Err(ApiError::invalid("type should be one of [distinctInstance,memberOf]")),
    }
}

fn member_of(expression: Option<&Str>) -> Result<Constraint, ApiError> {
    let text = expression.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        ApiError::invalid("A memberOf placement constraint must have an expression.")
    })?;
    expression_of(text).map(|read| Constraint::MemberOf(Arc::new(read)))
}

/// Parses an expression of the cluster query language.
///
/// # Errors
/// Says what is wrong and where.
pub(crate) fn expression_of(text: &str) -> Result<Expression, ApiError> {
    Expression::parse(text).map_err(|error: ExpressionError| {
        ApiError::invalid(format!("Invalid cluster query expression: {error}"))
    })
}

fn strategy(given: &shape::PlacementStrategy) -> Result<Strategy, ApiError> {
    let field = given.field.as_deref().unwrap_or_default();
    match given.kind.as_deref() {
        Some("random") if !field.is_empty() => {
            Err(ApiError::invalid("random field should not be specified."))
        }
        Some("random") => Ok(Strategy::Random),
        Some("spread") => spread(field).map(Strategy::Spread),
        Some("binpack") if field.eq_ignore_ascii_case("cpu") => {
            Ok(Strategy::Binpack(Resource::Cpu))
        }
        Some("binpack") if field.eq_ignore_ascii_case("memory") => {
            Ok(Strategy::Binpack(Resource::Memory))
        }
        Some("binpack") => Err(ApiError::invalid(format!(
            "binpack field '{field}' is invalid. It should be one of [cpu,memory]."
        ))),
        _ => Err(ApiError::invalid("type should be one of [random,spread,binpack]")),
    }
}

/// A strategy as the API shows it: `host` is an alias of `instanceId`. Source: ECS API reference,
/// `PlacementStrategy.field`.
pub(crate) fn shown_strategy(given: &shape::PlacementStrategy) -> shape::PlacementStrategy {
    let is_host = given.kind.as_deref() == Some("spread") && given.field.as_deref() == Some("host");
    let field = if is_host { Some("instanceId".into()) } else { given.field.clone() };
    shape::PlacementStrategy { field, ..given.clone() }
}

fn spread(field: &str) -> Result<Spread, ApiError> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./\\".contains(&byte);
    match field.strip_prefix("attribute:") {
        None if matches!(field, "instanceId" | "host") => Ok(Spread::Instance),
        Some(name) if (1..=128).contains(&name.len()) && name.bytes().all(valid) => {
            Ok(Spread::Attribute(name.into()))
        }
        _ => Err(ApiError::invalid(format!(
            "spread field should be instanceId, host or attribute:NAME, not '{field}'"
        ))),
    }
}

/// Chooses instances for `count` tasks of a group, and explains why the first unplaced task fits
/// nowhere.
pub(crate) fn place(
    cluster: &mut ClusterState,
    needs: &Arc<Needs>,
    group: &Str,
    rules: &Rules,
    count: u32,
    seed: u64,
) -> Plan {
    let (constraints, strategies) = (&*rules.constraints, &*rules.strategies);
    let request = Request { needs, group, constraints, strategies, count, seed };
    decide(&mut cluster.view, &request)
}

/// The error for constraints that cannot be evaluated within the time limit of one request.
pub(crate) fn too_costly(cluster: &ClusterState) -> ApiError {
    ApiError::invalid(format!(
        "The cluster query expressions take too long to evaluate on the {} container instances of this cluster: use shorter expressions, or simpler regular expressions.",
        cluster.registered
    ))
}

/// Whether one more task fits on an instance that was named rather than chosen by a strategy.
pub(crate) fn fits(
    cluster: &ClusterState,
    id: ResourceId,
    needs: &Arc<Needs>,
    group: &Str,
    rules: &Rules,
    effort: &Effort,
) -> Result<(), Refusal> {
    check(&cluster.view, id, &named(needs, group, rules), effort)
}

/// Whether an instance meets a task's requirements, regardless of its free resources.
pub(crate) fn suits(
    cluster: &ClusterState,
    id: ResourceId,
    needs: &Arc<Needs>,
    group: &Str,
    rules: &Rules,
    effort: &Effort,
) -> bool {
    decide_kind(&cluster.view, id, &named(needs, group, rules), effort)
}

fn named<'a>(needs: &'a Arc<Needs>, group: &'a Str, rules: &'a Rules) -> Request<'a> {
    let constraints = &*rules.constraints;
    Request { needs, group, constraints, strategies: &[], count: 1, seed: 0 }
}

/// The error for features that Longshore does not support and must not ignore.
pub(crate) fn not_yet(what: &str) -> ApiError {
    ApiError::new(
        ErrorCode::UnsupportedFeature,
        format!("{what} are not supported by Longshore yet: leave them out."),
    )
}

fn port_reason(port: Port) -> &'static str {
    if port.protocol == Protocol::Udp { "RESOURCE:PORTS_UDP" } else { "RESOURCE:PORTS" }
}

/// The reason for a refusal, as the API reports it.
pub(crate) fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotActive => "INACTIVE",
        Refusal::NotConnected => "AGENT",
        Refusal::Attribute(_) => "ATTRIBUTE",
        Refusal::Cpu(_) => "RESOURCE:CPU",
        Refusal::Memory(_) => "RESOURCE:MEMORY",
        Refusal::Port(port) | Refusal::MachinePort(port) => port_reason(*port),
        Refusal::Gpu(_) => "RESOURCE:GPU",
        Refusal::DistinctInstance => "DistinctInstance placement constraint unsatisfied.",
        Refusal::MemberOf(_) => "MemberOf placement constraint unsatisfied.",
    }
}

/// Refusals of instances, as the API reports them. An expression is formatted once, however many
/// instances it excludes.
pub(crate) fn failures(
    cluster: &ClusterState,
    rules: &Rules,
    refused: &[(ResourceId, Refusal)],
) -> Vec<Failure> {
    let text = |constraint: &Constraint| match constraint {
        Constraint::MemberOf(expression) => Some(Str::from(expression.to_string())),
        Constraint::DistinctInstance => None,
    };
    let texts: Vec<Option<Str>> = rules.constraints.iter().map(text).collect();
    let each = refused.iter().map(|(id, refusal)| Failure {
        arn: cluster.instances.get(id).map(|instance| instance.arn.clone()),
        reason: Some(reason(refusal).into()),
        detail: detail(refusal, &texts),
    });
    each.collect()
}

fn detail(refusal: &Refusal, texts: &[Option<Str>]) -> Option<Str> {
    let text = match refusal {
        Refusal::NotActive => "The container instance is DRAINING.".to_owned(),
        Refusal::Attribute(name) => {
            format!("The attribute {name} is missing or has a different value.")
        }
        Refusal::Cpu(free) => format!("{free} CPU units are free."),
        Refusal::Memory(free) => format!("{free} MiB are free."),
        Refusal::Port(port) => format!("The port {} is in use.", port.number),
        Refusal::MachinePort(port) => {
            format!(
                "The port {} is in use by another container instance on the same machine.",
                port.number
            )
        }
        Refusal::Gpu(free) => format!("{free} GPUs are free."),
        Refusal::MemberOf(number) => return texts.get(*number).cloned().flatten(),
        Refusal::NotConnected | Refusal::DistinctInstance => return None,
    };
    Some(text.into())
}
