//! Registration of an instance on this machine through the ECS API.

use longshore_control::Reply;
use longshore_wire_ecs::arn::{Arn, Realm, ResourceId};
use longshore_wire_ecs::shape::cluster::CreateClusterRequest;
use longshore_wire_ecs::shape::container_instance as shape;
use longshore_wire_ecs::shape::shared::{Attribute, Resource};
use longshore_wire_ecs::{ApiError, ErrorCode, Request, Str};
use serde::de::DeserializeOwned;

use super::InstanceConfig;
use crate::ecs::ControlHandle;

/// Reserved ports of an instance. Source: amazon-ecs-agent on Linux.
const RESERVED_PORTS: [&str; 5] = ["22", "2375", "2376", "51678", "51679"];

/// Registers an instance, or registers it again if it is known, and returns its id, also as
/// its ARN has it. `told` are the attributes from its agent: its capabilities, and its machine.
///
/// # Errors
/// The error from ECS.
pub(crate) async fn register(
    control: &ControlHandle,
    realm: &Realm,
    cluster: &Str,
    config: &InstanceConfig,
    told: Vec<Attribute>,
    known: Option<Str>,
) -> Result<(ResourceId, Str), ApiError> {
    let request = request(realm, cluster, config, told, known);
    let request = Request::RegisterContainerInstance(Box::new(request));
    let registered: shape::RegisterContainerInstanceResponse =
        call(control, realm, request).await?;
    let arn = registered.container_instance.and_then(|instance| instance.container_instance_arn);
    let shown = arn.as_deref().and_then(Arn::parse).map(|arn| arn.id());
    let both = shown.and_then(|shown| Some((ResourceId::parse(shown)?, shown.into())));
    both.ok_or_else(|| {
        ApiError::new(ErrorCode::Server, "The response to the registration has no ARN.")
    })
}

/// Creates a cluster, if it does not exist.
///
/// # Errors
/// The error from ECS.
pub(crate) async fn make_cluster(
    control: &ControlHandle,
    realm: &Realm,
    cluster: &Str,
) -> Result<(), ApiError> {
    let request =
        CreateClusterRequest { cluster_name: Some(cluster.clone()), ..Default::default() };
    control.call(realm.clone(), Request::CreateCluster(Box::new(request))).await.map(drop)
}

async fn call<T: DeserializeOwned>(
    control: &ControlHandle,
    realm: &Realm,
    request: Request,
) -> Result<T, ApiError> {
    let reply: Reply = control.call(realm.clone(), request).await?;
    serde_json::from_slice(&reply.into_json()).map_err(|error| {
        ApiError::new(ErrorCode::Server, format!("A response cannot be parsed: {error}"))
    })
}

fn request(
    realm: &Realm,
    cluster: &Str,
    config: &InstanceConfig,
    told: Vec<Attribute>,
    known: Option<Str>,
) -> shape::RegisterContainerInstanceRequest {
    let identity = serde_json::json!({
        "instanceId": config.ec2_instance_id,
        "instanceType": config.instance_type,
        "availabilityZone": config.zone,
        "region": realm.region,
        "accountId": realm.account,
        "imageId": "ami-00000000000000000",
    });
    let attribute = |name: &str, value: &str| Attribute {
        name: Some(name.into()),
        value: Some(value.into()),
        ..Default::default()
    };
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let architecture = config.architecture.as_deref().unwrap_or(own);
    let mut attributes = vec![
        attribute("ecs.os-type", "linux"),
        attribute("ecs.os-family", "LINUX"),
        attribute("ecs.cpu-architecture", architecture),
    ];
    attributes.extend(told);
    attributes.extend(config.attributes.iter().cloned());
    shape::RegisterContainerInstanceRequest {
        cluster: Some(cluster.clone()),
        instance_identity_document: Some(identity.to_string().into()),
        instance_identity_document_signature: Some("".into()),
        total_resources: Some(resources(config)),
        version_info: Some(shape::VersionInfo {
            agent_version: Some(env!("CARGO_PKG_VERSION").into()),
            agent_hash: Some("longshore".into()),
            docker_version: None,
        }),
        container_instance_arn: known,
        attributes: Some(attributes),
        ..Default::default()
    }
}

/// The resources of an instance, without its reserved ports.
fn resources(config: &InstanceConfig) -> Vec<Resource> {
    let number = |name: &str, value: u32| Resource {
        name: Some(name.into()),
        kind: Some("INTEGER".into()),
        integer_value: i32::try_from(value).ok(),
        ..Default::default()
    };
    let set = |name: &str, members: &[&str]| Resource {
        name: Some(name.into()),
        kind: Some("STRINGSET".into()),
        string_set_value: Some(members.iter().map(|one| (*one).into()).collect()),
        ..Default::default()
    };
    let mut all = vec![
        number("CPU", config.cpu),
        number("MEMORY", config.memory_mib),
        set("PORTS", &RESERVED_PORTS),
        set("PORTS_UDP", &[]),
    ];
    if config.gpus > 0 {
        let ids: Vec<String> = (0..config.gpus)
            .map(|index| format!("GPU-{}-{index}", config.ec2_instance_id))
            .collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        all.push(set("GPU", &ids));
    }
    all
}
