//! Creates, starts, lists and removes containers and their volumes: the calls to the daemon around
//! [`create`](super::create), which builds the requests.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use longshore_lifecycle::Event;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{PortBinding, TaskSpec};

use super::Key;
use super::create::{self, Needed};
use super::failure::{CALL, Failure, bounded, retried};

/// Timeout for creating a container. Source: the agent's `ECS_CONTAINER_CREATE_TIMEOUT`.
const CREATE: Duration = Duration::from_mins(4);

/// Timeout for starting a container. Source: the agent's `ECS_CONTAINER_START_TIMEOUT`.
const START: Duration = Duration::from_mins(3);

/// Why a container was not started.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// A failure of this container, as `ErrorName: text`.
    Container(String),
    /// A failure of its whole task. Source: amazon-ecs-agent, where volumes are resources of the
    /// task.
    Task(String),
}

impl From<String> for NotStarted {
    fn from(reason: String) -> Self {
        Self::Container(reason)
    }
}

impl From<NotStarted> for Event {
    fn from(failed: NotStarted) -> Self {
        match failed {
            NotStarted::Container(reason) => Self::StartFailed(reason.into()),
            NotStarted::Task(reason) => Self::TaskFailed(reason.into()),
        }
    }
}

/// Creates a container and the volumes it needs, and returns its id.
///
/// # Errors
/// The reason.
pub(super) async fn create(
    daemon: &bollard::Docker,
    instance: ResourceId,
    spec: &TaskSpec,
    index: usize,
) -> Result<String, NotStarted> {
    let body = create::body(instance, spec, index)?;
    for volume in create::volumes(instance, spec, index).map_err(NotStarted::Task)? {
        provide(daemon, volume).await.map_err(NotStarted::Task)?;
    }
    let name = create::docker_name(spec, index);
    let options = CreateContainerOptionsBuilder::new().name(&name).build();
    let attempt = || bounded(CREATE, daemon.create_container(Some(options.clone()), body.clone()));
    let mut made = attempt().await;
    if made.as_ref().is_err_and(|failure| failure.status() == Some(409)) {
        // The name belongs to this very container: an earlier attempt was interrupted before it was
        // reported.
        discard(daemon, &name).await;
        made = attempt().await;
    }
    let made = made.map_err(|failure| failure.reason("CannotCreateContainerError", "created"))?;
    Ok(made.id)
}

async fn provide(daemon: &bollard::Docker, volume: Needed) -> Result<(), String> {
    let provided = match volume {
        Needed::Made(request) => bounded(CALL, daemon.create_volume(*request)).await.map(drop),
        Needed::Present(name) => bounded(CALL, daemon.inspect_volume(&name)).await.map(drop),
    };
    provided.map_err(|failure| failure.reason("CannotCreateVolumeError", "created"))
}

/// Starts a container, and returns the event to report. If the daemon does not say whether it runs,
/// it is removed, as nobody would track it. Source: amazon-ecs-agent, which stops such a container.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) async fn start(daemon: &bollard::Docker, id: &str) -> Result<Event, String> {
    if let Err(failure) = bounded(START, daemon.start_container(id, None)).await {
        if failure.status().is_none() {
            discard(daemon, id).await;
        }
        return Err(failure.reason("CannotStartContainerError", "started"));
    }
    let seen = match retried(|| daemon.inspect_container(id, None)).await {
        Ok(seen) => seen,
        Err(failure) => {
            discard(daemon, id).await;
            return Err(failure.reason("CannotInspectContainerError", "started"));
        }
    };
    let image_digest = digest(daemon, &seen).await;
    Ok(Event::Started { runtime_id: id.into(), image_digest, bindings: bindings(&seen) })
}

/// The registry digest of the image; locally built images have none.
async fn digest(daemon: &bollard::Docker, seen: &ContainerInspectResponse) -> Option<Str> {
    let image = bounded(CALL, daemon.inspect_image(seen.image.as_deref()?)).await.ok()?;
    let known = image.repo_digests.unwrap_or_default();
    known.iter().find_map(|name| Some(name.split_once('@')?.1.into()))
}

/// The current port bindings of a container. In the host's network, where the daemon binds none,
/// they are the container's own ports.
pub(super) fn bindings(seen: &ContainerInspectResponse) -> Vec<PortBinding> {
    let labels = seen.config.as_ref().and_then(|config| config.labels.as_ref());
    if let Some(ports) = labels.and_then(|labels| labels.get(create::HOST_PORTS)) {
        return create::host_bindings(ports);
    }
    let settings = seen.network_settings.as_ref();
    settings.and_then(|settings| settings.ports.as_ref()).map(create::bound).unwrap_or_default()
}

/// All containers of an instance in any state, with their ids.
pub(super) async fn list(
    daemon: &bollard::Docker,
    instance: ResourceId,
) -> Result<Vec<(String, Key)>, Failure> {
    let ours = HashMap::from([("label", vec![format!("{}={instance}", create::INSTANCE)])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&ours).build();
    let listed = retried(|| daemon.list_containers(Some(options.clone()))).await?;
    let known = listed.into_iter().filter_map(|one| Some((one.id?, create::key(&one.labels?)?)));
    Ok(known.collect())
}

/// Stops and removes a container, with its anonymous volumes.
///
/// # Errors
/// If it may still exist.
pub(super) async fn remove(daemon: &bollard::Docker, id: &str) -> Result<(), Failure> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match retried(|| daemon.remove_container(id, Some(options.clone()))).await {
        // Gone, or being removed by somebody else.
        Err(failure) if matches!(failure.status(), Some(404 | 409)) => Ok(()),
        removed => removed,
    }
}

/// Like [`remove`], for containers whose removal is repeated with their task.
pub(super) async fn discard(daemon: &bollard::Docker, id: &str) {
    if let Err(failure) = remove(daemon, id).await {
        tracing::warn!(container = id, %failure, "cannot remove a container");
    }
}

/// Removes the volumes created for one task.
pub(super) async fn discard_volumes(
    daemon: &bollard::Docker,
    task: ResourceId,
) -> Result<(), Failure> {
    let its = HashMap::from([("label", vec![format!("{}={task}", create::TASK)])]);
    let options = ListVolumesOptionsBuilder::new().filters(&its).build();
    let listed = retried(|| daemon.list_volumes(Some(options.clone()))).await?;
    for volume in listed.volumes.unwrap_or_default() {
        let options = RemoveVolumeOptionsBuilder::new().force(true).build();
        match retried(|| daemon.remove_volume(&volume.name, Some(options.clone()))).await {
            Err(failure) if !failure.is_missing() => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}
