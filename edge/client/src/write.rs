//! Changes. A `StartTask` is sent once.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;
use longshore_replica::{
    Alteration, ContainerStart, Definition, DefinitionContent, Failure, Instance, InstanceChange,
    Outcome, StartTask, Task,
};
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::{Str, fetch};

use crate::budget::{Category, Urgency};
use crate::failure::said;
use crate::{Client, content, convert, failure};

pub(crate) fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(crate) fn words(words: &[Str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn variables(environment: &BTreeMap<Str, Str>) -> Vec<sdk::KeyValuePair> {
    let pair = |(name, value): (&Str, &Str)| {
        sdk::KeyValuePair::builder().name(&**name).value(&**value).build()
    };
    environment.iter().map(pair).collect()
}

/// So many whole GPUs, if any.
fn gpus(count: Option<u32>) -> Option<Vec<sdk::ResourceRequirement>> {
    let gpu = sdk::ResourceRequirement::builder().r#type(sdk::ResourceType::Gpu);
    gpu.value(count?.to_string()).build().ok().map(|one| vec![one])
}

/// What a start says of a container that fetches.
fn ordered(name: &str, order: &str) -> sdk::ContainerOverride {
    let pair = sdk::KeyValuePair::builder().name(fetch::ORDER_VARIABLE).value(order);
    sdk::ContainerOverride::builder().name(name).environment(pair.build()).build()
}

/// What a start says of each container.
fn overrides(start: &StartTask) -> sdk::TaskOverride {
    let first = sdk::ContainerOverride::builder()
        .name(&*start.container)
        .set_environment(Some(variables(&start.environment)))
        .set_command(start.command.as_deref().map(words))
        .set_cpu(start.cpu.map(signed))
        .set_memory(start.memory_mib.map(signed))
        .set_memory_reservation(start.memory_reservation_mib.map(signed))
        .set_resource_requirements(gpus(start.gpus));
    let other = |one: &ContainerStart| {
        sdk::ContainerOverride::builder()
            .name(&*one.container)
            .set_environment(Some(variables(&one.environment)))
            .set_command(one.command.as_deref().map(words))
            .cpu(signed(one.cpu))
            .set_memory(one.memory_mib.map(signed))
            .set_memory_reservation(one.memory_reservation_mib.map(signed))
            .set_resource_requirements(gpus(one.gpus))
            .build()
    };
    let fetch = start.fetch.as_deref().map(|order| ordered(fetch::CONTAINER, order));
    let fetched = |one: &ContainerStart| {
        one.fetch.as_deref().map(|order| ordered(&fetch::container_for(&one.container), order))
    };
    let others =
        start.others.iter().flat_map(|one| std::iter::once(other(one)).chain(fetched(one)));
    let all = std::iter::once(first.build()).chain(fetch).chain(others);
    sdk::TaskOverride::builder().set_container_overrides(Some(all.collect())).build()
}

impl Client {
    pub(crate) async fn start_task(&self, start: StartTask) -> Result<Outcome, Failure> {
        self.budget.turn(Category::ResourceModify, Urgency::Launch).await;
        let request = self
            .once
            .start_task()
            .cluster(&self.cluster)
            .container_instances(&*start.instance)
            .task_definition(&*start.definition)
            .started_by(&*start.started_by)
            .set_group(start.group.as_deref().map(str::to_owned))
            .overrides(overrides(&start));
        let reply = request.send().await.map_err(|error| failure(&error))?;
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
        Ok(self.task(task))
    }

    /// Changes the status or an attribute of an instance; as it is then, where ECS says it.
    pub(crate) async fn change_instance(
        &self,
        change: &InstanceChange,
    ) -> Result<Option<Instance>, Failure> {
        self.budget.turn(Category::ResourceModify, Urgency::Launch).await;
        match &change.to {
            Alteration::Active(active) => self.set_status(&change.instance, *active).await,
            Alteration::Attribute(name, value) => {
                self.set_attribute(&change.instance, name, value.as_deref()).await?;
                Ok(None)
            }
        }
    }

    async fn set_status(&self, instance: &str, active: bool) -> Result<Option<Instance>, Failure> {
        let status = if active {
            sdk::ContainerInstanceStatus::Active
        } else {
            sdk::ContainerInstanceStatus::Draining
        };
        let request = self.sdk.update_container_instances_state().cluster(&self.cluster);
        let request = request.container_instances(instance).status(status);
        let reply = request.send().await.map_err(|error| failure(&error))?;
        if let Some(changed) = reply.container_instances().first() {
            return Ok(Some(convert::instance(changed)));
        }
        let refused = said(reply.failures().first(), "containerInstances or failures")?;
        Err(Failure::Refused {
            code: refused.reason().unwrap_or("UNKNOWN").to_owned(),
            message: refused.detail().unwrap_or_default().to_owned(),
        })
    }

    async fn set_attribute(
        &self,
        instance: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), Failure> {
        let attribute = sdk::Attribute::builder().name(name).set_value(value.map(str::to_owned));
        let attribute = attribute.target_id(instance).build();
        let attribute = attribute.map_err(|error| Failure::Refused {
            code: "InvalidParameterException".to_owned(),
            message: error.to_string(),
        })?;
        let told = if value.is_some() {
            let request = self.sdk.put_attributes().cluster(&self.cluster).attributes(attribute);
            request.send().await.map_err(|error| failure(&error))?.attributes
        } else {
            let request = self.sdk.delete_attributes().cluster(&self.cluster);
            let request = request.attributes(attribute);
            request.send().await.map_err(|error| failure(&error))?.attributes
        };
        // One that is not there any more is deleted as well.
        said(told, "attributes")?;
        Ok(())
    }

    pub(crate) async fn register_definition(
        &self,
        content: DefinitionContent,
    ) -> Result<Definition, Failure> {
        self.budget.turn(Category::DefinitionModify, Urgency::Launch).await;
        let (containers, volumes) = content::containers(&content)
            .map_err(|message| Failure::Refused { code: "ClientException".to_owned(), message })?;
        let mode = content.network_mode.map(|mode| match mode {
            NetworkMode::Bridge => sdk::NetworkMode::Bridge,
            NetworkMode::Host => sdk::NetworkMode::Host,
            NetworkMode::None => sdk::NetworkMode::None,
            NetworkMode::Awsvpc => sdk::NetworkMode::Awsvpc,
        });
        let mut contents = std::iter::once(&content).chain(&content.others);
        let role = contents.find_map(|one| one.execution_role.as_deref()).map(str::to_owned);
        let request = self
            .sdk
            .register_task_definition()
            .family(&*content.family)
            .set_execution_role_arn(role)
            .set_network_mode(mode)
            .set_volumes(Some(volumes))
            .set_container_definitions(Some(containers));
        let reply = request.send().await.map_err(|error| failure(&error))?;
        let told = said(reply.task_definition(), "taskDefinition")?;
        Ok(convert::definition(told))
    }
}
