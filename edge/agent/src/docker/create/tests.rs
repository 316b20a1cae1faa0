//! Tests of the translation from task specifications to Docker requests.

use std::sync::Arc;

use bollard::models::HostConfig;
use longshore_wire_ecs::shape::container_definition::{
    ContainerDefinition, DockerVolumeConfiguration, EFSVolumeConfiguration, HostVolumeProperties,
    KernelCapabilities, LinuxParameters, MountPoint, PortMapping, Tmpfs, VolumeFrom,
};
use longshore_wire_ecs::shape::shared::KeyValuePair;

use super::*;
use crate::docker::pause;
use crate::sight::{CLUSTER, FAMILY, REVISION};
use longshore_wire_ecs::host::{Namespace, Namespaces};

const INSTANCE_ID: ResourceId = ResourceId(0xabc);

fn named(name: &str) -> ContainerDefinition {
    ContainerDefinition {
        name: Some(name.into()),
        image: Some("busybox:1".into()),
        ..Default::default()
    }
}

fn spec(definitions: impl IntoIterator<Item = ContainerDefinition>) -> TaskSpec {
    let id = ResourceId(0x0011_2233);
    let containers = definitions.into_iter().map(|definition| ContainerSpec {
        definition: Arc::new(definition),
        command: None,
        environment: Arc::default(),
        cpu: 0,
        memory_mib: 0,
        memory_reservation_mib: 0,
    });
    TaskSpec {
        id,
        arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{id}").into(),
        cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/prod".into(),
        family: "web_site".into(),
        revision: 7,
        network_mode: NetworkMode::Bridge,
        namespaces: longshore_wire_ecs::host::Namespaces::default(),
        containers: Arc::new(containers.collect()),
        volumes: Arc::default(),
        about: longshore_wire_ecs::host::TaskAbout::default(),
    }
}

fn host(spec: &TaskSpec) -> HostConfig {
    let body = body(INSTANCE_ID, spec, 0).expect("it can be created");
    body.host_config.expect("it has a host configuration")
}

#[test]
fn pid_and_ipc_modes_are_given_to_docker() {
    let mut spec = spec([named("web"), named("log")]);
    assert_eq!((host(&spec).pid_mode, host(&spec).ipc_mode), (None, None));
    assert!(!pause::is_needed(&spec));
    let shared = format!("container:{}", pause::docker_name(&spec));
    for (mode, pid, ipc) in [
        (Namespace::Host, Some("host"), "host"),
        (Namespace::Task, Some(&*shared), &*shared),
        (Namespace::None, None, "none"),
    ] {
        spec.namespaces = Namespaces { pid: Some(mode), ipc: Some(mode) };
        let host = host(&spec);
        assert_eq!((host.pid_mode.as_deref(), host.ipc_mode.as_deref()), (pid, Some(ipc)));
        assert_eq!(pause::is_needed(&spec), mode == Namespace::Task);
    }
    assert_ne!(pause::docker_name(&spec), docker_name(&spec, 0));
}

fn mapping(container: i32, host: Option<i32>, protocol: Option<&str>) -> PortMapping {
    PortMapping {
        container_port: Some(container),
        host_port: host,
        protocol: protocol.map(Into::into),
        ..Default::default()
    }
}

fn binding(ip: &str, port: &str) -> DockerBinding {
    DockerBinding { host_ip: Some(ip.to_owned()), host_port: Some(port.to_owned()) }
}

fn mount(volume: &str, path: &str, read_only: bool) -> MountPoint {
    MountPoint {
        source_volume: Some(volume.into()),
        container_path: Some(path.into()),
        read_only: Some(read_only),
    }
}

/// A task that mounts one volume named `data` at `/data`.
fn mounting(volume: Volume) -> TaskSpec {
    let volume = Volume { name: Some("data".into()), ..volume };
    let mounts = vec![mount("data", "/data", false)];
    let mut spec = spec([ContainerDefinition { mount_points: Some(mounts), ..named("web") }]);
    spec.volumes = Arc::new(vec![volume]);
    spec
}

