//! What the SDK is given for a content.

use longshore_replica::{DefinitionContent, Fetch, Mount, MountSource};
use longshore_wire_ecs::fetch;
use longshore_wire_ecs::shape::container_definition::{
    Device, HostEntry, KernelCapabilities, LinuxParameters, LogConfiguration, SystemControl, Tmpfs,
    Ulimit,
};

use super::{containers, sdk};

fn content() -> DefinitionContent {
    DefinitionContent { container: "task".into(), image: "nginx".into(), ..Default::default() }
}

/// The only container that the SDK is given for a content, and its volumes.
fn told(content: &DefinitionContent) -> (sdk::ContainerDefinition, Vec<sdk::Volume>) {
    let (mut told, volumes) = containers(content).expect("nothing is missing");
    assert_eq!(told.len(), 1, "{told:?}");
    (told.remove(0), volumes)
}

fn mount(source: MountSource, path: &str) -> Mount {
    Mount { source, container_path: path.into(), read_only: false }
}

#[test]
fn what_is_not_asked_for_is_not_said() {
    let (told, volumes) = told(&content());
    let said = sdk::ContainerDefinition::builder()
        .name("task")
        .image("nginx")
        .essential(true)
        .memory(super::MEMORY_MIB)
        .build();
    assert_eq!((told, volumes), (said, Vec::new()));
}

fn linux() -> LinuxParameters {
    LinuxParameters {
        capabilities: Some(KernelCapabilities {
            add: Some(vec!["NET_ADMIN".into()]),
            drop: Some(vec!["ALL".into()]),
        }),
        devices: Some(vec![Device {
            host_path: Some("/dev/fuse".into()),
            container_path: Some("/dev/fuse".into()),
            permissions: Some(vec!["read".into()]),
        }]),
        tmpfs: Some(vec![Tmpfs {
            container_path: Some("/run".into()),
            size: Some(64),
            mount_options: Some(vec!["noexec".into()]),
        }]),
        init_process_enabled: Some(true),
        shared_memory_size: Some(128),
        max_swap: Some(0),
        swappiness: Some(10),
    }
}

#[test]
fn what_ecs_has_structures_for_is_written_into_them() {
    let limit = Ulimit { name: Some("nofile".into()), soft_limit: Some(1), hard_limit: Some(2) };
    let log = LogConfiguration {
        log_driver: Some("syslog".into()),
        options: Some([("tag".into(), "web".into())].into()),
        ..Default::default()
    };
    let control =
        SystemControl { namespace: Some("net.core.somaxconn".into()), value: Some("1024".into()) };
    let host = HostEntry { hostname: Some("db".into()), ip_address: Some("10.0.0.7".into()) };
    let (told, _) = told(&DefinitionContent {
        linux: linux(),
        ulimits: vec![limit],
        log: Some(log),
        system_controls: vec![control],
        extra_hosts: vec![host],
        environment: [("A".into(), "1".into())].into(),
        secrets: [("B".into(), "/prod/b".into())].into(),
        command: Some(vec!["serve".into()]),
        read_only_root: true,
        ..content()
    });
    let linux = told.linux_parameters().expect("they are said");
    let capabilities = linux.capabilities().expect("they are said");
    assert_eq!(
        (capabilities.add()[0].as_str(), capabilities.drop()[0].as_str()),
        ("NET_ADMIN", "ALL")
    );
    assert_eq!(linux.devices()[0].permissions(), [sdk::DeviceCgroupPermission::Read]);
    assert_eq!(
        (linux.tmpfs()[0].size(), linux.tmpfs()[0].mount_options()[0].as_str()),
        (64, "noexec")
    );
    assert_eq!((linux.init_process_enabled(), linux.shared_memory_size()), (Some(true), Some(128)));
    assert_eq!((linux.max_swap(), linux.swappiness()), (Some(0), Some(10)));
    let limit = &told.ulimits()[0];
    assert_eq!(
        (limit.name(), limit.soft_limit(), limit.hard_limit()),
        (&sdk::UlimitName::Nofile, 1, 2)
    );
    let log = told.log_configuration().expect("it is said");
    assert_eq!(log.log_driver(), &sdk::LogDriver::Syslog);
    assert_eq!(told.system_controls()[0].namespace(), Some("net.core.somaxconn"));
    assert_eq!(told.extra_hosts()[0].ip_address(), "10.0.0.7");
    assert_eq!((told.environment()[0].name(), told.command()[0].as_str()), (Some("A"), "serve"));
    assert_eq!((told.secrets()[0].name(), told.secrets()[0].value_from()), ("B", "/prod/b"));
    assert_eq!(told.readonly_root_filesystem(), Some(true));
}

