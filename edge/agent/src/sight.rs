//! Container metadata from the runtime, for the container to read.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Arn;
use longshore_wire_ecs::host::{ContainerSpec, TaskSpec};
use longshore_wire_ecs::metadata::{Mounted, Network};

// Source: the labels that the real container agent sets.
pub(crate) const TASK_ARN: &str = "com.amazonaws.ecs.task-arn";
pub(crate) const CONTAINER_NAME: &str = "com.amazonaws.ecs.container-name";
pub(crate) const FAMILY: &str = "com.amazonaws.ecs.task-definition-family";
pub(crate) const REVISION: &str = "com.amazonaws.ecs.task-definition-version";
pub(crate) const CLUSTER: &str = "com.amazonaws.ecs.cluster";

/// Container metadata from the runtime. Times are in RFC 3339.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Its name in the runtime.
    pub name: Str,
    /// Id of its image, if it has one.
    pub image_id: Str,
    /// Labels, including the agent's.
    pub labels: BTreeMap<Str, Str>,
    /// Its networks.
    pub networks: Vec<Network>,
    /// Its mounted volumes.
    pub volumes: Vec<Mounted>,
    /// When it was created.
    pub created_at: Option<String>,
    /// When it was started.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// The user's labels, overridden by the agent's.
pub(crate) fn labels(spec: &TaskSpec, container: &ContainerSpec) -> BTreeMap<Str, Str> {
    let cluster = Arn::parse(&spec.cluster).map_or(&*spec.cluster, |arn| arn.id());
    let mut labels = container.definition.docker_labels.clone().unwrap_or_default();
    let own: [(&str, Str); 5] = [
        (TASK_ARN, spec.arn.clone()),
        (CONTAINER_NAME, container.name().into()),
        (FAMILY, spec.family.clone()),
        (REVISION, spec.revision.to_string().into()),
        (CLUSTER, cluster.into()),
    ];
    labels.extend(own.map(|(name, value)| (name.into(), value)));
    labels
}
