//! The answers of v1.0 as JSON. Source: blox.md 4.1.

use serde::{Deserialize, Serialize};

use crate::scheduler::GroupAttribute;

/// An answer. Each is an object of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the members are those of v1.0")]
pub enum Answer {
    #[serde(rename_all = "camelCase")]
    Environments {
        environment_names: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_token: Option<String>,
    },
    /// To a new environment, and to a change of one.
    #[serde(rename_all = "camelCase")]
    NewRevision {
        environment_revision_id: String,
    },
    /// Also to the end of one.
    Environment {
        environment: Environment,
    },
    #[serde(rename_all = "camelCase")]
    Revisions {
        revision_ids: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_token: Option<String>,
    },
    #[serde(rename_all = "camelCase")]
    Revision {
        environment_revision: EnvironmentRevision,
    },
    #[serde(rename_all = "camelCase")]
    Deployments {
        deployment_ids: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_token: Option<String>,
    },
    #[serde(rename_all = "camelCase")]
    NewDeployment {
        deployment_id: String,
    },
    Deployment {
        deployment: EnvironmentDeployment,
    },
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Its name.
    pub environment_name: String,
    /// Name of its cluster.
    pub cluster: String,
    /// As given; nothing is done with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `Daemon`.
    pub environment_type: &'static str,
    /// `Healthy`, or `Unhealthy` if instances cannot have their task.
    pub environment_health: &'static str,
    /// `ReplaceAfterTerminate`.
    pub deployment_method: &'static str,
    /// How it is deployed.
    pub deployment_configuration: DeploymentConfiguration,
    /// The revision that is deployed, if any is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_environment_revision_id: Option<String>,
    /// The newest revision.
    pub latest_environment_revision_id: String,
}

/// How an environment is deployed: empty in v1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentConfiguration {
    /// Percentage of its instances, 0 to 99, that keep a healthy task while others are replaced. Beyond v1.0, whose design has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_healthy_percent: Option<u8>,
}

/// What an environment is, at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentRevision {
    /// A UUID.
    pub environment_revision_id: String,
    /// The full ARN.
    pub task_definition: String,
    /// On which instances.
    pub instance_group: InstanceGroup,
    /// How many of them have it; all 0 if it is not the one that is deployed.
    pub counts: Counts,
}

/// Which instances of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceGroup {
    /// What they have.
    pub attributes: Vec<GroupAttribute>,
}

/// Instances of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Those that are to have a task.
    pub desired: usize,
    /// Those with a healthy task.
    pub healthy: usize,
    /// All of them.
    pub total: usize,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentDeployment {
    /// A UUID; also the `startedBy` of its tasks.
    pub deployment_id: String,
    /// When it began, as ISO 8601.
    pub timestamp: String,
    /// Its environment.
    pub environment_name: String,
    /// The revision that it replaces, if one was deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_target_revision_id: Option<String>,
    /// The revision that it deploys.
    pub new_target_revision_id: String,
}
