//! The documented bounds of requests. Each constant names its source.

/// Characters of the name of a region. Source: chosen by us: AWS's longest has fifteen.
pub const REGION_CHARS_MAX: usize = 32;
/// Bytes in a request body. Source: chosen by us; the largest lawful request is a task definition of 64 KiB,
/// which JSON escapes may double.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Entries on one page and its default. Source: ECS API reference, `maxResults` of the list operations.
pub const PAGE_ENTRIES_MAX: i32 = 100;
/// Entries on one page of `ListAccountSettings`. Source: ECS API reference.
pub const SETTINGS_PAGE_ENTRIES_MAX: i32 = 10;
/// Tasks of one `RunTask`. Source: ECS API reference, `count`.
pub const RUN_TASK_COUNT_MAX: i32 = 10;
/// Instances of one `StartTask`. Source: ECS API reference, `containerInstances`.
pub const START_TASK_INSTANCES_MAX: usize = 10;
/// Ids in one `DescribeClusters`, `DescribeTasks` or `DescribeContainerInstances`. Source: ECS API reference.
pub const DESCRIBE_IDS_MAX: usize = 100;
/// Instances of one `UpdateContainerInstancesState`. Source: ECS API reference.
pub const UPDATE_STATE_INSTANCES_MAX: usize = 10;
/// Attributes of one `PutAttributes` or `DeleteAttributes`. Source: ECS API reference.
pub const ATTRIBUTES_PER_CALL_MAX: usize = 10;
/// Attributes of its own that a container instance may have. Source: ECS developer guide, *Attributes*.
pub const CUSTOM_ATTRIBUTES_MAX: usize = 10;
/// Characters of an attribute's name. Source: ECS API reference, `Attribute.name`.
pub const ATTRIBUTE_NAME_CHARS_MAX: usize = 128;
/// Characters of an attribute's value. Source: ECS API reference, `Attribute.value`.
pub const ATTRIBUTE_VALUE_CHARS_MAX: usize = 128;
/// Placement constraints of task definition and request together. Source: ECS API reference.
pub const PLACEMENT_CONSTRAINTS_MAX: usize = 10;
/// Characters of the expression of a placement constraint. Source: ECS API reference, `PlacementConstraint.expression`.
pub const EXPRESSION_CHARS_MAX: usize = 2000;
/// Placement strategies of a request. Source: ECS API reference, `placementStrategy`.
pub const PLACEMENT_STRATEGIES_MAX: usize = 5;
/// Characters of the overrides as JSON. Source: ECS API reference, `overrides`.
pub const OVERRIDES_CHARS_MAX: usize = 8192;
/// Characters of `startedBy` of `RunTask`. Source: ECS API reference.
pub const RUN_TASK_STARTED_BY_CHARS_MAX: usize = 128;
/// Characters of `startedBy` of `StartTask`. Source: ECS API reference.
pub const START_TASK_STARTED_BY_CHARS_MAX: usize = 36;
/// Characters of `group`. Source: field reports; the API reference is silent.
pub const GROUP_CHARS_MAX: usize = 255;
/// Characters of the client token of `RunTask`. Source: ECS API reference, `clientToken`.
pub const CLIENT_TOKEN_CHARS_MAX: usize = 64;
/// Tags on a resource. Source: ECS API reference, `tags`.
pub const TAGS_MAX: usize = 50;
/// Characters of a tag's key. Source: ECS API reference, `Tag`.
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// Characters of a tag's value. Source: ECS API reference, `Tag`.
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Bytes of a task definition as JSON. Source: ECS quotas, *Task definition size*.
pub const TASK_DEFINITION_BYTES_MAX: usize = 65_536;
/// Containers of a task definition. Source: ECS quotas.
pub const CONTAINERS_MAX: usize = 10;
/// Revisions of a family. Source: ECS quotas.
pub const REVISIONS_MAX: u32 = 1_000_000;
/// Characters of the names of clusters, families and containers. Source: ECS API reference.
pub const NAME_CHARS_MAX: usize = 255;
/// Clusters of an account in a region. Source: ECS quotas.
pub const CLUSTERS_MAX: usize = 10_000;
/// Container instances of a cluster. Source: ECS quotas.
pub const INSTANCES_MAX: usize = 5_000;
/// Attributes of a container instance, those of ECS and its agent included. Source: chosen by us; the agent of Amazon registers some 60.
pub const INSTANCE_ATTRIBUTES_MAX: usize = 500;
/// Resources that a container instance registers. Source: chosen by us; the agent of Amazon registers five.
pub const INSTANCE_RESOURCES_MAX: usize = 20;
/// Entries of a set among them. Source: chosen by us, as many as ports can be reserved.
pub const RESOURCE_SET_ENTRIES_MAX: usize = 100;
/// Characters of a text that a container instance registers. Source: chosen by us.
pub const INSTANCE_TEXT_CHARS_MAX: usize = 255;
/// Settings of one call about a cluster. Source: chosen by us; ECS has one.
pub const CLUSTER_SETTINGS_MAX: usize = 20;
/// Bytes of the configuration of a cluster as JSON. Source: chosen by us; names of keys, log groups and buckets.
pub const CLUSTER_CONFIGURATION_BYTES_MAX: usize = 16_384;
/// Reserved ports of a container instance. Source: ECS developer guide, *Port mappings*.
pub const RESERVED_PORTS_MAX: usize = 100;
/// Characters of a reason. Source: amazon-ecs-agent, which cuts reasons to this length.
pub const REASON_CHARS_MAX: usize = 1024;
/// Least memory of a container in MiB. Source: ECS API reference, `ContainerDefinition.memory`.
pub const CONTAINER_MEMORY_MIB_MIN: i32 = 6;
/// Seconds between two health checks of a container, if not given. Source: ECS API reference, `HealthCheck`.
pub const HEALTH_CHECK_INTERVAL_S: i32 = 30;
/// Seconds that a health check may take, if not given. Source: ECS API reference, `HealthCheck`.
pub const HEALTH_CHECK_TIMEOUT_S: i32 = 5;
/// Failed health checks in a row that make a container unhealthy, if not given. Source: ECS API reference, `HealthCheck`.
pub const HEALTH_CHECK_RETRIES: i32 = 3;
/// Most seconds of `stopTimeout` on Fargate. Source: ECS API reference, `ContainerDefinition.stopTimeout`.
pub const FARGATE_STOP_TIMEOUT_S_MAX: i32 = 120;
/// Least GiB of ephemeral storage. Source: ECS API reference, `EphemeralStorage`.
pub const EPHEMERAL_STORAGE_GIB_MIN: i32 = 21;
/// Most GiB of ephemeral storage. Source: ECS API reference, `EphemeralStorage`.
pub const EPHEMERAL_STORAGE_GIB_MAX: i32 = 200;
/// Characters of the name or ARN of a namespace. Source: ECS API reference, `ClusterServiceConnectDefaultsRequest.namespace`.
pub const NAMESPACE_CHARS_MAX: usize = 1_024;
/// Task definitions of one `DeleteTaskDefinitions`. Source: ECS API reference, `taskDefinitions`.
pub const DELETE_DEFINITIONS_MAX: usize = 10;
/// Services of one `DescribeServices`. Source: ECS API reference, `services`.
pub const DESCRIBE_SERVICES_MAX: usize = 10;
/// Entries of one page of `ListServices` when `maxResults` is left out. Source: ECS API reference.
pub const SERVICES_PAGE_ENTRIES: i32 = 10;
/// Entries of one page of `ListServiceDeployments` when `maxResults` is left out. Source: ECS API reference.
pub const SERVICE_DEPLOYMENTS_PAGE_ENTRIES: i32 = 20;
/// ARNs of one `DescribeServiceDeployments` or `DescribeServiceRevisions`. Source: ECS API reference.
pub const DESCRIBE_SERVICE_DEPLOYMENTS_MAX: usize = 20;
/// Services of a cluster. Source: ECS quotas, *Services per cluster*.
pub const SERVICES_MAX: usize = 5_000;
/// Tasks of a service. Source: ECS quotas, *Tasks per service*.
pub const SERVICE_TASKS_MAX: i32 = 5_000;
/// Characters of the client token of `CreateService`. Source: ECS API reference, `clientToken`.
pub const SERVICE_CLIENT_TOKEN_CHARS_MAX: usize = 36;
/// Tasks of one `UpdateTaskProtection`. Source: ECS API reference.
pub const UPDATE_PROTECTION_TASKS_MAX: usize = 10;
/// Minutes that a task is protected for when `expiresInMinutes` is left out. Source: ECS API reference.
pub const PROTECTION_MINUTES: i32 = 120;
/// Most minutes that a task may be protected for. Source: ECS API reference, `expiresInMinutes`.
pub const PROTECTION_MINUTES_MAX: i32 = 2_880;
/// Most that `maximumPercent` may be. Source: chosen by us, so that counts stay far from overflow.
pub const MAXIMUM_PERCENT_MAX: i32 = 100_000;
/// Entries of one page of `DescribeCapacityProviders` and its default. Source: ECS API reference.
pub const CAPACITY_PROVIDERS_PAGE_ENTRIES_MAX: i32 = 10;
/// Capacity providers of one strategy. Source: ECS API reference, `capacityProviderStrategy`.
pub const STRATEGY_PROVIDERS_MAX: usize = 20;
/// Most that `base` may be. Source: ECS API reference, `CapacityProviderStrategyItem`.
pub const STRATEGY_BASE_MAX: i32 = 100_000;
/// Most that `weight` may be. Source: ECS API reference, `CapacityProviderStrategyItem`.
pub const STRATEGY_WEIGHT_MAX: i32 = 1_000;
/// Environment files of a container. Source: ECS developer guide, *Pass environment variables to an Amazon ECS container*.
pub const ENVIRONMENT_FILES_MAX: usize = 10;
/// Files that are fetched for one task. Source: chosen by us: the exit code of a fetcher tells which one failed, and some codes have
/// a meaning of their own.
pub const FETCH_URIS_MAX: usize = 100;
