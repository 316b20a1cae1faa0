//! Validation shared by `CreateService` and `UpdateService`.

use std::sync::Arc;

use longshore_wire_ecs::shape::service as shape;
use longshore_wire_ecs::shape::task::{
    NetworkConfiguration, PlacementConstraint, PlacementStrategy,
};
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};

use crate::admit::{Context, run_task, task_definition};
use crate::placing::{Rules, shown_strategy};
use crate::record::{DefinitionStatus, TaskDefinition};
use crate::service::{Breaker, Propagate, Scheduling, Service, Threshold};

/// Members that Longshore has no counterpart for. None is silently ignored.
#[derive(Debug, Default)]
pub(super) struct Foreign<'a> {
    pub(super) load_balancers: Option<&'a Vec<shape::LoadBalancer>>,
    pub(super) registries: Option<&'a Vec<shape::ServiceRegistry>>,
    pub(super) connect: Option<&'a shape::ServiceConnectConfiguration>,
    pub(super) volumes: Option<&'a Vec<shape::ServiceVolumeConfiguration>>,
    pub(super) lattice: Option<&'a Vec<shape::VpcLatticeConfiguration>>,
    pub(super) monitoring: Option<&'a shape::MonitoringConfiguration>,
    pub(super) gateways: Option<&'a Vec<shape::GatewayConnector>>,
    pub(super) controller: Option<&'a shape::DeploymentController>,
    pub(super) providers: bool,
    pub(super) platform_version: Option<&'a Str>,
    pub(super) execute_command: Option<bool>,
}

fn unsupported(what: &str) -> ApiError {
    ApiError::new(ErrorCode::UnsupportedFeature, format!("Longshore does not support {what}."))
}

fn some<T>(given: Option<&Vec<T>>) -> bool {
    given.is_some_and(|list| !list.is_empty())
}

impl Foreign<'_> {
    /// Rejects what Longshore does not support.
    pub(super) fn refuse(&self) -> Result<(), ApiError> {
        let connect = self.connect.is_some_and(|connect| connect.enabled != Some(false));
        let metrics = self.monitoring.and_then(|given| given.metric_configurations.as_ref());
        for (asked, what) in [
            (some(self.load_balancers), "load balancers: leave loadBalancers out"),
            (some(self.registries), "service discovery: leave serviceRegistries out"),
            (connect, "Service Connect: leave serviceConnectConfiguration out"),
            (some(self.volumes), "managed volumes: leave volumeConfigurations out"),
            (some(self.lattice), "VPC Lattice: leave vpcLatticeConfigurations out"),
            (some(metrics), "metrics of services: leave monitoring out"),
            (some(self.gateways), "gateways: leave gatewayConnectors out"),
        ] {
            if asked {
                return Err(unsupported(what));
            }
        }
        match self.controller.and_then(|given| given.kind.as_deref()) {
            None | Some("ECS") => {}
            Some("CODE_DEPLOY" | "EXTERNAL") => {
                return Err(unsupported("deployment controllers other than ECS"));
            }
            Some(_) => {
                return Err(ApiError::invalid(
                    "deploymentController type should be one of [ECS,CODE_DEPLOY,EXTERNAL]",
                ));
            }
        }
        if self.providers {
            return Err(ApiError::invalid(
                "The specified capacity provider was not found. Longshore has none yet.",
            ));
        }
        if self.platform_version.is_some() {
            return Err(ApiError::invalid(
                "The platform version must be null when specifying an EC2 launch type.",
            ));
        }
        if self.execute_command == Some(true) {
            return Err(ApiError::invalid(
                "The execute command failed because execute command is not supported by Longshore: leave enableExecuteCommand out.",
            ));
        }
        Ok(())
    }
}

/// Resolves the task definition of a service.
pub(super) fn definition(
    at: &mut Context<'_>,
    given: Option<&Str>,
    network: Option<&NetworkConfiguration>,
) -> Result<Arc<TaskDefinition>, ApiError> {
    let given = given.map(|text| &**text).unwrap_or_default();
    if given.is_empty() {
        return Err(ApiError::client("TaskDefinition can not be blank."));
    }
    let definition = task_definition::find(at, given)
        .ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    if definition.status != DefinitionStatus::Active {
        return Err(ApiError::client("TaskDefinition is inactive"));
    }
    run_task::network(&definition, network)?;
    Ok(definition)
}

