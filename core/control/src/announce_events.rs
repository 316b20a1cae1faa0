//! Announces changes on the event bus as Amazon ECS events.
//!
//! An event shows what a describe call would show, except that times are text, optional members
//! (tags, health) are left out, and `updatedAt` is added. It is built only if someone may want it,
//! in the step of the change, so that change and event are stored together or not at all. Source:
//! ECS developer guide, *Amazon ECS events*.

use std::sync::Arc;

use longshore_events::Event;
use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::shape::shared::Resource;
use serde_json::{Map, Value};

use crate::announce::{Announced, Announcement};
use crate::cluster_state::ClusterState;
use crate::machine::{Control, Output};
use crate::record::{ContainerInstance, Task};
use crate::show;

const SOURCE: &str = "aws.ecs";
const TASK: &str = "ECS Task State Change";
const INSTANCE: &str = "ECS Container Instance State Change";
const SERVICE_ACTION: &str = "ECS Service Action";
const DEPLOYMENT: &str = "ECS Deployment State Change";

/// Publishes the changes of this step, once per task and instance, followed by what services
/// announced.
pub(crate) fn announce(control: &mut Control, now: Timestamp, out: &mut Vec<Output>) {
    let mut events = Vec::new();
    for (realm, name) in &control.state.touched {
        let wanted = |detail_type| control.bus.wants(realm, SOURCE, detail_type);
        let (tasks, instances) = (wanted(TASK), wanted(INSTANCE));
        let Some(cluster) = control.state.cluster(realm, name).filter(|_| tasks || instances)
        else {
            continue;
        };
        // In this order a follower learns why an instance's resources changed before it learns the
        // new amount. A new instance was announced in an earlier step than the tasks on it.
        if tasks {
            let changed = cluster.changed_tasks.iter().filter_map(|id| cluster.tasks.get(id));
            events.extend(changed.map(|task| (realm.clone(), task_event(task, now))));
        }
        if instances {
            let changed = cluster.changed_instances.union(&cluster.touched_instances);
            for instance in changed.filter_map(|id| cluster.instances.get(id)) {
                events.push((realm.clone(), instance_event(cluster, instance, now)));
            }
        }
    }
    for announcement in std::mem::take(&mut control.state.announced) {
        let kind = detail_type(&announcement.what);
        if control.bus.wants(&announcement.realm, SOURCE, kind) {
            let event = service_event(&announcement, now);
            events.push((announcement.realm, event));
        }
    }
    let mut asked = Vec::new();
    for (_, event) in &mut events {
        event.id = control.ids.uuid("event").into();
    }
    control.bus.publish(now, events, &mut asked);
    out.extend(asked.into_iter().map(Output::from));
}

/// An event about one resource; the publisher assigns the id.
fn event(detail_type: &str, arn: &Str, now: Timestamp, detail: &Value) -> Event {
    Event {
        id: "".into(),
        source: SOURCE.into(),
        detail_type: detail_type.into(),
        time: now.wall(),
        resources: vec![arn.clone()],
        detail: detail.to_string().into(),
    }
}

fn members(shape: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(shape) {
        Ok(Value::Object(members)) => members,
        _ => unreachable!("a shape is an object of text, numbers and lists"),
    }
}

fn put(detail: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    detail.insert(name.to_owned(), value.into());
}

fn task_event(task: &Arc<Task>, now: Timestamp) -> Event {
    let mut detail = members(&show::task(task, false));
    for name in ["healthStatus", "tags"] {
        detail.remove(name);
    }
    if let Some(Value::Array(containers)) = detail.get_mut("containers") {
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            container.remove("healthStatus");
        }
    }
    for (name, at) in [
        ("connectivityAt", task.started_at),
        ("createdAt", Some(task.created_at)),
        ("executionStoppedAt", task.execution_stopped_at),
        ("pullStartedAt", task.pull_started_at),
        ("pullStoppedAt", task.pull_stopped_at),
        ("startedAt", task.started_at),
        ("stoppedAt", task.stopped_at),
        ("stoppingAt", task.stopping_at),
        ("updatedAt", Some(now)),
    ] {
        if let Some(at) = at {
            put(&mut detail, name, at.wall().iso());
        }
    }
    event(TASK, &task.arn, now, &Value::Object(detail))
}

