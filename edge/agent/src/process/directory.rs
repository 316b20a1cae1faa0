//! The files of one container: its output, its identity, and its exit code.
//!
//! `<root>/<task>/<container>/` holds `record` and the output (both written by the
//! [supervisor](crate::supervise)), `retired` (once the task is over) and `work/` (the container's
//! own directory, and the only part that the container's user can see, unless that is our own
//! user). The [sandbox](super::sandbox) of a task is beside its containers.
//!
//! The record has a line for the supervisor itself, written before the command starts, one for the
//! command, and one for its end. Whoever creates it first decides: the supervisor, which then
//! starts, or an agent that wants to make sure it never does. A line without its code is not
//! trusted: see [`Key`].

use std::ffi::OsStr;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use rustix::process::Pid;

use super::proc::{self, Process};
use super::seal::Key;
use crate::files::Folder;

/// Bytes of output and sandboxes of ended tasks, per instance. Chosen by us: ten tasks with the maximum output.
const KEPT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Maximum size of a record, in bytes. Chosen by us: anything longer is invalid.
const RECORD_BYTES_MAX: usize = 8 * 1024;

/// The name of the record.
pub(crate) const RECORD: &str = "record";
/// The kinds of its lines.
pub(crate) const SUPERVISOR: &str = "supervisor";
pub(crate) const COMMAND: &str = "command";
pub(crate) const EXIT: &str = "exit";
/// Older versions had this instead of the record: a process id without proof of who wrote it.
const OLD_RECORD: &str = "pid";
/// The newest output; older ones are named with suffixes `.1` and so on.
pub(crate) const OUTPUT: &str = "output";
/// The container's own directory.
pub(crate) const WORK: &str = "work";

/// The directory of the whole task that its containers are started in, if they are. No container can have that name.
pub const SANDBOX: &str = ".sandbox";

const RETIRED: &str = "retired";
/// Written by an agent in place of a record, to keep a supervisor from starting.
const FENCE: &[u8] = b"never begins\n";
/// Written by an agent in place of a record that it does not trust.
const DISOWNED: &[u8] = b"nobody's\n";

/// Attempts and delay for rereading an empty record, whose supervisor is just starting. Chosen by
/// us.
const EMPTY: (u32, Duration) = (50, Duration::from_millis(2));

/// The directory of one container.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) task: ResourceId,
    pub(crate) container: Str,
    pub(crate) folder: Folder,
    key: Key,
}

/// The supervisor of a container, according to its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Not started yet.
    NotYet,
    /// Will never start.
    Never,
    /// This process.
    By(Process),
    /// A process from before the last boot of the machine.
    Before,
    /// The record was not written by the supervisor, or by an older version.
    Unknown,
}

/// What a supervisor recorded about its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The command, which leads its own process group.
    pub(crate) process: Process,
    /// The control group of the command, if there is one.
    pub(crate) cgroup: Option<PathBuf>,
}

/// The key of one container's records.
pub(crate) fn key_of(key: &Key, task: ResourceId, container: &str) -> Key {
    key.derive(&format!("records {task} {container}"))
}

/// Whether this is a valid container name. Source: ECS API reference, `ContainerDefinition.name`.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=255).contains(&name.len()) && name.bytes().all(plain)
}

impl Directory {
    fn new(folder: Folder, key: &Key, task: ResourceId, container: &str) -> Self {
        let key = key_of(key, task, container);
        Self { task, container: container.into(), folder, key }
    }

    /// Opens the directory; `None` if it does not exist.
    pub(crate) fn open(
        root: &Folder,
        key: &Key,
        task: ResourceId,
        container: &str,
    ) -> Option<Self> {
        if !is_name(container) {
            return None;
        }
        let folder = root.folder(task.to_string()).ok()?.folder(container).ok()?;
        Some(Self::new(folder, key, task, container))
    }

    /// Creates the directory.
    pub(crate) fn create(
        root: &Folder,
        key: &Key,
        task: ResourceId,
        container: &str,
    ) -> io::Result<Self> {
        if !is_name(container) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a valid container name"));
        }
        let folder = root.make(task.to_string())?.make(container)?;
        folder.make(WORK)?;
        Ok(Self::new(folder, key, task, container))
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn runtime_id(&self) -> Str {
        runtime_id(self.task, &self.container)
    }

