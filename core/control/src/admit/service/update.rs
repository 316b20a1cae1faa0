//! `UpdateService`. Source: ECS API reference: a new deployment starts if what runs changes, or
//! when forced.

use std::sync::Arc;

use longshore_wire_ecs::arn::ArnFormat;
use longshore_wire_ecs::shape::service as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Str};

use super::create::{check_long, checked_count, no_desired_count};
use super::named;
use super::rules::{self, Foreign};
use crate::admit::{Answer, Context};
use crate::cluster_state::ClusterState;
use crate::record::TaskDefinition;
use crate::service::{Scheduling, Service, ServiceStatus, Voice, counts_of, deploy, service};
use crate::show;

pub(in crate::admit) fn update(
    at: &mut Context<'_>,
    request: &shape::UpdateServiceRequest,
) -> Answer {
    let (home, name) = named(at, request.cluster.as_ref(), request.service.as_ref())?;
    let held = home.services[&name].record.clone();
    if held.status != ServiceStatus::Active {
        return Err(ApiError::new(ErrorCode::ServiceNotActive, "Service was not ACTIVE."));
    }
    foreign(request).refuse()?;
    let mut record = Service::clone(&held);
    change(&mut record, request)?;
    let manages = request.enable_ecs_managed_tags == Some(true);
    let propagate = request.propagate_tags.is_some().then_some(record.propagate);
    check_long(at, ArnFormat::of(&record.arn), false, manages, propagate)?;
    let definition = definition(at, &held, request)?;
    if let Some(runs) = definition.clone().or_else(|| of_primary(at, &held)) {
        rules::together(&record, &runs)?;
    }
    let now = at.now;
    let (home, _) = named(at, request.cluster.as_ref(), request.service.as_ref())?;
    let sources = sources(home, &held);
    let mut announced = Vec::new();
    if let Some(definition) = definition {
        let mut voice = Voice::new(&mut at.control.ids, now);
        deploy(&mut record, &definition, sources, &mut voice);
        announced = voice.announced;
    }
    let home = super::cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    home.put_service(record);
    let shown = service(home, &home.services[&name].record, true);
    at.control.state.announced.extend(announced);
    Ok(show::body(&shape::UpdateServiceResponse { service: Some(shown) }))
}

fn foreign(request: &shape::UpdateServiceRequest) -> Foreign<'_> {
    Foreign {
        load_balancers: request.load_balancers.as_ref(),
        registries: request.service_registries.as_ref(),
        connect: request.service_connect_configuration.as_ref(),
        volumes: request.volume_configurations.as_ref(),
        lattice: request.vpc_lattice_configurations.as_ref(),
        monitoring: request.monitoring.as_ref(),
        gateways: request.gateway_connectors.as_ref(),
        controller: request.deployment_controller.as_ref(),
        providers: request.capacity_provider_strategy.as_ref().is_some_and(|all| !all.is_empty()),
        platform_version: request.platform_version.as_ref(),
        execute_command: request.enable_execute_command,
    }
}

/// Applies changes that do not require a deployment. Omitted members stay unchanged; an empty list
/// clears.
fn change(record: &mut Service, request: &shape::UpdateServiceRequest) -> Result<(), ApiError> {
    let daemon = record.scheduling == Scheduling::Daemon;
    match request.desired_count {
        Some(_) if daemon => return Err(no_desired_count()),
        Some(count) if count < 0 => {
            return Err(ApiError::invalid("Task count can not be lesser than 0"));
        }
        Some(count) => {
            record.desired_count = checked_count(count)?;
            record.moves = 0;
        }
        None => {}
    }
    if let Some(constraints) = &request.placement_constraints {
        record.constraints.clone_from(constraints);
    }
    if let Some(strategy) = &request.placement_strategy {
        record.strategy.clone_from(strategy);
    }
    record.strategy = rules::placement(record.scheduling, &record.constraints, &record.strategy)?;
    let given = request.deployment_configuration.as_ref();
    let configuration =
        rules::configuration(record.scheduling, Some(&record.configuration), given)?;
    record.maximum_percent = configuration.maximum_percent;
    record.minimum_healthy_percent = configuration.minimum_healthy_percent;
    record.breaker = configuration.breaker;
    record.configuration = configuration.shown;
    let given = request.availability_zone_rebalancing.as_ref();
    record.rebalancing = rules::rebalancing(given, record.rebalancing, record.maximum_percent)?;
    if let Some(propagate) = rules::propagate(request.propagate_tags.as_ref())? {
        record.propagate = propagate;
    }
    if let Some(seconds) = rules::grace_period(request.health_check_grace_period_seconds)? {
        record.grace_period_s = seconds;
    }
    if let Some(managed) = request.enable_ecs_managed_tags {
        record.managed_tags = managed;
    }
    Ok(())
}

/// The definition to deploy, if any: a different one, or the same one when forced.
fn definition(
    at: &mut Context<'_>,
    held: &Service,
    request: &shape::UpdateServiceRequest,
) -> Result<Option<Arc<TaskDefinition>>, ApiError> {
    let network = request.network_configuration.as_ref();
    if request.task_definition.is_some() {
        let definition = rules::definition(at, request.task_definition.as_ref(), network)?;
        let other = held.primary().is_none_or(|one| one.definition_arn != definition.arn);
        return Ok((other || request.force_new_deployment == Some(true)).then_some(definition));
    }
    // The running definition may be INACTIVE by now but can still be redeployed.
    let known = of_primary(at, held);
    if let Some(definition) = &known {
        crate::admit::run_task::network(definition, network)?;
    }
    Ok(known.filter(|_| request.force_new_deployment == Some(true)))
}

/// The definition of the PRIMARY deployment.
fn of_primary(at: &Context<'_>, held: &Service) -> Option<Arc<TaskDefinition>> {
    let primary = held.primary()?;
    at.control.state.definition(at.realm, &primary.family, primary.revision).cloned()
}

/// The deployed revisions and the number of tasks of each.
fn sources(cluster: &ClusterState, held: &Service) -> Vec<(Str, u32)> {
    let tasks = |id| u32::try_from(counts_of(cluster, held, id).all()).unwrap_or(0);
    held.deployments.iter().map(|one| (one.revision_arn.clone(), tasks(&one.id))).collect()
}
