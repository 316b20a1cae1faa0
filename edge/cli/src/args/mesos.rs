//! Arguments of the commands that ask a Mesos master.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use serde::Deserialize;

use super::door::secret_file;

/// How checks of tasks over HTTP and TCP are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TaskChecks {
    #[default]
    Auto,
    Dial,
    Container,
}

impl From<TaskChecks> for longshore_bridge::CheckMode {
    fn from(given: TaskChecks) -> Self {
        match given {
            TaskChecks::Auto => Self::Auto,
            TaskChecks::Dial => Self::Dial,
            TaskChecks::Container => Self::Container,
        }
    }
}

/// The Mesos master that a command asks.
#[derive(Debug, clap::Args)]
pub(crate) struct AnyMaster {
    /// URL of the Mesos master.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "LONGSHORE_MASTER",
        default_value = "http://127.0.0.1:5050"
    )]
    pub(crate) master: String,
    /// File with the principal and secret to authenticate with: Mesos's JSON format, or both on one line. If there are several,
    /// the first is used.
    #[arg(long, global = true, value_name = "FILE", env = "LONGSHORE_CREDENTIALS")]
    credentials: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FrameworksArgs {
    #[command(subcommand)]
    pub(crate) action: Option<FrameworkAction>,
    #[command(flatten)]
    pub(crate) master: AnyMaster,
}

/// What to do with frameworks.
#[derive(Debug, Subcommand)]
pub(crate) enum FrameworkAction {
    /// Remove frameworks and kill all their tasks.
    Teardown {
        /// Frameworks: id or unique id prefix.
        #[arg(required = true, value_name = "FRAMEWORK")]
        frameworks: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AgentsArgs {
    #[command(subcommand)]
    pub(crate) action: Option<AgentAction>,
    #[command(flatten)]
    pub(crate) master: AnyMaster,
}

/// What to do with agents.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentAction {
    /// Kill the tasks of agents and stop offering their resources.
    Drain {
        /// Mark the agents as gone once their tasks have ended: they must not come back.
        #[arg(long)]
        mark_gone: bool,
        #[command(flatten)]
        named: NamedAgents,
    },
    /// Stop offering the resources of agents. Their tasks keep running.
    Deactivate(NamedAgents),
    /// Offer the resources of deactivated or drained agents again.
    Activate(NamedAgents),
    /// Mark agents as gone: their tasks are lost, and they must not come back.
    Gone(NamedAgents),
}

#[derive(Debug, clap::Args)]
pub(crate) struct NamedAgents {
    /// Agents: id or unique id prefix.
    #[arg(required = true, value_name = "AGENT")]
    pub(crate) agents: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MasterListArgs {
    #[command(flatten)]
    pub(crate) master: AnyMaster,
}

/// A principal and what proves it.
#[derive(Deserialize)]
struct Credential {
    principal: String,
    secret: String,
}

/// Source: Apache Mesos, `docs/authentication.md`: a list for masters, a single one for frameworks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Several { credentials: Vec<Credential> },
    One(Credential),
}

impl AnyMaster {
    /// What to authenticate with, as HTTP Basic has it: `principal:secret`.
    ///
    /// # Errors
    /// Says what cannot be read, without the secret.
    pub(crate) fn credential(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.credentials else { return Ok(None) };
        let (principal, secret) = first_credential(path, "--credentials")?;
        Ok(Some(format!("{principal}:{secret}")))
    }
}

/// The first principal of a file, and its secret.
///
/// # Errors
/// Says what cannot be read, without the secret.
pub(crate) fn first_credential(path: &Path, flag: &str) -> anyhow::Result<(String, String)> {
    let text = secret_file(path, flag)?;
    let found = first(&text).with_context(|| {
        format!("{flag} {}: the file contains no principal and secret", path.display())
    })?;
    Ok((found.principal, found.secret))
}

fn first(text: &str) -> Option<Credential> {
    if text.trim_start().starts_with('{') {
        return match serde_json::from_str(text).ok()? {
            Written::Several { credentials } => credentials.into_iter().next(),
            Written::One(one) => Some(one),
        };
    }
    let lines = text.lines().map(str::trim);
    let line = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let (principal, secret) = line.split_once(char::is_whitespace)?;
    Some(Credential { principal: principal.to_owned(), secret: secret.trim_start().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn a_credential_is_read_in_each_form_that_mesos_has() {
        for text in [
            r#"{"credentials": [{"principal": "ops", "secret": "s e"}, {"principal": "b", "secret": "c"}]}"#,
            r#"{"principal": "ops", "secret": "s e"}"#,
            "# people\n\nops s e\nb c\n",
        ] {
            let read = first(text).expect("there is one");
            assert_eq!((&*read.principal, &*read.secret), ("ops", "s e"), "{text}");
        }
        for text in ["", "{}", "ops", r#"{"credentials": []}"#] {
            assert!(first(text).is_none(), "{text}");
        }
    }
}
