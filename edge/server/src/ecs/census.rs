//! Statistics of each cluster for Prometheus: read from the ECS API on each scrape, so that they
//! cost nothing otherwise.

use std::fmt::Write;

use longshore_control::Reply;
use longshore_wire_ecs::Request;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::shape::cluster::{
    Cluster, DescribeClustersRequest, DescribeClustersResponse, ListClustersRequest,
    ListClustersResponse,
};
use serde::de::DeserializeOwned;

use super::ControlHandle;

/// A gauge: name, help text, and its value for a cluster.
type Gauge = (&'static str, &'static str, fn(&Cluster) -> Option<i32>);
const GAUGES: [Gauge; 4] = [
    ("longshore_ecs_running_tasks", "Tasks that are RUNNING", |one| one.running_tasks_count),
    ("longshore_ecs_pending_tasks", "Tasks that are PENDING", |one| one.pending_tasks_count),
    ("longshore_ecs_services", "Services that are ACTIVE", |one| one.active_services_count),
    ("longshore_ecs_container_instances", "Container instances", |one| {
        one.registered_container_instances_count
    }),
];

/// The gauges of the first hundred clusters, as many as one request describes, in `OpenMetrics`
/// format.
pub(super) async fn text(control: &ControlHandle, realm: &Realm) -> String {
    let list = Request::ListClusters(Box::new(ListClustersRequest {
        max_results: Some(100),
        ..Default::default()
    }));
    let listed: Option<ListClustersResponse> = ask(control, realm, list).await;
    let arns: Vec<Str> = listed.and_then(|listed| listed.cluster_arns).unwrap_or_default();
    if arns.is_empty() {
        return String::new();
    }
    let describe = Request::DescribeClusters(Box::new(DescribeClustersRequest {
        clusters: Some(arns),
        ..Default::default()
    }));
    let described: Option<DescribeClustersResponse> = ask(control, realm, describe).await;
    written(&described.and_then(|described| described.clusters).unwrap_or_default())
}

async fn ask<T: DeserializeOwned>(
    control: &ControlHandle,
    realm: &Realm,
    request: Request,
) -> Option<T> {
    let reply: Reply = control.call(realm.clone(), request).await.ok()?;
    serde_json::from_slice(&reply.into_json()).ok()
}

fn written(clusters: &[Cluster]) -> String {
    let mut text = String::new();
    for (name, help, value) in GAUGES {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} gauge");
        for cluster in clusters {
            // Cluster names consist of letters, digits, hyphens and underscores, so no escaping is
            // needed.
            let label = cluster.cluster_name.as_deref().unwrap_or_default();
            let value = value(cluster).unwrap_or(0);
            let _ = writeln!(text, "{name}{{cluster=\"{label}\"}} {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cluster_has_a_series_of_each_gauge() {
        let cluster = Cluster {
            cluster_name: Some("web".into()),
            running_tasks_count: Some(3),
            ..Default::default()
        };
        let text = written(&[cluster]);
        assert!(text.contains("longshore_ecs_running_tasks{cluster=\"web\"} 3\n"), "{text}");
        assert_eq!(text.matches("# TYPE").count(), GAUGES.len());
    }
}
