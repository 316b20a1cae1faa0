//! Secrets: variables whose values are kept elsewhere. Source: Marathon 1.11, `secrets.raml` and `environmentVariable.raml` of its API.
//!
//! An app names where each of its secrets is, and variables name secrets of the app; the value itself never comes here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::Detail;

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a text, or an object like {\"secret\": \"NAME\"}")]
pub enum EnvValue {
    /// As it is.
    Plain(String),
    /// That of a secret.
    Secret(SecretName),
}

/// A secret of the app, by its name there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretName {
    /// The name.
    pub secret: String,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSource {
    /// What `valueFrom` is in a task definition: the ARN of a secret or a parameter, or the name of a parameter.
    pub source: String,
}

/// What is wrong with the secrets of an app.
pub(super) fn wrong(
    env: &BTreeMap<String, EnvValue>,
    secrets: &BTreeMap<String, SecretSource>,
) -> Vec<Detail> {
    nowhere(secrets).chain(unknown(env, secrets, "/env")).collect()
}

/// Secrets that do not say where they are.
pub(super) fn nowhere(secrets: &BTreeMap<String, SecretSource>) -> impl Iterator<Item = Detail> {
    let nowhere = secrets.iter().filter(|(_, one)| one.source.is_empty());
    nowhere.map(|(name, _)| {
        let text = "must be the ARN of a secret or a parameter, or the name of a parameter";
        Detail::new(format!("/secrets/{name}/source"), text)
    })
}

/// Variables, at a path, that name no secret which is there.
pub(super) fn unknown(
    env: &BTreeMap<String, EnvValue>,
    secrets: &BTreeMap<String, SecretSource>,
    path: &str,
) -> impl Iterator<Item = Detail> {
    env.iter().filter_map(move |(name, value)| match value {
        EnvValue::Secret(of) if !secrets.contains_key(&of.secret) => {
            let text = format!("must name one of secrets, and '{}' is none", of.secret);
            Some(Detail::new(format!("{path}/{name}/secret"), text))
        }
        _ => None,
    })
}