/// Checks constraints and strategies, and returns the strategies as shown.
pub(super) fn placement(
    scheduling: Scheduling,
    constraints: &[PlacementConstraint],
    strategies: &[PlacementStrategy],
) -> Result<Vec<PlacementStrategy>, ApiError> {
    if scheduling == Scheduling::Daemon && !strategies.is_empty() {
        return Err(ApiError::invalid(
            "The daemon scheduling strategy does not support placement strategies. Remove the placement strategies and try again.",
        ));
    }
    Rules::read(constraints, strategies)?;
    Ok(strategies.iter().map(shown_strategy).collect())
}

/// Checks that a service and its task definition together do not exceed the limit on constraints.
pub(super) fn together(record: &Service, definition: &TaskDefinition) -> Result<(), ApiError> {
    Rules::read(&record.constraints, &record.strategy)?.and_of(definition).map(drop)
}

/// The deployment configuration as shown, with its parsed values.
#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) shown: shape::DeploymentConfiguration,
    pub(super) maximum_percent: u32,
    pub(super) minimum_healthy_percent: u32,
    pub(super) breaker: Option<Breaker>,
}

/// Members that are not given keep their value in `held`. Source: ECS API reference,
/// `DeploymentConfiguration`.
pub(super) fn configuration(
    scheduling: Scheduling,
    held: Option<&shape::DeploymentConfiguration>,
    given: Option<&shape::DeploymentConfiguration>,
) -> Result<Configuration, ApiError> {
    let daemon = scheduling == Scheduling::Daemon;
    let usual = shape::DeploymentConfiguration {
        deployment_circuit_breaker: Some(shape::DeploymentCircuitBreaker {
            enable: Some(false),
            rollback: Some(false),
            ..Default::default()
        }),
        maximum_percent: Some(if daemon { 100 } else { 200 }),
        minimum_healthy_percent: Some(if daemon { 0 } else { 100 }),
        strategy: Some("ROLLING".into()),
        bake_time_in_minutes: Some(0),
        ..Default::default()
    };
    let mut shown = held.cloned().unwrap_or(usual);
    if let Some(given) = given.cloned() {
        refuse_strategies(&given)?;
        shown.deployment_circuit_breaker =
            given.deployment_circuit_breaker.or(shown.deployment_circuit_breaker);
        shown.maximum_percent = given.maximum_percent.or(shown.maximum_percent);
        shown.minimum_healthy_percent =
            given.minimum_healthy_percent.or(shown.minimum_healthy_percent);
        shown.alarms = given.alarms.or(shown.alarms);
    }
    let maximum = shown.maximum_percent.unwrap_or(200);
    let minimum = shown.minimum_healthy_percent.unwrap_or(100);
    percents(daemon, minimum, maximum)?;
    let breaker = shown.deployment_circuit_breaker.as_ref().map(breaker).transpose()?.flatten();
    Ok(Configuration {
        maximum_percent: maximum.unsigned_abs(),
        minimum_healthy_percent: minimum.unsigned_abs(),
        breaker,
        shown,
    })
}

/// Chosen by us, except for the DAEMON maximum: a configuration that could never become steady is
/// rejected up front.
fn percents(daemon: bool, minimum: i32, maximum: i32) -> Result<(), ApiError> {
    if daemon && maximum > 100 {
        return Err(ApiError::invalid(
            "The daemon scheduling strategy does not support values above 100 for maximumPercent.",
        ));
    }
    if !(0..=100).contains(&minimum) {
        return Err(ApiError::invalid("minimumHealthyPercent should be between 0 and 100"));
    }
    let least = if daemon { 1 } else { 100 };
    if !(least..=limits::MAXIMUM_PERCENT_MAX).contains(&maximum) {
        return Err(ApiError::invalid(format!(
            "maximumPercent should be between {least} and {}",
            if daemon { 100 } else { limits::MAXIMUM_PERCENT_MAX }
        )));
    }
    if daemon && minimum == 100 {
        return Err(ApiError::invalid(
            "The daemon scheduling strategy cannot deploy with a minimumHealthyPercent of 100.",
        ));
    }
    Ok(())
}