fn instance_event(cluster: &ClusterState, instance: &ContainerInstance, now: Timestamp) -> Event {
    let shown = show::instance(cluster, instance, false, false);
    let resources = |all: &Option<Vec<Resource>>| -> Value {
        all.iter().flatten().map(|one| Value::Object(members(&only_its_own(one)))).collect()
    };
    let (registered, remaining) =
        (resources(&shown.registered_resources), resources(&shown.remaining_resources));
    let mut detail = members(&shown);
    for name in ["pendingTasksCount", "runningTasksCount", "tags"] {
        detail.remove(name);
    }
    put(&mut detail, "registeredResources", registered);
    put(&mut detail, "remainingResources", remaining);
    put(&mut detail, "clusterArn", &*cluster.record.arn);
    put(&mut detail, "registeredAt", instance.registered_at.wall().iso());
    put(&mut detail, "updatedAt", now.wall().iso());
    event(INSTANCE, &instance.arn, now, &Value::Object(detail))
}

/// A resource with only the member for its type.
fn only_its_own(resource: &Resource) -> Resource {
    let is = |kind: &str| resource.kind.as_deref() == Some(kind);
    Resource {
        name: resource.name.clone(),
        kind: resource.kind.clone(),
        double_value: resource.double_value.filter(|_| is("DOUBLE")),
        long_value: resource.long_value.filter(|_| is("LONG")),
        integer_value: resource.integer_value.filter(|_| is("INTEGER")),
        string_set_value: resource.string_set_value.clone().filter(|_| is("STRINGSET")),
    }
}

fn detail_type(what: &Announced) -> &'static str {
    match what {
        Announced::Action { .. } => SERVICE_ACTION,
        Announced::Deployment { .. } => DEPLOYMENT,
    }
}

/// The event for a service action or a deployment state change.
fn service_event(told: &Announcement, now: Timestamp) -> Event {
    let mut detail = Map::new();
    put(&mut detail, "eventType", told.level.word());
    match &told.what {
        Announced::Action { name, reason, instances } => {
            put(&mut detail, "eventName", name.word());
            put(&mut detail, "clusterArn", &*told.cluster_arn);
            put(&mut detail, "createdAt", told.at.wall().iso());
            if !instances.is_empty() {
                let arns: Value = instances.iter().map(|arn| Value::from(&**arn)).collect();
                put(&mut detail, "containerInstanceArns", arns);
            }
            if let Some(reason) = reason {
                put(&mut detail, "reason", &**reason);
            }
        }
        Announced::Deployment { name, deployment, reason } => {
            put(&mut detail, "eventName", name.word());
            put(&mut detail, "deploymentId", &**deployment);
            put(&mut detail, "updatedAt", told.at.wall().iso());
            put(&mut detail, "reason", &**reason);
        }
    }
    event(detail_type(&told.what), &told.service_arn, now, &Value::Object(detail))
}

#[cfg(test)]
mod tests {
    use longshore_wire_ecs::arn::Realm;

    use super::*;
    use crate::announce::{ActionName, DeploymentName, Level};

    fn told(level: Level, what: Announced) -> Value {
        let announcement = Announcement {
            realm: Realm::new("us-east-1", "1"),
            at: Timestamp::from_millis(1_500),
            cluster_arn: "arn:cluster".into(),
            service_arn: "arn:service".into(),
            level,
            what,
        };
        let event = service_event(&announcement, Timestamp::from_millis(2_000));
        assert_eq!(&*event.resources[0], "arn:service");
        serde_json::from_str(&event.detail).expect("it is JSON")
    }

    #[test]
    fn events_of_services_have_the_members_of_ecs() {
        let what = Announced::Action {
            name: ActionName::TaskPlacementFailure,
            reason: Some("RESOURCE:CPU".into()),
            instances: vec!["arn:i".into()],
        };
        assert_eq!(
            told(Level::Error, what),
            serde_json::json!({ "eventType": "ERROR", "eventName": "SERVICE_TASK_PLACEMENT_FAILURE",
                "clusterArn": "arn:cluster", "createdAt": "1970-01-01T00:00:01.5Z",
                "containerInstanceArns": ["arn:i"], "reason": "RESOURCE:CPU" })
        );
    }

    #[test]
    fn events_of_deployments_have_the_members_of_ecs() {
        let what = Announced::Deployment {
            name: DeploymentName::Completed,
            deployment: "ecs-svc/1".into(),
            reason: "done".into(),
        };
        assert_eq!(
            told(Level::Info, what),
            serde_json::json!({ "eventType": "INFO", "eventName": "SERVICE_DEPLOYMENT_COMPLETED",
                "deploymentId": "ecs-svc/1", "updatedAt": "1970-01-01T00:00:01.5Z", "reason": "done" })
        );
    }
}
