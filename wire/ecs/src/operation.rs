//! Every operation of the ECS API, and which of them Longshore serves.
//!
//! Source: Amazon ECS API, version 2014-11-13. An operation that is not served answers with the error that
//! AWS models for "cannot be done here": `UnsupportedFeatureException` where the operation declares it, else
//! `ClientException`. `docs/reference/operations.md` is made from this table.

use crate::error::{ApiError, ErrorCode};

/// One operation of the API.
#[derive(Clone, Copy, Debug)]
pub struct OperationInfo {
    /// The name, as it follows the dot in `X-Amz-Target`.
    pub name: &'static str,
    /// The kind of resource that it is about.
    pub group: &'static str,
    /// Whether Longshore serves it.
    pub served: bool,
    /// The name of the error that it answers with when it is not served.
    pub unsupported_error: Option<&'static str>,
}

/// What precedes the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AmazonEC2ContainerServiceV20141113.";

/// The answer to an operation that ECS has and Longshore does not serve, or that ECS does not have either.
pub fn refuse(name: &str) -> ApiError {
    let Some((_, _, code)) = TABLE.iter().find(|(operation, _, _)| *operation == name) else {
        return ApiError::new(
            ErrorCode::UnknownOperation,
            format!("Amazon ECS has no operation {name:?}."),
        );
    };
    ApiError::new(
        code.unwrap_or(ErrorCode::Client),
        format!(
            "{name} is not supported by Longshore. docs/reference/operations.md lists what is."
        ),
    )
}

/// Every operation, by kind of resource.
pub static ALL: [OperationInfo; TABLE.len()] = {
    let mut all = [OperationInfo { name: "", group: "", served: false, unsupported_error: None };
        TABLE.len()];
    let mut index = 0;
    while index < TABLE.len() {
        let (name, group, refusal) = TABLE[index];
        all[index] = OperationInfo {
            name,
            group,
            served: refusal.is_none(),
            unsupported_error: match refusal {
                None => None,
                Some(ErrorCode::UnsupportedFeature) => Some("UnsupportedFeatureException"),
                Some(_) => Some("ClientException"),
            },
        };
        index += 1;
    }
    all
};

