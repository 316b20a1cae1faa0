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

const OPEN: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How many directories are held open while a tree is counted. Chosen by us.
const OPEN_MAX: usize = 256;

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
            for below in self::names(&inner)? {
                if unlink(inner.as_fd(), &below)? {
                    continue;
                }
                // An unused name: if a task has created it, the next one is tried.
                loop {
                    let to = CString::new(format!(".longshore-removed-{moved}"))?;
                    moved += 1;
                    let how = sys::RenameFlags::NOREPLACE;
                    match sys::renameat_with(&inner, &*below, &root, &*to, how) {
                        Err(Errno::EXIST) => {}
                        done => break done?,
                    }
                }
            }
            sys::unlinkat(&root, &*name, AtFlags::REMOVEDIR)?;
        }
    }
    drop(root);
    Ok(sys::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// How many directories are looked into for the size of a tree. Chosen by us: half a second of work.
const SIZED_MAX: usize = 100_000;

/// Bytes of the regular files below a directory, as far as they are counted.
pub(super) fn bytes(root: BorrowedFd<'_>) -> u64 {
    let mut bytes: u64 = 0;
    let mut waiting: Vec<OwnedFd> = Vec::new();
    waiting.extend(sys::openat(root, c".", OPEN, Mode::empty()));
    for _ in 0..SIZED_MAX {
        let Some(directory) = waiting.pop() else { break };
        for name in names(&directory).unwrap_or_default() {
            let Ok(stat) = sys::statat(&directory, &*name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    bytes = bytes.saturating_add(u64::try_from(stat.st_size).unwrap_or(0));
                }
                // The bound is on files that are open at a time, too.
                FileType::Directory if waiting.len() < OPEN_MAX => {
                    waiting.extend(sys::openat(&directory, &*name, OPEN, Mode::empty()));
                }
                _ => {}
            }
        }
    }
    bytes
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

fn names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in sys::Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
