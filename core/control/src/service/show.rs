//! How services appear in the API. Source: ECS API reference, `Service`; unset members are shown as
//! in real replies.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::shape::service as shape;
use longshore_wire_ecs::shape::service_deployment as deployment_shape;

use super::{
    Deployment, Outcome, Revision, Service, ServiceDeployment, ServiceStatus, THRESHOLD_PERCENT,
};
use crate::cluster_state::ClusterState;
use crate::record::LastStatus;
use crate::show::tags;

/// Tasks of a service or deployment that should run, by status. Tasks that were told to stop do not
/// count: on ECS they would be STOPPING rather than RUNNING.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) running: i32,
    pub(crate) pending: i32,
}

impl Counts {
    pub(crate) fn all(self) -> i32 {
        self.running + self.pending
    }

    /// Adds `more` to the count for a status.
    pub(crate) fn add(&mut self, status: Option<LastStatus>, more: i32) {
        match status {
            Some(LastStatus::Pending) => self.pending += more,
            Some(LastStatus::Running) => self.running += more,
            Some(LastStatus::Stopped) | None => {}
        }
    }
}

/// The tasks of a service.
fn counts(cluster: &ClusterState, service: &Service) -> Counts {
    let known = cluster.services.get(&service.name);
    let each = known.into_iter().flat_map(|known| known.counts.values());
    each.fold(Counts::default(), |sum, one| Counts {
        running: sum.running + one.running,
        pending: sum.pending + one.pending,
    })
}

/// The tasks of one of its deployments.
pub(crate) fn counts_of(cluster: &ClusterState, service: &Service, deployment: &Str) -> Counts {
    let known = cluster.services.get(&service.name);
    known.and_then(|known| known.counts.get(deployment)).copied().unwrap_or_default()
}

/// A service as shown in replies.
pub(crate) fn service(
    cluster: &ClusterState,
    service: &Service,
    with_tags: bool,
) -> shape::Service {
    let counts = counts(cluster, service);
    let root = format!("arn:{}:iam::{}:root", service.realm.partition(), service.realm.account);
    let under_way = service.history.front().filter(|one| one.finished_at.is_none());
    shape::Service {
        service_arn: Some(service.arn.clone()),
        service_name: Some(service.name.clone()),
        cluster_arn: Some(service.cluster_arn.clone()),
        load_balancers: Some(Vec::new()),
        service_registries: Some(Vec::new()),
        status: Some(service.status.word().into()),
        desired_count: Some(number(service.desired_count)),
        running_count: Some(counts.running),
        pending_count: Some(counts.pending),
        launch_type: Some("EC2".into()),
        task_definition: definition_arn(service),
        deployment_configuration: Some(configuration(&service.configuration)),
        deployments: Some(deployments(cluster, service)),
        events: Some(service.events.iter().map(event).collect()),
        created_at: Some(service.created_at.wall().seconds()),
        current_service_deployment: under_way.map(|one| one.arn.clone()),
        current_service_revisions: Some(revisions(cluster, service)),
        placement_constraints: Some(service.constraints.clone()),
        placement_strategy: Some(service.strategy.clone()),
        health_check_grace_period_seconds: Some(number(service.grace_period_s)),
        scheduling_strategy: Some(service.scheduling.word().into()),
        deployment_controller: Some(shape::DeploymentController { kind: Some("ECS".into()) }),
        tags: Some(if with_tags { tags(&service.tags) } else { Vec::new() }),
        created_by: Some(root.into()),
        enable_ecs_managed_tags: Some(service.managed_tags),
        propagate_tags: Some(service.propagate.word().into()),
        enable_execute_command: Some(false),
        availability_zone_rebalancing: Some(
            if service.rebalancing { "ENABLED" } else { "DISABLED" }.into(),
        ),
    }
}