#[test]
fn names_keep_only_what_docker_allows_and_differ_by_task_and_container() {
    let mut task = spec([named("my_web.1-a"), named("other")]);
    let name = docker_name(&task, 0);
    let digits = name.strip_prefix("ecs-web_site-7-myweb1-a-").expect("the parts are in order");
    assert!(digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{name}");
    assert_eq!(docker_name(&task, 0), name);
    assert_ne!(docker_name(&task, 1).rsplit('-').next(), Some(digits));
    task.id = ResourceId(1);
    assert_ne!(docker_name(&task, 0), name);
}

#[test]
fn labels_of_the_agent_win_over_the_users() {
    let own = [(TASK_ARN, "mine"), (HOST_PORTS, "1/tcp"), ("team", "blue")];
    let own: [(Str, Str); 3] = own.map(|(name, value)| (name.into(), value.into()));
    let own = Some(BTreeMap::from(own));
    let task = spec([ContainerDefinition { docker_labels: own, ..named("web") }]);
    let labels = body(INSTANCE_ID, &task, 0).expect("it can be created").labels.expect("labels");
    assert_eq!(labels["team"], "blue");
    assert_eq!(labels[TASK_ARN], &*task.arn);
    assert_eq!(labels[CONTAINER_NAME], "web");
    assert_eq!((&*labels[FAMILY], &*labels[REVISION]), ("web_site", "7"));
    assert_eq!((&*labels[CLUSTER], &*labels[INSTANCE]), ("prod", &*INSTANCE_ID.to_string()));
    assert!(!labels.contains_key(HOST_PORTS));
    assert_eq!(key(&labels), Some((task.id, "web".into())));
}

#[test]
fn labels_of_others_name_no_container() {
    assert_eq!(key(&HashMap::new()), None);
    let foreign = HashMap::from([(TASK_ARN.to_owned(), "not an ARN".to_owned())]);
    assert_eq!(key(&foreign), None);
}

#[test]
fn cpu_shares_have_a_floor_and_a_ceiling() {
    let mut task = spec([named("web")]);
    for (cpu, shares) in [(0, 2), (1, 2), (256, 256), (1_000_000, 262_144)] {
        Arc::make_mut(&mut task.containers)[0].cpu = cpu;
        assert_eq!(host(&task).cpu_shares, Some(shares), "{cpu}");
    }
}

#[test]
fn memory_is_in_bytes_and_no_limit_is_none() {
    let mut task = spec([named("web")]);
    assert_eq!((host(&task).memory, host(&task).memory_swap), (None, None));
    Arc::make_mut(&mut task.containers)[0].memory_mib = 64;
    Arc::make_mut(&mut task.containers)[0].memory_reservation_mib = 1;
    let limits = host(&task);
    assert_eq!((limits.memory, limits.memory_reservation), (Some(64 << 20), Some(6 << 20)));
}

#[test]
fn swap_is_counted_on_top_of_memory() {
    let linux = LinuxParameters { max_swap: Some(16), swappiness: Some(10), ..Default::default() };
    let mut task = spec([ContainerDefinition { linux_parameters: Some(linux), ..named("web") }]);
    Arc::make_mut(&mut task.containers)[0].memory_mib = 64;
    let limits = host(&task);
    assert_eq!((limits.memory_swap, limits.memory_swappiness), (Some(80 << 20), Some(10)));
}

#[test]
fn ports_without_a_host_port_are_left_to_docker() {
    let mappings = vec![mapping(80, None, None), mapping(53, Some(5353), Some("udp"))];
    let task = spec([ContainerDefinition { port_mappings: Some(mappings), ..named("web") }]);
    let bindings = host(&task).port_bindings.expect("bindings");
    let to =
        |port: &str| Some(vec![DockerBinding { host_ip: None, host_port: Some(port.to_owned()) }]);
    assert_eq!(bindings["80/tcp"], to("0"));
    assert_eq!(bindings["53/udp"], to("5353"));
    let exposed = body(INSTANCE_ID, &task, 0).expect("it can be created").exposed_ports;
    assert_eq!(exposed, Some(vec!["80/tcp".to_owned(), "53/udp".to_owned()]));
}

#[test]
fn ports_of_the_hosts_network_are_told_by_a_label() {
    let mappings = vec![mapping(80, None, None), mapping(53, None, Some("udp"))];
    let mut task = spec([ContainerDefinition { port_mappings: Some(mappings), ..named("web") }]);
    task.network_mode = NetworkMode::Host;
    assert_eq!(host(&task).network_mode.as_deref(), Some("host"));
    assert_eq!(host(&task).port_bindings, Some(PortMap::new()));
    let labels = body(INSTANCE_ID, &task, 0).expect("it can be created").labels.expect("labels");
    let bound = host_bindings(&labels[HOST_PORTS]);
    let ports: Vec<_> = bound.iter().map(|one| (one.container_port, one.host_port)).collect();
    assert_eq!(ports, [(80, 80), (53, 53)]);
    assert_eq!((&*bound[1].protocol, &*bound[1].bind_ip), ("udp", "0.0.0.0"));
}

#[test]
fn bindings_are_told_once_and_in_order() {
    let both = vec![binding("0.0.0.0", "32768"), binding("::", "32768")];
    let ports = PortMap::from([
        ("443/tcp".to_owned(), Some(vec![binding("::", "32770")])),
        ("80/tcp".to_owned(), Some(both)),
        ("9/tcp".to_owned(), None),
    ]);
    let told: Vec<_> = bound(&ports)
        .into_iter()
        .map(|one| (one.bind_ip.to_string(), one.container_port, one.host_port))
        .collect();
    assert_eq!(told, [("0.0.0.0".to_owned(), 80, 32768), ("::".to_owned(), 443, 32770)]);
}

#[test]
fn a_volume_with_a_path_is_bound_from_the_host() {
    let path = HostVolumeProperties { source_path: Some("/srv".into()) };
    let mut task = mounting(Volume { host: Some(path), ..Default::default() });
    assert_eq!(host(&task).binds, Some(vec!["/srv:/data".to_owned()]));
    assert_eq!(volumes(INSTANCE_ID, &task, 0), Ok(Vec::new()));
    let mounts = vec![mount("data", "/data", true)];
    let definition = ContainerDefinition { mount_points: Some(mounts), ..named("web") };
    Arc::make_mut(&mut task.containers)[0].definition = Arc::new(definition);
    assert_eq!(host(&task).binds, Some(vec!["/srv:/data:ro".to_owned()]));
}

#[test]
fn a_volume_without_a_path_is_the_tasks_own() {
    let task = mounting(Volume::default());
    let name = volume_name(&task, "data");
    assert_eq!(host(&task).binds, Some(vec![format!("{name}:/data")]));
    let needed = volumes(INSTANCE_ID, &task, 0).expect("it can be made");
    let [Needed::Made(request)] = &needed[..] else { panic!("{needed:?}") };
    assert_eq!(request.name.as_ref(), Some(&name));
    assert_eq!(request.labels.as_ref().expect("labels")[TASK], task.id.to_string());
}

#[test]
fn a_shared_volume_keeps_its_name_and_outlives_the_task() {
    let config = |autoprovision| DockerVolumeConfiguration {
        scope: Some("shared".into()),
        driver: Some("local".into()),
        autoprovision: Some(autoprovision),
        ..Default::default()
    };
    let volume = |autoprovision| Volume {
        docker_volume_configuration: Some(config(autoprovision)),
        ..Default::default()
    };
    let needed = volumes(INSTANCE_ID, &mounting(volume(false)), 0);
    assert_eq!(needed, Ok(vec![Needed::Present("data".to_owned())]));
    let needed = volumes(INSTANCE_ID, &mounting(volume(true)), 0).expect("it can be made");
    let [Needed::Made(request)] = &needed[..] else { panic!("{needed:?}") };
    assert_eq!((request.name.as_deref(), request.driver.as_deref()), (Some("data"), Some("local")));
    assert!(!request.labels.as_ref().expect("labels").contains_key(TASK));
}

#[test]
fn what_cannot_be_mounted_is_refused_with_a_reason() {
    let efs = Some(EFSVolumeConfiguration::default());
    let task = mounting(Volume { efs_volume_configuration: efs, ..Default::default() });
    let reason = body(INSTANCE_ID, &task, 0).expect_err("there is no EFS");
    assert!(reason.starts_with("CannotCreateVolumeError: "), "{reason}");
    let mut task = mounting(Volume::default());
    task.volumes = Arc::default();
    let reason = body(INSTANCE_ID, &task, 0).expect_err("there is no such volume");
    assert!(reason.starts_with("CannotCreateContainerError: "), "{reason}");
}

#[test]
fn other_containers_are_called_by_their_docker_names() {
    let from = VolumeFrom { source_container: Some("db".into()), read_only: Some(true) };
    let web = ContainerDefinition {
        links: Some(vec!["db:database".into(), "db".into()]),
        volumes_from: Some(vec![from]),
        ..named("web")
    };
    let task = spec([web, named("db")]);
    let db = docker_name(&task, 1);
    let config = host(&task);
    assert_eq!(config.links, Some(vec![format!("{db}:database"), format!("{db}:db")]));
    assert_eq!(config.volumes_from, Some(vec![format!("{db}:ro")]));
}

#[test]
fn later_variables_win() {
    let mut task = spec([named("web")]);
    let pair = |(name, value): (&str, &str)| KeyValuePair {
        name: Some(name.into()),
        value: Some(value.into()),
    };
    let pairs = [("B", "1"), ("A", "=x"), ("B", "2")].map(pair);
    Arc::make_mut(&mut task.containers)[0].environment = Arc::new(pairs.into());
    let env = body(INSTANCE_ID, &task, 0).expect("it can be created").env;
    assert_eq!(env, Some(vec!["A==x".to_owned(), "B=2".to_owned()]));
}

#[test]
fn the_images_health_check_is_off_and_its_command_stands() {
    let mut task = spec([named("web")]);
    let request = body(INSTANCE_ID, &task, 0).expect("it can be created");
    assert_eq!(request.healthcheck.and_then(|check| check.test), Some(vec!["NONE".to_owned()]));
    assert_eq!((request.cmd, request.entrypoint), (None, None));
    Arc::make_mut(&mut task.containers)[0].command =
        Some(Arc::new(vec!["sleep".into(), "1".into()]));
    let request = body(INSTANCE_ID, &task, 0).expect("it can be created");
    assert_eq!(request.cmd, Some(vec!["sleep".to_owned(), "1".to_owned()]));
}

#[test]
fn linux_parameters_reach_docker() {
    let tmpfs = Tmpfs {
        container_path: Some("/run".into()),
        size: Some(8),
        mount_options: Some(vec!["noexec".into()]),
    };
    let linux = LinuxParameters {
        capabilities: Some(KernelCapabilities { add: Some(vec!["NET_ADMIN".into()]), drop: None }),
        init_process_enabled: Some(true),
        shared_memory_size: Some(32),
        tmpfs: Some(vec![tmpfs]),
        ..Default::default()
    };
    let task = spec([ContainerDefinition { linux_parameters: Some(linux), ..named("web") }]);
    let config = host(&task);
    assert_eq!(config.cap_add, Some(vec!["NET_ADMIN".to_owned()]));
    assert_eq!((config.cap_drop, config.init), (None, Some(true)));
    assert_eq!(config.shm_size, Some(32 << 20));
    assert_eq!(config.tmpfs.expect("tmpfs")["/run"], "noexec,size=8m");
}

#[test]
fn output_goes_to_a_file_unless_told_otherwise() {
    let log = host(&spec([named("web")])).log_config.expect("a log driver");
    assert_eq!(log.typ.as_deref(), Some("json-file"));
}

#[test]
fn a_task_with_its_own_interface_is_refused() {
    let mut task = spec([named("web")]);
    task.network_mode = NetworkMode::Awsvpc;
    assert!(body(INSTANCE_ID, &task, 0).is_err());
}
