//! Finds a file by the path that a client asks for.
//!
//! Three forms, as at an agent of Mesos: the directory that `/state` tells of an executor; a path of the working directory,
//! `<work>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<run>`; and the same from `frameworks` on. A run is named by
//! its container or is the `latest`. What follows is a path in the sandbox.

use std::path::{Component, Path, PathBuf};

use longshore_agent::Runtime;
use longshore_agent::process::Sandbox;
use longshore_wire_ecs::arn::ResourceId;

/// Bytes of a path. Source: Linux, `PATH_MAX`.
const PATH_BYTES_MAX: usize = 4_096;

/// A place in a sandbox.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) sandbox: Sandbox,
    /// In the sandbox; empty for the sandbox itself.
    pub(super) below: PathBuf,
}

/// What a path names, before it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    /// A sandbox by its directory.
    Task(ResourceId, PathBuf),
    /// A run: framework, executor, run.
    Run([String; 3], PathBuf),
}

fn named(path: &str) -> Option<Named> {
    if path.len() > PATH_BYTES_MAX || path.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    // The first that fits: what follows is a task's to name.
    for at in 0..parts.len() {
        match parts[at..] {
            ["frameworks", framework, "executors", executor, "runs", run, ref rest @ ..] => {
                let run = [framework, executor, run].map(str::to_owned);
                return Some(Named::Run(run, rest.iter().collect()));
            }
            [task, directory, ref rest @ ..] if directory == longshore_agent::process::SANDBOX => {
                return Some(Named::Task(ResourceId::parse(task)?, rest.iter().collect()));
            }
            _ => {}
        }
    }
    None
}

/// The place that a path leads to, if it is in a sandbox of this instance.
pub(super) async fn find(runtime: &Runtime, path: &str) -> Option<Place> {
    match named(path)? {
        Named::Task(task, below) => {
            let sandbox = runtime.sandbox(task).await?;
            // It may be that of another instance, or a directory that only looks like it.
            Path::new(path).starts_with(sandbox.folder.path()).then_some(Place { sandbox, below })
        }
        Named::Run([framework, executor, run], below) => {
            let is_it = |one: &Sandbox| {
                one.about.framework.as_deref() == Some(&framework)
                    && one.about.executor_id().map(|id| &**id) == Some(&executor)
            };
            let sandbox = if run == "latest" {
                let found = runtime.sandboxes().await.into_iter().filter(is_it);
                found.max_by_key(|one| (!one.is_over, one.made_at))?
            } else {
                let found = runtime.sandbox(ResourceId::parse(&run)?).await?;
                Some(found).filter(is_it)?
            };
            let below = in_group(&sandbox, below);
            Some(Place { sandbox, below })
        }
    }
}

/// Where a task of a group is, by its id: with Mesos a link leads there. Source: Mesos, `paths::getTaskSymlinkPath`.
fn in_group(sandbox: &Sandbox, below: PathBuf) -> PathBuf {
    let mut parts = below.iter();
    let (Some(tasks), Some(task)) = (parts.next(), parts.next()) else { return below };
    let mut members = sandbox.about.members.iter().filter(|_| tasks == "tasks");
    match members.find(|member| task == &*member.task) {
        Some(member) => {
            [tasks, member.container.as_ref().as_ref()].into_iter().chain(parts).collect()
        }
        None => below,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_in_each_form_and_never_lead_up() {
        let run = |rest: &str| {
            let run = ["f", "e", "latest"].map(str::to_owned);
            Some(Named::Run(run, rest.into()))
        };
        assert_eq!(named("/frameworks/f/executors/e/runs/latest/stdout"), run("stdout"));
        assert_eq!(named("/w/slaves/s/frameworks/f/executors/e/runs/latest"), run(""));
        let task = ResourceId(0xabc);
        let own = format!("/data/hosts/1/{task}/.sandbox/a//b");
        assert_eq!(named(&own), Some(Named::Task(task, "a/b".into())));
        for other in [
            "",
            "/",
            "/etc/passwd",
            "/frameworks/f/executors/e/runs",
            "/frameworks/f/executors/e/runs/latest/../../../../../etc/passwd",
            "/x/.sandbox/a",
            "/frameworks/f/executors/e/runs/latest/\0",
        ] {
            assert_eq!(named(other), None, "{other:?}");
        }
    }
}
