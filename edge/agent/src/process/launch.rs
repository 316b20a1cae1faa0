//! Starting a process as a container.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;
use std::time::Duration;

use longshore_wire_ecs::host::{ContainerSpec, PortBinding};
use rustix::process::Pid;
use tokio::process::{Child, Command};

use crate::command_line;
use crate::process::directory::Directory;

/// Runs the command, and leaves word of its process id before and of its exit code after.
///
/// The trap lets the shell outlive the SIGTERM that is meant for the command: a trapped signal is handled once the
/// command has ended, and is reset to its default in the command itself.
const SCRIPT: &str = r#"trap : TERM INT HUP QUIT
echo $$ >"$0/pid" || exit 125
"$@"
code=$?
echo $code >"$0/exit"
exit $code"#;

/// Where commands are looked for when the container does not say. Source: Docker's default.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Starts the container's command.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(crate) fn spawn(directory: &Directory, spec: &ContainerSpec) -> Result<(Child, Pid), String> {
    let words = command_line(spec);
    let image = spec.definition.image.as_deref().unwrap_or_default();
    if words.is_empty() {
        return Err(format!(
            "CannotStartContainerError: the image {image} needs Docker, and this instance runs plain processes: give the container a command"
        ));
    }
    if spec.definition.mount_points.as_ref().is_some_and(|mounts| !mounts.is_empty()) {
        return Err("CannotCreateContainerError: mount points need Docker, and this instance runs plain processes".to_owned());
    }
    if !program_exists(spec, &words[0]) {
        return Err(format!(
            "CannotStartContainerError: exec: \"{}\": executable file not found in $PATH",
            words[0]
        ));
    }
    directory.create().map_err(|error| {
        format!("CannotCreateContainerError: {}: {error}", directory.path.display())
    })?;
    let output = OpenOptions::new().create(true).append(true).open(directory.path.join("output"));
    let output = output.map_err(|error| format!("CannotCreateContainerError: output: {error}"))?;
    let errors = output
        .try_clone()
        .map_err(|error| format!("CannotCreateContainerError: output: {error}"))?;
    let mut command = prepare(directory, spec)?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    command.arg("-c").arg(SCRIPT).arg(&directory.path).args(&words);
    let child = command.spawn().map_err(|error| format!("CannotStartContainerError: {error}"))?;
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let pid = pid.ok_or("CannotStartContainerError: the process ended at once")?;
    Ok((child, pid))
}

/// Whether the program is a file, or is found where the container looks for programs.
fn program_exists(spec: &ContainerSpec, program: &str) -> bool {
    if program.contains('/') {
        // Relative to a directory that may not be there yet: the shell will tell.
        return !program.starts_with('/') || std::path::Path::new(program).is_file();
    }
    let path = spec.variable("PATH").unwrap_or(PATH);
    path.split(':').any(|directory| std::path::Path::new(directory).join(program).is_file())
}

/// A shell with the container's environment, user and directory.
fn prepare(directory: &Directory, spec: &ContainerSpec) -> Result<Command, String> {
    let work = directory.path.join("work");
    let cwd = spec.definition.working_directory.as_deref().map_or(work.clone(), Into::into);
    if !cwd.is_dir() {
        return Err(format!(
            "CannotStartContainerError: the working directory {} does not exist",
            cwd.display()
        ));
    }
    let mut command = Command::new("/bin/sh");
    command.current_dir(cwd).env_clear().env("PATH", PATH).env("HOME", &work).env("PWD", &work);
    for variable in spec.environment.iter() {
        if let Some(name) = variable.name.as_deref().filter(|name| !name.contains(['=', '\0'])) {
            command.env(name, variable.value.as_deref().unwrap_or_default().replace('\0', ""));
        }
    }
    if let Some(user) = spec.definition.user.as_deref().filter(|user| !user.is_empty()) {
        let (uid, gid) = identity(user).ok_or_else(|| {
            format!("CannotStartContainerError: unable to find user {user}: no matching entries in passwd file")
        })?;
        if uid != rustix::process::geteuid().as_raw() {
            command.uid(uid).gid(gid);
        }
    }
    Ok(command)
}

/// Reads `user`, `uid`, `user:group` or `uid:gid`. Source: ECS API reference, `ContainerDefinition.user`.
fn identity(text: &str) -> Option<(u32, u32)> {
    let (user, group) =
        text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let by_name = entry("/etc/passwd", user);
    let uid = user.parse().ok().or_else(|| by_name.as_ref()?.get(2)?.parse().ok())?;
    let gid = match group {
        Some(group) => {
            group.parse().ok().or_else(|| entry("/etc/group", group)?.get(2)?.parse().ok())?
        }
        None => by_name.and_then(|fields| fields.get(3)?.parse().ok()).unwrap_or(0),
    };
    Some((uid, gid))
}

/// The fields of the line that begins with `name`.
fn entry(file: &str, name: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    Some(line.split(':').map(str::to_owned).collect())
}

/// The ports that a process was told of, which the kernel still knows after a restart of the agent.
pub(crate) fn bindings(pid: Pid) -> Vec<PortBinding> {
    let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
    super::ports::read(&environment.unwrap_or_default())
}

/// Runs a command beside the container's own, `pid`, and says whether it ended well in time. It has the environment that
/// the container was started with, secrets and all, which the kernel still knows after a restart of the agent.
pub(crate) async fn run(
    directory: &Directory,
    spec: &ContainerSpec,
    pid: Pid,
    words: &[String],
    most: Duration,
) -> bool {
    let Ok(mut command) = prepare(directory, spec) else { return false };
    let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
    command.envs(variables(&environment.unwrap_or_default()));
    command.arg("-c").arg("exec \"$0\" \"$@\"").args(words).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    matches!(tokio::time::timeout(most, child.wait()).await, Ok(Ok(status)) if status.success())
}

/// Reads `/proc/PID/environ`.
fn variables(environ: &[u8]) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    environ.split(|byte| *byte == 0).filter_map(|entry| {
        let equals = entry.iter().position(|byte| *byte == b'=')?;
        Some((OsStr::from_bytes(&entry[..equals]), OsStr::from_bytes(&entry[equals + 1..])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_read_as_the_kernel_keeps_it() {
        let read: Vec<_> = variables(b"A=1\0B=a=b\0rubbish\0C=\0").collect();
        let wanted = [("A", "1"), ("B", "a=b"), ("C", "")];
        assert_eq!(read, wanted.map(|(name, value)| (OsStr::new(name), OsStr::new(value))));
    }

    #[test]
    fn users_are_found_by_name_and_by_number() {
        assert_eq!(identity("root"), Some((0, 0)));
        assert_eq!(identity("1000:50"), Some((1000, 50)));
        assert_eq!(identity("nobody-of-that-name"), None);
    }
}
