//! Runs `conformance/run.sh`: clients that are not ours against the binary that people get.
//!
//! The suites use the program as a black box, so this module only builds it, finds it and says which
//! runtime the tasks get. What cannot run here is named as skipped, never passed over in silence.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::build::Profile;
use crate::ci::Outcome;
use crate::{build, shell};

/// What a person may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// Plain processes
    Process,
    /// Containers of a Docker daemon
    Docker,
    /// No tasks at all, only their times and exit codes
    Simulated,
    /// Each of them in turn
    All,
}

/// One way of running tasks; the word is the argument of `conformance/run.sh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runtime(pub(crate) &'static str);

const PROCESS: Runtime = Runtime("process");
const DOCKER: Runtime = Runtime("docker");
const SIMULATED: Runtime = Runtime("simulated");

impl Choice {
    /// The runtimes meant, cheapest to set up first.
    pub(crate) fn runtimes(self) -> &'static [Runtime] {
        match self {
            Self::Process => &[PROCESS],
            Self::Docker => &[DOCKER],
            Self::Simulated => &[SIMULATED],
            Self::All => &[SIMULATED, PROCESS, DOCKER],
        }
    }
}

/// Builds once, then runs every suite asked for even when one fails, so that one run tells the whole story.
///
/// # Errors
/// When the build or any suite failed.
pub(crate) fn run(root: &Path, choice: Choice) -> Result<()> {
    let binary = build::program(root, Profile::Release)?;
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
    for runtime in choice.runtimes() {
        println!("== conformance, {} ==", runtime.0);
        match suite(root, &binary, *runtime) {
            Ok(Outcome::Passed) => passed += 1,
            Ok(Outcome::Skipped(why)) => {
                println!("skipped: {why}");
                skipped += 1;
            }
            Err(error) => {
                println!("failed: {error:#}");
                failed.push(runtime.0);
            }
        }
    }
    println!("{passed} passed, {} failed, {skipped} skipped", failed.len());
    if !failed.is_empty() {
        bail!("conformance failed with {}", failed.join(" and "));
    }
    Ok(())
}

/// Runs the suite once with `runtime`; without a Docker daemon the Docker one is skipped.
pub(crate) fn suite(root: &Path, binary: &Path, runtime: Runtime) -> Result<Outcome> {
    if runtime == DOCKER && shell::finish(bash(root).arg("conformance/dockerd.sh")).is_err() {
        return Ok(Outcome::Skipped(
            "no Docker daemon answers and conformance/dockerd.sh could not start one".to_owned(),
        ));
    }
    let mut command = bash(root);
    command.args(["conformance/run.sh", runtime.0]);
    shell::finish(command.env("LONGSHORE_BIN", binary))?;
    Ok(Outcome::Passed)
}

/// Scripts are handed to bash by name: a checkout may have lost its executable bits.
fn bash(root: &Path) -> Command {
    let mut command = Command::new("bash");
    command.current_dir(root);
    command
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::{Choice, SIMULATED};

    #[test]
    fn all_means_each_of_the_others() {
        let single = |choice: &Choice| *choice != Choice::All;
        for choice in Choice::value_variants().iter().filter(|c| single(c)) {
            assert_eq!(choice.runtimes().len(), 1);
            assert!(Choice::All.runtimes().contains(&choice.runtimes()[0]));
        }
        assert_eq!(Choice::Simulated.runtimes(), [SIMULATED]);
    }
}
