//! What travels for services.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use super::shared::{CapacityProviderStrategyItem, Failure, Tag};
use super::task::{NetworkConfiguration, PlacementConstraint, PlacementStrategy};
use crate::{Str, Word};

super::shapes! {
    CreateServiceRequest {
        cluster: Str,
        service_name: Str,
        task_definition: Str,
        availability_zone_rebalancing: Str,
        load_balancers: Vec<LoadBalancer>,
        service_registries: Vec<ServiceRegistry>,
        desired_count: i32,
        client_token: Str,
        launch_type: Str,
        capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        platform_version: Str,
        role: Str,
        deployment_configuration: DeploymentConfiguration,
        placement_constraints: Vec<PlacementConstraint>,
        placement_strategy: Vec<PlacementStrategy>,
        network_configuration: NetworkConfiguration,
        health_check_grace_period_seconds: i32,
        scheduling_strategy: Str,
        deployment_controller: DeploymentController,
        tags: Vec<Tag>,
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: bool,
        propagate_tags: Str,
        enable_execute_command: bool,
        service_connect_configuration: ServiceConnectConfiguration,
        volume_configurations: Vec<ServiceVolumeConfiguration>,
        vpc_lattice_configurations: Vec<VpcLatticeConfiguration>,
        monitoring: MonitoringConfiguration,
        gateway_connectors: Vec<GatewayConnector>,
    }

    LoadBalancer {
        target_group_arn: Str,
        load_balancer_name: Str,
        container_name: Str,
        container_port: i32,
    }

    ServiceRegistry {
        registry_arn: Str,
        port: i32,
        container_name: Str,
        container_port: i32,
    }

    DeploymentConfiguration {
        deployment_circuit_breaker: DeploymentCircuitBreaker,
        maximum_percent: i32,
        minimum_healthy_percent: i32,
        alarms: DeploymentAlarms,
        strategy: Str,
        bake_time_in_minutes: i32,
        lifecycle_hooks: Vec<DeploymentLifecycleHook>,
        linear_configuration: LinearConfiguration,
        canary_configuration: CanaryConfiguration,
        early_success_criteria: DeploymentEarlySuccessCriteria,
    }

    LinearConfiguration {
        step_percent: f64,
        step_bake_time_in_minutes: i32,
    }

    CanaryConfiguration {
        canary_percent: f64,
        canary_bake_time_in_minutes: i32,
    }

    DeploymentEarlySuccessCriteria {
        enable: bool,
        healthy_percent: i32,
        source_service_revision_cleanup: Str,
    }

    DeploymentCircuitBreaker {
        enable: bool,
        rollback: bool,
        reset_on_healthy_task: bool,
        threshold_configuration: ThresholdConfiguration,
    }

    ThresholdConfiguration {
        #[serde(rename = "type")]
        kind: Str,
        value: i32,
    }

    DeploymentAlarms {
        alarm_names: Vec<Str>,
        rollback: bool,
        enable: bool,
    }

    DeploymentLifecycleHook {
        hook_target_arn: Str,
        role_arn: Str,
        lifecycle_stages: Vec<Str>,
    }

    DeploymentController {
        #[serde(rename = "type")]
        kind: Str,
    }

    ServiceConnectConfiguration {
        enabled: bool,
        namespace: Str,
    }

    ServiceVolumeConfiguration {
        name: Str,
    }

    VpcLatticeConfiguration {
        role_arn: Str,
        target_group_arn: Str,
        port_name: Str,
    }

    GatewayConnector {
        port_name: Str,
    }

    MonitoringConfiguration {
        metric_configurations: Vec<MetricConfiguration>,
    }

    MetricConfiguration {
        metric_names: Vec<Str>,
        resolution_seconds: i32,
    }

    CreateServiceResponse {
        service: Service,
    }

    Service {
        service_arn: Str,
        service_name: Str,
        cluster_arn: Str,
        load_balancers: Vec<LoadBalancer>,
        service_registries: Vec<ServiceRegistry>,
        status: Word,
        desired_count: i32,
        running_count: i32,
        pending_count: i32,
        launch_type: Word,
        task_definition: Str,
        deployment_configuration: DeploymentConfiguration,
        deployments: Vec<Deployment>,
        events: Vec<ServiceEvent>,
        created_at: f64,
        current_service_deployment: Str,
        current_service_revisions: Vec<ServiceCurrentRevisionSummary>,
        placement_constraints: Vec<PlacementConstraint>,
        placement_strategy: Vec<PlacementStrategy>,
        health_check_grace_period_seconds: i32,
        scheduling_strategy: Word,
        deployment_controller: DeploymentController,
        tags: Vec<Tag>,
        created_by: Str,
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: bool,
        propagate_tags: Word,
        enable_execute_command: bool,
        availability_zone_rebalancing: Word,
    }

    Deployment {
        id: Str,
        status: Word,
        task_definition: Str,
        desired_count: i32,
        pending_count: i32,
        running_count: i32,
        failed_tasks: i32,
        created_at: f64,
        updated_at: f64,
        launch_type: Word,
        rollout_state: Word,
        rollout_state_reason: Str,
    }

    ServiceEvent {
        id: Str,
        created_at: f64,
        message: Str,
    }

    ServiceCurrentRevisionSummary {
        arn: Str,
        requested_task_count: i32,
        running_task_count: i32,
        pending_task_count: i32,
    }

    UpdateServiceRequest {
        cluster: Str,
        service: Str,
        desired_count: i32,
        task_definition: Str,
        capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        deployment_configuration: DeploymentConfiguration,
        availability_zone_rebalancing: Str,
        network_configuration: NetworkConfiguration,
        placement_constraints: Vec<PlacementConstraint>,
        placement_strategy: Vec<PlacementStrategy>,
        platform_version: Str,
        force_new_deployment: bool,
        health_check_grace_period_seconds: i32,
        deployment_controller: DeploymentController,
        enable_execute_command: bool,
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: bool,
        load_balancers: Vec<LoadBalancer>,
        propagate_tags: Str,
        service_registries: Vec<ServiceRegistry>,
        service_connect_configuration: ServiceConnectConfiguration,
        volume_configurations: Vec<ServiceVolumeConfiguration>,
        vpc_lattice_configurations: Vec<VpcLatticeConfiguration>,
        monitoring: MonitoringConfiguration,
        gateway_connectors: Vec<GatewayConnector>,
    }

    UpdateServiceResponse {
        service: Service,
    }

    DeleteServiceRequest {
        cluster: Str,
        service: Str,
        force: bool,
    }

    DeleteServiceResponse {
        service: Service,
    }

    DescribeServicesRequest {
        cluster: Str,
        services: Vec<Str>,
        include: Vec<Str>,
    }

    DescribeServicesResponse {
        services: Vec<Service>,
        failures: Vec<Failure>,
    }

    ListServicesRequest {
        cluster: Str,
        next_token: Str,
        max_results: i32,
        launch_type: Str,
        scheduling_strategy: Str,
        resource_management_type: Str,
    }

    ListServicesResponse {
        service_arns: Vec<Str>,
        next_token: Str,
    }

    ListServicesByNamespaceRequest {
        namespace: Str,
        next_token: Str,
        max_results: i32,
    }

    ListServicesByNamespaceResponse {
        service_arns: Vec<Str>,
        next_token: Str,
    }
}
