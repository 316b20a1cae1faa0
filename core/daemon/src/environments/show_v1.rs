//! Environments, revisions and deployments as the JSON of v1.0.

use longshore_wire_blox::v1::{
    Counts, DeploymentConfiguration, Environment as Shown, EnvironmentDeployment,
    EnvironmentRevision, InstanceGroup,
};
use longshore_wire_blox::{arn, v1};

use super::revisions::Revision;
use super::{Deployment, Environment};

impl Environment {
    /// Its name in v1.0, which is unique in its cluster only.
    pub(crate) fn name_v1(&self) -> &str {
        self.settings.of_v1.as_ref().map_or(&self.settings.name, |own| &own.name)
    }

    pub(crate) fn show_v1(&self) -> v1::Answer {
        let settings = &self.settings;
        let percent = Some(settings.min_healthy_percent).filter(|percent| *percent > 0);
        let latest = settings.latest().map(|one| one.id.to_string());
        v1::Answer::Environment {
            environment: Shown {
                environment_name: self.name_v1().to_owned(),
                cluster: arn::cluster_of_arn(&settings.cluster).unwrap_or_default().to_owned(),
                role: settings.of_v1.as_ref().and_then(|own| own.role.as_deref().map(Into::into)),
                environment_type: "Daemon",
                environment_health: if self.is_healthy() { "Healthy" } else { "Unhealthy" },
                deployment_method: "ReplaceAfterTerminate",
                deployment_configuration: DeploymentConfiguration { min_healthy_percent: percent },
                active_environment_revision_id: self.active().map(ToString::to_string),
                latest_environment_revision_id: latest.unwrap_or_default(),
            },
        }
    }

    pub(crate) fn show_revision(&self, revision: &Revision) -> v1::Answer {
        let counts = self.roster.counts();
        let counts = if self.active() == Some(&revision.id) {
            Counts { desired: counts.members, healthy: counts.healthy, total: counts.members }
        } else {
            Counts::default()
        };
        v1::Answer::Revision {
            environment_revision: EnvironmentRevision {
                environment_revision_id: revision.id.to_string(),
                task_definition: revision.definition.to_string(),
                instance_group: InstanceGroup { attributes: revision.attributes.clone() },
                counts,
            },
        }
    }

    pub(crate) fn show_deployment_v1(&self, deployment: &Deployment) -> v1::Answer {
        v1::Answer::Deployment {
            deployment: EnvironmentDeployment {
                deployment_id: deployment.id.to_string(),
                timestamp: deployment.began_at.wall().iso_seconds(),
                environment_name: self.name_v1().to_owned(),
                old_target_revision_id: deployment.replaces.as_ref().map(ToString::to_string),
                new_target_revision_id: deployment.revision.to_string(),
            },
        }
    }
}
