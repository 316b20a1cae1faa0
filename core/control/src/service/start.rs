//! What a service starts: a launch made of its task definition and of what it says about tags.

use std::sync::Arc;

use longshore_wire_ecs::ApiError;

use super::{Deployment, Propagate, Service};
use crate::launch::Launch;
use crate::record::{Tags, TaskDefinition};

/// The launch of a deployment's tasks.
///
/// # Errors
/// When containers cannot be made of the definition.
pub(crate) fn launch_of(
    service: &Service,
    deployment: &Deployment,
    definition: &Arc<TaskDefinition>,
) -> Result<Launch, ApiError> {
    let (overrides, containers) = crate::admit::without_overrides(definition)?;
    Ok(Launch {
        definition: definition.clone(),
        containers,
        needs: definition.needs.clone(),
        overrides: Arc::new(overrides),
        group: service.group(),
        started_by: Some(deployment.id.clone()),
        tags: Arc::new(tags(service, definition)),
    })
}

/// Source: ECS API reference, `propagateTags` and `enableECSManagedTags`.
fn tags(service: &Service, definition: &TaskDefinition) -> Tags {
    let mut tags = match service.propagate {
        Propagate::None => Tags::new(),
        Propagate::Service => service.tags.clone(),
        Propagate::TaskDefinition => definition.tags.clone(),
    };
    if service.managed_tags {
        tags.insert("aws:ecs:clusterName".into(), service.cluster.clone());
        tags.insert("aws:ecs:serviceName".into(), service.name.clone());
    }
    tags
}
