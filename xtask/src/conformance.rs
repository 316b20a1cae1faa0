//! Runs `conformance/run.sh`: third-party clients against the binary that users get.
//!
//! The suites treat the program as a black box, so this module only builds it, finds it and chooses
//! the runtime for tasks. What cannot run here is reported as skipped.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::build::Profile;
use crate::ci::Outcome;
use crate::{build, shell};

/// The runtime to test.
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

/// A task runtime, given as the argument of `conformance/run.sh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runtime(pub(crate) &'static str);

const PROCESS: Runtime = Runtime("process");
const DOCKER: Runtime = Runtime("docker");
const SIMULATED: Runtime = Runtime("simulated");

impl Choice {
    /// The selected runtimes, cheapest to set up first.
    pub(crate) fn runtimes(self) -> &'static [Runtime] {
        match self {
            Self::Process => &[PROCESS],
            Self::Docker => &[DOCKER],
            Self::Simulated => &[SIMULATED],
            Self::All => &[SIMULATED, PROCESS, DOCKER],
        }
    }
}

/// How much of a suite is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it, with many clients side by side for minutes.
    Long,
    /// All of it.
    Whole,
    /// What fits into CI's hour: what is not about the runtime is run with one of them, and what takes most of a minute is not run.
    OfCi,
}

/// What CI runs with a runtime, in pytest's words: all that is quick with processes, what needs containers with Docker, and what is about
/// ECS where nothing is executed.
fn of_ci(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        DOCKER => &["-m", "(executes or docker_only) and not long"],
        SIMULATED => &["ecs"],
        _ => &["-m", "not long"],
    }
}

/// How long many clients are side by side while instances come and go, in s, where time is of no concern.
const LONG_STORM_SECONDS: &str = "300";

/// Builds once, then runs every selected suite even if one fails, so that one run reports
/// everything.
///
/// # Errors
/// When the build or any suite fails.
pub(crate) fn run(root: &Path, choice: Choice, is_long: bool) -> Result<()> {
    let binary = build::with_drivers(root, Profile::Release)?;
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
    for runtime in choice.runtimes() {
        println!("== conformance, {} ==", runtime.0);
        let extent = if is_long { Extent::Long } else { Extent::Whole };
        match suite(root, &binary, *runtime, extent) {
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

/// Runs the suite once with `runtime`; the Docker suite is skipped if there is no Docker daemon.
pub(crate) fn suite(
    root: &Path,
    binary: &Path,
    runtime: Runtime,
    extent: Extent,
) -> Result<Outcome> {
    if runtime == DOCKER && shell::finish(bash(root).arg("conformance/dockerd.sh")).is_err() {
        return Ok(Outcome::Skipped(
            "no Docker daemon answers and conformance/dockerd.sh could not start one".to_owned(),
        ));
    }
    let mut command = bash(root);
    command.args(["conformance/run.sh", runtime.0]);
    if extent == Extent::OfCi {
        command.args(of_ci(runtime));
    }
    if extent == Extent::Long {
        command.env("LONGSHORE_CONFORMANCE_STORM_S", LONG_STORM_SECONDS);
    }
    shell::finish(command.env("LONGSHORE_BIN", binary))?;
    Ok(Outcome::Passed)
}

/// Scripts are passed to bash, because a checkout may have lost their executable bits.
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
