//! The directory in which a local ECS keeps its state, and whether that state can be trusted.
//!
//! Opening a data directory starts what is recorded in it, with our permissions. So it is private
//! (0700, files 0600, no links), and its origin is known: each directory has an id, which is
//! recorded outside of it, in the user's state directory, with the inodes of the directory and its
//! databases: that of ECS, and those of schedulers, which start tasks just as well. A directory that
//! came with a checkout has no id that is known here, and one with a database that was replaced, or
//! put beside ours, has other inodes. Such a directory is opened only on request.
//!
//! The same record outside holds the key with which records of processes are sealed.

mod scratch;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use longshore_agent::files::{Folder, Identity, PrivateError};
use longshore_agent::process::{KEY_BYTES, Key};
use serde::{Deserialize, Serialize};

pub use scratch::Scratch;

/// The database.
pub(crate) const DATABASE: &str = "longshore.db";
/// Its write-ahead log.
pub(crate) const LOG: &str = "longshore.db-wal";
/// The lock file of the process that writes the database.
pub(crate) const LOCK: &str = "longshore.lock";
/// What names of databases and of their logs end with. Source: <https://sqlite.org/tempfiles.html>.
const OF_DATABASES: [&str; 3] = [".db", ".db-wal", ".db-journal"];
/// The file that contains the id.
const OWNER: &str = "owner";
/// The key, if no note can be kept elsewhere.
const KEY: &str = "key";
/// Hides the directory from git.
const IGNORE: &str = ".gitignore";
/// The directory for the files of instances.
const HOSTS: &str = "hosts";
/// Files that need no trust, because they start nothing.
const HARMLESS: [&str; 4] = [IGNORE, LOCK, OWNER, KEY];

/// The directory for notes, below the user's state directory.
const NOTES: [&str; 2] = ["longshore", "data-directories"];
/// Maximum size of a note, in bytes. Chosen by us: a path is the longest part.
const NOTE_BYTES_MAX: usize = 64 * 1024;
/// How long the note of a missing directory is kept. Chosen by us: disks come and go.
const NOTE_KEPT: Duration = Duration::from_hours(90 * 24);

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It is not private.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// It cannot be read or written.
    #[error("cannot use the data directory {path}")]
    Use {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The disk is full.
    #[error(
        "the disk that holds {path} is full: free some space, or choose another directory with --data-dir"
    )]
    Full {
        /// The directory.
        path: PathBuf,
    },
    /// It was not created here, as far as is known.
    #[error(
        "the data directory {path} {why}. Opening it starts the tasks and services recorded in it, with your permissions"
    )]
    Stranger {
        /// The directory.
        path: PathBuf,
        /// The reason.
        why: Strange,
    },
}

/// Why a data directory is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Strange {
    /// It has no id.
    #[error("has no owner: it was created by an older version of this program, or by someone else")]
    NoOwner,
    /// Its id is unknown.
    #[error("was not created by you on this machine")]
    Unknown,
    /// It has the id of another directory.
    #[error("is a copy of one that you created on this machine")]
    Copy,
    /// A database in it was replaced, or added.
    #[error("has a database that this program did not write: it was replaced, or added")]
    Replaced,
}

/// A data directory that may be used.
#[derive(Clone, Debug)]
pub struct DataDir {
    folder: Folder,
    id: String,
    key: Key,
    notes: Option<Folder>,
}

/// The note about a data directory, stored outside of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Its path when it was last opened, for people.
    path: String,
    inode: u64,
    /// Inodes of the databases and their logs, by name.
    files: BTreeMap<String, u64>,
    key: String,
}

