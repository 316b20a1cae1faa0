//! The files of one container: what it wrote, who it is, and how it ended.
//!
//! `<root>/<task>/<container>/` holds `record` and the output (both written by the [supervisor](crate::supervise)), `retired` (once the
//! task is over) and `work/` (the container's own directory, and all of it that the container's user may see, unless that is our own).
//!
//! The record has a line for the supervisor itself, before the command begins, one for the command, and one for its end. Whoever makes
//! it first decides: the supervisor, which then begins, or an agent that wants to be sure that it never does. A line without its
//! code is nobody's word: see [`Key`].

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

/// How long output is kept after the end of a task. As long as ECS shows a stopped task.
const KEPT: Duration = Duration::from_hours(1);

/// Bytes of output of tasks that are over, kept for one instance. Chosen by us: ten tasks that wrote all they may.
const KEPT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Bytes of a record. Chosen by us: what is longer is none.
const RECORD_BYTES_MAX: usize = 8 * 1024;

/// The record.
pub(crate) const RECORD: &str = "record";
/// Its lines.
pub(crate) const SUPERVISOR: &str = "supervisor";
pub(crate) const COMMAND: &str = "command";
pub(crate) const EXIT: &str = "exit";
/// What older versions had in place of the record: a process id, and nothing that told whose word it was.
const OLD_RECORD: &str = "pid";
/// The newest output; older ones have `.1` and so on behind it.
pub(crate) const OUTPUT: &str = "output";
/// The container's own directory.
pub(crate) const WORK: &str = "work";

const RETIRED: &str = "retired";
/// What an agent writes in place of a record that is to be nobody's.
const FENCE: &[u8] = b"never begins\n";
/// What an agent writes in place of a record that is not believed.
const DISOWNED: &[u8] = b"nobody's\n";

/// How often, and how long apart, an empty record is read again: its supervisor is just beginning. Chosen by us.
const EMPTY: (u32, Duration) = (50, Duration::from_millis(2));

/// The directory of one container.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) task: ResourceId,
    pub(crate) container: Str,
    pub(crate) folder: Folder,
    key: Key,
}

/// Who supervises a container, as its records say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nobody has yet.
    NotYet,
    /// Nobody ever will.
    Never,
    /// This process.
    By(Process),
    /// A process of an earlier run of the machine.
    Before,
    /// The record is not the supervisor's, or an older version's.
    Unknown,
}

/// What a supervisor says of the command that it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The command, which leads a process group of its own.
    pub(crate) process: Process,
    /// The control group that it was put in, if there is one.
    pub(crate) cgroup: Option<PathBuf>,
}

/// The key of one container's records.
pub(crate) fn key_of(key: &Key, task: ResourceId, container: &str) -> Key {
    key.derive(&format!("records {task} {container}"))
}

/// Whether a container can have this name. Source: ECS API reference, `ContainerDefinition.name`.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=255).contains(&name.len()) && name.bytes().all(plain)
}

impl Directory {
    fn new(folder: Folder, key: &Key, task: ResourceId, container: &str) -> Self {
        let key = key_of(key, task, container);
        Self { task, container: container.into(), folder, key }
    }

    /// Opens it; `None` if there is none.
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

    /// Makes it.
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

    /// Who supervises it.
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

