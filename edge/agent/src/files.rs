//! How every file below the data directory is opened.
//!
//! What lies there may have come with somebody's checkout, and tasks that run as our own user can write there. So a path is never
//! resolved from the root of the file system: it is walked from a [`Folder`], a directory that is held open. No part of
//! it may be a link or lead upwards, and only regular files are read or written: a FIFO would hang, a device would act. What is made
//! is for its owner only.
//!
//! Files that a user names on the command line are not opened here, but for those below `--s3-dir` and `--secrets`: see
//! [`Folder::read_beneath`].

mod private;
mod tree;

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{self as sys, AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

pub use private::{Entry, PrivateError};

/// Of files: for their owner only.
const OWNER_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Of directories: for their owner only.
const OWNER_FOLDER: Mode = Mode::RWXU;
/// How directories are opened.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How files are opened: a FIFO is not waited for, and a terminal never becomes ours.
const FILE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// A directory that is held open.
#[derive(Clone, Debug)]
pub struct Folder {
    fd: Arc<OwnedFd>,
    path: PathBuf,
}

/// What a path on the file system stands for: equal for the same file or directory only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }

    /// The number of the inode, which a copy does not share.
    pub fn inode(self) -> u64 {
        self.inode
    }
}

impl Folder {
    /// Opens a directory; its own name may not be a link.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = sys::openat(CWD, path, FOLDER, Mode::empty()).map_err(explained)?;
        Ok(Self { fd: Arc::new(fd), path: path.to_owned() })
    }

    /// Where it was when it was opened, for people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path that leads to this directory, whatever became of its name, for as long as this is held.
    pub fn pinned(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.fd.as_raw_fd()).into()
    }

    /// Which directory this is.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::of(&sys::fstat(&*self.fd)?))
    }

    /// Whether it is ours, and nobody else may do anything with it.
    pub fn is_private(&self) -> bool {
        sys::fstat(&*self.fd).is_ok_and(|stat| {
            let others = Mode::RWXG | Mode::RWXO;
            stat.st_uid == rustix::process::geteuid().as_raw()
                && !Mode::from_raw_mode(stat.st_mode).intersects(others)
        })
    }

    /// Whether its path still leads to it.
    pub fn is_in_place(&self) -> bool {
        let there = sys::statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        there.is_ok_and(|there| self.identity().is_ok_and(|own| own == Identity::of(&there)))
    }

    /// Which file has a name in it, if any.
    pub fn identity_of(&self, name: &str) -> Option<Identity> {
        self.stat(name).ok().map(|stat| Identity::of(&stat))
    }

    /// Whether this directory is still where it was opened, and not moved away or replaced.
    pub fn is_at(&self, path: &Path) -> bool {
        let own = sys::fstat(&*self.fd).map(|stat| Identity::of(&stat));
        let there = sys::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
        own.is_ok_and(|own| there.is_ok_and(|there| Identity::of(&there) == own))
    }

    /// The bytes of a file; `None` if it is not there.
    pub fn size_of(&self, name: &str) -> Option<u64> {
        u64::try_from(self.stat(name).ok()?.st_size).ok()
    }

    /// When a file was last written; `None` if it is not there.
    pub fn modified(&self, name: &str) -> Option<std::time::SystemTime> {
        let file = self.open_file(name).ok()?;
        file.metadata().ok()?.modified().ok()
    }

    fn stat(&self, name: impl AsRef<OsStr>) -> io::Result<Stat> {
        single(name.as_ref())?;
        Ok(sys::statat(&*self.fd, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Opens a directory below.
    ///
    /// # Errors
    /// `NotFound`, or why it cannot be opened; a link is never followed.
    pub fn folder(&self, below: impl AsRef<Path>) -> io::Result<Self> {
        let below = below.as_ref();
        let fd = self.open_at(below, FOLDER, Mode::empty())?;
        Ok(Self { fd: Arc::new(fd), path: self.path.join(below) })
    }

    /// Opens a directory below, and makes it and those above it as need be, for their owner only.
    ///
    /// # Errors
    /// Why it cannot be made or opened.
    pub fn make(&self, below: impl AsRef<Path>) -> io::Result<Self> {
        let mut folder = self.clone();
        for part in parts(below.as_ref())? {
            match sys::mkdirat(&*folder.fd, part, OWNER_FOLDER) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder = folder.folder(Path::new(part))?;
        }
        Ok(folder)
    }

    /// Opens a regular file to read it.
    ///
    /// # Errors
    /// `NotFound`, or why it cannot be opened; a link is never followed.
    pub fn open_file(&self, below: impl AsRef<Path>) -> io::Result<File> {
        self.regular(below.as_ref(), OFlags::RDONLY)
    }

    /// Opens a regular file to read and write it, and makes it if need be. What it holds is left as it is.
    ///
    /// # Errors
    /// Why it cannot be opened; a link is never followed.
    pub fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.regular(Path::new(name), OFlags::RDWR | OFlags::CREATE)
    }

    /// Makes a regular file, which must not be there, to write it.
    ///
    /// # Errors
    /// `AlreadyExists`, or why it cannot be made.
    pub fn create_new(&self, name: &str) -> io::Result<File> {
        self.regular(Path::new(name), OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// Opens a regular file to write at its end, and makes it if need be.
    ///
    /// # Errors
    /// Why it cannot be opened; a link is never followed.
    pub fn append(&self, name: &str) -> io::Result<File> {
        self.regular(Path::new(name), OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND)
    }

    fn regular(&self, below: &Path, flags: OFlags) -> io::Result<File> {
        // `openat2` refuses a mode for a file that is not made.
        let mode = if flags.contains(OFlags::CREATE) { OWNER_FILE } else { Mode::empty() };
        let file = File::from(self.open_at(below, flags | FILE, mode)?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(file)
    }

    fn open_at(&self, below: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let parts = parts(below)?;
        if let [only] = *parts {
            return sys::openat(&*self.fd, only, flags, mode).map_err(explained);
        }
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match sys::openat2(&*self.fd, below, flags, mode, resolve) {
            // Kernels before 5.6, and sandboxes that do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => self.walk(&parts, flags, mode),
            other => other.map_err(explained),
        }
    }

    fn walk(&self, parts: &[&OsStr], flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let (last, above) = parts.split_last().expect("a path has at least one part");
        let mut folder = self.clone();
        for part in above {
            let fd = sys::openat(&*folder.fd, *part, FOLDER, Mode::empty()).map_err(explained)?;
            folder.fd = Arc::new(fd);
        }
        sys::openat(&*folder.fd, *last, flags, mode).map_err(explained)
    }

    /// All of a regular file, which may have so many bytes.
    ///
    /// # Errors
    /// `NotFound`, `FileTooLarge`, or why it cannot be read.
    pub fn read(&self, below: impl AsRef<Path>, bytes_max: usize) -> io::Result<Vec<u8>> {
        whole(self.open_file(below)?, bytes_max)
    }

    /// All of a regular file below a directory that the user has named. Links are followed as long as they do not lead out of it.
    ///
    /// # Errors
    /// `NotFound`, `FileTooLarge`, `PermissionDenied` where a link leads out, or why it cannot be read.
    pub fn read_beneath(&self, below: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        parts(below)?;
        let flags = FILE.difference(OFlags::NOFOLLOW);
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let out = || io::Error::new(io::ErrorKind::PermissionDenied, "a link points outside of it");
        let fd = match sys::openat2(&*self.fd, below, flags, Mode::empty(), resolve) {
            Err(Errno::XDEV | Errno::LOOP) => return Err(out()),
            // Without the call no link is followed at all.
            Err(Errno::NOSYS | Errno::PERM) => self.open_at(below, FILE, Mode::empty())?,
            other => other?,
        };
        let file = File::from(fd);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "not a regular file"));
        }
        whole(file, bytes_max)
    }

    /// Writes a file, or all of it anew: whoever reads it sees the old or the new contents.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let beside = self.beside(name, contents)?;
        Ok(sys::renameat(&*self.fd, &*beside, &*self.fd, name)?)
    }

    /// Writes contents to a file of a name that is nobody else's.
    fn beside(&self, name: &str, contents: &[u8]) -> io::Result<String> {
        single(OsStr::new(name))?;
        let beside = format!(".{name}.{}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | FILE;
        let open = || sys::openat(&*self.fd, &*beside, flags, OWNER_FILE);
        let fd = match open() {
            // Left by a process of this id that was killed.
            Err(Errno::EXIST) => {
                sys::unlinkat(&*self.fd, &*beside, AtFlags::empty())?;
                open()
            }
            other => other,
        };
        if let Err(error) = File::from(fd?).write_all(contents) {
            // Nothing is left of what could not be written; the first error is the one to tell.
            let _ = sys::unlinkat(&*self.fd, &*beside, AtFlags::empty());
            return Err(error);
        }
        Ok(beside)
    }

    /// Gives a file another name in it; one of that name goes.
    ///
    /// # Errors
    /// `NotFound`, or why it cannot be.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        single(OsStr::new(from))?;
        single(OsStr::new(to))?;
        Ok(sys::renameat(&*self.fd, from, &*self.fd, to)?)
    }

    /// The names in it, in no order.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in sys::Dir::read_from(&*self.fd)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// The bytes of its files, not counting what is below its directories.
    pub fn bytes(&self) -> u64 {
        let names = self.names().unwrap_or_default();
        let sizes = names.iter().filter_map(|name| {
            let stat = self.stat(name).ok()?;
            let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            is_file.then(|| u64::try_from(stat.st_size).unwrap_or(0))
        });
        sizes.sum()
    }

    /// Removes a directory and all below it, or a file. Links are removed, not followed.
    ///
    /// # Errors
    /// `NotFound`, or why it cannot be removed.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let stat = self.stat(&name)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let name = CString::new(name.as_ref().as_bytes())?;
            return tree::remove(self.fd.as_fd(), &name);
        }
        Ok(sys::unlinkat(&*self.fd, name.as_ref(), AtFlags::empty())?)
    }

    /// Hands the directory over to another user and group.
    ///
    /// # Errors
    /// When we may not.
    pub fn give_to(&self, uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (sys::Uid::from_raw(uid), sys::Gid::from_raw(gid));
        Ok(sys::fchown(&*self.fd, Some(uid), Some(gid))?)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The parts of a path that leads down.
fn parts(below: &Path) -> io::Result<Vec<&OsStr>> {
    let plain = below.components().map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let parts: Option<Vec<&OsStr>> = plain.collect();
    parts.filter(|parts| !parts.is_empty()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the path points outside of its directory")
    })
}

/// A name, not a path.
fn single(name: &OsStr) -> io::Result<()> {
    match *parts(Path::new(name))? {
        [only] if only == name => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a path where a name is expected")),
    }
}

fn whole(file: File, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {bytes_max} bytes"),
        ));
    }
    Ok(bytes)
}

/// Errors of the kernel for links, in words that say so.
fn explained(errno: Errno) -> io::Error {
    match errno {
        Errno::LOOP => {
            io::Error::new(io::ErrorKind::InvalidInput, "it is a link, or reached through a link")
        }
        // A socket, or a FIFO that nobody reads.
        Errno::NXIO => io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests;
