//! Removes a directory tree of any depth, and counts what is in one.
//!
//! A task may leave directories nested tens of thousands of levels deep, and recursion would
//! overflow the stack of the removing thread. So no directory below the first is ever entered: the
//! contents of a nonempty one are moved up into the first, until that is empty. At most three files
//! are open at a time, and links are removed but not followed.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self as sys, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::Identity;

const OPEN: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How many names are held while a tree is removed. Chosen by us: a task may leave any number of files in one directory.
const NAMES_MAX: usize = 10_000;

/// Removes the directory `name` in `parent`.
///
/// # Errors
/// If part of it cannot be removed.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    let root = open(parent, name)?;
    let mut moved: u64 = 0;
    loop {
        let names = names(&root)?;
        if names.is_empty() {
            break;
        }
        for name in names {
            if unlink(root.as_fd(), &name)? {
                continue;
            }
            let inner = open(root.as_fd(), &name)?;
            empty(&inner, &root, &mut moved)?;
            sys::unlinkat(&root, &*name, AtFlags::REMOVEDIR)?;
        }
    }
    drop(root);
    Ok(sys::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// Removes what is in a directory, and moves up into the first one what is not empty.
fn empty(inner: &OwnedFd, root: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    loop {
        let names = names(inner)?;
        if names.is_empty() {
            return Ok(());
        }
        for below in names {
            if unlink(inner.as_fd(), &below)? {
                continue;
            }
            // An unused name: if a task has created it, the next one is tried.
            loop {
                let to = CString::new(format!(".longshore-removed-{moved}"))?;
                *moved += 1;
                let how = sys::RenameFlags::NOREPLACE;
                match sys::renameat_with(inner, &*below, root, &*to, how) {
                    Err(Errno::EXIST) => {}
                    done => break done?,
                }
            }
        }
    }
}

/// How many files and directories are looked at for the size of a tree. Chosen by us: about a second of work, and twice what a task
/// can have fetched.
const SIZED_MAX: u32 = 1_000_000;

/// The size of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeSize {
    /// Bytes on disk of the regular files, as far as they were counted. A file with several names is counted in parts, once by all of
    /// them: names alone must not make a tree seem large.
    pub bytes: u64,
    /// Whether something was left out: there was too much, it could not be read, or it was moved meanwhile.
    pub is_partial: bool,
}

/// A directory on the way to the one that is being looked into.
struct Level {
    identity: Identity,
    /// Directories in it that have not been looked into.
    waiting: Vec<CString>,
}

/// The size of everything below a directory, however deep: one directory is open at a time, and the way back up leads over `..`.
pub(super) fn size(root: BorrowedFd<'_>) -> TreeSize {
    sized(root, SIZED_MAX)
}

fn sized(root: BorrowedFd<'_>, most: u32) -> TreeSize {
    let mut count = Count { size: TreeSize::default(), left: most };
    if walk(root, &mut count).is_err() {
        count.size.is_partial = true;
    }
    count.size
}

fn walk(root: BorrowedFd<'_>, count: &mut Count) -> io::Result<()> {
    let mut current = sys::openat(root, c".", OPEN, Mode::empty())?;
    let mut levels = vec![count.level(&current)?];
    while let Some(level) = levels.last_mut() {
        if let Some(name) = level.waiting.pop() {
            let entered =
                sys::openat(&current, &*name, OPEN, Mode::empty()).map_err(io::Error::from);
            let entered = entered.and_then(|inner| Ok((count.level(&inner)?, inner)));
            match entered {
                Ok((below, inner)) => {
                    levels.push(below);
                    current = inner;
                }
                // It may be closed to us, or gone.
                Err(_) => count.size.is_partial = true,
            }
            continue;
        }
        levels.pop();
        if let Some(above) = levels.last() {
            current = sys::openat(&current, c"..", OPEN, Mode::empty())?;
            if Identity::of(&sys::fstat(&current)?) != above.identity {
                return Err(io::Error::other("a directory was moved"));
            }
        }
    }
    Ok(())
}

/// What was counted, and how much more may be.
struct Count {
    size: TreeSize,
    left: u32,
}

