//! A control group (cgroup v2) for a command, if we are allowed to create one: everything in it can
//! be killed at once.
//!
//! The reaper alone does not suffice if processes fork faster than they can be killed, or have
//! killed their supervisor. The kernel moves the command into the group shortly after its start.
//! Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Pid;

use crate::process::proc;

/// Attempts and delay for the removal: the kernel takes a moment to notice that a group is empty.
/// Chosen by us.
const REMOVALS: (u32, Duration) = (50, Duration::from_millis(2));

/// A control group that we created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

/// The control group below which we can create others, if any.
pub(crate) fn base() -> Option<&'static Path> {
    static BASE: OnceLock<Option<PathBuf>> = OnceLock::new();
    BASE.get_or_init(find).as_deref()
}

fn find() -> Option<PathBuf> {
    let own = own(&proc::text("/proc/self/mountinfo"), &proc::text("/proc/self/cgroup"))?;
    // The only way to know is to try.
    let tried = Cgroup::create(&own.join(format!("longshore-{}", std::process::id())))?;
    tried.remove();
    Some(own)
}

/// Our own control group: the mount point of the hierarchy plus our path in it. Source: proc(5),
/// cgroups(7).
fn own(mounts: &str, groups: &str) -> Option<PathBuf> {
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mut fields = mount.split(' ').skip(3);
    let (root, at) = (fields.next()?, fields.next()?);
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let below = if root == "/" { path } else { path.strip_prefix(root)? };
    if below.split('/').any(|part| part == "..") {
        return None;
    }
    Some(Path::new(at).join(below.trim_start_matches('/')))
}

impl Cgroup {
    /// Creates it; `None` if not permitted, or if the kernel (before 5.14) cannot kill a whole
    /// group.
    pub(crate) fn create(path: &Path) -> Option<Self> {
        let made = Self { path: path.to_owned() };
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(_) => return None,
        }
        if path.join("cgroup.kill").exists() {
            return Some(made);
        }
        made.remove();
        None
    }

    /// The path of the group for a supervisor's command, unique among running ones.
    pub(crate) fn path_of(prefix: &Path, supervisor: Pid) -> PathBuf {
        let mut path = prefix.as_os_str().to_owned();
        path.push(format!("-{}", supervisor.as_raw_nonzero()));
        path.into()
    }

    /// An existing group.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a process, including what it starts from then on.
    pub(crate) fn add(&self, pid: Pid) {
        // A process that has ended needs no group.
        let _ = fs::write(self.path.join("cgroup.procs"), pid.as_raw_nonzero().to_string());
    }

    /// Kills everything in it.
    pub(crate) fn kill(&self) {
        // If the group is gone, it is empty.
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
    }

    /// Removes it, once it is empty.
    pub(crate) fn remove(&self) {
        let (times, pause) = REMOVALS;
        for _ in 0..times {
            match fs::remove_dir(&self.path) {
                Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(pause);
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_group_is_found_where_it_is_mounted() {
        let line = |root: &str| format!("41 31 0:38 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        let own = |root: &str, path: &str| own(&line(root), &format!("9:x:/\n0::{path}\n"));
        assert_eq!(own("/", "/a/b"), Some("/sys/fs/cgroup/a/b".into()));
        assert_eq!(own("/", "/"), Some("/sys/fs/cgroup/".into()));
        assert_eq!(own("/a", "/a/b"), Some("/sys/fs/cgroup/b".into()));
        assert_eq!(own("/x", "/a"), None, "it is not mounted here");
        assert_eq!(own("/", "/../a"), None);
        assert_eq!(super::own("31 23 0:28 / /sys rw - sysfs s rw", "0::/"), None);
    }
}
