//! From a group to one ECS task: a container for each task, and one for the executor. Source: \[A16\], \[L4\].
//!
//! The container of the executor is the essential one: it waits until the group is stopped. Those of the tasks are not essential, so that
//! one that ends well leaves the others alone; what becomes of the others when one fails is decided by [`crate::flows`].
//!
//! What has URIs gets one more container, which fetches them into the sandbox of its own.
//!
//! A group without a named network is on the network of its agent, as it is with Mesos: its tasks reach each other on localhost. Its
//! sandbox is what tasks mount of it.

use std::collections::{BTreeMap, BTreeSet};

use longshore_replica::{ContainerStart, DefinitionContent, Mount, MountSource};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Arn;
use longshore_wire_ecs::fetch::{self, SANDBOX_VARIABLES};
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::limits::CONTAINERS_MAX;
use longshore_wire_mesos::v1::{ExecutorInfo, TaskInfo};

use super::overrides::Overridden;
use super::{
    CLAIM_VARIABLE, EXECUTOR_VARIABLE, FRAMEWORK_VARIABLE, IGNORED_IMAGE, Memory, Other, Plan,
    ROLE_VARIABLE, Site, cpu_units, family, gpus, memory_mib, overrides, sandbox, volumes,
};
use crate::amounts::Amounts;
use crate::config::{Config, DefaultImage};
use crate::launches::{GroupAsked, Reach, Terms};
use crate::limits;

/// The container of the executor.
pub(crate) const EXECUTOR: &str = "executor";
/// Waits, and ends at once when it is told to.
const WAIT: &str = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";

/// Decides how a group is run.
///
/// # Errors
/// What cannot be mapped, for the `TASK_ERROR` of each of its tasks.
pub(crate) fn plan_group(
    config: &Config,
    reach: &Reach,
    framework: &str,
    role: &str,
    asked: &GroupAsked<'_>,
) -> Result<Plan, String> {
    let parents = parents(asked.executor)?;
    let site = Site { config, reach, executor: Some(asked.claim) };
    let names = names(asked.tasks.iter().map(|(task, _)| &*task.name));
    let mut others = Vec::new();
    let mut contents = Vec::new();
    for ((task, claim), name) in asked.tasks.iter().zip(names) {
        let (mut other, content) = member(site, &name, task, claim, &parents)?;
        let environment = &mut other.start.environment;
        let command = super::command(task)?;
        environment.extend(super::environment(config, framework, role, task, command, claim)?);
        let executor = asked.executor.executor_id.value.as_str();
        environment.insert(EXECUTOR_VARIABLE.into(), executor.into());
        for name in SANDBOX_VARIABLES {
            environment.remove(name);
        }
        other.terms.write(environment);
        others.push(other);
        contents.push(content);
    }
    fits(&contents)?;
    let mut content = executor(config, asked.executor, contents.first())?;
    let mut environment = identity(framework, role, asked);
    let mut command = None;
    let mut all = vec![Overridden {
        environment: &mut environment,
        command: &mut command,
        fetch: None,
        content: &mut content,
    }];
    for (other, content) in others.iter_mut().zip(&mut contents) {
        let ContainerStart { environment, command, fetch, .. } = &mut other.start;
        all.push(Overridden { environment, command, fetch: Some(fetch), content });
    }
    overrides::fit(&mut all)?;
    content.others = contents;
    Ok(Plan {
        named: None,
        unless_named: None,
        content: Some(family::sealed(content)),
        command,
        environment,
        fetch: None,
        memory: Memory::Claimed,
        terms: Terms::default(),
        note: None,
        terms_unnamed: None,
        others,
    })
}

/// That the containers of a group are no more than an ECS task has.
fn fits(contents: &[DefinitionContent]) -> Result<(), String> {
    let fetchers = contents.iter().filter(|content| content.fetch.is_some()).count();
    let containers = 1 + contents.len() + fetchers;
    if containers <= CONTAINERS_MAX {
        return Ok(());
    }
    Err(format!(
        "Task group needs {containers} containers on Amazon ECS, {fetchers} of them to fetch URIs; a task has at most {CONTAINERS_MAX}"
    ))
}

