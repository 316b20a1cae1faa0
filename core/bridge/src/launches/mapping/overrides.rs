//! What a launch says besides its definition. ECS takes a bounded text of it, so what is too large for that becomes
//! part of the definition.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use longshore_replica::DefinitionContent;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::fetch;
use longshore_wire_ecs::limits::{NAME_CHARS_MAX, OVERRIDES_CHARS_MAX, TASK_DEFINITION_BYTES_MAX};
use longshore_wire_mesos::v1::CommandInfo;
use longshore_wire_mesos::v1::environment::Variable;
use serde_json::json;

use super::super::terms::{HEALTH_VARIABLE, TIME_VARIABLE, WATCH_VARIABLE};
use super::{CLAIM_VARIABLE, EXECUTOR_VARIABLE, FRAMEWORK_VARIABLE, ROLE_VARIABLE, TASK_VARIABLE};
use crate::limits::OVERRIDES_FRAME_CHARS;

/// What tells a task after a restart, which is read in its overrides.
const OURS: [&str; 8] = [
    FRAMEWORK_VARIABLE,
    EXECUTOR_VARIABLE,
    TASK_VARIABLE,
    ROLE_VARIABLE,
    CLAIM_VARIABLE,
    HEALTH_VARIABLE,
    TIME_VARIABLE,
    WATCH_VARIABLE,
];

/// Characters of a variable as JSON, and its comma.
fn variable_chars(name: &Str, value: &Str) -> usize {
    json!({"name": name, "value": value}).to_string().len() + 1
}

/// Characters of the order for what fetches, with the container that it is for.
fn fetch_chars(fetcher: &str, order: Option<&Str>) -> usize {
    let container = |order| json!({"name": fetcher, "environment": [{"name": fetch::ORDER_VARIABLE, "value": order}]});
    order.map_or(0, |order| container(order).to_string().len() + 1)
}

fn command_chars(command: Option<&Vec<Str>>) -> usize {
    command.map_or(0, |words| json!({"command": words}).to_string().len())
}

/// That environment, command and URIs are not larger than all that ECS takes, in overrides and in a task definition: what is hopeless
/// is not looked at any closer.
///
/// # Errors
/// That they are.
pub(super) fn possible(command: &CommandInfo) -> Result<(), String> {
    let variables = command.environment.iter().flat_map(|environment| &environment.variables);
    let secret = |one: &Variable| {
        let value = one.secret.as_ref().and_then(|secret| secret.value.as_ref());
        value.map_or(0, |value| value.data.len())
    };
    let variables = variables
        .map(|one| one.name.len() + one.value.as_deref().map_or(0, str::len) + secret(one));
    let words = command.value.iter().chain(&command.arguments).map(String::len);
    let uris = command.uris.iter();
    let uris = uris.map(|uri| uri.value.len() + uri.output_file.as_deref().map_or(0, str::len));
    let bytes: usize = variables.chain(words).chain(uris).sum();
    let most = OVERRIDES_CHARS_MAX + TASK_DEFINITION_BYTES_MAX;
    if bytes <= most {
        return Ok(());
    }
    Err(format!(
        "environment, command and URIs have {bytes} bytes; Amazon ECS takes at most {most} in overrides and task definition together"
    ))
}

/// A part that may move into the content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Command,
    Fetch,
    Variable(Str),
}

/// What is said of one container, and what it is otherwise.
pub(super) struct Overridden<'a> {
    pub(super) environment: &'a mut BTreeMap<Str, Str>,
    pub(super) command: &'a mut Option<Vec<Str>>,
    /// The order for what fetches for it.
    pub(super) fetch: Option<&'a mut Option<Str>>,
    pub(super) content: &'a mut DefinitionContent,
}

impl Overridden<'_> {
    fn order(&self) -> Option<&Str> {
        self.fetch.as_ref().and_then(|order| order.as_ref())
    }

    /// The longest name that its fetcher may have.
    fn fetcher(&self) -> String {
        fetch::container_for(&self.content.container)
    }

    fn chars(&self) -> usize {
        let frame = OVERRIDES_FRAME_CHARS + self.content.container.len();
        total(self.environment, self.command.as_ref(), frame)
            + fetch_chars(&self.fetcher(), self.order())
    }

    /// What may be part of the content as well.
    fn movable(&self) -> Vec<(usize, Part)> {
        let variables = self.environment.iter().filter(|(name, _)| !OURS.contains(&&***name));
        let variables = variables
            .map(|(name, value)| (variable_chars(name, value), Part::Variable(name.clone())));
        let command = (command_chars(self.command.as_ref()), Part::Command);
        variables
            .chain([command, (fetch_chars(&self.fetcher(), self.order()), Part::Fetch)])
            .collect()
    }

    fn move_into_content(&mut self, part: Part) {
        let Self { environment, command, fetch, content } = self;
        match part {
            Part::Command => content.command = command.take(),
            Part::Fetch => {
                if let (Some(to), Some(order)) = (&mut content.fetch, fetch) {
                    to.order = order.take();
                }
            }
            Part::Variable(name) => content.environment.extend(environment.remove_entry(&name)),
        }
    }
}

/// Moves what is largest into the contents of the containers of a task until the rest fits, so that tasks that differ in small things only
/// still share a definition.
///
/// # Errors
/// That it cannot fit.
pub(super) fn fit(containers: &mut [Overridden<'_>]) -> Result<(), String> {
    let of = |(at, one): (usize, &Overridden<'_>)| {
        let movable = one.movable().into_iter();
        movable.map(|(size, part)| (Reverse(size), at, part)).collect::<Vec<_>>()
    };
    let mut movable: Vec<_> = containers.iter().enumerate().flat_map(of).collect();
    movable.sort_unstable();
    let mut chars: usize = containers.iter().map(Overridden::chars).sum();
    for (Reverse(size), at, part) in movable {
        if chars <= OVERRIDES_CHARS_MAX {
            break;
        }
        chars -= size;
        containers[at].move_into_content(part);
    }
    check(chars)
}

/// That a launch of a definition with a name fits, whose content is not ours to change.
///
/// # Errors
/// That it does not.
pub(super) fn fits_named(environment: &BTreeMap<Str, Str>) -> Result<(), String> {
    check(total(environment, None, OVERRIDES_FRAME_CHARS + NAME_CHARS_MAX))
}

fn total(environment: &BTreeMap<Str, Str>, command: Option<&Vec<Str>>, frame: usize) -> usize {
    let variables = environment.iter().map(|(name, value)| variable_chars(name, value));
    frame + variables.sum::<usize>() + command_chars(command)
}

fn check(chars: usize) -> Result<(), String> {
    if chars <= OVERRIDES_CHARS_MAX {
        return Ok(());
    }
    Err(format!(
        "environment and claim have {chars} characters as overrides, of which Amazon ECS takes {OVERRIDES_CHARS_MAX}: put them into the task definition"
    ))
}
