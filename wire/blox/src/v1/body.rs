//! Bodies of requests. Unlike those of v0.3 one that is no JSON is refused as such, and so is a member that v1.0 does not have:
//! nothing that was asked for is passed over.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Fault;
use super::answer::DeploymentConfiguration;
use crate::arn::is_environment_name;
use crate::limits;
use crate::scheduler::{GroupAttribute, check_attributes};

/// What a new environment is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvironment {
    /// Whatever `DescribeTaskDefinition` takes.
    pub task_definition: String,
    /// As given; nothing is done with it.
    pub role: Option<String>,
    /// What instances must have to belong to it.
    pub attributes: Vec<GroupAttribute>,
    /// Percentage of its instances, 0 to 99, that keep a healthy task while others are replaced.
    pub min_healthy_percent: u8,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(default)]
    attributes: Vec<GroupAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    environment_name: Option<String>,
    environment_type: Option<String>,
    task_definition: Option<String>,
    deployment_method: Option<String>,
    role: Option<String>,
    instance_group: Option<Group>,
    deployment_configuration: Option<DeploymentConfiguration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    task_definition: Option<String>,
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    if bytes.len() > limits::BODY_BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    serde_json::from_slice(bytes).map_err(|why| Fault::Invalid(format!("the body: {why}")))
}

fn definition(given: Option<String>) -> Result<String, Fault> {
    let max = limits::ARN_CHARS_MAX;
    given
        .filter(|name| (1..=max).contains(&name.len()))
        .ok_or_else(|| Fault::Invalid(format!("taskDefinition is required: 1 to {max} characters")))
}

/// A word of which there is one.
fn only(member: &str, given: Option<&str>, word: &str, other: &str) -> Result<(), Fault> {
    match given {
        None => Err(Fault::Invalid(format!("{member} is required: {word}"))),
        Some(given) if given == word => Ok(()),
        Some(_) => Err(Fault::Invalid(format!("{member} should be {word}{other}"))),
    }
}

/// Reads the body of a new environment: its name, and the rest.
pub(super) fn new_environment(bytes: &[u8]) -> Result<(String, NewEnvironment), Fault> {
    let given: Create = read(bytes)?;
    let name =
        given.environment_name.filter(|name| is_environment_name(name)).ok_or_else(|| {
            let max = limits::ENVIRONMENT_NAME_CHARS_MAX;
            Fault::Invalid(format!(
                "environmentName is required: 1 to {max} letters, digits, hyphens and underscores"
            ))
        })?;
    let kind = given.environment_type.as_deref();
    only("environmentType", kind, "Daemon", ": SingleTask is not served")?;
    let method = given.deployment_method.as_deref();
    only("deploymentMethod", method, "ReplaceAfterTerminate", "")?;
    let max = limits::ARN_CHARS_MAX;
    if given.role.as_ref().is_some_and(|role| role.len() > max) {
        return Err(Fault::Invalid(format!("role can have at most {max} characters")));
    }
    let attributes = given.instance_group.unwrap_or_default().attributes;
    let mut wrong = Vec::new();
    check_attributes(&attributes, &mut wrong);
    if let Some(wrong) = wrong.into_iter().next() {
        return Err(Fault::Invalid(wrong));
    }
    let percent = given.deployment_configuration.unwrap_or_default().min_healthy_percent;
    let percent = percent.unwrap_or(0);
    if percent > limits::MIN_HEALTHY_PERCENT_MAX {
        let max = limits::MIN_HEALTHY_PERCENT_MAX;
        let text = format!("deploymentConfiguration.minHealthyPercent should be from 0 to {max}");
        return Err(Fault::Invalid(text));
    }
    let new = NewEnvironment {
        task_definition: definition(given.task_definition)?,
        role: given.role,
        attributes,
        min_healthy_percent: percent,
    };
    Ok((name, new))
}

/// Reads the body of a change: the task definition, which is all that can change.
pub(super) fn task_definition(bytes: &[u8]) -> Result<String, Fault> {
    definition(read::<Update>(bytes)?.task_definition)
}
