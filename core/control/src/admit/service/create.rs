//! `CreateService`. Source: ECS API reference; messages from field reports.

use std::collections::VecDeque;

use longshore_wire_ecs::arn::ArnFormat;
use longshore_wire_ecs::shape::service as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};

use super::rules::{self, Foreign};
use crate::admit::{Answer, Context, cluster, is_name, tag};
use crate::cluster_state::ClusterState;
use crate::machine::Reply;
use crate::service::{
    Propagate, Scheduling, Service, ServiceStatus, Starts, Telling, Voice, deploy, service,
};
use crate::setting::SettingName;
use crate::show;

pub(in crate::admit) fn create(
    at: &mut Context<'_>,
    request: shape::CreateServiceRequest,
) -> Answer {
    let home = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let name = request.service_name.clone().unwrap_or_default();
    // A repeated request gets the original answer, whatever became of what it names.
    let token = token(&request)?;
    if let Some(reply) = again(home, &name, token.as_ref()) {
        return Ok(reply);
    }
    if !is_name(&name) {
        return Err(ApiError::invalid(
            "Invalid service name: it must be 1 to 255 letters, digits, hyphens and underscores.",
        ));
    }
    foreign(&request).refuse()?;
    launch_type(&request)?;
    let scheduling = scheduling(&request)?;
    let mut record = record(at, &request, scheduling)?;
    let network = request.network_configuration.as_ref();
    let definition = rules::definition(at, request.task_definition.as_ref(), network)?;
    rules::together(&record, &definition)?;
    let (realm, now) = (at.realm, at.now);
    let home = cluster(&mut at.control.state, realm, request.cluster.as_ref())?;
    is_free(home, &name)?;
    record.token = token;
    let mut voice = Voice::new(&mut at.control.ids, now);
    deploy(&mut record, &definition, Vec::new(), &mut voice);
    home.put_service(record);
    let shown = service(home, &home.services[&name].record, true);
    let announced = voice.announced;
    at.control.state.announced.extend(announced);
    Ok(show::body(&shape::CreateServiceResponse { service: Some(shown) }))
}

/// The requested record, without a deployment yet.
fn record(
    at: &mut Context<'_>,
    request: &shape::CreateServiceRequest,
    scheduling: Scheduling,
) -> Result<Service, ApiError> {
    let constraints = request.placement_constraints.clone().unwrap_or_default();
    let strategy = request.placement_strategy.clone().unwrap_or_default();
    let strategy = rules::placement(scheduling, &constraints, &strategy)?;
    let configuration =
        rules::configuration(scheduling, None, request.deployment_configuration.as_ref())?;
    let desired_count = desired_count(scheduling, request.desired_count)?;
    let given = request.availability_zone_rebalancing.as_ref();
    let replica = scheduling == Scheduling::Replica;
    let rebalancing = rules::rebalancing(given, replica, configuration.maximum_percent)?;
    let propagate = rules::propagate(request.propagate_tags.as_ref())?;
    let grace_period_s = rules::grace_period(request.health_check_grace_period_seconds)?;
    let tags = tag::read(request.tags.as_deref().unwrap_or_default())?;
    let managed_tags = request.enable_ecs_managed_tags == Some(true);
    let arns = at.arns(SettingName::ServiceLongArnFormat);
    check_long(at, arns, !tags.is_empty(), managed_tags, propagate)?;
    let name = request.service_name.clone().unwrap_or_default();
    let (realm, created_at) = (at.realm.clone(), at.now);
    let home = cluster(&mut at.control.state, &realm, request.cluster.as_ref())?;
    Ok(Service {
        arn: arns.arn(&realm, "service", &home.record.name, &name),
        cluster: home.record.name.clone(),
        cluster_arn: home.record.arn.clone(),
        realm,
        name,
        status: ServiceStatus::Active,
        scheduling,
        desired_count,
        configuration: configuration.shown,
        maximum_percent: configuration.maximum_percent,
        minimum_healthy_percent: configuration.minimum_healthy_percent,
        breaker: configuration.breaker,
        constraints,
        strategy,
        grace_period_s: grace_period_s.unwrap_or(0),
        rebalancing,
        moves: 0,
        propagate: propagate.unwrap_or(Propagate::None),
        managed_tags,
        tags,
        token: None,
        created_at,
        inactive_at: None,
        deployments: Vec::new(),
        events: VecDeque::new(),
        history: VecDeque::new(),
        revisions: VecDeque::new(),
        starts: Starts::default(),
        telling: Telling::default(),
    })
}

/// Checks that a service whose ARN would be short neither has tags nor passes any on.
///
/// Source: replies of AWS that users of Terraform and the CDK reported.
pub(super) fn check_long(
    at: &Context<'_>,
    own: ArnFormat,
    has_tags: bool,
    manages: bool,
    propagate: Option<Propagate>,
) -> Result<(), ApiError> {
    let propagates = propagate.is_some_and(|propagate| propagate != Propagate::None);
    // What tasks would have asks for long ARNs of theirs, too.
    let of_both = own.is_long() && at.arns(SettingName::TaskLongArnFormat).is_long();
    for (is_asked, is_long, what) in [
        (has_tags, own.is_long(), "add tags to the service"),
        (manages, of_both, "work with ECS managed tags"),
        (propagates, of_both, "propagate tags"),
    ] {
        if is_asked && !is_long {
            return Err(ApiError::invalid(format!(
                "The new ARN and resource ID format must be enabled to {what}. Opt in to the new format and try again."
            )));
        }
    }
    Ok(())
}

