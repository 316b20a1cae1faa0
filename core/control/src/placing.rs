//! From the placement rules of a request to instances: constraints and strategies are read once, refused in ECS's words, and
//! carried as [`Rules`].

use longshore_placement::{Needs, Plan, Protocol, Refusal, Request, place as decide};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::shared::Failure;
use longshore_wire_ecs::shape::task as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, limits};

use crate::cluster_state::ClusterState;

/// What placement has to obey (constraints) and to aim at (strategies).
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {}

impl Rules {
    /// Reads what a request gives.
    ///
    /// # Errors
    /// Names what is wrong, as ECS does.
    pub(crate) fn read(
        constraints_given: &[shape::PlacementConstraint],
        strategies_given: &[shape::PlacementStrategy],
    ) -> Result<Self, ApiError> {
        strategies(strategies_given)?;
        constraints(constraints_given)?;
        Ok(Self {})
    }
}

/// Chooses instances for `count` tasks of a group, and says for the first that found none why not.
pub(crate) fn place(
    cluster: &ClusterState,
    needs: &Needs,
    group: &str,
    _rules: &Rules,
    count: u32,
) -> Plan {
    decide(&cluster.view, &Request { needs, group, count })
}

/// What ECS cannot do here yet, and does not ignore.
pub(crate) fn not_yet(what: &str) -> ApiError {
    ApiError::new(
        ErrorCode::UnsupportedFeature,
        format!(
            "{what} cannot be honoured by Longshore yet, and are not ignored: leave them out, and tasks spread over availability zones."
        ),
    )
}

/// Spreading over zones is what happens anyway; other strategies are refused, not ignored.
fn strategies(given: &[shape::PlacementStrategy]) -> Result<(), ApiError> {
    if given.len() > limits::PLACEMENT_STRATEGIES_MAX {
        return Err(ApiError::invalid("Maximum number of strategies is 5"));
    }
    for (rank, strategy) in given.iter().enumerate() {
        match (strategy.kind.as_deref(), strategy.field.as_deref()) {
            (Some("spread"), Some("attribute:ecs.availability-zone")) if rank == 0 => {}
            (Some("spread"), Some("instanceId" | "host")) if rank == 1 => {}
            (Some("spread" | "binpack" | "random"), _) => {
                return Err(not_yet("These placement strategies"));
            }
            _ => return Err(ApiError::invalid("type should be one of [random,spread,binpack]")),
        }
    }
    Ok(())
}

fn constraints(given: &[shape::PlacementConstraint]) -> Result<(), ApiError> {
    if given.len() > limits::PLACEMENT_CONSTRAINTS_MAX {
        return Err(ApiError::invalid("Maximum number of placement constraints is 10"));
    }
    for constraint in given {
        match (constraint.kind.as_deref(), &constraint.expression) {
            (Some("distinctInstance"), Some(_)) => {
                return Err(ApiError::invalid(
                    "distinctInstance expression should not be specified.",
                ));
            }
            (Some("memberOf"), Some(expression))
                if expression.chars().count() > limits::EXPRESSION_CHARS_MAX =>
            {
                return Err(ApiError::invalid(
                    "A memberOf expression can have at most 2000 characters.",
                ));
            }
            (Some("distinctInstance" | "memberOf"), _) => {}
            _ => {
                return Err(ApiError::invalid("type should be one of [distinctInstance,memberOf]"));
            }
        }
    }
    if given.is_empty() { Ok(()) } else { Err(not_yet("Placement constraints")) }
}

/// A refusal of one instance, as the API tells it.
pub(crate) fn failure(cluster: &ClusterState, id: ResourceId, refusal: &Refusal) -> Failure {
    let (reason, detail) = match refusal {
        Refusal::NotActive => ("INACTIVE", Some("The container instance is DRAINING.".to_owned())),
        Refusal::NotConnected => ("AGENT", None),
        Refusal::Attribute(name) => {
            ("ATTRIBUTE", Some(format!("The attribute {name} is missing or has another value.")))
        }
        Refusal::Cpu(free) => ("RESOURCE:CPU", Some(format!("{free} CPU units are free."))),
        Refusal::Memory(free) => ("RESOURCE:MEMORY", Some(format!("{free} MiB are free."))),
        Refusal::Port(port) => {
            let reason = if port.protocol == Protocol::Udp {
                "RESOURCE:PORTS_UDP"
            } else {
                "RESOURCE:PORTS"
            };
            (reason, Some(format!("The port {} is in use.", port.number)))
        }
    };
    Failure {
        arn: cluster.instances.get(&id).map(|instance| instance.arn.clone()),
        reason: Some(reason.into()),
        detail: detail.map(Into::into),
    }
}
