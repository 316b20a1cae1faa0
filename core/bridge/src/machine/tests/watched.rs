//! Tasks with checks, on an agent that says its address, and what comes of their probes.

use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::container_info::docker_info::{Network, PortMapping as DockerPort};
use longshore_wire_mesos::v1::container_info::{DockerInfo, Type as ContainerType};
use longshore_wire_mesos::v1::health_check::{HttpCheckInfo, Type as HealthType};
use longshore_wire_mesos::v1::{
    CheckInfo, CommandInfo, ContainerInfo, HealthCheck, Resource, TaskInfo, TaskState, check_info,
    value,
};

use super::world::{Client, World, framework, sleeper};
use crate::machine::Input;
use crate::{Probe, Probed};

pub(super) const HOST: &str = "10.0.1.17";
pub(super) const PORT: u16 = 31_007;

/// A framework, and an agent that says its address.
pub(super) fn world() -> (World, Client) {
    let mut world = World::new(&[(4096, 4096)]);
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.cluster.change(&arn, |instance| {
        instance.attributes.insert("hostname".into(), Some(HOST.into()));
    });
    let client = world.subscribe(framework("one"));
    world.soon();
    (world, client)
}

/// Claims a port, which is the task's own on its agent.
pub(super) fn with_port(mut task: TaskInfo) -> TaskInfo {
    let range = value::Range { begin: u64::from(PORT), end: u64::from(PORT) };
    task.resources.push(Resource {
        name: "ports".to_owned(),
        r#type: value::Type::Ranges.into(),
        ranges: Some(value::Ranges { range: vec![range] }),
        ..Resource::default()
    });
    task
}

/// Listens on 80 in a container, which is the port on the agent.
pub(super) fn in_bridge(task: TaskInfo) -> TaskInfo {
    let mapping = DockerPort { host_port: PORT.into(), container_port: 80, protocol: None };
    let docker = DockerInfo {
        image: "nginx".to_owned(),
        network: Some(Network::Bridge.into()),
        port_mappings: vec![mapping],
        ..DockerInfo::default()
    };
    let container = ContainerInfo {
        r#type: ContainerType::Docker.into(),
        docker: Some(docker),
        ..ContainerInfo::default()
    };
    TaskInfo { container: Some(container), ..with_port(task) }
}

/// Over HTTP, every 10 s from 15 s on; three failures end the task, the grace period is over before.
pub(super) fn healthy(port: u16) -> HealthCheck {
    HealthCheck {
        r#type: Some(HealthType::Http.into()),
        http: Some(HttpCheckInfo {
            port: port.into(),
            path: Some("/ready".to_owned()),
            ..HttpCheckInfo::default()
        }),
        ..HealthCheck::default()
    }
}

pub(super) fn check(kind: check_info::Type) -> CheckInfo {
    let port = u32::from(PORT);
    let command = CommandInfo { value: Some("true".to_owned()), ..CommandInfo::default() };
    CheckInfo {
        r#type: Some(kind.into()),
        command: Some(check_info::Command { command }),
        http: Some(check_info::Http { port, path: None }),
        tcp: Some(check_info::Tcp { port }),
        ..CheckInfo::default()
    }
}

/// Launches a task; ARN of its ECS task, which does not run yet.
pub(super) fn launch(
    world: &mut World,
    client: &Client,
    how: impl FnOnce(TaskInfo) -> TaskInfo,
) -> Str {
    let offer = world.offer(client);
    let task = how(sleeper("t1", &offer, 1.0, 128.0));
    world.launch(client, &[&offer], vec![task]);
    world.cluster.arn_of("t1")
}

/// The same, and its framework knows that it runs.
pub(super) fn run(
    world: &mut World,
    client: &Client,
    how: impl FnOnce(TaskInfo) -> TaskInfo,
) -> Str {
    let arn = launch(world, client, how);
    world.cluster.runs(&arn);
    world.soon();
    assert_eq!(world.update(client).state(), TaskState::TaskRunning);
    arn
}

/// The only probe that is out.
pub(super) fn probe(world: &mut World) -> Probe {
    assert_eq!(world.probes.len(), 1, "{:?}", world.probes);
    world.probes.remove(0)
}

/// The next probe, however long it takes to be due, comes to this.
pub(super) fn comes_to(world: &mut World, probed: Probed) {
    for _ in 0..200 {
        if !world.probes.is_empty() {
            break;
        }
        world.run_for(500);
    }
    let id = probe(world).id;
    world.step(Input::Probed(id, probed));
}

pub(super) fn failed() -> Probed {
    Probed::Failed("connection refused".to_owned())
}
