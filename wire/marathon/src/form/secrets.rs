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
    let is_nowhere = |one: &&String| secrets[*one].source.is_empty();
    let nowhere = secrets.keys().filter(is_nowhere).map(|name| {
        let text = "must be the ARN of a secret or a parameter, or the name of a parameter";
        Detail::new(format!("/secrets/{name}/source"), text)
    });
    let unknown = env.iter().filter_map(|(name, value)| match value {
        EnvValue::Secret(of) if !secrets.contains_key(&of.secret) => {
            let text = format!("must name one of the app's secrets, and '{}' is none", of.secret);
            Some(Detail::new(format!("/env/{name}/secret"), text))
        }
        _ => None,
    });
    nowhere.chain(unknown).collect()
}
