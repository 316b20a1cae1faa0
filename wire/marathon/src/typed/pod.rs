//! From a pod as it is written to an app with containers as it is kept, and back.

use std::collections::BTreeMap;

use super::{
    OLDEST, artifact_of, constraint_of, limits_of, milli, number, small, unreachable_of,
    upgrade_of, value_of, written_artifact, written_limits, written_secret, written_unreachable,
    written_upgrade, written_value,
};
use crate::form::pod::{self, ExecCheck, HttpCheck, MesosCommand, PodExec, TcpCheck};
use crate::{
    Amounts, App, Backoff, ContainerCheck, Endpoint, Exec, HealthCheck, HealthProtocol,
    KillSelection, Network, PathId, Pod, PodContainer, PodImage, PodMount, PodVolume, form,
};

impl App {
    /// Keeps a pod that is valid.
    pub fn of_pod(form: pod::Pod) -> Self {
        let mut checks = Vec::new();
        let mut endpoints = 0;
        let containers: Vec<PodContainer> = form
            .containers
            .into_iter()
            .map(|one| container_of(one, &mut endpoints, &mut checks))
            .collect();
        let executor = executor_of(&form.executor_resources);
        let volume = |one: pod::PodVolume| PodVolume { name: one.name, host: one.host };
        let pod =
            Pod { containers, volumes: form.volumes.into_iter().map(volume).collect(), executor };
        let Amounts { cpus_milli, mem_milli, disk_milli, gpus } = pod.amounts();
        let scheduling = form.scheduling;
        let placement = scheduling.placement;
        let roles = Some(placement.accepted_resource_roles).filter(|roles| !roles.is_empty());
        let constraints = placement.constraints.iter().map(pod::PodConstraint::words);
        Self {
            id: PathId::kept(form.id),
            cmd: None,
            args: None,
            cpus_milli,
            mem_milli,
            disk_milli,
            gpus,
            instances: form.scaling.instances,
            resource_limits: None,
            user: form.user,
            container: None,
            networks: vec![Network::Host],
            port_mappings: Vec::new(),
            port_definitions: Vec::new(),
            require_ports: false,
            env: form.environment.into_iter().map(|(name, one)| (name, value_of(one))).collect(),
            secrets: form.secrets.into_iter().map(|(name, one)| (name, one.source)).collect(),
            labels: form.labels,
            fetch: Vec::new(),
            constraints: constraints.filter_map(|words| constraint_of(&words)).collect(),
            health_checks: checks,
            readiness_checks: Vec::new(),
            upgrade_strategy: upgrade_of(&scheduling.upgrade),
            unreachable_strategy: unreachable_of(&scheduling.unreachable_strategy),
            kill_selection: if scheduling.kill_selection == OLDEST {
                KillSelection::OldestFirst
            } else {
                KillSelection::YoungestFirst
            },
            kill_grace_s: None,
            backoff: waits_of(&scheduling.backoff),
            dependencies: Vec::new(),
            accepted_resource_roles: roles,
            role: form.role,
            tty: false,
            pod: Some(pod),
            version_ms: 0,
            config_version_ms: 0,
            scaling_version_ms: 0,
        }
    }

    /// The pod as it is written; `None` of an app.
    pub fn pod_form(&self) -> Option<pod::Pod> {
        let pod = self.pod.as_ref()?;
        let volume =
            |one: &PodVolume| pod::PodVolume { name: one.name.clone(), host: one.host.clone() };
        Some(pod::Pod {
            id: self.id.to_string(),
            labels: self.labels.clone(),
            user: self.user.clone(),
            environment: written_env(&self.env),
            containers: pod.containers.iter().map(|one| self.written_container(one)).collect(),
            secrets: self.secrets.iter().map(written_secret).collect(),
            volumes: pod.volumes.iter().map(volume).collect(),
            networks: vec![form::Network {
                mode: "host".to_owned(),
                name: None,
                labels: BTreeMap::new(),
            }],
            scaling: pod::Scaling { instances: self.instances, ..pod::Scaling::default() },
            scheduling: self.written_scheduling(),
            executor_resources: pod::ExecutorResources {
                cpus: number(pod.executor.cpus_milli),
                mem: number(pod.executor.mem_milli),
                disk: number(pod.executor.disk_milli),
            },
            role: self.role.clone(),
        })
    }

