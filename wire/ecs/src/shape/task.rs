//! What travels for tasks.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use std::sync::Arc;

use super::container_definition::{EnvironmentFile, ResourceRequirement};
use super::shared::{
    Attachment, Attribute, CapacityProviderStrategyItem, EphemeralStorage, Failure,
    InferenceAccelerator, KeyValuePair, Tag,
};
use crate::{Str, Word};

super::shapes! {
    RunTaskRequest {
        capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        cluster: Str,
        count: i32,
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: bool,
        enable_execute_command: bool,
        group: Str,
        launch_type: Str,
        network_configuration: NetworkConfiguration,
        overrides: TaskOverride,
        placement_constraints: Vec<PlacementConstraint>,
        placement_strategy: Vec<PlacementStrategy>,
        platform_version: Str,
        propagate_tags: Str,
        reference_id: Str,
        started_by: Str,
        tags: Vec<Tag>,
        task_definition: Str,
        client_token: Str,
        volume_configurations: Vec<TaskVolumeConfiguration>,
    }

    NetworkConfiguration {
        awsvpc_configuration: AwsVpcConfiguration,
    }

    AwsVpcConfiguration {
        subnets: Vec<Str>,
        security_groups: Vec<Str>,
        assign_public_ip: Str,
    }

    TaskOverride {
        container_overrides: Vec<ContainerOverride>,
        cpu: Str,
        inference_accelerator_overrides: Vec<InferenceAcceleratorOverride>,
        execution_role_arn: Str,
        memory: Str,
        task_role_arn: Str,
        ephemeral_storage: EphemeralStorage,
    }

    ContainerOverride {
        name: Str,
        command: Vec<Str>,
        environment: Vec<KeyValuePair>,
        environment_files: Vec<EnvironmentFile>,
        cpu: i32,
        memory: i32,
        memory_reservation: i32,
        resource_requirements: Vec<ResourceRequirement>,
    }

    InferenceAcceleratorOverride {
        device_name: Str,
        device_type: Str,
    }

    PlacementConstraint {
        #[serde(rename = "type")]
        kind: Str,
        expression: Str,
    }

    PlacementStrategy {
        #[serde(rename = "type")]
        kind: Str,
        field: Str,
    }

    TaskVolumeConfiguration {
        name: Str,
        #[serde(rename = "managedEBSVolume")]
        managed_ebs_volume: TaskManagedEBSVolumeConfiguration,
    }

    TaskManagedEBSVolumeConfiguration {
        encrypted: bool,
        kms_key_id: Str,
        volume_type: Str,
        size_in_gi_b: i32,
        snapshot_id: Str,
        volume_initialization_rate: i32,
        iops: i32,
        throughput: i32,
        tag_specifications: Vec<EBSTagSpecification>,
        role_arn: Str,
        termination_policy: TaskManagedEBSVolumeTerminationPolicy,
        filesystem_type: Str,
    }

    EBSTagSpecification {
        resource_type: Str,
        tags: Vec<Tag>,
        propagate_tags: Str,
    }

    TaskManagedEBSVolumeTerminationPolicy {
        delete_on_termination: bool,
    }

    RunTaskResponse {
        tasks: Vec<Task>,
        failures: Vec<Failure>,
    }

    Task {
        attachments: Vec<Attachment>,
        attributes: Vec<Attribute>,
        availability_zone: Str,
        capacity_provider_name: Str,
        cluster_arn: Str,
        connectivity: Word,
        connectivity_at: f64,
        container_instance_arn: Str,
        containers: Vec<Container>,
        cpu: Word,
        created_at: f64,
        desired_status: Word,
        enable_execute_command: bool,
        execution_stopped_at: f64,
        group: Str,
        health_status: Word,
        inference_accelerators: Vec<InferenceAccelerator>,
        last_status: Word,
        launch_type: Word,
        memory: Word,
        overrides: Arc<TaskOverride>,
        platform_version: Str,
        platform_family: Str,
        pull_started_at: f64,
        pull_stopped_at: f64,
        started_at: f64,
        started_by: Str,
        stop_code: Word,
        stopped_at: f64,
        stopped_reason: Str,
        stopping_at: f64,
        tags: Vec<Tag>,
        task_arn: Str,
        task_definition_arn: Str,
        version: i64,
        ephemeral_storage: EphemeralStorage,
        fargate_ephemeral_storage: TaskEphemeralStorage,
    }

    Container {
        container_arn: Str,
        task_arn: Str,
        name: Str,
        image: Str,
        image_digest: Str,
        runtime_id: Str,
        last_status: Word,
        exit_code: i32,
        reason: Str,
        network_bindings: Vec<NetworkBinding>,
        network_interfaces: Vec<NetworkInterface>,
        health_status: Word,
        managed_agents: Vec<ManagedAgent>,
        cpu: Word,
        memory: Word,
        memory_reservation: Word,
        gpu_ids: Vec<Str>,
        neuron_device_ids: Vec<Str>,
    }

    NetworkBinding {
        #[serde(rename = "bindIP")]
        bind_ip: Str,
        container_port: i32,
        host_port: i32,
        protocol: Str,
        container_port_range: Str,
        host_port_range: Str,
    }

    NetworkInterface {
        attachment_id: Str,
        private_ipv4_address: Str,
        ipv6_address: Str,
    }

    ManagedAgent {
        last_started_at: f64,
        name: Str,
        reason: Str,
        last_status: Str,
    }

    TaskEphemeralStorage {
        size_in_gi_b: i32,
        kms_key_id: Str,
    }

    StartTaskRequest {
        cluster: Str,
        container_instances: Vec<Str>,
        #[serde(rename = "enableECSManagedTags")]
        enable_ecs_managed_tags: bool,
        enable_execute_command: bool,
        group: Str,
        network_configuration: NetworkConfiguration,
        overrides: TaskOverride,
        propagate_tags: Str,
        reference_id: Str,
        started_by: Str,
        tags: Vec<Tag>,
        task_definition: Str,
        volume_configurations: Vec<TaskVolumeConfiguration>,
    }

    StartTaskResponse {
        tasks: Vec<Task>,
        failures: Vec<Failure>,
    }

    StopTaskRequest {
        cluster: Str,
        task: Str,
        reason: Str,
    }

    StopTaskResponse {
        task: Task,
    }

    DescribeTasksRequest {
        cluster: Str,
        tasks: Vec<Str>,
        include: Vec<Str>,
    }

    DescribeTasksResponse {
        tasks: Vec<Task>,
        failures: Vec<Failure>,
    }

    ListTasksRequest {
        cluster: Str,
        container_instance: Str,
        family: Str,
        next_token: Str,
        max_results: i32,
        started_by: Str,
        service_name: Str,
        desired_status: Str,
        launch_type: Str,
        daemon_name: Str,
    }

    ListTasksResponse {
        task_arns: Vec<Str>,
        next_token: Str,
    }
}
