//! What travels for clusters.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use super::shared::{Attachment, CapacityProviderStrategyItem, Failure, KeyValuePair, Tag};
use crate::{Str, Word};

super::shapes! {
    CreateClusterRequest {
        cluster_name: Str,
        tags: Vec<Tag>,
        settings: Vec<ClusterSetting>,
        configuration: ClusterConfiguration,
        capacity_providers: Vec<Str>,
        default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        service_connect_defaults: ClusterServiceConnectDefaultsRequest,
    }

    ClusterSetting {
        name: Str,
        value: Str,
    }

    ClusterConfiguration {
        execute_command_configuration: ExecuteCommandConfiguration,
        managed_storage_configuration: ManagedStorageConfiguration,
    }

    ExecuteCommandConfiguration {
        kms_key_id: Str,
        logging: Str,
        log_configuration: ExecuteCommandLogConfiguration,
    }

    ExecuteCommandLogConfiguration {
        cloud_watch_log_group_name: Str,
        cloud_watch_encryption_enabled: bool,
        s3_bucket_name: Str,
        s3_encryption_enabled: bool,
        s3_key_prefix: Str,
    }

    ManagedStorageConfiguration {
        kms_key_id: Str,
        fargate_ephemeral_storage_kms_key_id: Str,
    }

    ClusterServiceConnectDefaultsRequest {
        namespace: Str,
    }

    CreateClusterResponse {
        cluster: Cluster,
    }

    Cluster {
        cluster_arn: Str,
        cluster_name: Str,
        configuration: ClusterConfiguration,
        status: Str,
        registered_container_instances_count: i32,
        running_tasks_count: i32,
        pending_tasks_count: i32,
        active_services_count: i32,
        statistics: Vec<KeyValuePair>,
        tags: Vec<Tag>,
        settings: Vec<ClusterSetting>,
        capacity_providers: Vec<Str>,
        default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
        attachments: Vec<Attachment>,
        attachments_status: Str,
        service_connect_defaults: ClusterServiceConnectDefaults,
    }

    ClusterServiceConnectDefaults {
        namespace: Str,
    }

    DescribeClustersRequest {
        clusters: Vec<Str>,
        include: Vec<Str>,
    }

    DescribeClustersResponse {
        clusters: Vec<Cluster>,
        failures: Vec<Failure>,
    }

    ListClustersRequest {
        next_token: Str,
        max_results: i32,
    }

    ListClustersResponse {
        cluster_arns: Vec<Str>,
        next_token: Str,
    }

    UpdateClusterRequest {
        cluster: Str,
        settings: Vec<ClusterSetting>,
        configuration: ClusterConfiguration,
        service_connect_defaults: ClusterServiceConnectDefaultsRequest,
    }

    UpdateClusterResponse {
        cluster: Cluster,
    }

    UpdateClusterSettingsRequest {
        cluster: Str,
        settings: Vec<ClusterSetting>,
    }

    UpdateClusterSettingsResponse {
        cluster: Cluster,
    }

    PutClusterCapacityProvidersRequest {
        cluster: Str,
        capacity_providers: Vec<Str>,
        default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    }

    PutClusterCapacityProvidersResponse {
        cluster: Cluster,
    }

    DescribeCapacityProvidersRequest {
        capacity_providers: Vec<Str>,
        cluster: Str,
        include: Vec<Str>,
        max_results: i32,
        next_token: Str,
    }

    DescribeCapacityProvidersResponse {
        capacity_providers: Vec<CapacityProvider>,
        failures: Vec<Failure>,
        next_token: Str,
    }

    CapacityProvider {
        capacity_provider_arn: Str,
        name: Str,
        status: Word,
        tags: Vec<Tag>,
        #[serde(rename = "type")]
        kind: Word,
    }

    DeleteClusterRequest {
        cluster: Str,
    }

    DeleteClusterResponse {
        cluster: Cluster,
    }
}
