//! Environments and deployments as the JSON of Blox.

use longshore_wire_blox::scheduler as wire;
use longshore_wire_blox::scheduler::DeploymentStatus;

use super::{Deployment, Environment};

impl Environment {
    pub(crate) fn show(&self) -> wire::Environment {
        let settings = &self.settings;
        let health =
            if self.is_healthy() { wire::Health::Healthy } else { wire::Health::Unhealthy };
        wire::Environment {
            deployment_token: settings.token.clone(),
            health,
            instance_group: wire::InstanceGroup {
                attributes: settings.attributes.clone(),
                cluster: settings.cluster.to_string(),
            },
            min_healthy_percent: Some(settings.min_healthy_percent).filter(|percent| *percent > 0),
            name: settings.name.to_string(),
            task_definition: settings.definition.to_string(),
        }
    }

    /// A deployment of it. What counts shows who fails now; one that is over shows who did at its end.
    pub(crate) fn show_deployment(&self, deployment: &Deployment) -> wire::Deployment {
        let is_last = self.last().is_some_and(|last| last.id == deployment.id);
        let starts = deployment.status != DeploymentStatus::Pending;
        let failed: Vec<String> = if is_last && starts {
            self.roster.failed().map(|(arn, _)| arn.to_string()).collect()
        } else {
            deployment.failed.iter().map(ToString::to_string).collect()
        };
        wire::Deployment {
            environment_name: self.settings.name.to_string(),
            failed_instances: failed,
            id: deployment.id.to_string(),
            status: deployment.status,
            task_definition: deployment.definition.to_string(),
        }
    }
}
