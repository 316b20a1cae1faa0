//! Makes files in a sandbox. Nothing here follows a link, whoever made it, so that nothing is written anywhere else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, FileType, Gid, Mode, OFlags, Uid};
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
        let is_new = match sys::mkdirat(folder, name, Mode::from_raw_mode(DIRECTORY)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let own = folder.folder(Path::new(name))?;
        if let Some((uid, gid)) = self.owner.filter(|_| is_new) {
            own.give_ours_to(uid, gid)?;
        }
        Ok(own)
    }

    /// Gives a link to the owner. Another task of the group may have put a second name of somebody's file in its place: so it is held
    /// while it is looked at.
    fn give_link(&self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        let Some((uid, gid)) = self.owner else { return Ok(()) };
        let held = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = sys::openat(folder, name, held, Mode::empty())?;
        let stat = sys::fstat(&link)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink || stat.st_nlink > 1 {
            return Err(replaced());
        }
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        Ok(sys::chownat(&link, c"", uid, gid, AtFlags::EMPTY_PATH)?)
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
        self.give_link(&folder, &name)
    }

    /// A second name of a regular file that was made before.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn hard_link(&self, below: &Path, to: &Path) -> io::Result<()> {
        // It must be a regular file, and not be reached through a link.
        let held = sys::fstat(self.open(to)?)?;
        let (from, first) = self.parent(to)?;
        let (folder, second) = self.parent(below)?;
        Self::clear(&folder, &second)?;
        sys::linkat(&from, &*first, &folder, &*second, AtFlags::empty())?;
        let made = sys::statat(&folder, &*second, AtFlags::SYMLINK_NOFOLLOW)?;
        if (made.st_dev, made.st_ino) != (held.st_dev, held.st_ino) {
            Self::clear(&folder, &second)?;
            return Err(replaced());
        }
        Ok(())
    }

    /// Lets its owner execute a file that was made before, and everybody else who may read it.
    ///
    /// # Errors
    /// If there is no such file.
    pub(super) fn make_executable(&self, below: &Path) -> io::Result<()> {
        let file = self.open(below)?;
        // It was made a moment ago, with one name: with two, it may be anybody's.
        if sys::fstat(&file)?.st_nlink > 1 {
            return Err(replaced());
        }
        Ok(sys::fchmod(&file, Mode::from_raw_mode(0o755))?)
    }
}

/// Root must not follow where a task leads that runs meanwhile in the same sandbox.
fn replaced() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "somebody has put another file in its place")
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

    #[test]
    fn what_is_not_what_was_made_is_neither_made_executable_nor_given_away() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        let directory = tempfile::tempdir().expect("a directory can be made");
        let folder = Folder::open(directory.path()).expect("it opens");
        let path = |name: &str| directory.path().join(name);
        let own = Sandbox::new(folder.clone(), None);
        drop(own.file(Path::new("run"), 0o600).expect("it can be made"));
        own.make_executable(Path::new("run")).expect("it has one name");
        folder.write("foreign", b"secret").expect("it can be written");
        std::fs::hard_link(path("foreign"), path("second")).expect("it is linked");
        assert!(own.make_executable(Path::new("second")).is_err());
        let about = std::fs::metadata(path("foreign")).expect("it is there");
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        own.hard_link(Path::new("again"), Path::new("run")).expect("it is a file");
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can give files to another user");
            return;
        }
        let given = Sandbox::new(folder.clone(), Some((12_345, 12_345)));
        assert!(given.give_link(&folder, OsStr::new("second")).is_err());
        assert_eq!(std::fs::metadata(path("foreign")).expect("it is there").uid(), 0);
        symlink("run", path("link")).expect("it is linked");
        given.give_link(&folder, OsStr::new("link")).expect("it is a link");
        assert_eq!(std::fs::symlink_metadata(path("link")).expect("it is there").uid(), 12_345);
        given.directory(Path::new("a/b"), 0o755).expect("it can be made");
        assert_eq!(std::fs::metadata(path("a/b")).expect("it is there").uid(), 12_345);
    }
}
