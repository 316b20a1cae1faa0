//! From a Mesos task to an ECS task. Two ways: the command names a registered task definition, or image and command become
//! one, registered once for equal content. Sizes travel as overrides, and so do environment and command as far as they fit.

mod checks;
mod docker;
mod family;
mod group;
mod linux;
mod memory;
mod overrides;
mod parameters;
pub(crate) mod sandbox;
mod secrets;
mod volumes;

use std::collections::BTreeMap;

use longshore_replica::{ContainerStart, DefinitionContent, MountSource};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Arn;
use longshore_wire_ecs::fetch::SANDBOX_VARIABLES;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::limits::CONTAINER_MEMORY_MIB_MIN;
use longshore_wire_mesos::v1::environment::variable::Type as VariableType;
use longshore_wire_mesos::v1::{CommandInfo, DurationInfo, TaskInfo};

pub(crate) use self::family::is_ours;
pub(crate) use self::group::{EXECUTOR as EXECUTOR_CONTAINER, plan_group};
use self::memory::Memory;
pub(crate) use self::memory::MemorySaid;
use self::overrides::Overridden;
use super::reach::Reach;
use super::terms::Terms;
use crate::amounts::Amounts;
use crate::config::{Config, DefaultImage};
use crate::limits;
use crate::ranges::Ranges;
use crate::watches::Watches;

/// The image that says: the command names a task definition.
const IGNORED_IMAGE: &str = "ignore";
/// The label that names a task definition, whatever image and command say.
const LABEL: &str = "ecs.task-definition";
/// Where a launch says what it claims, so that it is known after a restart.
pub(crate) const CLAIM_VARIABLE: &str = "LONGSHORE_CLAIM";
/// Source: Mesos sets it for executors; here it tells whose a task is.
pub(crate) const FRAMEWORK_VARIABLE: &str = "MESOS_FRAMEWORK_ID";
/// Source: Marathon and others set it for tasks; here it tells which task it is.
pub(crate) const TASK_VARIABLE: &str = "MESOS_TASK_ID";
/// Source: Mesos sets it for executors; here it tells which executor a group has.
pub(crate) const EXECUTOR_VARIABLE: &str = "MESOS_EXECUTOR_ID";
/// The role that a launch's resources are allocated to.
pub(crate) const ROLE_VARIABLE: &str = "MESOS_ALLOCATION_ROLE";

/// How a task is to be run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// A task definition to look for first.
    pub(crate) named: Option<Str>,
    /// Why the task cannot be run if a definition of that name is there.
    pub(crate) unless_named: Option<String>,
    /// What to run if none is named, or the one that is named is not there.
    pub(crate) content: Option<DefinitionContent>,
    pub(crate) command: Option<Vec<Str>>,
    pub(crate) environment: BTreeMap<Str, Str>,
    /// The order for what fetches files into the sandbox, unless the content has it.
    pub(crate) fetch: Option<Str>,
    /// How much memory it may have.
    pub(crate) memory: Memory,
    /// What its framework agreed to, and how it is watched.
    pub(crate) terms: Terms,
    /// What its framework should hear with the first update.
    pub(crate) note: Option<String>,
    /// The terms if the definition that is named is not there.
    pub(crate) terms_unnamed: Option<Terms>,
    /// The tasks of a group, each in a container of the same task.
    pub(crate) others: Vec<Other>,
}

/// A task of a group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Other {
    /// How its container is started.
    pub(crate) start: ContainerStart,
    /// What its framework agreed to, and how it is watched.
    pub(crate) terms: Terms,
    /// What its framework should hear with the first update.
    pub(crate) note: Option<String>,
}

/// Where a task is to run.
#[derive(Clone, Copy, Debug)]
struct Site<'a> {
    config: &'a Config,
    reach: &'a Reach,
    /// What the executor of its group claims, if it is in one.
    executor: Option<&'a Amounts>,
}

impl Plan {
    /// Whether a registered definition decides what runs.
    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// Seconds that each task of a group has to end by itself.
    pub(super) fn graces(&self) -> Vec<Option<u32>> {
        let others = self.content.iter().flat_map(|content| &content.others);
        others.map(|content| content.stop_timeout_s).collect()
    }
}

