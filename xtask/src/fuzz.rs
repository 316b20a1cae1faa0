//! `cargo xtask fuzz`: every parser against inputs that libFuzzer makes up, from the kept corpus on.
//!
//! The targets are programs of the workspace in `fuzz/`, in the form that cargo-fuzz wants. What cargo-fuzz adds is a compiler's flags
//! for coverage, which the pinned toolchain has too; the sanitizers, which need a nightly one, find little where no code is unsafe.
//! So neither is needed here, and the servers fuzz as people do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::ci::Outcome;
use crate::shell;

/// Coverage as libFuzzer reads it. Source: cargo-fuzz.
const RUSTFLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Memory that a target may take, in MiB. Chosen by us: no input is larger than a few KiB.
const MEMORY_MIB_MAX: u32 = 1_024;

/// How long one input may take, in s. Chosen by us: none should take a millisecond.
const INPUT_SECONDS_MAX: u32 = 5;

/// Lines of a failed target that are shown.
const SHOWN_LINES: usize = 40;

/// Builds all targets and runs those asked for, each for `seconds`, as many at a time as there are processors.
///
/// # Errors
/// When the build failed, a target is unknown, or a target found something.
pub(crate) fn run(root: &Path, wanted: &[String], seconds: u32) -> Result<Outcome> {
    if !shell::succeeds(Command::new("c++").arg("--version")) {
        return Ok(Outcome::Skipped(
            "libFuzzer is built by a C++ compiler, and there is none".to_owned(),
        ));
    }
    let mut targets = targets(root)?;
    for name in wanted {
        ensure!(targets.contains(name), "there is no target {name}: {}", targets.join(", "));
    }
    targets.retain(|target| wanted.is_empty() || wanted.contains(target));
    let programs = build(root)?;
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let mut failed = Vec::new();
    for group in targets.chunks(at_once) {
        let results: Vec<Result<()>> = thread::scope(|scope| {
            let programs = &programs;
            let running: Vec<_> = group
                .iter()
                .map(|target| scope.spawn(move || perform(root, programs, target, seconds)))
                .collect();
            let ended =
                running.into_iter().map(|thread| thread.join().expect("no target panics here"));
            ended.collect()
        });
        for (target, result) in group.iter().zip(results) {
            if let Err(error) = result {
                println!("{target}: {error:#}");
                failed.push(target.as_str());
            }
        }
    }
    if !failed.is_empty() {
        bail!("{} found something", failed.join(" and "));
    }
    Ok(Outcome::Passed)
}

/// The names of the targets, sorted.
fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets and says in which folder they are.
fn build(root: &Path) -> Result<PathBuf> {
    let fuzz = root.join("fuzz");
    let host = host()?;
    let mut cargo = shell::cargo(&fuzz);
    // A target is named, so that the flags are not those of build scripts and macros as well.
    cargo.args(["build", "--release", "--target", &host]).env("RUSTFLAGS", RUSTFLAGS);
    cargo.env("CARGO_TARGET_DIR", fuzz.join("target"));
    shell::finish(&mut cargo)?;
    Ok(fuzz.join("target").join(host).join("release"))
}

/// The platform of the compiler.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot ask rustc")?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say for which platform it is")?.to_owned())
}

/// Runs one target. New inputs go to a folder of their own, so that what is committed stays small.
fn perform(root: &Path, programs: &Path, target: &str, seconds: u32) -> Result<()> {
    let fuzz = root.join("fuzz");
    let (found, artifacts) =
        (fuzz.join("target/corpus").join(target), fuzz.join("artifacts").join(target));
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let log = fuzz.join(format!("target/{target}.log"));
    let file = fs::File::create(&log)?;
    let status = Command::new(programs.join(target))
        .current_dir(&fuzz)
        .args([found, fuzz.join("corpus").join(target)])
        .args([
            format!("-max_total_time={seconds}"),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
            format!("-artifact_prefix={}/", artifacts.display()),
            "-print_final_stats=1".to_owned(),
        ])
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .with_context(|| format!("cannot start {target}"))?;
    let told = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if status.success() {
        let inputs = statistic(&told, "stat::number_of_executed_units:").unwrap_or_default();
        println!("{target}: {inputs} inputs in {seconds} s");
        return Ok(());
    }
    let lines: Vec<&str> = told.lines().collect();
    println!("{}", lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n"));
    bail!(
        "ended with {status}; the input is in fuzz/artifacts/{target}, all of the output in {}",
        log.display()
    )
}

/// The figure after `name` in what libFuzzer says at its end.
fn statistic<'a>(told: &'a str, name: &str) -> Option<&'a str> {
    told.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{statistic, targets};
    use crate::shell;

    #[test]
    fn every_target_is_a_program_with_a_corpus() {
        let root = shell::root().expect("the workspace has a root");
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("it is there");
        let named: BTreeSet<&str> = manifest
            .lines()
            .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
            .collect();
        let targets = targets(&root).expect("the folder can be listed");
        assert_eq!(targets.iter().map(String::as_str).collect::<BTreeSet<_>>(), named);
        for target in &targets {
            let corpus = std::fs::read_dir(root.join("fuzz/corpus").join(target));
            assert!(corpus.is_ok_and(|mut entries| entries.next().is_some()), "{target}");
        }
    }

    #[test]
    fn a_figure_is_found_by_its_name() {
        let told = "Done\nstat::number_of_executed_units: 417164\nstat::new: 1\n";
        assert_eq!(statistic(told, "stat::number_of_executed_units:"), Some("417164"));
        assert_eq!(statistic(told, "stat::other:"), None);
    }
}
