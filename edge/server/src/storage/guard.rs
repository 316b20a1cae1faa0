//! Checks that the files of the database are still where they were.
//!
//! If the data directory is removed or replaced while the program runs, the program is left with
//! files that can never be found again. What is written to them is lost, so none of it may be
//! acknowledged.

use std::path::PathBuf;

use longshore_agent::files::{Folder, Identity};

use crate::data_dir::{DATABASE, LOG};

/// Watches the files of the database.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    folder: Folder,
    files: Vec<(&'static str, Option<Identity>)>,
}

/// A file is not in its place.
#[derive(Debug, thiserror::Error)]
#[error("{0} was removed, moved or replaced while the program was running")]
pub(crate) struct Gone(PathBuf);

impl Guard {
    /// Watches the database in its current place.
    pub(super) fn new(folder: &Folder) -> Self {
        let files = [DATABASE, LOG].map(|name| (name, folder.identity_of(name)));
        Self { folder: folder.clone(), files: files.into() }
    }

    /// Checks that everything is in its place, with four system calls.
    ///
    /// # Errors
    /// What is not.
    pub(crate) fn check(&self) -> Result<(), Gone> {
        if !self.folder.is_in_place() {
            return Err(Gone(self.folder.path().to_owned()));
        }
        for (name, identity) in &self.files {
            if self.folder.identity_of(name) != *identity {
                return Err(Gone(self.folder.path().join(name)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_moved_or_replaced_is_noticed() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Folder::open(directory.path()).expect("it opens").make("own").expect("it can");
        let path = directory.path().join("own");
        let (own, aside) = (path.join(DATABASE), directory.path().join("aside"));
        folder.write(DATABASE, b"").expect("it can be written");
        folder.write(LOG, b"").expect("it can be written");
        let guard = Guard::new(&folder);
        guard.check().expect("all is in its place");
        let why = || guard.check().expect_err("it is noticed").to_string();
        std::fs::rename(&own, &aside).expect("it can be moved");
        assert!(why().contains(DATABASE), "{}", why());
        std::fs::write(&own, "").expect("another takes its place");
        assert!(why().contains(DATABASE), "{}", why());
        std::fs::rename(&aside, &own).expect("it can be moved back");
        guard.check().expect("all is in its place again");
        std::fs::rename(&path, &aside).expect("it can be moved");
        assert!(why().starts_with(&path.display().to_string()), "{}", why());
        std::fs::create_dir(&path).expect("another takes its place");
        assert!(why().starts_with(&path.display().to_string()), "{}", why());
    }
}
