//! Volumes.

use longshore_wire_mesos::v1::Parameters;
use longshore_wire_mesos::v1::volume::Source;
use longshore_wire_mesos::v1::volume::source::sandbox_path::Type as SandboxType;
use longshore_wire_mesos::v1::volume::source::{
    DockerVolume, HostPath, SandboxPath, Type as SourceType,
};

use super::*;

fn sourced(source: Source, container_path: &str) -> TaskInfo {
    let volume = Volume {
        mode: Mode::Rw.into(),
        container_path: container_path.to_owned(),
        source: Some(source),
        ..Default::default()
    };
    within(ContainerInfo { volumes: vec![volume], ..docker("nginx") }, shell("sleep 1"))
}

fn named(name: &str, driver: Option<&str>) -> Source {
    let options = Parameters { parameter: vec![parameter("size", "10G")] };
    Source {
        r#type: Some(SourceType::DockerVolume.into()),
        docker_volume: Some(DockerVolume {
            driver: driver.map(str::to_owned),
            name: name.to_owned(),
            driver_options: Some(options),
        }),
        ..Default::default()
    }
}

/// \[A8\]: a relative path in the container is one in the sandbox.
#[test]
fn a_relative_path_in_the_container_begins_at_the_sandbox() {
    let content = content_of(&within(with_volume("/var/data", "data"), shell("sleep 1")));
    assert_eq!(&*content.mounts[0].container_path, "/mnt/mesos/sandbox/data");
}

/// \[A8\]
#[test]
fn a_source_that_is_a_path_of_the_host_is_mounted() {
    let source = Source {
        r#type: Some(SourceType::HostPath.into()),
        host_path: Some(HostPath { path: "/srv".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let content = content_of(&sourced(source, "/srv"));
    let mount = Mount {
        source: MountSource::Host("/srv".into()),
        container_path: "/srv".into(),
        read_only: false,
    };
    assert_eq!(content.mounts[..1], [mount]);
}

/// \[A8\]
#[test]
fn a_directory_of_the_sandbox_is_mounted_there_and_where_the_task_wants_it() {
    let of_sandbox = |kind: SandboxType| Source {
        r#type: Some(SourceType::SandboxPath.into()),
        sandbox_path: Some(SandboxPath { r#type: Some(kind.into()), path: "./logs".to_owned() }),
        ..Default::default()
    };
    for task in [
        sourced(of_sandbox(SandboxType::Self_), "/var/log/app"),
        within(with_volume("logs", "/var/log/app"), shell("sleep 1")),
    ] {
        let mounts = content_of(&task).mounts;
        let at = |number: usize| (mounts[number].source.clone(), &*mounts[number].container_path);
        let shared = MountSource::Sandbox("logs".into());
        assert_eq!(at(0), (shared.clone(), "/mnt/mesos/sandbox/logs"));
        assert_eq!(at(1), (shared, "/var/log/app"));
        assert_eq!(at(2), (MountSource::Sandbox("".into()), "/mnt/mesos/sandbox"));
    }
    let refused =
        try_plan(&sourced(of_sandbox(SandboxType::Parent), "/a")).expect_err("it has no parent");
    assert!(refused.contains("only tasks of a group"), "{refused}");
    for (host, inside) in [("../x", "/a"), ("/srv", "../x"), ("/srv", "a/../../x")] {
        let out = try_plan(&within(with_volume(host, inside), shell("sleep 1")));
        assert!(out.expect_err("it leads out").contains("leads out"), "{host} {inside}");
    }
}

/// \[A8\]
#[test]
fn a_volume_of_docker_keeps_its_name_its_driver_and_its_options() {
    for (driver, expected) in [(Some("rexray"), "rexray"), (None, "local")] {
        let content = content_of(&sourced(named("db", driver), "/data"));
        let source = MountSource::Volume {
            name: "db".into(),
            driver: expected.into(),
            options: [("size".into(), "10G".into())].into(),
        };
        assert_eq!(content.mounts[0].source, source);
    }
    // With a driver, what is no absolute path is a name.
    let mut task = within(with_volume("db", "/data"), shell("sleep 1"));
    let docker = task.container.as_mut().and_then(|container| container.docker.as_mut());
    docker.expect("it is Docker's").parameters.push(parameter("volume-driver", "rexray"));
    let source = MountSource::Volume {
        name: "db".into(),
        driver: "rexray".into(),
        options: BTreeMap::new(),
    };
    assert_eq!(content_of(&task).mounts[0].source, source);
}

/// \[A5\] \[A8\]
#[test]
fn other_volumes_are_refused_by_name() {
    let of_type = |kind: SourceType| Source { r#type: Some(kind.into()), ..Default::default() };
    let mut drivers = sourced(named("db", Some("rexray")), "/data");
    let docker = drivers.container.as_mut().and_then(|container| container.docker.as_mut());
    docker.expect("it is Docker's").volume_driver = Some("local".to_owned());
    for (task, why) in [
        (sourced(of_type(SourceType::SandboxPath), "/a"), "has no sandbox_path"),
        (sourced(of_type(SourceType::Secret), "/a"), "type SECRET"),
        (sourced(of_type(SourceType::CsiVolume), "/a"), "type CSI_VOLUME"),
        (sourced(named("a.b", None), "/a"), "the volume 'a.b'"),
        (drivers, "Only one volume driver is supported"),
        (within(with_volume("a", "b"), shell("sleep 1")), "are relative"),
    ] {
        let refused = try_plan(&task).expect_err(why);
        assert!(refused.contains(why), "{refused}");
    }
}
