//! `longshore libmesos`: where the library for the JVM is, and programs that load it.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use crate::args::LibmesosArgs;

const FILE: &str = "liblongshore_mesos.so";
/// What a jar of Mesos reads first, and what older ones read.
const VARIABLES: [&str; 2] = ["MESOS_NATIVE_JAVA_LIBRARY", "MESOS_NATIVE_LIBRARY"];

/// What shells exit with where a program is not found, and where it cannot be run. Source: POSIX, *Shell Command Language*, 2.8.2.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// Prints the library's path, or becomes the program with the variables set.
pub(crate) fn run(args: &LibmesosArgs, json: bool) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let Some(library) = find(&program) else {
        let beside = program.parent().unwrap_or(Path::new("."));
        bail!(
            "{FILE} is neither in {} nor in ../lib: build it with `cargo build --release --package longshore-libmesos`",
            beside.display()
        );
    };
    let [name, arguments @ ..] = &args.command[..] else {
        if json {
            crate::output::say!("{}", serde_json::json!({"library": library}));
        } else {
            crate::output::say!("{}", library.display());
        }
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(name);
    command.args(arguments).env(VARIABLES[0], &library).env_remove(VARIABLES[1]);
    // Returns only if the program cannot be started.
    let why = command.exec();
    eprintln!("longshore: cannot run {}: {why}", name.display());
    Ok(ExitCode::from(if why.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN }))
}

/// The library beside the program, or where packages put libraries.
fn find(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let places = [folder.join(FILE), folder.join("../lib").join(FILE)];
    // The JVM takes no relative path.
    places
        .into_iter()
        .find(|place| place.is_file())
        .and_then(|place| std::path::absolute(place).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_beside_the_program_or_in_lib() {
        let folder = std::env::temp_dir().join(format!("longshore-lib-{}", std::process::id()));
        let (bin, lib) = (folder.join("bin"), folder.join("lib"));
        std::fs::create_dir_all(&bin).expect("it can be made");
        std::fs::create_dir_all(&lib).expect("it can be made");
        let program = bin.join("longshore");
        assert_eq!(find(&program), None);
        std::fs::write(lib.join(FILE), "").expect("it can be written");
        assert!(find(&program).is_some_and(|found| found.is_absolute()));
        std::fs::write(bin.join(FILE), "").expect("it can be written");
        assert_eq!(find(&program), Some(bin.join(FILE)));
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
