//! The machines of container instances, read through the ECS API.
//!
//! Those that run are those of the clusters. One that was terminated is found through the tasks that stopped with it, which ECS knows for
//! an hour: so long EC2 knows a terminated instance, and `ecs-cli ps` asks for both. Invariant: everything is read page by page.

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::ec2::Instance;
use longshore_wire_ecs::shape::cluster::{ListClustersRequest, ListClustersResponse};
use longshore_wire_ecs::shape::container_instance as shape;
use longshore_wire_ecs::shape::task::{
    DescribeTasksRequest, DescribeTasksResponse, ListTasksRequest, ListTasksResponse,
};
use longshore_wire_ecs::{ApiError, Request, Str};

use crate::ecs::Front;
use crate::instance::call as ask;

/// Records per page, and per description. Source: ECS API reference.
const PAGE: usize = 100;
const PAGE_MAX: Option<i32> = Some(100);

/// Reads machines.
pub(super) struct Machines<'a> {
    front: &'a Front,
    realm: &'a Realm,
}

impl<'a> Machines<'a> {
    pub(super) fn new(front: &'a Front, realm: &'a Realm) -> Self {
        Self { front, realm }
    }

    /// Those that run.
    pub(super) async fn running(&self) -> Result<Vec<Instance>, ApiError> {
        let mut all = Vec::new();
        for cluster in self.clusters().await? {
            let mut token = None;
            loop {
                let list = shape::ListContainerInstancesRequest {
                    cluster: Some(cluster.clone()),
                    max_results: PAGE_MAX,
                    next_token: token,
                    ..Default::default()
                };
                let list = Request::ListContainerInstances(Box::new(list));
                let page: shape::ListContainerInstancesResponse = self.ask(list).await?;
                self.describe(&cluster, page.container_instance_arns, &mut all).await?;
                token = page.next_token;
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(all)
    }

    /// Those that are gone, if tasks stopped on them lately.
    pub(super) async fn terminated(&self) -> Result<Vec<Instance>, ApiError> {
        let mut all = Vec::new();
        for cluster in self.clusters().await? {
            let (mut arns, mut token) = (BTreeSet::new(), None);
            loop {
                let list = ListTasksRequest {
                    cluster: Some(cluster.clone()),
                    desired_status: Some("STOPPED".into()),
                    max_results: PAGE_MAX,
                    next_token: token,
                    ..Default::default()
                };
                let page: ListTasksResponse = self.ask(Request::ListTasks(Box::new(list))).await?;
                self.hosts(&cluster, page.task_arns, &mut arns).await?;
                token = page.next_token;
                if token.is_none() {
                    break;
                }
            }
            let arns: Vec<Str> = arns.into_iter().collect();
            for some in arns.chunks(PAGE) {
                self.describe(&cluster, Some(some.to_vec()), &mut all).await?;
            }
        }
        all.retain(|one| !one.runs);
        Ok(all)
    }

    async fn clusters(&self) -> Result<Vec<Str>, ApiError> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let list = ListClustersRequest { max_results: PAGE_MAX, next_token: token };
            let page: ListClustersResponse =
                self.ask(Request::ListClusters(Box::new(list))).await?;
            all.extend(page.cluster_arns.into_iter().flatten());
            token = page.next_token;
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    /// The container instances that tasks were on.
    async fn hosts(
        &self,
        cluster: &Str,
        tasks: Option<Vec<Str>>,
        arns: &mut BTreeSet<Str>,
    ) -> Result<(), ApiError> {
        if tasks.as_ref().is_none_or(Vec::is_empty) {
            return Ok(());
        }
        let describe =
            DescribeTasksRequest { cluster: Some(cluster.clone()), tasks, ..Default::default() };
        let described: DescribeTasksResponse =
            self.ask(Request::DescribeTasks(Box::new(describe))).await?;
        let found = described.tasks.into_iter().flatten();
        arns.extend(found.filter_map(|task| task.container_instance_arn));
        Ok(())
    }

    async fn describe(
        &self,
        cluster: &Str,
        arns: Option<Vec<Str>>,
        all: &mut Vec<Instance>,
    ) -> Result<(), ApiError> {
        if arns.as_ref().is_none_or(Vec::is_empty) {
            return Ok(());
        }
        let describe = shape::DescribeContainerInstancesRequest {
            cluster: Some(cluster.clone()),
            container_instances: arns,
            ..Default::default()
        };
        let describe = Request::DescribeContainerInstances(Box::new(describe));
        let described: shape::DescribeContainerInstancesResponse = self.ask(describe).await?;
        let found = described.container_instances.iter().flatten();
        let hostname = &self.front.aws.hostname;
        all.extend(found.filter_map(|one| instance(one, cluster, hostname)));
        Ok(())
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, request: Request) -> Result<T, ApiError> {
        ask(&self.front.control, self.realm, request).await
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
        runs: one.status.as_deref() != Some("INACTIVE"),
        kind: attribute("ecs.instance-type"),
        address: attribute(hostname),
        zone: attribute("ecs.availability-zone"),
        architecture: attribute("ecs.cpu-architecture"),
        launched: launched.iso_seconds(),
        cluster: cluster.rsplit('/').next().unwrap_or_default().into(),
    })
}
