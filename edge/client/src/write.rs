//! Changes. A `StartTask` is sent once.

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::types as sdk;
use longshore_replica::{Definition, DefinitionContent, Failure, Outcome, StartTask, Task};
use longshore_wire_ecs::host::NetworkMode;

use crate::budget::{Category, Urgency};
use crate::failure::said;
use crate::{Client, content, convert, failure};

pub(crate) fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(crate) fn words(words: &[longshore_wire_ecs::Str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

impl Client {
    pub(crate) async fn start_task(&self, start: StartTask) -> Result<Outcome, Failure> {
        self.budget.turn(Category::ResourceModify, Urgency::Launch).await;
        let pairs = start.environment.iter();
        let pair = |(name, value): (&longshore_wire_ecs::Str, &longshore_wire_ecs::Str)| {
            sdk::KeyValuePair::builder().name(&**name).value(&**value).build()
        };
        let overrides = sdk::ContainerOverride::builder()
            .name(&*start.container)
            .set_environment(Some(pairs.map(pair).collect()))
            .set_command(start.command.as_deref().map(words))
            .set_cpu(start.cpu.map(signed))
            .set_memory(start.memory_mib.map(signed))
            .build();
        let request = self
            .sdk
            .start_task()
            .cluster(&self.cluster)
            .container_instances(&*start.instance)
            .task_definition(&*start.definition)
            .started_by(&*start.started_by)
            .set_group(start.group.as_deref().map(str::to_owned))
            .overrides(sdk::TaskOverride::builder().container_overrides(overrides).build());
        // A second attempt after a lost reply could start a second task.
        let once = aws_sdk_ecs::config::Builder::new().retry_config(RetryConfig::disabled());
        let reply = request
            .customize()
            .config_override(once)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        if let Some(task) = reply.tasks().first() {
            return Ok(Outcome::Started(Box::new(convert::task(task))));
        }
        let refused = said(reply.failures().first(), "tasks or failures")?;
        Ok(Outcome::NotStarted {
            reason: refused.reason().unwrap_or("UNKNOWN").into(),
            detail: refused.detail().map(Into::into),
        })
    }

    /// Stops a task; as it is then.
    ///
    /// # Errors
    /// Why it may not have been stopped.
    pub async fn stop_task(&self, task: &str, reason: &str) -> Result<Task, Failure> {
        self.budget.turn(Category::ResourceModify, Urgency::Kill).await;
        let request = self.sdk.stop_task().cluster(&self.cluster).task(task).reason(reason);
        let reply = request.send().await.map_err(|error| failure(&error))?;
        let task = said(reply.task(), "task")?;
        Ok(convert::task(task))
    }

    pub(crate) async fn register_definition(
        &self,
        content: DefinitionContent,
    ) -> Result<Definition, Failure> {
        self.budget.turn(Category::DefinitionModify, Urgency::Launch).await;
        let (container, volumes) = content::container(&content)
            .map_err(|message| Failure::Refused { code: "ClientException".to_owned(), message })?;
        let mode = content.network_mode.map(|mode| match mode {
            NetworkMode::Bridge => sdk::NetworkMode::Bridge,
            NetworkMode::Host => sdk::NetworkMode::Host,
            NetworkMode::None => sdk::NetworkMode::None,
            NetworkMode::Awsvpc => sdk::NetworkMode::Awsvpc,
        });
        let request = self
            .sdk
            .register_task_definition()
            .family(&*content.family)
            .set_network_mode(mode)
            .set_volumes(Some(volumes))
            .container_definitions(container);
        let reply = request.send().await.map_err(|error| failure(&error))?;
        let told = said(reply.task_definition(), "taskDefinition")?;
        Ok(convert::definition(told))
    }
}