    /// The supervisor of the container.
    pub(crate) fn begun(&self) -> Begun {
        let (times, pause) = EMPTY;
        for _ in 0..times {
            let record = match self.folder.read(RECORD, RECORD_BYTES_MAX) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Begun::Unknown,
                Err(_) if self.folder.identity_of(OLD_RECORD).is_some() => return Begun::Unknown,
                Err(_) => return Begun::NotYet,
                Ok(record) => record,
            };
            if record == FENCE {
                return Begun::Never;
            }
            if let Some(text) = self.line(&record, SUPERVISOR) {
                return process(text).map_or(Begun::Before, Begun::By);
            }
            if !record.is_empty() {
                return Begun::Unknown;
            }
            std::thread::sleep(pause);
        }
        Begun::Unknown
    }

    /// The text of a line of the record, if it exists and is authentic.
    fn line<'r>(&self, record: &'r [u8], name: &str) -> Option<&'r str> {
        record.split_inclusive(|byte| *byte == b'\n').find_map(|line| self.key.open(name, line))
    }

    /// The process named in a record of an older version, if it runs and its command line names
    /// this directory.
    pub(crate) fn unsealed(&self) -> Option<Pid> {
        let text = self.folder.read(OLD_RECORD, RECORD_BYTES_MAX).ok()?;
        let pid = Pid::from_raw(std::str::from_utf8(&text).ok()?.trim_end().parse().ok()?)?;
        super::found::names_path(pid, self.folder.path()).then_some(pid)
    }

    /// Makes sure that a process that has not started never does. Returns false if it had started
    /// after all.
    pub(crate) fn fence(&self) -> bool {
        let made = self.folder.create_new(RECORD);
        made.is_ok_and(|mut record| record.write_all(FENCE).is_ok())
    }

    /// Revokes the record: a supervisor that is still alive then stops everything it supervises. It
    /// remains visible that the container was started.
    pub(crate) fn disown(&self) {
        // If this cannot be written, the supervisor cannot be told.
        let _ = self.folder.write(RECORD, DISOWNED);
    }

    /// The command, once it runs.
    pub(crate) fn command(&self) -> Option<Ran> {
        let record = self.folder.read(RECORD, RECORD_BYTES_MAX).ok()?;
        let mut words = self.line(&record, COMMAND)?.splitn(4, ' ');
        let known = format!("{} {} {}", words.next()?, words.next()?, words.next()?);
        let cgroup = words.next().filter(|path| !path.is_empty());
        Some(Ran { process: process(&known)?, cgroup: cgroup.map(PathBuf::from) })
    }

    /// The exit code, if the supervisor has recorded one.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        let record = self.folder.read(RECORD, RECORD_BYTES_MAX).ok()?;
        self.line(&record, EXIT)?.split(' ').next()?.parse().ok()
    }

    /// Start and end time, in ms since the epoch.
    pub(crate) fn times(&self) -> (Option<u64>, Option<u64>) {
        let record = self.folder.read(RECORD, RECORD_BYTES_MAX).unwrap_or_default();
        let last = |line| self.line(&record, line)?.rsplit(' ').next()?.parse().ok();
        (last(SUPERVISOR), last(EXIT))
    }

    /// Keeps the output and removes the rest.
    pub(crate) fn retire(&self) {
        if self.folder.identity_of(RETIRED).is_none() {
            // A failure only costs disk space.
            let _ = self.folder.write(RETIRED, b"");
            let _ = self.folder.remove(WORK);
        }
    }

    /// The end of the container's output.
    pub(crate) fn output(&self, bytes_max: usize) -> Option<Vec<u8>> {
        let newest = tail(&self.folder, OUTPUT, bytes_max)?;
        let room = bytes_max - newest.len();
        let mut output = match tail(&self.folder, &older(OUTPUT, 1), room) {
            Some(older) if room > 0 => older,
            _ => Vec::new(),
        };
        output.extend(newest);
        Some(output)
    }
}

/// The name of the output file after that many rotations.
pub(crate) fn older(name: &str, times: u32) -> String {
    format!("{name}.{times}")
}

/// The runtime id of a container.
pub(crate) fn runtime_id(task: ResourceId, container: &str) -> Str {
    format!("process-{task}-{container}").into()
}

/// The notation of a process in records: its id, its start time, and the boot id of the machine.
pub(crate) fn name(process: Process) -> String {
    format!("{} {} {}", process.pid.as_raw_nonzero(), process.began, proc::boot())
}

/// Parses [`name`]. A process from another boot is gone.
fn process(text: &str) -> Option<Process> {
    let mut words = text.split(' ');
    let pid = Pid::from_raw(words.next()?.parse().ok()?)?;
    let began = words.next()?.parse().ok()?;
    (words.next()? == proc::boot()).then_some(Process { pid, began })
}

