//! `cargo xtask`: the single entry point for working on this repository.
//!
//! The CI servers check exactly what a person can check locally: both run `cargo xtask ci`. A
//! script that only the servers run could not be fixed by anyone else, so there is none; `.ci/run`
//! installs packages and then runs this. The checks are written in Rust because they read the
//! workspace as the compiler does: packages from `cargo metadata`, functions from the syntax tree.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line tool prints to standard output")]

mod build;
mod ci;
mod codegen;
mod conformance;
mod fuzz;
mod glibc;
mod model;
mod shell;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::Profile;
use crate::ci::Outcome;
use crate::conformance::Choice;

/// The command line of `cargo xtask`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

/// The subcommands; their doc comments are the text of `cargo xtask help`.
#[derive(Debug, Subcommand)]
enum Task {
    /// Run every check that a change must pass: format, tidy, lints, tests, documentation,
    /// dependencies, generated pages
    Ci {
        /// Also run the conformance suites, which need Python and build an optimised program
        #[arg(long)]
        conformance: bool,
        /// Also fuzz every parser for a while, which needs a C++ compiler
        #[arg(long)]
        fuzz: bool,
    },
    /// Check the house rules that the compiler does not check; prints each violation as path:line:
    /// rule: what would be right
    Tidy,
    /// Run third-party clients against the release binary
    Conformance {
        /// Runtime for the tasks' containers
        #[arg(long, value_enum, default_value = "all")]
        runtime: Choice,
        /// Let the storm of many clients blow for five minutes instead of 45 s
        #[arg(long)]
        long: bool,
    },
    /// Fuzz the parsers with libFuzzer, starting from the corpus in fuzz/corpus
    Fuzz {
        /// Names of targets; all if none are given
        targets: Vec<String>,
        /// Seconds to run each target
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// Build the program and the library for the JVM as they are released, fully optimised; prints their paths
    Dist,
    /// Measure the budgets of SPEC.md; arguments are passed on to the bench program
    Bench {
        /// Name of a benchmark and its options; all benchmarks if none is given
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Simulate the local ECS and its hosts, or bridges, under faults; arguments are passed on to the simulator
    Sim {
        /// `--seed`, `--steps` and `--storm`, or `--bridge`, `--seed`, `--seeds`, `--steps` and `--trace`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Extract names, types and errors of the ECS API from its model into schema/ecs/api.txt
    Model {
        /// `service-2.json` for ECS, as shipped with botocore
        file: std::path::PathBuf,
    },
    /// Write the pages of docs/reference that are generated from code
    Codegen {
        /// Write nothing; fail if a page is out of date
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
        Task::Conformance { runtime, long } => conformance::run(&root, *runtime, *long),
        Task::Fuzz { targets, seconds } => match fuzz::run(&root, targets, *seconds)? {
            Outcome::Passed => Ok(()),
            Outcome::Skipped(why) => {
                println!("skipped: {why}");
                Ok(())
            }
        },
        Task::Dist => {
            for file in build::released(&root)? {
                println!("{}", file.display());
            }
            Ok(())
        }
        Task::Bench { args } => {
            build::program(&root, Profile::Dist)?;
            let library = build::library(&root)?;
            let mut bench = shell::cargo(&root);
            bench.args([
                "run",
                "--profile",
                Profile::Dist.name(),
                "--package",
                "longshore-bench",
                "--",
            ]);
            shell::finish(bench.args(args).env("LONGSHORE_LIBRARY", library))
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
