//! What travels for task definitions.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use super::container_definition::{ContainerDefinition, Volume};
use super::shared::{
    Attribute, EphemeralStorage, Failure, InferenceAccelerator, KeyValuePair, Tag,
};
use crate::Str;

super::shapes! {
    RegisterTaskDefinitionRequest {
        family: Str,
        task_role_arn: Str,
        execution_role_arn: Str,
        network_mode: Str,
        container_definitions: Vec<ContainerDefinition>,
        volumes: Vec<Volume>,
        placement_constraints: Vec<TaskDefinitionPlacementConstraint>,
        requires_compatibilities: Vec<Str>,
        cpu: Str,
        memory: Str,
        tags: Vec<Tag>,
        pid_mode: Str,
        ipc_mode: Str,
        proxy_configuration: ProxyConfiguration,
        inference_accelerators: Vec<InferenceAccelerator>,
        ephemeral_storage: EphemeralStorage,
        runtime_platform: RuntimePlatform,
        enable_fault_injection: bool,
        trusted_execution_configuration: TrustedExecutionConfiguration,
    }

    TrustedExecutionConfiguration {
        isolation_mode: Str,
        attestation_policy: Str,
    }

    TaskDefinitionPlacementConstraint {
        #[serde(rename = "type")]
        kind: Str,
        expression: Str,
    }

    ProxyConfiguration {
        #[serde(rename = "type")]
        kind: Str,
        container_name: Str,
        properties: Vec<KeyValuePair>,
    }

    RuntimePlatform {
        cpu_architecture: Str,
        operating_system_family: Str,
    }

    RegisterTaskDefinitionResponse {
        task_definition: TaskDefinition,
        tags: Vec<Tag>,
    }

    TaskDefinition {
        task_definition_arn: Str,
        container_definitions: Vec<ContainerDefinition>,
        family: Str,
        task_role_arn: Str,
        execution_role_arn: Str,
        network_mode: Str,
        revision: i32,
        volumes: Vec<Volume>,
        status: Str,
        requires_attributes: Vec<Attribute>,
        placement_constraints: Vec<TaskDefinitionPlacementConstraint>,
        compatibilities: Vec<Str>,
        runtime_platform: RuntimePlatform,
        requires_compatibilities: Vec<Str>,
        cpu: Str,
        memory: Str,
        inference_accelerators: Vec<InferenceAccelerator>,
        pid_mode: Str,
        ipc_mode: Str,
        proxy_configuration: ProxyConfiguration,
        registered_at: f64,
        deregistered_at: f64,
        delete_requested_at: f64,
        registered_by: Str,
        ephemeral_storage: EphemeralStorage,
        enable_fault_injection: bool,
    }

    DescribeTaskDefinitionRequest {
        task_definition: Str,
        include: Vec<Str>,
    }

    DescribeTaskDefinitionResponse {
        task_definition: TaskDefinition,
        tags: Vec<Tag>,
    }

    DeregisterTaskDefinitionRequest {
        task_definition: Str,
    }

    DeregisterTaskDefinitionResponse {
        task_definition: TaskDefinition,
    }

    DeleteTaskDefinitionsRequest {
        task_definitions: Vec<Str>,
    }

    DeleteTaskDefinitionsResponse {
        task_definitions: Vec<TaskDefinition>,
        failures: Vec<Failure>,
    }

    ListTaskDefinitionsRequest {
        family_prefix: Str,
        status: Str,
        sort: Str,
        next_token: Str,
        max_results: i32,
    }

    ListTaskDefinitionsResponse {
        task_definition_arns: Vec<Str>,
        next_token: Str,
    }

    ListTaskDefinitionFamiliesRequest {
        family_prefix: Str,
        status: Str,
        next_token: Str,
        max_results: i32,
    }

    ListTaskDefinitionFamiliesResponse {
        families: Vec<Str>,
        next_token: Str,
    }
}
