//! Files that are kept for other tasks.
//!
//! One file per URI and user, named after a digest of both, so that nothing of a URI becomes a path. A file appears under its name
//! when it is whole; two tasks that want the same one at once may both fetch it. What is kept is not compared with where it came from
//! again, as in Mesos. Source: Apache Mesos, `docs/fetcher-cache-internals.md`.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use longshore_wire_ecs::fetch::FetchCache;
use sha2::{Digest, Sha256};

use super::limits::TIME_MAX;
use crate::files::Folder;

/// A directory of cached files.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Folder,
    bytes_max: u64,
}

/// A place in the cache.
pub(super) struct Slot {
    name: String,
    beside: String,
}

impl Cache {
    /// # Errors
    /// That the directory cannot be opened.
    pub(super) fn open(settings: &FetchCache) -> io::Result<Self> {
        let folder = Folder::open(Path::new(&*settings.directory))?;
        Ok(Self { folder, bytes_max: settings.bytes_max })
    }

    /// The place of a URI for a user.
    pub(super) fn slot(uri: &str, user: &str) -> Slot {
        let digest = Sha256::digest(format!("{user}\n{uri}"));
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let beside = format!(".{name}.{}", std::process::id());
        Slot { name, beside }
    }

    /// What is kept there.
    pub(super) fn find(&self, slot: &Slot) -> Option<File> {
        let file = self.folder.open_file(&*slot.name).ok()?;
        // The oldest go first, so this one is young again.
        let _ = file.set_modified(SystemTime::now());
        Some(file)
    }

    /// A file to fill for a place.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn begin(&self, slot: &Slot) -> io::Result<File> {
        self.abandon(slot);
        self.folder.create_new(&slot.beside)
    }

    /// Forgets what could not be filled.
    pub(super) fn abandon(&self, slot: &Slot) {
        // It is not there, or the next eviction finds it.
        let _ = self.folder.remove(&slot.beside);
    }

    /// Keeps what was filled, and makes room for it; the file, to be read.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(super) fn keep(&self, slot: &Slot) -> io::Result<File> {
        // Opened first: it may be larger than all that is kept.
        let file = self.folder.open_file(&*slot.beside)?;
        self.folder.rename(&slot.beside, &slot.name)?;
        self.evict();
        Ok(file)
    }

    /// Removes the oldest files until the rest is not too large, and what fetchers began that have died. What others are filling now is
    /// left to them.
    fn evict(&self) {
        let names = self.folder.names().unwrap_or_default();
        let (begun, kept): (Vec<&str>, Vec<&str>) =
            names.iter().filter_map(|name| name.to_str()).partition(|name| name.starts_with('.'));
        for name in begun {
            let age = self.folder.modified(name).and_then(|at| at.elapsed().ok());
            // No fetcher lives longer. Its process id would not tell: it may be one of another container.
            if age.is_some_and(|age| age > TIME_MAX) {
                // What cannot be removed now is found again.
                let _ = self.folder.remove(name);
            }
        }
        let mut kept: Vec<(SystemTime, u64, &str)> = kept
            .into_iter()
            .filter_map(|name| {
                Some((self.folder.modified(name)?, self.folder.size_of(name)?, name))
            })
            .collect();
        kept.sort_unstable();
        let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, own, name) in kept {
            if bytes <= self.bytes_max {
                return;
            }
            if self.folder.remove(name).is_ok() {
                bytes -= own;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn what_is_kept_is_found_by_its_uri_and_the_oldest_goes_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_str().expect("it is text").into();
        let cache = Cache::open(&FetchCache { directory: path, bytes_max: 25 }).expect("it opens");
        let keep = |uri: &str, age: u64| {
            let slot = Cache::slot(uri, "");
            let mut file = cache.begin(&slot).expect("it can be made");
            file.write_all(uri.as_bytes()).expect("it can be written");
            let at = SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(at).expect("it is ours");
            let mut text = String::new();
            let read = cache.keep(&slot).expect("it is whole").read_to_string(&mut text);
            assert_eq!((read.expect("it can be read"), &*text), (uri.len(), uri));
        };
        let is_kept = |uri: &str| cache.find(&Cache::slot(uri, "")).is_some();
        keep("http://a/1", 30);
        keep("http://a/2", 20);
        assert!(is_kept("http://a/2") && cache.find(&Cache::slot("http://a/2", "other")).is_none());
        keep("http://a/3", 10);
        assert_eq!(["1", "2", "3"].map(|n| is_kept(&format!("http://a/{n}"))), [false, true, true]);
        keep("http://a/that-is-larger-than-all-that-may-be-kept", 0);
        assert!(!is_kept("http://a/that-is-larger-than-all-that-may-be-kept"));
    }

    #[test]
    fn what_others_are_filling_stays_until_they_cannot_live_any_more() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_str().expect("it is text").into();
        let cache = Cache::open(&FetchCache { directory: path, bytes_max: 4 }).expect("it opens");
        let begin = |name: &str, age: std::time::Duration| {
            let mut file = cache.folder.create_new(name).expect("it can be made");
            file.write_all(b"unfinished").expect("it can be written");
            file.set_modified(SystemTime::now() - age).expect("it is ours");
        };
        begin(".lives.1", TIME_MAX / 2);
        begin(".died.2", TIME_MAX * 2);
        let slot = Cache::slot("http://a/1", "");
        cache.begin(&slot).and_then(|mut file| file.write_all(b"1")).expect("it can be written");
        cache.keep(&slot).expect("it is whole");
        assert!(cache.find(&slot).is_some(), "what is unfinished takes no room");
        assert!(cache.folder.identity_of(".lives.1").is_some());
        assert!(cache.folder.identity_of(".died.2").is_none());
    }
}