/// A deployment configuration with the defaults that ECS fills in. Source: ECS API reference,
/// `DeploymentCircuitBreaker`; for alarms that were not given, the `describe-services` replies in
/// the AWS CLI reference.
fn configuration(given: &shape::DeploymentConfiguration) -> shape::DeploymentConfiguration {
    let mut shown = given.clone();
    if let Some(breaker) = &mut shown.deployment_circuit_breaker {
        breaker.enable.get_or_insert(false);
        breaker.rollback.get_or_insert(false);
        breaker.reset_on_healthy_task.get_or_insert(true);
        let threshold = breaker.threshold_configuration.get_or_insert_default();
        threshold.kind.get_or_insert_with(|| "BOUNDED_PERCENT".into());
        threshold.value.get_or_insert(THRESHOLD_PERCENT.cast_signed());
    }
    let alarms = shown.alarms.get_or_insert_default();
    alarms.alarm_names.get_or_insert_default();
    alarms.rollback.get_or_insert(false);
    alarms.enable.get_or_insert(false);
    shown
}

/// The definition of an INACTIVE service is that of its last revision.
fn definition_arn(service: &Service) -> Option<Str> {
    let primary = service.primary().map(|one| one.definition_arn.clone());
    primary.or_else(|| service.revisions.front().map(|one| one.definition_arn.clone()))
}

fn deployments(cluster: &ClusterState, service: &Service) -> Vec<shape::Deployment> {
    let one = |(rank, deployment): (usize, &Deployment)| {
        let counts = counts_of(cluster, service, &deployment.id);
        let primary = rank == 0;
        let desired = if primary && service.status == ServiceStatus::Active {
            number(service.desired_count)
        } else if primary {
            0
        } else {
            counts.all()
        };
        shape::Deployment {
            id: Some(deployment.id.clone()),
            status: Some(if primary { "PRIMARY" } else { "ACTIVE" }.into()),
            task_definition: Some(deployment.definition_arn.clone()),
            desired_count: Some(desired),
            pending_count: Some(counts.pending),
            running_count: Some(counts.running),
            failed_tasks: Some(number(deployment.failed_tasks)),
            created_at: Some(deployment.created_at.wall().seconds()),
            updated_at: Some(deployment.updated_at.wall().seconds()),
            launch_type: Some("EC2".into()),
            rollout_state: Some(deployment.rollout.word().into()),
            rollout_state_reason: Some(deployment.reason.clone()),
        }
    };
    service.deployments.iter().enumerate().map(one).collect()
}

fn revisions(
    cluster: &ClusterState,
    service: &Service,
) -> Vec<shape::ServiceCurrentRevisionSummary> {
    let one = |(rank, deployment): (usize, &Deployment)| {
        let counts = counts_of(cluster, service, &deployment.id);
        let requested = if rank == 0 { number(service.desired_count) } else { counts.all() };
        shape::ServiceCurrentRevisionSummary {
            arn: Some(deployment.revision_arn.clone()),
            requested_task_count: Some(requested),
            running_task_count: Some(counts.running),
            pending_task_count: Some(counts.pending),
        }
    };
    service.deployments.iter().enumerate().map(one).collect()
}

fn event(event: &super::ServiceEvent) -> shape::ServiceEvent {
    shape::ServiceEvent {
        id: Some(event.id.clone()),
        created_at: Some(event.created_at.wall().seconds()),
        message: Some(event.message.clone()),
    }
}

/// A service deployment as shown in a list.
pub(crate) fn service_deployment_brief(
    service: &Service,
    story: &ServiceDeployment,
) -> deployment_shape::ServiceDeploymentBrief {
    deployment_shape::ServiceDeploymentBrief {
        service_deployment_arn: Some(story.arn.clone()),
        service_arn: Some(service.arn.clone()),
        cluster_arn: Some(service.cluster_arn.clone()),
        started_at: Some(story.created_at.wall().seconds()),
        created_at: Some(story.created_at.wall().seconds()),
        finished_at: story.finished_at.map(Timestamp::seconds),
        target_service_revision_arn: Some(story.target.clone()),
        status: Some(story.outcome.word().into()),
        status_reason: story.reason.clone(),
    }
}

