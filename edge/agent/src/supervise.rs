//! The process between us and a container's command, for containers that are plain processes.
//!
//! It is the program itself, run again (`longshore supervise`), once per container, and outlives
//! whoever started it. It
//!
//! - starts the command, as another user if requested, and reports whether that worked;
//! - captures the command's output, within limits, and never lets the command wait for a full disk;
//! - reaps all processes that the command leaves behind (`PR_SET_CHILD_SUBREAPER`), even those that
//!   call `setsid` or fork twice: once the command has ended, they are killed too, along with its
//!   control group if there is one;
//! - records its identity before the command starts, and the exit code of the command: all that a
//!   later agent knows about it;
//! - stops everything when its own record is gone: somebody has removed the data directory.
//!
//! It runs in the container's directory, which is its current directory when it starts, so no path
//! can be redirected. Its environment is the container's, each name prefixed with `MARK`: this way
//! it cannot affect the supervisor, and the kernel keeps it for health checks after a restart of
//! the agent.

mod arguments;
mod cgroup;
mod command;
mod output;
mod reaper;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

pub(crate) use self::arguments::{Arguments, MARK, Role};
pub(crate) use self::cgroup::{Cgroup, base};
use self::command::{Read, Started};
use self::output::Output;
pub(crate) use self::output::{Bounds, has_room};
use crate::files::{Folder, Identity};
use crate::process::directory::{self, COMMAND, EXIT, RECORD, SUPERVISOR};
use crate::process::proc::Process;
use crate::process::seal::{KEY_BYTES, Key};

/// The supervisor's answer once the command runs, followed by its process id.
pub(crate) const STARTED: &str = "started ";
/// Its answer if the command cannot be run, followed by the reason.
pub(crate) const FAILED: &str = "failed ";

/// How often it polls for what it is not notified of: orphans that have ended, and its own record.
/// Chosen by us.
const LOOK: Duration = Duration::from_secs(1);

/// How often it polls for the end of the command if the kernel does not notify it. Chosen by us.
const LOOK_OFTEN: Duration = Duration::from_millis(20);

/// Exit code of a supervisor that did not run its command. Source: `docker run`, for its own
/// errors.
const NOT_RUN: u8 = 125;

/// Exit code after SIGKILL.
const KILLED: u8 = 137;

/// Runs a supervisor, with the arguments after `supervise`.
pub fn main(words: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::parse(words) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("supervise is for the program's own use: {wrong}");
            return ExitCode::from(2);
        }
    };
    let done = match arguments.role {
        Role::Container => container(&arguments),
        Role::Probe => probe(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            // The agent may be gone.
            let _ = io::stdout().write_all(format!("{FAILED}{why}\n").as_bytes());
            ExitCode::from(NOT_RUN)
        }
    }
}