/// CPU units that ECS reserves for a claim. Rounded down, so that tasks that together claim all that was offered fit.
pub(crate) fn cpu_units(claim: &Amounts) -> u32 {
    u32::try_from(claim.scalar("cpus") * 1024 / 1000).unwrap_or(u32::MAX)
}

/// Whole GPUs of a claim.
pub(crate) fn gpus(claim: &Amounts) -> u32 {
    u32::try_from(claim.scalar("gpus") / crate::amounts::MILLI).unwrap_or(u32::MAX)
}

/// MiB that ECS reserves for a claim that was [`raised`].
pub(crate) fn memory_mib(claim: &Amounts) -> u32 {
    let least = CONTAINER_MEMORY_MIB_MIN.unsigned_abs();
    u32::try_from(claim.scalar("mem").div_ceil(1000)).unwrap_or(u32::MAX).max(least)
}

/// A claim with the memory that ECS will reserve for it: whole MiB, and what a container has at least.
pub(crate) fn raised(claim: &Amounts) -> Amounts {
    let mut raised = claim.clone();
    raised.scalars.insert("mem".to_owned(), u64::from(memory_mib(claim)) * 1000);
    raised
}

/// Decides how a task is run.
///
/// # Errors
/// What cannot be mapped, for the `TASK_ERROR`.
pub(crate) fn plan(
    config: &Config,
    reach: &Reach,
    framework: &str,
    role: &str,
    task: &TaskInfo,
    claim: &Amounts,
) -> Result<Plan, String> {
    let command = command(task)?;
    let site = Site { config, reach, executor: None };
    let mut environment = environment(config, framework, role, task, command, claim)?;
    let image = image(task);
    if let Some(named) = named(task, command, image.as_deref()) {
        let must = image.as_deref() == Some(IGNORED_IMAGE)
            || label(task).is_some()
            || Arn::parse(&named).is_some();
        if must && !command.uris.is_empty() {
            return Err(format!(
                "URIs cannot be fetched for the task definition {named}, whose containers are not ours to change: leave them out"
            ));
        }
        if must {
            secrets::none(command, &named)?;
        }
        let fallback = if must { None } else { content(site, task, command, None, claim).ok() };
        return plan_named(reach, task, command, environment, claim, (named, fallback));
    }
    let (mut content, watches) = content(site, task, command, image.as_deref(), claim)?;
    if content.mounts.iter().any(|mount| matches!(mount.source, MountSource::Shared(_))) {
        return Err("only tasks of a group have a sandbox above their own: SANDBOX_PATH of type PARENT cannot be mapped to Amazon ECS for others".to_owned());
    }
    let mut fetch = sandbox::fetch(&config.fetching, command, claim, &mut content)?;
    for name in SANDBOX_VARIABLES {
        environment.remove(name);
    }
    let mut words = words(command, keeps_entry_point(task, command))?;
    let terms = Terms::of(task, watches);
    terms.write(&mut environment);
    overrides::fit(&mut [Overridden {
        environment: &mut environment,
        command: &mut words,
        fetch: Some(&mut fetch),
        content: &mut content,
    }])?;
    Ok(Plan {
        named: None,
        unless_named: None,
        content: Some(family::sealed(content)),
        command: words,
        environment,
        fetch,
        memory: Memory::of(task, claim),
        note: note(task),
        terms,
        terms_unnamed: None,
        others: Vec::new(),
    })
}

/// The command of a task, if nothing is asked for that cannot be done whatever it runs in.
fn command(task: &TaskInfo) -> Result<&CommandInfo, String> {
    let Some(command) = &task.command else {
        return Err(
            "executors cannot be mapped to Amazon ECS yet: give the task a command".to_owned()
        );
    };
    overrides::possible(command)?;
    Ok(command)
}

