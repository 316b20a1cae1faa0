//! `cargo xtask ci`: runs every check, cheapest first, and stops at the first failure.
//!
//! Cheapest first, because a person is waiting for the result. Lints, tests, documentation and the
//! conformance suites share the dev profile and the target directory, so that everything is compiled
//! once; in that profile an overflow or a broken assertion ends the program that the suites drive.
//! `cargo xtask conformance` drives the one that people build.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::conformance::{self, Choice, Extent, Runtime};
use crate::{build, codegen, fuzz, shell, tidy};

/// The result of a step that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran and found nothing wrong.
    Passed,
    /// It could not run here; the message says why and what covers for it.
    Skipped(String),
}

/// The action of a step.
type Run<'a> = Box<dyn FnOnce(&Path) -> Result<Outcome> + 'a>;

/// A named check.
struct Step<'a> {
    name: String,
    run: Run<'a>,
}

impl<'a> Step<'a> {
    fn new(name: &str, run: impl FnOnce(&Path) -> Result<Outcome> + 'a) -> Self {
        Self { name: name.to_owned(), run: Box::new(run) }
    }

    /// A step that runs one cargo command.
    fn cargo(name: &str, args: &'static [&'static str]) -> Self {
        Self::new(name, move |root| passed(shell::finish(shell::cargo(root).args(args))))
    }
}

/// Totals over all steps.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// How long each target of `fuzz/` runs, in s. Chosen by us: a few minutes in total on two
/// processors.
const FUZZ_SECONDS: u32 = 4;

/// Runs every check, plus the conformance suites if `conformance` and the targets of `fuzz/` if
/// `fuzz`.
///
/// # Errors
/// Names the step that failed.
pub(crate) fn run(root: &Path, conformance: bool, fuzz: bool) -> Result<()> {
    let mut steps = checks();
    if fuzz {
        steps.push(Step::new("fuzz", |root| fuzz::run(root, &[], FUZZ_SECONDS)));
    }
    if conformance {
        steps.extend(suites());
    }
    let (tally, failure) = perform(root, steps);
    println!("\n{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    match failure {
        None => Ok(()),
        Some(name) => bail!("`{name}` failed"),
    }
}

fn checks() -> Vec<Step<'static>> {
    vec![
        Step::cargo("fmt", &["fmt", "--all", "--check"]),
        Step::new("tidy", |root| passed(tidy::run(root))),
        Step::new("clippy", clippy),
        Step::cargo("test", &["test", "--workspace"]),
        Step::new("doc", |root| {
            let mut cargo = shell::cargo(root);
            cargo.args(["doc", "--workspace", "--no-deps"]);
            passed(shell::finish(cargo.env("RUSTDOCFLAGS", "-D warnings")))
        }),
        Step::new("deny", deny),
        Step::new("codegen", |root| passed(codegen::check(root))),
    ]
}

/// Lints read no C: an empty file stands in for jemalloc, whose sources take a minute.
fn clippy(root: &Path) -> Result<Outcome> {
    let folder = build::target(root)?;
    std::fs::create_dir_all(&folder)?;
    let none = folder.join("libjemalloc.so");
    std::fs::write(&none, "")?;
    let mut cargo = shell::cargo(root);
    cargo.args(["clippy", "--workspace", "--all-targets", "--all-features", "--"]);
    cargo.args(["-D", "warnings"]).env("JEMALLOC_OVERRIDE", none);
    passed(shell::finish(&mut cargo))
}

fn deny(root: &Path) -> Result<Outcome> {
    if !shell::succeeds(shell::cargo(root).args(["deny", "--version"])) {
        let why = "cargo-deny is not installed; tidy has checked licences, duplicates and reasons, \
                   but nobody has asked the advisory database";
        return Ok(Outcome::Skipped(why.to_owned()));
    }
    passed(shell::finish(shell::cargo(root).args(["deny", "check"])))
}

/// Each suite builds the program first, which takes time only for the first of them and gives a
/// failed build a step to be reported in.
fn suites() -> Vec<Step<'static>> {
    let one = |runtime: &Runtime| {
        let runtime = *runtime;
        let name = format!("conformance, {}", runtime.0);
        Step::new(&name, move |root| {
            let binary = build::beside_tests(root)?;
            conformance::suite(root, &binary, runtime, Extent::OfCi)
        })
    };
    Choice::All.runtimes().iter().map(one).collect()
}

/// Runs `steps` until one fails; the remaining ones count as skipped.
fn perform(root: &Path, steps: Vec<Step<'_>>) -> (Tally, Option<String>) {
    let mut tally = Tally::default();
    let mut failure = None;
    for step in steps {
        if failure.is_some() {
            println!("not run: {}", step.name);
            tally.skipped += 1;
            continue;
        }
        println!("\n== {} ==", step.name);
        let started = Instant::now();
        let result = (step.run)(root);
        let seconds = started.elapsed().as_secs_f32();
        match result {
            Ok(Outcome::Passed) => {
                println!("== {}: passed in {seconds:.1} s", step.name);
                tally.passed += 1;
            }
            Ok(Outcome::Skipped(why)) => {
                println!("== {}: skipped: {why}", step.name);
                tally.skipped += 1;
            }
            Err(error) => {
                println!("== {}: FAILED after {seconds:.1} s: {error:#}", step.name);
                tally.failed += 1;
                failure = Some(step.name);
            }
        }
    }
    (tally, failure)
}

fn passed(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use anyhow::anyhow;

    use super::{Outcome, Step, perform};

    #[test]
    fn the_first_failure_stops_the_rest_and_is_named() {
        let reached = Cell::new(false);
        let steps = vec![
            Step::new("one", |_| Ok(Outcome::Passed)),
            Step::new("two", |_| Err(anyhow!("no"))),
            Step::new("three", |_| {
                reached.set(true);
                Ok(Outcome::Passed)
            }),
        ];
        let (tally, failure) = perform(Path::new("."), steps);
        assert_eq!((tally.passed, tally.failed, tally.skipped), (1, 1, 1));
        assert_eq!(failure.as_deref(), Some("two"));
        assert!(!reached.get());
    }

    #[test]
    fn a_skipped_step_does_not_fail_the_run() {
        let steps = vec![Step::new("docker", |_| Ok(Outcome::Skipped("no daemon".into())))];
        let (tally, failure) = perform(Path::new("."), steps);
        assert_eq!((tally.skipped, tally.failed, failure), (1, 0, None));
    }
}
