//! What is asked beside the records of one cluster.

use std::sync::Arc;

use longshore_replica::{
    Cluster, Failure, FleetAnswered, FleetQuestion, NotStarted, StartOn, Starts, Task,
};
use longshore_wire_ecs::Str;

use crate::budget::{Category, Urgency};
use crate::failure::said;
use crate::{Client, convert, detail, failure};

/// Names per `DescribeClusters`. Source: ECS API reference.
const BATCH: usize = 100;

/// A task with details.
fn whole(from: &aws_sdk_ecs::types::Task) -> Task {
    Task { detail: Some(Arc::new(detail::task(from))), ..convert::task(from) }
}

impl Client {
    /// The same account and region, another cluster; its records come with details. Requests share one budget.
    pub fn showing(&self, cluster_arn: &str) -> Self {
        Self { cluster: cluster_arn.to_owned(), shows: true, ..self.clone() }
    }

    /// Asks, and waits for what comes of it.
    pub async fn ask_fleet(&self, question: FleetQuestion) -> FleetAnswered {
        match question {
            FleetQuestion::Clusters(asked) => FleetAnswered::Clusters(asked, self.clusters().await),
            FleetQuestion::Cluster(asked, name) => {
                let found = self.describe_clusters(vec![name.to_string()]).await;
                FleetAnswered::Cluster(asked, found.map(|found| found.into_iter().next()))
            }
            FleetQuestion::Start(asked, start) => {
                FleetAnswered::Start(asked, self.start_on(&start).await)
            }
        }
    }

    async fn clusters(&self) -> Result<Vec<Cluster>, Failure> {
        let (mut arns, mut token): (Vec<String>, _) = (Vec::new(), None);
        loop {
            self.budget.turn(Category::ResourceRead, Urgency::Read).await;
            let page = self.sdk.list_clusters().set_next_token(token).send().await;
            let page = page.map_err(|error| failure(&error))?;
            arns.extend_from_slice(said(page.cluster_arns.as_ref(), "clusterArns")?);
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        let mut clusters = Vec::with_capacity(arns.len());
        for batch in arns.chunks(BATCH) {
            clusters.extend(self.describe_clusters(batch.to_vec()).await?);
        }
        Ok(clusters)
    }

    async fn describe_clusters(&self, names: Vec<String>) -> Result<Vec<Cluster>, Failure> {
        self.budget.turn(Category::ResourceRead, Urgency::Read).await;
        let read = self.sdk.describe_clusters().set_clusters(Some(names)).send().await;
        let read = read.map_err(|error| failure(&error))?;
        let found = said(read.clusters.as_ref(), "clusters")?;
        let cluster = |one: &aws_sdk_ecs::types::Cluster| Cluster {
            arn: one.cluster_arn().unwrap_or_default().into(),
            active: one.status() == Some("ACTIVE"),
        };
        Ok(found.iter().map(cluster).collect())
    }

    /// Starts tasks, once: a second attempt after a lost reply could start second tasks.
    async fn start_on(&self, start: &StartOn) -> Result<Starts, Failure> {
        self.budget.turn(Category::ResourceModify, Urgency::Launch).await;
        let instances = start.instances.iter().map(ToString::to_string).collect();
        let request = self
            .once
            .start_task()
            .cluster(&*start.cluster)
            .set_container_instances(Some(instances))
            .task_definition(&*start.definition)
            .started_by(&*start.started_by);
        let reply = request.send().await;
        let reply = reply.map_err(|error| failure(&error))?;
        if reply.tasks().is_empty() {
            said(reply.failures().first(), "tasks or failures")?;
        }
        let refused = |one: &aws_sdk_ecs::types::Failure| NotStarted {
            instance: one.arn().map(Str::from).unwrap_or_default(),
            reason: one.reason().unwrap_or("UNKNOWN").into(),
        };
        Ok(Starts {
            // Who asks this shows records in full, and this client is of no cluster in particular.
            started: reply.tasks().iter().map(whole).collect(),
            refused: reply.failures().iter().map(refused).collect(),
        })
    }
}
