//! Attributes of container instances. Source: ECS API reference. Names starting with `ecs.` or
//! `com.amazonaws.`, and the machine attribute, belong to the agent. Rejecting changes to them is
//! chosen by us; the documents do not say.

use std::ops::Bound;
use std::sync::Arc;

use longshore_wire_ecs::arn::{Arn, Realm, ResourceId};
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;
use longshore_wire_ecs::shape::container_instance as shape;
use longshore_wire_ecs::shape::shared::Attribute;
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};

use super::page::Page;
use super::{Answer, Context, cluster, cluster_name, registration, resource_id};
use crate::cluster_state::ClusterState;
use crate::record::{ContainerInstance, InstanceStatus};
use crate::show;

/// Whether only ECS and its agent may set the attribute.
pub(super) fn is_reserved(name: &str) -> bool {
    name.starts_with("ecs.") || name.starts_with("com.amazonaws.") || name == MACHINE_ATTRIBUTE
}

/// Checks an attribute's name and value.
pub(super) fn checked(attribute: &Attribute) -> Result<(Str, Option<Str>), ApiError> {
    let name = attribute.name.clone().unwrap_or_default();
    let name_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/\\.".contains(&byte);
    if name.is_empty()
        || name.len() > limits::ATTRIBUTE_NAME_CHARS_MAX
        || !name.bytes().all(name_char)
    {
        return Err(ApiError::invalid(format!(
            "{name:?} is not an attribute name: 1 to 128 letters, digits and the characters - _ / \\ ."
        )));
    }
    let value_char = |byte: u8| name_char(byte) || b"@: ".contains(&byte);
    if let Some(value) = &attribute.value {
        let fits = !value.is_empty() && value.len() <= limits::ATTRIBUTE_VALUE_CHARS_MAX;
        if !fits || !value.bytes().all(value_char) || value.trim() != &**value {
            return Err(ApiError::invalid(format!(
                "{value:?} is not an attribute value: 1 to 128 letters, digits, inner spaces and the characters - _ . @ / \\ :"
            )));
        }
    }
    Ok((name, attribute.value.clone()))
}

/// Finds the instance that an attribute applies to; the instance must exist.
fn target(
    realm: &Realm,
    cluster: &ClusterState,
    name: &str,
    attribute: &Attribute,
) -> Result<ResourceId, ApiError> {
    let Some(given) = attribute.target_id.as_deref().filter(|id| !id.is_empty()) else {
        return Err(ApiError::invalid("targetId can not be blank."));
    };
    let kind = attribute.target_type.as_deref();
    if kind.is_some_and(|kind| kind != "container-instance") {
        return Err(ApiError::invalid("targetType should be one of [container-instance]"));
    }
    if kind.is_none() && Arn::parse(given).is_none() {
        return Err(ApiError::invalid("targetType can not be blank when targetId is not an ARN."));
    }
    let id = resource_id(realm, "container-instance", "containerInstanceId", name, given)?;
    let known = id.and_then(|id| cluster.instances.get(&id));
    match known.filter(|instance| instance.status != InstanceStatus::Inactive) {
        Some(instance) => Ok(instance.id),
        None => Err(ApiError::new(
            ErrorCode::TargetNotFound,
            format!("The target {given} was not found."),
        )),
    }
}

pub(super) fn put(at: &mut Context<'_>, request: &shape::PutAttributesRequest) -> Answer {
    let attributes = change(
        at,
        request.cluster.as_ref(),
        request.attributes.as_deref(),
        |held, name, value| {
            held.insert(name, value);
            let custom = held.keys().filter(|name| !is_reserved(name)).count();
            if custom > limits::CUSTOM_ATTRIBUTES_MAX {
                Err(registration::too_many_attributes())
            } else {
                Ok(())
            }
        },
    )?;
    Ok(show::body(&shape::PutAttributesResponse { attributes: Some(attributes) }))
}

