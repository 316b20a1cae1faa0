//! Every operation of the ECS API, the errors that each declares, and which of them Longshore serves.
//!
//! Source: Amazon ECS API, version 2014-11-13, model of November 2026. `schema/ecs/api.txt` has the same facts as they were taken
//! from the model, and a test holds this table against it. An operation that is not served answers with the error that AWS models
//! for "cannot be done here": `UnsupportedFeatureException` where the operation declares it, else `ClientException`.
//! `docs/reference/operations.md` is made from this table.

use crate::error::ApiError;
use crate::error::ErrorCode::{
    self, AccessDenied, AttributeLimitExceeded, Blocked, Client, ClusterContainsCapacityProvider,
    ClusterContainsContainerInstances, ClusterContainsServices, ClusterContainsTasks,
    ClusterNotFound, Conflict, DaemonNotActive, DaemonNotFound, GatewayNotFound, InvalidParameter,
    LimitExceeded, MissingVersion, NamespaceNotFound, NoUpdateAvailable,
    PlatformTaskDefinitionIncompatibility, PlatformUnknown, ResourceInUse, ResourceNotFound,
    Server, ServiceDeploymentNotFound, ServiceNotActive, ServiceNotFound, TargetNotConnected,
    TargetNotFound, TaskSetNotFound, UnknownOperation, UnsupportedFeature, UpdateInProgress,
};

/// One operation of the API.
#[derive(Clone, Copy, Debug)]
pub struct OperationInfo {
    /// The name, as it follows the dot in `X-Amz-Target`.
    pub name: &'static str,
    /// The kind of resource that it is about.
    pub group: &'static str,
    /// Whether Longshore serves it.
    pub served: bool,
    /// The errors that it declares, beside those that every operation does.
    errors: &'static [ErrorCode],
}

impl OperationInfo {
    /// An operation that declares `errors` beside those that every operation does.
    pub const fn new(
        name: &'static str,
        group: &'static str,
        served: bool,
        errors: &'static [ErrorCode],
    ) -> Self {
        Self { name, group, served, errors }
    }

    /// Whether the model allows it to answer with this error. Those that the front end gives to any request, such as
    /// `SerializationException`, are no operation's own.
    pub fn declares(&self, error: ErrorCode) -> bool {
        COMMON.contains(&error) || self.errors.contains(&error)
    }

    /// The errors that it declares, those of every operation first.
    pub fn errors(&self) -> impl Iterator<Item = ErrorCode> {
        COMMON.iter().chain(self.errors).copied()
    }

    /// The error that says that it is not served.
    pub fn unsupported(&self) -> ErrorCode {
        if self.declares(UnsupportedFeature) { UnsupportedFeature } else { Client }
    }
}

/// What precedes the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AmazonEC2ContainerServiceV20141113.";

/// The errors that every operation declares.
const COMMON: [ErrorCode; 4] = [AccessDenied, Client, InvalidParameter, Server];

/// The operation of a name; `None` if ECS has no such operation.
pub fn info(name: &str) -> Option<&'static OperationInfo> {
    ALL.iter().find(|operation| operation.name == name)
}

/// The answer to an operation that ECS has and Longshore does not serve, or that ECS does not have either.
pub fn refuse(name: &str) -> ApiError {
    let Some(operation) = info(name) else {
        return ApiError::new(UnknownOperation, format!("Amazon ECS has no operation {name:?}."));
    };
    ApiError::new(
        operation.unsupported(),
        format!(
            "{name} is not supported by Longshore. docs/reference/operations.md lists what is."
        ),
    )
}

/// The name of the operation that `X-Amz-Target` names, if ECS has it.
pub fn known(target: &str) -> Option<&'static str> {
    let name = target.strip_prefix(TARGET_PREFIX)?;
    ALL.iter().map(|operation| operation.name).find(|known| *known == name)
}

/// Every operation, by kind of resource.
pub static ALL: [OperationInfo; TABLE.len()] = {
    let mut all = [OperationInfo::new("", "", false, &[]); TABLE.len()];
    let mut index = 0;
    while index < TABLE.len() {
        let (name, group, served, errors) = TABLE[index];
        all[index] = OperationInfo::new(name, group, served, errors);
        index += 1;
    }
    all
};

const SERVED: bool = true;
const REFUSED: bool = false;

