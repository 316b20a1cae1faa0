//! Brings the fleet of a cluster to a size: instances are added, or terminated with what runs on them.

use std::collections::BTreeMap;

use longshore_stacks::Resize;
use longshore_stacks::fleet::{Member, Plan, plan};
use longshore_wire_ecs::arn::{Arn, ResourceId};
use longshore_wire_ecs::ec2::InstanceType;
use longshore_wire_ecs::shape::container_instance as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Request, Str};

use super::keeper::{INSTANCES_MAX, Keeper};
use super::register::call;
use super::{InstanceConfig, Known};

/// Instances per `DescribeContainerInstances`. Source: ECS API reference.
const DESCRIBED_MAX: usize = 100;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resized {
    pub(crate) added: Vec<ResourceId>,
    pub(crate) removed: Vec<ResourceId>,
}

impl Keeper {
    /// Brings the fleet of a cluster to a size.
    ///
    /// # Errors
    /// Why it cannot be done, and how far it went.
    pub(super) async fn resize(
        &mut self,
        Resize { cluster, size, instance_type }: Resize,
    ) -> Result<Resized, ApiError> {
        if size > INSTANCES_MAX {
            return Err(ApiError::invalid(format!(
                "A cluster can have at most {INSTANCES_MAX} container instances here, not {size}."
            )));
        }
        let mut done = Resized::default();
        let fleet = match self.fleet(&cluster).await {
            // There is nothing left to terminate: whoever wants that has it.
            Err(error) if error.code == ErrorCode::ClusterNotFound && size == 0 => return Ok(done),
            fleet => fleet?,
        };
        let outcome = match plan(&fleet, size) {
            Plan::Add(count) => {
                let config = self.another(&cluster, instance_type.as_deref());
                self.add_more(&cluster, &config, count, &mut done.added).await
            }
            Plan::Remove(ids) => self.terminate(ids, &mut done.removed).await,
        };
        match outcome {
            Ok(()) => Ok(done),
            Err(error) => {
                let (added, removed) = (done.added.len(), done.removed.len());
                let told = format!("{} ({added} added, {removed} removed)", error.message);
                Err(ApiError::new(error.code, told))
            }
        }
    }

    async fn add_more(
        &mut self,
        cluster: &Str,
        config: &InstanceConfig,
        count: u32,
        added: &mut Vec<ResourceId>,
    ) -> Result<(), ApiError> {
        for _ in 0..count {
            added.push(self.add(cluster, config, &Known::new()).await?);
        }
        Ok(())
    }

    /// What one more instance of a cluster is like, of a type if one is wanted.
    fn another(&self, cluster: &str, kind: Option<&str>) -> InstanceConfig {
        let like = self.roster.another(cluster).unwrap_or_else(|| self.common.standard.clone());
        let Some(kind) = kind.and_then(InstanceType::find) else { return like };
        InstanceConfig {
            instance_type: kind.name,
            cpu: kind.cpu,
            memory_mib: kind.memory_mib,
            gpus: kind.gpus,
            architecture: Some(kind.architecture.into()),
            ..like
        }
    }

    async fn terminate(
        &mut self,
        ids: Vec<ResourceId>,
        removed: &mut Vec<ResourceId>,
    ) -> Result<(), ApiError> {
        for id in ids {
            self.lose(id).await?;
            removed.push(id);
        }
        Ok(())
    }

    /// The instances of a cluster on this machine, as ECS knows them.
    async fn fleet(&self, cluster: &Str) -> Result<Vec<Member>, ApiError> {
        let here = self.roster.of(cluster);
        let mut known = BTreeMap::new();
        // Also without instances, since ECS says then whether there is such a cluster.
        let list = shape::ListContainerInstancesRequest {
            cluster: Some(cluster.clone()),
            max_results: Some(1),
            ..Default::default()
        };
        let list = Request::ListContainerInstances(Box::new(list));
        let _: shape::ListContainerInstancesResponse =
            call(&self.control, &self.common.home, list).await?;
        for ids in here.chunks(DESCRIBED_MAX) {
            let describe = shape::DescribeContainerInstancesRequest {
                cluster: Some(cluster.clone()),
                container_instances: Some(ids.iter().map(|id| id.to_string().into()).collect()),
                ..Default::default()
            };
            let describe = Request::DescribeContainerInstances(Box::new(describe));
            let described: shape::DescribeContainerInstancesResponse =
                call(&self.control, &self.common.home, describe).await?;
            known.extend(described.container_instances.iter().flatten().filter_map(member));
        }
        let unknown = |id| Member { id, tasks: 0, registered_ms: 0 };
        Ok(here.into_iter().map(|id| known.get(&id).copied().unwrap_or(unknown(id))).collect())
    }
}

fn member(instance: &shape::ContainerInstance) -> Option<(ResourceId, Member)> {
    let arn = Arn::parse(instance.container_instance_arn.as_deref()?)?;
    let id = ResourceId::parse(arn.id())?;
    let tasks = [instance.running_tasks_count, instance.pending_tasks_count];
    let tasks = tasks.into_iter().flatten().map(i32::unsigned_abs).sum();
    // Seconds with three decimals, of this age.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a time")]
    let registered_ms = (instance.registered_at.unwrap_or_default() * 1000.0) as u64;
    Some((id, Member { id, tasks, registered_ms }))
}