pub(super) fn delete(at: &mut Context<'_>, request: &shape::DeleteAttributesRequest) -> Answer {
    let attributes =
        change(at, request.cluster.as_ref(), request.attributes.as_deref(), |held, name, _| {
            held.remove(&name);
            Ok(())
        })?;
    Ok(show::body(&shape::DeleteAttributesResponse { attributes: Some(attributes) }))
}

type Held = std::collections::BTreeMap<Str, Option<Str>>;

/// Changes all of the attributes or none.
fn change(
    at: &mut Context<'_>,
    given: Option<&Str>,
    attributes: Option<&[Attribute]>,
    apply: impl Fn(&mut Held, Str, Option<Str>) -> Result<(), ApiError>,
) -> Result<Vec<Attribute>, ApiError> {
    let realm = at.realm;
    let name = cluster_name(realm, given)?;
    let cluster = cluster(&mut at.control.state, realm, given)?;
    let attributes = attributes.unwrap_or_default();
    if !(1..=limits::ATTRIBUTES_PER_CALL_MAX).contains(&attributes.len()) {
        return Err(ApiError::invalid("attributes should have 1 to 10 entries."));
    }
    let mut changed: std::collections::BTreeMap<ResourceId, Held> =
        std::collections::BTreeMap::default();
    let mut shown = Vec::new();
    for attribute in attributes {
        let (attribute_name, value) = checked(attribute)?;
        if is_reserved(&attribute_name) {
            return Err(ApiError::invalid(format!(
                "The attribute {attribute_name} is reserved for ECS and its agent."
            )));
        }
        let id = target(realm, cluster, &name, attribute)?;
        let instance = &cluster.instances[&id];
        let held = changed.entry(id).or_insert_with(|| Held::clone(&instance.attributes));
        apply(held, attribute_name.clone(), value.clone())?;
        shown.push(Attribute {
            name: Some(attribute_name),
            value,
            target_type: Some("container-instance".into()),
            target_id: Some(instance.arn.clone()),
        });
    }
    for (id, held) in changed {
        let instance = &cluster.instances[&id];
        let version = instance.version + 1;
        cluster.put_instance(ContainerInstance {
            attributes: Arc::new(held),
            version,
            ..ContainerInstance::clone(instance)
        });
    }
    Ok(shown)
}

pub(super) fn list(at: &mut Context<'_>, request: &shape::ListAttributesRequest) -> Answer {
    let page = Page::read('a', request.next_token.as_ref(), request.max_results)?;
    if request.target_type.as_deref() != Some("container-instance") {
        return Err(ApiError::invalid("targetType should be one of [container-instance]"));
    }
    let (name, value) = (request.attribute_name.as_deref(), request.attribute_value.as_deref());
    if name.is_none() && value.is_some() {
        return Err(ApiError::invalid("attributeName must be given when attributeValue is given."));
    }
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let after = page.after().and_then(|key| key.split_once(' '));
    let after = after.and_then(|(id, name)| Some((ResourceId::parse(id)?, name)));
    let from = after.map_or(Bound::Unbounded, |(id, _)| Bound::Included(id));
    let instances = cluster.instances.range((from, Bound::Unbounded));
    let all = instances.flat_map(|(id, instance)| {
        let after = after.filter(|(last, _)| last == id);
        let from = after.map_or(Bound::Unbounded, |(_, name)| Bound::Excluded(name));
        let held = instance.attributes.range::<str, _>((from, Bound::Unbounded));
        held.map(move |(name, value)| (instance, name, value))
    });
    let (attributes, next_token) = page.select(
        all,
        |(instance, held, _)| format!("{} {held}", instance.id),
        |(instance, held, held_value)| {
            let wanted = instance.status != InstanceStatus::Inactive
                && name.is_none_or(|name| &***held == name)
                && value.is_none_or(|value| held_value.as_deref() == Some(value));
            wanted.then(|| Attribute {
                name: Some(Str::clone(held)),
                value: Option::clone(held_value),
                target_type: Some("container-instance".into()),
                target_id: Some(instance.arn.clone()),
            })
        },
    );
    Ok(show::body(&shape::ListAttributesResponse { attributes: Some(attributes), next_token }))
}
