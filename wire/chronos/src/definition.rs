//! A job as it is posted, stored and shown.

mod container;
mod read;
mod write;

use crate::{Schedule, limits};

pub use container::{Container, ContainerKind, Network, Volume};

/// A quantity in thousandths: of a CPU, or of a MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub u64);

impl Amount {
    /// As it is written.
    pub fn number(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact below 2^53, and limits are far below"
        )]
        let thousandths = self.0 as f64;
        thousandths / 1000.0
    }
}

/// What starts a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The time.
    Schedule {
        /// When.
        schedule: Schedule,
        /// The name of a time zone, for example `Europe/Vienna`; empty where there is none.
        time_zone: String,
    },
    /// The success of other jobs, by name, in order and each once. At least one.
    Parents(Vec<String>),
}

/// A file that is fetched before the job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Where it is.
    pub uri: String,
    /// Whether it is made executable.
    pub executable: bool,
    /// Whether it may come from a cache.
    pub cache: bool,
    /// Whether an archive is unpacked.
    pub extract: bool,
}

/// A variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// How an attribute of an agent is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It is this text.
    Equals,
    /// The whole of it matches a regular expression.
    Like,
    /// It does not, or there is no such attribute.
    Unlike,
}

/// Where a job may run. Source: frameworks.md 4.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// An attribute of the agent, or `hostname`.
    pub attribute: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: String,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Letters, digits, `_`, `-` and `.`; at most [`limits::NAME_BYTES_MAX`].
    pub name: String,
    /// What runs: for a shell, or the `family:revision` of a task definition.
    pub command: String,
    /// Whether the command is one of a shell.
    pub shell: bool,
    /// Words after the command.
    pub arguments: Vec<String>,
    /// What starts it.
    pub trigger: Trigger,
    /// Attempts after the first, at most [`limits::RETRIES_MAX`].
    pub retries: u32,
    /// For how long after it was due a run may still start, in ms.
    pub epsilon_ms: u64,
    /// Thousandths of CPUs.
    pub cpus: Amount,
    /// Thousandths of MiB.
    pub mem: Amount,
    /// Thousandths of MiB.
    pub disk: Amount,
    /// Whether time and parents do not start it.
    pub disabled: bool,
    /// Whether a run may start while another one runs.
    pub concurrent: bool,
    /// Whether children run also when it fails.
    pub soft_error: bool,
    /// Whether it is launched before others.
    pub high_priority: bool,
    /// Whether its tasks report progress.
    pub data_processing: bool,
    /// Mail addresses of whoever owns it.
    pub owner: String,
    /// The owner's name.
    pub owner_name: String,
    /// What it is for.
    pub description: String,
    /// The user that the command runs as; empty leaves it to the image.
    pub run_as_user: String,
    /// Files to fetch.
    pub fetch: Vec<Fetch>,
    /// The environment.
    pub environment: Vec<Variable>,
    /// The container.
    pub container: Option<Container>,
    /// Where it may run.
    pub constraints: Vec<Constraint>,
}

/// What happened to a job, as it is shown with it. What is posted is taken over for a job that is new, so that jobs can be moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Successful runs.
    pub successes: u64,
    /// Runs that failed, with all their retries.
    pub errors: u64,
    /// The same, after the last success.
    pub errors_since_success: u64,
    /// When a run succeeded last, in ms since the epoch.
    pub last_success_ms: Option<u64>,
    /// When one failed last, in ms since the epoch.
    pub last_error_ms: Option<u64>,
}

/// What a job has that does not say it. Source: frameworks.md 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Thousandths of CPUs.
    pub cpus: Amount,
    /// Thousandths of MiB.
    pub mem: Amount,
    /// Thousandths of MiB.
    pub disk: Amount,
    /// In ms.
    pub epsilon_ms: u64,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { cpus: Amount(100), mem: Amount(128_000), disk: Amount(256_000), epsilon_ms: 60_000 }
    }
}

/// A job that was read, and its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The job.
    pub definition: Definition,
    /// What it says to have happened.
    pub counters: Counters,
}

/// Whether a text can be the name of a job. Source: frameworks.md 4.2: `[\w.-]+`, and `\w` of Java is ASCII.
pub(crate) fn is_name(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=limits::NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(may)
}

#[cfg(test)]
mod tests;