/// Name, group, whether it is served, and the errors that not every operation declares.
#[rustfmt::skip]
const TABLE: [(&str, &str, bool, &[ErrorCode]); 88] = [
    ("DeleteAccountSetting", "account setting", SERVED, &[]),
    ("ListAccountSettings", "account setting", SERVED, &[]),
    ("PutAccountSetting", "account setting", SERVED, &[]),
    ("PutAccountSettingDefault", "account setting", SERVED, &[]),
    ("DiscoverPollEndpoint", "agent", REFUSED, &[]),
    ("SubmitAttachmentStateChanges", "agent", REFUSED, &[ClusterNotFound]),
    ("SubmitContainerStateChange", "agent", REFUSED, &[ClusterNotFound]),
    ("SubmitTaskStateChange", "agent", REFUSED, &[ClusterNotFound]),
    ("CreateCapacityProvider", "capacity provider", REFUSED, &[ClusterNotFound, LimitExceeded, UnsupportedFeature, UpdateInProgress]),
    ("DeleteCapacityProvider", "capacity provider", REFUSED, &[ClusterNotFound, UnsupportedFeature, UpdateInProgress]),
    ("DescribeCapacityProviders", "capacity provider", SERVED, &[ClusterNotFound, UnsupportedFeature]),
    ("PutClusterCapacityProviders", "capacity provider", SERVED, &[ClusterNotFound, ResourceInUse, UpdateInProgress]),
    ("UpdateCapacityProvider", "capacity provider", REFUSED, &[ClusterNotFound, UnsupportedFeature]),
    ("CreateCluster", "cluster", SERVED, &[NamespaceNotFound]),
    ("DeleteCluster", "cluster", SERVED, &[ClusterContainsCapacityProvider, ClusterContainsContainerInstances, ClusterContainsServices, ClusterContainsTasks, ClusterNotFound, UpdateInProgress]),
    ("DescribeClusters", "cluster", SERVED, &[]),
    ("ListClusters", "cluster", SERVED, &[]),
    ("UpdateCluster", "cluster", SERVED, &[ClusterNotFound, NamespaceNotFound]),
    ("UpdateClusterSettings", "cluster", SERVED, &[ClusterNotFound, UpdateInProgress]),
    ("DeleteAttributes", "container instance", SERVED, &[ClusterNotFound, TargetNotFound]),
    ("DeregisterContainerInstance", "container instance", SERVED, &[ClusterNotFound]),
    ("DescribeContainerInstances", "container instance", SERVED, &[ClusterNotFound]),
    ("ListAttributes", "container instance", SERVED, &[ClusterNotFound]),
    ("ListContainerInstances", "container instance", SERVED, &[ClusterNotFound]),
    ("PutAttributes", "container instance", SERVED, &[AttributeLimitExceeded, ClusterNotFound, TargetNotFound]),
    ("RegisterContainerInstance", "container instance", SERVED, &[ClusterNotFound]),
    ("UpdateContainerAgent", "container instance", REFUSED, &[ClusterNotFound, MissingVersion, NoUpdateAvailable, UpdateInProgress]),
    ("UpdateContainerInstancesState", "container instance", SERVED, &[ClusterNotFound]),
    ("CreateExpressGatewayService", "express gateway service", REFUSED, &[ClusterNotFound, PlatformTaskDefinitionIncompatibility, PlatformUnknown, UnsupportedFeature]),
    ("DeleteExpressGatewayService", "express gateway service", REFUSED, &[ClusterNotFound, ServiceNotActive, ServiceNotFound, UnsupportedFeature]),
    ("DescribeExpressGatewayService", "express gateway service", REFUSED, &[ClusterNotFound, ResourceNotFound, UnsupportedFeature]),
    ("UpdateExpressGatewayService", "express gateway service", REFUSED, &[ClusterNotFound, ServiceNotActive, ServiceNotFound, UnsupportedFeature]),
    ("AssociateGatewayWithCluster", "gateway", REFUSED, &[ClusterNotFound, GatewayNotFound, UnsupportedFeature]),
    ("CreateGateway", "gateway", REFUSED, &[UnsupportedFeature]),
    ("DeleteGateway", "gateway", REFUSED, &[GatewayNotFound, UnsupportedFeature]),
    ("DescribeGateway", "gateway", REFUSED, &[GatewayNotFound, UnsupportedFeature]),
    ("DescribeGatewayResources", "gateway", REFUSED, &[GatewayNotFound, UnsupportedFeature]),
    ("DescribeGatewayRoute", "gateway", REFUSED, &[ResourceNotFound, UnsupportedFeature]),
    ("DisassociateGatewayFromCluster", "gateway", REFUSED, &[ClusterNotFound, GatewayNotFound, ResourceNotFound, UnsupportedFeature]),
    ("ListGatewayClusterAssociations", "gateway", REFUSED, &[UnsupportedFeature]),
    ("ListGatewayRoutes", "gateway", REFUSED, &[GatewayNotFound, UnsupportedFeature]),
    ("ListGateways", "gateway", REFUSED, &[UnsupportedFeature]),
    ("UpdateGateway", "gateway", REFUSED, &[GatewayNotFound, UnsupportedFeature]),
    ("CreateDaemon", "managed daemon", REFUSED, &[ClusterNotFound, PlatformUnknown, UnsupportedFeature]),
    ("DeleteDaemon", "managed daemon", REFUSED, &[ClusterNotFound, DaemonNotActive, DaemonNotFound, UnsupportedFeature]),
    ("DeleteDaemonTaskDefinition", "managed daemon", REFUSED, &[]),
    ("DescribeDaemon", "managed daemon", REFUSED, &[ClusterNotFound, DaemonNotFound, UnsupportedFeature]),
    ("DescribeDaemonDeployments", "managed daemon", REFUSED, &[ClusterNotFound, UnsupportedFeature]),
    ("DescribeDaemonRevisions", "managed daemon", REFUSED, &[ClusterNotFound, UnsupportedFeature]),
    ("DescribeDaemonTaskDefinition", "managed daemon", REFUSED, &[]),
    ("ListDaemonDeployments", "managed daemon", REFUSED, &[ClusterNotFound, UnsupportedFeature]),
    ("ListDaemonTaskDefinitions", "managed daemon", REFUSED, &[]),
    ("ListDaemons", "managed daemon", REFUSED, &[ClusterNotFound, UnsupportedFeature]),
    ("RegisterDaemonTaskDefinition", "managed daemon", REFUSED, &[LimitExceeded]),
    ("UpdateDaemon", "managed daemon", REFUSED, &[ClusterNotFound, DaemonNotActive, DaemonNotFound, PlatformUnknown, UnsupportedFeature]),
    ("CreateService", "service", SERVED, &[ClusterNotFound, NamespaceNotFound, PlatformTaskDefinitionIncompatibility, PlatformUnknown, UnsupportedFeature]),
    ("DeleteService", "service", SERVED, &[ClusterNotFound, ServiceNotFound]),
    ("DescribeServices", "service", SERVED, &[ClusterNotFound]),
    ("ListServices", "service", SERVED, &[ClusterNotFound]),
    ("ListServicesByNamespace", "service", SERVED, &[NamespaceNotFound]),
    ("UpdateService", "service", SERVED, &[ClusterNotFound, NamespaceNotFound, PlatformTaskDefinitionIncompatibility, PlatformUnknown, ServiceNotActive, ServiceNotFound, UnsupportedFeature]),
    ("ContinueServiceDeployment", "service deployment", REFUSED, &[ServiceDeploymentNotFound, UnsupportedFeature]),
    ("DescribeServiceDeployments", "service deployment", SERVED, &[ClusterNotFound, ServiceNotFound, UnsupportedFeature]),
    ("DescribeServiceRevisions", "service deployment", SERVED, &[ClusterNotFound, ServiceNotFound, UnsupportedFeature]),
    ("ListServiceDeployments", "service deployment", SERVED, &[ClusterNotFound, ServiceNotFound, UnsupportedFeature]),
    ("StopServiceDeployment", "service deployment", REFUSED, &[Conflict, ServiceDeploymentNotFound, UnsupportedFeature]),
    ("ListTagsForResource", "tag", SERVED, &[ClusterNotFound]),
    ("TagResource", "tag", SERVED, &[ClusterNotFound, LimitExceeded, ResourceNotFound]),
    ("UntagResource", "tag", SERVED, &[ClusterNotFound, ResourceNotFound]),
    ("DescribeTasks", "task", SERVED, &[ClusterNotFound]),
    ("ExecuteCommand", "task", REFUSED, &[ClusterNotFound, TargetNotConnected]),
    ("GetTaskProtection", "task", SERVED, &[ClusterNotFound, ResourceNotFound, UnsupportedFeature]),
    ("ListTasks", "task", SERVED, &[ClusterNotFound, ServiceNotFound]),
    ("RunTask", "task", SERVED, &[Blocked, ClusterNotFound, Conflict, PlatformTaskDefinitionIncompatibility, PlatformUnknown, UnsupportedFeature]),
    ("StartTask", "task", SERVED, &[ClusterNotFound, NamespaceNotFound, UnsupportedFeature]),
    ("StopTask", "task", SERVED, &[ClusterNotFound]),
    ("UpdateTaskProtection", "task", SERVED, &[ClusterNotFound, ResourceNotFound, UnsupportedFeature]),
    ("CreateTaskSet", "task set", REFUSED, &[ClusterNotFound, LimitExceeded, NamespaceNotFound, PlatformTaskDefinitionIncompatibility, PlatformUnknown, ServiceNotActive, ServiceNotFound, UnsupportedFeature]),
    ("DeleteTaskSet", "task set", REFUSED, &[ClusterNotFound, LimitExceeded, ServiceNotActive, ServiceNotFound, TaskSetNotFound, UnsupportedFeature]),
    ("DescribeTaskSets", "task set", REFUSED, &[ClusterNotFound, ServiceNotActive, ServiceNotFound, UnsupportedFeature]),
    ("UpdateServicePrimaryTaskSet", "task set", REFUSED, &[ClusterNotFound, ServiceNotActive, ServiceNotFound, TaskSetNotFound, UnsupportedFeature]),
    ("UpdateTaskSet", "task set", REFUSED, &[ClusterNotFound, LimitExceeded, ServiceNotActive, ServiceNotFound, TaskSetNotFound, UnsupportedFeature]),
    ("DeleteTaskDefinitions", "task definition", SERVED, &[]),
    ("DeregisterTaskDefinition", "task definition", SERVED, &[]),
    ("DescribeTaskDefinition", "task definition", SERVED, &[]),
    ("ListTaskDefinitionFamilies", "task definition", SERVED, &[]),
    ("ListTaskDefinitions", "task definition", SERVED, &[]),
    ("RegisterTaskDefinition", "task definition", SERVED, &[LimitExceeded]),
];

#[cfg(test)]
mod tests;