/// The same for a task that names a definition, and what it is to run if there is none of that name.
fn plan_named(
    reach: &Reach,
    task: &TaskInfo,
    command: &CommandInfo,
    mut environment: BTreeMap<Str, Str>,
    claim: &Amounts,
    (named, fallback): (Str, Option<(DefinitionContent, Watches)>),
) -> Result<Plan, String> {
    let words = fallback.is_some().then(|| words(command, false)).transpose()?.flatten();
    let (watches, unless_named) = match checks::of_named(reach, task) {
        Ok(watches) => (watches, None),
        Err(why) if fallback.is_some() => (Watches::default(), Some(why)),
        Err(why) => return Err(why),
    };
    let (content, fallback) = fallback.unzip();
    let terms = Terms::of(task, watches);
    terms.write(&mut environment);
    overrides::fits_named(&environment)?;
    Ok(Plan {
        named: Some(named),
        unless_named,
        content: content.map(family::sealed),
        command: words,
        environment,
        fetch: None,
        memory: Memory::of(task, claim),
        note: note(task),
        terms,
        terms_unnamed: fallback.map(|watches| Terms::of(task, watches)),
        others: Vec::new(),
    })
}

/// What of a task is not as it was asked for. Source: ECS API reference, `ContainerDefinition.cpu`: it is a share, and no limit.
fn note(task: &TaskInfo) -> Option<String> {
    let limit = task.limits.get("cpus").map(|limit| limit.value).filter(|cpus| cpus.is_finite())?;
    Some(format!(
        "the limit of {limit} cpus is not enforced: Amazon ECS lets a container use CPU that is idle"
    ))
}

fn label(task: &TaskInfo) -> Option<&str> {
    let labels = task.labels.iter().flat_map(|labels| &labels.labels);
    labels.filter(|label| label.key == LABEL).find_map(|label| label.value.as_deref())
}

fn image(task: &TaskInfo) -> Option<String> {
    let container = task.container.as_ref()?;
    if let Some(docker) = &container.docker {
        return Some(docker.image.clone());
    }
    container.mesos.as_ref()?.image.as_ref()?.docker.as_ref().map(|docker| docker.name.clone())
}

/// The task definition that a task names: by label, or by a command that can be one's name while no image says
/// otherwise.
fn named(task: &TaskInfo, command: &CommandInfo, image: Option<&str>) -> Option<Str> {
    if let Some(label) = label(task) {
        return Some(label.into());
    }
    let value = command.value.as_deref()?.trim();
    let is_arn = Arn::parse(value).is_some_and(|arn| arn.kind == "task-definition");
    // What has files fetched runs one of them, not a definition that may have its name.
    let may = match image {
        None => command.uris.is_empty(),
        Some(image) => image == IGNORED_IMAGE,
    };
    ((may && is_definition_name(value)) || is_arn).then(|| value.into())
}

/// `family` or `family:revision`.
fn is_definition_name(text: &str) -> bool {
    let (family, revision) = text.split_once(':').unwrap_or((text, "1"));
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=255).contains(&family.len()) && family.bytes().all(name) && revision.parse::<u32>().is_ok()
}

