//! Starts a container's command.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use super::arguments::{Arguments, Role, variables};
use crate::files::Folder;
use crate::process::directory::{SANDBOX, WORK};

/// Read buffer size: the default capacity of a pipe. Source: pipe(7).
const READ_BYTES: usize = 64 * 1024;

/// A running command.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: Pid,
    /// Its standard output and error: one pipe, which keeps the order of writing, or in a sandbox one for each.
    pub(super) outputs: Vec<OwnedFd>,
    buffer: Vec<u8>,
}

/// The result of a read.
pub(super) enum Read<'r> {
    /// Output.
    Some(&'r [u8]),
    /// Nothing at the moment.
    None,
    /// There are no writers left.
    Closed,
}

impl Started {
    /// Reads what can be read now from one of the pipes.
    pub(super) fn read(&mut self, pipe: usize) -> Read<'_> {
        match rustix::io::read(&self.outputs[pipe], &mut self.buffer[..]) {
            Ok(0) => Read::Closed,
            Ok(bytes) => Read::Some(&self.buffer[..bytes]),
            Err(Errno::AGAIN | Errno::INTR) => Read::None,
            Err(_) => Read::Closed,
        }
    }
}

/// Starts the command in its own process group.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) fn start(arguments: &Arguments, folder: &Folder) -> Result<Started, String> {
    let failed = |error: io::Error| format!("CannotStartContainerError: {error}");
    let work = work(arguments, folder).map_err(failed)?;
    if let (Role::Container, Some((uid, gid))) = (arguments.role, arguments.user) {
        // That of the whole task is where only we could have put it; below, tasks of the group may have moved it there.
        let is_below = arguments.sandbox.as_ref().is_some_and(|place| place.iter().count() > 0);
        let given = if is_below { work.give_ours_to(uid, gid) } else { work.give_to(uid, gid) };
        given.map_err(failed)?;
    }
    // Before switching users: another user may not be able to see the parent directories.
    rustix::process::fchdir(&work).map_err(|error| failed(error.into()))?;
    let (output, input) = pipe().map_err(failed)?;
    let mut outputs = vec![output];
    let (first, rest) = arguments.command.split_first().expect("it was parsed so");
    let all: Vec<_> = std::env::vars_os().collect();
    let all: BTreeMap<&OsStr, &OsString> =
        variables(all.iter().map(|(name, value)| (name.as_os_str(), value))).collect();
    // Resolving the program here avoids a fork: the standard library has a faster way for a path.
    let program = found(first, all.get(OsStr::new("PATH")).copied());
    let mut command = Command::new(program.as_deref().unwrap_or(Path::new(first)));
    command.arg0(first).args(rest).env_clear().envs(all).process_group(0).stdin(Stdio::null());
    match arguments.role {
        Role::Container => {
            let second = if arguments.sandbox.is_some() {
                let (errors, second) = pipe().map_err(failed)?;
                outputs.push(errors);
                second
            } else {
                input.try_clone().map_err(failed)?
            };
            command.stdout(input).stderr(second);
        }
        Role::Probe => {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
    }
    if let Some(cwd) = &arguments.cwd {
        command.current_dir(cwd);
    }
    if let Some((uid, gid)) = arguments.user {
        command.uid(uid).gid(gid);
    }
    // Never waited for through this handle: the reaper could not tell it from orphans.
    let child =
        command.spawn().map_err(|error| refusal(first, arguments.cwd.as_deref(), &error))?;
    Ok(Started { pid: Pid::from_child(&child), outputs, buffer: vec![0; READ_BYTES] })
}

/// A pipe that is read without waiting.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (output, input) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&output, true)?;
    Ok((output, input))
}

/// The directory that the command is started in.
///
/// # Errors
/// If it cannot be opened.
pub(super) fn work(arguments: &Arguments, folder: &Folder) -> io::Result<Folder> {
    if let Some(place) = &arguments.sandbox {
        // Beside the container's directory, which is the current one.
        let whole = Folder::open(&Path::new("..").join(SANDBOX))?;
        // Step by step, so that no task of the group can lead another one away by a link.
        return place.iter().try_fold(whole, |folder, part| folder.folder(part));
    }
    folder.folder(WORK)
}

/// Searches the path for a program named without a directory.
fn found(program: &OsStr, path: Option<&OsString>) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return None;
    }
    let candidates = std::env::split_paths(path?).map(|directory| directory.join(program));
    let is_program = |path: &PathBuf| {
        rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file()
    };
    candidates.filter(|path| path.is_absolute()).find(is_program)
}

/// Why a command could not be started, in Docker's words.
fn refusal(program: &OsStr, cwd: Option<&Path>, error: &io::Error) -> String {
    if let Some(cwd) = cwd.filter(|cwd| !cwd.is_dir()) {
        let cwd = cwd.display();
        return format!("CannotStartContainerError: the working directory {cwd} does not exist");
    }
    let program = program.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "CannotStartContainerError: exec: \"{program}\": executable file not found in $PATH"
        ),
        _ => format!("CannotStartContainerError: exec: \"{program}\": {error}"),
    }
}