/// \[A8\]
#[test]
fn a_named_volume_is_shared_under_its_own_name_and_others_have_names_of_their_own() {
    let named = MountSource::Volume {
        name: "volume-0".into(),
        driver: "local".into(),
        options: [("type".into(), "nfs".into())].into(),
    };
    let mounts = vec![
        mount(MountSource::Host("/srv".into()), "/srv"),
        mount(named.clone(), "/a"),
        mount(named, "/b"),
        mount(MountSource::Fresh, "/tmp"),
    ];
    let (told, volumes) = told(&DefinitionContent { mounts, ..content() });
    let names: Vec<_> =
        told.mount_points().iter().filter_map(sdk::MountPoint::source_volume).collect();
    assert_eq!(names, ["volume-1", "volume-0", "volume-0", "volume-2"]);
    let docker = volumes[0].docker_volume_configuration().expect("it is Docker's");
    assert_eq!((docker.scope(), docker.autoprovision()), (Some(&sdk::Scope::Shared), Some(true)));
    assert_eq!(docker.driver(), Some("local"));
    let path = |number: usize| volumes[number].host().and_then(|host| host.source_path());
    assert_eq!((volumes.len(), path(1), path(2)), (3, Some("/srv"), None));
}

/// \[A16\]
#[test]
fn containers_beside_the_first_do_not_end_the_task_and_share_volumes_by_name() {
    let other = |name: &str, path: &str| DefinitionContent {
        container: name.into(),
        mounts: vec![
            mount(MountSource::Shared("data".into()), path),
            mount(MountSource::Fresh, "/tmp"),
        ],
        ..content()
    };
    let others = vec![other("web", "/a"), other("log", "/b")];
    let (told, volumes) =
        containers(&DefinitionContent { others, ..content() }).expect("nothing is missing");
    let essential: Vec<_> = told.iter().map(|one| (one.name(), one.essential())).collect();
    assert_eq!(
        essential,
        [(Some("task"), Some(true)), (Some("web"), Some(false)), (Some("log"), Some(false))]
    );
    let names = |at: usize| -> Vec<_> {
        told[at].mount_points().iter().filter_map(sdk::MountPoint::source_volume).collect()
    };
    assert_eq!((names(1)[0], names(1)[1]), (names(2)[0], "volume-1"));
    assert_ne!(names(1)[1], names(2)[1]);
    assert_eq!(volumes.len(), 3);
}

/// \[A2\], \[A7\]
#[test]
fn what_fetches_shares_the_sandbox_and_has_to_succeed_first() {
    let mounts = vec![
        mount(MountSource::Sandbox("shared".into()), "/mnt/mesos/sandbox/shared"),
        mount(MountSource::Sandbox("shared".into()), "/data"),
        mount(MountSource::Sandbox("".into()), fetch::SANDBOX),
    ];
    let fetch = Fetch {
        image: "longshore".into(),
        settings: "{}".into(),
        directories: vec!["/srv/files".into()],
        order: Some("[]".into()),
    };
    let content = DefinitionContent { mounts, fetch: Some(fetch), ..content() };
    let (all, volumes) = containers(&content).expect("nothing is missing");
    let [task, fetcher] = &all[..] else { panic!("{all:?}") };
    let first = &task.depends_on()[0];
    assert_eq!(
        (first.container_name(), first.condition()),
        ("fetch", &sdk::ContainerCondition::Success)
    );
    assert_eq!((fetcher.name(), fetcher.image()), (Some("fetch"), Some("longshore")));
    assert_eq!(
        (fetcher.essential(), fetcher.memory(), fetcher.memory_reservation()),
        (Some(false), None, Some(6))
    );
    assert_eq!(fetcher.entry_point(), ["longshore", "fetch"]);
    let names: Vec<_> = fetcher.environment().iter().filter_map(|one| one.name()).collect();
    assert_eq!(names, [fetch::SETTINGS_VARIABLE, fetch::ORDER_VARIABLE]);
    let mounted = |one: &sdk::ContainerDefinition, number: usize| {
        let point = &one.mount_points()[number];
        (point.source_volume().map(str::to_owned), point.read_only())
    };
    assert_eq!(mounted(task, 0).0, mounted(task, 1).0, "one volume in two places");
    assert_eq!(mounted(task, 2), mounted(fetcher, 0));
    assert_eq!((mounted(fetcher, 1).1, volumes.len()), (Some(true), 3));
}

/// \[A2\], \[A16\]
#[test]
fn each_task_of_a_group_has_what_fetches_for_it_alone() {
    let member = |name: &str, fetches: bool| DefinitionContent {
        container: name.into(),
        mounts: vec![mount(MountSource::Sandbox("".into()), fetch::SANDBOX)],
        fetch: fetches.then(|| Fetch { image: "longshore".into(), ..Fetch::default() }),
        ..content()
    };
    let others = vec![member("web", true), member("plain", false), member("log", true)];
    let (all, _) = containers(&DefinitionContent { others, ..content() }).expect("it is whole");
    let told: Vec<_> = all
        .iter()
        .map(|one| {
            let first = one.depends_on().iter().map(|first| first.container_name().to_owned());
            let sandbox = one.mount_points().iter().find_map(sdk::MountPoint::source_volume);
            (one.name().unwrap_or_default(), first.collect::<Vec<_>>(), sandbox)
        })
        .collect();
    let names: Vec<&str> = told.iter().map(|one| one.0).collect();
    assert_eq!(names, ["task", "web", "fetch-web", "plain", "log", "fetch-log"]);
    assert_eq!(told[1].1, ["fetch-web"]);
    assert_eq!(told[4].1, ["fetch-log"]);
    assert!(told[3].1.is_empty());
    assert_eq!((told[1].2, told[4].2), (told[2].2, told[5].2), "they share a sandbox");
    assert_ne!(told[1].2, told[4].2);
}
