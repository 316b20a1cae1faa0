//! Starts a process as a container, through its supervisor.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use longshore_wire_ecs::fetch::{self, FetchSettings};
use longshore_wire_ecs::host::{ContainerSpec, PortBinding};
use rustix::process::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::Setup;
use super::directory::{Directory, Ran, SANDBOX, WORK};
use super::proc::{self, Process};
use super::sandbox::{is_fetcher, told, translated};
use crate::command_line;
use crate::supervise::{Arguments, Bounds, Cgroup, FAILED, MARK, Role, STARTED, base};

/// Default search path for commands. Source: Docker's default.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a supervisor may take to report that the command runs. Chosen by us: anything slower
/// has hung.
const ANSWER: Duration = Duration::from_secs(20);

/// A started supervisor, and the handles to it.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) supervisor: Child,
    pub(super) ran: Ran,
    /// Held while the container should live, if it is to end with us.
    pub(super) lifeline: Option<ChildStdin>,
}

/// What is inside of a container besides its definition.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// The sandbox that it is started in.
    pub(super) sandbox: Option<PathBuf>,
    /// What it is told if it fetches.
    pub(super) settings: Option<FetchSettings>,
}

/// Starts the container's command.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) async fn start(
    setup: &Setup,
    directory: &Directory,
    spec: &ContainerSpec,
    inside: &Inside,
) -> Result<Launched, String> {
    let failed = |error: std::io::Error| format!("CannotStartContainerError: {error}");
    let mut arguments = arguments(Role::Container, directory, spec, inside.sandbox.as_deref())?;
    if inside.settings.is_some() {
        arguments.command = fetcher(setup);
    }
    arguments.bounds = bounds(spec)?;
    arguments.has_lifeline = setup.ends_with_us;
    let name = format!("longshore-{}-{}", directory.task, directory.container);
    // A name too long for the kernel means no control group.
    arguments.cgroup = base().map(|base| base.join(name));
    let mut command = supervisor(setup, directory, &arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .envs(environment(directory, spec, inside)?);
    let mut child = command.spawn().map_err(failed)?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let stdout = child.stdout.take().expect("it is piped");
    let answer = async {
        stdin.write_all(directory.key().bytes()).await?;
        BufReader::new(stdout).lines().next_line().await
    };
    let answer = match tokio::time::timeout(ANSWER, answer).await {
        Ok(answer) => answer.map_err(failed)?.unwrap_or_default(),
        Err(_) => String::new(),
    };
    if let Some(process) = answer.strip_prefix(STARTED).and_then(process) {
        let supervisor = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let cgroup = arguments.cgroup.zip(supervisor);
        let cgroup = cgroup.map(|(prefix, pid)| Cgroup::path_of(&prefix, pid));
        let (ran, lifeline) = (Ran { process, cgroup }, setup.ends_with_us.then_some(stdin));
        return Ok(Launched { supervisor: child, ran, lifeline });
    }
    // It ends, or is killed: either way it does nothing more.
    let _ = child.start_kill();
    if let Some(ran) = directory.command() {
        super::table::end(&ran);
    }
    Err(match answer.strip_prefix(FAILED) {
        Some(why) => why.to_owned(),
        None => {
            "CannotStartContainerError: the process that supervises the container did not start"
                .to_owned()
        }
    })
}

/// Parses a process as reported by a supervisor: its id and start time.
fn process(text: &str) -> Option<Process> {
    let (pid, began) = text.split_once(' ')?;
    Some(Process { pid: Pid::from_raw(pid.parse().ok()?)?, began: began.parse().ok()? })
}

/// Rejects what processes do not support, before anything is created.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) fn check(spec: &ContainerSpec) -> Result<(), String> {
    let words = command_line(spec);
    let image = spec.definition.image.as_deref().unwrap_or_default();
    let Some(program) = words.first() else {
        return Err(format!(
            "CannotStartContainerError: the image {image} needs Docker, but this instance runs plain processes: give it a command"
        ));
    };
    if !is_fetcher(spec) && !program_exists(spec, program) {
        return Err(format!(
            "CannotStartContainerError: exec: \"{program}\": executable file not found in $PATH"
        ));
    }
    Ok(())
}

