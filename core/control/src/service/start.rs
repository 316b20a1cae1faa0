//! Builds the template for a service's tasks from its task definition and tag settings.

use std::sync::Arc;

use longshore_wire_ecs::ApiError;
use longshore_wire_ecs::arn::ArnFormat;

use super::{Deployment, Propagate, Service};
use crate::record::{Cluster, Tags, TaskDefinition, TaskTemplate};

/// The template of a deployment's tasks, and their tags.
///
/// # Errors
/// When the containers cannot be built from the definition.
pub(crate) fn template_of(
    cluster: &Cluster,
    service: &Service,
    deployment: &Deployment,
    definition: &Arc<TaskDefinition>,
    arns: ArnFormat,
) -> Result<(Arc<TaskTemplate>, Arc<Tags>), ApiError> {
    let (overrides, containers) = crate::admit::without_overrides(definition)?;
    let template = TaskTemplate {
        realm: cluster.realm.clone(),
        cluster: cluster.name.clone(),
        cluster_arn: cluster.arn.clone(),
        definition: definition.clone(),
        containers,
        overrides: Arc::new(overrides),
        is_overridden: false,
        needs: definition.needs.clone(),
        group: service.group(),
        started_by: Some(deployment.id.clone()),
        arns,
    };
    // A task with a short ARN cannot have any.
    let tags = if arns.is_long() { tags(service, definition) } else { Tags::new() };
    Ok((Arc::new(template), Arc::new(tags)))
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