    /// The text of a line of the record, if it is there and its supervisor's.
    fn line<'r>(&self, record: &'r [u8], name: &str) -> Option<&'r str> {
        record.split_inclusive(|byte| *byte == b'\n').find_map(|line| self.key.open(name, line))
    }

    /// The process of a record that an older version wrote: if it runs and its command line names this directory.
    pub(crate) fn unsealed(&self) -> Option<Pid> {
        let text = self.folder.read(OLD_RECORD, RECORD_BYTES_MAX).ok()?;
        let pid = Pid::from_raw(std::str::from_utf8(&text).ok()?.trim_end().parse().ok()?)?;
        super::found::names_path(pid, self.folder.path()).then_some(pid)
    }

    /// Makes sure that a process that has not begun never does. False if it had begun after all.
    pub(crate) fn fence(&self) -> bool {
        let made = self.folder.create_new(RECORD);
        made.is_ok_and(|mut record| record.write_all(FENCE).is_ok())
    }

    /// Puts the record out of force: a supervisor that lives all the same ends what it supervises. That it had begun stays known.
    pub(crate) fn disown(&self) {
        // Where nothing can be written any more, nobody is told either.
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

    /// How it ended, if the supervisor has said so.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        let record = self.folder.read(RECORD, RECORD_BYTES_MAX).ok()?;
        self.line(&record, EXIT)?.split(' ').next()?.parse().ok()
    }

    /// When it began and when it ended, in ms since the epoch.
    pub(crate) fn times(&self) -> (Option<u64>, Option<u64>) {
        let record = self.folder.read(RECORD, RECORD_BYTES_MAX).unwrap_or_default();
        let last = |line| self.line(&record, line)?.rsplit(' ').next()?.parse().ok();
        (last(SUPERVISOR), last(EXIT))
    }

    /// Keeps the output and lets go of the rest.
    pub(crate) fn retire(&self) {
        if self.folder.identity_of(RETIRED).is_none() {
            // What cannot be written or removed costs room, nothing else.
            let _ = self.folder.write(RETIRED, b"");
            let _ = self.folder.remove(WORK);
        }
    }

    /// The end of what the container wrote.
    pub(crate) fn output(&self, bytes_max: usize) -> Option<Vec<u8>> {
        let newest = tail(&self.folder, OUTPUT, bytes_max)?;
        let room = bytes_max - newest.len();
        let mut output = match tail(&self.folder, &older(1), room) {
            Some(older) if room > 0 => older,
            _ => Vec::new(),
        };
        output.extend(newest);
        Some(output)
    }
}

/// The name of the output that was replaced so many times.
pub(crate) fn older(times: u32) -> String {
    format!("{OUTPUT}.{times}")
}

/// What the runtime calls a container.
pub(crate) fn runtime_id(task: ResourceId, container: &str) -> Str {
    format!("process-{task}-{container}").into()
}

/// A process as records name it: its number, when it began, and in which run of the machine.
pub(crate) fn name(process: Process) -> String {
    format!("{} {} {}", process.pid.as_raw_nonzero(), process.began, proc::boot())
}

/// Reads [`name`]. What was named in another run of the machine is gone.
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

fn tasks(root: &Folder) -> Vec<(ResourceId, Folder)> {
    let names = root.names().unwrap_or_default();
    let tasks = names.iter().filter_map(|name| {
        let task = ResourceId::parse(name.to_str()?)?;
        Some((task, root.folder(name).ok()?))
    });
    tasks.collect()
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

/// All directories. Those of tasks that are over count, too: the records may have lost what the directory still tells.
pub(crate) fn all(root: &Folder, key: &Key) -> Vec<Directory> {
    let tasks = tasks(root).into_iter();
    tasks.flat_map(|(task, folder)| containers(&folder, key, task)).collect()
}

/// Removes one container's directory, and that of its task if it was the last.
pub(crate) fn remove(root: &Folder, directory: &Directory) {
    let task = directory.task.to_string();
    let Ok(folder) = root.folder(&task) else { return };
    // What cannot be removed now is swept up later.
    let _ = folder.remove(&*directory.container);
    if folder.names().is_ok_and(|names| names.is_empty()) {
        let _ = root.remove(&task);
    }
}

/// Removes the output of tasks that are over: what is older than an hour, and the oldest of what is too much.
pub(crate) fn sweep(root: &Folder) {
    let mut kept: Vec<(SystemTime, u64, ResourceId)> = Vec::new();
    for (task, folder) in tasks(root) {
        let Some((since, bytes)) = retired(&folder) else { continue };
        let age = SystemTime::now().duration_since(since).unwrap_or_default();
        if age > KEPT {
            // What cannot be removed now is tried again the next time.
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

/// Since when a whole task has been over, and the bytes that it takes; `None` if it is not.
fn retired(task: &Folder) -> Option<(SystemTime, u64)> {
    let mut last = SystemTime::UNIX_EPOCH;
    let mut bytes = 0;
    let names = task.names().ok()?;
    for name in names.iter().filter(|name| *name != OsStr::new(RETIRED)) {
        let container = task.folder(name).ok()?;
        last = last.max(container.modified(RETIRED)?);
        bytes += container.bytes();
    }
    (!names.is_empty()).then_some((last, bytes))
}

#[cfg(test)]
mod tests;
