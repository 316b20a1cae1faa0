//! EC2's room: the machines of container instances, read from the ECS API.

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::ec2::{Instance, find, parse, response};
use longshore_wire_ecs::query::{Fault, Node};
use longshore_wire_ecs::shape::cluster as clusters;
use longshore_wire_ecs::shape::container_instance as shape;
use longshore_wire_ecs::{ApiError, Request, Str};

use crate::ecs::Front;
use crate::instance::call as ask;

/// Records per page, and per description. Source: ECS API reference.
const PAGE: i32 = 100;

/// Answers `DescribeInstances`, in XML.
pub(super) async fn call(
    front: &Front,
    realm: &Realm,
    form: &Node,
    id: &str,
) -> Result<String, Fault> {
    let asked = parse(form)?;
    let all = instances(front, realm).await?;
    Ok(response(&realm.account, &find(all, &asked)?, id))
}

/// The machines of all clusters.
async fn instances(front: &Front, realm: &Realm) -> Result<Vec<Instance>, ApiError> {
    let (mut all, mut token): (Vec<Instance>, Option<Str>) = (Vec::new(), None);
    loop {
        let list = clusters::ListClustersRequest {
            max_results: Some(PAGE),
            next_token: token,
            ..Default::default()
        };
        let list = Request::ListClusters(Box::new(list));
        let page: clusters::ListClustersResponse = ask(&front.control, realm, list).await?;
        for cluster in page.cluster_arns.iter().flatten() {
            of_cluster(front, realm, cluster, &mut all).await?;
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn of_cluster(
    front: &Front,
    realm: &Realm,
    cluster: &Str,
    all: &mut Vec<Instance>,
) -> Result<(), ApiError> {
    let mut token = None;
    loop {
        let list = shape::ListContainerInstancesRequest {
            cluster: Some(cluster.clone()),
            max_results: Some(PAGE),
            next_token: token,
            ..Default::default()
        };
        let list = Request::ListContainerInstances(Box::new(list));
        let page: shape::ListContainerInstancesResponse = ask(&front.control, realm, list).await?;
        let arns = page.container_instance_arns.filter(|arns| !arns.is_empty());
        if let Some(arns) = arns {
            let describe = shape::DescribeContainerInstancesRequest {
                cluster: Some(cluster.clone()),
                container_instances: Some(arns),
                ..Default::default()
            };
            let describe = Request::DescribeContainerInstances(Box::new(describe));
            let described: shape::DescribeContainerInstancesResponse =
                ask(&front.control, realm, describe).await?;
            let found = described.container_instances.iter().flatten();
            all.extend(found.filter_map(|one| instance(one, cluster, &front.aws.hostname)));
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(());
        }
    }
}

/// A container instance as a machine, if it is on one of EC2.
fn instance(one: &shape::ContainerInstance, cluster: &str, hostname: &str) -> Option<Instance> {
    let attribute = |name: &str| {
        let found = one.attributes.iter().flatten().find(|one| one.name.as_deref() == Some(name));
        found.and_then(|one| one.value.clone()).unwrap_or_default()
    };
    // Seconds with three decimals, of this age.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a time")]
    let launched = Timestamp::from_millis((one.registered_at.unwrap_or_default() * 1000.0) as u64);
    Some(Instance {
        id: one.ec2_instance_id.clone()?,
        kind: attribute("ecs.instance-type"),
        address: attribute(hostname),
        zone: attribute("ecs.availability-zone"),
        architecture: attribute("ecs.cpu-architecture"),
        launched: launched.iso_seconds(),
        cluster: cluster.rsplit('/').next().unwrap_or_default().into(),
    })
}
