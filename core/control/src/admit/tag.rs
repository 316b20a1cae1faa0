//! Tags of clusters, container instances, services, task definitions and tasks. Source: ECS API
//! reference.

use std::sync::Arc;

use longshore_wire_ecs::arn::{Arn, ArnFormat};
use longshore_wire_ecs::shape::shared::Tag;
use longshore_wire_ecs::shape::tag as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};

use super::{Answer, Context, task_definition};
use crate::record::{ClusterStatus, ContainerInstance, InstanceStatus, LastStatus, Tags, Task};
use crate::service::ServiceStatus;
use crate::show;

/// What a request to make a task or an instance with tags is told if its ARN would be short. Source: replies of AWS that users of
/// ecs-cli reported.
pub(super) const GIVEN: &str = "Long arn format must be enabled for tagging.";
/// The same for managed tags of a task.
pub(super) const MANAGED: &str = "Long arn format must be enabled for ECS managed tags.";
/// The same for tags that a task is to have from its definition. Chosen by us, after the others.
pub(super) const PROPAGATED: &str = "Long arn format must be enabled for propagating tags.";

/// A resource with a short ARN cannot have tags. Source: reply of AWS for a service that users of boto3 reported.
fn check_long(arn: &str, kind: &str) -> Result<(), ApiError> {
    if ArnFormat::of(arn).is_long() {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "The specified {kind} does not have the longArn format. Only {kind}s created after opting in will have the new format."
    )))
}

/// Checks and sorts tags.
pub(super) fn read(given: &[Tag]) -> Result<Tags, ApiError> {
    if given.len() > limits::TAGS_MAX {
        return Err(ApiError::invalid("A resource can have at most 50 tags."));
    }
    let mut tags = Tags::new();
    for tag in given {
        let key = tag.key.clone().unwrap_or_default();
        let value = tag.value.clone().unwrap_or_default();
        let fits = |text: &str, most: usize| {
            text.chars().count() <= most
                && text.chars().all(|one| {
                    one.is_alphanumeric() || one.is_whitespace() || "_.:/=+-@".contains(one)
                })
        };
        if key.is_empty() || !fits(&key, limits::TAG_KEY_CHARS_MAX) {
            return Err(ApiError::invalid(
                "A tag key must be 1 to 128 letters, digits, spaces and the characters _ . : / = + - @",
            ));
        }
        if !fits(&value, limits::TAG_VALUE_CHARS_MAX) {
            return Err(ApiError::invalid(
                "A tag value must be at most 256 letters, digits, spaces and the characters _ . : / = + - @",
            ));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(ApiError::invalid("Tag keys that start with aws: are reserved."));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(ApiError::invalid(format!("The tag key {key} is given more than once.")));
        }
    }
    Ok(tags)
}

/// Adds tags to the existing ones.
///
/// # Errors
/// `LimitExceededException` when there would be too many.
fn merged(held: &Tags, new: &Tags) -> Result<Tags, ApiError> {
    let mut tags = held.clone();
    tags.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    let own = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    if own > limits::TAGS_MAX {
        return Err(ApiError::new(
            ErrorCode::LimitExceeded,
            "A resource can have at most 50 tags.",
        ));
    }
    Ok(tags)
}

pub(super) fn tag(at: &mut Context<'_>, request: &shape::TagResourceRequest) -> Answer {
    let new = read(request.tags.as_deref().unwrap_or_default())?;
    change(at, request.resource_arn.as_ref(), |held| merged(held, &new))?;
    Ok(show::body(&shape::TagResourceResponse {}))
}