fn foreign(request: &shape::CreateServiceRequest) -> Foreign<'_> {
    Foreign {
        load_balancers: request.load_balancers.as_ref(),
        registries: request.service_registries.as_ref(),
        connect: request.service_connect_configuration.as_ref(),
        volumes: request.volume_configurations.as_ref(),
        lattice: request.vpc_lattice_configurations.as_ref(),
        monitoring: request.monitoring.as_ref(),
        gateways: request.gateway_connectors.as_ref(),
        controller: request.deployment_controller.as_ref(),
        providers: false,
        platform_version: request.platform_version.as_ref(),
        execute_command: request.enable_execute_command,
    }
}

/// Checks the launch type, the members that conflict with it, and the role, which only load
/// balancers need.
fn launch_type(request: &shape::CreateServiceRequest) -> Result<(), ApiError> {
    let providers =
        request.capacity_provider_strategy.as_ref().is_some_and(|strategy| !strategy.is_empty());
    if request.role.as_deref().is_some_and(|role| !role.is_empty()) {
        return Err(ApiError::invalid("A role can only be given with a load balancer."));
    }
    match request.launch_type.as_deref() {
        Some(_) if providers => Err(ApiError::invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )),
        _ if providers => Foreign { providers, ..Foreign::default() }.refuse(),
        None | Some("EC2") => Ok(()),
        Some("FARGATE" | "EXTERNAL" | "MANAGED_INSTANCES") => Err(ApiError::new(
            ErrorCode::UnsupportedFeature,
            "Longshore only supports the launch type EC2.",
        )),
        Some(_) => Err(ApiError::invalid(
            "launchType should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]",
        )),
    }
}

fn scheduling(request: &shape::CreateServiceRequest) -> Result<Scheduling, ApiError> {
    request.scheduling_strategy.as_deref().map_or(Ok(Scheduling::Replica), |word| {
        Scheduling::parse(word).ok_or_else(|| {
            ApiError::invalid("Scheduling strategy should be one of [REPLICA,DAEMON]")
        })
    })
}

/// A DAEMON service has one task per instance; the instances are counted when the service is
/// scheduled.
fn desired_count(scheduling: Scheduling, given: Option<i32>) -> Result<u32, ApiError> {
    match (scheduling, given) {
        (Scheduling::Daemon, None) => Ok(0),
        (Scheduling::Daemon, Some(_)) => Err(no_desired_count()),
        (Scheduling::Replica, None) => Err(ApiError::invalid("DesiredCount is missing")),
        (Scheduling::Replica, Some(count)) if count < 0 => {
            Err(ApiError::invalid("DesiredCount can not be lesser than 0"))
        }
        (Scheduling::Replica, Some(count)) => checked_count(count),
    }
}

pub(super) fn no_desired_count() -> ApiError {
    ApiError::invalid(
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.",
    )
}

pub(super) fn checked_count(count: i32) -> Result<u32, ApiError> {
    if count > limits::SERVICE_TASKS_MAX {
        return Err(ApiError::invalid("A service can have at most 5,000 tasks."));
    }
    Ok(count.unsigned_abs())
}

/// The client token and the request stored under it.
fn token(request: &shape::CreateServiceRequest) -> Result<Option<(Str, String)>, ApiError> {
    let Some(token) = request.client_token.clone() else { return Ok(None) };
    if token.len() > limits::SERVICE_CLIENT_TOKEN_CHARS_MAX {
        return Err(ApiError::invalid("idempotency token longer than 36."));
    }
    if token.is_empty() || !token.bytes().all(|byte| (33..=126).contains(&byte)) {
        return Err(ApiError::invalid(
            "clientToken must be 1 to 36 characters between ASCII 33 and 126.",
        ));
    }
    let text =
        serde_json::to_string(request).map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(Some((token, text)))
}

/// The reply for a service created by the same request, if any.
fn again(cluster: &ClusterState, name: &str, token: Option<&(Str, String)>) -> Option<Reply> {
    let held = &cluster.services.get(name)?.record;
    if held.status != ServiceStatus::Active || token.is_none() || held.token.as_ref() != token {
        return None;
    }
    let shown = service(cluster, held, true);
    Some(show::body(&shape::CreateServiceResponse { service: Some(shown) }))
}

/// Checks that the name is free and that there is room for another service.
fn is_free(cluster: &ClusterState, name: &str) -> Result<(), ApiError> {
    let held = cluster.services.get(name).map(|known| known.record.status);
    let kept = cluster.active_services + cluster.draining_services;
    match held.unwrap_or(ServiceStatus::Inactive) {
        ServiceStatus::Inactive if kept >= limits::SERVICES_MAX => {
            Err(ApiError::invalid("The limit of 5,000 services in a cluster has been reached."))
        }
        ServiceStatus::Inactive => Ok(()),
        ServiceStatus::Draining => {
            Err(ApiError::invalid("Unable to Start a service that is still Draining."))
        }
        ServiceStatus::Active => Err(ApiError::invalid("Creation of service was not idempotent.")),
    }
}
