//! Builds the program with one of the profiles of `Cargo.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;

use crate::shell;

/// A profile of `Cargo.toml` (ADR 0024).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// The profile of `cargo run --release`.
    Release,
    /// The profile that is released and measured.
    Dist,
}

impl Profile {
    /// Its name in `Cargo.toml`, also that of its directory in `target`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }

    /// The features that the program is built with.
    fn features(self) -> &'static [&'static str] {
        match self {
            Self::Release => &[],
            Self::Dist => &["--features", "jemalloc"],
        }
    }
}

/// Builds the program and returns its path.
///
/// # Errors
/// When the build fails.
pub(crate) fn program(root: &Path, profile: Profile) -> Result<PathBuf> {
    build(root, profile, &["longshore"])
}

/// The same with the sample frameworks and the library for the JVM beside it. All at once, since what they have in common would be built
/// twice otherwise, with other features.
///
/// # Errors
/// When the build fails.
pub(crate) fn with_drivers(root: &Path, profile: Profile) -> Result<PathBuf> {
    build(root, profile, &["longshore", "longshore-examples", "longshore-libmesos"])
}

/// Builds the library for the JVM beside the program.
///
/// # Errors
/// When the build fails.
pub(crate) fn library(root: &Path, profile: Profile) -> Result<()> {
    let mut cargo = shell::cargo(root);
    cargo.args(["build", "--profile", profile.name(), "--package", "longshore-libmesos"]);
    shell::finish(&mut cargo)
}

fn build(root: &Path, profile: Profile, packages: &[&str]) -> Result<PathBuf> {
    let mut cargo = shell::cargo(root);
    cargo.args(["build", "--profile", profile.name()]);
    cargo.args(packages.iter().flat_map(|package| ["--package", package]));
    shell::finish(cargo.args(profile.features()))?;
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()
        .context("cannot ask cargo where it builds")?;
    let binary = metadata.target_directory.join(profile.name()).join("longshore");
    Ok(binary.into_std_path_buf())
}
