//! The tasks of a pod's instance, and the executor that runs them. Source: Marathon 1.11, `TaskGroupBuilder`; frameworks.md 2.1.

use std::collections::BTreeMap;

use longshore_wire_marathon::{
    App, ContainerCheck, Endpoint, EnvValue, Exec, HealthProtocol, Pod, PodContainer, PodMount,
};
use longshore_wire_mesos::v1::container_info::{self, MesosInfo};
use longshore_wire_mesos::v1::discovery_info::Visibility;
use longshore_wire_mesos::v1::environment::Variable;
use longshore_wire_mesos::v1::executor_info::Type as ExecutorType;
use longshore_wire_mesos::v1::health_check::Type as HealthType;
use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::volume::source::{SandboxPath, Type as SourceType, sandbox_path};
use longshore_wire_mesos::v1::{
    CommandInfo, ContainerInfo, DiscoveryInfo, DurationInfo, Environment, ExecutorId, ExecutorInfo,
    FrameworkId, HealthCheck, Image, KillPolicy, LinuxInfo, Offer, Port, Ports, TaskGroupInfo,
    TaskId, TaskInfo, TtyInfo, Volume, image, volume,
};

use super::environment::{of_labels, plain, secret_of, variable_name};
use super::health::timed;
use super::{labels, limits, member_id, name, uri, version};
use crate::place::{Taken, whole};
use crate::shares::Shares;

/// Where empty directories are in the sandbox of an executor. Source: Marathon 1.11, `TaskGroupBuilder`.
const VOLUMES: &str = "volumes/";

/// The group of an instance on an offer; `None` of an app.
pub(crate) fn group(
    id: &str,
    app: &App,
    framework: Option<&str>,
    offer: &Offer,
    taken: &Taken,
) -> Option<LaunchGroup> {
    let pod = app.pod.as_ref()?;
    let mut shares = Shares::of(&taken.resources);
    let mut tasks = Vec::new();
    for (at, container) in pod.containers.iter().enumerate() {
        let place = Place { id, app, pod, offer, ports: &taken.ports, at };
        let resources = shares.part(container.amounts);
        tasks.push(TaskInfo { resources, ..place.task(container) });
    }
    let mut resources = shares.part(pod.executor);
    resources.extend(shares.ports());
    let executor = ExecutorInfo {
        r#type: Some(ExecutorType::Default.into()),
        executor_id: ExecutorId { value: executor_id(id) },
        framework_id: framework.map(|id| FrameworkId { value: id.to_owned() }),
        resources,
        container: Some(container_of_kind()),
        labels: labels(&app.labels),
        ..ExecutorInfo::default()
    };
    Some(LaunchGroup { executor, task_group: TaskGroupInfo { tasks } })
}

/// Source: Marathon 1.11, `Instance.Id.executorIdString`: `instance-prod_web.<uuid>`.
fn executor_id(instance: &str) -> String {
    let (path, uuid) = instance.rsplit_once(".instance-").unwrap_or((instance, ""));
    format!("instance-{path}.{uuid}")
}

/// Each task of a group has limits of its own.
fn container_of_kind() -> ContainerInfo {
    let linux_info = LinuxInfo { share_cgroups: Some(false), ..LinuxInfo::default() };
    ContainerInfo {
        r#type: container_info::Type::Mesos.into(),
        linux_info: Some(linux_info),
        ..ContainerInfo::default()
    }
}

/// A container of an instance on an offer.
struct Place<'a> {
    id: &'a str,
    app: &'a App,
    pod: &'a Pod,
    offer: &'a Offer,
    /// Of all endpoints of the pod.
    ports: &'a [u16],
    /// Which container.
    at: usize,
}

