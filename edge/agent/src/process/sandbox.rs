//! The sandbox of a task: a directory that its containers are started in, and where files are fetched to.
//!
//! It is `<root>/<task>/.sandbox/`, a name that no container can have, and stands for the volume that is mounted at
//! `/mnt/mesos/sandbox`: without images and mounts that path does not exist here, so variables and working directories that name
//! it are translated. Other volumes below it become links, as Mesos makes them without an image. Beside it, `.about` says whose it
//! is, for those who look for it after a restart. It is removed some time after the task, with the task's output.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::fetch::{self, SANDBOX as MOUNTED, SANDBOX_VARIABLES};
use longshore_wire_ecs::host::{ContainerSpec, TaskSpec};
use longshore_wire_ecs::shape::container_definition::MountPoint;
use serde::{Deserialize, Serialize};

use super::directory::SANDBOX;
use super::launch;
use crate::files::{Folder, Unopened};

/// Says whose a sandbox is.
pub(super) const ABOUT: &str = ".about";
/// Where in the sandbox of a group those of its tasks are. As on a Mesos agent.
pub(super) const TASKS: &str = "tasks";

/// What a container mounts below its sandbox: names there, and the paths of the machine that they lead to. Those that lead nowhere
/// are directories.
pub(super) type Links = Vec<(PathBuf, Option<PathBuf>)>;

/// Whose a sandbox is, in the words of the variables that tell the task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// `MESOS_FRAMEWORK_ID`
    pub framework: Option<Str>,
    /// `MESOS_TASK_ID`
    pub task: Option<Str>,
    /// `MESOS_ALLOCATION_ROLE`
    pub role: Option<Str>,
    /// The container that is the task, or the executor of the group.
    pub container: Str,
    /// `MESOS_EXECUTOR_ID`, if it is a group.
    pub executor: Option<Str>,
    /// The tasks of the group.
    pub members: Vec<Member>,
}

/// A task of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Member {
    /// `MESOS_TASK_ID`
    pub task: Str,
    /// The container that is the task. Its sandbox is `tasks/<container>` in that of the group.
    pub container: Str,
}

impl About {
    fn of(task: &TaskSpec, own: &ContainerSpec) -> Self {
        let variable = |name: &str| own.variable(name).map(Str::from);
        let of_group = variable("MESOS_EXECUTOR_ID");
        let others =
            task.containers.iter().filter(|one| of_group.is_some() && one.name() != own.name());
        let members = others.filter_map(|one| {
            let task = one.variable("MESOS_TASK_ID")?.into();
            Some(Member { task, container: one.name().into() })
        });
        Self {
            framework: variable("MESOS_FRAMEWORK_ID"),
            task: variable("MESOS_TASK_ID"),
            role: variable("MESOS_ALLOCATION_ROLE"),
            container: own.name().into(),
            members: members.collect(),
            executor: of_group,
        }
    }

    /// The id of the executor: a task that is alone has one of its own name.
    pub fn executor_id(&self) -> Option<&Str> {
        self.executor.as_ref().or(self.task.as_ref())
    }
}

/// A sandbox that is there.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The task.
    pub task: ResourceId,
    /// Whose it is.
    pub about: About,
    /// The directory.
    pub folder: Unopened,
    /// The exit code of its container, once that has ended.
    pub exit_code: Option<i32>,
    /// The same of each task of a group, in the order of [`About::members`].
    pub exit_codes: Vec<Option<i32>>,
    /// Whether the task is over.
    pub is_over: bool,
    /// When it was made.
    pub made_at: Option<std::time::SystemTime>,
}

/// Whether a container fetches for its task.
pub(super) fn is_fetcher(spec: &ContainerSpec) -> bool {
    spec.definition.docker_labels.as_ref().is_some_and(|labels| labels.contains_key(fetch::LABEL))
}

/// The links of a container that runs in a sandbox; `None` if it does not.
///
/// # Errors
/// The mount that processes do not have, as `ErrorName: text`.
pub(super) fn mounts(task: &TaskSpec, spec: &ContainerSpec) -> Result<Option<Links>, String> {
    let (mut links, mut is_inside) = (Links::new(), false);
    for mount in spec.definition.mount_points.iter().flatten() {
        let path = mount.container_path.as_deref().unwrap_or_default();
        let from = host_path(task, mount)?;
        let read_only = mount.read_only == Some(true);
        if from.is_none() && is_shared(task, spec, mount) {
            return Err(format!(
                "CannotCreateContainerError: the volume at {path} is one that several tasks share, which needs Docker, but this instance runs plain processes"
            ));
        }
        match (below(path), from) {
            (Some(below), None) if below.as_os_str().is_empty() => is_inside = true,
            // What is there already needs no mount; a fetcher writes into its sandbox alone.
            (None, Some(from)) if from == path && (!read_only || is_fetcher(spec)) => {}
            (Some(below), from) if !below.as_os_str().is_empty() && !read_only => {
                links.push((below, from.map(PathBuf::from)));
            }
            _ => {
                return Err(format!(
                    "CannotCreateContainerError: the mount at {path} needs Docker, but this instance runs plain processes, which have their sandbox and writable directories of the machine: below the sandbox, or where they are"
                ));
            }
        }
    }
    if !is_inside && !links.is_empty() {
        return Err("CannotCreateContainerError: mounts below the sandbox need Docker, but this instance runs plain processes".to_owned());
    }
    Ok(is_inside.then_some(links))
}

/// The name of the volume that is the sandbox of a container.
fn volume(spec: &ContainerSpec) -> Option<&str> {
    let mut mounts = spec.definition.mount_points.iter().flatten();
    mounts.find(|mount| mount.container_path.as_deref() == Some(MOUNTED))?.source_volume.as_deref()
}