/// The command of a fetcher: our own program, run once more.
fn fetcher(setup: &Setup) -> Vec<OsString> {
    let words = setup.supervisor.fetch_words.iter().map(OsString::from);
    std::iter::once(setup.supervisor.program.clone().into_os_string()).chain(words).collect()
}

/// Output limits. Source: ECS API reference, `LogConfiguration`; Docker, *JSON File logging
/// driver*.
fn bounds(spec: &ContainerSpec) -> Result<Bounds, String> {
    let Some(log) = &spec.definition.log_configuration else { return Ok(Bounds::default()) };
    if log.log_driver.as_deref() == Some("none") {
        return Ok(Bounds::NONE);
    }
    let option = |name: &str| log.options.as_ref()?.get(name).map(|value| &**value);
    Bounds::of_options(option("max-size"), option("max-file"))
        .map_err(|why| format!("CannotCreateContainerError: {why}"))
}

/// The arguments of a supervisor for a container.
fn arguments(
    role: Role,
    directory: &Directory,
    spec: &ContainerSpec,
    sandbox: Option<&Path>,
) -> Result<Arguments, String> {
    let command = command_line(spec).into_iter().map(OsString::from).collect();
    let mut arguments = Arguments::new(role, directory.folder.path(), command);
    let whole = directory.folder.path().with_file_name(SANDBOX);
    let place = sandbox.and_then(|sandbox| sandbox.strip_prefix(whole).ok());
    arguments.sandbox = place.map(Path::to_path_buf);
    let cwd = spec.definition.working_directory.as_deref();
    arguments.cwd = match (cwd, sandbox) {
        // It is started there anyway, even if its user cannot see the way.
        (Some(cwd), Some(_)) if cwd == fetch::SANDBOX => None,
        (Some(cwd), Some(sandbox)) => {
            Some(translated(sandbox, cwd).unwrap_or_else(|| PathBuf::from(cwd)))
        }
        (cwd, _) => cwd.map(PathBuf::from),
    };
    if let Some(cwd) = arguments.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
        let cwd = cwd.display();
        return Err(format!(
            "CannotStartContainerError: the working directory {cwd} does not exist"
        ));
    }
    arguments.user = user(spec)?.map(|user| (user.uid, user.gid));
    Ok(arguments)
}

/// The command that runs the supervisor in the container's directory, even if that was moved.
fn supervisor(setup: &Setup, directory: &Directory, arguments: &Arguments) -> Command {
    let mut command = std::process::Command::new(&setup.supervisor.program);
    command.arg0("longshore").args(&setup.supervisor.words).args(arguments.words());
    command.env_clear().current_dir(directory.folder.pinned()).process_group(0);
    command.stderr(Stdio::null());
    Command::from(command)
}

/// The container's variables, with a prefix that keeps them from affecting the supervisor.
fn environment(
    directory: &Directory,
    spec: &ContainerSpec,
    inside: &Inside,
) -> Result<Vec<(String, OsString)>, String> {
    let own = || directory.folder.path().join(WORK);
    let work = inside.sandbox.clone().unwrap_or_else(own);
    // Another user cannot see our directories.
    let home = user(spec)?.map_or_else(|| work.clone(), |user| user.home);
    let mut all: Vec<(String, OsString)> = vec![
        ("PATH".into(), PATH.into()),
        ("HOME".into(), home.into()),
        ("PWD".into(), work.into()),
    ];
    for variable in spec.environment.iter() {
        if let Some(name) = variable.name.as_deref().filter(|name| is_variable(name)) {
            let value = variable.value.as_deref().unwrap_or_default().replace('\0', "");
            let value = match &inside.sandbox {
                Some(sandbox) => told(sandbox, name, &value).into_owned(),
                None => value,
            };
            all.push((name.to_owned(), value.into()));
        }
    }
    // Last, so that it wins: the operator decides what this machine gives out.
    if let Some(settings) = &inside.settings {
        let text = serde_json::to_string(settings).unwrap_or_default();
        all.push((fetch::SETTINGS_VARIABLE.to_owned(), text.into()));
    }
    Ok(all.into_iter().map(|(name, value)| (format!("{MARK}{name}"), value)).collect())
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Whether the program is a file, or is found on the container's search path.
fn program_exists(spec: &ContainerSpec, program: &str) -> bool {
    if program.contains('/') {
        // Relative to a directory that may not exist yet: the shell reports the error.
        return !program.starts_with('/') || std::path::Path::new(program).is_file();
    }
    let path = spec.variable("PATH").unwrap_or(PATH);
    path.split(':').any(|directory| std::path::Path::new(directory).join(program).is_file())
}

/// The user that a command runs as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    home: PathBuf,
}

