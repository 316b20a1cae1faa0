//! The files of one container: what it wrote, who it is, and how it ended.
//!
//! `<root>/<task>/<container>/` holds `pid` and `exit` (written by the launching shell), `output` (standard output and
//! error), `retired` (once the task is over) and `work/` (the container's own directory).

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use rustix::process::Pid;

/// How long output is kept after the end of a task. As long as ECS shows a stopped task.
const KEPT: Duration = Duration::from_hours(1);

/// The directory of one container.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) task: ResourceId,
    pub(crate) container: Str,
    pub(crate) path: PathBuf,
}

impl Directory {
    pub(crate) fn of(root: &Path, task: ResourceId, container: Str) -> Self {
        let path = root.join(task.to_string()).join(&*container);
        Self { task, container, path }
    }

    pub(crate) fn runtime_id(&self) -> Str {
        format!("process-{}-{}", self.task, self.container).into()
    }

    /// Creates it; `work/` comes last, so that a directory with `work/` is whole.
    pub(crate) fn create(&self) -> std::io::Result<()> {
        fs::create_dir_all(self.path.join("work"))
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.path.join("pid")).ok()?;
        Pid::from_raw(text.trim().parse().ok()?)
    }

    /// The exit code that the launching shell wrote. Without a final newline it was not written whole.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        let text = fs::read_to_string(self.path.join("exit")).ok()?;
        text.strip_suffix('\n')?.parse().ok()
    }

    /// Whether `pid` is still the process that was started here: its command line names this directory.
    pub(crate) fn is_process(&self, pid: Pid) -> bool {
        let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        let path = self.path.as_os_str().as_encoded_bytes();
        line.split(|byte| *byte == 0).any(|word| word == path)
    }

    /// Makes sure that a process that has not begun never does: a launching shell that finds no directory gives up. True
    /// if it had begun after all.
    pub(crate) fn fence(&self) -> bool {
        let aside = self.path.with_extension("gone");
        if fs::rename(&self.path, &aside).is_err() {
            return false;
        }
        // From here on the shell cannot write its process id; it may have done so just before.
        if aside.join("pid").exists() && fs::rename(&aside, &self.path).is_ok() {
            return true;
        }
        // What cannot be removed now is swept up later.
        let _ = fs::remove_dir_all(&aside);
        false
    }

    /// Keeps the output and lets go of the rest.
    pub(crate) fn retire(&self) {
        let retired = self.path.join("retired");
        if !retired.exists() {
            // What cannot be written or removed costs room, nothing else.
            let _ = fs::write(retired, b"");
            let _ = fs::remove_dir_all(self.path.join("work"));
        }
    }

    /// The end of what the container wrote.
    pub(crate) fn output(&self, bytes_max: usize) -> Option<Vec<u8>> {
        let mut file = fs::File::open(self.path.join("output")).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(bytes_max as u64))).ok()?;
        let mut bytes = Vec::new();
        file.take(bytes_max as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

fn children(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// The directories of a task.
pub(crate) fn of_task(root: &Path, task: ResourceId) -> Vec<Directory> {
    let named = |path: PathBuf| {
        let container = path.file_name()?.to_str()?.into();
        Some(Directory { task, container, path })
    };
    children(&root.join(task.to_string())).into_iter().filter_map(named).collect()
}

/// All directories. Those of tasks that are over count, too: the records may have lost what the directory still tells.
pub(crate) fn all(root: &Path) -> Vec<Directory> {
    let tasks = children(root).into_iter();
    let tasks = tasks.filter_map(|path| ResourceId::parse(path.file_name()?.to_str()?));
    tasks.flat_map(|task| of_task(root, task)).collect()
}

/// Removes what was retired long ago.
pub(crate) fn sweep(root: &Path) {
    for task in children(root) {
        let retired = children(&task).into_iter().map(|path| path.join("retired"));
        let old = |path: &PathBuf| {
            let modified = fs::metadata(path).and_then(|meta| meta.modified()).ok();
            modified
                .and_then(|at| SystemTime::now().duration_since(at).ok())
                .is_some_and(|age| age > KEPT)
        };
        let mut retired = retired.peekable();
        if retired.peek().is_some() && retired.all(|path| old(&path)) {
            // What cannot be removed now is tried again at the next start.
            let _ = fs::remove_dir_all(&task);
        }
    }
}