impl Place<'_> {
    fn task(&self, of: &PodContainer) -> TaskInfo {
        let grace = of.kill_grace_ms.map(|ms| DurationInfo {
            nanoseconds: i64::try_from(ms.saturating_mul(1_000_000)).unwrap_or(i64::MAX),
        });
        TaskInfo {
            name: of.name.clone(),
            task_id: TaskId { value: member_id(self.id, &of.name) },
            agent_id: self.offer.agent_id.clone(),
            command: Some(self.command(of)),
            container: Some(self.container(of)),
            health_check: of.check.as_ref().and_then(|check| self.check(check)),
            kill_policy: grace.map(|grace| KillPolicy { grace_period: Some(grace) }),
            labels: labels(&of.labels),
            discovery: Some(DiscoveryInfo {
                visibility: Visibility::Framework.into(),
                name: Some(name(&self.app.id)),
                ports: Some(Ports { ports: self.discovered(of) }),
                ..DiscoveryInfo::default()
            }),
            limits: limits(of.limits.as_ref()),
            ..TaskInfo::default()
        }
    }

    fn command(&self, of: &PodContainer) -> CommandInfo {
        CommandInfo {
            uris: of.fetch.iter().map(uri).collect(),
            environment: Some(Environment { variables: self.variables(of) }),
            user: of.user.clone().or_else(|| self.app.user.clone()),
            ..what_runs(of)
        }
    }

    fn container(&self, of: &PodContainer) -> ContainerInfo {
        let image = of.image.as_ref().map(|one| Image {
            r#type: image::Type::Docker.into(),
            docker: Some(image::Docker { name: one.id.clone(), ..image::Docker::default() }),
            cached: one.force_pull.map(|is_forced| !is_forced),
            ..Image::default()
        });
        ContainerInfo {
            mesos: Some(MesosInfo { image }),
            volumes: of.mounts.iter().map(|mount| self.mounted(mount)).collect(),
            tty_info: of.tty.then(TtyInfo::default),
            ..container_of_kind()
        }
    }

    fn mounted(&self, mount: &PodMount) -> Volume {
        let is_read_only = mount.is_read_only == Some(true);
        let mode = if is_read_only { volume::Mode::Ro } else { volume::Mode::Rw };
        let known = self.pod.volumes.iter().find(|one| one.name == mount.volume);
        let host_path = known.and_then(|one| one.host.clone());
        let source = host_path.is_none().then(|| volume::Source {
            r#type: Some(SourceType::SandboxPath.into()),
            sandbox_path: Some(SandboxPath {
                r#type: Some(sandbox_path::Type::Parent.into()),
                path: format!("{VOLUMES}{}", mount.volume),
            }),
            ..volume::Source::default()
        });
        Volume {
            mode: mode.into(),
            container_path: mount.path.clone(),
            host_path,
            source,
            ..Volume::default()
        }
    }

    /// The check that Mesos makes; those of ports are made by us.
    fn check(&self, of: &ContainerCheck) -> Option<HealthCheck> {
        let exec = of.exec.as_ref()?;
        let check = self.app.health_checks.get(of.at)?;
        debug_assert_eq!(check.protocol, HealthProtocol::Command, "only these have commands");
        Some(HealthCheck { command: Some(run(exec)), ..timed(check, HealthType::Command) })
    }

    /// Endpoints of a container, each with its port.
    fn endpoints<'s>(&'s self, of: &'s PodContainer) -> impl Iterator<Item = (&'s Endpoint, u16)> {
        let first = self.pod.first_endpoint(self.at);
        of.endpoints.iter().zip(self.ports.iter().skip(first).copied())
    }

    fn discovered(&self, of: &PodContainer) -> Vec<Port> {
        let mut found = Vec::new();
        for (endpoint, number) in self.endpoints(of) {
            let mut all = endpoint.labels.clone();
            all.insert("network-scope".to_owned(), "host".to_owned());
            let port = Port {
                number: u32::from(number),
                name: Some(endpoint.name.clone()),
                labels: labels(&all),
                ..Port::default()
            };
            if endpoint.protocols.is_empty() {
                found.push(port);
                continue;
            }
            let each = endpoint.protocols.iter();
            found.extend(each.map(|one| Port { protocol: Some(one.clone()), ..port.clone() }));
        }
        found
    }

    /// Those of the container go before those of the pod, and what only we know before both.
    fn variables(&self, of: &PodContainer) -> Vec<Variable> {
        let mut all: BTreeMap<String, Variable> = BTreeMap::new();
        for (name, value) in self.app.env.iter().chain(&of.env) {
            let variable = match value {
                EnvValue::Plain(value) => plain((name.clone(), value.clone())),
                EnvValue::Secret(key) => secret_of(self.app, name, key),
            };
            all.insert(name.clone(), variable);
        }
        for (name, value) in self.ours(of) {
            all.insert(name.clone(), plain((name, value)));
        }
        all.into_values().collect()
    }

    fn ours(&self, of: &PodContainer) -> Vec<(String, String)> {
        let amounts = of.amounts;
        let known = [
            ("HOST", self.offer.hostname.clone()),
            ("MESOS_TASK_ID", member_id(self.id, &of.name)),
            ("MESOS_EXECUTOR_ID", executor_id(self.id)),
            ("MARATHON_APP_ID", self.app.id.to_string()),
            ("MARATHON_APP_VERSION", version(self.app.version_ms)),
            ("MARATHON_CONTAINER_ID", of.name.clone()),
            ("MARATHON_CONTAINER_RESOURCE_CPUS", format!("{:?}", whole(amounts.cpus_milli))),
            ("MARATHON_CONTAINER_RESOURCE_MEM", format!("{:?}", whole(amounts.mem_milli))),
            ("MARATHON_CONTAINER_RESOURCE_DISK", format!("{:?}", whole(amounts.disk_milli))),
            ("MARATHON_CONTAINER_RESOURCE_GPUS", amounts.gpus.to_string()),
        ];
        let mut all: Vec<_> =
            known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut both = self.app.labels.clone();
        both.extend(of.labels.clone());
        all.extend(of_labels(&both));
        // Each container is told the ports of all: they are on one network.
        for (endpoint, port) in self.pod.endpoints().zip(self.ports) {
            let name = variable_name(&endpoint.name);
            all.push((format!("ENDPOINT_{name}"), port.to_string()));
            all.push((format!("EP_HOST_{name}"), port.to_string()));
        }
        all
    }
}

/// What runs in a container, without where. Without a program its image runs its own. Source: Marathon 1.11, `TaskGroupBuilder`.
fn what_runs(of: &PodContainer) -> CommandInfo {
    let own = CommandInfo { shell: Some(false), ..CommandInfo::default() };
    match &of.exec {
        None => own,
        Some(Exec::Argv(argv)) if of.are_arguments => {
            CommandInfo { arguments: argv.clone(), ..own }
        }
        Some(exec) => run(exec),
    }
}

/// A command.
fn run(exec: &Exec) -> CommandInfo {
    let (is_shell, value, arguments) = match exec {
        Exec::Shell(shell) => (true, Some(shell.clone()), Vec::new()),
        // The first of the arguments is the program's own name.
        Exec::Argv(argv) => (false, argv.first().cloned(), argv.clone()),
    };
    CommandInfo { shell: Some(is_shell), value, arguments, ..CommandInfo::default() }
}