/// What tells an executor after a restart.
fn identity(framework: &str, role: &str, asked: &GroupAsked<'_>) -> BTreeMap<Str, Str> {
    let pairs = [
        (FRAMEWORK_VARIABLE, framework.to_owned()),
        (EXECUTOR_VARIABLE, asked.executor.executor_id.value.clone()),
        (ROLE_VARIABLE, role.to_owned()),
        (CLAIM_VARIABLE, asked.claim.to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// The container that the group lives as long as. It needs a shell: that of the default image, or else of the first task's.
fn executor(
    config: &Config,
    asked: &ExecutorInfo,
    first: Option<&DefinitionContent>,
) -> Result<DefinitionContent, String> {
    let image = match (&config.default_image, first) {
        (DefaultImage::Image(image), _) => image.clone(),
        (DefaultImage::None, Some(first)) => first.image.clone(),
        (DefaultImage::None, None) => return Err("Task group has no tasks".to_owned()),
    };
    let grace = asked.shutdown_grace_period.as_ref().map(super::whole_seconds);
    let grace = grace.unwrap_or(config.kill_grace_s);
    Ok(DefinitionContent {
        container: EXECUTOR.into(),
        image,
        entry_point: Some(vec!["/bin/sh".into(), "-c".into()]),
        command: Some(vec![WAIT.into()]),
        network_mode: Some(NetworkMode::Host),
        stop_timeout_s: Some(grace.max(limits::STOP_TIMEOUT_S_MIN)),
        ..DefinitionContent::default()
    })
}

/// The container of a task, and what a launch says of it.
fn member(
    site: Site<'_>,
    name: &Str,
    task: &TaskInfo,
    claim: &Amounts,
    parents: &Parents,
) -> Result<(Other, DefinitionContent), String> {
    let command = super::command(task)?;
    let image = super::image(task);
    let names_definition = super::label(task).is_some()
        || image.as_deref() == Some(IGNORED_IMAGE)
        || command.value.as_deref().is_some_and(|value| Arn::parse(value.trim()).is_some());
    if names_definition {
        return Err(
            "a task of a group cannot name a task definition: launch it by itself, or give it an image and a command".to_owned()
        );
    }
    let (mut content, watches) = super::content(site, task, command, image.as_deref(), claim)?;
    if content.hostname.is_some() {
        return Err("Unable to set hostname with host network mode".to_owned());
    }
    let fetch = sandbox::fetch(&site.config.fetching, command, claim, &mut content)?;
    content.container = name.clone();
    content.network_mode = None;
    for mount in &mut content.mounts {
        if let MountSource::Shared(path) = &mount.source
            && let Some(given) = parents.below(path)?
        {
            mount.source = given;
        }
    }
    if image.is_none() {
        // Without an image of its own a task sees what its executor sees.
        content.mounts.extend(parents.seen.iter().cloned());
    }
    let fetcher_mib = if fetch.is_some() { sandbox::FETCH_MEMORY_MIB } else { 0 };
    let memory = Memory::of(task, claim).said(memory_mib(claim).saturating_sub(fetcher_mib));
    let start = ContainerStart {
        container: name.clone(),
        command: super::words(command, super::keeps_entry_point(task, command))?,
        environment: BTreeMap::new(),
        cpu: cpu_units(claim),
        memory_mib: memory.most_mib,
        memory_reservation_mib: memory.reserved_mib,
        gpus: Some(gpus(claim)).filter(|gpus| *gpus > 0),
        fetch,
    };
    let other = Other { start, terms: Terms::of(task, watches), note: super::note(task) };
    Ok((other, content))
}

/// The volumes of an executor, which are those of its tasks.
struct Parents {
    /// What tasks reach by a path of the group's sandbox.
    in_sandbox: BTreeMap<Str, MountSource>,
    /// What is mounted elsewhere.
    seen: Vec<Mount>,
}

impl Parents {
    /// What is at a path of the group's sandbox, if it is not just a directory of it.
    fn below(&self, path: &Str) -> Result<Option<MountSource>, String> {
        if let Some(given) = self.in_sandbox.get(path) {
            return Ok(Some(given.clone()));
        }
        let first = path.split('/').next().unwrap_or_default();
        if self.in_sandbox.contains_key(first) {
            return Err(format!(
                "'{path}' is below a volume of the executor, of which Amazon ECS can mount only the whole"
            ));
        }
        Ok(None)
    }
}

fn parents(executor: &ExecutorInfo) -> Result<Parents, String> {
    let mut parents = Parents { in_sandbox: BTreeMap::new(), seen: Vec::new() };
    let Some(container) = &executor.container else { return Ok(parents) };
    if let Some(name) = container.network_infos.iter().find_map(|network| network.name.as_deref()) {
        return Err(format!(
            "the container network '{name}' of the executor cannot be mapped to Amazon ECS: without one, tasks of a group are on the network of their agent"
        ));
    }
    for volume in &container.volumes {
        let mount = volumes::mount(volume, None)?;
        if matches!(mount.source, MountSource::Shared(_)) {
            return Err("an executor has no sandbox above its own".to_owned());
        }
        if volume.container_path.starts_with('/') {
            let source = match mount.source {
                MountSource::Sandbox(path) => MountSource::Shared(path),
                other => other,
            };
            parents.seen.push(Mount { source, ..mount });
        } else {
            let path = volume.container_path.trim_end_matches('/');
            // What is new and empty is a directory of the sandbox that all share.
            let source = match mount.source {
                MountSource::Fresh => MountSource::Shared(path.into()),
                MountSource::Sandbox(path) => MountSource::Shared(path),
                other => other,
            };
            parents.in_sandbox.insert(path.into(), source);
        }
    }
    Ok(parents)
}

/// Names of containers: those of the tasks where ECS takes them, no two are the same, and none is that of a container that fetches.
fn names<'a>(given: impl Iterator<Item = &'a str>) -> Vec<Str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_name = |name: &str| {
        !name.is_empty() && name.len() <= fetch::FETCHED_CHARS_MAX && name.bytes().all(is_allowed)
    };
    let mut taken: BTreeSet<Str> = [EXECUTOR.into()].into();
    let mut names = Vec::new();
    for (number, name) in given.enumerate() {
        let is_free = |name: &&str| !taken.contains(*name) && !fetch::is_container(name);
        let own = Some(name).filter(|name| is_name(name) && is_free(name));
        let mut tries = (0..).map(|more| match more {
            0 => Str::from(format!("task-{number}")),
            more => format!("task-{number}-{more}").into(),
        });
        let name = own.map(Str::from).or_else(|| tries.find(|name| !taken.contains(name)));
        let name = name.unwrap_or_else(|| EXECUTOR.into());
        taken.insert(name.clone());
        names.push(name);
    }
    names
}
