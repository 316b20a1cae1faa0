//! Builds the program and the library with one of the profiles of `Cargo.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::{glibc, shell};

/// The library for the JVM.
const LIBRARY: &str = "liblongshore_mesos.so";
/// Bytes of the library as it is released. SPEC.md has the budget.
const LIBRARY_BYTES_MAX: u64 = 12 * 1024 * 1024;

/// A profile of `Cargo.toml` (ADR 0024).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// The profile of `cargo run --release`.
    Release,
    /// The profile that is released and measured.
    Dist,
    /// The profile that the library for the JVM is released and measured in.
    Library,
}

impl Profile {
    /// Its name in `Cargo.toml`, also that of its directory in `target`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dist => "dist",
            Self::Library => "library",
        }
    }

    /// The features that the program is built with.
    fn features(self) -> &'static [&'static str] {
        match self {
            Self::Release | Self::Library => &[],
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

/// The same, of what `cargo test --workspace` has built most of: in its profile, and with the features that it asks for, which are those of
/// tests too.
///
/// # Errors
/// When the build fails.
pub(crate) fn beside_tests(root: &Path) -> Result<PathBuf> {
    shell::finish(shell::cargo(root).args(["build", "--workspace", "--all-targets"]))?;
    Ok(folder(root, "debug")?.join("longshore"))
}

/// Builds the library for the JVM as it is released, and returns its path.
///
/// # Errors
/// When the build fails.
pub(crate) fn library(root: &Path) -> Result<PathBuf> {
    let profile = Profile::Library.name();
    let mut cargo = shell::cargo(root);
    cargo.args(["build", "--profile", profile, "--package", "longshore-libmesos"]);
    shell::finish(&mut cargo)?;
    Ok(folder(root, profile)?.join(LIBRARY))
}

/// Builds what is released, for old machines too where cargo-zigbuild is at hand; returns the program and the library.
///
/// # Errors
/// When the build fails, or what was built needs a newer machine than it should, or is too large.
pub(crate) fn released(root: &Path) -> Result<[PathBuf; 2]> {
    let Some(target) = glibc::target(root) else {
        eprintln!(
            "without cargo-zigbuild the binaries need this machine's glibc or a newer one: pip install ziglang cargo-zigbuild"
        );
        let (program, library) = (program(root, Profile::Dist)?, library(root)?);
        is_small(&library)?;
        return Ok([program, library]);
    };
    let one = |package: &str, file: &str, profile: Profile| -> Result<PathBuf> {
        let mut cargo = shell::cargo(root);
        cargo.args(["zigbuild", "--profile", profile.name(), "--target", &target]);
        shell::finish(cargo.args(["--package", package]).args(profile.features()))?;
        let file = folder(root, &glibc::triple())?.join(profile.name()).join(file);
        glibc::check(&file)?;
        Ok(file)
    };
    let program = one("longshore", "longshore", Profile::Dist)?;
    let library = one("longshore-libmesos", LIBRARY, Profile::Library)?;
    is_small(&library)?;
    Ok([program, library])
}

fn is_small(library: &Path) -> Result<()> {
    let bytes = library.metadata().context("the library was built")?.len();
    if bytes > LIBRARY_BYTES_MAX {
        bail!("{} has {bytes} bytes, and {LIBRARY_BYTES_MAX} are its budget", library.display());
    }
    Ok(())
}

fn build(root: &Path, profile: Profile, packages: &[&str]) -> Result<PathBuf> {
    let mut cargo = shell::cargo(root);
    cargo.args(["build", "--profile", profile.name()]);
    cargo.args(packages.iter().flat_map(|package| ["--package", package]));
    shell::finish(cargo.args(profile.features()))?;
    Ok(folder(root, profile.name())?.join("longshore"))
}

/// A folder below the one that cargo builds in.
fn folder(root: &Path, name: &str) -> Result<PathBuf> {
    Ok(target(root)?.join(name))
}

/// The folder that cargo builds in.
///
/// # Errors
/// When cargo does not say.
pub(crate) fn target(root: &Path) -> Result<PathBuf> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()
        .context("cannot ask cargo where it builds")?;
    Ok(metadata.target_directory.into_std_path_buf())
}
