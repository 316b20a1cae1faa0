//! A request, parsed: one variant for each operation that is served.

use serde::de::DeserializeOwned;

use crate::error::{ApiError, ErrorCode};
use crate::operation;
use crate::shape::{
    cluster, container_instance, service, service_deployment, tag, task, task_definition,
};

macro_rules! requests {
    ($($(#[$doc:meta])* $operation:ident($shape:ty),)*) => {
        /// A request to the ECS API.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[expect(missing_docs, reason = "each variant is the operation of that name in the ECS API reference")]
        pub enum Request {
            $($operation(Box<$shape>),)*
        }

        impl Request {
            /// Reads the body of a request for `operation`.
            ///
            /// # Errors
            /// `SerializationException` when the body is not JSON or a member has the wrong type (the message
            /// names the member); the operation's own refusal when it is not served.
            pub fn parse(operation: &str, body: &[u8]) -> Result<Self, ApiError> {
                match operation {
                    $(stringify!($operation) => Ok(Self::$operation(Box::new(read(body)?))),)*
                    other => Err(operation::refuse(other)),
                }
            }

            /// The name of the operation.
            pub fn operation(&self) -> &'static str {
                match self {
                    $(Self::$operation(_) => stringify!($operation),)*
                }
            }
        }
    };
}

requests! {
    CreateCluster(cluster::CreateClusterRequest),
    DeleteCluster(cluster::DeleteClusterRequest),
    DescribeClusters(cluster::DescribeClustersRequest),
    ListClusters(cluster::ListClustersRequest),
    UpdateCluster(cluster::UpdateClusterRequest),
    UpdateClusterSettings(cluster::UpdateClusterSettingsRequest),
    PutClusterCapacityProviders(cluster::PutClusterCapacityProvidersRequest),
    DescribeCapacityProviders(cluster::DescribeCapacityProvidersRequest),
    RegisterContainerInstance(container_instance::RegisterContainerInstanceRequest),
    DeregisterContainerInstance(container_instance::DeregisterContainerInstanceRequest),
    DescribeContainerInstances(container_instance::DescribeContainerInstancesRequest),
    ListContainerInstances(container_instance::ListContainerInstancesRequest),
    UpdateContainerInstancesState(container_instance::UpdateContainerInstancesStateRequest),
    PutAttributes(container_instance::PutAttributesRequest),
    DeleteAttributes(container_instance::DeleteAttributesRequest),
    ListAttributes(container_instance::ListAttributesRequest),
    RegisterTaskDefinition(task_definition::RegisterTaskDefinitionRequest),
    DescribeTaskDefinition(task_definition::DescribeTaskDefinitionRequest),
    DeregisterTaskDefinition(task_definition::DeregisterTaskDefinitionRequest),
    DeleteTaskDefinitions(task_definition::DeleteTaskDefinitionsRequest),
    ListTaskDefinitions(task_definition::ListTaskDefinitionsRequest),
    ListTaskDefinitionFamilies(task_definition::ListTaskDefinitionFamiliesRequest),
    RunTask(task::RunTaskRequest),
    StartTask(task::StartTaskRequest),
    StopTask(task::StopTaskRequest),
    DescribeTasks(task::DescribeTasksRequest),
    ListTasks(task::ListTasksRequest),
    CreateService(service::CreateServiceRequest),
    UpdateService(service::UpdateServiceRequest),
    DeleteService(service::DeleteServiceRequest),
    DescribeServices(service::DescribeServicesRequest),
    ListServices(service::ListServicesRequest),
    ListServicesByNamespace(service::ListServicesByNamespaceRequest),
    ListServiceDeployments(service_deployment::ListServiceDeploymentsRequest),
    DescribeServiceDeployments(service_deployment::DescribeServiceDeploymentsRequest),
    DescribeServiceRevisions(service_deployment::DescribeServiceRevisionsRequest),
    GetTaskProtection(service_deployment::GetTaskProtectionRequest),
    UpdateTaskProtection(service_deployment::UpdateTaskProtectionRequest),
    TagResource(tag::TagResourceRequest),
    UntagResource(tag::UntagResourceRequest),
    ListTagsForResource(tag::ListTagsForResourceRequest),
    ListAccountSettings(tag::ListAccountSettingsRequest),
    PutAccountSetting(tag::PutAccountSettingRequest),
    PutAccountSettingDefault(tag::PutAccountSettingDefaultRequest),
    DeleteAccountSetting(tag::DeleteAccountSettingRequest),
}

/// An empty body counts as `{}`: some clients send none when there is nothing to say.
pub(crate) fn read<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(ApiError::new(ErrorCode::Serialization, "The body must be one JSON object."));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { String::new() } else { format!(" at {path}") };
        ApiError::new(
            ErrorCode::Serialization,
            format!("Cannot read the request{at}: {}", error.inner()),
        )
    })?;
    reader.end().map_err(|error| {
        ApiError::new(ErrorCode::Serialization, format!("Cannot read the request: {error}"))
    })?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(body: &[u8]) -> ApiError {
        Request::parse("RunTask", body).expect_err("the body is bad")
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named() {
        let error = failure(br#"{"overrides": {"containerOverrides": [{"cpu": "x"}]}}"#);
        assert_eq!(error.code, ErrorCode::Serialization);
        assert!(error.message.contains("overrides.containerOverrides[0].cpu"), "{}", error.message);
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for body in ["{", "[]", "{} {}", "null", "{\"count\": 99999999999}", "\u{feff}{}"] {
            assert_eq!(failure(body.as_bytes()).code, ErrorCode::Serialization, "{body}");
        }
    }

    #[test]
    fn null_is_absent_and_unknown_members_are_ignored() {
        let body = br#"{"count": null, "made": "up", "taskDefinition": "web"}"#;
        let Ok(Request::RunTask(request)) = Request::parse("RunTask", body) else {
            panic!("this parses")
        };
        assert_eq!((request.count, request.task_definition.as_deref()), (None, Some("web")));
    }
}
