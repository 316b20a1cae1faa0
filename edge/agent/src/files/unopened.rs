//! Directories that are known and not open.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Folder, Listed};

/// A directory that is opened when something in it is asked for: ten thousand of them cost no open files.
///
/// It is found from the directory that it is in, which is held open, and never through a link.
#[derive(Clone, Debug)]
pub struct Unopened {
    above: Folder,
    below: PathBuf,
    path: PathBuf,
}

impl Unopened {
    pub(crate) fn new(above: &Folder, below: PathBuf) -> Self {
        let path = above.path().join(&below);
        Self { above: above.clone(), below, path }
    }

    /// Its path, for people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it.
    ///
    /// # Errors
    /// `NotFound`, or any other reason.
    pub fn open(&self) -> io::Result<Folder> {
        self.above.folder(&self.below)
    }

    /// A subdirectory.
    ///
    /// # Errors
    /// `NotFound`, or any other reason; links are never followed.
    pub fn folder(&self, below: impl AsRef<Path>) -> io::Result<Self> {
        self.open()?.folder(&below)?;
        Ok(Self::new(&self.above, self.below.join(below)))
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// `NotFound`, or any other reason; links are never followed.
    pub fn open_file(&self, below: impl AsRef<Path>) -> io::Result<File> {
        self.open()?.open_file(below)
    }

    /// What is in it, as [`Folder::list`] tells it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn list(&self, entries_max: usize) -> io::Result<Vec<Listed>> {
        self.open()?.list(entries_max)
    }

    /// The user that owns it.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn owner(&self) -> io::Result<u32> {
        self.open()?.owner()
    }

    /// Whether a name below it leads to a directory, without following links.
    pub fn has_folder(&self, below: &Path) -> bool {
        self.open().is_ok_and(|folder| folder.has_folder(below))
    }
}
