//! From a Mesos task to an ECS task. Two ways: the command names a registered task definition, or image and command become
//! one, registered once for equal content. Sizes travel as overrides, and so do environment and command as far as they fit.

mod docker;
mod family;
mod linux;
mod overrides;
mod parameters;
mod volumes;

use std::collections::BTreeMap;

use longshore_replica::DefinitionContent;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Arn;
use longshore_wire_ecs::limits::CONTAINER_MEMORY_MIB_MIN;
use longshore_wire_ecs::shape::container_definition::HealthCheck as EcsHealthCheck;
use longshore_wire_mesos::v1::health_check::Type as HealthType;
use longshore_wire_mesos::v1::{CommandInfo, HealthCheck, TaskInfo};

use super::terms::Terms;
use crate::amounts::Amounts;
use crate::config::{Config, DefaultImage};
use crate::limits;

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
/// The role that a launch's resources are allocated to.
pub(crate) const ROLE_VARIABLE: &str = "MESOS_ALLOCATION_ROLE";

/// How a task is to be run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// A task definition to look for first.
    pub(crate) named: Option<Str>,
    /// What to run if none is named, or the one that is named is not there.
    pub(crate) content: Option<DefinitionContent>,
    pub(crate) command: Option<Vec<Str>>,
    pub(crate) environment: BTreeMap<Str, Str>,
}

impl Plan {
    /// Whether a registered definition decides what runs.
    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }
}

/// CPU units that ECS reserves for a claim. Rounded down, so that tasks that together claim all that was offered fit.
pub(crate) fn cpu_units(claim: &Amounts) -> u32 {
    u32::try_from(claim.scalar("cpus") * 1024 / 1000).unwrap_or(u32::MAX)
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
    framework: &str,
    role: &str,
    task: &TaskInfo,
    claim: &Amounts,
) -> Result<Plan, String> {
    let Some(command) = &task.command else {
        return Err(
            "executors cannot be mapped to Amazon ECS yet: give the task a command".to_owned()
        );
    };
    if !command.uris.is_empty() {
        return Err(
            "URIs cannot be fetched on Amazon ECS yet: put the files into the image".to_owned()
        );
    }
    if task.check.is_some() {
        return Err("checks cannot be mapped to Amazon ECS yet: leave 'check' out".to_owned());
    }
    overrides::possible(command)?;
    let mut environment = environment(framework, role, task, command, claim);
    let image = image(task);
    if let Some(named) = named(task, command, image.as_deref()) {
        let must = image.as_deref() == Some(IGNORED_IMAGE)
            || label(task).is_some()
            || Arn::parse(&named).is_some();
        let fallback = if must { None } else { content(config, task, command, None, claim).ok() };
        let fallback = fallback.map(family::sealed);
        let words = fallback.is_some().then(|| words(command, false)).transpose()?.flatten();
        overrides::fits_named(&environment)?;
        return Ok(Plan { named: Some(named), content: fallback, command: words, environment });
    }
    let mut content = content(config, task, command, image.as_deref(), claim)?;
    let docker = task.container.as_ref().is_some_and(|container| container.docker.is_some());
    let mut words = words(command, docker)?;
    overrides::fit(&mut environment, &mut words, &mut content)?;
    Ok(Plan { named: None, content: Some(family::sealed(content)), command: words, environment })
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
    let may = matches!(image, None | Some(IGNORED_IMAGE));
    ((may && is_definition_name(value)) || is_arn).then(|| value.into())
}

/// `family` or `family:revision`.
fn is_definition_name(text: &str) -> bool {
    let (family, revision) = text.split_once(':').unwrap_or((text, "1"));
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=255).contains(&family.len()) && family.bytes().all(name) && revision.parse::<u32>().is_ok()
}

fn environment(
    framework: &str,
    role: &str,
    task: &TaskInfo,
    command: &CommandInfo,
    claim: &Amounts,
) -> BTreeMap<Str, Str> {
    let given = command.environment.iter().flat_map(|environment| &environment.variables);
    let given =
        given.map(|variable| (variable.name.as_str(), variable.value.clone().unwrap_or_default()));
    let mut environment: BTreeMap<Str, Str> = given
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
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
    Terms::of(task).write(&mut environment);
    environment
}

