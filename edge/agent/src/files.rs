//! Opens all files in the data directory.
//!
//! Its content may have come with somebody else's checkout, and tasks that run as our own user can
//! write there. So paths are never resolved from the root of the file system but from a [`Folder`],
//! a directory that is held open. No component may be a link or lead upwards, and only regular
//! files are read or written: a FIFO would block, a device would have side effects. New files and
//! directories are accessible only to their owner.
//!
//! Files that a user names on the command line are not opened here, except those under `--s3-dir`
//! and `--secrets`: see [`Folder::read_beneath`].

mod given;
mod listing;
mod private;
mod tree;
mod unopened;

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{self as sys, AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

pub(crate) use given::{Given, Ours};
pub use listing::Listed;
pub use private::{Entry, PrivateError};
pub use tree::TreeSize;
pub use unopened::Unopened;

/// Mode of files: accessible only to their owner.
const OWNER_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Mode of directories: accessible only to their owner.
const OWNER_FOLDER: Mode = Mode::RWXU;
/// Tells temporary files of this process apart.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
/// Flags for opening directories.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Flags for opening files: does not block on a FIFO, and never acquires a controlling terminal.
const FILE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// A directory that is held open.
#[derive(Clone, Debug)]
pub struct Folder {
    fd: Arc<OwnedFd>,
    path: PathBuf,
}

/// The identity of a file or directory: equal only for the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }

    /// The inode number, which a copy does not share.
    pub fn inode(self) -> u64 {
        self.inode
    }
}

