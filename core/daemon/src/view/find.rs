//! Lists and gets of the cluster state service.
//!
//! Source: blox.md 1.3. A task without an instance, as Fargate has them, has no place in the JSON of Blox: it is left out,
//! where Blox spoiled the whole list.

use std::sync::Arc;

use longshore_replica::{Instance, Task};
use longshore_wire_blox::arn;
use longshore_wire_blox::route::{InstanceFilter, TaskFilter};

use super::records::{Record, Records};
use super::{Entity, View};

fn matching<'a, T: Record>(
    records: &'a Records<T>,
    cluster: Option<&'a str>,
) -> Box<dyn Iterator<Item = &'a Arc<Entity<T>>> + 'a> {
    match cluster {
        None => Box::new(records.iter()),
        // By name: account and region of a cluster do not count.
        Some(name) => {
            let named =
                records.clusters().filter(move |one| arn::cluster_of_arn(one) == Some(name));
            Box::new(named.flat_map(|one| records.of(one)))
        }
    }
}

impl View {
    pub(crate) fn find_tasks(&self, filter: &TaskFilter) -> Vec<Arc<Entity<Task>>> {
        let fits = |task: &Task| {
            let Some(detail) = &task.detail else { return false };
            let is_status = filter.status.is_none_or(|word| *detail.last_status == *word);
            let started_by = task.started_by.as_deref().unwrap_or_default();
            let is_starter = filter.started_by.as_deref().is_none_or(|who| who == started_by);
            task.instance_arn.is_some() && is_status && is_starter
        };
        let all = matching(&self.tasks, filter.cluster.as_deref());
        all.filter(|entity| fits(&entity.record)).cloned().collect()
    }

    pub(crate) fn find_instances(&self, filter: &InstanceFilter) -> Vec<Arc<Entity<Instance>>> {
        let fits = |instance: &Instance| {
            let Some(detail) = &instance.detail else { return false };
            filter.status.is_none_or(|word| *detail.status == *word)
        };
        let all = matching(&self.instances, filter.cluster.as_deref());
        all.filter(|entity| fits(&entity.record)).cloned().collect()
    }

    /// A task by the name of its cluster and its ARN.
    pub(crate) fn get_task(&self, cluster: &str, arn: &str) -> Option<Arc<Entity<Task>>> {
        let found = self.tasks.get(arn)?;
        let is_there =
            found.record.cluster().and_then(|one| arn::cluster_of_arn(one)) == Some(cluster);
        (is_there && found.record.instance_arn.is_some()).then(|| found.clone())
    }

    /// An instance by the name of its cluster and its ARN.
    pub(crate) fn get_instance(&self, cluster: &str, arn: &str) -> Option<Arc<Entity<Instance>>> {
        let found = self.instances.get(arn)?;
        let is_there =
            found.record.cluster().and_then(|one| arn::cluster_of_arn(one)) == Some(cluster);
        is_there.then(|| found.clone())
    }
}