/// The user that the container names, unless it is our own.
pub(super) fn user(spec: &ContainerSpec) -> Result<Option<User>, String> {
    let Some(name) = spec.definition.user.as_deref().filter(|user| !user.is_empty()) else {
        return Ok(None);
    };
    let user = identity(name).ok_or_else(|| {
        format!("CannotStartContainerError: unable to find user {name}: no matching entries in passwd file")
    })?;
    let own = rustix::process::geteuid();
    if (user.uid, user.gid) == (own.as_raw(), rustix::process::getegid().as_raw()) {
        return Ok(None);
    }
    if !own.is_root() {
        return Err(format!(
            "CannotStartContainerError: only root may run a process as user {name}, but longshore runs as user {}",
            own.as_raw()
        ));
    }
    Ok(Some(user))
}

/// Parses `user`, `uid`, `user:group` or `uid:gid`. Source: ECS API reference,
/// `ContainerDefinition.user`.
pub(crate) fn identity(text: &str) -> Option<User> {
    let (user, group) =
        text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let uid = user.parse().ok();
    // A number may also have a name.
    let known = entry("/etc/passwd", |fields| {
        fields.first() == Some(&user) || (uid.is_some() && fields.get(2) == Some(&user))
    });
    let known = known.as_deref();
    let uid = uid.or_else(|| known?.get(2)?.parse().ok())?;
    let gid = match group {
        Some(group) => group.parse().ok().or_else(|| {
            entry("/etc/group", |fields| fields.first() == Some(&group))?.get(2)?.parse().ok()
        })?,
        None => known.and_then(|fields| fields.get(3)?.parse().ok()).unwrap_or(0),
    };
    let home = known.and_then(|fields| fields.get(5)).map_or("/", String::as_str);
    Some(User { uid, gid, home: home.into() })
}

/// The fields of the first matching line.
pub(super) fn entry(file: &str, is_wanted: impl Fn(&[&str]) -> bool) -> Option<Vec<String>> {
    let text = proc::text(file);
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = lines.find(|fields| is_wanted(fields))?;
    Some(fields.into_iter().map(str::to_owned).collect())
}

/// The ports that a process was told. After a restart of the agent they are read from the
/// environment of its supervisor, which was told too.
pub(super) fn bindings(supervisor: Pid) -> Vec<PortBinding> {
    super::ports::read(&proc::file(supervisor, "environ"))
}

/// Runs a health check beside the container's command; returns whether it succeeded in time. It
/// gets the environment that the container was started with, including secrets, which the kernel
/// still has for the supervisor after a restart of the agent. Any processes it leaves behind are
/// killed.
pub(super) async fn probe(
    setup: &Setup,
    directory: &Directory,
    spec: &ContainerSpec,
    sandbox: Option<&Path>,
    supervisor: Pid,
    words: &[String],
    most: Duration,
) -> bool {
    let Ok(mut arguments) = arguments(Role::Probe, directory, spec, sandbox) else { return false };
    arguments.command = words.iter().map(OsString::from).collect();
    arguments.has_lifeline = true;
    let mut command = self::supervisor(setup, directory, &arguments);
    let environment = proc::file(supervisor, "environ");
    command.envs(variables(&environment)).stdin(Stdio::piped()).stdout(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let lifeline = child.stdin.take();
    let passed = matches!(tokio::time::timeout(most, child.wait()).await, Ok(Ok(status)) if status.success());
    drop(lifeline);
    passed
}

/// Parses `/proc/PID/environ`.
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
        let user = |uid, gid, home: &str| Some(User { uid, gid, home: home.into() });
        assert_eq!(identity("root"), user(0, 0, "/root"));
        assert_eq!(identity("0"), identity("root"));
        assert_eq!(identity("987654:50"), user(987_654, 50, "/"));
        assert_eq!(identity("nobody-of-that-name"), None);
    }
}