impl Folder {
    /// Opens a directory; its last component must not be a link.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = sys::openat(CWD, path, FOLDER, Mode::empty()).map_err(explained)?;
        Ok(Self { fd: Arc::new(fd), path: path.to_owned() })
    }

    /// Its path when it was opened, for people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path that leads to this directory even if it was renamed, valid while this is held.
    pub fn pinned(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.fd.as_raw_fd()).into()
    }

    /// The identity of this directory.
    ///
    /// # Errors
    /// If the file system does not answer.
    pub fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::of(&sys::fstat(&*self.fd)?))
    }

    /// Whether we own it and nobody else has access.
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

    /// The identity of the file with that name, if any.
    pub fn identity_of(&self, name: &str) -> Option<Identity> {
        self.stat(name).ok().map(|stat| Identity::of(&stat))
    }

    /// Whether this directory is still at `path`, neither moved away nor replaced.
    pub fn is_at(&self, path: &Path) -> bool {
        let own = sys::fstat(&*self.fd).map(|stat| Identity::of(&stat));
        let there = sys::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
        own.is_ok_and(|own| there.is_ok_and(|there| Identity::of(&there) == own))
    }

    /// Size of a file in bytes; `None` if it does not exist.
    pub fn size_of(&self, name: &str) -> Option<u64> {
        u64::try_from(self.stat(name).ok()?.st_size).ok()
    }

    /// When a file was last written; `None` if it does not exist.
    pub fn modified(&self, name: &str) -> Option<std::time::SystemTime> {
        let file = self.open_file(name).ok()?;
        file.metadata().ok()?.modified().ok()
    }

    fn stat(&self, name: impl AsRef<OsStr>) -> io::Result<Stat> {
        single(name.as_ref())?;
        Ok(sys::statat(&*self.fd, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Opens a subdirectory.
    ///
    /// # Errors
    /// `NotFound`, or any other reason; links are never followed.
    pub fn folder(&self, below: impl AsRef<Path>) -> io::Result<Self> {
        let below = below.as_ref();
        let fd = self.open_at(below, FOLDER, Mode::empty())?;
        Ok(Self { fd: Arc::new(fd), path: self.path.join(below) })
    }

    /// Opens a subdirectory, creating it and its parents as needed, accessible only to their owner.
    ///
    /// # Errors
    /// If it cannot be created or opened.
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

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// `NotFound`, or any other reason; links are never followed.
    pub fn open_file(&self, below: impl AsRef<Path>) -> io::Result<File> {
        self.regular(below.as_ref(), OFlags::RDONLY)
    }

    /// Opens a regular file for reading and writing, creating it if needed. Existing content is
    /// kept.
    ///
    /// # Errors
    /// If it cannot be opened; links are never followed.
    pub fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.regular(Path::new(name), OFlags::RDWR | OFlags::CREATE)
    }

    /// Creates a regular file for writing.
    ///
    /// # Errors
    /// `AlreadyExists`, or any other reason.
    pub fn create_new(&self, name: &str) -> io::Result<File> {
        self.regular(Path::new(name), OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// Opens a regular file for appending, creating it if needed.
    ///
    /// # Errors
    /// If it cannot be opened; links are never followed.
    pub fn append(&self, name: &str) -> io::Result<File> {
        self.regular(Path::new(name), OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND)
    }

    fn regular(&self, below: &Path, flags: OFlags) -> io::Result<File> {
        // `openat2` rejects a mode unless a file is created.
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
            // Kernels before 5.6, and sandboxes that do not know the system call.
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

    /// Reads a regular file of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// `NotFound`, `FileTooLarge`, or any other reason.
    pub fn read(&self, below: impl AsRef<Path>, bytes_max: usize) -> io::Result<Vec<u8>> {
        whole(self.open_file(below)?, bytes_max)
    }

    /// Reads a regular file below a directory that the user has named. Follows links unless they
    /// lead out of it.
    ///
    /// # Errors
    /// `NotFound`, `FileTooLarge`, `PermissionDenied` if a link leads out, or any other reason.
    pub fn read_beneath(&self, below: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        whole(self.open_beneath(below)?, bytes_max)
    }

    /// The same, opened and not read.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` if a link leads out, or any other reason.
    pub fn open_beneath(&self, below: &Path) -> io::Result<File> {
        parts(below)?;
        let flags = FILE.difference(OFlags::NOFOLLOW);
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let out = || io::Error::new(io::ErrorKind::PermissionDenied, "a link points outside of it");
        let fd = match sys::openat2(&*self.fd, below, flags, Mode::empty(), resolve) {
            Err(Errno::XDEV | Errno::LOOP) => return Err(out()),
            // Without the system call no links are followed.
            Err(Errno::NOSYS | Errno::PERM) => self.open_at(below, FILE, Mode::empty())?,
            other => other?,
        };
        let file = File::from(fd);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "not a regular file"));
        }
        Ok(file)
    }

    /// Writes or atomically replaces a file: readers see either the old or the new contents.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let beside = self.beside(name, contents)?;
        Ok(sys::renameat(&*self.fd, &*beside, &*self.fd, name)?)
    }

    /// Writes contents to a temporary file with a unique name: several threads may write one file at a time.
    fn beside(&self, name: &str, contents: &[u8]) -> io::Result<String> {
        single(OsStr::new(name))?;
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let beside = format!(".{name}.{}.{number}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | FILE;
        let open = || sys::openat(&*self.fd, &*beside, flags, OWNER_FILE);
        let fd = match open() {
            // Left over from a killed process with this id.
            Err(Errno::EXIST) => {
                sys::unlinkat(&*self.fd, &*beside, AtFlags::empty())?;
                open()
            }
            other => other,
        };
        if let Err(error) = File::from(fd?).write_all(contents) {
            // Clean up the partial file; the first error is the one to report.
            let _ = sys::unlinkat(&*self.fd, &*beside, AtFlags::empty());
            return Err(error);
        }
        Ok(beside)
    }

    /// Renames a file within the directory, replacing any file with the new name.
    ///
    /// # Errors
    /// `NotFound`, or any other reason.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        single(OsStr::new(from))?;
        single(OsStr::new(to))?;
        Ok(sys::renameat(&*self.fd, from, &*self.fd, to)?)
    }

    /// The names in it, in no particular order.
    ///
    /// # Errors
    /// If it cannot be read.
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

    /// Total size of its files in bytes, without subdirectories.
    pub fn bytes(&self) -> u64 {
        let names = self.names().unwrap_or_default();
        let sizes = names.iter().filter_map(|name| {
            let stat = self.stat(name).ok()?;
            let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            is_file.then(|| u64::try_from(stat.st_size).unwrap_or(0))
        });
        sizes.sum()
    }

    /// The size of everything below it.
    pub fn size_below(&self) -> TreeSize {
        tree::size(self.fd.as_fd())
    }

    /// Removes a file, or a directory and everything below it. Links are removed, not followed.
    ///
    /// # Errors
    /// `NotFound`, or any other reason.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let stat = self.stat(&name)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let name = CString::new(name.as_ref().as_bytes())?;
            return tree::remove(self.fd.as_fd(), &name);
        }
        Ok(sys::unlinkat(&*self.fd, name.as_ref(), AtFlags::empty())?)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The components of a path, which must lead downwards.
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

/// Checks that this is a name, not a path.
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

/// Kernel errors about links, in clearer words.
fn explained(errno: Errno) -> io::Error {
    match errno {
        Errno::LOOP => {
            io::Error::new(io::ErrorKind::InvalidInput, "it is a link, or reached through a link")
        }
        // A socket, or a FIFO without a reader.
        Errno::NXIO => io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests;
