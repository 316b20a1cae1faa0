//! The sandboxes of an instance, for those who look for them.
//!
//! Anybody who may ask an agent may ask often, and tasks may leave a great deal: so nothing here reads what is in a sandbox, holds one
//! open, or looks through all of them for many at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use longshore_wire_ecs::arn::ResourceId;

use super::Processes;
use super::directory::{self, Directory, SANDBOX};
use super::sandbox::{ABOUT, About, Sandbox, TASKS};
use super::seal::Key;
use crate::files::{Folder, Unopened};

/// How many sandboxes of an instance are told. Chosen by us: an answer of a few megabytes.
const SANDBOXES_MAX: usize = 10_000;

/// How many look for all sandboxes of an instance at a time. Chosen by us: one that is slow does not hold up the next, and the disk is
/// left to others.
pub(super) const LOOKS_MAX: usize = 2;

/// Bytes of what says whose a sandbox is. Chosen by us: ids have at most 255 bytes, and a group has at most nine tasks.
const ABOUT_BYTES_MAX: usize = 16 * 1024;

impl Processes {
    /// The sandbox of a task.
    pub(crate) async fn sandbox(&self, task: ResourceId) -> Option<Sandbox> {
        let found = self.aside(move |this| find(&this.shared.root, &this.shared.setup.key, task));
        found.await?
    }

    /// The sandboxes of all tasks, over or not, youngest first.
    pub(crate) async fn sandboxes(&self) -> Vec<Sandbox> {
        // It is never closed.
        let Ok(permit) = self.shared.looks.clone().acquire_owned().await else { return Vec::new() };
        let found = self.aside(move |this| {
            let found = youngest(&this.shared.root, &this.shared.setup.key, SANDBOXES_MAX);
            // Held until here even if nobody waits for the answer any more.
            drop(permit);
            found
        });
        found.await.unwrap_or_default()
    }
}

fn youngest(root: &Folder, key: &Key, most: usize) -> Vec<Sandbox> {
    let made = |task: ResourceId| Some((made_at(root, task)?, task));
    let mut all: Vec<(SystemTime, ResourceId)> =
        directory::task_ids(root).into_iter().filter_map(made).collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    all.into_iter().filter_map(|(_, task)| find(root, key, task)).take(most).collect()
}

fn made_at(root: &Folder, task: ResourceId) -> Option<SystemTime> {
    root.folder(task.to_string()).ok()?.modified(ABOUT)
}

/// The sandbox of a task, if it is there.
fn find(root: &Folder, key: &Key, task: ResourceId) -> Option<Sandbox> {
    let above = root.folder(task.to_string()).ok()?;
    above.folder(SANDBOX).ok()?;
    let about = above.read(ABOUT, ABOUT_BYTES_MAX).ok()?;
    let about: About = serde_json::from_slice(&about).ok()?;
    let code = |container: &str| {
        let own = Directory::open(root, key, task, container);
        own.and_then(|own| own.exit_code())
    };
    let exit_code = code(&about.container);
    let exit_codes = about.members.iter().map(|member| code(&member.container)).collect();
    let is_over = directory::retired_since(&above).is_some();
    let made_at = above.modified(ABOUT);
    let folder = Unopened::new(root, Path::new(&task.to_string()).join(SANDBOX));
    Some(Sandbox { task, about, folder, exit_code, exit_codes, is_over, made_at })
}