/// Supervises a container's command, and returns its exit code.
fn container(arguments: &Arguments) -> Result<u8, String> {
    let create = |error: io::Error| format!("CannotCreateContainerError: {error}");
    let key = key().map_err(create)?;
    let _signals = outlive_signals().map_err(create)?;
    let own = rustix::process::getpid();
    // Kernels before 3.4 have no subreapers; there, processes that leave the session are not found.
    let _ = rustix::process::set_child_subreaper(Some(own));
    // The name shown by `ps`; it also keeps `pkill longshore` from matching.
    let _ = rustix::thread::set_name(c"supervise");
    let folder = Folder::open(Path::new(".")).map_err(create)?;
    let sandbox = if arguments.sandbox.is_some() {
        Some(command::work(arguments, &folder).map_err(create)?)
    } else {
        None
    };
    let mut output = Outputs::open(arguments, &folder, sandbox.as_ref()).map_err(create)?;
    let process = Process::of(own).ok_or("CannotCreateContainerError: /proc is not mounted")?;
    let record = Record::create(&folder, key, process).map_err(create)?;
    let mut started = command::start(arguments, &folder)?;
    let prefix = arguments.cgroup.as_deref();
    let cgroup = prefix.and_then(|prefix| Cgroup::create(&Cgroup::path_of(prefix, own)));
    // It is not reaped yet, so it exists even if it has ended.
    let ran = Process::of(started.pid).ok_or("CannotStartContainerError: it is gone")?;
    if record.command(ran, cgroup.as_ref()).is_err() {
        // Without the record a later agent could not stop the command, so it must not run.
        reaper::end_all(None, cgroup.as_ref());
        return Err("CannotStartContainerError: no space left on the device".to_owned());
    }
    // The agent may be gone; a later one finds the record.
    let answer = format!("{STARTED}{} {}\n", ran.pid.as_raw_nonzero(), ran.began);
    let _ = io::stdout().write_all(answer.as_bytes());
    // After the answer, since the kernel may take milliseconds. Anything forked before that is
    // found by the reaper.
    if let Some(cgroup) = &cgroup {
        cgroup.add(started.pid);
    }
    let is_wanted = || record.is_in_place(&folder) && folder.is_at(&arguments.about);
    let code =
        watch(arguments, &mut started, &mut |pipe, bytes| output.write(pipe, bytes), &is_wanted);
    reaper::end_all(Some(started.pid), cgroup.as_ref());
    drain(&mut started, &mut |pipe, bytes| output.write(pipe, bytes));
    output.finish();
    // If this fails, an agent that is still there gets the code from our exit status.
    let _ = record.exit(code);
    if let Some(cgroup) = cgroup {
        cgroup.remove();
    }
    Ok(code)
}

/// Where the output of a command goes: together into the container's log, and apart into its sandbox, if it has one.
struct Outputs<'f> {
    log: Output<'f>,
    files: Vec<Output<'f>>,
}

impl<'f> Outputs<'f> {
    fn open(
        arguments: &Arguments,
        folder: &'f Folder,
        sandbox: Option<&'f Folder>,
    ) -> io::Result<Self> {
        let (bounds, owner) = (arguments.bounds, arguments.user);
        let log = Output::open(folder, directory::OUTPUT, None, bounds)?;
        // In the order of the pipes. Source: Apache Mesos, `docs/sandbox.md`.
        let names = sandbox.map(|sandbox| ["stdout", "stderr"].map(|name| (sandbox, name)));
        let files = names.into_iter().flatten();
        // A task may have put something else in their place. Its log has the output all the same.
        let files = files.filter_map(|(into, name)| Output::open(into, name, owner, bounds).ok());
        let files: Vec<Output<'f>> = files.collect();
        Ok(Self { log, files: if files.len() == 2 { files } else { Vec::new() } })
    }

    fn write(&mut self, pipe: usize, bytes: &[u8]) {
        self.log.write(bytes);
        if let Some(file) = self.files.get_mut(pipe) {
            file.write(bytes);
        }
    }

    fn finish(&mut self) {
        self.log.finish();
        self.files.iter_mut().for_each(Output::finish);
    }
}

/// The record of the container, held open: writes go to the original file, even if it was replaced.
struct Record {
    file: File,
    key: Key,
    identity: Option<Identity>,
}

impl Record {
    /// Creates the record and writes our identity. If it exists already, the command must not
    /// start.
    fn create(folder: &Folder, key: Key, own: Process) -> io::Result<Self> {
        let file = folder.create_new(RECORD)?;
        let record = Self { file, key, identity: folder.identity_of(RECORD) };
        record.add(SUPERVISOR, &format!("{} {}", directory::name(own), now()))?;
        Ok(record)
    }

    fn add(&self, name: &str, text: &str) -> io::Result<()> {
        (&self.file).write_all(self.key.seal(name, text).as_bytes())
    }

    fn command(&self, ran: Process, cgroup: Option<&Cgroup>) -> io::Result<()> {
        let path = cgroup.map(|one| one.path().display().to_string()).unwrap_or_default();
        self.add(COMMAND, &format!("{} {path}", directory::name(ran)))
    }

    /// The first lines have allocated a disk block with room for this one, so a full disk does not
    /// prevent it.
    fn exit(&self, code: u8) -> io::Result<()> {
        self.add(EXIT, &format!("{code} {}", now()))
    }

