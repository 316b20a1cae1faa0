//! Registering and deregistering container instances. Source: ECS API reference and
//! amazon-ecs-agent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_placement::{Port, Protocol, ZONE_ATTRIBUTE};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;
use longshore_wire_ecs::shape::container_instance as shape;
use longshore_wire_ecs::shape::shared::{Attribute, Resource};
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};
use serde::Deserialize;

use super::{Answer, Context, attribute, cluster, cluster_name, resource_id, tag};
use crate::cluster_state::ClusterState;
use crate::expiry::{Visible, retire_instance};
use crate::limits::{INSTANCE_CPU_MAX, INSTANCE_GPUS_MAX};
use crate::record::{ContainerInstance, InstanceStatus, Registered};
use crate::setting::SettingName;
use crate::state::Home;
use crate::{launch, report, show};

/// Prefixes of capability names. Source: amazon-ecs-agent.
const CAPABILITIES: [&str; 2] = ["ecs.capability.", "com.amazonaws.ecs.capability."];

/// The parts of an EC2 instance identity document that ECS reads.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IdentityDocument {
    instance_id: Option<Str>,
    availability_zone: Option<Str>,
    instance_type: Option<Str>,
    image_id: Option<Str>,
}

pub(super) fn register(
    at: &mut Context<'_>,
    request: shape::RegisterContainerInstanceRequest,
) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    check_sizes(&request)?;
    let devices = request.platform_devices.as_deref().unwrap_or_default();
    let registered = resources(request.total_resources.as_deref().unwrap_or_default(), devices)?;
    let document = identity(request.instance_identity_document.as_deref())?;
    let mut attributes = attributes(request.attributes.as_deref().unwrap_or_default(), &document)?;
    // Source: amazon-ecs-agent reads a zone from every registration, including those without an
    // identity document.
    attributes
        .entry(ZONE_ATTRIBUTE.into())
        .or_insert_with(|| Some(format!("{}a", at.realm.region).into()));
    let tags = tag::read(request.tags.as_deref().unwrap_or_default())?;
    let may_have_tags = at.check_long(SettingName::ContainerInstanceLongArnFormat, tag::GIVEN);
    let (now, arns) = (at.now, at.arns(SettingName::ContainerInstanceLongArnFormat));
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let instance = if let Some(arn) = &request.container_instance_arn {
        let id = resource_id(at.realm, "container-instance", "containerInstanceId", &name, arn)?;
        let known = again(cluster, id, &registered, request.version_info.unwrap_or_default())?;
        let attributes = Arc::new(with_capabilities(&known.attributes, attributes));
        ContainerInstance { attributes, ..known }
    } else {
        check_room(cluster)?;
        if !tags.is_empty() {
            may_have_tags?;
        }
        let id = ResourceId(at.control.ids.bits("container-instance"));
        ContainerInstance {
            id,
            arn: arns.arn_of_id(at.realm, "container-instance", &name, id),
            realm: at.realm.clone(),
            cluster: name.clone(),
            ec2_instance_id: document.instance_id,
            status: InstanceStatus::Active,
            version: 1,
            registered: Arc::new(registered),
            attributes: Arc::new(attributes),
            version_info: request.version_info.unwrap_or_default(),
            registered_at: now,
            deregistered_at: None,
            tags: Arc::new(tags),
        }
    };
    let id = instance.id;
    cluster.put_instance(instance);
    let shown = show::instance(cluster, &cluster.instances[&id], true, false);
    let home = Home::new(at.realm.clone(), name);
    at.control.state.homes.entry(id).or_insert(home);
    Ok(show::body(&shape::RegisterContainerInstanceResponse { container_instance: Some(shown) }))
}

/// An instance that registers again, as agents do when they restart. Source: amazon-ecs-agent:
/// custom attributes count only at the first registration, which preserves those put since.
/// Capabilities and the current machine are updated.
fn again(
    cluster: &ClusterState,
    id: Option<ResourceId>,
    registered: &Registered,
    version_info: shape::VersionInfo,
) -> Result<ContainerInstance, ApiError> {
    let known = id.and_then(|id| cluster.instances.get(&id));
    let Some(known) = known.filter(|instance| instance.status != InstanceStatus::Inactive) else {
        return Err(ApiError::client(
            "The container instance to register again is unknown or INACTIVE; register without containerInstanceArn.",
        ));
    };
    let held = &known.registered;
    if (held.cpu, held.memory_mib) != (registered.cpu, registered.memory_mib) {
        return Err(ApiError::client("Container instance type changes are not supported."));
    }
    let version = known.version + 1;
    Ok(ContainerInstance { version, version_info, ..ContainerInstance::clone(known) })
}