/// A service deployment as shown in replies.
pub(crate) fn service_deployment(
    cluster: &ClusterState,
    service: &Service,
    story: &ServiceDeployment,
) -> deployment_shape::ServiceDeployment {
    let summary = |arn: &Str, requested: Option<u32>| {
        let deployment = service.deployments.iter().find(|one| one.revision_arn == *arn);
        let counts =
            deployment.map_or_else(Counts::default, |one| counts_of(cluster, service, &one.id));
        deployment_shape::ServiceRevisionSummary {
            arn: Some(arn.clone()),
            requested_task_count: Some(number(requested.unwrap_or(service.desired_count))),
            running_task_count: Some(counts.running),
            pending_task_count: Some(counts.pending),
        }
    };
    let over = story.finished_at.map(Timestamp::seconds);
    deployment_shape::ServiceDeployment {
        service_deployment_arn: Some(story.arn.clone()),
        service_arn: Some(service.arn.clone()),
        cluster_arn: Some(service.cluster_arn.clone()),
        created_at: Some(story.created_at.wall().seconds()),
        started_at: Some(story.created_at.wall().seconds()),
        finished_at: over,
        stopped_at: over.filter(|_| story.outcome == Outcome::Stopped),
        updated_at: Some(story.updated_at.wall().seconds()),
        source_service_revisions: Some(
            story.sources.iter().map(|(arn, tasks)| summary(arn, Some(*tasks))).collect(),
        ),
        target_service_revision: Some(summary(&story.target, None)),
        status: Some(story.outcome.word().into()),
        status_reason: story.reason.clone(),
        lifecycle_stage: over.is_none().then(|| "SCALE_UP".into()),
        deployment_configuration: Some(configuration(&service.configuration)),
        rollback: story.rollback.as_ref().map(|(arn, at)| deployment_shape::Rollback {
            reason: story.reason.clone(),
            started_at: Some(at.wall().seconds()),
            service_revision_arn: Some(arn.clone()),
        }),
        deployment_circuit_breaker: Some(breaker(service, story)),
    }
}

fn breaker(
    service: &Service,
    story: &ServiceDeployment,
) -> deployment_shape::ServiceDeploymentCircuitBreaker {
    let current = service.deployments.iter().find(|one| one.deployment_arn == story.arn);
    let failures = current.map_or(story.failures, |one| one.failed_tasks.max(story.failures));
    let status = match (story.threshold, story.outcome) {
        (None, _) => "DISABLED",
        (Some(most), _) if failures >= most => "TRIGGERED",
        (Some(_), Outcome::InProgress) => "MONITORING",
        (Some(_), _) => "MONITORING_COMPLETE",
    };
    deployment_shape::ServiceDeploymentCircuitBreaker {
        status: Some(status.into()),
        failure_count: Some(number(failures)),
        threshold: Some(number(story.threshold.unwrap_or(0))),
    }
}

/// A service revision as shown in replies.
pub(crate) fn service_revision(
    service: &Service,
    revision: &Revision,
) -> deployment_shape::ServiceRevision {
    let images = revision.images.iter().map(|(name, image)| deployment_shape::ContainerImage {
        container_name: Some(name.clone()),
        image_digest: None,
        image: Some(image.clone()),
    });
    deployment_shape::ServiceRevision {
        service_revision_arn: Some(revision.arn.clone()),
        service_arn: Some(service.arn.clone()),
        cluster_arn: Some(service.cluster_arn.clone()),
        task_definition: Some(revision.definition_arn.clone()),
        launch_type: Some("EC2".into()),
        container_images: Some(images.collect()),
        guard_duty_enabled: Some(false),
        created_at: Some(revision.created_at.wall().seconds()),
    }
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