impl Count {
    /// Counts the files in a directory, and returns the directories in it.
    fn level(&mut self, directory: &OwnedFd) -> io::Result<Level> {
        let mut waiting = Vec::new();
        for entry in sys::Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Some(left) = self.left.checked_sub(1) else {
                self.size.is_partial = true;
                break;
            };
            self.left = left;
            // What has gone meanwhile takes no space.
            let Ok(stat) = sys::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    // Not the length, which takes no space where nothing was written. Source: stat(2), on `st_blocks`.
                    let bytes = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
                    let names = stat.st_nlink.max(1);
                    self.size.bytes = self.size.bytes.saturating_add(bytes / names);
                }
                FileType::Directory => waiting.push(name.to_owned()),
                _ => {}
            }
        }
        Ok(Level { identity: Identity::of(&sys::fstat(directory)?), waiting })
    }
}

/// Opens a directory whose entries are to be removed, first granting its owner access if necessary.
fn open(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let all = Mode::RWXU;
    match sys::openat(parent, name, OPEN, Mode::empty()) {
        Err(Errno::ACCESS) => {
            sys::chmodat(parent, name, all, AtFlags::empty())?;
            Ok(sys::openat(parent, name, OPEN, Mode::empty())?)
        }
        opened => {
            let opened = opened?;
            // Write and search permission may be missing even if read is granted; root needs none
            // of them.
            if !rustix::process::geteuid().is_root() {
                sys::fchmod(&opened, all)?;
            }
            Ok(opened)
        }
    }
}

/// Removes an entry that is not a directory, or an empty directory; returns false if it is not
/// empty.
fn unlink(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<bool> {
    let stat = sys::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let how = if is_directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    match sys::unlinkat(parent, name, how) {
        Err(Errno::NOTEMPTY | Errno::EXIST) if is_directory => Ok(false),
        done => Ok(done.map(|()| true)?),
    }
}

/// Some of the names in a directory, and none only if there are none.
fn names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in sys::Dir::read_from(directory)? {
        if names.len() == NAMES_MAX {
            break;
        }
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::files::Folder;

    fn folder() -> (tempfile::TempDir, Folder) {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Folder::open(directory.path()).expect("it opens");
        (directory, folder)
    }

    /// Bytes on disk of one file.
    fn written(folder: &Folder) -> u64 {
        folder.write("x", &vec![b'x'; 100_000]).expect("it can be written");
        let file = folder.open_file("x").expect("it is there");
        file.sync_all().expect("it can be kept");
        file.metadata().expect("it is there").blocks() * 512
    }

    #[test]
    fn files_are_counted_however_many_directories_there_are_and_however_deep() {
        let (_directory, folder) = folder();
        let mut expected = 0;
        for number in 0..600 {
            expected += written(&folder.make(format!("wide/{number}")).expect("it can be made"));
        }
        let mut at = folder.clone();
        for _ in 0..2_000 {
            at = at.make("d").expect("it can be made");
        }
        expected += written(&at) + written(&folder);
        assert_eq!(size(folder.as_fd()), TreeSize { bytes: expected, is_partial: false });
        folder.remove("d").expect("it can be removed");
    }

    #[test]
    fn space_is_counted_and_not_length_and_a_file_only_once_by_all_its_names() {
        let (directory, folder) = folder();
        folder.create_new("sparse").and_then(|file| file.set_len(1 << 40)).expect("it is sparse");
        let expected = written(&folder);
        for number in 0..7 {
            let (from, to) = (directory.path().join("x"), format!("name-{number}"));
            std::fs::hard_link(from, directory.path().join(to)).expect("it is linked");
        }
        let counted = size(folder.as_fd()).bytes;
        assert!((expected - 7..=expected + 4_096).contains(&counted), "{counted} {expected}");
    }

    #[test]
    fn a_tree_that_is_too_large_is_said_to_be_counted_in_part() {
        let (_directory, folder) = folder();
        for number in 0..20 {
            folder.write(&format!("{number}"), b"x").expect("it can be written");
        }
        assert!(sized(folder.as_fd(), 10).is_partial && !sized(folder.as_fd(), 20).is_partial);
    }
}
