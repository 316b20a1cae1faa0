//! The cluster that an instance belongs to, and what it knows of tasks: an exit code does not tell whether a task was to stop.

use std::collections::BTreeSet;

use longshore_control::Reply;
use longshore_wire_ecs::arn::{Arn, Realm, ResourceId};
use longshore_wire_ecs::limits::DESCRIBE_IDS_MAX;
use longshore_wire_ecs::shape::task::{DescribeTasksRequest, DescribeTasksResponse};
use longshore_wire_ecs::{Request, Str};

use crate::ecs::ControlHandle;

/// The stop code of a task that was stopped by a request. Source: ECS API reference, `Task.stopCode`.
const STOPPED_BY_REQUEST: &str = "UserInitiated";

/// The cluster of an instance.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) control: ControlHandle,
    pub(crate) realm: Realm,
    pub(crate) name: Str,
}

impl Cluster {
    /// Those of the tasks that somebody had stopped. Tasks that ECS does not know any more are left out.
    pub(super) async fn stopped(&self, tasks: Vec<ResourceId>) -> BTreeSet<ResourceId> {
        let mut stopped = BTreeSet::new();
        for some in tasks.chunks(DESCRIBE_IDS_MAX) {
            let request = DescribeTasksRequest {
                cluster: Some(self.name.clone()),
                tasks: Some(some.iter().map(|task| task.to_string().into()).collect()),
                ..Default::default()
            };
            let request = Request::DescribeTasks(Box::new(request));
            // Fails only if the control plane is ending, or if the cluster is gone with all its tasks.
            let Ok(reply) = self.control.call(self.realm.clone(), request).await else { break };
            stopped.extend(stopped_by_request(reply));
        }
        stopped
    }
}

fn stopped_by_request(reply: Reply) -> Vec<ResourceId> {
    let described: Option<DescribeTasksResponse> = serde_json::from_slice(&reply.into_json()).ok();
    let tasks = described.and_then(|described| described.tasks).unwrap_or_default();
    let stopped =
        tasks.into_iter().filter(|task| task.stop_code.as_deref() == Some(STOPPED_BY_REQUEST));
    let id = |arn: &str| Arn::parse(arn).and_then(|arn| ResourceId::parse(arn.id()));
    stopped.filter_map(|task| task.task_arn.as_deref().and_then(id)).collect()
}
