//! What travels for container instances and their attributes.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use super::shared::{Attachment, Attribute, Failure, Resource, Tag};
use crate::Str;

super::shapes! {
    RegisterContainerInstanceRequest {
        cluster: Str,
        instance_identity_document: Str,
        instance_identity_document_signature: Str,
        total_resources: Vec<Resource>,
        version_info: VersionInfo,
        container_instance_arn: Str,
        attributes: Vec<Attribute>,
        platform_devices: Vec<PlatformDevice>,
        tags: Vec<Tag>,
    }

    VersionInfo {
        agent_version: Str,
        agent_hash: Str,
        docker_version: Str,
    }

    PlatformDevice {
        id: Str,
        #[serde(rename = "type")]
        kind: Str,
    }

    RegisterContainerInstanceResponse {
        container_instance: ContainerInstance,
    }

    ContainerInstance {
        container_instance_arn: Str,
        ec2_instance_id: Str,
        capacity_provider_name: Str,
        version: i64,
        version_info: VersionInfo,
        remaining_resources: Vec<Resource>,
        registered_resources: Vec<Resource>,
        status: Str,
        status_reason: Str,
        agent_connected: bool,
        running_tasks_count: i32,
        pending_tasks_count: i32,
        agent_update_status: Str,
        attributes: Vec<Attribute>,
        registered_at: f64,
        attachments: Vec<Attachment>,
        tags: Vec<Tag>,
        health_status: ContainerInstanceHealthStatus,
    }

    ContainerInstanceHealthStatus {
        overall_status: Str,
        details: Vec<InstanceHealthCheckResult>,
    }

    InstanceHealthCheckResult {
        #[serde(rename = "type")]
        kind: Str,
        status: Str,
        status_reason: Str,
        last_updated: f64,
        last_status_change: f64,
    }

    DeregisterContainerInstanceRequest {
        cluster: Str,
        container_instance: Str,
        force: bool,
    }

    DeregisterContainerInstanceResponse {
        container_instance: ContainerInstance,
    }

    DescribeContainerInstancesRequest {
        cluster: Str,
        container_instances: Vec<Str>,
        include: Vec<Str>,
    }

    DescribeContainerInstancesResponse {
        container_instances: Vec<ContainerInstance>,
        failures: Vec<Failure>,
    }

    ListContainerInstancesRequest {
        cluster: Str,
        filter: Str,
        next_token: Str,
        max_results: i32,
        status: Str,
    }

    ListContainerInstancesResponse {
        container_instance_arns: Vec<Str>,
        next_token: Str,
    }

    UpdateContainerInstancesStateRequest {
        cluster: Str,
        container_instances: Vec<Str>,
        status: Str,
    }

    UpdateContainerInstancesStateResponse {
        container_instances: Vec<ContainerInstance>,
        failures: Vec<Failure>,
    }

    PutAttributesRequest {
        cluster: Str,
        attributes: Vec<Attribute>,
    }

    PutAttributesResponse {
        attributes: Vec<Attribute>,
    }

    DeleteAttributesRequest {
        cluster: Str,
        attributes: Vec<Attribute>,
    }

    DeleteAttributesResponse {
        attributes: Vec<Attribute>,
    }

    ListAttributesRequest {
        cluster: Str,
        target_type: Str,
        attribute_name: Str,
        attribute_value: Str,
        next_token: Str,
        max_results: i32,
    }

    ListAttributesResponse {
        attributes: Vec<Attribute>,
        next_token: Str,
    }
}
