//! `cargo xtask`: the one door to everything that is done with this repository besides using it.
//!
//! What the project's servers check is what a person can check at home: both run `cargo xtask ci`. A script
//! that only the servers run is a script that nobody can repair, so there is none; `.ci/run` installs packages
//! and then comes here. The checks are written in Rust because they read the workspace as the compiler does:
//! packages from `cargo metadata`, functions from the syntax tree.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line tool answers on its standard output")]

mod build;
mod ci;
mod codegen;
mod conformance;
mod fuzz;
mod model;
mod shell;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::Profile;
use crate::ci::Outcome;
use crate::conformance::Choice;

/// What `cargo xtask` was asked to do.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

/// One subcommand each; the sentence is what `cargo xtask help` prints.
#[derive(Debug, Subcommand)]
enum Task {
    /// Everything a change must pass: format, tidy, lints, tests, documentation, dependencies, generated pages
    Ci {
        /// Also run the conformance suites, which need Python and build an optimised program
        #[arg(long)]
        conformance: bool,
        /// Also fuzz every parser for a while, which needs a C++ compiler
        #[arg(long)]
        fuzz: bool,
    },
    /// The house rules that no compiler knows; prints every violation as path:line: rule: what would be right
    Tidy,
    /// Drive the release binary with clients that are not ours
    Conformance {
        /// What runs the containers of the tasks
        #[arg(long, value_enum, default_value = "all")]
        runtime: Choice,
    },
    /// Feed the parsers with inputs that libFuzzer makes up, from the corpus in fuzz/corpus on
    Fuzz {
        /// Targets by name; none means all
        targets: Vec<String>,
        /// How long each target runs
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// Build the program as it is released, with all optimisation; prints where it is
    Dist,
    /// Measure the budgets of SPEC.md; arguments go to the bench program as they are
    Bench {
        /// A bench's name and its options; none runs all
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Simulate the local ECS with its hosts under faults; arguments go to the simulator as they are
    Sim {
        /// `--seed`, `--steps` and `--storm`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Take names, types and errors of the ECS API from its model into schema/ecs/api.txt
    Model {
        /// `service-2.json`, as botocore ships it for ECS
        file: std::path::PathBuf,
    },
    /// Write the pages of docs/reference that are made from code
    Codegen {
        /// Write nothing; fail if a page is not what the code says today
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let root = shell::root()?;
    match &cli.command {
        Task::Ci { conformance, fuzz } => ci::run(&root, *conformance, *fuzz),
        Task::Tidy => tidy::run(&root),
        Task::Conformance { runtime } => conformance::run(&root, *runtime),
        Task::Fuzz { targets, seconds } => match fuzz::run(&root, targets, *seconds)? {
            Outcome::Passed => Ok(()),
            Outcome::Skipped(why) => {
                println!("skipped: {why}");
                Ok(())
            }
        },
        Task::Dist => {
            let binary = build::program(&root, Profile::Dist)?;
            println!("{}", binary.display());
            Ok(())
        }
        Task::Bench { args } => {
            build::program(&root, Profile::Dist)?;
            let mut bench = shell::cargo(&root);
            bench.args([
                "run",
                "--profile",
                Profile::Dist.name(),
                "--package",
                "longshore-bench",
                "--",
            ]);
            shell::finish(bench.args(args))
        }
        Task::Sim { args } => {
            let mut sim = shell::cargo(&root);
            sim.args(["run", "--release", "--package", "longshore-sim", "--"]);
            shell::finish(sim.args(args))
        }
        Task::Model { file } => model::take(&root, file),
        Task::Codegen { check: true } => codegen::check(&root),
        Task::Codegen { check: false } => codegen::write(&root),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_has_no_contradictions() {
        Cli::command().debug_assert();
    }
}