    fn is_in_place(&self, folder: &Folder) -> bool {
        self.identity.is_some() && folder.identity_of(RECORD) == self.identity
    }
}

/// Milliseconds since the epoch.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// Runs a health check, and kills all of it once it is over or nobody waits for it any more.
fn probe(arguments: &Arguments) -> Result<u8, String> {
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let folder = Folder::open(Path::new(".")).map_err(|error| error.to_string())?;
    let mut started = command::start(arguments, &folder)?;
    let code = watch(arguments, &mut started, &mut |_, _| {}, &|| true);
    reaper::end_all(Some(started.pid), None);
    Ok(code)
}

/// The key of the container's records, read from standard input because arguments and environment
/// are not secret.
fn key() -> io::Result<Key> {
    let mut key = [0; KEY_BYTES];
    io::stdin().read_exact(&mut key)?;
    Ok(Key::from_bytes(key))
}

/// Ignores the signals that end programs, as they are meant for others. The command inherits the
/// default handling.
fn outlive_signals() -> io::Result<tokio::runtime::Runtime> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let inside = runtime.enter();
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
        SignalKind::quit(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
    ] {
        drop(signal(kind)?);
    }
    drop(inside);
    Ok(runtime)
}

/// Waits for the end of the command, captures its output meanwhile, and returns its exit code. The
/// command is not reaped, so its id cannot be reused until everything is over.
fn watch(
    arguments: &Arguments,
    started: &mut Started,
    take: &mut dyn FnMut(usize, &[u8]),
    is_wanted: &dyn Fn() -> bool,
) -> u8 {
    // Kernels before 5.3, and sandboxes without this system call, require polling.
    let process = pidfd_open(started.pid, PidfdFlags::empty()).ok();
    let pause = if process.is_some() { LOOK } else { LOOK_OFTEN };
    let pause = Timespec::try_from(pause).expect("it is short");
    let stdin = io::stdin();
    let (mut open, mut looked): (Vec<usize>, _) =
        ((0..started.outputs.len()).collect(), Instant::now());
    loop {
        let mut fds = Vec::with_capacity(4);
        fds.extend(arguments.has_lifeline.then(|| PollFd::new(&stdin, PollFlags::IN)));
        fds.extend(open.iter().map(|pipe| PollFd::new(&started.outputs[*pipe], PollFlags::IN)));
        fds.extend(process.as_ref().map(|process| PollFd::new(process, PollFlags::IN)));
        // On failure, checks everything anyway.
        let _ = poll(&mut fds, Some(&pause));
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let is_let_go = arguments.has_lifeline && ready.next().unwrap_or(false);
        open.retain(|pipe| !ready.next().unwrap_or(false) || read(started, *pipe, take));
        if let Some(code) = reaper::code(started.pid) {
            return code;
        }
        let is_time = looked.elapsed() >= LOOK;
        if is_let_go || (is_time && !is_wanted()) {
            end(started.pid);
            return KILLED;
        }
        if is_time {
            looked = Instant::now();
            reaper::reap_orphans(started.pid);
        }
    }
}

/// Captures what can be read now from a pipe; returns false once there are no writers left.
fn read(started: &mut Started, pipe: usize, take: &mut dyn FnMut(usize, &[u8])) -> bool {
    match started.read(pipe) {
        Read::Some(bytes) => take(pipe, bytes),
        Read::None => {}
        Read::Closed => return false,
    }
    true
}

/// Captures the remaining output, within a limit: a process holding the other end could write
/// forever.
fn drain(started: &mut Started, take: &mut dyn FnMut(usize, &[u8])) {
    /// Chosen by us: four times the maximum capacity of a pipe, unless root raises it. Source:
    /// pipe(7).
    const READS_MAX: usize = 64;
    for pipe in 0..started.outputs.len() {
        for _ in 0..READS_MAX {
            match started.read(pipe) {
                Read::Some(bytes) => take(pipe, bytes),
                Read::None | Read::Closed => break,
            }
        }
    }
}

/// Kills the command and its process group.
fn end(command: Pid) {
    // It may be gone already.
    let _ = kill_process_group(command, Signal::KILL);
}
