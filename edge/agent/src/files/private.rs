//! Directories that are accessible only to their owner, and checks of their contents.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, CWD, FileType, Mode, Stat};

use super::{Folder, OWNER_FILE, OWNER_FOLDER};

/// Permissions of everyone but the owner.
const OTHERS: Mode = Mode::RWXG.union(Mode::RWXO);

/// Why a directory cannot be made private.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// It is a link.
    #[error(
        "{0} is a link, and links are not followed there: replace it with the file or directory itself"
    )]
    Link(PathBuf),
    /// A file has more than one hard link.
    #[error(
        "{0} has a second name (a hard link), through which it would change as well: replace it with a copy"
    )]
    SecondName(PathBuf),
    /// It is neither a file nor a directory.
    #[error("{0} is neither a regular file nor a directory: remove it")]
    Special(PathBuf),
    /// It is a file instead of a directory.
    #[error("{0} is not a directory")]
    NotDirectory(PathBuf),
    /// It belongs to another user.
    #[error(
        "{path} belongs to user {owner}, but this program runs as user {own}: run it as that user, or chown the directory to user {own}"
    )]
    Foreign {
        /// Its path.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Our user id.
        own: u32,
    },
    /// It cannot be created, opened or changed.
    #[error("cannot use {path}")]
    Use {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// A directory that was opened or created.
#[derive(Debug)]
pub struct Entry {
    /// The directory.
    pub folder: Folder,
    /// Whether it was just created.
    pub is_new: bool,
}

impl Folder {
    /// Opens a directory that we own, or creates it. Removes all permissions of others.
    ///
    /// # Errors
    /// If it is a link, belongs to somebody else, or cannot be opened.
    pub fn private(path: &Path) -> Result<Entry, PrivateError> {
        let failed = |source: io::Error| PrivateError::Use { path: path.to_owned(), source };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let is_new = match sys::mkdirat(CWD, path, OWNER_FOLDER) {
            Ok(()) => true,
            Err(rustix::io::Errno::EXIST) => false,
            Err(error) => return Err(failed(error.into())),
        };
        let stat = sys::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|error| failed(error.into()))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {}
            FileType::Symlink => return Err(PrivateError::Link(path.to_owned())),
            _ => return Err(PrivateError::NotDirectory(path.to_owned())),
        }
        let folder = Self::open(path).map_err(failed)?;
        let stat = sys::fstat(&*folder.fd).map_err(|error| failed(error.into()))?;
        check_owner(path, &stat)?;
        if Mode::from_raw_mode(stat.st_mode).intersects(OTHERS) {
            sys::fchmod(&*folder.fd, OWNER_FOLDER).map_err(|error| failed(error.into()))?;
        }
        Ok(Entry { folder, is_new })
    }

    /// Checks its contents: only files and directories that we own are allowed. Removes all
    /// permissions of others.
    ///
    /// # Errors
    /// The first entry that is something else.
    pub fn make_private(&self) -> Result<(), PrivateError> {
        let failed = |source| PrivateError::Use { path: self.path.clone(), source };
        for name in self.names().map_err(failed)? {
            self.make_entry_private(&name)?;
        }
        Ok(())
    }

    fn make_entry_private(&self, name: &OsStr) -> Result<(), PrivateError> {
        let path = self.path.join(name);
        let failed = |source| PrivateError::Use { path: path.clone(), source };
        let stat = match self.stat(name) {
            // Gone in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(failed)?,
        };
        let open = Mode::from_raw_mode(stat.st_mode).intersects(OTHERS);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => return Err(PrivateError::Link(path)),
            FileType::RegularFile if stat.st_nlink > 1 => {
                return Err(PrivateError::SecondName(path));
            }
            FileType::RegularFile => {
                check_owner(&path, &stat)?;
                if open {
                    let file = self.open_file(name).map_err(failed)?;
                    sys::fchmod(&file, OWNER_FILE).map_err(|error| failed(error.into()))?;
                }
            }
            FileType::Directory => {
                check_owner(&path, &stat)?;
                if open {
                    let folder = self.folder(name).map_err(failed)?;
                    sys::fchmod(&folder, OWNER_FOLDER).map_err(|error| failed(error.into()))?;
                }
            }
            _ => return Err(PrivateError::Special(path)),
        }
        Ok(())
    }
}

fn check_owner(path: &Path, stat: &Stat) -> Result<(), PrivateError> {
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid == own {
        return Ok(());
    }
    Err(PrivateError::Foreign { path: path.to_owned(), owner: stat.st_uid, own })
}