/// Name, group, and the error of those that are not served.
const TABLE: [(&str, &str, Option<ErrorCode>); 77] = [
    ("DiscoverPollEndpoint", "agent", Some(ErrorCode::Client)),
    ("SubmitAttachmentStateChanges", "agent", Some(ErrorCode::Client)),
    ("SubmitContainerStateChange", "agent", Some(ErrorCode::Client)),
    ("SubmitTaskStateChange", "agent", Some(ErrorCode::Client)),
    ("CreateCapacityProvider", "capacity provider", Some(ErrorCode::UnsupportedFeature)),
    ("DeleteCapacityProvider", "capacity provider", Some(ErrorCode::UnsupportedFeature)),
    ("DescribeCapacityProviders", "capacity provider", None),
    ("PutClusterCapacityProviders", "capacity provider", None),
    ("UpdateCapacityProvider", "capacity provider", Some(ErrorCode::UnsupportedFeature)),
    ("CreateCluster", "cluster", None),
    ("DeleteCluster", "cluster", None),
    ("DescribeClusters", "cluster", None),
    ("ListClusters", "cluster", None),
    ("UpdateCluster", "cluster", None),
    ("UpdateClusterSettings", "cluster", None),
    ("DeleteAttributes", "container instance", None),
    ("DeregisterContainerInstance", "container instance", None),
    ("DescribeContainerInstances", "container instance", None),
    ("ListAttributes", "container instance", None),
    ("ListContainerInstances", "container instance", None),
    ("PutAttributes", "container instance", None),
    ("RegisterContainerInstance", "container instance", None),
    ("UpdateContainerAgent", "container instance", Some(ErrorCode::Client)),
    ("UpdateContainerInstancesState", "container instance", None),
    ("CreateExpressGatewayService", "express gateway service", Some(ErrorCode::UnsupportedFeature)),
    ("DeleteExpressGatewayService", "express gateway service", Some(ErrorCode::UnsupportedFeature)),
    (
        "DescribeExpressGatewayService",
        "express gateway service",
        Some(ErrorCode::UnsupportedFeature),
    ),
    ("UpdateExpressGatewayService", "express gateway service", Some(ErrorCode::UnsupportedFeature)),
    ("CreateDaemon", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("DeleteDaemon", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("DeleteDaemonTaskDefinition", "managed daemon", Some(ErrorCode::Client)),
    ("DescribeDaemon", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("DescribeDaemonDeployments", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("DescribeDaemonRevisions", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("DescribeDaemonTaskDefinition", "managed daemon", Some(ErrorCode::Client)),
    ("ListDaemonDeployments", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("ListDaemonTaskDefinitions", "managed daemon", Some(ErrorCode::Client)),
    ("ListDaemons", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("RegisterDaemonTaskDefinition", "managed daemon", Some(ErrorCode::Client)),
    ("UpdateDaemon", "managed daemon", Some(ErrorCode::UnsupportedFeature)),
    ("CreateService", "service", None),
    ("DeleteService", "service", None),
    ("DescribeServices", "service", None),
    ("ListServices", "service", None),
    ("ListServicesByNamespace", "service", None),
    ("UpdateService", "service", None),
    ("ContinueServiceDeployment", "service deployment", Some(ErrorCode::UnsupportedFeature)),
    ("DescribeServiceDeployments", "service deployment", None),
    ("DescribeServiceRevisions", "service deployment", None),
    ("ListServiceDeployments", "service deployment", None),
    ("StopServiceDeployment", "service deployment", Some(ErrorCode::UnsupportedFeature)),
    ("DeleteAccountSetting", "tag", Some(ErrorCode::Client)),
    ("ListAccountSettings", "tag", None),
    ("ListTagsForResource", "tag", None),
    ("PutAccountSetting", "tag", Some(ErrorCode::Client)),
    ("PutAccountSettingDefault", "tag", Some(ErrorCode::Client)),
    ("TagResource", "tag", None),
    ("UntagResource", "tag", None),
    ("DescribeTasks", "task", None),
    ("ExecuteCommand", "task", Some(ErrorCode::Client)),
    ("GetTaskProtection", "task", None),
    ("ListTasks", "task", None),
    ("RunTask", "task", None),
    ("StartTask", "task", None),
    ("StopTask", "task", None),
    ("UpdateTaskProtection", "task", None),
    ("CreateTaskSet", "task set", Some(ErrorCode::UnsupportedFeature)),
    ("DeleteTaskSet", "task set", Some(ErrorCode::UnsupportedFeature)),
    ("DescribeTaskSets", "task set", Some(ErrorCode::UnsupportedFeature)),
    ("UpdateServicePrimaryTaskSet", "task set", Some(ErrorCode::UnsupportedFeature)),
    ("UpdateTaskSet", "task set", Some(ErrorCode::UnsupportedFeature)),
    ("DeleteTaskDefinitions", "task definition", Some(ErrorCode::Client)),
    ("DeregisterTaskDefinition", "task definition", None),
    ("DescribeTaskDefinition", "task definition", None),
    ("ListTaskDefinitionFamilies", "task definition", None),
    ("ListTaskDefinitions", "task definition", None),
    ("RegisterTaskDefinition", "task definition", None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_of_ecs_that_is_not_served_answers_with_its_modelled_error() {
        assert_eq!(refuse("CreateTaskSet").code, ErrorCode::UnsupportedFeature);
        assert_eq!(refuse("ExecuteCommand").code, ErrorCode::Client);
    }

    #[test]
    fn an_operation_that_ecs_does_not_have_is_unknown() {
        assert_eq!(refuse("MakeCoffee").code, ErrorCode::UnknownOperation);
    }

    #[test]
    fn what_the_table_calls_served_is_what_parses() {
        for operation in &ALL {
            let parsed = crate::Request::parse(operation.name, b"{}");
            assert_eq!(parsed.is_ok(), operation.served, "{}", operation.name);
        }
    }
}