/// The arguments of the container. Source: \[A1\]: the shell gets one word; a Docker image keeps its entry point and
/// gets value and arguments; elsewhere the arguments include the program's own name.
fn words(command: &CommandInfo, docker: bool) -> Result<Option<Vec<Str>>, String> {
    let value = command.value.as_deref();
    if command.shell() {
        let value = value.ok_or(
            "Shell command is not specified: 'command.value' is needed while 'shell' is true",
        )?;
        return Ok(Some(vec![value.into()]));
    }
    let arguments = command.arguments.iter().map(|word| Str::from(word.as_str()));
    if docker {
        let all: Vec<Str> = value.map(Str::from).into_iter().chain(arguments).collect();
        return Ok(Some(all).filter(|words| !words.is_empty()));
    }
    let value = value.ok_or("Executable path is not specified: 'command.value' is needed")?;
    Ok(Some(std::iter::once(Str::from(value)).chain(arguments.skip(1)).collect()))
}

/// What a task definition for the task has to hold.
fn content(
    config: &Config,
    task: &TaskInfo,
    command: &CommandInfo,
    image: Option<&str>,
    claim: &Amounts,
) -> Result<DefinitionContent, String> {
    let image: Str = match (image, &config.default_image) {
        (Some(image), _) => image.into(),
        (None, DefaultImage::Image(image)) => image.clone(),
        (None, DefaultImage::None) => {
            return Err(
                "the task names no image and no default image is configured (--default-image)"
                    .to_owned(),
            );
        }
    };
    let is_docker = task.container.as_ref().is_some_and(|container| container.docker.is_some());
    let entry_point = if command.shell() {
        Some(vec!["/bin/sh".into(), "-c".into()])
    } else if is_docker {
        None
    } else {
        Some(vec!["/bin/sh".into(), "-c".into(), "exec \"$0\" \"$@\"".into()])
    };
    let mut content = DefinitionContent {
        container: "task".into(),
        image,
        entry_point,
        user: command.user.as_deref().map(Into::into),
        health_check: task.health_check.as_ref().map(health_check).transpose()?,
        ..Default::default()
    };
    if let Some(container) = &task.container {
        docker::apply(container, claim, &mut content)?;
    }
    let grace = grace_seconds(task).or(content.stop_timeout_s).unwrap_or(config.kill_grace_s);
    content.stop_timeout_s = Some(grace.max(limits::STOP_TIMEOUT_S_MIN));
    Ok(content)
}

/// Whole seconds, rounded up.
fn grace_seconds(task: &TaskInfo) -> Option<u32> {
    let grace = task.kill_policy.as_ref()?.grace_period.as_ref()?;
    u32::try_from(grace.nanoseconds.max(0).unsigned_abs().div_ceil(1_000_000_000)).ok()
}

/// Source: \[A10\]; ECS takes whole seconds within bounds of its own.
fn health_check(check: &HealthCheck) -> Result<EcsHealthCheck, String> {
    let is_command = check.r#type() == HealthType::Command
        || (check.r#type.is_none() && check.command.is_some());
    let Some(command) = check.command.as_ref().filter(|_| is_command) else {
        return Err("HTTP and TCP health checks cannot be mapped to Amazon ECS yet: use a COMMAND health check, or let the framework check".to_owned());
    };
    let value = command.value.clone().unwrap_or_default();
    let words: Vec<Str> = if command.shell() {
        vec!["CMD-SHELL".into(), value.into()]
    } else {
        let arguments = command.arguments.iter().skip(1).map(|word| Str::from(word.as_str()));
        ["CMD".into(), Str::from(value)].into_iter().chain(arguments).collect()
    };
    let seconds = |given: f64, least: i32, most: i32| {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a few hundred first")]
        let whole = given.ceil().clamp(f64::from(least), f64::from(most)) as i32;
        Some(whole)
    };
    Ok(EcsHealthCheck {
        command: Some(words),
        interval: seconds(check.interval_seconds(), 5, 300),
        timeout: seconds(check.timeout_seconds(), 2, 60),
        retries: Some(i32::try_from(check.consecutive_failures().clamp(1, 10)).unwrap_or(3)),
        start_period: seconds(check.grace_period_seconds() + check.delay_seconds(), 0, 300),
    })
}

#[cfg(test)]
mod tests;