    fn written_scheduling(&self) -> pod::Scheduling {
        let constraint = |one: &crate::Constraint| pod::PodConstraint {
            field_name: one.field.clone(),
            operator: one.operator.word().to_owned(),
            value: one.value.clone(),
        };
        pod::Scheduling {
            backoff: pod::Waits {
                backoff: number(self.backoff.first_ms),
                backoff_factor: number(self.backoff.factor_milli),
                max_launch_delay: number(self.backoff.most_ms),
            },
            upgrade: written_upgrade(self.upgrade_strategy),
            placement: pod::Placement {
                constraints: self.constraints.iter().map(constraint).collect(),
                accepted_resource_roles: self.accepted_resource_roles.clone().unwrap_or_default(),
            },
            kill_selection: match self.kill_selection {
                KillSelection::OldestFirst => OLDEST.to_owned(),
                KillSelection::YoungestFirst => "YOUNGEST_FIRST".to_owned(),
            },
            unreachable_strategy: written_unreachable(self.unreachable_strategy),
        }
    }

    fn written_container(&self, of: &PodContainer) -> pod::PodContainer {
        let is_argv = matches!(of.exec, Some(Exec::Argv(_)));
        let replaces = is_argv && of.image.is_some() && !of.are_arguments;
        pod::PodContainer {
            name: of.name.clone(),
            exec: of.exec.as_ref().map(|exec| PodExec {
                command: written_command(exec),
                override_entrypoint: replaces.then_some(true),
            }),
            resources: pod::Resources {
                cpus: number(of.amounts.cpus_milli),
                mem: number(of.amounts.mem_milli),
                disk: number(of.amounts.disk_milli),
                gpus: of.amounts.gpus,
            },
            resource_limits: of.limits.as_ref().map(written_limits),
            endpoints: of.endpoints.iter().map(written_endpoint).collect(),
            image: of.image.as_ref().map(|image| pod::PodImage {
                kind: "DOCKER".to_owned(),
                id: image.id.clone(),
                force_pull: image.force_pull,
            }),
            environment: written_env(&of.env),
            user: of.user.clone(),
            health_check: of.check.as_ref().and_then(|check| self.written_check(check)),
            volume_mounts: of.mounts.iter().map(written_mount).collect(),
            artifacts: of.fetch.iter().map(written_artifact).collect(),
            labels: of.labels.clone(),
            lifecycle: of
                .kill_grace_ms
                .map(|ms| pod::Lifecycle { kill_grace_period_seconds: Some(number(ms)) }),
            tty: of.tty.then_some(true),
        }
    }

    fn written_check(&self, check: &ContainerCheck) -> Option<pod::PodHealthCheck> {
        let of = self.health_checks.get(check.at)?;
        let at = of.port_index.and_then(|at| usize::try_from(at).ok());
        let endpoint = at.and_then(|at| self.pod.as_ref()?.endpoints().nth(at));
        let endpoint = endpoint.map(|one| one.name.clone());
        let (mut http, mut tcp) = (None, None);
        match (of.protocol, endpoint) {
            (HealthProtocol::Tcp, Some(endpoint)) => tcp = Some(TcpCheck { endpoint }),
            (HealthProtocol::Http | HealthProtocol::Https, Some(endpoint)) => {
                let is_plain = of.protocol == HealthProtocol::Http;
                let scheme = if is_plain { "HTTP" } else { "HTTPS" }.to_owned();
                http = Some(HttpCheck { endpoint, path: of.path.clone(), scheme });
            }
            _ => {}
        }
        let seconds = |ms: u64| small(ms / 1_000);
        Some(pod::PodHealthCheck {
            http,
            tcp,
            exec: check.exec.as_ref().map(|exec| ExecCheck { command: written_command(exec) }),
            grace_period_seconds: seconds(of.grace_period_ms),
            interval_seconds: seconds(of.interval_ms),
            max_consecutive_failures: of.max_consecutive_failures,
            timeout_seconds: seconds(of.timeout_ms),
            delay_seconds: seconds(of.delay_ms),
        })
    }
}

fn executor_of(form: &pod::ExecutorResources) -> Amounts {
    Amounts {
        cpus_milli: milli(form.cpus),
        mem_milli: milli(form.mem),
        disk_milli: milli(form.disk),
        gpus: 0,
    }
}

fn waits_of(form: &pod::Waits) -> Backoff {
    Backoff {
        first_ms: milli(form.backoff),
        factor_milli: milli(form.backoff_factor).max(1_000),
        most_ms: milli(form.max_launch_delay),
    }
}

