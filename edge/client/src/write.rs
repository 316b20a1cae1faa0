//! Changes. A `StartTask` is sent once.

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::types as sdk;
use longshore_replica::{Answer, DefinitionContent, Failure, StartTask};
use longshore_wire_ecs::host::NetworkMode;

use crate::budget::{Category, Urgency};
use crate::failure::said;
use crate::{Client, convert, failure};

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn words(words: &[longshore_wire_ecs::Str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

impl Client {
    pub(crate) async fn start_task(&self, start: StartTask) -> Result<Answer, Failure> {
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
            return Ok(Answer::Started(Box::new(convert::task(task))));
        }
        let refused = said(reply.failures().first(), "tasks or failures")?;
        Ok(Answer::NotStarted {
            reason: refused.reason().unwrap_or("UNKNOWN").into(),
            detail: refused.detail().map(Into::into),
        })
    }

    pub(crate) async fn stop_task(&self, task: &str, reason: &str) -> Result<Answer, Failure> {
        self.budget.turn(Category::ResourceModify, Urgency::Kill).await;
        let request = self.sdk.stop_task().cluster(&self.cluster).task(task).reason(reason);
        let reply = request.send().await.map_err(|error| failure(&error))?;
        let task = said(reply.task(), "task")?;
        Ok(Answer::Stopped(Box::new(convert::task(task))))
    }

    pub(crate) async fn register_definition(
        &self,
        content: DefinitionContent,
    ) -> Result<Answer, Failure> {
        self.budget.turn(Category::DefinitionModify, Urgency::Launch).await;
        let (container, volumes) = container(&content)
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
        Ok(Answer::Definition(Some(convert::definition(told))))
    }
}

type Parts = (sdk::ContainerDefinition, Vec<sdk::Volume>);

fn container(content: &DefinitionContent) -> Result<Parts, String> {
    let mut builder = sdk::ContainerDefinition::builder()
        .name(&*content.container)
        .image(&*content.image)
        .essential(true)
        // Launches specify the memory; the definition only has to have a value.
        .memory(MEMORY_MIB)
        .set_entry_point(content.entry_point.as_deref().map(words))
        .set_user(content.user.as_deref().map(str::to_owned))
        .set_working_directory(content.working_directory.as_deref().map(str::to_owned))
        .set_hostname(content.hostname.as_deref().map(str::to_owned))
        .set_stop_timeout(content.stop_timeout_s.map(signed));
    if content.privileged {
        builder = builder.privileged(true);
    }
    for port in &content.ports {
        let protocol =
            if port.udp { sdk::TransportProtocol::Udp } else { sdk::TransportProtocol::Tcp };
        builder = builder.port_mappings(
            sdk::PortMapping::builder()
                .container_port(i32::from(port.container_port))
                .host_port(i32::from(port.host_port))
                .protocol(protocol)
                .build(),
        );
    }
    for (key, value) in &content.labels {
        builder = builder.docker_labels(&**key, &**value);
    }
    let mut volumes = Vec::new();
    for (number, mount) in content.mounts.iter().enumerate() {
        let name = format!("volume-{number}");
        let host = sdk::HostVolumeProperties::builder().source_path(&*mount.host_path).build();
        volumes.push(sdk::Volume::builder().name(&name).host(host).build());
        let point =
            sdk::MountPoint::builder().source_volume(name).container_path(&*mount.container_path);
        builder = builder.mount_points(point.read_only(mount.read_only).build());
    }
    if let Some(check) = &content.health_check {
        let check = sdk::HealthCheck::builder()
            .set_command(Some(words(check.command.as_deref().unwrap_or_default())))
            .set_interval(check.interval)
            .set_timeout(check.timeout)
            .set_retries(check.retries)
            .set_start_period(check.start_period)
            .build()
            .map_err(|error| error.to_string())?;
        builder = builder.health_check(check);
    }
    Ok((builder.build(), volumes))
}

/// Memory of registered definitions in MiB; every launch overrides it.
const MEMORY_MIB: i32 = 32;
