//! The task of a run, as Mesos is told.
//!
//! Source: frameworks.md 2.2. A command that is the `family:revision` of a task definition stays as it is: whoever runs the task
//! looks it up. A job with an image runs its container.

use longshore_wire_chronos::{
    Container, ContainerKind, Definition, Fetch, Network, Variable, Volume as Mount,
};
use longshore_wire_mesos::v1::container_info::docker_info::Network as DockerNetwork;
use longshore_wire_mesos::v1::container_info::{self, DockerInfo, MesosInfo};
use longshore_wire_mesos::v1::environment::Variable as EnvironmentVariable;
use longshore_wire_mesos::v1::{
    CommandInfo, ContainerInfo, Environment, Image, Offer, Parameter, Resource, TaskId, TaskInfo,
    Volume, command_info, image, value, volume,
};

use crate::runs::Run;

/// The task of a run on an offer.
pub(crate) fn task(id: &str, run: &Run, definition: &Definition, offer: &Offer) -> TaskInfo {
    TaskInfo {
        name: format!("ChronosTask:{}", definition.name),
        task_id: TaskId { value: id.to_owned() },
        agent_id: offer.agent_id.clone(),
        resources: vec![
            scalar("cpus", definition.cpus.number()),
            scalar("mem", definition.mem.number()),
            scalar("disk", definition.disk.number()),
        ],
        command: Some(command(id, run, definition, offer)),
        container: definition.container.as_ref().map(container),
        ..TaskInfo::default()
    }
}

fn scalar(name: &str, amount: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value: amount }),
        ..Resource::default()
    }
}

/// What a person adds for one run comes after the command, as in Chronos; without a shell it is words.
fn command(id: &str, run: &Run, definition: &Definition, offer: &Offer) -> CommandInfo {
    let mut value = definition.command.clone();
    let mut arguments = definition.arguments.clone();
    if !run.arguments.is_empty() {
        if definition.shell {
            value = format!("{value} {}", run.arguments);
        } else {
            arguments.extend(run.arguments.split_whitespace().map(str::to_owned));
        }
    }
    CommandInfo {
        uris: definition.fetch.iter().map(uri).collect(),
        environment: Some(environment(id, run, definition, offer)),
        shell: Some(definition.shell),
        value: Some(value).filter(|value| !value.is_empty()),
        arguments,
        user: Some(definition.run_as_user.clone()).filter(|user| !user.is_empty()),
    }
}

fn uri(fetch: &Fetch) -> command_info::Uri {
    command_info::Uri {
        value: fetch.uri.clone(),
        executable: Some(fetch.executable),
        extract: Some(fetch.extract),
        cache: Some(fetch.cache),
        output_file: None,
    }
}

/// Source: frameworks.md 2.2 for the names; the job's own come last, so that they hold.
fn environment(id: &str, run: &Run, definition: &Definition, offer: &Offer) -> Environment {
    let ours = [
        ("mesos_task_id", id.to_owned()),
        ("CHRONOS_JOB_OWNER", definition.owner.clone()),
        ("CHRONOS_JOB_NAME", definition.name.clone()),
        ("HOST", offer.hostname.clone()),
        ("CHRONOS_RESOURCE_MEM", definition.mem.number().to_string()),
        ("CHRONOS_RESOURCE_CPU", definition.cpus.number().to_string()),
        ("CHRONOS_RESOURCE_DISK", definition.disk.number().to_string()),
        ("CHRONOS_JOB_RUN_TIME", run.due_ms.to_string()),
        ("CHRONOS_JOB_RUN_ATTEMPT", run.attempt.to_string()),
    ];
    let is_given = |name: &str| definition.environment.iter().any(|one| one.name == name);
    let ours = ours.into_iter().filter(|(name, _)| !is_given(name));
    let ours = ours.map(|(name, value)| (name.to_owned(), value));
    let given = definition.environment.iter().cloned();
    let given = given.map(|Variable { name, value }| (name, value));
    let variable = |(name, value)| EnvironmentVariable {
        name,
        value: Some(value),
        ..EnvironmentVariable::default()
    };
    Environment { variables: ours.chain(given).map(variable).collect() }
}

fn container(of: &Container) -> ContainerInfo {
    let parameter =
        |(key, value): &(String, String)| Parameter { key: key.clone(), value: value.clone() };
    let volumes = of.volumes.iter().map(mounted).collect();
    match of.kind {
        ContainerKind::Docker => {
            let network = match of.network {
                Network::Host => DockerNetwork::Host,
                Network::Bridge => DockerNetwork::Bridge,
                Network::None => DockerNetwork::None,
                Network::User => DockerNetwork::User,
            };
            let docker = DockerInfo {
                image: of.image.clone(),
                network: Some(network.into()),
                parameters: of.parameters.iter().map(parameter).collect(),
                force_pull_image: Some(of.force_pull),
                ..DockerInfo::default()
            };
            let kind = container_info::Type::Docker.into();
            ContainerInfo {
                r#type: kind,
                volumes,
                docker: Some(docker),
                ..ContainerInfo::default()
            }
        }
        ContainerKind::Mesos => {
            let docker = Some(image::Docker { name: of.image.clone(), ..image::Docker::default() });
            let image = Image {
                r#type: image::Type::Docker.into(),
                docker,
                cached: Some(!of.force_pull),
                ..Image::default()
            };
            let mesos = Some(MesosInfo { image: Some(image) });
            let kind = container_info::Type::Mesos.into();
            ContainerInfo { r#type: kind, volumes, mesos, ..ContainerInfo::default() }
        }
    }
}

fn mounted(mount: &Mount) -> Volume {
    let mode = if mount.is_read_only { volume::Mode::Ro } else { volume::Mode::Rw };
    Volume {
        mode: mode.into(),
        container_path: mount.container_path.clone(),
        host_path: Some(mount.host_path.clone()).filter(|path| !path.is_empty()),
        ..Volume::default()
    }
}