/// What a launch says of the environment.
///
/// # Errors
/// A secret that may not be passed.
fn environment(
    config: &Config,
    framework: &str,
    role: &str,
    task: &TaskInfo,
    command: &CommandInfo,
    claim: &Amounts,
) -> Result<BTreeMap<Str, Str>, String> {
    let given = command.environment.iter().flat_map(|environment| &environment.variables);
    let given = given.filter(|variable| variable.r#type() != VariableType::Secret);
    let given =
        given.map(|variable| (variable.name.as_str(), variable.value.clone().unwrap_or_default()));
    let mut environment: BTreeMap<Str, Str> = given
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    environment.append(&mut secrets::values(&config.secrets, command)?);
    for (name, value) in docker::variables(task) {
        environment.entry(name).or_insert(value);
    }
    for (name, value) in [
        (FRAMEWORK_VARIABLE, framework.to_owned()),
        (TASK_VARIABLE, task.task_id.value.clone()),
        (ROLE_VARIABLE, role.to_owned()),
        (CLAIM_VARIABLE, claim.to_string()),
    ] {
        environment.insert(name.into(), value.into());
    }
    Ok(environment)
}

/// Whether the entry point of an image runs: with Docker whenever there is no shell, and with the Mesos containerizer when there is no
/// program to run instead. Source: \[A1\]; Mesos, `docs/mesos-containerizer.md`, "Docker Runtime Isolator".
fn keeps_entry_point(task: &TaskInfo, command: &CommandInfo) -> bool {
    let is_docker = task.container.as_ref().is_some_and(|container| container.docker.is_some());
    !command.shell() && (is_docker || (command.value.is_none() && image(task).is_some()))
}

/// The arguments of the container. Source: \[A1\]: the shell gets one word; an image that keeps its entry point gets
/// value and arguments; elsewhere the arguments include the program's own name.
fn words(command: &CommandInfo, keeps_entry_point: bool) -> Result<Option<Vec<Str>>, String> {
    let value = command.value.as_deref();
    if command.shell() {
        let value = value.ok_or(
            "Shell command is not specified: 'command.value' is needed while 'shell' is true",
        )?;
        return Ok(Some(vec![value.into()]));
    }
    let arguments = command.arguments.iter().map(|word| Str::from(word.as_str()));
    if keeps_entry_point {
        let all: Vec<Str> = value.map(Str::from).into_iter().chain(arguments).collect();
        return Ok(Some(all).filter(|words| !words.is_empty()));
    }
    let value = value.ok_or("Executable path is not specified: 'command.value' is needed")?;
    Ok(Some(std::iter::once(Str::from(value)).chain(arguments.skip(1)).collect()))
}

/// What a task definition for the task has to hold, and how the task is watched besides.
fn content(
    site: Site<'_>,
    task: &TaskInfo,
    command: &CommandInfo,
    image: Option<&str>,
    claim: &Amounts,
) -> Result<(DefinitionContent, Watches), String> {
    let Site { config, reach, executor } = site;
    let has_image = image.is_some();
    let image: Str = match (image, &config.default_image) {
        (Some(image), _) => image.into(),
        (None, DefaultImage::Image(image)) => image.clone(),
        (None, DefaultImage::None) => {
            return Err(
                "the task names no image and no default image is configured (--default-image, or LONGSHORE_DEFAULT_IMAGE)"
                    .to_owned(),
            );
        }
    };
    let entry_point = if command.shell() {
        Some(vec!["/bin/sh".into(), "-c".into()])
    } else if keeps_entry_point(task, command) {
        None
    } else {
        Some(vec!["/bin/sh".into(), "-c".into(), "exec \"$0\" \"$@\"".into()])
    };
    let mut content = DefinitionContent {
        container: "task".into(),
        image,
        entry_point,
        user: command.user.as_deref().map(Into::into),
        memory_unbounded: Memory::of(task, claim) == Memory::Unbounded,
        ..Default::default()
    };
    secrets::apply(&config.secrets, command, &mut content)?;
    if let Some(container) = &task.container {
        docker::apply(container, claim, &mut content)?;
    }
    let claims_ports = content.hostname.is_none() && !claim.ports.is_empty();
    if executor.is_some() || (content.network_mode.is_none() && claims_ports) {
        // Outside Docker a task is on its agent's network, and so are the ports that it claims.
        content.network_mode = Some(NetworkMode::Host);
    }
    let ports = Ranges::union_of(executor.into_iter().chain([claim]).map(|one| &one.ports));
    let watches = checks::apply(reach, task, &ports, &mut content)?;
    sandbox::add(has_image, &mut content);
    let grace = grace_seconds(task).or(content.stop_timeout_s).unwrap_or(config.kill_grace_s);
    content.stop_timeout_s = Some(grace.max(limits::STOP_TIMEOUT_S_MIN));
    Ok((content, watches))
}

fn grace_seconds(task: &TaskInfo) -> Option<u32> {
    task.kill_policy.as_ref()?.grace_period.as_ref().map(whole_seconds)
}

/// Whole seconds, rounded up.
fn whole_seconds(duration: &DurationInfo) -> u32 {
    let seconds = duration.nanoseconds.max(0).unsigned_abs().div_ceil(1_000_000_000);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
