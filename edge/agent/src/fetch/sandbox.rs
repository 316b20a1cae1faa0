//! Makes files in a sandbox. Nothing here follows a link, whoever made it, so that nothing is written anywhere else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, Gid, Mode, Uid};
use rustix::io::Errno;

use super::limits::{DEPTH_MAX, PATH_BYTES_MAX};
use crate::files::Folder;

/// Mode of directories that are made on the way to a file.
const DIRECTORY: u32 = 0o755;

/// A sandbox that is being filled.
#[derive(Clone, Debug)]
pub(super) struct Sandbox {
    folder: Folder,
    /// Whose files they are, if not our own.
    owner: Option<(u32, u32)>,
}

/// The names of a path that leads downwards, from an archive or an order.
///
/// # Errors
/// What is wrong with it.
pub(super) fn downward(path: &Path) -> Result<PathBuf, String> {
    let mut names = PathBuf::new();
    let shown = path.display();
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() > PATH_BYTES_MAX || bytes.contains(&0) {
        return Err("a path is too long, or has a NUL in it".to_owned());
    }
    let mut depth = 0;
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                names.push(name);
                depth += 1;
            }
            Component::CurDir => {}
            _ => return Err(format!("the path {shown} leads out of the sandbox")),
        }
    }
    if depth > DEPTH_MAX {
        return Err(format!("the path {shown} has more than {DEPTH_MAX} directories"));
    }
    Ok(names)
}

/// Checks where a link leads that is made at `at`: up as far as the sandbox goes, then down. What is on the way up are the real
/// directories that the link is in, so that no other link can turn it elsewhere.
///
/// # Errors
/// That it leads out.
pub(super) fn inward(at: &Path, target: &Path) -> Result<(), String> {
    let out = || {
        let (at, target) = (at.display(), target.display());
        Err(format!("the link {at} leads to {target}, out of the sandbox"))
    };
    if target.as_os_str().is_empty() || target.as_os_str().len() > PATH_BYTES_MAX {
        return out();
    }
    let mut above = at.components().count().saturating_sub(1);
    let mut is_down = false;
    for part in target.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => is_down = true,
            Component::ParentDir if !is_down && above > 0 => above -= 1,
            _ => return out(),
        }
    }
    Ok(())
}

impl Sandbox {
    pub(super) fn new(folder: Folder, owner: Option<(u32, u32)>) -> Self {
        Self { folder, owner }
    }

    /// Opens the directory that a path is in, making it as needed, and the last name of the path.
    fn parent(&self, below: &Path) -> io::Result<(Folder, OsString)> {
        let name = below.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        let mut folder = self.folder.clone();
        for part in below.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(part) = part else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            folder = self.enter(&folder, part)?;
        }
        Ok((folder, name))
    }

    /// Opens a directory in another one, making it as needed.
    fn enter(&self, folder: &Folder, name: &OsStr) -> io::Result<Folder> {
        match sys::mkdirat(folder, name, Mode::from_raw_mode(DIRECTORY)) {
            Ok(()) => self.own_name(folder, name)?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        folder.folder(Path::new(name))
    }

    fn own_name(&self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            sys::chownat(folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    /// Removes what is in the way of a file or link, unless it is a directory.
    fn clear(folder: &Folder, name: &OsStr) -> io::Result<()> {
        match sys::unlinkat(folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A new file, in place of an older one or of a link.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn file(&self, below: &Path, mode: u32) -> io::Result<File> {
        let (folder, name) = self.parent(below)?;
        Self::clear(&folder, &name)?;
        let name = name.to_str().ok_or_else(|| io::Error::other("a name is not UTF-8"))?;
        let file = folder.create_new(name)?;
        if let Some((uid, gid)) = self.owner {
            sys::fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        sys::fchmod(&file, plain(mode) | Mode::RUSR | Mode::WUSR)?;
        Ok(file)
    }

    /// Opens a file that was made before.
    ///
    /// # Errors
    /// If it cannot be opened; links are never followed.
    pub(super) fn open(&self, below: &Path) -> io::Result<File> {
        self.folder.open_file(below)
    }

    /// A directory.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn directory(&self, below: &Path, mode: u32) -> io::Result<()> {
        if below.as_os_str().is_empty() {
            return Ok(());
        }
        let (folder, name) = self.parent(below)?;
        let own = self.enter(&folder, &name)?;
        Ok(sys::fchmod(&own, plain(mode) | Mode::RWXU)?)
    }

    /// A link, which must have been found to lead inwards.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn symlink(&self, below: &Path, target: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(below)?;
        Self::clear(&folder, &name)?;
        sys::symlinkat(target, &folder, &*name)?;
        self.own_name(&folder, &name)
    }

    /// A second name of a regular file that was made before.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn hard_link(&self, below: &Path, to: &Path) -> io::Result<()> {
        // It must be a regular file, and not be reached through a link.
        drop(self.open(to)?);
        let (from, first) = self.parent(to)?;
        let (folder, second) = self.parent(below)?;
        Self::clear(&folder, &second)?;
        Ok(sys::linkat(&from, &*first, &folder, &*second, AtFlags::empty())?)
    }

    /// Lets its owner execute a file that was made before, and everybody else who may read it.
    ///
    /// # Errors
    /// If there is no such file.
    pub(super) fn make_executable(&self, below: &Path) -> io::Result<()> {
        let file = self.open(below)?;
        Ok(sys::fchmod(&file, Mode::from_raw_mode(0o755))?)
    }
}

/// A mode without the bits that lend rights.
fn plain(mode: u32) -> Mode {
    Mode::from_raw_mode(mode & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_down_or_are_refused() {
        let down = |path: &str| downward(Path::new(path));
        assert_eq!(down("./a//b/."), Ok("a/b".into()));
        assert_eq!(down("./"), Ok(PathBuf::new()));
        for wrong in ["/etc/passwd", "..", "a/../../b", "a\0b", &"d/".repeat(200)] {
            assert!(down(wrong).is_err(), "{wrong:?}");
        }
        assert!(down(&"x".repeat(5_000)).is_err());
    }

    #[test]
    fn links_lead_inwards_or_are_refused() {
        let leads = |at: &str, target: &str| inward(Path::new(at), Path::new(target)).is_ok();
        assert!(leads("bin/java", "../lib/java"));
        assert!(leads("a", "b/c"));
        assert!(leads("a/b", "./c"));
        for (at, target) in [
            ("a", "/etc"),
            ("a", "../b"),
            ("a/b", "../../c"),
            ("a", "b/../.."),
            ("a", "b/.."),
            ("a", ""),
        ] {
            assert!(!leads(at, target), "{at} -> {target}");
        }
    }
}
