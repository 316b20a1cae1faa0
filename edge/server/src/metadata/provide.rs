//! The environment of a container at its start.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_agent::Runtime;
use longshore_lifecycle::ContainerRef;
use longshore_lifecycle::environment::{self, Sources, Variables};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{ContainerSpec, Order, TaskReport, TaskSpec};

use super::secrets::{self, Values};
use super::{Metadata, Place, Provisions, files};

/// Tells the task that it runs on EC2. Source: ECS developer guide.
const EXECUTION: (&str, &str) = ("AWS_EXECUTION_ENV", "AWS_ECS_EC2");

/// Provides the environment of containers of one instance.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    metadata: Metadata,
    place: Arc<Place>,
}

impl Provider {
    pub(crate) fn new(
        metadata: Metadata,
        instance: ResourceId,
        zone: Str,
        runtime: Runtime,
    ) -> Self {
        Self { metadata, place: Arc::new(Place { instance, zone, runtime }) }
    }

    /// Records an order that the host is about to carry out.
    pub(crate) fn ordered(&self, order: &Order) {
        self.metadata.ordered(&self.place, order);
    }

    /// Records the state of a task, as reported by the host.
    pub(crate) fn reported(&self, report: &TaskReport) {
        self.metadata.reported(report);
    }

    /// Forgets a task that the host has removed.
    pub(crate) fn removed(&self, task: ResourceId) {
        self.metadata.removed(task);
    }

    /// The task with the complete environment of the container.
    ///
    /// # Errors
    /// The reason that the task is stopped with. As on ECS, anything missing for any of its
    /// containers is detected before the first one starts.
    pub(crate) async fn provide(
        &self,
        container: ContainerRef,
        spec: Arc<TaskSpec>,
    ) -> Result<Arc<TaskSpec>, String> {
        self.metadata.starting(container);
        let mut read = vec![Read::default(); spec.containers.len()];
        if spec.containers.iter().any(is_provided_for) {
            let (provisions, spec) = (self.metadata.shared.provisions.clone(), spec.clone());
            let reading = tokio::task::spawn_blocking(move || all(&provisions, &spec));
            read = reading.await.unwrap_or_else(|_| Err("reading it was aborted".to_owned()))?;
        }
        let Read { files, secrets } = std::mem::take(&mut read[container.index]);
        let name = spec.containers[container.index].name();
        let sources = Sources {
            files,
            secrets,
            defaults: vec![(EXECUTION.0.into(), EXECUTION.1.into())],
            region: self.metadata.shared.home.region.clone(),
            agent: {
                let mut agent = self.metadata.variables(&self.place, &spec, name);
                agent.extend(gpus(&spec, container.index));
                agent
            },
        };
        let whole = environment::whole(&spec.containers[container.index], sources);
        Ok(environment::with(&spec, container.index, whole))
    }
}

/// The variable that names a container's GPUs. Source: amazon-ecs-agent.
fn gpus(spec: &TaskSpec, index: usize) -> Option<(Str, Str)> {
    let ids = spec.about.gpu_ids.get(index).filter(|ids| !ids.is_empty())?;
    let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
    Some(("NVIDIA_VISIBLE_DEVICES".into(), ids.join(",").into()))
}

/// Data read for one container.
#[derive(Clone, Default)]
struct Read {
    files: Vec<Variables>,
    secrets: Variables,
}

fn is_provided_for(container: &ContainerSpec) -> bool {
    let definition = &container.definition;
    let files = definition.environment_files.as_ref().is_some_and(|files| !files.is_empty());
    files || definition.secrets.as_ref().is_some_and(|secrets| !secrets.is_empty())
}

/// Reads the data of all containers of a task.
fn all(provisions: &Provisions, spec: &TaskSpec) -> Result<Vec<Read>, String> {
    let path = |path: &Option<PathBuf>, flag: &str| {
        // The task was placed here because an earlier run had the flag.
        path.clone()
            .ok_or_else(|| format!("ResourceInitializationError: {flag} is no longer given"))
    };
    let one = |container: &ContainerSpec| -> Result<Read, String> {
        let mut read = Read::default();
        let definition = &container.definition;
        if let Some(given) = definition.environment_files.as_deref().filter(|all| !all.is_empty()) {
            read.files = files::read(&path(&provisions.s3_dir, "--s3-dir")?, given)?;
        }
        if let Some(given) = definition.secrets.as_deref().filter(|all| !all.is_empty()) {
            let place = path(&provisions.secrets, "--secrets")?;
            let values = Values::open(&place).map_err(secrets::refused)?;
            read.secrets = secrets::read(&values, given)?;
        }
        Ok(read)
    };
    spec.containers.iter().map(one).collect()
}

impl Metadata {
    /// The variables that the agent itself sets.
    fn variables(&self, place: &Place, spec: &TaskSpec, container: &str) -> Variables {
        let Some(address) = self.address(place, spec.network_mode) else { return Vec::new() };
        let base = &address.base;
        let book = self.book();
        let own = format!("{base}/v4/{}", book.container_id(spec.id, container));
        let mut all: Variables = vec![("ECS_CONTAINER_METADATA_URI_V4".into(), own.into())];
        if self.shared.provisions.credentials.is_some() && spec.about.role.is_some() {
            let path = format!("/v2/credentials/{}", book.role_id(spec.id));
            all.push(if address.is_on_ecs {
                ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI".into(), path.into())
            } else {
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI".into(), format!("{base}{path}").into())
            });
        }
        all
    }
}
