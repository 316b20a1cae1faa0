//! Runs other programs: from the repository root, with the command line shown and failures
//! explained.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The root directory of the workspace.
///
/// `cargo run` provides the location of the package at run time, which is right even if the
/// checkout has moved since the build; otherwise the location at build time is the best guess.
pub(crate) fn root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package.parent().with_context(|| {
        format!("{} has no parent folder to be the workspace", package.display())
    })?;
    Ok(root.to_path_buf())
}

/// A `cargo` command in `root`, using the same cargo that runs this program and thus the same
/// toolchain.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

/// Runs `command` to completion with its output visible.
///
/// # Errors
/// When it cannot be started or does not exit successfully.
pub(crate) fn finish(command: &mut Command) -> Result<()> {
    let line = spoken(command);
    println!("$ {line}");
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Whether `command` can be started and succeeds; its output is discarded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as a person would type it, without the path of the program.
fn spoken(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{finish, spoken, succeeds};

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--workspace"]);
        assert_eq!(spoken(&command), "cargo test --workspace");
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_and_not_a_success() {
        let missing = "longshore-no-such-program";
        assert!(!succeeds(&mut Command::new(missing)));
        let error = finish(&mut Command::new(missing)).unwrap_err();
        assert!(error.to_string().contains(missing), "{error}");
    }
}