fn refuse_strategies(given: &shape::DeploymentConfiguration) -> Result<(), ApiError> {
    match given.strategy.as_deref() {
        None | Some("ROLLING") => {}
        Some("BLUE_GREEN" | "LINEAR" | "CANARY") => {
            return Err(unsupported("deployment strategies other than ROLLING"));
        }
        Some(_) => {
            return Err(ApiError::invalid(
                "strategy should be one of [ROLLING,BLUE_GREEN,LINEAR,CANARY]",
            ));
        }
    }
    if given.alarms.as_ref().is_some_and(|alarms| alarms.enable == Some(true)) {
        return Err(unsupported("alarms: leave them out of deploymentConfiguration"));
    }
    if given.linear_configuration.is_some() || given.canary_configuration.is_some() {
        return Err(unsupported("deployment strategies other than ROLLING"));
    }
    let early = given.early_success_criteria.as_ref();
    if early.is_some_and(|criteria| criteria.enable != Some(false)) {
        return Err(unsupported("early success: leave earlySuccessCriteria out"));
    }
    if some(given.lifecycle_hooks.as_ref()) || given.bake_time_in_minutes.is_some_and(|it| it > 0) {
        return Err(unsupported("lifecycle hooks and bake times"));
    }
    Ok(())
}

fn breaker(given: &shape::DeploymentCircuitBreaker) -> Result<Option<Breaker>, ApiError> {
    let threshold = match &given.threshold_configuration {
        None => Threshold::BoundedPercent(crate::service::THRESHOLD_PERCENT),
        Some(threshold) => {
            let value =
                threshold.value.map_or(Ok(crate::service::THRESHOLD_PERCENT), u32::try_from);
            let Some(value) = value.ok().filter(|value| *value > 0) else {
                return Err(ApiError::invalid("The value of a threshold should be at least 1."));
            };
            match threshold.kind.as_deref() {
                Some("COUNT") => Threshold::Count(value),
                None | Some("BOUNDED_PERCENT") => Threshold::BoundedPercent(value),
                Some("UNBOUNDED_PERCENT") => Threshold::UnboundedPercent(value),
                Some(_) => {
                    return Err(ApiError::invalid(
                        "type should be one of [COUNT,BOUNDED_PERCENT,UNBOUNDED_PERCENT]",
                    ));
                }
            }
        }
    };
    let enabled = given.enable == Some(true);
    Ok(enabled.then_some(Breaker {
        rollback: given.rollback == Some(true),
        reset_on_healthy_task: given.reset_on_healthy_task != Some(false),
        threshold,
    }))
}

pub(super) fn propagate(given: Option<&Str>) -> Result<Option<Propagate>, ApiError> {
    given
        .map(|word| {
            Propagate::parse(word).ok_or_else(|| {
                ApiError::invalid("propagateTags should be one of [TASK_DEFINITION,SERVICE,NONE]")
            })
        })
        .transpose()
}

pub(super) fn grace_period(given: Option<i32>) -> Result<Option<u32>, ApiError> {
    match given.map(u32::try_from).transpose() {
        Ok(seconds) => Ok(seconds),
        Err(_) => Err(ApiError::invalid(
            "healthCheckGracePeriodSeconds should be between 0 and 2147483647",
        )),
    }
}

/// Whether to rebalance across zones: as requested, or else on where the bounds allow it.
/// Source: ECS API reference, `availabilityZoneRebalancing`, and field reports.
pub(super) fn rebalancing(
    given: Option<&Str>,
    otherwise: bool,
    maximum_percent: u32,
) -> Result<bool, ApiError> {
    match given.map(|word| &**word) {
        None => Ok(otherwise && maximum_percent > 100),
        Some("DISABLED") => Ok(false),
        Some("ENABLED") if maximum_percent <= 100 => Err(ApiError::invalid(
            "Availability Zone rebalancing needs a maximumPercent above 100.",
        )),
        Some("ENABLED") => Ok(true),
        Some(_) => Err(ApiError::invalid(
            "availabilityZoneRebalancing should be one of [ENABLED,DISABLED]",
        )),
    }
}
