//! A temporary directory for a local ECS that keeps no state.
//!
//! It is private, has an unguessable name, and contains a lock that its program holds while it
//! lives. A program that was killed leaves its directory behind; the next one finds it by the free
//! lock, stops what is still running from it, and removes it.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use longshore_agent::files::Folder;
use longshore_agent::process::Key;

use super::{HOSTS, KEY, LOCK, hex, parse_key};

/// Prefix of the names.
const PREFIX: &str = "longshore-";

/// A directory that is removed on drop.
#[derive(Debug)]
pub struct Scratch {
    folder: Folder,
    key: Key,
    _lock: File,
}

impl Scratch {
    /// Creates a directory below `above`, the directory for temporary files.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn new(above: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).rand_bytes(16).permissions(Permissions::from_mode(0o700));
        let made = builder.tempdir_in(above)?;
        let folder = Folder::open(made.path())?;
        let lock = folder.open_or_create(LOCK)?;
        lock.try_lock().map_err(io::Error::other)?;
        let key = Key::random();
        folder.write(KEY, hex(key.bytes()).as_bytes())?;
        // If this program is killed, the next one finds and removes the directory.
        let _ = made.keep();
        Ok(Self { folder, key, _lock: lock })
    }

    /// The directory itself.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The directory for the files of instances.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn hosts(&self) -> io::Result<Folder> {
        self.folder.make(HOSTS)
    }

    /// The key that seals records of processes.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Stops what killed programs have left running, and removes their directories.
    pub async fn sweep(above: &Path) {
        let Ok(above) = Folder::open(above) else { return };
        let names = above.names().unwrap_or_default();
        let names = names.iter().filter_map(|name| name.to_str());
        for name in names.filter(|name| name.starts_with(PREFIX)) {
            if let Some((folder, _lock)) = left_behind(&above, name)
                && clear(&folder).await
            {
                // A failed removal is retried by the next program.
                let _ = above.remove(name);
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let path = self.folder.path();
        if let (Some(above), Some(name)) = (path.parent(), path.file_name()) {
            // A failed removal is retried by the next program.
            let _ = Folder::open(above).and_then(|above| above.remove(name));
        }
    }
}

/// A directory of ours whose program is gone, with its lock.
fn left_behind(above: &Folder, name: &str) -> Option<(Folder, File)> {
    // Others may use such names, too.
    let folder = above.folder(name).ok().filter(Folder::is_private)?;
    let lock = folder.open_file(LOCK).ok()?;
    lock.try_lock().ok()?;
    Some((folder, lock))
}

/// Stops what runs from it; returns false if that is not possible now.
async fn clear(folder: &Folder) -> bool {
    let Ok(hosts) = folder.folder(HOSTS) else { return true };
    let key = folder.read(KEY, 128).ok();
    let key = key.and_then(|text| parse_key(std::str::from_utf8(&text).ok()?));
    longshore_agent::end_left_behind(&hosts, &key.unwrap_or_else(Key::random)).await
}