/// A container; its endpoints and its check come after those of the containers before it.
fn container_of(
    form: pod::PodContainer,
    endpoints: &mut usize,
    checks: &mut Vec<HealthCheck>,
) -> PodContainer {
    let first = *endpoints;
    *endpoints += form.endpoints.len();
    let check = form.health_check.map(|check| {
        let at = checks.len();
        checks.push(check_of(&check, &form.endpoints, first));
        ContainerCheck { at, exec: check.exec.map(|one| command_of(one.command)) }
    });
    let are_arguments = form.image.is_some()
        && form.exec.as_ref().is_some_and(|exec| {
            exec.command.argv.is_some() && exec.override_entrypoint != Some(true)
        });
    PodContainer {
        name: form.name,
        exec: form.exec.map(|exec| command_of(exec.command)),
        are_arguments,
        amounts: Amounts {
            cpus_milli: milli(form.resources.cpus).max(1),
            mem_milli: milli(form.resources.mem).max(1),
            disk_milli: milli(form.resources.disk),
            gpus: form.resources.gpus,
        },
        limits: form.resource_limits.map(limits_of),
        endpoints: form.endpoints.into_iter().map(endpoint_of).collect(),
        image: form.image.map(|image| PodImage { id: image.id, force_pull: image.force_pull }),
        env: form.environment.into_iter().map(|(name, one)| (name, value_of(one))).collect(),
        user: form.user,
        check,
        mounts: form.volume_mounts.into_iter().map(mount_of).collect(),
        fetch: form.artifacts.into_iter().map(artifact_of).collect(),
        labels: form.labels,
        kill_grace_ms: form.lifecycle.and_then(|one| one.kill_grace_period_seconds).map(milli),
        tty: form.tty.unwrap_or(false),
    }
}

fn check_of(form: &pod::PodHealthCheck, endpoints: &[pod::Endpoint], first: usize) -> HealthCheck {
    let at = |name: &str| {
        let at = endpoints.iter().position(|one| one.name == name)?;
        u32::try_from(first + at).ok()
    };
    let (protocol, path, port_index) = match (&form.http, &form.tcp) {
        (Some(http), _) => {
            let is_plain = http.scheme == "HTTP";
            let protocol = if is_plain { HealthProtocol::Http } else { HealthProtocol::Https };
            (protocol, http.path.clone(), at(&http.endpoint))
        }
        (None, Some(tcp)) => (HealthProtocol::Tcp, None, at(&tcp.endpoint)),
        (None, None) => (HealthProtocol::Command, None, None),
    };
    let ms = |seconds: u32| u64::from(seconds) * 1_000;
    HealthCheck {
        protocol,
        path,
        command: None,
        port_index,
        port: None,
        grace_period_ms: ms(form.grace_period_seconds),
        interval_ms: ms(form.interval_seconds),
        timeout_ms: ms(form.timeout_seconds),
        max_consecutive_failures: form.max_consecutive_failures,
        ignore_http_1xx: false,
        delay_ms: ms(form.delay_seconds),
    }
}

fn command_of(form: MesosCommand) -> Exec {
    match form {
        MesosCommand { shell: Some(shell), .. } => Exec::Shell(shell),
        MesosCommand { argv, .. } => Exec::Argv(argv.unwrap_or_default()),
    }
}

fn written_command(exec: &Exec) -> MesosCommand {
    match exec.clone() {
        Exec::Shell(shell) => MesosCommand { shell: Some(shell), argv: None },
        Exec::Argv(argv) => MesosCommand { shell: None, argv: Some(argv) },
    }
}

fn written_env(env: &BTreeMap<String, crate::EnvValue>) -> BTreeMap<String, form::EnvValue> {
    env.iter().map(|(name, one)| (name.clone(), written_value(one))).collect()
}

fn endpoint_of(form: pod::Endpoint) -> Endpoint {
    let pod::Endpoint { name, host_port, protocol, labels } = form;
    Endpoint { name, host_port, protocols: protocol, labels }
}

fn written_endpoint(endpoint: &Endpoint) -> pod::Endpoint {
    let Endpoint { name, host_port, protocols, labels } = endpoint.clone();
    pod::Endpoint { name, host_port, protocol: protocols, labels }
}

fn mount_of(form: pod::VolumeMount) -> PodMount {
    PodMount { volume: form.name, path: form.mount_path, is_read_only: form.read_only }
}

fn written_mount(mount: &PodMount) -> pod::VolumeMount {
    pod::VolumeMount {
        name: mount.volume.clone(),
        mount_path: mount.path.clone(),
        read_only: mount.is_read_only,
    }
}