impl DataDir {
    /// Opens a data directory, creating it if needed. `state` is the user's state directory, where
    /// a note about it is kept; without one it will not be recognized next time. A directory that
    /// is not recognized is opened, and recognized from then on, if `is_trusted`.
    ///
    /// # Errors
    /// Why it cannot be used, and what can be done about it.
    pub fn open(path: &Path, state: Option<&Path>, is_trusted: bool) -> Result<Self, DataDirError> {
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                DataDirError::Full { path: path.to_owned() }
            }
            _ => DataDirError::Use { path: path.to_owned(), source },
        };
        // The path up to here is the user's responsibility; below it no links are followed.
        let path = &std::path::absolute(path).map_err(failed)?;
        let entry = Folder::private(path)?;
        entry.folder.make_private()?;
        let folder = real(entry.folder, path).map_err(failed)?;
        let notes = notes(state);
        let id = folder.read(OWNER, 128).ok().and_then(|id| parse_id(&id));
        let note = id.as_ref().and_then(|id| read_note(notes.as_ref()?, id));
        match strange(&folder, id.as_deref(), note.as_ref()).map_err(failed)? {
            None => {
                let (Some(id), Some(key)) = (id, note.and_then(|note| parse_key(&note.key))) else {
                    return Self::adopt(folder, notes).map_err(failed);
                };
                let opened = Self { folder, id, key, notes };
                opened.remember();
                Ok(opened)
            }
            Some(_) if is_trusted => Self::adopt(folder, notes).map_err(failed),
            Some(why) => Err(DataDirError::Stranger { path: path.clone(), why }),
        }
    }

    /// Makes a directory one of ours.
    fn adopt(folder: Folder, notes: Option<Folder>) -> std::io::Result<Self> {
        let id = hex(&Key::random().bytes()[..16]);
        let kept = folder.read(KEY, 128).ok().filter(|_| notes.is_none());
        let kept = kept.and_then(|text| parse_key(std::str::from_utf8(&text).ok()?.trim()));
        let key = kept.unwrap_or_else(Key::random);
        folder.write(OWNER, format!("{id}\n").as_bytes())?;
        folder.write(IGNORE, b"# The contents of this directory belong to this machine.\n*\n")?;
        if let Some(notes) = &notes {
            forget_old(notes);
        } else {
            folder.write(KEY, format!("{}\n", hex(key.bytes())).as_bytes())?;
            let path = folder.path().display();
            tracing::warn!(%path, "cannot remember the data directory, since there is no state directory (set HOME or XDG_STATE_HOME): the next start needs --trust-data-dir");
        }
        let opened = Self { folder, id, key, notes };
        opened.remember();
        Ok(opened)
    }

    /// Updates the note with the current inodes of our files: to be called once a database and its log are there.
    pub fn remember(&self) {
        let Some(notes) = &self.notes else { return };
        let note = Note {
            path: self.folder.path().display().to_string(),
            inode: self.folder.identity().map_or(0, Identity::inode),
            files: databases(&self.folder).unwrap_or_default(),
            key: hex(self.key.bytes()),
        };
        let text = serde_json::to_vec(&note).expect("a note is text and numbers");
        if let Err(error) = notes.write(&self.id, &text) {
            let path = self.folder.path().display();
            tracing::warn!(%path, %error, "cannot remember the data directory: the next start needs --trust-data-dir");
        }
    }

    /// The directory itself.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The directory for the files of instances.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn hosts(&self) -> std::io::Result<Folder> {
        self.folder.make(HOSTS)
    }

    /// The key that seals records of processes.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// The same directory under its real path, without links: `SQLite` would not open it otherwise.
fn real(folder: Folder, path: &Path) -> std::io::Result<Folder> {
    let real = Folder::open(&path.canonicalize()?)?;
    if real.identity()? == folder.identity()? {
        return Ok(real);
    }
    Err(std::io::Error::other("it was replaced while it was opened"))
}

/// Why a directory is not trusted, if there is a reason.
fn strange(
    folder: &Folder,
    id: Option<&str>,
    note: Option<&Note>,
) -> std::io::Result<Option<Strange>> {
    let is_harmless = |name: &OsString| HARMLESS.iter().any(|harmless| name == harmless);
    if folder.names()?.iter().all(is_harmless) {
        return Ok(None);
    }
    let Some(note) = note else {
        return Ok(Some(if id.is_some() { Strange::Unknown } else { Strange::NoOwner }));
    };
    if folder.identity()?.inode() != note.inode {
        return Ok(Some(Strange::Copy));
    }
    let is_ours = |(name, inode): (&String, &u64)| {
        // Any program that reads a database creates an empty log.
        note.files.get(name) == Some(inode) || folder.size_of(name) == Some(0)
    };
    Ok((!databases(folder)?.iter().all(is_ours)).then_some(Strange::Replaced))
}

/// The databases in a directory and their logs, with their inodes.
fn databases(folder: &Folder) -> std::io::Result<BTreeMap<String, u64>> {
    let names = folder.names()?.into_iter().filter_map(|name| name.into_string().ok());
    let is_one = |name: &String| OF_DATABASES.iter().any(|end| name.ends_with(end));
    let inode = |name: String| {
        let inode = folder.identity_of(&name).map_or(0, Identity::inode);
        (name, inode)
    };
    Ok(names.filter(is_one).map(inode).collect())
}

fn notes(state: Option<&Path>) -> Option<Folder> {
    let [above, own] = NOTES;
    let above = state?.join(above);
    let notes = Folder::private(&above).and_then(|_| Folder::private(&above.join(own)));
    let notes = notes.inspect_err(|error| {
        tracing::warn!(%error, "cannot remember data directories");
    });
    Some(notes.ok()?.folder)
}

fn read_note(notes: &Folder, id: &str) -> Option<Note> {
    serde_json::from_slice(&notes.read(id, NOTE_BYTES_MAX).ok()?).ok()
}

/// Removes notes about directories that have long been gone.
fn forget_old(notes: &Folder) {
    for name in notes.names().unwrap_or_default() {
        let Some(id) = name.to_str() else { continue };
        let age = notes.modified(id).and_then(|at| SystemTime::now().duration_since(at).ok());
        let is_old = age.is_some_and(|age| age > NOTE_KEPT);
        if is_old && read_note(notes, id).is_none_or(|note| !Path::new(&note.path).exists()) {
            // A failed removal is retried with the next directory.
            let _ = notes.remove(id);
        }
    }
}

fn parse_id(text: &[u8]) -> Option<String> {
    let id = std::str::from_utf8(text).ok()?.trim();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_owned())
}

fn parse_key(digits: &str) -> Option<Key> {
    let mut key = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.is_ascii() {
        return None;
    }
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(Key::from_bytes(key))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
