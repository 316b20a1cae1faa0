//! Reads all pages, in batches of the size that ECS accepts.
//!
//! Several batches are under way at a time, so that a large cluster does not cost the way there and back once for each hundred records.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ecs::types::DesiredStatus;
use futures_util::{StreamExt, TryStreamExt, stream};
use longshore_replica::{Definition, Failure, Instance, InstancesAsk, Task, Tasks, TasksAsk};
use longshore_wire_ecs::Str;

use crate::budget::{Category, Urgency};
use crate::failure::said;
use crate::{Client, convert, detail, failure};

/// Ids per describe call. Source: ECS API reference.
const BATCH: usize = 100;

/// Describe calls of one reading that are under way at a time. Source: chosen by us.
const AT_ONCE: usize = 4;

impl Client {
    /// Reads instances.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn read_instances(&self, ask: &InstancesAsk) -> Result<Vec<Instance>, Failure> {
        match ask {
            InstancesAsk::List => self.list_instances().await,
            InstancesAsk::Describe(arns) => self.describe_instances(arns).await,
        }
    }

    /// Reads tasks.
    ///
    /// # Errors
    /// Why they could not be read.
    pub async fn read_tasks(&self, ask: &TasksAsk) -> Result<Tasks, Failure> {
        match ask {
            TasksAsk::List { desired_running, except } => {
                self.list_tasks(*desired_running, except).await
            }
            TasksAsk::Describe(arns) => self.describe_tasks(arns).await,
            TasksAsk::Find(started_by) => self.find_tasks(started_by).await,
        }
    }

    /// Says which cluster is not there: ECS does not.
    fn missing(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Refused { code, message } if code == "ClusterNotFoundException" => {
                let region = self.sdk.config().region().map_or("no region", AsRef::as_ref);
                let message = format!("{message} ({} in {region})", self.cluster);
                Failure::Refused { code, message }
            }
            failure => failure,
        }
    }

    /// A record as it is told, in full if that is wanted.
    pub(crate) fn task(&self, from: &aws_sdk_ecs::types::Task) -> Task {
        let detail = self.shows.then(|| Arc::new(detail::task(from)));
        Task { detail, ..convert::task(from) }
    }

    pub(crate) fn instance(&self, from: &aws_sdk_ecs::types::ContainerInstance) -> Instance {
        let detail = self.shows.then(|| Arc::new(detail::instance(from, &self.cluster)));
        Instance { detail, ..convert::instance(from) }
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, Failure> {
        let mut arns: Vec<Str> = Vec::new();
        let mut token = None;
        loop {
            self.budget.turn(Category::ResourceRead, Urgency::Read).await;
            let page = self
                .sdk
                .list_container_instances()
                .cluster(&self.cluster)
                .set_next_token(token)
                .send()
                .await;
            let page = page.map_err(|error| self.missing(failure(&error)))?;
            let told = said(page.container_instance_arns.as_ref(), "containerInstanceArns")?;
            arns.extend(told.iter().map(|arn| Str::from(arn.as_str())));
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        self.describe_instances(&arns).await
    }

    async fn describe_instances(&self, arns: &[Str]) -> Result<Vec<Instance>, Failure> {
        let some = |batch| self.describe_some_instances(batch);
        let batches: Vec<_> = arns.chunks(BATCH).map(some).collect();
        stream::iter(batches).buffered(AT_ONCE).try_concat().await
    }

    async fn describe_some_instances(&self, arns: &[Str]) -> Result<Vec<Instance>, Failure> {
        self.budget.turn(Category::ResourceRead, Urgency::Read).await;
        let request = self.sdk.describe_container_instances().cluster(&self.cluster);
        let ids = arns.iter().map(ToString::to_string).collect();
        let read = request.set_container_instances(Some(ids)).send().await;
        let read = read.map_err(|error| failure(&error))?;
        let told = said(read.container_instances.as_ref(), "containerInstances")?;
        Ok(told.iter().map(|one| self.instance(one)).collect())
    }

    async fn list_tasks(
        &self,
        desired_running: bool,
        except: &BTreeSet<Str>,
    ) -> Result<Tasks, Failure> {
        let mut arns = self.task_arns(desired_running, None).await?;
        arns.retain(|arn| !except.contains(arn));
        self.describe_tasks(&arns).await
    }

    async fn find_tasks(&self, started_by: &str) -> Result<Tasks, Failure> {
        let mut arns = self.task_arns(true, Some(started_by)).await?;
        arns.extend(self.task_arns(false, Some(started_by)).await?);
        self.describe_tasks(&arns).await
    }

    async fn task_arns(
        &self,
        desired_running: bool,
        started_by: Option<&str>,
    ) -> Result<Vec<Str>, Failure> {
        let desired = if desired_running { DesiredStatus::Running } else { DesiredStatus::Stopped };
        let mut arns = Vec::new();
        let mut token = None;
        loop {
            self.budget.turn(Category::ResourceRead, Urgency::Read).await;
            let request =
                self.sdk.list_tasks().cluster(&self.cluster).desired_status(desired.clone());
            let request =
                request.set_started_by(started_by.map(str::to_owned)).set_next_token(token);
            let page = request.send().await.map_err(|error| self.missing(failure(&error)))?;
            let told = said(page.task_arns.as_ref(), "taskArns")?;
            arns.extend(told.iter().map(|arn| Str::from(arn.as_str())));
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(arns);
            }
        }
    }

    async fn describe_tasks(&self, arns: &[Str]) -> Result<Tasks, Failure> {
        let some = |batch| self.describe_some_tasks(batch);
        let batches: Vec<_> = arns.chunks(BATCH).map(some).collect();
        let add = |mut all: Tasks, some: Tasks| async move {
            all.found.extend(some.found);
            all.missing.extend(some.missing);
            Ok(all)
        };
        stream::iter(batches).buffered(AT_ONCE).try_fold(Tasks::default(), add).await
    }

    async fn describe_some_tasks(&self, arns: &[Str]) -> Result<Tasks, Failure> {
        self.budget.turn(Category::ResourceRead, Urgency::Read).await;
        let ids = arns.iter().map(ToString::to_string).collect();
        let request = self.sdk.describe_tasks().cluster(&self.cluster).set_tasks(Some(ids));
        let read = request.send().await.map_err(|error| failure(&error))?;
        let told = said(read.tasks.as_ref(), "tasks")?;
        let gone = read.failures().iter().filter(|failure| failure.reason() == Some("MISSING"));
        Ok(Tasks {
            found: told.iter().map(|one| self.task(one)).collect(),
            missing: gone.filter_map(|failure| failure.arn().map(Str::from)).collect(),
        })
    }

    /// A task definition by `family`, `family:revision` or ARN; `None` if there is none of that name.
    ///
    /// # Errors
    /// Why it could not be read.
    pub async fn describe_definition(&self, name: &str) -> Result<Option<Definition>, Failure> {
        self.budget.turn(Category::DefinitionRead, Urgency::Launch).await;
        match self.sdk.describe_task_definition().task_definition(name).send().await {
            Ok(read) => {
                let told = said(read.task_definition.as_ref(), "taskDefinition")?;
                Ok(Some(convert::definition(told)))
            }
            Err(error) => match failure(&error) {
                // What ECS says of a definition that is not there.
                Failure::Refused { code, .. } if code == "ClientException" => Ok(None),
                other => Err(other),
            },
        }
    }
}