fn tail(folder: &Folder, name: &str, bytes_max: usize) -> Option<Vec<u8>> {
    let mut file = folder.open_file(name).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes_max as u64))).ok()?;
    let mut bytes = Vec::new();
    file.take(bytes_max as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The tasks with their directories, each of which is open only while it is looked at.
fn tasks(root: &Folder) -> impl Iterator<Item = (ResourceId, Folder)> {
    let open = |task: ResourceId| Some((task, root.folder(task.to_string()).ok()?));
    task_ids(root).into_iter().filter_map(open)
}

fn containers(folder: &Folder, key: &Key, task: ResourceId) -> Vec<Directory> {
    let names = folder.names().unwrap_or_default();
    let named = names.iter().filter_map(|name| {
        let name = name.to_str().filter(|name| is_name(name))?;
        Some(Directory::new(folder.folder(name).ok()?, key, task, name))
    });
    named.collect()
}

/// The directories of a task.
pub(crate) fn of_task(root: &Folder, key: &Key, task: ResourceId) -> Vec<Directory> {
    let folder = root.folder(task.to_string()).ok();
    folder.map(|folder| containers(&folder, key, task)).unwrap_or_default()
}

/// All directories, including those of tasks that are over: the task records may have lost what the
/// directory still shows.
pub(crate) fn all(root: &Folder, key: &Key) -> Vec<Directory> {
    tasks(root).flat_map(|(task, folder)| containers(&folder, key, task)).collect()
}

/// Removes one container's directory, and that of its task if it was the last one.
pub(crate) fn remove(root: &Folder, directory: &Directory) {
    let task = directory.task.to_string();
    let Ok(folder) = root.folder(&task) else { return };
    // What cannot be removed now is swept later.
    let _ = folder.remove(&*directory.container);
    if folder.names().is_ok_and(|names| names.iter().all(|name| is_beside(name))) {
        let _ = root.remove(&task);
    }
}

/// Whether a name in the directory of a task is none of a container: the sandbox, or what is said of it.
fn is_beside(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

/// Removes output and sandboxes of ended tasks: everything older than `kept`, and the oldest beyond the size
/// limit.
pub(crate) fn sweep(root: &Folder, kept_for: Duration) {
    let mut kept: Vec<(SystemTime, u64, ResourceId)> = Vec::new();
    for (task, folder) in tasks(root) {
        let Some((since, bytes)) = retired(&folder) else { continue };
        let age = SystemTime::now().duration_since(since).unwrap_or_default();
        if age > kept_for {
            // What cannot be removed now is retried in the next sweep.
            let _ = root.remove(task.to_string());
        } else {
            kept.push((since, bytes, task));
        }
    }
    kept.sort_unstable();
    let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, own, task) in kept {
        if bytes <= KEPT_BYTES_MAX {
            return;
        }
        if root.remove(task.to_string()).is_ok() {
            bytes -= own;
        }
    }
}

/// Since when a whole task has been over, and its size in bytes; `None` if it is not over.
fn retired(task: &Folder) -> Option<(SystemTime, u64)> {
    let since = retired_since(task)?;
    let names = task.names().ok()?;
    let (beside, containers): (Vec<_>, Vec<_>) = names.iter().partition(|name| is_beside(name));
    let folders = containers.iter().filter_map(|name| task.folder(name).ok());
    let mut bytes = folders.map(|container| container.bytes()).sum();
    if beside.iter().any(|name| *name == SANDBOX)
        && let Ok(sandbox) = task.folder(SANDBOX)
    {
        let size = sandbox.size_below();
        if size.is_partial {
            let (path, counted) = (sandbox.path().display(), size.bytes);
            tracing::warn!(%path, counted, "not all of a sandbox was counted: it may stay longer than others for its size");
        }
        bytes += size.bytes;
    }
    Some((since, bytes))
}

/// Since when a whole task has been over, from its directory; `None` if it is not. Nothing is counted: this is asked for at each
/// request for a sandbox.
pub(crate) fn retired_since(task: &Folder) -> Option<SystemTime> {
    let names = task.names().ok()?;
    let containers = names.iter().filter(|name| !is_beside(name));
    let mut last = None;
    for name in containers {
        last = last.max(Some(task.folder(name).ok()?.modified(RETIRED)?));
    }
    last
}

/// The tasks that have a directory. None is opened: there may be more of them than files that a process may have open.
pub(crate) fn task_ids(root: &Folder) -> Vec<ResourceId> {
    let names = root.names().unwrap_or_default();
    names.iter().filter_map(|name| ResourceId::parse(name.to_str()?)).collect()
}

#[cfg(test)]
mod tests;
