//! What travels for service deployments, service revisions and task protection.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use super::service::DeploymentConfiguration;
use super::shared::Failure;
use crate::{Str, Word};

super::shapes! {
    ListServiceDeploymentsRequest {
        service: Str,
        cluster: Str,
        status: Vec<Str>,
        created_at: CreatedAt,
        next_token: Str,
        max_results: i32,
    }

    CreatedAt {
        before: f64,
        after: f64,
    }

    ListServiceDeploymentsResponse {
        service_deployments: Vec<ServiceDeploymentBrief>,
        next_token: Str,
    }

    ServiceDeploymentBrief {
        service_deployment_arn: Str,
        service_arn: Str,
        cluster_arn: Str,
        started_at: f64,
        created_at: f64,
        finished_at: f64,
        target_service_revision_arn: Str,
        status: Word,
        status_reason: Str,
    }

    DescribeServiceDeploymentsRequest {
        service_deployment_arns: Vec<Str>,
    }

    DescribeServiceDeploymentsResponse {
        service_deployments: Vec<ServiceDeployment>,
        failures: Vec<Failure>,
    }

    ServiceDeployment {
        service_deployment_arn: Str,
        service_arn: Str,
        cluster_arn: Str,
        created_at: f64,
        started_at: f64,
        finished_at: f64,
        stopped_at: f64,
        updated_at: f64,
        source_service_revisions: Vec<ServiceRevisionSummary>,
        target_service_revision: ServiceRevisionSummary,
        status: Word,
        status_reason: Str,
        lifecycle_stage: Word,
        deployment_configuration: DeploymentConfiguration,
        rollback: Rollback,
        deployment_circuit_breaker: ServiceDeploymentCircuitBreaker,
    }

    ServiceRevisionSummary {
        arn: Str,
        requested_task_count: i32,
        running_task_count: i32,
        pending_task_count: i32,
    }

    Rollback {
        reason: Str,
        started_at: f64,
        service_revision_arn: Str,
    }

    ServiceDeploymentCircuitBreaker {
        status: Word,
        failure_count: i32,
        threshold: i32,
    }

    DescribeServiceRevisionsRequest {
        service_revision_arns: Vec<Str>,
    }

    DescribeServiceRevisionsResponse {
        service_revisions: Vec<ServiceRevision>,
        failures: Vec<Failure>,
    }

    ServiceRevision {
        service_revision_arn: Str,
        service_arn: Str,
        cluster_arn: Str,
        task_definition: Str,
        launch_type: Word,
        container_images: Vec<ContainerImage>,
        guard_duty_enabled: bool,
        created_at: f64,
    }

    ContainerImage {
        container_name: Str,
        image_digest: Str,
        image: Str,
    }

    GetTaskProtectionRequest {
        cluster: Str,
        tasks: Vec<Str>,
    }

    GetTaskProtectionResponse {
        protected_tasks: Vec<ProtectedTask>,
        failures: Vec<Failure>,
    }

    ProtectedTask {
        task_arn: Str,
        protection_enabled: bool,
        expiration_date: f64,
    }

    UpdateTaskProtectionRequest {
        cluster: Str,
        tasks: Vec<Str>,
        protection_enabled: bool,
        expires_in_minutes: i32,
    }

    UpdateTaskProtectionResponse {
        protected_tasks: Vec<ProtectedTask>,
        failures: Vec<Failure>,
    }
}
