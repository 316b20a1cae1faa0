//! Volumes, as far as ECS has them. Source: \[A8\], `src/docker/docker.cpp` of Mesos.

use std::collections::BTreeMap;

use longshore_replica::{Mount, MountSource};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::fetch::SANDBOX;
use longshore_wire_ecs::limits::NAME_CHARS_MAX;
use longshore_wire_mesos::v1::Volume;
use longshore_wire_mesos::v1::container_info::DockerInfo;
use longshore_wire_mesos::v1::volume::source::{SandboxPath, sandbox_path};
use longshore_wire_mesos::v1::volume::{Mode, Source, source};

use super::sandbox;

/// The volume driver of a Docker container, if it names one.
///
/// # Errors
/// That it names two.
pub(super) fn driver(docker: &DockerInfo) -> Result<Option<&str>, String> {
    let given = docker.parameters.iter().filter(|one| one.key == "volume-driver");
    let mut given = docker.volume_driver.as_deref().into_iter().chain(given.map(|one| &*one.value));
    let first = given.next();
    if given.any(|other| Some(other) != first) {
        return Err("Only one volume driver is supported".to_owned());
    }
    Ok(first)
}

/// Adds a volume of a task. With a driver, what is no absolute path on the host is the name of a volume; without, it is a directory
/// of the sandbox, which is mounted in both places.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn add(
    volume: &Volume,
    driver: Option<&str>,
    mounts: &mut Vec<Mount>,
) -> Result<(), String> {
    let mount = mount(volume, driver)?;
    if let MountSource::Sandbox(path) = &mount.source {
        let container_path = format!("{SANDBOX}/{path}").into();
        let own = Mount { source: mount.source.clone(), container_path, read_only: false };
        if !mounts.contains(&own) && own.container_path != mount.container_path {
            mounts.push(own);
        }
    }
    mounts.push(mount);
    Ok(())
}

/// What a volume is, and where.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn mount(volume: &Volume, driver: Option<&str>) -> Result<Mount, String> {
    let inside = &volume.container_path;
    let source = match (&volume.host_path, &volume.source) {
        (Some(path), _) => host(path, inside, driver)?,
        (None, Some(source)) => sourced(source, inside, driver)?,
        (None, None) => {
            return Err(
                "volumes with the content of an image cannot be mapped to Amazon ECS".to_owned()
            );
        }
    };
    let container_path = if inside.starts_with('/') {
        inside.as_str().into()
    } else {
        format!("{SANDBOX}/{}", sandbox::path(inside)?).into()
    };
    Ok(Mount { source, container_path, read_only: volume.mode() == Mode::Ro })
}

fn host(path: &str, inside: &str, driver: Option<&str>) -> Result<MountSource, String> {
    if path.starts_with('/') {
        return Ok(MountSource::Host(path.into()));
    }
    if !inside.starts_with('/') {
        return Err(format!(
            "both host_path '{path}' and container_path '{inside}' of a volume are relative"
        ));
    }
    match driver {
        Some(driver) => named(path, driver, BTreeMap::new()),
        None => sandbox::path(path).map(MountSource::Sandbox),
    }
}

fn sourced(from: &Source, inside: &str, driver: Option<&str>) -> Result<MountSource, String> {
    let kind = from.r#type();
    match (kind, &from.host_path, &from.docker_volume) {
        (source::Type::HostPath, Some(path), _) => {
            if path.mount_propagation.is_some() {
                return Err(
                    "mount_propagation of a volume cannot be mapped to Amazon ECS".to_owned()
                );
            }
            host(&path.path, inside, None)
        }
        (source::Type::DockerVolume, _, Some(volume)) => {
            let own = volume.driver.as_deref().filter(|own| !own.is_empty());
            if let (Some(own), Some(driver)) = (own, driver)
                && own != driver
            {
                return Err("Only one volume driver is supported".to_owned());
            }
            let options = volume.driver_options.iter().flat_map(|options| &options.parameter);
            let options = options.map(|one| (one.key.as_str().into(), one.value.as_str().into()));
            named(&volume.name, own.or(driver).unwrap_or("local"), options.collect())
        }
        (source::Type::SandboxPath, ..) => {
            let path = from.sandbox_path.as_ref();
            of_sandbox(path.ok_or("a volume of type SANDBOX_PATH has no sandbox_path")?)
        }
        _ => Err(format!("volumes of type {} cannot be mapped to Amazon ECS", kind.as_str_name())),
    }
}

/// A directory of the sandbox, or of that of the group. Source: \[A16\].
fn of_sandbox(from: &SandboxPath) -> Result<MountSource, String> {
    let path = sandbox::path(&from.path)?;
    match from.r#type() {
        sandbox_path::Type::Self_ => Ok(MountSource::Sandbox(path)),
        sandbox_path::Type::Parent => Ok(MountSource::Shared(path)),
        sandbox_path::Type::Unknown => Err("the type of a SANDBOX_PATH must be set".to_owned()),
    }
}

/// A volume that Docker has, or makes. ECS calls it what the task definition calls it, which is less than Docker allows.
fn named(name: &str, driver: &str, options: BTreeMap<Str, Str>) -> Result<MountSource, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(is_allowed) {
        return Err(format!(
            "the volume '{name}' cannot be mapped to Amazon ECS, where names of volumes have up to {NAME_CHARS_MAX} letters, digits, hyphens and underscores"
        ));
    }
    Ok(MountSource::Volume { name: name.into(), driver: driver.into(), options })
}

/// What the Docker parameter `volume` says: `[SOURCE:]PATH[:OPTIONS]`.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn of_parameter(value: &str, driver: Option<&str>) -> Result<Mount, String> {
    let parts: Vec<&str> = value.split(':').collect();
    let (from, inside, options) = match parts[..] {
        [inside] => (None, inside, ""),
        [from, inside] => (Some(from), inside, ""),
        [from, inside, options] => (Some(from), inside, options),
        _ => return Err("it has too many colons".to_owned()),
    };
    if !inside.starts_with('/') {
        return Err("its path in the container is not absolute".to_owned());
    }
    let mut read_only = false;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => {}
            other => return Err(format!("Amazon ECS has no option '{other}'")),
        }
    }
    let source = match from {
        None => MountSource::Fresh,
        Some(path) if path.starts_with('/') => MountSource::Host(path.into()),
        Some(name) => named(name, driver.unwrap_or("local"), BTreeMap::new())?,
    };
    Ok(Mount { source, container_path: inside.into(), read_only })
}
