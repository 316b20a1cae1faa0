//! What a launch says besides its definition. ECS takes a bounded text of it, so what is too large for that becomes
//! part of the definition.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use longshore_replica::DefinitionContent;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::limits::{NAME_CHARS_MAX, OVERRIDES_CHARS_MAX, TASK_DEFINITION_BYTES_MAX};
use longshore_wire_mesos::v1::CommandInfo;
use serde_json::json;

use super::super::terms::{HEALTH_VARIABLE, TIME_VARIABLE};
use super::{CLAIM_VARIABLE, FRAMEWORK_VARIABLE, ROLE_VARIABLE, TASK_VARIABLE};
use crate::limits::OVERRIDES_FRAME_CHARS;

/// What tells a task after a restart, which is read in its overrides.
const OURS: [&str; 6] = [
    FRAMEWORK_VARIABLE,
    TASK_VARIABLE,
    ROLE_VARIABLE,
    CLAIM_VARIABLE,
    HEALTH_VARIABLE,
    TIME_VARIABLE,
];

/// Characters of a variable as JSON, and its comma.
fn variable_chars(name: &Str, value: &Str) -> usize {
    json!({"name": name, "value": value}).to_string().len() + 1
}

fn command_chars(command: Option<&Vec<Str>>) -> usize {
    command.map_or(0, |words| json!({"command": words}).to_string().len())
}

/// That environment and command are not larger than all that ECS takes, in overrides and in a task definition: what is hopeless
/// is not looked at any closer.
///
/// # Errors
/// That they are.
pub(super) fn possible(command: &CommandInfo) -> Result<(), String> {
    let variables = command.environment.iter().flat_map(|environment| &environment.variables);
    let variables = variables.map(|one| one.name.len() + one.value.as_deref().map_or(0, str::len));
    let words = command.value.iter().chain(&command.arguments).map(String::len);
    let bytes: usize = variables.chain(words).sum();
    let most = OVERRIDES_CHARS_MAX + TASK_DEFINITION_BYTES_MAX;
    if bytes <= most {
        return Ok(());
    }
    Err(format!(
        "environment and command have {bytes} bytes; Amazon ECS takes at most {most} in overrides and task definition together"
    ))
}

/// Moves what is largest into the content until the rest fits, so that tasks that differ in small things only still
/// share a definition.
///
/// # Errors
/// That it cannot fit.
pub(super) fn fit(
    environment: &mut BTreeMap<Str, Str>,
    command: &mut Option<Vec<Str>>,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    let frame = OVERRIDES_FRAME_CHARS + content.container.len();
    let variables = environment.iter().filter(|(name, _)| !OURS.contains(&&***name));
    let mut movable: Vec<(Reverse<usize>, Option<Str>)> = variables
        .map(|(name, value)| (Reverse(variable_chars(name, value)), Some(name.clone())))
        .collect();
    movable.push((Reverse(command_chars(command.as_ref())), None));
    movable.sort_unstable();
    let mut chars = total(environment, command.as_ref(), frame);
    for (Reverse(size), name) in movable {
        if chars <= OVERRIDES_CHARS_MAX {
            break;
        }
        chars -= size;
        match name {
            None => content.command = command.take(),
            Some(name) => content.environment.extend(environment.remove_entry(&name)),
        }
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