/// The attributes of an instance, with the agent's current capabilities and machine. Source: an
/// agent that was updated or reconfigured supports exactly what it registers now.
fn with_capabilities(
    held: &BTreeMap<Str, Option<Str>>,
    given: BTreeMap<Str, Option<Str>>,
) -> BTreeMap<Str, Option<Str>> {
    let is_the_agents = |name: &str| {
        name == MACHINE_ATTRIBUTE || CAPABILITIES.iter().any(|prefix| name.starts_with(prefix))
    };
    let kept = held.iter().filter(|(name, _)| !is_the_agents(name));
    let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
    kept.chain(given.into_iter().filter(|(name, _)| is_the_agents(name))).collect()
}

fn check_room(cluster: &ClusterState) -> Result<(), ApiError> {
    if cluster.registered >= limits::INSTANCES_MAX {
        let text = "The limit of 5,000 container instances in a cluster has been reached.";
        return Err(ApiError::client(text));
    }
    Ok(())
}

/// Checks that what is stored and shown of an instance has a plausible size.
fn check_sizes(request: &shape::RegisterContainerInstanceRequest) -> Result<(), ApiError> {
    let resources = request.total_resources.as_deref().unwrap_or_default();
    if resources.len() > limits::INSTANCE_RESOURCES_MAX {
        return Err(ApiError::invalid(format!(
            "totalResources can have at most {} entries.",
            limits::INSTANCE_RESOURCES_MAX
        )));
    }
    let attributes = request.attributes.as_deref().unwrap_or_default();
    if attributes.len() > limits::INSTANCE_ATTRIBUTES_MAX {
        return Err(ApiError::client(format!(
            "At most {} attributes can be registered on a container instance.",
            limits::INSTANCE_ATTRIBUTES_MAX
        )));
    }
    let version = request.version_info.iter();
    let version =
        version.flat_map(|one| [&one.agent_hash, &one.agent_version, &one.docker_version]);
    let resource = |one: &Resource| {
        let set = one.string_set_value.iter().flatten();
        [&one.name, &one.kind].into_iter().flatten().chain(set).cloned().collect::<Vec<Str>>()
    };
    let texts = version.flatten().cloned().chain(resources.iter().flat_map(resource));
    if let Some(long) = texts.into_iter().find(|text| text.len() > limits::INSTANCE_TEXT_CHARS_MAX)
    {
        return Err(ApiError::invalid(format!(
            "{:.40}... has more than {} characters.",
            long,
            limits::INSTANCE_TEXT_CHARS_MAX
        )));
    }
    let entries = |one: &Resource| one.string_set_value.as_ref().map_or(0, Vec::len);
    if resources.iter().any(|one| entries(one) > limits::RESOURCE_SET_ENTRIES_MAX) {
        return Err(ApiError::invalid(format!(
            "stringSetValue can have at most {} entries.",
            limits::RESOURCE_SET_ENTRIES_MAX
        )));
    }
    Ok(())
}

/// The registered resources. The ECS agent sends GPUs as devices, which ECS counts as a resource;
/// other agents may send them as that resource.
fn resources(
    given: &[Resource],
    devices: &[shape::PlatformDevice],
) -> Result<Registered, ApiError> {
    let mut registered = Registered::default();
    let mut gpus: BTreeSet<Str> = BTreeSet::new();
    for device in devices {
        let id = device.id.clone().filter(|id| !id.is_empty());
        let Some(id) = id.filter(|_| device.kind.as_deref() == Some("GPU")) else {
            return Err(ApiError::invalid(
                "Every entry of platformDevices must have an id and the type GPU: Longshore supports no other devices.",
            ));
        };
        gpus.insert(id);
    }
    for resource in given {
        let name = resource.name.as_deref().unwrap_or_default();
        match name {
            "CPU" | "MEMORY" => {
                let value = resource.integer_value.unwrap_or(0);
                let most = if name == "CPU" { INSTANCE_CPU_MAX } else { i32::MAX };
                if !(0..=most).contains(&value) {
                    return Err(ApiError::invalid(format!(
                        "{name} should be between 0 and {most}"
                    )));
                }
                let value = value.unsigned_abs();
                if name == "CPU" { registered.cpu = value } else { registered.memory_mib = value }
            }
            "PORTS" | "PORTS_UDP" => {
                let protocol = if name == "PORTS" { Protocol::Tcp } else { Protocol::Udp };
                registered.ports.extend(ports(resource, protocol)?);
            }
            "GPU" => {
                gpus.extend(resource.string_set_value.iter().flatten().cloned());
            }
            "" => return Err(ApiError::client("Resource name can not be blank.")),
            _ => registered.others.push(resource.clone()),
        }
    }
    if gpus.len() > INSTANCE_GPUS_MAX {
        return Err(ApiError::invalid(format!(
            "At most {INSTANCE_GPUS_MAX} GPUs can be registered on a container instance."
        )));
    }
    registered.gpus = gpus.into_iter().collect();
    if registered.ports.len() > limits::RESERVED_PORTS_MAX {
        return Err(ApiError::invalid(
            "At most 100 ports can be reserved on a container instance.",
        ));
    }
    Ok(registered)
}