impl Sandbox {
    /// Opens a regular file in it. One with a second name may be anybody's whom a task could name: only the owner of the sandbox that
    /// it is in may have made that name.
    ///
    /// # Errors
    /// `PermissionDenied` for such a file, `NotFound`, or any other reason; links are never followed.
    pub fn open_file(&self, below: &Path) -> io::Result<File> {
        let whole = self.folder.open()?;
        let file = whole.open_file(below)?;
        let about = file.metadata()?;
        if about.nlink() > 1 && about.uid() != self.owner_of(&whole, below)? {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(file)
    }

    /// Whose sandbox a path is in: each task of a group has its own, which may be another user's.
    fn owner_of(&self, whole: &Folder, below: &Path) -> io::Result<u32> {
        let own = self.about.members.iter().map(|member| Path::new(TASKS).join(&*member.container));
        let own: Option<PathBuf> = own.into_iter().find(|own| below.starts_with(own));
        own.map_or_else(|| whole.owner(), |own| whole.folder(own)?.owner())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::super::sandbox::Member;
    use super::super::{Ports, SANDBOX_KEPT, Setup, Supervisor};
    use super::*;

    fn made(root: &Folder, key: &Key, number: u128, age_s: u64) -> Folder {
        let task = ResourceId(number);
        Directory::create(root, key, task, "web").expect("it can be made");
        let above = root.folder(task.to_string()).expect("it is there");
        let about = About { container: "web".into(), ..About::default() };
        let about = serde_json::to_vec(&about).expect("it is text");
        above.write(ABOUT, &about).expect("it can be written");
        let at = SystemTime::now() - Duration::from_secs(age_s);
        above.open_or_create(ABOUT).and_then(|file| file.set_modified(at)).expect("it is ours");
        above.make(SANDBOX).expect("it can be made")
    }

    fn root() -> (tempfile::TempDir, Folder, Key) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let root = Folder::open(directory.path()).expect("it can be opened");
        (directory, root, Key::random())
    }

    #[test]
    fn of_too_many_sandboxes_the_youngest_are_told_first() {
        let (_directory, root, key) = root();
        for (number, age_s) in [(1, 30), (2, 10), (3, 40), (4, 20)] {
            made(&root, &key, number, age_s);
        }
        let told = |most| {
            let found = youngest(&root, &key, most);
            found.iter().map(|one| one.task.0).collect::<Vec<_>>()
        };
        assert_eq!(told(2), [2, 4]);
        assert_eq!(told(10), [2, 4, 1, 3]);
    }

    #[test]
    fn sandboxes_that_are_told_hold_no_files_open() {
        let (_directory, root, key) = root();
        for number in 0..400 {
            made(&root, &key, number, 0);
        }
        let open = || {
            let own = Folder::open(Path::new("/proc/self/fd")).and_then(|own| own.names());
            own.expect("it can be listed").len()
        };
        let before = open();
        let found = youngest(&root, &key, 1_000);
        // Other tests run beside this one.
        assert!(open() < before + 200 && found.len() == 400);
        assert!(found[0].folder.open().is_ok() && found[0].folder.list(10).is_ok());
    }

    #[test]
    fn whether_a_task_is_over_is_told_by_its_containers_whatever_is_in_its_sandbox() {
        let (_directory, root, key) = root();
        let sandbox = made(&root, &key, 1, 0);
        let is_over = || find(&root, &key, ResourceId(1)).expect("it is there").is_over;
        assert!(!is_over());
        let two = Directory::create(&root, &key, ResourceId(1), "two").expect("it can be made");
        Directory::open(&root, &key, ResourceId(1), "web").expect("it is there").retire();
        assert!(!is_over(), "one of two containers is not over");
        two.retire();
        // Not even a sandbox that cannot be read changes that.
        drop(sandbox);
        let above = root.folder(ResourceId(1).to_string()).expect("it is there");
        above.write(".else", b"").expect("it can be written");
        assert!(is_over());
    }

    #[tokio::test]
    async fn few_look_for_all_sandboxes_at_a_time_and_a_single_one_is_found_meanwhile() {
        let (_directory, hosts, key) = root();
        let setup = Setup {
            hosts: hosts.clone(),
            key: key.clone(),
            supervisor: Supervisor::own(),
            ports: Ports::default(),
            ends_with_us: false,
            fetch: longshore_wire_ecs::fetch::FetchSettings::default(),
            sandbox_kept: SANDBOX_KEPT,
        };
        let (events, _told) = mpsc::unbounded_channel();
        let processes = Processes::new(setup, ResourceId(9), events).expect("it can be made");
        made(&processes.shared.root, &key, 1, 0);
        let most = u32::try_from(LOOKS_MAX).expect("it is small");
        let all = processes.shared.looks.clone().acquire_many_owned(most).await;
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, processes.sandboxes()).await.is_err());
        assert!(processes.sandbox(ResourceId(1)).await.is_some());
        drop(all);
        assert_eq!(processes.sandboxes().await.len(), 1);
    }

    #[test]
    fn a_second_name_is_read_only_if_its_file_is_of_the_owner_of_that_sandbox() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can make files of several users");
            return;
        }
        let (directory, root, key) = root();
        let whole = made(&root, &key, 1, 0);
        let mut sandbox = find(&root, &key, ResourceId(1)).expect("it is there");
        let member = Member { task: "t2".into(), container: "two".into() };
        sandbox.about.members = vec![member];
        let own = whole.make("tasks/two").expect("it can be made");
        let (executor, of_member, other) = (11_111, 22_222, 33_333);
        whole.give_to(executor, executor).expect("root may");
        own.give_to(of_member, of_member).expect("root may");
        for uid in [executor, of_member, other] {
            root.write("file", b"x").expect("it can be written");
            chown(directory.path().join("file"), Some(uid), None).expect("root may");
            let link = |into: &Folder| {
                let from = directory.path().join("file");
                std::fs::hard_link(from, into.path().join(uid.to_string())).expect("it is linked");
            };
            link(&whole);
            link(&own);
            let opens = |below: &str| sandbox.open_file(&Path::new(below).join(uid.to_string()));
            assert_eq!(opens("").is_ok(), uid == executor, "{uid}");
            assert_eq!(opens("tasks/two").is_ok(), uid == of_member, "{uid}");
        }
    }
}
