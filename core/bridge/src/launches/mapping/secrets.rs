//! Secrets in the environment of a task: those that it refers to are read by ECS, those that it brings along are passed as they are, if an
//! operator allows that.

use std::collections::BTreeMap;

use longshore_replica::DefinitionContent;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::CommandInfo;
use longshore_wire_mesos::v1::environment::Variable;
use longshore_wire_mesos::v1::environment::variable::Type as VariableType;
use longshore_wire_mesos::v1::secret::Reference;

use crate::config::Secrets;
use crate::words::shortened;

/// The variables of a command that are secrets.
fn of(command: &CommandInfo) -> impl Iterator<Item = &Variable> {
    let variables = command.environment.iter().flat_map(|environment| &environment.variables);
    variables.filter(|variable| variable.r#type() == VariableType::Secret)
}

/// Values of secrets that a command brings along, by variable.
///
/// # Errors
/// That they may not be passed, or are not text.
pub(super) fn values(
    config: &Secrets,
    command: &CommandInfo,
) -> Result<BTreeMap<Str, Str>, String> {
    let mut values = BTreeMap::new();
    for variable in of(command) {
        let value = variable.secret.as_ref().and_then(|secret| secret.value.as_ref());
        let Some(value) = value else { continue };
        let name = shortened(&variable.name);
        if !config.in_plain {
            return Err(format!(
                "the secret of environment variable '{name}' would be shown to whoever may describe the task on Amazon ECS: refer to one in Secrets Manager or the parameter store (type REFERENCE), or allow this with --plain-secrets (LONGSHORE_PLAIN_SECRETS=true)"
            ));
        }
        let text = std::str::from_utf8(&value.data).map_err(|_| {
            format!(
                "the secret of environment variable '{name}' is not text in UTF-8, which Amazon ECS cannot pass"
            )
        })?;
        values.insert(variable.name.as_str().into(), text.into());
    }
    Ok(values)
}

/// Where the secrets are that a command refers to, by variable.
///
/// # Errors
/// What is no reference for ECS.
fn references(command: &CommandInfo) -> Result<BTreeMap<Str, Str>, String> {
    let mut references = BTreeMap::new();
    for variable in of(command) {
        let reference = variable.secret.as_ref().and_then(|secret| secret.reference.as_ref());
        let Some(reference) = reference else { continue };
        let from = value_from(reference).map_err(|why| {
            format!("the secret of environment variable '{}' {why}", shortened(&variable.name))
        })?;
        references.insert(variable.name.as_str().into(), from);
    }
    Ok(references)
}

/// Source: ECS API reference, `Secret.valueFrom`: the ARN of a secret or a parameter, or the name of a parameter in the same region;
/// a member of a secret follows its ARN.
fn value_from(reference: &Reference) -> Result<Str, String> {
    let name = reference.name.as_str();
    let Some(key) = reference.key.as_deref().filter(|key| !key.is_empty()) else {
        return Ok(name.into());
    };
    let is_secret = name.starts_with("arn:") && name.contains(":secretsmanager:");
    if !is_secret {
        return Err(
            "has a key, which only one in Secrets Manager can have: name it by its ARN".to_owned()
        );
    }
    if key.contains(':') {
        return Err("has a key with a colon, which Amazon ECS cannot read".to_owned());
    }
    Ok(format!("{name}:{key}::").into())
}

/// Adds to a definition what its container refers to.
///
/// # Errors
/// What is no reference for ECS.
pub(super) fn apply(
    config: &Secrets,
    command: &CommandInfo,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    content.secrets = references(command)?;
    if !content.secrets.is_empty() {
        content.execution_role.clone_from(&config.execution_role);
    }
    Ok(())
}

/// That a command which names a task definition refers to no secrets: those of the definition cannot be added to.
///
/// # Errors
/// The first variable that does.
pub(super) fn none(command: &CommandInfo, definition: &str) -> Result<(), String> {
    let Some(name) = references(command)?.into_keys().next() else { return Ok(()) };
    Err(format!(
        "the secret of environment variable '{name}' cannot be added to the task definition {definition}, which is not ours to change: register it with its secrets"
    ))
}
