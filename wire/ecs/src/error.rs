//! Every error that the ECS API answers with, as one closed list.
//!
//! Source: Amazon ECS API Reference, *Common Errors* and the `Errors` of each operation. A client tells the
//! errors apart by name, so the names are the contract; texts follow what ECS says where that is known.

use serde::{Serialize, Serializer};

use crate::Str;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What kind of error it is; [`ErrorCode::name`] is what travels.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// The name as it stands in `__type` and in `x-amzn-errortype`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

error_codes! {
    /// The caller may not do this.
    AccessDenied = "AccessDeniedException",
    /// More attributes than a resource may have.
    AttributeLimitExceeded = "AttributeLimitExceededException",
    /// The account is blocked.
    Blocked = "BlockedException",
    /// Content of a task definition, or a task definition that cannot be found.
    Client = "ClientException",
    /// The cluster still has capacity providers of its own.
    ClusterContainsCapacityProvider = "ClusterContainsCapacityProviderException",
    /// The cluster still has container instances.
    ClusterContainsContainerInstances = "ClusterContainsContainerInstancesException",
    /// The cluster still has services.
    ClusterContainsServices = "ClusterContainsServicesException",
    /// The cluster still has tasks.
    ClusterContainsTasks = "ClusterContainsTasksException",
    /// No such cluster, or an inactive one.
    ClusterNotFound = "ClusterNotFoundException",
    /// The client token was used for another request; carries the ids that exist.
    Conflict = "ConflictException",
    /// The managed daemon is being deleted, or was.
    DaemonNotActive = "DaemonNotActiveException",
    /// No such managed daemon.
    DaemonNotFound = "DaemonNotFoundException",
    /// No such gateway.
    GatewayNotFound = "GatewayNotFoundException",
    /// A parameter that is missing or out of bounds.
    InvalidParameter = "InvalidParameterException",
    /// A quota of the account.
    LimitExceeded = "LimitExceededException",
    /// The agent tells no version that could be updated.
    MissingVersion = "MissingVersionException",
    /// No such namespace.
    NamespaceNotFound = "NamespaceNotFoundException",
    /// The agent is of the latest version.
    NoUpdateAvailable = "NoUpdateAvailableException",
    /// The platform version cannot run the task definition.
    PlatformTaskDefinitionIncompatibility = "PlatformTaskDefinitionIncompatibilityException",
    /// No such platform version.
    PlatformUnknown = "PlatformUnknownException",
    /// Tasks or services use the resource.
    ResourceInUse = "ResourceInUseException",
    /// No such resource (tagging).
    ResourceNotFound = "ResourceNotFoundException",
    /// No such service deployment.
    ServiceDeploymentNotFound = "ServiceDeploymentNotFoundException",
    /// The service is being deleted, or was.
    ServiceNotActive = "ServiceNotActiveException",
    /// No such service.
    ServiceNotFound = "ServiceNotFoundException",
    /// Something went wrong on our side; trying again may help.
    Server = "ServerException",
    /// Nothing listens there for commands.
    TargetNotConnected = "TargetNotConnectedException",
    /// No such target (attributes).
    TargetNotFound = "TargetNotFoundException",
    /// No such task set.
    TaskSetNotFound = "TaskSetNotFoundException",
    /// Longshore does not have this feature.
    UnsupportedFeature = "UnsupportedFeatureException",
    /// The resource is being updated already.
    UpdateInProgress = "UpdateInProgressException",

    /// The body is not JSON, or a member has the wrong type.
    Serialization = "SerializationException",
    /// `X-Amz-Target` names no operation of ECS.
    UnknownOperation = "UnknownOperationException",
    /// No `Authorization` header although signatures are checked.
    MissingAuthenticationToken = "MissingAuthenticationTokenException",
    /// The `Authorization` header cannot be read.
    IncompleteSignature = "IncompleteSignatureException",
    /// The access key is not known.
    UnrecognizedClient = "UnrecognizedClientException",
    /// The signature is not the one that the secret key gives.
    InvalidSignature = "InvalidSignatureException",
    /// The body is larger than a request may be.
    RequestEntityTooLarge = "RequestEntityTooLargeException",
    /// Too many requests at once.
    Throttling = "ThrottlingException",
}

impl ErrorCode {
    /// The HTTP status that goes with it: 500 where the fault is ours, else 400.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Server => 500,
            Self::RequestEntityTooLarge => 413,
            _ => 400,
        }
    }
}

/// An error as the client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Which error.
    pub code: ErrorCode,
    /// What a person needs to know to put it right.
    pub message: String,
    /// Only for [`ErrorCode::Conflict`]: the ARNs that the token already stands for.
    pub resource_ids: Vec<Str>,
}

impl ApiError {
    /// An error of any kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), resource_ids: Vec::new() }
    }

    /// A parameter is missing or out of bounds.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameter, message)
    }

    /// A task definition is wrong, or cannot be found.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Client, message)
    }

    /// The body to send.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an error is text and lists of text")
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for ApiError {}

impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            #[serde(rename = "__type")]
            kind: &'a str,
            message: &'a str,
            #[serde(skip_serializing_if = "<[Str]>::is_empty")]
            resource_ids: &'a [Str],
        }
        Body { kind: self.code.name(), message: &self.message, resource_ids: &self.resource_ids }
            .serialize(serializer)
    }
}