/// Whether a volume is mounted by containers whose sandboxes are not the same.
fn is_shared(task: &TaskSpec, spec: &ContainerSpec, mount: &MountPoint) -> bool {
    let mounts = |one: &ContainerSpec| {
        let mut all = one.definition.mount_points.iter().flatten();
        all.any(|other| other.source_volume == mount.source_volume)
    };
    task.containers.iter().any(|one| mounts(one) && volume(one) != volume(spec))
}

/// Where in the sandbox of a task that of a container is: it is all of it, unless several containers have one each, as the tasks of a group
/// have. As on a Mesos agent, they are in that of the group.
fn place(task: &TaskSpec, spec: &ContainerSpec) -> PathBuf {
    let all: BTreeSet<&str> = task.containers.iter().filter_map(volume).collect();
    if all.len() < 2 {
        return PathBuf::new();
    }
    let mut own = task.containers.iter().filter(|one| volume(one) == volume(spec));
    let whose = own.find(|one| !is_fetcher(one)).unwrap_or(spec);
    Path::new(TASKS).join(whose.name())
}

/// The path of the machine that is mounted; `None` for a volume of the task's own.
fn host_path<'t>(task: &'t TaskSpec, mount: &MountPoint) -> Result<Option<&'t str>, String> {
    let name = mount.source_volume.as_deref().unwrap_or_default();
    let volume = task.volumes.iter().find(|volume| volume.name.as_deref() == Some(name));
    let Some(volume) = volume else {
        return Err(format!(
            "CannotCreateContainerError: the task definition has no volume {name}"
        ));
    };
    if volume.docker_volume_configuration.is_some() {
        return Err(format!(
            "CannotCreateContainerError: the Docker volume {name} needs Docker, but this instance runs plain processes"
        ));
    }
    let path = volume.host.as_ref().and_then(|host| host.source_path.as_deref());
    Ok(path.filter(|path| !path.is_empty()))
}

/// The rest of a path in a container that is the sandbox or below it.
fn below(path: &str) -> Option<PathBuf> {
    let rest = Path::new(path).strip_prefix(MOUNTED).ok()?;
    rest.components().all(|part| matches!(part, Component::Normal(_))).then(|| rest.to_owned())
}

/// A path of the machine for one in a container, if that is the sandbox or below it.
pub(super) fn translated(sandbox: &Path, path: &str) -> Option<PathBuf> {
    let below = below(path)?;
    Some(if below.as_os_str().is_empty() { sandbox.to_owned() } else { sandbox.join(below) })
}

/// The value of a variable, which may name the sandbox.
pub(super) fn told<'v>(sandbox: &Path, name: &str, value: &'v str) -> std::borrow::Cow<'v, str> {
    if !SANDBOX_VARIABLES.contains(&name) {
        return value.into();
    }
    let path = translated(sandbox, value);
    path.map_or(value.into(), |path| path.to_string_lossy().into_owned().into())
}

/// The path of a container's sandbox, below its instance's directory.
pub(super) fn path(root: &Folder, task: &TaskSpec, spec: &ContainerSpec) -> PathBuf {
    let whole = root.path().join(task.id.to_string()).join(SANDBOX);
    let place = place(task, spec);
    if place.as_os_str().is_empty() { whole } else { whole.join(place) }
}

/// Makes the sandbox of a container, and the links in it. The directories below it are the user's that the container runs as, as the
/// sandbox itself will be.
///
/// # Errors
/// If it cannot be made.
pub(super) fn make(
    root: &Folder,
    task: &TaskSpec,
    spec: &ContainerSpec,
    links: &Links,
) -> io::Result<()> {
    // A user that does not exist is named when the container is started.
    let user = launch::user(spec).ok().flatten();
    let owner = user.map(|user| (user.uid, user.gid));
    let above = root.make(task.id.to_string())?;
    let whole = above.make(SANDBOX)?;
    let place = place(task, spec);
    let sandbox = if place.as_os_str().is_empty() { whole } else { whole.make(place)? };
    let own = task.containers.iter().find(|container| container.essential());
    if let Some(own) = own.filter(|_| above.size_of(ABOUT).is_none()) {
        let about = About::of(task, own);
        above.write(ABOUT, &serde_json::to_vec(&about)?)?;
    }
    for (at, to) in links {
        let Some(to) = to else {
            sandbox.make_for(at, owner)?;
            continue;
        };
        let name = at.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = at.parent().filter(|parent| !parent.as_os_str().is_empty());
        let into =
            parent.map_or_else(|| Ok(sandbox.clone()), |parent| sandbox.make_for(parent, owner))?;
        match rustix::fs::symlinkat(to, &into, name) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_sandbox_are_translated_and_no_others() {
        let at = Path::new("/data/1/.sandbox");
        let to = |path: &str| translated(at, path);
        assert_eq!(to("/mnt/mesos/sandbox"), Some("/data/1/.sandbox".into()));
        assert_eq!(to("/mnt/mesos/sandbox/a/b"), Some("/data/1/.sandbox/a/b".into()));
        for other in ["/mnt/mesos", "/tmp", "/mnt/mesos/sandbox/../x", "/mnt/mesos/sandboxes"] {
            assert_eq!(to(other), None, "{other}");
        }
        assert_eq!(told(at, "MESOS_SANDBOX", "/mnt/mesos/sandbox"), "/data/1/.sandbox");
        assert_eq!(told(at, "MINE", "/mnt/mesos/sandbox"), "/mnt/mesos/sandbox");
    }
}