fn ports(resource: &Resource, protocol: Protocol) -> Result<BTreeSet<Port>, ApiError> {
    let port = |text: &Str| match text.parse() {
        Ok(number) if number > 0 => Ok(Port { protocol, number }),
        _ => Err(ApiError::invalid(format!("{text:?} is not a port between 1 and 65535."))),
    };
    resource.string_set_value.iter().flatten().map(port).collect()
}

fn identity(document: Option<&str>) -> Result<IdentityDocument, ApiError> {
    match document.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(IdentityDocument::default()),
        Some(text) => {
            let read: Result<IdentityDocument, _> = serde_json::from_str(text);
            let read = read.map_err(|error| {
                ApiError::client(format!("instanceIdentityDocument cannot be parsed: {error}"))
            })?;
            let long = |id: &Str| id.len() > limits::INSTANCE_TEXT_CHARS_MAX;
            if read.instance_id.as_ref().is_some_and(long) {
                return Err(ApiError::client(
                    "The instanceId of the identity document is too long.",
                ));
            }
            Ok(read)
        }
    }
}

/// The attributes sent by the agent, and those that ECS adds from the identity document.
fn attributes(
    given: &[Attribute],
    document: &IdentityDocument,
) -> Result<BTreeMap<Str, Option<Str>>, ApiError> {
    let mut attributes = BTreeMap::new();
    for attribute in given {
        let (name, value) = attribute::checked(attribute)?;
        attributes.insert(name, value);
    }
    let custom = attributes.keys().filter(|name| !attribute::is_reserved(name)).count();
    if custom > limits::CUSTOM_ATTRIBUTES_MAX {
        return Err(ApiError::client(
            "At most 10 attributes of your own can be registered on a container instance.",
        ));
    }
    for (name, value) in [
        (ZONE_ATTRIBUTE, &document.availability_zone),
        ("ecs.instance-type", &document.instance_type),
        ("ecs.ami-id", &document.image_id),
    ] {
        if let Some(value) = value {
            let given = Attribute {
                name: Some(name.into()),
                value: Some(value.clone()),
                ..Attribute::default()
            };
            let (name, value) = attribute::checked(&given)?;
            attributes.insert(name, value);
        }
    }
    Ok(attributes)
}

pub(super) fn deregister(
    at: &mut Context<'_>,
    request: &shape::DeregisterContainerInstanceRequest,
) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let now = at.now;
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let given = request.container_instance.as_deref().unwrap_or_default();
    if given.is_empty() {
        return Err(ApiError::invalid("Container instance can not be blank."));
    }
    let id = resource_id(at.realm, "container-instance", "containerInstanceId", &name, given)?;
    let known = id.and_then(|id| cluster.instances.get(&id));
    let Some(known) = known.filter(|instance| instance.status != InstanceStatus::Inactive) else {
        return Err(ApiError::invalid("The referenced container instance was not found."));
    };
    let mut instance = ContainerInstance::clone(known);
    let id = instance.id;
    if cluster.loads.contains_key(&id) && request.force != Some(true) {
        return Err(ApiError::invalid("Found running tasks on the instance."));
    }
    let is_over = report::end_orphans(&mut at.control.state, now, id);
    let state = &mut at.control.state;
    let cluster = state.cluster_mut(at.realm, &name).ok_or_else(super::cluster_not_found)?;
    instance.version = cluster.instances[&id].version + 1;
    instance.status = InstanceStatus::Inactive;
    instance.deregistered_at = Some(now);
    cluster.put_instance(instance);
    let shown = show::instance(cluster, &cluster.instances[&id], true, false);
    retire_instance(state, at.realm, &name, id, now);
    if is_over {
        // Tasks of a deregistered instance are orphans to ECS; our host agent is told to stop them.
        launch::order_all(state, id, at.out);
    } else {
        state.expire_at(now, at.realm.clone(), name, Visible::Orphans(id));
    }
    Ok(show::body(&shape::DeregisterContainerInstanceResponse { container_instance: Some(shown) }))
}

/// An error shared by several operations on attributes.
pub(super) fn too_many_attributes() -> ApiError {
    ApiError::new(
        ErrorCode::AttributeLimitExceeded,
        "At most 10 attributes of your own can be on a container instance.",
    )
}