pub(super) fn untag(at: &mut Context<'_>, request: &shape::UntagResourceRequest) -> Answer {
    let keys = request.tag_keys.as_deref().unwrap_or_default();
    if keys.len() > limits::TAGS_MAX {
        return Err(ApiError::invalid("tagKeys can have at most 50 entries."));
    }
    change(at, request.resource_arn.as_ref(), |held| {
        Ok(held
            .iter()
            .filter(|(key, _)| !keys.contains(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect())
    })?;
    Ok(show::body(&shape::UntagResourceResponse {}))
}

pub(super) fn list(at: &mut Context<'_>, request: &shape::ListTagsForResourceRequest) -> Answer {
    let mut found = Tags::new();
    let read = change(at, request.resource_arn.as_ref(), |held| {
        found.clone_from(held);
        Ok(held.clone())
    });
    // Unlike the operations that change tags, this one does not declare
    // `ResourceNotFoundException`.
    read.map_err(|error| match error.code {
        ErrorCode::ResourceNotFound => ApiError::invalid(error.message),
        _ => error,
    })?;
    Ok(show::body(&shape::ListTagsForResourceResponse { tags: Some(show::tags(&found)) }))
}

fn not_found(arn: &str) -> ApiError {
    ApiError::new(ErrorCode::ResourceNotFound, format!("The resource {arn} was not found."))
}

/// Finds the resource that an ARN names and applies the change, if any, to its tags.
fn change(
    at: &mut Context<'_>,
    arn: Option<&Str>,
    apply: impl FnOnce(&Tags) -> Result<Tags, ApiError>,
) -> Result<(), ApiError> {
    let given = arn.map(|arn| &**arn).unwrap_or_default();
    let Some(arn) = Arn::parse(given) else {
        return Err(ApiError::invalid(
            "resourceArn must be the ARN of a cluster, container instance, service, task or task definition.",
        ));
    };
    if !arn.is_in(at.realm) {
        return Err(not_found(given));
    }
    match arn.kind {
        "cluster" => change_cluster(at, given, arn, apply),
        "task-definition" => change_definition(at, given, apply),
        "container-instance" | "task" | "service" if arn.cluster().is_none() => {
            Err(ApiError::invalid("Long arn format must be used for tagging operations"))
        }
        "container-instance" => change_instance(at, given, arn, apply),
        "task" => change_task(at, given, arn, apply),
        "service" => change_service(at, given, arn, apply),
        _ => Err(ApiError::invalid(
            "resourceArn must be the ARN of a cluster, container instance, service, task or task definition.",
        )),
    }
}

fn change_cluster(
    at: &mut Context<'_>,
    given: &str,
    arn: Arn<'_>,
    apply: impl FnOnce(&Tags) -> Result<Tags, ApiError>,
) -> Result<(), ApiError> {
    let cluster =
        at.control.state.cluster_mut(at.realm, arn.rest).ok_or_else(|| not_found(given))?;
    if cluster.record.status == ClusterStatus::Inactive {
        return Err(ApiError::invalid(
            "The specified cluster is inactive. Specify an active cluster and try again.",
        ));
    }
    let tags = apply(&cluster.record.tags)?;
    if tags != cluster.record.tags {
        Arc::make_mut(&mut cluster.record).tags = tags;
        at.control.state.changed_clusters.insert((at.realm.clone(), arn.rest.into()));
    }
    Ok(())
}

fn change_definition(
    at: &mut Context<'_>,
    given: &str,
    apply: impl FnOnce(&Tags) -> Result<Tags, ApiError>,
) -> Result<(), ApiError> {
    let mut definition = task_definition::find(at, given).ok_or_else(|| not_found(given))?;
    let tags = apply(&definition.tags)?;
    if tags != definition.tags {
        Arc::make_mut(&mut definition).tags = tags;
        at.control.state.put_definition(definition);
    }
    Ok(())
}

fn change_instance(
    at: &mut Context<'_>,
    given: &str,
    arn: Arn<'_>,
    apply: impl FnOnce(&Tags) -> Result<Tags, ApiError>,
) -> Result<(), ApiError> {
    let cluster = arn.cluster().and_then(|name| at.control.state.cluster_mut(at.realm, name));
    let cluster = cluster.ok_or_else(|| not_found(given))?;
    let id = longshore_wire_ecs::arn::ResourceId::parse(arn.id());
    let instance = id
        .and_then(|id| cluster.instances.get(&id))
        .filter(|one| one.status != InstanceStatus::Inactive);
    let instance = instance.ok_or_else(|| not_found(given))?;
    check_long(&instance.arn, "container instance")?;
    let tags = apply(&instance.tags)?;
    if tags != *instance.tags {
        let version = instance.version + 1;
        cluster.put_instance(ContainerInstance {
            tags: Arc::new(tags),
            version,
            ..ContainerInstance::clone(instance)
        });
    }
    Ok(())
}

fn change_task(
    at: &mut Context<'_>,
    given: &str,
    arn: Arn<'_>,
    apply: impl FnOnce(&Tags) -> Result<Tags, ApiError>,
) -> Result<(), ApiError> {
    let cluster = arn.cluster().and_then(|name| at.control.state.cluster_mut(at.realm, name));
    let cluster = cluster.ok_or_else(|| not_found(given))?;
    let id = longshore_wire_ecs::arn::ResourceId::parse(arn.id());
    let task = id
        .and_then(|id| cluster.tasks.get(&id))
        .filter(|task| task.last_status != LastStatus::Stopped);
    let task = task.ok_or_else(|| not_found(given))?;
    check_long(&task.arn, "task")?;
    let tags = apply(&task.tags)?;
    if tags != *task.tags {
        cluster.put_task(Task { tags: Arc::new(tags), ..Task::clone(task) });
    }
    Ok(())
}

fn change_service(
    at: &mut Context<'_>,
    given: &str,
    arn: Arn<'_>,
    apply: impl FnOnce(&Tags) -> Result<Tags, ApiError>,
) -> Result<(), ApiError> {
    let cluster = arn.cluster().and_then(|name| at.control.state.cluster_mut(at.realm, name));
    let cluster = cluster.ok_or_else(|| not_found(given))?;
    let service = cluster.services.get(arn.id()).map(|known| &known.record);
    let service = service.filter(|service| service.status != ServiceStatus::Inactive);
    let service = service.ok_or_else(|| not_found(given))?;
    check_long(&service.arn, "service")?;
    let tags = apply(&service.tags)?;
    if tags != service.tags
        && let Some(service) = cluster.service_mut(arn.id())
    {
        service.tags = tags;
    }
    Ok(())
}
